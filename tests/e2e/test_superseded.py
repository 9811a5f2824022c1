# SPDX-License-Identifier: Apache-2.0
"""
A release that a newer one takes the place of while it is on its way. What a push is told is what becomes of its
slug; and two release commands of an app never run at the same time.
"""
import os
import pathlib
import signal
import socket
import subprocess
import threading

import pytest

from conftest import wait_for

# Tells the test that it runs, and ends as the test says.
RELEASE = r"""
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(PeerAddr => $ENV{GATE}) or die;
$s->autoflush(1);
print $s "$ENV{TWELVE_RELEASE_VERSION}\n";
my $code = <$s>;
exit(defined $code ? $code : 99);
"""


class Gate:
    """Where release commands wait, each by its version, until they are let go."""

    def __init__(self, host):
        self.listener = socket.create_server((host, 0))
        self.address = f"{host}:{self.listener.getsockname()[1]}"
        self.waiting, self.came, self.most, self.lock = {}, [], 0, threading.Lock()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            version = int(c.makefile().readline()[1:])
            with self.lock:
                self.waiting[version] = c
                self.came.append(version)
                self.most = max(self.most, len(self.waiting))

    def stop(self):
        """Ends the thread first: one that still accepts would take connections of the next socket of the same number."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def let_go(self, version, code=0):
        wait_for(lambda: version in self.waiting, f"the release command of v{version}")
        with self.lock:
            c = self.waiting.pop(version)
        c.sendall(b"%d\n" % code)
        c.close()


class Pushed:
    def __init__(self, platform, where):
        self.process = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=platform.env, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self):
        return self.process.wait(120), self.process.stdout.read()


@pytest.fixture
def gated(own_platform, machine_address, tmp_path):
    """A platform with the app "gated", whose release commands wait at the gate, deployed as v3; and a second commit."""
    p, gate = own_platform(), Gate(machine_address)
    where = p.repo(tmp_path, release__pl=RELEASE)
    p.create("gated", where)
    p.cli("egress:allow", gate.address, "-a", "gated")
    p.cli("config:set", f"GATE={gate.address}", "-a", "gated")
    first = Pushed(p, where)
    gate.let_go(3)
    code, said = first.end()
    assert code == 0, said
    server = where / "server.pl"
    server.write_text(server.read_text().replace("'Hello'", "'Second'"))
    p.commit(where, "second")
    yield p, gate, where
    gate.stop()


def live(p):
    return p.get("gated")[1].split()[0]


def set_config(p, *what):
    p.cli("config:set", *what, "--no-wait", "-a", "gated")


def test_a_config_change_during_a_push_that_goes_well(gated):
    p, gate, where = gated
    push = Pushed(p, where)
    wait_for(lambda: 4 in gate.waiting, "v4's release command")
    set_config(p, "ONE=1")
    set_config(p, "TWO=2")
    # What v4's command comes to does not matter any more: v6 has its slug, and a command of its own.
    gate.let_go(4, 1)
    gate.let_go(6)
    code, said = push.end()
    assert code == 0 and "v6 is live" in said, said
    assert "Waiting for the release command of v4 to end" in said, said
    assert gate.came == [3, 4, 6] and gate.most == 1
    assert live(p) == "Second"
    config = p.cli("config", "-a", "gated").out
    assert "ONE" in config and "TWO" in config


def test_a_config_change_during_a_push_that_fails(gated):
    p, gate, where = gated
    push = Pushed(p, where)
    wait_for(lambda: 4 in gate.waiting, "v4's release command")
    set_config(p, "ONE=1")
    gate.let_go(4)
    gate.let_go(5, 7)
    code, said = push.end()
    assert code != 0 and "rejected" in said and "its release command exited with status 7" in said, said
    # Nothing of it is left, and nothing later brings it back.
    assert live(p) == "Hello" and "ONE" not in p.cli("config", "-a", "gated").out
    set_config(p, "THREE=3")
    gate.let_go(6)
    wait_for(lambda: p.releases("gated")[0]["status"] == "succeeded", "v6")
    assert live(p) == "Hello" and gate.most == 1


def test_a_rollback_during_a_push(gated):
    p, gate, where = gated
    push = Pushed(p, where)
    wait_for(lambda: 4 in gate.waiting, "v4's release command")
    p.cli("rollback", "v3", "--no-wait", "-a", "gated")
    code, said = push.end()
    assert code != 0 and "a newer release, v5, came before it was live" in said, said
    assert gate.came == [3, 4]
    # What hangs is ended by whoever wants the next one.
    gate.waiting.pop(4)
    p.cli("ps:stop", "release.4", "-a", "gated")
    gate.let_go(5)
    wait_for(lambda: p.releases("gated")[0]["status"] == "succeeded", "v5")
    assert live(p) == "Hello" and gate.most == 1


def test_a_config_change_while_a_push_is_undone(gated):
    p, gate, where = gated
    (where / "server.pl").write_text("print qq(no module named shop\\n); exit 3;\n")
    p.commit(where, "broken")
    found = subprocess.run(["pgrep", "-P", str(p.process.pid), "-x", "twelve-logs"], capture_output=True, text=True).stdout
    log, app = pathlib.Path(p.log.name), p.api("GET", "/apps/gated")[1]["id"]
    push = Pushed(p, where)
    wait_for(lambda: 4 in gate.waiting, "v4's release command")
    # Its last lines are waited for half a second then, as nobody tells them.
    os.kill(int(found), signal.SIGSTOP)
    try:
        gate.let_go(4)
        wait_for(lambda: f"app {app}: v4 is undone" in log.read_text(), "the release to be undone")
        status, _ = p.api("PATCH", "/apps/gated/config-vars", {"ONE": "1"})
        assert status == 200
        assert p.releases("gated")[1]["status"] != "failed", "the window is over: this has tested nothing"
    finally:
        os.kill(int(found), signal.SIGCONT)
    code, said = push.end()
    assert code != 0 and "rejected" in said, said
    gate.let_go(5)
    wait_for(lambda: p.releases("gated")[0]["status"] == "succeeded", "v5")
    assert live(p) == "Hello" and "ONE" in p.cli("config", "-a", "gated").out
    slugs = {r["version"]: r["slug"]["id"] for r in p.releases("gated") if r["slug"]}
    assert slugs[5] == slugs[3] != slugs[4]


def test_twelved_is_killed_while_a_release_command_runs(gated):
    p, gate, where = gated
    set_config(p, "ONE=1")
    wait_for(lambda: 4 in gate.waiting, "v4's release command")
    set_config(p, "TWO=2")
    p.restart()
    wait_for(lambda: any(d["type"] == "release" for d in p.dynos("gated")), "v4's release command to be found")
    set_config(p, "THREE=3")
    assert gate.came == [3, 4]
    gate.let_go(4)
    gate.let_go(6)
    wait_for(lambda: p.releases("gated")[0]["status"] == "succeeded", "v6")
    assert gate.came == [3, 4, 6] and gate.most == 1
    config = p.cli("config", "-a", "gated").out
    assert all(name in config for name in ("ONE", "TWO", "THREE"))


def test_a_worker_that_crashes_already_holds_nothing_up(app):
    platform, name, where = app
    (where / "worker.pl").write_text("if ($ENV{FIXED}) { sleep 1 while 1; }\nprint qq(no module named shop\\n); exit 1;\n")
    platform.commit(where, "breaks the worker")
    platform.push(where)
    platform.cli("ps:scale", "worker=1", "-a", name, check=False)
    wait_for(lambda: any(d["type"] == "worker" and d["state"] == "crashed" for d in platform.dynos(name)), "the crash")
    said = platform.cli("config:set", "GREETING=Salve", "-a", name)
    assert "worker" in said.err and "crashes as it did before" in said.err and "ps:scale" in said.err, said
    assert platform.get(name)[1].startswith("Salve")
    platform.commit(where, "something else")
    pushed = platform.push(where)
    assert "worker: crashes in v" in pushed.err, pushed
    platform.cli("rollback", "-a", name)
    # Mended, it is up; and from then on it counts.
    platform.cli("config:set", "FIXED=1", "-a", name)
    wait_for(lambda: platform.up(name, "worker"), "the worker")
    failed = platform.cli("config:unset", "FIXED", "-a", name, check=False)
    assert failed.code == 1 and "worker.1 exited with status 1" in failed.err, failed
    assert "not done: Unset FIXED" in failed.err, failed
    assert "FIXED" in platform.cli("config", "-a", name).out
