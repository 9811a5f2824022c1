# SPDX-License-Identifier: Apache-2.0
"""Go: a module with a real dependency; no Procfile; what is said when it does not build."""
import re

import pytest

from conftest import wait_for
from test_build import archive, said, slugs, upload


@pytest.fixture(scope="module")
def greeter(platform, tmp_path_factory):
    where = platform.repo(tmp_path_factory.mktemp("lang-go"), "go")
    platform.create("lang-go", where)
    pushed = platform.push(where)
    yield where, pushed
    platform.cli("destroy", "-a", "lang-go", "--confirm", "lang-go", check=False)


def test_it_answers_and_is_pushed_again(platform, greeter):
    where, pushed = greeter
    assert "-----> Go app, by the buildpack go" in pushed.err and '"go" in go.mod asks for 1.22' in pushed.err
    assert re.search(r"Using Go 1\.22\.\d+", pushed.err) and "Programs in bin: greeter" in pushed.err
    assert "Default types of the buildpack -> web" in pushed.err
    status, text = platform.get("lang-go")
    assert status == 200 and re.match(r"<p>Hello  from go1\.22\.\d+, limited: true</p>", text), text
    (where / "templates/page.html").write_text("<p>Servus {{.Greeting}}</p>\n")
    platform.commit(where, "another page")
    again = platform.push(where)
    assert "Downloading Go" not in again.err and "is up" in again.err
    assert platform.get("lang-go")[1] == "<p>Servus </p>\n"
    platform.cli("config:set", "GREETING=Ada", "-a", "lang-go")
    assert platform.get("lang-go")[1] == "<p>Servus Ada</p>\n"
    platform.cli("rollback", "v2", "-a", "lang-go")
    assert "from go1.22" in platform.get("lang-go")[1]
    # Programs are found by their names alone, as on Heroku; Go is no part of the slug.
    r = platform.cli("run", "-a", "lang-go", "--", "sh", "-c", "command -v greeter; command -v go; echo $GOMEMLIMIT; ls /app")
    assert r.out.split() == ["/app/bin/greeter", "460MiB", "bin", "go.mod", "go.sum", "main.go", "templates"], r


def test_the_same_source_is_the_same_slug(platform, greeter, tmp_path):
    where, _ = greeter
    before = slugs(platform, "lang-go")
    entries = [(f, (where / f).read_bytes()) for f in ("go.mod", "go.sum", "main.go", "templates/page.html")]
    url = upload(platform, archive(tmp_path / "s.tgz", *entries))
    status, build = platform.api("POST", "/apps/lang-go/builds", {"source_blob": {"url": url}, "no_cache": True})
    assert status == 201, build
    wait_for(lambda: platform.api("GET", f"/apps/lang-go/builds/{build['id']}")[1]["status"] != "pending", "the build to end", 900)
    assert slugs(platform, "lang-go")[0] == before[0], "built without any cache"


def test_what_does_not_build_is_named(platform, greeter, tmp_path):
    where, _ = greeter

    def fails(*entries):
        r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", *entries), "-a", "lang-go", check=False)
        assert r.code != 0
        return said(r)

    mod, go_sum, main = ((f, (where / f).read_bytes()) for f in ("go.mod", "go.sum", "main.go"))
    assert "The app does not compile: main.go:3:15: undefined: oops" in fails(mod, go_sum, ("main.go", b"package main\n\nfunc main() { oops() }\n"))
    assert 'go.mod does not have the module of example.com/nowhere, which the app imports: run "go mod tidy"' in fails(mod, go_sum, ("main.go", b'package main\n\nimport _ "example.com/nowhere"\n\nfunc main() {}\n'))
    assert "what //go:embed names is not in what was pushed" in fails(mod, go_sum, ("main.go", b'package main\n\nimport _ "embed"\n\n//go:embed dist/index.html\nvar page string\n\nfunc main() { _ = page }\n'))
    assert 'vendor/modules.txt does not match go.mod: run "go mod vendor"' in fails(mod, go_sum, main, ("vendor/modules.txt", b""))
