# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
$| = 1;
my $n = 0;
$SIG{TERM} = sub { print "worker $ENV{DYNO} stops\n"; exit 0; };
while (1) { print "tick ", ++$n, "\n"; sleep 1; }
