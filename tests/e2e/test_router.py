# SPDX-License-Identifier: Apache-2.0
"""
The router with a real haproxy: what it routes, and that no request is lost while
servers come and go, configurations are reloaded and haproxy is killed. The
router alone is driven (tests/unit/router-driver.c); dynos are small servers here.
"""
import collections
import contextlib
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

from conftest import BUILD, free_port, wait_for

A = "11111111-1111-4111-8111-111111111111"
B = "22222222-2222-4222-8222-222222222222"
# Whether connections to dynos are kept: see src/route/keep.c.
KEEPS = not re.match(r"HAProxy version 2\.", subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout)
UP, CRASHED, NO_WEB, STARTING, NO_RELEASE = range(5)


class Dyno:
    """A server on loopback; what it does depends on the path."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.heads = []
        self.held = threading.Event()
        self.release = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        with c:
            head = b""
            while b"\r\n\r\n" not in head:
                data = c.recv(65536)
                if not data:
                    return
                head += data
            text = head.decode()
            self.heads.append(text)
            path = text.split(" ")[1].split("?")[0]
            getattr(self, "do_" + path.strip("/"), self.do_)(c, text)

    def answer(self, c, body, status="200 OK"):
        c.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    def do_(self, c, _):
        self.answer(c, self.name)

    def do_error(self, c, _):
        self.answer(c, "mine", "500 Internal Server Error")

    def do_empty(self, c, _):
        pass

    def do_garbage(self, c, _):
        c.sendall(b"nonsense\r\n\r\n")

    def do_cut(self, c, _):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")

    def do_hold(self, c, _):
        self.held.set()
        self.release.wait(30)
        with contextlib.suppress(ConnectionError):
            self.answer(c, self.name)

    def do_chunks(self, c, _):
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        self.release.wait(30)
        c.sendall(b"3\r\ntwo\r\n0\r\n\r\n")

    def do_pause(self, c, text):
        """Two halves of an answer, with the seconds of the query between them."""
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        time.sleep(float(text.split(" ")[1].split("?")[1]))
        with contextlib.suppress(ConnectionError):
            c.sendall(b"3\r\ntwo\r\n0\r\n\r\n")

    def do_take(self, c, text):
        """A body to its end."""
        n = len(text) - text.index("\r\n\r\n") - 4
        while n < int(re.search(r"(?i)content-length: (\d+)", text).group(1)):
            data = c.recv(65536)
            if not data:
                return
            n += len(data)
        self.answer(c, str(n))

    def do_headers(self, c, text):
        lines = "".join(f"X-{i}: {'a' * 1000}\r\n" for i in range(int(text.split(" ")[1].split("?")[1])))
        c.sendall(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nok".encode())

    def do_socket(self, c, _):
        c.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n")
        while data := c.recv(4096):
            c.sendall(data.upper())

    def close(self):
        if self.socket.fileno() >= 0:
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
        self.release.set()


class Keeping(Dyno):
    """Keeps connections, and closes each that was idle for so long, be it when a request is on its way."""

    def __init__(self, name, idle_s):
        self.idle_s, self.seen, self.n_open, self.n_again = idle_s, [], 0, 0
        super().__init__(name)

    def read(self, c):
        data = b""
        while b"\r\n\r\n" not in data:
            data += c.recv(65536) or b"\r\n\r\n"
            c.settimeout(30)
        return data.decode()

    def serve(self, c):
        self.n_open += 1
        with c, contextlib.suppress(OSError):
            for i in itertools.count():
                c.settimeout(random.uniform(0, self.idle_s) if i else 30)
                text = self.read(c)
                if len(text) <= 4:
                    break
                self.heads.append(text)
                self.seen.append(text.split(" ")[1])
                self.n_again += i > 0
                self.answer(c, self.name)
        self.n_open -= 1


class Router:
    def __init__(self, *apps):
        self.run = tempfile.mkdtemp(prefix="tw", dir="/run")
        os.chmod(self.run, 0o755)
        self.port = free_port()
        self.apps = apps
        self.lines = []
        self.refused = []
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(f"{self.run}/router.sock")
        os.chmod(f"{self.run}/router.sock", 0o666)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.stderr = open(f"{self.run}/stderr", "w+")
        try:
            self.start()
        except Exception:
            shutil.rmtree(self.run)
            raise

    def read_log(self):
        log = self.log
        while data := log.recv(65536):
            # A worker that ends says so here too.
            if data.startswith(b"twelve - "):
                self.refused.append(data.decode())
            elif data.startswith(b"twelve "):
                self.lines.append(data.decode().rstrip("\n"))

    def start(self):
        self.process = subprocess.Popen([str(BUILD / "tests/unit/router-driver"), self.run, f"127.0.0.1:{self.port}", *self.apps],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr, text=True)
        assert json.loads(self.process.stdout.readline()) == {"ready": True}

    def ask(self, op, **fields):
        self.process.stdin.write(json.dumps(dict(fields, op=op)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def set(self, app, name, *servers, **fields):
        """servers: a dyno, or (dyno, "drain")."""
        rows = [s if isinstance(s, tuple) else (s, "ready") for s in servers]
        r = self.ask("set", id=app, name=name, **fields,
                     servers=[{"port": d.port, "state": state, "dyno": d.name} for d, state in rows])
        assert "error" not in r, r
        return r["settled"]

    def settle(self):
        wait_for(lambda: self.ask("settled")["settled"], "the router to settle", 20)

    def counts(self, app):
        r = self.ask("counts", id=app)
        return r["requests"], r["failed"]

    def master(self):
        return int(open(f"{self.run}/haproxy/pid").read())

    def master_says(self, command="show proc"):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.run}/haproxy/master.sock")
            s.sendall(command.encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b"")).decode()

    def reloads(self):
        return int(re.search(r"master +(\d+)", self.master_says()).group(1))

    def get(self, path="/", host="shop.localhost", method="GET", **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        try:
            c.request(method, path, headers={"Host": host, **headers})
            r = c.getresponse()
            return r.status, r.read().decode()
        finally:
            c.close()

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is not None:
            self.start()
        master = self.master()
        self.ask("shutdown")
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        assert not os.path.exists(f"{self.run}/haproxy")
        with pytest.raises((ConnectionError, OSError)):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        assert not os.path.exists(f"/proc/{master}/exe") or not is_alive(master)
        # The reader sees the end before its descriptor is another's.
        self.log.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.log.close()
        shutil.rmtree(self.run)


def is_alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def router():
    r = Router(A, B)
    yield r
    r.stop()


@pytest.fixture
def dynos():
    made = []

    def make(name):
        made.append(Dyno(name))
        return made[-1]

    yield make
    for d in made:
        d.close()


@pytest.fixture
def keeping():
    made = []

    def make(name, idle_s):
        made.append(Keeping(name, idle_s))
        return made[-1]

    yield make
    for d in made:
        d.close()


@pytest.fixture
def shop(router, dynos):
    """(router, dyno): the app "shop" with one dyno."""
    d = dynos("web.1")
    router.set(A, "shop", d)
    router.settle()
    return router, d


class Load:
    """Clients that ask again and again, some on one connection, until told to stop; failures are kept."""

    def __init__(self, port, n=6):
        self.port, self.ok, self.failures, self.ended = port, [0] * n, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(i,), daemon=True) for i in range(n)]
        for t in self.threads:
            t.start()

    def ask(self, i):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        while not self.ended.is_set():
            try:
                c.request("POST" if i % 3 == 0 else "GET", "/", body="x" if i % 3 == 0 else None, headers={"Host": "shop.localhost"})
                r = c.getresponse()
                body = r.read()
                if r.status != 200:
                    self.failures.append((r.status, body))
                self.ok[i] += 1
                if i % 2:
                    c.close()
            except (OSError, http.client.HTTPException) as e:
                self.failures.append(repr(e))
                c.close()

    def more(self, n):
        """Waits until n more requests were answered."""
        goal = sum(self.ok) + n
        wait_for(lambda: sum(self.ok) >= goal or self.failures, f"{n} more requests")

    def end(self):
        self.ended.set()
        for t in self.threads:
            t.join(30)
        return sum(self.ok)


# ---- what is routed where

def test_hosts(router, dynos):
    shop, blog = dynos("web.1"), dynos("web.2")
    router.set(A, "shop", shop, hosts=["www.shop.example", "*.shop.example"])
    router.set(B, "blog", blog, hosts=["*.blog.shop.example"])
    router.settle()
    for host, who in (("shop.localhost", "web.1"), ("SHOP.localhost:8080", "web.1"), ("shop.localhost.", "web.1"),
                      ("www.shop.example", "web.1"), ("a.shop.example", "web.1"), ("a.b.c.shop.example", "web.1"),
                      ("blog.localhost", "web.2"), ("x.blog.shop.example", "web.2"), ("blog.shop.example", "web.1")):
        assert router.get(host=host) == (200, who), host
    for host in ("shop.example", "other.localhost", "localhost", "127.0.0.1", "shop.localhost.evil.example", ""):
        status, page = router.get(host=host)
        assert status == 404 and "No such app" in page, host
    # Domains and names change without a reload.
    before = router.reloads()
    assert router.set(A, "market", shop, hosts=["new.example"])
    assert router.get(host="new.example") == router.get(host="market.localhost") == (200, "web.1")
    assert router.get(host="a.shop.example")[0] == router.get(host="shop.localhost")[0] == 404
    assert router.reloads() == before
    router.ask("remove", id=B)
    router.settle()
    assert router.get(host="blog.localhost")[0] == 404
    assert router.get(host="new.example")[0] == 200


def test_headers(shop):
    router, d = shop
    router.get(**{"X-Forwarded-Proto": "https", "X-Request-Id": "0123456789abcdef0123"})
    router.get(**{"X-Request-Id": "no good", "X-Forwarded-For": "10.1.1.1"})
    kept, made = d.heads
    assert "x-request-id: 0123456789abcdef0123\r\n" in kept
    assert "x-forwarded-proto: http\r\n" in kept and "https" not in kept
    assert f"x-forwarded-port: {router.port}\r\n" in kept
    assert "x-forwarded-for: 127.0.0.1\r\n" in kept
    assert re.search(r"x-request-id: [0-9a-f-]{36}\r\n", made) and "no good" not in made
    assert made.index("10.1.1.1") < made.index("127.0.0.1\r\nconn" if "127.0.0.1\r\nconn" in made else "x-forwarded-for: 127.0.0.1")
    assert re.search(r"x-request-start: \d{13}\r\n", made)


def test_streaming_arrives_as_it_is_sent(shop):
    router, d = shop
    c = http.client.HTTPConnection("127.0.0.1", router.port, timeout=180)
    c.request("GET", "/chunks", headers={"Host": "shop.localhost"})
    r = c.getresponse()
    assert r.read1(100) == b"one", "before the dyno has sent the rest"
    d.release.set()
    assert r.read() == b"two"


def test_pages(router, dynos):
    for down, code, word in ((CRASHED, "H10", "crashed"), (NO_WEB, "H14", "No web"), (STARTING, "H20", "starting"),
                             (NO_RELEASE, "H81", "Nothing is deployed")):
        router.set(A, "shop", down=down)
        router.settle()
        status, page = router.get()
        assert status == 503 and code in page and word in page
    assert router.counts(A) == (4, 4)
    d = dynos("web.1")
    assert router.set(A, "shop", d, maintenance=True), "without a reload"
    status, page = router.get()
    assert status == 503 and "H80" in page and "maintenance" in page
    assert router.set(A, "shop", d)
    assert router.get() == (200, "web.1")
    assert router.counts(A) == (5, 4), "maintenance is neither a request nor a failure"
    codes = wait_for(lambda: len(router.lines) == 6 and [line.split(" ")[2:4] for line in router.lines], "the log")
    assert codes == [["LR", "H10"], ["LR", "H14"], ["LR", "H20"], ["LR", "H81"], ["LR", "H80"], ["--", "-"]]


def test_log_lines(shop):
    router, d = shop
    router.get('/a%20b/"quoted"?x=1', **{"X-Request-Id": "0123456789abcdef0123"})
    router.get(host="unknown.localhost")
    router.get("/empty")
    wait_for(lambda: len(router.lines) == 2, "two lines; none for the unknown host")
    assert re.fullmatch(
        rf'twelve {A} -- - at=info method=GET path="/a%20b/\\"quoted\\"\?x=1" host=shop.localhost '
        r'request_id=0123456789abcdef0123 fwd="127.0.0.1" dyno=web.1 connect=\d+ms service=\d+ms status=200 bytes=\d+ protocol=http',
        router.lines[0]), router.lines[0]
    assert f"twelve {A} SH - at=info" in router.lines[1] and "dyno=web.1" in router.lines[1]


def test_a_long_path_keeps_the_line_whole(shop):
    router, _ = shop
    assert router.get("/" + '"' * 7000)[0] == 200
    wait_for(lambda: router.lines, "the line")
    assert router.lines[0].endswith("protocol=http")


def test_failures_are_counted(shop):
    router, d = shop
    assert router.get()[0] == 200
    assert router.get("/error") == (500, "mine")
    assert router.counts(A) == (2, 0), "a 500 of the app's own is none of ours"
    for i, (path, code) in enumerate((("/empty", "H13"), ("/garbage", "H13")), 1):
        status, page = router.get(path)
        assert status == 503 and code in page
        assert router.counts(A) == (2 + i, i)
    with pytest.raises(http.client.IncompleteRead):
        router.get("/cut")
    assert router.counts(A) == (5, 3)
    d.close()
    status, page = router.get()
    assert status == 503 and "H21" in page
    assert router.counts(A) == (6, 4)
    ts = wait_for(lambda: len(router.lines) == 6 and [line.split(" ")[2] for line in router.lines], "the log")
    assert ts == ["--", "--", "SH", "PH", "SD", "SC"]


def test_a_refused_connection_goes_to_another_dyno(router, dynos):
    gone, d = dynos("web.1"), dynos("web.2")
    router.set(A, "shop", gone, d)
    router.settle()
    gone.close()
    for method in ("GET", "POST") * 5:
        assert router.get(method=method) == (200, "web.2")
    assert router.counts(A) == (10, 0)


# ---- how long is waited, and how much is taken

def has_line(router, *texts):
    """A line with one of the texts."""
    return wait_for(lambda: [line for line in router.lines if any(text in line for text in texts)], f"a line with {' or '.join(texts)}")


def late(method):
    """Of a dyno that did not answer in time, with HAProxy 2.6 and 3.0 (src/route/keep.c)."""
    return f"twelve {A} SH H12 at=info method={method}", f"twelve {A} sH - at=info method={method}"


def test_the_first_byte_and_the_pause_between_two(router, dynos):
    """A second until the first byte, three between two: the app's own settings."""
    d = dynos("web.1")
    router.set(A, "shop", d, first_byte_ms=1000, idle_ms=3000)
    router.settle()
    assert router.get("/pause?2") == (200, "onetwo"), "longer than to the first byte, and no request for text/event-stream"
    status, page = router.get("/hold")
    assert status == 503 and "H12" in page and "in time" in page
    has_line(router, *late("GET"))
    # What comes with its body has the same time, from its last byte on.
    c = http.client.HTTPConnection("127.0.0.1", router.port, timeout=180)
    c.request("POST", "/hold", body="x" * 100, headers={"Host": "shop.localhost"})
    r = c.getresponse()
    assert r.status == 503 and b"H12" in r.read()
    has_line(router, *late("POST"))
    with pytest.raises(http.client.IncompleteRead):
        router.get("/pause?4")
    # HAProxy 3.0 says of such an end that the dyno, or the client, was gone.
    has_line(router, *(f"twelve {A} {ts} - at=info" for ts in (("SD", "CD") if KEEPS else ("sD",))))
    # Others have the platform's.
    router.set(A, "shop", d)
    router.settle()
    assert router.get("/pause?4") == (200, "onetwo")


@pytest.mark.parametrize("size,first", [(1000, 10), (300000, 100000), (300000, 10)])
def test_an_upload_that_pauses(router, dynos, size, first):
    """It is the client who takes his time: a second until the first byte of an answer has not begun."""
    d = dynos("web.1")
    router.set(A, "shop", d, first_byte_ms=1000, idle_ms=2000)
    router.settle()
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as s:
        s.sendall(b"POST /take HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size + b"x" * first)
        s.settimeout(4)
        with pytest.raises(TimeoutError):
            s.recv(1)
        s.settimeout(20)
        s.sendall(b"x" * (size - first))
        assert b"".join(iter(lambda: s.recv(65536), b"")).endswith(str(size).encode())
    has_line(router, f"twelve {A} -- - at=info")


def send_headers(router, kilobytes):
    lines = b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(kilobytes))
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n" + lines + b"\r\n")
        return b"".join(iter(lambda: s.recv(65536), b"")).decode()


def test_large_headers(shop):
    router, d = shop
    for kilobytes in (15, 30, 62):
        assert send_headers(router, kilobytes).startswith("HTTP/1.1 200")
        assert d.heads[-1].count("\r\nX-") + d.heads[-1].count("\r\nx-") >= kilobytes
        assert router.get(f"/headers?{kilobytes}") == (200, "ok")
    answer = send_headers(router, 70)
    assert answer.startswith("HTTP/1.1 431 ") and "64 KB" in answer
    assert " status=431 " in has_line(router, f"twelve {A} LR - at=info")[0]
    status, page = router.get("/headers?100")
    assert status == 503 and "64 KB" in page
    has_line(router, f"twelve {A} PH - at=info")
    # More than is read: of which app it was nobody knows.
    assert send_headers(router, 85).startswith("HTTP/1.1 400 ")
    assert wait_for(lambda: router.refused, "the line")[0].startswith("twelve - PR 400 ")


def test_a_url_in_raw_utf_8(shop):
    router, _ = shop
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as s:
        s.sendall("GET /bücher HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: s.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 400 ")
    assert wait_for(lambda: router.refused, "the line")[0].startswith("twelve - PR 400 ")
    assert router.get("/b%C3%BCcher")[0] == 200


# ---- nothing is lost

def test_no_request_fails_while_dynos_are_swapped(shop, dynos):
    router, old = shop
    load = Load(router.port)
    reloads = router.reloads()
    for i in range(10):
        new = dynos("web.1")
        load.more(100)
        assert router.set(A, "shop", new, old)
        assert router.set(A, "shop", new, (old, "drain"))
        wait_for(lambda: router.ask("sessions", id=A, port=old.port)["sessions"] == 0, "the drain")
        served = len(old.heads)
        old.close()
        assert router.set(A, "shop", new)
        load.more(100)
        assert len(old.heads) == served, "a drained dyno gets nothing"
        old = new
    n = load.end()
    assert not load.failures and n > 2000
    assert router.counts(A) == (n, 0)
    assert router.reloads() == reloads


def test_no_request_fails_while_haproxy_reloads(shop, dynos):
    router, d = shop
    load = Load(router.port)
    reloads = router.reloads()
    for i in range(8):
        load.more(100)
        router.set(B, "blog") if i % 2 == 0 else router.ask("remove", id=B)
        router.settle()
    load.more(100)
    n = load.end()
    assert not load.failures
    assert router.reloads() == reloads + 8
    requests, failed = router.counts(A)
    assert failed == 0
    # What old workers count after the last look at them is missed: next to nothing.
    assert 0.99 * n <= requests <= n


def test_more_dynos_than_slots(shop, dynos):
    router, d = shop
    load = Load(router.port)
    many = [d] + [dynos(f"web.{i}") for i in range(2, 8)]
    assert not router.set(A, "shop", *many), "that takes a reload"
    router.settle()
    wait_for(lambda: all(x.heads for x in many), "all to get requests")
    before = router.reloads()
    assert router.set(A, "shop", *many, *[dynos(f"web.{i}") for i in range(8, 15)]), "there is room for a rollout now"
    assert router.reloads() == before
    load.end()
    assert not load.failures


def test_changes_during_a_reload_are_joined(router, dynos):
    d = dynos("web.1")
    before = router.reloads()
    router.set(A, "shop")
    router.set(B, "blog")
    for i in range(20):
        router.set(A, "shop", d, hosts=[f"h{i}.example"])
    router.settle()
    assert router.get(host="h19.example") == (200, "web.1")
    assert router.get(host="h18.example")[0] == 404
    assert router.reloads() <= before + 2


class Numbered:
    """Clients that ask for paths of their own, each once: no answer is lost, and what must not come twice does not."""

    def __init__(self, port, methods, n=6):
        self.port, self.methods, self.sent, self.failures, self.ended = port, methods, [], [], threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(i,), daemon=True) for i in range(n)]
        for t in self.threads:
            t.start()

    def ask(self, i):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        for k in itertools.count():
            if self.ended.is_set():
                return
            method, path = self.methods[k % len(self.methods)], f"/{i}/{k}"
            try:
                # Without a body, so that the head alone is what a dyno has to read.
                c.request(method, path, headers={"Host": "shop.localhost"})
                r = c.getresponse()
                r.read()
                if r.status != 200:
                    self.failures.append((method, path, r.status))
                self.sent.append((method, path))
                if k % 5 == 0:
                    c.close()
            except (OSError, http.client.HTTPException) as e:
                self.failures.append((method, path, repr(e)))
                c.close()

    def more(self, n):
        goal = len(self.sent) + n
        wait_for(lambda: len(self.sent) >= goal or self.failures, f"{n} more requests")

    def end(self, *dynos):
        """What the dynos have seen twice, by method."""
        self.ended.set()
        for t in self.threads:
            t.join(30)
        seen = collections.Counter(path for d in dynos for path in d.seen)
        assert not self.failures
        assert all(seen[path] for _, path in self.sent)
        assert max(seen.values()) <= 2
        return {method for method, path in self.sent if seen[path] > 1}


def test_an_app_that_closes_idle_connections_as_requests_come(router, keeping):
    """After at most two milliseconds: about as long as the next request takes to come."""
    d = keeping("web.1", 0.002)
    router.set(A, "shop", d)
    router.settle()
    load = Numbered(router.port, ("GET", "POST", "GET", "PUT", "GET", "DELETE"))
    load.more(3000)
    assert load.end(d) <= {"GET"}
    assert bool(d.n_again) == KEEPS
    assert not any(re.match("(POST|PUT|DELETE)", head) and "connection: close" not in head.lower() for head in d.heads)


def test_no_request_is_lost_or_doubled_while_dynos_drain(router, keeping):
    """They keep connections for longer than the router does; a drained one has none."""
    old = keeping("web.1", 60)
    dynos = [old]
    router.set(A, "shop", old)
    router.settle()
    load = Numbered(router.port, ("POST", "GET", "POST"))
    for _ in range(6):
        load.more(100)
        new = keeping("web.1", 60)
        dynos.append(new)
        assert router.set(A, "shop", new, old)
        load.more(50)
        assert router.set(A, "shop", new, (old, "drain"))
        wait_for(lambda: router.ask("sessions", id=A, port=old.port)["sessions"] == 0, "the drain")
        served = len(old.seen)
        wait_for(lambda: old.n_open == 0, "its connections to be closed")
        old.close()
        assert router.set(A, "shop", new)
        load.more(50)
        assert len(old.seen) == served
        old = new
    assert not load.end(*dynos)
    assert any(d.n_again for d in dynos) == KEEPS


def test_an_app_that_wants_a_connection_for_each_request(router, keeping):
    d = keeping("web.1", 60)
    router.set(A, "shop", d, closes=True)
    router.settle()
    load = Numbered(router.port, ("GET", "POST"))
    load.more(100)
    assert not load.end(d)
    assert not d.n_again


def websocket(router):
    s = socket.create_connection(("127.0.0.1", router.port), timeout=20)
    s.sendall(b"GET /socket HTTP/1.1\r\nHost: shop.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += s.recv(4096)
    assert head.startswith(b"HTTP/1.1 101 ")
    return s


def test_websockets_and_requests_in_flight_survive_reloads(shop):
    router, d = shop
    with websocket(router) as s:
        held = []
        t = threading.Thread(target=lambda: held.append(router.get("/hold")))
        t.start()
        assert d.held.wait(20)
        for change in (lambda: router.set(B, "blog"), lambda: router.ask("remove", id=B)):
            change()
            router.settle()
        s.sendall(b"hello")
        assert s.recv(100) == b"HELLO"
        # Both are served by an old worker now, and are seen there.
        assert "# old workers" in router.master_says()
        assert router.ask("sessions", id=A, port=d.port)["sessions"] == 2
        d.release.set()
        t.join(20)
        assert held == [(200, "web.1")]
        wait_for(lambda: router.ask("sessions", id=A, port=d.port)["sessions"] == 1, "the request's end")
    wait_for(lambda: router.ask("sessions", id=A, port=d.port)["sessions"] == 0, "the WebSocket's end")
    wait_for(lambda: any(" status=101 " in line for line in router.lines), "its line in the log")


# ---- kills

def test_a_killed_haproxy_comes_back_with_the_same_routes(shop, dynos):
    router, old = shop
    new = dynos("web.1")
    assert router.set(A, "shop", new, (old, "drain"), hosts=["www.example.com"])
    router.get()
    requests, _ = router.counts(A)
    for victim in ("master", "worker"):
        pid = router.master()
        served = len(old.heads)
        if victim == "worker":
            os.kill(int(re.search(r"^(\d+) +worker", router.master_says(), re.M).group(1)), signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), "its end")

        def answers():
            try:
                return router.get(host="www.example.com") == (200, "web.1")
            except OSError:
                return False
        wait_for(answers, "haproxy to answer again", 20)
        router.settle()
        assert len(old.heads) == served, "a draining dyno stays so"
    assert router.counts(A)[0] > requests, "counters are kept"
    assert {s["port"]: s["state"] for s in router.ask("servers", id=A)["servers"]} == {new.port: "ready", old.port: "drain"}


def test_a_killed_twelved_finds_haproxy_again(shop, dynos):
    router, d = shop
    router.set(B, "blog")
    router.settle()
    second = dynos("web.2")
    router.set(A, "shop", d, second)
    load = Load(router.port)
    master, reloads = router.master(), router.reloads()
    router.kill9()
    load.more(100)
    router.start()
    assert router.ask("servers", id=A)["servers"] == [{"port": d.port, "state": "ready", "dyno": "web.1"},
                                                      {"port": second.port, "state": "ready", "dyno": "web.2"}]
    assert router.set(A, "shop", d, second) and router.set(B, "blog"), "nothing to do"
    assert (router.master(), router.reloads()) == (master, reloads)
    # One that was destroyed while nobody looked is dropped.
    router.kill9()
    router.apps = (A,)
    router.start()
    router.settle()
    assert router.get(host="blog.localhost")[0] == 404
    assert router.master() == master
    load.more(100)
    load.end()
    assert not load.failures
    # Its death is noticed though it is nobody's child now.
    os.kill(master, signal.SIGKILL)
    wait_for(lambda: router.ask("settled")["settled"] and router.master() != master, "another haproxy", 20)
    assert router.get()[0] == 200


def test_a_killed_twelved_does_not_trust_its_file(shop, dynos):
    """Killed after the command and before the file: haproxy knows better."""
    router, d = shop
    other = dynos("web.2")
    router.kill9()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{router.run}/haproxy/admin.sock")
        s.sendall(f"set server app-{A}/s2 addr 127.0.0.1 port {other.port}; set server app-{A}/s2 state ready; "
                  f"set server app-{A}/s1 state drain; add map {router.run}/haproxy/states.map app-{A} H10\n".encode())
        while s.recv(4096):
            pass
    router.start()
    assert {x["port"]: x["state"] for x in router.ask("servers", id=A)["servers"]} == {other.port: "ready", d.port: "drain"}
    router.settle()
    assert router.get() == (200, "web.2")


def test_a_configuration_that_is_refused_is_not_loaded(shop):
    router, d = shop
    reloads = router.reloads()
    # Such a host can't come through the API.
    router.set(B, "blog", hosts=["x\nnonsense"])

    def told():
        return "refuses the new configuration: config : parsing" in open(f"{router.run}/stderr").read()
    wait_for(told, "the word in the log")
    assert not router.ask("settled")["settled"]
    assert router.get() == (200, "web.1")
    assert router.reloads() == reloads
    router.set(B, "blog")
    router.settle()
    assert router.get(host="blog.localhost")[0] == 503


def test_a_check_that_does_not_end_is_given_up(tmp_path, dynos, monkeypatch):
    hang = tmp_path / "hang"
    program = tmp_path / "haproxy"
    program.write_text(f'''#!/bin/bash
[ "$1" = -c ] && [ -e {hang} ] && exec sleep 1000
exec -a haproxy {shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")} "$@"
''')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    router = Router(A, B)
    try:
        router.set(A, "shop", dynos("web.1"))
        router.settle()
        router.ask("check-limit", ms=200)
        hang.touch()
        router.set(B, "blog", hosts=["blog.example.com"])
        wait_for(lambda: "its check of the new configuration does not end" in open(f"{router.run}/stderr").read(), "the word in the log")
        assert router.get() == (200, "web.1")
        hang.unlink()
        router.set(B, "blog", hosts=["blog.example.com", "www.example.com"])
        router.settle()
        assert router.get(host="www.example.com")[0] == 503
    finally:
        router.stop()


def test_an_address_in_use(dynos):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = tempfile.mkdtemp(prefix="tw", dir="/run")
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        p = subprocess.run([str(BUILD / "tests/unit/router-driver"), run, address],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
        shutil.rmtree(run)
    assert p.returncode == 1
    assert f"{address} is in use by another program" in p.stdout and "TWELVE_HTTP" in p.stdout
