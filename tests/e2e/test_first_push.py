# SPDX-License-Identifier: Apache-2.0
"""The first push of an app that can't be deployed: one sentence that is true and says what to do."""
import re

import pytest


def write(where, files):
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)


@pytest.fixture
def fresh(platform, tmp_path):
    """refused(files): what git says of a first push of these files alone."""
    where, name = tmp_path / "repo", "first-push"
    where.mkdir()
    platform.create(name, where)
    platform.git(where, "init", "-q", "-b", "main")
    platform.cli("git:remote", "-a", name, cwd=where)

    def push(files):
        for old in where.iterdir():
            if old.name != ".git":
                old.unlink()
        write(where, files)
        platform.commit(where, "try")
        r = platform.push(where, check=False)
        return r.code, "".join(line.removeprefix("remote: ").rstrip() + "\n" for line in r.err.splitlines())

    yield platform, name, push
    platform.cli("destroy", "-a", name, "--confirm", name)


SWIFT = "Package.swift makes this a Swift app, for which the platform has no buildpack: set one by its git URL"


@pytest.mark.parametrize("files,words", [
    ({"Package.swift": "", "Procfile": "web: .build/release/app\n"}, SWIFT),
    ({"Package.swift": ""}, SWIFT),
    ({"Gemfile": 'ruby "2.7.8"\n', "config.ru": ""}, "Gemfile:1 asks for Ruby 2.7.8, and this stack (Debian 1"),
    ({"Gemfile": ""}, 'There is nothing to run: add a file named Procfile with a line such as "web: bundle exec puma -p $PORT", or a config.ru'),
    ({"Gopkg.lock": "", "Procfile": "web: bin/x\n"}, 'Gopkg.lock is of dep, which nobody maintains'),
    ({"composer.json": '{"require": {\n"php": "~7.1.0"}}', "index.php": ""}, "composer.json:2: The app asks for PHP ~7.1.0"),
    ({"static.json": '{\n"root": 1}', "index.html": ""}, "static.json:2: root is a text in double quotes"),
    ({"Dockerfile": "FROM scratch\n"}, "Dockerfile: images are not built here: add a Procfile"),
    ({"requirements.txt": ""}, 'add a file named Procfile with a line such as "web: gunicorn app:app"'),
    ({"package.json": "{}"}, 'add a "start" script to package.json, or a file named Procfile with a line such as "web: node index.js"'),
    ({"environment.yml": "", "Procfile": "web: x\n"}, "environment.yml is conda's, which is not run here: write the packages"),
], ids=lambda v: "+".join(v) if isinstance(v, dict) else None)
def test_what_cannot_be_built_is_one_sentence_before_a_stack_is_made(fresh, files, words):
    platform, name, push = fresh
    code, said = push(files)
    assert code != 0 and said.count(words) == 2, said
    assert "Push rejected: " in said and "goes on" not in said and "run stack" not in said and "above say why" not in said, said
    assert platform.cli("ps", "-a", name).err == f"Nothing is deployed to {name} yet: git push twelve main\n"


def test_a_language_that_comes_by_other_ways_is_let_through(fresh):
    platform, name, push = fresh
    perl = {"Package.swift": "", "Procfile": "worker: perl -e 'sleep'\n"}
    assert "Package.swift" in push(perl)[1]
    assert push(perl | {"Aptfile": ""})[0] == 0
    platform.cli("buildpacks:set", "plain", "-a", name)
    assert push(perl)[0] == 0


def test_a_first_deployment_that_fails_says_nothing_of_what_ran(fresh):
    platform, name, push = fresh
    code, said = push({"Procfile": "web: echo cannot find the frobnicator; exit 3\n"})
    assert code != 0 and "v2 failed: web.1 exited with status 3" in said and "still running" not in said, said
    assert platform.cli("ps", "-a", name).err == f"Nothing is deployed to {name} yet: git push twelve main\n"
    # With something that runs it is said.
    assert push({"Procfile": "worker: perl -e 'sleep'\n"})[0] == 0
    said = push({"Procfile": "web: exit 3\n"})[1]
    assert re.search(r"v4 failed: web\.1 exited with status 3 [^\n]*\. v3 is still running\.", said), said
