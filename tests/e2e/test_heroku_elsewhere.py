# SPDX-License-Identifier: Apache-2.0
"""
Commands of the heroku CLI whose endpoints this platform has not: each ends in one sentence that names what to use instead, asks
no host but ours, and has no stack trace. Those with an address of Heroku's built in are named by heroku-env's own text.
"""
import json
import re

import pytest

# What is asked for (method, path), and words of the sentence.
PATHS = [
    ("GET", "/pipelines/x/test-runs", "twelve deploy"),
    ("POST", "/test-runs", "twelve deploy"),
    ("GET", "/pipelines/x/stage/test/config-vars", "twelve deploy"),
    ("POST", "/teams/apps", "twelve access:add"),
    ("PATCH", "/teams/apps/x", "twelve access:add"),
    ("GET", "/teams/x/members", "twelve access:add"),
    ("POST", "/spaces", "one machine"),
    ("GET", "/spaces/x/nat", "one machine"),
    ("GET", "/user/notifications", "twelve webhooks:add"),
    ("GET", "/favorites", "twelve apps"),
    ("POST", "/favorites", "twelve apps"),
    ("GET", "/apps/x/router-metrics/errors", "twelve logs"),
    ("GET", "/apps/x/formation/web/metrics/errors", "twelve logs"),
    ("GET", "/apps/x/telemetry-drains", "twelve drains:add"),
    ("POST", "/telemetry-drains", "twelve drains:add"),
    ("POST", "/oauth/clients", "twelve authorizations:create"),
    ("GET", "/buildpacks/heroku%2Fnodejs/revisions", "twelve buildpacks"),
    ("PUT", "/client/v11/databases/x/no-such-verb", "twelve addons:client"),
    ("POST", "/reports", "twelve addons:client"),
    ("PUT", "/account/mfa", "twelve users:update"),
]


@pytest.mark.parametrize("method,path,words", PATHS)
def test_an_endpoint_that_is_not_here_names_what_is(platform, method, path, words):
    status, answer = platform.api(method, path, {} if method != "GET" else None)
    assert status == 404 and answer["id"] == "not_found" and words in answer["message"], answer


def test_an_endpoint_of_nobody_is_named(platform):
    status, answer = platform.api("GET", "/no/such/endpoint")
    assert status == 404 and answer["message"] == "The requested API endpoint was not found: /no/such/endpoint"


# Each a command line, and words of what it says; none leaves the machine.
COMMANDS = [
    (("ci", "--pipeline", "PIPELINE"), "run them in a CI of yours"),
    (("ci:config", "--pipeline", "PIPELINE"), "run them in a CI of yours"),
    (("members", "--team", "x"), "there are no teams"),
    (("spaces:info", "x"), "no teams, spaces"),
    (("telemetry", "-a", "APP"), "There are no telemetry drains here"),
    (("clients:create", "x", "https://x.example"), "There are no OAuth clients here"),
    (("apps:lock", "-a", "APP"), "There are no teams here"),
    (("labs:enable", "log-runtime-metrics", "-a", "APP"), "log-runtime-metrics is not supported"),
]


@pytest.mark.parametrize("argv,words", COMMANDS, ids=lambda v: v[0] if isinstance(v, tuple) else None)
def test_a_command_says_what_to_use_instead(heroku, alpha, argv, words):
    platform = heroku.platform
    platform.api("POST", "/pipelines", {"name": "elsewhere-pipe"})
    argv = [{"APP": alpha, "PIPELINE": "elsewhere-pipe"}.get(a, a) for a in argv]
    r = heroku(*argv, code=None)
    said = " ".join((r.out + r.err).replace("▸", " ").replace("›", " ").split())
    assert r.code != 0 and words in said and "at process" not in said, r


def test_buildpacks_can_be_searched(heroku):
    r = heroku("buildpacks:search", "python")
    assert "heroku/python" in r.out and "nodejs" not in r.out
    r = heroku("buildpacks:search", "--namespace", "heroku")
    assert all(f"heroku/{name}" in r.out for name in ("python", "nodejs", "c", "plain"))


def test_addresses_that_the_command_has_built_in_are_named(heroku):
    """Read from its own code: what asks a host of Heroku's by name stands in heroku-env's help."""
    text = heroku.platform.cli("heroku-env", "--help").out
    told = " ".join(text.split())
    dist = heroku.where / "node_modules/heroku/dist"
    found = set()
    for path in [*dist.glob("commands/**/*.js"), *dist.glob("lib/**/*.js")]:
        code = path.read_text()
        found |= set(re.findall(r"hostname: '([a-z.]+\.(?:com|io))'", code)) | set(re.findall(r"_URL = 'https://([a-z.]+)'", code))
    found |= set(re.findall(r"https://([a-z.]+)/v1", (dist / "commands/status.js").read_text()))
    found -= {"status-api-stg.test.edgekey.net"}
    assert {"kolkrabbi.heroku.com", "telex.heroku.com", "api.metrics.herokai.com", "particleboard.heroku.com", "api.status.salesforce.com"} <= found
    assert not [host for host in found if host not in told], found
    assert "to nobody else" not in text


def test_each_variable_that_names_a_host_is_set(heroku):
    made = json.loads(heroku.platform.cli("heroku-env", "--json").out)
    dist = heroku.where / "node_modules"
    found = set()
    for folder in ("heroku/dist", "@heroku-cli/command/lib", "@heroku/heroku-cli-util/dist"):
        for path in (dist / folder).glob("**/*.js"):
            found |= set(re.findall(r"process\.env\.([A-Z_]*(?:HOST|_URL))\b", path.read_text()))
    # Of the data services HEROKU_DATA_HOST stands before the two, and a login by SSO is asked of Heroku's customers alone.
    without = {"HEROKU_REDIS_HOST", "HEROKU_POSTGRESQL_HOST", "SSO_URL"}
    assert {"HEROKU_HOST", "HEROKU_CI_WEBSOCKET_URL"} <= found
    assert found - set(made) <= without, found - set(made)
