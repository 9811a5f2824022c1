# Sourced before each process: the app's own Node.js, and how it behaves under a platform.
# Its variables are called TWELVE_..., as no config var is.
export PATH="/app/.twelve/node/bin:/app/node_modules/.bin:$PATH"
export NODE_ENV="${NODE_ENV:-production}"
# What a process is meant to have, for those who count by it; npm start needs neither the network nor a place for its journals.
export WEB_MEMORY="${WEB_MEMORY:-512}"
export npm_config_update_notifier="${npm_config_update_notifier:-false}" npm_config_logs_max="${npm_config_logs_max:-0}"
# Yarn's Plug'n'Play, for commands that do not begin with yarn.
if [ -f /app/.pnp.cjs ]; then
	case " ${NODE_OPTIONS:-} " in
	*" /app/.pnp.cjs "*) ;;
	*)
		NODE_OPTIONS="${NODE_OPTIONS:+$NODE_OPTIONS }--require /app/.pnp.cjs"
		[ ! -f /app/.pnp.loader.mjs ] || NODE_OPTIONS="$NODE_OPTIONS --experimental-loader file:///app/.pnp.loader.mjs"
		export NODE_OPTIONS
		;;
	esac
fi
# The memory and the processes of this size, by the names that cluster libraries read.
if [ -z "${WEB_CONCURRENCY:-}" ]; then
	TWELVE_WORKERS=1
	for TWELVE_LIMIT in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
		[ -r "$TWELVE_LIMIT" ] || continue
		read -r TWELVE_BYTES <"$TWELVE_LIMIT" || continue
		# "max", or a number of 19 digits, is no limit.
		case $TWELVE_BYTES in *[!0-9]* | ?????????????*) continue ;; esac
		export MEMORY_AVAILABLE="${MEMORY_AVAILABLE:-$((TWELVE_BYTES / 1048576))}"
		# A config var that is no number of megabytes must not end the shell.
		case ${WEB_MEMORY:-512} in *[!0-9]* | 0* | ?????????*) TWELVE_EACH=512 ;; *) TWELVE_EACH=${WEB_MEMORY:-512} ;; esac
		TWELVE_WORKERS=$((TWELVE_BYTES / 1048576 / TWELVE_EACH))
	done
	[ "$TWELVE_WORKERS" -ge 1 ] || TWELVE_WORKERS=1
	export WEB_CONCURRENCY=$TWELVE_WORKERS
	unset TWELVE_WORKERS TWELVE_LIMIT TWELVE_BYTES TWELVE_EACH
fi
