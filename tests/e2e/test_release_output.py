# SPDX-License-Identifier: Apache-2.0
"""What a push is told of a release command, and of a dyno that crashed: all of it, whatever its bytes."""
import os
import signal
import socket
import subprocess

from conftest import wait_for

# Tells the test that it runs, goes on when the test says so, and ends with a line that has no end.
RELEASE = r"""
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(PeerAddr => $ENV{GATE}) or die;
<$s>;
$| = 0;
print "migration $_\n" for 1 .. 2000;
print "and the last";
"""


def test_the_push_has_the_last_lines_of_a_release_command(own_platform, machine_address, tmp_path):
    p, gate = own_platform(), socket.create_server((machine_address, 0))
    address = f"{machine_address}:{gate.getsockname()[1]}"
    where = p.repo(tmp_path, release__pl=RELEASE)
    p.create("migrated", where)
    p.cli("egress:allow", address, "-a", "migrated")
    p.cli("config:set", f"GATE={address}", "-a", "migrated")
    logs = int(subprocess.run(["pgrep", "-P", str(p.process.pid), "-x", "twelve-logs"], capture_output=True, text=True).stdout)
    push = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=p.env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    command, _ = gate.accept()
    # What it writes now lies in its pipe, and twelved hears of its end before twelve-logs has read it.
    os.kill(logs, signal.SIGSTOP)
    try:
        command.close()
        wait_for(lambda: not p.api("GET", "/apps/migrated/dynos")[1], "the release command to end")
        p.cli("ps", "-a", "migrated")
    finally:
        os.kill(logs, signal.SIGCONT)
    said = push.communicate(timeout=120)[0]
    assert push.returncode == 0, said
    lines = [line.removeprefix("remote: ").strip() for line in said.splitlines()]
    shown = [line for line in lines if line.startswith(("migration", "and the last"))]
    assert shown == [f"migration {i}" for i in range(1, 2001)] + ["and the last"]
    gate.close()


def test_a_crash_line_that_is_not_utf_8_is_in_the_proof(own_platform, tmp_path):
    p = own_platform()
    where = p.repo(tmp_path)
    (where / "server.pl").write_text(r'print "no \xff module\n"; exit 3;' + "\n")
    p.commit(where, "broken")
    p.create("bytes", where)
    push = subprocess.run(["git", "push", "twelve", "main"], cwd=where, env=p.env, capture_output=True, timeout=120)
    assert push.returncode != 0
    proof = p.releases("bytes")[0]["twelve"]["proof"]
    assert "no \ufffd module" in proof["last_lines"], proof
