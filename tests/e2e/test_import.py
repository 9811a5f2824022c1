# SPDX-License-Identifier: Apache-2.0
"""twelve import heroku: an app moves from one twelved to another, which speak the API that Heroku speaks."""
import re

import pytest

from test_access import tcp


@pytest.fixture
def two(own_platform):
    """Where the app is, where it is to go, and `twelve import heroku` there with a token for the first."""
    there, here = own_platform(), own_platform()
    token = there.cli("authorizations:create", "-d", "import").out.strip()
    url = f"http://localhost:{there.api_port}"

    def run(*args, check=True, **env):
        return here.cli("import", "heroku", "--from", url, *args, check=check, env={"HEROKU_API_KEY": token, **env})
    return there, here, run


def settle(there):
    """An app with all that is moved."""
    there.cli("users:add", "known@example.com")
    there.cli("users:add", "stranger@example.com")
    there.cli("create", "mover", "--no-remote")
    there.cli("config:set", "GREETING=hush-hush", "TOKEN=hush-hush", "-a", "mover", "--no-wait")
    there.cli("buildpacks:set", "plain", "-a", "mover")
    there.cli("drains:add", "https://me:hush-hush@drain.example.com/in", "-a", "mover")
    there.cli("domains:add", "mover.example.com", "-a", "mover")
    there.cli("access:add", "known@example.com", "-p", "deploy", "-a", "mover")
    there.cli("access:add", "stranger@example.com", "-a", "mover")
    there.cli("addons:create", "external", "--url", "https://x:hush-hush@search.example.com/", "--no-check", "--as", "SEARCH", "-a", "mover")


def config(platform):
    return platform.api("GET", "/apps/mover/config-vars")[1]


def test_an_app_moves(two, tmp_path):
    there, here, run = two
    settle(there)
    here.cli("users:add", "known@example.com")
    # What would be done, and nothing is.
    plan = run("mover", "--dry-run")
    assert "create mover" in plan.out and re.search("config +set GREETING, TOKEN", plan.out) and "Nothing was changed" in plan.err
    assert here.api("GET", "/apps/mover")[0] == 404
    done = run("mover")
    for line in (r"^    app +create mover$", r"^    buildpacks +plain$", r"^    config +set GREETING, TOKEN$", r"^    drain +d\.",
                 r"^    access +known@example.com$", r"^  ! access +stranger@example.com is no user here: twelve users:add",
                 r"^  ! domain +mover.example.com: twelve domains:add", r"^  ! add-on +SEARCH \(external\): twelve addons:create external",
                 r"^    config +of add-ons, left to those here: SEARCH_URL$"):
        assert re.search(line, done.out, re.M), (line, done)
    assert config(here) == {"GREETING": "hush-hush", "TOKEN": "hush-hush"}
    assert here.api("GET", "/apps/mover/log-drains")[1][0]["url"] == "https://me:hush-hush@drain.example.com/in"
    assert [b["buildpack"]["url"] for b in here.api("GET", "/apps/mover/buildpack-installations")[1]] == ["plain"]
    people = {c["user"]["email"]: [p["name"] for p in c["permissions"]] for c in here.api("GET", "/apps/mover/collaborators")[1]}
    assert people["known@example.com"] == ["view", "deploy"] and "stranger@example.com" not in people
    # No secret is shown, whatever is done.
    assert "hush-hush" not in plan.out + plan.err + done.out + done.err
    # A second run changes nothing; what has changed there since is brought.
    version = here.releases("mover")[0]["version"]
    again = run("mover")
    assert "mover is here already" in again.out and not re.search(r"^    (config +set|app +create|drain|buildpacks|access)", again.out, re.M)
    assert here.releases("mover")[0]["version"] == version
    there.cli("config:set", "MORE=hush-hush", "-a", "mover", "--no-wait")
    assert re.search("config +set MORE$", run("mover", "--domains").out, re.M)
    assert "mover.example.com" in here.cli("domains", "-a", "mover").out


def test_its_code_and_its_dynos(two, tmp_path):
    there, here, run = two
    where = there.repo(tmp_path)
    there.create("mover", where)
    there.push(where)
    there.cli("ps:scale", "web=2:standard-2x", "-a", "mover")
    assert re.search("^  ! code +in its repository", run("mover").out, re.M)
    here.git(where, "remote", "set-url", "twelve", here.api("GET", "/apps/mover")[1]["twelve"]["git_path"])
    here.push(where)
    assert re.search("^    dynos +web=2:standard-2x$", run("mover").out, re.M | re.I)
    web = here.api("GET", "/apps/mover/formation/web")[1]
    assert (web["quantity"], web["size"].lower()) == (2, "standard-2x")
    assert "dynos" not in run("mover").out
    assert re.search("^    dynos +web=0", run("mover", "--no-scale").out, re.M)


def test_a_step_that_fails_says_what_is_done_and_what_is_left(two):
    there, here, run = two
    there.cli("create", "mover", "--no-remote")
    there.cli("config:set", "A=hush-hush", "-a", "mover", "--no-wait")
    here.cli("users:add", "ada@example.com")
    here.cli("create", "mover", "--no-remote")
    token = here.cli("authorizations:create", "--user", "ada@example.com").out.strip()
    r = run("mover", check=False, TWELVE_HOST=f"http://localhost:{here.api_port}", TWELVE_API_KEY=token)
    assert r.code == 1 and "app of mover failed: You do not have access to the app mover." in r.err
    assert "Done: nothing. Left: app, buildpacks, add-ons, config, drains, domains, access, code, dynos." in r.err
    r = run("mover", "none-such", check=False)
    assert r.code == 1 and "app of none-such failed" in r.err and "set A" in r.out, "the others are done all the same"
    assert config(here) == {"A": "hush-hush"}


def test_all_of_ones_own(two):
    there, here, run = two
    for name in "mover", "other":
        there.cli("create", name, "--no-remote")
    run("--all")
    assert {a["name"] for a in here.api("GET", "/apps")[1]} == {"mover", "other"}
    assert "Which apps?" in run(check=False).err and "Which apps?" in run("mover", "--all", check=False).err


def test_tokens_go_where_they_belong(two, tmp_path):
    there, here, run = two
    assert "Invalid credentials" in run("mover", check=False, HEROKU_API_KEY="tw-" + "0" * 64).err
    r = here.cli("import", "heroku", "mover", check=False, env={"HEROKU_API_KEY": "tw-" + "0" * 64})
    assert r.code == 2 and "is a token of this platform, and was not sent to Heroku" in r.err
    r = here.cli("import", "heroku", "mover", check=False, env={"HEROKU_API_KEY": "", "HOME": str(tmp_path)})
    assert r.code == 2 and "There is no token for https://api.heroku.com" in r.err
    there.cli("create", "mover", "--no-remote")
    token = there.cli("authorizations:create").out.strip()
    (tmp_path / ".netrc").write_text(f"machine localhost:{there.api_port}\n  login x\n  password {token}\n")
    run("mover", HEROKU_API_KEY="", HOME=str(tmp_path), TWELVE_API_KEY="tw-not-for-there")
    assert here.api("GET", "/apps/mover")[0] == 200
    assert "not from" in here.cli("import", "dokku", "x", check=False).err
