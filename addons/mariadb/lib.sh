# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
#
# An app's tables, views, triggers and routines are its own, and so are their names. The administrator opens none of
# them: what must be read or loaded in a database is done by its keeper, a user without a login who may do there what the app may and
# nothing elsewhere, and who gets a login for the time of a job. Names go into statements quoted by the server.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 077

die() {
	echo "$*" >&2
	exit 1
}

random_hex() { head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# FILE USER PASSWORD: options of a client, in a file that is gone with the sandbox. No server gets a file of ours. Jobs come by the
# socket in the volume, where no app is; a server that was started before there was one is at its address still.
options() {
	local where="socket=$DATA/run/mariadb.sock\nprotocol=socket"
	[ -d "$DATA/run" ] || where="host=$HOST\nport=$PORT\nprotocol=tcp"
	printf "[client]\nuser=%s\npassword=%s\n$where\n[mariadb]\nlocal-infile=0\n" "$2" "$3" >"$1"
}

admin() {
	[ -e /tmp/admin.cnf ] || options /tmp/admin.cnf twelve "$ADMIN_PASSWORD"
}

# SQL from standard input, with the options of $as, else as the administrator; its first error is the last line.
run_sql() {
	local said
	admin
	said=$(mariadb --defaults-file="${as:-/tmp/admin.cnf}" --batch --skip-column-names "$@" 2>&1) || die "${said:-MariaDB gave no reason}"
	[ -z "$said" ] || echo "$said"
}

app_databases() {
	run_sql <<<"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN
		('mysql', 'sys', 'information_schema', 'performance_schema') AND schema_name NOT LIKE '%\_\_new' ORDER BY 1"
}

# DATABASE: the keeper may do there what an app may, and in the place where a backup is tried (DATABASE__new).
# Views and routines that are loaded go on by its name, so it stays, locked.
make_keeper() {
	local keeper="keeper_$1"
	run_sql <<-SQL >/dev/null
		CREATE USER IF NOT EXISTS '$keeper'@'%' IDENTIFIED BY '$(random_hex)' ACCOUNT LOCK;
		GRANT ALL ON \`${1//_/\\_}\`.* TO '$keeper'@'%';
		GRANT ALL ON \`${1//_/\\_}\\_\\_new\`.* TO '$keeper'@'%';
	SQL
}

# DATABASE COMMAND...: runs it with the keeper's login in $as; to dump, it is shown what routines say.
as_keeper() {
	local keeper="keeper_$1" status=0 secret
	shift
	secret=$(random_hex)
	make_keeper "${keeper#keeper_}"
	run_sql <<-SQL >/dev/null
		ALTER USER '$keeper'@'%' IDENTIFIED BY '$secret' ACCOUNT UNLOCK;
		GRANT SELECT ON mysql.proc TO '$keeper'@'%';
	SQL
	options /tmp/keeper.cnf "$keeper" "$secret"
	(as=/tmp/keeper.cnf "$@") || status=$?
	rm -f /tmp/keeper.cnf
	run_sql <<-SQL >/dev/null
		ALTER USER '$keeper'@'%' IDENTIFIED BY '$(random_hex)' ACCOUNT LOCK;
		REVOKE SELECT ON mysql.proc FROM '$keeper'@'%';
	SQL
	return $status
}

# What a session of an app's rights has printed may be anything: a number is one of digits.
number() {
	[[ $1 =~ ^[0-9]{1,18}$ ]] || die "That was no number: $1"
	echo "$1"
}

# Of the login that is left to people when the volume is too full for apps; twelved knows it as well.
rescue_password() { printf '%s' "$ADMIN_PASSWORD:rescue:$1" | sha256sum | cut -c 1-40; }
