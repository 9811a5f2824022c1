# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Which package manager: packageManager in package.json, else the lock that is there; its version by packageManager, engines,
# the format of the lock. Yarn 1 is "yarn", its successors are "berry".

readonly DEFAULT_PNPM=10.34.8 DEFAULT_YARN=1.22.22 DEFAULT_BERRY=4.18.1 DEFAULT_BUN=1.4.4

locks_of() {
	case $1 in
	npm) echo npm-shrinkwrap.json package-lock.json ;;
	pnpm) echo pnpm-lock.yaml ;;
	yarn | berry) echo yarn.lock ;;
	bun) echo bun.lock bun.lockb ;;
	esac
}

# The lock of a manager that is there, or nothing.
lock_of() {
	local file
	for file in $(locks_of "$1"); do
		[[ ! -f $file ]] || { echo "$file" && return 0; }
	done
}

# True when a lock names all that package.json asks for, which one that was left behind mostly does not.
is_current() {
	local name
	[[ $1 != *.lockb ]] || return 0
	for name in $all_dependencies; do
		grep -Fq -- "$name" "$1" || return 1
	done
}

# The managers whose locks are there, those that are named elsewhere first.
locked_managers() {
	local name
	for name in ${named_manager:-} $([[ ! -f pnpm-workspace.yaml ]] || echo pnpm) $([[ ! -f .yarnrc.yml ]] || echo yarn) $engine_managers npm pnpm yarn bun; do
		[[ -z $(lock_of "$name") ]] || echo "$name"
	done | awk '!seen[$0]++'
}

# Of several locks the first that is up to date.
pick_manager() {
	local name names
	names=$(locked_managers)
	manager=$(sed -n 1p <<<"$names")
	[[ $names == *$'\n'* && $manager != "${named_manager:-}" ]] || return 0
	for name in $names; do
		is_current "$(lock_of "$name")" && manager=$name && break
	done
	warning "There are several locks ($(for name in $names; do lock_of "$name"; done | paste -sd ' ')): $(lock_of "$manager") is used." \
		"Remove the others, or name the package manager in package.json: { \"packageManager\": \"$manager@$(default_version "$manager")\" }"
}

# packageManager, as Corepack reads it: name@version+algorithm.digest.
read_package_manager() {
	named_manager='' named_version='' named_digest=''
	[[ -n $package_manager ]] || return 0
	if [[ $package_manager =~ ^(npm|pnpm|yarn|bun)(@([^+]*)(\+(.*))?)?$ ]]; then
		named_manager=${BASH_REMATCH[1]} named_version=${BASH_REMATCH[3]} named_digest=${BASH_REMATCH[5]}
	else
		fail "packageManager in package.json is \"$package_manager\", which is none of npm, pnpm, yarn and bun with a version: write for example \"pnpm@$DEFAULT_PNPM\"."
	fi
}

is_berry() {
	[[ -z $lock ]] || ! grep -q '^__metadata:' "$lock" || return 0
	[[ $named_manager != yarn || -z $named_version || $named_version == 1.* ]] || return 0
	[[ -n $named_version ]] || [[ -n $lock || ! -f .yarnrc.yml ]] || return 0
	return 1
}

# Sets manager and lock.
find_manager() {
	read_package_manager
	pick_manager
	if [[ -n $manager && -n $named_manager && $manager != "$named_manager" ]]; then
		warning "packageManager in package.json is $named_manager, but the only lock is $(lock_of "$manager"): $manager is used."
		named_version='' named_digest=''
	fi
	manager=${manager:-${named_manager:-npm}}
	lock=$(lock_of "$manager")
	[[ $manager != yarn ]] || ! is_berry || manager=berry
}

default_version() {
	case $1 in
	npm) npm_for "${node_version:-$DEFAULT_NODE}" ;;
	pnpm) pnpm_for_lock ;;
	yarn) echo "$DEFAULT_YARN" ;;
	berry) berry_for_lock ;;
	bun) echo "$DEFAULT_BUN" ;;
	esac
}

# The newest pnpm that writes the lock's format and that this Node.js can run.
pnpm_for_lock() {
	local format major=${node_version:-$DEFAULT_NODE}
	format=$([[ ! -f pnpm-lock.yaml ]] || sed -nE "s/^lockfileVersion: *['\"]?([0-9]+(\.[0-9]+)?)['\"]?.*/\1/p" pnpm-lock.yaml | sed -n 1p)
	case ${format%%.*} in
	'') ((${major%%.*} >= 18)) && echo "$DEFAULT_PNPM" || echo 7.33.7 ;;
	5) ((${major%%.*} >= 14)) && echo 7.33.7 || echo 6.35.1 ;;
	6) echo 8.15.9 ;;
	*) echo "$DEFAULT_PNPM" ;;
	esac
}

berry_for_lock() {
	local format
	format=$([[ ! -f yarn.lock ]] || sed -nE '/^__metadata:/,/^$/s/^  version: *([0-9]+).*/\1/p' yarn.lock | sed -n 1p)
	case $format in
	4) echo 2.4.2 ;;
	5 | 6 | 7) echo 3.8.7 ;;
	*) echo "$DEFAULT_BERRY" ;;
	esac
}

registry_name() {
	case $1 in
	berry) echo @yarnpkg/cli-dist ;;
	*) echo "$1" ;;
	esac
}

# The range of engines for the manager, if it means this generation of it.
engine_range() {
	local name=${manager/berry/yarn} range
	range=$(jq -r --arg name "$name" '.engines[$name]? // "" | strings' <<<"$engines")
	[[ -n $range ]] || return 0
	# "yarn": ">=1.22" says what is needed, not what a lock of Yarn 4 is for, and the other way round; npm's is often a note of the past.
	[[ $manager != yarn ]] || range="$range <2.0.0"
	echo "$range"
}

resolve_manager() {
	local code=0 preferred version
	preferred=$(default_version "$manager")
	version=$(resolve_version "$(registry_name "$manager")" "$1" "$preferred" 2>&1) || code=$?
	if [[ $code != 0 ]]; then
		warning "engines.${manager/berry/yarn} in package.json is \"$1\", which fits no version: $preferred is used." >&2
		version=$preferred
	fi
	echo "$version"
}

# Sets manager_version.
choose_manager_version() {
	local range
	if [[ $named_version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
		manager_version=$named_version
		return 0
	fi
	range=${named_version:-$(engine_range)}
	# "next" and the like are no versions.
	in_range "$range" '' 2>/dev/null || range=''
	if [[ -n $range ]]; then
		manager_version=$(remembered "$manager" "$range" resolve_manager "$range")
	else
		manager_version=$(remembered "$manager" "default for $(default_version "$manager" | cut -d. -f1)" default_version "$manager")
	fi
}

# --- the programs

# check_digest FILE: what packageManager states of it.
check_digest() {
	local algorithm=${named_digest%%.*} want=${named_digest#*.}
	[[ -n $named_digest ]] || return 0
	[[ $algorithm =~ ^sha(1|224|256|384|512)$ && $want =~ ^[0-9a-f]+$ ]] ||
		fail "packageManager in package.json ends in +$named_digest, which is no digest: write for example +sha512.0123abcd, or leave it out."
	[[ $("${algorithm}sum" "$1" | cut -d ' ' -f 1) == "$want" ]] ||
		fail "$manager_name $manager_version from $registry is not what packageManager in package.json says (+$algorithm): correct the digest there (\"corepack use $manager_name@$manager_version\"), or leave it out."
}

native_package() {
	case $manager/$(uname -m) in
	bun/x86_64) grep -qw avx2 /proc/cpuinfo && echo @oven/bun-linux-x64 || echo @oven/bun-linux-x64-baseline ;;
	bun/aarch64) echo @oven/bun-linux-aarch64 ;;
	pnpm/x86_64) echo @pnpm/exe.linux-x64 ;;
	pnpm/aarch64) echo @pnpm/exe.linux-arm64 ;;
	*) fail "There is no $manager for $(uname -m) in the npm registry." ;;
	esac
}

# One of a language of its own: a single program.
install_native() {
	local dir=$1 name
	name=$(native_package)
	download_package "$name" "$manager_version" "$SCRATCH/native.tgz"
	mkdir -p "$SCRATCH/native" "$dir/bin"
	tar -xzf "$SCRATCH/native.tgz" -C "$SCRATCH/native" --strip-components=1 --no-same-owner
	install -m 755 "$(find "$SCRATCH/native" -type f \( -name bun -o -name pnpm \) | sed -n 1p)" "$dir/bin/$manager"
}

# One in JavaScript: its archive, which tool.sh unpacks where it is used first.
install_script() {
	local dir=$1 name
	name=$(registry_name "$manager")
	download_package "$name" "$manager_version" "$dir/lib/$manager_name.tgz"
	if [[ $manager == berry ]]; then
		tar -xzOf "$dir/lib/$manager_name.tgz" package/bin/yarn.js >"$SCRATCH/yarn.js"
		check_digest "$SCRATCH/yarn.js"
	else
		check_digest "$dir/lib/$manager_name.tgz"
	fi
}

# Installs the manager beside Node.js. npm is there already, in the version that goes with it.
install_manager() {
	local dir=$1 link
	mkdir -p "$dir/lib" "$dir/bin"
	case $manager in
	npm) install_npm "$manager_version" "$dir" && check_digest "$dir/lib/npm.tgz" ;;
	bun) install_native "$dir" && ln -sfn bun "$dir/bin/bunx" ;;
	pnpm)
		install_script "$dir"
		if ((${manager_version%%.*} >= 12)); then
			rm "$dir/lib/pnpm.tgz"
			install_native "$dir"
			return 0
		fi
		install -m 755 "$pack_dir/tool.sh" "$dir/bin/pnpm"
		ln -sfn pnpm "$dir/bin/pnpx"
		;;
	*)
		install_script "$dir"
		install -m 755 "$pack_dir/tool.sh" "$dir/bin/yarn"
		ln -sfn yarn "$dir/bin/yarnpkg"
		;;
	esac
}

provide_manager() {
	local key dir=$SCRATCH/manager
	manager_name=${manager/berry/yarn}
	[[ $manager != npm || $manager_version != "$(npm_for "$node_version")" || -n $named_digest ]] || return 0
	key=$(digest manager "$VERSION" "$manager" "$manager_version" "$package_manager" </dev/null)
	if ! cache_restore "$cache_dir" manager "$key" "$dir"; then
		detail "Downloading $manager_name $manager_version"
		rm -rf "$dir"
		mkdir -p "$dir/lib" "$dir/bin"
		install_manager "$dir"
		cache_store "$cache_dir" manager "$key" "$dir"
	fi
	[[ $manager != npm ]] || rm -rf "$node_dir/lib/node_modules/npm"
	cp -a "$dir/." "$node_dir/"
}

# A Yarn that is in the commit is the one that the app wants.
committed_yarn() {
	local path
	[[ -f .yarnrc.yml ]] || return 0
	path=$(plain_text .yarnrc.yml | sed -nE "s/^yarnPath: *['\"]?([^'\"]+)['\"]? *\$/\1/p" | sed -n 1p)
	if [[ -n $path && ! -f $path ]]; then
		fail ".yarnrc.yml names $path in yarnPath, which is not in the commit: commit it (git add -f $path), or take the line out."
	fi
	echo "$path"
}
