# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Which Ruby: the stack's where it fits; where the operator has named a mirror of builds (TWELVE_RUBY_MIRROR), the very one that is asked
# for. Bundler insists on what the Gemfile says; .ruby-version and the lock are hints.

# The minor version of Ruby in Debian VERSION_ID.
ruby_of_debian() {
	case $1 in
	12) echo 3.1 ;;
	13) echo 3.3 ;;
	esac
}

debian_version() { sed -nE 's/^VERSION_ID="?([0-9]+).*/\1/p' /etc/os-release; }

wanted_ruby() { perl "$pack_dir/version.pl" wanted .; }
ruby_fits() { perl "$pack_dir/version.pl" fits "$@"; }

# first_of KIND FIELD: of the lines of wanted_ruby.
first_of() { awk -F '\t' -v kind="$1" -v field="$2" '$1 == kind { print $field; exit }' <<<"$wanted"; }

# An exact version that something asks for, in three parts; the most binding first.
exact_ruby() {
	{ awk -F '\t' '$1 == "gemfile" { print $3 }' <<<"$wanted" && awk -F '\t' '$1 == "hint" { print $3 }' <<<"$wanted"; } |
		sed -nE 's/^(= *)?([0-9]+\.[0-9]+\.[0-9]+)(p[0-9]+)?$/\2/p' | sed -n 1p
}

# refusal_of_ruby HAVE: one sentence when no Ruby can be had that fits.
refusal_of_ruby() {
	local have=$1 debian other fits where required
	debian=$(debian_version)
	where=$(first_of engine 2)
	if [[ -n $where ]]; then
		echo "$where asks for $(first_of engine 3), and the platform has MRI only: take the engine out of that line, or set a buildpack by its git URL (twelve buildpacks:set URL)."
		return 0
	fi
	where=$(first_of gemfile 2) required=$(first_of gemfile 3)
	[[ -n $where ]] || return 0
	[[ $(ruby_fits "$have" "$required") == no ]] || return 0
	if [[ -n ${TWELVE_RUBY_MIRROR:-} ]]; then
		[[ -n $(exact_ruby) ]] || echo "$where asks for Ruby $required, and the stack has $have: name one version in three parts there, so that it can be fetched from the platform's mirror."
		return 0
	fi
	for other in 13 12; do
		[[ $other != "$debian" ]] || continue
		fits=$(ruby_fits "$(ruby_of_debian $other).99" "$required")
		[[ $fits == no ]] || {
			echo "$where asks for Ruby $required, and this stack (Debian $debian) has ${have%.*}: the stack debian-$other has $(ruby_of_debian $other) (twelve stack:set debian-$other)."
			return 0
		}
	done
	echo "$where asks for Ruby $required, and this stack (Debian $debian) has ${have%.*}: write \"~> ${have%.*}.0\" there, or have the operator name a mirror of Ruby's builds (TWELVE_RUBY_MIRROR)."
}
