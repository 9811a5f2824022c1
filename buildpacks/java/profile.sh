# Sourced before each process: the memory of the JVM, the port by the names of frameworks, and databases as JDBC has them, as on Heroku.
# Its variables are called TWELVE_..., as no config var is.
export LANG="${LANG:-C.UTF-8}" JAVA_OPTS="${JAVA_OPTS:-}"

TWELVE_JVM="-XX:+UseContainerSupport -Dfile.encoding=UTF-8"
for TWELVE_LIMIT in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
	[ -r "$TWELVE_LIMIT" ] || continue
	read -r TWELVE_BYTES <"$TWELVE_LIMIT" || continue
	# "max", or a number of 19 digits, is no limit.
	case $TWELVE_BYTES in *[!0-9]* | ?????????????*) continue ;; esac
	TWELVE_MB=$((TWELVE_BYTES / 1048576))
	# What is beside the heap (classes, threads, compiled code) does not grow with it.
	if [ "$TWELVE_MB" -le 1024 ]; then
		TWELVE_JVM="$TWELVE_JVM -Xmx$((TWELVE_MB * 60 / 100))m -Xss512k -XX:CICompilerCount=2"
	else
		TWELVE_JVM="$TWELVE_JVM -Xmx$((TWELVE_MB * 80 / 100))m"
	fi
	break
done
case " ${JAVA_OPTS:-} ${JAVA_TOOL_OPTIONS:-}" in
*" -Xmx"* | *" -XX:MaxRAM"*) ;;
*) export JAVA_TOOL_OPTIONS="$TWELVE_JVM${JAVA_TOOL_OPTIONS:+ $JAVA_TOOL_OPTIONS}" ;;
esac
unset TWELVE_JVM TWELVE_LIMIT TWELVE_BYTES TWELVE_MB

if [ -n "${PORT:-}" ]; then
	export SERVER_PORT="${SERVER_PORT:-$PORT}" QUARKUS_HTTP_PORT="${QUARKUS_HTTP_PORT:-$PORT}" MICRONAUT_SERVER_PORT="${MICRONAUT_SERVER_PORT:-$PORT}"
	export QUARKUS_HTTP_HOST="${QUARKUS_HTTP_HOST:-0.0.0.0}" MICRONAUT_SERVER_HOST="${MICRONAUT_SERVER_HOST:-0.0.0.0}"
fi

eval "$(perl /app/.twelve/java/jdbc.pl)"
