#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The version of Java that an app asks for, by its files alone, since it is asked where there is no Java: prints lines of
# KIND, WHERE and MAJOR, with tabs between. KIND is "set" for a file that names the JDK, "code" for what the code is compiled
# for, and "gradle" for the newest Java that the wrapper's Gradle runs on.
use strict;
use warnings;

my $dir = shift;

sub lines_of {
	my ($path) = @_;
	open my $file, '<:raw', "$dir/$path" or return;
	my @lines = <$file>;
	$lines[0] =~ s/^\xef\xbb\xbf// if @lines;
	s/\r?\n?$// for @lines;
	return @lines;
}

# 1.8, 8, 17.0.2, zulu-17.0.1, temurin-21, openjdk-21.0.2+13
sub major {
	my ($text) = @_;
	return $text =~ /^(?:[a-z][a-z0-9_]*-)*?(?:1\.)?(\d{1,2})(?:[.+_-].*)?$/i ? $1 : undef;
}

sub say_it {
	my ($kind, $where, $text) = @_;
	my $major = major($text);
	print "$kind\t$where\t$major\n" if defined $major;
}

# each_match PATH KIND PATTERN: the first group of each line that fits.
sub each_match {
	my ($path, $kind, $pattern) = @_;
	my $number = 0;
	for my $line (lines_of($path)) {
		$number++;
		$line =~ s/<!--.*?-->//g;
		next if $line =~ m{^\s*(?://|#)};
		while ($line =~ /$pattern/g) {
			say_it($kind, "$path:$number", $1);
		}
	}
}

each_match('system.properties', 'set', qr/^\s*java\.runtime\.version\s*[=:]\s*(\S+)/);
each_match('.java-version',     'set', qr/^\s*(\S+)/);
each_match('.tool-versions',    'set', qr/^\s*java\s+(\S+)/);
each_match('.sdkmanrc',         'set', qr/^\s*java\s*=\s*(\S+)/);

my $tags = join '|', map { quotemeta } qw(maven.compiler.release maven.compiler.source maven.compiler.target java.version jdk.version release
	source target kotlin.compiler.jvmTarget jvmTarget java.release java.source.version javaVersion);
my @poms = ('pom.xml', map { s/^\Q$dir\E\///r } sort glob "$dir/*/pom.xml");
each_match($_, 'code', qr/<(?:$tags)>\s*([\d.]+)\s*</) for @poms;

my @scripts = grep { -f "$dir/$_" } map { my $f = $_; map { "$f$_" } '', '.kts' } 'build.gradle', 'app/build.gradle', 'server/build.gradle';
for my $path (@scripts) {
	my $number = 0;
	for (lines_of($path)) {
		$number++;
		next if m{^\s*//};
		say_it('code', "$path:$number", $1)
			if /(?:JavaLanguageVersion\.of|jvmToolchain)\s*\(\s*["']?(\d+)/
			|| /(?:source|target)Compatibility\s*=?\s*\(?["']?(?:JavaVersion\.VERSION_)?(?:1[._])?(\d+)/
			|| /\brelease(?:\.set\(|\s*=)\s*(\d+)/;
	}
}

# Which Gradle runs on which Java: docs.gradle.org, "Compatibility Matrix".
my @gradle = ([9.01, 25], [8.14, 24], [8.10, 23], [8.08, 22], [8.05, 21], [8.03, 20], [7.06, 19], [7.05, 18], [7.03, 17], [7.00, 16], [6.07, 15], [0, 14]);
my $number = 0;
for (lines_of('gradle/wrapper/gradle-wrapper.properties')) {
	$number++;
	next unless /^\s*distributionUrl\s*[=:].*gradle-(\d+)\.(\d+)/;
	my $version = sprintf '%d.%02d', $1, $2;
	my ($fits) = grep { $version >= $_->[0] } @gradle;
	print "gradle\tgradle/wrapper/gradle-wrapper.properties:$number\t$fits->[1]\n";
	last;
}
