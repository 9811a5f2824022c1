# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail

die() {
	echo "$*" >&2
	exit 1
}

# SQL from standard input. The server opens this file at each login, and one that is locked refuses the
# login; so it is changed aside, and replaced.
users() {
	rm -f "$DATA"/users.new*
	[ ! -e "$DATA/users.db" ] || cp "$DATA/users.db" "$DATA/users.new"
	sqlite3 -bail "$DATA/users.new"
	mv "$DATA/users.new" "$DATA/users.db"
	sync "$DATA"
}
