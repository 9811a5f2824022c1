# SPDX-License-Identifier: Apache-2.0
"""
A tenant of a backing service who wants more than its own database: superuser, its neighbours' rows. Who wants more
than its plan's disk is in test_tenants_disk.py.
"""
import json
import re
import shutil
import threading

import pytest

from conftest import ROOT, Platform
from test_addons import config, end
from test_services import create, mariadb, psql

SMALL = {"postgresql": "192M", "mariadb": "256M", "redis": "48M"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A platform whose services have a plan "tiny", with little disk, as their first."""
    base = tmp_path_factory.mktemp("attack")
    services = base / "addons"
    for name, disk in SMALL.items():
        shutil.copytree(ROOT / "addons" / name, services / name)
        manifest = json.loads((services / name / "addon.json").read_text())
        tiny = dict(manifest["plans"][0], name="tiny", disk=disk, disk_hard=str(int(disk[:-1]) + 32) + "M")
        manifest["plans"].insert(0, tiny)
        (services / name / "addon.json").write_text(json.dumps(manifest))
    p = Platform(base, TWELVE_ADDONS_DIR=services)
    yield p
    p.stop()


@pytest.fixture
def bare(place, request):
    stem = re.sub("[^a-z0-9]", "-", request.node.name.lower())[5:24].strip("-")
    names = [f"{stem}-a", f"{stem}-b"]
    for n in names:
        assert place.api("POST", "/apps", {"name": n})[0] == 201
    yield names
    for n in reversed(names):
        end(place, n)


TRAPS = """
create table loot (who text, super bool, what text);
grant all on loot to public; grant usage on schema public to public;
create function public.note(what text) returns void language plpgsql as $$
begin
  insert into public.loot select session_user || ' as ' || current_user, true, what from pg_catalog.pg_roles
    where rolsuper and rolname operator(pg_catalog.=) any (array[session_user, current_user]);
exception when others then null;
end $$;
create function public.format(text, name) returns text language plpgsql as $$
begin perform public.note('format'); return 'SELECT 1 WHERE false'; end $$;
create function public.format(text, text) returns text language plpgsql as $$
begin perform public.note('format'); return 'SELECT 1 WHERE false'; end $$;
create function public.format(text, text, text) returns text language plpgsql as $$
begin perform public.note('format'); return 'SELECT 1 WHERE false'; end $$;
create function public.count(bigint) returns bigint language plpgsql as $$ begin perform public.note('count'); return 1; end $$;
create function public.equal(name, text) returns bool language plpgsql as $$ begin perform public.note('='); return true; end $$;
create operator public.= (leftarg = name, rightarg = text, function = public.equal);
create function public.equal(name, name) returns bool language plpgsql as $$ begin perform public.note('='); return true; end $$;
create operator public.= (leftarg = name, rightarg = name, function = public.equal);
create function public.unlike(name, text) returns bool language plpgsql as $$ begin perform public.note('!~~'); return true; end $$;
create operator public.!~~ (leftarg = name, rightarg = text, function = public.unlike);
create table small (n int); insert into small values (1), (2), (3);
create function public.spy() returns int language plpgsql as $$ begin perform public.note('view'); return 1; end $$;
create view peep as select public.spy();
create function public.on_row() returns trigger language plpgsql as $$ begin perform public.note('trigger'); return new; end $$;
create trigger t before insert on small for each row execute function public.on_row();
create function public.checked(int) returns bool language plpgsql as $$ begin perform public.note('check'); return true; end $$;
alter table small add check (public.checked(n));
create function public.indexed(int) returns int immutable language plpgsql as $$ begin perform public.note('index'); return $1; end $$;
create index on small (public.indexed(n));
"""


def traps(p, url):
    database = url.rsplit("/", 1)[1]
    r = psql(p, url, TRAPS + f"alter database {database} set search_path = public, pg_catalog;\n"
             f"alter role current_user set search_path = public, pg_catalog;")
    assert r.code == 0, r.err


def caught(p, url):
    return psql(p, url, "select distinct who || ' ' || what from public.loot where super").out


def test_no_function_of_a_tenant_runs_as_superuser(place, bare):
    a, b = bare
    addon = create(place, a, "postgresql")
    url = config(place, a)["DATABASE_URL"]
    traps(place, url)
    # Every script that there is: credentials of this and another app, a rotation, backups, what proves them, a restore, another plan.
    place.cli("addons:attach", addon, "-a", b)
    place.cli("addons:attach", addon, "--shared", "--as", "SHARED", "-a", b)
    place.cli("addons:credentials:rotate", "DATABASE", "-a", a)
    url = config(place, a)["DATABASE_URL"]
    place.cli("backups:capture", addon, "-a", a)
    place.cli("backups:verify", "b1", "-a", a)
    assert caught(place, url) == ""
    place.cli("backups:restore", "b1", "-a", a, "--confirm", a)
    url = config(place, a)["DATABASE_URL"]
    assert caught(place, url) == ""
    assert psql(place, url, "select count(*) from pg_catalog.pg_roles where rolsuper and rolname <> 'postgres'").out == "0"
    # And nothing is left behind that may log in but the apps' users.
    names = psql(place, url, "select rolname from pg_catalog.pg_roles where rolcanlogin and rolname !~ '^u[0-9a-f]{16}$'").out
    assert names == "postgres", names
    assert psql(place, url, "select n from small order by n").out == "1\n2\n3"


def test_a_table_that_becomes_a_view_while_it_is_read(place, bare):
    """What pg_dump and a count read in a moment is not what they looked at (CVE-2024-7348)."""
    a, _ = bare
    addon = create(place, a, "postgresql")
    url = config(place, a)["DATABASE_URL"]
    traps(place, url)
    many = "".join(f"create table t{i} (n int);" for i in range(60))
    assert psql(place, url, many).code == 0
    stop = threading.Event()

    def flip():
        swap = "".join(f"begin; drop table if exists t{i}; create view t{i} as select public.spy() as n; commit;"
                       f"begin; drop view if exists t{i}; create table t{i} (n int); commit;" for i in range(30, 60))
        while not stop.is_set():
            psql(place, url, swap)

    threads = [threading.Thread(target=flip) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for _ in range(3):
            place.cli("backups:capture", addon, "-a", a, check=False)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert caught(place, url) == ""


def test_a_dump_is_restored_as_its_tenant(place, bare):
    a, _ = bare
    addon = create(place, a, "postgresql")
    url = config(place, a)["DATABASE_URL"]
    r = psql(place, url, """
        create function public.arm(int) returns bool language plpgsql as $$
        begin execute 'reset role'; execute 'create role intruder superuser login'; return true;
        exception when others then return true; end $$;
        create table armed (n int check (public.arm(n))); insert into armed values (1);
        create function public.again(int) returns int immutable language plpgsql as $$
        begin execute 'reset role'; execute 'create role intruder superuser login'; return $1;
        exception when others then return $1; end $$;
        create index on armed (public.again(n));
        create materialized view seen as select public.arm(1);""")
    assert r.code == 0, r.err
    place.cli("backups:capture", addon, "-a", a)
    place.cli("backups:restore", "b1", "-a", a, "--confirm", a)
    url = config(place, a)["DATABASE_URL"]
    assert psql(place, url, "select rolname from pg_roles where rolsuper or rolname = 'intruder'").out == "postgres"
    assert psql(place, url, "select n from armed").out == "1"


def test_what_a_tenant_says_of_its_database_hides_nothing(place, bare):
    """A database that says that it is a template, or that nobody may connect, is counted, dumped and limited all the same."""
    a, _ = bare
    addon = create(place, a, "postgresql")
    url = config(place, a)["DATABASE_URL"]
    name = url.rsplit("/", 1)[1]
    for sql in ("create table t as select 1 as n", f"alter database {name} set default_transaction_read_only = on",
                f"alter database {name} set statement_timeout = '1ms'"):
        assert psql(place, url, "set default_transaction_read_only = off; set statement_timeout = 0;" + sql).code == 0, sql
    place.cli("backups:capture", addon, "-a", a)
    assert "1 table, 1 row" in place.cli("backups", "-a", a, "--json").out
    for sql in (f"alter database {name} with connection limit 0", f"alter database {name} with is_template true"):
        psql(place, url, "set default_transaction_read_only = off; set statement_timeout = 0;" + sql)
    r = place.cli("backups:capture", addon, "-a", a)
    place.cli("backups:restore", r.out.strip(), "-a", a, "--confirm", a)
    assert psql(place, config(place, a)["DATABASE_URL"], "select n from t").out == "1"


# ---- MariaDB


def test_no_routine_of_a_tenant_runs_as_the_administrator_of_mariadb(place, bare):
    a, b = bare
    addon = create(place, a, "mariadb")
    user = re.search("//([^:]+):", config(place, a)["DATABASE_URL"])[1]
    grant = f"grant all on *.* to '{user}'@'%'"
    said = mariadb(place, a, "create table small (n int); insert into small values (1), (2);"
                   f"create procedure arm() sql security definer {grant};"
                   "create view peep as select * from small; create trigger t before insert on small for each row set new.n = new.n;")
    assert said.code == 0, said
    # A name that is SQL by itself.
    for name in ("a`;set/**/global/**/read_only=1;#", "b`; set global max_connections = 7; #x", "c d", "*"):
        r = mariadb(place, a, "create table `" + name.replace("`", "``") + "` (n int)")
        assert r.code == 0, r
    place.cli("addons:attach", addon, "-a", b)
    r = place.cli("backups:capture", addon, "-a", a)
    assert "5 tables, 2 rows" in place.cli("backups", "-a", a, "--json").out, r
    assert mariadb(place, a, "select @@global.read_only, @@global.max_connections").out.strip() != "1\t7"
    assert mariadb(place, a, "insert into small values (3)").code == 0, "it became read-only"
    place.cli("backups:verify", "b1", "-a", a)
    place.cli("backups:restore", "b1", "-a", a, "--confirm", a)
    r = mariadb(place, a, "call arm()")
    assert r.code != 0 and "denied" in r.err, r
    r = mariadb(place, a, "select user from mysql.user")
    assert r.code != 0 and "denied" in r.err, r
    # Who stands in for the definer may not log in.
    definers = mariadb(place, a, "select distinct definer from information_schema.routines union select definer from information_schema.views").out.split()
    assert definers and all(d.startswith("keeper_") for d in definers), definers
    assert sorted(mariadb(place, a, "select n from peep").out.split()) == ["1", "2"]


def test_a_backup_that_was_written_by_hand(place, bare, tmp_path):
    """A file is handed back: what it says of itself, and what it has its client do, is the app's and no more."""
    a, _ = bare
    addon = create(place, a, "mariadb")
    mine = config(place, a)["DATABASE_URL"].rsplit("/", 1)[1]
    evil = tmp_path / "evil.sql"
    for name, line, what in (("mysql", "select 1;", "no database of an app"), (mine, "\\! cat /tmp/admin.cnf >&2; exit 3", "sandbox"),
                             (mine, "grant all on *.* to x;", "denied"), (mine, "set global read_only = 1;", "denied")):
        evil.write_text(f"-- MariaDB dump 10.19\n-- Host: x    Database: {name}\n{line}\n-- Dump completed on now\n")
        r = place.cli("backups:restore", "--file", str(evil), "--addon", addon, "-a", a, "--confirm", a, check=False)
        assert r.code != 0 and what in r.err, (line, r)
    assert mariadb(place, a, "select @@global.read_only").out.strip() == "0"
