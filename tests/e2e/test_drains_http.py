# SPDX-License-Identifier: Apache-2.0
"""Drains against OpenSearch, which has Elasticsearch's bulk API and data streams, VictoriaLogs, and Heroku's own decoder of Logplex's frames."""
import json

import pytest

import receivers
from conftest import wait_for
from test_drains import ODD, certificates, drains, flood, is_up_to_date, joined, numbers, started  # noqa: F401 (fixtures)
from test_logsd import Pipe, app, logs  # noqa: F401 (fixtures)


# ---- OpenSearch

# What Elasticsearch has built in, and OpenSearch is told: names like these are data streams.
TEMPLATE = {"index_patterns": ["logs-*"], "data_stream": {}, "template": {
    "settings": {"number_of_replicas": 0},
    "mappings": {"dynamic_templates": [{"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}],
                 "properties": {"message": {"type": "match_only_text"}, "n": {"type": "long"}}}}}


@pytest.fixture(scope="module")
def opensearch(tmp_path_factory):
    o = started(receivers.OpenSearch(tmp_path_factory.mktemp("opensearch")))
    o.ask("PUT", "/_index_template/logs", TEMPLATE)
    yield o
    o.stop()


# Arrays of several types are no field of Elasticsearch's.
MIXED = next(line for line in ODD if b"nested" in line)


def test_opensearch(logs, app, drains, opensearch):
    """Each line is a document of a data stream: JSON with its own fields. The one that fits no mapping is lost alone, counted and told."""
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"elasticsearch+http://127.0.0.1:{opensearch.port}")
    pipe.write(b"".join(line + b"\n" for line in ODD) + b'bad \xff byte\n\n{"level":"warn","n":13,"@timestamp":"2020-01-01T00:00:00Z"}\n')
    wait_for(lambda: is_up_to_date(drains.status(d)) and drains.status(d)["sent"] > len(ODD), "the answers")
    found = opensearch.records("logs-shop-default")
    texts = [f["message"].encode() for f in found if "message" in f and f["twelve"]["source"] == "app"]
    assert joined(texts) == [line for line in ODD if line != MIXED] + ["bad \ufffd byte".encode(), b""]
    assert found[0]["twelve"] == {"app": "shop", "source": "app", "dyno": "web.1", "type": "web", "release": "v7", "commit": "1f3870b", "seq": 1}
    own = next(f for f in found if "n" in f)
    assert (own["level"], own["n"], own["@timestamp"]) == ("warn", 13, "2020-01-01T00:00:00Z") and own["twelve"]["dyno"] == "web.1"
    s = drains.status(d)
    assert s["dropped"] == 1 and "nested.a" in s["error"], s
    wait_for(lambda: any(f.get("message", "").startswith("Error L10 (output buffer overflow): 1 messages dropped") for f in
                         opensearch.records("logs-shop-default")), "the notice of the one")
    assert opensearch.ask("GET", "/_data_stream/logs-shop-default")["data_streams"][0]["name"] == "logs-shop-default"
    assert drains.test(d)["test"] == 2
    pipe.close()


def test_opensearch_that_is_gone(logs, app, drains, tmp_path):
    """Killed under a flood, and gone for a while: each line is there once, since what was stored twice has one id."""
    o = started(receivers.OpenSearch(tmp_path))
    o.ask("PUT", "/_index_template/logs", TEMPLATE)
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"elasticsearch+http://127.0.0.1:{o.port}?index=logs-gone-default")
    flood(pipe, 0, 2000)
    wait_for(lambda: drains.status(d)["sent"], "the first")
    o.kill9()
    flood(pipe, 2000, 2000)
    wait_for(lambda: drains.status(d)["failures"] > 1, "failures")
    started(o)
    wait_for(lambda: is_up_to_date(drains.status(d)), "the rest", 60)
    found = numbers(f["message"].encode() for f in o.records("logs-gone-default"))
    assert found == list(range(4000)) and drains.status(d)["dropped"] == 0
    o.stop()
    pipe.close()


def test_opensearch_without_room(logs, app, drains, opensearch):
    """Its disk is full: it answers 429 for each line until somebody makes room. Then each is there once, in order."""
    def block(how):
        opensearch.ask("PUT", "/logs-full-default/_settings", {"index.blocks.read_only_allow_delete": how})

    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"elasticsearch+http://127.0.0.1:{opensearch.port}?index=logs-full-default")
    flood(pipe, 0, 100)
    wait_for(lambda: drains.status(d)["sent"] == 100, "the first")
    block(True)
    flood(pipe, 100, 400)
    wait_for(lambda: drains.status(d)["failures"] > 1, "failures")
    assert "item status 429" in drains.status(d)["error"] and drains.status(d)["sent"] == 100, drains.status(d)
    block(None)
    wait_for(lambda: is_up_to_date(drains.status(d)), "the rest", 60)
    assert numbers(f["message"].encode() for f in opensearch.records("logs-full-default")) == list(range(500))
    assert drains.status(d)["dropped"] == 0
    pipe.close()


def nested(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_opensearch_has_a_depth(logs, app, drains, opensearch):
    """What it takes as fields goes as fields, a level more as text; what it can't name is told with the cause."""
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"elasticsearch+http://127.0.0.1:{opensearch.port}?index=logs-deep-default")
    pipe.write(nested(20) + b"\n" + nested(21) + b"\n" + nested(1500) + b"\n")
    wait_for(lambda: drains.status(d)["sent"] == 3 and is_up_to_date(drains.status(d)), "the answer")
    found = opensearch.records("logs-deep-default")
    assert "message" not in found[0] and found[0]["a"] == json.loads(nested(20))["a"]
    assert [f["message"].encode() for f in found[1:]] == [nested(21), nested(1500)]
    assert drains.status(d)["error"] == ""
    pipe.write(b'{"":1}\n')
    wait_for(lambda: drains.status(d)["dropped"] == 1, "the refusal")
    assert "failed to parse: " in drains.status(d)["error"] and "empty" in drains.status(d)["error"], drains.status(d)
    pipe.close()


@pytest.mark.parametrize("who", ["a password", "an API key", "neither"])
def test_opensearch_behind_a_door(logs, app, drains, opensearch, tmp_path, certificates, who):
    door = started(receivers.Door(tmp_path, certificates, opensearch))
    index = f"logs-{who.replace(' ', '').lower()}-default"
    user, key = "ada:pw@" if who == "a password" else "ada:gu3ss@" if who == "neither" else "", "&api_key=a2V5OnZhbHVl" if who == "an API key" else ""
    pipe = Pipe(logs, app, release=7)
    d = drains.add(f"elasticsearch+https://{user}localhost:{door.port}?index={index}{key}", ca=certificates.ca)
    flood(pipe, 0, 300)
    if who == "neither":
        wait_for(lambda: drains.status(d)["dropped"] >= 300, "the refusal")
        assert drains.status(d)["sent"] == 0 and "status 401" in drains.status(d)["error"], drains.status(d)
        assert any(b"lines were refused: status 401" in t for t in logs.texts(app)) and "gu3ss" not in logs.said()
        assert drains.test(d)["test"] == 3 and opensearch.records(index) == []
    else:
        wait_for(lambda: drains.status(d)["sent"] == 300, "the answers")
        assert numbers(f["message"].encode() for f in opensearch.records(index)) == list(range(300))
        assert drains.test(d)["test"] == 2 and drains.status(d)["dropped"] == 0
    door.stop()
    pipe.close()


# ---- Logplex


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_logplex(logs, app, drains, tmp_path, certificates, tls):
    pipe = Pipe(logs, app, release=7)
    receiver = started(receivers.Logplex(tmp_path, certificates if tls else None))
    d = drains.add(f"http{'s' if tls else ''}://user:pa%20ss@localhost:{receiver.port}/logs", ca=certificates.ca if tls else None)
    pipe.write(b"".join(line + b"\n" for line in ODD) + b"bad \xff byte\n\nthe end\n")
    wait_for(lambda: is_up_to_date(drains.status(d)) and drains.status(d)["sent"] > len(ODD), "the answers")
    records = receiver.records()
    # A frame's message ends with LF; one that is empty would be none to some who read it.
    assert all(r["Message"].endswith("\n") for r in records)
    assert joined(r["Message"][:-1].encode() for r in records) == ODD + ["bad \ufffd byte".encode(), b" ", b"the end"]
    assert {(r["Hostname"], r["Application"], r["Process"], r["ID"], r["Priority"], r["Version"]) for r in records} == {
        ("host", "app", "web.1", "-", 190, 1)}
    assert {r["DrainToken"] for r in records} == {d["token"]} and all(len(r["FrameID"]) == 32 for r in records)
    assert [r["Timestamp"] for r in records] == sorted(r["Timestamp"] for r in records)
    unknown = drains.add(f"http{'s' if tls else ''}://user:gu3ss@localhost:{receiver.port}/logs", ca=certificates.ca if tls else None)
    s = drains.test(unknown)
    assert s["test"] == 3 and "status 401" in s["test_text"], s
    drains.list.remove(unknown)
    drains.tell()
    receiver.kill9()
    flood(pipe, 0, 500)
    wait_for(lambda: drains.status(d)["failures"], "the failure")
    started(receiver)
    wait_for(lambda: is_up_to_date(drains.status(d)), "the rest")
    assert numbers(r["Message"].encode() for r in receiver.records()) == list(range(500)) and drains.status(d)["dropped"] == 0
    assert drains.test(d)["test"] == 2
    receiver.stop()
    pipe.close()


# ---- VictoriaLogs


@pytest.fixture(scope="module")
def victorialogs(tmp_path_factory):
    v = started(receivers.VictoriaLogs(tmp_path_factory.mktemp("victorialogs")))
    yield v
    v.stop()


# How each of its protocols names our fields.
FIELDS = {"splunk": ("fields.seq", "fields.dyno"), "loki": ("seq", "dyno"), "otlp": ("twelve.seq", "service.instance.id"),
          "syslog": ("twelve@32473.seq", "proc_id")}


@pytest.mark.parametrize("kind", FIELDS)
def test_victorialogs(logs, app, drains, victorialogs, kind):
    """One program, by four of our drivers: what it stored is found again by a word that no other test sends."""
    v, (seq, dyno) = victorialogs, FIELDS[kind]
    url = {"splunk": f"splunk+http://127.0.0.1:{v.port}", "loki": f"loki+http://127.0.0.1:{v.port}/insert/loki/api/v1/push",
           "otlp": f"otlp+http://127.0.0.1:{v.port}/insert/opentelemetry/v1/logs", "syslog": f"syslog://127.0.0.1:{v.syslog_port}"}[kind]
    pipe = Pipe(logs, app, release=7)
    d = drains.add(url)
    # As fields it would cost the batch: an object may be nested 300 deep.
    pipe.write(nested(400) + b"\n" + b"".join(b"from%s line %03d \xe2\x82\xac\n" % (kind.encode(), i) for i in range(200)))
    wait_for(lambda: is_up_to_date(drains.status(d)) and drains.status(d)["sent"] == 201, "the answers")
    assert drains.status(d)["dropped"] == 0
    wait_for(lambda: len(v.find(f"from{kind}")) == 200, "all of them to be found")
    found = sorted(v.find(f"from{kind}"), key=lambda f: int(f[seq]))
    # It keeps the LF that a frame of syslog ends with.
    assert [f["_msg"].removesuffix("\n") for f in found] == [f"from{kind} line {i:03d} \u20ac" for i in range(200)]
    assert {f[dyno] for f in found} == {"web.1"} and [int(f[seq]) for f in found] == list(range(2, 202))
    times = [f["_time"].rstrip("Z").ljust(29, "0") for f in found]
    assert times == sorted(times)
    pipe.close()
