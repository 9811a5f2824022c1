# SPDX-License-Identifier: Apache-2.0
"""The platform's own state in a file, and back: `twelve backup`, `twelve restore`."""
import http.client
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

import pytest

from conftest import Platform, wait_for
from test_addons import SERVICES, put, shelf


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


def stop(p):
    p.process.send_signal(signal.SIGQUIT)
    p.process.wait(60)


def test_a_restore_cut_off_while_it_moves_its_parts_goes_on(own_platform, empty, tmp_path):
    p = own_platform()
    fill(p)
    f = saved(p, tmp_path)
    restore(empty, f)
    whole = tmp_path / "whole"
    names = sorted(set(os.listdir(empty.state)) - {"lock", "stacks"})
    assert {"twelve.db", "secret.key", "identity", "ca", "git"} <= set(names)
    for name in names:
        (whole / name).parent.mkdir(exist_ok=True)
        (empty.state / name).rename(whole / name)
    ready = empty.state / "restore.ready"
    # As if killed before, between and after all of them, whichever came first.
    for moved in [set(), {"twelve.db"}, set(names) - {"twelve.db"}, set(names) - {"secret.key"}, set(names)]:
        ready.mkdir()
        for name in names:
            subprocess.run(["cp", "-a", whole / name, (empty.state if name in moved else ready) / name], check=True)
        r = restore(empty, f, check=False)
        assert r.returncode != 0 and "was cut off" in r.stderr and ready.exists(), r
        empty.begin()
        assert empty.api("GET", "/apps/kept/config-vars")[1]["SECRET"] == "sesame" and not ready.exists()
        stop(empty)
        for name in set(os.listdir(empty.state)) - {"lock", "stacks"}:
            subprocess.run(["rm", "-rf", empty.state / name], check=True)


def test_a_restore_cut_off_while_it_unpacks_counts_for_nothing(own_platform, empty, tmp_path):
    p = own_platform()
    fill(p)
    f = saved(p, tmp_path)
    with tarfile.open(f) as tar:
        tar.extractall(empty.state / "restore.tmp")
    # By a start it is none, and by a restore it is begun again.
    kept = tmp_path / "kept"
    shutil.copytree(empty.state, kept, symlinks=True)
    empty.begin()
    assert empty.api("GET", "/apps")[1] == [] and not (empty.state / "restore.tmp").exists()
    stop(empty)
    subprocess.run(["rm", "-rf", empty.state], check=True)
    kept.rename(empty.state)
    (empty.state / "restore.tmp/twelve.db").write_bytes(b"half")
    restore(empty, f)
    empty.begin()
    assert empty.api("GET", "/apps/kept/config-vars")[1]["SECRET"] == "sesame"


def addons_of(p):
    return {a["name"]: a for a in p.api("GET", "/apps/kept/addons")[1]}


def made(p, **more):
    a = p.api("POST", "/apps/kept/addons", {"plan": "shelf", **more})[1]
    wait_for(lambda: p.api("GET", f"/addons/{a['id']}")[1]["state"] == "provisioned", "the add-on", 400)
    return a["name"]


def url_of(p, name):
    return p.api("GET", "/apps/kept/config-vars")[1][f"{name}_URL"]


@pytest.fixture
def shelves(own_platform):
    p = own_platform(TWELVE_ADDONS_DIR=SERVICES)
    fill(p)
    return p


def test_destroy_and_restore_at_once_lose_nothing(shelves):
    p = shelves
    name = made(p)
    put(url_of(p, "SHELF"), "k", "old")
    p.cli("backups:capture", name, "-a", "kept")
    p.cli("addons:attach", name, "--as", "SECOND", "-a", "kept")
    put(url_of(p, "SHELF"), "k", "new")
    said = p.cli("addons:destroy", "SHELF", "-a", "kept", "--no-wait", check=False).err
    assert "with all its data" in said and "a last backup is kept for a week" in said
    p.cli("addons:destroy", "SHELF", "-a", "kept", "--confirm", "kept")
    # As the README has it: no waiting in between.
    said = p.cli("backups:restore", "-a", "kept").err
    assert f"Using b2 of {name} (last), taken " in said and "Attached to kept as SECOND" in said, said
    for attachment in ("SHELF", "SECOND"):
        assert shelf(url_of(p, attachment), "get", "k") == (0, "new"), attachment


@pytest.fixture
def slow(own_platform, tmp_path):
    """Shelves whose backups wait at a gate while the shelf itself holds it shut."""
    services = tmp_path / "services"
    shutil.copytree(SERVICES, services)
    (services / "shelf/bin/backup").write_text(
        "#!/bin/bash\nset -euo pipefail\n"
        'while python3 /app/shelf.py state | grep -q \'"gate": "shut"\'; do read -rt 0.1 <> <(:) || :; done\n'
        'python3 /app/shelf.py state >"$BACKUP"\n')
    p = own_platform(TWELVE_ADDONS_DIR=services)
    fill(p)
    return p


def shut(p, url):
    put(url, "gate", "shut")


def open_gate(url):
    put(url, "gate", "open")


class Restoring:
    """`twelve backups:restore`, with what it has said so far."""

    def __init__(self, p, *args, env=None):
        self.f = tempfile.NamedTemporaryFile("r")
        self.child = subprocess.Popen([p.program("twelve"), "backups:restore", *args], env={**p.env, **(env or {})}, stdout=subprocess.DEVNULL,
                                      stderr=open(self.f.name, "w"))

    def said(self):
        return pathlib.Path(self.f.name).read_text()

    def waits(self):
        """It has asked, and says for what it waits; or it has not waited."""
        return wait_for(lambda: "Waiting for" in self.said() or self.child.poll() is not None, "an answer") and self.child.poll() is None

    def end(self):
        assert self.child.wait(400) == 0, self.said()
        return self.said()


def destroyed_with_an_older_backup(p):
    """An add-on with a finished backup of "old"; its last one, of "new", is still to be taken when this returns. Its URL."""
    name, url = made(p), url_of(p, "SHELF")
    put(url, "k", "old")
    p.cli("backups:capture", name, "-a", "kept")
    put(url, "k", "new")
    shut(p, url)
    return name, url


def test_a_restore_waits_for_the_last_backup(slow):
    p = slow
    name, url = destroyed_with_an_older_backup(p)
    p.cli("addons:destroy", "SHELF", "-a", "kept", "--confirm", "kept")
    r = Restoring(p, "-a", "kept")
    assert r.waits(), r.said()
    assert {b["name"]: b["status"] for b in p.api("GET", "/apps/kept/backups")[1]}["b1"] == "succeeded"
    open_gate(url)
    said = r.end()
    assert f"Using b2 of {name} (last), taken " in said, said
    assert shelf(url_of(p, "SHELF"), "get", "k") == (0, "new")


def test_an_app_made_again_waits_for_the_last_backup_of_the_one_before(slow):
    p = slow
    name, url = destroyed_with_an_older_backup(p)
    p.cli("destroy", "-a", "kept", "--confirm", "kept")
    fill(p)
    r = Restoring(p, "-a", "kept")
    assert r.waits(), r.said()
    open_gate(url)
    said = r.end()
    assert f"Using b2 of {name} (last), taken " in said, said
    assert shelf(url_of(p, "SHELF"), "get", "k") == (0, "new")


def person(p, name):
    """`twelve ARGS` by somebody who is no administrator; .env is what makes it theirs."""
    email = f"{name}@example.com"
    p.cli("users:add", email)
    token = p.cli("authorizations:create", "--user", email).out.strip()
    env = {"TWELVE_HOST": f"http://127.0.0.1:{p.api_port}", "TWELVE_API_KEY": token}

    def run(*args, **more):
        return p.cli(*args, env=env, **more)
    run.env = env

    def get(path):
        c = http.client.HTTPConnection("127.0.0.1", p.api_port, timeout=180)
        c.request("GET", path, None, {"Accept": "application/vnd.heroku+json; version=3", "Authorization": f"Bearer {token}"})
        r = c.getresponse()
        return r.status, json.loads(r.read())
    run.get = get
    return run


def test_last_backups_of_a_destroyed_app_are_for_who_owned_it(slow, tmp_path):
    p = slow
    ada, eve = person(p, "ada"), person(p, "eve")
    ada("create", "first", "--no-remote")
    name = ada("addons:create", "shelf", "-a", "first").out.strip()
    url = p.api("GET", "/apps/first/config-vars")[1]["SHELF_URL"]
    put(url, "k", "old")
    ada("backups:capture", name, "-a", "first")
    put(url, "k", "new")
    shut(p, url)
    # It goes under another name than it came with.
    ada("rename", "twin", "-a", "first")
    assert f"{name} (shelf:small, " in ada("destroy", "-a", "twin", check=False).err
    said = ada("destroy", "-a", "twin", "--confirm", "twin").err
    assert f"{name} (shelf:small, " in said and "twelve backups --destroyed" in said, said

    # Another one of the name, by somebody else: nothing of it is told to them.
    eve("create", "twin", "--no-remote")
    wait_for(lambda: [b for b in p.api("GET", "/backups")[1] if b["kind"] == "last"], "the last backup to be under way")
    ids = [b["id"] for b in p.api("GET", "/backups")[1]]
    assert len(ids) == 2 and eve("backups", "-a", "twin").out == "" and eve("backups", "--destroyed").out == ""
    assert eve("backups:restore", "-a", "twin", check=False).err.count("has no backup") == 1
    for path in [f"/addons/{name}"] + [f"/backups/{i}{end}" for i in ids for end in ("", "/content")]:
        assert eve.get(path)[0] in (403, 404), path
    assert eve.get("/addons") == (200, []) and [a["name"] for a in ada.get("/addons")[1]] == [name]
    eve("destroy", "-a", "twin", "--confirm", "twin")

    # And by who had it: the last one is waited for, as of an app that is there.
    ada("create", "twin", "--no-remote")
    r = Restoring(p, "-a", "twin", env=ada.env)
    assert r.waits(), r.said()
    open_gate(url)
    assert f"Using b2 of {name} (last), taken " in r.end()
    assert shelf(p.api("GET", "/apps/twin/config-vars")[1]["SHELF_URL"], "get", "k") == (0, "new")
    ada("backups:download", ids[0], "-a", "twin", "-o", str(tmp_path / "last.json"))
    assert json.loads((tmp_path / "last.json").read_text())["databases"]
    assert ids[0] in ada("backups", "--destroyed").out and eve("backups:download", ids[0], "-o", str(tmp_path / "hers"), check=False).code != 0


def test_destroying_an_app_says_what_goes_and_where_it_is_found(shelves):
    p = shelves
    name = made(p)
    put(url_of(p, "SHELF"), "k", "v")
    said = p.cli("destroy", "-a", "kept", check=False).err
    assert f"{name} (shelf:small" in said and "backups --destroyed" in said and p.api("GET", "/apps/kept")[0] == 200
    said = p.cli("destroy", "-a", "kept", "--confirm", "kept").err
    assert name in said and "backups --destroyed" in said
    rows = wait_for(lambda: [b for b in p.api("GET", "/backups")[1] if b["status"] == "succeeded"], "its last backup")
    assert rows[0]["app"]["name"] == "kept" and rows[0]["kind"] == "last" and rows[0]["id"] in p.cli("backups", "--destroyed").out
    fill(p)
    p.cli("backups:restore", rows[0]["id"], "-a", "kept")
    assert shelf(url_of(p, "SHELF"), "get", "k") == (0, "v")


def test_a_downloaded_backup_is_handed_back(shelves, tmp_path):
    p = shelves
    name = made(p)
    put(url_of(p, "SHELF"), "k", "saved")
    p.cli("backups:capture", name, "-a", "kept")
    f = tmp_path / "shelf.dump"
    p.cli("backups:download", "-a", "kept", "-o", str(f))
    put(url_of(p, "SHELF"), "k", "spoilt")
    bad = tmp_path / "bad.dump"
    bad.write_bytes(b"no backup\0" * 100)
    r = p.cli("backups:restore", "--file", str(bad), name, "-a", "kept", "--confirm", "kept", check=False)
    assert r.code != 0 and "does not verify" in r.err and shelf(url_of(p, "SHELF"), "get", "k") == (0, "spoilt")
    uploaded = [b for b in p.api("GET", "/apps/kept/backups")[1] if b["kind"] == "uploaded"]
    status, e = p.api("POST", f"/backups/{uploaded[0]['id']}/actions/restore", {})
    assert status == 409 and "not verified" in e["message"], e
    p.cli("backups:restore", "--file", str(f), name, "-a", "kept", "--confirm", "kept")
    # Users are in no backup: those of the apps are made again right after.
    wait_for(lambda: shelf(url_of(p, "SHELF"), "get", "k") == (0, "saved"), "what was saved")


def test_add_ons_are_restored_with_the_platform(shelves, empty, tmp_path):
    p = shelves
    name = made(p)
    put(url_of(p, "SHELF"), "k", "v")
    p.cli("backups:capture", name, "-a", "kept")
    f = saved(p, tmp_path, "--volumes")
    p.stop()
    empty.env.update({k: p.env[k] for k in ("TWELVE_ADDONS_DIR", "TWELVE_ADDON_PORTS")})
    restore(empty, f)
    empty.begin()
    wait_for(lambda: "Its data are not here" in (addons_of(empty)[name]["twelve"]["reason"] or ""), "that to be said")
    assert not (empty.state / "volumes" / addons_of(empty)[name]["id"]).exists(), "no server on an empty directory"
    empty.cli("backups:restore", "b1", "-a", "kept", "--confirm", "kept")
    # Users are in no backup: those of the apps are made again right after.
    wait_for(lambda: shelf(url_of(empty, "SHELF"), "get", "k") == (0, "v"), "what was saved")


def test_an_app_whose_slug_was_not_saved_says_push_again(own_platform, empty, tmp_path):
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("shop", where)
    p.push(where)
    f = saved(p, tmp_path)
    p.stop()
    restore(empty, f)
    empty.begin()
    wait_for(lambda: "its slug is gone" in empty.cli("logs", "-a", "shop", "-n", "50").out, "that to be said")
    assert "git push -f twelve" in empty.cli("ps", "-a", "shop").err
    assert empty.get("shop")[0] != 200 and empty.dynos("shop") == []
    said = (tmp_path / "other/twelved.log").read_text()
    assert said.count("can't run") == 1, "once, and not each two seconds"
    empty.git(where, "remote", "set-url", "twelve", str(empty.state / "git/shop.git"))
    empty.commit(where, "again")
    empty.push(where)
    assert empty.get("shop")[0] == 200


@pytest.mark.torture
def test_an_app_saved_with_its_slug_answers_after_a_restore(own_platform, empty, tmp_path):
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("shop", where)
    p.push(where)
    f = saved(p, tmp_path, "--slugs")
    p.stop()
    said = restore(empty, f).stdout
    assert "push each app again" not in said
    empty.begin()
    wait_for(lambda: empty.get("shop")[0] == 200, "the app to answer")
    assert empty.up("shop") and empty.releases("shop")[0]["status"] == "succeeded"


def test_a_slug_stays_as_long_as_a_dyno_runs_from_it(own_platform, tmp_path):
    p = own_platform(TWELVE_KEEP_RELEASES=1)
    where = p.repo(tmp_path)
    p.create("shop", where)
    slugs = lambda: {x.name for x in (p.state / "slugs").iterdir() if len(x.name) == 64}
    p.push(where)
    first = slugs()
    p.cli("run:detached", "-a", "shop", "sleep 1000")
    one_off = wait_for(lambda: [d for d in p.dynos("shop") if d["type"] == "run" and d["state"] == "up"], "the one-off dyno")[0]["name"]
    for n in range(2):
        (where / "ballast").write_text(str(n) * 1000)
        p.commit(where, f"change {n}")
        p.push(where)
    wait_for(lambda: len(slugs()) == 2, "the middle one to go")
    assert first < slugs()
    # After a start, which looks as well, it is no different.
    p.kill9()
    p.start()
    p.cli("config:set", "A=1", "-a", "shop")
    assert first < slugs() and [d for d in p.dynos("shop") if d["name"] == one_off]
    p.cli("ps:stop", one_off, "-a", "shop")
    wait_for(lambda: not [d for d in p.dynos("shop") if d["name"] == one_off], "it to end")
    p.cli("config:set", "A=2", "-a", "shop")
    wait_for(lambda: not first & slugs(), "its slug to go")


def test_old_slugs_are_let_go(own_platform, tmp_path):
    p = own_platform(TWELVE_KEEP_RELEASES=2)
    where = p.repo(tmp_path)
    p.create("shop", where)
    commits = []
    for n in range(4):
        (where / "ballast").write_text(str(n) * 100000)
        commits.append(p.commit(where, f"change {n}"))
        p.push(where)
    slugs = lambda: {x.name for x in (p.state / "slugs").iterdir() if len(x.name) == 64}
    wait_for(lambda: len(slugs()) == 2, "two slugs to be left")
    wait_for(lambda: not list((p.state / "slugs/trash").glob("*")), "the trash to be empty")
    rows = {r["version"]: r for r in p.releases("shop")}
    newest = max(rows)
    assert [rows[v]["twelve"]["slug_gone"] for v in range(newest - 3, newest + 1)] == [True, True, False, False]
    assert rows[newest - 2]["slug"] and not rows[newest - 2]["eligible_for_rollback"]
    said = p.cli("rollback", f"v{newest - 2}", "-a", "shop", check=False)
    assert said.code != 0 and "its slug is gone" in said.err and f"git push -f twelve {commits[1]}:main" in said.err
    assert "(its slug is gone)" in p.cli("releases", "-a", "shop").out
    p.cli("rollback", f"v{newest - 1}", "-a", "shop")
    assert p.get("shop")[0] == 200
    held = p.api("POST", "/twelve/gc")[1]["held_bytes"]
    assert held["slugs"] > 0 and held["git"] > 0 and set(held) >= {"stacks", "cache", "volumes", "backups", "sources", "streams"}
    # What a kill leaves in the trash goes at the next start, and what runs is never in it.
    p.kill9()
    (p.state / "slugs/trash/left").mkdir(parents=True)
    p.start()
    wait_for(lambda: not (p.state / "slugs/trash").exists(), "the trash to go")
    assert p.get("shop")[0] == 200
