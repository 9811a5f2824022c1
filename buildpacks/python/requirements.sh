# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # bin/compile has the variables of all
# What is installed: `source` is the file that a person or a tool wrote, `requirements` what pip reads. A lock names all
# that it installs; what is no lock is resolved now, and then kept until it changes.

readonly LOCKS='uv.lock poetry.lock pdm.lock Pipfile.lock pylock.toml'
# Where people keep the packages of production, when there is no requirements.txt at the top.
readonly VARIANTS='requirements/production.txt requirements/prod.txt requirements/requirements.txt requirements-prod.txt requirements-production.txt
requirements_prod.txt requirements_production.txt prod-requirements.txt production-requirements.txt requirements/deploy.txt requirements/main.txt
requirements/base.txt requirements/common.txt requirements/default.txt requirements-base.txt requirements_base.txt requirements/app.txt requirements.in'

is_lock() { [[ " $LOCKS " == *" $source "* ]]; }

first_file() {
	local file
	for file in "$@"; do
		[[ ! -f $file ]] || break
		file=''
	done
	printf '%s' "$file"
}

# How a pyproject.toml names packages: as standard ("project"), as Poetry, with sources of uv's; or not at all.
pyproject_kind() {
	[[ -f pyproject.toml ]] || return 0
	if grep -Eq '^\[tool\.uv\.sources' pyproject.toml; then
		echo uv
	elif grep -Eq '^\[project\]' pyproject.toml && grep -Eq '^[[:space:]]*(dependencies[[:space:]]*=|dynamic[[:space:]]*=.*"dependencies")' pyproject.toml; then
		echo project
	elif grep -Eq '^\[tool\.poetry\.dependencies\]' pyproject.toml; then
		echo poetry
	fi
}

find_requirements() {
	local reason others file
	reason=$("$pack_dir/bin/check" .) || fail "$reason"
	# shellcheck disable=SC2086 # lists of names
	source=$(first_file $LOCKS requirements.txt Pipfile)
	[[ -n $source || -z $(pyproject_kind) ]] || source=pyproject.toml
	# shellcheck disable=SC2086
	source=${source:-$(first_file $VARIANTS setup.py)}
	[[ -n $source || ! -f setup.cfg ]] || ! grep -q '^install_requires' setup.cfg || source=setup.cfg
	source=${source:-none}
	requirements=$SCRATCH/requirements.txt
	others=''
	for file in $LOCKS requirements.txt; do
		[[ ! -f $file || $file == "$source" ]] || others+=" $file"
	done
	[[ -z $others ]] || detail "Not looked at, since $source is there:$others"
}

# A tool that reads or makes a lock; it lives in the scratch directory only.
install_tool() {
	detail "Reading $source with $1"
	[[ ! -x $SCRATCH/tool/bin/${1%%=*} ]] || return 0
	[[ -d $SCRATCH/tool ]] || "$python" -m venv --without-pip "$SCRATCH/tool"
	pip_install "$SCRATCH/tool" --quiet "$@" || fail "$1, which reads $source, could not be installed from the package index: see above."
}

uv_tool() {
	with_config env UV_PYTHON="$python" UV_NO_MANAGED_PYTHON=1 UV_CACHE_DIR="$cache_dir/uv" UV_DEFAULT_INDEX="$(uv_index)" "$SCRATCH/tool/bin/uv" "$@"
}

# uv's own setting, else pip's.
uv_index() {
	local name value
	for name in UV_DEFAULT_INDEX UV_INDEX_URL PIP_INDEX_URL; do
		value=$(config_var "$name")
		[[ -z $value ]] || break
	done
	printf '%s' "${value:-https://pypi.org/simple}"
}

export_uv() {
	install_tool "uv==$UV_VERSION"
	if [[ $source != uv.lock ]]; then
		with_config env UV_EXCLUDE_NEWER="$(config_var UV_EXCLUDE_NEWER | grep . || date -u -d "@$(($(date +%s) - AGE_DAYS * 86400))" +%Y-%m-%dT00:00:00Z)" \
			UV_PYTHON="$python" UV_CACHE_DIR="$cache_dir/uv" "$SCRATCH/tool/bin/uv" lock --quiet 2>"$SCRATCH/uv.log" || {
			indent <"$SCRATCH/uv.log"
			fail "The dependencies in pyproject.toml cannot be resolved: see above, and run \"uv lock\" where you can see why."
		}
	fi
	uv_tool export --quiet --frozen --no-dev --no-emit-project --no-header --no-python-downloads \
		--format requirements-txt --output-file "$requirements" >/dev/null 2>"$SCRATCH/uv.log" || {
		indent <"$SCRATCH/uv.log"
		fail "uv.lock could not be read: run \"uv lock\" and commit the result."
	}
	[[ $source == uv.lock ]] || rm -f uv.lock
}

export_poetry() {
	install_tool "poetry==$POETRY_VERSION" "poetry-plugin-export==$POETRY_EXPORT_VERSION"
	"$SCRATCH/tool/bin/poetry" check --lock --quiet || fail "poetry.lock does not match pyproject.toml: run \"poetry lock\" and commit the result."
	"$SCRATCH/tool/bin/poetry" export --only main --format requirements.txt --output "$requirements" || fail "poetry.lock could not be read: see above."
}

# Poetry's own words for versions, in those of pip, which chooses.
read_poetry() {
	install_tool "poetry-core==$POETRY_CORE_VERSION"
	"$SCRATCH/tool/bin/python" -c '
from pathlib import Path
from poetry.core.factory import Factory
for d in Factory().create_poetry(Path.cwd()).package.requires:
    if not d.is_optional():
        print(d.to_pep_508())
' >"$requirements" 2>"$SCRATCH/read.log" || fail "pyproject.toml cannot be read: $(tail -n 1 "$SCRATCH/read.log")"
}

# Ours reads what needs no resolution.
export_by_reading() {
	"$python" "$pack_dir/sources.py" requirements "$source" >"$requirements" 2>"$SCRATCH/read.log" || fail "$(tail -n 1 "$SCRATCH/read.log")"
}

write_requirements() {
	case $source:$(pyproject_kind) in
	uv.lock:* | pyproject.toml:uv) export_uv ;;
	poetry.lock:*) export_poetry ;;
	pyproject.toml:poetry) read_poetry ;;
	pyproject.toml:* | pdm.lock:* | Pipfile:* | Pipfile.lock:* | pylock.toml:*) export_by_reading ;;
	setup.py:* | setup.cfg:*) echo "-e ." >"$requirements" ;;
	none:*) : >"$requirements" ;;
	*)
		requirements=$source
		drop_foreign_lines
		;;
	esac
}

# What "pip freeze" wrote on another system and nothing here can install: Ubuntu's pkg-resources, programs for Windows.
readonly FOREIGN='(pkg[-_]resources==0\.0\.0|(pywin32|pypiwin32|pywinpty|windows-curses|win-inet-pton|wincertstore|winshell|twisted-iocpsupport)([=<>~! ]+[^;]*)?)[[:space:]]*(#.*)?$'

drop_foreign_lines() {
	local copy
	! plain_text_or_utf16 "$source" | grep -Eiq "^[[:space:]]*$FOREIGN" || {
		copy=$(dirname "$source")/.twelve-requirements.txt
		plain_text_or_utf16 "$source" | grep -Eiv "^[[:space:]]*$FOREIGN" >"$copy" || true
		plain_text_or_utf16 "$source" | grep -Ei "^[[:space:]]*$FOREIGN" | while read -r line; do
			detail "$source names $line, which is of another system: left out"
		done
		requirements=$copy
	}
}

# PowerShell's ">" writes UTF-16, which pip reads.
plain_text_or_utf16() {
	if [[ $(head -c 2 "$1" | od -An -tx1) == ' ff fe' ]]; then
		iconv -f UTF-16 -t UTF-8 "$1"
	else
		cat "$1"
	fi | LC_ALL=C sed -e $'1s/^\xef\xbb\xbf//' -e 's/\r$//'
}

# included_files FILE [DEPTH]: FILE and the requirements files that it draws in with -r and -c.
included_files() {
	local file=$1 depth=${2:-0} next
	[[ -f $file ]] && ((depth < 8)) || return 0
	echo "$file"
	plain_text_or_utf16 "$file" | LC_ALL=C sed -nE 's/^[[:space:]]*(-r|-c|--requirement|--constraint)[[:space:]=]*([^[:space:]#]+).*/\2/p' |
		while read -r next; do included_files "$(dirname "$file")/$next" $((depth + 1)); done
}

# What decides which packages are installed.
key_material() {
	case $source in
	none) ;;
	*.lock | Pipfile | pylock.toml | pyproject.toml | setup.*)
		for file in "$source" pyproject.toml setup.py setup.cfg; do [[ ! -f $file ]] || cat "$file"; done
		;;
	*) included_files "$source" | while read -r file; do plain_text_or_utf16 "$file"; done ;;
	esac
}

# True when a requirement is a directory or a branch, whose content its name does not tell.
has_moving_parts() {
	case $source in
	uv.lock) grep -Eq '^source = \{ (directory|path|editable) = "([^."]|\.[^"])' uv.lock ;;
	poetry.lock) grep -Eq '^type = "(directory|file)"' poetry.lock ;;
	pdm.lock) grep -Eq '^path = ' pdm.lock ;;
	Pipfile | Pipfile.lock) grep -Eq '^[^#]*"?(path|editable|git)"?[[:space:]]*[:=]' "$source" ;;
	setup.* | pylock.toml) true ;;
	pyproject.toml) grep -Eq 'git\+|file:|@ *\.|^\[tool\.uv\.sources|"dependencies"|(git|path|url) *=' pyproject.toml ;;
	none) false ;;
	*) key_material | grep -Eq '^[[:space:]]*(-e|--editable|\.|/|file:|git\+|hg\+|svn\+|bzr\+)|@[[:space:]]*(file:|git\+|hg\+)|=[[:space:]]*\./' ;;
	esac
}
