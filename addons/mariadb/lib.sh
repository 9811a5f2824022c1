# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 077

die() {
	echo "$*" >&2
	exit 1
}

# The administrator's options, in a file that is gone with the sandbox.
admin() {
	[ -e /tmp/admin.cnf ] ||
		printf '[client]\nuser=admin\npassword=%s\nhost=%s\nport=%s\nprotocol=tcp\n' \
			"$ADMIN_PASSWORD" "$HOST" "$PORT" >/tmp/admin.cnf
}

# SQL from standard input; its first error is the last line.
run_sql() {
	local said
	admin
	said=$(mariadb --defaults-file=/tmp/admin.cnf --batch --skip-column-names "$@" 2>&1) || die "${said:-MariaDB gave no reason}"
	[ -z "$said" ] || echo "$said"
}

app_databases() {
	run_sql <<<"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN
		('mysql', 'sys', 'information_schema', 'performance_schema') AND schema_name NOT LIKE '%\_\_new' ORDER BY 1"
}
