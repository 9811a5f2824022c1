# SPDX-License-Identifier: Apache-2.0
"""
The API of add-ons and backups as far as the command line asks for it, in memory, on a
unix socket. It gives the odd answers that the real one gives seldom: slow states, failures
with several lines, several that match. What it was asked is in `asked`.
"""
import hashlib
import http.server
import itertools
import json
import os
import re
import socketserver
import struct
import threading
import urllib.parse

PASSWORD = "5ecre7" * 6
T0 = "2026-11-24T04:00:00Z"
SERVICES = {
    "postgresql": ("PostgreSQL 15", "A relational database", "DATABASE", "psql", True),
    "redis": ("Redis 7", "A store in memory", "REDIS", "redis-cli", True),
    "memcached": ("memcached", "A cache", "MEMCACHE", None, False),
    "external": ("External", "A service elsewhere", "EXTERNAL", None, False),
}


class Refusal(Exception):
    def __init__(self, status, message):
        self.status, self.message = status, message


class Stub:
    def __init__(self, path):
        self.asked = []  # (method, path, body)
        self.apps, self.addons, self.attachments, self.backups = {}, {}, {}, {}
        self.services = dict(SERVICES)
        self.polls = 2  # that many looks until something is done
        self.reason = None  # why the next add-on can't be made
        self.note = None  # of a detach
        self.restore_reason = self.backup_error = None
        self.verdict = (True, "2 tables, as when it was taken")
        self.release_fails = None
        self.lost = 0  # so many looks at an add-on are answered with a broken connection
        self.content = None  # of a backup, in place of the right one
        self.head = None
        self.client_exit = "0"
        self.ids = itertools.count(1)
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def address_string(self):
                return "-"

            def handle_any(self):
                stub.handle(self)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Server(path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    # ---- what there is

    def id(self):
        return f"{next(self.ids):08x}-0000-4000-8000-000000000000"

    def app(self, name):
        a = self.apps[name] = {"id": self.id(), "name": name, "releases": [], "dynos": []}
        self.release(a)
        return a

    def release(self, app, looks=None):
        app["releases"].append({"version": len(app["releases"]) + 1, "looks": self.polls if looks is None else looks,
                                "fails": self.release_fails})

    def addon(self, app, name, service="postgresql", plan="mini", state="provisioned", attach=None, **twelve):
        a = {"id": self.id(), "name": name, "app": app, "service": service, "plan": plan, "state": state,
             "looks": 0, "next": None, "attach": attach, "n": 0, "schedule": None,
             "twelve": {"kind": "external" if service == "external" else "server", "status": "is up", "healthy": True,
                        "reason": None, "version": "15", "port": 20000, "memory_bytes": 268435456,
                        "disk_used_bytes": 40000000, "disk_quota_bytes": 1073741824, "full": False,
                        "restoring": False, "shown_url": None, **twelve}}
        self.addons[a["id"]] = a
        if attach and state == "provisioned":
            self.attach(a, app, attach)
        return a

    def attach(self, addon, app, name, shared=False):
        at = {"id": self.id(), "name": name, "addon": addon["id"], "app": app, "shared": shared}
        self.attachments[at["id"]] = at
        self.release(self.apps[app])
        return at

    def dyno(self, app, name, version, state="up", draining=False):
        self.apps[app]["dynos"].append({"id": self.id(), "name": name, "type": name.split(".")[0], "state": state, "size": "Standard-1X", "command": "./run",
                                        "created_at": T0, "updated_at": T0, "release": {"id": "r", "version": version},
                                        "twelve": {"draining": draining, "restarts": 0, "reason": None}})

    def backup(self, addon, kind="manual", status="succeeded", **more):
        addon["n"] += 1
        data = f"backup {addon['n']} of {addon['name']}\n".encode() * 1000
        b = {"id": self.id(), "name": f"b{addon['n']}", "addon": {"id": addon["id"], "name": addon["name"]},
             "app": {"id": self.apps[addon["app"]]["id"], "name": addon["app"]}, "service": addon["service"],
             "plan": addon["plan"], "status": status, "kind": kind, "bytes": len(data),
             "sha256": hashlib.sha256(data).hexdigest(), "summary": "1 database, 2 tables", "error": None,
             "verified": None, "created_at": T0, "finished_at": T0, "expires_at": None, "attachment": "DATABASE",
             "extension": "dump", "duration_ms": 1234, "data": data, "looks": 0, **more}
        self.backups[b["id"]] = b
        return b

    # ---- as JSON

    def addon_json(self, a):
        ats = [t for t in self.attachments.values() if t["addon"] == a["id"]]
        return {"id": a["id"], "name": a["name"], "state": a["state"], "app": self.ref(a["app"]),
                "addon_service": {"id": "s", "name": a["service"], "human_name": self.services[a["service"]][0]},
                "plan": {"id": "p", "name": f"{a['service']}:{a['plan']}"},
                "config_vars": [f"{t['name']}_URL" for t in ats if t["app"] == a["app"]], "created_at": T0,
                "twelve": {**a["twelve"], "has_backups": self.services[a["service"]][4], "attachments": len(ats), "schedule": a["schedule"],
                           "backups": len([b for b in self.backups.values() if b["addon"]["id"] == a["id"]])}}

    def ref(self, app):
        return {"id": self.apps[app]["id"], "name": app}

    def attachment_json(self, t):
        a = self.addons[t["addon"]]
        return {"id": t["id"], "name": t["name"], "app": self.ref(t["app"]), "namespace": "shared" if t["shared"] else None,
                "addon": {"id": a["id"], "name": a["name"], "app": self.ref(a["app"])},
                "config_vars": [f"{t['name']}_URL"], "created_at": T0,
                "twelve": {"service": a["service"], "kind": a["twelve"]["kind"], "user": "u0123456789abcdef",
                           "database": "shop_1", "credential_created_at": T0, "release": 2, "note": None}}

    def backup_json(self, b):
        return {k: v for k, v in b.items() if k not in ("data", "looks", "next")}

    def service_json(self, name):
        human, description, attachment, client, backups = self.services[name]
        return {"id": "s", "name": name, "human_name": human, "state": "ga",
                "twelve": {"description": description, "version": "1", "kind": "server", "client": client,
                           "backups": backups, "attachment": attachment, "docs": f"# {human}\n", "aliases": []}}

    def release_json(self, r):
        done, failed = r["looks"] <= 0, r["looks"] <= 0 and r["fails"]
        return {"version": r["version"], "status": "failed" if failed else "succeeded" if done else "pending",
                "slug": {"id": "x"}, "twelve": {"phase_done": True, "reason": r["fails"] if failed else None,
                                                "proof": {"requests": 12, "failed": 0, "rollout_ms": 300}}}

    # ---- finding

    def find_app(self, name):
        if name not in self.apps:
            raise Refusal(404, f"Couldn't find that app: {name}")
        return self.apps[name]

    def find_addon(self, name, app=None):
        for a in self.addons.values():
            if name in (a["id"], a["name"]):
                return a
        for t in self.attachments.values():
            if app and t["app"] == app and t["name"] == name:
                return self.addons[t["addon"]]
        raise Refusal(404, f"Couldn't find that add-on: {name}")

    def find_attachment(self, name, app=None):
        for t in self.attachments.values():
            if name == t["id"] or app == t["app"] and name in (t["name"], t["name"] + "_URL"):
                return t
        raise Refusal(404, f"{app} has no attachment {name}")

    def find_backup(self, name, query):
        if name in self.backups:
            return self.backups[name]
        addon, app = query.get("addon"), query.get("app")
        found = [b for b in self.backups.values() if b["name"] == name and
                 (b["addon"]["id"] == self.find_addon(addon)["id"] if addon else b["app"]["name"] == app)]
        if len(found) > 1:
            raise Refusal(422, f"{app} has {len(found)} backups named {name}, of several add-ons: name the add-on too")
        if not found:
            raise Refusal(404, f"{app} has no backup {name}")
        return found[0]

    @staticmethod
    def look(thing):
        """One look more; what is due then happens."""
        if thing.get("next"):
            thing["looks"] -= 1
            if thing["looks"] <= 0:
                thing.pop("next")()

    def later(self, thing, fn):
        thing["looks"], thing["next"] = self.polls, fn

    # ---- answering

    def handle(self, h):
        url = urllib.parse.urlsplit(h.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        path = urllib.parse.unquote(url.path)
        size = int(h.headers.get("Content-Length") or 0)
        body = json.loads(h.rfile.read(size)) if size else {}
        self.asked.append((h.command, path, body))
        if path.startswith("/attach/"):
            return self.session(h)
        for method, pattern, fn in ROUTES:
            m = re.fullmatch(pattern, path)
            if method == h.command and m:
                break
        else:
            return self.send(h, 404, {"id": "not_found", "message": f"The stub has no {h.command} {path}"})
        try:
            status, answer = fn(self, query, body, *m.groups())
        except Refusal as e:
            status, answer = e.status, {"id": "refused", "message": e.message}
        except ConnectionAbortedError:
            h.close_connection = True
            return
        self.send(h, status, answer)

    def send(self, h, status, answer):
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        h.send_response_only(status)
        h.send_header("Content-Type", "application/octet-stream" if isinstance(answer, bytes) else "application/json")
        for name, value in (self.head or {}).items():
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        try:
            h.wfile.write(data)
        except OSError:
            pass

    # ---- a session: echoes what it reads, then ends

    def session(self, h):
        h.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: twelve-attach\r\n\r\n")
        h.wfile.flush()

        def put(kind, data):
            h.wfile.write(kind + struct.pack(">I", len(data)) + data)
            h.wfile.flush()

        while True:
            head = h.rfile.read(5)
            if len(head) < 5:
                break
            data = h.rfile.read(struct.unpack(">I", head[1:])[0])
            if head[:1] == b"i" and data:
                put(b"o", data)
            elif head[:1] == b"i":
                put(b"x", self.client_exit.encode())
                break
        h.close_connection = True

    # ---- add-ons

    def create(self, q, body, app):
        self.find_app(app)
        service, _, plan = body["plan"]["name"].partition(":")
        if service not in self.services:
            raise Refusal(404, f"There is no service {service}. Did you mean postgresql?")
        name = (body.get("attachment") or {}).get("name") or self.services[service][2]
        a = self.addon(app, body.get("name") or f"{service}-calm-sea-{len(self.addons)}", service, plan or "mini",
                       "provisioning", healthy=False, status="is starting")
        reason = self.reason

        def made():
            a["state"] = "deprovisioned" if reason else "provisioned"
            a["twelve"].update(healthy=not reason, reason=reason, status="is not there" if reason else "is up")
            if not reason:
                self.attach(a, app, name)

        self.later(a, made)
        return 201, self.addon_json(a)

    def list_addons(self, q, body, app=None):
        rows = self.addons.values()
        if app:
            self.find_app(app)
            mine = [t["addon"] for t in self.attachments.values() if t["app"] == app]
            rows = [a for a in rows if a["app"] == app or a["id"] in mine]
        return 200, [self.addon_json(a) for a in rows if a["state"] != "deprovisioned"]

    def get_addon(self, q, body, name, app=None):
        if self.lost:
            self.lost -= 1
            raise ConnectionAbortedError
        if app:
            self.find_app(app)
        a = self.find_addon(name, app)
        self.look(a)
        return 200, self.addon_json(a)

    def get_app_addon(self, q, body, app, name):
        return self.get_addon(q, body, name, app)

    def addon_attachments(self, q, body, name):
        a = self.find_addon(name)
        return 200, [self.attachment_json(t) for t in self.attachments.values() if t["addon"] == a["id"]]

    def update(self, q, body, app, name):
        a = self.find_addon(name, app)
        plan = body.get("plan")
        if plan:
            service, _, plan = plan["name"].rpartition(":")
            if service and service != a["service"]:
                raise Refusal(422, f"{a['name']} is of the service {a['service']}: give a plan of that")
            a["plan"] = plan
            a["twelve"].update(healthy=False, status="is starting")
            self.later(a, lambda: a["twelve"].update(healthy=True, status="is up"))
        a["name"] = body.get("name") or a["name"]
        return 200, self.addon_json(a)

    def destroy(self, q, body, app, name):
        a = self.find_addon(name, app)
        others = [t["app"] for t in self.attachments.values() if t["addon"] == a["id"] and t["app"] != a["app"]]
        if others and not body.get("force"):
            raise Refusal(422, f"{a['name']} is attached to {', '.join(others)} too")
        for t in [t for t in self.attachments.values() if t["addon"] == a["id"]]:
            del self.attachments[t["id"]]
            self.release(self.apps[t["app"]])
        a["state"] = "deprovisioning"
        if not body.get("force"):
            self.backup(a, "last")

        def gone():
            # This very look is the last that finds it.
            del self.addons[a["id"]]

        self.later(a, gone)
        return 200, {**self.addon_json(a), "state": "deprovisioned"}

    # ---- attachments

    def list_attachments(self, q, body, app):
        self.find_app(app)
        return 200, [self.attachment_json(t) for t in self.attachments.values() if t["app"] == app]

    def get_attachment(self, q, body, app, name):
        self.find_app(app)
        return 200, self.attachment_json(self.find_attachment(name, app))

    def make_attachment(self, q, body):
        self.find_app(body["app"])
        a = self.find_addon(body["addon"])
        name = body.get("name") or self.services[a["service"]][2]
        return 201, self.attachment_json(self.attach(a, body["app"], name, body.get("namespace") == "shared"))

    def detach(self, q, body, name):
        t = self.find_attachment(name)
        j = self.attachment_json(t)
        j["twelve"]["note"] = self.note
        del self.attachments[t["id"]]
        self.release(self.apps[t["app"]])
        return 200, j

    def swap(self, q, body, app, name):
        t = self.find_attachment(name, app)
        t["addon"] = self.find_addon(body["addon"])["id"]
        self.release(self.apps[app])
        return 200, self.attachment_json(t)

    def rotate(self, q, body, app, name):
        t = self.find_attachment(name, app)
        self.release(self.apps[app])
        return 200, self.attachment_json(t)

    def client(self, q, body, app, name):
        self.find_attachment(name, app)
        return 201, {"name": "run.1", "attach_url": f"http://localhost/attach/{name}"}

    # ---- services

    def list_services(self, q, body):
        return 200, [self.service_json(s) for s in self.services]

    def get_service(self, q, body, name):
        if name not in self.services:
            raise Refusal(404, f"There is no service {name}")
        return 200, self.service_json(name)

    def plans(self, q, body, name):
        self.get_service(q, body, name)
        return 200, [{"id": p, "name": f"{name}:{p}", "description": f"the {p} one", "default": p == "mini",
                      "twelve": {"memory_bytes": 256 << 20, "disk_bytes": 1 << 30, "cpus": 1}} for p in ("mini", "large")]

    def add_service(self, q, body):
        name = body["manifest"]["id"]
        self.services[name] = (body["manifest"].get("name", name), "by a provider", name.upper(), None, False)
        return 201, self.service_json(name)

    def remove_service(self, q, body, name):
        self.get_service(q, body, name)
        return 200, self.service_json(self.services and name) if self.services.pop(name) is None else {}

    # ---- backups

    def list_backups(self, q, body, app=None, addon=None):
        rows = [self.backup_json(b) for b in self.backups.values()
                if (addon is None or b["addon"]["id"] == self.find_addon(addon)["id"]) and (app is None or b["app"]["name"] == app)]
        return 200, rows[::-1]

    def list_backups_of(self, q, body, addon):
        return self.list_backups(q, body, addon=addon)

    def get_backup(self, q, body, name):
        b = self.find_backup(name, q)
        self.look(b)
        return 200, self.backup_json(b)

    def capture(self, q, body, name):
        a = self.find_addon(name)
        if not self.services[a["service"]][4]:
            raise Refusal(422, f"{a['service']} has no backups")
        b = self.backup(a, status="running", bytes=0)
        data, error = b["data"], self.backup_error

        def done():
            b.update(status="failed" if error else "succeeded", error=error, bytes=len(data))

        self.later(b, done)
        return 202, self.backup_json(b)

    def delete_backup(self, q, body, name):
        b = self.find_backup(name, q)
        del self.backups[b["id"]]
        return 200, self.backup_json(b)

    def backup_content(self, q, body, name):
        b = self.find_backup(name, q)
        return 200, b["data"] if self.content is None else self.content

    def verify(self, q, body, name):
        b = self.find_backup(name, q)
        ok, message = self.verdict
        self.later(b, lambda: b.update(verified={"at": f"2026-11-24T05:00:{len(self.asked) % 60:02}Z", "ok": ok, "message": message}))
        return 202, self.backup_json(b)

    def restore(self, q, body, name):
        a = self.find_addon(body["addon"])
        if a["state"] != "provisioned":
            raise Refusal(409, f"{a['name']} is {a['state']}")
        a["twelve"].update(restoring=True, reason=None)
        self.later(a, lambda: a["twelve"].update(restoring=False, reason=self.restore_reason))
        return 202, self.addon_json(a)

    def put_schedule(self, q, body, name):
        a = self.find_addon(name)
        if not re.fullmatch(r"\d\d:\d\d", body["at"]):
            raise Refusal(422, '"at" must be a time of the day in UTC, such as 02:30')
        a["schedule"] = {"at": body["at"], "keep": body["keep"]}
        return 200, a["schedule"]

    def delete_schedule(self, q, body, name):
        a = self.find_addon(name)
        if not a["schedule"]:
            raise Refusal(404, f"{a['name']} has no schedule of backups")
        a["schedule"] = None
        return 200, {}

    # ---- dynos

    def list_dynos(self, q, body, app):
        return 200, self.find_app(app)["dynos"]

    def list_monitors(self, q, body, app):
        return 200, []

    # ---- releases

    def list_releases(self, q, body, app):
        return 200, [self.release_json(r) for r in self.find_app(app)["releases"]]

    def get_release(self, q, body, app, version):
        r = self.find_app(app)["releases"][int(version) - 1]
        r["looks"] -= 1
        return 200, self.release_json(r)


ONE = "([^/]+)"
ROUTES = [
    ("GET", "/addons", Stub.list_addons),
    ("GET", f"/addons/{ONE}", Stub.get_addon),
    ("GET", f"/apps/{ONE}/addons", Stub.list_addons),
    ("POST", f"/apps/{ONE}/addons", Stub.create),
    ("GET", f"/apps/{ONE}/addons/{ONE}", Stub.get_app_addon),
    ("PATCH", f"/apps/{ONE}/addons/{ONE}", Stub.update),
    ("DELETE", f"/apps/{ONE}/addons/{ONE}", Stub.destroy),
    ("GET", f"/addons/{ONE}/addon-attachments", Stub.addon_attachments),
    ("POST", "/addon-attachments", Stub.make_attachment),
    ("DELETE", f"/addon-attachments/{ONE}", Stub.detach),
    ("GET", f"/apps/{ONE}/addon-attachments", Stub.list_attachments),
    ("GET", f"/apps/{ONE}/addon-attachments/{ONE}", Stub.get_attachment),
    ("POST", f"/apps/{ONE}/addon-attachments/{ONE}/actions/swap", Stub.swap),
    ("POST", f"/apps/{ONE}/addon-attachments/{ONE}/actions/rotate", Stub.rotate),
    ("POST", f"/apps/{ONE}/addon-attachments/{ONE}/dynos", Stub.client),
    ("GET", "/addon-services", Stub.list_services),
    ("POST", "/addon-services", Stub.add_service),
    ("GET", f"/addon-services/{ONE}", Stub.get_service),
    ("DELETE", f"/addon-services/{ONE}", Stub.remove_service),
    ("GET", f"/addon-services/{ONE}/plans", Stub.plans),
    ("GET", f"/apps/{ONE}/backups", Stub.list_backups),
    ("GET", f"/addons/{ONE}/backups", Stub.list_backups_of),
    ("POST", f"/addons/{ONE}/backups", Stub.capture),
    ("GET", f"/backups/{ONE}", Stub.get_backup),
    ("DELETE", f"/backups/{ONE}", Stub.delete_backup),
    ("GET", f"/backups/{ONE}/content", Stub.backup_content),
    ("POST", f"/backups/{ONE}/actions/verify", Stub.verify),
    ("POST", f"/backups/{ONE}/actions/restore", Stub.restore),
    ("PUT", f"/addons/{ONE}/backup-schedule", Stub.put_schedule),
    ("DELETE", f"/addons/{ONE}/backup-schedule", Stub.delete_schedule),
    ("GET", f"/apps/{ONE}/dynos", Stub.list_dynos),
    ("GET", f"/apps/{ONE}/formation/web/monitors", Stub.list_monitors),
    ("GET", f"/apps/{ONE}/releases", Stub.list_releases),
    ("GET", f"/apps/{ONE}/releases/{ONE}", Stub.get_release),
]
