# Sourced before each process: how Elixir behaves under a platform. Its variables are called TWELVE_..., as no config var is.
export MIX_ENV="${MIX_ENV:-prod}" MIX_HOME="${MIX_HOME:-/app/.mix}" HEX_HOME="${HEX_HOME:-/app/.hex}"
export LANG="${LANG:-C.UTF-8}" ELIXIR_ERL_OPTIONS="${ELIXIR_ERL_OPTIONS:-+fnu}"
# What Phoenix's own configuration waits for before it serves.
export PHX_SERVER="${PHX_SERVER:-true}"
# Dynos share a host, on which a name is given to one node only; who wants nodes that find one another says so.
export RELEASE_DISTRIBUTION="${RELEASE_DISTRIBUTION:-none}"
# No secret is part of a slug: nodes that shall find one another have the same config var.
[ -n "${RELEASE_COOKIE:-}" ] || export RELEASE_COOKIE="$(od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n')"
