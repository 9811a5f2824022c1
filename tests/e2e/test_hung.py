# SPDX-License-Identifier: Apache-2.0
"""
Programs beside twelved that hang (SIGSTOP, with as many waiting at their sockets as they take): whatever does not need them goes
on, and what does is done when they come back.
"""
import contextlib
import os
import signal
import socket
import time

import pytest

from conftest import wait_for


@contextlib.contextmanager
def stopped(platform, name, *sockets, kind=socket.SOCK_STREAM):
    """Stopped, its sockets full: who connects and waits for it waits for ever."""
    pids, held = platform.pids_of(name), []
    assert pids, f"no {name} runs"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for path in sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    s = socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK)
                    held.append(s)
                    s.connect(str(path))
        yield
    finally:
        for s in held:
            s.close()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def app(platform, tmp_path_factory):
    where = platform.repo(tmp_path_factory.mktemp("hung"), "hello")
    platform.create("hung", where)
    platform.push(where)
    yield "hung"
    platform.api("DELETE", "/apps/hung")


def answers_go_on(platform):
    """Each of these would wait behind a question that is not answered."""
    for _ in range(100):
        assert platform.api("GET", "/account")[0] == 200
    assert platform.api("GET", "/apps/hung/dynos")[0] == 200
    assert platform.api("GET", "/apps/hung/releases")[0] == 200


def test_haproxy_hangs(platform, app):
    haproxy = platform.run / "haproxy"
    before = platform.releases(app)[0]["version"]
    with stopped(platform, "haproxy", haproxy / "master.sock", haproxy / "admin.sock"):
        # A rollout asks for counters, gives commands, and asks for requests in flight.
        assert platform.api("PATCH", f"/apps/{app}/config-vars", {"GREETING": "Patient"})[0] == 200
        wait_for(lambda: len(platform.up(app)) == 2, "the new dyno beside the old one")
        began = time.monotonic()
        while time.monotonic() - began < 5:
            answers_go_on(platform)
        assert platform.releases(app)[0]["status"] == "pending"
    wait_for(lambda: platform.releases(app)[0]["status"] == "succeeded", "the release, once haproxy answers again")
    assert platform.releases(app)[0]["version"] == before + 1
    wait_for(lambda: platform.get(app)[1].startswith("Patient"), "the new page")
    wait_for(lambda: len(platform.dynos(app)) == 1, "the old dyno to be gone")


def test_haproxy_hangs_while_twelved_starts(platform, app):
    """It is ended after a while and another takes its place: apps answer again."""
    with stopped(platform, "haproxy", platform.run / "haproxy/master.sock"):
        platform.restart()
        wait_for(lambda: platform.get(app)[0] == 200, "the page, by another haproxy")


def test_twelve_logs_hangs(platform, app):
    with stopped(platform, "twelve-logs", platform.run / "logs.sock", kind=socket.SOCK_SEQPACKET):
        # Its connection is lost with twelved, and the next one can't be had.
        platform.restart()
        answers_go_on(platform)
        # A dyno that starts has none either.
        version = platform.releases(app)[0]["version"]
        assert platform.api("PATCH", f"/apps/{app}/config-vars", {"GREETING": "Mute"})[0] == 200
        wait_for(lambda: platform.get(app)[1].startswith("Mute"), "the new page")
        assert platform.releases(app)[0]["version"] == version + 1
    wait_for(lambda: "GET" in platform.cli("logs", "-a", app, "-n", "50").out, "the lines of requests, once it is back")
