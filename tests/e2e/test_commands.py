# SPDX-License-Identifier: Apache-2.0
"""What the command line says of answers that a real platform gives seldom: it talks to tests/e2e/stub_api.py, and needs no platform."""
import os
import re
import subprocess

import pytest

from conftest import BUILD, Result
from stub_api import Stub


class Shop:
    """The app "shop", and `twelve COMMAND -a shop`."""

    def __init__(self, base):
        self.path = str(base / "api.sock")
        self.api = Stub(self.path)
        self.api.app("shop")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(base), "TWELVE_SOCKET": self.path}

    def __call__(self, *args, check=True):
        r = Result(subprocess.run([str(BUILD / "src/cli/twelve"), *args, "-a", "shop"], env=self.env, cwd="/", capture_output=True, text=True, timeout=180))
        assert r.code == 0 or not check, r
        return r

    def refused(self, *args):
        r = self(*args, check=False)
        assert r.code != 0, r
        return r.err

    def changes(self):
        return [(method, path) for method, path, _ in self.api.asked if method != "GET"]


@pytest.fixture
def shop(tmp_path):
    s = Shop(tmp_path)
    yield s
    s.api.stop()


# -- restores without a name

def test_a_second_restore_does_not_take_what_the_first_has_replaced(shop):
    shop.api.addon("shop", "postgresql-old", attach="DATABASE")
    shop("addons:destroy", "DATABASE", "--confirm", "shop")
    assert "Using b1 of postgresql-old (last)" in shop("backups:restore").err
    new = next(a for a in shop.api.addons.values() if a["name"] != "postgresql-old")
    said = shop.refused("backups:restore", "--confirm", "shop")
    assert f"b1 is a backup of postgresql-old, which was destroyed; DATABASE of shop is {new['name']} now, which has no backup yet" in said, said
    (b,) = shop.api.backups.values()
    assert f"twelve addons:create postgresql:mini --from-backup {b['id']} -a shop" in said, said
    assert shop.changes().count(("POST", "/apps/shop/addons")) == 1, "another add-on was created"

    # When it has a backup, that one is meant, though one of the destroyed add-on is newer.
    shop.api.backup(new)
    shop.api.backups[b["id"]] = shop.api.backups.pop(b["id"])
    assert f"This replaces all data of {new['name']}" in shop.refused("backups:restore")
    assert f"Using b1 of {new['name']} (manual)" in shop("backups:restore", "--confirm", "shop").err


def test_a_backup_of_a_destroyed_add_on_restores_while_another_has_another_name(shop):
    shop.api.addon("shop", "redis-here", "redis", attach="REDIS")
    shop.api.addon("shop", "postgresql-old", attach="DATABASE")
    shop("addons:destroy", "DATABASE", "--confirm", "shop")
    assert "Using b1 of postgresql-old (last)" in shop("backups:restore").err
    assert "DATABASE" in [t["name"] for t in shop.api.attachments.values()]


# -- --confirm

def test_a_confirmation_of_another_name_is_told_apart_from_none(shop):
    shop.api.addon("shop", "postgresql-here", attach="DATABASE")
    shop("backups:capture")
    for command, name in ((["destroy"], "shop"), (["addons:destroy", "DATABASE"], "shop"), (["backups:restore", "b1"], "shop"), (["backups:delete", "b1"], "b1")):
        before = shop.changes()
        assert f"--confirm {name}" in shop.refused(*command)
        said = shop.refused(*command, "--confirm", "wrong")
        assert f"twelve: --confirm wrong does not match the name, which is {name}. Nothing was changed.\n" in said, said
        assert shop.changes() == before


# -- what is not there

def test_what_is_not_found_leads_to_the_command_that_lists_it(shop):
    r = shop("addons:info", "nothing", check=False)
    assert r.code == 1 and r.err == "twelve: Couldn't find that add-on: nothing\nRun `twelve addons -a shop` to list add-ons of shop.\n", r
    del shop.api.apps["shop"]
    r = shop("addons", check=False)
    assert r.code == 1 and r.err == "twelve: Couldn't find that app: shop\nRun `twelve apps` to list your apps.\n", r


# -- lists

def test_the_state_of_an_add_on_is_a_word(shop):
    shop.api.addon("shop", "postgresql-here", attach="DATABASE")
    row = shop("addons").out.splitlines()[1].split()
    assert row == ["postgresql-here", "postgresql:mini", "shop", "up", "DATABASE_URL"]
    assert "State:        up\n" in shop("addons:info", "DATABASE").out


def test_dynos_of_one_name_are_told_apart_by_their_releases(shop):
    shop.api.dyno("shop", "web.1", version=3, draining=True)
    shop.api.dyno("shop", "web.1", version=4)
    shop.api.dyno("shop", "web.2", version=4)
    shop.api.dyno("shop", "worker.1", version=3, state="down")
    shop.api.dyno("shop", "worker.1", version=4, state="starting")
    shop.api.dyno("shop", "worker.2", version=3, state="down")
    lines = re.findall(r"^(\S+(?: \(v\d+\))?: \w+) ", shop("ps").out, re.M)
    assert lines == ["web.1 (v3): draining", "web.1 (v4): up", "web.2: up",
                     "worker.1 (v3): stopping", "worker.1 (v4): starting", "worker.2: down"], lines
