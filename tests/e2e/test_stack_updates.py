# SPDX-License-Identifier: Apache-2.0
"""
Newer packages for a stack in use. Debian's archive is the real one, and what it has is made into a real stack; only that there was an older one is
made up: a copy of the stack of today whose list of packages says older versions, and which has one file more.
"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from conftest import wait_for

OLD = "0.1~older"


def current(p, name):
    return next(r for r in p.releases(name) if r["current"])


def stack_of(p, name):
    return current(p, name)["twelve"]["stack"]


def deploy(p, where, name):
    p.create(name, where)
    p.push(where)
    return current(p, name)


@pytest.fixture
def older(platform, tmp_path, monkeypatch):
    """A store of its own with the stacks that an app of the hello example needs, its run stack an older one: (the old digest, today's)."""
    deploy(platform, platform.repo(tmp_path / "first"), "measured")
    today = stack_of(platform, "measured")
    slug = current(platform, "measured")["twelve"]["slug"]
    keys = [json.loads(k.read_text()) for k in (platform.state / "slugs/keys").glob("*/*")]
    needed = {s for k in keys if k["slug"] == slug for s in k["stacks"] if s} | {today}
    platform.cli("destroy", "-a", "measured", "--confirm", "measured")
    shared = (platform.state / "stacks").resolve()
    # On the same file system: links of files, not copies.
    store = shared.parent / f"stack-updates-{os.getpid()}"
    shutil.rmtree(store, ignore_errors=True)
    (store / "specs").mkdir(parents=True)
    old = hashlib.sha256(b"older").hexdigest()
    for source, name in [(d, d) for d in needed | below(shared, needed)] + [(today, old), ("cache", "cache")]:
        subprocess.run(["cp", "-al", str(shared / source), str(store / name)], check=True)
    names = [line.split("=")[0] for line in (store / old / "packages").read_text().splitlines()]
    (store / old / "packages").unlink()
    (store / old / "packages").write_text("".join(f"{n}={OLD}\n" for n in names))
    (store / old / "rootfs/etc/older").write_text("yes\n")
    for link in (shared / "specs").iterdir():
        digest = os.readlink(link)[3:] if link.is_symlink() else ""
        if digest in needed:
            (store / "specs" / link.name).symlink_to("../" + (old if digest == today else digest))
    monkeypatch.setenv("TWELVE_STACK_CACHE", str(store))
    yield old, today
    shutil.rmtree(store)


def below(shared, digests):
    """What layers stand on."""
    found = {(shared / d / "below").read_text().strip() for d in digests if (shared / d / "below").exists()}
    return found | below(shared, found) if found - digests else found


def test_apps_get_newer_packages(older, own_platform, tmp_path):
    old, _ = older
    p = own_platform()
    deploy(p, p.repo(tmp_path / "steady"), "steady")
    assert stack_of(p, "steady") == old
    # It needs what only the old one has.
    where = p.repo(tmp_path / "picky")
    procfile = (where / "Procfile").read_text()
    (where / "Procfile").write_text(procfile.replace("web: ", "web: test -e /etc/older && exec "))
    p.commit(where, "picky")
    picky = deploy(p, where, "picky")

    # To be told changes nothing.
    told = p.cli("stacks:update", "--check").out
    assert OLD in told and "security" in told and "picky" in told and "steady" in told, told
    specs = {os.readlink(s) for s in (p.state / "stacks/specs").iterdir() if s.is_symlink()}
    assert f"../{old}" in specs
    assert [len(p.releases(n)) for n in ("steady", "picky")] == [2, 2]
    report = p.api("GET", "/twelve/stacks/updates")[1]
    changes = report["stacks"][old]["changes"]
    assert report["extent"] == "check" and report["stacks"][old]["new"] is None
    assert all(c["from"] == OLD and c["to"] != OLD for c in changes) and "libc6" in {c["package"] for c in changes}
    assert {(a["app"], a["packages"], a["release"]) for a in report["apps"]} == {(n, len(changes), None) for n in ("steady", "picky")}

    # By default the next builds get them, and what runs stays.
    said = p.cli("stacks:update")
    assert "--apply" in said.err and [len(p.releases(n)) for n in ("steady", "picky")] == [2, 2]
    specs = {os.readlink(s) for s in (p.state / "stacks/specs").iterdir() if s.is_symlink()}
    assert f"../{old}" not in specs and stack_of(p, "steady") == old
    new = p.api("GET", "/twelve/stacks/updates")[1]["stacks"][old]["new"]
    assert new and new != old and f"../{new}" in specs

    # Released: what is healthy stays, what is not is undone.
    p.cli("stacks:update", "--apply")
    wait_for(lambda: stack_of(p, "steady") == new, "steady to run on the new stack")
    updated = current(p, "steady")
    assert updated["slug"]["id"] == p.releases("steady")[1]["slug"]["id"] and updated["description"].startswith("Update stack debian-13: ")
    assert p.get("steady")[0] == 200
    wait_for(lambda: p.releases("picky")[0]["status"] == "failed", "picky's release to be undone")
    assert stack_of(p, "picky") == old and current(p, "picky")["version"] == picky["version"] and p.get("picky")[0] == 200
    assert "Update stack" in p.cli("audit", "-a", "steady").out + p.cli("audit").out

    # Not tried again with the same slug.
    p.cli("stacks:update", "--apply")
    assert len(p.releases("picky")) == 3
    (row,) = p.api("GET", "/twelve/stacks/updates")[1]["apps"]
    assert row["app"] == "picky" and row["reason"].startswith("v3 on it was not healthy")

    # A rollback brings the stack of its release; and once a day, by itself, it is brought forward again.
    p.cli("rollback", "v2", "-a", "steady")
    assert stack_of(p, "steady") == old
    p.kill9()
    report = p.state / "stack-updates.json"
    assert json.loads(report.read_text())["extent"] == "apply"
    os.utime(report, (0, 0))
    p.env["TWELVE_STACK_UPDATES"] = "auto"
    p.start()
    wait_for(lambda: stack_of(p, "steady") == new, "steady to be brought forward", 120)
    assert current(p, "steady")["user"]["email"].startswith("stack-updates")
    assert any("stack updates" in line for line in p.cli("audit", "-a", "steady").out.splitlines())


def held_check(p):
    """Begins a check, which is short, and stops its process; None when it was over before."""
    status, _ = p.api("POST", "/twelve/stacks/updates", {"check": True})
    for child in pathlib.Path(f"/proc/{p.process.pid}/task/{p.process.pid}/children").read_text().split() if status == 202 else []:
        try:
            if b"stack-updates" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGSTOP)
                return int(child)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def test_only_one_at_a_time_and_only_stacks_that_there_are(platform):
    p = platform
    assert p.api("POST", "/twelve/stacks/updates", {"stack": "windows"})[0] == 422
    assert p.api("POST", "/twelve/stacks/updates", {"check": True, "apply": True})[0] == 422
    child = wait_for(lambda: held_check(p), "a check that is held in the middle")
    try:
        status, answer = p.api("POST", "/twelve/stacks/updates", {"check": True})
        assert status == 409 and "already" in answer["message"]
        assert p.api("POST", "/twelve/gc")[0] == 409
    finally:
        os.kill(child, signal.SIGCONT)
    wait_for(lambda: p.api("GET", "/twelve/stacks/updates")[1]["status"] == "succeeded", "its end")
