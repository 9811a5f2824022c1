# SPDX-License-Identifier: Apache-2.0
"""
A database that is less than the state directory: missing, empty, damaged, another platform's, or older. Nothing that the
database does not know may be stopped or removed for that alone.
"""
import os
import shutil
import signal
import sqlite3
import subprocess

import pytest

from conftest import ROOT, wait_for

SERVICES = ROOT / "tests/e2e/services"


@pytest.fixture
def shop(own_platform, tmp_path):
    """An app that answers, with an add-on and a backup of it."""
    p = own_platform(TWELVE_ADDONS_DIR=SERVICES)
    p.where = deployed(p, tmp_path / "shop", "shop")
    p.addon = addon(p, "shop")
    p.backup = backup(p, p.addon)
    return p


def deployed(p, tmp_path, name):
    tmp_path.mkdir()
    where = p.repo(tmp_path)
    (where / "name").write_text(name)
    p.commit(where, "a slug of its own")
    p.create(name, where)
    p.push(where)
    return where


def addon(p, app):
    a = p.api("POST", f"/apps/{app}/addons", {"plan": "shelf"})[1]
    wait_for(lambda: p.api("GET", f"/addons/{a['id']}")[1]["state"] == "provisioned", "the add-on", 400)
    wait_for(lambda: p.releases(app)[0]["status"] == "succeeded", "its release")
    return a["id"]


def backup(p, addon_id):
    b = p.api("POST", f"/addons/{addon_id}/backups", {})[1]
    return wait_for(lambda: (r := p.api("GET", f"/backups/{b['id']}")[1])["status"] == "succeeded" and r["id"], "the backup")


def copy(p, to):
    """A consistent copy of the running database."""
    with sqlite3.connect(p.state / "twelve.db") as db, sqlite3.connect(to) as out:
        db.backup(out)
    return to


def remove_database(p):
    for f in p.state.glob("twelve.db*"):
        f.unlink()


def put(p, f):
    remove_database(p)
    shutil.copy(f, p.state / "twelve.db")
    os.chmod(p.state / "twelve.db", 0o600)


def refused(p):
    r = subprocess.run([p.program("twelved")], env=p.env, capture_output=True, text=True, timeout=180)
    assert r.returncode not in (0, -signal.SIGSEGV, -signal.SIGABRT), r
    assert len(r.stderr.strip().splitlines()) == 1, r.stderr
    return r.stderr


def inventory(p):
    """All that a person would miss: files by their place, and what runs."""
    files = [f for folder in ("git", "slugs", "volumes", "backups") for f in (p.state / folder).rglob("*") if f.is_file()]
    pids = sorted(int((d / "pid").read_text()) for d in p.run.glob("dynos/*") if (d / "pid").exists())
    assert files and pids
    return sorted(map(str, files)), pids


def runs(pids):
    return all(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_a_database_that_is_not_whole_is_refused(shop, tmp_path):
    p = shop
    whole = copy(p, tmp_path / "copy.db")
    p.kill9()
    files, pids = inventory(p)

    remove_database(p)
    assert "is missing" in (said := refused(p)) and "twelve restore FILE" in said and "secret.key" in said, said
    for part in ("1 repository", "1 volume", "1 backup", "1 slug", "2 dynos"):
        assert part in said, said
    assert not (p.state / "twelve.db").exists(), "nothing is made in its place"

    (p.state / "twelve.db").write_bytes(b"")
    assert "is empty" in refused(p)

    # As a copy of a running one without its -wal file.
    remove_database(p)
    sqlite3.connect(p.state / "twelve.db").execute("PRAGMA journal_mode = WAL").close()
    assert "has nothing in it" in refused(p)

    # The key alone is enough of a sign.
    for folder in ("git", "volumes", "backups", "slugs"):
        (p.state / folder).rename(p.state / f"{folder}.away")
    remove_database(p)
    assert "is missing" in refused(p)
    for folder in ("git", "volumes", "backups", "slugs"):
        shutil.rmtree(p.state / folder, ignore_errors=True)
        (p.state / f"{folder}.away").rename(p.state / folder)

    put(p, whole)
    data = bytearray((p.state / "twelve.db").read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    (p.state / "twelve.db").write_bytes(data)
    assert "is damaged" in refused(p)

    assert (files, pids) == inventory(p) and runs(pids) and p.get("shop")[0] == 200
    put(p, whole)
    p.start()
    assert p.get("shop")[0] == 200 and runs(pids) and p.api("GET", f"/backups/{p.backup}")[0] == 200
    assert inventory(p) == (files, pids)


def test_a_database_of_another_platform_is_refused(shop, own_platform, tmp_path):
    p, other = shop, own_platform()
    mine = copy(p, tmp_path / "mine.db")
    theirs = copy(other, tmp_path / "theirs.db")
    p.kill9()
    before = inventory(p)
    put(p, theirs)
    assert "is not the one that" in refused(p), "the key"
    key = (p.state / "secret.key").read_bytes()
    (p.state / "secret.key").write_bytes((other.state / "secret.key").read_bytes())
    assert "another platform" in (said := refused(p)) or "knows no app" in said, said
    assert inventory(p) == before and runs(before[1])
    (p.state / "secret.key").write_bytes(key)
    put(p, mine)


def test_an_older_database_leaves_alone_what_it_does_not_know(shop, tmp_path):
    p = shop
    old = copy(p, tmp_path / "yesterday.db")
    deployed(p, tmp_path / "today", "today")
    database = addon(p, "today")
    kept = backup(p, database)
    more = backup(p, p.addon)
    p.kill9()
    files, pids = inventory(p)
    put(p, old)
    p.start()
    wait_for(lambda: p.up("shop"), "the app that it knows")
    # It has looked at all that runs, and a change brings another look.
    p.cli("config:set", "GREETING=Later", "-a", "shop")
    assert p.get("today")[0] == 200, "what it does not know serves on"
    left, now = inventory(p)
    assert set(files) - set(left) == set(), "no file was removed"
    todays = [pid for pid in pids if pid in now]
    assert len(todays) >= 3 and runs(todays), "the web dyno of today, its server, and the server of the shop"
    assert (p.state / "volumes" / database).is_dir() and (p.state / "backups" / kept).is_dir() and (p.state / "backups" / more).is_dir()

    lost = p.api("GET", "/twelve/lost")[1]
    assert sorted(x["kind"] for x in lost) == ["backup", "backup", "dyno", "dyno", "repository", "slug", "volume"], lost
    said = p.cli("doctor", check=False).out
    assert f"{p.state}/volumes/{database}" in said and "is left alone" in said

    # gc takes nothing of it: neither what runs nor what does not.
    idle = p.state / "slugs" / ("ab" * 32) / "app"
    idle.mkdir(parents=True)
    assert "Slugs that the database does not know are left alone for a week: there are 1, which twelve doctor lists" in p.cli("gc").err
    assert set(files) <= set(inventory(p)[0]) and idle.exists()

    # Twice is no different, and gc takes nothing of it either.
    p.restart()
    assert p.get("today")[0] == 200 and runs(todays)
    # The name may be given again; the repository of before is not lost by it.
    assert p.api("POST", "/apps", {"name": "today"})[0] == 201
    assert list((p.state / "lost+found").glob("*-today.git/hooks/pre-receive"))


def test_an_older_database_repeats_nothing_and_lets_nothing_expire(shop, tmp_path):
    p = shop
    running, expired = backup(p, p.addon), backup(p, p.addon)
    old = copy(p, tmp_path / "old.db")
    # As of the moment in which one was being made, and another was being restored.
    with sqlite3.connect(old) as db:
        db.execute(f"UPDATE backup SET status = 'running', finished_ms = 0 WHERE id = '{running}'")
        db.execute(f"UPDATE backup SET expires_ms = 1 WHERE id = '{expired}'")
        db.execute(f"UPDATE addon SET restoring = '{p.backup}'")
    db.close()  # into the one file
    p.cli("config:set", "LATER=1", "-a", "shop")
    p.kill9()
    files = [f for f in (p.state / "backups").rglob("*") if f.is_file()]
    assert len(files) == 3
    put(p, old)
    p.start()
    b = p.api("GET", f"/backups/{running}")[1]
    path = next(str(f) for f in files if running in str(f))
    assert b["status"] == "failed" and path in b["error"], b
    # The one that was restored holds nothing up, and is not restored again over what came after it.
    a = p.api("GET", f"/addons/{p.addon}")[1]["twelve"]
    assert not a["restoring"], a
    assert p.api("GET", f"/backups/{expired}")[0] == 200 and all(f.exists() for f in files)
    # Put back once is put back once: what is cut off later is removed as ever, and what expires later expires.
    p.kill9()
    sql(p, f"UPDATE backup SET status = 'running', created_ms = created_ms + 86400000 WHERE id = '{p.backup}'",
        "UPDATE meta SET value = CAST('1' AS BLOB) WHERE key = 'put-back'")
    p.start()
    wait_for(lambda: p.api("GET", f"/backups/{expired}")[0] == 404, "the expired one to go")
    wait_for(lambda: not (p.state / "backups" / p.backup).exists(), "the cut-off one to go")
    assert p.api("GET", f"/backups/{p.backup}")[1]["error"] == "twelved was restarted while it was being made"


def sql(p, *statements):
    with sqlite3.connect(p.state / "twelve.db") as db:
        db.execute("PRAGMA foreign_keys = ON")
        for s in statements:
            db.execute(s)


def test_what_was_destroyed_just_before_a_kill_is_removed_at_the_next_start(shop, tmp_path):
    p = shop
    deployed(p, tmp_path / "ends", "ends")
    p.api("GET", f"/backups/{p.backup}")
    gone = backup(p, p.addon)
    pid = p.up("ends")[0]["twelve"]["pid"]
    p.kill9()
    sql(p, "DELETE FROM app WHERE name = 'ends'", f"DELETE FROM backup WHERE id = '{gone}'")
    p.start()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its dyno to end")
    wait_for(lambda: not (p.state / "git/ends.git").exists(), "its repository to go")
    wait_for(lambda: not (p.state / "backups" / gone).exists(), "the backup to go")
    assert p.get("shop")[0] == 200 and (p.state / "backups" / p.backup).exists()
    wait_for(lambda: p.api("GET", "/twelve/lost")[1] == [], "nothing to be lost")


def test_a_renaming_that_was_cut_off_keeps_its_repository(shop):
    p = shop
    head = p.git(p.where, "rev-parse", "HEAD").out.strip()
    p.kill9()
    (p.state / "git/shop.git").rename(p.state / "git/shop2.git")
    p.start()
    assert p.git(p.state / "git/shop.git", "rev-parse", "main").out.strip() == head
    assert not (p.state / "git/shop2.git").exists()


def test_a_first_start_may_be_killed_at_any_time(tmp_path, own_platform):
    p = own_platform()
    p.kill9()
    for name in ("twelve.db", "twelve.db-wal", "twelve.db-shm", "identity"):
        (p.state / name).unlink(missing_ok=True)
    # Killed when it had the key and no database: its mark says so.
    (p.state / "first-start").write_text("")
    p.start()
    assert not (p.state / "first-start").exists() and (p.state / "identity").exists()
