# SPDX-License-Identifier: Apache-2.0
"""
The attacker has an app beside the victim's, and wants the victim's visitors or keeps the victim from starting: it listens on the victim's $PORT
first, beside the victim (SO_REUSEPORT), or on all ports that there are. First with walls; then where the operator has apps share the machine's
network, of which the kernel's word for whose socket it is (docs/decisions/0022) is left.
"""
import re
import subprocess

import pytest

from conftest import wait_for

THIEF = r"""
use strict; use warnings; use Socket;
$| = 1;
my ($first, $last) = @ARGV;
my ($n, @held) = (0);
for my $port ($first .. $last) {
    socket(my $l, PF_INET, SOCK_STREAM, 0) or die "$!\n";
    setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1); setsockopt($l, SOL_SOCKET, 15, 1);
    next unless bind($l, sockaddr_in($port, INADDR_ANY)) && listen($l, 64);
    push @held, $l; $n++;
}
print "listening on $n\n";
while (1) {
    my $r = ''; vec($r, fileno($_), 1) = 1 for @held;
    next unless select($r, undef, undef, 1) > 0;
    for my $l (grep { vec($r, fileno($_), 1) } @held) {
        accept(my $c, $l) or next;
        my $line = <$c>;
        syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthief\n"; close $c;
    }
}
"""
# Says where it would listen, and waits for longer than a thief needs.
VICTIM = r"""
use strict; use warnings;
$| = 1;
print "my port is $ENV{PORT}\n";
sleep 1 while 1;
"""


def thief(p, app, first, last):
    process = subprocess.Popen([p.program("twelve"), "run", "-a", app, "--", "perl", "-e", THIEF, str(first), str(last)],
                               env=p.env, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    said = process.stdout.readline()
    assert said.startswith("listening on "), said
    return process, int(said.split()[-1])


def end_thieves(p, app, *processes):
    for d in p.dynos(app):
        if d["type"] == "run":
            p.cli("ps:stop", d["name"], "-a", app, check=False)
    for process in processes:
        process.wait(60)


@pytest.fixture
def victim(platform, tmp_path):
    where = platform.repo(tmp_path)
    platform.create("victim", where)
    platform.push(where)
    yield where
    platform.cli("destroy", "-a", "victim", "--confirm", "victim", check=False)


def test_who_listens_on_the_port_of_another_gets_none_of_its_requests(platform, alpha, victim):
    wait_for(lambda: platform.up("victim"), "the victim")
    port = platform.dynos("victim")[0]["twelve"]["port"]
    process, n = thief(platform, alpha, port, port)
    try:
        assert n == 1
        answers = {platform.get("victim")[1].split()[0] for _ in range(60)}
        assert answers == {"Hello"}
        # Nor when the victim is away, and its port is free.
        platform.cli("ps:restart", "-a", "victim")
        wait_for(lambda: platform.up("victim"), "the victim again")
        assert {platform.get("victim")[1].split()[0] for _ in range(20)} == {"Hello"}
    finally:
        end_thieves(platform, alpha, process)


def test_who_holds_all_ports_keeps_nobody_from_starting(platform, alpha, victim):
    first, last = map(int, platform.env["TWELVE_PORTS"].split("-"))
    process, n = thief(platform, alpha, first, last)
    try:
        assert n == last - first + 1
        platform.cli("ps:scale", "web=3", "-a", "victim")
        wait_for(lambda: len(platform.up("victim")) == 3, "three dynos of the victim")
    finally:
        end_thieves(platform, alpha, process)


def test_in_a_shared_network_a_port_that_another_dyno_took_gets_no_traffic(own_platform, tmp_path):
    p = own_platform(TWELVE_SHARED_NETWORK=1)
    (tmp_path / "thief").mkdir()
    p.create("thief", p.repo(tmp_path / "thief"))
    p.push(tmp_path / "thief" / "repo")
    where = p.repo(tmp_path)
    p.create("victim", where)
    p.push(where)
    p.cli("config:set", "TWELVE_START_TIMEOUT=8", "-a", "victim")
    version = p.releases("victim")[0]["version"]
    (where / "server.pl").write_text(VICTIM)
    p.commit(where, "slow")
    push = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=p.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = wait_for(lambda: re.search(r"my port is (\d+)", p.cli("logs", "-a", "victim").out), "the port")
    process, _ = thief(p, "thief", found[1], found[1])
    try:
        said = push.communicate(timeout=120)[0]
        assert push.returncode != 0 and "another process on this machine listens on its $PORT" in said, said
        current = next(r for r in p.releases("victim") if r["current"])
        assert current["version"] == version
        assert p.get("victim")[1].startswith("Hello web.1")
    finally:
        end_thieves(p, "thief", process)
