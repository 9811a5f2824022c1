# SPDX-License-Identifier: Apache-2.0
"""Drains of twelve-logs against real receivers: rsyslog, syslog-ng, a forward server; and faults of receivers."""
import json
import os
import pathlib
import re
import select
import shutil
import socket
import struct
import threading
import time
import uuid

import pytest

import ipc
import receivers
from conftest import free_port, wait_for
from test_logsd import Logs, Pipe, app, flood_through_kills, logs  # noqa: F401 (fixtures)

LONG = b"x" * 25000
ODD = [b"plain", b'with "quotes" \\ and ]', "h\u00e9llo \u20ac \U0001f438".encode(), b"tab\there", b"  leading blanks", LONG,
       b'{"level":"info","n":12,"nested":{"a":[1,null,true,1.5]}}', b'{"not json', b"last"]


@pytest.fixture(autouse=True)
def folder(tmp_path):
    return tmp_path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return receivers.certificates(tmp_path_factory.mktemp("certificates"))


def started(receiver):
    try:
        return receiver.start()
    except receivers.Unavailable as e:
        pytest.skip(f"{receiver.name} can't be had here: {e}")


class Drains:
    """The set of an app's drains, as twelved would tell it."""

    def __init__(self, logs, app):
        self.logs, self.app, self.list = logs, app, []

    def add(self, url, format="records", on_full="drop", ca=None, created_ns=0):
        d = dict(id=str(uuid.uuid4()), token=f"d.{uuid.uuid4()}", url=url, format=format, on_full=on_full,
                 ca=pathlib.Path(ca).read_text() if ca else None, created_ns=created_ns)
        self.list.append(d)
        self.tell()
        return d

    def tell(self):
        with self.logs.connect() as c:
            c.send(ipc.LOGS_DRAINS, app=self.app, name="shop", release=7, commit="1f3870b", drains=json.dumps(self.list))

    def test(self, d):
        test = str(uuid.uuid4())
        with self.logs.connect() as c:
            c.send(ipc.LOGS_DRAIN_TEST, app=self.app, drain=d["id"], test=test)
        return wait_for(lambda: (lambda s: s["test_id"] == test and s["test"] != 1 and s)(self.status(d)), "the test", 40)

    def status(self, d):
        """logs/drain-status.h"""
        path = self.logs.run / "logs" / f"{d['id']}.drain"
        wait_for(lambda: path.exists() and path.stat().st_size, "the drain to begin")
        data = path.read_bytes()
        generation, = struct.unpack_from("<Q", data, 24)
        names = ("next_seq taken_seq at_seq batch_first batch_end batch_lost batch_since_ns batch_notice_ns lost lost_since_ns sent dropped "
                 "sent_bytes tail_seq oldest_ns phase_since_ms failing_since_ms error_ms failures").split()
        layout = struct.Struct("<%dqII240s37s240s" % len(names))
        size = (layout.size + 7) // 8 * 8
        values = layout.unpack_from(data, 32 + generation % 2 * size)
        s = dict(zip(names + ["phase", "test", "error", "test_id", "test_text"], values))
        return {k: v.split(b"\0")[0].decode() if isinstance(v, bytes) else v for k, v in s.items()}


@pytest.fixture
def drains(logs, app):
    return Drains(logs, app)


def joined(texts):
    """Pieces of a long line put together again."""
    whole, part = [], b""
    for text in texts:
        part += text
        if len(text) < 10000:
            whole.append(part)
            part = b""
    return whole


def check_app(records, field):
    assert [r[field] for r in records] == ["app"] * len(records)


# ---- syslog

SYSLOG = [receivers.Rsyslog, receivers.SyslogNg]


@pytest.mark.parametrize("kind", SYSLOG, ids=["rsyslog", "syslog-ng"])
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_syslog(logs, app, drains, folder, certificates, kind, tls):
    receiver = started(kind(folder, certificates if tls else None))
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"syslog{'+tls' if tls else ''}://127.0.0.1:{receiver.port}", ca=certificates.ca if tls else None)
    pipe.write(b"".join(line + b"\n" for line in ODD))
    wait_for(lambda: len(receiver.records()) == len(ODD) + 2, "all lines", 20)
    records = receiver.records()
    texts = [r["msg"].encode() for r in records]
    if kind is receivers.Rsyslog:
        # rsyslog gives MSG with its LF.
        texts = [t[1:] if t.startswith(b" ") and ODD[4] not in t else t for t in texts]
    assert [t.rstrip(b"\n") for t in joined(texts)] == ODD
    assert {r["hostname"] for r in records} == {d["token"]}
    assert {(r["app-name"], r["procid"]) for r in records} == {("app", "web.1")}
    assert records[0]["timereported"][:4] == time.strftime("%Y")
    wait_for(lambda: drains.status(d)["sent"] == len(ODD) + 2, "the count")
    assert drains.status(d)["dropped"] == 0
    result = drains.test(d)
    assert result["test"] == 2, result
    wait_for(lambda: f"Test of drain {d['token']}" in receiver.records()[-1]["msg"], "the marked line")
    receiver.stop()
    pipe.close()


def test_syslog_structured_data(logs, app, drains, folder):
    receiver = started(receivers.Rsyslog(folder))
    pipe = Pipe(logs, app, release=7)
    drains.add(f"syslog://127.0.0.1:{receiver.port}")
    pipe.write(b"one\n" + LONG + b"\n")
    wait_for(lambda: len(receiver.records()) == 4, "the lines")
    sd = [r["structured-data"] for r in receiver.records()]
    assert sd[0] == '[twelve@32473 app="shop" type="web" seq="1" release="v7" commit="1f3870b"]'
    assert ['partial="true"' in s for s in sd] == [False, True, True, False]
    receiver.stop()
    pipe.close()


@pytest.mark.parametrize("which", ["another authority", "another name"])
def test_a_certificate_that_is_not_right(logs, app, drains, folder, certificates, which):
    wrong = receivers.types.SimpleNamespace(**vars(certificates))
    if which == "another name":
        wrong.server, wrong.server_key = certificates.wrong, certificates.wrong_key
    receiver = started(receivers.Rsyslog(folder, wrong))
    pipe = Pipe(logs, app)
    d = drains.add(f"syslog+tls://127.0.0.1:{receiver.port}", ca=certificates.ca if which == "another name" else certificates.other_ca)
    pipe.write(b"secret\n")
    wait_for(lambda: drains.status(d)["failures"], "the refusal")
    wait_for(lambda: any(b"Error L14 (Certificate validation error)" in t for t in logs.texts(app)), "L14 in the stream")
    assert receiver.records() == []
    assert "certificate" in drains.status(d)["error"].lower() or "SSL" in drains.status(d)["error"]
    receiver.stop()
    pipe.close()


# ---- forward


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("key", [None, "shared", "users"])
def test_forward(logs, app, drains, folder, certificates, tls, key):
    receiver = started(receivers.Forward(folder, certificates if tls else None, "s3cret" if key else None,
                                         {"ada": "pw"} if key == "users" else None))
    pipe = Pipe(logs, app, release=7)
    who = "ada:pw@" if key == "users" else ""
    d = drains.add(f"fluent{'+tls' if tls else ''}://{who}127.0.0.1:{receiver.port}{'?shared_key=s3cret' if key else ''}",
                   ca=certificates.ca if tls else None)
    pipe.write(b"".join(line + b"\n" for line in ODD))
    wait_for(lambda: len(receiver.records()) == len(ODD) + 2, "all lines", 20)
    records = receiver.records()
    assert {r["tag"] for r in records} == {"shop.web"}
    assert [r["record"]["twelve"]["seq"] for r in records] == list(range(1, len(ODD) + 3))
    assert records[0]["record"] == {"message": "plain", "twelve": {
        "app": "shop", "source": "app", "dyno": "web.1", "type": "web", "release": "v7", "commit": "1f3870b", "seq": 1}}
    parsed = [r["record"] for r in records if "level" in r["record"]]
    assert [{k: v for k, v in p.items() if k != "twelve"} for p in parsed] == [json.loads(ODD[6])]
    assert [r["record"]["twelve"].get("partial", False) for r in records[5:8]] == [True, True, False]
    assert abs(records[0]["time"]["sec"] - time.time()) < 60
    wait_for(lambda: drains.status(d)["sent"] == len(ODD) + 2, "the count")
    assert drains.test(d)["test"] == 2
    receiver.stop()
    pipe.close()


def test_forward_with_the_wrong_key(logs, app, drains, folder):
    receiver = started(receivers.Forward(folder, None, "s3cret"))
    pipe = Pipe(logs, app)
    wrong = drains.add(f"fluent://127.0.0.1:{receiver.port}?shared_key=guess")
    missing = drains.add(f"fluent://127.0.0.1:{receiver.port}")
    pipe.write(b"a line\n")
    wait_for(lambda: drains.status(wrong)["failures"] and drains.status(missing)["failures"], "both refusals")
    assert "refuses us" in drains.status(wrong)["error"] or "closed" in drains.status(wrong)["error"]
    assert "shared_key" in drains.status(missing)["error"]
    assert "s3cret" not in logs.said() and "guess" not in logs.said()
    receiver.stop()
    pipe.close()


# ---- faults


class Sink(threading.Thread):
    """A syslog receiver that misbehaves as it is told."""

    def __init__(self, how="read", port=None):
        super().__init__(daemon=True)
        self.how, self.data, self.connections = how, bytearray(), 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(("127.0.0.1", port or 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        part = bytearray()
        try:
            while True:
                if self.how == "stall":
                    select.select([], [], [], 0.05)
                    continue
                # Read to its end whatever happens, as a receiver that closes in order does.
                n = 1 if self.how == "byte" else 65536
                data = c.recv(n)
                if not data:
                    break
                part += data
                if self.how == "close" and len(part) > 20000:
                    c.shutdown(socket.SHUT_WR)
                    c.settimeout(30)
        except OSError:
            pass
        finally:
            c.close()
            self.data += part[:self.whole(part)]

    @staticmethod
    def frames(data):
        at, found = 0, []
        while True:
            m = re.compile(rb"(\d+) ").match(data, at)
            if not m or m.end() + int(m[1]) > len(data):
                return found, at
            found.append(bytes(data[m.end():m.end() + int(m[1])]))
            at = m.end() + int(m[1])

    def whole(self, data):
        return self.frames(data)[1]

    def stop(self):
        # A thread that still accepted would take the connections of the next socket of the same number.
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def numbers(frames):
    return [int(m[1]) for m in (re.search(rb"#(\d+)#", f) for f in frames) if m]


def told(frames):
    return sum(int(m[1]) for m in (re.search(rb"Error L10 \(output buffer overflow\): (\d+) messages dropped since ", f)
                                   for f in frames) if m)


def flood(pipe, first, n, size=100):
    block = b"".join((b"#%08d# " % i).ljust(size - 1, b"x") + b"\n" for i in range(first, first + n))
    pipe.write(block)


def is_up_to_date(s):
    return s["next_seq"] == s["tail_seq"] and not s["lost"]


def test_a_receiver_that_closes(logs, app, drains):
    """It half-closes, again and again: nothing is lost."""
    sink, n = Sink("close"), 0
    pipe = Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{sink.port}")
    while sink.connections < 4:
        flood(pipe, n, 300)
        n += 300
        wait_for(lambda: drains.status(d)["next_seq"] > n, "the lines to go")
    drains.list.clear()
    drains.tell()
    wait_for(lambda: set(numbers(Sink.frames(sink.data)[0])) == set(range(n)), "all lines", 30)
    sink.stop()
    pipe.close()


def test_a_receiver_that_reads_a_byte_at_a_time(logs, app, drains):
    sink = Sink("byte")
    pipe = Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{sink.port}")
    flood(pipe, 0, 200)
    wait_for(lambda: drains.status(d)["sent"] == 200, "the lines", 60)
    sink.stop()
    pipe.close()


def test_a_receiver_that_stalls_costs_nobody_else_a_line(logs, app, drains):
    """In = delivered + told, exactly; and the drain beside it has everything."""
    stalled, fine = Sink("stall"), Sink()
    pipe = Pipe(logs, app)
    slow, good = drains.add(f"syslog://127.0.0.1:{stalled.port}"), drains.add(f"syslog://127.0.0.1:{fine.port}", on_full="block")
    n = 60000
    for i in range(0, n, 500):
        flood(pipe, i, 500)
    wait_for(lambda: drains.status(good)["sent"] >= n, "the good drain", 60)
    s = drains.status(good)
    assert (s["sent"], s["dropped"]) == (n, 0), (s, logs.lines(app)[-3:], logs.said())
    assert drains.status(slow)["dropped"] > n // 2
    stalled.how = "read"
    wait_for(lambda: is_up_to_date(drains.status(slow)), "the slow one to catch up", 60)
    s = drains.status(slow)
    assert s["sent"] + s["dropped"] == n, s
    # Removed: the connections end, and the sinks have their last words.
    drains.list.clear()
    drains.tell()
    wait_for(lambda: len(numbers(Sink.frames(stalled.data)[0])) == s["sent"], "what was sent to arrive", 30)
    frames = Sink.frames(stalled.data)[0]
    got = numbers(frames)
    assert len(set(got)) == len(got) and got == sorted(got)
    assert len(got) + told(frames) == n, "delivered and told"
    wait_for(lambda: numbers(Sink.frames(fine.data)[0]) == list(range(n)), "all lines, in order", 30)
    stalled.stop()
    fine.stop()
    pipe.close()


def test_on_full_block(logs, app, drains):
    """The app waits, and not a line is lost."""
    sink = Sink("stall")
    pipe = Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{sink.port}", on_full="block")
    n, state = 40000, {"n": 0}

    def write():
        for i in range(0, n, 100):
            flood(pipe, i, 100)
            state["n"] = i + 100

    writer = threading.Thread(target=write)
    writer.start()
    wait_for(lambda: logs.stat()["lines"] > 5000 and (lambda a: not writer.join(0.5) and a == state["n"])(state["n"]),
             "the writer to wait", 60)
    assert state["n"] < n
    logs.append(app, "a line of the platform finds no room")
    sink.how = "read"
    writer.join()
    wait_for(lambda: drains.status(d)["sent"] >= n, "all lines", 60)
    assert drains.status(d)["dropped"] == 0
    drains.list.clear()
    drains.tell()
    wait_for(lambda: numbers(Sink.frames(sink.data)[0]) == list(range(n)), "all lines, in order", 30)
    assert any(b"Error L12" in f for f in Sink.frames(sink.data)[0]), "what was dropped of the platform is told"
    sink.stop()
    pipe.close()


def test_gone_for_a_while(logs, app, drains, folder):
    """rsyslog stops and comes back: what was written meanwhile waits in the ring, and none is lost."""
    receiver = started(receivers.Rsyslog(folder))
    pipe = Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{receiver.port}")
    flood(pipe, 0, 100)
    wait_for(lambda: len(receiver.records()) == 100, "the lines before")
    receiver.stop()
    flood(pipe, 100, 3000)
    wait_for(lambda: drains.status(d)["failures"] >= 2, "some tries to fail", 30)
    assert drains.status(d)["phase"] == 3 and "onnect" in drains.status(d)["error"]
    receiver.start()
    wait_for(lambda: len({r["msg"][:11] for r in receiver.records()}) == 3100, "all lines", 60)
    wait_for(lambda: drains.status(d)["failures"] == 0, "the drain to be well")
    assert drains.status(d)["dropped"] == 0
    receiver.stop()
    pipe.close()


def test_a_drain_that_fails_for_long_is_told_in_the_stream(logs, app, drains):
    pipe = Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{free_port()}")
    pipe.write(b"a line\n")
    wait_for(lambda: any(b"Error L13 (Local delivery error) -> drain " + d["token"].encode() in t for t in logs.texts(app)),
             "L13 in the stream", 90)
    # It is never removed by itself: where it was to go, somebody listens again.
    sink = Sink(port=int(d["url"].rsplit(":", 1)[1]))
    wait_for(lambda: any(b"delivers again" in t for t in logs.texts(app)), "that it is well", 60)
    sink.stop()
    pipe.close()


def test_kill_9_in_a_flood_with_acknowledgements(app, folder):
    """At a tail and at a forward drain: no line missing, none twice but in a chunk of the same id, in order."""
    receiver = started(receivers.Forward(folder))
    logs = Logs(16 << 20)
    drains = Drains(logs, app)
    drains.add(f"fluent://127.0.0.1:{receiver.port}", format="raw")
    n, seen = flood_through_kills(logs, app, flood, 10, 1000, drains.tell)
    assert [seq for seq, _ in seen] == list(range(1, n + 1)), "the tail"
    wait_for(lambda: len({r["record"]["twelve"]["seq"] for r in receiver.records()}) == n, "the drain to have all", 30)
    got = [r["record"]["twelve"]["seq"] for r in receiver.records()]
    # The server keeps no ids: a chunk whose acknowledgement a kill swallowed comes again, whole.
    assert list(dict.fromkeys(got)) == list(range(1, n + 1)), "in order, without a gap"
    assert sum(b != a + 1 for a, b in zip(got, got[1:])) <= 10, "at most one chunk again for each kill"
    receiver.stop()
    logs.stop()


def test_kill_9_in_a_flood_over_plain_syslog(app):
    """Nothing is missing while the receiver lives; a kill in the very moment of a write may double what was being written."""
    sink = Sink()
    logs = Logs(16 << 20)
    drains = Drains(logs, app)
    pipe = Pipe(logs, app)
    drains.add(f"syslog://127.0.0.1:{sink.port}")
    n = 0
    for kill in range(10):
        for _ in range(20):
            flood(pipe, n, 50)
            n += 50
        logs.kill9()
        logs.start()
        drains.tell()
        pipe.offer()
    d = drains.list[0]
    wait_for(lambda: drains.status(d)["next_seq"] == n + 1, "all lines to be given", 60)
    drains.list.clear()
    drains.tell()
    wait_for(lambda: set(numbers(Sink.frames(sink.data)[0])) == set(range(n)), "all lines", 60)
    got = numbers(Sink.frames(sink.data)[0])
    # Connections of before and after a kill are read side by side, so order is that of each.
    assert len(got) - n <= 10 * 64 * 1024 // 100, "at most one chunk twice for each kill"
    sink.stop()
    pipe.close()
    logs.stop()


def test_sigterm_doubles_nothing_over_syslog(app):
    """An end in order: what the system was given it goes on to send, and nobody sends it again."""
    sink, logs, n = Sink(), Logs(16 << 20), 0
    drains, pipe = Drains(logs, app), Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{sink.port}")
    for end in range(5):
        for _ in range(40):
            flood(pipe, n, 50)
            n += 50
        logs.process.terminate()
        assert logs.process.wait(20) == 0
        logs.start()
        drains.tell()
        pipe.offer()
    wait_for(lambda: drains.status(d)["next_seq"] == n + 1, "all lines to be given", 60)
    logs.stop()
    wait_for(lambda: len(numbers(Sink.frames(sink.data)[0])) >= n, "all lines", 30)
    assert sorted(numbers(Sink.frames(sink.data)[0])) == list(range(n))
    sink.stop()
    pipe.close()


@pytest.mark.parametrize("url", ["syslog://127.0.0.1:{}", "fluent://127.0.0.1:{}", "loki+http://127.0.0.1:{}"])
def test_a_drain_that_failed_with_nothing_to_send_goes_on(logs, app, drains, url):
    """A test of a receiver that is away, and lines only when it is back."""
    pipe, port = Pipe(logs, app), free_port()
    d = drains.add(url.format(port))
    s = drains.test(d)
    assert s["test"] == 3 and "onnect" in s["test_text"], s
    wait_for(lambda: drains.status(d)["phase"] != 3, "the pause to end", 20)
    sink = Sink(port=port)
    pipe.write(b"a line\n")
    wait_for(lambda: sink.connections, "the drain to try again", 20)
    sink.stop()
    pipe.close()


def test_names_are_looked_up(logs, app, drains):
    """By a thread; a name that is not there is told, and a lookup that nobody waits for any more hurts nobody."""
    sink, pipe = Sink(), Pipe(logs, app)
    d = drains.add(f"syslog://localhost:{sink.port}")
    unknown = drains.add("syslog://no-such-host.invalid:514")
    flood(pipe, 0, 10)
    wait_for(lambda: drains.status(d)["sent"] == 10, "the lines")
    wait_for(lambda: "connecting to no-such-host.invalid: " in drains.status(unknown)["error"], "the failure", 60)
    for _ in range(20):
        drains.list.append(dict(unknown, id=str(uuid.uuid4())))
        drains.tell()
        drains.list.pop()
        drains.tell()
    drains.list.remove(unknown)
    drains.tell()
    flood(pipe, 10, 10)
    wait_for(lambda: drains.status(d)["sent"] >= 20, "the lines after that")
    drains.list.clear()
    drains.tell()
    wait_for(lambda: numbers(Sink.frames(sink.data)[0]) == list(range(20)), "the lines")
    sink.stop()
    pipe.close()


def test_memory_beside_the_rings(logs, app, drains):
    """A syslog drain brings no libcurl; an HTTP drain does, from the module beside the program."""
    sink, pipe = Sink(), Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{sink.port}")
    flood(pipe, 0, 5000)
    wait_for(lambda: drains.status(d)["sent"] == 5000, "the lines")

    def libraries():
        return {line.split("/")[-1].strip() for line in open(f"/proc/{logs.process.pid}/maps") if ".so" in line}

    assert not [name for name in libraries() if re.match("lib(curl|ssl|crypto|gnutls)", name)]
    drains.add(f"loki+http://127.0.0.1:{free_port()}")
    wait_for(lambda: [name for name in libraries() if name.startswith("libcurl")], "libcurl")
    sink.stop()
    pipe.close()


def test_without_the_module(app, tmp_path):
    """An HTTP drain can't be; who speaks plain TCP does not care."""
    logs = Logs(program=shutil.copy(Logs.program, tmp_path))
    drains, sink, pipe = Drains(logs, app), Sink(), Pipe(logs, app)
    drains.add(f"loki+http://127.0.0.1:{free_port()}")
    wait_for(lambda: "loading twelve-logs-curl.so, which drains over HTTP and TLS need" in logs.said(), "the reason")
    tls = drains.add(f"syslog+tls://127.0.0.1:{sink.port}")
    d = drains.add(f"syslog://127.0.0.1:{sink.port}")
    flood(pipe, 0, 10)
    wait_for(lambda: drains.status(d)["sent"] == 10, "the lines")
    wait_for(lambda: "loading twelve-logs-curl.so" in drains.status(tls)["error"], "the reason in the status")
    logs.stop()
    sink.stop()
    pipe.close()


def test_a_status_that_cannot_be_written_stops_no_drain(logs, app, drains):
    sink, pipe = Sink(), Pipe(logs, app)
    d = drains.add(f"syslog://127.0.0.1:{sink.port}")
    path = logs.run / "logs" / f"{d['id']}.drain"
    wait_for(path.exists, "the drain's status")
    drains.list.clear()
    drains.tell()
    wait_for(lambda: not path.exists(), "the drain to go")
    path.mkdir()
    drains.list.append(d)
    drains.tell()
    flood(pipe, 0, 10)
    wait_for(lambda: "ends with this process" in logs.said(), "what is told")
    wait_for(lambda: sink.connections, "the drain to begin")
    drains.list.clear()
    drains.tell()
    wait_for(lambda: numbers(Sink.frames(sink.data)[0]) == list(range(10)), "the lines")
    sink.stop()
    pipe.close()
