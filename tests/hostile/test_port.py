# SPDX-License-Identifier: Apache-2.0
"""The attacker has an app beside the victim's, on the same loopback, and wants the victim's visitors: it listens on the victim's $PORT first."""
import re
import subprocess

from conftest import wait_for

THIEF = r"""
use strict; use warnings; use IO::Socket::INET;
$| = 1;
my $l = IO::Socket::INET->new(LocalAddr => $ARGV[1], LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die "$!\n";
print "listening\n";
while (my $c = $l->accept) { my $line = <$c>; print $c "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthief\n"; close $c; }
"""
# Says where it would listen, and waits for longer than a thief needs.
VICTIM = r"""
use strict; use warnings;
$| = 1;
print "my port is $ENV{PORT}\n";
sleep 1 while 1;
"""


def test_a_port_that_another_dyno_took_gets_no_traffic(platform, alpha, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("victim", where)
    platform.push(where)
    platform.cli("config:set", "TWELVE_START_TIMEOUT=8", "-a", "victim")
    version = platform.releases("victim")[0]["version"]
    (where / "server.pl").write_text(VICTIM)
    platform.commit(where, "slow")
    push = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=platform.env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = wait_for(lambda: re.search(r"my port is (\d+)", platform.cli("logs", "-a", "victim").out), "the port")
    thief = subprocess.Popen([platform.program("twelve"), "run", "-a", alpha, "--", "perl", "-e", THIEF, found[1], "0.0.0.0"],
                             env=platform.env, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert thief.stdout.readline() == "listening\n"
        said = push.communicate(timeout=120)[0]
        assert push.returncode != 0 and "another process on this machine listens on its $PORT" in said, said
        current = next(r for r in platform.releases("victim") if r["current"])
        assert current["version"] == version
        assert platform.get("victim")[1].startswith("Hello web.1")
    finally:
        for d in platform.dynos(alpha):
            if d["type"] == "run":
                platform.cli("ps:stop", d["name"], "-a", alpha, check=False)
        thief.wait(60)
        platform.cli("destroy", "-a", "victim", "--confirm", "victim", check=False)
