# SPDX-License-Identifier: Apache-2.0
"""The platform's own state in a file, and back: `twelve backup`, `twelve restore`."""
import io
import json
import os
import signal
import subprocess
import tarfile
import time

import pytest

from conftest import Platform, wait_for


def fill(p):
    """An app without code: its releases go live at once."""
    assert p.api("POST", "/apps", {"name": "kept"})[0] == 201
    p.cli("config:set", "SECRET=sesame", "-a", "kept")
    p.cli("domains:add", "kept.example.com", "-a", "kept")


def commit(p, tmp_path):
    """Something in the app's repository, without a build."""
    where = p.repo(tmp_path)
    p.git(where, "push", "-q", str(p.state / "git/kept.git"), "HEAD:refs/heads/notes", "-o", "x", check=False)
    subprocess.run(["git", "-C", p.state / "git/kept.git", "fetch", "-q", where, "main:refs/heads/notes"], check=True)
    return p.git(where, "rev-parse", "HEAD").out.strip()


def saved(p, tmp_path, *options):
    f = tmp_path / "platform.tar"
    r = p.cli("backup", str(f), *options)
    assert r.out == f"{f}\n" and "holds secret.key" in r.err
    assert f.stat().st_mode & 0o777 == 0o600
    return f


@pytest.fixture
def empty(tmp_path):
    """A platform that has not begun, in an empty directory."""
    class Stopped(Platform):
        def start(self):
            pass

    p = Stopped(tmp_path / "other")
    p.begin = lambda: Platform.start(p)
    yield p
    if p.process and p.process.poll() is None:
        p.process.send_signal(signal.SIGQUIT)
        p.process.wait(60)


def restore(p, f, check=True):
    r = subprocess.run([p.program("twelve"), "restore", str(f)], env=p.env, capture_output=True, text=True, timeout=120)
    assert not check or r.returncode == 0, (r.stdout, r.stderr)
    return r


def test_a_platform_is_restored_on_an_empty_directory(own_platform, empty, tmp_path):
    p = own_platform()
    fill(p)
    head = commit(p, tmp_path / "repo")
    token = json.loads(p.cli("authorizations:create", "--json").out)
    f = saved(p, tmp_path)
    # The copy is of the running database, its -wal included.
    said = restore(empty, f)
    assert (empty.state / "identity").read_text().strip() in said.stdout and "push each app again" in said.stdout
    empty.begin()
    assert empty.api("GET", "/apps/kept/config-vars")[1]["SECRET"] == "sesame"
    assert [d["hostname"] for d in empty.api("GET", "/apps/kept/domains")[1] if d["kind"] == "custom"] == ["kept.example.com"]
    assert empty.git(empty.state / "git/kept.git", "rev-parse", "notes").out.strip() == head
    # Tokens work, and so does the hook, which names this platform's socket now.
    assert len(empty.api("GET", "/oauth/authorizations")[1]) == len(p.api("GET", "/oauth/authorizations")[1])
    assert str(empty.run) in (empty.state / "git/kept.git/hooks/pre-receive").read_text()
    assert (empty.state / "identity").read_text() == (p.state / "identity").read_text() and token
    for name in ("secret.key", "ca/ca.key"):
        assert (empty.state / name).read_bytes() == (p.state / name).read_bytes()
    assert not [x for x in os.listdir(empty.state) if "restore" in x or "manifest" in x]


def test_what_is_not_empty_or_runs_is_refused(own_platform, empty, tmp_path):
    p = own_platform()
    f = saved(p, tmp_path)
    r = restore(p, f, check=False)
    assert r.returncode != 0 and "end it first" in r.stderr
    (empty.state / "git").mkdir(parents=True)
    (empty.state / "git/shop.git").mkdir()
    r = restore(empty, f, check=False)
    assert r.returncode != 0 and "is not empty: it has git" in r.stderr
    r = p.cli("backup", str(f), check=False)
    assert r.code != 0 and "is there already" in r.err


def rewritten(f, to, change):
    """The archive with one thing changed: change(name, data) gives the data, or None to leave the member out."""
    with tarfile.open(f) as old, tarfile.open(to, "w") as new:
        for m in old:
            data = old.extractfile(m).read() if m.isreg() else None
            now = change(m.name, data)
            if data is not None and now is None:
                continue
            if now is not None:
                m.size = len(now)
            new.addfile(m, io.BytesIO(now) if now is not None else None)
    return to


def test_a_damaged_file_is_refused_and_leaves_nothing(own_platform, empty, tmp_path):
    p = own_platform()
    fill(p)
    f = saved(p, tmp_path)
    other = tmp_path / "other.tar"
    cases = {
        "is not what was saved": lambda n, d: d[:-1] + bytes([d[-1] ^ 1]) if n == "secret.key" else d,
        "is missing": lambda n, d: None if n == "identity" else d,
        "has format 99": lambda n, d: json.dumps({**json.loads(d), "format": 99}).encode() if n == "manifest.json" else d,
        "no backup of a platform": lambda n, d: None if n == "manifest.json" else d,
    }
    for sentence, change in cases.items():
        r = restore(empty, rewritten(f, other, change), check=False)
        assert r.returncode != 0 and sentence in r.stderr, (sentence, r.stderr)
        assert set(os.listdir(empty.state)) <= {"lock", "stacks"}, sentence
    other.write_bytes(f.read_bytes()[:20000])
    r = restore(empty, other, check=False)
    assert r.returncode != 0 and "unpacking" in r.stderr
    (tmp_path / "junk").write_text("no archive")
    assert restore(empty, tmp_path / "junk", check=False).returncode != 0
    assert set(os.listdir(empty.state)) <= {"lock", "stacks"}
    restore(empty, f)


def test_a_restore_that_is_killed_leaves_nothing_or_all(own_platform, empty, tmp_path):
    p = own_platform()
    fill(p)
    f = saved(p, tmp_path)
    whole = 0
    for delay in [n / 1000 for n in (2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400)]:
        child = subprocess.Popen([empty.program("twelve"), "restore", str(f)], env=empty.env, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(delay)  # where it is killed, not what is waited for
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        names = set(os.listdir(empty.state)) - {"lock", "stacks"}
        if names <= {"restore.tmp"}:
            continue
        # From its rename on it is there; the next start ends it.
        whole += 1
        empty.begin()
        assert empty.api("GET", "/apps/kept/config-vars")[1]["SECRET"] == "sesame"
        assert "restore.ready" not in os.listdir(empty.state)
        break
    else:
        restore(empty, f)
        whole = 1
    assert whole


def test_a_restore_cut_off_while_it_moves_its_parts_goes_on(own_platform, empty, tmp_path):
    p = own_platform()
    fill(p)
    f = saved(p, tmp_path)
    restore(empty, f)
    # As if killed after the first parts.
    ready = empty.state / "restore.ready"
    ready.mkdir()
    for name in ("twelve.db", "tls", "secret.key"):
        (empty.state / name).rename(ready / name)
    empty.begin()
    assert empty.api("GET", "/apps/kept/config-vars")[1]["SECRET"] == "sesame" and not ready.exists()
