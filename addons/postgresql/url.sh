# SPDX-License-Identifier: Apache-2.0
# $URL as a service of libpq, "url", in a file: an argument would be seen by others. Sourced.
decode() { printf '%b' "${1//%/\\x}"; }
rest=${URL#*://} query=
[ "${rest#*\?}" = "$rest" ] || query=${rest#*\?}
rest=${rest%%\?*}
userinfo=${rest%@*} place=${rest##*@}
[ "$userinfo" != "$rest" ] || userinfo=
hostport=${place%%/*} database=${place#*/}
[ "$database" != "$place" ] || database=
host=${hostport%:*} port=${hostport##*:}
[[ $hostport == *:* && $hostport != *] ]] || { host=$hostport port=; }
host=${host#[} host=${host%]}
say() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$(decode "$2" | tr -d '\n')"; }
(
	umask 077
	{
		echo '[url]'
		say host "$host"
		say port "$port"
		say dbname "$database"
		say user "${userinfo%%:*}"
		[ "${userinfo#*:}" = "$userinfo" ] || say password "${userinfo#*:}"
		IFS='&'
		for option in $query; do say "${option%%=*}" "${option#*=}"; done
	} >/tmp/url.service
)
export PGSERVICEFILE=/tmp/url.service PGSERVICE=url
