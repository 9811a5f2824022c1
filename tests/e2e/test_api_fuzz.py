# SPDX-License-Identifier: Apache-2.0
"""
Requests that nobody means: for each endpoint of docs/openapi.json, and with the bodies of Heroku's published schema where it
can be had (fuzz_bodies.py), wrong types, missing and huge members, ids of nothing and of another app, odd ranges, broken UTF-8, deep nesting,
bodies in pieces; and what is no HTTP at all, at each of the doors. Each answer must be 2xx to 4xx, an error a sentence, and the daemon has to
be there at the end. A body that is valid by the published schema is not refused for its form.

TWELVE_FUZZ_SECONDS and TWELVE_FUZZ_SEED: `make fuzz-api` runs it for minutes, under AddressSanitizer. A failure tells the seed.
"""
import base64
import contextlib
import fcntl
import http.client
import io
import json
import os
import random
import re
import select
import socket
import ssl
import struct
import subprocess
import tarfile
import termios
import time
import uuid

import pytest

from conftest import ROOT, wait_for
from fuzz_bodies import BODIES, HUGE, Bodies, shape

SECONDS = float(os.environ.get("TWELVE_FUZZ_SECONDS", "15"))
SEED = int(os.environ.get("TWELVE_FUZZ_SEED", "20261125"))
APP = "fuzz-app"

NAMES = [b"", b".", b"..", b"%2e%2e%2f%2e%2e%2fetc", b"%00", b"a%00b", b"%FF%FE", b"%C3", b"~", b"0", b"-1", b"1", b"v1", b"current",
         b"99999999999999999999", b"%F0%9F%92%A9", b"'%20OR%201=1--", b"%25s%25n%25n", b"a" * 300, b"a" * 5000, b"A%2FB", b"%", b"%4", b"%zz",
         b"https%3A%2F%2Fexample.com%2F", b"%0d%0aX-Header:%201", str(uuid.UUID(int=7)).encode()]
KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode() + " fuzz"
RANGES = ["id ..; max=1000;", "id ..; max=1", "version ]1..; order=desc", "name a..b[", "bytes=0-1", "x ..", "id", "..", "]", "[", ";;;", "id 1..2..3",
          "id ..; max=0", "id ..; max=-1", "id ..; max=99999999999999999999", "id ..; order=sideways", "id " + "9" * 300 + "..", "\xff\xfe ..",
          "created_at ]2026-01-01T00:00:00Z " + str(uuid.UUID(int=7)) + "..", "version 18446744073709551616.."]
ACCEPTS = ["*/*", "application/json", "application/vnd.heroku+json; version=3.sdk", "text/html", "application/vnd.heroku+json; version=9", ";;", "\xff", ","]
# What a valid body may be refused with for its form: (method, shape of the path): (pattern of the sentence, why we are stricter than the schema).
EMPTY = "the schema has no member that is required, and without any there is nothing to do"
STRICTER = {
    ("POST", "/filters/apps"): ('"in" is missing', EMPTY),
    ("POST", "/pipeline-transfers"): ('"(pipeline|new_owner)" (is missing|must be a string, or an object with)', EMPTY),
    ("PATCH", "/pipeline-couplings/{}"): ('"stage" is missing', EMPTY),
    ("PATCH", "/addons/{}/config"): ('"config" is missing', EMPTY),
    **{("POST", path): (r'"source_blob[.]url" is missing', "the schema does not require what everything is made of")
       for path in ("/review-apps", "/app-setups", "/apps/{}/builds")},
}


class Connection(http.client.HTTPConnection):
    """Sends what it is told to."""

    def _encode_request(self, request):
        return request.encode("latin-1")

    def _validate_path(self, url):
        pass


def tar(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(text)
            t.addfile(info, io.BytesIO(text))
    return out.getvalue()


# None of them comes so far that a stack is made for it.
ARCHIVES = [b"", b"no archive", b"\x1f\x8b\x08\x00" + b"x" * 50, tar(x=b"1")[:-20], tar(app_json=b"{"), tar(app_json=b"[]"), tar(app_json=b'{"name": 1, "env": [], "formation": {"web": {"quantity": -1}}}'),
            tar(app_json=b'{"env": {"A": {"generator": "x"}, "B": null}, "addons": [1, {"plan": "nothing:x"}]}'), tar(app_json=b'{"buildpacks": [{"url": "\xff"}]}'),
            tar(app_json=b'{"addons": ["nothing-of-the-kind"]}'), tar(Procfile=b"\xff\xfe: x\n"), tar(Procfile=b"web " + b"x" * 5000)]


class Fuzz:
    def __init__(self, platform, seed):
        self.platform, self.random = platform, random.Random(seed)
        self.document = json.loads((ROOT / "docs/openapi.json").read_text())
        self.connection, self.sent, self.statuses, self.valid = None, [], {}, [0, 0]
        self.things, self.others = {}, {}
        self.bodies = Bodies(self.published(), self.random, self.resources)

    # -- what there is

    @staticmethod
    def published():
        """Heroku's schema; nothing where it can't be had."""
        import api_schema

        try:
            return json.loads(api_schema.read())
        except RuntimeError:
            return None

    def rows(self, path, *member):
        rows = self.platform.api("GET", path)[1]
        return [row[member[0] if member else "id"] for row in (rows if isinstance(rows, list) else [rows])[:3] if row.get(member[0] if member else "id")] or ["none"]

    def things_of(self, app):
        """An app with one of each, made again when a request has removed it."""
        api, at = self.platform.api, f"/apps/{app}"
        if api("GET", at)[0] != 200:
            status, made = api("POST", "/apps", {"name": app})
            assert status == 201, made
        api("PATCH", f"{at}/config-vars", {"A": "1"})
        api("POST", f"{at}/formation/web/monitors", {"min_quantity": 1, "max_quantity": 2})
        things = {"app": [app, api("GET", at)[1]["id"]]}
        for name, path, body in (("domain", f"{at}/domains", {"hostname": f"{app}.example.com"}),
                                 ("drain", f"{at}/log-drains", {"url": "https://127.0.0.1:9/x"}),
                                 ("webhook", f"{at}/webhooks", {"url": "https://127.0.0.1:9/", "include": ["api:release"], "level": "notify"}),
                                 ("addon", f"{at}/addons", {"plan": "external", "config": {"url": "https://127.0.0.1:9/", "skip_check": "true"}})):
            api("POST", path, body)
            things[name] = self.rows(path)
        things["slug"] = [api("POST", f"{at}/slugs", {"process_types": {"web": "x"}})[1].get("id", "none")]
        for name, path in (("attachment", f"{at}/addon-attachments"), ("build", f"{at}/builds"), ("event", f"{at}/webhook-events"), ("delivery", f"{at}/webhook-deliveries"),
                           ("sni", f"{at}/sni-endpoints")):
            things[name] = self.rows(path)
        return things

    def upload(self):
        url = self.platform.api("POST", "/sources")[1]["source_blob"]["get_url"]
        self.send("PUT", "/sources/" + url.rsplit("/", 1)[1], {}, self.random.choice(ARCHIVES))
        return url

    def seed_things(self):
        """Fills self.things, by the names of the paths' parameters, and self.others with those of another app."""
        api = self.platform.api
        self.others, things = self.things_of("fuzz-other"), self.things_of(APP)
        email = "fuzz@example.com"
        api("POST", "/twelve/users", {"email": email})
        api("POST", f"/apps/{APP}/collaborators", {"user": email})
        api("POST", "/account/app-transfers", {"app": "fuzz-other", "recipient": email})
        api("POST", "/account/keys", {"public_key": KEY})
        pem = (self.platform.state / "tls/local.pem").read_text()
        api("POST", f"/apps/{APP}/sni-endpoints", {"certificate_chain": "".join(re.findall(r"-----BEGIN CERTIFICATE.*?-----END CERTIFICATE-----\n", pem, re.S)),
                                                   "private_key": re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY.*?PRIVATE KEY-----\n", pem, re.S)[0]})
        things["sni"] = self.rows(f"/apps/{APP}/sni-endpoints")
        api("POST", "/pipelines", {"name": "fuzz-line", "owner": {"id": api("GET", "/account")[1]["id"], "type": "user"}})
        things["pipeline"] = self.rows("/pipelines")
        api("POST", "/pipeline-couplings", {"app": APP, "pipeline": things["pipeline"][0], "stage": "staging"})
        api("POST", f"/pipelines/{things['pipeline'][0]}/review-app-config", {"repo": "a/b"})
        api("POST", "/oauth/authorizations", {})
        setup = api("POST", "/app-setups", {"source_blob": {"url": self.upload()}})[1]
        review = api("POST", "/review-apps", {"branch": "b", "pipeline": things["pipeline"][0], "source_blob": {"url": self.upload()}})[1]
        # The login's pages have its id, the answer its secret. There may be only so many at once.
        status, login = api("POST", "/auth", {"description": "fuzz"})
        if status == 201:
            self.login = {"login": [login["browser_url"].rsplit("/", 1)[1]], "secret": [login["cli_url"].rsplit("/", 1)[1]]}
        things |= {"version": ["1", "v1", "current"], "type": ["web"], "dyno": ["web.1", "run.1"], "user": [email], "collaborator": [email],
                   "stack": ["debian-12"], "region": ["us"], "size": ["standard-1x"], "service": ["external", "postgresql"], "plan": ["external", "external:url"],
                   "monitor": ["LATENCY_SCALE"], "token": self.rows("/oauth/authorizations"), "coupling": self.rows("/pipeline-couplings"), "key": self.rows("/account/keys"),
                   "feature": self.rows(f"/apps/{APP}/features", "name"), "setup": [setup.get("id", "none")], "review_app": [review.get("id", "none")],
                   "transfer": self.rows("/account/app-transfers"), **self.login,
                   "source": [self.upload().rsplit("/", 1)[1]],
                   "session": [api("POST", f"/apps/{APP}/log-sessions", {"lines": 1})[1]["logplex_url"].rsplit("/", 1)[1]]}
        self.things = things

    def resources(self):
        """The same by the names of the published schema."""
        other = {"account": "user", "add-on": "addon", "add-on-attachment": "attachment", "add-on-service": "service", "log-drain": "drain", "oauth-authorization": "token",
                 "app-webhook": "webhook", "dyno-size": "size", "sni-endpoint": "sni", "pipeline-coupling": "coupling", "app-setup": "setup"}
        return {**self.things, **{theirs: self.things.get(ours, []) for theirs, ours in other.items()}}

    # -- a request

    def name(self, parameter, sure):
        r = self.random
        known, others = self.things.get(parameter), self.others.get(parameter)
        how = r.random()
        if known and how < (0.95 if sure else 0.6):
            return r.choice(known).encode()
        if others and how < 0.7:
            return r.choice(others).encode()
        if known and how < 0.8:
            one = r.choice(known)
            return r.choice([one.upper(), one + "%2Fx", one[:-1], "%2F" + one, one + "%00", one + "x" * 300, "%".join(f"{c:02x}" for c in b" " + one.encode())[2:], one + "\xff"]).encode("latin-1")
        return r.choice(NAMES)

    def fitting(self, schema):
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        r, value = self.random, self.bodies.value
        return {"string": lambda: r.choice(["x", "web", "https://127.0.0.1:9/", APP, "a" * 3000, "debian-12"]), "integer": lambda: r.choice([0, 1, -1, 2**40]),
                "boolean": lambda: r.choice([True, False]), "array": lambda: [value() for _ in range(r.randrange(3))],
                "object": lambda: {r.choice(["url", "version", "FOO", "name"]): value()}}.get(kind, lambda: r.choice([APP, {"id": APP}, {"name": "x"}, "1"]))()

    def own_body(self, operation):
        """By our document."""
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        members = dict(schema.get("properties", {})) or {self.random.choice(["name", "FOO", "A B", "", "ключ", "x" * 500]): {}}
        body = {}
        for name, kind in members.items():
            how = self.random.random()
            if how < 0.2 and name not in schema.get("required", []):
                continue
            if how > 0.05:
                body[name] = self.fitting(kind) if how < 0.65 else self.bodies.value()
        return body

    def body(self, method, path, operation):
        """(bytes, whether they are valid by the published schema)"""
        how, schema = self.random.random(), self.bodies.schema(method, path)
        if how < 0.1:
            return self.random.choice(BODIES), False
        if schema and how < 0.7:
            body = self.bodies.valid(schema)
            if self.random.random() < 0.3 and isinstance(body.get("source_blob"), dict):
                body["source_blob"]["url"] = self.upload()
            return (json.dumps(body).encode(), True) if how < 0.3 else (self.bodies.mutated(body), False)
        body = self.own_body(operation)
        return (self.bodies.mutated(body) if how > 0.85 else json.dumps(body, ensure_ascii=self.random.random() < 0.5).encode()), False

    def request(self, path, method, operation):
        r = self.random
        valid, body = False, None
        if method != "GET" or r.random() < 0.1:
            body, valid = self.body(method, path, operation)
        url = re.sub(r"\{([^}]*)\}", lambda m: self.name(m.group(1), valid).decode("latin-1"), path)
        if r.random() < 0.1:
            url += "?" + r.choice(["max=1", "max=-1", "max=x", "addon=%FF", "addon=\xff", "app=", "a=b&a=c", "%", "x" * 3000, "eq[name]=x", "\xc3=\xc3", "service=git-receive-pack", "service=git-upload-pack"])
        headers = {}
        if r.random() < 0.2:
            headers["Range"] = r.choice(RANGES)
        if r.random() < 0.1:
            headers["Accept"] = r.choice(ACCEPTS)
        if r.random() < 0.1:
            headers["If-None-Match"] = r.choice(["*", '"x"', "W/", ",,,", "\xff"])
        if r.random() < 0.1:
            headers["Request-Id"] = r.choice(["x", "\xff", str(uuid.UUID(int=9)), ",".join([str(uuid.UUID(int=9))] * 180)])
        if r.random() < 0.1:
            headers["Content-Type"] = r.choice(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "", "\xff"])
        if r.random() < 0.05:
            headers[r.choice(["Authorization", "Cookie", "Upgrade", "Origin", "Git-Protocol", "Content-Encoding", "X-Forwarded-For"])] = \
                r.choice(["", "x", "\xff\xfe", "Basic !!!", "Basic " + "A" * 6000, "Bearer " + "a" * 36, "version=2", "gzip", "\xc3\xa9 " * 50, "https://x/", "=;=;"])
        return url.replace(" ", "%20"), headers, body, valid

    def send(self, method, url, headers, body):
        if not self.connection:
            self.connection = Connection("localhost")
            self.connection.sock = socket.socket(socket.AF_UNIX)
            self.connection.sock.settimeout(60)
            self.connection.sock.connect(str(self.platform.run / "twelved.sock"))
        self.connection.putrequest(method, url, skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(name, value)
        if body and self.random.random() < 0.1:
            self.connection.putheader("Transfer-Encoding", "chunked")
            at = sorted(self.random.randrange(len(body)) for _ in range(3))
            self.connection.endheaders(iter([p for p in (body[:at[0]], body[at[0]:at[1]], body[at[1]:at[2]], body[at[2]:]) if p]), encode_chunked=True)
        else:
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

    def judge_valid(self, method, template, error):
        """A sentence about the form of a body that is valid."""
        if not re.search(r"is missing|must be (a string|a whole number|true or false|an object|an array|a value)(,|$| or )|nknown member|no such member", error["message"]):
            return
        pattern, _ = STRICTER.get((method, shape(template)), ("(?!)", ""))
        assert re.search(pattern, error["message"]), f"a body that is valid by the published schema is refused: {error['message']}"

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
        url, headers, body, valid = self.request(template, method, operation)
        alive = None
        try:
            r, text = self.send(method, url, headers, body)
            self.judge(method, template, r, text, "application/json" in operation["responses"].get("2XX", {}).get("content", {}))
            if valid:
                self.valid[r.status < 400] += 1
                if r.status == 422 or r.status == 400:
                    self.judge_valid(method, template, json.loads(text))
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
            self.seed_things()
            self.random.shuffle(endpoints)
            for endpoint in endpoints:
                self.one(*endpoint)
            rounds += 1
        return rounds


# Requests as bytes, whole and not; %s is a path.
RAW_REQUESTS = [
    b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n", b"GET %s HTTP/1.0\r\n\r\n", b"GET %s\r\n\r\n", b"GET %s HTTP/2.0\r\n\r\n", b"GET %s HTTP/1.1\r\n\r\n", b"get %s HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET %s HTTP/1.1\nHost: x\n\n", b"GET %s HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"GET http://other.example%s HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"TRACE %s HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET %s HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    b"GET %s HTTP/1.1\r\nHost: \xff\xfe\r\nX\xc3: \xc3\r\n\r\n", b"GET %s HTTP/1.1\r\nHost: x\r\n folded: x\r\n\r\n", b"GET %s HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    b"GET %s HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 500 + b"\r\n", b"GET %s HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 60000 + b"\r\n\r\n", b"GET %s?" + b"x" * 60000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET %s\xff\xc3 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET %s\0 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET  HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\nGET %s HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
    *[b"POST %s HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n" + body for headers, body in (
        (b"Content-Length: -1\r\n", b"{}"), (b"Content-Length: x\r\n", b"{}"), (b"Content-Length: \r\n", b"{}"), (b"Content-Length: 99999999999999999999\r\n", b"{}"), (b"Content-Length: 0x2\r\n", b"{}"),
        (b"Content-Length: 9223372036854775807\r\n", b"{}"), (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"), (b"Content-Length: 2, 2\r\n", b"{}"), (b"Content-Length: +2\r\n", b"{}"),
        (b"Content-Length: 100\r\n", b"{"), (b"Content-Length: 1\r\n", b"{}{}{}"), (b"", b"{}"), (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"x\r\n{}\r\n0\r\n\r\n"), (b"Transfer-Encoding: chunked\r\n", b"-1\r\n{}\r\n"), (b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\n{}\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"7fffffffffffffff\r\n{}"), (b"Transfer-Encoding: chunked\r\n", b"2;a=" + b"b" * 3000 + b"\r\n{}\r\n0\r\nTrailer: x\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}0\r\n\r\n"), (b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", b"2\r\n{}\r\n0\r\n\r\n"), (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: x\r\n", b"{}"), (b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), (b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"), (b"Expect: x\r\nContent-Length: 2\r\n", b"{}"),
        (b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n", b"{}"), (b"Content-Encoding: gzip\r\nContent-Length: 5\r\n", b"\x1f\x8b\x08\0x"))]]
# What is no HTTP: TLS and what looks like it, secrets of sessions that there are not, other protocols.
FIRST_BYTES = [b"", b"\0", b"\x16", b"\x16\x03\x01", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 600, b"\x16\x03\x01\xff\xff" + b"x" * 3000, b"\x16\x03\x03\0\x05\x01\0\0\x01\0", b"\x80\x2e\x01\x03\x01" + b"\0" * 50, b"\x15\x03\x03\0\x02\x02\x28",
               b"rendezvous\r\n", str(uuid.UUID(int=1)).encode() + b"\r\n", str(uuid.UUID(int=1)).encode() + b"\n" + b"\x04" * 9, b"x" * 100 + b"\r\n", b"a" * 40000, b"\r\n", b"\n", b"\xff" * 3000, b"SSH-2.0-x\r\n",
               b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.0\r\n\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"\x7f\0\0\1" * 2 + b"\0\1\0\2", b"\x05\x01\0", b"*1\r\n$4\r\nPING\r\n", b"HELO x\r\n"]
PATHS = [b"/account", b"/apps", b"/apps/fuzz-app/config-vars", b"/apps/fuzz-app/formation", b"/nothing", b"/", b"//", b"/apps/%2e%2e/x", b"/fuzz-app.git/info/refs", b"/auth", b"/sources/" + str(uuid.UUID(int=1)).encode(),
         b"/log-streams/" + str(uuid.UUID(int=1)).encode(), b"/apps/fuzz-app/dynos/run.1/attach"]


def unread(s):
    """How much of what was sent the other side has not taken."""
    return struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, b"\0" * 4))[0]


class Doors:
    """Bytes at the unix socket and the ports, plain and inside of TLS. Each connection has to end, with answers that are no 5xx."""

    def __init__(self, platform, seed):
        self.platform, self.random = platform, random.Random(seed)
        self.context = ssl._create_unverified_context()
        self.kinds = {"socket": None, "API": platform.api_port, "API, TLS": platform.api_port, "HTTP": platform.http_port, "HTTPS": platform.https_port}

    def open(self, kind):
        if kind == "socket":
            s = self.platform.connect()
            s.settimeout(60)
            return s
        s = socket.create_connection(("127.0.0.1", self.kinds[kind]), 60)
        return self.context.wrap_socket(s, server_hostname=self.random.choice(["localhost", "api.localhost", "x.example"])) if kind in ("API, TLS", "HTTPS") else s

    def exchange(self, kind, data):
        """What is answered until the end; that the other side is gone earlier is one, too."""
        answer = b""
        try:
            with self.open(kind) as s:
                s.sendall(data)
                if kind == "socket":
                    # libmicrohttpd misses an end that is there together with what comes before it, and waits for its idle timeout then.
                    wait_for(lambda: not unread(s) or select.select([s], [], [], 0)[0], "twelved to read")
                with contextlib.suppress(OSError):  # the other side may be gone: what it said is read all the same
                    socket.socket.shutdown(s, socket.SHUT_WR)
                while piece := s.recv(65536):
                    answer += piece
        except (ConnectionError, ssl.SSLError):
            pass
        return answer

    def data(self):
        r = self.random
        if r.random() < 0.3:
            return r.choice(FIRST_BYTES)
        data = r.choice(RAW_REQUESTS).replace(b"%s", r.choice(PATHS))
        for _ in range(r.choice([0, 0, 0, 1, 3])):
            at = r.randrange(len(data) + 1)
            data = r.choice([data[:at], data[:at] + bytes([r.randrange(256)]) + data[at + 1:], data[:at] + data[at + r.randrange(9):], data[:at] + r.choice([b"\r\n", b"\0", b" ", b":", b"\xff"]) + data[at:]])
        return data

    def one(self, kind, data):
        answer = self.exchange(kind, data)
        statuses = [int(s) for s in re.findall(rb"(?:^|\n|})HTTP/1[.][01] (\d{3})", answer)]
        # Of HAProxy: it knows no such method or coding; of libmicrohttpd: it knows no such version.
        assert all(s < 500 or s in (501, 505) for s in statuses), f"{kind}: {data[:300]} is answered by {answer[:500]}"
        assert not answer or statuses or not answer.startswith(b"HTTP"), f"{kind}: {data[:300]} is answered by {answer[:500]}"
        return bool(statuses)


@pytest.fixture
def platform(own_platform, monkeypatch):
    # What no release uses is removed in it: stacks that are shared with others must be out of its reach.
    monkeypatch.delenv("TWELVE_STACK_CACHE", raising=False)
    return own_platform(ASAN_OPTIONS="detect_leaks=0:abort_on_error=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1", TWELVE_LOG_LEVEL="warn", TWELVE_DISK_RESERVE="1M")


def test_odd_requests_get_sentences(platform):
    fuzz = Fuzz(platform, SEED)
    rounds = fuzz.run(SECONDS)
    print(f"seed {SEED}: {len(fuzz.sent)} requests, {rounds} rounds of {len(fuzz.statuses)} endpoints; of the valid bodies {fuzz.valid[True]} did, {fuzz.valid[False]} were refused")
    assert platform.process.poll() is None and platform.api("GET", "/account")[0] == 200
    # Most endpoints must be got through to their ends, or nothing was tried.
    good = [e for e, statuses in fuzz.statuses.items() if any(s < 400 for s in statuses)]
    assert len(good) > len(fuzz.statuses) / 3, sorted(set(fuzz.statuses) - set(good))


def test_odd_bytes_end_the_connection(platform):
    """At each of the doors; all of them go on working."""
    doors = Doors(platform, SEED)
    platform.api("POST", "/apps", {"name": APP})
    deadline, n = time.monotonic() + SECONDS / 3, {kind: [0, 0] for kind in doors.kinds}
    while min(sent for sent, _ in n.values()) < 40 or time.monotonic() < deadline:
        for kind in doors.kinds:
            data = doors.data()
            n[kind][0] += 1
            n[kind][1] += doors.one(kind, data)
            assert platform.process.poll() is None, f"twelved has ended with {platform.process.returncode} after {kind}: {data[:500]} (seed {SEED})"
    print(f"seed {SEED}: connections and those with an answer: {n}")
    for kind, (_, answered) in n.items():
        assert answered, kind
        last = doors.exchange(kind, b"GET /account HTTP/1.1\r\nHost: api.localhost\r\nConnection: close\r\n\r\n")
        assert re.match(rb"HTTP/1.1 (200|401|404) ", last), f"{kind}: {last}"
    assert platform.api("GET", "/account")[0] == 200
