# SPDX-License-Identifier: Apache-2.0
"""
The attacker has an app, with as many processes and descriptors as its dyno may have, and wants the platform's one
loop to be busy with it: `twelved` looks at each dyno that gets ready, is shown, or ends.
"""
import statistics
import subprocess
import time

import pytest

from conftest import wait_for

# N processes, each with as many descriptors as it gets; then a server on another port, so that readiness looks again and
# again; LISTEN=1 fills them with listening sockets.
HOARDER = r"""
use strict; use warnings; use Socket;
$| = 1;
sub hoard {
    my ($n, @held) = (0);
    open(my $null, '<', '/dev/null') or die;
    if ($ENV{LISTEN}) {
        for my $i (1 .. $ENV{EACH}) {
            socket(my $s, PF_INET, SOCK_STREAM, 0) or last;
            bind($s, sockaddr_in(0, inet_aton('127.' . join('.', map { 1 + int rand 250 } 1 .. 3)))) or last;
            listen($s, 1) or last;
            push @held, $s;
        }
        $n = @held;
    } else {
        while ($n < $ENV{EACH} && defined(my $fd = POSIX::dup(fileno($null)))) { $n++; }
    }
    print "holds $n\n";
    sleep 1 while 1;
}
use POSIX ();
for my $i (1 .. $ENV{PROCESSES}) { my $pid = fork; die unless defined $pid; hoard() if !$pid; }
sleep 1 while 1;
"""


def latency(platform, seconds):
    """How long `GET /account` takes, asked again and again: seconds, sorted."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        assert platform.api("GET", "/account")[0] == 200
        took.append(time.monotonic() - began)
    return sorted(took)


def p99(took):
    return took[int(len(took) * 0.99)]


def attack(platform, tmp_path, name, seconds, processes, **config):
    where = platform.repo(tmp_path)
    platform.create(name, where)
    platform.push(where)
    (where / "server.pl").write_text(HOARDER)
    before = latency(platform, seconds)
    settings = [f"{k}={v}" for k, v in {"PROCESSES": processes, "TWELVE_START_TIMEOUT": 3600, "TWELVE_STOP_TIMEOUT": 1, **config}.items()]
    platform.cli("config:set", *settings, "-a", name)
    platform.commit(where, "hoards")
    push = subprocess.Popen(["git", "push", "-q", "twelve", "main"], cwd=where, env=platform.env,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: platform.cli("logs", "-n", "1000", "-a", name).out.count("holds ") >= processes,
                 "all descriptors to be held", 300)
        during = latency(platform, seconds)
        dyno = next(d for d in platform.dynos(name) if d["release"]["version"] >= 4)
        assert dyno["state"] == "starting", dyno
    finally:
        platform.cli("destroy", "-a", name, "--confirm", name)
        push.wait(60)
    print(f"\n{name}: GET /account before: median {statistics.median(before) * 1000:.1f} ms, p99 {p99(before) * 1000:.1f} ms, "
          f"most {before[-1] * 1000:.1f} ms; during: median {statistics.median(during) * 1000:.1f} ms, "
          f"p99 {p99(during) * 1000:.1f} ms, most {during[-1] * 1000:.1f} ms")
    return before, during


@pytest.mark.alone
def test_very_many_descriptors(platform, tmp_path):
    _, during = attack(platform, tmp_path, "hoards-some", 2, 8, EACH=40000)
    # A walk through them took a second and more for each look, 50 looks a second wanted.
    assert len(during) > 100, len(during)


@pytest.mark.torture
def test_millions_of_descriptors(platform, tmp_path):
    _, during = attack(platform, tmp_path, "hoards-millions", 5, 64, EACH=65000)
    assert len(during) > 250, len(during)


@pytest.mark.torture
def test_very_many_listening_sockets(platform, tmp_path):
    _, during = attack(platform, tmp_path, "hoards-ports", 10, 8, EACH=2000, LISTEN=1)
    assert len(during) > 250, len(during)
