# SPDX-License-Identifier: Apache-2.0
"""
What is listed can be got, by every name that Heroku's published schema has for it: its id and, as the case may be, its name, type,
version, address, token ...; and what an app was declared with is what is found.
"""
import subprocess
import urllib.parse

import pytest

import api_schema
from conftest import wait_for
from test_build import archive

PROCFILE = ("Procfile", b"web: perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 9, ReuseAddr => 1); while (accept($c, $s)) { print $c qq{HTTP/1.0 204 No Content\\r\\n\\r\\n}; close $c }'\nworker: sleep 1000\n")
NAME = "identities"
# (resource of the schema, where they are listed, where one is).
LISTED = [
    ("app", "/apps", "/apps/{}"),
    ("add-on", "/addons", "/addons/{}"),
    ("add-on", f"/apps/{NAME}/addons", f"/apps/{NAME}/addons/{{}}"),
    ("add-on-attachment", "/addon-attachments", "/addon-attachments/{}"),
    ("add-on-attachment", f"/apps/{NAME}/addon-attachments", f"/apps/{NAME}/addon-attachments/{{}}"),
    ("add-on-service", "/addon-services", "/addon-services/{}"),
    ("plan", "/addon-services/redis/plans", "/addon-services/redis/plans/{}"),
    ("app-feature", f"/apps/{NAME}/features", f"/apps/{NAME}/features/{{}}"),
    ("app-webhook", f"/apps/{NAME}/webhooks", f"/apps/{NAME}/webhooks/{{}}"),
    ("build", f"/apps/{NAME}/builds", f"/apps/{NAME}/builds/{{}}"),
    ("collaborator", f"/apps/{NAME}/collaborators", f"/apps/{NAME}/collaborators/{{}}"),
    ("domain", f"/apps/{NAME}/domains", f"/apps/{NAME}/domains/{{}}"),
    ("dyno", f"/apps/{NAME}/dynos", f"/apps/{NAME}/dynos/{{}}"),
    ("dyno-size", "/dyno-sizes", "/dyno-sizes/{}"),
    ("formation", f"/apps/{NAME}/formation", f"/apps/{NAME}/formation/{{}}"),
    ("key", "/account/keys", "/account/keys/{}"),
    ("log-drain", f"/apps/{NAME}/log-drains", f"/apps/{NAME}/log-drains/{{}}"),
    ("oauth-authorization", "/oauth/authorizations", "/oauth/authorizations/{}"),
    ("pipeline", "/pipelines", "/pipelines/{}"),
    ("pipeline-coupling", "/pipeline-couplings", "/pipeline-couplings/{}"),
    ("region", "/regions", "/regions/{}"),
    ("release", f"/apps/{NAME}/releases", f"/apps/{NAME}/releases/{{}}"),
    ("sni-endpoint", f"/apps/{NAME}/sni-endpoints", f"/apps/{NAME}/sni-endpoints/{{}}"),
    ("stack", "/stacks", "/stacks/{}"),
]
# Where a name of the schema is in an answer, when it is not a member of its own.
NESTED = {("collaborator", "email"): ("user", "email")}


@pytest.fixture(scope="module")
def made(platform, tmp_path_factory):
    """An app with one of each."""
    where = tmp_path_factory.mktemp("identities")
    platform.cli("create", NAME)

    def post(path, body):
        status, answer = platform.api("POST", path, body)
        assert status < 300, (path, answer)
        return answer

    post(f"/apps/{NAME}/domains", {"hostname": "www.identities.example"})
    post(f"/apps/{NAME}/log-drains", {"url": "https://127.0.0.1:1/drain?a=b"})
    post(f"/apps/{NAME}/webhooks", {"include": ["api:release"], "level": "notify", "url": "https://127.0.0.1:1/"})
    post(f"/apps/{NAME}/addons", {"plan": "redis:mini"})
    post("/oauth/authorizations", {"description": "one of them"})
    pipeline = post("/pipelines", {"name": "identities-pipe"})
    post("/pipeline-couplings", {"app": NAME, "pipeline": pipeline["id"], "stage": "staging"})
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", where / "key"], check=True)
    post("/account/keys", {"public_key": (where / "key.pub").read_text()})
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", where / "k.pem", "-out", where / "c.pem", "-days", "2",
                    "-subj", "/CN=www.identities.example", "-addext", "subjectAltName=DNS:www.identities.example"], check=True, capture_output=True)
    post(f"/apps/{NAME}/sni-endpoints", {"certificate_chain": (where / "c.pem").read_text(), "private_key": (where / "k.pem").read_text()})
    platform.cli("deploy", "--source", archive(where / "s.tgz", PROCFILE), "-a", NAME)
    wait_for(lambda: platform.up(NAME), "the web dyno")
    wait_for(lambda: platform.api("GET", "/addon-attachments")[1], "the add-on", 300)
    # What the add-on's release replaces has the same name for a while.
    wait_for(lambda: len(platform.api("GET", f"/apps/{NAME}/dynos")[1]) == 1 and platform.up(NAME), "one dyno")
    yield NAME
    platform.cli("pipelines:destroy", "identities-pipe")
    platform.cli("destroy", "-a", NAME, "--confirm", NAME)


def identities(resource):
    """Names of members by which one is known."""
    schema = api_schema.shared().root["definitions"][resource]["definitions"]
    found = set()
    for kind in ("identity", "scopedIdentity"):
        identity = schema.get(kind, {})
        for one in identity.get("anyOf", identity.get("oneOf", [identity] if "$ref" in identity else [])):
            found.add(one["$ref"].split("/")[-1])
    return found


@pytest.mark.parametrize("resource,listed,single", LISTED, ids=[row[0] + row[1].replace("/", "-") for row in LISTED])
def test_each_is_got_by_each_of_its_names(platform, made, resource, listed, single):
    status, items = platform.api("GET", listed)
    assert status == 200 and items, listed
    names = identities(resource) | {"id"}
    for item in items:
        for name in sorted(names):
            value = item
            for member in NESTED.get((resource, name), (name,)):
                value = value.get(member) if isinstance(value, dict) else None
            if value is None:
                continue
            status, got = platform.api("GET", single.format(urllib.parse.quote(str(value), safe="")))
            assert status == 200, f"{resource} by its {name} {value}: {got}"
            assert got["id"] == item["id"], f"{resource} by its {name} {value}"


def test_the_id_of_a_formation_outlives_its_first_scaling(platform, made):
    before = {row["type"]: row["id"] for row in platform.api("GET", f"/apps/{made}/formation")[1]}
    status, one = platform.api("PATCH", f"/apps/{made}/formation/{before['worker']}", {"quantity": 1})
    assert status == 200 and one["type"] == "worker" and one["id"] == before["worker"]
    status, both = platform.api("PATCH", f"/apps/{made}/formation", {"updates": [{"id": before["web"], "quantity": 1}, {"type": "worker", "quantity": 0}]})
    assert status == 200 and {row["type"]: row["id"] for row in both} == before
    for kind, identity in before.items():
        status, got = platform.api("GET", f"/apps/{made}/formation/{identity}")
        assert status == 200 and got["type"] == kind


@pytest.mark.parametrize("stack", ["debian-12", "heroku-22", "heroku-24"])
@pytest.mark.parametrize("region", ["us", "eu"])
def test_an_app_is_found_as_it_was_declared(platform, tmp_path, stack, region):
    name = f"declared-{region}-{stack}"
    status, app = platform.api("POST", "/apps", {"name": name, "stack": stack, "region": region})
    for _ in range(2):
        assert (app["stack"]["name"], app["build_stack"]["name"], app["region"]["name"]) == (stack, stack, region)
        app = platform.api("GET", f"/apps/{name}")[1]
    # The ids are those of the lists.
    assert app["stack"]["id"] in [s["id"] for s in platform.api("GET", "/stacks")[1] if s["name"] == stack]
    assert app["region"]["id"] in [s["id"] for s in platform.api("GET", "/regions")[1] if s["name"] == region]
    # It builds and runs, and another name is a change that is kept.
    platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", ("Procfile", b"worker: sleep 1000\n")), "-a", name)
    assert platform.api("GET", f"/apps/{name}/builds")[1][0]["stack"] == stack
    other = platform.api("GET", "/stacks/heroku-26")[1]["id"]
    # What runs is on its old stack until the next build, unless both names stand for one; Terraform's provider reads build_stack.
    same = platform.api("PATCH", f"/apps/{name}", {"build_stack": other})[1]
    assert (same["build_stack"]["name"], same["stack"]["name"]) == ("heroku-26", "heroku-26" if stack == "heroku-24" else stack)
    assert platform.api("GET", f"/apps/{name}")[1]["build_stack"]["name"] == "heroku-26"
    platform.cli("destroy", "-a", name, "--confirm", name)


@pytest.mark.parametrize("body,words", [
    ({"stack": "heroku-99"}, 'There is no stack "heroku-99"'),
    ({"stack": "container"}, "it runs no images of containers"),
    ({"region": "virginia"}, 'There is no region "virginia"'),
])
def test_a_place_that_is_not_there(platform, body, words):
    status, answer = platform.api("POST", "/apps", body)
    assert status == 422 and words in answer["message"], answer


def test_what_is_made_up_says_why_it_stays(platform, made):
    """The owner among the collaborators and the app's own name among its domains are in no table."""
    host = platform.api("GET", f"/apps/{made}/domains")[1][0]["hostname"]
    owner = platform.api("GET", f"/apps/{made}/collaborators")[1][0]["user"]["email"]
    for method, path, body, words in (
            ("DELETE", f"domains/{host}", None, "the name that identities has from the platform"),
            ("PATCH", f"domains/{host}", {"sni_endpoint": None}, "the name that identities has from the platform"),
            ("DELETE", f"collaborators/{owner}", None, "is the owner of identities"),
            ("PATCH", f"collaborators/{owner}", {"permissions": ["view"]}, "is the owner of identities")):
        status, answer = platform.api(method, f"/apps/{made}/{path}", body)
        assert status == 422 and words in answer["message"], (method, path, answer)


def test_dynos_by_their_type(platform, made):
    platform.api("PATCH", f"/apps/{made}/formation/web", {"quantity": 2})
    wait_for(lambda: len(platform.up(made)) == 2, "two of them")

    def ids():
        return {d["name"]: d["id"] for d in platform.up(made)}

    for method, path in (("DELETE", "dynos/web"), ("POST", "dynos/web/actions/stop"), ("DELETE", "formations/web"), ("POST", "formations/web/actions/stop")):
        before = ids()
        status, answer = platform.api(method, f"/apps/{made}/{path}")
        assert status == 202, answer
        wait_for(lambda: len(ids()) == 2 and not set(ids().values()) & set(before.values()), f"others after {method} {path}")
    status, answer = platform.api("DELETE", f"/apps/{made}/dynos/clock")
    assert status == 404 and "identities has no dyno clock now" in answer["message"]
