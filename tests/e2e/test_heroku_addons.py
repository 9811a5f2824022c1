# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI against a real twelved with real services: add-ons, attachments, plans."""
import re

import pytest

from conftest import wait_for


@pytest.fixture(scope="module")
def beta(platform):
    assert platform.api("POST", "/apps", {"name": "beta-addons"})[0] == 201
    yield "beta-addons"
    platform.cli("destroy", "-a", "beta-addons", "--confirm", "beta-addons", check=False)


def config(platform, app):
    return platform.api("GET", f"/apps/{app}/config-vars")[1]


def addon(platform, name):
    status, a = platform.api("GET", f"/addons/{name}")
    return a if status == 200 else None


def test_services_and_plans(heroku):
    platform = heroku.platform
    names = {s["name"] for s in platform.api("GET", "/addon-services")[1]}
    assert {"postgresql", "redis"} <= names
    assert set(re.findall(r"^  (\S+)", heroku("addons:services").out, re.M)) - {"Slug"} >= names
    plans = {p["name"] for p in platform.api("GET", "/addon-services/redis/plans")[1]}
    out = heroku("addons:plans", "redis").out
    assert plans and all(p in out for p in plans)
    assert [p["name"] for p in heroku.json("addons:plans", "redis", "--json")] != []
    assert 'no service "nonesuch"' in heroku("addons:plans", "nonesuch", code=2).err


def test_the_life_of_an_addon(heroku, alpha, beta):
    platform = heroku.platform
    heroku("addons:create", "redis:mini", "--as", "CACHE", "--name", "my-redis", app=alpha, timeout=600)
    heroku("addons:wait", "my-redis", app=alpha, timeout=600)
    assert addon(platform, "my-redis")["state"] == "provisioned"
    url = config(platform, alpha)["CACHE_URL"]
    assert url.startswith("redis://")

    out = heroku("addons", app=alpha).out
    assert "my-redis" in out and "as CACHE" in out
    assert re.search(rf"^\s+{alpha}\s+my-redis\s+redis:mini\s", heroku("addons", "--all").out, re.M)
    for args in (["addons:info", "my-redis"], ["addons:info", "CACHE", "-a", alpha]):
        out = heroku(*args).out
        assert "=== my-redis" in out and re.search(r"^Plan:\s+redis:mini$", out, re.M) and re.search(rf"^Attachments:\s+{alpha}::CACHE$", out, re.M)
    assert re.search(r"^Addons:\s+redis:mini$", heroku("apps:info", app=alpha).out, re.M)

    heroku("addons:attach", "my-redis", "--as", "SHARED", app=beta)
    assert config(platform, beta)["SHARED_URL"].startswith("redis://")
    r = heroku("addons:detach", "SHARED", app=beta)
    assert f"v{platform.releases(beta)[0]['version']}" in r.err and "SHARED_URL" not in config(platform, beta)

    heroku("addons:upgrade", "my-redis", "redis:standard", app=alpha, timeout=600)
    wait_for(lambda: addon(platform, "my-redis")["plan"]["name"] == "redis:standard", "the other plan")
    r = heroku("addons:open", "my-redis", "--show-url", app=alpha)
    assert r.exchanges[-1].answer[0]["web_url"] is None and r.out == "\n", "it has no page of its own to open"

    heroku("addons:destroy", "my-redis", "--confirm", alpha, app=alpha)
    wait_for(lambda: not addon(platform, "my-redis"), "it to be gone", 120)
    assert "CACHE_URL" not in config(platform, alpha)


def test_names_that_they_have_at_heroku(heroku, beta):
    platform = heroku.platform
    taken = "heroku-postgresql:essential-0 is Heroku's; this is postgresql:mini"
    r = heroku("addons:create", "heroku-postgresql:essential-0", app=beta)
    assert taken in r.out, r
    (made,) = platform.api("GET", f"/apps/{beta}/addons")[1]
    assert made["plan"]["name"] == "postgresql:mini" and made["addon_service"]["name"] == "postgresql" and made["provision_message"] == ""
    wait_for(lambda: addon(platform, made["name"])["state"] == "provisioned", "it", 300)
    assert config(platform, beta)["DATABASE_URL"].startswith("postgres://")
    heroku("addons:destroy", made["name"], "--confirm", beta, app=beta)
    wait_for(lambda: not addon(platform, made["name"]), "it to be gone", 120)

    def away(which):
        """And its ports, of which there are few, free again."""
        assert platform.api("DELETE", f"/apps/{beta}/addons/{which}", {"force": True})[0] == 200
        wait_for(lambda: not addon(platform, which), "it to be gone", 120)

    def asked(plan):
        status, a = platform.api("POST", f"/apps/{beta}/addons", {"plan": plan})
        if status == 201:
            away(a["id"])
        return status, a.get("plan", {}).get("name"), a["provision_message"] if status == 201 else a["message"]

    assert asked("heroku-postgresql") == (201, "postgresql:mini", "heroku-postgresql is Heroku's; this is postgresql:mini")
    assert asked("heroku-redis:mini") == (201, "redis:mini", "heroku-redis:mini is Heroku's; this is redis:mini")
    assert asked("heroku-redis:standard") == (201, "redis:standard", "heroku-redis:standard is Heroku's; this is redis:standard")
    assert asked("memcachier:dev")[1] == "memcached:" + platform.api("GET", "/addon-services/memcached/plans")[1][0]["name"].split(":")[1]
    assert asked("redis") == (201, "redis:mini", "")
    # Ours are not guessed, and what nobody has here is an error with what is near.
    for plan in ("postgresql:essential-0", "postgres:essential-0"):
        status, _, message = asked(plan)
        assert status == 404 and "There is no plan postgresql:essential-0; there are: postgresql:mini" in message
    status, _, message = asked("heroku-postgres:essential-0")
    assert status == 404 and "did you mean heroku-postgresql?" in message, message
    status, _, message = asked("heroku-kafka:basic-0")
    assert status == 404 and 'no service "heroku-kafka"' in message and "postgresql" in message
    # Our command says it, too.
    r = platform.cli("addons:create", "heroku-redis:premium-0", "-a", beta, "--no-wait")
    assert "heroku-redis:premium-0 is Heroku's; this is redis:mini" in r.err and r.out.strip().startswith("redis-")
    away(r.out.strip())


def test_herokus_names_bring_their_config_vars_and_plans(heroku, beta):
    platform = heroku.platform
    mine = set(config(platform, beta))

    def make(plan, *more):
        r = platform.cli("addons:create", plan, "-a", beta, *more, timeout=600)
        name = r.out.strip()
        return name, {k: v for k, v in config(platform, beta).items() if k not in mine}

    def away(name):
        assert platform.api("DELETE", f"/apps/{beta}/addons/{name}", {"force": True})[0] == 200
        wait_for(lambda: not addon(platform, name), "it to be gone", 120)

    name, vars = make("memcachier:dev")
    assert sorted(vars) == ["MEMCACHIER_PASSWORD", "MEMCACHIER_SERVERS", "MEMCACHIER_URL", "MEMCACHIER_USERNAME"], vars
    away(name)
    name, vars = make("rediscloud:30", "--as", "MINE")
    assert sorted(vars) == ["MINE_TLS_URL", "MINE_URL"], vars
    away(name)
    for service, var in (("rediscloud", "REDISCLOUD_URL"), ("heroku-redis", "REDIS_URL")):
        name, vars = make(service)
        assert sorted(vars) == sorted([var, var.replace("URL", "TLS_URL")]), vars
        if service == "rediscloud":
            away(name)
    # The plans that it can be made with are those that it can be given: Heroku's, by whichever name of the service.
    for plan, ours in (("heroku-redis:standard-0", "redis:standard"), ("redis:mini", "redis:mini"), ("heroku-redis:standard", "redis:standard"),
                       ("rediscloud:30", "redis:mini"), ("standard-7", "redis:standard")):
        r = platform.cli("addons:upgrade", name, plan, "-a", beta, timeout=120)
        assert addon(platform, name)["plan"]["name"] == ours, plan
        assert ("is Heroku's" in r.err) == (plan not in ("redis:mini", "heroku-redis:standard")), (plan, r)
    status, said = platform.api("PATCH", f"/apps/{beta}/addons/{name}", {"plan": "heroku-postgresql:mini"})
    assert status == 422 and "is of the service redis" in said["message"], said
    status, said = platform.api("PATCH", f"/apps/{beta}/addons/{name}", {"plan": "nonesuch:mini"})
    assert status == 404 and "nonesuch" in said["message"], said
    away(name)
    # One that was made by our own name knows our own plans.
    name, _ = make("redis")
    status, said = platform.api("PATCH", f"/apps/{beta}/addons/{name}", {"plan": "redis:standard-0"})
    assert status == 404 and "there are: redis:mini" in said["message"], said
    away(name)


def test_an_addon_is_made_while_nobody_waits(heroku, beta):
    platform = heroku.platform
    r = heroku("addons:create", "memcached", "--confirm", beta, app=beta)
    (made,) = platform.api("GET", f"/apps/{beta}/addons")[1]
    assert made["name"] in r.err + r.out
    wait_for(lambda: addon(platform, made["name"])["state"] == "provisioned", "it", 300)
    heroku("addons:destroy", made["name"], "--confirm", beta, app=beta)
    wait_for(lambda: not addon(platform, made["name"]), "it to be gone", 120)


def test_mistakes(heroku, alpha):
    assert "Couldn't find" in heroku("addons:info", "nonesuch", code=2).err
    r = heroku("addons:create", "nonesuch", app=alpha, code=2)
    assert "nonesuch" in r.err
    assert "Couldn't find" in heroku("addons:attach", "nonesuch", app=alpha, code=2).err
