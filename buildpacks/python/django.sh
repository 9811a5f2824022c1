# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # bin/compile has the variables of all
# Django's static files, and other data that is made before an app starts.

# missing_setting WORDS: the variable that settings wanted and did not find, as their usual readers say it.
missing_setting() {
	sed -nE -e "s/.*KeyError: '([A-Z][A-Z0-9_]*)'.*/\1/p" -e 's/.*[Ss]et the ([A-Z][A-Z0-9_]*) environment variable.*/\1/p' \
		-e 's/.*UndefinedValueError: ([A-Z][A-Z0-9_]*) not found.*/\1/p' -e 's/.*The ([A-Z][A-Z0-9_]*) setting must not be empty.*/\1/p' \
		-e "s/.*[Ee]nvironment variable [\"'\`]?([A-Z][A-Z0-9_]*)[\"'\`]? (is )?not set.*/\1/p" -e "s/.*[Mm]issing (required )?environment variable:? [\"'\`]?([A-Z][A-Z0-9_]*).*/\2/p" | sed -n '$p'
}

explain_settings() {
	local manage=$1 settings=$2 name where
	indent <<<"$settings"
	name=$(missing_setting <<<"$settings")
	where=$(grep -oE 'File "[^"]+", line [0-9]+' <<<"$settings" | grep -vE 'site-packages|/usr/lib|<frozen' | tail -n 1 | sed -E "s/File \"(.*)\", line ([0-9]+)/\1:\2/; s#^$build_dir/##" || true)
	[[ -z $name ]] || fail "Django's settings${where:+ ($where)} read $name, which is not set: twelve config:set $name=... gives it; DISABLE_COLLECTSTATIC=1 leaves static files alone."
	fail "Django's settings cannot be loaded by $manage${where:+ ($where)}: set the config vars that they read, or DISABLE_COLLECTSTATIC=1 to leave static files alone."
}

collect_static() {
	local manage settings disabled log=$SCRATCH/django.log
	manage=$(find . -maxdepth 3 -name manage.py -not -path './.twelve/*' -not -path '*/node_modules/*' | LC_ALL=C sort | sed -n 1p)
	[[ -n $manage ]] && "$venv/bin/python" -c 'import django' 2>/dev/null || return 0
	# Without it there is no place to collect them in, and nobody's settings must be loaded.
	grep -rqs --include='*.py' --exclude-dir=.twelve --exclude-dir=node_modules STATIC_ROOT . || return 0
	disabled=$(config_var DISABLE_COLLECTSTATIC)
	if [[ -n $disabled && $disabled != 0 ]]; then
		detail "DISABLE_COLLECTSTATIC is set: static files are not collected"
		return 0
	fi
	settings=$(with_config "$venv/bin/python" "$manage" diffsettings 2>&1) || explain_settings "$manage" "$settings"
	grep -Eq "^STATIC_ROOT = .*['\"]" <<<"$settings" || return 0
	heading "Collecting static files ($manage collectstatic)"
	with_config "$venv/bin/python" "$manage" collectstatic --noinput 2>&1 | tee "$log" | indent ||
		fail_with_log "$log" "$manage collectstatic failed: repair it, or set the config var DISABLE_COLLECTSTATIC=1."
}

# Heroku's nltk.txt: the names of the corpora that NLTK shall find.
fetch_corpora() {
	local names into=.twelve/nltk_data
	[[ -f nltk.txt ]] && "$venv/bin/python" -c 'import nltk' 2>/dev/null || return 0
	mapfile -t names < <(plain_text nltk.txt | sed -e 's/#.*//' -e '/^[[:space:]]*$/d')
	((${#names[@]})) || return 0
	heading "Fetching what nltk.txt names"
	if ! with_config timeout 120 "$venv/bin/python" -m nltk.downloader -d "$into" "${names[@]}" 2>&1 | sed -u 's/^./       &/' || [[ ! -d $into ]]; then
		warning "nltk.txt: not all of it could be fetched (raw.githubusercontent.com): the app starts without it; put the data into the repository and set NLTK_DATA."
	fi
}
