#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The version of Ruby that an app asks for, by its files alone, since it is asked where there is no Ruby:
#
#     version.pl wanted DIR           lines of KIND, WHERE and REQUIREMENTS, with tabs between
#     version.pl fits HAVE REQUIRED   prints "yes", "patch" (another patch of the same minor version) or "no"
#
# KIND is "gemfile" for what Bundler insists on; "hint" for the others, the most exact first; "engine" for another than MRI.
use strict;
use warnings;

sub lines_of {
	my ($path) = @_;
	open my $file, '<:raw', $path or return;
	my @lines = <$file>;
	$lines[0] =~ s/^\xef\xbb\xbf// if @lines;
	s/\r?\n?$// for @lines;
	return @lines;
}

# What .ruby-version and .tool-versions say, as Bundler reads them.
sub of_file {
	my ($path) = @_;
	my @lines = lines_of($path);
	for (@lines) {
		return $1 if /^ruby[\s-]*(?:=\s*)?"?([^\s#"]+)/;
	}
	return '' if $path =~ /\.tool-versions$/;
	my ($first) = grep { /\S/ && !/^\s*#/ } @lines;
	return defined $first && $first =~ /^\s*([^\s#]+)/ ? $1 : '';
}

sub say_hint {
	my ($where, $version) = @_;
	$version =~ s/^ruby-//;
	print "hint\t$where\t$version\n" if $version =~ /^\d+\.\d+(?:\.\d+)?(?:p-?\d+|[-.]\w+)?$/;
}

sub of_gemfile {
	my ($dir) = @_;
	my $number = 0;
	for (lines_of("$dir/Gemfile")) {
		$number++;
		next unless /^\s*ruby[\s(]+(.*)$/;
		my $rest = $1;
		if ($rest =~ /engine(?::|\s*=>)\s*['":]+(\w+)/ && $1 ne 'ruby') {
			print "engine\tGemfile:$number\t$1\n";
			return;
		}
		if ($rest =~ /file(?::|\s*=>)\s*['"]([^'"]+)['"]/) {
			my $version = of_file("$dir/$1");
			$version =~ s/^ruby-//;
			print "gemfile\t$1\t$version\n" if length $version;
			return;
		}
		$rest =~ s/(?:#|:?(?:patchlevel|engine)\b).*//;
		my @all = $rest =~ /['"]([^'"]+)['"]/g;
		print "gemfile\tGemfile:$number\t" . join(', ', @all) . "\n" if @all;
		return;
	}
}

sub wanted {
	my ($dir) = @_;
	of_gemfile($dir);
	my @lock = lines_of("$dir/Gemfile.lock");
	for my $i (0 .. $#lock) {
		say_hint('Gemfile.lock', $1) if $lock[$i] =~ /^RUBY VERSION/ && ($lock[$i + 1] // '') =~ /^\s+ruby (\d[\d.]*)/;
	}
	say_hint($_, of_file("$dir/$_")) for grep { -f "$dir/$_" } '.ruby-version', '.tool-versions';
}

# As Gem::Version orders numbers.
sub compare {
	my @a = split /\./, shift;
	my @b = split /\./, shift;
	while (@a || @b) {
		my $order = (shift(@a) // 0) <=> (shift(@b) // 0);
		return $order if $order;
	}
	return 0;
}

sub pessimistic {
	my ($have, $version) = @_;
	my @parts = split /\./, $version;
	pop @parts if @parts > 1;
	$parts[-1]++;
	return compare($have, $version) >= 0 && compare($have, join('.', @parts)) < 0;
}

sub holds {
	my ($have, $required) = @_;
	my ($operator, $version) = $required =~ /^\s*(~>|>=|<=|!=|=|>|<)?\s*(?:ruby-)?(\d+(?:\.\d+)*)/ or return 'yes';
	$operator //= '=';
	return pessimistic($have, $version) ? 'yes' : 'no' if $operator eq '~>';
	my $order = compare($have, $version);
	my %truth = ('=' => $order == 0, '!=' => $order != 0, '>' => $order > 0, '<' => $order < 0, '>=' => $order >= 0, '<=' => $order <= 0);
	return 'yes' if $truth{$operator};
	# Debian mends a version of Ruby without a change of its number.
	my ($minor) = $have =~ /^(\d+\.\d+)\./;
	return $operator eq '=' && $version =~ /^\Q$minor\E(?:\.\d+)?$/ ? 'patch' : 'no';
}

my ($verb, @rest) = @ARGV;
if ($verb eq 'wanted') {
	wanted($rest[0]);
} else {
	my %found = map { holds($rest[0], $_) => 1 } split /,/, $rest[1];
	print $found{no} ? 'no' : $found{patch} ? 'patch' : 'yes', "\n";
}
