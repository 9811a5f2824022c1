# Sourced before each process: the app's gems, and how Ruby behaves under a platform, as on Heroku.
# Its variables are called TWELVE_..., as no config var is.
export PATH="/app/bin:/app/vendor/bundle/bin:$PATH"
export LANG="${LANG:-C.UTF-8}"
export RACK_ENV="${RACK_ENV:-production}" RAILS_ENV="${RAILS_ENV:-production}"
export RAILS_LOG_TO_STDOUT="${RAILS_LOG_TO_STDOUT:-enabled}" RAILS_SERVE_STATIC_FILES="${RAILS_SERVE_STATIC_FILES:-enabled}"
# glibc keeps memory of each thread otherwise, which adds up to twice of what is used.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
export BUNDLE_WITHOUT="${BUNDLE_WITHOUT-development:test}"
