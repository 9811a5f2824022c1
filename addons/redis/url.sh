# SPDX-License-Identifier: Apache-2.0
# $URL as options of redis-cli, and $database; its password goes by the environment, for arguments are seen by others. Sourced.
decode() { printf '%b' "${1//%/\\x}"; }
rest=${URL#*://}
rest=${rest%%\?*}
userinfo=${rest%@*} place=${rest##*@}
[ "$userinfo" != "$rest" ] || userinfo=
hostport=${place%%/*} database=${place#*/}
[ "$database" != "$place" ] || database=
port=${hostport##*:}
[ "$port" != "$hostport" ] || port=6379
user=${userinfo%%:*}
password=$(decode "${userinfo#*:}")
[ -z "$password" ] || export REDISCLI_AUTH=$password
options=(--no-auth-warning -h "${hostport%:*}" -p "$port")
[ -z "$user" ] || options+=(--user "$(decode "$user")")
# Who can be verified is not known here: Heroku's servers sign their own.
[ "${URL%%:*}" != rediss ] || options+=(--tls --insecure)
