# SPDX-License-Identifier: Apache-2.0
"""The server and the client of the tests' own service: JSON over HTTP with basic authentication."""
import base64
import http.client
import http.server
import json
import os
import sys
import threading
import urllib.parse

DATA = os.environ.get("DATA", "/app/data")
LOCK = threading.Lock()


def load():
    with open(f"{DATA}/shelf.json") as f:
        return json.load(f)


def save(state):
    with open(f"{DATA}/shelf.new", "w") as f:
        json.dump(state, f)
        f.flush()
        os.fsync(f.fileno())
    os.rename(f"{DATA}/shelf.new", f"{DATA}/shelf.json")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def user(self, state):
        """(name, may do all); None when nobody."""
        kind, _, text = (self.headers.get("Authorization") or "").partition(" ")
        name, _, password = base64.b64decode(text or "").decode().partition(":")
        if name == "admin" and password == os.environ["ADMIN_PASSWORD"]:
            return name, True
        user = state["users"].get(name)
        return (name, False) if user and user["password"] == password else None

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK:
            state = load()
            who = self.user(state)
            if not who:
                return self.answer(401, {"error": "who are you"})
            _, database, key = (self.path + "/").split("/")[:3]
            if database == "admin":
                return self.administer(state, who, json.loads(body or b"null"))
            allowed = who[1] or state["users"][who[0]]["database"] == database
            if not allowed or database not in state["databases"]:
                return self.answer(403, {"error": "not your shelf"})
            shelf = state["databases"][database]
            if self.command == "GET":
                return self.answer(200, shelf.get(key) if key else shelf)
            if state.get("full"):
                return self.answer(507, {"error": "the shelf is full"})
            shelf[key] = body.decode()
            save(state)
            print(f"put {key}", flush=True)
            return self.answer(200, shelf[key])

    def administer(self, state, who, order):
        if not who[1]:
            return self.answer(403, {"error": "not an administrator"})
        if self.command == "GET":
            return self.answer(200, state)
        state.update(order.get("set", {}))
        for name, user in order.get("users", {}).items():
            state["users"].pop(name, None)
            if user:
                state["databases"].setdefault(user["database"], {})
                state["users"][name] = user
        save(state)
        return self.answer(200, {})

    do_GET = do_PUT = handle_one

    def log_message(self, *args):
        pass


def request(method, url, path, body=None):
    u = urllib.parse.urlsplit(url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=10)
    auth = base64.b64encode(f"{u.username}:{u.password}".encode()).decode()
    c.request(method, path, body, {"Authorization": f"Basic {auth}"})
    r = c.getresponse()
    text = r.read().decode()
    if r.status != 200:
        sys.exit(f"The shelf said {r.status}: {text}")
    return json.loads(text)


def admin():
    return f"shelf://admin:{os.environ['ADMIN_PASSWORD']}@{os.environ['HOST']}:{os.environ['PORT']}/admin"


def main(verb, *args):
    if verb == "server":
        print(f"shelf {os.environ['VERSION']} of plan {os.environ['PLAN']} on {os.environ['PORT']}", flush=True)
        http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
    elif verb == "admin":
        request("PUT", admin(), "/admin", args[0])
    elif verb == "state":
        print(json.dumps(request("GET", admin(), "/admin")))
    elif verb == "client":
        url = os.environ["URL"]
        database = urllib.parse.urlsplit(url).path
        if args[0] == "get":
            print(request("GET", url, f"{database}/{args[1]}"))
        elif args[0] == "put":
            print(request("PUT", url, f"{database}/{args[1]}", args[2]))
        elif args[0] == "echo":
            sys.stdout.write(sys.stdin.read())
        elif args[0] == "exit":
            sys.exit(int(args[1]))


main(*sys.argv[1:])
