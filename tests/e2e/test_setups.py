# SPDX-License-Identifier: Apache-2.0
"""App setups: an app out of an archive with an app.json; what is wrong with one; and kills in the middle."""
import hashlib
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import tarfile
import types

import pytest

import api_schema
from conftest import APPS, wait_for

GUESTBOOK = pathlib.Path(__file__).parents[2] / "examples" / "guestbook"
HELLO = APPS / "hello"


def archive(source, manifest, top="", **files):
    """A .tar.gz of the directory with an app.json (text, or what becomes JSON; None: none)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for f in sorted(source.iterdir()):
            if f.name not in files:
                tar.add(f, top + f.name)
        if manifest is not None:
            files["app.json"] = manifest if isinstance(manifest, str) else json.dumps(manifest)
        for name, text in files.items():
            info = tarfile.TarInfo(top + name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def uploads(p):
    return {f.name for f in (p.state / "sources").glob("*.tar")}


def upload(p, data):
    url = p.api("POST", "/sources")[1]["source_blob"]["put_url"]
    c = http.client.HTTPConnection("localhost", timeout=180)
    c.sock = p.connect()
    c.request("PUT", "/" + url.split("://", 1)[-1].split("/", 1)[1], data)
    assert c.getresponse().status == 200
    c.close()
    return url


def asked(p, method, path, body=None):
    status, answer = p.api(method, path, body)
    e = types.SimpleNamespace(method=method, path=path, status=status, whole=True, answer=answer, answer_headers={})
    assert not api_schema.shared().faults(e), (answer, api_schema.shared().faults(e))
    return status, answer


def start(p, data, name, **body):
    blob = {"url": upload(p, data), **body.pop("blob", {})}
    status, s = asked(p, "POST", "/app-setups", {"app": {"name": name}, "source_blob": blob, **body})
    assert status == 202 and s["status"] == "pending" and s["app"]["name"] == name, s
    return s["id"]


def state(p, setup):
    return asked(p, "GET", f"/app-setups/{setup}")[1]


def ended(p, setup, timeout=600):
    def look():
        s = state(p, setup)
        return s if s["status"] != "pending" else None
    return wait_for(look, "the setup to end", timeout)


def refused(p, data, name, **body):
    # The platform is shared: what others uploaded and did not use is there for a day.
    others = uploads(p)
    s = ended(p, start(p, data, name, **body))
    assert s["status"] == "failed", s
    # The app is gone, and all that belonged to it.
    assert p.api("GET", f"/apps/{name}")[0] == 404
    assert not (p.state / "git" / f"{name}.git").exists()
    assert uploads(p) <= others
    return s


def destroy(p, name):
    p.cli("destroy", "-a", name, "--confirm", name, check=False)


def test_everything_of_an_app_json(platform):
    script = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as c:
    c.execute("create table made (note text)")
    c.execute("insert into made values (%s)", [os.environ["GREETING"] + " " + os.environ["NAME"]])
with psycopg.connect(os.environ["DATABASE_URL"]) as c:
    print("the table says:", c.execute("select note from made").fetchone()[0])
"""
    manifest = {
        "name": "A guestbook", "success_url": "/welcome", "logo": "ignored",
        "env": {"GREETING": "hello", "NAME": {"description": "who", "required": True}, "OPTIONAL": {"required": False},
                "SECRET_KEY": {"generator": "secret"}, "SECRET_TWO": {"generator": "secret"}},
        "addons": ["heroku-postgresql:essential-0"], "formation": {"web": {"quantity": 2, "size": "standard-2x"}},
        "scripts": {"postdeploy": "python seed.py"},
    }
    data = archive(GUESTBOOK, manifest, top="guestbook-main/", **{"seed.py": script})
    digest = hashlib.sha256(data).hexdigest()
    others = uploads(platform)
    setup = start(platform, data, "set-all", overrides={"env": {"NAME": "ada", "EXTRA": "1"}},
                  blob={"checksum": f"SHA256:{digest}", "version": "v1"})
    s = ended(platform, setup)
    try:
        assert s["status"] == "succeeded", s
        assert s["postdeploy"] == {"output": "the table says: hello ada\n", "exit_code": 0}
        assert s["build"]["status"] == "succeeded" and s["failure_message"] is None and s["manifest_errors"] == []
        assert re.fullmatch(r"http://set-all\.localhost:\d+/welcome", s["resolved_success_url"])
        config = platform.api("GET", "/apps/set-all/config-vars")[1]
        assert config["GREETING"] == "hello" and config["EXTRA"] == "1" and "OPTIONAL" not in config
        assert re.fullmatch("[0-9a-f]{64}", config["SECRET_KEY"]) and config["SECRET_KEY"] != config["SECRET_TWO"]
        web = [f for f in platform.api("GET", "/apps/set-all/formation")[1] if f["type"] == "web"][0]
        assert web["quantity"] == 2 and web["size"] == "Standard-2X"
        wait_for(lambda: len(platform.up("set-all")) == 2, "two dynos")
        assert platform.get("set-all")[0] == 200
        plans = [a["plan"]["name"] for a in platform.api("GET", "/apps/set-all/addons")[1]]
        assert plans == ["postgresql:mini"]
        assert "heroku-postgresql:essential-0 is Heroku's; this is postgresql:mini" in platform.cli("logs", "-n", "1500", "-a", "set-all").out
        assert uploads(platform) <= others
    finally:
        destroy(platform, "set-all")


ALL_WRONG = {"env": {"PORT 1": "x", "N": 5, "G": {"generator": "uuid"}}, "addons": [{"as": "DB"}], "buildpacks": ["python"],
             "formation": {"web": {"quantity": -1}}, "scripts": {"postdeploy": 7}}


def test_what_is_wrong_with_app_json_is_said(platform):
    s = refused(platform, archive(HELLO, ALL_WRONG), "set-wrong")
    assert s["failure_message"] == "invalid app.json" and len(s["manifest_errors"]) == 7, s
    for part in ('"env.N"', "generator", '"addons[0]"', '"buildpacks[0]"', '"formation.web.quantity"', '"scripts.postdeploy"'):
        assert any(part in e for e in s["manifest_errors"]), (part, s["manifest_errors"])
    s = refused(platform, archive(HELLO, "{ not json"), "set-wrong")
    assert "line 1" in s["manifest_errors"][0]
    s = refused(platform, archive(HELLO, {"env": {"TOKEN": {"description": "of the shop"}}}), "set-wrong")
    assert s["manifest_errors"] == ['app.json: "env.TOKEN" is required and has no value: give one in "overrides.env"']
    s = refused(platform, archive(HELLO, None), "set-wrong")
    assert s["failure_message"] == "app.json: there is none at the top of the archive"
    s = refused(platform, archive(HELLO, " " * (300 << 10)), "set-wrong")
    assert s["failure_message"] == "app.json: it is larger than 256 KB"
    s = refused(platform, b"no archive at all, that is sure", "set-wrong")
    assert "not a tar archive" in s["failure_message"]
    s = refused(platform, archive(HELLO, {}), "set-wrong", blob={"checksum": "SHA256:" + "0" * 64})
    assert "checksum" in s["failure_message"]
    s = refused(platform, archive(HELLO, {"addons": ["nothing-such"]}), "set-wrong")
    assert 'app.json: "addons"' in s["failure_message"]
    s = refused(platform, archive(HELLO, {"addons": [{"plan": "heroku-redis", "options": "9"}]}), "set-wrong")
    assert s["manifest_errors"] == ['app.json: "addons[0].options" must be an object']
    s = refused(platform, archive(HELLO, {"addons": [{"plan": "heroku-redis", "options": {"version": "9"}}]}), "set-wrong")
    assert s["failure_message"].startswith('app.json: "addons": heroku-redis takes no option "version"'), s


def test_what_fails_later_takes_the_app_away(platform):
    s = refused(platform, archive(HELLO, {"buildpacks": [{"url": "python"}]}), "set-late")
    assert s["failure_message"].startswith("The build failed: ") and s["build"]["status"] == "failed"
    s = refused(platform, archive(HELLO, {"env": {"FAIL_RELEASE": "1"}}), "set-late")
    assert "did not go live" in s["failure_message"] and "release command" in s["failure_message"]
    s = refused(platform, archive(HELLO, {"formation": {"clock": {"quantity": 1}}}), "set-late")
    assert '"formation.clock"' in s["failure_message"]
    s = refused(platform, archive(HELLO, {"scripts": {"postdeploy": {"command": "echo no such table; exit 7"}}}), "set-late")
    assert s["failure_message"].startswith("The postdeploy script ") and "7" in s["failure_message"]
    assert s["postdeploy"] == {"output": "no such table\n", "exit_code": 7}


def test_requests_that_can_not_be(platform):
    def ask(**body):
        return platform.api("POST", "/app-setups", body)
    url = upload(platform, archive(HELLO, {}))
    for body, part in (({}, "source_blob"), ({"source_blob": {"url": "http://example.com/x.tgz"}}, "source_blob.url"),
                       ({"source_blob": {"url": url}, "app": {"name": "-"}}, "Name"),
                       ({"source_blob": {"url": url}, "app": {"stack": "windows"}}, "stack"),
                       ({"source_blob": {"url": url}, "overrides": {"env": {"A": 1}}}, "overrides.env.A"),
                       ({"source_blob": {"url": url}, "overrides": {"buildpacks": "python"}}, "buildpacks"),
                       ({"source_blob": {"url": url}, "overrides": {"formation": {"web": 1}}}, "formation.web")):
        status, e = ask(**body)
        assert status in (400, 422) and part in e["message"], (body, e)
    assert platform.api("GET", "/app-setups/nothing")[0] == 404
    # Nothing of that took the archive, and a name that is taken does not either.
    assert platform.api("POST", "/apps", {"name": "set-taken"})[0] == 201
    assert ask(source_blob={"url": url}, app={"name": "set-taken"})[0] == 422
    s = ask(source_blob={"url": url}, app={"name": "set-free"})
    assert s[0] == 202 and ended(platform, s[1]["id"])["status"] == "succeeded"
    destroy(platform, "set-free")
    destroy(platform, "set-taken")


def test_a_kill_at_each_step_goes_on(own_platform):
    p = own_platform()
    setup = start(p, archive(HELLO, {"env": {"K": {"generator": "secret"}}, "formation": {"worker": {"quantity": 1}},
                                     "scripts": {"postdeploy": "echo seeded $K"}}), "set-kill")
    p.restart()
    wait_for(lambda: state(p, setup)["build"], "the build to begin", 120)
    p.restart()
    assert state(p, setup)["status"] == "pending"
    wait_for(lambda: state(p, setup)["build"]["status"] == "succeeded", "the build to end", 300)
    p.restart()
    s = ended(p, setup)
    key = p.api("GET", "/apps/set-kill/config-vars")[1]["K"]
    assert s["status"] == "succeeded" and s["postdeploy"] == {"output": f"seeded {key}\n", "exit_code": 0}, s
    assert len([r for r in p.releases("set-kill") if "Deploy" in r["description"]]) == 1
    wait_for(lambda: p.up("set-kill", "worker"), "the worker")


def test_a_script_that_a_kill_meets_goes_on(own_platform):
    p = own_platform()
    setup = start(p, archive(HELLO, {"scripts": {"postdeploy": "echo begun; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo done"}}),
                  "set-run")
    script = wait_for(lambda: [d for d in p.dynos("set-run") if d["type"] == "postdeploy" and d["state"] == "up"],
                      "the script", 300)[0]
    p.restart()
    assert [d["id"] for d in p.dynos("set-run") if d["type"] == "postdeploy"] == [script["id"]]
    assert state(p, setup)["status"] == "pending"
    p.cli("ps:stop", script["name"], "-a", "set-run")
    s = ended(p, setup)
    assert s["status"] == "failed" and s["postdeploy"]["output"].startswith("begun\n"), s
    assert p.api("GET", "/apps/set-run")[0] == 404


def change(p, sql, *values):
    """What a kill may leave in the database, written while nobody has it open."""
    with sqlite3.connect(p.state / "twelve.db") as db:
        db.execute(sql, values)
    db.close()


def test_a_kill_before_the_app_and_after_it_failed(own_platform):
    p = own_platform()
    # The app was made, and the kill came before its id was in the setup's row.
    setup = start(p, archive(HELLO, {}), "set-made")
    p.kill9()
    change(p, "UPDATE app_setup SET step = 'making', app_id = '' WHERE id = ?", setup)
    p.start()
    assert ended(p, setup)["status"] == "succeeded" and p.up("set-made")
    # It was not made; and an app of that name from before is not taken for it.
    p.kill9()
    change(p, "UPDATE app_setup SET step = 'making', app_id = '', created_ms = created_ms + 3600000 WHERE id = ?", setup)
    p.start()
    s = ended(p, setup)
    assert s["status"] == "failed" and "before the app was created" in s["failure_message"]
    assert p.api("GET", "/apps/set-made")[0] == 200
    # The reason was written, and the app was still there.
    s = p.api("GET", "/apps/set-made")[1]
    p.kill9()
    change(p, "UPDATE app_setup SET step = 'removing', failure = 'So it is', app_id = ? WHERE id = ?", s["id"], setup)
    p.start()
    s = ended(p, setup)
    assert s["failure_message"] == "So it is" and p.api("GET", "/apps/set-made")[0] == 404
    # What ended long ago is forgotten when another comes, not before.
    p.kill9()
    change(p, "UPDATE app_setup SET updated_ms = 1 WHERE id = ?", setup)
    p.start()
    assert state(p, setup)["status"] == "failed"
    other = start(p, b"nothing", "set-other")
    assert p.api("GET", f"/app-setups/{setup}")[0] == 404 and ended(p, other)["status"] == "failed"


def with_argument(text):
    """Processes that have this in their command line."""
    found = []
    for e in pathlib.Path("/proc").iterdir():
        try:
            if e.name.isdigit() and text.encode() in (e / "cmdline").read_bytes():
                found.append(int(e.name))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended meanwhile
    assert found
    return found


def test_a_script_that_ended_while_nobody_looked(own_platform):
    p = own_platform()
    setup = start(p, archive(HELLO, {"scripts": {"postdeploy": "echo begun; sleep 600"}}), "set-lost")
    script = wait_for(lambda: [d for d in p.dynos("set-lost") if d["type"] == "postdeploy" and d["state"] == "up"],
                      "the script", 300)[0]
    where = p.run / "dynos" / script["id"]
    p.kill9()
    for pid in with_argument(str(where)):
        os.kill(pid, signal.SIGKILL)
    # As after the machine was started anew: the directory is in memory.
    shutil.rmtree(where)
    p.start()
    s = ended(p, setup)
    assert s["status"] == "failed" and "its result is unknown" in s["failure_message"], s
    assert p.api("GET", "/apps/set-lost")[0] == 404


def test_review_apps(platform):
    manifest = {"env": {"MODE": "plain", "WHO": "app"}, "scripts": {"postdeploy": "exit 9"},
                "environments": {"review": {"env": {"MODE": "review"}, "scripts": {"postdeploy": "echo $MODE $WHO $PR"}}}}
    status, pipeline = platform.api("POST", "/pipelines", {"name": "set-line"})
    assert status == 201, pipeline

    def ask(**body):
        return asked(platform, "POST", "/review-apps", {
            "branch": "topic", "pipeline": pipeline["id"],
            "source_blob": {"url": upload(platform, archive(HELLO, manifest, top="x/")), "version": "v1"}, **body})

    def listed():
        return [v["id"] for v in asked(platform, "GET", f"/pipelines/{pipeline['id']}/review-apps")[1]]

    def became(v, *words):
        def look():
            now = asked(platform, "GET", f"/review-apps/{v['id']}")[1]
            return now if now["status"] not in ("pending", "creating") else None
        now = wait_for(look, "the review app", 300)
        assert now["status"] in words, now
        return now

    status, v = ask(pr_number=7, environment={"PR": "7", "NONE": None})
    assert status == 201 and v["status"] in ("pending", "creating") and v["pr_number"] == 7 and v["branch"] == "topic", v
    v = became(v, "created")
    assert state(platform, v["app_setup"]["id"])["postdeploy"] == {"output": "review app 7\n", "exit_code": 0}
    app = platform.api("GET", f"/apps/{v['app']['id']}")[1]
    assert re.fullmatch("set-line-pr-7-[0-9a-f]{6}", app["name"])
    assert platform.api("GET", f"/apps/{app['name']}/pipeline-couplings")[1]["stage"] == "review"
    assert asked(platform, "GET", f"/apps/{app['name']}/review-app")[1]["id"] == v["id"] and listed() == [v["id"]]

    # One that can't be made keeps its reason; its app is gone.
    manifest["environments"]["review"]["scripts"]["postdeploy"] = "exit 3"
    status, bad = ask()
    bad = became(bad, "errored")
    assert bad["app"] is None and "postdeploy" in bad["error_status"]

    for one in (v, bad):
        status, gone = asked(platform, "DELETE", f"/review-apps/{one['id']}")
        assert status == 200 and gone["status"] == "deleted" and gone["app"] is None
    assert platform.api("GET", f"/apps/{app['name']}")[0] == 404 and listed() == []

    # One that is taken away while it is being made.
    manifest["environments"]["review"]["scripts"]["postdeploy"] = "sleep 600"
    status, v = ask()
    name = state(platform, v["app_setup"]["id"])["app"]["name"]
    wait_for(lambda: [d for d in platform.dynos(name) if d["type"] == "postdeploy" and d["state"] == "up"], "the script", 300)
    assert asked(platform, "DELETE", f"/review-apps/{v['id']}")[1]["status"] == "deleted"
    assert ended(platform, v["app_setup"]["id"])["status"] == "failed"
    assert platform.api("GET", f"/apps/{name}")[0] == 404

    assert platform.api("POST", "/review-apps", {"branch": "b", "pipeline": "set-nothing", "source_blob": {"url": "x"}})[0] == 404
    status, e = platform.api("POST", "/review-apps", {"branch": "", "pipeline": "set-line", "source_blob": {"url": "x"}})
    assert status == 422 and "branch" in e["message"]
    assert platform.api("DELETE", "/pipelines/set-line")[0] == 200
    assert platform.api("GET", f"/review-apps/{v['id']}")[0] == 404


CONFIG = {"repo": "ada/shop", "base_name": "set-base", "destroy_stale_apps": True, "stale_days": 3,
          "deploy_target": {"type": "region", "id": "EU"}}


def line(p, name):
    """A pipeline, and the path of how its review apps are configured."""
    status, pipeline = p.api("POST", "/pipelines", {"name": name})
    assert status == 201, pipeline
    return pipeline["id"], f"/pipelines/{pipeline['id']}/review-app-config"


def test_the_configuration_of_review_apps(platform):
    pipeline, path = line(platform, "set-config")
    status, e = asked(platform, "GET", path)
    assert status == 404 and "set-config are not configured" in e["message"]
    assert asked(platform, "PATCH", path, CONFIG)[0] == 404 and asked(platform, "DELETE", path)[0] == 404
    for body, part in (({"automatic_review_apps": True}, '"automatic_review_apps" can\'t be true here: twelved watches no repository'),
                       ({"wait_for_ci": True}, '"wait_for_ci" can\'t be true'),
                       ({"stale_days": 0}, '"stale_days" must be a whole number from 1 to 365'),
                       ({"base_name": "No"}, '"base_name"'), ({"base_name": "a" * 21}, "20 characters at most"), ({"repo": ""}, '"repo"'),
                       ({"deploy_target": {"type": "space", "id": "us"}}, "there are no spaces"),
                       ({"deploy_target": {"type": "region", "id": "xx"}}, 'There is no region "xx"')):
        status, e = asked(platform, "POST", path, body)
        assert status == 422 and part in e["message"], (body, e)
    assert asked(platform, "GET", path)[0] == 404
    status, made = asked(platform, "POST", path, CONFIG)
    assert status == 201 and made["twelve"]["repo"] == "ada/shop" and isinstance(made["repo"]["id"], int), made
    assert made["deploy_target"] == {"type": "region", "id": "eu"} and made["pipeline_id"] == pipeline
    assert (made["base_name"], made["destroy_stale_apps"], made["stale_days"]) == ("set-base", True, 3)
    assert made["automatic_review_apps"] is False and made["wait_for_ci"] is False
    status, e = asked(platform, "POST", path, {})
    assert status == 422 and "configured already" in e["message"]
    # What is not said stays, what is null goes.
    status, now = asked(platform, "PATCH", path, {"base_name": None, "destroy_stale_apps": False, "deploy_target": None})
    assert status == 200 and now == {**made, "base_name": None, "destroy_stale_apps": False, "deploy_target": None}
    assert asked(platform, "GET", path) == (200, now) and asked(platform, "DELETE", path) == (200, now)
    assert asked(platform, "GET", path)[0] == 404
    # It goes with its pipeline.
    assert asked(platform, "POST", path, {})[1]["stale_days"] == 5
    assert platform.api("DELETE", f"/pipelines/{pipeline}")[0] == 200
    with sqlite3.connect(platform.state / "twelve.db", timeout=180) as db:
        assert db.execute("SELECT count(*) FROM review_config WHERE pipeline_id = ?", (pipeline,)).fetchone() == (0,)


def test_a_database_that_was_put_back_makes_no_review_app_stale(own_platform, tmp_path):
    p, ago = own_platform(), 10 * 86400000
    pipeline, path = line(p, "set-back")
    assert asked(p, "POST", path, CONFIG)[0] == 201
    v = asked(p, "POST", "/review-apps", {"branch": "b1", "pipeline": pipeline, "pr_number": 1, "source_blob": {
        "url": upload(p, archive(HELLO, {"addons": []}))}})[1]
    wait_for(lambda: asked(p, "GET", f"/review-apps/{v['id']}")[1]["status"] == "created", "the review app", 400)
    old = tmp_path / "old.db"
    with sqlite3.connect(p.state / "twelve.db") as db, sqlite3.connect(old) as out:
        db.backup(out)
    with sqlite3.connect(old) as db:
        triggers = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE name = 'release_is_immutable'")]
        db.execute("DROP TRIGGER release_is_immutable")
        for table in "release", "build", "review_app":
            db.execute(f"UPDATE {table} SET created_ms = created_ms - {ago}")
        db.execute(triggers[0])
    db.close()  # into the one file
    # What the old one does not know.
    assert p.api("PATCH", "/apps/set-base-pr-1/config-vars", {"A": "1"})[0] == 200
    p.kill9()
    for f in p.state.glob("twelve.db*"):
        f.unlink()
    shutil.copy(old, p.state / "twelve.db")
    os.chmod(p.state / "twelve.db", 0o600)
    p.start()
    assert "was put back" in (tmp_path / "platform0/twelved.log").read_text()

    def look():
        assert asked(p, "PATCH", path, {"stale_days": 3, "destroy_stale_apps": True})[0] == 200
        return [p.api("GET", "/apps/set-base-pr-1")[0] for _ in range(5)]
    assert look() == [200] * 5
    # Its time begins with that, also for later starts; and it does end.
    p.restart()
    assert look() == [200] * 5
    p.kill9()
    with sqlite3.connect(p.state / "twelve.db") as db:
        (at,) = db.execute("SELECT CAST(value AS TEXT) FROM meta WHERE key = 'put-back'").fetchone()
        db.execute("UPDATE meta SET value = ? WHERE key = 'put-back'", (str(int(at) - ago).encode(),))
    p.start()
    wait_for(lambda: p.api("GET", "/apps/set-base-pr-1")[0] == 404, "the stale app to go")


def test_stale_review_apps(own_platform):
    p = own_platform()
    pipeline, path = line(p, "set-stale")
    day = 86400000

    def review(pr):
        return asked(p, "POST", "/review-apps", {"branch": f"b{pr}", "pipeline": pipeline, "pr_number": pr, "source_blob": {
            "url": upload(p, archive(HELLO, {"addons": [] if pr == 1 else [{"plan": "postgresql"}]}))}})

    def became(v):
        return wait_for(lambda: asked(p, "GET", f"/review-apps/{v['id']}")[1]["status"] == "created", "the review app", 400)

    def age(app, days):
        """As if all that happened to it had happened so long before."""
        with sqlite3.connect(p.state / "twelve.db", timeout=180) as db:
            triggers = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE name = 'release_is_immutable'")]
            db.execute("DROP TRIGGER release_is_immutable")
            for table, column in (("release", "app_id"), ("build", "app_id")):
                db.execute(f"UPDATE {table} SET created_ms = created_ms - ? WHERE {column} = (SELECT id FROM app WHERE name = ?)", (days * day, app))
            db.execute("UPDATE review_app SET created_ms = created_ms - ? WHERE setup_id ="
                       " (SELECT s.id FROM app_setup s JOIN app a ON a.id = s.app_id WHERE a.name = ?)", (days * day, app))
            db.execute(triggers[0])

    assert asked(p, "POST", path, CONFIG)[0] == 201
    one, two = review(1)[1], review(2)[1]
    # Named after the base, so that a second one of the same pull request is refused.
    status, e = review(1)
    assert status == 422 and "set-base-pr-1" in e["message"], e
    became(one), became(two)
    names = ["set-base-pr-1", "set-base-pr-2"]
    assert sorted(a["name"] for a in p.api("GET", "/apps")[1]) == names
    addon = p.api("GET", "/apps/set-base-pr-2/addons")[1][0]["id"]

    # Neither is stale yet; nor is one with a release from today, by a change of config.
    age(names[0], 4)
    assert p.api("PATCH", f"/apps/{names[0]}/config-vars", {"A": "1"})[0] == 200
    age(names[1], 2)
    assert asked(p, "PATCH", path, {"destroy_stale_apps": True})[0] == 200
    assert asked(p, "PATCH", path, {"stale_days": 3})[0] == 200
    assert {v["status"] for v in asked(p, "GET", f"/pipelines/{pipeline}/review-apps")[1]} == {"created"}

    # What became so while nobody looked goes at the next start, with its add-on, and with what a kill in the middle left.
    p.kill9()
    age(names[1], 2)
    p.start()
    wait_for(lambda: p.api("GET", f"/apps/{names[1]}")[0] == 404, "the stale app to go")
    wait_for(lambda: p.api("GET", f"/addons/{addon}")[0] == 404, "its add-on to go", 120)
    assert p.api("GET", f"/apps/{names[0]}")[0] == 200
    assert asked(p, "GET", f"/review-apps/{two['id']}")[1]["status"] == "deleted"
    assert [v["id"] for v in asked(p, "GET", f"/pipelines/{pipeline}/review-apps")[1]] == [one["id"]]
    assert not (p.state / "git" / f"{names[1]}.git").exists()
    audit = [a for a in p.api("GET", "/twelve/audit")[1] if a["action"] == "DELETE /review-apps/:review_app"]
    assert [(a["user"]["name"], a["app"]["name"], a["note"]) for a in audit] == [
        ("twelved", names[1], "review app of b2 in set-stale: nothing was deployed for 3 days")]

    # It looks as well when the configuration changes; and without the wish nothing goes.
    age(names[0], 2)
    assert asked(p, "PATCH", path, {"destroy_stale_apps": False, "stale_days": 1})[0] == 200
    assert p.api("GET", f"/apps/{names[0]}")[0] == 200
    assert asked(p, "PATCH", path, {"destroy_stale_apps": True})[0] == 200
    wait_for(lambda: p.api("GET", f"/apps/{names[0]}")[0] == 404, "the stale app to go")
