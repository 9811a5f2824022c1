# SPDX-License-Identifier: Apache-2.0
# What the scripts share. Sourced.
set -euo pipefail
umask 077

die() {
	echo "$*" >&2
	exit 1
}

# METHOD PATH [JSON]: the management interface at PORT4, as the administrator. Prints the answer.
api() {
	local body=${3:-}
	{
		echo "user = \"admin:$ADMIN_PASSWORD\""
		echo "url = \"http://$HOST:$PORT4/api$2\""
		echo "request = \"$1\""
		[ -z "$body" ] || printf 'data-binary = "@%s"\nheader = "content-type: application/json"\n' "$body"
	} >/tmp/curl.conf
	curl -sS --max-time 60 -o /tmp/answer -w '%{http_code}' -K /tmp/curl.conf >/tmp/status 2>/tmp/curl.err ||
		die "RabbitMQ's management does not answer: $(tail -n 1 /tmp/curl.err)"
	case $(cat /tmp/status) in
	2??) cat /tmp/answer ;;
	404) return 4 ;;
	*) die "RabbitMQ said $(cat /tmp/status): $(head -c 300 /tmp/answer)" ;;
	esac
}

# A small JSON text as a file, for api().
json() {
	printf '%s' "$1" >/tmp/body
	echo /tmp/body
}

# NAME: an app's login has as many connections as the plan says and no more. One that was revoked meanwhile has none; a server that was
# started when plans said nothing of it is not told yet.
limit_user() { [ -z "${PLAN_CONNECTIONS:-}" ] || api PUT "/user-limits/$1/max-connections" "$(json "{\"value\": $PLAN_CONNECTIONS}")" >/dev/null || [ $? = 4 ]; }

vhosts() {
	api GET '/vhosts?columns=name' | grep -o '"name":"[^"]*"' | cut -d'"' -f4 | grep -v '^/$' || :
}
