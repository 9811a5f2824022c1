# SPDX-License-Identifier: Apache-2.0
#
# _redirects and _headers, which lie in the folder of the pages as other hosts of static sites want them. The simple
# forms are taken; a line of another form is named and left out.
#
#     /old/*         /new/:splat                 301     redirect; :name for one part of the path
#     /*             /index.html                 200     the file, under the address that was asked for
#     /api/*         https://example.com/:splat  200     a proxy
#
#     /assets/*
#       Cache-Control: public, max-age=31536000
package Netlify;

use strict;
use warnings;
use Json;
use Site;

sub lines {
	my ($path) = @_;
	my $number = 0;
	return map { s/\r$//; s/^\xef\xbb\xbf// if !$number; [++$number, $_] } split /\n/, Json::slurp($path);
}

# The regular expression of a path with "*" at its end and ":name" parts; captures are named t_NAME.
sub pattern {
	my ($path) = @_;
	my $regex = join '', map { /^:([A-Za-z][A-Za-z0-9_]*)$/ ? "(?<t_$1>[^/?]+)" : Site::literal($_) } split m{((?<=/):[A-Za-z][A-Za-z0-9_]*)}, $path =~ s{/?\*$}{}r;
	return $path =~ /\*$/ ? "^$regex(?:/(?<t_splat>[^?]*))?" : "^$regex/?";
}

sub add_redirect {
	my ($site, $from, $to, $status) = @_;
	# Of the path as it was sent: what it holds goes into a header, where nothing decoded may stand.
	$from =~ s/([^\x21-\x7e])/sprintf '%%%02X', ord $1/ge;
	push @{$site->{redirects}}, { match => pattern($from) . '(?:\?|$)', raw => 1, to => $to, status => $status };
	return;
}

sub add_rule {
	my ($site, $from, $to, $status) = @_;
	if ($status =~ /^(?:301|302|303|307|308)$/) { add_redirect($site, $from, $to, $status); }
	elsif ($status eq '200' && $to =~ m{^https?://}) {
		return 0 if $from !~ m{/\*$} || $to !~ m{/:splat$} || $from =~ m{/:} || $to =~ /[?#]/;
		push @{$site->{proxies}}, { prefix => $from =~ s/\*$//r, origin => $to =~ s/:splat$//r, where => '_redirects' };
	} elsif ($to !~ m{^/} || $to =~ m{[:*?#]|/\.\.(?:/|$)}) { return 0; }
	elsif ($status eq '200') { push @{$site->{routes}}, { match => pattern($from) . '$', target => $to }; }
	elsif ($status eq '404' && $from eq '/*') { $site->{error_page} = $to if !defined $site->{error_page}; }
	else { return 0; }
	return 1;
}

sub read_redirects {
	my ($site, $path) = @_;
	for my $line (lines($path)) {
		my ($number, $text) = @$line;
		my ($from, @rest) = split ' ', $text =~ s/(?:^|\s)#.*//r;
		next if !defined $from;
		my ($to, $status, @more) = @rest;
		$status = defined $status ? $status =~ s/!$//r : '301';
		my $host = $from =~ m{^[a-z]+://};
		next if !$host && !@more && defined $to && $from =~ m{^/[^?]*$} && $from !~ m{\*.} && $to =~ m{^(?:/|https?://)} && add_rule($site, $from, $to, $status);
		push @{$site->{warnings}}, "_redirects:$number: this form of a rule is not used here: there are \"FROM TO [STATUS]\" with 200, 301, 302, 303, 307, 308 or 404, \"*\" at the end, and \":name\".";
	}
	return;
}

sub read_headers {
	my ($site, $path) = @_;
	my $match;
	for my $line (lines($path)) {
		my ($number, $text) = @$line;
		next if $text =~ /^\s*(?:#|$)/;
		if ($text =~ m{^(/\S*)\s*$}) {
			$match = pattern($1) . '$';
		} elsif (defined $match && $text =~ /^\s+([A-Za-z0-9-]+)\s*:\s*([^\x00-\x1f\x7f]{1,3000}?)\s*$/) {
			push @{$site->{more_headers}}, { match => $match, set => [[$1, $2]] };
		} else {
			push @{$site->{warnings}}, "_headers:$number: a path that begins with / is expected here, or an indented line \"Name: value\" below one; the line is not used.";
		}
	}
	return;
}

1;
