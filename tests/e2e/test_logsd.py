# SPDX-License-Identifier: Apache-2.0
"""twelve-logs alone, driven through its sockets: lines, tails, a slow reader, kill -9."""
import contextlib
import fcntl
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid

import pytest

import ipc
from conftest import BUILD, wait_for

LINE = re.compile(rb"^(\d+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00) (\w+)\[([^\]]+)\]: (.*)$", re.S)
RING_BYTES = 1024 * 1024


class Logs:
    program = BUILD / "src" / "logsd" / "twelve-logs"

    def __init__(self, ring_bytes=RING_BYTES, program=program):
        self.ring_bytes, self.program = ring_bytes, program
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="tl"))
        self.process = None
        self.errors = open(self.run / "stderr", "ab")
        self.start()

    def start(self):
        env = dict(os.environ, TWELVE_RUN_DIR=str(self.run), TWELVE_LOG_RING=str(self.ring_bytes))
        self.process = subprocess.Popen([str(self.program)], env=env, cwd="/",
                                        stdin=subprocess.DEVNULL, stderr=self.errors)
        wait_for(self.answers, "twelve-logs to answer", 10)

    def answers(self):
        try:
            with self.connect() as c:
                return c.ask(ipc.LOGS_STAT)
        except OSError:
            return None

    def connect(self):
        return ipc.Connection(self.run / "logs.sock")

    def stat(self):
        return {k: int(v) for k, v in self.answers().items()}

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def said(self):
        return (self.run / "stderr").read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            code = self.process.wait(20)
            assert code == 0, f"exit {code} on SIGTERM"
        self.errors.close()
        shutil.rmtree(self.run)

    def source(self, app, pipes, dyno="web.1", release=1):
        with self.connect() as c:
            c.send(ipc.LOGS_SOURCE, pipes, app=app, source="app", dyno=dyno, release=release)

    def append(self, app, text, source="heroku", dyno="api"):
        with self.connect() as c:
            c.send(ipc.LOGS_APPEND, app=app, source=source, dyno=dyno, text=text)

    def reading(self, app, **fields):
        """The read end of a pipe that the lines come through."""
        with self.connect() as c:
            r, w = os.pipe()
            try:
                c.send(ipc.LOGS_READ, [w], app=app, **fields)
            finally:
                os.close(w)
        return r

    def lines(self, app, **fields):
        """All lines up to the end, as (seq, source, dyno, text)."""
        with open(self.reading(app, **fields), "rb") as f:
            return [parse(line) for line in f.read().split(b"\n")[:-1]]

    def texts(self, app, **fields):
        return [text for _, _, _, text in self.lines(app, **fields)]


def parse(line):
    m = LINE.match(line)
    assert m, line[:200]
    return int(m[1]), m[3].decode(), m[4].decode(), m[5]


@pytest.fixture
def logs():
    made = Logs()
    yield made
    made.stop()


@pytest.fixture
def app():
    return str(uuid.uuid4())


class Pipe:
    """What a supervisor holds: both ends."""

    def __init__(self, logs, app, **fields):
        self.logs, self.app, self.fields = logs, app, fields
        self.r, self.w = os.pipe()
        self.offer()

    def offer(self):
        self.logs.source(self.app, [self.r], **self.fields)

    def write(self, data):
        while data:
            data = data[os.write(self.w, data):]

    def close(self):
        os.close(self.r)
        os.close(self.w)


def test_lines_are_numbered_and_stamped(logs, app):
    pipe = Pipe(logs, app)
    pipe.write(b"one\ntwo\r\n\nwith \0 NUL and \xff byte\n")
    wait_for(lambda: len(logs.lines(app)) == 4, "four lines")
    assert logs.lines(app) == [(1, "app", "web.1", b"one"), (2, "app", "web.1", b"two"), (3, "app", "web.1", b""),
                               (4, "app", "web.1", b"with \0 NUL and \xff byte")]
    pipe.close()


def test_long_lines_are_split_without_loss(logs, app):
    pipe = Pipe(logs, app)
    for n in (9999, 10000, 10001, 25000):
        pipe.write(b"x" * n + b"\r\n")
    wait_for(lambda: len(logs.lines(app)) == 7, "all pieces")
    assert [len(t) for t in logs.texts(app)] == [9999, 10000, 10000, 1, 10000, 10000, 5000]
    pipe.close()


def test_a_line_without_its_end(logs, app):
    pipe = Pipe(logs, app)
    pipe.write(b"Name? ")
    wait_for(lambda: logs.texts(app) == [b"Name? "], "the prompt")
    pipe.write(b"\nnext\n")
    wait_for(lambda: len(logs.texts(app)) > 1, "the next line")
    assert logs.texts(app) == [b"Name? ", b"next"]
    pipe.write(b"last words")
    pipe.close()
    wait_for(lambda: logs.texts(app)[-1] == b"last words", "what came before the end")
    wait_for(lambda: logs.stat()["sources"] == 0, "the source to end with its pipe")


def test_a_pipe_that_ends_with_much_in_it(logs, app):
    """Only its very last line is without an end: where we happen to stop looking is no end."""
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1024 * 1024)
    lines = [b"%05d %s" % (i, b"x" * (i % 150)) for i in range(6000)] + [b"last words"]
    assert os.write(w, b"\n".join(lines)) == len(b"\n".join(lines))
    os.close(w)
    logs.source(app, [r])
    os.close(r)
    wait_for(lambda: logs.texts(app)[-1:] == [b"last words"], "the last line")
    assert logs.texts(app, lines=10**9) == lines


def test_the_same_pipe_twice_is_one_source(logs, app):
    pipe = Pipe(logs, app)
    pipe.offer()
    pipe.offer()
    pipe.write(b"once\n")
    wait_for(lambda: logs.texts(app), "the line")
    assert logs.stat()["sources"] == 1
    assert logs.texts(app) == [b"once"]
    pipe.close()


def test_filters(logs, app):
    pipes = [Pipe(logs, app, dyno="web.1", release=1), Pipe(logs, app, dyno="web.2", release=2),
             Pipe(logs, app, dyno="webber.1", release=2)]
    for i, pipe in enumerate(pipes):
        pipe.write(b"%d\n" % i)
        wait_for(lambda i=i: len(logs.lines(app)) == i + 1, "the line")
    logs.append(app, "Release v2 created\nand more\n", source="app", dyno="api")
    wait_for(lambda: len(logs.lines(app)) == 5, "all lines")
    assert logs.texts(app, dyno="web.1") == [b"0"]
    assert logs.texts(app, dyno="web") == [b"0", b"1"]
    assert logs.texts(app, type="webber") == [b"2"]
    assert logs.texts(app, dyno="api") == [b"Release v2 created", b"and more"]
    assert logs.texts(app, release=2) == [b"1", b"2"]
    assert logs.texts(app, source="heroku") == []
    assert logs.texts(app, lines=2, dyno="web") == [b"0", b"1"]
    assert logs.texts(app, lines=1) == [b"and more"]
    assert [seq for seq, *_ in logs.lines(app, after=3)] == [4, 5]
    assert [seq for seq, *_ in logs.lines(app, after=99)] == [1, 2, 3, 4, 5], "a number of a ring that is no more"
    for pipe in pipes:
        pipe.close()


def test_a_tail_goes_on(logs, app):
    logs.append(app, "before")
    with open(logs.reading(app, tail=1), "rb", buffering=0) as tail:
        assert parse(tail.readline()[:-1])[3] == b"before"
        for i in range(20):
            logs.append(app, f"line {i}")
            assert parse(tail.readline()[:-1])[3] == b"line %d" % i
    wait_for(lambda: logs.stat()["readers"] == 0, "the reader that went away to be let go")


def test_a_slow_reader_is_told_exactly(logs, app):
    pipe = Pipe(logs, app)
    r = logs.reading(app, tail=1, dyno="web.1")
    wait_for(lambda: logs.stat()["readers"] == 1, "the reader")
    n = 60000
    for i in range(0, n, 100):
        pipe.write(b"".join(b"%08d %s\n" % (j, b"x" * 90) for j in range(i, i + 100)))
        logs.append(app, "not for this reader")
    wait_for(lambda: logs.stat()["lines"] == n + n // 100, "all lines to be in the ring")
    got, dropped, last = 0, 0, 0
    with open(r, "rb") as f:
        while got + dropped < n:
            seq, source, dyno, text = parse(f.readline()[:-1])
            assert seq > last
            last = seq
            if dyno == "logplex":
                m = re.match(rb"Error L11 \(Tail buffer overflow\) -> (\d+) lines dropped$", text)
                dropped += int(m[1])
            else:
                assert int(text[:8]) == got + dropped, "the next line, or the next after the gap"
                got += 1
    assert got + dropped == n and dropped > n // 2
    assert logs.stat()["dropped"] == dropped
    pipe.close()


def test_the_router(logs, app):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(str(logs.run / "router.sock"))
    s.send(b"twelve " + app.encode() + b" at=info method=GET path=\"/\"\n")
    s.send(b"<134>twelve " + app.encode() + b" at=info method=POST")
    s.send(b"Proxy web stopped (cumulated conns)")
    s.send(b"twelve nobody at=info")
    wait_for(lambda: len(logs.lines(app)) == 2, "the router's lines")
    assert logs.lines(app) == [(1, "heroku", "router", b'at=info method=GET path="/"'),
                               (2, "heroku", "router", b"at=info method=POST")]
    wait_for(lambda: "haproxy: Proxy web stopped" in logs.said(), "haproxy's notice")
    assert logs.stat()["dropped"] == 1
    s.close()


def test_the_router_has_room_for_many_lines(logs, app):
    """While nobody reads: by itself the kernel takes eleven, and HAProxy drops what finds no room."""
    with open("/proc/sys/net/unix/max_dgram_qlen") as f:
        before = f.read()
    os.kill(logs.process.pid, signal.SIGSTOP)
    n = 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, contextlib.suppress(BlockingIOError):
        s.setblocking(False)
        s.connect(str(logs.run / "router.sock"))
        for n in range(150):
            s.send(b"twelve " + app.encode() + b" at=info n=%d" % n)
    os.kill(logs.process.pid, signal.SIGCONT)
    assert n == 149
    wait_for(lambda: logs.stat()["lines"] == 150, "all lines")
    assert [text for _, _, _, text in logs.lines(app)][-1] == b"at=info n=149"
    with open("/proc/sys/net/unix/max_dgram_qlen") as f:
        assert f.read() == before, "what others have is as it was"


def test_how_fast_an_app_was(logs, app):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(str(logs.run / "router.sock"))

    def request(ms, status=200, ts="--", state="-", dyno="web.1"):
        s.send(f'<134>twelve {app} {ts} {state} at=info method=GET path="/" host=h request_id=r fwd="::1" dyno={dyno} connect=0ms '
               f'service={ms}ms status={status} bytes=7 protocol=http\n'.encode())

    def load(of=app):
        with logs.connect() as c:
            c.send(ipc.LOGS_LOAD, app=of)
            kind, fields, _ = c.recv()
        assert kind == ipc.LOGS_LOAD and fields.pop("app") == of
        return {k: int(v) for k, v in fields.items()}

    none = {"requests": 0, "failed": 0, "p95_ms": 0, "for_ms": 0}
    assert load() == none
    for ms in range(1, 101):
        request(ms, status=500 if ms <= 20 else 200)
    request(31000, status=504, ts="sH")
    # A WebSocket; answers of the router's own; one that the client gave up.
    request(90000, status=101)
    request(0, status=404, dyno="-")
    request(0, status=503, ts="LR", state="H14", dyno="-")
    request(90000, ts="CD")
    wait_for(lambda: len(logs.lines(app, lines=200)) == 105, "the lines")
    first = load()
    assert (first["requests"], first["failed"]) == (101, 20) and 90 <= first["p95_ms"] <= 102
    # It begins anew, and knows since when.
    again = load()
    assert (again["requests"], again["p95_ms"]) == (0, 0)
    request(250)
    wait_for(lambda: len(logs.lines(app, lines=200)) == 106, "the line")
    third = load()
    assert third["requests"] == 1 and 240 <= third["p95_ms"] <= 260
    # Nobody else's, and no ring is made by asking.
    other = str(uuid.uuid4())
    assert load(other) == none and not (logs.run / "logs" / f"{other}.ring").exists()
    # A kill loses what was counted, and nothing else.
    request(250)
    wait_for(lambda: len(logs.lines(app, lines=200)) == 107, "the line")
    logs.kill9()
    logs.start()
    assert load() == none



def test_a_dyno_that_has_ended_is_read_to_its_end(logs, app):
    """Whatever twelve-logs finds first: the question, or the pipes of the dyno, handed over by another."""
    r, w = os.pipe()
    os.write(w, b"one\n" * 5000 + b"and the last")
    os.kill(logs.process.pid, signal.SIGSTOP)
    try:
        answer = logs.reading(app, lines=100000, dyno="run.1", ended=1)
        logs.source(app, [r], dyno="run.1")
    finally:
        os.kill(logs.process.pid, signal.SIGCONT)
    with open(answer, "rb") as f:
        texts = [parse(line)[3] for line in f.read().split(b"\n")[:-1]]
    assert texts == [b"one"] * 5000 + [b"and the last"]
    assert logs.texts(app, dyno="run.2", ended=1) == []
    os.close(r)
    os.close(w)


def test_forget(logs, app):
    pipe = Pipe(logs, app)
    pipe.write(b"secret\n")
    wait_for(lambda: logs.lines(app), "the line")
    r = logs.reading(app, tail=1)
    with logs.connect() as c:
        c.send(ipc.LOGS_FORGET, app=app)
    wait_for(lambda: logs.stat()["apps"] == 0, "the app to be forgotten")
    with open(r, "rb") as f:
        assert f.read().endswith(b"secret\n"), "its tails end"
    assert not (logs.run / "logs" / f"{app}.ring").exists()
    pipe.close()


def test_what_is_not_understood_harms_nobody(logs, app):
    with logs.connect() as c:
        c.sock.send(b"nonsense")
        assert c.recv() is None
    with logs.connect() as c:
        c.send(ipc.LOGS_APPEND, app="../../etc/passwd", text="x")
        c.send(77, app=app)
        c.send(ipc.LOGS_READ, app=app)
        c.send(ipc.LOGS_SOURCE, [os.open("/dev/null", os.O_RDONLY)], app=app)
        assert c.ask(ipc.LOGS_STAT)["sources"] == "0"
    second = subprocess.run([str(BUILD / "src" / "logsd" / "twelve-logs")], capture_output=True, text=True,
                            env=dict(os.environ, TWELVE_RUN_DIR=str(logs.run)))
    assert second.returncode != 0 and "another twelve-logs runs" in second.stderr


def test_a_damaged_ring_is_replaced(logs, app):
    logs.append(app, "gone")
    wait_for(lambda: logs.lines(app), "the line")
    logs.kill9()
    with open(logs.run / "logs" / f"{app}.ring", "r+b") as f:
        f.seek(4096)
        f.write(b"\xff" * 16)
    logs.start()
    assert logs.texts(app) == [b"The ring of recent lines was damaged and is empty now"]
    assert "was damaged" in logs.said()


def test_an_app_whose_ring_cannot_be_made_is_not_stopped(logs, app):
    (logs.run / "logs" / f"{app}.ring").mkdir()
    pipe = Pipe(logs, app)
    for i in range(100):
        pipe.write(b"z" * 4000 + b"\n")
    wait_for(lambda: len(logs.lines(app)) == 100, "the lines")
    assert "end with this process" in logs.said()
    pipe.close()


def test_sigterm_keeps_what_was_written(logs, app):
    pipe = Pipe(logs, app)
    pipe.write(b"".join(b"%d\n" % i for i in range(2000)))
    logs.process.terminate()
    assert logs.process.wait(20) == 0
    logs.start()
    pipe.offer()
    wait_for(lambda: len(logs.lines(app, lines=5000)) == 2000, "all lines")
    assert logs.texts(app, lines=5000) == [b"%d" % i for i in range(2000)]
    pipe.close()


def test_a_hundred_thousand_idle_sources(app):
    """They cost nothing but their descriptors, and each is heard when it speaks."""
    n, limit = 100000, resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (n + 1000, max(n + 1000, limit[1])))
    except (ValueError, PermissionError):
        # As many as this machine allows a process.
        n = limit[1] - 1000
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
    logs, ends = Logs(), []
    try:
        with logs.connect() as c:
            c.sock.settimeout(60)
            for i in range(n):
                r, w = os.pipe()
                ends.append(w)
                c.send(ipc.LOGS_SOURCE, [r], app=app, source="app", dyno=f"worker.{i}", release=1)
                os.close(r)
        wait_for(lambda: logs.stat()["sources"] == n, "all sources", 60)
        for i in (0, n // 2, n - 1):
            os.write(ends[i], b"here is %d\n" % i)
        wait_for(lambda: len(logs.lines(app)) == 3, "the lines of three", 60)
        assert sorted((dyno, text) for _, _, dyno, text in logs.lines(app)) == sorted(
            (f"worker.{i}", b"here is %d" % i) for i in (0, n // 2, n - 1))
    finally:
        for w in ends:
            os.close(w)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    wait_for(lambda: logs.stat()["sources"] == 0, "all sources to end", 60)
    logs.stop()


class Tail(threading.Thread):
    """Follows from number to number through restarts, as `twelve logs --tail` does."""

    def __init__(self, logs, app):
        super().__init__(daemon=True)
        self.logs, self.app, self.seen, self.last, self.over = logs, app, [], 0, False

    def run(self):
        while not self.over:
            try:
                r = self.logs.reading(self.app, tail=1, **({"after": self.last} if self.last else {"lines": 10**9}))
            except OSError:
                continue
            self.follow(r)

    def follow(self, r):
        rest = b""
        poll = select.poll()
        poll.register(r)
        while not self.over:
            if not poll.poll(200):
                continue
            data = os.read(r, 65536)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                seq, _, _, text = parse(line)
                self.seen.append((seq, text))
                self.last = seq
        os.close(r)


def flood_through_kills(logs, app, write, kills, between, start=lambda: None):
    """
    Lines by write(pipe, first, n), and kill -9 again and again; `start` tells each new process more. Returns how
    many lines there were, and what a tail saw of them.
    """
    pipe, tail = Pipe(logs, app), Tail(logs, app)
    tail.start()
    state = {"n": 0, "stop": False}

    def flood():
        while not state["stop"]:
            write(pipe, state["n"], 50)
            state["n"] += 50
            # The tail is Python: within the ring, so that nothing is evicted before it was read.
            wait_for(lambda: state["stop"] or state["n"] - len(tail.seen) < 2000, "the tail to follow")

    writer = threading.Thread(target=flood)
    writer.start()
    for kill in range(kills):
        want = state["n"] + between
        wait_for(lambda: state["n"] > want, "the flood to go on")
        logs.kill9()
        logs.start()
        start()
        pipe.offer()
    state["stop"] = True
    writer.join()
    wait_for(lambda: len(tail.seen) >= state["n"], "the tail to have all", 30)
    tail.over = True
    tail.join()
    pipe.close()
    return state["n"], tail.seen


def test_kill_9_in_a_flood(logs, app):
    """In = out, in order, whatever instant it is killed at; lines of many lengths, some without an end at that instant."""
    def write(pipe, first, n):
        block = b"".join(b"%d %s\n" % (i, b"y" * (i * 7 % 300)) for i in range(first, first + n))
        for at in range(0, len(block), 4099):
            pipe.write(block[at:at + 4099])

    n, seen = flood_through_kills(logs, app, write, 20, 1500)
    assert [int(text.split(b" ")[0]) for _, text in seen] == list(range(n)), "no gap, no double"
    assert all(len(text.split(b" ")[1]) == i * 7 % 300 for i, (_, text) in enumerate(seen))
    assert [seq for seq, _ in seen] == list(range(1, n + 1))
