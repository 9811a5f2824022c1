# Sourced before each process: PHP's settings, and the commands of Procfiles. Its variables are called TWELVE_..., as
# no config var is.
export PATH="/app/.twelve/php/bin:/app/vendor/bin:$PATH"
export PHP_INI_SCAN_DIR="${PHP_INI_SCAN_DIR:-}:/app/.twelve/php/conf.d"
export COMPOSER_HOME="${COMPOSER_HOME:-/tmp/composer}" COMPOSER_CACHE_DIR="${COMPOSER_CACHE_DIR:-/tmp/composer/cache}"
# What is written to a file of the dyno is read by nobody.
[ ! -f /app/artisan ] || export LOG_CHANNEL="${LOG_CHANNEL:-stderr}"
[ ! -f /app/config/bundles.php ] || export APP_ENV="${APP_ENV:-prod}"
