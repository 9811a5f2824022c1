# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI's pg: and redis: against real databases of the platform."""
import re
import socket
import subprocess
import urllib.parse

import pytest
from conftest import wait_for
from stack_root import in_stack
from wire import Tap

# The names by which the platform's services are known to the CLI; `twelve heroku-env` prints these.
NAMES = {"HEROKU_POSTGRESQL_ADDON_NAME": "postgresql", "HEROKU_REDIS_ADDON_NAME": "redis"}


@pytest.fixture(scope="module")
def data(heroku):
    """An app with a PostgreSQL that has a table of three rows, and a Redis: (app, database's name, redis's name)."""
    p = heroku.platform
    p.cli("create", "heroku-data")
    names = []
    for service in ("heroku-postgresql", "redis"):
        status, addon = p.api("POST", "/apps/heroku-data/addons", {"plan": service})
        assert status == 201, addon
        names.append(addon["name"])
        wait_for(lambda: p.api("GET", f"/addons/{addon['name']}")[1]["state"] == "provisioned", f"{service} to be ready", 300)
    # The CLI runs where only led-in ports are.
    database, store = (urllib.parse.urlsplit(config(heroku, key)) for key in ("DATABASE_URL", "REDIS_URL"))
    # redis:cli asks for TLS at the port behind the URL's, as Heroku's servers have it.
    taps = [Tap(heroku.loopback.listen(port, host), lambda at=(host, port): socket.create_connection(at))
            for host, port in ((database.hostname, database.port), (store.hostname, store.port + 1))]
    psql(heroku, "create table t as select generate_series(1, 3) as n")
    yield "heroku-data", *names
    for tap in taps:
        tap.stop()
    p.cli("destroy", "-a", "heroku-data", "--confirm", "heroku-data", check=False)


def psql(heroku, sql, app="heroku-data"):
    return heroku("pg:psql", "-c", sql, app=app, env=NAMES).out


def stack_psql(p, url):
    """psql of the add-on's stack, from outside of any sandbox."""
    program = "usr/lib/postgresql/15/bin/psql"
    return in_stack(p, program, f"/{program}", "-XqAt", url)


def config(heroku, key):
    return heroku.platform.api("GET", "/apps/heroku-data/config-vars")[1][key]


def test_pg_info_and_wait(heroku, data):
    app, database, _ = data
    out = heroku("pg:info", app=app, env=NAMES).out
    assert "DATABASE_URL" in out and re.search(r"Status:\s+Available", out) and re.search(rf"Add-on:\s+{database}", out), out
    heroku("pg:wait", app=app, env=NAMES)


def test_pg_psql(heroku, data):
    assert re.search(r"^\s+3$", psql(heroku, "select count(*) from t"), re.M)


def test_pg_commands_by_psql(heroku, data):
    """They insist on TLS."""
    app = data[0]
    for command in ("pg:ps", "pg:locks", "pg:blocking", "pg:total-table-size", "pg:seq-scans", "pg:index-size"):
        heroku(command, app=app, env=NAMES)
    assert re.search(r"\bt\b", heroku("pg:table-size", app=app, env=NAMES).out)


def test_pg_killall(heroku, data):
    app = data[0]
    with subprocess.Popen(stack_psql(heroku.platform, config(heroku, "DATABASE_URL")), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as open_session:
        open_session.stdin.write("select 'here';\n")
        open_session.stdin.flush()
        assert "here" in open_session.stdout.readline()
        heroku("pg:killall", app=app, env=NAMES)
        said, _ = open_session.communicate("select 1;\n", timeout=180)
        assert "terminating connection" in said, said
    assert "3" in psql(heroku, "select count(*) from t")


def test_pg_reset_and_copy(heroku, data):
    app, database, _ = data
    p = heroku.platform
    psql(heroku, "create table lost as select 1 as n")
    r = heroku("pg:reset", "--confirm", app, "--extensions", "pg_trgm,hstore", app=app, env=NAMES)
    r = heroku("pg:psql", "-c", "select * from lost", app=app, env=NAMES, code=None)
    assert r.code != 0 and "does not exist" in r.err + r.out, r
    assert "hstore" in psql(heroku, "\\dx") and "pg_trgm" in psql(heroku, "\\dx")
    # One that there is not: a sentence, and nothing is lost.
    psql(heroku, "create table t as select generate_series(1, 3) as n")
    r = heroku("pg:reset", "--confirm", app, "--extensions", "nonesuch", app=app, env=NAMES, code=None)
    assert r.code != 0 and "nonesuch" in r.err, r
    assert re.search(r"^\s+3$", psql(heroku, "select count(*) from t"), re.M)
    other = p.api("POST", f"/apps/{app}/addons", {"plan": "postgresql", "attachment": {"name": "COPY"}})[1]["name"]
    wait_for(lambda: p.api("GET", f"/addons/{other}")[1]["state"] == "provisioned", "the other to be ready", 300)
    r = heroku("pg:copy", "DATABASE", "COPY", "--confirm", "COPY", app=app, env=NAMES, code=None)
    assert r.code != 0 and "Nothing was copied" in r.err.replace("\n", " "), r
    p.api("DELETE", f"/apps/{app}/addons/{other}", {"force": True})


def test_options_that_are_not_here(heroku, data):
    """Refused with what to do instead, and nothing made."""
    app, database, _ = data
    p = heroku.platform

    def names():
        return {a["name"] for a in p.api("GET", f"/apps/{app}/addons")[1]}

    # One that another test destroyed may still be on its way out.
    before = names()
    for words, sentence in ((["--fork", "DATABASE"], "--from-backup"), (["--follow", "DATABASE"], "no replicas"), (["--colour=red"], '"colour"'),
                            (["--tls"], "asks for nothing")):
        r = heroku("addons:create", "heroku-postgresql:standard-0", "--", *words, app=app, env=NAMES, code=None)
        assert r.code != 0 and sentence in re.sub(r"\s+›?\s*", " ", r.err), (words, r)
    for body in ({"plan": "redis", "config": {"url": "redis://x"}}, {"plan": "redis", "config": {"skip_check": True}},
                 {"plan": "redis", "config": [1]}, {"plan": "redis", "attachment": {"name": "X", "namespace": "y"}},
                 {"plan": "redis", "config": {"tls": "perhaps"}}):
        assert p.api("POST", f"/apps/{app}/addons", body)[0] == 422, body
    assert names() <= before
    backup = p.api("POST", f"/client/v11/databases/{database}/restores", {"backup_url": "x", "extensions": ["hstore"]})
    assert backup[0] == 422 and "extensions" in backup[1]["message"]


def test_pg_credentials(heroku, data):
    app = data[0]
    before = config(heroku, "DATABASE_URL")
    out = heroku("pg:credentials:url", app=app, env=NAMES).out
    url = urllib.parse.urlsplit(before)
    assert f"user={url.username} password={url.password}" in out and f"port={url.port}" in out and f"dbname={url.path[1:]} " in out
    assert "active" in heroku("pg:credentials", app=app, env=NAMES).out
    heroku("pg:credentials:rotate", "--confirm", app, app=app, env=NAMES)
    assert config(heroku, "DATABASE_URL") != before
    assert "3" in psql(heroku, "select count(*) from t")


def test_pg_backups(heroku, data, tmp_path):
    app, database, _ = data
    out = heroku("pg:backups:capture", app=app, env=NAMES).out
    assert "No backups" not in heroku("pg:backups", app=app, env=NAMES).out
    info = heroku("pg:backups:info", app=app, env=NAMES).out
    assert re.search(r"Status:\s+Completed", info), (out, info)
    # Its URL needs no credentials, and gives what pg_restore reads.
    url = heroku("pg:backups:url", app=app, env=NAMES).out.strip()
    assert heroku.platform.api("GET", urllib.parse.urlsplit(url).path)[0] == 200
    heroku("pg:backups:download", "-o", str(tmp_path / "latest.dump"), app=app, env=NAMES)
    assert (tmp_path / "latest.dump").read_bytes()[:5] == b"PGDMP"
    # What was lost comes back.
    psql(heroku, "delete from t")
    heroku("pg:backups:restore", "--confirm", app, app=app, env=NAMES)
    assert re.search(r"^\s+3$", psql(heroku, "select count(*) from t"), re.M)
    # A URL from elsewhere is refused with a sentence.
    r = heroku("pg:backups:restore", "https://example.com/x.dump", "DATABASE", "--confirm", app, app=app, env=NAMES, code=None)
    assert r.code != 0 and "backup_url" in r.err.replace("\n", " "), r


def test_pg_backup_schedules(heroku, data):
    app, database, _ = data
    heroku("pg:backups:schedule", "DATABASE", "--at", "02:00 UTC", app=app, env=NAMES)
    assert "daily at 2:00 UTC" in heroku("pg:backups:schedules", app=app, env=NAMES).out
    assert heroku.platform.api("GET", f"/addons/{database}/backup-schedule")[1]["at"] == "02:00"
    assert "UTC" in heroku("pg:backups:schedule", "DATABASE", "--at", "02:00 Europe/Berlin", app=app, env=NAMES, code=None).err
    heroku("pg:backups:unschedule", "DATABASE", app=app, env=NAMES)
    assert heroku.platform.api("GET", f"/addons/{database}/backup-schedule")[0] == 404


def test_pg_promote(heroku, data):
    app, database, _ = data
    p = heroku.platform
    other = p.api("POST", f"/apps/{app}/addons", {"plan": "postgresql", "attachment": {"name": "SECOND"}})[1]["name"]
    wait_for(lambda: p.api("GET", f"/addons/{other}")[1]["state"] == "provisioned", "the other to be ready", 300)
    heroku("pg:promote", other, app=app, env=NAMES)
    assert config(heroku, "DATABASE_URL") == config(heroku, "SECOND_URL") or \
        p.api("GET", f"/apps/{app}/addon-attachments/DATABASE")[1]["addon"]["name"] == other
    # The old one is attached under another name, and goes back.
    heroku("pg:promote", database, app=app, env=NAMES)
    assert p.api("GET", f"/apps/{app}/addon-attachments/DATABASE")[1]["addon"]["name"] == database
    assert re.search(r"^\s+3$", psql(heroku, "select count(*) from t"), re.M)


def test_redis(heroku, data):
    app, _, redis = data
    out = heroku("redis:info", app=app, env=NAMES).out
    assert redis in out and re.search(r"Status:\s+Available", out), out
    assert heroku("redis:credentials", app=app, env=NAMES).out.strip() == config(heroku, "REDIS_URL")
    before = config(heroku, "REDIS_URL")
    heroku("redis:credentials", "--reset", app=app, env=NAMES)
    assert config(heroku, "REDIS_URL") != before
    heroku("redis:wait", app=app, env=NAMES)


def test_redis_cli(heroku, data):
    """By TLS, with a password alone; what is typed ends it."""
    out = heroku("redis:cli", input="PING\nSET typed 1\nGET typed\n", app=data[0], env=NAMES, timeout=60).out
    assert "PONG" in out and re.search(r"^1$", out, re.M), out
