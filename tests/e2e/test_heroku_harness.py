# SPDX-License-Identifier: Apache-2.0
"""What the other tests with the heroku CLI stand on: that faults would be seen."""
import copy
import json
import re
import socket

import pytest

import api_schema
from conftest import ROOT
from wire import Exchange, Tap, exchanges


@pytest.fixture(scope="module")
def schema():
    return api_schema.Schema()


def answered(method, path, body, status=200, kind="application/json"):
    e = Exchange(((method, path, "HTTP/1.1"), {}, b""),
                 (("HTTP/1.1", str(status), "OK"), {"content-type": kind}, body if isinstance(body, bytes) else json.dumps(body).encode()))
    e.whole = True
    return e


def test_faults_of_answers_are_found(platform, schema):
    good = platform.api("GET", "/account")[1]
    assert schema.faults(answered("GET", "/account", good)) == []

    def faults(change, path="/account", **more):
        body = copy.deepcopy(good)
        change(body)
        return " ".join(schema.faults(answered("GET", path, body, **more)))

    assert "verified is missing" in faults(lambda a: a.pop("verified"))
    assert "surplus is not in the schema" in faults(lambda a: a.update(surplus=1))
    assert faults(lambda a: a.update(twelve=1)) == ""
    assert "is not a 'uuid'" in faults(lambda a: a.update(id="7"))
    assert "is not a 'date-time'" in faults(lambda a: a.update(created_at="yesterday"))
    assert "is not a 'email'" in faults(lambda a: a.update(email="ada"))
    assert "is not of type" in faults(lambda a: a.update(beta="no"))
    assert "not JSON" in faults(lambda a: None, kind="text/plain")
    assert "no link" in faults(lambda a: None, path="/accounts")
    assert "is not of type 'array'" in " ".join(schema.faults(answered("GET", "/apps", {})))
    assert "'message' is a required property" in " ".join(schema.faults(answered("GET", "/apps", {"id": "not_found"}, status=404)))
    assert schema.faults(answered("GET", "/apps", {"id": "not_found", "message": "No."}, status=404)) != []
    assert "not JSON" in " ".join(schema.faults(answered("GET", "/apps", b"[", status=200)))


def test_exceptions_are_of_use(schema):
    """An exception that names nothing in the schema is a mistyped or an old one."""
    for resource, member in api_schema.OTHER:
        assert member in schema.root["definitions"][resource]["properties"], (resource, member)
    for resource, path in api_schema.EXTRA:
        at = schema.root["definitions"].get(resource, {})
        for member in path.split("."):
            at = at.get("properties", {}).get(member, {})
        assert not at, (resource, path)
    for method, pattern in api_schema.UNLISTED:
        for one in method.strip("()").split("|"):
            assert not schema.link(one, pattern.replace("[^/]+", "x").replace(".*", "x")), (one, pattern)


def test_each_endpoint_has_a_shape_to_be_held_to(schema):
    sources = "".join(f.read_text() for f in (ROOT / "src/daemon/api").rglob("*.c"))
    rows = re.findall(r'^\t\{ "([A-Z]+)", "(/[^"]*)"', sources, re.M)
    assert len(rows) > 240
    unknown = [(m, p) for m, p in rows if not schema.target(answered(m, re.sub(r":\w+", "x", p), {}))]
    assert not unknown, "neither in Heroku's schema nor among the exceptions of api_schema.py"


def test_recorded_bytes_are_read():
    sent = (b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" b"GET /b?c=d HTTP/1.1\r\n\r\n" b"DELETE /e HTTP/1.1\r\n\r\n")
    answers = (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n" b"HTTP/1.1 204 No Content\r\n\r\n" b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    a, b, c = exchanges(sent, answers)
    assert (a.method, a.path, a.status, a.answer, a.body) == ("POST", "/a", 201, [1, 2], b"{}")
    assert (b.path, b.query, b.status) == ("/b", "c=d", 204)
    assert (c.status, c.whole) == (200, False)


def test_the_tap_changes_nothing(platform):
    listener = socket.create_server(("127.0.0.1", 0))
    tap = Tap(listener, lambda: socket.create_connection(("127.0.0.1", platform.api_port)))
    with socket.create_connection(listener.getsockname()) as s:
        s.sendall(b"GET /account HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: s.recv(4096), b""))
    assert text.startswith(b"HTTP/1.1 401 ")
    (e,) = tap.collect()
    assert e.status == 401 and e.answer["id"] == "unauthorized" and text.endswith(e.answer_body)
    tap.stop()


def test_nothing_leaves_and_attempts_are_seen(heroku):
    p = heroku.popen("getent", "hosts", "particleboard.heroku.com")
    assert p.wait() != 0
    with pytest.raises(AssertionError, match="particleboard.heroku.com"):
        heroku.looked_at("getent")
    p = heroku.popen("ip", "route", "get", "192.0.2.1", stderr=-1, stdout=-1)
    assert "unreachable" in p.communicate()[1]


def test_the_variables_matter(heroku):
    """Without them the CLI would tell Heroku the token (section 1 of the CLI's wire facts): that is what the place catches."""
    with pytest.raises(AssertionError, match="particleboard.heroku.com"):
        heroku("auth:whoami", env={"HEROKU_PARTICLEBOARD_URL": ""}, code=None)


def test_what_is_left_out_changes_nothing(heroku):
    """The library for telemetry: the same words, requests and exit status with it, and a call of it would be seen."""
    for args, app in ((["auth:whoami"], None), (["config"], "none-such")):
        whole, lean = (heroku(*args, app=app, code=None, env=env) for env in ({"NODE_OPTIONS": ""}, {}))
        assert (lean.code, lean.out, lean.err) == (whole.code, whole.out, whole.err) and "was called" not in lean.err
        assert list(map(repr, lean.exchanges)) == list(map(repr, whole.exchanges)) != []
    p = heroku.popen("node", "--input-type=module", "-e", "import {init} from '@sentry/node'; init()", stderr=-1, cwd=heroku.where)
    assert "init of @sentry/node was called" in p.communicate()[1] and p.returncode == 70
