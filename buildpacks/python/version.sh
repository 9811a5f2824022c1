# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # bin/compile has the variables of all
# Which Python: the stack's when it is what the app asks for, else one of python-build-standalone, by uv, which knows their
# digests. Sets `python`, `have` and `asked_by`. What was chosen stays until the file that asks changes.

readonly PYTHON_DOWNLOAD_SECONDS=240

have_version() { "$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])'; }
debian() { cut -d. -f1 /etc/debian_version; }

# wanted_version FILE: the first line that says something, without "python-".
wanted_version() {
	plain_text "$1" | sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' -e 's/^\(c\?python\)-\?//' | sed -n 1p
}

# Sets asked_by (a file), asked (its words) and specifiers (what fits); empty when nothing is asked for.
read_wish() {
	local file
	asked_by='' asked='' specifiers=''
	for file in .python-version runtime.txt; do
		[[ -f $file ]] || continue
		asked=$(wanted_version "$file")
		case $asked in
		'' | 3) continue ;;
		[0-9]*.[0-9]*.[0-9x*]*) specifiers="==$asked" ;;
		[0-9]*.[0-9]*) specifiers="==$asked.*" ;;
		[\<\>=~!]*) specifiers=$asked ;;
		pypy*) fail "$file asks for PyPy ($asked), which is not here: this stack has Python ${have%.*}; write ${have%.*} into $file." ;;
		*)
			warning "$file says \"$asked\", which is no version of Python: it is not looked at."
			continue
			;;
		esac
		specifiers=${specifiers/%.x/.*} asked_by=$file
		return 0
	done
	IFS=$'\t' read -r asked_by specifiers < <("$python" "$pack_dir/sources.py" asks 2>/dev/null) || true
	asked=${specifiers//||/ or }
}

# A standalone Python of the wished version into the app, or from the cache; false when there is none.
install_python() {
	local key=$1 into=$build_dir/.twelve/python
	if cache_restore "$cache_dir" python "$key" "$into"; then
		detail "The Python that was chosen for $asked_by is used again"
	else
		detail "This stack has Python ${have%.*}: another is looked for among those of python-build-standalone"
		source=$asked_by install_tool "uv==$UV_VERSION"
		# Where it is, it is there soon; where it is not, nobody waits for it.
		if ! with_config env UV_HTTP_TIMEOUT=20 UV_HTTP_CONNECT_TIMEOUT=10 UV_HTTP_RETRIES=1 UV_PYTHON_PREFERENCE=only-managed UV_CACHE_DIR="$SCRATCH/uv" \
			timeout "$PYTHON_DOWNLOAD_SECONDS" "$SCRATCH/tool/bin/uv" python install --quiet --no-bin --install-dir "$into" \
			"$(uv_request)" >"$SCRATCH/uv.log" 2>&1; then
			rm -rf "$into"
			return 1
		fi
		prune_python "$into"
		cache_store "$cache_dir" python "$key" "$into"
	fi
	python=$(find "$into" -mindepth 3 -maxdepth 3 -path '*/bin/python3' | sed -n 1p)
	[[ -n $python ]] && have=$(have_version)
}

# As uv has it: 3.12 or >=3.10,<3.12.
uv_request() {
	local request=${specifiers%%||*}
	[[ $request != ==*.\* ]] || request=${request#==} request=${request%.\*}
	[[ $request != ==[0-9]* ]] || request=${request#==}
	printf '%s' "$request"
}

# What no server needs, and what has a date in it.
prune_python() {
	find "$1" -mindepth 1 -maxdepth 1 \( -type l -o -name '.*' \) -exec rm -rf {} +
	find "$1" \( -name __pycache__ -o -path '*/lib/python3*/test' -o -path '*/lib/python3*/idlelib' -o -path '*/lib/python3*/config-*' -o -name 'libpython*.a' \) \
		-prune -exec rm -rf {} +
}

# What to do when no Python that is wished for can be had.
ways_out() {
	local minor=${have%.*} other=''
	[[ $(debian) != 12 ]] || ! fits_version 3.13.5 || other='"twelve stack:set debian-13" has Python 3.13, or '
	[[ $(debian) == 12 ]] || ! fits_version 3.11.2 || other='"twelve stack:set debian-12" has Python 3.11, or '
	case $asked_by in
	pyproject.toml) other+="let the range of pyproject.toml have $minor" ;;
	Pipfile*) other+="write python_version = \"$minor\" into Pipfile and lock it again" ;;
	*) other+="write $minor into $asked_by" ;;
	esac
	printf '%s; others come from GitHub or from UV_PYTHON_INSTALL_MIRROR, which cannot be reached from the build' "$other"
}

fits_version() { "$python" "$pack_dir/sources.py" fits "$specifiers" "$1"; }

# Whether uv may have it: nothing that is older or newer than there are.
is_downloadable() {
	local minor
	for minor in 8 9 10 11 12 13 14 15; do
		! "$python" "$pack_dir/sources.py" fits "$specifiers" "3.$minor.9" || return 0
	done
	return 1
}

choose_python() {
	local code=0 key decision=$cache_dir/python-choice minor
	have=$(have_version)
	minor=${have%.*}
	read_wish
	[[ -n $specifiers ]] || return 0
	fits_version "$have" || code=$?
	if ((code == 0)); then
		case $asked in
		"$have" | "$minor" | "$minor".[x*] | *[\<\>=~!*,]*) ;;
		*) warning "$asked_by asks for Python $asked; the stack has $have with Debian's fixes, which is used." ;;
		esac
		return 0
	fi
	key=$(digest "python $asked_by $specifiers" "$(config_var UV_PYTHON_INSTALL_MIRROR)" </dev/null)
	if is_downloadable && [[ $(cat "$decision" 2>/dev/null) != "$key $have" ]]; then
		! install_python "$key" || return 0
	elif ((code != 1)) && ! is_downloadable; then
		fail "$asked_by asks for Python $asked, but this stack (Debian $(debian)) has $minor: write $minor into $asked_by."
	fi
	((code == 1)) || fail "$asked_by asks for Python $asked, but this stack (Debian $(debian)) has $minor: $(ways_out)."
	warning "$asked_by asks for Python $asked. It cannot be had here, and $minor of this stack (Debian $(debian)) is used INSTEAD:" \
		"$(ways_out)."
	printf '%s %s' "$key" "$have" >"$decision"
}
