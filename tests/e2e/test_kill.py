# SPDX-License-Identifier: Apache-2.0
"""kill -9, at rest and in the middle of things: apps answer on, and afterwards the state is what it should be."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import wait_for
from test_rollout import Load


def deployed(p, tmp_path, name):
    where = p.repo(tmp_path)
    p.create(name, where)
    p.push(where)
    return where


def test_twelved_killed_at_rest(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "rest")
    p.cli("ps:scale", "web=2", "worker=1", "-a", "rest")
    wait_for(lambda: len(p.dynos("rest")) == 3 and len(p.up("rest")) == 2, "all dynos")
    before = sorted(d["id"] for d in p.dynos("rest"))
    with Load(p, "rest") as load:
        p.kill9()
        wait_for(lambda n=load.done: load.done > n + 50, "requests without twelved")
        p.start()
        wait_for(lambda n=load.done: load.done > n + 50, "requests with the new one")
    assert load.failures == []
    assert sorted(d["id"] for d in p.dynos("rest")) == before, "the same dynos, adopted"
    # And it is in charge again.
    p.cli("config:set", "GREETING=Back", "-a", "rest")
    assert p.get("rest")[1].startswith("Back")


def test_a_dyno_restarts_without_twelved(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "alone")
    pid = p.up("alone")[0]["twelve"]["pid"]
    p.kill9()
    os.kill(pid, signal.SIGKILL)

    def answers():
        try:
            return p.get("alone")[0] == 200
        except OSError:
            return False
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the dyno to be gone")
    wait_for(answers, "its restart, with no twelved there")
    p.start()
    wait_for(lambda: p.up("alone"), "the dyno to be adopted")


def test_twelved_killed_during_a_push(own_platform, tmp_path):
    p = own_platform()
    where = deployed(p, tmp_path, "midpush")
    (where / "release.pl").write_text("$| = 1; print \"slow release\\n\"; sleep 4;\n")
    p.commit(where, "a release command that takes a while")
    with Load(p, "midpush") as load:
        push = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=p.env,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(lambda: p.releases("midpush")[0]["version"] == 3, "the release to be made")
        p.kill9()
        assert push.wait(60) != 0, "the pusher is told that it did not work"
        p.start()
        wait_for(lambda: p.releases("midpush")[0]["status"] != "pending", "the rollout to end")
        wait_for(lambda: p.get("midpush")[1].startswith("Hello web.1 v3"), "v3 to serve")
    assert load.failures == []
    p.push(where)


def test_twelved_killed_during_a_build(own_platform, tmp_path):
    p = own_platform()
    where = deployed(p, tmp_path, "midbuild")
    slow = tmp_path / "slow-pack"
    (slow / "bin").mkdir(parents=True)
    for script, text in (("detect", "echo Slow"), ("compile", "echo compiling; sleep 30"), ("release", "echo ---")):
        (slow / "bin" / script).write_text(f"#!/bin/sh\n{text}\n")
        (slow / "bin" / script).chmod(0o755)
    p.cli("buildpacks:set", str(slow), "-a", "midbuild")
    p.commit(where, "with the slow buildpack")
    push = subprocess.Popen(["git", "push", "twelve", "main"], cwd=where, env=p.env,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: any("pending" in b["status"] for b in p.api("GET", "/apps/midbuild/builds")[1]), "the build")
    p.kill9()
    assert push.wait(60) != 0
    p.start()
    assert all(b["status"] != "pending" for b in p.api("GET", "/apps/midbuild/builds")[1])
    wait_for(lambda: os.listdir(p.state / "builds") == [], "the half-made build to be swept")
    assert p.releases("midbuild")[0]["version"] == 2
    assert p.get("midbuild")[0] == 200
    p.cli("buildpacks:clear", "-a", "midbuild")
    p.push(where)
    assert p.get("midbuild")[1].startswith("Hello web.1 v3")


def test_twelved_killed_during_a_rollout(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "midroll")
    p.cli("ps:scale", "web=2", "-a", "midroll")
    with Load(p, "midroll") as load:
        for i in range(5):
            status, _ = p.api("PATCH", "/apps/midroll/config-vars", {"GREETING": f"Kill{i}"})
            assert status == 200
            # Not at the same instant each time: after so many reports of a new dyno.
            wait_for(lambda i=i: len(p.dynos("midroll")) > 2 or i % 2, "the rollout to begin")
            p.restart()
            wait_for(lambda i=i: p.get("midroll")[1].startswith(f"Kill{i}"), "the rollout to end")
            wait_for(lambda: len(p.dynos("midroll")) == 2, "the old ones to be gone")
    assert load.failures == []
    assert [r["status"] for r in p.releases("midroll")[:5]] == ["succeeded"] * 5


def test_a_supervisor_is_killed(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "orphan")
    dyno = p.up("orphan")[0]
    pid = dyno["twelve"]["pid"]
    found = subprocess.run(["pgrep", "-f", f"twelve-dyno.*{dyno['id']}"], capture_output=True, text=True).stdout.split()
    assert len(found) == 1
    os.kill(int(found[0]), signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its dyno to end with it")
    wait_for(lambda: p.up("orphan") and p.up("orphan")[0]["id"] != dyno["id"], "another to be started")
    wait_for(lambda: p.get("orphan")[0] == 200, "the page")
    wait_for(lambda: not (p.run / "dynos" / dyno["id"]).exists(), "what it left to be removed")


def test_haproxy_is_killed(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "proxied")
    for pid in subprocess.run(["pgrep", "-f", f"haproxy.*{p.run}"], capture_output=True, text=True).stdout.split():
        os.kill(int(pid), signal.SIGKILL)

    def answers():
        try:
            return p.get("proxied")[0] == 200
        except OSError:
            return False
    wait_for(answers, "haproxy to be back")


def test_logs_survive_twelve_logs(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "logged")
    p.cli("ps:scale", "worker=1", "-a", "logged")
    wait_for(lambda: "tick 2" in p.cli("logs", "-a", "logged", "--dyno", "worker.1").out, "ticks")
    found = p.pids_of("twelve-logs")
    assert len(found) == 1
    os.kill(found[0], signal.SIGKILL)
    wait_for(lambda: "tick 6" in p.cli("logs", "-n", "500", "-a", "logged", "--dyno", "worker.1", check=False).out,
             "ticks after the restart")
    ticks = [int(line.rsplit(" ", 1)[1]) for line in
             p.cli("logs", "-n", "500", "-a", "logged", "--dyno", "worker.1").out.splitlines() if "tick" in line]
    assert ticks == list(range(1, len(ticks) + 1)), "no gap, no double"


def test_stop_leaves_nothing(own_platform, tmp_path):
    p = own_platform()
    deployed(p, tmp_path, "ending")
    p.stop()
    for f in os.listdir("/proc"):
        if not f.isdigit():
            continue
        try:
            with open(f"/proc/{f}/cmdline") as c:
                assert str(p.run) not in c.read()
        except OSError:
            pass
    with open("/proc/mounts") as f:
        assert str(p.run) not in f.read()


def masters(p):
    """haproxy's master processes of this platform: those whose parent is no haproxy of it."""
    found = {}
    for d in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            args = (d / "cmdline").read_bytes().split(b"\0")
            parent = int((d / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if args[0] == b"haproxy" and str(p.run / "haproxy" / "haproxy.cfg").encode() in args:
            found[int(d.name)] = parent
    return [pid for pid, parent in found.items() if parent not in found]


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
def test_kill_9_just_after_the_start_leaves_one_haproxy(own_platform, delay):
    p = own_platform()
    p.stop()
    p.run.mkdir(mode=0o755)
    p.process = subprocess.Popen([p.program("twelved")], env=p.env, stdin=subprocess.DEVNULL,
                                 stdout=p.log, stderr=p.log, cwd="/")
    time.sleep(delay)
    p.restart()
    wait_for(lambda: len(masters(p)) == 1, "one haproxy", 10)
    status, _ = p.get("nobody")
    assert status == 404
    p.stop()
    assert masters(p) == []


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1])
def test_the_end_of_everything_while_haproxy_reloads(own_platform, tmp_path, delay):
    p = own_platform()
    deployed(p, tmp_path, "slow")
    # Something that takes a while to end, so that the reload ends before.
    p.cli("run:detached", "-a", "slow", "trap '' TERM; echo deaf; sleep 3; true")
    wait_for(lambda: "deaf" in p.cli("logs", "-a", "slow").out, "the slow dyno")
    for i in range(3):
        p.api("POST", "/apps", {"name": f"app-{i}"})
    p.api("DELETE", "/apps/app-1")
    time.sleep(delay)
    p.process.send_signal(signal.SIGQUIT)
    assert p.process.wait(60) == 0
    wait_for(lambda: masters(p) == [], "haproxy to end", 10)
