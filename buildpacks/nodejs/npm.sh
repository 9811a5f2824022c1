#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npm and npx. npm is some 1,700 small files that few processes ever read, so it
# travels as the registry's archive and is unpacked when it is first called.
# Its variables begin with TWELVE_, which no config var does: one of the same name
# would be changed for npm and for what npm runs.
set -e

TWELVE_HOME=$(dirname "$(dirname "$(readlink -f "$0")")")
TWELVE_NPM=$TWELVE_HOME/lib/node_modules/npm
if [ ! -d "$TWELVE_NPM" ]; then
	mkdir -p "$TWELVE_HOME/lib/node_modules"
	TWELVE_HALF=$(mktemp -d "$TWELVE_HOME/lib/node_modules/.npm.XXXXXX")
	tar -xzf "$TWELVE_HOME/lib/npm.tgz" -C "$TWELVE_HALF" --strip-components=1 --no-same-owner \
		--exclude=package/docs --exclude=package/man
	chmod 755 "$TWELVE_HALF"
	# Another process may have been faster.
	mv -T "$TWELVE_HALF" "$TWELVE_NPM" 2>/dev/null || rm -rf "$TWELVE_HALF"
fi
# Yarn's Plug'n'Play is for the app's scripts, not for npm.
case ${NODE_OPTIONS:-} in
*.pnp.cjs*)
	npm_config_node_options=$NODE_OPTIONS
	export npm_config_node_options
	unset NODE_OPTIONS
	;;
esac
exec "$TWELVE_HOME/bin/node" "$TWELVE_NPM/bin/$(basename "$0")-cli.js" "$@"
