# SPDX-License-Identifier: Apache-2.0
"""The guestbook with real servers, by the command line, as a user has it: from nothing to a restore, with visitors all the time."""
import http.client
import json
import threading

from conftest import ROOT, wait_for
from test_addons import config, end
from test_services import create, psql, shop  # noqa: F401 (shop is a fixture)


class Load:
    """Visitors and signers, all the time."""

    def __init__(self, p, app):
        self.p, self.app, self.n, self.bad, self.stop = p, app, 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(3)]

    def one(self, i):
        if i:
            return self.p.get(self.app)
        return post(self.p, self.app, "load", f"number {self.n}")

    def run(self, i):
        while not self.stop.is_set():
            try:
                status, text = self.one(i)
            except OSError as e:
                status, text = 0, str(e)
            self.n += 1
            if status not in (200, 201):
                self.bad.append((status, text[:300]))
            self.stop.wait(0.02)

    def __enter__(self):
        for t in self.threads:
            t.start()
        wait_for(lambda: self.n > 10, "the load to begin")
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for t in self.threads:
            t.join()


def post(p, app, name, message):
    c = http.client.HTTPConnection("127.0.0.1", p.http_port, timeout=180)
    try:
        c.request("POST", "/api/entries", json.dumps({"name": name, "message": message}),
                  {"Host": f"{app}.localhost", "Content-Type": "application/json"})
        r = c.getresponse()
        return r.status, r.read().decode()
    finally:
        c.close()


def entries(p, app):
    return json.loads(p.get(app, "/api/entries")[1])


def test_the_guestbook_from_nothing_to_a_restore(shop, tmp_path):
    p, app = shop, "guestbook"
    where = p.repo(tmp_path, ROOT / "examples" / "guestbook")
    p.create(app, where)
    p.push(where)
    status, page = p.get(app)
    assert status == 200 and "twelve addons:create postgresql -a guestbook" in page
    first = create(p, app, "postgresql")
    create(p, app, "redis")
    p.cli("ps:scale", "web=2", "worker=1", "-a", app)
    assert post(p, app, "Ada", "three small words")[0] == 201
    wait_for(lambda: entries(p, app)[0]["words"] == 3, "the worker to count")
    assert "Visit number" in p.get(app)[1] and p.get(app, "/health")[0] == 200

    # Swap the database, under load.
    second = create(p, app, "postgresql", "--as", "SECOND")
    with Load(p, app) as load:
        p.cli("addons:swap", "DATABASE", second, "-a", app)
    assert not load.bad, load.bad[:5]
    assert all(e["name"] == "load" for e in entries(p, app)), "the new database has what was written since"
    with Load(p, app) as load:
        p.cli("addons:swap", "DATABASE", first, "-a", app)
    assert not load.bad, load.bad[:5]

    # Rotate, under load; the old password opens nothing then.
    old = config(p, app)["DATABASE_URL"]
    with Load(p, app) as load:
        r = p.cli("addons:credentials:rotate", "DATABASE", "-a", app, check=False)
    assert r.code == 0, (r, p.cli("logs", "-n", "40", "--dyno", "release", "-a", app).out)
    assert not load.bad, load.bad[:5]
    assert config(p, app)["DATABASE_URL"] != old
    wait_for(lambda: "authentication failed" in psql(p, old, "select 1").err
             or "not permitted to log in" in psql(p, old, "select 1").err
             or "does not exist" in psql(p, old, "select 1").err, "the old credential to be revoked")

    # Back up, prove it, destroy by mistake, restore.
    count = len(json.loads(p.get(app, "/api/entries")[1]))
    r = p.cli("backups:capture", "DATABASE", "-a", app)
    assert r.out.strip() == "b1" and "1 database, 2 tables" in r.err, r
    r = p.cli("backups:verify", "b1", "--addon", "DATABASE", "-a", app)
    assert "b1 is good" in r.err, r
    r = p.cli("addons:destroy", "DATABASE", "-a", app, check=False)
    assert r.code == 2 and f"--confirm {app}" in r.err, r
    p.cli("addons:destroy", "DATABASE", "-a", app, "--confirm", app)
    status, page = p.get(app)
    assert status == 200 and "twelve addons:create postgresql" in page
    # At once, as somebody does who has just seen what happened.
    p.cli("backups:restore", "-a", app, timeout=600)
    r = p.cli("backups", "-a", app)
    assert "last" in r.out, r
    wait_for(lambda: p.api("GET", f"/addons/{first}")[0] == 404, "the old add-on to be gone", 90)
    assert len(entries(p, app)) == count and p.get(app)[0] == 200
    end(p, app)
