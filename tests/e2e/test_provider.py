# SPDX-License-Identifier: Apache-2.0
"""Services that others run, by the Add-on Partner API: a provider that behaves, and all the ways in which one does not."""
import json

import pytest

from conftest import Platform, wait_for
from provider import Provider
from test_addons import config, create, end, get, settled


@pytest.fixture(scope="module")
def acme():
    p = Provider()
    yield p
    p.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory, acme):
    p = Platform(tmp_path_factory.mktemp("provider"))
    manifest = p.state.parent / "addon-manifest.json"
    manifest.write_text(json.dumps(acme.manifest()))
    p.cli("addons:services:add", str(manifest))
    p.api("POST", "/apps", {"name": "alpha"})
    yield p
    end(p, "alpha")
    p.stop()


def destroy(p, addon):
    assert p.api("DELETE", f"/apps/alpha/addons/{addon}", {})[0] == 200


def test_it_is_a_service_like_the_others(shop):
    assert "Acme Rockets" in shop.cli("addons:services").out
    assert "acme:good" in shop.cli("addons:plans", "acme").out
    r = shop.cli("addons:create", "acme:nonsense", "-a", "alpha", check=False)
    assert r.code != 0 and "no plan acme:nonsense" in r.err, r


def test_provision_change_of_plan_deprovision(shop, acme):
    r = shop.cli("addons:create", "acme:good", "-a", "alpha")
    name = r.out.strip()
    a = get(shop, name)
    assert a["provider_id"] == f"acme-{a['id'][:8]}" and a["twelve"]["kind"] == "provider"
    assert config(shop, "alpha") == {"ACME_URL": f"https://acme.example/{a['id']}", "ACME_KEY": "k1"}
    order = next(o for m, u, o in acme.asked if m == "POST" and u == a["id"])
    assert order["plan"] == "good" and order["name"] == name and order["oauth_grant"]["type"] == "authorization_code"
    shop.cli("addons:upgrade", name, "slow", "-a", "alpha", check=False)
    wait_for(lambda: acme.resources[a["id"]]["plan"] == "slow", "the provider to know the plan")
    shop.cli("addons:upgrade", name, "expensive", "-a", "alpha", check=False)
    wait_for(lambda: "card was declined" in (get(shop, name)["twelve"]["reason"] or ""), "the refusal")
    assert get(shop, name)["plan"]["name"] == "acme:slow"
    # What it does not take back at once is asked again.
    acme.resources[a["id"]]["stubborn"] = 1
    destroy(shop, name)
    assert config(shop, "alpha") == {}
    wait_for(lambda: a["id"] not in acme.resources, "the provider to take it back")
    wait_for(lambda: shop.api("GET", f"/addons/{a['id']}")[0] == 404, "the row to be gone")


def test_it_calls_back(shop, acme):
    a = create(shop, "alpha", plan="acme:later")
    assert a["state"] == "provisioned", a
    assert config(shop, "alpha") == {"ACME_URL": f"https://acme.example/{a['id']}"}
    # Nobody else may speak for it.
    for token in ("", "tw-" + "0" * 64):
        status, e = shop.api("PATCH", f"/addons/{a['id']}/config", {"config": []}, {"Authorization": f"Bearer {token}"})
        assert status == 401, e
    status, e = shop.api("POST", "/oauth/token", {"grant_type": "authorization_code", "code": "x", "client_secret": "rocket"})
    assert status == 401, e
    destroy(shop, a["name"])


@pytest.mark.parametrize("plan, why", [
    ("refuses", "We do not deliver to your planet"), ("no-id", "without an id"), ("no-json", "not a JSON object"),
    ("wrong-var", "PATH, which its manifest does not name"), ("array", "not a JSON object"),
    ("redirects", "status 302"), ("not-after-all", "could not make it")])
def test_a_provider_that_says_no_or_lies(shop, plan, why):
    a = create(shop, "alpha", plan=f"acme:{plan}")
    assert a["state"] == "deprovisioned" and why in a["twelve"]["reason"], a
    assert config(shop, "alpha") == {}


def test_a_provider_that_is_slow_or_breaks_is_asked_again(shop, acme):
    for plan in ("slow", "broken-twice"):
        a = create(shop, "alpha", plan=f"acme:{plan}", name=f"acme-{plan}")
        assert a["state"] == "provisioned", a
        destroy(shop, a["name"])
    assert len([1 for m, u, o in acme.asked if o.get("plan") == "broken-twice"]) == 3


@pytest.mark.parametrize("plan, why", [("closes", "could not be reached"), ("huge", "too long"), ("hangs", "Timeout")])
def test_a_provider_that_does_not_answer_is_asked_again_and_the_rest_goes_on(shop, plan, why):
    status, a = shop.api("POST", "/apps/alpha/addons", {"plan": f"acme:{plan}"})
    assert status == 201, a
    wait_for(lambda: why in (get(shop, a["id"])["twelve"]["reason"] or ""), "the reason", 60)
    assert settled(shop, a["id"]) is None
    assert shop.api("GET", "/apps/alpha")[0] == 200
    assert shop.api("DELETE", f"/apps/alpha/addons/{a['id']}", {"force": True})[0] == 200


def test_kill_9_of_twelved_while_the_provider_works(shop, acme):
    status, a = shop.api("POST", "/apps/alpha/addons", {"plan": "acme:slow", "name": "acme-killed"})
    assert status == 201
    wait_for(lambda: a["id"] in acme.resources, "the provider to be asked")
    shop.restart()
    a = wait_for(lambda: settled(shop, a["id"]), "it to be made after all")
    assert a["state"] == "provisioned" and len(acme.resources) >= 1
    r = shop.cli("addons:services:remove", "acme", check=False)
    assert r.code != 0 and "destroy it first" in r.err, r
    destroy(shop, "acme-killed")
