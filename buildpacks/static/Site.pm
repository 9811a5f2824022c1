# SPDX-License-Identifier: Apache-2.0
#
# What a static.json says, checked, as the hash that Nginx.pm makes a configuration of. The settings are those of
# Heroku's static buildpack. What is broken ends the build with file and line; what is unknown is told and left out.
#
#     root          folder of the pages, relative to the app, without a slash at its end; '' is the app itself
#     routes        [ { match => REGEX, target => '/index.html' or '/assets/' } ]
#     redirects     [ { match => REGEX, raw => true if it is for the path as it was sent, to => TEXT, status => N } ]
#     headers       [ { match => REGEX, set => [ [NAME, VALUE] ... ] } ]; the last that matches is the only one
#     more_headers  the same of _headers, where each header is the last of its own name
#     proxies       [ { prefix => '/api/', origin => TEXT, where => 'static.json:3' } ]
#     flags         clean_urls, https_only, basic_auth, access
#     texts         canonical_host, encoding, error_page, error_level
#     needs         { NAME => 'static.json:3' }: config vars that are put in at each start
package Site;

use strict;
use warnings;
use Json;

my $file = 'static.json';
my %levels = map { $_ => 1 } qw(debug info notice warn error crit alert emerg);
my %statuses = map { $_ => 1 } qw(301 302 303 307 308);

sub fail {
	my ($value, $what) = @_;
	die "$file:$value->{line}: $what\n";
}

sub boolean {
	my ($name, $value) = @_;
	return $value->{value} if $value->{type} eq 'boolean';
	return 0 if $value->{type} eq 'null';
	return $value->{value} eq 'true' ? 1 : 0 if $value->{type} eq 'string' && $value->{value} =~ /^(?:true|false)$/;
	return fail($value, "$name is true or false");
}

sub line_of_text {
	my ($name, $value) = @_;
	fail($value, "$name is a text in double quotes") if $value->{type} ne 'string';
	fail($value, "$name has a line break or another control character in it: take it out") if $value->{value} =~ /[\x00-\x1f\x7f]/;
	fail($value, "$name has more than 3000 characters, which the web server does not take") if length $value->{value} > 3000;
	return $value->{value};
}

sub members {
	my ($name, $value, $example) = @_;
	return () if $value->{type} eq 'null';
	fail($value, "$name is an object, for example $example") if $value->{type} ne 'object';
	return map { [$_, $value->{of}{$_}] } @{$value->{keys}};
}

# A text as a part of a regular expression, bytes of UTF-8 as they are.
sub literal { return $_[0] =~ s{([^A-Za-z0-9_/\x80-\xff-])}{\\$1}gr; }

# A path with Heroku's signs, * within a part of it and ** for any length, as a regular expression of PCRE.
sub glob_regex {
	my ($glob) = @_;
	$glob = "/$glob" if $glob !~ m{^(?:/|\*)};
	my $regex = join '', map { $_ eq '**' ? '.*' : $_ eq '*' ? '[^/]*' : literal($_) } split /(\*\*|\*)/, $glob;
	return "^$regex\$";
}

# A path below the root.
sub inner_path {
	my ($name, $value) = @_;
	my $path = line_of_text($name, $value);
	$path =~ s{^(?:\./)?/*}{/};
	fail($value, "$name leads out of the folder of the pages: name a file in it, without \"..\"") if "$path/" =~ m{/\.\./};
	return $path;
}

sub note_needs {
	my ($site, $text, $where) = @_;
	$site->{needs}{$1} ||= $where while $text =~ /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
	return $text;
}

sub folder {
	my ($value) = @_;
	my $root = line_of_text('root', $value);
	$root =~ s{^/+}{};
	$root = join '/', grep { $_ ne '' && $_ ne '.' } split m{/}, $root;
	fail($value, 'root leads out of the app: name a folder in it, for example "dist/"') if "/$root/" =~ m{/\.\./};
	return $root;
}

sub redirect {
	my ($site, $path, $value) = @_;
	my $to = $value->{type} eq 'object' ? Json::at($value, 'url') : $value;
	my $status = Json::at($value, 'status');
	fail($value, "the redirect of \"$path\" has no \"url\": write { \"url\": \"/new/\" }") if !defined $to;
	$status = defined $status && $status->{type} =~ /^(?:number|string)$/ ? $status->{value} : defined $status ? '' : 301;
	fail($value, "the status of a redirect is 301, 302, 303, 307 or 308") if !$statuses{$status};
	my $text = note_needs($site, line_of_text('url', $to), "$file:$to->{line}");
	push @{$site->{redirects}}, { match => glob_regex($path), to => $text, status => $status };
	return;
}

sub proxy {
	my ($site, $path, $value) = @_;
	my $origin = $value->{type} eq 'object' ? Json::at($value, 'origin') : $value;
	fail($value, "the proxy of \"$path\" has no \"origin\": write { \"origin\": \"https://api.example.com/\" }") if !defined $origin;
	my $text = note_needs($site, line_of_text('origin', $origin), "$file:$origin->{line}");
	fail($origin, "origin is an address that begins with http:// or https://, or with a config var: \"$text\" is none")
		if $text !~ m{^(?:https?://|\$\{)}i || $text =~ /[\s?#]/;
	$path = "/$path" if $path !~ m{^/};
	fail($value, "the path of a proxy has a line break in it") if $path =~ /[\x00-\x1f\x7f]/;
	push @{$site->{proxies}}, { prefix => $path, origin => $text, where => "$file:$origin->{line}" };
	return;
}

sub header_rule {
	my ($site, $path, $value) = @_;
	my @set;
	for my $member (members("the headers of \"$path\"", $value, '{ "X-Frame-Options": "DENY" }')) {
		my ($name, $text) = @$member;
		fail($text, "\"$name\" is no name of a header") if $name !~ /^[A-Za-z0-9!#\$%&'*+.^_`|~-]+$/;
		push @set, [$name, $text->{type} =~ /^(?:number|boolean)$/ ? Json::text($text) // $text->{value} : line_of_text("the header $name", $text)];
	}
	push @{$site->{headers}}, { match => glob_regex($path), set => \@set };
	return;
}

sub logging {
	my ($site, $value) = @_;
	for my $member (members('logging', $value, '{ "access": false, "error": "warn" }')) {
		my ($name, $set) = @$member;
		if ($name eq 'access') { $site->{access} = boolean('access', $set); }
		elsif ($name eq 'error') {
			$site->{error_level} = line_of_text('error', $set);
			fail($set, 'error is one of debug, info, notice, warn, error, crit, alert and emerg') if !$levels{$site->{error_level}};
		}
	}
	return;
}

sub route {
	my ($site, $path, $value) = @_;
	push @{$site->{routes}}, { match => glob_regex($path), target => inner_path('the target of a route', $value), line => $value->{line} };
	return;
}

my %settings = (
	root => sub { $_[0]{root} = folder($_[1]); },
	clean_urls => sub { $_[0]{clean_urls} = boolean('clean_urls', $_[1]); },
	https_only => sub { $_[0]{https_only} = boolean('https_only', $_[1]); },
	basic_auth => sub { $_[0]{basic_auth} = boolean('basic_auth', $_[1]); },
	encoding => sub {
		$_[0]{encoding} = line_of_text('encoding', $_[1]);
		fail($_[1], 'encoding is the name of a character set, for example "UTF-8"') if $_[0]{encoding} !~ /^[A-Za-z0-9._:+-]+$/;
	},
	canonical_host => sub {
		my ($site, $value) = @_;
		return if $value->{type} =~ /^(?:boolean|null)$/ && !$value->{value};
		$site->{canonical_host} = note_needs($site, line_of_text('canonical_host', $value), "$file:$value->{line}");
		fail($value, 'canonical_host is a name of a host alone, for example "www.example.com"') if $site->{canonical_host} =~ m{[/\s]} || $site->{canonical_host} eq '';
	},
	error_page => sub { @{$_[0]}{qw(error_page error_page_line)} = (inner_path('error_page', $_[1]), $_[1]{line}) if $_[1]{type} ne 'null'; },
	logging => \&logging,
	debug => sub { $_[0]{error_level} = 'debug' if $_[1]{type} ne 'null' && $_[1]{value}; },
	routes => sub { route($_[0], @$_) for members('routes', $_[1], '{ "/**": "index.html" }'); },
	redirects => sub { redirect($_[0], @$_) for members('redirects', $_[1], '{ "/old/": { "url": "/new/" } }'); },
	proxies => sub { proxy($_[0], @$_) for members('proxies', $_[1], '{ "/api/": { "origin": "https://api.example.com/" } }'); },
	headers => sub { header_rule($_[0], @$_) for members('headers', $_[1], '{ "/**": { "X-Frame-Options": "DENY" } }'); },
);

# Of Heroku's buildpack and its forks, without a meaning here.
my %passed_over = map { $_ => 1 } qw($schema worker_connections resolver port basic_auth_htpasswd_path name version description);

sub new_site { return { routes => [], redirects => [], headers => [], more_headers => [], proxies => [], needs => {}, warnings => [], encoding => 'utf-8', error_level => 'error' }; }

# read PATH: dies with a sentence.
sub read {
	my ($path) = @_;
	my $site = new_site();
	my $json = Json::read($path, $file);
	fail($json, 'it holds no object: write { "root": "dist/" }') if $json->{type} ne 'object';
	for my $key (@{$json->{keys}}) {
		my $value = $json->{of}{$key};
		if ($settings{$key}) { $settings{$key}->($site, $value); }
		elsif (!$passed_over{$key}) {
			push @{$site->{warnings}}, "$file:$value->{line}: \"$key\" is no setting of static.json and is not used; there are " . join(', ', sort keys %settings) . '.';
		}
	}
	$site->{has_root} = exists $site->{root};
	$site->{root_line} = $json->{of}{root} ? $json->{of}{root}{line} : 1;
	return $site;
}

1;
