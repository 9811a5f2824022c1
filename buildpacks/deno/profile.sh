# Sourced before each process: the app's own Deno, and where it listens.
export PATH="/app/.twelve/deno/bin:$PATH"
export DENO_DIR="${DENO_DIR:-/app/.twelve/deno/cache}" DENO_NO_UPDATE_CHECK=1
export NODE_ENV="${NODE_ENV:-production}"
# Deno.serve and "deno serve" listen on port 8000 unless told.
[ -z "${PORT:-}" ] || export DENO_SERVE_ADDRESS="${DENO_SERVE_ADDRESS:-tcp:0.0.0.0:$PORT}"
