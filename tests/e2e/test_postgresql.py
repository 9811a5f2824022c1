# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, by the command line: two apps with one server, TLS, kills of the server, of its supervisor and of twelved."""
import os
import pathlib
import re
import signal
import ssl
import threading
import time
import urllib.parse

import pytest

from conftest import wait_for
from test_addons import attempt, config, get, healthy, server_pid
from test_services import bare, create, over_tls, psql, shop  # noqa: F401 (bare and shop are fixtures)


def test_one_postgresql_for_two_apps(shop, bare):
    a, b = bare
    addon = create(shop, a, "postgresql")
    shop.cli("addons:attach", addon, "-a", b)
    mine, others = config(shop, a)["DATABASE_URL"], config(shop, b)["DATABASE_URL"]
    r = psql(shop, mine, "create table secret (x text); insert into secret values ('mine')")
    assert r.code == 0, r.err
    database = mine.rsplit("/", 1)[1]
    # Not with the other's credential, whatever the database; not as one of the group; and nobody without a password.
    r = psql(shop, others.rsplit("/", 1)[0] + "/" + database, "select * from secret")
    assert r.code != 0 and "permission denied" in r.err, r.err
    for sql in (f"set role {database}", "select pg_read_file('/etc/passwd')", "copy (select 1) to program 'id'",
                "create role x superuser", f"alter role {re.search('//([^:]+)', mine)[1]} password 'x'"):
        r = psql(shop, others, sql)
        assert r.code != 0 and ("permission denied" in r.err or "must be" in r.err), (sql, r.err, r.out)
    for url in (re.sub(":[0-9a-f]{40}@", ":@", mine), re.sub("//[^@]+@", "//postgres:@", mine),
                re.sub("//[^@]+@.*", "//postgres:postgres@" + mine.split("@")[1].split("/")[0] + "/postgres", mine)):
        r = psql(shop, url, "select 1")
        assert r.code != 0, url
    # What the old credential made is the new one's.
    shop.cli("addons:credentials:rotate", "DATABASE", "-a", a)
    new = config(shop, a)["DATABASE_URL"]
    assert new != mine
    wait_for(lambda: psql(shop, mine, "select 1").code != 0, "the old credential to be revoked")
    r = psql(shop, new, "insert into secret values ('more'); drop table secret; create table secret (x int)")
    assert r.code == 0, r.err


SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def certificate(p, url):
    with over_tls(p, url, SSL_REQUEST) as s:
        return s.getpeercert()


def test_postgresql_speaks_tls(shop, bare):
    a, _ = bare
    addon = create(shop, a, "postgresql")
    url = config(shop, a)["DATABASE_URL"]
    assert "sslmode" not in url
    ask = "\\conninfo"
    assert "SSL connection (protocol: TLSv1" in psql(shop, url + "?sslmode=require", ask).out
    assert "SSL" not in psql(shop, url + "?sslmode=disable", ask).out
    for name in (None, "localhost"):
        with over_tls(shop, url, SSL_REQUEST, name) as s:
            assert s.version() in ("TLSv1.2", "TLSv1.3")
    # Its key is its own, and nobody else's to read.
    key = shop.state / "volumes" / get(shop, addon)["id"] / "pg" / ".." / "tls" / "server.key"
    assert key.stat().st_mode & 0o77 == 0
    # The client of people follows the URL's options, and shows no password to who lists processes.
    assert "SSL connection" in shop.cli("psql", "-a", a, "--", "-Atc", ask).out
    # A certificate of another authority, as after a move: it gets one of ours, without a restart.
    before, pid = certificate(shop, url), server_pid(shop, addon)
    shop.kill9()
    for f in ("ca.pem", "ca.key"):
        (shop.state / "ca" / f).unlink()
    shop.start()

    def renewed():
        try:
            return certificate(shop, url)
        except ssl.SSLCertVerificationError:
            return None

    assert wait_for(renewed, "a certificate of the authority that there is") != before
    assert server_pid(shop, addon) == pid
    assert "SSL connection" in psql(shop, url + "?sslmode=require", ask).out


def test_postgresql_survives_kills(shop, bare):
    a, _ = bare
    addon = create(shop, a, "postgresql")
    url = config(shop, a)["DATABASE_URL"]
    assert psql(shop, url, "create table t (x int)").code == 0
    for i, victim in enumerate(("server", "supervisor", "twelved")):
        assert psql(shop, url, f"insert into t values ({i})").code == 0
        pid = server_pid(shop, addon)
        if victim == "server":
            os.kill(pid, signal.SIGKILL)
        elif victim == "supervisor":
            os.kill(int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
        else:
            shop.restart()
        if victim != "twelved":
            wait_for(lambda: server_pid(shop, addon) not in (None, pid), "another server")
        wait_for(lambda: psql(shop, url, "select 1").code == 0, f"the database after the {victim} was killed")
        assert psql(shop, url, "select count(*) from t").out == str(i + 1)


@pytest.mark.parametrize("delay", [0.1, 0.3, 0.6])
def test_twelved_is_killed_while_postgresql_is_swapped_backed_up_restored(shop, bare, delay):
    a, _ = bare
    first = create(shop, a, "postgresql")
    second = create(shop, a, "postgresql", "--as", "SECOND")
    url = config(shop, a)["DATABASE_URL"]
    assert psql(shop, url, "create table t as select generate_series(1, 1000) x").code == 0
    shop.cli("backups:capture", first, "-a", a)

    def kill_in(*request):
        t = threading.Thread(target=lambda: attempt(shop, *request))
        t.start()
        time.sleep(delay)
        shop.restart()
        t.join()
        healthy(shop, first)

    kill_in("POST", f"/apps/{a}/addon-attachments/DATABASE/actions/swap", {"addon": second})
    now = config(shop, a)["DATABASE_URL"]
    assert psql(shop, now, "select 1").code == 0
    shop.cli("addons:swap", "DATABASE", first, "-a", a, check=False)
    url = config(shop, a)["DATABASE_URL"]
    assert psql(shop, url, "select count(*) from t").out == "1000"
    kill_in("POST", f"/addons/{first}/backups", {})
    b = shop.api("GET", f"/addons/{first}/backups")[1]
    assert b[-1]["status"] == "succeeded" and b[0]["status"] in ("succeeded", "failed"), b
    assert psql(shop, url, "delete from t").code == 0
    kill_in("POST", f"/backups/{b[-1]['id']}/actions/restore", {"addon": first})
    wait_for(lambda: not get(shop, first)["twelve"]["restoring"], "the restore")
    wait_for(lambda: psql(shop, url, "select count(*) from t").out == "1000", "the content")
    # Nothing half-made is left in it.
    assert psql(shop, url, "select count(*) from pg_database where datname like '%\\_\\_%'").out == "0"
