# SPDX-License-Identifier: Apache-2.0
# $URL as an options file, and $database. Sourced.
rest=${URL#*://}
rest=${rest%%\?*}
userinfo=${rest%@*} place=${rest##*@}
[ "$userinfo" != "$rest" ] || userinfo=
hostport=${place%%/*} database=${place#*/}
[ "$database" != "$place" ] || database=
decode() { printf '%b' "${1//%/\\x}"; }
port=${hostport##*:}
[ "$port" != "$hostport" ] || port=3306
printf '[client]\nuser="%s"\npassword="%s"\nhost=%s\nport=%s\nprotocol=tcp\n[mariadb]\nlocal-infile=0\n' \
	"$(decode "${userinfo%%:*}")" "$(decode "${userinfo#*:}")" "${hostport%:*}" "$port" >/tmp/url.cnf
