#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A small preforking HTTP server in core Perl, which the base stack has: it
# answers with who it is, so that tests can tell dynos and releases apart.
# Settings: CRASH=1 exits at once; BIND=PORT binds another port; MUTE=1 binds
# nothing; STUBBORN=1 ignores SIGTERM.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

$| = 1;
if ($ENV{CRASH}) { print "cannot find the frobnicator\n"; exit 3; }
print "hello from $ENV{DYNO}\n";
if ($ENV{MUTE}) { sleep 1 while 1; }
my $listen = IO::Socket::INET->new(
    LocalAddr => $ENV{HOST} || '0.0.0.0', LocalPort => $ENV{BIND} || $ENV{PORT},
    Listen => 128, ReuseAddr => 1) or die "bind: $!\n";

my $stop = 0;
$SIG{TERM} = $ENV{STUBBORN} ? 'IGNORE' : sub { $stop = 1; };
$SIG{PIPE} = 'IGNORE';

sub answer {
    my ($client) = @_;
    my $first = <$client>;
    return 0 unless defined $first && $first =~ m{^(\w+) (\S+)};
    my ($method, $path) = ($1, $2);
    my ($length, $close) = (0, 0);
    while (my $line = <$client>) {
        last if $line =~ /^\r?\n$/;
        $length = $1 if $line =~ /^content-length: *(\d+)/i;
        $close = 1 if $line =~ /^connection: *close/i;
    }
    read($client, my $in, $length) if $length;
    select(undef, undef, undef, $1) if $path =~ m{^/slow/([\d.]+)};
    my $status = $path =~ m{^/status/(\d+)} ? $1 : 200;
    my $body = sprintf("%s %s v%s %s\n", $ENV{GREETING} || 'Hello', $ENV{DYNO},
        ($ENV{TWELVE_RELEASE_VERSION} || '') =~ s/^v//r, $path);
    if ($path eq '/write') {
        open(my $f, '>>', '/app/visits') or die; print $f "x"; close $f;
        $body = (-s '/app/visits') . "\n";
    }
    print "$method $path\n" unless $path eq '/';
    printf $client "HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\nContent-Type: text/plain\r\n%s\r\n%s",
        $status, length($body), $stop || $close ? "Connection: close\r\n" : "", $body;
    return !$close && !$stop;
}

# One process a connection, a simple way to serve many at a time; the parent only accepts.
$SIG{CHLD} = 'IGNORE';
while (!$stop) {
    my $rin = '';
    vec($rin, fileno($listen), 1) = 1;
    next unless select($rin, undef, undef, 0.2) > 0;
    my $client = $listen->accept or next;
    my $pid = fork;
    if (defined $pid && $pid == 0) {
        close $listen;
        $client->autoflush(1);
        while (!$stop) {
            my $r = '';
            vec($r, fileno($client), 1) = 1;
            next unless select($r, undef, undef, 0.2) > 0;
            answer($client) or last;
        }
        POSIX::_exit(0);
    }
    close $client;
}
close $listen;
# Let the children finish what they answer.
$SIG{CHLD} = 'DEFAULT';
1 while wait() > 0;
print "bye from $ENV{DYNO}\n";
