# Sourced before each process: the app's own Python, and how it behaves under a platform.
# Its variables are called TWELVE_..., as no config var is.
export PATH="/app/.twelve/venv/bin:$PATH"
export LANG="${LANG:-C.UTF-8}"
export PYTHONHASHSEED="${PYTHONHASHSEED:-random}"
# Lines reach the log when they are written, not when a buffer is full.
export PYTHONUNBUFFERED="${PYTHONUNBUFFERED:-1}"
export PYTHONPATH="${PYTHONPATH:-/app}"
# Who connects is the router, on this machine; its words on where a request comes from are right. Requests are in the log.
export FORWARDED_ALLOW_IPS="${FORWARDED_ALLOW_IPS:-*}"
export GUNICORN_CMD_ARGS="${GUNICORN_CMD_ARGS:---access-logfile -}"
[ ! -d /app/.twelve/nltk_data ] || export NLTK_DATA="${NLTK_DATA:-/app/.twelve/nltk_data}"
# gunicorn and its kin read this: a worker for each 256 MB, twice the processors and one at most.
if [ -z "${WEB_CONCURRENCY:-}" ]; then
	TWELVE_WORKERS=2
	for TWELVE_LIMIT in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
		[ -r "$TWELVE_LIMIT" ] || continue
		read -r TWELVE_BYTES <"$TWELVE_LIMIT" || continue
		# "max", or a number of 19 digits, is no limit.
		case $TWELVE_BYTES in *[!0-9]* | ?????????????*) continue ;; esac
		TWELVE_WORKERS=$((TWELVE_BYTES / 268435456))
	done
	TWELVE_MOST=$(($(nproc) * 2 + 1))
	[ "$TWELVE_WORKERS" -le "$TWELVE_MOST" ] || TWELVE_WORKERS=$TWELVE_MOST
	[ "$TWELVE_WORKERS" -ge 1 ] || TWELVE_WORKERS=1
	export WEB_CONCURRENCY=$TWELVE_WORKERS
	unset TWELVE_WORKERS TWELVE_LIMIT TWELVE_BYTES TWELVE_MOST
fi
