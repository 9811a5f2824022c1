# SPDX-License-Identifier: Apache-2.0
"""The log stream as a user sees it: merged, stamped, filtered, tailed through deploys."""
import json
import re
import resource
import select
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
import uuid

import pytest

import receivers
from conftest import wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (app|heroku)\[[^\]]+\]: ")


def test_lines_and_filters(app):
    platform, name, _ = app
    platform.get(name, "/status/404")
    wait_for(lambda: "GET /status/404" in platform.cli("logs", "-a", name).out, "the app's line")
    lines = platform.cli("logs", "-n", "100", "-a", name).out.splitlines()
    assert all(LINE.match(line) for line in lines), lines
    text = "\n".join(lines)
    assert "app[api]: Release v2 created" in text
    assert "heroku[web.1]: Starting process with command `perl server.pl`" in text
    assert "heroku[web.1]: State changed from starting to up" in text
    assert "app[release.2]: releasing v2" in text
    wait_for(lambda: re.search(r'heroku\[router\]: at=info method=GET path="/status/404" host=\S+ .*dyno=web\.1 .*status=404',
                               platform.cli("logs", "-a", name).out), "the router's line")
    only = platform.cli("logs", "-a", name, "--dyno", "web.1").out.splitlines()
    assert only and all("[web.1]:" in line for line in only)
    only = platform.cli("logs", "-a", name, "--source", "heroku").out.splitlines()
    assert only and all(" heroku[" in line for line in only)
    assert len(platform.cli("logs", "-n", "2", "-a", name).out.splitlines()) == 2
    # What is not there is told to people, not to programs.
    r = platform.cli("logs", "-a", name, "-d", "web.9")
    assert r.out == "" and f"No log lines from web.9 ({name} keeps its most recent lines only). twelve ps -a {name} lists the dynos" in r.err, r
    assert f"No matching log lines ({name}" in platform.cli("logs", "-a", name, "--release", "v99").err
    assert platform.cli("logs", "-a", name, "-d", "web.9", "--json").err == ""
    assert platform.cli("logs", "-a", name, "-d", "web.1").err == ""


def test_a_tail_goes_on_through_a_deploy(app):
    platform, name, _ = app
    tail = subprocess.Popen([platform.program("twelve"), "logs", "--tail", "-a", name], env=platform.env,
                            stdout=subprocess.PIPE, text=True)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(tail.stdout.readline, "")), daemon=True)
    reader.start()
    wait_for(lambda: any("hello from web.1" in s for s in seen), "the tail to begin")
    platform.cli("config:set", "A=1", "-a", name)
    wait_for(lambda: sum("hello from web.1" in s for s in seen) == 2, "the new dyno's line")
    wait_for(lambda: any("bye from web.1" in s for s in seen), "the old dyno's last line")
    tail.terminate()
    tail.wait()
    assert sum("bye from web.1" in s for s in seen) == 1


def test_config_values_are_in_no_log(app):
    platform, name, _ = app
    platform.cli("config:set", "SECRET_KEY=sesame-4711", "-a", name)
    assert "sesame-4711" not in platform.cli("logs", "-n", "1500", "-a", name).out
    platform.log.flush()
    assert "sesame-4711" not in open(platform.log.name).read()
    found = subprocess.run(["grep", "-rl", "sesame-4711", str(platform.state), str(platform.run)],
                           capture_output=True, text=True)
    assert found.stdout == "", "no file holds a secret in clear"
    for line in subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout.splitlines():
        assert "sesame-4711" not in line or "grep" in line


def test_a_line_that_is_not_utf_8(app):
    """One byte is lost, and nothing else of the line."""
    p, name, _ = app

    def line():
        rows = [json.loads(row) for row in p.cli("logs", "-a", name, "--json", "-n", "500").out.splitlines()]
        return [row for row in rows if row.get("text", "").startswith("before ")]
    p.cli("run:detached", "-a", name, "--", "perl", "-e", r"""print "before \xff after \xc3\xbc\n";""")
    row = wait_for(line, "the line")[0]
    assert row["text"] == "before \ufffd after ü" and row["dyno"].startswith("run.") and row["source"] == "app" and row["time"].startswith("20")


def test_filters_by_release_and_time(app):
    platform, name, _ = app
    # The version that a dyno of a former test may still have is of no matter: each line has its own.
    version = json.loads(platform.cli("releases", "--json", "-a", name).out)[0]["version"]
    lines = [json.loads(line) for line in platform.cli("logs", "--json", "--release", f"v{version}", "-n", "1500", "-a", name).out.splitlines()]
    assert lines and {line["source"] for line in lines} == {"app"}
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    every = platform.cli("logs", "--since", "1h", "-a", name).out.splitlines()
    assert len(every) > len(lines)
    assert platform.cli("logs", "--since", "2099-01-01T00:00:00Z", "-a", name).out == ""
    for bad in ("yesterday", "10", "-1m"):
        p = platform.cli("logs", "--since", bad, "-a", name, check=False)
        assert p.code == 2 and "expected 30s, 10m" in p.err, p
    assert "expected a version" in platform.cli("logs", "--release", "x", "-a", name, check=False).err


def test_drains(app, tmp_path):
    """As a user meets them, with a real rsyslog."""
    platform, name, _ = app
    receiver = receivers.Rsyslog(tmp_path)
    try:
        receiver.start()
    except receivers.Unavailable as e:
        pytest.skip(f"rsyslog can't be had here: {e}")
    url = f"syslog://127.0.0.1:{receiver.port}"
    assert "has no drains" in platform.cli("drains", "-a", name).err
    added = platform.cli("drains:add", url, "-a", name)
    token = re.search(r"d\.[0-9a-f-]{36}", added.out)[0]
    tested = platform.cli("drains:test", token, "-a", name)
    assert f"Test of drain {token}" in tested.out and "acknowledged" in tested.out
    wait_for(lambda: any(f"Test of drain {token}" in r["msg"] for r in receiver.records()), "the marked line")
    platform.get(name, "/status/418")
    wait_for(lambda: any("GET /status/418" in r["msg"] and r["app-name"] == "app" for r in receiver.records()), "the app's line")
    wait_for(lambda: any("at=info" in r["msg"] and r["procid"] == "router" for r in receiver.records()), "the router's line")
    assert {r["hostname"] for r in receiver.records()} == {token}
    listed = json.loads(platform.cli("drains", "--json", "-a", name).out)
    assert [(d["url"], d["token"], d["addon"], d["status"]["dropped"]) for d in listed] == [(url, token, None, 0)]
    wait_for(lambda: re.search(rf"{url}  {token}  \d+ +0 +0 +idle", platform.cli("drains", "-a", name).out), "the table")
    info = platform.cli("drains:info", url, "-a", name).out
    assert "Last error:" in info and "raw" in info
    again = platform.cli("drains:add", url, "-a", name, check=False)
    assert again.code == 2 and "already" in again.err

    # The other programs are killed: nothing is lost on the way.
    before = len(receiver.records())
    status, = (platform.run / "logs").glob("*.drain")
    left = shutil.copy(status, status.with_stem(str(uuid.uuid4())))
    # Of a drain that was removed; what no row knows would stay.
    with sqlite3.connect(platform.state / "twelve.db", timeout=180) as db:
        db.execute("INSERT INTO gone (kind, id, name, at_ms) VALUES ('drain', ?, '', ?)", (left.stem, int(time.time() * 1000)))
    platform.restart()
    wait_for(lambda: not left.exists(), "the status of a drain that is no more to be removed")
    assert status.exists()
    platform.get(name, "/status/201")
    wait_for(lambda: sum("GET /status/201" in r["msg"] for r in receiver.records()[before:]) == 1, "a line after a restart")

    receiver.stop()
    wait_for(lambda: "failing" in platform.cli("drains", "-a", name).out
             or platform.get(name, "/status/200") and False, "the failure to be seen", 30)
    failed = platform.cli("drains:test", token, "-a", name, check=False)
    assert failed.code == 1 and "did not take the line" in failed.err and "onnect" in failed.err
    # By its URL, in one segment of the path.
    platform.cli("drains:remove", url, "-a", name)
    assert json.loads(platform.cli("drains", "--json", "-a", name).out) == []
    wait_for(lambda: not list((platform.run / "logs").glob("*.drain")), "the status to be removed")
    text = platform.cli("logs", "-n", "1500", "-a", name).out
    assert f"Log drain {token} ({url}) added by user" in text and "removed by user" in text


def test_drains_that_are_refused(app, tmp_path):
    platform, name, _ = app
    (tmp_path / "ca").write_text("no certificate")
    for args, words in [
        (["ftp://example.com"], "expected syslog://"),
        (["not a url"], "can't be read"),
        (["https://"], "can't be read"),
        (["splunk://example.com"], "expected syslog://"),
        (["otlp+https://example.com?encodign=json"], 'option "encodign"'),
        (["https://example.com", "--format", "records"], "raw lines only"),
        (["syslog://example.com", "--format", "xml"], "expected raw or records"),
        (["syslog://example.com", "--on-full", "wait"], "expected drop or block"),
        (["syslog+tls://example.com", "--ca", str(tmp_path / "ca")], "not certificates in PEM"),
        (["syslog+tls://example.com", "--ca", str(tmp_path / "none")], "No such file"),
        (["syslog://example.com", "--ca", str(tmp_path / "ca")], "not encrypted"),
    ]:
        p = platform.cli("drains:add", *args, "-a", name, check=False)
        assert p.code in (1, 2) and words in p.err and p.out == "", (args, p)
    assert "Couldn't find that drain" in platform.cli("drains:info", "d.x", "-a", name, check=False).err
    assert json.loads(platform.cli("drains", "--json", "-a", name).out) == []


def test_secrets_of_drains(app):
    platform, name, _ = app
    secrets = ["pass-4712", "key-4713", "token-4714"]
    urls = ["loki+https://user:pass-4712@127.0.0.1:1", "fluent://127.0.0.1:1?shared_key=key-4713",
            "splunk+https://:token-4714@127.0.0.1:1"]
    for url in urls:
        p = platform.cli("drains:add", "-", "-a", name, input=url + "\n")
        assert "***" in p.out
    wait_for(lambda: platform.cli("drains", "-a", name).out.count("failing") == 3, "the failures", 30)
    shown = platform.cli("drains", "-a", name).out + platform.cli("logs", "-n", "1500", "-a", name).out
    found = subprocess.run(["grep", "-rl", "-e", secrets[0], "-e", secrets[1], "-e", secrets[2], str(platform.state),
                            str(platform.run)], capture_output=True, text=True)
    assert found.stdout == "", "no file holds a secret in clear"
    platform.log.flush()
    for secret in secrets:
        assert secret not in shown and secret not in open(platform.log.name).read()
    for url in urls:
        platform.cli("drains:remove", url, "-a", name)


def test_a_thousand_tails(app):
    """Each gets each line, once."""
    platform, name, _ = app
    n, limit = 1000, resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit[0], min(4096, limit[1])), limit[1]))
    status, session = platform.api("POST", f"/apps/{name}/log-sessions", {"tail": True, "lines": 1})
    assert status == 201
    path = session["logplex_url"].split("/", 3)[3]
    poll, tails = select.epoll(), {}
    try:
        for _ in range(n):
            s = socket.socket(socket.AF_UNIX)
            s.connect(str(platform.run / "twelved.sock"))
            s.send(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n".encode())
            tails[s.fileno()] = [s, b""]
            poll.register(s, select.EPOLLIN)

        def pump():
            for fd, _ in poll.poll(0.1, 10000):
                tails[fd][1] += tails[fd][0].recv(65536)

        def everywhere(word):
            pump()
            return all(word in data for _, data in tails.values())

        wait_for(lambda: everywhere(b"]: "), "each tail to begin", 60)
        for code in (202, 203):
            platform.get(name, f"/status/{code}")
            wait_for(lambda: everywhere(b"GET /status/%d" % code), "each tail to have the line", 60)
        assert all(data.count(b": GET /status/203") == 1 for _, data in tails.values())
    finally:
        for s, _ in tails.values():
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
