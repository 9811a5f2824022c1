# SPDX-License-Identifier: Apache-2.0
"""Drains against the OpenTelemetry Collector, whose receivers of other systems' protocols are what their users run: OTLP, forward, syslog, Splunk, Loki."""
import json
import time

import pytest

import receivers
from conftest import wait_for
from test_drains import ODD, certificates, drains, flood, is_up_to_date, joined, numbers, started  # noqa: F401 (fixtures)
from test_logsd import Pipe, app, logs  # noqa: F401 (fixtures)


@pytest.fixture(scope="module")
def collector(tmp_path_factory, certificates):
    c = started(receivers.Collector(tmp_path_factory.mktemp("collector"), certificates))
    yield c
    c.stop()


def collected(collector, kind, n, before):
    wait_for(lambda: len(collector.records(kind)) - before >= n, f"{n} records of {kind}", 30)
    return collector.records(kind)[before:]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_otlp(logs, app, drains, collector, encoding):
    before = len(collector.records("otlp"))
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"otlp+http://127.0.0.1:{collector.port_of['otlp']}{'?encoding=json' if encoding == 'json' else ''}")
    pipe.write(b"".join(line + b"\n" for line in ODD) + b"bad \xff byte\n")
    records = collected(collector, "otlp", len(ODD) + 3, before)
    assert records[0]["body"] == "plain" and records[2]["body"] == ODD[2].decode()
    assert records[0]["resource"] | {"host.name": "?"} == {
        "service.name": "shop", "service.instance.id": "web.1", "twelve.type": "web", "service.version": "v7",
        "vcs.ref.head.revision": "1f3870b", "host.name": "?"}
    assert records[0]["attributes"] == {"twelve.source": "app", "twelve.seq": 1}
    assert json.loads(ODD[6]) in [r["body"] for r in records]
    assert records[-1]["body"] == "bad \ufffd byte"
    assert [r["time_ns"] for r in records] == sorted({r["time_ns"] for r in records})
    wait_for(lambda: drains.status(d)["sent"] == len(ODD) + 3, "the count")
    assert drains.test(d)["test"] == 2
    # Before the next test begins to count.
    wait_for(lambda: len(collector.records("otlp")) == before + len(ODD) + 4, "the test's line")
    pipe.close()


def test_forward_of_the_collector(logs, app, drains, collector):
    before = len(collector.records("forward"))
    pipe = Pipe(logs, app, release=7)
    drains.add(f"fluent://127.0.0.1:{collector.port_of['forward']}")
    pipe.write(b"one\ntwo\n")
    records = collected(collector, "forward", 2, before)
    assert [r["attributes"].get("message", r["body"]) for r in records] == ["one", "two"]
    pipe.close()


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_syslog_of_the_collector(logs, app, drains, collector, certificates, tls):
    """A parser that insists on RFC 5424 to the letter."""
    kind = "syslog-tls" if tls else "syslog"
    before = len(collector.records(kind))
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"syslog{'+tls' if tls else ''}://127.0.0.1:{collector.port_of[kind]}", ca=certificates.ca if tls else None)
    pipe.write(b"".join(line + b"\n" for line in ODD))
    records = collected(collector, kind, len(ODD) + 2, before)
    assert joined(r["attributes"]["message"].encode().removesuffix(b"\n") for r in records) == ODD
    assert {(r["attributes"]["hostname"], r["attributes"]["appname"], r["attributes"]["proc_id"]) for r in records} == {
        (d["token"], "app", "web.1")}
    assert [r["attributes"]["structured_data"]["twelve@32473"]["seq"] for r in records] == [str(i + 1) for i in range(len(records))]
    assert records[0]["attributes"]["structured_data"]["twelve@32473"] == {
        "app": "shop", "type": "web", "seq": "1", "release": "v7", "commit": "1f3870b"}
    assert [r["time_ns"] for r in records] == sorted(r["time_ns"] for r in records)
    pipe.close()


def test_a_collector_that_is_gone(logs, app, drains, tmp_path, certificates):
    """Killed, and gone for 20 s, with lines meanwhile: each of its receivers that answers has all of them, in order."""
    collector = started(receivers.Collector(tmp_path, certificates))
    pipe = Pipe(logs, app, release=7)
    added = {"otlp": drains.add(f"otlp+http://127.0.0.1:{collector.port_of['otlp']}"),
             "forward": drains.add(f"fluent://127.0.0.1:{collector.port_of['forward']}"),
             "splunk": drains.add(f"splunk+http://:t@127.0.0.1:{collector.port_of['splunk']}?ack=true"),
             "loki": drains.add(f"loki+http://127.0.0.1:{collector.port_of['loki']}")}
    flood(pipe, 0, 100)
    for kind, d in added.items():
        collected(collector, kind, 100, 0)
        # What Splunk has not acknowledged when it ends would come twice.
        wait_for(lambda: is_up_to_date(drains.status(d)), f"the answers of {kind}")
    collector.kill9()
    gone = time.monotonic()
    flood(pipe, 100, 100)
    wait_for(lambda: all(drains.status(d)["failures"] and time.monotonic() - gone >= 20 for d in added.values()), "20 s of failures", 40)
    started(collector)

    def found(kind):
        return numbers(str(r).encode() for r in collector.records(kind))

    for kind, d in added.items():
        wait_for(lambda: len(found(kind)) >= 200 and is_up_to_date(drains.status(d)), f"all lines in {kind}", 40)
        assert found(kind) == list(range(200)), kind
        assert drains.status(d)["dropped"] == 0
    collector.stop()
    pipe.close()


def bodies(records):
    """Lines that were text and lines that were JSON, long ones put together."""
    return joined(r["body"].encode() if isinstance(r["body"], str) else json.dumps(r["body"], separators=(",", ":")).encode() for r in records)


# What comes after ODD, and how it arrives where only text can go.
MORE = [b"bad \xff byte", b"", b"the end"]
ARRIVES = ODD + ["bad \ufffd byte".encode(), b"", b"the end"]


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("ack", [False, True], ids=["taken", "acknowledged"])
def test_splunk(logs, app, drains, collector, certificates, tls, ack):
    """Each line is an event, JSON an object; Splunk refuses one that is empty (code 13), so a blank stands for it."""
    kind = "splunk-tls" if tls else "splunk"
    before = len(collector.records(kind))
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"splunk+http{'s' if tls else ''}://:s3cret@localhost:{collector.port_of[kind]}{'?ack=true' if ack else ''}",
                   ca=certificates.ca if tls else None)
    pipe.write(b"".join(line + b"\n" for line in ODD + MORE))
    records = collected(collector, kind, len(ARRIVES) + 2, before)
    assert bodies(records) == [line or b" " for line in ARRIVES] and isinstance(records[8]["body"], dict)
    assert records[0]["attributes"] == {"app": "shop", "dyno": "web.1", "type": "web", "source": "app", "release": "v7", "commit": "1f3870b", "seq": 1}
    assert records[0]["resource"] | {"host.name": "?"} == {
        "host.name": "?", "com.splunk.source": "shop/web.1", "com.splunk.sourcetype": "twelve", "com.splunk.hec.access_token": "s3cret"}
    assert [r["time_ns"] for r in records] == sorted(r["time_ns"] for r in records)
    wait_for(lambda: is_up_to_date(drains.status(d)), "the acknowledgements" if ack else "the answers")
    assert (drains.status(d)["dropped"], drains.status(d)["error"]) == (0, "")
    assert drains.test(d)["test"] == 2
    wait_for(lambda: len(collector.records(kind)) == before + len(ARRIVES) + 3, "the test's line")
    pipe.close()


def test_loki(logs, app, drains, collector):
    before = len(collector.records("loki"))
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"loki+http://127.0.0.1:{collector.port_of['loki']}")
    pipe.write(b"".join(line + b"\n" for line in ODD + MORE))
    records = collected(collector, "loki", len(ARRIVES) + 2, before)
    # Loki's lines are text, and may be empty.
    assert joined(r["body"].encode() for r in records) == ARRIVES
    assert records[0]["attributes"] == {"app": "shop", "type": "web", "source": "app", "dyno": "web.1", "release": "v7", "commit": "1f3870b", "seq": "1"}
    assert [r["time_ns"] for r in records] == sorted({r["time_ns"] for r in records})
    assert drains.test(d)["test"] == 2
    wait_for(lambda: len(collector.records("loki")) == before + len(ARRIVES) + 3, "the test's line")
    pipe.close()


# Each with the right token or password in place of {}, and the wrong one.
SECURE = {"splunk-tls": ("splunk+https://:{}@localhost:{}?ack=true", "s3cret", "gu3ss"),
          "loki-tls": ("loki+https://{}@localhost:{}", "ada:pw", "ada:gu3ss"), "otlp-tls": ("otlp+https://{}@localhost:{}", "ada:pw", "ada:gu3ss")}


@pytest.mark.parametrize("kind", SECURE)
def test_who_may_send(logs, app, drains, collector, certificates, kind):
    """Over TLS: the drain that is known brings all; the lines of the other are refused and counted, and it says so without its secret."""
    before, (url, right, wrong) = len(collector.records(kind)), SECURE[kind]
    pipe = Pipe(logs, app, release=7)
    known, unknown = [drains.add(url.format(who, collector.port_of[kind]), ca=certificates.ca) for who in (right, wrong)]
    flood(pipe, 0, 300)
    wait_for(lambda: drains.status(known)["sent"] >= 300 and drains.status(unknown)["dropped"] >= 300, "both answers")
    collected(collector, kind, 300, before)
    # What is told of it in the stream is refused, too, and not told again.
    wait_for(lambda: is_up_to_date(drains.status(known)) and drains.status(unknown)["dropped"] >= 301, "the notice of the other drain")
    assert len([t for t in logs.texts(app) if b"lines were refused" in t]) == 1
    records = collector.records(kind)[before:]
    assert numbers(r["body"].encode() for r in records) == list(range(300))
    s = drains.status(unknown)
    assert (s["sent"], "status 401" in s["error"]) == (0, True), s
    assert any(b"lines were refused: status 401" in t for t in logs.texts(app))
    s = drains.test(unknown)
    assert s["test"] == 3 and "401" in s["test_text"], s
    assert drains.test(known)["test"] == 2
    assert "gu3ss" not in logs.said() and "s3cret" not in logs.said()
    # Before the next test begins to count.
    wait_for(lambda: f"Test of drain {known['token']}" in str(collector.records(kind)[-1]["body"]), "the test's line")
    pipe.close()
