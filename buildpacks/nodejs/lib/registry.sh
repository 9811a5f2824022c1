# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The npm registry: which versions there are, and downloads whose SHA-512 is what it states. Node.js itself, the package
# managers, Bun and Deno come from there, so that a build needs one registry and follows one setting.

# Either name does, the app's before the platform's; npm gets one of them, so that both read the same.
find_registry() {
	local name
	registry=$(printenv npm_config_registry || printenv NPM_CONFIG_REGISTRY || true)
	for name in NPM_CONFIG_REGISTRY npm_config_registry; do
		[[ ! -f $env_dir/$name ]] || registry=$(config_var "$name")
	done
	unset NPM_CONFIG_REGISTRY
	imposed+=' NPM_CONFIG_REGISTRY'
	[[ -z $registry ]] || impose "npm_config_registry=$registry"
	registry=${registry:-https://registry.npmjs.org}
	registry=${registry%/}
}

# fetch URL [CURL ARGUMENT...]: retries what is worth it.
fetch() {
	local url=$1
	shift
	curl --fail --silent --show-error --location --retry 2 --retry-delay 1 --retry-connrefused --connect-timeout 20 "$@" "$url" ||
		fail "$url cannot be fetched from the build: look at the proxy, certificate and npm_config_registry settings of the platform."
}

# digest_of SRI ALGORITHM: the digest in hexadecimal digits, or nothing.
digest_of() {
	tr ' ' '\n' <<<"$1" | sed -n "s/^$2-//p" | sed -n 1p | base64 -d | od -An -v -tx1 | tr -d ' \n'
}

# download_package NAME VERSION FILE: the archive, its digest checked.
download_package() {
	local name=$1 version=$2 file=$3 meta want
	meta=$(fetch "$registry/$name/$version")
	want=$(digest_of "$(jq -r '.dist.integrity // empty' <<<"$meta")" sha512)
	[[ -n $want ]] || fail "The registry states no SHA-512 for $name $version, so it cannot be trusted: use another registry (npm_config_registry)."
	fetch "$(jq -r .dist.tarball <<<"$meta")" --output "$file"
	[[ $want == "$(sha512sum "$file" | cut -d ' ' -f 1)" ]] ||
		fail "$name $version from $registry is not what its SHA-512 says: it was damaged or changed on the way. Try again."
}

# Days that a version must have been out before it is chosen by us: what is bad is mostly found by then.
readonly SETTLED_DAYS=14

# Versions of a package on standard output, oldest first, without pre-releases. "settled": those that are out for some time.
list_versions() {
	local settled=${2:-}
	fetch "$registry/$1" | jq -r --arg days "${settled:+$SETTLED_DAYS}" '
		(now - (($days | tonumber? // 0) * 86400) | todate) as $until | .time as $time
		| .versions | keys[] | select(test("^[0-9]+\\.[0-9]+\\.[0-9]+$"))
		| select($days == "" or ($time[.] // "") < $until)' | sort -V
}

in_range() { "$pack_dir/../nodejs/lib/semver" "$1" <<<"$2"; }

# resolve_version PACKAGE RANGE PREFERRED: PREFERRED if it fits, else the newest that does, one that has settled if there is one.
# Returns 2 for what is no range, 3 for one that nothing fits, 4 after fetch has said what is wrong.
resolve_version() {
	local package=$1 range=$2 preferred=$3 found all settled
	found=$(in_range "$range" "$preferred") || return 2
	for settled in settled ''; do
		[[ -z $found ]] || break
		all=$(list_versions "$package" "$settled") || return 4
		found=$(in_range "$range" "$all" | tail -n 1)
	done
	[[ -n $found ]] || return 3
	echo "$found"
}

# remembered KIND RANGE COMMAND...: what COMMAND prints, and the same as long as the app asks for the same, so that a push
# of another change does not bring another version.
remembered() {
	local memo=$cache_dir/versions/$1 range=$2 found_key key version
	shift 2
	key=$(digest "$range" </dev/null)
	if [[ -f $memo ]] && read -r found_key version <"$memo" && [[ $found_key == "$key" && $version =~ ^[0-9A-Za-z.:+-]+$ ]]; then
		echo "$version"
		return 0
	fi
	version=$("$@")
	if mkdir -p "${memo%/*}"; then
		echo "$key $version" >"$memo.new" && mv "$memo.new" "$memo"
	fi
	echo "$version"
}
