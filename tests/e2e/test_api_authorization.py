# SPDX-License-Identifier: Apache-2.0
"""
Every endpoint for every role, against a real server with real tokens: what tests/unit/authorization.txt denies is answered with 401
(nobody) or 403, and with nothing else; what it allows is never answered so.
"""
import http.client
import itertools
import json
import re
import sqlite3

import pytest

from conftest import ROOT, wait_for

ROLES = ["nobody", "user", "view", "deploy", "operate", "manage", "owner", "admin"]
TABLE = [re.match(r"(\S+) ([A-Z]+) (\S+)$", line).groups() for line in (ROOT / "tests/unit/authorization.txt").read_text().splitlines()
         if line and line[0] != "#"]
# Their handlers look at what providers show: a token of theirs, not one of ours.
PROVIDERS = re.compile(r"/addons/:addon/(config|actions/(de)?provision)$")
# What names its app in the body, not in the path.
QUERIES = {"GET /:app.git/info/refs": "?service=git-upload-pack"}
BODIES = {"POST /addon-attachments": {"addon": "{addon}", "app": "{app}", "name": "OTHER"}}


class World:
    """An app, and one of each that can belong to it; made again by need() when a request was allowed to remove it."""

    def __init__(self, platform):
        self.platform, self.tokens, self.ids, self.fresh = platform, {"nobody": None}, {}, itertools.count()
        for role in ROLES[1:]:
            email = f"{role}@example.com"
            self.must("POST", "/twelve/users", {"email": email, "admin": role == "admin"})
            self.tokens[role] = self.must("POST", "/oauth/authorizations", {"user": email})["access_token"]["token"]

    def must(self, method, path, body=None):
        status, answer = self.platform.api(method, path, body)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def ask(self, role, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.platform.api_port, timeout=180)
        headers = {"Content-Type": "application/json"}
        if self.tokens[role]:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        c.request(method, path, json.dumps(body) if body is not None else None, headers)
        r = c.getresponse()
        # Streams are not read to their ends.
        text = r.read().decode("utf-8", "replace") if "json" in (r.getheader("Content-Type") or "") else ""
        c.close()
        return r.status, text

    # -- what the parameters of a path stand for

    def app(self):
        name = f"matrix-{next(self.fresh)}"
        self.must("POST", "/apps", {"name": name})
        # By the one door there is for it: the owner is who makes it, and the tests of all roles need one that is not root.
        with sqlite3.connect(self.platform.state / "twelve.db", timeout=180) as db:
            db.execute("UPDATE app SET owner_id = (SELECT id FROM user WHERE email = 'owner@example.com') WHERE name = ?", (name,))
        for role in ("view", "deploy", "operate", "manage"):
            self.must("POST", f"/apps/{name}/collaborators", {"user": f"{role}@example.com", "permissions": [role]})
        return name

    def of_app(self, what, path, body):
        return lambda: self.must("POST", f"/apps/{self.get('app')}/{path}", body(next(self.fresh)))["id"]

    def addon(self):
        return self.must("POST", f"/apps/{self.get('app')}/addons",
                         {"plan": "external", "config": {"url": "https://127.0.0.1:9/", "skip_check": "true"},
                          "attachment": {"name": f"THERE{next(self.fresh)}"}})["id"]

    def attachment(self):
        addon = self.get("addon")
        return wait_for(lambda: self.must("GET", f"/addons/{addon}/addon-attachments"), "the add-on to be attached")[0]["id"]

    def backup(self):
        app = self.must("GET", f"/apps/{self.get('app')}")
        n = next(self.fresh)
        id = f"00000000-0000-4000-8000-{n:012d}"
        # No service runs here, so that none has been backed up.
        with sqlite3.connect(self.platform.state / "twelve.db", timeout=180) as db:
            db.execute("INSERT INTO backup (id, addon_id, app_id, addon_name, app_name, service, plan, attachment, extension, number, status, kind, bytes,"
                       " databases, verified_ms, verified_ok, created_ms, finished_ms, expires_ms)"
                       " VALUES (?, ?, ?, 'gone', ?, 'postgresql', 'small', 'DATABASE', 'tar', ?, 'succeeded', 'manual', 1, '{}', 0, 0, 1, 1, 0)",
                       (id, id, app["id"], app["name"], n))
        return id

    def get(self, name):
        makers = {
            "app": self.app, "addon": self.addon, "attachment": self.attachment, "backup": self.backup,
            "domain": self.of_app("domain", "domains", lambda n: {"hostname": f"m{n}.example.com"}),
            "drain": self.of_app("drain", "log-drains", lambda n: {"url": f"https://127.0.0.1:9/{n}"}),
            "version": lambda: "1", "type": lambda: "web", "dyno": lambda: "web.1", "build": lambda: "none",
            "collaborator": lambda: "view@example.com",
            "user": lambda: self.must("POST", "/twelve/users", {"email": f"u{next(self.fresh)}@example.com"})["id"],
        }
        if name not in self.ids:
            # What is nobody's (a service, a stack) needs not be there to be denied or not.
            self.ids[name] = makers[name]() if name in makers else "none"
        return self.ids[name]

    def forget(self, method, path):
        """After something that was allowed to change: a removal takes what the path names last, and what hangs on it."""
        if method == "DELETE" and path == "/apps/:app":
            self.ids = {}
        elif method == "DELETE" and path.startswith("/twelve/users/"):
            self.ids.pop("user", None)
        elif path == "/apps/:app/collaborators/:collaborator":
            self.must("POST", f"/apps/{self.ids['app']}/collaborators", {"user": "view@example.com", "permissions": ["view"]})
        elif method == "DELETE":
            last = re.findall(":([a-z]+)", path)[-1:]
            for name in last + (["attachment", "backup"] if last == ["addon"] else ["addon"] if last == ["attachment"] else []):
                self.ids.pop(name, None)


@pytest.fixture
def world(own_platform, monkeypatch):
    # Unused stacks are removed in it: those that are shared with others must be out of reach.
    monkeypatch.delenv("TWELVE_STACK_CACHE", raising=False)
    return World(own_platform())


def fill(world, template):
    if isinstance(template, dict):
        return {name: re.sub(r"\{(\w+)\}", lambda m: world.get(m.group(1)), value) for name, value in template.items()}
    return re.sub(r":([a-z]+)", lambda m: world.get(m.group(1)), template)


def test_every_endpoint_for_every_role(world):
    wrong, cells = [], 0
    # A limit of drains, say, is no denial; but what is denied for everybody is no test.
    for letters, method, path in TABLE:
        if PROVIDERS.search(path):
            continue
        for role, letter in zip(ROLES, letters):
            where = fill(world, path) + QUERIES.get(f"{method} {path}", "")
            body = fill(world, BODIES.get(f"{method} {path}", {})) if method != "GET" else None
            status, text = world.ask(role, method, where, body)
            cells += 1
            expected = {401} if role == "nobody" else {403}
            if letter == "-" and status not in expected:
                wrong.append(f"{role} may not {method} {path}, and the answer is {status}: {text[:200]}")
            if letter != "-" and status in (401, 403):
                wrong.append(f"{role} may {method} {path}, and the answer is {status}: {text[:200]}")
            if letter != "-" and status >= 500 and status != 503:
                wrong.append(f"{method} {path} by {role}: {status}: {text[:200]}")
            if letter != "-" and status < 300 and method != "GET":
                world.forget(method, path)
    assert not wrong, "\n".join(wrong)
    print(f"{cells} cells")
