# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the app's gems are, by its files alone: this runs where there is no Ruby. The lock says it exactly;
# without one, the Gemfile says what it asks for itself.

# gem_version NAME: as it is locked, or nothing.
gem_version() {
	[[ -f Gemfile.lock ]] || return 0
	sed -nE "s/^    $1 \(([0-9][^)-]*)[^)]*\)\r?\$/\1/p" Gemfile.lock | sed -n 1p
}

# has_gem NAME: the name is a regular expression.
has_gem() {
	if [[ -f Gemfile.lock ]]; then
		LC_ALL=C grep -Eq "^    $1 \(" Gemfile.lock
	else
		LC_ALL=C grep -Eq "^[[:space:]]*gem[ (]+['\"]$1['\"]" Gemfile
	fi
}

# site_of_pages: of a generator of pages the folder and the command, when that is what the app is. Jekyll's are made by the buildpack "static".
site_of_pages() {
	[[ ! -f Procfile && ! -f config.ru ]] || return 0
	[[ ! -f config.rb ]] || ! has_gem middleman || echo "build middleman build"
}
