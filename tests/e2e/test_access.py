# SPDX-License-Identifier: Apache-2.0
"""
Users and what they may: one with view, one with deploy, an owner and the administrator of the unix
socket; over TCP with tokens, over SSH with keys; and what the audit trail says of all that.
"""
import base64
import http.client
import json
import os
import pty
import re
import select
import subprocess

import pytest

from conftest import wait_for

from test_ssh import sshd  # noqa: F401 (a fixture)

PEOPLE = {"vera": "vera@example.com", "dora": "dora@example.com", "olga": "olga@example.com"}


def tcp(platform, method, path, body=None, headers=None):
    """A request as from anywhere: (status, JSON, headers)."""
    c = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=180)
    h = {"Content-Type": "application/json"} if body is not None else {}
    c.request(method, path, json.dumps(body) if body is not None else None, {**h, **(headers or {})})
    r = c.getresponse()
    data = r.read()
    c.close()
    return r.status, json.loads(data) if "json" in (r.getheader("Content-Type") or "") else data.decode(), r.headers


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@pytest.fixture(scope="module")
def people(platform):
    """Each with a token: as["vera"]("apps") is `twelve apps` by vera, over TCP."""
    runs = {}
    for name, email in PEOPLE.items():
        platform.cli("users:add", email, "--name", name.capitalize())
        token = platform.cli("authorizations:create", "--user", email, "-d", "for the test").out.strip()
        assert re.fullmatch(r"tw-[0-9a-f]{64}", token)
        env = {"TWELVE_HOST": f"http://127.0.0.1:{platform.api_port}", "TWELVE_API_KEY": token}

        def run(*args, env=env, **more):
            return platform.cli(*args, env={**env, **more.pop("env", {})}, **more)
        run.token = token
        runs[name] = run
    return runs


@pytest.fixture(scope="module")
def shop(platform, people, tmp_path_factory):
    """Olga's app, which vera may view and dora may deploy to: (name, repository)."""
    where = platform.repo(tmp_path_factory.mktemp("shop"))
    people["olga"]("create", "access-shop", "--no-remote")
    people["olga"]("access:add", PEOPLE["vera"], "-p", "view", "-a", "access-shop")
    people["olga"]("access:add", PEOPLE["dora"], "-p", "deploy", "-a", "access-shop")
    yield "access-shop", where
    platform.cli("destroy", "-a", "access-shop", "--confirm", "access-shop", check=False)


def audit(platform, app):
    return json.loads(platform.cli("audit", "-a", app, "-n", "200", "--json").out)


def test_users_are_listed_changed_and_removed(platform):
    platform.cli("users:add", "Temp@Example.com", "--name", "Temp")
    assert re.search(r"temp@example.com +Temp +user +\(no password\)", platform.cli("users").out)
    r = platform.cli("users:add", "temp@example.com", check=False)
    assert r.code == 2 and "There is a user temp@example.com already" in r.err
    assert "e-mail address" in platform.cli("users:add", "nobody", check=False).err
    platform.cli("users:update", "temp@example.com", "--admin", "--name", "Tempo")
    assert re.search(r"temp@example.com +Tempo +administrator", platform.cli("users").out)
    assert "What is to change?" in platform.cli("users:update", "temp@example.com", check=False).err
    platform.cli("users:update", "temp@example.com", "--no-admin")
    platform.cli("keys:add", "-", "--user", "temp@example.com", input=a_key("temp-key"))
    assert re.search(r"temp-key +temp@example.com", platform.cli("keys", "--all").out)
    assert "temp-key" not in platform.cli("keys").out
    platform.cli("users:remove", "temp@example.com")
    assert "temp@example.com" not in platform.cli("users").out
    assert "temp-key" not in platform.cli("keys", "--all").out + (platform.state / "ssh" / "authorized_keys").read_text()
    assert "There is no user temp@example.com" in platform.cli("users:remove", "temp@example.com", check=False).err


def a_key(comment):
    """A valid public key that nobody has the other half of."""
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + os.urandom(32)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}\n"


def test_only_administrators_have_users(platform, people):
    for args in (["users"], ["users:add", "x@example.com"], ["users:remove", PEOPLE["vera"]], ["users:passwd", PEOPLE["vera"], "--password-stdin"],
                 ["keys", "--all"], ["keys:add", "-", "--user", PEOPLE["vera"]], ["authorizations:create", "--user", PEOPLE["vera"]],
                 ["gc"]):
        r = people["olga"](*args, input=a_key("k") if args[0] == "keys:add" else "a password\n", check=False)
        assert r.code == 1 and "Only an administrator of this platform may do this" in r.err, (args, r)


# What is asked, and who of view, deploy and owner may.
TABLE = [
    (["info"], "vdo", None),
    (["releases"], "vdo", None),
    (["ps"], "vdo", None),
    (["access"], "vdo", None),
    (["audit"], "vdo", None),
    (["buildpacks:set", "plain"], "do", "deploy"),
    (["config"], "o", "operate"),
    (["config:set", "GREETING=hush-hush", "--no-wait"], "o", "operate"),
    (["ps:restart", "--no-wait"], "o", "operate"),
    (["domains:add", "access.example.com"], "o", "operate"),
    (["domains:remove", "access.example.com"], "o", "operate"),
    (["drains:add", "https://user:hush-hush@drain.example.com/"], "o", "operate"),
    (["maintenance:on"], "o", "manage"),
    (["maintenance:off"], "o", "manage"),
    (["access:add", "dora@example.com", "-p", "deploy"], "o", "manage"),
]


def test_what_each_may(platform, people, shop):
    app, _ = shop
    for args, who, need in TABLE:
        for letter, name in ("v", "vera"), ("d", "dora"), ("o", "olga"):
            r = people[name](*args, "-a", app, check=False)
            if letter in who:
                assert r.code == 0, (args, name, r)
            else:
                assert r.code == 1 and f"You do not have the {need} permission on {app}, which this needs." in r.err, (args, name, r)
    for name in "vera", "dora":
        r = people[name]("destroy", "-a", app, "--confirm", app, check=False)
        assert r.code == 1 and f"Only the owner of {app} may do this." in r.err, r
    r = people["vera"]("info", "-a", "access-none", check=False)
    assert "Couldn't find that app" in r.err


def test_an_app_of_others_is_not_shown(platform, people, shop):
    platform.cli("create", "access-private", "--no-remote")
    try:
        assert "access-private" not in people["vera"]("apps").out and "access-private" in platform.cli("apps").out
        r = people["vera"]("info", "-a", "access-private", check=False)
        assert r.code == 1 and "You do not have access to the app access-private." in r.err
        assert shop[0] in people["vera"]("apps").out
    finally:
        platform.cli("destroy", "-a", "access-private", "--confirm", "access-private")


def test_access_by_herokus_verbs(platform, people, shop):
    app, _ = shop
    listed = people["vera"]("access", "-a", app).out
    assert re.search(r"olga@example.com +owner +view, deploy, operate, manage", listed)
    assert re.search(r"vera@example.com +collaborator +view$", listed, re.M)
    people["olga"]("sharing:update", PEOPLE["vera"], "-p", "operate", "-a", app)
    people["vera"]("config", "-a", app)
    people["olga"]("access:update", PEOPLE["vera"], "--permissions", "view", "-a", app)
    assert people["vera"]("config", "-a", app, check=False).code == 1
    people["olga"]("access:remove", PEOPLE["vera"], "-a", app)
    assert "You do not have access" in people["vera"]("info", "-a", app, check=False).err
    people["olga"]("access:add", PEOPLE["vera"], "-p", "view", "-a", app)
    r = people["olga"]("access:add", PEOPLE["vera"], "-p", "fly", "-a", app, check=False)
    assert r.code == 2 and '"permissions" are view, deploy, operate and manage, not "fly"' in r.err
    assert "There is no user ghost@example.com" in people["olga"]("access:add", "ghost@example.com", "-a", app, check=False).err
    assert "What may" in people["olga"]("access:update", PEOPLE["vera"], "-a", app, check=False).err
    assert "is the owner" in people["olga"]("access:add", PEOPLE["olga"], "-a", app, check=False).err


def test_pushes_over_ssh_by_role(platform, people, shop, sshd, tmp_path):  # noqa: F811
    app, where = shop
    keys, command = sshd
    for name in PEOPLE:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}-laptop", "-f", keys / name], check=True)
        people[name]("keys:add", str(keys / f"{name}.pub"))
    platform.git(where, "remote", "add", "over-ssh", f"ssh://root@127.0.0.1/{app}.git")

    def push(name):
        platform.git(where, "config", "core.sshCommand", command(name))
        return platform.git(where, "push", "over-ssh", "main", check=False)

    refused = push("vera")
    assert refused.code != 0 and f"You do not have the deploy permission on {app}" in refused.err
    assert not [r for r in platform.releases(app) if r["slug"]]
    # Who may view may clone.
    platform.git(tmp_path, "-c", f"core.sshCommand={command('vera')}", "clone", "-q", f"ssh://root@127.0.0.1/{app}.git", "copy")
    pushed = push("dora")
    assert pushed.code == 0 and "web.1 is up" in pushed.err, pushed
    newest = platform.releases(app)[0]
    assert newest["user"]["email"] == PEOPLE["dora"]
    told = people["vera"]("releases:info", "-a", app).out
    commit = platform.git(where, "rev-parse", "HEAD").out.strip()
    assert re.search(r"By: +dora@example.com", told) and f"build of {commit} by dora@example.com" in told
    people["olga"]("access:remove", PEOPLE["dora"], "-a", app)
    platform.commit(where, "after it")
    assert "You do not have access" in push("dora").err
    people["olga"]("access:add", PEOPLE["dora"], "-p", "deploy", "-a", app)
    for name in PEOPLE:
        people[name]("keys:remove", f"{name}-laptop")
    assert push("dora").code != 0


def test_the_audit_trail(platform, people, shop):
    app, _ = shop
    people["olga"]("config:set", "GREETING=hush-hush-2", "OLD=hush-hush", "--no-wait", "-a", app)
    people["olga"]("config:unset", "OLD", "--no-wait", "-a", app)
    people["vera"]("config:set", "GREETING=hush-hush", "-a", app, check=False)
    rows = audit(platform, app)
    assert "hush-hush" not in json.dumps(rows), "values are told nowhere"
    refused, unset, changed = rows[:3]
    assert changed["note"] == "set GREETING, set OLD" and changed["user"]["name"] == PEOPLE["olga"] and changed["status"] == 200
    assert unset["note"] == "unset OLD" and unset["release"]["version"] == changed["release"]["version"] + 1
    assert refused["status"] == 403 and refused["user"]["name"] == PEOPLE["vera"] and refused["release"] is None
    assert refused["from"] == "127.0.0.1" and refused["app"]["name"] == app
    told = people["vera"]("audit", "-a", app, "-n", "200").out
    for line in (r"vera@example.com +access-shop +refused \(403\) +127.0.0.1 +change config\n",
                 r"olga@example.com +access-shop +v\d+ +127.0.0.1 +change config: set GREETING, set OLD\n"):
        assert re.search(line, told), (line, told)
    version = unset["release"]["version"]
    assert re.search(rf"Audit: +change config: unset OLD by olga@example.com from 127.0.0.1", people["vera"]("releases:info", f"v{version}", "-a", app).out)
    # Others' deeds are the administrator's to see, and the app's.
    own = json.loads(people["vera"]("audit", "--json").out)
    assert own and {r["user"]["name"] for r in own} == {PEOPLE["vera"]}
    everything = json.loads(platform.cli("audit", "-n", "1000", "--json").out)
    assert {PEOPLE["olga"], "root@localhost"} <= {r["user"]["name"] for r in everything}
    assert next(r for r in everything if r["user"]["name"] == "root@localhost")["from"] == "socket"
    r = people["vera"]("audit", "-a", "access-none", check=False)
    assert r.code == 1 and "Couldn't find that app" in r.err


def test_what_the_trail_says_of_each_change(platform, people):
    app = "access-notes"
    platform.cli("create", app, "--no-remote")
    platform.cli("access:add", PEOPLE["vera"], "-p", "view,operate", "-a", app)
    platform.cli("domains:add", "notes.example.com", "-a", app)
    platform.cli("domains:remove", "notes.example.com", "-a", app)
    platform.cli("drains:add", "https://me:hush-hush@drain.example.com/in", "-a", app)
    platform.cli("buildpacks:set", "plain", "-a", app)
    platform.cli("maintenance:on", "-a", app)
    platform.cli("addons:create", "external", "--url", "https://x:hush-hush@elsewhere.example.com/", "--no-check", "--as", "ELSE", "-a", app, check=False)
    platform.cli("access:remove", PEOPLE["vera"], "-a", app)
    notes = [r["note"] for r in audit(platform, app)][::-1]
    assert "hush-hush" not in json.dumps(notes)
    for said in ("collaborator vera@example.com: view, operate", "domain notes.example.com", "buildpacks: plain", "maintenance on",
                 "collaborator vera@example.com"):
        assert said in notes, (said, notes)
    assert any(re.fullmatch(r"drain d\.[0-9a-f-]+ \(https://[^ ]*drain.example.com.*\)", n) for n in notes), notes
    told = platform.cli("audit", "-n", "200", "-a", app).out
    assert "/" not in re.sub(r"\d+/\d+/\d+|https?://\S+", "", told), told
    for words in ("add collaborator vera@example.com: view, operate", "remove domain notes.example.com", "set buildpacks: plain",
                  "change app: maintenance on", "remove collaborator vera@example.com", "add drain d."):
        assert words in told, (words, told)
    platform.cli("destroy", "-a", app, "--confirm", app)
    gone = json.loads(platform.cli("audit", "-n", "1", "--json").out)[0]
    assert gone["action"] == "DELETE /apps/:app" and gone["app"]["name"] == app


# ---- passwords

def on_terminal(platform, *args, answers, env=None):
    """Runs the command line on a terminal of its own and types the answers, each when it is asked for: (exit code, what it showed)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(platform.program("twelve"), ["twelve", *args], {**platform.env, **(env or {})})
    shown, answers = b"", list(answers)
    while True:
        ready, _, _ = select.select([fd], [], [], 60)
        assert ready, shown
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        if answers and re.search(answers[0][0].encode() + rb"$", shown):
            os.write(fd, answers.pop(0)[1].encode() + b"\n")
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_passwords_are_asked_for_without_an_echo(platform, people):
    platform.cli("users:passwd", PEOPLE["vera"], "--password-stdin", input="first password\n")
    env = {"TWELVE_HOST": f"http://127.0.0.1:{platform.api_port}", "TWELVE_API_KEY": people["vera"].token}
    questions = ("Present password: ", "New password: ", "The same again: ")
    code, shown = on_terminal(platform, "users:passwd", env=env, answers=zip(questions, ("first password", "second password", "second password")))
    assert code == 0 and "new password" in shown and "second" not in shown and "first" not in shown, shown
    code, shown = on_terminal(platform, "users:passwd", env=env, answers=zip(questions, ("second password", "third password", "other password")))
    assert code == 2 and "The two are not the same" in shown
    code, shown = on_terminal(platform, "users:passwd", env=env, answers=zip(questions, ("wrong password", "third password", "third password")))
    assert code == 1 and "must be the present one" in shown
    r = people["vera"]("users:passwd", "--password-stdin", input="second password\nthird password\n")
    assert "new password" in r.err
    assert tcp(platform, "POST", "/oauth/authorizations", {}, basic(PEOPLE["vera"], "third password"))[0] == 201
    assert "There is no terminal to enter the password" in subprocess.run(
        ["setsid", platform.program("twelve"), "users:passwd", PEOPLE["vera"]], env=platform.env, capture_output=True, text=True, stdin=subprocess.DEVNULL).stderr
    assert "8 to 1024" in platform.cli("users:passwd", PEOPLE["vera"], "--password-stdin", input="short\n", check=False).err
    assert re.search(r"vera@example.com +Vera +user +20\d\d", platform.cli("users").out), "when she was last seen"


def test_a_password_gets_a_token_and_nothing_else(platform, people):
    platform.cli("users:passwd", PEOPLE["dora"], "--password-stdin", input="doras password\n")
    status, made, _ = tcp(platform, "POST", "/oauth/authorizations", {"description": "login", "expires_in": 2592000, "scope": ["global"]},
                          basic("Dora@Example.com", "doras password"))
    assert status == 201 and made["user"]["email"] == PEOPLE["dora"] and 2591990 < made["access_token"]["expires_in"] <= 2592000
    assert tcp(platform, "GET", "/account", headers={"Authorization": f"Bearer {made['access_token']['token']}"})[1]["email"] == PEOPLE["dora"]
    for path in "/account", "/apps", "/oauth/authorizations":
        assert tcp(platform, "GET", path, headers=basic(PEOPLE["dora"], "doras password"))[0] == 401, path
    status, said, headers = tcp(platform, "POST", "/oauth/authorizations", {}, basic(PEOPLE["dora"], "not hers"))
    assert (status, said["id"], said["message"]) == (401, "unauthorized", "Invalid credentials provided.")
    same, for_nobody, _ = tcp(platform, "POST", "/oauth/authorizations", {}, basic("ghost@example.com", "not hers"))
    assert (same, for_nobody["message"]) == (status, said["message"]), "who there is can't be told by it"


def test_guessing_is_slowed_down(own_platform):
    p = own_platform()
    p.cli("users:add", "ada@example.com", "--password-stdin", input="adas password\n")
    right, wrong = basic("ada@example.com", "adas password"), basic("ada@example.com", "a guess it is")
    token = tcp(p, "POST", "/oauth/authorizations", {}, right)[1]["access_token"]["token"]
    answers = [tcp(p, "POST", "/oauth/authorizations", {}, wrong)[0] for _ in range(30)]
    assert answers[:8] == [401] * 8 and 429 in answers, answers
    said = next(a[1] for a in iter(lambda: tcp(p, "POST", "/oauth/authorizations", {}, wrong), None) if a[0] == 429)
    assert said["id"] == "rate_limit" and re.search("try again in [1-3] s", said["message"]), said
    wait_for(lambda: tcp(p, "POST", "/oauth/authorizations", {}, right)[0] == 201, "a try to be left")
    assert tcp(p, "GET", "/account", headers={"Authorization": f"Bearer {token}"})[0] == 200, "who has a token goes on"
    # It was nobody who guessed: no user stands for it.
    assert {r["status"] for r in json.loads(p.cli("audit", "--json").out)} == {201}


def test_tokens_of_others(platform, people):
    listed = json.loads(people["olga"]("authorizations", "--json").out)
    mine = listed[0]["id"]
    info = people["olga"]("authorizations:info", mine).out
    assert re.search(r"User: +olga@example.com", info) and re.search(r"Token: +tw-[0-9a-f]{4}\*+", info)
    assert people["olga"].token not in info
    r = people["vera"]("authorizations:info", mine, check=False)
    assert r.code == 1 and f"Couldn't find that authorization: {mine}" in r.err
    assert "Couldn't find that authorization" in people["vera"]("authorizations:revoke", mine, check=False).err
    assert people["olga"]("apps", check=False).code == 0
