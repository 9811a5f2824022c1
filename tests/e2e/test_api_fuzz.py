# SPDX-License-Identifier: Apache-2.0
"""
Requests that nobody means: for each endpoint of docs/openapi.json, and with the bodies of Heroku's published schema where it
can be had, wrong types, missing and huge members, ids of nothing, odd ranges, broken UTF-8, deep nesting. Each answer has to be
2xx to 4xx, an error a sentence, and the daemon has to be there at the end.

TWELVE_FUZZ_SECONDS and TWELVE_FUZZ_SEED: `make fuzz-api` runs it for minutes, under AddressSanitizer. A failure tells the seed.
"""
import http.client
import json
import os
import random
import re
import socket
import subprocess
import time
import uuid

from conftest import ROOT

SECONDS = float(os.environ.get("TWELVE_FUZZ_SECONDS", "15"))
SEED = int(os.environ.get("TWELVE_FUZZ_SEED", "20261125"))
APP = "fuzz-app"

NAMES = [b"", b".", b"..", b"%2e%2e%2f%2e%2e%2fetc", b"%00", b"a%00b", b"%FF%FE", b"%C3", b"~", b"0", b"-1", b"1", b"v1", b"current",
         b"99999999999999999999", b"%F0%9F%92%A9", b"'%20OR%201=1--", b"%25s%25n%25n", b"a" * 300, b"a" * 5000, b"A%2FB", b"%", b"%4", b"%zz",
         b"https%3A%2F%2Fexample.com%2F", b"%0d%0aX-Header:%201", str(uuid.UUID(int=7)).encode()]
RANGES = ["id ..; max=1000;", "id ..; max=1", "version ]1..; order=desc", "name a..b[", "bytes=0-1", "x ..", "id", "..", "]", "[", ";;;", "id 1..2..3",
          "id ..; max=0", "id ..; max=-1", "id ..; max=99999999999999999999", "id ..; order=sideways", "id " + "9" * 300 + "..", "\xff\xfe ..",
          "created_at ]2026-01-01T00:00:00Z " + str(uuid.UUID(int=7)) + "..", "version 18446744073709551616.."]
ACCEPTS = ["*/*", "application/json", "application/vnd.heroku+json; version=3.sdk", "text/html", "application/vnd.heroku+json; version=9", ";;", "\xff", ","]
VALUES = [None, True, False, 0, -1, 1, 2**31, 2**63 - 1, -2**63, 0.5, 1e300, "", " ", "x", "..", "../../etc/passwd", "/", "a\nb", "a\u0000b"[:1], "%s%n%s", "\u202e",
          "💩", "a" * 255, "a" * 70000, [], {}, [[]], [None], [{}], [1, "x", None], {"id": 1}, {"id": "x"}, {"name": None}, {"url": "x"}, {"": ""},
          "-1", "+1", "1e9", "https://example.com/", "http://[::1", "syslog://127.0.0.1:1", "file:///etc/passwd", "web", "standard-1x", APP,
          "tw@example.com", "view", ["view", 1], [{"type": "web", "quantity": "x"}], [{"type": 3}], {"FOO": 1}, {"web": None}, str(uuid.UUID(int=7))]
# What is no JSON object, as bytes.
BODIES = [b"", b"{", b"[]", b"1", b"null", b'"x"', b"\xff\xfe{}", b'{"name": "\xff"}', b'{"name": "\xc3"}', b'{"a": 1, "a": 2}', b'{"name": "\\u0000"}',
          b'{"name": "\\ud800"}', b'{"x": 1e999}', b'{"x": 99999999999999999999999}', b"[" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
          b'{"name":' + b"[" * 2000 + b"]" * 2000 + b"}", b"{}" * 10, b"{}\n", b"\xef\xbb\xbf{}", b'{"name": NaN}', b"a=b&c=d", b'{"name": "' + b"x" * 900000 + b'"}',
          b"\x00" * 100, b"{'name': 'x'}"]


class Fuzz:
    def __init__(self, platform, seed):
        self.platform, self.random = platform, random.Random(seed)
        self.document = json.loads((ROOT / "docs/openapi.json").read_text())
        self.bodies = self.published()
        self.connection, self.sent, self.statuses = None, [], {}

    # -- what there is

    @staticmethod
    def published():
        """(METHOD, /path/{}/x): the members of the body, by Heroku's schema; nothing where it can't be had."""
        import api_schema

        try:
            root = json.loads(api_schema.read())
        except RuntimeError:
            return {}
        found = {}
        for resource in root["definitions"].values():
            for link in resource.get("links", []):
                members = link.get("schema", {}).get("properties", {})
                if members:
                    found[link.get("method"), re.sub(r"\{[^}]*\}", "{}", link["href"])] = sorted(members)
        return found

    def seed_things(self):
        """An app with one of each, made again when a request has removed it."""
        api = self.platform.api
        if api("GET", f"/apps/{APP}")[0] != 200:
            status, app = api("POST", "/apps", {"name": APP})
            assert status == 201, app
        api("PATCH", f"/apps/{APP}/config-vars", {"A": "1"})
        things = {"app": [APP], "version": ["1", "v1", "current"], "type": ["web"], "dyno": ["web.1", "run.1"], "user": ["root@localhost"],
                  "collaborator": ["root@localhost"], "stack": ["debian-12"], "region": ["us"], "size": ["standard-1x"], "service": ["external", "postgresql"],
                  "monitor": ["LATENCY_SCALE"]}
        api("POST", f"/apps/{APP}/formation/web/monitors", {"min_quantity": 1, "max_quantity": 2})
        for name, path, body in (("domain", f"/apps/{APP}/domains", {"hostname": "fuzz.example.com"}),
                                 ("drain", f"/apps/{APP}/log-drains", {"url": "https://127.0.0.1:9/x"}),
                                 ("addon", f"/apps/{APP}/addons", {"plan": "external", "config": {"url": "https://127.0.0.1:9/", "skip_check": "true"}}),
                                 ("token", "/oauth/authorizations", {})):
            api("POST", path, body)
            rows = api("GET", path)[1]
            things[name] = [row["id"] for row in rows[:3] if isinstance(row, dict) and "id" in row] or ["none"]
        for name, path in (("attachment", f"/apps/{APP}/addon-attachments"), ("build", f"/apps/{APP}/builds")):
            things[name] = [row["id"] for row in api("GET", path)[1][:2]] or ["none"]
        source = api("POST", "/sources")[1]["source_blob"]["get_url"].rsplit("/", 1)[1]
        session = api("POST", f"/apps/{APP}/log-sessions", {"lines": 1})[1]["logplex_url"].rsplit("/", 1)[1]
        return {**things, "source": [source], "session": [session]}

    # -- a request

    def name(self, parameter):
        known = self.things.get(parameter)
        if known and self.random.random() < 0.7:
            return self.random.choice(known).encode()
        return self.random.choice(NAMES)

    def value(self, depth=0):
        if depth < 3 and self.random.random() < 0.1:
            return {self.random.choice(["id", "name", "type", "url", "x" * 300]): self.value(depth + 1) for _ in range(2)}
        return self.random.choice(VALUES)

    def fitting(self, schema):
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        r = self.random
        return {"string": lambda: r.choice(["x", "web", "https://example.com/", APP, "a" * 3000, "debian-12"]), "integer": lambda: r.choice([0, 1, -1, 2**40]),
                "boolean": lambda: r.choice([True, False]), "array": lambda: [self.value() for _ in range(r.randrange(3))],
                "object": lambda: {r.choice(["url", "version", "FOO", "name"]): self.value()}}.get(kind, lambda: r.choice([APP, {"id": APP}, {"name": "x"}, "1"]))()

    def body(self, method, path, operation):
        if self.random.random() < 0.15:
            return self.random.choice(BODIES)
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        members = dict(schema.get("properties", {}))
        for name in self.bodies.get((method, re.sub(r"\{[^}]*\}", "{}", path)), []):
            members.setdefault(name, {})
        members = members or {self.random.choice(["name", "FOO", "A B", "", "ключ", "x" * 500]): {}}
        body = {}
        for name, kind in members.items():
            how = self.random.random()
            if how < 0.2 and name not in schema.get("required", []):
                continue
            if how > 0.05:
                body[name] = self.fitting(kind) if how < 0.65 else self.value()
        return json.dumps(body, ensure_ascii=self.random.random() < 0.5).encode()

    def request(self, path, method, operation):
        r = self.random
        url = re.sub(r"\{([^}]*)\}", lambda m: self.name(m.group(1)).decode("latin-1"), path)
        if r.random() < 0.1:
            url += "?" + r.choice(["max=1", "max=-1", "max=x", "addon=%FF", "app=", "a=b&a=c", "%", "x" * 3000, "eq[name]=x"])
        headers = {}
        if r.random() < 0.2:
            headers["Range"] = r.choice(RANGES)
        if r.random() < 0.1:
            headers["Accept"] = r.choice(ACCEPTS)
        if r.random() < 0.1:
            headers["If-None-Match"] = r.choice(["*", '"x"', "W/", ",,,", "\xff"])
        if r.random() < 0.1:
            headers["Request-Id"] = r.choice(["x", str(uuid.UUID(int=9)), ",".join([str(uuid.UUID(int=9))] * 180)])
        if r.random() < 0.1:
            headers["Content-Type"] = r.choice(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""])
        body = None if method == "GET" and r.random() < 0.9 else self.body(method, path, operation)
        return url.replace(" ", "%20"), headers, body

    def send(self, method, url, headers, body):
        if not self.connection:
            self.connection = http.client.HTTPConnection("localhost")
            self.connection.sock = socket.socket(socket.AF_UNIX)
            self.connection.sock.settimeout(60)
            self.connection.sock.connect(str(self.platform.run / "twelved.sock"))
        self.connection.putrequest(method, url, skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)
        r = self.connection.getresponse()
        # Streams may have no end.
        text = r.read() if "json" in (r.getheader("Content-Type") or "") else b""
        if not r.isclosed() or r.getheader("Connection") == "close" or r.status == 101:
            self.connection.close()
            self.connection = None
        return r, text

    def judge(self, method, template, r, text, is_json):
        assert r.getheader("Request-Id"), "it has no Request-Id"
        self.statuses.setdefault(f"{method} {template}", set()).add(r.status)
        if not is_json and not text:
            # Pages, git's own protocol and streams have errors of their own kinds; that there is no 5xx holds for them, too.
            assert 200 <= r.status < 500 or r.status in (101, 503), f"the answer is {r.status}"
            return
        if r.status == 503:
            message = json.loads(text)["message"]
            assert re.search("disk is too full|is being removed just now|No answer to the test came", message), message
        elif not 200 <= r.status < 500:
            raise AssertionError(f"the answer is {r.status}: {text[:300]}")
        if template.startswith("/auth/browser/") and "text/html" in r.getheader("Content-Type"):
            pass  # a page for people
        elif r.status >= 400:
            error = json.loads(text)
            assert re.fullmatch("[a-z_]+", error["id"]), error
            assert re.fullmatch(r"[^\x00-\x1f]{8,}", error["message"]) and " " in error["message"], error
        elif text:
            json.loads(text)

    def one(self, template, method, operation):
        url, headers, body = self.request(template, method, operation)
        alive = None
        try:
            r, text = self.send(method, url, headers, body)
            self.judge(method, template, r, text, "application/json" in operation["responses"].get("2XX", {}).get("content", {}))
        except (AssertionError, ValueError, KeyError, OSError, http.client.HTTPException) as e:
            # A crash takes a moment until it can be seen.
            try:
                alive = self.platform.process.wait(2)
            except subprocess.TimeoutExpired:
                alive = None
            raise AssertionError(f"{method} {url[:300]} {headers} {body and body[:500]}: {e!r}"
                                 f"{'' if alive is None else f'; twelved has ended with {alive}'} (seed {SEED}, request {len(self.sent)}, after {self.sent[-1:]})") from e
        self.sent.append(f"{method} {url[:200]} {headers} {body and body[:200]}: {r.status}")

    def run(self, seconds):
        endpoints = [(path, method.upper(), operation) for path, item in self.document["paths"].items() for method, operation in item.items()]
        deadline, rounds = time.monotonic() + seconds, 0
        while rounds < 2 or time.monotonic() < deadline:
            self.things = self.seed_things()
            self.random.shuffle(endpoints)
            for endpoint in endpoints:
                self.one(*endpoint)
            rounds += 1
        return rounds


def test_odd_requests_get_sentences(own_platform, monkeypatch):
    # What no release uses is removed in it: stacks that are shared with others have to be out of its reach.
    monkeypatch.delenv("TWELVE_STACK_CACHE", raising=False)
    platform = own_platform(ASAN_OPTIONS="detect_leaks=0:abort_on_error=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1", TWELVE_LOG_LEVEL="warn",
                            TWELVE_DISK_RESERVE="1M")
    fuzz = Fuzz(platform, SEED)
    rounds = fuzz.run(SECONDS)
    print(f"{len(fuzz.sent)} requests, {rounds} rounds of {len(fuzz.statuses)} endpoints")
    assert platform.process.poll() is None and platform.api("GET", "/account")[0] == 200
    # Most endpoints have to be got through to their ends, or nothing was tried.
    good = [e for e, statuses in fuzz.statuses.items() if any(s < 400 for s in statuses)]
    assert len(good) > len(fuzz.statuses) / 3, sorted(set(fuzz.statuses) - set(good))
