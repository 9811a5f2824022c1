# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail

die() {
	echo "$*" >&2
	exit 1
}

# SQL from standard input. The server looks into this file at each login.
users() {
	sqlite3 -bail -cmd '.timeout 5000' "$DATA/users.db"
}
