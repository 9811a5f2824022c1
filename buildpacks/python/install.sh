# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # bin/compile has the variables of all
# Installing with a current pip, whatever the stack's is: the settings that people have for pip hold (index, proxy,
# certificates, config vars called PIP_...).

# How old what nobody has pinned is at least: a release that was taken over is found out within days.
readonly AGE_DAYS=14

pip=("$python" -m pip)

# The pinned pip, in the cache; where the index does not have it, the stack's has to do.
install_pip() {
	local key into=$SCRATCH/pip
	key=$(digest "pip $PIP_VERSION $have $python" </dev/null)
	pip=("$python" -m pip)
	if ! cache_restore "$cache_dir" pip-program "$key" "$into" || ! "$into/bin/python" -m pip --version >/dev/null 2>&1; then
		rm -rf "$into"
		"$python" -m venv --without-pip "$into"
		if ! pip_install "$into" --quiet --no-deps "pip==$PIP_VERSION" >"$SCRATCH/pip.log" 2>&1; then
			! index_is_away "$SCRATCH/pip.log" || fail "$(index_sentence)"
			detail "The package index has no pip $PIP_VERSION: that of the stack is used"
			return 0
		fi
		cache_store "$cache_dir" pip-program "$key" "$into"
	fi
	pip=("$into/bin/python" -m pip)
}

# pip_install ENVIRONMENT ARGUMENT...
pip_install() {
	local target=$1
	shift
	with_config env PYTHONDONTWRITEBYTECODE=1 "${pip[@]}" --python "$target/bin/python" \
		--disable-pip-version-check --no-input --cache-dir "$cache_dir/pip" \
		install --no-compile --no-warn-script-location --use-pep517 --progress-bar off "$@"
}

# --- why it failed

index_is_away() { grep -Eq 'NewConnectionError|ProxyError|SSLError|ConnectTimeoutError|NameResolutionError|Could not fetch URL' "$1"; }

index_sentence() {
	echo "The package index cannot be reached from the build: look at the proxy, certificate and index settings (PIP_INDEX_URL) of the platform."
}

# asked_python LOG: what the newest version that pip passed over asks for: >=3.12
asked_python() { sed -nE 's/.*require a different python version: (.*)/\1/p' "$1" | sed 's/.*; //' | sed -nE '$s/.*Requires-Python *//p' | sed 's/ *$//'; }

# how_to_get SPECIFIERS: a Python that fits.
how_to_get() {
	local specifiers=$1 asked_by=.python-version minor
	if [[ $(debian) == 12 ]] && fits_version 3.13.5; then
		echo '"twelve stack:set debian-13" has Python 3.13, or write the version into .python-version'
		return
	fi
	for minor in 15 14 13 12 11 10 9 8; do
		! "$python" "$pack_dir/sources.py" fits "$specifiers" "3.$minor.9" || break
	done
	[[ $(debian) != 13 || $minor != 11 ]] || printf '"twelve stack:set debian-12" has Python 3.11, or '
	echo "write 3.$minor into .python-version, or ask for another version of the package"
}

# The package whose sources did not become a wheel: NAME VERSION.
failed_package() {
	local name version
	name=$(sed -nE -e "s/^ *(error: |ERROR: )?Failed to build '?([A-Za-z0-9._-]+).*/\2/p" -e 's/^ *ERROR: Failed building wheel for ([A-Za-z0-9._-]+).*/\1/p' \
		-e 's/^ *╰─> ([A-Za-z0-9._-]+)$/\1/p' -e "s/.*could not be built[^:]*: *([A-Za-z0-9._-]+).*/\1/p" "$1" | sed -E '/^(installable|See|from)$/d' | sed -n 1p)
	[[ -n $name ]] || return 0
	version=$({ grep -ioE "(Downloading|Using cached|Collecting) [^ ]*${name//[-_.]/[-_.]}(-|==)[0-9][^ ]*" "$1" || true; } | sed -nE 's/.*(-|==)([0-9][0-9A-Za-z.+!]*[0-9a-z])(\.tar\.gz|\.zip|\.tar\.bz2|\.metadata)?$/\2/p' | sed 's/\.tar\.gz$//' | sed -n 1p)
	echo "$name${version:+ $version}"
}

# wheel_python NAME VERSION NEWEST [OLDEST]: the newest Python of these minors for which the index has it ready made.
wheel_python() {
	local minor
	for ((minor = $3; minor >= ${4:-8}; minor--)); do
		! pip_install "$venv" --quiet --dry-run --no-deps --ignore-requires-python --only-binary :all: --python-version "3.$minor" --target "$SCRATCH/none" "$1==$2" >/dev/null 2>&1 || {
			echo "3.$minor"
			return
		}
	done
}

explain_build_failure() {
	local name version older stack='' minor=${have#3.} log=$1
	read -r name version < <(failed_package "$log") || return 0
	[[ -n $name && -n $version ]] || return 0
	[[ -z $(missing_library "$log") ]] || return 0
	older=$(wheel_python "$name" "$version" "$((${minor%%.*} - 1))")
	[[ -n $older ]] || return 0
	# The other stack's needs no download.
	[[ $(debian) == 12 || -z $(wheel_python "$name" "$version" 11 11) ]] || stack=', or "twelve stack:set debian-12", which has Python 3.11'
	fail "$source asks for $name $version, which comes ready made for Python $older and not for ${have%.*}, and could not be built here: ask for a newer $name, or write $older into .python-version$stack."
}

# Why pip failed, in one sentence, when its words are known.
explain_failure() {
	local log=$1 name asks line
	! ran_out_of_memory "$log" || fail_with_log "$log" "pip could not install $source."
	! index_is_away "$log" || fail "$(index_sentence)"
	name=$(sed -nE 's/^ *ERROR: No matching distribution found for ([^ ]+( [<>=!~]+ ?[^ ]+)?).*/\1/p' "$log" | sed -n 1p)
	asks=$(asked_python "$log")
	if [[ -n $name && -n $asks ]]; then
		fail "$source asks for $name, of which no version is for Python $(have_version), which is used here; it asks for Python $asks: $(how_to_get "$asks")."
	elif [[ -n $name ]]; then
		fail "$source asks for $name, which the package index does not have for Python $(have_version): check the name and the version."
	fi
	asks=$(sed -nE "s/.*Package '([^']+)' requires a different Python: [^ ]+ not in '([^']+)'.*/\1 \2/p" "$log" | sed -n 1p)
	if [[ -n $asks ]]; then
		fail "${asks%% *} asks for Python ${asks#* }, and $(have_version) is used here: $(how_to_get "${asks#* }")."
	fi
	line=$(grep -oE "No such file or directory: '/[^']+'" "$log" | sed -n 1p || true)
	if [[ -n $line && $source != *.lock ]] && name=$(grep -nE '@ *file:///' "$source" | sed -n 1p) && [[ -n $name ]]; then
		fail "$source:${name%%:*} names a file of the machine that it was written on (${name#*:}): write its version instead, as \"pip list --format=freeze\" prints it."
	fi
	if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
		fail "A package does not match the hash in $source: it was changed on the index, or the lock is wrong. Make the lock again."
	fi
	if grep -q 'ResolutionImpossible' "$log"; then
		fail "The versions in $source exclude one another: pip says above which ones."
	fi
	name=$(sed -nE 's/^ *ERROR: (Invalid requirement: .*)/\1/p' "$log" | sed -n 1p)
	if [[ -n $name ]]; then
		fail "$source has a line that pip cannot read. $name"
	fi
	if grep -Eq 'could not read (Username|Password)|Permission denied \(publickey\)|Authentication failed for' "$log"; then
		fail "$source names a git repository that the build may not read: give it a token by a config var (git+https://\${TOKEN}@...), or make it public."
	fi
	explain_build_failure "$log"
	fail_with_log "$log" "pip could not install $source: its last lines above say why."
}

# --- installing

# What a build of an older package needs of its tools, when it failed for want of it: constraints, one a line.
older_tools() {
	if grep -q 'use_2to3 is invalid' "$1" && "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then
		echo 'setuptools<58'
	elif grep -q "cannot import name 'Feature' from 'setuptools" "$1"; then
		echo 'setuptools<46'
	elif grep -Eq "No module named '(pkg_resources|distutils[^']*|setuptools\.(command\.test|_distutils\.[^']*)|imp)'|module 'setuptools[^']*' has no attribute|cannot import name '[^']*' from 'setuptools|error: invalid command '(test|bdist_wheel)'|(dash-separated|Invalid dash)|cython_sources" "$1"; then
		printf '%s\n' 'setuptools<72' 'cython<3'
	fi
}

run_pip() {
	local log=$1
	shift
	pip_install "$venv" "$@" 2>&1 | tee "$log" |
		sed -u -E "/^ *(Downloading|Using cached|Requirement already|Created temporary|Ignoring [^ ]+: markers)/d; s# \(from -r $SCRATCH/.*##; s#$requirements#$source#; s/^./       &/"
}

# try_pip LOG ARGUMENT...: and once more with the tools of their time, for packages that need those.
try_pip() {
	local log=$1 tools
	shift
	! run_pip "$log" "$@" || return 0
	tools=$(older_tools "$log")
	[[ -n $tools && $(config_var PIP_BUILD_CONSTRAINT) == '' ]] || return 1
	detail "A package needs older tools to be built: once more with ${tools//$'\n'/ and }"
	printf '%s\n' "$tools" >"$SCRATCH/tools.txt"
	run_pip "$SCRATCH/again.log" --build-constraint "$SCRATCH/tools.txt" "$@"
}

has_hashes() { grep -q -- '--hash' "$requirements"; }

# What is in no lock is not of today; unless it says so, or the index can't tell.
install_unlocked() {
	local log=$SCRATCH/pip.log age=()
	[[ -n $(config_var PIP_UPLOADED_PRIOR_TO) ]] || has_hashes || [[ ${pip[0]} != "$SCRATCH"/* ]] || age=(--uploaded-prior-to "P${AGE_DAYS}D")
	((${#age[@]} == 0)) || detail "Unpinned packages get versions that are at least $AGE_DAYS days old (PIP_UPLOADED_PRIOR_TO changes that)"
	! try_pip "$log" "${age[@]}" "$@" || return 0
	if ((${#age[@]} == 0)) || index_is_away "$log" || grep -q 'require a different python version' "$log" ||
		! grep -Eq 'No matching distribution|ResolutionImpossible|upload[- ]time' "$log"; then
		explain_failure "$log"
	fi
	detail "Not with versions that are $AGE_DAYS days old alone: without that limit"
	try_pip "$log" "$@" || explain_failure "$log"
}

# A lock names all there is. What comes out of git or a folder has no hash, with which pip would refuse the others.
install_locked() {
	local log=$SCRATCH/pip.log
	sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$requirements" | grep -vE '^[[:space:]]*(#|$)' >"$SCRATCH/lines.txt" || true
	grep -E -- '--hash|^-' "$SCRATCH/lines.txt" | grep -vE '^-e|^--editable' >"$SCRATCH/hashed.txt" || true
	grep -vE -- '--hash' "$SCRATCH/lines.txt" >"$SCRATCH/rest.txt" || true
	if grep -q -- --hash "$SCRATCH/hashed.txt"; then
		try_pip "$log" --no-deps -r "$SCRATCH/hashed.txt" || explain_failure "$log"
	fi
	if grep -vqE '^-(i|f|-index|-extra|-find|-trusted)' "$SCRATCH/rest.txt"; then
		try_pip "$log" --no-deps -r "$SCRATCH/rest.txt" || explain_failure "$log"
	fi
}

# What a source with moving parts was resolved to the last time, as constraints.
pinned_before() {
	local file=$cache_dir/python-versions/$1
	[[ -f $file ]] || return 0
	cp "$file" "$SCRATCH/pinned.txt"
	printf '%s\n' -c "$SCRATCH/pinned.txt"
}

keep_versions() {
	rm -rf "$cache_dir/python-versions"
	mkdir -p "$cache_dir/python-versions"
	with_config "${pip[@]}" --python "$venv/bin/python" --disable-pip-version-check freeze --exclude-editable 2>/dev/null | grep -E '^[A-Za-z0-9._-]+==' >"$cache_dir/python-versions/$1" || true
}

install_requirements() {
	local key arguments=()
	rm -rf "$venv"
	"$python" -m venv --without-pip "$venv"
	write_requirements
	[[ -s $requirements ]] || return 0
	if is_lock || [[ $source == pyproject.toml && $(pyproject_kind) == uv ]]; then
		install_locked
	else
		key=$(key_material | digest "$have" "$source")
		! has_moving_parts || has_hashes || mapfile -t arguments < <(pinned_before "$key")
		if ((${#arguments[@]})); then
			try_pip "$SCRATCH/pip.log" "${arguments[@]}" -r "$requirements" || install_unlocked -r "$requirements"
		else
			install_unlocked -r "$requirements"
		fi
		! has_moving_parts || keep_versions "$key"
	fi
	[[ $requirements != */.twelve-requirements.txt ]] || rm -f "$requirements"
	cache_limit "$cache_dir/pip" 512
	cache_limit "$cache_dir/uv" 256
}

# One process for each package, so that what was compiled before cannot show in
# the bytes, and all processors work. Templates in packages that are no Python
# do not compile; pip overlooks them as well.
compile_bytecode() {
	find "$venv/lib" -mindepth 3 -maxdepth 3 \( -name '*.py' -o -type d ! -name '*.dist-info' ! -name __pycache__ \) -print0 |
		PYTHONHASHSEED=0 xargs -0 -r -n 1 -P "$(nproc)" \
			"$python" -m compileall -qq --invalidation-mode unchecked-hash >/dev/null 2>&1 || true
}

install_environment() {
	local key=''
	has_moving_parts || key=$(key_material | digest python "$VERSION" "$have" "$python" "$source")
	if [[ -n $key ]] && cache_restore "$cache_dir" venv "$key" "$venv" && "$venv/bin/python" -c '' 2>/dev/null; then
		[[ $source == none ]] || detail "$source has not changed: the installed packages are used again"
		return 0
	fi
	[[ $source == none ]] || install_pip
	case $source in
	pyproject.toml | Pipfile) detail "$source has no lock beside it: versions of at least $AGE_DAYS days are chosen now, and kept until it changes" ;;
	esac
	install_requirements
	compile_bytecode
	[[ -z $key ]] || cache_store "$cache_dir" venv "$key" "$venv"
}

# With a build system, a project is a package of its own, as uv and Poetry have it; files that make none are used where they are.
install_project() {
	[[ " uv.lock poetry.lock pdm.lock pyproject.toml " == *" $source "* ]] || return 0
	grep -q '^\[build-system\]' pyproject.toml || return 0
	! grep -Eq '^(package(-mode)?|distribution)[[:space:]]*=[[:space:]]*false' pyproject.toml || return 0
	heading "Installing the app's own package"
	[[ ${pip[0]} == "$SCRATCH"/* ]] || install_pip
	! pip_install "$venv" --quiet --no-deps --ignore-requires-python --editable . >"$SCRATCH/pip.log" 2>&1 || return 0
	if grep -Eq 'No file/folder found for package|Unable to determine which files to ship|Multiple top-level (packages|modules) discovered|Unable to detect files' "$SCRATCH/pip.log"; then
		detail "[build-system] in pyproject.toml finds no package to install: the app's files are used where they are"
		return 0
	fi
	indent <"$SCRATCH/pip.log"
	fail_with_log "$SCRATCH/pip.log" "The app's own package could not be installed: see above, and [build-system] in pyproject.toml."
}
