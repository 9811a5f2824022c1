# SPDX-License-Identifier: Apache-2.0
"""
A provider of a service, by the Heroku Add-on Partner API, version 3: a small real one. The
plan of a resource says how it misbehaves.
"""
import base64
import http.server
import json
import threading
import time
import urllib.parse
import urllib.request

PLANS = ("good", "later", "slow", "broken-twice", "refuses", "no-id", "no-json", "wrong-var", "array", "hangs", "closes",
         "huge", "redirects", "never", "not-after-all", "expensive")


class Provider:
    def __init__(self):
        self.resources, self.asked, self.api = {}, [], None
        self.unhang = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_it(self):
                owner.handle(self)

            do_POST = do_PUT = do_DELETE = do_it

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}/heroku/resources"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def manifest(self):
        return {"id": "acme", "name": "Acme Rockets",
                "api": {"config_vars_prefix": "ACME", "config_vars": ["ACME_URL", "ACME_KEY"], "password": "rocket",
                        "sso_salt": "s", "regions": ["us"], "requires": [], "version": "3",
                        "production": {"base_url": self.base, "sso_url": self.base}},
                "plans": [{"name": p, "description": f"It is {p}"} for p in PLANS]}

    def stop(self):
        self.unhang.set()
        self.server.shutdown()
        self.server.server_close()

    # -- answering

    def handle(self, h):
        body = h.rfile.read(int(h.headers.get("Content-Length") or 0))
        auth = base64.b64decode((h.headers.get("Authorization") or "Basic ").split(" ")[1]).decode()
        order = json.loads(body) if body else {}
        uuid = order.get("uuid") or h.path.rsplit("/", 1)[1]
        self.asked.append((h.command, uuid, order))
        if auth != "acme:rocket":
            return say(h, 401, {"message": "who are you"})
        if "version=3" not in h.headers.get("Accept", ""):
            return say(h, 406, {"message": "which version"})
        if h.command == "POST":
            return self.provision(h, order)
        if uuid not in self.resources:
            return say(h, 404, {"message": "no such resource"})
        if h.command == "DELETE":
            if self.resources[uuid].pop("stubborn", 0):
                return say(h, 503, {})
            del self.resources[uuid]
            return say(h, 204, None)
        if order["plan"] == "expensive":
            return say(h, 422, {"message": "Your card was declined"})
        self.resources[uuid]["plan"] = order["plan"]
        return say(h, 200, {"message": "changed", "config": {"ACME_KEY": f"key-of-{order['plan']}"}})

    def provision(self, h, order):
        uuid, plan = order["uuid"], order["plan"]
        tries = len([a for a in self.asked if a[0] == "POST" and a[1] == uuid])
        good = {"id": f"acme-{uuid[:8]}", "message": "Have fun",
                "config": {"ACME_URL": f"https://acme.example/{uuid}", "ACME_KEY": "k1"}}
        if plan in ("good", "slow", "later", "never", "not-after-all") or (plan == "broken-twice" and tries > 2):
            self.resources[uuid] = {"plan": plan}
        if plan == "slow":
            time.sleep(2)
        if plan in ("later", "never", "not-after-all"):
            if plan != "never":
                threading.Thread(target=self.call_back, args=(order,), daemon=True).start()
            return say(h, 202, {"id": good["id"], "message": "It takes a while"})
        if plan == "broken-twice" and tries <= 2:
            return say(h, 503, {"message": "later"}, {"Retry-After": "1"})
        if plan == "refuses":
            return say(h, 422, {"message": "We do not deliver\nto your planet"})
        if plan == "no-id":
            return say(h, 200, {"config": {}})
        if plan == "no-json":
            return say(h, 200, b"<html>hello")
        if plan == "wrong-var":
            return say(h, 200, dict(good, config={"PATH": "/evil"}))
        if plan == "array":
            return say(h, 200, [1, 2])
        if plan == "hangs":
            self.unhang.wait(120)
            return None
        if plan == "closes":
            return h.connection.close()
        if plan == "huge":
            return say(h, 200, b"x" * 10_000_000)
        if plan == "redirects":
            return say(h, 302, None, {"Location": "http://127.0.0.1:1/steal"})
        return say(h, 200, good)

    def call_back(self, order):
        grant = order["oauth_grant"]
        form = urllib.parse.urlencode({"grant_type": grant["type"], "code": grant["code"], "client_secret": "rocket"})
        api = order["callback_url"].rsplit("/addons/", 1)[0]
        token = ask("POST", f"{api}/oauth/token", form.encode(), "application/x-www-form-urlencoded")["access_token"]
        mine = f"{api}/addons/{order['uuid']}"
        if order["plan"] == "not-after-all":
            ask("POST", f"{mine}/actions/deprovision", b"{}", token=token)
            return
        config = [{"name": "ACME_URL", "value": f"https://acme.example/{order['uuid']}"}]
        ask("PATCH", f"{mine}/config", json.dumps({"config": config}).encode(), token=token)
        ask("POST", f"{mine}/actions/provision", b"{}", token=token)


def ask(method, url, body, kind="application/json", token=None):
    headers = {"Content-Type": kind, "Accept": "application/vnd.heroku+json; version=3"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=30) as r:
        return json.loads(r.read())


def say(h, status, body, headers=None):
    try:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        h.send_response(status)
        for k, v in {"Content-Length": str(len(data)), **(headers or {})}.items():
            h.send_header(k, v)
        h.end_headers()
        h.wfile.write(data)
    except OSError:
        pass
