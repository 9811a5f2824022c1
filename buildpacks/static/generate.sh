# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Sourced by bin/compile: makes the pages of a site's sources with Debian's Hugo or Jekyll (generator), and sets
# `pages` to the folder that holds them.

# Words in a configuration of Hugo, in TOML or YAML.
hugo_setting() {
	{ cat hugo.* config.* config/_default/*.* 2>/dev/null || true; } | sed -nE "s/^[[:space:]]*\"?$1\"?[[:space:]]*[=:][[:space:]]*[\"']?([^\"'#]+)[\"']?.*/\1/Ip" | sed -n 1p | sed 's/[[:space:]]*$//'
}

explain_hugo() {
	local log=$1 theme
	theme=$(hugo_setting theme)
	if grep -Eq 'module "[^"]*" not found|Unable to find theme|theme .* not found' "$log"; then
		fail "The theme ${theme:-of the site} is not in themes/: commit it there, or as a submodule whose address can be reached (.gitmodules)."
	fi
	if grep -Eq 'binary with name "go" not found|failed to download modules|go: ' "$log"; then
		fail "The site draws modules by Go, which is not here: \"hugo mod vendor\" puts them into _vendor; commit it."
	fi
	if grep -Eq 'TOCSS|dart-sass|binary with name' "$log"; then
		fail "The site needs a program that is not here (Dart Sass, or npm's PostCSS): see above; commit resources/_gen, or build the site with package.json and hugo-bin."
	fi
	fail_with_log "$log" "$(hugo version | cut -d' ' -f1,2) could not make the pages: its lines above say why."
}

# The address that a site is under differs by app and domain, and links that begin with / hold under each.
make_hugo() {
	local log=$SCRATCH/hugo.log
	heading "Making the pages with $(hugo version | sed -E 's/^hugo v?([0-9.]+).*/Hugo \1/')"
	[[ -n $(config_var HUGO_BASEURL) ]] || detail "Links begin with \"/\"; the config var HUGO_BASEURL gives them an address (https://www.example.com/)"
	default HUGO_BASEURL=/
	default HUGO_ENVIRONMENT=production
	impose "HUGO_CACHEDIR=$cache_dir/hugo"
	with_config hugo --gc --noBuildLock 2>&1 | tee "$log" | indent || explain_hugo "$log"
	pages=$(hugo_setting publishDir)
	pages=${pages:-public}
}

explain_jekyll() {
	local log=$1 name
	name=$(sed -nE "s/.*cannot load such file -- ([A-Za-z0-9_\/-]+).*/\1/p; s/.*The ([a-z0-9_-]+) theme could not be found.*/\1/p" "$log" | sed -n 1p)
	[[ -z $name ]] || fail "_config.yml asks for $name, which is none of Debian's packages of Jekyll's: name it in a Gemfile (bundle lock), or take it out of plugins."
	fail_with_log "$log" "Jekyll could not make the pages: its lines above say why."
}

# With a Gemfile the buildpack for Ruby, which comes before, has installed Jekyll.
make_jekyll() {
	local log=$SCRATCH/jekyll.log command=(jekyll)
	if [[ -f Gemfile ]] && command -v bundle >/dev/null && bundle exec jekyll --version >/dev/null 2>&1; then
		command=(bundle exec jekyll)
	fi
	heading "Making the pages with $("${command[@]}" --version 2>/dev/null | tail -n 1)"
	default JEKYLL_ENV=production
	[[ ${command[0]} == bundle ]] || export JEKYLL_NO_BUNDLER_REQUIRE=true
	with_config "${command[@]}" build --destination _site 2>&1 | tee "$log" | indent || explain_jekyll "$log"
	pages=_site
}

make_pages() {
	pages=''
	case $("$pack_dir/generator" . || true) in
	hugo) make_hugo ;;
	jekyll) make_jekyll ;;
	esac
}
