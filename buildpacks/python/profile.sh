# Sourced before each process: the app's own Python, and how it behaves under a platform.
export PATH="/app/.twelve/venv/bin:$PATH"
export LANG="${LANG:-C.UTF-8}"
export PYTHONHASHSEED="${PYTHONHASHSEED:-random}"
# Lines reach the log when they are written, not when a buffer is full.
export PYTHONUNBUFFERED="${PYTHONUNBUFFERED:-1}"
# gunicorn and its kin read this: a worker for each 256 MB, twice the processors and one at most.
if [ -z "${WEB_CONCURRENCY:-}" ]; then
	twelve_workers=2
	for twelve_file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
		[ -r "$twelve_file" ] || continue
		read -r twelve_bytes <"$twelve_file" || continue
		# "max", or a number of 19 digits, is no limit.
		case $twelve_bytes in *[!0-9]* | ?????????????*) continue ;; esac
		twelve_workers=$((twelve_bytes / 268435456))
	done
	twelve_most=$(($(nproc) * 2 + 1))
	[ "$twelve_workers" -le "$twelve_most" ] || twelve_workers=$twelve_most
	[ "$twelve_workers" -ge 1 ] || twelve_workers=1
	export WEB_CONCURRENCY=$twelve_workers
	unset twelve_workers twelve_file twelve_bytes twelve_most
fi
