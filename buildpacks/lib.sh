# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the buildpacks share: how they speak to the person who pushed, how they
# read config vars, and a build cache that cannot hurt.
#
# The cache survives between builds and is therefore never believed: an entry
# is named after a digest of everything that went into it, appears with one
# rename, and carries a list of its files that is compared before use. What a
# killed build, a full disk or an older buildpack left is an entry that does
# not match, and the build does the work again. One entry of each kind is kept,
# so that the cache does not grow.

# Without this, a command that fails inside $(...) is passed over.
shopt -s inherit_errexit

heading() { printf -- '-----> %s\n' "$*"; }
detail() { printf '       %s\n' "$*"; }
warning() { printf ' !     %s\n' "$@"; }

# fail SENTENCE...: says what was wrong, where, and what to do; ends the build.
fail() {
	printf ' !     %s\n' "$@" >&2
	exit 1
}

# Indents what a tool says, as it says it. mawk and sed keep lines back in a
# pipe unless told not to.
indent() { sed -u 's/^./       &/'; }

# A home directory of the build, so that what tools leave in ~ stays out of the
# app. Its name is always the same, since tools write it into what they build.
use_scratch_home() {
	export SCRATCH=${TMPDIR:-/tmp}/twelve-build
	export HOME=$SCRATCH/home
	rm -rf "$SCRATCH"
	mkdir -m 700 "$SCRATCH" "$HOME"
	trap 'rm -rf "$SCRATCH"' EXIT
}

# Config vars become environment variables, but for those that would turn the
# build's own tools into others.
export_config_vars() {
	local dir=$1 file name
	[[ -d $dir ]] || return 0
	for file in "$dir"/*; do
		name=${file##*/}
		[[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
		case $name in
		PATH | HOME | IFS | SHELLOPTS | BASHOPTS | BASH_ENV | ENV | PS4 | TMPDIR | SCRATCH | GIT_DIR | CPATH | CPPATH | LIBRARY_PATH | LD_* | PYTHONHOME | SOURCE_DATE_EPOCH | TWELVE_*) ;;
		*) export "$name=$(<"$file")" ;;
		esac
	done
}

# write_profile NAME BUILD_DIR < SCRIPT: what is sourced before a process starts.
write_profile() {
	mkdir -p "$2/.profile.d"
	cat >"$2/.profile.d/$1.sh"
}

# write_export NAME BUILD_DIR < SCRIPT: what is sourced before the next buildpack.
write_export() {
	mkdir -p "$2/.twelve/export"
	cat >"$2/.twelve/export/$1.sh"
}

# digest WORD...: of the words and of standard input.
digest() {
	{
		printf '%s\n' "$@" "${TWELVE_STACK:-$(cat /etc/debian_version 2>/dev/null || true)}" "$(uname -m)"
		cat
	} | sha256sum | cut -c1-32
}

# Every file below $1 with its size, links with their targets.
tree_list() {
	(cd "$1" && find . \( -type l -printf '%p -> %l\n' \) -o \( -type f -printf '%s %m %p\n' \) | LC_ALL=C sort)
}

# cache_restore CACHE_DIR KIND KEY TARGET: true when TARGET now holds the entry.
cache_restore() {
	local entry=$1/$2/$3 target=$4
	[[ -d $entry/tree && -f $entry/list ]] || return 1
	if ! tree_list "$entry/tree" | cmp -s - "$entry/list"; then
		detail "The cached $2 is damaged and is made again"
		rm -rf "$entry"
		return 1
	fi
	rm -rf "$target"
	mkdir -p "$(dirname "$target")"
	cp -a --reflink=auto "$entry/tree" "$target"
}

# cache_store CACHE_DIR KIND KEY SOURCE: keeps SOURCE and forgets the other
# entries of its kind. A cache that cannot be written is slow, not wrong.
cache_store() {
	local kind_dir=$1/$2 key=$3 source=$4 half
	rm -rf "$kind_dir"
	if ! mkdir -p "$kind_dir" 2>/dev/null; then
		warning "The build cache cannot be written; the next build will be slower."
		return 0
	fi
	half=$(mktemp -d "$kind_dir/.half.XXXXXX")
	if cp -a --reflink=auto "$source" "$half/tree" && tree_list "$source" >"$half/list" && mv "$half" "$kind_dir/$key"; then
		return 0
	fi
	rm -rf "$kind_dir"
	warning "The build cache could not take the $2; the next build will be slower."
}

# cache_limit DIR MEGABYTES: a tool's own download cache, emptied when it has outgrown its use.
cache_limit() {
	local size
	[[ -d $1 ]] || return 0
	size=$(du -sm "$1" | cut -f1)
	((size <= $2)) || rm -rf "$1"
}
