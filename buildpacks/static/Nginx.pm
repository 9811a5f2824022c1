# SPDX-License-Identifier: Apache-2.0
#
# A configuration of nginx for a site (Site.pm). It is a template: $<NAME> is put in when a dyno starts (serve), since
# $PORT and config vars are of then. What the app wrote stands in double quotes, and its "$" is a variable of that value, as
# nginx knows no other way to write one; so no text of the app is ever a "$<".
#
# In the order of Heroku's buildpack: files, clean URLs, proxies, redirects, routes, 404.
package Nginx;

use strict;
use warnings;
use Site;

# Nothing has this name, as nobody asks for what begins with a dot.
my $nowhere = '/.twelve/hidden';

# quote TEXT: one word of the configuration; nothing in it is expanded.
sub quote {
	my ($text) = @_;
	$text =~ s/([\\"])/\\$1/g;
	$text =~ s/\$/\${twelve_dollar}/g;
	return "\"$text\"";
}

# The same with ${NAME} of the app's config vars.
sub quote_with_vars {
	my ($text) = @_;
	return '"' . join('', map { /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/ ? "\$<$1>" : quote($_) =~ s/^"|"$//gr } split /(\$\{[A-Za-z_][A-Za-z0-9_]*\})/, $text) . '"';
}

# A regular expression as a key of a map, or of an if: variables are not expanded there.
sub regex {
	my ($regex) = @_;
	$regex =~ s/([\\"])/\\$1/g;
	return $regex;
}

sub map_of {
	my ($source, $name, $default, @rows) = @_;
	return join '', "\tmap $source \$$name {\n", "\t\tdefault $default;\n", (map { "\t\t\"~$_->[0]\" $_->[1];\n" } @rows), "\t}\n";
}

# --- which files there are

sub volatile { return $_[0] =~ s/ \{\n/ {\n\t\tvolatile;\n/gr; }

sub visible {
	my ($site) = @_;
	my @hidden = ('/_redirects', '/_headers');
	push @hidden, qw(/static.json /Procfile /Aptfile /app.json /bin/boot) if $site->{root} eq '';
	my $names = join '|', map { Site::literal($_) } @hidden;
	# For an error page the address is another one than that of the request.
	return volatile(map_of('$uri', 'twelve_file', '$uri', [regex('/\.(?!well-known(?:/|$))'), $nowhere], [regex("^(?:$names)\$"), $nowhere], [regex('[\x00-\x1f]'), $nowhere])
		. map_of('$twelve_file', 'twelve_page', '"$twelve_file.html"', [regex('/$'), $nowhere]));
}

# --- redirects

# :splat and :name of _redirects are what its pattern has found.
sub target_of {
	my ($redirect) = @_;
	return quote_with_vars($redirect->{to}) if !$redirect->{raw};
	my %named = map { $_ => 1 } $redirect->{match} =~ /\(\?<t_([A-Za-z0-9_]+)>/g;
	my $text = join '', map { /^:(\w+)$/ && $named{$1} ? "\${t_$1}" : quote($_) =~ s/^"|"$//gr } split /(:[A-Za-z][A-Za-z0-9_]*)/, $redirect->{to};
	return '"' . $text . ($redirect->{to} =~ /\?/ ? '' : '$is_args$args') . '"';
}

sub redirect_maps {
	my ($site) = @_;
	my (%rows, $text);
	push @{$rows{$_->{raw} ? 'raw' : 'plain'}{$_->{status}}}, [regex($_->{match}), target_of($_)] for @{$site->{redirects}};
	$text = '';
	for my $kind (qw(plain raw)) {
		$text .= map_of($kind eq 'raw' ? '$request_uri' : '$twelve_path', "twelve_${kind}_$_", '""', @{$rows{$kind}{$_}}) for sort keys %{$rows{$kind}};
	}
	my $returns = join '', map { my $kind = $_; map { "\t\t\tif (\$twelve_${kind}_$_) {\n\t\t\t\treturn $_ \$twelve_${kind}_$_;\n\t\t\t}\n" } sort keys %{$rows{$kind}} } qw(plain raw);
	return ($text, $returns);
}

# --- headers

# The names as they were first written, in order.
sub header_names {
	my %seen;
	return grep { !$seen{lc $_}++ } map { $_->[0] } map { @{$_->{set}} } @_;
}

sub value_of {
	my ($rule, $name) = @_;
	my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name } @{$rule->{set}};
	return @values ? $values[-1] : undef;
}

# Maps for each header, and the add_header lines. The last rule that matches is first in a map.
sub header_lines {
	my ($site) = @_;
	my @rules = @{$site->{headers}};
	my @more = @{$site->{more_headers}};
	my $maps = @rules ? map_of('$twelve_path', 'twelve_rule', '0', reverse map { [regex($rules[$_]{match}), $_ + 1] } 0 .. $#rules) : '';
	my ($lines, $n, $cache) = ('', 0, '$twelve_cache');
	for my $name (header_names(@rules, @more)) {
		$n++;
		my $default = lc $name eq 'cache-control' ? '$twelve_cache' : '""';
		my @rows = map { [regex($_->{match}), quote(value_of($_, $name))] } grep { defined value_of($_, $name) } reverse @more;
		$maps .= map_of('$twelve_path', "twelve_more_$n", $default, @rows) if @rows;
		$default = "\$twelve_more_$n" if @rows;
		$maps .= map_of('$twelve_rule', "twelve_header_$n", $default, map { my $v = value_of($rules[$_], $name); defined $v ? ['^' . ($_ + 1) . '$', quote($v)] : () } 0 .. $#rules) if @rules;
		my $value = @rules ? "\$twelve_header_$n" : $default;
		if (lc $name eq 'cache-control') { $cache = $value; }
		else { $lines .= "\t\tadd_header " . quote($name) . " $value always;\n"; }
	}
	# An error is not kept as long as a page.
	return ($maps, $lines . "\t\tadd_header Cache-Control $cache;\n");
}

# --- proxies

# What follows the prefix in the address as it was sent; a capture of "if" would be encoded once more.
sub proxy_maps {
	my ($site) = @_;
	return join '', map {
		my $raw = '^' . Site::literal($site->{proxies}[$_]{prefix} =~ s{/$}{}r) . "/?(?<twelve_rest_$_>.*)\$";
		map_of('$request_uri', "twelve_way_$_", '""', [regex($raw), "\"/\${twelve_rest_$_}\""]);
	} 0 .. $#{$site->{proxies}};
}

sub proxy_location {
	my ($site, $n) = @_;
	my $prefix = $site->{proxies}[$n]{prefix};
	my $files = $prefix eq '/' ? '' : "\t\tlocation ^~ " . quote_path($prefix) . " {\n\t\t\ttry_files \$twelve_file " . ($site->{clean_urls} ? '$twelve_page ' : '') . "\@proxy_$n;\n\t\t}\n";
	return <<"EOT";
${files}		location \@proxy_$n {
			if (\$twelve_way_$n = "") {
				return 404;
			}
			proxy_pass "\$<origin.$n.base>\$twelve_way_$n";
			proxy_redirect "\$<origin.$n.shown>/" @{[quote($prefix =~ s{/?$}{/}r)]};
			proxy_set_header Host "\$<origin.$n.host>";
			proxy_ssl_name "\$<origin.$n.name>";
		}
EOT
}

# Names of locations are not expanded.
sub quote_path { return '"' . $_[0] =~ s/(["\\])/\\$1/gr . '"'; }

my $proxy_settings = <<'EOT';
		resolver $<resolver>;
		client_max_body_size 0;
		proxy_http_version 1.1;
		proxy_request_buffering off;
		proxy_read_timeout 300s;
		proxy_set_header Upgrade $http_upgrade;
		proxy_set_header Connection $twelve_connection;
		proxy_ssl_server_name on;
		proxy_ssl_verify on;
		proxy_ssl_verify_depth 5;
		proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;
EOT

# --- the whole

my $head = <<'EOT';
# Made by the buildpack "static" from static.json; serve puts in the names in angle brackets.
daemon off;
worker_processes $<workers>;
pid $<tmp>/nginx.pid;
error_log stderr @level@;
load_module /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so;
load_module /usr/lib/nginx/modules/ngx_http_brotli_static_module.so;
events {
	worker_connections 2048;
}
http {
	include /etc/nginx/mime.types;
	$<types>
	types_hash_max_size 4096;
	variables_hash_max_size 8192;
	variables_hash_bucket_size 128;
	map_hash_max_size 16384;
	map_hash_bucket_size 512;
	default_type application/octet-stream;
	access_log @access@;
	server_tokens off;
	absolute_redirect off;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 120s;
	keepalive_requests 100000;
	reset_timedout_connection on;
	max_ranges 16;
	client_body_temp_path $<tmp>/body;
	proxy_temp_path $<tmp>/proxy;
	fastcgi_temp_path $<tmp>/fastcgi;
	uwsgi_temp_path $<tmp>/uwsgi;
	scgi_temp_path $<tmp>/scgi;
	charset @encoding@;
	charset_types text/css text/plain text/xml text/markdown text/vtt text/javascript application/javascript application/json application/xml
		application/manifest+json application/geo+json application/rss+xml application/atom+xml;
	gzip on;
	gzip_static on;
	gzip_vary on;
	gzip_proxied any;
	gzip_comp_level 6;
	gzip_min_length 512;
	gzip_types @compressed@;
	brotli on;
	brotli_static on;
	brotli_comp_level 5;
	brotli_min_length 512;
	brotli_types @compressed@;
	uninitialized_variable_warn off;
	geo $twelve_dollar {
		default "$";
	}
	map $http_upgrade $twelve_connection {
		default upgrade;
		"" "";
	}
EOT

my $compressed = 'text/css text/plain text/xml text/markdown text/vtt text/javascript application/javascript application/json application/xml application/manifest+json '
	. 'application/geo+json application/rss+xml application/atom+xml application/wasm application/xhtml+xml application/vnd.ms-fontobject font/ttf font/otf image/svg+xml image/x-icon';

# A page is asked for anew each time, which is cheap (304); what a generator names after its content stays.
sub cache_map {
	return map_of('"$upstream_addr|$status|$twelve_path|$sent_http_content_type"', 'twelve_cache', '""',
		[regex('^\|(?:200|206|304)\|/(?:_next/static|_app/immutable|_astro|_nuxt)/'), '"public, max-age=31536000, immutable"'], [regex('^\|.*\|text/html'), 'no-cache']);
}

sub gates {
	my ($site) = @_;
	my $text = "\t\tif (\$twelve_path = \"\") {\n\t\t\tset \$twelve_path \$uri;\n\t\t}\n";
	$text .= "\t\tif (\$http_x_forwarded_proto != \"https\") {\n\t\t\treturn 301 https://\$host\$request_uri;\n\t\t}\n" if $site->{https_only};
	if (defined $site->{canonical_host}) {
		my $host = quote_with_vars($site->{canonical_host});
		$text .= "\t\tset \$twelve_host $host;\n\t\tif (\$host != \$twelve_host) {\n\t\t\treturn 301 \$twelve_scheme://\$twelve_host\$request_uri;\n\t\t}\n";
	}
	$text .= "\t\t\$<login>\n";
	$text .= "\t\tdisable_symlinks on from=\"\$<root>\";\n" if $site->{links_lead_out};
	$text .= "\t\terror_page " . (defined $site->{error_page} ? "404 500 502 503 504 " . quote($site->{error_page}) : '404 /404.html') . ";\n" if defined $site->{error_page} || $site->{has_404};
	return $text;
}

sub locations {
	my ($site, $returns) = @_;
	my ($last) = map { "\@proxy_$_" } grep { $site->{proxies}[$_]{prefix} eq '/' } 0 .. $#{$site->{proxies}};
	my $page = $site->{clean_urls} ? '$twelve_page ' : '';
	$last ||= '=404';
	return <<"EOT";
		location / {
			try_files \$twelve_file $page\@folder;
		}
		location ~ /\$ {
			try_files "\${twelve_file}index.html" \@next;
		}
		location \@folder {
			if (-f "\$document_root\$twelve_file/index.html") {
				rewrite ^(.*)\$ \$1/ permanent;
			}
			try_files $nowhere \@next;
		}
		location \@next {
$returns			try_files \$twelve_route $last;
		}
EOT
}

sub configuration {
	my ($site) = @_;
	my $text = $head;
	my ($redirect_maps, $returns) = redirect_maps($site);
	my ($header_maps, $headers) = header_lines($site);
	my %words = (level => $site->{error_level}, access => $site->{access} ? '$<access>' : 'off', encoding => $site->{encoding}, compressed => $compressed);
	$text =~ s/\@(level|access|encoding|compressed)\@/$words{$1}/g;
	$text .= map_of('$http_x_forwarded_proto', 'twelve_scheme', 'http', ['^https$', 'https']);
	$text .= visible($site) . cache_map() . $redirect_maps . $header_maps . proxy_maps($site);
	$text .= map_of('$twelve_path', 'twelve_route', $nowhere, map { [regex($_->{match}), quote($_->{target})] } @{$site->{routes}});
	$text .= "\tserver {\n\t\tlisten \$<port>;\n\t\troot \"\$<root>\";\n" . gates($site) . $headers . (@{$site->{proxies}} ? $proxy_settings : '');
	$text .= locations($site, $returns) . join '', map { proxy_location($site, $_) } 0 .. $#{$site->{proxies}};
	return "$text\t}\n}\n";
}

1;
