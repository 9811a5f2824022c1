# SPDX-License-Identifier: Apache-2.0
"""The three examples: real packages from PyPI, npm and Debian; deploy, scale, config, rollback, run, logs."""
import re
import socket
import subprocess

import pytest

from conftest import ROOT, wait_for

EXAMPLES = {
    "flask": ("python -c \"import flask; print(flask.__version__)\"", "2.0.0"),
    "express": ("node -p \"require('express/package.json').name\"", "express"),
    "c": ("ls /usr/lib/*/libmicrohttpd.so*", "libmicrohttpd"),
}


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def example(request, platform, tmp_path_factory):
    name = f"ex-{request.param}"
    where = platform.repo(tmp_path_factory.mktemp(name), ROOT / "examples" / request.param)
    platform.create(name, where)
    pushed = platform.push(where)
    yield request.param, name, where, pushed
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)


def test_deploys_and_answers(platform, example):
    kind, name, _, pushed = example
    assert re.search(r"web\.1 is up", pushed.err), pushed.err
    status, text = platform.get(name)
    assert status == 200 and "Hello" in text


def test_scales_takes_config_rolls_back(platform, example):
    _, name, _, _ = example
    platform.cli("ps:scale", "web=3", "worker=1", "-a", name)
    wait_for(lambda: len(platform.up(name)) == 3 and platform.up(name, "worker"), "three web and one worker")
    platform.cli("config:set", "GREETING=Salve", "-a", name)
    assert "Salve" in platform.get(name)[1]
    platform.cli("rollback", "-a", name)
    assert "Hello" in platform.get(name)[1]
    platform.cli("ps:scale", "web=1", "worker=0", "-a", name)
    wait_for(lambda: len(platform.dynos(name)) == 1, "one dyno")


def test_runs_one_offs_and_logs(platform, example):
    kind, name, _, _ = example
    command, expected = EXAMPLES[kind]
    r = platform.cli("run", "-a", name, "--", "sh", "-c", command)
    assert expected in r.out
    assert f"app[web.1]" in platform.cli("logs", "-n", "200", "-a", name).out


def test_a_second_push_is_quick_in_the_build(platform, example):
    kind, name, where, _ = example
    (where / "README.md").write_text("changed\n")
    platform.commit(where, "one line")
    pushed = platform.push(where)
    assert "is up" in pushed.err
    assert platform.get(name)[0] == 200


def test_what_c_does_not_declare_is_not_there(platform, example):
    kind, name, _, _ = example
    if kind == "c":
        for missing in ("gcc", "make", "python3", "node", "git"):
            r = platform.cli("run", "-a", name, "--", "sh", "-c", f"command -v {missing}", check=False)
            assert r.code != 0, f"{missing} is in the sandbox: {r}"
        r = platform.cli("run", "-a", name, "--", "sh", "-c", "ls /usr/lib/*/libsodium*", check=False)
        assert r.code != 0


def test_a_requirement_that_does_not_exist(platform, tmp_path):
    where = platform.repo(tmp_path, ROOT / "examples" / "flask")
    requirements = where / "requirements.txt"
    requirements.write_text(requirements.read_text() + "no-such-package-at-all==1.2.3\n")
    platform.commit(where, "asks for what is not there")
    platform.create("no-such-req", where)
    pushed = platform.push(where, check=False)
    assert pushed.code != 0 and "no-such-package-at-all" in pushed.err and "rejected" in pushed.err


def test_a_package_in_the_aptfile_that_does_not_exist(platform, tmp_path):
    where = platform.repo(tmp_path, ROOT / "examples" / "c")
    (where / "Aptfile").write_text("libmicrohttpd-dev\nno-such-debian-package\n")
    platform.commit(where, "asks for what is not there")
    platform.create("no-such-pkg", where)
    pushed = platform.push(where, check=False)
    assert pushed.code != 0 and "no-such-debian-package" in pushed.err


def test_websockets_and_streams(platform, example):
    kind, name, _, _ = example
    if kind != "express":
        return
    import http.client
    import time
    c = http.client.HTTPConnection("127.0.0.1", platform.http_port, timeout=180)
    c.request("GET", "/stream?n=5", headers={"Host": f"{name}.localhost"})
    r = c.getresponse()
    began = time.monotonic()
    first = r.read1(10)
    early = time.monotonic() - began
    r.read()
    assert first and time.monotonic() - began > early + 0.2, "chunks come one by one"
    assert websocket_echo(platform, name, "/ws", b"ping")


def websocket_echo(p, name, path, text):
    """What comes back for one text frame (RFC 6455), through the router."""
    with socket.create_connection(("127.0.0.1", p.http_port), timeout=60) as s:
        s.sendall((f"GET {path} HTTP/1.1\r\nHost: {name}.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        f = s.makefile("rb")
        assert f.readline().startswith(b"HTTP/1.1 101")
        while f.readline().strip():
            pass
        s.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        head = f.read(2)
        assert head[0] == 0x81, head
        return f.read(head[1] & 0x7f)


def test_gunicorn_with_an_import_that_fails_is_not_live(platform, tmp_path):
    """Its master binds $PORT and gives up on its workers only afterwards."""
    where = platform.repo(tmp_path, ROOT / "examples" / "flask")
    platform.create("ex-unimportable", where)
    app = (where / "app.py").read_text()
    (where / "app.py").write_text("import frobnicator\n" + app)
    platform.commit(where, "imports what is not there")
    pushed = platform.push(where, check=False)
    assert pushed.code != 0 and "rejected" in pushed.err, pushed
    # 3, or 1 when its master trips over its own end.
    assert re.search(r"web\.1 exited with status [13] after", pushed.err) and "TWELVE_CHECK" not in pushed.err and "No module named 'frobnicator'" in pushed.err, pushed
    assert platform.releases("ex-unimportable")[0]["status"] == "failed"
    (where / "app.py").write_text(app)
    platform.commit(where, "imports what is there")
    platform.push(where)
    assert platform.get("ex-unimportable")[0] == 200
