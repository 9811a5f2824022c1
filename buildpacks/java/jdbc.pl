#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Prints assignments for a shell: of each variable NAME_URL that is the address of a database the ones that JDBC understands, named as
# Heroku's buildpack names them. What is set already stays.
#
#     DATABASE_URL=postgres://ada:p%40w@db:5432/shop?sslmode=require
#     JDBC_DATABASE_URL=jdbc:postgresql://db:5432/shop?user=ada&password=p%40w&sslmode=require
use strict;
use warnings;

my %driver = (postgres => 'postgresql', postgresql => 'postgresql', mysql => 'mysql', mysql2 => 'mysql', mariadb => 'mariadb');

sub set {
	my ($name, $value) = @_;
	return if defined $ENV{$name} && length $ENV{$name};
	$value =~ s/'/'\\''/g;
	print "export $name='$value'\n";
}

sub decoded {
	my ($text) = @_;
	$text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $text;
}

# In a query of JDBC what is not encoded ends a value.
sub in_query {
	my ($text) = @_;
	$text =~ s/([&+#?=\s])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

sub of_url {
	my ($url) = @_;
	my ($scheme, $user, $password, $rest, $query) = $url =~ m{^(\w+)://(?:([^:/@]*)(?::([^/@]*))?@)?([^?#]+)(?:\?([^#]*))?} or return;
	my $driver = $driver{$scheme} or return;
	my @query;
	push @query, 'user=' . in_query($user) if defined $user && length $user;
	push @query, 'password=' . in_query($password) if defined $password;
	push @query, $query if defined $query && length $query;
	return ("jdbc:$driver://$rest" . (@query ? '?' . join('&', @query) : ''), decoded($user // ''), decoded($password // ''));
}

for my $name (sort keys %ENV) {
	next unless $name =~ /^([A-Za-z_][A-Za-z0-9_]*)_URL$/ && $name !~ /_JDBC_URL$|^JDBC_|^SPRING_/;
	my $base = $1;
	my ($jdbc, $user, $password) = of_url($ENV{$name}) or next;
	if ($base eq 'DATABASE') {
		set('JDBC_DATABASE_URL', $jdbc);
		set('JDBC_DATABASE_USERNAME', $user);
		set('JDBC_DATABASE_PASSWORD', $password);
		next if defined $ENV{SPRING_DATASOURCE_URL} || ($ENV{DISABLE_SPRING_DATASOURCE_URL} // '') eq 'true';
		set('SPRING_DATASOURCE_URL', $jdbc);
		set('SPRING_DATASOURCE_USERNAME', $user);
		set('SPRING_DATASOURCE_PASSWORD', $password);
	} else {
		set("${base}_JDBC_URL", $jdbc);
		set("${base}_JDBC_USERNAME", $user);
		set("${base}_JDBC_PASSWORD", $password);
	}
}
set($_, $ENV{REDIS_URL}) for grep { length($ENV{REDIS_URL} // '') } 'SPRING_DATA_REDIS_URL';
