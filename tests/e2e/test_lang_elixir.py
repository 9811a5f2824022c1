# SPDX-License-Identifier: Apache-2.0
"""Elixir: a release with a dependency that comes along (hex.pm is not reached from everywhere); no Procfile; what is said otherwise."""
import pytest

from conftest import wait_for
from test_build import archive, said, slugs, upload


@pytest.fixture(scope="module")
def greeter(platform, tmp_path_factory):
    where = platform.repo(tmp_path_factory.mktemp("lang-elixir"), "elixir")
    platform.create("lang-elixir", where)
    pushed = platform.push(where)
    yield where, pushed
    platform.cli("destroy", "-a", "lang-elixir", "--confirm", "lang-elixir", check=False)


def test_it_answers_and_is_pushed_again(platform, greeter):
    where, pushed = greeter
    assert "-----> Elixir app, by the buildpack elixir" in pushed.err and "Using Elixir 1." in pushed.err and "Making the release greeter" in pushed.err
    assert platform.get("lang-elixir") == (200, "Hello")
    # All files of a push have one date, by which mix goes: what changed is compiled, of a dependency in a folder as well.
    greeting = where / "vendor/greeting/lib/greeting.ex"
    greeting.write_text(greeting.read_text().replace("Hello", "Howdy"))
    platform.commit(where, "the same length")
    platform.push(where)
    platform.cli("config:set", "GREETING=Ada", "-a", "lang-elixir")
    assert platform.get("lang-elixir")[1] == "Howdy Ada"
    platform.cli("ps:scale", "web=2", "-a", "lang-elixir")
    wait_for(lambda: len(platform.up("lang-elixir")) == 2, "two dynos, which share a host and so its node names")
    platform.cli("rollback", "v2", "-a", "lang-elixir")
    assert platform.get("lang-elixir")[1] == "Hello"
    r = platform.cli("run", "-a", "lang-elixir", "--", "sh", "-c", "PORT=1 _build/prod/rel/greeter/bin/greeter eval 'IO.puts(Greeting.to(\"you\"))'; cat _build/prod/rel/greeter/releases/COOKIE | wc -c")
    assert r.out.split() == ["Hello", "you", "0"], r


def test_the_same_source_is_the_same_slug(platform, greeter, tmp_path):
    where, _ = greeter
    before = slugs(platform, "lang-elixir")
    files = ["mix.exs", "lib/greeter.ex", "config/runtime.exs", "vendor/greeting/mix.exs", "vendor/greeting/lib/greeting.ex"]
    url = upload(platform, archive(tmp_path / "s.tgz", *[(f, (where / f).read_bytes()) for f in files]))
    status, build = platform.api("POST", "/apps/lang-elixir/builds", {"source_blob": {"url": url}, "no_cache": True})
    assert status == 201, build
    wait_for(lambda: platform.api("GET", f"/apps/lang-elixir/builds/{build['id']}")[1]["status"] != "pending", "the build to end", 300)
    assert slugs(platform, "lang-elixir")[0] == before[0], "built without any cache"


def test_what_does_not_build_is_named(platform, greeter, tmp_path):
    where, _ = greeter

    def fails(**changed):
        files = {f: (where / f).read_bytes() for f in ("mix.exs", "lib/greeter.ex", "config/runtime.exs", "vendor/greeting/mix.exs", "vendor/greeting/lib/greeting.ex")}
        files |= {name.replace("__", "/").replace("_", "."): text for name, text in changed.items()}
        r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", *files.items()), "-a", "lang-elixir", check=False)
        assert r.code != 0
        return said(r)

    mix = (where / "mix.exs").read_bytes()
    assert "The app does not compile: lib/oops.ex:2" in fails(lib__oops_ex=b"defmodule Oops do\n  def oops, do: nothing_of_that_name\nend\n")
    assert "mix.exs:8 asks for Elixir ~> 1.99, and this stack has 1." in fails(mix_exs=mix.replace(b"~> 1.14", b"~> 1.99"))
    # Whether hex.pm is there or not, nobody has that name; and the answer comes soon.
    words = fails(mix_exs=mix.replace(b"deps: [", b'deps: [{:no_such_package_of_anybody, "~> 1.0"}, '))
    assert "hex.pm cannot be reached from the build: look at the proxy, certificate, HEX_MIRROR" in words or "no_such_package_of_anybody" in words.split("mix deps.get failed")[-1], words
