#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npm and npx. npm is some 1,700 small files that few processes ever read, so it
# travels as the registry's archive and is unpacked when it is first called.
set -e

home=$(dirname "$(dirname "$(readlink -f "$0")")")
npm=$home/lib/node_modules/npm
if [ ! -d "$npm" ]; then
	mkdir -p "$home/lib/node_modules"
	half=$(mktemp -d "$home/lib/node_modules/.npm.XXXXXX")
	tar -xzf "$home/lib/npm.tgz" -C "$half" --strip-components=1 --no-same-owner \
		--exclude=package/docs --exclude=package/man
	chmod 755 "$half"
	# Another process may have been faster.
	mv -T "$half" "$npm" 2>/dev/null || rm -rf "$half"
fi
exec "$home/bin/node" "$npm/bin/$(basename "$0")-cli.js" "$@"
