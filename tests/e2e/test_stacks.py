# SPDX-License-Identifier: Apache-2.0
"""The life of a stack: an app stays on its own until another one is set, and then the same commit is built anew on that."""
from conftest import wait_for


def stacks_of(p, name):
    app = p.api("GET", f"/apps/{name}")[1]
    return app["stack"]["name"], app["build_stack"]["name"]


def system(p, name):
    return p.cli("run", "-a", name, "--", "sh", "-c", ". /etc/os-release; echo $VERSION_ID").out.strip()


def test_an_app_moves_to_another_stack(heroku, tmp_path):
    p, name = heroku.platform, "moves"
    where = p.repo(tmp_path)
    p.cli("create", name, "--stack", "debian-12", cwd=where)
    # Nothing runs yet, so that there is nothing to build anew.
    assert p.cli("stack:set", "heroku-22", "-a", name).err == "The stack of moves is heroku-22.\n"
    assert stacks_of(p, name) == ("heroku-22", "heroku-22")
    p.push(where)
    first = p.releases(name)[0]
    assert system(p, name) == "12"
    assert "Everything up-to-date" in p.push(where).err

    said = heroku("stack:set", "debian-13", app=name)
    assert "You will need to redeploy" in said.out and stacks_of(p, name) == ("heroku-22", "debian-13")
    listed = heroku("stack", app=name).out
    assert "* heroku-22\n" in listed and "debian-13 (active on next deploy)" in listed
    assert "* heroku-22\n" in p.cli("stacks", "-a", name).out
    assert "heroku-22 (debian-13 on the next build)" in p.cli("info", "-a", name).out
    # It goes on as it is: a config change, a restart.
    p.cli("config:set", "A=1", "-a", name)
    assert p.releases(name)[0]["twelve"]["stack"] == first["twelve"]["stack"] and system(p, name) == "12"

    # No empty commit: the same one.
    wait_for(lambda: not p.git(where, "ls-remote", "--heads", "twelve").out, "the branch to be gone")
    told = p.push(where).err
    assert "Everything up-to-date" not in told and "web.1 is up" in told, told
    newest = p.releases(name)[0]
    assert newest["twelve"]["commit"] == first["twelve"]["commit"] and newest["twelve"]["stack"] != first["twelve"]["stack"]
    assert stacks_of(p, name) == ("debian-13", "debian-13") and system(p, name) == "13"
    assert "Everything up-to-date" in p.push(where).err

    # A rollback brings back the stack of its release; the app's next build is still for what was set.
    p.cli("rollback", f"v{first['version']}", "-a", name)
    assert system(p, name) == "12" and stacks_of(p, name) == ("heroku-22", "debian-13")
    p.cli("stack:set", "heroku-22", "-a", name)
    wait_for(lambda: "refs/heads/main" in p.git(where, "ls-remote", "--heads", "twelve").out, "the branch to name what runs")
    assert "Everything up-to-date" in p.push(where).err
    # Another name of the same stack: nothing to build.
    p.cli("stack:set", "debian-12", "-a", name)
    assert stacks_of(p, name) == ("debian-12", "debian-12") and "Everything up-to-date" in p.push(where).err


def test_the_list_needs_no_app(platform):
    assert "debian-13 (default)\n" in platform.cli("stacks").out
    r = platform.cli("stacks", "-a", "none-such", check=False)
    assert r.code == 1 and "none-such" in r.err
    r = platform.cli("stack:set", "debian-13", "-a", "none-such", check=False)
    assert r.code == 1 and "none-such" in r.err
