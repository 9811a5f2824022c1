# SPDX-License-Identifier: Apache-2.0
"""Webhooks: events of apps told to a receiver, signed, retried, and lost by no kill."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import sqlite3
import threading
import types

import pytest

import api_schema
import receivers
from conftest import wait_for


class Receiver:
    """Takes what comes; answers with the statuses in `answers` first, then 200."""

    def __init__(self):
        self.got, self.answers, self.before_answer = [], [], lambda: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                outer.got.append(types.SimpleNamespace(path=self.path, headers=self.headers, raw=body, status=status, **json.loads(body)))
                outer.before_answer()
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def events(self, resource):
        return [(g.action, g.data) for g in self.got if g.resource == resource]


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.stop()


@pytest.fixture
def shop(platform):
    platform.cli("create", "hook-shop", "--no-remote")
    yield "hook-shop"
    platform.cli("destroy", "-a", "hook-shop", "--confirm", "hook-shop", check=False)


@pytest.fixture(scope="module")
def schema():
    return api_schema.Schema()


def asker(platform, schema):
    def ask(method, path, body=None):
        status, answer = platform.api(method, path, body)
        e = types.SimpleNamespace(method=method, path=path, status=status, whole=True, answer=answer, answer_headers={})
        assert not schema.faults(e), (method, path, answer, schema.faults(e))
        return status, answer
    return ask


def test_events_are_told_and_signed(platform, shop, receiver, schema):
    ask = asker(platform, schema)
    made = platform.cli("webhooks:add", "-i", "api:release,formation,api:domain,api:collaborator,api:app", "-l", "sync", "-u", receiver.url,
                        "-t", "Bearer abc", "-a", shop)
    secret = made.out.strip()
    assert len(secret) == 32
    platform.cli("config:set", "A=b", "-a", shop)
    platform.cli("domains:add", "hook.example.com", "-a", shop)
    platform.cli("domains:remove", "hook.example.com", "-a", shop)
    platform.cli("maintenance:on", "-a", shop)
    wait_for(lambda: receiver.events("app"), "the last event")
    assert [(g.resource, g.action) for g in receiver.got] == [
        ("release", "create"), ("domain", "create"), ("domain", "destroy"), ("app", "update")]
    for g in receiver.got:
        mac = base64.b64encode(hmac.new(secret.encode(), g.raw, hashlib.sha256).digest()).decode()
        assert g.headers["Heroku-Webhook-Hmac-SHA256"] == mac
        assert g.headers["Authorization"] == "Bearer abc" and g.headers["Content-Type"] == "application/json"
        assert g.webhook_metadata["event"]["include"] == f"api:{g.resource}"
    release, domain, gone, app = receiver.got
    assert release.data["version"] == 2 and release.data["description"] == "Set A config vars" and release.data["app"]["name"] == shop
    assert release.actor == release.data["user"] and release.actor["email"] == "root@localhost"
    assert domain.data["hostname"] == gone.data["hostname"] == "hook.example.com"
    assert app.data["maintenance"] is True and app.previous_data["maintenance"] is False
    assert "config" not in release.data

    wait_for(lambda: all(d["status"] == "succeeded" for d in ask("GET", f"/apps/{shop}/webhook-deliveries")[1]), "the last answer to be noted")
    deliveries = ask("GET", f"/apps/{shop}/webhook-deliveries")[1]
    assert [d["id"] for d in deliveries] == [g.webhook_metadata["delivery"]["id"] for g in receiver.got]
    assert deliveries[0]["last_attempt"]["code"] == 200 and deliveries[0]["num_attempts"] == 1 and deliveries[0]["next_attempt_at"] is None
    event = ask("GET", f"/apps/{shop}/webhook-events/{release.id}")[1]
    assert event["payload"]["data"] == release.data and len(ask("GET", f"/apps/{shop}/webhook-events")[1]) == 4
    assert ask("GET", f"/apps/{shop}/webhook-deliveries/{deliveries[0]['id']}")[1] == deliveries[0]
    assert "api:release" in platform.cli("webhooks:events", "-a", shop).out
    assert platform.cli("webhooks:deliveries", "-s", "succeeded", "-a", shop).out.count("succeeded") == 4
    assert json.loads(platform.cli("webhooks:deliveries:info", deliveries[0]["id"], "-a", shop).out) == deliveries[0]
    assert json.loads(platform.cli("webhooks:events:info", release.id, "-a", shop).out) == event

    hook = ask("GET", f"/apps/{shop}/webhooks")[1][0]
    assert hook["url"] == receiver.url and hook["level"] == "sync" and "secret" not in hook
    platform.cli("webhooks:update", hook["id"], "-i", "api:build", "-l", "notify", "-a", shop)
    changed = json.loads(platform.cli("webhooks:info", hook["id"], "-a", shop).out)
    assert changed["include"] == ["api:build"] and changed["level"] == "notify" and changed["url"] == receiver.url
    platform.cli("webhooks:remove", hook["id"], "-a", shop)
    assert platform.cli("webhooks", "-a", shop).out == "" and ask("GET", f"/apps/{shop}/webhook-deliveries")[1] == []


def test_dynos_are_told(own_platform, tmp_path, receiver):
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("hook-dynos", where)
    p.cli("webhooks:add", "-i", "api:dyno", "-l", "sync", "-u", receiver.url, "-s", "x", "-a", "hook-dynos")
    p.push(where)

    def seen(name):
        return [(a, d["state"]) for a, d in receiver.events("dyno") if d["name"] == name]
    wait_for(lambda: seen("web.1") == [("create", "starting"), ("update", "up")], "web.1 to be up")
    first = next(g for g in receiver.got if g.data["name"] == "web.1" and g.action == "update")
    assert first.previous_data["state"] == "starting" and first.data["app"]["name"] == "hook-dynos" and first.data["release"]["version"] == 2
    assert first.data["id"] == p.up("hook-dynos")[0]["id"] and first.data["type"] == "web"
    # The next twelved tells nothing again, and goes on.
    p.kill9()
    p.start()
    wait_for(lambda: p.up("hook-dynos"), "the dyno to be adopted")
    p.cli("run", "-a", "hook-dynos", "true")
    wait_for(lambda: ("destroy", "down") in seen("run.1"), "run.1 to end")
    assert seen("run.1")[0] == ("create", "starting") and seen("web.1") == [("create", "starting"), ("update", "up")]
    p.cli("ps:scale", "web=0", "-a", "hook-dynos")
    wait_for(lambda: seen("web.1")[2:] == [("update", "down"), ("destroy", "down")], "web.1 to end")


def test_an_attachment_is_told_when_it_is_live(own_platform, tmp_path, receiver):
    """Of a release that fails there is none; the next that goes live is held against the one before."""
    p = own_platform()
    where = p.repo(tmp_path, Procfile="web: perl server.pl\nrelease: test -z \"$TWO_URL\"\n")
    p.create("hook-live", where)
    p.push(where)
    p.cli("webhooks:add", "-i", "api:addon-attachment,api:release", "-l", "sync", "-u", receiver.url, "-s", "x", "-a", "hook-live")

    def seen():
        return [(action, a["name"]) for action, a in receiver.events("addon-attachment")]

    def add(name):
        return p.cli("addons:create", "external", "--url", f"https://u:p@{name.lower()}.example.com/", "--no-check", "--as", name, "-a", "hook-live", check=False)
    assert add("ONE").code == 0
    wait_for(lambda: seen() == [("create", "ONE")], "the first")
    assert add("TWO").code != 0
    wait_for(lambda: [d for _, d in receiver.events("release") if d["status"] == "failed"], "a release that fails")
    assert add("THREE").code == 0
    wait_for(lambda: len(seen()) > 1, "the third")
    p.cli("addons:detach", "ONE", "-a", "hook-live", check=False)
    p.cli("addons:destroy", "ONE", "--confirm", "hook-live", "-a", "hook-live", check=False)
    wait_for(lambda: len(seen()) > 2, "the end of the first")
    assert seen() == [("create", "ONE"), ("create", "THREE"), ("destroy", "ONE")], [(r["version"], r["status"]) for r in p.releases("hook-live")]


def test_attachments_and_certificates_are_told(platform, shop, receiver, tmp_path):
    platform.cli("webhooks:add", "-i", "api:addon-attachment,api:sni-endpoint", "-l", "sync", "-u", receiver.url, "-s", "x", "-a", shop)
    platform.cli("addons:create", "external", "--url", "redis://u:p@localhost:1/0", "--no-check", "--as", "CACHE", "-a", shop)
    wait_for(lambda: receiver.events("addon-attachment"), "the attachment")
    action, a = receiver.events("addon-attachment")[0]
    assert action == "create" and a["name"] == "CACHE" and a["app"]["name"] == shop and a["addon"]["name"], a
    # A release that changes no attachment tells nothing.
    platform.cli("config:set", "A=b", "-a", shop)
    platform.cli("addons:detach", "CACHE", "-a", shop, check=False)
    platform.cli("addons:destroy", "CACHE", "--confirm", shop, "-a", shop, check=False)
    wait_for(lambda: len(receiver.events("addon-attachment")) == 2, "its end")
    assert receiver.events("addon-attachment")[1][0] == "destroy" and receiver.events("addon-attachment")[1][1]["id"] == a["id"]
    pair = receivers.certificates(tmp_path)
    platform.cli("domains:add", "wrong.example", "-a", shop)
    platform.cli("certs:add", str(pair.wrong), str(pair.wrong_key), "-a", shop)
    name = platform.api("GET", f"/apps/{shop}/sni-endpoints")[1][0]["name"]
    platform.cli("certs:remove", "--name", name, "-a", shop)
    wait_for(lambda: len(receiver.events("sni-endpoint")) == 2, "the certificate's end")
    assert [(action, e["name"]) for action, e in receiver.events("sni-endpoint")] == [("create", name), ("destroy", name)]
    assert "key" not in str(receiver.events("sni-endpoint"))


def test_a_refused_delivery_is_sent_again(platform, shop, receiver):
    receiver.answers = [503, 302]
    platform.cli("webhooks:add", "-i", "release", "-l", "sync", "-u", receiver.url, "-s", "x", "-a", shop)
    platform.cli("config:set", "A=b", "-a", shop)
    wait_for(lambda: len(receiver.got) == 3, "the third attempt")
    assert [g.status for g in receiver.got] == [503, 302, 200]
    assert {g.path for g in receiver.got} == {"/hook"}, "a redirect was followed"
    assert len({g.webhook_metadata["delivery"]["id"] for g in receiver.got}) == 1
    assert len({g.webhook_metadata["attempt"]["id"] for g in receiver.got}) == 3
    delivery = wait_for(lambda: [d for d in platform.api("GET", f"/apps/{shop}/webhook-deliveries")[1] if d["status"] == "succeeded"], "its end")[0]
    assert delivery["num_attempts"] == 3


def test_notify_is_tried_once(platform, shop, receiver):
    receiver.answers = [500]
    platform.cli("webhooks:add", "-i", "release", "-l", "notify", "-u", receiver.url, "-a", shop)
    platform.cli("config:set", "A=b", "-a", shop)
    platform.cli("config:set", "A=c", "-a", shop)

    def ended():
        rows = platform.api("GET", f"/apps/{shop}/webhook-deliveries")[1]
        return rows if all(d["status"] in ("failed", "succeeded") for d in rows) else None
    rows = wait_for(ended, "both deliveries")
    assert [(d["status"], d["num_attempts"], d["next_attempt_at"]) for d in rows] == [("failed", 1, None), ("succeeded", 1, None)]
    assert [g.status for g in receiver.got] == [500, 200]


def test_a_result_that_cannot_be_written_waits(platform, shop, receiver):
    """While the database can't be written, the receiver is left alone; it is sent once."""
    with contextlib.closing(sqlite3.connect(platform.state / "twelve.db", timeout=60, isolation_level=None, check_same_thread=False)) as db:
        receiver.before_answer = lambda: db.in_transaction or db.execute("BEGIN IMMEDIATE")
        platform.cli("webhooks:add", "-i", "release", "-l", "sync", "-u", receiver.url, "-s", "x", "-a", shop)
        platform.cli("config:set", "A=b", "-a", shop)
        wait_for(lambda: "twelved: error: webhook delivery " in pathlib.Path(platform.log.name).read_text(), "the failure to write")
        db.execute("ROLLBACK")

    def delivery():
        return [d for d in platform.api("GET", f"/apps/{shop}/webhook-deliveries")[1] if d["status"] == "succeeded"]
    assert wait_for(delivery, "its end")[0]["num_attempts"] == 1
    assert len(receiver.got) == 1


def test_a_kill_loses_none(own_platform):
    platform, receiver = own_platform(), Receiver()
    platform.cli("create", "hook-kill", "--no-remote")
    port = receiver.server.server_port
    receiver.stop()
    platform.cli("webhooks:add", "-i", "release", "-l", "sync", "-u", receiver.url, "-s", "x", "-a", "hook-kill")
    platform.cli("config:set", "A=b", "-a", "hook-kill")
    platform.cli("config:set", "A=c", "-a", "hook-kill")

    def tried():
        rows = platform.api("GET", "/apps/hook-kill/webhook-deliveries")[1]
        return len(rows) == 2 and rows[0]["num_attempts"] and rows[0]
    row = wait_for(tried, "an attempt that nobody answers")
    assert row["status"] == "retrying" and row["last_attempt"]["code"] is None and str(port) in row["last_attempt"]["error_class"]
    platform.kill9()
    again = Receiver()
    try:
        platform.start()
        hook = platform.api("GET", "/apps/hook-kill/webhooks")[1][0]["id"]
        platform.cli("webhooks:update", hook, "-u", again.url, "-a", "hook-kill")
        wait_for(lambda: {d["version"] for _, d in again.events("release")} == {2, 3}, "both releases")
    finally:
        again.stop()


def test_what_is_refused(platform, shop):
    def add(**changes):
        body = {"include": ["api:release"], "level": "sync", "url": "http://h.example/", **changes}
        return platform.api("POST", f"/apps/{shop}/webhooks", body)

    for answer, sentence in [
        (add(include=["api:dynos"]), "api:release and api:sni-endpoint, not \"api:dynos\""),
        (add(include=[3]), "what is not a string"),
        (add(include=[]), "has to name what is told"),
        (add(include="api:release"), '"include" must be an array'),
        (add(level="loud"), '"level" is notify or sync'),
        (add(url="ftp://h.example/"), '"url" must be like'),
        (add(url="/hook"), '"url" must be like'),
        (add(url="http://h.example/" + "x" * 3000), '"url" must be like'),
        (add(url=f"http://localhost:{platform.api_port}/apps"), "this platform's API"),
        (add(url=f"http://127.0.0.1:{platform.api_port}/apps"), "this platform's API"),
        (add(authorization="a\r\nX-More: b"), "line breaks"),
        (add(secret=""), "1 to 1024 bytes"),
        (platform.api("GET", f"/apps/{shop}/webhooks/x"), "Couldn't find that webhook"),
        (platform.api("GET", f"/apps/{shop}/webhook-events/x"), "Couldn't find that webhook event"),
        (platform.api("GET", f"/apps/{shop}/webhook-deliveries/x"), "Couldn't find that webhook delivery"),
    ]:
        assert 400 <= answer[0] < 500 and sentence in answer[1]["message"], answer
    assert platform.api("GET", f"/apps/{shop}/webhooks")[1] == []
    assert "--url is missing" in platform.cli("webhooks:add", "-i", "release", "-l", "sync", "-a", shop, check=False).err


def test_with_the_heroku_cli(heroku, shop, receiver):
    platform = heroku.platform
    r = heroku("webhooks:add", "-i", "api:release", "-l", "sync", "-u", receiver.url, app=shop)
    platform.cli("config:set", "A=b", "-a", shop)
    wait_for(lambda: receiver.got, "the event")
    mac = receiver.got[0].headers["Heroku-Webhook-Hmac-SHA256"]
    assert any(base64.b64encode(hmac.new(word.encode(), receiver.got[0].raw, hashlib.sha256).digest()).decode() == mac
               for word in (r.out + r.err).split()), f"none of the words is the secret: {r}"
    assert receiver.url in heroku("webhooks", app=shop).out
    hook = platform.api("GET", f"/apps/{shop}/webhooks")[1][0]["id"]
    assert "api:release" in heroku("webhooks:info", hook, app=shop).out
    assert "api:release" in heroku("webhooks:deliveries", app=shop).out
    assert receiver.got[0].id in heroku("webhooks:events", app=shop).out
    heroku("webhooks:remove", hook, app=shop)
    assert platform.api("GET", f"/apps/{shop}/webhooks")[1] == []
