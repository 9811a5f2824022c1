# Sourced before each process: the app's own Node.js, and how it behaves under a platform.
export PATH="/app/.twelve/node/bin:/app/node_modules/.bin:$PATH"
export NODE_ENV="${NODE_ENV:-production}"
# npm start needs neither the network nor a place for its journals.
export npm_config_update_notifier=false npm_config_logs_max=0
# The memory and the processes of this size, by the names that cluster libraries read.
if [ -z "${WEB_CONCURRENCY:-}" ]; then
	twelve_workers=1
	for twelve_file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
		[ -r "$twelve_file" ] || continue
		read -r twelve_bytes <"$twelve_file" || continue
		# "max", or a number of 19 digits, is no limit.
		case $twelve_bytes in *[!0-9]* | ?????????????*) continue ;; esac
		export MEMORY_AVAILABLE="${MEMORY_AVAILABLE:-$((twelve_bytes / 1048576))}"
		twelve_workers=$((twelve_bytes / 1048576 / ${WEB_MEMORY:-512}))
	done
	[ "$twelve_workers" -ge 1 ] || twelve_workers=1
	export WEB_CONCURRENCY=$twelve_workers
	unset twelve_workers twelve_file twelve_bytes
fi
