# Sourced before each process: what frameworks of Rust read. Nothing of it replaces a config var.
export PATH="$PATH:/app/target/release"
# Rocket and Leptos do not read PORT themselves.
export ROCKET_PORT="${ROCKET_PORT:-${PORT:-8000}}" ROCKET_ADDRESS="${ROCKET_ADDRESS:-0.0.0.0}"
export LEPTOS_SITE_ADDR="${LEPTOS_SITE_ADDR:-0.0.0.0:${PORT:-3000}}"
export RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
