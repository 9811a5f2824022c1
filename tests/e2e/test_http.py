# SPDX-License-Identifier: Apache-2.0
"""The HTTP layer and the shapes of the Platform API, by requests that no command line makes."""
import http.client
import json
import os
import pathlib
import re
import socket
import sqlite3
import struct
import subprocess
import threading

import pytest

from conftest import wait_for

V3 = "application/vnd.heroku+json; version=3"


@pytest.fixture(scope="module")
def bare(platform):
    """An app that nothing was deployed to."""
    status, app = platform.api("POST", "/apps", {"name": "http-bare"})
    assert status == 201, app
    yield platform, app
    platform.api("DELETE", "/apps/http-bare")


def connect(platform):
    c = http.client.HTTPConnection("localhost", timeout=180)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.settimeout(20)
    c.sock.connect(str(platform.run / "twelved.sock"))
    return c


def ask(c, method, path, body=None, headers=None):
    c.request(method, path, body, headers or {})
    r = c.getresponse()
    data = r.read()
    return r, json.loads(data) if "json" in r.getheader("Content-Type", "") else data


def descriptors(platform):
    return len(os.listdir(f"/proc/{platform.process.pid}/fd"))


# ---- requests


def test_a_mistake_keeps_the_connection(platform):
    c = connect(platform)
    for method, path, body, expected in (("GET", "/apps/none-such", None, 404), ("GET", "/nothing", None, 404),
                                         ("POST", "/apps", "[1]", 400), ("POST", "/apps", '{"name": 3}', 422),
                                         ("POST", "/apps", '{"name": "a\xff"}'.encode("latin-1"), 400),
                                         ("POST", "/apps", '{"name":"x","name":"y"}', 400),
                                         ("POST", "/apps", json.dumps({"name": "x" * (1 << 19)}), 422),
                                         ("PUT", "/apps", "{}", 404), ("GET", "/account", None, 200)):
        sock = c.sock
        r, j = ask(c, method, path, body)
        assert r.status == expected, j
        assert c.sock is sock, f"{path}: the connection was closed"
        if expected != 200:
            assert set(j) >= {"id", "message"}
    c.close()


def test_escaped_slashes_are_in_a_part(bare):
    platform, _ = bare
    r, j = ask(connect(platform), "GET", "/apps/http-bare%2Fdynos")
    assert r.status == 404 and j["id"] == "not_found" and "Couldn't find that app" in j["message"]
    assert platform.api("GET", "/apps/http%2Dbare")[0] == 200
    assert platform.api("GET", "/apps/http-bare/")[0] == 200


def test_who_asks(platform):
    """Over the unix socket a header may say for whom; over TCP it may not."""
    status, made = platform.api("POST", "/oauth/authorizations", {"description": "robot", "expires_in": 3600})
    assert status == 201
    token = made["access_token"]["token"]
    c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
    auth = {"Authorization": f"Bearer {token}", "Twelve-User": "mallory"}
    ask(c, "POST", "/apps", '{"name":"whose-a"}', auth)
    assert ask(connect(platform), "GET", "/apps", headers={"Twelve-User": "alice@example.com"})[0].status == 404
    assert platform.api("POST", "/twelve/users", {"email": "Alice@example.com"})[0] == 201
    ask(connect(platform), "POST", "/apps", '{"name":"whose-b"}', {"Twelve-User": "alice@example.com"})
    assert platform.releases("whose-a")[0]["user"]["email"] == "root@localhost"
    assert platform.releases("whose-b")[0]["user"]["email"] == "alice@example.com"
    assert platform.api("GET", "/apps/whose-b")[1]["owner"]["email"] == "alice@example.com"
    assert platform.api("DELETE", "/twelve/users/alice@example.com")[0] == 409
    for a in ("whose-a", "whose-b"):
        platform.api("DELETE", f"/apps/{a}")
    assert platform.api("DELETE", "/twelve/users/alice@example.com")[0] == 200
    # The password of Basic is a token too.
    import base64
    basic = base64.b64encode(f"anyone:{token}".encode()).decode()
    assert ask(c, "GET", "/account", headers={"Authorization": f"Basic {basic}"})[0].status == 200
    assert platform.api("DELETE", f"/oauth/authorizations/{made['id']}")[0] == 200
    r, j = ask(c, "GET", "/account", headers={"Authorization": f"Bearer {token}"})
    assert r.status == 401 and j["id"] == "unauthorized" and r.getheader("WWW-Authenticate")
    assert all(token not in json.dumps(t) for t in platform.api("GET", "/oauth/authorizations")[1])


def test_a_stranger_on_the_socket_is_refused(platform):
    """The socket's mode keeps strangers out; where it does not, their credentials do."""
    path = str(platform.run / "twelved.sock")
    os.chmod(path, 0o666)
    try:
        r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "curl", "-s", "-w", "%{http_code}",
                            "--unix-socket", path, "http://x/account"], capture_output=True, text=True, timeout=180)
    finally:
        os.chmod(path, 0o600)
    assert r.stdout.endswith("403"), r
    assert "group" in r.stdout


# ---- lists


def test_ranges(bare):
    platform, _ = bare
    for i in range(5):
        assert platform.api("PATCH", "/apps/http-bare/config-vars", {"N": str(i)})[0] == 200
    c = connect(platform)
    newest = platform.releases("http-bare")[0]["version"]
    r, rows = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": "version ..; max=2, order=desc"})
    assert r.status == 206 and [x["version"] for x in rows] == [newest, newest - 1]
    seen = [x["version"] for x in rows]
    while r.getheader("Next-Range"):
        r, rows = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": r.getheader("Next-Range")})
        seen += [x["version"] for x in rows]
    assert r.status == 200 and seen == list(range(newest, 0, -1))
    r, rows = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": "id ..; max=1000;"})
    assert r.status == 200 and sorted(x["version"] for x in rows) == list(range(1, newest + 1))
    assert [x["id"] for x in rows] == sorted(x["id"] for x in rows)
    # Heroku's client sends an empty one with a PUT.
    r, _ = ask(c, "PUT", "/apps/http-bare/buildpack-installations", '{"updates": []}', {"Range": ""})
    assert r.status == 200


# ---- streams


def open_tail(platform, app, accept="text/event-stream", **session):
    status, s = platform.api("POST", f"/apps/{app}/log-sessions", {"tail": True, **session})
    assert status == 201, s
    url = s["logplex_url"]
    assert url.startswith("http://")
    c = connect(platform)
    c.request("GET", "/" + url.split("/", 3)[3], headers={"Accept": accept})
    return c, c.getresponse(), url


def test_log_sessions(bare):
    platform, _ = bare
    c, r, url = open_tail(platform, "http-bare")
    assert r.status == 200 and r.getheader("Content-Type").startswith("text/event-stream")
    assert r.readline() == b"retry: 1\n" and r.readline() == b"\n"
    ident, data, blank = r.readline(), r.readline(), r.readline()
    assert re.fullmatch(rb"id: \d+\n", ident) and blank == b"\n"
    assert re.match(rb"data: \d{4}-\d\d-\d\dT\S+ app\[api\]: ", data), data
    c.close()
    # From where it was, as a client that comes back asks.
    c = connect(platform)
    last = platform.api("GET", "/account")  # something between
    assert last[0] == 200
    c.request("GET", "/" + url.split("/", 3)[3], headers={"Last-Event-ID": ident.split()[1].decode()})
    r = c.getresponse()
    r.readline(), r.readline()
    assert int(r.readline().split()[1]) > int(ident.split()[1])
    c.close()
    # Plain lines, and the end when it is no tail.
    status, s = platform.api("POST", "/apps/http-bare/log-sessions", {"lines": 2})
    path = "/" + s["logplex_url"].split("/", 3)[3]
    r, text = ask(connect(platform), "GET", path, headers={"Accept": "text/plain"})
    lines = text.decode().splitlines()
    assert len(lines) == 2 and re.match(r"\d{4}-", lines[0])
    r, text = ask(connect(platform), "GET", path + "?seq=1", headers={"Accept": "text/plain"})
    assert re.match(r"\d+ \d{4}-", text.decode())
    assert platform.api("GET", "/log-streams/" + "A" * 120)[0] == 404
    assert platform.api("POST", "/apps/http-bare/log-sessions", {"lines": "many"})[0] == 422


def test_readers_that_go_away_are_let_go(bare):
    """A tail with nothing to say holds nothing once its reader is gone."""
    platform, _ = bare
    readers = [open_tail(platform, "http-bare", accept="text/plain", source="nothing-of-this") for _ in range(20)]
    held = descriptors(platform)
    for c, r, _ in readers:
        r.close()
        c.close()
    # A connection and a pipe each.
    wait_for(lambda: descriptors(platform) <= held - 40, "their descriptors to be closed", within=10)


def test_sessions_live_through_a_restart(own_platform):
    """Heroku's client comes back to the same URL."""
    p = own_platform()
    p.api("POST", "/apps", {"name": "tailed"})
    c, r, url = open_tail(p, "tailed")
    p.restart()
    c = connect(p)
    c.request("GET", "/" + url.split("/", 3)[3])
    assert c.getresponse().status == 200


def test_it_ends_with_readers_connected(own_platform):
    p = own_platform()
    p.api("POST", "/apps", {"name": "tailed"})
    c, r, _ = open_tail(p, "tailed")
    p.process.terminate()
    assert p.process.wait(20) == 0
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        while r.read(4096):
            pass
        raise ConnectionError
    # What runs goes on: another one ends it.
    p.start()


# ---- uploads and builds


def test_uploads(bare):
    platform, _ = bare
    # The platform is shared: what others uploaded and did not use is there for a day.
    others = set((platform.state / "sources").iterdir())

    def ours():
        return set((platform.state / "sources").iterdir()) - others

    status, s = platform.api("POST", "/sources")
    assert status == 201
    put = "/" + s["source_blob"]["put_url"].split("/", 3)[3]
    c = connect(platform)
    r, _ = ask(c, "PUT", put, iter([b"x" * 65536] * 64))
    assert r.status == 200
    files = [f for f in ours() if f.suffix == ".tar"]
    assert len(files) == 1 and files[0].stat().st_size == 64 * 65536
    # A client that goes away in the middle leaves nothing.
    c = connect(platform)
    c.putrequest("PUT", put)
    c.putheader("Content-Length", "1000000")
    c.endheaders()
    c.send(b"y" * 1000)
    wait_for(lambda: any(f.suffix == ".part" for f in ours()), "the part")
    c.close()
    wait_for(lambda: not any(f.suffix == ".part" for f in ours()), "it to be gone")
    assert platform.api("PUT", "/sources/..%2F..%2Fevil", {})[0] == 404
    for blob, word in (({}, "source_blob"), ({"source_blob": {"url": "http://example.com/x.tar"}}, "source_blob.url"),
                       ({"source_blob": {"url": "/sources/11111111-2222-4333-8444-555555555555"}}, "uploaded")):
        status, j = platform.api("POST", "/apps/http-bare/builds", blob)
        assert status == 422 and word in j["message"]
    status, b = platform.api("POST", "/apps/http-bare/builds", {"source_blob": {"url": s["source_blob"]["get_url"]}})
    assert status == 201
    wait_for(lambda: platform.api("GET", f"/apps/http-bare/builds/{b['id']}")[1]["status"] == "failed", "the build to fail")
    assert not ours(), "the archive is removed"
    text = platform.api("GET", "/" + b["output_stream_url"].split("/", 3)[3])[1]
    assert " !     " in text


def test_uploads_have_a_limit_and_a_reserve(own_platform):
    p = own_platform(TWELVE_MAX_UPLOAD="1M")
    c = connect(p)
    # One that nobody announced is not read.
    assert ask(c, "PUT", "/sources/11111111-2222-4333-8444-555555555555", "x")[0].status == 404
    path = "/sources/" + p.api("POST", "/sources")[1]["source_blob"]["put_url"].rsplit("/", 1)[1]
    c.putrequest("PUT", path)
    c.putheader("Content-Length", str(2 << 20))
    c.endheaders()
    assert c.getresponse().status == 413
    r, j = ask(connect(p), "PUT", path, iter([b"x" * 65536] * 20))
    assert r.status == 413 and "TWELVE_MAX_UPLOAD" in j["message"]
    wait_for(lambda: not [f for f in (p.state / "sources").iterdir() if f.suffix != ".awaited"], "nothing to be left")


def test_garbage_is_collected_while_the_api_answers(own_platform, monkeypatch):
    # With stacks of its own: those of the other tests are in nobody's use here.
    monkeypatch.delenv("TWELVE_STACK_CACHE", raising=False)
    platform = own_platform(TWELVE_PREPARE_STACKS="0")
    slug = platform.state / "slugs" / ("ab" * 32) / "app"
    for i in range(200):
        (slug / str(i)).mkdir(parents=True)
        (slug / str(i) / "f").write_text("x")
    # It was a release's, and is none's any more: what no row ever knew would stay a week.
    with sqlite3.connect(platform.state / "twelve.db", timeout=180) as db:
        db.execute("INSERT INTO gone (kind, id, name, at_ms) VALUES ('slug', ?, '', 1)", ("ab" * 32,))
    done = []
    t = threading.Thread(target=lambda: done.append(platform.api("POST", "/twelve/gc")))
    t.start()
    while t.is_alive():
        assert platform.api("GET", "/account")[0] == 200
    status, j = done[0]
    assert status == 200 and j["slugs"] == 1, j
    assert not slug.exists()
    # A client that goes away meanwhile does no harm.
    c = connect(platform)
    c.request("POST", "/twelve/gc")
    c.close()
    wait_for(lambda: platform.api("POST", "/twelve/gc")[0] == 200, "the next one")


# ---- resources


def test_apps(platform):
    status, a = platform.api("POST", "/apps", {})
    assert status == 201 and re.fullmatch(r"[a-z]+-[a-z]+-\d+", a["name"])
    assert platform.api("GET", f"/apps/{a['id']}")[1]["name"] == a["name"]
    status, j = platform.api("POST", "/apps", {"name": a["name"]})
    assert status == 422 and "taken" in j["message"]
    assert pathlib.Path(a["twelve"]["git_path"]).is_dir()
    status, b = platform.api("PATCH", f"/apps/{a['name']}", {"name": "renamed-app", "maintenance": True})
    assert status == 200 and b["maintenance"] is True and b["id"] == a["id"]
    assert not pathlib.Path(a["twelve"]["git_path"]).exists() and pathlib.Path(b["twelve"]["git_path"]).is_dir()
    assert platform.api("GET", f"/apps/{a['name']}")[0] == 404
    status, j = platform.api("PATCH", "/apps/renamed-app", {"build_stack": "solaris"})
    assert status == 422 and "debian-12" in j["message"]
    assert platform.api("PATCH", "/apps/renamed-app", {"build_stack": "debian-12"})[0] == 200
    assert platform.api("DELETE", f"/apps/{a['id']}")[0] == 200
    assert platform.api("GET", "/apps/renamed-app/releases")[0] == 404
    assert not pathlib.Path(b["twelve"]["git_path"]).exists()
    assert platform.api("GET", "/apps/none-such/addons")[0] == 404


def test_config_changes_make_releases_all_or_nothing(bare):
    platform, _ = bare
    before = platform.releases("http-bare")[0]["version"]
    assert platform.api("PATCH", "/apps/http-bare/config-vars", {"GOOD": "1", "BAD-KEY": "2"})[0] == 422
    assert platform.api("PATCH", "/apps/http-bare/config-vars", {"GOOD": 1})[0] == 422
    assert "GOOD" not in platform.api("GET", "/apps/http-bare/config-vars")[1]
    status, vars = platform.api("PATCH", "/apps/http-bare/config-vars", {"GOOD": "yes", "N": None})
    assert status == 200 and vars["GOOD"] == "yes" and "N" not in vars
    newest = platform.releases("http-bare")[0]
    assert newest["version"] == before + 1 and newest["current"]
    assert newest["description"] == "Set GOOD and remove N config vars"
    # The same again is no change.
    assert platform.api("PATCH", "/apps/http-bare/config-vars", {"GOOD": "yes"})[0] == 200
    assert platform.releases("http-bare")[0]["version"] == before + 1
    assert "N" in platform.api("GET", f"/apps/http-bare/releases/{before}/config-vars")[1]
    assert platform.api("GET", f"/apps/http-bare/releases/{newest['id']}")[1]["version"] == before + 1


def test_formation_before_a_deploy(bare):
    platform, _ = bare
    assert platform.api("GET", "/apps/http-bare/formation") == (200, [])
    status, j = platform.api("PATCH", "/apps/http-bare/formation", {"updates": [{"type": "web", "quantity": "2"}]})
    assert status == 404 and "deployed" in j["message"]
    status, j = platform.api("POST", "/apps/http-bare/dynos", {"command": "ls"})
    assert status == 422 and "deployed" in j["message"]


def test_a_sentence_names_what_is_wrong(bare):
    platform, _ = bare
    for method, path, body, words in (
            ("PATCH", "/formation/web%FF", {"quantity": 1}, "web\ufffd"), ("PATCH", "/formation", {"updates": []}, '"updates" is empty'),
            ("POST", "/builds", {"source_blob": {}}, '"source_blob.url" is missing'), ("POST", "/builds", {"source_blob": {"url": 1}}, '"source_blob.url" must be a string')):
        status, e = platform.api(method, "/apps/http-bare" + path, body)
        assert 400 <= status < 500 and words in e["message"], (status, e)


def test_domains(bare):
    platform, _ = bare
    status, d = platform.api("POST", "/apps/http-bare/domains", {"hostname": "WWW.Example.com", "sni_endpoint": None})
    assert status == 201 and d["hostname"] == "www.example.com" and d["kind"] == "custom"
    assert [x["hostname"] for x in platform.api("GET", "/apps/http-bare/domains")[1]] == [
        "http-bare.localhost", "www.example.com"]
    assert platform.api("POST", "/apps/http-bare/domains", {"hostname": "www.example.com"})[0] == 422
    assert platform.api("POST", "/apps/http-bare/domains", {"hostname": "other.localhost"})[0] == 422
    assert platform.api("POST", "/apps/http-bare/domains", {"hostname": "no_host"})[0] == 422
    assert platform.api("DELETE", "/apps/http-bare/domains/www.example.com")[0] == 200
    assert platform.api("GET", "/apps/http-bare/domains/www.example.com")[0] == 404


def test_keys(platform, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada laptop", "-f", str(tmp_path / "k")], check=True)
    key = (tmp_path / "k.pub").read_text()
    status, k = platform.api("POST", "/account/keys", {"public_key": key})
    assert status == 201 and k["fingerprint"].startswith("SHA256:")
    assert key.split()[1] in (platform.state / "ssh" / "authorized_keys").read_text()
    assert platform.api("POST", "/account/keys", {"public_key": key})[0] == 422
    assert platform.api("POST", "/account/keys", {"public_key": "ssh-rsa nonsense"})[0] == 422
    from urllib.parse import quote
    assert platform.api("DELETE", "/account/keys/" + quote(k["fingerprint"], safe=""))[0] == 200
    assert key.split()[1] not in (platform.state / "ssh" / "authorized_keys").read_text()


def test_log_lines_of_changes(bare):
    platform, _ = bare
    status, s = platform.api("POST", "/apps/http-bare/log-sessions", {"lines": 200, "source": "app"})
    text = platform.api("GET", "/" + s["logplex_url"].split("/", 3)[3], headers={"Accept": "text/plain"})[1]
    assert "app[api]: Set N config vars by " in text
    assert "app[api]: Release v2 created by " in text


def test_status(platform):
    status, s = platform.api("GET", "/twelve/status")
    assert status == 200
    assert s["version"] and s["runtime"]["path"] and isinstance(s["router"]["settled"], bool)
    # Whether there are any is a matter of the machine.
    assert isinstance(s["loop"]["holds"], int) and bool(s["loop"]["longest_by"]) == (s["loop"]["longest_ms"] > 0) == (s["loop"]["holds"] > 0), s


# ---- with something deployed


def frame(kind, payload=b""):
    return kind + len(payload).to_bytes(4, "big") + payload


def read_frames(s):
    """All frames up to the exit code, which is thanked for: {kind: bytes}."""
    frames = {}
    while b"x" not in frames:
        kind, n = struct.unpack(">cI", s.recv(5, socket.MSG_WAITALL))
        frames[kind] = frames.get(kind, b"") + s.recv(n, socket.MSG_WAITALL)
    s.sendall(frame(b"h"))
    return frames


def upgrade(platform, url):
    s = connect(platform).sock
    path = "/" + url.split("/", 3)[3]
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: twelve-attach\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += s.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return s


def test_a_session_outlives_twelved(own_platform, tmp_path):
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("sessions", where)
    p.push(where)
    status, dyno = p.api("POST", "/apps/sessions/dynos", {"command": "cat; exit 5", "attach": True, "force_no_tty": True})
    assert status == 201 and dyno["name"] == "run.1"
    s = upgrade(p, dyno["twelve"]["attach_url"])
    kind, n = struct.unpack(">cI", s.recv(5, socket.MSG_WAITALL))
    assert kind == b"r" and len(s.recv(n, socket.MSG_WAITALL).split()) == 3, "the session says which it is"
    s.sendall(frame(b"i", b"before\n"))
    assert s.recv(12, socket.MSG_WAITALL) == frame(b"o", b"before\n"), "the dyno has the session"
    p.kill9()
    s.sendall(frame(b"i", b"after\n") + frame(b"i"))
    frames = read_frames(s)
    assert frames[b"o"] == b"after\n" and frames[b"x"].split()[0] == b"5"
    p.start()


def test_attaching_takes_an_upgrade(app):
    platform, name, _ = app
    status, dyno = platform.api("POST", f"/apps/{name}/dynos", {"command": "sleep 60", "attach": True, "force_no_tty": True})
    assert status == 201
    path = "/" + dyno["twelve"]["attach_url"].split("/", 3)[3]
    status, j = platform.api("GET", path)
    assert status == 400 and "Upgrade" in j["message"]
    status, j = platform.api("GET", f"/apps/{name}/dynos/web.1/attach", headers={"Upgrade": "twelve-attach"})
    assert status == 409
    s = upgrade(platform, dyno["twelve"]["attach_url"])
    s.sendall(frame(b"h"))
    while s.recv(65536):
        pass
    s.close()
    wait_for(lambda: not [d for d in platform.dynos(name) if d["type"] == "run"], "the session to end")
    for body, word in (({"command": ""}, "command"), ({"command": "ls", "size": "huge"}, "huge"),
                       ({"command": "ls", "env": {"A=B": "x"}}, "A=B"), ({"command": "ls", "env": {"A": ["x"]}}, "A"),
                       ({"command": "x" * 40000}, "command"), ({"command": "ls", "time_to_live": 0}, "time_to_live")):
        status, j = platform.api("POST", f"/apps/{name}/dynos", body)
        assert status == 422 and word in j["message"], j


def test_scaling_by_the_api(app):
    platform, name, _ = app

    def scale(*updates):
        return platform.api("PATCH", f"/apps/{name}/formation", {"updates": list(updates)})

    types = {f["type"]: f for f in platform.api("GET", f"/apps/{name}/formation")[1]}
    assert set(types) == {"web", "worker"}, "the release type is none to scale"
    assert len({f["id"] for f in types.values()}) == 2
    status, rows = scale({"type": "web", "quantity": "+1", "size": "STANDARD-2x"}, {"type": "worker", "quantity": 1})
    assert status == 200 and [(f["type"], f["quantity"], f["size"]) for f in rows] == [
        ("web", 2, "Standard-2X"), ("worker", 1, "Standard-1X")]
    # One mistake changes nothing.
    for wrong in ({"type": "webb", "quantity": 1}, {"type": "worker", "quantity": 10000}, {"type": "worker", "quantity": "two"},
                  {"type": "worker", "size": "huge"}, {"type": "worker", "quantity": -1}, {"type": "release", "quantity": 1}, 7):
        status, j = scale({"type": "web", "quantity": 9}, wrong)
        assert status in (404, 422), j
    assert platform.api("GET", f"/apps/{name}/formation/web")[1]["quantity"] == 2
    status, f = platform.api("PATCH", f"/apps/{name}/formation/web", {"quantity": "-5"})
    assert status == 200 and f["quantity"] == 0
    assert scale({"type": "web", "quantity": "1"}, {"type": "worker", "quantity": "0"})[0] == 200
    wait_for(lambda: [d["name"] for d in platform.dynos(name)] == ["web.1"], "one dyno")


def test_releases_by_the_api(app):
    platform, name, _ = app
    newest = platform.releases(name)[0]
    assert newest["slug"]["id"] and newest["eligible_for_rollback"] and len(newest["twelve"]["slug"]) == 64
    # What the release command wrote, by the URL alone.
    text = platform.api("GET", "/" + newest["output_stream_url"].split("/", 3)[3])[1]
    assert "releasing v2" in text
    platform.api("PATCH", f"/apps/{name}/config-vars", {"A": "1"})
    wait_for(lambda: platform.releases(name)[0]["status"] == "succeeded", "v3")
    for which in (newest["id"], "v2", "2"):
        status, r = platform.api("POST", f"/apps/{name}/releases", {"release": which})
        assert status == 201 and r["description"] == "Rollback to v2", r
    assert platform.api("GET", f"/apps/{name}/config-vars")[1] == {}
    for which, word in (("v1", "deployed"), ("v99", "99"), ("last", "last"), (7, "string")):
        status, j = platform.api("POST", f"/apps/{name}/releases", {"release": which})
        assert status in (404, 422) and word in j["message"], j


# ---- the wire's small print


def test_what_has_not_changed_is_not_sent_again(bare):
    platform, _ = bare
    c = connect(platform)
    for path in ("/apps/http-bare", "/apps", "/account", "/stacks"):
        r, first = ask(c, "GET", path)
        etag = r.getheader("ETag")
        assert r.status == 200 and re.fullmatch(r'"[0-9a-f]{32}"', etag), path
        r, body = ask(c, "GET", path, headers={"If-None-Match": f'"x", W/{etag}'})
        assert (r.status, body, r.getheader("ETag")) == (304, b"", etag), path
        r, again = ask(c, "GET", path, headers={"If-None-Match": '"x"'})
        assert (r.status, again) == (200, first)
    r, _ = ask(c, "GET", "/apps/http-bare")
    platform.api("PATCH", "/apps/http-bare", {"maintenance": True})
    changed, app = ask(c, "GET", "/apps/http-bare", headers={"If-None-Match": r.getheader("ETag")})
    assert changed.status == 200 and app["maintenance"] is True
    platform.api("PATCH", "/apps/http-bare", {"maintenance": False})
    # What changes something has none.
    r, _ = ask(c, "PATCH", "/apps/http-bare", "{}")
    assert r.status == 200 and r.getheader("ETag") is None


def test_head(bare):
    platform, _ = bare
    c = connect(platform)
    for path, status in (("/apps/http-bare", 200), ("/apps/none-such", 404), ("/nothing", 404)):
        get, body = ask(c, "GET", path)
        c.request("HEAD", path)
        head = c.getresponse()
        nothing = head.read()
        assert (head.status, nothing) == (status, b"")
        assert head.getheader("ETag") == get.getheader("ETag")
        assert head.getheader("Content-Length") == get.getheader("Content-Length")


def test_accept(bare):
    platform, _ = bare
    c = connect(platform)
    for accept in ("*/*", "application/json", "application/vnd.heroku+json; version=3.sdk", "text/html, */*;q=0.1", V3):
        r, j = ask(c, "GET", "/apps/http-bare", headers={"Accept": accept})
        assert (r.status, j["name"], r.getheader("Content-Type")) == (200, "http-bare", "application/json"), accept
    for accept in ("text/html", "application/vnd.heroku+json; version=2"):
        r, j = ask(c, "GET", "/apps/http-bare", headers={"Accept": accept})
        assert (r.status, j["id"]) == (406, "not_acceptable") and "version=3" in j["message"], accept


def test_lists_go_in_pages(bare):
    platform, _ = bare
    for i in range(4):
        assert platform.api("PATCH", "/apps/http-bare/config-vars", {"PAGE": str(i)})[0] == 200
    c = connect(platform)
    r, releases = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": "version 2..4; max=2"})
    assert r.status == 206 and [x["version"] for x in releases] == [2, 3]
    assert r.getheader("Content-Range") == "version 2..3"
    assert set(r.getheader("Accept-Ranges").split(", ")) == {"version", "id", "created_at", "updated_at"}
    r, releases = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": r.getheader("Next-Range")})
    assert r.status == 200 and [x["version"] for x in releases] == [4] and r.getheader("Next-Range") is None
    # The newest few, and beside them by another property than the store's own order.
    for by, expected in (("version ..; order=desc, max=2", None), ("id ..; order=desc, max=2", "id"), ("created_at ..; order=desc, max=1", "created_at")):
        _, whole = ask(c, "GET", "/apps/http-bare/releases")
        r, page = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": by})
        key = expected or "version"
        assert page == sorted(whole, key=lambda x: (x[key], x["id"]), reverse=True)[:len(page)] and r.status == 206
    for path in ("/apps", "/dyno-sizes", "/stacks", "/regions", "/account/keys", "/addon-services", "/twelve/users"):
        r, whole = ask(c, "GET", path)
        assert r.status == 200
        seen, following = [], "id ..; max=1"
        while following:
            r, page = ask(c, "GET", path, headers={"Range": following})
            seen += page
            following = r.getheader("Next-Range")
            assert r.status == (206 if following else 200)
        assert sorted(x["id"] for x in whole) == [x["id"] for x in seen], path
    for odd in ("nothing ..", "version ..; max=0", "version 3", "version ..; order=up"):
        r, j = ask(c, "GET", "/apps/http-bare/releases", headers={"Range": odd})
        assert (r.status, j["id"]) == (416, "requested_range_not_satisfiable"), odd
        assert len(j["message"]) > 20
    for ignored in ("", "bytes=0-10", ";"):
        assert ask(c, "GET", "/apps/http-bare/releases", headers={"Range": ignored})[0].status == 200


def test_messages_are_one_line_of_text(platform):
    c = connect(platform)
    for path in ("/apps/a%0Ab", "/apps/%FF%FE", "/apps/%00", "/apps/" + "x" * 4000, "/%0d%0a"):
        r, j = ask(c, "GET", path)
        assert r.status == 404 and len(j["message"]) > 10 and not re.search(r"[\x00-\x1f]", j["message"]), path


def by_token(platform, token, method, path, body=None):
    c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
    r, j = ask(c, method, path, json.dumps(body) if body is not None else None, {"Authorization": f"Bearer {token}"})
    c.close()
    return r, j


def test_tokens_for_less_than_everything(bare):
    platform, _ = bare
    platform.api("PATCH", "/apps/http-bare/config-vars", {"HUSH": "x"})
    # scope: (what it reads, what it changes)
    cells = {"global": ("account app config keys", "app config keys"), "identity": ("account", ""), "read": ("app", ""), "write": ("app", "app"),
             "read-protected": ("app config", ""), "write-protected": ("app config", "app config")}
    paths = {"account": "/account", "app": "/apps/http-bare", "config": "/apps/http-bare/config-vars", "keys": "/account/keys"}
    for scope, (reads, changes) in cells.items():
        status, made = platform.api("POST", "/oauth/authorizations", {"scope": [scope]})
        assert status == 201 and made["scope"] == [scope]
        token = made["access_token"]["token"]
        for name, path in paths.items():
            r, j = by_token(platform, token, "GET", path)
            assert r.status == (200 if name in reads.split() else 403), (scope, path, j)
            assert r.getheader("Oauth-Scope") == scope
            if name == "account":
                continue
            r, j = by_token(platform, token, "POST" if name == "keys" else "PATCH", path, {})
            assert (r.status == 403) == (name not in changes.split()), (scope, path, j)
            assert r.status != 403 or "scope" in j["message"] and scope in j["message"]
        # None makes one that is for more.
        assert by_token(platform, token, "POST", "/oauth/authorizations", {})[0].status == (201 if scope == "global" else 403)
        platform.api("DELETE", f"/oauth/authorizations/{made['id']}")
    assert platform.api("POST", "/oauth/authorizations", {"scope": ["everything"]})[0] == 422
    assert platform.api("POST", "/oauth/authorizations", {"scope": [3]})[0] == 422


def test_scopes_on_the_command_line(bare):
    platform, _ = bare
    made = json.loads(platform.cli("authorizations:create", "-s", "read,identity", "--json").out)
    assert made["scope"] == ["identity", "read"]
    env = {"TWELVE_HOST": f"http://127.0.0.1:{platform.api_port}", "TWELVE_API_KEY": made["access_token"]["token"]}
    assert "http-bare" in platform.cli("apps", env=env).out
    r = platform.cli("config:set", "A=1", "-a", "http-bare", env=env, check=False)
    assert r.code == 1 and "scope" in r.err
    r = platform.cli("authorizations:create", "-s", "everything", check=False)
    assert r.code == 2 and "read-protected" in r.err


def test_a_token_gets_another_secret(bare):
    platform, _ = bare
    made = platform.api("POST", "/oauth/authorizations", {"description": "first", "scope": ["identity"]})[1]
    old = made["access_token"]["token"]
    assert platform.api("PATCH", f"/oauth/authorizations/{made['id']}", {"description": "second"})[1]["description"] == "second"
    status, again = platform.api("POST", f"/oauth/authorizations/{made['id']}/actions/regenerate-tokens")
    new = again["access_token"]["token"]
    assert status == 201 and new != old and (again["id"], again["description"], again["scope"]) == (made["id"], "second", ["identity"])
    assert by_token(platform, old, "GET", "/account")[0].status == 401
    assert by_token(platform, new, "GET", "/account")[0].status == 200
    shown = platform.api("GET", f"/oauth/authorizations/{made['id']}")[1]["access_token"]["token"]
    assert shown == new[:7] + "*" * 10 + new[-4:]
    platform.api("DELETE", f"/oauth/authorizations/{made['id']}")
    for method, path in (("PATCH", ""), ("POST", "/actions/regenerate-tokens"), ("GET", ""), ("DELETE", "")):
        assert platform.api(method, f"/oauth/authorizations/{made['id']}{path}")[0] == 404


def test_one_of_what_there_is_to_choose_from(platform):
    for kind, name in (("stacks", "debian-12"), ("regions", "us"), ("dyno-sizes", "Standard-1X")):
        row = next(x for x in platform.api("GET", f"/{kind}")[1] if x["name"] == name)
        for which in (name, name.upper(), row["id"]):
            assert platform.api("GET", f"/{kind}/{which}") == (200, row)
        assert platform.api("GET", f"/{kind}/none-such")[0] == 404


def test_a_token_has_so_many_requests(own_platform):
    """Over TCP only, each token for itself; the socket is not counted."""
    platform = own_platform(TWELVE_RATE_LIMIT="60")
    tokens = [platform.api("POST", "/oauth/authorizations", {})[1]["access_token"]["token"] for _ in range(2)]

    def get(path, token=tokens[0]):
        c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
        answer = ask(c, "GET", path, headers={"Authorization": f"Bearer {token}"})
        c.close()
        return answer

    assert get("/account/rate-limits")[1] == {"remaining": 60}
    left = []
    # One comes back each minute, so that it is not at once that there is none.
    while (r := get("/account"))[0].status == 200:
        left.append(int(r[0].getheader("RateLimit-Remaining")))
        assert len(left) < 1000
    assert left[0] == 59 and left[-1] == 0
    assert (r[0].status, r[1]["id"], r[0].getheader("RateLimit-Remaining")) == (429, "rate_limit", "0") and r[0].getheader("Retry-After")
    assert "TWELVE_RATE_LIMIT" in r[1]["message"]
    assert get("/account/rate-limits")[0].status == 200
    assert get("/account", tokens[1])[0].getheader("RateLimit-Remaining") == "59"
    c = connect(platform)
    assert all(ask(c, "GET", "/account")[0].status == 200 for _ in range(70))
    assert ask(c, "GET", "/account")[0].getheader("RateLimit-Remaining") is None
    assert ask(c, "GET", "/account/rate-limits")[1] == {"remaining": 60}
