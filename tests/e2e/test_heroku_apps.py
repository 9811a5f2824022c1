# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI against a real twelved: the account, apps, config, releases, dynos."""
import re

from conftest import wait_for


def config(platform, app):
    return platform.api("GET", f"/apps/{app}/config-vars")[1]


def formation(platform, app):
    return {f["type"]: (f["quantity"], f["size"]) for f in platform.api("GET", f"/apps/{app}/formation")[1]}


# -- account

def test_account(heroku):
    r = heroku("auth:whoami")
    assert r.out.strip() == r.exchanges[0].answer["email"]
    assert heroku("auth:token").out.strip() == heroku.token


def test_a_wrong_token_is_refused(heroku):
    r = heroku("apps", env={"HEROKU_API_KEY": "tw-0123456789"}, code=None)
    assert r.code != 0 and "HEROKU_API_KEY is invalid" in r.err, r
    assert {e.status for e in r.exchanges} == {401}


# -- apps

def test_apps_are_listed(heroku, alpha):
    for args in (["apps"], ["apps", "-A"]):
        r = heroku(*args)
        assert {a["name"] for a in heroku.platform.api("GET", "/apps")[1]} == set(r.out.split("Apps\n")[1].split()), r


def test_create_rename_destroy(heroku):
    platform = heroku.platform
    r = heroku("apps:create", "heroku-made", "--no-remote")
    assert f"http://heroku-made.localhost:{platform.http_port}/" in r.out
    assert f"https://localhost:{platform.api_port}/heroku-made.git" in r.out
    made = platform.api("GET", "/apps/heroku-made")[1]

    assert "taken" in heroku("apps:create", "heroku-made", "--no-remote", code=2).err.lower()

    heroku("apps:rename", "heroku-named", app="heroku-made")
    assert platform.api("GET", "/apps/heroku-named")[1]["id"] == made["id"]
    assert platform.api("GET", "/apps/heroku-made")[0] == 404

    heroku("apps:destroy", "--confirm", "heroku-named", app="heroku-named")
    assert platform.api("GET", "/apps/heroku-named")[0] == 404
    assert "Couldn't find that app" in heroku("apps:info", app="heroku-named", code=2).err.replace("\n", " ")


def test_create_without_a_name(heroku):
    name = heroku.json("apps:create", "--no-remote", "--json")["name"]
    assert heroku.platform.api("GET", f"/apps/{name}")[0] == 200
    heroku("apps:destroy", "--confirm", name, app=name)


def test_create_with_all_that_can_be_said(heroku):
    platform = heroku.platform
    url = "https://127.0.0.1:1/x/y"
    heroku("apps:create", "heroku-full", "--region", "us", "--stack", "debian-12", "--buildpack", url, "--addons", "redis:mini", "--no-remote")
    made = platform.api("GET", "/apps/heroku-full")[1]
    assert (made["region"]["name"], made["stack"]["name"]) == ("us", "debian-12")
    assert [b["buildpack"]["url"] for b in platform.api("GET", "/apps/heroku-full/buildpack-installations")[1]] == [url]
    assert [a["plan"]["name"] for a in platform.api("GET", "/apps/heroku-full/addons")[1]] == ["redis:mini"]
    heroku("apps:destroy", "--confirm", "heroku-full", app="heroku-full")
    wait_for(lambda: platform.api("GET", "/apps/heroku-full")[0] == 404, "it to be gone", 120)


def test_regions_and_stacks_that_there_are(heroku):
    platform = heroku.platform
    eu = platform.api("GET", "/regions/eu")[1]["id"]
    for body, region, stack in (({"region": "us"}, "us", "debian-13"), ({"region": "eu"}, "eu", "debian-13"), ({"region": {"name": "EU"}}, "eu", "debian-13"),
                                ({"region": eu}, "eu", "debian-13"), ({"region": None}, "us", "debian-13"), ({"stack": "heroku-24"}, "us", "heroku-24"),
                                ({"stack": "debian-12"}, "us", "debian-12"), ({"stack": None}, "us", "debian-13")):
        status, made = platform.api("POST", "/apps", {"name": "heroku-there", **body})
        assert (status, made["region"]["name"], made["stack"]["name"]) == (201, region, stack), (body, made)
        assert platform.api("DELETE", "/apps/heroku-there")[0] == 200
    for body, what in (({"region": "tokyo"}, 'There is no region "tokyo": this platform is one machine, for which "us" and "eu" both stand'),
                       ({"region": {"id": "01234567-89ab-4def-8123-456789abcdef"}}, 'no region "01234567-89ab'), ({"region": ""}, 'no region ""'),
                       ({"stack": "windows"}, 'There is no stack "windows": this platform has debian-13')):
        status, e = platform.api("POST", "/apps", {"name": "heroku-there", **body})
        assert status == 422 and e["id"] == "invalid_params" and what in e["message"], (body, e)
    assert platform.api("GET", "/apps/heroku-there")[0] == 404
    status, e = platform.api("POST", "/app-setups", {"source_blob": {"url": "x"}, "app": {"region": "tokyo"}})
    assert status == 422 and 'no region "tokyo"' in e["message"], e
    assert 'no region "mars"' in heroku("create", "heroku-there", "--region", "mars", "--no-remote", code=2).err.replace("\n", " ")
    heroku("create", "heroku-there", "--region", "eu", "--stack", "heroku-24", "--no-remote")
    heroku("apps:destroy", "--confirm", "heroku-there", app="heroku-there")
    # And with ours.
    r = platform.cli("create", "heroku-there", "--no-remote", "--region", "mars", check=False)
    assert r.code == 2 and 'no region "mars"' in r.err, r
    platform.cli("create", "heroku-there", "--no-remote", "--region", "eu", "-s", "heroku-22")
    platform.cli("destroy", "-a", "heroku-there", "--confirm", "heroku-there")


def test_info(heroku, alpha):
    platform = heroku.platform
    app = platform.api("GET", f"/apps/{alpha}")[1]
    out = heroku("apps:info", app=alpha).out
    said = dict(re.findall(r"^([A-Z][\w ]+):\s+(.*)$", out, re.M))
    assert said["Web URL"] == app["web_url"] and said["Stack"] == app["stack"]["name"] and said["Region"] == app["region"]["name"]
    assert said["Dynos"] == f"web: {len(platform.up(alpha))}"
    shell = dict(line.split("=", 1) for line in heroku("apps:info", "--shell", app=alpha).out.splitlines())
    assert shell["web_url"] == app["web_url"] and shell["stack"] == app["stack"]["name"]
    assert heroku("apps:open", app=alpha).out.startswith(f"Opening {app['web_url']}")


def test_stacks(heroku, alpha):
    stacks = {s["name"] for s in heroku.platform.api("GET", "/stacks")[1]}
    now = heroku.platform.api("GET", f"/apps/{alpha}")[1]["stack"]["name"]
    for out in (heroku("apps:stacks", app=alpha).out, heroku("stack", app=alpha).out):
        lines = out.splitlines()[2:]
        assert {line.strip("* ") for line in lines if line} == stacks
        assert [line for line in lines if line.startswith("*")] == [f"* {now}"]
    heroku("stack:set", now, app=alpha)
    assert "none-such" in heroku("stack:set", "none-such", app=alpha, code=2).err


# -- config

def test_config(heroku, alpha):
    platform = heroku.platform
    heroku("config:set", "A=1", "B=two words", "C=ü=\"x\"", app=alpha)
    version = platform.releases(alpha)[0]["version"]
    assert config(platform, alpha) == {"A": "1", "B": "two words", "C": 'ü="x"'}
    assert heroku.json("config", "--json", app=alpha) == config(platform, alpha)
    assert "B: two words" in heroku("config", app=alpha).out
    assert "B='two words'" in heroku("config", "--shell", app=alpha).out
    assert heroku("config:get", "B", app=alpha).out == "two words\n"
    r = heroku("config:unset", "C", app=alpha)
    assert f"v{version + 1}" in r.err and config(platform, alpha) == {"A": "1", "B": "two words"}
    wait_for(lambda: f" v{version + 1} " in platform.get(alpha)[1], "the release that unset it to serve")


# -- releases

def test_releases(heroku, alpha):
    platform = heroku.platform
    heroku("config:set", "GREETING=Salut", app=alpha)
    wait_for(lambda: platform.get(alpha)[1].startswith("Salut "), "the new greeting")
    newest = platform.releases(alpha)[0]

    shown = re.findall(r"^\s*v(\d+)\s+(.*?)\s{2,}", heroku("releases", app=alpha).out, re.M)
    assert shown == [(str(r["version"]), r["description"]) for r in platform.releases(alpha)][:15]
    assert len(re.findall(r"^\s*v\d+ ", heroku("releases", "-n", "1", app=alpha).out, re.M)) == 1

    info = heroku("releases:info", app=alpha).out
    assert f"Release v{newest['version']}" in info and "GREETING: Salut" in info
    assert "GREETING" not in heroku("releases:info", "v2", app=alpha).out
    assert f"releasing v{newest['version']}" in heroku("releases:output", app=alpha).out

    r = heroku("releases:rollback", app=alpha)
    assert f"releasing v{newest['version'] + 1}" in r.out, "the release command's output is shown"
    assert platform.releases(alpha)[0]["description"] == f"Rollback to v{newest['version'] - 1}"
    wait_for(lambda: platform.get(alpha)[1].startswith("Hello "), "the old greeting")
    heroku("rollback", f"v{newest['version']}", app=alpha)
    wait_for(lambda: platform.get(alpha)[1].startswith("Salut "), "the greeting of the release rolled back to")
    assert config(platform, alpha)["GREETING"] == "Salut"


# -- dynos

def test_ps(heroku, alpha):
    platform = heroku.platform
    wait_for(lambda: len(platform.dynos(alpha)) == 1 and platform.up(alpha), "one dyno")
    (dyno,) = platform.dynos(alpha)
    out = heroku("ps", app=alpha).out
    assert f"=== web ({dyno['size']}): {dyno['command']} (1)" in out and re.search(r"^web\.1: up ", out, re.M)
    assert "web.1: up" in heroku("ps", "web", app=alpha).out
    (shown,) = heroku.json("ps", "--json", app=alpha)
    assert (shown["id"], shown["name"], shown["state"]) == (dyno["id"], "web.1", "up")
    assert f"No worker dynos on {alpha}" in heroku("ps", "worker", app=alpha, code=1).err


def test_scale(heroku, alpha):
    platform = heroku.platform
    assert "now running web at 2:Standard-1X" in heroku("ps:scale", "web=2", app=alpha).err
    wait_for(lambda: len(platform.up(alpha)) == 2, "two dynos")
    heroku("ps:scale", "web-1", "worker+1:Standard-2X", app=alpha)
    assert formation(platform, alpha) == {"web": (1, "Standard-1X"), "worker": (1, "Standard-2X")}
    wait_for(lambda: len(platform.up(alpha)) == 1 and len(platform.up(alpha, "worker")) == 1, "one dyno of each")
    assert heroku("ps:scale", app=alpha).out.split() == ["web=1:Standard-1X", "worker=1:Standard-2X"]
    r = heroku("ps:scale", "nonesuch=1", app=alpha, code=2)
    assert "nonesuch" in r.err, r
    heroku("ps:scale", "worker=0", app=alpha)
    wait_for(lambda: not platform.up(alpha, "worker"), "no worker")


def test_types(heroku, alpha):
    platform = heroku.platform
    assert re.search(r"^\s+web\s+Standard-1X\s+1 ", heroku("ps:type", app=alpha).out, re.M)
    heroku("ps:type", "web=standard-2x", app=alpha)
    assert formation(platform, alpha)["web"] == (1, "Standard-2X")
    wait_for(lambda: [d["size"] for d in platform.up(alpha)] == ["Standard-2X"], "a dyno of the other size")
    heroku("ps:type", "web=standard-1x", app=alpha)
    assert "gigantic" in heroku("ps:type", "web=gigantic", app=alpha, code=2).err


METRICS = "api.metrics.heroku.com"


def test_ps_autoscale(heroku, alpha):
    platform = heroku.platform

    def monitors():
        return platform.api("GET", f"/apps/{alpha}/formation/web/monitors")[1]

    def asked(run):
        return [(e.method, e.path.split("/formation/web/")[1].split("/")[0]) for e in run.exchanges if "/monitors" in e.path]

    # The CLI knows it for these sizes only.
    refused = heroku("ps:autoscale:enable", "--min", "1", "--max", "3", app=alpha, code=1)
    assert "only available with Performance or Private dynos" in refused.err
    heroku("ps:type", "web=performance-m", app=alpha)
    # Without the line in /etc/hosts, the host is not found, and nobody gets the token.
    lost = heroku("ps:autoscale:enable", "--min", "1", "--max", "3", app=alpha, code=None, looks_up=[METRICS])
    assert lost.code and METRICS in lost.err and not asked(lost) and monitors() == []
    with heroku.loopback.named(METRICS):
        made = heroku("ps:autoscale:enable", "--min", "1", "--max", "3", app=alpha)
        assert "Enabling dyno autoscaling... done" in made.err and asked(made) == [("GET", "monitors"), ("POST", "monitors")]
        first = monitors()[0]
        assert (first["is_active"], first["min_quantity"], first["max_quantity"], first["value"]) == (True, 1, 3, 1000)
        again = heroku("ps:autoscale:enable", "--min", "2", "--max", "4", "--p95", "300", app=alpha)
        assert asked(again) == [("GET", "monitors"), ("PATCH", "monitors")]
        changed = monitors()[0]
        assert changed["id"] == first["id"]
        assert (changed["is_active"], changed["min_quantity"], changed["max_quantity"], changed["value"]) == (True, 2, 4, 300)
        assert "autoscaled 2 to 4" in platform.cli("ps", "-a", alpha).out
        mail = heroku("ps:autoscale:enable", "--min", "2", "--max", "4", "--notifications", app=alpha, code=2)
        assert "no mail is sent from here" in re.sub(r"\s+›?\s*", " ", mail.err)
        ended = heroku("ps:autoscale:disable", app=alpha)
        # What was measured meanwhile ("twelve") is told, too, and may have been acted on.
        left = {k: v for k, v in monitors()[0].items() if k not in ("updated_at", "twelve")}
        assert "Disabling dyno autoscaling... done" in ended.err and len(monitors()) == 1
        assert left == {**{k: changed[k] for k in left}, "is_active": False}
    heroku("ps:scale", "web=1:standard-1x", app=alpha)
    wait_for(lambda: len(platform.up(alpha)) == 1, "one dyno")


def test_restart_and_stop(heroku, alpha):
    platform = heroku.platform

    def ids():
        return {d["id"] for d in platform.up(alpha)}

    for args in (["ps:restart"], ["ps:restart", "-d", "web.1"], ["ps:restart", "-p", "web"], ["ps:stop", "-d", "web.1"],
                 ["ps:stop", "-p", "web"]):
        before = wait_for(ids, "a dyno")
        heroku(*args, app=alpha)
        wait_for(lambda: ids() and not ids() & before, f"another dyno after {args}")


# -- maintenance

def test_maintenance(heroku, alpha):
    platform = heroku.platform
    assert heroku("maintenance", app=alpha).out == "off\n"
    heroku("maintenance:on", app=alpha)
    wait_for(lambda: platform.get(alpha)[0] == 503, "the page")
    assert heroku("maintenance", app=alpha).out == "on\n"
    heroku("maintenance:off", app=alpha)
    wait_for(lambda: platform.get(alpha)[0] == 200, "the app")
