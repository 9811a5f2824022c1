# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI and git over HTTPS against a real twelved: from an empty directory to an app that runs, and one-off dynos."""
import subprocess

import pytest

from conftest import wait_for


@pytest.fixture(scope="module")
def pushed(heroku, tmp_path_factory):
    """(the app's name, its repository), made as a user of Heroku makes it: create, push."""
    platform = heroku.platform
    where = platform.repo(tmp_path_factory.mktemp("pushed"))
    r = heroku("create", "heroku-pushed", cwd=where)
    assert platform.git(where, "remote", "get-url", "heroku").out.strip() == f"https://localhost:{platform.api_port}/heroku-pushed.git"
    r = git(heroku, where, "push", "heroku", "main")
    assert "deployed" in r.err.lower() or "done" in r.err.lower(), r
    yield "heroku-pushed", where
    platform.cli("destroy", "-a", "heroku-pushed", "--confirm", "heroku-pushed", check=False)


def git(heroku, where, *args, code=0):
    """git as the heroku CLI has set it up: its credential helper asks the CLI for the token."""
    p = heroku.popen("git", *args, cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.out, p.err = p.communicate(timeout=300)
    heroku.looked_at(f"git {args}")
    assert p.returncode == code, (args, p.out, p.err)
    return p


def test_a_push(heroku, pushed):
    platform = heroku.platform
    app, where = pushed
    assert platform.get(app)[1].startswith("Hello web.1")
    release = platform.releases(app)[0]
    head = platform.git(where, "rev-parse", "HEAD").out.strip()
    assert release["twelve"]["commit"] == head and release["description"] == f"Deploy {head[:8]}", release
    # In the repository no -a is needed: the app is read from the remote.
    assert f"=== {app}" in heroku("apps:info", cwd=where).out
    assert "web.1: up" in heroku("ps", cwd=where).out


def test_remote_and_clone(heroku, pushed, tmp_path):
    platform = heroku.platform
    app, where = pushed
    heroku("git:clone", str(tmp_path / "copy"), app=app, cwd=tmp_path)
    assert platform.git(tmp_path / "copy", "rev-parse", "HEAD").out == platform.git(where, "rev-parse", "HEAD").out
    platform.git(where, "remote", "remove", "heroku")
    heroku("git:remote", app=app, cwd=where)
    assert git(heroku, where, "ls-remote", "heroku", "main").out.split()[0] == platform.git(where, "rev-parse", "HEAD").out.strip()


def test_a_wrong_token_can_not_push(heroku, pushed):
    app, where = pushed
    p = heroku.popen("git", "ls-remote", "heroku", cwd=where, env={"HEROKU_API_KEY": "tw-wrong"}, stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate(timeout=180)
    heroku.looked_at("git ls-remote")
    assert p.returncode != 0 and out == "", err


def test_run_with_what_can_be_said(heroku, pushed):
    """The session itself has tests/e2e/test_heroku_run.py."""
    app, _ = pushed
    r = heroku("run", "-x", "--no-tty", "-s", "standard-2x", "--type", "worker", "-e", "X=1;Y=2", "--", "sh", "-c", "echo $X$Y; exit 3", app=app, input="", code=3)
    assert r.out == "12\n", r
    wait_for(lambda: [d["type"] for d in heroku.platform.dynos(app)] == ["web"], "its end")
