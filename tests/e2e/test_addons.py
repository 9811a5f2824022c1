# SPDX-License-Identifier: Apache-2.0
"""
Add-ons by a service of the tests' own (services/shelf), from outside of the tree: what
holds for every service. The services of the tree have tests/e2e/test_services.py.
"""
import glob
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import Platform, wait_for

SERVICES = pathlib.Path(__file__).parent / "services"
SETTINGS = {"TWELVE_ADDONS_DIR": SERVICES}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    p = Platform(tmp_path_factory.mktemp("addons"), **SETTINGS)
    yield p
    p.stop()


@pytest.fixture
def alpha(shop, request):
    """An app without code: its releases go live at once."""
    name = "a-" + re.sub("[^a-z0-9]", "-", request.node.name.lower())[5:30].strip("-")
    assert shop.api("POST", "/apps", {"name": name})[0] == 201
    yield name
    end(shop, name)


def end(p, name):
    for a in p.api("GET", f"/apps/{name}/addons")[1]:
        if a["app"]["name"] == name:
            p.api("DELETE", f"/apps/{name}/addons/{a['id']}", {"force": True})
    p.api("DELETE", f"/apps/{name}")


def get(p, addon):
    return p.api("GET", f"/addons/{addon}")[1]


def create(p, app, plan="shelf", **more):
    status, a = p.api("POST", f"/apps/{app}/addons", {"plan": plan, **more})
    assert status == 201, a
    return wait_for(lambda: settled(p, a["id"]), f"{a['name']} to be made", 180)


def settled(p, addon):
    a = get(p, addon)
    return a if a["state"] in ("provisioned", "deprovisioned") else None


def config(p, app):
    return p.api("GET", f"/apps/{app}/config-vars")[1]


def shelf(url, verb, *args):
    """The service's own client, outside of any sandbox: (status, output)."""
    p = subprocess.run(["/usr/bin/python3", SERVICES / "shelf" / "shelf.py", "client", verb, *args],
                       env={"URL": url, "PATH": os.environ["PATH"]}, capture_output=True, text=True)
    return p.returncode, (p.stdout or p.stderr).strip()


def put(url, key, value):
    assert shelf(url, "put", key, value) == (0, value)


def works(url):
    return shelf(url, "get", "nothing")[0] == 0


def server_pid(p, addon):
    """Of the server's process in the host's numbers, or None while there is none."""
    for spec in p.run.glob("dynos/*/spec"):
        try:
            if get(p, addon)["id"].encode() not in spec.read_bytes():
                continue
            text = (spec.parent / "pid").read_text()
        except FileNotFoundError:
            continue
        return int(text)


def healthy(p, addon):
    return wait_for(lambda: get(p, addon)["twelve"]["healthy"], f"{addon} to be healthy")


def backup(p, addon):
    status, b = p.api("POST", f"/addons/{addon}/backups", {})
    assert status == 202, b
    return wait_for(lambda: done(p, b["id"]), "the backup to be done")


def done(p, backup_id):
    b = p.api("GET", f"/backups/{backup_id}")[1]
    return b if b["status"] != "running" else None


# ---- making and attaching


def test_it_is_made_and_attached_and_gives_its_config_vars(shop, alpha):
    a = create(shop, alpha)
    assert a["state"] == "provisioned" and a["twelve"]["healthy"], a
    assert a["config_vars"] == ["SHELF_URL", "SHELF_PORT2"]
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "v")
    assert shelf(url, "get", "k") == (0, "v")
    r = shop.releases(alpha)[0]
    assert r["description"] == f"Attach SHELF (@ref:{a['name']})" and r["status"] == "succeeded"
    # Nobody without the password, and nobody by another name.
    assert shelf(re.sub(":[0-9a-f]{40}@", ":wrong@", url), "get", "k")[0] != 0
    logs = shop.cli("logs", "-a", alpha, "-n", "50").out
    assert f"addon[{a['name']}]: put k" in logs


def test_one_for_two_apps_has_two_databases(shop, alpha):
    a = create(shop, alpha)
    shop.api("POST", "/apps", {"name": "beta"})
    try:
        status, at = shop.api("POST", "/addon-attachments", {"addon": a["name"], "app": "beta", "name": "OTHER"})
        assert status == 201 and at["name"] == "OTHER" and at["addon"]["app"]["name"] == alpha, at
        mine, others = config(shop, alpha)["SHELF_URL"], config(shop, "beta")["OTHER_URL"]
        put(mine, "secret", "mine")
        mine_db, others_db = mine.rsplit("/", 1)[1], others.rsplit("/", 1)[1]
        assert mine_db != others_db
        code, said = shelf(others.rsplit("/", 1)[0] + "/" + mine_db, "get", "secret")
        assert code != 0 and "403" in said
        # With "shared" it is the owner's database, by a user of its own.
        status, at = shop.api("POST", "/addon-attachments", {"addon": a["name"], "app": "beta", "namespace": "shared"})
        assert status == 201 and at["namespace"] == "shared", at
        shared = config(shop, "beta")["SHELF_URL"]
        assert shelf(shared, "get", "secret") == (0, "mine") and shared != mine
        # The owner can't be destroyed under the other's feet.
        status, e = shop.api("DELETE", f"/apps/{alpha}/addons/{a['name']}", {})
        assert status == 422 and "beta" in e["message"], e
        status, e = shop.api("DELETE", f"/apps/{alpha}")
        assert status == 422 and "beta" in e["message"], e
        # What is said can be typed: an app's end takes no --force. And each app sees its own config vars.
        assert "twelve addons:destroy --force" in e["message"] and "twelve addons:detach" in e["message"], e
        assert shop.cli("addons", "-a", "beta").out.splitlines()[1].endswith("OTHER_URL OTHER_PORT2 SHELF_URL SHELF_PORT2")
        assert shop.cli("addons", "-a", alpha).out.splitlines()[1].endswith("up     SHELF_URL SHELF_PORT2")
        logs = wait_for(lambda: "put secret" in shop.cli("logs", "-a", "beta").out, "the other app to have the lines")
        assert logs
    finally:
        end(shop, "beta")
    wait_for(lambda: not works(others), "the credential of a destroyed app to be revoked")


def test_a_second_one_gets_a_name_of_its_own(shop, alpha):
    create(shop, alpha)
    b = create(shop, alpha, name="second-shelf")
    var = b["config_vars"][0]
    assert re.fullmatch("SHELF_[A-Z]+_URL", var), b["config_vars"]
    assert works(config(shop, alpha)[var])


def test_rotation_makes_before_it_breaks(shop, alpha):
    create(shop, alpha)
    old = config(shop, alpha)["SHELF_URL"]
    put(old, "k", "v")
    status, at = shop.api("POST", f"/apps/{alpha}/addon-attachments/SHELF/actions/rotate", {})
    assert status == 200, at
    new = config(shop, alpha)["SHELF_URL"]
    assert new != old and shelf(new, "get", "k") == (0, "v")
    wait_for(lambda: not works(old), "the old credential to be revoked")
    assert works(new)


def test_detach_and_a_rollback_that_attaches_again(shop, app_with_code):
    app = app_with_code
    create(shop, app)
    wait_for(lambda: shop.releases(app)[0]["status"] == "succeeded", "the release to be live")
    attached = shop.releases(app)[0]["version"]
    old = config(shop, app)["SHELF_URL"]
    put(old, "k", "v")
    status, at = shop.api("DELETE", f"/addon-attachments/{app}::SHELF")
    assert status == 200 and f"v{attached} uses it" in at["twelve"]["note"], at
    assert "SHELF_URL" not in config(shop, app)
    wait_for(lambda: shop.releases(app)[0]["status"] == "succeeded", "the release to be live")
    wait_for(lambda: not works(old), "the credential to be revoked")
    status, r = shop.api("POST", f"/apps/{app}/releases", {"release": str(attached)})
    assert status == 201, r
    assert r["description"] == f"Rollback to v{attached}"
    new = config(shop, app)["SHELF_URL"]
    assert new != old and shelf(new, "get", "k") == (0, "v")
    wait_for(lambda: shop.releases(app)[0]["status"] == "succeeded", "the rollback to be live")
    # And one to before it takes it away again.
    status, r = shop.api("POST", f"/apps/{app}/releases", {"release": str(attached - 1)})
    assert status == 201 and "SHELF_URL" not in config(shop, app), r


@pytest.fixture
def app_with_code(shop, tmp_path, request):
    name = "c-" + re.sub("[^a-z0-9]", "-", request.node.name.lower())[5:30].strip("-")
    where = shop.repo(tmp_path)
    shop.create(name, where)
    shop.push(where)
    yield name
    end(shop, name)


def test_config_vars_of_attachments_are_not_set_by_hand(shop, alpha):
    create(shop, alpha)
    for value in ("x", None):
        status, e = shop.api("PATCH", f"/apps/{alpha}/config-vars", {"SHELF_URL": value})
        assert status == 422 and "comes from the attachment SHELF" in e["message"], e
    assert shop.api("PATCH", f"/apps/{alpha}/config-vars", {"MINE_URL": "x"})[0] == 200
    status, e = shop.api("POST", f"/apps/{alpha}/addons", {"plan": "shelf", "attachment": {"name": "MINE"}})
    assert status == 422 and "has a config var MINE_URL already" in e["message"], e
    assert config(shop, alpha)["MINE_URL"] == "x"


# ---- swap, under load


def test_swap_under_load_fails_no_request(shop, app_with_code):
    app = app_with_code
    create(shop, app)
    second = create(shop, app, name="the-new-one", attachment={"name": "NEXT"})
    wait_for(lambda: shop.releases(app)[0]["status"] == "succeeded", "the release to be live")
    before = config(shop, app)
    stop, bad, n = threading.Event(), [], [0]

    def load():
        while not stop.is_set():
            try:
                status, text = shop.get(app)
            except OSError as e:
                status, text = 0, str(e)
            n[0] += 1
            if status != 200:
                bad.append((status, text[:200]))
            stop.wait(0.02)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        status, at = shop.api("POST", f"/apps/{app}/addon-attachments/SHELF/actions/swap", {"addon": "the-new-one"})
        assert status == 200 and at["addon"]["id"] == second["id"], at
        wait_for(lambda: shop.releases(app)[0]["status"] == "succeeded", "the swap to be live")
        wait_for(lambda: not works(before["SHELF_URL"]), "the old credential to be revoked")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not bad and n[0] > 20, (n[0], bad[:3])
    after = config(shop, app)
    assert after["SHELF_URL"] != before["SHELF_URL"] and after["NEXT_URL"] == before["NEXT_URL"]
    assert after["SHELF_URL"].rsplit("/", 1) != after["NEXT_URL"].rsplit("/", 1)
    status, e = shop.api("POST", f"/apps/{app}/addon-attachments/SHELF/actions/swap", {"addon": "the-new-one"})
    assert status == 422 and "already" in e["message"], e


# ---- plans, quotas


def test_another_plan_is_a_restart_with_its_settings(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "v")
    status, now = shop.api("PATCH", f"/apps/{alpha}/addons/{a['name']}", {"plan": {"name": "shelf:large"}})
    assert status == 200 and now["plan"]["name"] == "shelf:large", now
    wait_for(lambda: works(url), "the server to be back")
    assert shelf(url, "get", "k") == (0, "v")
    logs = shop.cli("logs", "-a", alpha, "-n", "100").out
    assert "of plan large" in logs
    volume = shop.state / "volumes" / a["id"]
    assert (volume / "upgrades").read_text() == "small -> large, 1 -> 1\n"
    status, e = shop.api("PATCH", f"/apps/{alpha}/addons/{a['name']}", {"plan": "huge"})
    assert status == 404 and "shelf:small, shelf:large" in e["message"], e


def test_a_volume_that_fills_warns_and_then_refuses_writes(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    ballast = shop.state / "volumes" / a["id"] / "ballast"
    ballast.write_bytes(b"x" * int(3.5 * 2**20))
    wait_for(lambda: re.search(r"Warning: .* uses 8\d % of its disk", shop.cli("logs", "-a", alpha).out),
             "the warning", 90)
    put(url, "k", "v")
    ballast.write_bytes(b"x" * (5 * 2**20))
    wait_for(lambda: shelf(url, "put", "k2", "w")[0] != 0, "writes to be refused", 90)
    assert shelf(url, "get", "k") == (0, "v")
    # The service refuses as soon as it is told to; that it was told is noted a moment later.
    wait_for(lambda: get(shop, a["name"])["twelve"]["full"], "the add-on to be full")
    wait_for(lambda: "has used up its disk" in shop.cli("logs", "-a", alpha).out, "the app's log to say so")
    status, e = shop.api("PATCH", f"/apps/{alpha}/addons/{a['name']}", {"plan": "large"})
    assert status == 200, e
    wait_for(lambda: shelf(url, "put", "k", "w")[0] == 0, "writes to be taken again", 90)
    status, e = shop.api("PATCH", f"/apps/{alpha}/addons/{a['name']}", {"plan": "small"})
    assert status == 422 and "make room first" in e["message"], e


# ---- backups


def test_backup_verify_wreck_restore(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "precious")
    b = backup(shop, a["name"])
    assert b["status"] == "succeeded" and b["summary"] == "1 shelves, 1 things" and b["bytes"] > 0, b
    assert shop.api("POST", f"/backups/{b['id']}/actions/verify", {})[0] == 202
    v = wait_for(lambda: shop.api("GET", f"/backups/{b['id']}")[1]["verified"], "the verification")
    assert v["ok"] and "1 shelves, 1 things" in v["message"], v
    put(url, "k", "wrecked")
    put(url, "k2", "wrecked")
    assert shop.api("POST", f"/backups/{b['id']}/actions/restore", {"addon": a["name"]})[0] == 202
    wait_for(lambda: not get(shop, a["name"])["twelve"]["restoring"], "the restore")
    # The same URL goes on: its user is recreated.
    wait_for(lambda: works(url), "the credential to be there again")
    assert shelf(url, "get", "k") == (0, "precious")
    status, text = shop.api("GET", f"/backups/{b['id']}/content")
    assert status == 200 and json.loads(text)["databases"]
    assert shop.api("GET", f"/backups/b1?app={alpha}")[1]["id"] == b["id"]
    assert shop.api("DELETE", f"/backups/b1?addon={a['name']}")[0] == 200
    wait_for(lambda: not glob.glob(f"{shop.state}/backups/{b['id']}/*"), "its file to be removed")


def test_a_damaged_backup_is_told_and_changes_nothing(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "v")
    b = backup(shop, a["name"])
    (file,) = (shop.state / "backups" / b["id"]).iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    shop.api("POST", f"/backups/{b['id']}/actions/verify", {})
    v = wait_for(lambda: shop.api("GET", f"/backups/{b['id']}")[1]["verified"], "the verification")
    assert not v["ok"] and "The backup is damaged" in v["message"], v
    put(url, "k", "w")
    shop.api("POST", f"/backups/{b['id']}/actions/restore", {"addon": a["name"]})
    wait_for(lambda: get(shop, a["name"])["twelve"]["reason"], "the reason")
    now = get(shop, a["name"])["twelve"]
    assert not now["restoring"] and "The backup is damaged" in now["reason"], now
    assert shelf(url, "get", "k") == (0, "w")


def test_destroyed_by_mistake_and_restored(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "precious")
    status, gone = shop.api("DELETE", f"/apps/{alpha}/addons/{a['name']}", {})
    assert status == 200 and gone["state"] == "deprovisioned", gone
    assert "SHELF_URL" not in config(shop, alpha)
    wait_for(lambda: shop.api("GET", f"/addons/{a['id']}")[0] == 404, "it to be removed")
    assert not (shop.state / "volumes" / a["id"]).exists()
    (b,) = shop.api("GET", f"/apps/{alpha}/backups")[1]
    assert b["kind"] == "last" and b["status"] == "succeeded" and b["expires_at"], b
    create(shop, alpha, plan=f"{b['service']}:{b['plan']}", config={"from_backup": b["id"]},
           attachment={"name": b["attachment"]})
    new = config(shop, alpha)["SHELF_URL"]
    assert shelf(new, "get", "k") == (0, "precious")


def test_an_app_destroyed_by_mistake_finds_its_backups_again(shop):
    for _ in range(2):
        assert shop.api("POST", "/apps", {"name": "phoenix"})[0] == 201
        backups = shop.api("GET", "/apps/phoenix/backups")[1]
        if not backups:
            a = create(shop, "phoenix")
            put(config(shop, "phoenix")["SHELF_URL"], "k", "precious")
            assert shop.api("DELETE", "/apps/phoenix")[0] == 200
            wait_for(lambda: shop.api("GET", f"/addons/{a['id']}")[0] == 404, "its add-on to be gone")
    assert [b["kind"] for b in backups] == ["last"], backups
    shop.cli("backups:restore", "-a", "phoenix")
    assert shelf(config(shop, "phoenix")["SHELF_URL"], "get", "k") == (0, "precious")
    end(shop, "phoenix")


def test_backups_by_schedule_are_counted(shop, alpha):
    a = create(shop, alpha)
    status, s = shop.api("PUT", f"/addons/{a['name']}/backup-schedule", {"at": "03:00", "keep": 2})
    assert status == 200 and s["at"] == "03:00" and s["keep"] == 2, s
    assert get(shop, a["name"])["twelve"]["schedule"] == {"at": "03:00", "keep": 2}
    status, e = shop.api("PUT", f"/addons/{a['name']}/backup-schedule", {"at": "25:00"})
    assert status == 422 and "02:30" in e["message"], e
    assert shop.api("DELETE", f"/addons/{a['name']}/backup-schedule")[0] == 200
    assert shop.api("GET", f"/addons/{a['name']}/backup-schedule")[0] == 404


# ---- elsewhere


def test_anything_with_a_url(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "v")
    wrong = re.sub(":[0-9a-f]{40}@", ":secret@", url)
    for bad, why in (("no url at all", "percent-encoded"), ("shelf//x", "SCHEME://"), ("shelf://u:p@/x", "names no host"),
                     ("odd://host/x", "names no port"), (wrong, "401"), ("odd://127.0.0.1:1/x", "does not answer")):
        status, e = shop.api("POST", f"/apps/{alpha}/addons", {"plan": "external", "config": {"url": bad}})
        assert status == 422 and why in e["message"] and "secret" not in e["message"], (bad, e)
    x = create(shop, alpha, plan="external", config={"url": url}, attachment={"name": "THERE"})
    assert x["state"] == "provisioned" and x["config_vars"] == ["THERE_URL"], x
    assert config(shop, alpha)["THERE_URL"] == url
    assert ":***@" in x["twelve"]["shown_url"] and url not in json.dumps(x)
    # Swapped like the others.
    status, at = shop.api("POST", f"/apps/{alpha}/addon-attachments/SHELF/actions/swap", {"addon": x["name"]})
    assert status == 200, at
    assert config(shop, alpha)["SHELF_URL"] == url
    status, e = shop.api("POST", f"/apps/{alpha}/addon-attachments/SHELF/actions/rotate", {})
    assert status == 422 and "elsewhere" in e["message"], e
    assert a["id"]


# ---- bad input


def test_mistakes_are_told(shop, alpha):
    for body, why in (({"plan": "shelv"}, "did you mean shelf"), ({"plan": "mongodb"}, "there are:"),
                      ({"plan": "shelf:huge"}, "shelf:small, shelf:large"), ({}, "\"plan\" is missing"),
                      ({"plan": "shelf", "name": "No Good"}, "lower-case"),
                      ({"plan": "shelf", "attachment": {"name": "1X"}}, "name of the attachment"),
                      ({"plan": "shelf", "attachment": 7}, "attachment"), ({"plan": "external"}, "--url"),
                      ({"plan": "shelf", "config": {"from_backup": "nope"}}, "Couldn't find that backup")):
        status, e = shop.api("POST", f"/apps/{alpha}/addons", body)
        assert status in (404, 422) and why in e["message"], (body, e)
    assert shop.api("GET", f"/apps/{alpha}/addons")[1] == []
    a = create(shop, alpha, name="taken-name")
    status, e = shop.api("POST", f"/apps/{alpha}/addons", {"plan": "shelf", "name": "taken-name"})
    assert status == 422 and "taken-name already" in e["message"], e
    assert get(shop, a["name"])["id"] == a["id"]


def test_a_service_that_does_not_come_up_shows_its_last_lines(shop, alpha):
    a = create(shop, alpha, plan="shelf:broken")
    assert a["state"] == "deprovisioned" and "the shelf has no boards" in a["twelve"]["reason"], a
    assert shop.api("GET", f"/apps/{alpha}/addons")[1] == []
    assert config(shop, alpha) == {}
    wait_for(lambda: not (shop.state / "volumes" / a["id"]).exists(), "its volume to be removed")


# ---- the door


def client(p, app, *args, input=None):
    return p.cli("addons:client", "SHELF", "-a", app, "--", *args, input=input, check=False)


def test_the_client_in_a_sandbox(shop, app_with_code):
    app = app_with_code
    create(shop, app)
    wait_for(lambda: shop.releases(app)[0]["status"] == "succeeded", "the release to be live")
    r = client(shop, app, "put", "k", "by hand")
    assert (r.code, r.out.strip()) == (0, "by hand"), r
    assert client(shop, app, "get", "k").out.strip() == "by hand"
    assert client(shop, app, "echo", input="a\nb\n").out == "a\nb\n"
    assert client(shop, app, "exit", "7").code == 7


# ---- kill -9


@pytest.fixture
def own(own_platform):
    return own_platform(**SETTINGS)


def test_kill_9_of_the_server_and_of_its_supervisor(shop, alpha):
    a = create(shop, alpha)
    url = config(shop, alpha)["SHELF_URL"]
    put(url, "k", "v")
    pid = server_pid(shop, a["name"])
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: works(url) and server_pid(shop, a["name"]) != pid, "the server to be back")
    assert shelf(url, "get", "k") == (0, "v")
    supervisor = int(pathlib.Path(f"/proc/{server_pid(shop, a['name'])}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not works(url), "the server to end with its supervisor")
    wait_for(lambda: works(url), "another server")
    assert shelf(url, "get", "k") == (0, "v")


def test_servers_outlive_twelved(own):
    own.api("POST", "/apps", {"name": "alpha"})
    a = create(own, "alpha")
    url = config(own, "alpha")["SHELF_URL"]
    pid = server_pid(own, a["name"])
    own.kill9()
    assert works(url)
    own.start()
    assert server_pid(own, a["name"]) == pid and works(url)
    healthy(own, a["name"])
    assert config(own, "alpha")["SHELF_URL"] == url


def test_everything_is_back_after_the_machine_was_off(own):
    own.api("POST", "/apps", {"name": "alpha"})
    a = create(own, "alpha")
    url = config(own, "alpha")["SHELF_URL"]
    put(url, "k", "v")
    # Nothing runs any more, and what was in memory is gone.
    own.process.send_signal(signal.SIGQUIT)
    own.process.wait(60)
    assert not works(url)
    subprocess.run(["rm", "-rf", own.run], check=True)
    own.run.mkdir(mode=0o755)
    own.start()
    healthy(own, a["name"])
    assert shelf(url, "get", "k") == (0, "v")


@pytest.mark.parametrize("delay", [0, 0.05, 0.15, 0.3, 0.45, 0.55])
def test_kill_9_of_twelved_while_one_is_made(own, delay):
    own.api("POST", "/apps", {"name": "alpha"})
    own.api("POST", "/apps/alpha/addons", {"plan": "shelf", "name": "the-shelf"})
    time.sleep(delay)
    own.restart()
    a = wait_for(lambda: settled(own, "the-shelf"), "it to be made after all")
    assert a["state"] == "provisioned", a
    assert works(config(own, "alpha")["SHELF_URL"])
    # One attachment, and one credential that opens anything.
    assert len(own.api("GET", "/addon-attachments")[1]) == 1
    wait_for(lambda: users(own, a) == 1, "the half-made credential to be revoked")
    wait_for(lambda: not list((own.state / "jobs").iterdir()), "the jobs to have ended")


def users(p, a):
    return len(json.loads((p.state / "volumes" / a["id"] / "shelf.json").read_text())["users"])


@pytest.mark.parametrize("delay", [0, 0.03, 0.08, 0.15])
def test_kill_9_of_twelved_in_a_rotation(own, delay):
    own.api("POST", "/apps", {"name": "alpha"})
    a = create(own, "alpha", name="the-shelf")
    t = threading.Thread(target=lambda: attempt(own, "POST", "/apps/alpha/addon-attachments/SHELF/actions/rotate", {}))
    t.start()
    time.sleep(delay)
    own.restart()
    t.join()
    url = config(own, "alpha")["SHELF_URL"]
    assert works(url)
    wait_for(lambda: users(own, a) == 1, "all but one credential to be revoked")
    assert works(url)


def attempt(p, *args):
    try:
        p.api(*args)
    except (OSError, ValueError):
        pass


@pytest.mark.parametrize("delay", [0, 0.05, 0.2])
def test_kill_9_of_twelved_in_a_backup_a_restore_and_a_destroy(own, delay):
    own.api("POST", "/apps", {"name": "alpha"})
    a = create(own, "alpha", name="the-shelf")
    url = config(own, "alpha")["SHELF_URL"]
    put(url, "k", "precious")
    good = backup(own, a["name"])
    assert good["status"] == "succeeded"
    b = own.api("POST", "/addons/the-shelf/backups", {})[1]
    time.sleep(delay)
    own.restart()
    b = wait_for(lambda: done(own, b["id"]), "the backup to be done with")
    files = list((own.state / "backups").glob(f"{b['id']}/*"))
    assert (b["status"] == "succeeded") == bool(files) or wait_for(
        lambda: not list((own.state / "backups").glob(f"{b['id']}/*")), "the half file to be removed")
    put(url, "k", "wrecked")
    healthy(own, "the-shelf")
    assert own.api("POST", f"/backups/{good['id']}/actions/restore", {})[0] == 202
    time.sleep(delay)
    own.restart()
    wait_for(lambda: not get(own, "the-shelf")["twelve"]["restoring"], "the restore")
    wait_for(lambda: works(url), "the credential to be there again")
    assert shelf(url, "get", "k") == (0, "precious")
    own.api("DELETE", "/apps/alpha/addons/the-shelf", {})
    time.sleep(delay)
    own.restart()
    wait_for(lambda: own.api("GET", f"/addons/{a['id']}")[0] == 404, "it to be removed")
    wait_for(lambda: not list((own.state / "volumes").iterdir()), "its volume to be removed")
    last = [x for x in own.api("GET", "/apps/alpha/backups")[1] if x["kind"] == "last" and x["status"] == "succeeded"]
    assert last and "1 things" in last[0]["summary"], last
    assert not own.run.joinpath("dynos").exists() or not list(own.run.joinpath("dynos").iterdir())


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def kill_server(p, addon, victim):
    """Kills the server, or its supervisor, as soon as there is one."""
    pid = wait_for(lambda: server_pid(p, addon), "a server", 30)
    try:
        os.kill(parent(pid) if victim == "supervisor" else pid, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        pass


@pytest.mark.parametrize("victim", ["server", "supervisor"])
@pytest.mark.parametrize("step", ["provision", "rotate", "swap", "backup", "destroy"])
def test_kill_9_of_the_server_in_the_middle_of(shop, alpha, step, victim):
    name = f"{step}-{victim}"
    shop.api("POST", f"/apps/{alpha}/addons", {"plan": "shelf", "name": name})
    if step == "provision":
        kill_server(shop, name, victim)
    a = wait_for(lambda: settled(shop, name), "it to be made", 60)
    assert a["state"] == "provisioned", a
    url = config(shop, alpha)["SHELF_URL"]
    wait_for(lambda: works(url), "the server")
    put(url, "k", "precious")
    if step == "swap":
        create(shop, alpha, name=f"{name}-next", attachment={"name": "NEXT"})
    requests = {
        "rotate": ("POST", f"/apps/{alpha}/addon-attachments/SHELF/actions/rotate", {}),
        "swap": ("POST", f"/apps/{alpha}/addon-attachments/SHELF/actions/swap", {"addon": f"{name}-next"}),
        "backup": ("POST", f"/addons/{name}/backups", {}),
        "destroy": ("DELETE", f"/apps/{alpha}/addons/{name}", {}),
    }
    if step in requests:
        t = threading.Thread(target=lambda: attempt(shop, *requests[step]))
        t.start()
        kill_server(shop, name, victim)
        t.join()
    if step == "destroy":
        wait_for(lambda: shop.api("GET", f"/addons/{a['id']}")[0] == 404, "it to be removed", 60)
        last = [b for b in shop.api("GET", f"/apps/{alpha}/backups")[1] if b["kind"] == "last" and b["status"] == "succeeded"]
        assert last and "1 things" in last[0]["summary"], last
        assert not (shop.state / "volumes" / a["id"]).exists()
        return
    healthy(shop, name)
    now = config(shop, alpha)["SHELF_URL"]
    wait_for(lambda: works(now), "what the app is told to use")
    stored = json.loads((shop.state / "volumes" / a["id"] / "shelf.json").read_text())
    assert [d for d in stored["databases"].values() if d.get("k") == "precious"], stored
    # Credentials that nothing uses are gone: one is left, or none of the one that was swapped away.
    at = [x for x in shop.api("GET", f"/apps/{alpha}/addon-attachments")[1] if x["addon"]["name"] == name]
    wait_for(lambda: users(shop, a) == len(at), "half-made credentials to be revoked", 60)
