# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
$| = 1;
print "releasing $ENV{TWELVE_RELEASE_VERSION}\n";
if ($ENV{FAIL_RELEASE}) { print "migration 7 does not apply\n"; exit 5; }
