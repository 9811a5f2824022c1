# SPDX-License-Identifier: Apache-2.0
"""
What a user's apps may take together (twelve users:limits): each limit is met by what asks for more, with the sentence that
people see, and counts what there is, whoever did it and however often twelved was killed.
"""
import concurrent.futures
import json
import pathlib
import re
import sys

import pytest

from conftest import wait_for
from test_pipelines import Person
from test_setups import HELLO, archive, ended, start

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "hostile"))
import test_archives as archives  # noqa: E402
from test_queue import begin, output  # noqa: E402

GB = 1 << 30
ADA, BOB = "ada@limits.example", "bob@limits.example"


def more(what):
    return rf", or ask an administrator for more \(twelve users:limits {ADA} {what}\)"


@pytest.fixture
def people(own_platform):
    """A platform with two users: (platform, ada, bob)."""
    def make(**settings):
        p = own_platform(**settings)
        return p, Person(p, ADA), Person(p, BOB)
    return make


def limits(p, user=ADA):
    return json.loads(p.cli("users:limits", user, "--json").out)


def used(p, user=ADA):
    return {name: n["used"] for name, n in limits(p, user).items() if name != "user"}


def make(who, name):
    status, app = who.api("POST", "/apps", {"name": name})
    assert status == 201, app


def push(p, tmp_path, app, **files):
    """The example, which has web, worker and a release phase, pushed to an app: git's result."""
    (tmp_path / app).mkdir()
    where = p.repo(tmp_path / app, **files)
    p.git(where, "remote", "add", "twelve", f"{p.state}/git/{app}.git")
    return p.push(where, check=False)


def refused(answer, pattern):
    status, body = answer
    assert status == 422 and body["id"] == "invalid_params" and re.fullmatch(pattern, body["message"]), answer


def test_limits_are_set_and_shown(people):
    p, ada, bob = people(TWELVE_OWNER_APPS=7, TWELVE_OWNER_MEMORY="8G", TWELVE_BUILDS=3)
    assert p.cli("users:limits", ADA).out.split("\n")[1:6] == [
        "apps    0     7          default",
        "dynos   0     unlimited  default",
        "addons  0     unlimited  default",
        "memory  0     8G         default",
        # There is one owner of apps at most.
        "builds  0     3          default"]
    p.cli("users:limits", ADA, "apps=1", "memory=unlimited", "addons=0", "builds=2")
    assert limits(p) == {
        "user": {"id": ada.id, "email": ADA}, "apps": {"limit": 1, "used": 0, "own": True}, "dynos": {"limit": None, "used": 0, "own": False},
        "addons": {"limit": 0, "used": 0, "own": True}, "memory": {"limit": None, "used": 0, "own": True}, "builds": {"limit": 2, "used": 0, "own": True}}
    p.cli("users:limits", ADA, "apps=default", "memory=2G")
    assert limits(p)["apps"] == {"limit": 7, "used": 0, "own": False} and limits(p)["memory"]["limit"] == 2 * GB
    assert limits(p, BOB)["memory"] == {"limit": 8 * GB, "used": 0, "own": False}
    p.restart()
    assert limits(p)["memory"] == {"limit": 2 * GB, "used": 0, "own": True}
    assert f"limits of {ADA}: apps=default memory=2G" in p.cli("audit").out

    for words, sentence in (
            (["apps=many"], 'apps: expected a number, "unlimited" or "default", found "many"'),
            (["apps=3", "memory=4GB"], 'memory: expected a size such as 4G, "unlimited" or "default", found "4GB"'),
            (["builds=0"], 'builds: expected a number from 1, "unlimited" or "default", found "0"'),
            (["cores=3"], 'There is no limit "cores": there are apps, dynos, addons, memory, builds'),
            (["apps"], '"apps" is not of the form LIMIT=VALUE: the limits are apps, dynos, addons, memory, builds')):
        r = p.cli("users:limits", ADA, *words, check=False)
        assert r.code == 2 and sentence in r.err, r
    assert limits(p)["apps"]["limit"] == 7, "nothing of a request with a mistake counts"
    r = p.cli("users:limits", "apps=3", check=False)
    assert r.code == 2 and "Whose limit? twelve users:limits EMAIL apps=3" in r.err
    assert "There is no user eve@limits.example" in p.cli("users:limits", "eve@limits.example", check=False).err
    assert p.api("PATCH", f"/twelve/users/{ADA}/limits", {"apps": [1]})[0] == 422
    assert p.api("PATCH", f"/twelve/users/{ADA}/limits", {"apps": None, "memory": 3 * GB})[1]["memory"]["limit"] == 3 * GB

    # One's own are shown, and set by administrators.
    assert ada.api("GET", "/twelve/limits")[1]["user"]["email"] == ADA
    as_ada = {"TWELVE_HOST": f"http://127.0.0.1:{p.api_port}", "TWELVE_API_KEY": ada.token}
    assert re.search(r"memory +0 +3G +set for this user", p.cli("users:limits", env=as_ada).out)
    assert ada.api("GET", f"/twelve/users/{BOB}/limits")[0] == 403
    assert ada.api("PATCH", f"/twelve/users/{ADA}/limits", {"apps": 100})[0] == 403


def test_apps(people, tmp_path):
    p, ada, bob = people(TWELVE_OWNER_APPS=3)
    p.cli("users:limits", ADA, "apps=2")
    make(ada, "ada-1")
    make(ada, "ada-2")
    full = rf"{ADA} has 2 of 2 apps: destroy one" + more("apps=4")
    refused(ada.api("POST", "/apps", {"name": "ada-3"}), full)
    assert p.api("GET", "/apps/ada-3")[0] == 404 and not (p.state / "git" / "ada-3.git").exists()
    # A setup makes an app, too.
    blob = {"url": archives.upload(p, archives.archive(tmp_path / "s.tgz", archives.PROCFILE))}
    refused(ada.api("POST", "/app-setups", {"app": {"name": "ada-3"}, "source_blob": blob}), full)
    # Others have limits of their own, and an administrator's work counts for whom it is.
    make(bob, "bob-1")
    refused(p.api("POST", "/account/app-transfers", {"app": "bob-1", "recipient": ADA}), full)
    assert p.api("GET", "/account/app-transfers")[1] == [], "what can't be taken over is not offered"
    assert bob.api("POST", "/account/app-transfers", {"app": "bob-1", "recipient": ADA})[0] == 201
    refused(ada.api("PATCH", "/account/app-transfers/bob-1", {"state": "accepted"}), full)
    assert used(p, BOB)["apps"] == 1
    # Two become one, and one may come.
    assert ada.api("DELETE", "/apps/ada-2")[0] == 200
    assert ada.api("PATCH", "/account/app-transfers/bob-1", {"state": "accepted"})[0] == 200
    assert used(p)["apps"] == 2 and used(p, BOB)["apps"] == 0
    # The default is for administrators' own as well, until it is said otherwise.
    for name in ("root-1", "root-2", "root-3"):
        p.cli("create", name, "--no-remote")
    r = p.cli("create", "root-4", "--no-remote", check=False)
    assert "root@localhost has 3 of 3 apps: destroy one" in r.err and "twelve users:limits root@localhost apps=6" in r.err
    p.cli("users:limits", "root@localhost", "apps=unlimited")
    p.cli("create", "root-4", "--no-remote")


def test_apps_that_are_made_while_twelved_is_killed(people):
    """What is counted is what is there: not more, and not less by what a kill has cut off."""
    p, ada, _ = people()
    p.cli("users:limits", ADA, "apps=5")

    def one(i):
        try:
            return ada.api("POST", "/apps", {"name": f"race-{i}"})[0]
        except (OSError, ValueError):
            return None

    for round in range(3):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(one, f"{round}-{i}") for i in range(8)]
            next(concurrent.futures.as_completed(asked)).result()
            p.kill9()
        p.start()
        there = [a["name"] for a in ada.api("GET", "/apps")[1]]
        assert used(p)["apps"] == len(there) <= 5
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, [f"last-{i}" for i in range(8)]))
    assert used(p)["apps"] == len(ada.api("GET", "/apps")[1]) == 5


def test_dynos_and_memory(people, tmp_path):
    p, ada, bob = people()
    p.cli("users:limits", ADA, "dynos=3", "memory=2G")
    make(ada, "ada-1")
    make(ada, "ada-2")
    r = push(p, tmp_path, "ada-1")
    assert r.code == 0, r
    assert used(p) == {"apps": 2, "dynos": 1, "addons": 0, "memory": GB // 2, "builds": 0}
    wait = r"scale a process down or stop a one-off dyno" + more("dynos=6")
    r = p.cli("ps:scale", "web=3", "worker=1", "-a", "ada-1", check=False)
    assert re.search(rf"{ADA} has 1 of 3 dynos, and this takes 3 more: {wait}", r.err) and len(p.up("ada-1")) == 1
    assert p.cli("ps:scale", "-a", "ada-1").out.split()[:2] == ["web=1:Standard-1X", "worker=0:Standard-1X"], "all or nothing"
    p.cli("ps:scale", "web=2", "-a", "ada-1")
    r = p.cli("ps:resize", "web=performance-m", "-a", "ada-1", check=False)
    assert re.search(rf"{ADA} has 1G of 2G of memory, and this takes 4G more: take fewer or smaller dynos and add-ons" + more("memory=5G"), r.err), r

    # One-off dynos count while they run, those in another's sandbox do not.
    refused(ada.api("POST", "/apps/ada-1/dynos", {"command": "sleep 1000", "size": "performance-l"}),
            rf"{ADA} has 1G of 2G of memory, and this takes 14G more: take fewer or smaller dynos and add-ons" + more("memory=15G"))
    status, dyno = ada.api("POST", "/apps/ada-1/dynos", {"command": "sleep 1000"})
    assert status == 201, dyno
    assert used(p)["dynos"] == 3 and used(p)["memory"] == 3 * GB // 2
    full = rf"{ADA} has 3 of 3 dynos: {wait}"
    refused(ada.api("POST", "/apps/ada-1/dynos", {"command": "true"}), full)
    refused(p.api("PATCH", "/apps/ada-1/formation/worker", {"quantity": 1}), full)
    # A first deployment wants a web dyno.
    r = push(p, tmp_path, "ada-2")
    assert r.code != 0 and re.search(full, r.err), r
    assert p.dynos("ada-2") == [] and [b["status"] for b in p.api("GET", "/apps/ada-2/builds")[1]] == ["failed"]
    assert p.releases("ada-2")[0]["version"] == 1

    # Nothing is kept that a kill could bend.
    before = limits(p)
    p.restart()
    assert limits(p) == before
    refused(p.api("PATCH", "/apps/ada-1/formation/worker", {"quantity": 1}), full)

    # Who has more than a lowered limit keeps it, may change it, and may have less; not more.
    p.cli("users:limits", ADA, "dynos=1", "memory=512M")
    p.cli("config:set", "GREETING=hello", "-a", "ada-1")
    assert len(p.up("ada-1")) == 2 and [d["name"] for d in p.up("ada-1", "run")] == [dyno["name"]]
    refused(ada.api("PATCH", "/apps/ada-1/formation/web", {"quantity": 3}),
            rf"{ADA} has 3 of 1 dynos: scale a process down or stop a one-off dyno" + more("dynos=4"))
    assert ada.api("POST", f"/apps/ada-1/dynos/{dyno['name']}/actions/stop")[0] == 202
    wait_for(lambda: used(p)["dynos"] == 2, "the one-off dyno to be gone")
    p.cli("ps:scale", "web=1", "-a", "ada-1")
    assert used(p)["dynos"] == 1 and used(p)["memory"] == GB // 2
    # It moves with its app.
    p.cli("users:limits", BOB, "dynos=0")
    refused(p.api("POST", "/account/app-transfers", {"app": "ada-1", "recipient": BOB}),
            rf"{BOB} may have no dynos: ask an administrator for some \(twelve users:limits {BOB} dynos=1\)")
    p.cli("users:limits", BOB, "dynos=default")
    p.cli("apps:transfer", BOB, "-a", "ada-1")
    assert used(p, BOB)["dynos"] == 1 and used(p) == {"apps": 1, "dynos": 0, "addons": 0, "memory": 0, "builds": 0}
    p.git(tmp_path / "ada-2" / "repo", "push", "twelve", "main")
    assert used(p)["dynos"] == 1


def test_addons(people):
    p, ada, bob = people()
    p.cli("users:limits", ADA, "addons=2", "memory=512M")
    make(ada, "ada-1")
    p.cli("addons:create", "redis:mini", "-a", "ada-1", "--name", "ada-redis")
    assert used(p)["addons"] == 1 and used(p)["memory"] == GB // 4
    hint = r"take fewer or smaller dynos and add-ons" + more("memory=2G")
    refused(ada.api("POST", "/apps/ada-1/addons", {"plan": "redis:standard"}), rf"{ADA} has 256M of 512M of memory, and this takes 1G more: {hint}")
    refused(ada.api("PATCH", "/apps/ada-1/addons/ada-redis", {"plan": "redis:standard"}),
            rf"{ADA} has 256M of 512M of memory, and this takes 768M more: take fewer or smaller dynos and add-ons" + more("memory=1G"))
    assert ada.api("GET", "/addons/ada-redis")[1]["plan"]["name"] == "redis:mini"
    elsewhere = {"plan": "external", "config": {"url": "https://127.0.0.1:9/", "skip_check": "true"}, "attachment": {"name": "THERE"}}
    assert ada.api("POST", "/apps/ada-1/addons", elsewhere)[0] == 201
    assert used(p)["addons"] == 2 and used(p)["memory"] == GB // 4, "what runs elsewhere takes no memory here"
    full = rf"{ADA} has 2 of 2 add-ons: destroy one" + more("addons=4")
    refused(ada.api("POST", "/apps/ada-1/addons", {**elsewhere, "attachment": {"name": "ELSEWHERE"}}), full)
    before = limits(p)
    p.restart()
    assert limits(p) == before
    refused(ada.api("POST", "/apps/ada-1/addons", {"plan": "redis:mini"}), full)
    p.cli("users:limits", ADA, "memory=2G")
    assert ada.api("PATCH", "/apps/ada-1/addons/ada-redis", {"plan": "redis:standard"})[0] == 200
    # What is destroyed counts until it is gone, and then no longer.
    p.cli("addons:destroy", "ada-redis", "--confirm", "ada-1", "-a", "ada-1")
    wait_for(lambda: used(p)["addons"] == 1 and used(p)["memory"] == 0, "the add-on to be gone")


def test_a_setup_that_wants_too_much_leaves_nothing(people, tmp_path):
    """Its formation is known before its process types are: it is met at its release, and the app goes again."""
    p, ada, _ = people()
    p.cli("users:limits", "root@localhost", "dynos=3", "addons=0")
    setup = ended(p, start(p, archive(HELLO, {"formation": {"web": {"quantity": 2}, "worker": {"quantity": 2}}}), "greedy"))
    assert setup["status"] == "failed" and "root@localhost has 0 of 3 dynos, and this takes 4 more: scale" in setup["failure_message"], setup
    assert p.api("GET", "/apps/greedy")[0] == 404
    setup = ended(p, start(p, archive(HELLO, {"addons": ["redis:mini"]}), "greedy"))
    assert setup["status"] == "failed" and "root@localhost may have no add-ons: ask" in setup["failure_message"], setup
    assert p.api("GET", "/apps/greedy")[0] == 404 and used(p, "root@localhost")["apps"] == 0


def test_builds_at_a_time(people, tmp_path):
    """They wait; one that may have more has more, and the others' turns do not suffer."""
    p, ada, bob = people(TWELVE_BUILDS=4)
    sleepy = archives.pack(tmp_path / "sleepy", "echo asleep; sleep 1000")
    source = archives.archive(tmp_path / "s.tgz", archives.PROCFILE)
    p.cli("users:limits", ADA, "builds=1")
    p.cli("users:limits", BOB, "builds=2")
    for who, app in ((ada, "ada-1"), (ada, "ada-2"), (bob, "bob-1"), (bob, "bob-2"), (bob, "bob-3")):
        make(who, app)
        p.cli("buildpacks:set", sleepy, "-a", app)
    a1, a2 = begin(p, "ada-1", source), begin(p, "ada-2", source)
    bobs = [begin(p, f"bob-{i}", source) for i in (1, 2, 3)]
    for b in (a1, *bobs[:2]):
        wait_for(lambda: "asleep" in output(p, b), "those that may to be asleep")
    assert "Waiting: 1 of its owner's builds is running, as many as may (TWELVE_OWNER_BUILDS, twelve users:limits)" in output(p, a2)
    assert "Waiting: 2 of its owner's builds are running" in output(p, bobs[2])
    assert limits(p)["builds"] == {"limit": 1, "used": 1, "own": True} and limits(p, BOB)["builds"] == {"limit": 2, "used": 2, "own": True}
    assert p.api("DELETE", f"/apps/ada-1/builds/{a1['id']}")[0] == 202
    wait_for(lambda: "asleep" in output(p, a2), "the second to have its turn")
    # A limit that is raised counts from the next turn on.
    p.cli("users:limits", BOB, "builds=unlimited")
    wait_for(lambda: "asleep" in output(p, bobs[2]), "the third to begin")


def test_autoscaling_is_told_once(people, tmp_path):
    p, ada, _ = people(TWELVE_AUTOSCALE_PERIOD="1s")
    make(ada, "ada-1")
    assert push(p, tmp_path, "ada-1").code == 0
    p.cli("users:limits", ADA, "dynos=1")
    p.cli("ps:autoscale:enable", "--min", "2", "--max", "3", "-a", "ada-1")

    def told():
        return re.findall(rf"Autoscaling adds no dynos: {ADA} has 1 of 1 dynos: scale", p.cli("logs", "-n", "1000", "-a", "ada-1").out)

    def periods(n):
        for _ in range(n):
            def at():
                return p.api("GET", "/apps/ada-1/formation/web/monitors")[1][0]["twelve"].get("measured_at")
            last = at()
            wait_for(lambda: at() != last, "another period")

    wait_for(told, "the line that says so")
    periods(3)
    assert len(told()) == 1 and len(p.dynos("ada-1")) == 1
    p.cli("users:limits", ADA, "dynos=2")
    wait_for(lambda: len(p.up("ada-1")) == 2, "the second dyno")
