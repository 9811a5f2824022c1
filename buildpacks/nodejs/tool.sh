#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pnpm, pnpx and yarn: as npm.sh, from the registry's archive, which is unpacked when one of them is first called.
set -e

TWELVE_HOME=$(dirname "$(dirname "$(readlink -f "$0")")")
TWELVE_CALLED=$(basename "$0")
case $TWELVE_CALLED in pnp*) TWELVE_TOOL=pnpm ;; *) TWELVE_TOOL=yarn ;; esac
TWELVE_DIR=$TWELVE_HOME/lib/node_modules/$TWELVE_TOOL
if [ ! -d "$TWELVE_DIR" ]; then
	mkdir -p "$TWELVE_HOME/lib/node_modules"
	TWELVE_HALF=$(mktemp -d "$TWELVE_HOME/lib/node_modules/.tool.XXXXXX")
	tar -xzf "$TWELVE_HOME/lib/$TWELVE_TOOL.tgz" -C "$TWELVE_HALF" --strip-components=1 --no-same-owner
	chmod 755 "$TWELVE_HALF"
	# Another process may have been faster.
	mv -T "$TWELVE_HALF" "$TWELVE_DIR" 2>/dev/null || rm -rf "$TWELVE_HALF"
fi
case $TWELVE_CALLED in yarnpkg) TWELVE_CALLED=yarn ;; esac
for TWELVE_FILE in "$TWELVE_DIR/bin/$TWELVE_CALLED.js" "$TWELVE_DIR/bin/$TWELVE_CALLED.cjs" "$TWELVE_DIR/bin/$TWELVE_CALLED.mjs"; do
	[ ! -f "$TWELVE_FILE" ] || exec "$TWELVE_HOME/bin/node" "$TWELVE_FILE" "$@"
done
echo "$TWELVE_CALLED is not in $TWELVE_DIR/bin" >&2
exit 127
