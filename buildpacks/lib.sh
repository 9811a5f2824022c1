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

# The app's config vars stay in their files: a shell of ours that took them into
# its variables would mix them up with its own. Commands of the app get them:
#
#     with_config npm ci       config vars over our environment
#     impose NAME=VALUE        ours, whatever the config vars say
#     default NAME=VALUE       ours, unless a config var says something else
#     config_var NAME          what such a command would find in NAME
lib_dir=${BASH_SOURCE[0]%/*}
imposed=''

impose() {
	export "${1?}"
	imposed+=" ${1%%=*}"
}

default() { export "${1?}"; }

with_config() { perl "$lib_dir/with-config" "${env_dir:-/nonexistent}" "$imposed" "$@"; }

config_var() {
	local text=''
	if [[ -f ${env_dir:-}/$1 ]]; then
		IFS='' read -r -d '' text <"$env_dir/$1" || true
	else
		text=$(printenv "$1" || true)
	fi
	printf '%s' "$text"
}

# plain_text FILE: its text as programs of Unix would have written it, without
# the byte order mark and the carriage returns of an editor on Windows.
plain_text() {
	iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1 || fail "$1 is not UTF-8 text: save it as such."
	LC_ALL=C sed -e $'1s/^\xef\xbb\xbf//' -e 's/\r$//' "$1"
}

# --- why a tool failed

# The kernel's count is the build's own; a language may also end before the kernel does it. What was killed, and what says that
# it is killed by a signal, was killed for its memory: nobody else kills here.
ran_out_of_memory() {
	cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null | grep -Eq '^oom_kill [1-9]' ||
		grep -Eq "$memory_words" "$1"
}
memory_words='JavaScript heap out of memory|Allocation failed - process out of memory|Killed signal terminated program|: fatal error: Killed'
memory_words+='|(^|[ :])Killed$|: line [0-9]+: +[0-9]+ Killed|[Ss]ignal: 9|SIGKILL|signal: killed|exit(ed with| code:?| status:?) 137|Exit status 137|error code 137'
memory_words+='|virtual memory exhausted|cc1[a-z]*: out of memory|^MemoryError|[Cc]annot allocate memory|ENOMEM|runtime: out of memory'
memory_words+='|rustc-LLVM ERROR: out of memory|java\.lang\.OutOfMemoryError|insufficient memory for the Java Runtime|NoMemoryError|failed to allocate memory'

# missing_library LOG: the header, the library or the tool of a library whose lack stopped a compiler.
missing_library() {
	sed -nE -e 's/.*fatal error: ([^ :]+\.(h|hh|hpp|hxx)): No such file or directory.*/\1/p' \
		-e 's/.*cannot find -l([^ :]+).*/lib\1/p' \
		-e "s/.*Package '?([^ ',]+)'?,? (was not found|required by .* not found|not found).*/\1/p" \
		-e 's/.*No package .([^ ]+). found.*/\1/p' \
		-e 's/.*((pg|mysql|mariadb|xml2|xslt|curl|python3)[-_]config)( executable)?:? not found.*/\1/p' \
		-e 's/.*Could NOT find ([A-Za-z0-9_]+).*/\1/p' "$1" | sed -n 1p
}

# fail_with_log LOG SENTENCE: SENTENCE, and what helps, when the log says what that is.
fail_with_log() {
	local library
	if ran_out_of_memory "$1"; then
		fail "$2" "The memory of the build ran out (TWELVE_BUILD_MEMORY): let the build do less at a time, or ask the operator for more."
	fi
	library=$(missing_library "$1")
	[[ -z $library ]] || fail "$2" "$library is missing: name the Debian package that has it in Aptfile (for example ${aptfile_example:-libssl-dev})."
	fail "$2"
}

# run_hook PATH: a program of the app's own, as Heroku's buildpacks run it; its exit code ends the build.
run_hook() {
	local hook=$1 code=0
	[[ -f $hook ]] || return 0
	heading "Running $hook"
	! sed -n 1p "$hook" | grep -q $'\r$' || fail "$hook has the line ends of Windows: save it with those of Unix (LF)."
	chmod +x "$hook"
	# shellcheck disable=SC2154 # the buildpack sets them
	with_config env BUILD_DIR="$build_dir" CACHE_DIR="$cache_dir" ENV_DIR="$env_dir" "./$hook" 2>&1 |
		tee "$SCRATCH/hook.log" | indent || code=$?
	((code != 0)) || return 0
	(fail_with_log "$SCRATCH/hook.log" "$hook failed with exit code $code: its last lines above say why.") || exit "$code"
}

# warn_of_missing_programs WHAT: a Procfile that names a program of the app which is not there ("web: ./server"). WHAT was built.
warn_of_missing_programs() {
	local type program
	[[ -f Procfile ]] || return 0
	while read -r type program; do
		[[ -e $program ]] || warning "Procfile: $type runs $program, which is not there; $1"
	done < <(plain_text Procfile | sed -nE 's,^([A-Za-z0-9_-]+):[[:space:]]*(exec[[:space:]]+)?(\./|bin/|/app/|target/)([^[:space:];&|"$'"'"']+)([[:space:]].*)?$,\1 \3\4,p')
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

# A large entry is made where it stays and used in place:
#
#     if dir=$(cache_entry CACHE_DIR KIND KEY); then ...        it is whole
#     half=$(cache_begin CACHE_DIR KIND)                         an empty directory; the other entries are gone
#     dir=$(cache_finish CACHE_DIR KIND KEY "$half")             its name is always the same for a KEY
cache_entry() {
	local entry=$1/$2/$3
	[[ -d $entry/tree && -f $entry/list ]] || return 1
	tree_list "$entry/tree" | cmp -s - "$entry/list" || return 1
	echo "$entry/tree"
}

cache_begin() {
	local half
	remove_tree "$1/$2"
	mkdir -p "$1/$2"
	half=$(mktemp -d "$1/$2/.half.XXXXXX")
	mkdir "$half/tree"
	echo "$half/tree"
}

cache_finish() {
	local half=${4%/tree}
	tree_list "$half/tree" >"$half/list"
	mv -T "$half" "$1/$2/$3"
	echo "$1/$2/$3/tree"
}

# Tools take away the permission to write what they keep.
remove_tree() {
	[[ ! -e $1 ]] || chmod -R u+w "$1"
	rm -rf "$1"
}

# cache_limit DIR MEGABYTES: a tool's own download cache, emptied when it has outgrown its use.
cache_limit() {
	local size
	[[ -d $1 ]] || return 0
	size=$(du -sm "$1" | cut -f1)
	((size <= $2)) || remove_tree "$1"
}
