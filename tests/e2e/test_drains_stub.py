# SPDX-License-Identifier: Apache-2.0
"""
HTTP drains against stubs of our own, for what real receivers (test_drains_collector.py,
test_drains_http.py) can't be made to do: each status code, answers in parts, odd
orders; and for the bytes that are sent.
"""
import collections
import gzip
import http.server
import json
import re
import threading
import types
import uuid

import pytest

from conftest import wait_for
from test_drains import Drains, drains, flood, is_up_to_date  # noqa: F401 (fixture)
from test_logsd import Pipe, app, logs  # noqa: F401 (fixtures)

URLS = {"logplex": "http://127.0.0.1:{}/logs", "elasticsearch": "elasticsearch+http://127.0.0.1:{}",
        "splunk": "splunk+http://:token@127.0.0.1:{}", "loki": "loki+http://127.0.0.1:{}", "otlp": "otlp+http://127.0.0.1:{}"}

# What section "One retry table" of the wire facts says; 3xx is no answer that any of them gives.
RETRIED = {"logplex": {429, 500, 502, 503}, "elasticsearch": {429, 500, 502, 503}, "splunk": {408, 429, 500, 502, 503},
           "loki": {429, 500, 502, 503}, "otlp": {429, 502, 503}}
STATUSES = [200, 201, 204, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503]


class Stub:
    """Answers as it is told; keeps the requests, unpacked."""

    def __init__(self):
        self.requests, self.answers = [], collections.deque()
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                stub.requests.append((self.path, dict(self.headers), body))
                answer = stub.answers.popleft() if stub.answers else (200, {}, stub.fine(self.path))
                status, headers, reply = answer if isinstance(answer, tuple) else (answer, {}, b"")
                reply = b"" if status == 204 else reply
                self.send_response(status)
                for k, v in {**headers, "Content-Length": str(len(reply))}.items():
                    self.send_header(k, v)
                self.end_headers()
                try:
                    self.wfile.write(reply)
                except BrokenPipeError:
                    # A twelve-logs that ends with its test waits for no answer; a reply that was due is missed by the test itself.
                    self.close_connection = True

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def fine(path):
        return b'{"errors":false,"items":[]}' if path.startswith("/_bulk") else b""

    def bodies(self):
        return [body for _, _, body in self.requests]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stub():
    s = Stub()
    yield s
    s.stop()


class Case:
    """One status, with an app, a drain and a stub of its own: all of a kind run side by side."""

    def __init__(self, logs, kind, status):
        self.logs, self.kind, self.status, self.app, self.stub = logs, kind, status, str(uuid.uuid4()), Stub()
        self.pipe = Pipe(logs, self.app)
        fine = self.stub.fine("/_bulk") if kind == "elasticsearch" and status < 300 else b""
        self.stub.answers.append((status, {"Retry-After": "1"}, fine))
        self.drains = Drains(logs, self.app)
        self.drain = self.drains.add(URLS[kind].format(self.stub.port))
        self.pipe.write(b"one\ntwo\n")

    def wait(self, condition, what):
        wait_for(condition, f"{what} ({self.kind}, {self.status}): {self.drains.status(self.drain)}", 20)

    def now(self, *names):
        s = self.drains.status(self.drain)
        return tuple(s[name] for name in names)

    def check(self):
        if self.status in RETRIED[self.kind]:
            self.wait(lambda: self.now("sent", "dropped") == (2, 0), "the second try")
            assert self.stub.bodies()[0] == self.stub.bodies()[1], "the same bytes"
            assert str(self.status) in self.now("error")[0]
        elif self.status < 300:
            self.wait(lambda: self.now("sent", "dropped") == (2, 0), "the count")
            assert self.now("error") == ("",) and len(self.stub.requests) == 1
        else:
            self.wait(lambda: self.now("dropped", "failures") == (2, 0), "the lines to be given up")
            assert str(self.status) in self.now("error")[0]
            # What was lost is told before the next line, and both arrive.
            self.pipe.write(b"three\n")
            self.wait(lambda: any(b"2 messages dropped since" in body for body in self.stub.bodies()), "the notice")
            self.wait(lambda: any(b"three" in body for body in self.stub.bodies()), "the next line")
            assert any(b"lines were refused" in t for t in self.logs.texts(self.app))

    def done(self):
        self.pipe.close()
        self.stub.stop()


@pytest.mark.parametrize("kind", URLS)
def test_stub_statuses(logs, kind):
    cases = [Case(logs, kind, status) for status in STATUSES]
    for case in cases:
        case.check()
    for case in cases:
        case.done()


def test_stub_logplex_frames(logs, app, drains, stub):
    """What Vector's parser asks for: each frame ends with a counted LF and holds no other; the count fits."""
    pipe = Pipe(logs, app)
    d = drains.add(f"http://user:pa%20ss@127.0.0.1:{stub.port}/logs?x=1")
    pipe.write(b"one\n\nwith \r in it\nbad \xff byte\n" + b"x" * 12000 + b"\n")
    wait_for(lambda: sum(int(h["Logplex-Msg-Count"]) for _, h, _ in stub.requests) >= 6, "six frames", 20)
    path, headers, body = stub.requests[0]
    assert path == "/logs?x=1" and headers["Content-Type"] == "application/logplex-1"
    assert headers["Authorization"] == "Basic dXNlcjpwYSBzcw==" and headers["Logplex-Drain-Token"] == d["token"]
    assert re.fullmatch("[0-9a-f]{32}", headers["Logplex-Frame-Id"])
    frames = body.split(b"\n")[:-1]
    assert len(frames) == int(headers["Logplex-Msg-Count"])
    for frame in frames:
        m = re.match(rb"(\d+) <190>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 host app web\.1 - ", frame)
        assert m and int(m[1]) == len(frame) + 1 - len(m[1]) - 1, frame[:80]
        # As Vector reads it: lines of UTF-8, of eight parts, the last of which is not empty.
        assert len(frame.decode().split(" ", 7)) == 8 and frame.decode().split(" ", 7)[7]
    assert "bad \ufffd byte" in body.decode()
    pipe.close()


def test_stub_logplex_three_tries(logs, app, drains, stub):
    pipe = Pipe(logs, app)
    stub.answers.extend([500, 500, 500])
    d = drains.add(URLS["logplex"].format(stub.port))
    pipe.write(b"poison\n")
    wait_for(lambda: drains.status(d)["dropped"] == 1, "three tries", 30)
    assert len({h["Logplex-Frame-Id"] for _, h, _ in stub.requests[:3]}) == 1, "the same id on each"
    pipe.close()


def test_stub_elasticsearch_items(logs, app, drains, stub):
    """Only items that were refused for now go again; 409 is there already; 400 is lost and counted."""
    pipe = Pipe(logs, app)
    statuses = [201, 429, 409, 400, 503]
    items = [{"create": {"status": s, **({"error": {"type": "t", "reason": f"because {s}"}} if s >= 400 else {})}} for s in statuses]
    stub.answers.append((200, {}, json.dumps({"errors": True, "items": items}).encode()))
    d = drains.add(URLS["elasticsearch"].format(stub.port) + "?index=mine")
    pipe.write(b"".join(b"line %d\n" % i for i in range(5)))
    wait_for(lambda: len(stub.requests) >= 2, "the second try", 20)
    again = [json.loads(line) for line in stub.bodies()[1].splitlines()]
    assert [a["message"] for a in again[1::2]] == ["line 1", "line 4"]
    assert {a["create"]["_index"] for a in again[::2]} == {"mine"}
    assert [a["create"]["_id"] for a in again[::2]] == [json.loads(stub.bodies()[0].splitlines()[i])["create"]["_id"] for i in (2, 8)]
    wait_for(lambda: (lambda s: (s["sent"], s["dropped"]) == (4, 1))(drains.status(d)), "the counts", 20)
    pipe.close()


def test_stub_refusals_do_not_go_round(logs, app, drains, stub):
    """What is told of a refused line is a line: when that is refused, too, in other words each time, it is told no more."""
    pipe, n = Pipe(logs, app), iter(range(1, 1000))
    stub.answers = types.SimpleNamespace(popleft=lambda: (400, {}, b"no: request %d\n" % next(n)))
    d = drains.add(URLS["loki"].format(stub.port))
    pipe.write(b"one\n")
    wait_for(lambda: drains.status(d)["dropped"] >= 2, "the second refusal")
    pipe.write(b"two\n")
    wait_for(lambda: any(b"two" in body for body in stub.bodies()) and drains.status(d)["dropped"] >= 3, "the third")
    assert [t.split(b" ")[0] for t in logs.texts(app)] == [b"one", b"Error", b"two"], logs.texts(app)
    pipe.close()


def test_stub_elasticsearch_says_much(logs, app, drains, stub):
    """A mapper repeats fields in its reasons: all of a long answer is read."""
    pipe = Pipe(logs, app)
    pipe.write(b"line\n" * 100)
    items = [{"create": {"status": 400, "error": {"reason": "r" * 30000}}}] * 99 + [{"create": {"status": 201}}]
    stub.answers.append((200, {}, json.dumps({"errors": True, "items": items}).encode()))
    wait_for(lambda: logs.stat()["lines"] == 100, "the lines")
    d = drains.add(URLS["elasticsearch"].format(stub.port))
    wait_for(lambda: (lambda s: (s["sent"], s["dropped"]) == (1, 99))(drains.status(d)), "the counts", 20)
    pipe.close()


def test_stub_elasticsearch_refuses_what_was_left(logs, app, drains, stub):
    """Two items were taken, one was for later, and later is never: one line is lost, not three."""
    pipe = Pipe(logs, app)
    items = [{"create": {"status": status}} for status in (201, 429, 201)]
    stub.answers.extend([(200, {}, json.dumps({"errors": True, "items": items}).encode()), (400, {}, b"no")])
    d = drains.add(URLS["elasticsearch"].format(stub.port))
    pipe.write(b"one\ntwo\nthree\n")
    wait_for(lambda: drains.status(d)["dropped"], "the refusal", 20)
    assert (lambda s: (s["sent"], s["dropped"]))(drains.status(d)) == (2, 1)
    pipe.close()


def test_stub_elasticsearch_fields(logs, app, drains, stub):
    pipe = Pipe(logs, app)
    drains.add(URLS["elasticsearch"].format(stub.port))
    pipe.write(b'{"level":"warn","@timestamp":"2020-01-01T00:00:00Z"}\n{"twelve":1}\n')
    wait_for(lambda: stub.requests, "the batch", 20)
    docs = [json.loads(line) for line in stub.bodies()[0].splitlines()[1::2]]
    assert docs[0]["level"] == "warn" and docs[0]["@timestamp"] == "2020-01-01T00:00:00Z"
    assert docs[1]["message"] == '{"twelve":1}', "a name of ours: then it is text"
    pipe.close()


def test_stub_splunk_cuts_out_the_bad_event(logs, app, drains, stub):
    pipe = Pipe(logs, app)
    stub.answers.append((400, {}, b'{"text":"Invalid data format","code":6,"invalid-event-number":1}'))
    d = drains.add(URLS["splunk"].format(stub.port) + "?index=main&sourcetype=mine")
    pipe.write(b"one\ntwo\nthree\n")
    wait_for(lambda: (lambda s: (s["sent"], s["dropped"]) == (2, 1))(drains.status(d)), "the counts", 20)
    path, headers, body = stub.requests[1]
    events = [json.loads(line) for line in body.splitlines()]
    assert [e["event"] for e in events] == ["one", "three"]
    assert path == "/services/collector/event" and headers["Authorization"] == "Splunk token"
    assert (events[0]["index"], events[0]["sourcetype"], events[0]["fields"]["dyno"]) == ("main", "mine", "web.1")
    pipe.close()


def test_stub_splunk_acknowledgements(logs, app, drains, stub):
    pipe = Pipe(logs, app)
    stub.answers.extend([(200, {}, b'{"text":"Success","code":0,"ackId":7}'), (200, {}, b'{"acks":{"7":false}}'),
                         (200, {}, b'{"acks":{"7":true}}')])
    d = drains.add(URLS["splunk"].format(stub.port) + "?ack=true")
    pipe.write(b"one\n")
    wait_for(lambda: len(stub.requests) == 2, "the first question", 20)
    assert drains.status(d)["sent"] == 0, "taken is not indexed"
    wait_for(lambda: drains.status(d)["sent"] == 1, "the acknowledgement", 20)
    assert stub.requests[1][0] == "/services/collector/ack" and json.loads(stub.bodies()[1]) == {"acks": [7]}
    assert {h["X-Splunk-Request-Channel"] for _, h, _ in stub.requests} == {d["id"]}
    pipe.close()


def test_stub_splunk_that_counts_anew(logs, app, drains, stub):
    """It was restarted: a yes to the old number would be for another batch. Both go again, the older first."""
    pipe = Pipe(logs, app)
    ids, indexed = [4, 0, 1, 2], set()

    def fine(path):
        if path.endswith("/ack"):
            return json.dumps({"acks": {str(i): i in indexed for i in json.loads(stub.bodies()[-1])["acks"]}}).encode()
        got = ids.pop(0)
        # The first one it never indexes.
        indexed.update({got} - {4})
        return json.dumps({"text": "Success", "code": 0, "ackId": got}).encode()

    stub.fine = fine
    d = drains.add(URLS["splunk"].format(stub.port) + "?ack=true")
    pipe.write(b"old\n")
    wait_for(lambda: len(stub.requests) >= 2, "the first question", 20)
    pipe.write(b"new\n")
    wait_for(lambda: is_up_to_date(drains.status(d)), "the acknowledgements", 20)
    events = [json.loads(line)["event"] for path, _, body in stub.requests if path.endswith("/event") for line in body.splitlines()]
    assert events == ["old", "new", "old", "new"] and "restarted" in drains.status(d)["error"]
    assert (drains.status(d)["sent"], drains.status(d)["dropped"]) == (2, 0)
    pipe.close()


def test_stub_loki_streams(logs, app, drains, stub):
    pipes = [Pipe(logs, app, dyno="web.1"), Pipe(logs, app, dyno="worker.1")]
    drains.add(URLS["loki"].format(stub.port) + "?tenant=me")
    for pipe in pipes:
        pipe.write(b'say "hi"\nagain\n')
    wait_for(lambda: sum(body.count(b"again") for body in stub.bodies()) == 2, "the lines", 20)
    streams = [s for body in stub.bodies() for s in json.loads(body)["streams"]]
    assert {(s["stream"]["app"], s["stream"]["type"]) for s in streams} == {("shop", "web"), ("shop", "worker")}
    stamps = [v[0] for s in streams for v in s["values"]]
    assert all(re.fullmatch(r"\d{19}", t) for t in stamps) and len(set(stamps)) == 4
    assert stub.requests[0][1]["X-Scope-OrgID"] == "me"
    pipes[0].close()
    pipes[1].close()


def test_stub_otlp_partial_success(logs, app, drains, stub):
    """Never tried again, and counted."""
    pipe = Pipe(logs, app)
    # partial_success { rejected_log_records: 2, error_message: "no" }
    stub.answers.append((200, {"Content-Type": "application/x-protobuf"}, b"\x0a\x06\x08\x02\x12\x02no"))
    d = drains.add(URLS["otlp"].format(stub.port))
    pipe.write(b"one\ntwo\nthree\n")
    wait_for(lambda: (lambda s: (s["sent"], s["dropped"]) == (1, 2))(drains.status(d)), "the counts", 20)
    assert "no" in drains.status(d)["error"]
    pipe.close()


def test_stub_gone_for_a_while(logs, app, drains, stub):
    """The batch under way is held whatever the ring loses; in = delivered + told, exactly."""
    pipe = Pipe(logs, app)
    port = stub.port
    stub.answers.extend([503] * 3)
    d = drains.add(URLS["loki"].format(port), format="raw")
    n = 30000
    for i in range(0, n, 500):
        flood(pipe, i, 500)
    wait_for(lambda: drains.status(d)["next_seq"] == n + 1 and not drains.status(d)["lost"], "the drain to catch up", 60)
    s = drains.status(d)
    assert s["sent"] + s["dropped"] == n and s["dropped"] > 0, s
    got, told = set(), 0
    for body in stub.bodies()[3:]:
        for stream in json.loads(body)["streams"]:
            for _, line, *_ in stream["values"]:
                m = re.search(r"(\d+) messages dropped", line)
                told += int(m[1]) if m else 0
                got |= {int(line[1:9])} if line.startswith("#") else set()
    assert len(got) + told == n
    pipe.close()
