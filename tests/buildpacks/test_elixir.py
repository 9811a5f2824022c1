# SPDX-License-Identifier: Apache-2.0
"""The buildpack for Elixir, as far as files decide: what starts, which version fits, what is refused."""
import subprocess

import pytest

from test_buildpacks import BUILDPACKS, run, tree


def mix(project="app: :shop", more=""):
    return f'defmodule Shop.MixProject do\n  use Mix.Project\n  # app: :other\n  def project do\n    [{project}]\n  end\n{more}end\n'


def web(name, environment="prod"):
    return f"---\ndefault_process_types:\n  web: _build/{environment}/rel/{name}/bin/{name} start\n"


RELEASES = [
    (mix(), web("shop")),
    (mix('app: :shop, releases: [\n      big_shop: [include_erts: true]\n    ]'), web("big_shop")),
    (mix("app: :shop, releases: releases()", "  defp releases do\n    [live: [cookie: \"x\"], other: []]\n  end\n"), web("live")),
    ("\ufeff" + mix("\n      app: :shop, # the shop's\n      version: \"0.1.0#1\"\n").replace("\n", "\r\n"), web("shop")),
    (mix('apps_path: "apps"'), "---\ndefault_process_types:\n  web: mix run --no-halt\n"),
    (mix('apps_path: "apps", releases: [all: [applications: [web: :permanent]]]'), web("all")),
]


@pytest.mark.parametrize("text,output", RELEASES)
def test_release(tmp_path, text, output):
    done = run("elixir", "release", tree(tmp_path, {"mix.exs": text}))
    assert (done.stdout, done.stderr) == (output, "")


def test_the_environment_is_a_config_var(tmp_path):
    tree(tmp_path, {"app/mix.exs": mix(), "env/MIX_ENV": "staging"})
    assert run("elixir", "release", tmp_path / "app", ENV_DIR=str(tmp_path / "env")).stdout == web("shop", "staging")


@pytest.mark.parametrize("have,want,fits", [
    ("1.18.3", "~> 1.14", True), ("1.18.3", "~> 1.18.1", True), ("1.18.3", "~> 1.17.0", False), ("1.18.3", "~> 1.19", False), ("1.18.3", "~> 2.0", False),
    ("1.14.0", "~> 1.15", False), ("1.14.0", ">= 1.10.0", True), ("1.14.0", "~> 1.15 or ~> 1.14", True), ("1.18.3", ">= 1.12.0 and < 1.18.0", False),
    ("1.18.3", ">= 1.12.0 and < 2.0.0", True), ("1.18.3", "1.18.3", True), ("1.18.3", "== 1.18.2", False), ("1.18.3", "~> 1.18-dev", True), ("1.18.3", "!= 1.18.3", False), ("1.18.3", "<= 1.18.3", True),
])
def test_requirements(have, want, fits):
    done = subprocess.run(["bash", "-c", f'source "{BUILDPACKS}/elixir/mix.sh"; satisfies "$1" "$2"', "-", have, want], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0 if fits else 1, "")


@pytest.mark.parametrize("files,sentence", [
    ({"mix.exs": mix('app: :shop, elixir: "~> 1.99"')}, 'mix.exs:5 asks for Elixir ~> 1.99, and this stack has 1.'),
    ({"mix.exs": mix(), "Procfile": "\nweb: MIX_ENV=dev mix phx.server\n"}, "Procfile:2 sets MIX_ENV to dev or test, for which nothing is built"),
])
def test_what_is_refused_by_the_files(tmp_path, files, sentence):
    done = run("elixir", "check", tree(tmp_path, files), "early")
    assert done.returncode == 1 and done.stdout.startswith(sentence) and len(done.stdout.splitlines()) == 1, done


@pytest.mark.parametrize("files", [{"mix.exs": mix('app: :shop, elixir: "~> 1.14"')}, {"mix.exs": mix('app: :shop, # elixir: "~> 1.99"\n')},
                                   {"mix.exs": mix(), "Procfile": "web: MIX_ENV=prod mix phx.server # not MIX_ENV=dev \n"}])
def test_what_is_not_refused(tmp_path, files):
    done = run("elixir", "check", tree(tmp_path, files), "early")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_assets_need_npm(tmp_path):
    tree(tmp_path, {"mix.exs": mix(), "assets/package.json": '{"dependencies": {"alpinejs": "3"}}'})
    assert "npm" in run("elixir", "packages", tmp_path, "build").stdout.split() and "npm" not in run("elixir", "packages", tmp_path, "run").stdout
    (tmp_path / "assets/package.json").write_text('{"dependencies": {}}')
    assert "npm" not in run("elixir", "packages", tmp_path, "build").stdout


def test_profile():
    script = f'. "{BUILDPACKS}/elixir/profile.sh"; env'

    def variables(**env):
        done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **env}, check=True)
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    first, second = variables(), variables()
    assert first["MIX_ENV"] == "prod" and first["PHX_SERVER"] == "true" and first["RELEASE_DISTRIBUTION"] == "none"
    assert len(first["RELEASE_COOKIE"]) == 32 and first["RELEASE_COOKIE"] != second["RELEASE_COOKIE"], "a secret of each dyno"
    mine = {"MIX_ENV": "staging", "PHX_SERVER": "false", "RELEASE_DISTRIBUTION": "name", "RELEASE_COOKIE": "ours", "LANG": "C"}
    assert mine.items() <= variables(**mine).items()
