# SPDX-License-Identifier: Apache-2.0
"""
Who has nothing but addresses: many connections that say nothing, half a request, or take no answer. Others get their
answers all the while: a source has a part of the places only, each port has places of its own, and half a request has
ten seconds.
"""
import contextlib
import http.client
import resource
import socket
import ssl
import statistics
import time

import pytest

from conftest import wait_for

# What is refused at once would be let go after ten seconds anyway, so these look at the time.
pytestmark = pytest.mark.alone

ATTACKER, NEIGHBOUR = "127.0.0.1", "127.0.0.2"
HALF = b"GET / "
LIMITS = dict(TWELVE_MAX_CONNECTIONS=300, TWELVE_SOURCE_CONNECTIONS=64, TWELVE_API_CONNECTIONS=128, TWELVE_API_SOURCE_CONNECTIONS=32)


def ask(port, path="/", host="nobody.localhost", source=NEIGHBOUR, timeout=20):
    """(status, seconds)"""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout, source_address=(source, 0))
    began = time.monotonic()
    try:
        c.request("GET", path, headers={"Host": host})
        return c.getresponse().status, time.monotonic() - began
    finally:
        c.close()


class Crowd:
    """Connections of the attacker, each with these bytes."""

    def __init__(self):
        self.sockets = []

    def come(self, port, n, data=b""):
        for _ in range(n):
            s = socket.socket()
            s.bind((ATTACKER, 0))
            s.settimeout(5)
            self.sockets.append(s)
            with contextlib.suppress(OSError):
                s.connect(("127.0.0.1", port))
                if data:
                    s.sendall(data)
        return self

    def n_open(self):
        """How many of them the other side still holds."""
        n = 0
        for s in self.sockets:
            s.setblocking(False)
            try:
                n += bool(s.recv(1))
            except BlockingIOError:
                n += 1
            except OSError:
                pass
        return n

    def close(self):
        for s in self.sockets:
            s.close()


@pytest.fixture
def crowd():
    c = Crowd()
    yield c
    c.close()


def test_one_source_has_its_part_of_the_places(own_platform, crowd):
    p = own_platform(**LIMITS)
    crowd.come(p.api_port, 200, HALF).come(p.http_port, 400)
    wait_for(lambda: crowd.n_open() <= 32 + 64, "all but the attacker's part to be refused", within=5)
    assert ask(p.api_port, "/account", "localhost")[0] == 401
    assert ask(p.http_port)[0] == 404
    assert p.api("GET", "/account")[0] == 200
    # Whoever stands in the door is let go: half a request has ten seconds, none at all as well.
    wait_for(lambda: crowd.n_open() == 0, "the door to be empty", within=30)
    assert ask(p.api_port, "/account", "localhost", source=ATTACKER)[0] == 401


def test_half_a_handshake_and_half_a_secret(own_platform, crowd):
    p = own_platform(**LIMITS)
    crowd.come(p.api_port, 40, b"\x16\x03\x01\x02\x00\x01\x00")
    context = ssl._create_unverified_context()
    with context.wrap_socket(socket.create_connection(("127.0.0.1", p.api_port), timeout=30, source_address=(NEIGHBOUR, 0))) as s:
        s.sendall(b"half-a-secret")
        assert s.recv(1) == b""
    wait_for(lambda: crowd.n_open() == 0, "the door to be empty", within=30)


def test_a_request_that_stops_in_its_body(own_platform, crowd):
    """What is small is waited for before twelved has it."""
    p = own_platform(**LIMITS)
    crowd.come(p.api_port, 30, b"POST /account HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n123456")
    assert ask(p.api_port, "/account", "localhost")[0] == 401
    for s in crowd.sockets:
        s.settimeout(30)
        assert s.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_ports_have_places_of_their_own(own_platform, crowd):
    """Even if all places of the apps' port are taken, by many sources, the API's are there; and the other way round."""
    p = own_platform(**dict(LIMITS, TWELVE_SOURCE_CONNECTIONS=1000, TWELVE_API_SOURCE_CONNECTIONS=1000, TWELVE_UNLIMITED_SOURCES=ATTACKER))
    crowd.come(p.http_port, 400)
    assert ask(p.api_port, "/account", "localhost")[0] == 401
    crowd.close()
    wait_for(lambda: ask(p.http_port)[0] == 404, "the apps' port")
    crowd.come(p.api_port, 200, HALF)
    assert ask(p.http_port)[0] == 404
    assert p.api("GET", "/account")[0] == 200


@pytest.mark.torture
def test_thousands(own_platform, tmp_path, crowd):
    """Seven thousand with six bytes each at the API's port, twelve thousand idle ones at the apps', as it was once done."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = 22000
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, max(want, hard)))
    except (ValueError, PermissionError):
        want = hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    n_half, n_idle = (7000, 12000) if want > 20000 else (want // 3, want // 2)
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("neighbour", where)
    p.push(where)

    def measure():
        app = [ask(p.http_port, "/", "neighbour.localhost") for _ in range(200)]
        api = [ask(p.api_port, "/account", "localhost") for _ in range(200)]
        assert {s for s, _ in app} == {200} and {s for s, _ in api} == {401}
        return [1000 * statistics.median(t for _, t in x) for x in (app, api)] + [1000 * max(t for _, t in app + api)]

    try:
        before = measure()
        crowd.come(p.api_port, n_half, HALF).come(p.http_port, n_idle)
        during = measure()
    finally:
        crowd.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(f"\n{n_half} half and {n_idle} idle connections; a neighbour's median in ms at the app, at the API, and the slowest:")
    for word, (app, api, worst) in (("before", before), ("during", during)):
        print(f"  {word}: {app:6.1f} {api:6.1f} {worst:6.1f}")
