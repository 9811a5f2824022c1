# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Bundler: where gems come from, and why they do not.

# Where Bundler looks for the password of a host: BUNDLE_GEMS__EXAMPLE__COM.
variable_of_host() {
	sed -E 's/^[a-z]+:..//; s/[/:].*//; s/-/___/g; s/\./__/g; s/^/BUNDLE_/' <<<"$1" | tr '[:lower:]' '[:upper:]'
}

# Why Bundler failed, in one sentence, when its words are known.
explain_failure() {
	local log=$1 name
	! ran_out_of_memory "$log" || fail_with_log "$log" "Bundler could not install the gems."
	name=$(sed -nE -e 's/.*Could not reach host ([^ ]+)\. .*/\1/p' -e 's/.*(Network error while fetching|Could not fetch specs from|Could not download gem from) ([^ ]+).*/\2/p' \
		-e 's/.*Failed to open TCP connection to ([^: ]+).*/\1/p' -e 's/.*Could not verify the SSL certificate for ([^ ]+).*/\1/p' \
		-e 's/.*fatal: unable to access .([^ ]+).: (Could not resolve|Failed to connect).*/\1/p' "$log" | sed -n 1p)
	if [[ -n $name ]]; then
		fail "$name cannot be reached from the build: look at the proxy and certificate settings of the platform, have its operator name a mirror (BUNDLE_MIRROR__ALL), or commit the gems (\"bundle cache --all\", vendor/cache)."
	fi
	name=$(sed -nE 's/.*(Authentication is required for|Bad username or password for) ([^ ]*[^ .]).*/\2/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail "$name wants a password: set the config var $(variable_of_host "$name") to \"user:password\"."
	if grep -Eq 'could not read Username|Repository .* not found|Permission denied \(publickey\)' "$log"; then
		fail "A gem comes from a git repository that the build may not read: set the config var BUNDLE_GITHUB__COM to \"x-access-token:TOKEN\", with its https:// address in the Gemfile."
	fi
	if grep -Eq '(frozen|deployment) mode|gemspecs for path gems changed|cannot be updated because frozen|lockfile .* is corrupt|Unable to update the lockfile' "$log"; then
		fail "Gemfile.lock does not match Gemfile: run \"bundle install\" and commit Gemfile.lock."
	fi
	name=$(sed -nE -e "s/.*Could not find gem '([^']+)'.*/\1/p" -e 's/.*Could not find ([^ ]+) in (any of|locally).*/\1/p' -e "s/.*Your bundle is locked to ([^ ]+( \([^)]*\))?).*/\1/p" "$log" | sed -n 1p)
	[[ -z $name ]] || fail "The gem $name is nowhere to be had: check its name and version in Gemfile and Gemfile.lock, and run \"bundle install\"."
	name=$(sed -nE 's/^(.* requires ruby version [^,]*, which is incompatible.*)/\1/p; s/.*(([^ ]+) requires Ruby version .*)/\1/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail "The stack has Ruby $ruby_version, and a gem wants another: $name Run \"bundle update\" of that gem with Ruby ${ruby_version%.*}, or choose another stack (twelve stack:set)."
	name=$(sed -nE 's/.*An error occurred while installing ([^ ]+ \([^)]+\)).*/\1/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail_with_log "$log" "The gem $name could not be installed: its own words above say why."
	grep -Eq 'There was an error parsing|Gemfile syntax error|Undefined local variable' "$log" &&
		fail "The Gemfile cannot be read: Bundler's words above name the line."
	fail_with_log "$log" "Bundler could not install the gems: its last lines above say why."
}

run_bundle() {
	local log=$SCRATCH/bundle.log
	with_config bundle "$@" 2>&1 | tee "$log" |
		sed -u -E '/^(Using|Don.t run Bundler as root|application for all non-root)/d; s/^./       &/' || explain_failure "$log"
}

# Gems that Debian packages have brought (Aptfile), or Ruby itself, satisfy the Gemfile: nothing is fetched.
debian_has_it() {
	local frozen=()
	[[ ! -f Gemfile.lock ]] || frozen=(BUNDLE_FROZEN=1)
	if with_config env "${frozen[@]}" bundle install --local >"$SCRATCH/local.log" 2>&1; then
		detail "The stack's packages have all gems: $(sed -n 's/^Bundle complete! //p' "$SCRATCH/local.log")"
		return 0
	fi
	return 1
}

# A lock of a machine that is no Linux names no gems for this one.
add_platform() {
	local listed
	listed=$(awk '/^PLATFORMS/ { on = 1; next } on && /^[^ ]/ { exit } on { print $1 }' Gemfile.lock | tr -d '\r')
	[[ -n $listed ]] && ! grep -Eq '^ruby$|linux' <<<"$listed" || return 0
	warning "Gemfile.lock is for $(tr '\n' ' ' <<<"$listed")only: this platform is added for this build." \
		"Run \"bundle lock --add-platform $(uname -m)-linux\" and commit Gemfile.lock."
	run_bundle lock --add-platform "$(uname -m)-linux"
}

# What decides the content of vendor/bundle; nothing when a gem's source is in the app.
bundle_key() {
	local file
	! grep -Eq '^PATH$' Gemfile.lock || [[ -z $(compgen -G '*/extconf.rb' || true)$(compgen -G '*/*/extconf.rb' || true) ]] || return 0
	{
		cat Gemfile Gemfile.lock .bundle/config 2>/dev/null || true
		printenv | grep '^BUNDLE_' | grep -v '^BUNDLE_JOBS' | LC_ALL=C sort || true
		for file in "$env_dir"/BUNDLE_* "$env_dir"/{C,CXX,LD,CPP}FLAGS; do
			[[ ! -f $file ]] || { printf '%s=' "${file##*/}" && sha256sum <"$file"; }
		done
	} | digest bundle "$VERSION" "$ruby_version"
}

# Sources of what was compiled, what was downloaded, and records with dates.
sweep_bundle() {
	find vendor/bundle \( -name gem_make.out -o -name mkmf.log -o -path 'vendor/bundle/*/bundler/gems/*/.git' -prune \) -exec rm -rf {} +
	rm -rf vendor/bundle/ruby/*/cache vendor/bundle/ruby/*/bundler/cache
	find vendor/bundle -path '*/ext/*' -name '*.o' -delete
	find vendor/bundle -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
}

install_gems() {
	local key
	impose BUNDLE_PATH=vendor/bundle
	impose BUNDLE_BIN=vendor/bundle/bin
	[[ ! -d vendor/bundle ]] || warning "vendor/bundle is in the commit and is replaced: add it to .gitignore."
	rm -rf vendor/bundle
	if [[ -f Gemfile.lock ]]; then
		add_platform
		impose BUNDLE_DEPLOYMENT=1
		key=$(bundle_key)
		if [[ -n $key ]] && cache_restore "$cache_dir" bundle "$key" vendor/bundle; then
			detail "Gemfile.lock has not changed: the installed gems are used again"
			return 0
		fi
	else
		key=''
		warning "There is no Gemfile.lock, so each build may get other versions." \
			"Run \"bundle install\" and commit Gemfile.lock."
	fi
	default "BUNDLE_JOBS=$(nproc)"
	if compgen -G 'vendor/cache/*.gem' >/dev/null && with_config bundle install --local >"$SCRATCH/local.log" 2>&1; then
		detail "All gems are in vendor/cache: $(sed -n 's/^Bundle complete! //p' "$SCRATCH/local.log")"
	else
		run_bundle install
	fi
	cache_limit "$BUNDLE_USER_CACHE" 512
	[[ -d vendor/bundle ]] || return 0
	sweep_bundle
	[[ -z $key ]] || cache_store "$cache_dir" bundle "$key" vendor/bundle
}
