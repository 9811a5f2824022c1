# Sourced before each process: the app's own programs, and how Go behaves under a platform.
# Its variables are called TWELVE_..., as no config var is.
export PATH="$PATH:/app/bin"
[ ! -d /app/.twelve/go ] || export PATH="/app/.twelve/go/bin:$PATH" GOROOT="${GOROOT:-/app/.twelve/go}"
# The collector works harder when nine tenths of the memory are used, instead of ending there.
if [ -z "${GOMEMLIMIT:-}" ]; then
	for TWELVE_LIMIT in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
		[ -r "$TWELVE_LIMIT" ] || continue
		read -r TWELVE_BYTES <"$TWELVE_LIMIT" || continue
		# "max", or a number of 19 digits, is no limit.
		case $TWELVE_BYTES in *[!0-9]* | ?????????????*) continue ;; esac
		export GOMEMLIMIT="$((TWELVE_BYTES / 10 * 9 / 1048576))MiB"
	done
fi
# A share of the processors; Go looks at it itself since 1.25.
if [ -z "${GOMAXPROCS:-}" ] && [ -r /sys/fs/cgroup/cpu.max ] && read -r TWELVE_QUOTA TWELVE_PERIOD </sys/fs/cgroup/cpu.max; then
	case $TWELVE_QUOTA in
	*[!0-9]*) ;;
	*) export GOMAXPROCS="$(((TWELVE_QUOTA + TWELVE_PERIOD - 1) / TWELVE_PERIOD))" ;;
	esac
fi
unset TWELVE_LIMIT TWELVE_BYTES TWELVE_QUOTA TWELVE_PERIOD
