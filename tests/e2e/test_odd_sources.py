# SPDX-License-Identifier: Apache-2.0
"""Sources that lack something, or have something that is read elsewhere: one sentence, with the file and what to do."""
import pytest

from test_build import archive, said


@pytest.fixture(scope="module")
def odd(platform):
    """deploy(tmp_path, *entries) of one app for all."""
    platform.cli("create", "odd-sources")

    def deploy(tmp_path, *entries, check=None):
        r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", *entries), "-a", "odd-sources", check=check is True)
        assert check is not False or r.code != 0, r
        return said(r)

    yield platform, "odd-sources", deploy
    platform.cli("destroy", "-a", "odd-sources", "--confirm", "odd-sources", check=False)


@pytest.mark.parametrize("entries,words", [
    # The app is below.
    ([("README", b""), ("backend/requirements.txt", b""), ("frontend/package.json", b"{}")],
     ['requirements.txt is in backend/ and package.json is in frontend/: "twelve config:set TWELVE_BUILD_DIR=backend"', "git subtree push --prefix backend twelve main"]),
    ([("README", b""), ("services/shop/go.mod", b"module x\n"), ("node_modules/x/package.json", b"{}")], ["go.mod is in services/shop/", "TWELVE_BUILD_DIR=services/shop"]),
    ([("package.json", b'{"devDependencies": {"husky": "9"}}'), ("server/package.json", b'{"scripts": {"start": "node ."}}')],
     ["There is nothing to run", "package.json is in server/", "TWELVE_BUILD_DIR=server"]),
    # The file that names its packages is not there.
    ([("app.ex", b"")], ["app.ex is there: add a mix.exs (mix new)"]),
    ([("index.js", b"")], ["index.js is there: add a package.json (npm init)"]),
    ([("main.go", b"package main\n")], ["main.go is there: add a go.mod"]),
    # A start command stands elsewhere.
    ([("requirements.txt", b""), ("Dockerfile", b"FROM python\nCMD true\nCMD [\"gunicorn\", \"app:app\"]\n")],
     ["There is nothing to run", '(Dockerfile:3 has the command "gunicorn app:app": with "web: " before it that is a line of a Procfile)']),
    ([("requirements.txt", b""), ("render.yaml", b"services:\n  - type: web\n    startCommand: gunicorn app:app\n")], ['render.yaml:3 has the command "gunicorn app:app"']),
    ([("requirements.txt", b""), ("railway.json", b'{"deploy": {\n"startCommand": "python app.py"}}\n')], ['railway.json:2 has the command "python app.py']),
    ([("requirements.txt", b""), ("fly.toml", b"[processes]\n")], ["fly.toml is not read here"]),
    # Languages without a buildpack.
    ([("shop.csproj", b"<Project/>")], ["shop.csproj makes this a .NET app"]),
    ([("deps.edn", b"{}")], ["deps.edn makes this a Clojure app"]),
    ([("shard.yml", b""), ("Procfile", b"web: bin/x\n")], ["shard.yml makes this a Crystal app"]),
    ([("requirements.txt", b""), ("project.clj", b"()")], ["There is nothing to run", "project.clj is there, too: for Clojure the platform has no buildpack"]),
])
def test_what_is_missing_is_named(odd, tmp_path, entries, words):
    text = odd[2](tmp_path, *entries, check=False)
    for w in words:
        assert w in text, text


def test_the_wrong_buildpack(odd, tmp_path):
    platform, name, deploy = odd
    platform.cli("buildpacks:set", "python", "-a", name)
    text = deploy(tmp_path, ("package.json", b"{}"), check=False)
    platform.cli("buildpacks:clear", "-a", name)
    assert 'The buildpack python does not recognise this app: its bin/detect gave no reason; "twelve buildpacks:set nodejs" sets the right one' in text


HEROKU_YML = b"""setup:
  addons:
    - plan: heroku-postgresql
build:
  docker:
    web: Dockerfile
run:
  tick: sleep 1000
  worker:
    command:
      - sleep 2000
    image: web
"""


def test_the_processes_of_a_heroku_yml(odd, tmp_path):
    platform, name, deploy = odd
    text = deploy(tmp_path, ("heroku.yml", HEROKU_YML), check=True)
    assert "heroku.yml declares types (there is no Procfile) -> tick, worker" in text
    assert 'heroku.yml: its "run" names the processes' in text and 'its "setup" goes into app.json' in text
    assert {f["type"]: f["command"] for f in platform.api("GET", f"/apps/{name}/formation")[1]} == {"tick": "sleep 1000", "worker": "sleep 2000"}
    # A Procfile goes before it; what can't be read is no reason to refuse.
    text = deploy(tmp_path, ("heroku.yml", b"run:\n  web: *x\n"), ("Procfile", b"worker: sleep 1000\n"), check=True)
    assert "heroku.yml is there and not used: the Procfile goes before it" in text
    text = deploy(tmp_path, ("heroku.yml", b"run:\n  web: *x\n"), check=False)
    assert "heroku.yml:2: expected a command" in text and 'its "run" is not used' in text


def test_scripts_that_can_not_run(odd, tmp_path):
    text = odd[2](tmp_path, ("Procfile", b"worker: ./start.sh\nclock: sh tick.sh && bin/none\nplain: ./text\nother: cd x && ./start.sh\n"), ("start.sh", b"#!/bin/sh\r\nsleep 1\r\n"),
                  ("tick.sh", b"#!/bin/sh\r\n"), ("text", b"echo\n"), check=True)
    assert 'worker starts ./start.sh, which has Windows line endings (CRLF)' in text and '"start.sh text eol=lf" to .gitattributes' in text
    assert "clock starts tick.sh, which has Windows line endings" in text and "clock starts bin/none, which is not there" in text
    assert 'plain starts ./text, which is not executable: "git update-index --chmod=+x text"' in text
    assert "other starts" not in text
