# SPDX-License-Identifier: Apache-2.0
"""Pipelines: apps in stages, promotions of a slug, who may do what; with our CLI, the API and the heroku CLI."""
import http.client
import json
import types

import pytest

import api_schema
from conftest import wait_for

NOBODYS = "01234567-89ab-4def-8123-456789abcdef"


class Person:
    """A user with a token, over TCP."""

    def __init__(self, platform, email):
        self.platform, self.email = platform, email
        status, user = platform.api("POST", "/twelve/users", {"email": email})
        assert status == 201, user
        self.id = user["id"]
        status, made = platform.api("POST", "/oauth/authorizations", {"user": email})
        assert status == 201, made
        self.token = made["access_token"]["token"]

    def api(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.platform.api_port, timeout=180)
        try:
            c.request(method, path, json.dumps(body) if body is not None else None,
                      {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
            r = c.getresponse()
            return r.status, json.loads(r.read())
        finally:
            c.close()


@pytest.fixture(scope="module")
def schema():
    return api_schema.Schema()


@pytest.fixture(scope="module")
def ask(platform, schema):
    """platform.api() that holds each answer against the schema."""
    def ask(method, path, body=None):
        status, answer = platform.api(method, path, body)
        e = types.SimpleNamespace(method=method, path=path.split("?")[0], status=status, whole=True, answer=answer, answer_headers={})
        assert not schema.faults(e), (method, path, answer, schema.faults(e))
        return status, answer
    return ask


@pytest.fixture(scope="module")
def deployed(platform, tmp_path_factory):
    """An app that runs, and the repository that it came from."""
    where = platform.repo(tmp_path_factory.mktemp("deployed"))
    platform.create("pipe-staging", where)
    platform.push(where)
    yield where
    platform.cli("destroy", "-a", "pipe-staging", "--confirm", "pipe-staging")


@pytest.fixture
def shop(platform, deployed):
    """The pipeline "shop": pipe-staging, which runs, and pipe-live, which is empty."""
    platform.cli("create", "pipe-live", "--no-remote")
    platform.cli("pipelines:create", "shop", "-a", "pipe-staging", "-s", "staging")
    platform.cli("pipelines:add", "shop", "-a", "pipe-live", "-s", "production")
    yield platform
    platform.api("DELETE", "/pipelines/shop")
    platform.cli("destroy", "-a", "pipe-live", "--confirm", "pipe-live", check=False)


def current(platform, app):
    return next(r for r in platform.releases(app) if r["current"])


def test_the_commands(shop):
    assert "shop" in shop.cli("pipelines").out.split()
    info = shop.cli("pipelines:info", "shop").out
    assert [line.split() for line in info.splitlines()] == [["===", "shop"], ["APP", "STAGE"], ["pipe-staging", "staging"], ["pipe-live", "production"]]
    shop.cli("pipelines:update", "-a", "pipe-live", "-s", "development")
    assert json.loads(shop.cli("pipelines:info", "shop", "--json").out)["apps"][0]["app"]["name"] == "pipe-live"
    shop.cli("pipelines:rename", "shop", "store")
    assert "store" in shop.cli("pipelines").out.split()
    shop.cli("pipelines:rename", "store", "shop")
    shop.cli("pipelines:remove", "-a", "pipe-live")
    assert "pipe-live" not in shop.cli("pipelines:info", "shop").out
    r = shop.cli("pipelines:add", "shop", "-a", "pipe-live", "-s", "prod", check=False)
    assert r.code == 2 and '"stage" is review, development, staging or production, not "prod"' in r.err
    assert "Say -s" in shop.cli("pipelines:add", "shop", "-a", "pipe-live", check=False).err
    r = shop.cli("pipelines:add", "shop", "-a", "pipe-staging", "-s", "review", check=False)
    assert r.code == 2 and "pipe-staging is in the pipeline shop already" in r.err
    shop.cli("pipelines:destroy", "shop")
    assert shop.api("GET", "/apps/pipe-staging")[0] == 200
    assert "pipe-staging is in no pipeline" in shop.cli("pipelines:promote", "-a", "pipe-staging", check=False).err
    # One that can't be filled is not left behind.
    assert shop.cli("pipelines:create", "shop", "-a", "nobodys-app", "-s", "staging", check=False).code != 0
    assert shop.api("GET", "/pipelines/shop")[0] == 404


def test_promoting_gives_the_same_slug_its_own_config(shop, deployed):
    shop.cli("config:set", "GREETING=Live", "-a", "pipe-live")
    r = shop.cli("pipelines:promote", "-a", "pipe-staging")
    assert "Promoting to pipe-live: v3" in r.err
    source, made = current(shop, "pipe-staging"), current(shop, "pipe-live")
    assert made["slug"] == source["slug"] and made["version"] == 3
    assert made["description"] == f"Promote pipe-staging v{source['version']} {source['twelve']['commit'][:8]}"
    assert shop.get("pipe-live")[1].startswith("Live web.1 v3")
    assert shop.api("GET", "/apps/pipe-live/builds")[1] == []
    # The release command ran with the target's config.
    assert "releasing v3" in shop.cli("releases:output", "-a", "pipe-live").out
    assert shop.cli("pipelines:diff", "-a", "pipe-staging", cwd=deployed).out == "pipe-staging and pipe-live run the same slug\n"

    commit = shop.commit(deployed, "a second one")
    (deployed / "more").write_text("more")
    commit = shop.commit(deployed, "a third one")
    shop.push(deployed)
    out = shop.cli("pipelines:diff", "-a", "pipe-staging", cwd=deployed).out
    assert out.startswith(f"pipe-staging runs {commit[:8]} (v") and "a third one" in out and "a second one" in out
    # Slugs that are promoted are in use.
    shop.cli("gc")
    shop.cli("ps:restart", "-a", "pipe-live")


def test_a_promotion_that_fails(shop, ask):
    ids = {name: ask("GET", f"/apps/{name}")[1]["id"] for name in ("pipe-staging", "pipe-live")}
    pipeline = ask("GET", "/pipelines/shop")[1]["id"]
    # Nothing runs there yet, so that this is not tried.
    shop.cli("config:set", "FAIL_RELEASE=1", "-a", "pipe-live")
    r = shop.cli("pipelines:promote", "-a", "pipe-staging", check=False)
    assert r.code == 1 and "its release command exited with status 5" in r.err, r
    assert current(shop, "pipe-live")["version"] == 2

    def promote():
        status, made = ask("POST", "/pipeline-promotions", {
            "pipeline": {"id": pipeline}, "source": {"app": {"id": ids["pipe-staging"]}}, "targets": [{"app": {"id": ids["pipe-live"]}}]})
        assert status == 201 and made["source"]["release"]["id"] == current(shop, "pipe-staging")["id"]
        wait_for(lambda: ask("GET", f"/pipeline-promotions/{made['id']}")[1]["status"] == "completed", "the promotion")
        targets = f"/pipeline-promotions/{made['id']}/promotion-targets"
        return targets, ask("GET", targets)[1][0]

    target = promote()[1]
    assert target["status"] == "failed" and "exited with status 5" in target["error_message"], target
    shop.cli("config:unset", "FAIL_RELEASE", "-a", "pipe-live")
    targets, target = promote()
    assert target["status"] == "succeeded" and target["error_message"] is None
    assert target["release"]["id"] == current(shop, "pipe-live")["id"]
    # With the app gone, what became of it can still be told.
    shop.cli("destroy", "-a", "pipe-live", "--confirm", "pipe-live")
    target = ask("GET", targets)[1][0]
    assert target["status"] == "failed" and "destroyed" in target["error_message"]


def test_what_is_refused(shop, ask):
    ids = {name: ask("GET", f"/apps/{name}")[1]["id"] for name in ("pipe-staging", "pipe-live")}
    pipeline = ask("GET", "/pipelines/shop")[1]["id"]

    def promotion(source, *targets):
        return ask("POST", "/pipeline-promotions", {"pipeline": {"id": pipeline}, "source": {"app": {"id": source}},
                                                    "targets": [{"app": {"id": t}} for t in targets]})

    for answer, sentence in [
        (promotion(ids["pipe-live"], ids["pipe-staging"]), "nothing was deployed"),
        (promotion(ids["pipe-staging"], ids["pipe-staging"]), "to itself"),
        (promotion(ids["pipe-staging"], ids["pipe-live"], ids["pipe-live"]), "target twice"),
        (promotion(ids["pipe-staging"]), '"targets" must have 1'),
        (promotion(ids["pipe-staging"], NOBODYS), "Couldn't find that app"),
        (ask("POST", "/pipeline-promotions", {"pipeline": {"id": pipeline}, "source": 3, "targets": []}), '"source" must be an object'),
        (ask("POST", "/pipeline-promotions", {"pipeline": {"id": pipeline}, "source": {"app": {"id": ids["pipe-staging"]}}, "targets": [1]}),
         '"targets" must be a list'),
        (ask("POST", "/pipelines", {"name": "shop"}), "already taken"),
        (ask("POST", "/pipelines", {"name": "Shop"}), "lowercase"),
        (ask("POST", "/pipelines", {"name": "other", "owner": {"id": NOBODYS, "type": "team"}}), "owned by a user"),
        (ask("POST", "/filters/apps", {"in": {"id": "x"}}), '"in" must be'),
        (ask("GET", f"/pipelines/{NOBODYS}"), "Couldn't find that pipeline"),
        (ask("GET", f"/pipeline-couplings/{NOBODYS}"), "Couldn't find that pipeline coupling"),
        (ask("GET", f"/pipeline-promotions/{NOBODYS}"), "Couldn't find that promotion"),
    ]:
        assert 400 <= answer[0] < 500 and sentence in answer[1]["message"], answer
    assert [r["version"] for r in shop.releases("pipe-live")] == [1]


def test_shapes_and_filters(shop, ask):
    pipeline = ask("GET", "/pipelines/shop")[1]
    for query in ("eq[name]=shop", "eq%5Bname%5D=shop", "eq%5bname%5d=shop"):
        assert ask("GET", f"/pipelines?{query}")[1] == [pipeline]
    assert ask("GET", "/pipelines?eq[name]=shops")[1] == []
    couplings = ask("GET", f"/pipelines/{pipeline['id']}/pipeline-couplings")[1]
    assert [c["stage"] for c in couplings] == ["staging", "production"]
    assert ask("GET", f"/pipeline-couplings/{couplings[0]['id']}")[1] == couplings[0] == ask("GET", "/apps/pipe-staging/pipeline-couplings")[1]
    assert couplings[0] in ask("GET", "/pipeline-couplings")[1] and couplings[0] in ask("GET", "/users/~/pipeline-couplings")[1]
    apps = ask("POST", "/filters/apps", {"in": {"id": [c["app"]["id"] for c in couplings] + [NOBODYS, "x"]}})[1]
    assert [a["name"] for a in apps] == ["pipe-staging", "pipe-live"]
    for path in ("latest-releases", "latest-deployments"):
        assert [r["app"]["name"] for r in ask("GET", f"/pipelines/shop/{path}")[1]] == ["pipe-staging", "pipe-live"]
    assert ask("GET", f"/pipelines/{pipeline['id']}/pipeline-stack")[1]["stack"]["name"] == "debian-13"


def test_who_may(shop):
    live = shop.api("GET", "/apps/pipe-live")[1]["id"]
    staging = shop.api("GET", "/apps/pipe-staging")[1]["id"]
    bob, eve = Person(shop, "bob@pipes.example"), Person(shop, "eve@pipes.example")

    def let(app, *permissions):
        status, j = shop.api("POST", f"/apps/{app}/collaborators", {"user": bob.email, "permissions": list(permissions)})
        assert status in (200, 201), j

    def promote(who):
        return who.api("POST", "/pipeline-promotions", {"pipeline": "shop", "source": {"app": {"id": staging}}, "targets": [{"app": {"id": live}}]})

    # Who has nothing to do with it sees nothing of it.
    assert eve.api("GET", "/pipelines") == (200, []) and eve.api("GET", "/pipelines/shop")[0] == 404
    assert eve.api("GET", "/pipeline-couplings") == (200, []) and promote(eve)[0] == 404
    assert eve.api("POST", "/filters/apps", {"in": {"id": [live, staging]}}) == (200, [])

    let("pipe-staging", "view")
    assert bob.api("GET", "/pipelines/shop")[0] == 200
    assert [c["app"]["id"] for c in bob.api("GET", "/pipelines/shop/pipeline-couplings")[1]] == [staging]
    assert promote(bob)[0] == 403
    let("pipe-live", "view", "operate", "manage")
    assert promote(bob)[0] == 403
    let("pipe-live", "view", "deploy")
    status, made = promote(bob)
    assert status == 201, made
    wait_for(lambda: bob.api("GET", f"/pipeline-promotions/{made['id']}")[1]["status"] == "completed", "bob's promotion")
    assert current(shop, "pipe-live")["user"]["email"] == bob.email

    # What the pipeline's owner may, and what managers of its apps.
    coupling = shop.api("GET", "/apps/pipe-live/pipeline-couplings")[1]["id"]
    assert bob.api("PATCH", "/pipelines/shop", {"name": "bobs"})[0] == 403 and bob.api("DELETE", "/pipelines/shop")[0] == 403
    assert bob.api("PATCH", f"/pipeline-couplings/{coupling}", {"stage": "review"})[0] == 403
    assert bob.api("POST", "/apps", {"name": "bobs-app"})[0] == 201
    assert bob.api("POST", "/pipeline-couplings", {"app": "bobs-app", "pipeline": "shop", "stage": "review"})[0] == 403
    let("pipe-live", "view", "manage")
    assert bob.api("PATCH", f"/pipeline-couplings/{coupling}", {"stage": "staging"})[0] == 200
    assert bob.api("POST", "/pipeline-couplings", {"app": "bobs-app", "pipeline": "shop", "stage": "review"})[0] == 201
    assert bob.api("DELETE", "/apps/bobs-app")[0] == 200
    # Given away, it is his.
    assert "bob@pipes.example's now" in shop.cli("pipelines:transfer", bob.email, "-p", "shop").err
    assert bob.api("GET", "/pipelines/shop")[1]["owner"] == {"id": bob.id, "type": "user"}
    assert bob.api("PATCH", "/pipelines/shop", {"name": "bobs"})[0] == 200
    assert bob.api("DELETE", f"/pipeline-couplings/{coupling}")[0] == 200
    assert bob.api("POST", "/pipeline-couplings", {"app": "pipe-staging", "pipeline": "bobs", "stage": "review"})[0] == 403
    assert bob.api("DELETE", "/pipelines/bobs")[0] == 200
    audit = shop.api("GET", "/twelve/audit")[1]
    assert any(a["action"] == "POST /pipeline-promotions" and a["app"] and a["app"]["name"] == "pipe-live" and a["user"]["name"] == bob.email
               for a in audit), [a for a in audit if 'promotion' in a['action']]


def test_with_the_heroku_cli(heroku, deployed):
    platform = heroku.platform
    platform.cli("create", "pipe-heroku", "--no-remote")
    heroku("pipelines:create", "hpipe", "-s", "staging", app="pipe-staging")
    heroku("pipelines:add", "hpipe", "-s", "production", app="pipe-heroku")
    assert "hpipe" in heroku("pipelines").out
    out = heroku("pipelines:info", "hpipe").out
    assert "pipe-staging" in out and "pipe-heroku" in out and "root@localhost" in out
    r = heroku("pipelines:promote", app="pipe-staging")
    assert "succeeded" in r.out + r.err, r
    assert current(platform, "pipe-heroku")["slug"] == current(platform, "pipe-staging")["slug"]
    assert "releasing v2" in r.out, r
    r = heroku("pipelines:promote", "--to", "pipe-heroku", app="pipe-staging")
    assert current(platform, "pipe-heroku")["description"].startswith("Promote"), platform.releases("pipe-heroku")
    # It is about what GitHub has between two commits; that is not asked from here, and the CLI says so.
    r = heroku("pipelines:diff", app="pipe-staging", code=None, looks_up={"kolkrabbi.heroku.com"})
    assert r.code != 0 and "does not seem to be connected to GitHub" in " ".join(r.err.split()), r
    heroku("pipelines:update", "-s", "development", app="pipe-heroku")
    assert platform.api("GET", "/apps/pipe-heroku/pipeline-couplings")[1]["stage"] == "development"
    # Review apps, as far as no repository is watched.
    def config():
        return platform.api("GET", "/pipelines/hpipe/review-app-config")
    heroku("reviewapps:enable", "-p", "hpipe")
    assert config()[1]["destroy_stale_apps"] is False
    heroku("reviewapps:enable", "-p", "hpipe", "--autodestroy")
    assert config()[1]["destroy_stale_apps"] is True and config()[1]["stale_days"] == 5
    r = heroku("reviewapps:enable", "-p", "hpipe", "--autodeploy", code=None)
    assert r.code != 0 and "twelved watches no repository" in " ".join(r.err.replace("›", "").split()), r
    heroku("reviewapps:disable", "-p", "hpipe", "--no-autodestroy")
    assert config()[1]["destroy_stale_apps"] is False
    heroku("reviewapps:disable", "-p", "hpipe")
    assert config()[0] == 404
    heroku("pipelines:rename", "hpipe", "hpipes")
    heroku("pipelines:remove", app="pipe-heroku")
    heroku("pipelines:destroy", "hpipes")
    assert platform.api("GET", "/pipelines/hpipes")[0] == 404
    platform.cli("destroy", "-a", "pipe-heroku", "--confirm", "pipe-heroku")
