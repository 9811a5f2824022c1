# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What mix.exs says, read without Elixir, since it is asked for before a stack is made.

# The text of mix.exs without its comments, lines kept.
mix_text() { LC_ALL=C sed -E -e $'1s/^\xef\xbb\xbf//' -e 's/\r$//' -e 's/^([^"#]*("[^"]*"[^"#]*)*)#.*/\1/' mix.exs; }

mix_app() { mix_text | sed -nE 's/.*(^|[^[:alnum:]_])app:[[:space:]]*:([A-Za-z0-9_]+).*/\2/p' | sed -n 1p; }

is_umbrella() { mix_text | grep -q 'apps_path:'; }

# The first release that mix.exs names, or that of its app.
mix_release() {
	local name
	name=$(mix_text | tr '\n' ' ' | sed -nE 's/.*[^[:alnum:]_]releases:[[:space:]]*\[[[:space:]]*([a-z][A-Za-z0-9_]*):.*/\1/p')
	[[ -n $name ]] || name=$(mix_text | tr '\n' ' ' | sed -nE 's/.*defp?[[:space:]]+releases(\(\))?[[:space:]]*(do|,[[:space:]]*do:)[[:space:]]*\[[[:space:]]*([a-z][A-Za-z0-9_]*):.*/\3/p')
	[[ -n $name ]] || is_umbrella || name=$(mix_app)
	printf '%s' "$name"
}

# True when mix.exs depends on a package.
has_dep() { mix_text | grep -Eq "\{[[:space:]]*:$1[[:space:]]*,"; }

# satisfies VERSION REQUIREMENT: as Elixir's Version.match? has it, for what people write: ~>, >=, <=, >, <, ==, !=, and, or.
satisfies() {
	perl -e '
		my ($have, $text) = @ARGV;
		sub parts { my @p = split /\./, $_[0] =~ s/-.*//r; return @p }
		sub compare { my ($x, $y) = @_; for my $i (0 .. 2) { my $c = ($x->[$i] // 0) <=> ($y->[$i] // 0); return $c if $c } return 0 }
		sub one {
			my ($op, $version) = $_[0] =~ /^\s*(~>|>=|<=|==|!=|>|<)?\s*v?([\d.]+(?:-\S+)?)\s*$/ or exit 2;
			my @want = parts($version);
			my $c = compare([parts($have)], \@want);
			return $c == 0 if !$op || $op eq "==";
			return $c >= 0 if $op eq ">=";
			return $c <= 0 if $op eq "<=";
			return $c > 0 if $op eq ">";
			return $c < 0 if $op eq "<";
			return $c != 0 if $op eq "!=";
			my @next = @want > 2 ? ($want[0], $want[1] + 1) : ($want[0] + 1);
			return $c >= 0 && compare([parts($have)], \@next) < 0;
		}
		for my $alternative (split /\s+or\s+/, $text) {
			exit 0 unless grep { !one($_) } split /\s+and\s+/, $alternative;
		}
		exit 1' "$1" "$2"
}

# The stack's versions.
elixir_of_debian() {
	case $1 in
	12) echo 1.14.0 ;;
	13) echo 1.18.3 ;;
	esac
}
