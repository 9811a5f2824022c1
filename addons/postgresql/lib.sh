# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail
export PATH=/usr/lib/postgresql/15/bin:$PATH LC_ALL=C.UTF-8
export PGCONNECT_TIMEOUT=10 PGAPPNAME=twelve

die() {
	echo "$*" >&2
	exit 1
}

# As the administrator, who is let in by password like everybody.
admin() {
	export PGHOST=$HOST PGPORT=$PORT PGUSER=postgres PGPASSWORD=$ADMIN_PASSWORD PGDATABASE=${1:-postgres}
}

# SQL from standard input; stops at the first error, whose sentence is the last line.
run_sql() {
	local said
	said=$(psql -XqAt -v ON_ERROR_STOP=1 "$@" 2>&1) || die "${said:-PostgreSQL gave no reason}"
	[ -z "$said" ] || echo "$said"
}

# The databases of apps: all but the administrator's own.
app_databases() {
	run_sql <<<"SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'
		AND datname NOT LIKE '%\_\_new' AND datname NOT LIKE '%\_\_old' ORDER BY 1"
}
