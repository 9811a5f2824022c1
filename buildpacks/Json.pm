# SPDX-License-Identifier: Apache-2.0
#
# JSON (RFC 8259) with the line of each value, and the keys of objects in their order: what people write into
# static.json or composer.json means something in its order, and is refused by line. The base stack has perl-base
# alone, which has no JSON::PP; that would tell neither.
#
#     my $json = Json::read('static.json');    # dies with "static.json:3: ..." and a newline
#     $json->{type}                            # object, array, string, number, boolean, null
#     $json->{line}                            # where it begins; of an object's member, where its key is
#     $json->{value}                           # string (bytes, UTF-8), number, 1 or 0; array: list of values
#     $json->{keys}, $json->{of}{NAME}         # object: names in their order, values
package Json;

use strict;
use warnings;

my $max_depth = 200;
my %escapes = (b => "\b", f => "\f", n => "\n", r => "\r", t => "\t", '"' => '"', '\\' => '\\', '/' => '/');
my ($name, $text);

sub line_at { return 1 + (substr($text, 0, $_[0]) =~ tr/\n//); }

sub fail {
	my ($what) = @_;
	die sprintf("%s:%d: %s\n", $name, line_at(pos($text) || 0), $what);
}

sub skip_space { $text =~ /\G[ \t\r\n]+/gc; return; }

sub code_point {
	my ($hex) = @_;
	my $code = hex $hex;
	if ($code >= 0xd800 && $code < 0xdc00 && $text =~ /\G\\u([dD][c-fC-F][0-9a-fA-F]{2})/gc) {
		$code = 0x10000 + (($code - 0xd800) << 10) + (hex($1) - 0xdc00);
	}
	my $char = chr($code >= 0xd800 && $code < 0xe000 ? 0xfffd : $code);
	utf8::encode($char);
	return $char;
}

sub parse_string {
	my $out = '';
	$text =~ /\G"/gc or fail('a text in double quotes is expected here');
	for (;;) {
		if ($text =~ /\G([^"\\\x00-\x1f]+)/gc) { $out .= $1; }
		elsif ($text =~ /\G"/gc) { return $out; }
		elsif ($text =~ /\G\\u([0-9a-fA-F]{4})/gc) { $out .= code_point($1); }
		elsif ($text =~ m{\G\\(["\\/bfnrt])}gc) { $out .= $escapes{$1}; }
		else { fail('the text that begins in this line does not end, or has a character that JSON wants escaped'); }
	}
}

sub parse_object {
	my ($depth) = @_;
	my %object = (type => 'object', keys => [], of => {});
	skip_space();
	return \%object if $text =~ /\G\}/gc;
	for (;;) {
		skip_space();
		$text =~ /\G(?=")/gc or fail('a name in double quotes is expected here' . ($text =~ /\G\}/ ? ', or the comma before has to go' : ''));
		my $line = line_at(pos $text);
		my $key = parse_string();
		skip_space();
		$text =~ /\G:/gc or fail("a colon is expected after \"$key\"");
		my $value = parse_value($depth + 1);
		$value->{line} = $line;
		push @{$object{keys}}, $key if !exists $object{of}{$key};
		$object{of}{$key} = $value;
		skip_space();
		return \%object if $text =~ /\G\}/gc;
		$text =~ /\G,/gc or fail("a comma or } is expected after the value of \"$key\"");
	}
}

sub parse_array {
	my ($depth) = @_;
	my %array = (type => 'array', value => []);
	skip_space();
	return \%array if $text =~ /\G\]/gc;
	for (;;) {
		push @{$array{value}}, parse_value($depth + 1);
		skip_space();
		return \%array if $text =~ /\G\]/gc;
		$text =~ /\G,/gc or fail('a comma or ] is expected here');
	}
}

sub parse_value {
	my ($depth) = @_;
	skip_space();
	my $line = line_at(pos($text) || 0);
	my $value;
	fail("more than $max_depth levels of brackets") if $depth > $max_depth;
	if ($text =~ /\G\{/gc) { $value = parse_object($depth); }
	elsif ($text =~ /\G\[/gc) { $value = parse_array($depth); }
	elsif ($text =~ /\G(?=")/gc) { $value = { type => 'string', value => parse_string() }; }
	elsif ($text =~ /\G(true|false)\b/gc) { $value = { type => 'boolean', value => $1 eq 'true' ? 1 : 0 }; }
	elsif ($text =~ /\Gnull\b/gc) { $value = { type => 'null', value => undef }; }
	elsif ($text =~ /\G(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/gc) { $value = { type => 'number', value => $1 }; }
	else { fail('a value is expected here (JSON has no comments, and texts are in double quotes)'); }
	$value->{line} = $line;
	return $value;
}

# parse NAME TEXT: NAME is what messages begin with.
sub parse {
	($name, $text) = @_;
	$text =~ s/^\xef\xbb\xbf//;
	pos($text) = 0;
	my $check = $text;
	utf8::decode($check) or die "$name: it is not UTF-8 text: save it as such\n";
	my $value = parse_value(0);
	skip_space();
	fail('there is more text after the end of the value') if pos($text) < length $text;
	return $value;
}

sub slurp {
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path cannot be read: $!\n";
	local $/;
	my $content = <$file>;
	return defined $content ? $content : '';
}

# read PATH [NAME]
sub read {
	my ($path, $as) = @_;
	return parse(defined $as ? $as : $path, slurp($path));
}

# at VALUE NAME...: the value that is reached by the names, or undef.
sub at {
	my ($value, @names) = @_;
	for my $part (@names) {
		return undef if !defined $value || $value->{type} ne 'object';
		$value = $value->{of}{$part};
	}
	return $value;
}

# text VALUE NAME...: the string there, or undef for anything else.
sub text {
	my $value = at(@_);
	return defined $value && $value->{type} eq 'string' ? $value->{value} : undef;
}

1;
