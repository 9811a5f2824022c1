# SPDX-License-Identifier: Apache-2.0
"""Apps that change their owner; features; and what there is none of."""
import types

import pytest

import api_schema
from test_pipelines import NOBODYS, Person


@pytest.fixture
def shop(platform):
    platform.cli("create", "given-shop", "--no-remote")
    yield "given-shop"
    platform.cli("destroy", "-a", "given-shop", "--confirm", "given-shop", check=False)


@pytest.fixture(scope="module")
def people(platform):
    return [Person(platform, f"{name}@transfers.example") for name in ("ann", "ben", "eve")]


def owner(platform, app):
    return platform.api("GET", f"/apps/{app}")[1]["owner"]["email"]


def permissions(platform, app, email):
    status, c = platform.api("GET", f"/apps/{app}/collaborators/{email}")
    return sorted(p["name"] for p in c["permissions"]) if status == 200 else None


def test_a_transfer_has_to_be_accepted(platform, shop, people):
    ann, ben, eve = people
    status, key = platform.api("POST", f"/apps/{shop}/buildpack-key")
    assert status in (200, 201) and key["public_key"].startswith("ssh-ed25519 "), key
    # An administrator's is done at once.
    assert f"given-shop is {ann.email}'s now" in platform.cli("apps:transfer", ann.email, "-a", shop).err
    assert owner(platform, shop) == ann.email and permissions(platform, shop, "root@localhost") == ["deploy", "operate", "view"]
    # What the old owner's deploy keys open is not the new one's to fetch.
    assert platform.api("POST", f"/apps/{shop}/buildpack-key")[1]["public_key"] != key["public_key"]
    assert platform.cli("transfers").out.split()[5:9] == [shop, "root@localhost", ann.email, "accepted"]

    def as_of(who):
        return {"TWELVE_HOST": f"http://127.0.0.1:{platform.api_port}", "TWELVE_API_KEY": who.token}

    assert "transfers:accept" in platform.cli("apps:transfer", ben.email, "-a", shop, env=as_of(ann)).err
    assert owner(platform, shop) == ann.email
    assert eve.api("GET", "/account/app-transfers") == (200, [])
    assert eve.api("GET", f"/account/app-transfers/{shop}")[0] == 404
    assert eve.api("PATCH", f"/account/app-transfers/{shop}", {"state": "accepted"})[0] == 404
    assert ann.api("PATCH", f"/account/app-transfers/{shop}", {"state": "accepted"})[0] == 403
    assert ben.api("DELETE", f"/account/app-transfers/{shop}")[0] == 403
    assert ben.api("PATCH", f"/account/app-transfers/{shop}", {"state": "maybe"})[0] == 422
    assert ann.api("POST", "/account/app-transfers", {"app": shop, "recipient": eve.email})[0] == 409
    platform.cli("transfers:decline", shop, env=as_of(ben))
    assert owner(platform, shop) == ann.email
    assert ben.api("PATCH", f"/account/app-transfers/{shop}", {"state": "accepted"})[0] == 409

    assert ann.api("POST", "/account/app-transfers", {"app": shop, "recipient": eve.email})[0] == 201
    platform.cli("transfers:cancel", shop, env=as_of(ann))
    assert eve.api("PATCH", f"/account/app-transfers/{shop}", {"state": "accepted"})[0] == 404
    # A recipient who was a collaborator is none afterwards, but the owner.
    platform.api("POST", f"/apps/{shop}/collaborators", {"user": ben.email, "permissions": ["view"]})
    assert ann.api("POST", "/account/app-transfers", {"app": shop, "recipient": ben.email})[0] == 201
    platform.cli("transfers:accept", shop, env=as_of(ben))
    assert owner(platform, shop) == ben.email and permissions(platform, shop, ann.email) == ["deploy", "operate", "view"]
    rows = platform.api("GET", f"/apps/{shop}/collaborators")[1]
    assert [c["role"] for c in rows if c["user"]["email"] == ben.email] == ["owner"]
    assert ann.api("POST", "/account/app-transfers", {"app": shop, "recipient": eve.email})[0] == 403
    assert ben.api("POST", "/account/app-transfers", {"app": shop, "recipient": ben.email})[0] == 422


def test_features_and_what_there_is_none_of(platform, shop):
    schema = api_schema.Schema()

    def ask(method, path, body=None):
        status, answer = platform.api(method, path, body)
        e = types.SimpleNamespace(method=method, path=path, status=status, whole=True, answer=answer, answer_headers={})
        assert not schema.faults(e), (method, path, answer, schema.faults(e))
        return status, answer

    assert [(f["name"], f["enabled"]) for f in ask("GET", f"/apps/{shop}/features")[1]] == [("preboot", True), ("runtime-dyno-metadata", True)]
    preboot = ask("GET", f"/apps/{shop}/features/preboot")[1]
    assert ask("GET", f"/apps/{shop}/features/{preboot['id']}")[1] == preboot
    assert ask("PATCH", f"/apps/{shop}/features/preboot", {"enabled": True}) == (200, preboot)
    status, e = ask("PATCH", f"/apps/{shop}/features/preboot", {"enabled": False})
    assert status == 422 and "can't be turned off" in e["message"]
    for path in ("/account/features", "/account/invoices", "/teams", "/spaces", "/enterprise-accounts"):
        assert ask("GET", path) == (200, [])
    for path in (f"/apps/{shop}/features/x", "/account/features/x", "/teams/x", "/spaces/x", f"/enterprise-accounts/{NOBODYS}"):
        assert ask("GET", path)[0] == 404


def test_with_the_heroku_cli(heroku, shop, people):
    platform, ann = heroku.platform, people[0]
    assert "preboot" in heroku("features", app=shop).out
    assert "preboot" in heroku("features:info", "preboot", app=shop).out
    assert heroku("features:disable", "preboot", app=shop, code=None).code != 0
    heroku("apps:transfer", ann.email, app=shop)
    assert owner(platform, shop) == ann.email
