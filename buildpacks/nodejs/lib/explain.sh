# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Why a package manager failed, in one sentence, when its words are known.

# The command that brings the lock up to date.
mend_lock() {
	case $manager in
	npm) echo "npm install" ;;
	pnpm) echo "pnpm install" ;;
	yarn | berry) echo "yarn install" ;;
	bun) echo "bun install" ;;
	esac
}

# The package that is not there, with its version.
missing_package() {
	sed -nE -e 's/.*notarget No matching version found for (.+)\.$/\1/p' \
		-e "s/.* 404 .*'([^']+)'.*(is not in this registry|could not be found).*/\1/p" \
		-e 's/.*No matching version found for ([^ ]+).*/\1/p' \
		-e "s/.*Couldn't find (package|any versions for) \"([^\"]+)\".*/\2/p" \
		-e 's/.*ERR_PNPM_FETCH_404.*GET [^ ]*\/([^ \/]+): Not Found.*/\1/p' \
		-e 's/.*YN00(35|82)[^:]*: ([^:]+):.*(Package not found|No candidates found).*/\2/p' \
		-e 's/.*error: (.+) failed to resolve$/\1/p' \
		-e 's/.*No version matching "([^"]+)" found for specifier "[^"]*".*/\1/p' "$1" | sed -n 1p
}

readonly OUT_OF_SYNC='can only install .* in sync|EUSAGE|ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH|lockfile needs to be updated|YN0028|lockfile is frozen|ERR_PNPM_FROZEN_LOCKFILE'
readonly UNREACHABLE='code (ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|.*CERT.*)|ERR_PNPM_META_FETCH_FAIL|There appears to be trouble with your network connection|RequestError: getaddrinfo|ConnectionRefused downloading'

# A package that asks for another Node.js, where the manager insists on it.
other_node() {
	sed -nE -e 's/^error ([^ ]+): The engine "node" is incompatible with this module\. Expected version "([^"]+)".*/\1 asks for Node.js \2/p' \
		-e 's/.*Your Node version is incompatible with "([^"]+)".*/\1 asks for another Node.js/p' "$1" | sed -n 1p
}

# The host that a package's own script downloads from, and that does not answer.
download_host() {
	{ grep -Ei 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|getaddrinfo|403|failed to (fetch|download)|Could not resolve|request to https|tunneling socket' "$1" |
		grep -oE '(https?://[A-Za-z0-9.-]+|(ENOTFOUND|EAI_AGAIN) [A-Za-z0-9.-]+)' | sed -E 's!.*(//| )!!' | grep -vF "$(sed -E 's!https?://!!; s!/.*!!' <<<"$registry")" || true; } | sed -n 1p
}

# The package whose script failed.
broken_package() {
	sed -nE -e 's/^npm (error|ERR!) path .*\/node_modules\/((@[^\/]+\/)?[^\/]+)$/\2/p' \
		-e 's/^error .*\/node_modules\/((@[^\/]+\/)?[^\/:]+): Command failed\.$/\1/p' \
		-e 's/.*node_modules\/\.pnpm\/[^ ]*\/node_modules\/((@[^\/]+\/)?[^\/: ]+): .*Failed.*/\1/p' \
		-e 's/.*YN0009[^:]*: *([^ ]+)@npm:.* couldn.t be built successfully.*/\1/p' \
		-e 's/^error: (pre|post)?install script from "([^"]+)" exited with.*/\2/p' "$1" | sed -n 1p
}

explain_failure() {
	local log=$1 name what
	what="$manager_name could not install what package.json asks for"
	! ran_out_of_memory "$log" || fail_with_log "$log" "$what."
	name=$(missing_package "$log")
	if [[ -n $name ]]; then
		fail "package.json asks for $name, which the registry does not have: check the name and the version."
	elif grep -Eq "$OUT_OF_SYNC" "$log"; then
		fail "$lock does not match package.json: run \"$(mend_lock)\" and commit $lock."
	elif grep -Eq "$UNREACHABLE" "$log"; then
		fail "The registry cannot be reached from the build: look at the proxy, certificate and npm_config_registry settings of the platform."
	elif grep -Eq 'code EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|Integrity check failed|YN0018|IntegrityCheckFailed' "$log"; then
		fail "A package does not match its digest in $lock: it was changed in the registry, or the lock is wrong. Make the lock again."
	fi
	name=$(other_node "$log")
	[[ -z $name ]] || fail "$name, and this is $node_version: name one that fits in package.json: { \"engines\": { \"node\": \"...\" } }"
	explain_script_of_package "$log" "$what"
}

# An old node-gyp knows neither this Node.js nor this Python.
old_node_gyp() { sed -nE 's/.*using node-gyp@([0-7]\.[0-9.]+).*/\1/p' "$1" | sed -n 1p; }

explain_script_of_package() {
	local log=$1 name host gyp
	name=$(broken_package "$log")
	gyp=$(old_node_gyp "$log")
	if [[ -n $name && -n $gyp ]] && ((${node_version%%.*} >= 16)); then
		fail "The package $name is from before Node.js $node_version, with which its node-gyp $gyp cannot compile it: take a newer one, or ask for the Node.js of its time in package.json: { \"engines\": { \"node\": \"14.x\" } }"
	fi
	host=$(download_host "$log")
	[[ -z $name || -z $host ]] || fail_with_log "$log" "The package $name could not be installed: it downloads from $host, which cannot be reached from the build."
	[[ -z $name ]] || fail_with_log "$log" "The package $name could not be installed: its own words above say why."
	fail_with_log "$log" "$2: its last lines above say why."
}

# explain_script LOG NAME: a script of the app's own.
explain_script() {
	local log=$1 tool host
	tool=$(sed -nE 's/^(sh: )?(line )?([0-9]+: )?([^ :]+): (command )?not found.*/\4/p' "$log" | sed -n 1p)
	if [[ -n $tool && $packages == production ]]; then
		fail "The $2 script in package.json needs $tool, which is no package in dependencies: without NPM_CONFIG_PRODUCTION or YARN_PRODUCTION, development packages are installed for the build."
	fi
	host=$(download_host "$log")
	[[ -z $host ]] || fail_with_log "$log" "The $2 script in package.json failed; it asks $host, which cannot be reached from the build."
	fail_with_log "$log" "The $2 script in package.json failed; its last lines above say why."
}
