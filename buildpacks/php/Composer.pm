# SPDX-License-Identifier: Apache-2.0
#
# What composer.json and composer.lock ask of the machine: a version of PHP, and extensions. Read with perl-base, since
# it decides which packages the stack has.
package Composer;

use strict;
use warnings;
use Json;

# --- constraints (getcomposer.org/doc/articles/versions.md), for the version of PHP alone

sub numbers {
	my ($text) = @_;
	$text =~ s/^v//;
	$text =~ s/[-@].*//;
	return map { /^[0-9]+$/ ? $_ : -1 } split /\./, $text;
}

# -1, 0, 1; what is not written counts as 0.
sub compare {
	my ($left, $right) = @_;
	for my $i (0 .. 2) {
		my $order = ($left->[$i] // 0) <=> ($right->[$i] // 0);
		return $order if $order;
	}
	return 0;
}

# The version above all that begin with these numbers: 8.1 is below 8.2.
sub next_after {
	my (@n) = @_;
	$n[-1]++;
	return \@n;
}

sub inside { my ($have, $from, $below) = @_; return compare($have, $from) >= 0 && compare($have, $below) < 0; }

sub fits_one {
	my ($have, $text) = @_;
	return 1 if $text =~ /^[*xX]?$/;
	my ($operator, $version) = $text =~ /^(\^|~|>=|<=|!=|<>|==|=|>|<)?\s*v?([0-9].*)$/ or return 1;
	$operator = '' if !defined $operator;
	my $wild = $version =~ s/(?:\.[*xX])+$//;
	my @n = numbers($version);
	my $major_minor = [@$have[0, 1]];
	return inside($have, \@n, $n[0] > 0 || @n < 2 ? next_after($n[0]) : next_after(@n[0, 1])) if $operator eq '^';
	return inside($have, \@n, @n > 1 ? next_after(@n[0 .. $#n - 1]) : next_after(@n)) if $operator eq '~';
	return compare($have, \@n) >= 0 if $operator eq '>=';
	return $wild ? compare($have, next_after(@n)) < 0 : compare(@n > 2 ? $have : $major_minor, \@n) <= 0 if $operator eq '<=';
	return compare($have, $wild ? next_after(@n) : \@n) > 0 if $operator eq '>';
	return compare($have, \@n) < 0 if $operator eq '<';
	return !($wild ? inside($have, \@n, next_after(@n)) : compare($have, \@n) == 0) if $operator =~ /^(?:!=|<>)$/;
	# One patch release is as good as another of its series, as far as a stack can have it.
	return inside($have, [@n > 2 ? @n[0, 1] : @n], next_after(@n > 2 ? @n[0, 1] : @n));
}

# fits HAVE CONSTRAINT: HAVE is [major, minor, patch].
sub fits {
	my ($have, $constraint) = @_;
	for my $part (split /\s*\|\|?\s*/, $constraint) {
		$part =~ s/^\s+|\s+$//g;
		$part =~ s/([0-9][0-9.]*)\s+-\s+([0-9][0-9.]*)/>=$1 <=$2/g;
		$part =~ s/([<>=!~^])\s+/$1/g;
		return 1 if !grep { !fits_one($have, $_) } split /\s*,\s*|\s+/, $part;
	}
	return 0;
}

# --- the files

sub names_of { my ($value) = @_; return defined $value && $value->{type} eq 'object' ? @{$value->{keys}} : (); }

# All of what is installed, with the app itself first: { file, name, line, require }.
sub requirements {
	my ($app) = @_;
	my @all;
	if (-s "$app/composer.json") {
		my $json = Json::read("$app/composer.json", 'composer.json');
		die "composer.json:1: it holds no object: write {} at least\n" if $json->{type} ne 'object';
		push @all, { file => 'composer.json', name => '', require => Json::at($json, 'require'), json => $json };
	}
	if (-s "$app/composer.lock") {
		my $lock = Json::read("$app/composer.lock", 'composer.lock');
		my $packages = Json::at($lock, 'packages');
		for my $package (defined $packages && $packages->{type} eq 'array' ? @{$packages->{value}} : ()) {
			push @all, { file => 'composer.lock', name => Json::text($package, 'name') // '', require => Json::at($package, 'require'), json => $package };
		}
	}
	return @all;
}

# What polyfills bring.
sub provided {
	my %names;
	for my $one (@_) {
		$names{lc $_} = 1 for map { names_of(Json::at($one->{json}, $_)) } qw(provide replace);
	}
	return \%names;
}

# --- extensions

my %bundled = map { $_ => 1 } qw(core date ctype calendar exif ffi fileinfo filter ftp gettext hash iconv json libxml openssl pcre pcntl pdo phar posix random reflection
	session shmop sockets sodium spl standard sysvmsg sysvsem sysvshm tokenizer zlib zend-opcache opcache);
my %renamed = (dom => 'xml', simplexml => 'xml', xmlreader => 'xml', xmlwriter => 'xml', xsl => 'xml', mysqli => 'mysql', mysqlnd => 'mysql', pdo_mysql => 'mysql', pdo_pgsql => 'pgsql',
	pdo_sqlite => 'sqlite3', pdo_odbc => 'odbc', pdo_dblib => 'sybase', pdo_firebird => 'interbase');
my @both = qw(amqp apcu ast bcmath bz2 curl dba ds enchant gd gearman gmagick gmp gnupg igbinary imagick interbase intl ldap mailparse maxminddb mbstring mcrypt memcache memcached mongodb
	msgpack mysql oauth odbc pcov pgsql ps pspell psr raphf readline redis rrd snmp soap solr sqlite3 ssh2 stomp sybase tidy uopz uploadprogress uuid xdebug xml xmlrpc yac yaml zip zmq);
my %packaged = (
	'8.2' => { map { $_ => 1 } @both, qw(http imap pinba tideways) },
	'8.4' => { map { $_ => 1 } @both, qw(excimer http inotify pq smbclient zstd) },
);

# What most frameworks take for granted, and what is not known before the packages are resolved.
my @usual = qw(bcmath curl gd intl mbstring mysql opcache pgsql readline sqlite3 xml zip);

# The Debian packages of an app's extensions; dies for one that there is none of.
sub packages {
	my ($app, $php) = @_;
	my @all = requirements($app);
	my $provided = provided(@all);
	my %wanted = map { $_ => 1 } @usual;
	for my $one (@all) {
		for my $name (grep { /^ext-/i } names_of($one->{require})) {
			my $short = lc($name =~ s/^ext-//ir);
			my $package = $renamed{$short} // $short;
			next if $bundled{$short} || ($packaged{$php}{$package} && ($wanted{$package} = 1)) || $provided->{lc $name};
			my $for = $one->{name} eq '' ? '' : " by the package $one->{name}";
			my ($other) = grep { $packaged{$_}{$package} } sort keys %packaged;
			my $help = defined $other ? 'the stack debian-' . ($other eq '8.2' ? 12 : 13) . ' has it (twelve stack:set)' : 'take it out of "require", or use a package that does without';
			die "$one->{file}:$one->{require}{of}{$name}{line}: the extension $name is asked for$for, of which Debian has no package for PHP $php: $help.\n";
		}
	}
	return map { "php$php-$_" } sort keys %wanted;
}

# --- the version

my %stacks = ('8.2' => 'debian-12', '8.4' => 'debian-13');

sub check_version {
	my ($app, $php) = @_;
	for my $one (requirements($app)) {
		my $wanted = Json::text($one->{require}, 'php') // Json::text($one->{require}, 'php-64bit') // next;
		next if fits([split(/\./, $php), 99], $wanted);
		my ($other) = grep { fits([split(/\./, $_), 99], $wanted) } sort keys %stacks;
		my $who = $one->{name} eq '' ? 'The app' : "$one->{name}";
		my $line = $one->{require}{of}{$one->{require}{of}{php} ? 'php' : 'php-64bit'}{line};
		my $help = defined $other ? "\"twelve stack:set $stacks{$other}\" gives it $other." : $one->{name} eq '' ? "allow ^8.2 there, or ^$php." : 'run "composer update" with a newer PHP and commit composer.lock.';
		die "$one->{file}:$line: $who asks for PHP $wanted, and this stack ($stacks{$php}) has $php: $help\n";
	}
	return;
}

1;
