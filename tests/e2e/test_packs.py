# SPDX-License-Identifier: Apache-2.0
"""Buildpacks with real packages of npm and PyPI: development packages while the app is built, hooks, and config vars of any name."""
import functools
import json
import os
import pathlib
import subprocess
import tempfile

import pytest

from conftest import wait_for
from test_build import archive, bare, said, slugs  # noqa: F401 (bare is a fixture)

PROCFILE = ("Procfile", b"worker: sleep 1000\n")
# Names of our scripts, of shells and of npm.sh; each broke a build, or was changed by one.
AWKWARD = {"VERSION": "v1", "POETRY_VERSION": "0", "UV_VERSION": "0", "UID": "me", "PPID": "none", "OPTIND": "word", "registry": "here", "lock": "no",
           "home": "sweet", "npm": "is", "half": "full", "f": "loop", "p": "pack", "node_version": "0", "LINES_OF_IT": "one\n\ntwo\n\n"}
# npm runs scripts by sh, which sets two of them itself.
SHOWN = [n for n in AWKWARD if n not in ("PPID", "OPTIND")]


def set_vars(platform, name, values):
    status, answer = platform.api("PATCH", f"/apps/{name}/config-vars", values)
    assert status == 200, answer


def tree(platform, name):
    return platform.state / "slugs" / slugs(platform, name)[0] / "app"


@functools.cache
def locked(package):
    """The lock that npm makes of a package.json."""
    with tempfile.TemporaryDirectory() as where:
        pathlib.Path(where, "package.json").write_text(package)
        subprocess.run(["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=where, check=True, capture_output=True)
        return pathlib.Path(where, "package-lock.json").read_bytes()


def node_app(scripts, **more):
    """Entries of an archive, with a lock by npm itself, in which no script stands but whether there are those of an installation."""
    package = {"name": "packs", "version": "1.0.0", "engines": {"node": "24.x"}, "scripts": scripts,
               "dependencies": {"is-number": "7.0.0"}, "devDependencies": {"left-pad": "1.3.0"}, **more}
    lock = locked(json.dumps({**package, "scripts": {s: "true" for s in ("preinstall", "install", "postinstall") if s in scripts}}))
    return [PROCFILE, ("package.json", json.dumps(package).encode()), ("package-lock.json", lock)]


def see(word):
    """A script that needs the development package and says what it sees."""
    shown = ", ".join(f"process.env.{n}" for n in SHOWN)
    return f"node -e \"require('left-pad'); require('is-number'); console.log('{word}', JSON.stringify([{shown}]))\" && echo {word} >>steps"


SEEN = json.dumps([AWKWARD[n] for n in SHOWN], separators=(",", ":"))


def test_scripts_of_an_installation_have_development_packages(bare, tmp_path):
    platform, name, deploy = bare
    set_vars(platform, name, {**AWKWARD, "NODE_ENV": "production"})
    entries = node_app({s: see(s) for s in ("preinstall", "postinstall", "prepare")})
    r = deploy(archive(tmp_path / "1.tgz", *entries), check=True)
    for step in ("preinstall", "postinstall", "prepare"):
        assert f"{step} {SEEN}" in said(r), said(r)
    assert (tree(platform, name) / "steps").read_text().split() == ["preinstall", "postinstall", "prepare"], "each once"
    assert sorted(os.listdir(tree(platform, name) / "node_modules")) == [".package-lock.json", "is-number"]
    assert json.loads((tree(platform, name) / "package.json").read_bytes()) == json.loads(dict(entries)["package.json"])
    # Another source, the same lock: what npm installed is used again, and the app's scripts run again.
    r = deploy(archive(tmp_path / "2.tgz", *entries, ("more", b"")), check=True)
    assert "package-lock.json has not changed: the installed packages are used again" in said(r)
    for step in ("preinstall", "postinstall", "prepare"):
        assert f"{step} {SEEN}" in said(r)
    # npm's settings may decide what is installed.
    set_vars(platform, name, {"npm_config_foreground_scripts": "true"})
    assert "used again" not in said(deploy(archive(tmp_path / "3.tgz", *entries, ("more", b"")), check=True))


def test_build_comes_before_the_pruning_and_heroku_postbuild_instead_of_it(bare, tmp_path):
    platform, name, deploy = bare
    set_vars(platform, name, {"NODE_ENV": "production"})
    scripts = {s: f"echo {s} >>steps; ls node_modules >>steps 2>/dev/null || true" for s in ("heroku-prebuild", "prebuild", "build", "heroku-cleanup")}
    deploy(archive(tmp_path / "1.tgz", *node_app(scripts)), check=True)
    dev, lean = ["is-number", "left-pad"], ["is-number"]
    assert (tree(platform, name) / "steps").read_text().split() == ["heroku-prebuild", "prebuild", *dev, "build", *dev, "heroku-cleanup", *lean]
    scripts["heroku-postbuild"] = "echo instead >>steps"
    deploy(archive(tmp_path / "2.tgz", *node_app(scripts)), check=True)
    assert (tree(platform, name) / "steps").read_text().split() == ["heroku-prebuild", "instead", "heroku-cleanup", *lean]
    # Heroku's word for "leave them".
    set_vars(platform, name, {"NPM_CONFIG_PRODUCTION": "false"})
    r = deploy(archive(tmp_path / "3.tgz", *node_app({})), check=True)
    assert "Development packages stay, since NPM_CONFIG_PRODUCTION is false" in said(r)
    assert (tree(platform, name) / "node_modules/left-pad").is_dir()


@pytest.mark.parametrize("scripts,sentence", [
    ({"prepare": "no-such-tool"}, "The prepare script in package.json failed; its last lines above say why."),
    ({"postinstall": "exit 3"}, "The postinstall script in package.json failed; its last lines above say why."),
    ({"build": "exit 3"}, "The build script in package.json failed; its last lines above say why."),
])
def test_what_failed_is_named_and_nothing_else_is_guessed(bare, tmp_path, scripts, sentence):
    platform, name, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", *node_app(scripts)))
    assert r.code != 0 and sentence in said(r), said(r)
    assert "Aptfile" not in said(r) and "C library" not in said(r)


def test_memory_that_ran_out_is_what_is_said(own_platform, tmp_path):
    p = own_platform(TWELVE_BUILD_MEMORY="160M")
    p.cli("create", "hungry")
    hog = b"all:\n\tperl -e '$$x .= \"x\" x 1000000 for 1..1000; print length $$x'\n"
    r = p.cli("deploy", "--source", archive(tmp_path / "s.tgz", PROCFILE, ("Makefile", hog), ("main.c", b"")), "-a", "hungry", check=False)
    assert r.code != 0 and "The memory of the build ran out (TWELVE_BUILD_MEMORY)" in said(r), said(r)
    assert "it used more than its 160 MB of memory" in said(r) and "Aptfile" not in said(r)


HOOK = b"""#!/usr/bin/env python3
import os, sys
print(sys.argv[0], [os.environ.get(n) for n in %s])
"""


def test_python_hooks(bare, tmp_path):
    platform, name, deploy = bare
    names = [n for n in AWKWARD if n != "OPTIND"]
    set_vars(platform, name, AWKWARD)
    seen = repr([AWKWARD[n] for n in names])
    hook = HOOK % repr(names).encode()
    post = b"#!/bin/bash\nset -e\npython -c 'import six; print(\"six\", six.__version__)'\npip install -q iniconfig==2.0.0\npython -c 'import iniconfig; print(\"and pip installs\")'\n"
    entries = [PROCFILE, ("requirements.txt", b"\xef\xbb\xbfsix==1.16.0\r\n"), (".python-version", b"\xef\xbb\xbf3.13\r\n")]
    r = deploy(archive(tmp_path / "1.tgz", *entries, ("bin/pre_compile", hook), ("bin/post_compile", post)), check=True)
    assert f"./bin/pre_compile {seen}" in said(r) and "six 1.16.0" in said(r) and "and pip installs" in said(r), said(r)
    assert said(r).index("bin/pre_compile") < said(r).index("Installing packages") < said(r).index("six 1.16.0")
    assert list((tree(platform, name) / ".twelve/venv/lib").glob("python3*/site-packages/iniconfig"))
    r = deploy(archive(tmp_path / "2.tgz", *entries, ("bin/post_compile", b"#!/bin/sh\necho no; exit 42\n")))
    assert r.code != 0 and "bin/post_compile failed with exit code 42" in said(r) and "The build failed with exit code 42" in said(r)


def test_files_with_a_byte_order_mark(bare, tmp_path):
    platform, name, deploy = bare
    mark = b"\xef\xbb\xbf"
    r = deploy(archive(tmp_path / "1.tgz", ("Procfile", mark + b"worker: sleep 1000\r\n"), (".buildpacks", mark + b"plain\r\n"), ("Aptfile", mark + b"netbase\r\n# x\r\n")), check=True)
    assert "Procfile declares types -> worker" in said(r)
    assert platform.api("GET", f"/apps/{name}/formation")[1][0]["command"] == "sleep 1000"


def test_what_a_buildpack_exports_is_no_variable_of_the_next_ones_start(bare, tmp_path):
    """Two packs; the first leaves a file that names every variable that our script could have."""
    from test_build import pack
    platform, name, deploy = bare
    first = pack(tmp_path / "one", "mkdir -p $1/.twelve/export; echo 'export p=ext-1 e=x f=x GIVEN=yes; set -- a b; IFS=/' >$1/.twelve/export/a.sh; touch $1/.twelve/export/b.sh")
    second = pack(tmp_path / "two", "echo second sees $GIVEN, $p, $3; rm -rf $1/.twelve/export")
    platform.cli("buildpacks:set", first, "-a", name)
    platform.cli("buildpacks:add", second, "-a", name)
    r = deploy(archive(tmp_path / "1.tgz", PROCFILE), check=True)
    assert "second sees yes, ext-1, /env" in said(r), said(r)


def test_a_process_has_its_config_vars_whatever_the_profile_uses(bare, tmp_path):
    platform, name, deploy = bare
    values = {n: AWKWARD[n] for n in ("VERSION", "UID", "registry", "f", "home", "half", "LINES_OF_IT")}
    set_vars(platform, name, values)
    profile = (".profile.d/own.sh", b"export FROM_PROFILE=1\n")
    deploy(archive(tmp_path / "1.tgz", PROCFILE, profile), check=True)
    r = platform.cli("run", "-a", name, "--", "perl", "-e", 'print "<$_=$ENV{$_}>" for @ARGV', *values, "FROM_PROFILE")
    for key, value in {**values, "FROM_PROFILE": "1"}.items():
        assert f"<{key}={value}>" in r.out.replace("\r\n", "\n"), (key, r.out)
