# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
#
# An app owns its database: functions, operators, casts and rules of its making stand wherever a name is looked up. So
# the administrator logs in to "postgres" alone, where no app can make anything, and what must be done inside an app's database is
# done by a role that is there what the app is and no more (visitor). No session looks into a schema but pg_catalog.
set -euo pipefail
export PATH=/usr/lib/postgresql/15/bin:$PATH LC_ALL=C.UTF-8
export PGCONNECT_TIMEOUT=10 PGAPPNAME=twelve

die() {
	echo "$*" >&2
	exit 1
}

# What an app sets for its database or its roles does not hold for a session that says these itself. Jobs come by the socket in
# the volume, where no app is; a server that was started before there was one is at its address still.
steady() {
	export PGHOST=$HOST PGPORT=$PORT PGCLIENTENCODING=UTF8
	[ ! -d "$DATA/run" ] || PGHOST=$DATA/run
	PGOPTIONS='-c search_path= -c role=none -c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0'
	PGOPTIONS+=' -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 -c standard_conforming_strings=on'
	export PGOPTIONS
}

# As the administrator, who is let in by password like everybody.
admin() {
	steady
	export PGUSER=postgres PGPASSWORD=$ADMIN_PASSWORD PGDATABASE=postgres
}

random_hex() { head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# COMMAND...: a client, again while all connections are taken: those that never log in are cut after five seconds (bin/server).
patiently() {
	local said status tries=0
	while status=0 && { said=$("$@" 2>&1) || status=$?; } && [ $status != 0 ]; do
		case $said in
		*'too many clients already'* | *'remaining connection slots are reserved'*) ;;
		*) break ;;
		esac
		[ $((tries += 1)) -lt 60 ] || break
		sleep 0.5
	done
	[ -z "$said" ] || echo "$said"
	return $status
}

# SQL from standard input; stops at the first error, whose sentence is the last line.
run_sql() {
	local said
	said=$(patiently psql -XqAt -v ON_ERROR_STOP=1 "$@") || die "${said:-PostgreSQL gave no reason}"
	[ -z "$said" ] || echo "$said"
}

# ROLE: of the connections that there are, an app's login has as many as the plan says and no more.
limit_role() {
	run_sql -v user="$1" -v n="$PLAN_CONNECTIONS" <<<'ALTER ROLE :"user" CONNECTION LIMIT :n;' >/dev/null
}

# The databases of apps: all but the administrator's own. An app may say that its own is a template, so that is not asked.
app_databases() {
	run_sql <<<"SELECT datname FROM pg_catalog.pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')
		AND datname NOT LIKE '%\_\_new' AND datname NOT LIKE '%\_\_old' ORDER BY 1"
}

# What an app may have said about its database that would be in our way.
open_database() {
	run_sql -v name="$1" <<-'SQL' >/dev/null
		SELECT pg_catalog.format('ALTER DATABASE %I WITH IS_TEMPLATE false', datname) FROM pg_catalog.pg_database WHERE datname = :'name' AND datistemplate \gexec
		SELECT pg_catalog.format('ALTER DATABASE %I WITH ALLOW_CONNECTIONS true', datname) FROM pg_catalog.pg_database WHERE datname = :'name' AND NOT datallowconn \gexec
		SELECT pg_catalog.format('ALTER DATABASE %I WITH CONNECTION LIMIT -1', datname) FROM pg_catalog.pg_database WHERE datname = :'name' AND datconnlimit <> -1 \gexec
	SQL
}

# ROLE GROUP [read]: makes a role for one job, which is what the app's roles are, and sees all rows when it is to read.
# Prints its password. One that a killed job left gets another password.
make_visitor() {
	local secret attributes=NOBYPASSRLS
	[ -z "$(run_sql -v group="$2" <<<"SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = :'group' AND (rolsuper OR rolcanlogin)")" ] ||
		die "$2 is no app's"
	secret=$(random_hex)
	[ "${3:-}" != read ] || attributes=BYPASSRLS
	run_sql -v visitor="$1" -v group="$2" <<-SQL >/dev/null
		SET log_statement = 'none'; SET log_min_error_statement = 'panic';
		SELECT pg_catalog.format('CREATE ROLE %I NOLOGIN', :'visitor') WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'visitor') \gexec
		ALTER ROLE :"visitor" LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION $attributes PASSWORD '$secret';
		GRANT :"group" TO :"visitor";
		SELECT pg_catalog.format('GRANT %I TO %I', m.rolname, :'visitor') FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
			JOIN pg_catalog.pg_roles m ON m.oid = a.member WHERE g.rolname = :'group' AND m.rolname ~ '^u[0-9a-f]{16}\$' AND '${3:-}' = 'read' \gexec
		SELECT pg_catalog.format('GRANT pg_read_all_data TO %I', :'visitor') WHERE '${3:-}' = 'read' \gexec
	SQL
	echo "$secret"
}

# Gone, or at least without a login: what it made in spite of its role keeps it.
drop_visitor() {
	run_sql -v visitor="$1" <<-'SQL' >/dev/null
		SELECT pg_catalog.format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_catalog.pg_roles WHERE rolname = :'visitor' \gexec
		SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = :'visitor';
	SQL
	(run_sql -v visitor="$1" <<<'DROP ROLE IF EXISTS :"visitor";') >/dev/null 2>&1 || :
}

# ROLE PASSWORD DATABASE COMMAND...
as_role() {
	steady
	export PGUSER=$1 PGPASSWORD=$2 PGDATABASE=$3
	shift 3
	"$@"
}

# DATABASE COMMAND...: runs it with a login that has the app's own rights there, for the time of the command.
as_reader() {
	local database=$1 status=0 secret
	shift
	open_database "$database"
	secret=$(make_visitor "${database}__read" "$database" read)
	(as_role "${database}__read" "$secret" "$database" "$@") || status=$?
	drop_visitor "${database}__read"
	return $status
}

# What a session of an app's rights has printed may be anything: a number is one of digits.
number() {
	[[ $1 =~ ^[0-9]{1,18}$ ]] || die "That was no number: $1"
	echo "$1"
}

# Of the login that is left to people when a database is too full to let its app in; twelved knows it as well.
rescue_password() { printf '%s' "$ADMIN_PASSWORD:rescue:$1" | sha256sum | cut -c 1-40; }

drop_database() {
	open_database "$1"
	run_sql -v name="$1" <<<'DROP DATABASE IF EXISTS :"name" WITH (FORCE);' >/dev/null
}

# NAME...: what was made beside them as NAME__new takes their places, all at once.
swap_databases() {
	local name said swapped='' _
	{
		for name; do
			echo "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname IN ('$name', '${name}__new') AND pid <> pg_catalog.pg_backend_pid();"
		done
		echo "BEGIN;"
		for name; do
			echo "SELECT pg_catalog.format('ALTER DATABASE %I RENAME TO %I', '$name', '${name}__old') WHERE EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = '$name') \\gexec"
			echo "ALTER DATABASE \"${name}__new\" RENAME TO \"$name\";"
			echo "GRANT CONNECT, TEMPORARY, CREATE ON DATABASE \"$name\" TO \"$name\";"
		done
		echo "COMMIT;"
	} >/tmp/swap.sql
	# Somebody may connect between the end of the sessions and the renaming.
	for _ in 1 2 3 4 5; do
		said=$(psql -XqAt -v ON_ERROR_STOP=1 -f /tmp/swap.sql 2>&1) && swapped=1 && break
		sleep 0.2
	done
	[ -n "$swapped" ] || die "The new databases could not be put in place: ${said##*$'\n'}"
	for name; do drop_database "${name}__old"; done
}
