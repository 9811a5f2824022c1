# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail

die() {
	echo "$*" >&2
	exit 1
}

# A command as the administrator; fails with Redis's own sentence. The password goes by the environment.
admin() {
	local said
	said=$(REDISCLI_AUTH=$ADMIN_PASSWORD redis-cli --no-auth-warning --user admin -e -h "$HOST" -p "${port:-$PORT}" "$@" 2>&1) ||
		die "${said:-Redis gave no reason}"
	[ -z "$said" ] || echo "$said"
}

sha256() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }

# A field of INFO.
info() { admin INFO "$1" | tr -d '\r' | sed -n "s/^$2://p"; }
