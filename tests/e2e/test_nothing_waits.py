# SPDX-License-Identifier: Apache-2.0
"""
Nothing in twelved waits for another process on its thread. Each program that is run for it hangs here, one after the other, by a wrapper
that comes first in its PATH: the API goes on meanwhile, and so do other apps; what needed the program is done when it goes on.
"""
import contextlib
import os
import pwd
import shutil
import sqlite3
import subprocess
import threading

import pytest

from conftest import Platform, wait_for

PROGRAMS = ("runc", "crun", "git", "ssh-keygen", "du", "rm")
# A program waits while the gate of its first argument (or of the program, "any") is shut, and says so.
WRAPPER = """#!/bin/sh
for a in any "$@"; do
    while [ -e "{gates}/{name} $a" ]; do
        : >"{gates}/{name} $a waits"
        sleep 0.05
    done
done
exec "{real}" "$@"
"""


class Gates:
    def __init__(self, base):
        self.where, self.bin = base / "gates", base / "bin"
        self.where.mkdir()
        self.bin.mkdir()
        for name in PROGRAMS:
            real = shutil.which(name)
            if real:
                path = self.bin / name
                path.write_text(WRAPPER.format(gates=self.where, name=name, real=real))
                path.chmod(0o755)

    @contextlib.contextmanager
    def shut(self, *names):
        """Each is "PROGRAM ARGUMENT"; opened at the end."""
        for name in names:
            (self.where / name).touch()
        try:
            yield
        finally:
            for name in names:
                (self.where / name).unlink()
                (self.where / f"{name} waits").unlink(missing_ok=True)

    def waits(self, *names):
        return any((self.where / f"{name} waits").exists() for name in names)


@pytest.fixture(scope="module")
def hangs(tmp_path_factory):
    """(platform, gates), with two apps that run: one for the case, and one that has nothing to do with it."""
    base = tmp_path_factory.mktemp("waits")
    gates = Gates(base)
    p = Platform(base / "platform", PATH=f"{gates.bin}:{os.environ['PATH']}")
    for name in ("case", "other"):
        where = p.repo(tmp_path_factory.mktemp(name), "hello")
        p.create(name, where)
        p.push(where)
    yield p, gates
    p.stop()


@contextlib.contextmanager
def meanwhile(method, p, path, body=None):
    """A request that may take as long as it likes; its answer, in a list, once the block is left."""
    answers = []
    t = threading.Thread(target=lambda: answers.append(p.api(method, path, body)))
    t.start()
    yield answers
    t.join(60)
    assert answers, "no answer came"


def goes_on(p):
    """What has nothing to do with it: the API answers, a page comes, and a change of another app goes live."""
    for _ in range(20):
        assert p.api("GET", "/account")[0] == 200
    assert p.get("other")[0] == 200
    version = p.releases("other")[0]["version"]
    assert p.api("PATCH", "/apps/other/config-vars", {"GREETING": f"After{version}"})[0] == 200
    wait_for(lambda: p.get("other")[1].startswith(f"After{version}"), "the other app's new page")


def test_a_key_is_checked(hangs):
    """It is read here, and no program is asked."""
    p, gates = hangs
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada@example.com"
    with gates.shut("ssh-keygen any"):
        status, said = p.api("POST", "/account/keys", {"public_key": key})
        assert (status, said["fingerprint"]) == (201, "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"), said
        goes_on(p)


def test_an_app_is_made(hangs):
    p, gates = hangs
    with gates.shut("git init"):
        with meanwhile("POST", p, "/apps", {"name": "fresh"}) as answers:
            goes_on(p)
    assert answers[0][0] == 201, answers


RUNTIMES = ("runc", "crun")


def kill_supervisor(p, app):
    (dyno,) = p.up(app)
    pids = [pid for pid in p.pids_of("twelve-dyno") if dyno["id"] in open(f"/proc/{pid}/cmdline").read()]
    assert pids, "no supervisor"
    for pid in pids:
        os.kill(pid, 9)
    return dyno


def test_a_container_is_deleted(hangs):
    """After a supervisor that was killed: its records are removed by the runtime."""
    p, gates = hangs
    names = [f"{r} delete" for r in RUNTIMES]
    with gates.shut(*names):
        dyno = kill_supervisor(p, "case")
        wait_for(lambda: gates.waits(*names), "the runtime to be asked")
        for _ in range(20):
            assert p.api("GET", "/account")[0] == 200
        assert p.get("other")[0] == 200
    wait_for(lambda: not (p.run / "dynos" / dyno["id"]).exists() and not (p.run / "oci" / dyno["id"]).exists(), "what it left to be gone")
    wait_for(lambda: len(p.up("case")) == 1, "another dyno")


@pytest.mark.parametrize("verb", ["delete", "kill"])
def test_a_dyno_ends(hangs, verb):
    p, gates = hangs
    names = [f"{r} {verb}" for r in RUNTIMES]
    (before,) = p.up("case")
    with gates.shut(*names):
        assert p.api("DELETE", f"/apps/case/dynos/{before['name']}")[0] == 202
        for _ in range(20):
            assert p.api("GET", "/account")[0] == 200
            assert p.get("other")[0] == 200
    wait_for(lambda: [d for d in p.up("case") if d["id"] != before["id"]], "another dyno")
    wait_for(lambda: len(p.dynos("case")) == 1, "the old one to be gone")


def test_trees_are_removed(hangs):
    """An app and its repository; the name is free at once."""
    p, gates = hangs
    assert p.api("POST", "/apps", {"name": "large"})[0] == 201
    objects = p.state / "git/large.git/objects/aa"
    objects.mkdir()
    for i in range(100):
        (objects / f"{i:038x}").touch()
    with gates.shut("rm -rf"):
        with meanwhile("DELETE", p, "/apps/large") as answers:
            goes_on(p)
            wait_for(lambda: answers and gates.waits("rm -rf"), "the app to be gone while its files are not")
        assert answers[0][0] == 200, answers
        assert p.api("POST", "/apps", {"name": "large"})[0] == 201
    wait_for(lambda: [f.name for f in (p.state / "git").iterdir() if "large" in f.name] == ["large.git"], "its files to be gone")


def test_an_add_on_is_measured(hangs):
    p, gates = hangs
    status, a = p.api("POST", "/apps/case/addons", {"plan": "memcached"})
    assert status == 201, a
    wait_for(lambda: p.api("GET", f"/addons/{a['id']}")[1]["state"] == "provisioned", "the add-on", 180)
    with gates.shut("du any"):
        wait_for(lambda: gates.waits("du any"), "du to be asked")
        goes_on(p)
    assert p.api("DELETE", f"/apps/case/addons/{a['id']}", {"force": True})[0] in (200, 202)


def test_another_program_holds_the_database(hangs):
    """What only reads goes on; what writes says that it can't, soon, and can when the lock is gone."""
    p, _ = hangs
    with contextlib.closing(sqlite3.connect(p.state / "twelve.db", timeout=60, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with meanwhile("PATCH", p, "/apps/other/config-vars", {"GREETING": "Locked"}) as answers:
            for _ in range(20):
                assert p.api("GET", "/account")[0] == 200
                assert p.get("other")[0] == 200
        assert answers[0][0] == 503, answers
        db.execute("ROLLBACK")
    goes_on(p)


SLOW_LOOKUPS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>
/* The machine's list of groups hangs while the gate is there. */
int getgrouplist(const char *user, gid_t gid, gid_t *groups, int *n)
{
	while (access(getenv("GATE"), F_OK) == 0)
		usleep(20000);
	return ((int (*)(const char *, gid_t, gid_t *, int *))dlsym(RTLD_NEXT, "getgrouplist"))(user, gid, groups, n);
}
"""


def as_a_member(p, path):
    """GET by a user of this machine; "games" is a member of the group "games". The status."""
    games = pwd.getpwnam("games")
    r = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-m", "60", "--unix-socket", p.run / "twelved.sock", f"http://localhost{path}"],
                       user=games.pw_uid, group=games.pw_gid, extra_groups=[], stdout=subprocess.PIPE, text=True)
    return int(r.stdout)


def test_users_are_looked_up(tmp_path):
    """Who is known goes on by what was known last; who is not is told so, and is known when the list answers."""
    source, library, gate = tmp_path / "slow.c", tmp_path / "slow.so", tmp_path / "gate"
    source.write_text(SLOW_LOOKUPS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    p = Platform(tmp_path / "platform", TWELVE_GROUP="games", LD_PRELOAD=library, GATE=gate)
    try:
        gate.touch()
        assert as_a_member(p, "/account") == 503
        assert [p.api("GET", "/account")[0] for _ in range(20)] == [200] * 20
        gate.unlink()
        wait_for(lambda: as_a_member(p, "/account") == 200, "the member to be known")
        gate.touch()
        assert [as_a_member(p, "/account") for _ in range(5)] == [200] * 5
        assert [p.api("GET", "/account")[0] for _ in range(20)] == [200] * 20
        gate.unlink()
    finally:
        gate.unlink(missing_ok=True)
        p.stop()


SLOW_DISK = r"""
#include <sys/syscall.h>
#include <unistd.h>
/* A disk that takes its time. */
int fsync(int fd)
{
	usleep(100000);
	return (int)syscall(SYS_fsync, fd);
}
"""


def test_many_dynos_start(tmp_path):
    """Requests are answered between two starts: who asks sees some of the dynos before all are there."""
    source, library = tmp_path / "disk.c", tmp_path / "disk.so"
    source.write_text(SLOW_DISK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    p = Platform(tmp_path / "platform", LD_PRELOAD=library)
    try:
        where = p.repo(tmp_path, "hello")
        p.create("many", where)
        p.push(where)
        assert p.api("PATCH", "/apps/many/formation/web", {"quantity": 9})[0] == 200
        seen = []
        wait_for(lambda: seen.append(len(p.dynos("many"))) or seen[-1] == 9, "nine dynos")
        assert set(seen) - {1, 9}, seen
    finally:
        p.stop()
