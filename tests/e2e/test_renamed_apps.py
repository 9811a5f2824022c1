# SPDX-License-Identifier: Apache-2.0
"""A name that an app gets stands for its row and its repository, wherever the renaming is cut off."""
import contextlib
import sqlite3

# A reference that is looked at when a transaction is committed, and never holds.
SPOIL = """
    CREATE TABLE spoiled_parent (id INTEGER PRIMARY KEY);
    CREATE TABLE spoiled (parent INTEGER REFERENCES spoiled_parent (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER spoil AFTER UPDATE OF name ON app BEGIN INSERT INTO spoiled VALUES (1); END;
"""
MEND = "DROP TRIGGER spoil; DROP TABLE spoiled; DROP TABLE spoiled_parent;"


def change_schema(p, script):
    with contextlib.closing(sqlite3.connect(p.state / "twelve.db", timeout=60)) as db:
        db.executescript(script)


def make_app(p, name):
    """With a file in its repository, which says that it is this one."""
    assert p.api("POST", "/apps", {"name": name})[0] == 201
    (repository(p, name) / "marker").write_text(name)


def repository(p, name):
    return p.state / "git" / f"{name}.git"


def holds_marker(p, name):
    return (repository(p, name) / "marker").exists()


def test_a_name_that_is_not_committed_is_no_name(own_platform):
    p = own_platform()
    make_app(p, "before")
    change_schema(p, SPOIL)
    assert p.api("PATCH", "/apps/before", {"name": "after"})[0] >= 500
    assert p.api("GET", "/apps/before")[0] == 200
    assert p.api("GET", "/apps/after")[0] == 404
    assert holds_marker(p, "before"), "the repository is where the row says"
    p.restart()
    assert holds_marker(p, "before") and not repository(p, "after").exists()
    change_schema(p, MEND)
    assert p.api("PATCH", "/apps/before", {"name": "after"})[0] == 200
    assert holds_marker(p, "after") and not repository(p, "before").exists()


def test_a_repository_that_cannot_move_takes_the_name_back(own_platform):
    p = own_platform()
    make_app(p, "stays")
    (repository(p, "blocked") / "full").mkdir(parents=True)
    assert p.api("PATCH", "/apps/stays", {"name": "blocked"})[0] >= 400
    assert p.api("GET", "/apps/stays")[0] == 200
    assert p.api("GET", "/apps/blocked")[0] == 404
    assert holds_marker(p, "stays")


def test_a_kill_between_the_row_and_the_repository(own_platform):
    p = own_platform()
    make_app(p, "old-name")
    assert p.api("PATCH", "/apps/old-name", {"name": "new-name"})[0] == 200
    p.kill9()
    repository(p, "new-name").rename(repository(p, "old-name"))
    p.start()
    assert holds_marker(p, "new-name") and not repository(p, "old-name").exists()


def test_a_repository_that_was_left_behind_is_no_room_for_another_app(own_platform):
    p = own_platform()
    make_app(p, "first-name")
    assert p.api("PATCH", "/apps/first-name", {"name": "second-name"})[0] == 200
    repository(p, "second-name").rename(repository(p, "first-name"))
    assert p.api("POST", "/apps", {"name": "first-name"})[0] == 201
    assert holds_marker(p, "second-name") and not holds_marker(p, "first-name")
