# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail

die() {
	echo "$*" >&2
	exit 1
}

# Jobs come by the socket in the volume, where no app is; a server that was started before there was one is at its address still.
at=(-s "${DATA:-}/run/redis.sock")
[ -d "${DATA:-}/run" ] || at=(-h "${HOST:-}" -p "${PORT:-}")

# A command as the administrator; fails with Redis's own sentence. The password goes by the environment.
admin() {
	local said
	said=$(REDISCLI_AUTH=$ADMIN_PASSWORD redis-cli --no-auth-warning --user admin -e "${at[@]}" "$@" 2>&1) ||
		die "${said:-Redis gave no reason}"
	[ -z "$said" ] || echo "$said"
}

# What all users may. A script may say that it goes on without memory (allow-oom), so scripts are taken away with the rest when the
# volume is full, see bin/full.
# ROLE and LASTSAVE are an administrator's by Redis's list, change nothing, and are asked by clients and by monitoring.
base_rules=(+@all -@admin +role +lastsave -select '+select|0' -flushall -swapdb -move -copy -migrate -function)
# What shows of others what they do, or their keys, or how the server is set up: who is alone may see it.
around=('config|get' 'client|list' 'client|tracking' 'client|unblock' 'slowlog|get' 'slowlog|len' 'slowlog|reset')

# The users of apps, "NAME DATABASE HASH" a line, the owner's database (which has the lowest number) first.
app_users() {
	admin ACL LIST | tr -d '\r' | sed -nE 's/^user (u[0-9a-f]{16}) .*#([0-9a-f]{64}).*\+select\|([1-9][0-9]*).*/\1 \3 \2/p' | sort -n -k 2
}

# Clients that know of no users, and send a password alone, are the user "default": it is the owner's, by each of its passwords, and
# may what these may. A session that was opened with a password of before is closed.
default_user() {
	local first=$1 users=$2 sign=$3 name database hash hashes=() before
	before=$(admin ACL LIST | grep '^user default ' | grep -o '#[0-9a-f]*' | sort || :)
	while read -r name database hash; do
		[ "$database" != "$first" ] || hashes+=("#$hash")
	done <<<"$users"
	if [ -z "$first" ]; then
		# The append-only file is read in its name, whose transactions would be refused: it may all, and nobody is let in as it.
		admin ACL SETUSER default reset off '~*' '&*' +@all >/dev/null
	else
		admin ACL SETUSER default reset on "${hashes[@]}" '~*' '&*' "${base_rules[@]}" "+select|$first" "${around[@]/#/$sign}" >/dev/null
	fi
	[ "$before" = "$(printf '%s\n' "${hashes[@]}" | sort)" ] || admin CLIENT KILL USER default >/dev/null
}

# Whether more than one app has a database decides what each may see.
look_around() {
	local users sign=+ name first
	users=$(app_users)
	[ "$(cut -s -d' ' -f2 <<<"$users" | sort -u | grep -c . || :)" -le 1 ] || sign=-
	first=$(head -n 1 <<<"$users" | cut -s -d' ' -f2)
	while read -r name _; do
		[ -z "$name" ] || admin ACL SETUSER "$name" "${around[@]/#/$sign}" >/dev/null
	done <<<"$users"
	default_user "$first" "$users" "$sign"
	# What others did before is nobody's.
	admin SLOWLOG RESET >/dev/null
}

# Of the login that is left to people when the volume is too full for apps; twelved knows it as well.
rescue_password() { printf '%s' "$ADMIN_PASSWORD:rescue:$1" | sha256sum | cut -c 1-40; }

sha256() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }

# A field of INFO.
info() { admin INFO "$1" | tr -d '\r' | sed -n "s/^$2://p"; }
