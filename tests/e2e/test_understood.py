# SPDX-License-Identifier: Apache-2.0
"""
What is not supported is refused. Of the API: each endpoint with a body refuses a member that it does not know, and each member that
it declares is read by its handler, or stands below with a reason. Of the command line: each option of each command is read by it.
"""
import json
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT
from test_build import archive

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text())
SOURCES = {p: p.read_text() for p in (ROOT / "src/daemon").rglob("*.c")}
# The rows of endpoints, which stand below their handlers; and the sources without them.
ROWS = re.compile(r"^const struct api_route \w+_routes\[\] = \{\n(.*?)^\};", re.M | re.S)
CODE = {p: ROWS.sub("", text) for p, text in SOURCES.items()}
# What belongs to what: a name for each parameter that the body's check comes before.
NOWHERE = "00000000-0000-4000-8000-000000000000"


def bodies():
    """(method, path) of each endpoint that takes JSON, but for DELETE, whose body means nothing."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if method not in ("get", "delete", "parameters") and "application/json" in operation.get("requestBody", {}).get("content", {"application/json": 0}):
                yield method.upper(), path


@pytest.fixture(scope="module")
def app(platform):
    platform.cli("create", "understood")
    yield "understood"
    platform.cli("destroy", "-a", "understood", "--confirm", "understood")


@pytest.mark.parametrize("method,path", list(bodies()), ids=lambda v: v)
def test_a_member_that_is_not_known_is_refused(platform, app, method, path):
    schema = DOCUMENT["paths"][path][method.lower()].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if path in ("/apps/{app}/config-vars", "/oauth/token") or path.startswith("/sources/") or ".git/" in path:
        pytest.skip("its members are the user's own names, or it is a form or no JSON")
    assert "no_such_member" not in schema.get("properties", {})
    where = re.sub(r"\{[^}]*\}", NOWHERE, path.replace("{app}", app).replace("{type}", "web"))
    status, answer = platform.api(method, where, {"no_such_member": 1})
    # An add-on or the like in the path is looked for before the body is read.
    if status == 404 and "{" in path.replace("{app}", ""):
        return
    if status == 401:
        assert path.startswith("/addons/"), "providers only"
        return
    assert status == 422 and '"no_such_member" is not supported' in answer["message"], answer


# Members that a handler reads by other code than its own file's: (method, path, member): where.
READ_ELSEWHERE = {
    ("POST", "/apps/:app/addons", "plan"): "api/addon/shapes.c: api_plan_of()",
    ("PATCH", "/apps/:app/addons/:addon", "plan"): "api/addon/shapes.c: api_plan_of()",
    ("POST", "/apps/:app/addons", "confirm"): "api-attach.c",
    ("POST", "/oauth/token", "refresh_token"): "a form; a grant is what our providers have, and a token is new each time",
    ("POST", "/review-apps", "source_blob"): "api/source.c: source_find()",
    ("POST", "/app-setups", "source_blob"): "api/source.c: source_find()",
    **{("POST", "/client/v11/databases/:addon/transfers", m): "refused whatever they are" for m in ("from_name", "from_url", "to_name", "to_url")},
    **{("PATCH", "/twelve/users/:user/limits", m): "model/owner-limit.c: owner_limit_names" for m in ("apps", "dynos", "addons", "memory", "builds")},
    ("POST", "/client/v11/databases/:addon/transfer-schedules", "schedule_name"): "one schedule for a database, which has no other name",
}


def declared():
    """(method, path, handler, member, type) of the tables."""
    for source in SOURCES.values():
        shared = dict(re.findall(r"#define (\w+)\s+\\\n((?:.*\\\n)*.*)\n", source))
        for text in ROWS.findall(source):
            for method, path, handler, rest in re.findall(r'\{ "([A-Z]+)", "([^"]+)",\s+\w+,\s+(\w+),\s*((?:[^{}])*?)\},', text):
                for name, words in shared.items():
                    if re.search(rf"\b{name}\b", rest):
                        rest += words
                words = " ".join(w for w in re.findall(r'"((?:[^"\\]|\\.)*)"', rest) if re.match(r"[a-z_*]+\??:[a-z]+( |$)", w))
                for member, kind in re.findall(r"([a-z_*]+)\??:([a-z]+)", words):
                    yield method, path, handler, member, kind


def test_each_member_that_is_declared_is_read():
    rows = list(declared())
    assert len(rows) > 190
    missing = set()
    for method, path, handler, member, kind in rows:
        # These say what is so, and are compared with it by the check of bodies itself.
        if kind in ("none", "true") or member == "*":
            continue
        home = [text for text in CODE.values() if re.search(rf"^(?:static )?int {handler}\(", text, re.M)]
        assert home, handler
        if not any(f'"{member}"' in text for text in home):
            missing.add((method, path, member))
    missing -= {("POST", "/apps/:app/releases", "description")} if "json_string_value(json_object_get(request_body(r), \"description\"))" in SOURCES[ROOT / "src/daemon/api/app/slug-release.c"] else set()
    assert missing == set(READ_ELSEWHERE), missing ^ set(READ_ELSEWHERE)


@pytest.mark.parametrize("path,body,words", [
    ("/apps", {"space": "private"}, '"space" must be null or false'),
    ("/apps", {"internal_routing": True}, '"internal_routing" must be null or false'),
    ("/apps", {"locked": True}, '"locked" must be null or false'),
    ("/apps", {"kernel": "x"}, '"kernel" must be null or false'),
    ("/apps", {"team": "t"}, '"team" must be null or false'),
    ("/apps/understood/collaborators", {"user": "a@example.com", "silent": False}, '"silent" must be true'),
    ("/apps/understood/releases", {"release": "v1", "description": "mine"}, '"description" goes with a slug'),
    ("/pipelines", {"name": "fir-pipe", "generation": {"name": "fir"}}, '"generation" must be cedar'),
    ("/apps/understood/releases", {"oci_image": NOWHERE}, '"oci_image" must be null or false'),
])
def test_what_heroku_has_and_this_platform_has_not(platform, app, path, body, words):
    status, answer = platform.api("POST", path, body)
    assert status == 422 and words in answer["message"], answer


BLOB = {"url": "https://example.com/x.tgz", "checksum": "SHA256:" + "0" * 64}


@pytest.mark.parametrize("method,path,body,words", [
    ("POST", "/apps/understood/builds", {"source_blob": BLOB | {"no_such": 1}}, '"no_such" is not supported in "source_blob": the members are url, version, checksum'),
    ("POST", "/app-setups", {"source_blob": BLOB | {"no_such": 1}}, '"no_such" is not supported in "source_blob"'),
    ("POST", "/app-setups", {"source_blob": BLOB, "app": {"name": "nested-one", "no_such": 1}}, '"no_such" is not supported in "app"'),
    ("POST", "/app-setups", {"source_blob": BLOB, "app": {"name": "nested-one", "locked": True}}, '"app.locked" must be null or false'),
    ("POST", "/app-setups", {"source_blob": BLOB, "overrides": {"env": {}, "no_such": 1}}, '"no_such" is not supported in "overrides"'),
    ("PATCH", "/apps/understood/formation", {"updates": [{"type": "web", "quantity": 1, "no_such": 1}]}, '"no_such" is not supported in "updates"'),
    ("POST", "/apps/understood/dynos", {"command": "ls", "size": "huge"}, 'There is no dyno size "huge": the sizes are eco, basic'),
    ("PUT", "/apps/understood/buildpack-installations", {"updates": [{"buildpack": "python", "no_such": 1}]}, '"no_such" is not supported in "updates"'),
])
def test_a_member_within_a_member_is_known_or_refused(platform, app, method, path, body, words):
    status, answer = platform.api(method, path, body)
    assert status == 422 and words in answer["message"], answer
    assert platform.api("GET", "/apps/nested-one")[0] == 404


def test_what_says_how_it_is_is_taken(platform):
    status, made = platform.api("POST", "/apps", {"name": "as-it-is", "space": None, "locked": False, "internal_routing": False, "feature_flags": ""})
    assert status == 201 and made["space"] is None
    platform.cli("destroy", "-a", "as-it-is", "--confirm", "as-it-is")


# --- the command line

CLI = {p: p.read_text() for p in (ROOT / "src/cli").rglob("*.c")}
# (command, option): why nothing reads it.
UNREAD = {("run", "exit-code"): "it is always given", ("run:inside", "exit-code"): "it is always given"}


def commands():
    """(file, name, its own options) of each command."""
    everything = "".join(CLI.values())
    tables = {}
    for name, text in re.findall(r"const struct arg_option (\w+)\[\] = \{(.*?)\n?\};", everything, re.S):
        tables.setdefault(name, set()).update(re.findall(r'\{\s*"([a-z-]+)"', text))
    for path, text in CLI.items():
        own = {name: re.findall(r'\{\s*"([a-z-]+)"', t) for name, t in re.findall(r"const struct arg_option (\w+)\[\] = \{(.*?)\n?\};", text, re.S)}
        for record in re.findall(r"const struct command cmd_\w+ = \{(.*?)\n\};", text, re.S):
            options = re.search(r"\.options = (\w+)", record)
            yield path, re.search(r'\.name = "([^"]+)"', record)[1], own.get(options[1], sorted(tables.get(options[1], ()))) if options else []


def test_each_option_is_read():
    rows = list(commands())
    assert len(rows) > 100
    # A name that stands in quotes somewhere besides the table of options, in the command's file or in one that it shares.
    unread = set()
    for path, name, options in rows:
        for option in options:
            uses = [t for p, t in CLI.items() if p == path or p.name in ("cli.c", "wait.c", "deploy.c", "import-steps.c", "backups.c")]
            n = sum(len(re.findall(rf'(?<!\{{ )(?<!\{{)"{option}"', t)) for t in uses)
            if not n:
                unread.add((name, option))
    assert unread == set(UNREAD), unread ^ set(UNREAD)


@pytest.mark.parametrize("args,words", [
    (("apps", "--no-such"), "has no option --no-such"),
    (("apps", "surplus"), 'unexpected argument "surplus"'),
    (("apps", "-x"), "has no option -x"),
    (("config", "-a", "one", "-a", "two"), "--app is given twice"),
    (("config", "--app=one", "--remote", "prod"), "--app and --remote both name the app"),
    (("-a", "one", "config", "--app", "two"), "--app is given twice"),
    (("--host", "unix:///x", "apps", "--host", "unix:///y"), "--host is given twice"),
    (("apps", "--json=yes"), "--json takes no value"),
    (("apps", "--host"), "--host takes a value"),
])
def test_a_wrong_or_superfluous_word_is_refused(platform, args, words):
    r = platform.cli(*args, check=False)
    assert r.code == 2 and words in r.err and r.out == "", r


def test_an_option_may_be_there_twice_where_it_adds_up(platform, app, tmp_path):
    platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", ("Procfile", b"worker: sleep 1000\n")), "-a", app)
    r = platform.cli("run", "-a", app, "-e", "A=1", "-e", "B=2", "--", "sh", "-c", "echo $A$B")
    assert "12" in r.out
