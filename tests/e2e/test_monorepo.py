# SPDX-License-Identifier: Apache-2.0
"""Several apps in one repository: TWELVE_BUILD_DIR says which folder is built, TWELVE_WATCH_PATHS what makes another slug of it."""
import os

import pytest

from test_build import archive, said, slugs


@pytest.fixture
def mono(platform, tmp_path):
    name, where = "mono", tmp_path / "mono"
    for path, text in {"apps/web/Procfile": "worker: sleep 1000\n", "apps/web/hello.txt": "hello\n", "apps/api/requirements.txt": "no-such-package==1\n",
                       "shared/lib.txt": "1\n", "docs/index.md": "# Docs\n", "package.json": "{}\n"}.items():
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_text(text)
    platform.git(where, "init", "-q", "-b", "main")
    platform.commit(where, "all of it")
    platform.cli("create", name, "--path", "apps/web", cwd=where)
    yield platform, name, where
    platform.cli("destroy", "-a", name, "--confirm", name, check=False)


def change(platform, where, path, text="more\n"):
    with open(where / path, "a") as f:
        f.write(text)
    platform.commit(where, path)
    return platform.push(where).err


def test_a_folder_is_the_app(mono):
    platform, name, where = mono
    told = platform.push(where).err
    assert "Building apps/web/ alone (TWELVE_BUILD_DIR)" in told and "Plain app" in told and "Node.js" not in told, told
    assert sorted(os.listdir(platform.state / "slugs" / slugs(platform, name)[0] / "app")) == ["Procfile", "hello.txt"]
    # What is elsewhere is no part of it.
    told = change(platform, where, "docs/index.md")
    assert "Nothing has changed since an earlier build" in told, told
    # What is watched is.
    platform.cli("config:set", "TWELVE_WATCH_PATHS=apps/web/** shared", "-a", name)
    assert "since an earlier build" not in change(platform, where, "shared/lib.txt")
    told = change(platform, where, "docs/index.md")
    assert "Nothing that TWELVE_WATCH_PATHS names has changed since an earlier build" in told, told
    head = platform.git(where, "rev-parse", "HEAD").out.strip()
    assert platform.git(where, "ls-remote", "twelve", "main").out.split()[0] == head, "the branch names what runs"
    platform.cli("config:set", "TWELVE_WATCH_PATHS=apps/wbe", "-a", name)
    (where / "docs" / "index.md").write_text("x")
    platform.commit(where, "typo")
    r = platform.push(where, check=False)
    assert r.code != 0 and "TWELVE_WATCH_PATHS names apps/wbe, which is nothing of the commit" in r.err


@pytest.fixture(scope="module")
def odd(platform):
    platform.cli("create", "mono-odd", "--no-remote")
    yield platform, "mono-odd"
    platform.cli("destroy", "-a", "mono-odd", "--confirm", "mono-odd", check=False)


@pytest.mark.parametrize("value,words", [
    ("web", "TWELVE_BUILD_DIR names web, which is not in the commit: it has apps/, docs/"),
    ("apps/wbe/", "TWELVE_BUILD_DIR names apps/wbe, which is not in the commit: apps/ has api/, web/"),
    ("README", "TWELVE_BUILD_DIR names README, which is a file and no folder: it has apps/"),
    ("away", "TWELVE_BUILD_DIR names away, which is a symbolic link: name the folder that it leads to"),
    ("away/passwd", "which is a symbolic link"),
    ("./docs/", "No buildpack recognises this app"),
])
def test_a_folder_that_is_none(odd, tmp_path, value, words):
    platform, name = odd
    platform.cli("config:set", f"TWELVE_BUILD_DIR={value}", "-a", name)
    entries = [("README", b""), ("apps/web/Procfile", b"worker: sleep 1000\n"), ("apps/api/x", b""), ("docs/x", b""), ("away", "/etc")]
    r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", *entries), "-a", name, check=False)
    assert r.code != 0 and words in said(r), said(r)


def test_an_archive_with_one_folder_around_it(odd, tmp_path):
    """As forges make them; and what stands above the folder is named."""
    platform, name = odd
    platform.cli("config:set", "TWELVE_BUILD_DIR=apps/web", "-a", name)
    entries = [("shop-1a2b/apps/web/lib", "../../shared"), ("shop-1a2b/apps/web/a/b", "../x"), ("shop-1a2b/apps/web/package.json", b'{"scripts": {"start": "node ."}}'), ("shop-1a2b/Procfile", b"web: x\n"),
               ("shop-1a2b/package.json", b'{"workspaces": ["apps/*"]}'), ("shop-1a2b/apps/web/requirements.txt", b"no-such-package==1\n"),
               ("shop-1a2b/apps/web/Procfile", b"web: python app.py\n")]
    r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", *entries), "-a", name, check=False)
    assert "Building apps/web/ alone" in said(r) and "apps/web is part of a workspace of the top" in said(r), said(r)
    assert "Procfile at the top" not in said(r)
    assert "The link lib leads out of the folder" in said(r) and "a/b" not in said(r)
    r = platform.cli("deploy", "--source", archive(tmp_path / "2.tgz", *entries[:6]), "-a", name, check=False)
    assert "The Procfile at the top is not read: that of an app in a folder stands in apps/web/" in said(r), said(r)


@pytest.mark.parametrize("value,words", [("*a*a*a*a*a*a*a*a*b", "more than 8 stars"), (" ".join(f"d{i}" for i in range(60)), "more than 50 paths"), ("docs nothing", "names nothing, which is nothing of the commit")])
def test_paths_that_can_not_be_watched(odd, tmp_path, value, words):
    platform, name = odd
    platform.cli("config:set", f"TWELVE_WATCH_PATHS={value}", "TWELVE_BUILD_DIR=.", "-a", name)
    r = platform.cli("deploy", "--source", archive(tmp_path / "s.tgz", ("Procfile", b"worker: sleep 1000\n"), ("docs/x", b"")), "-a", name, check=False)
    platform.cli("config:unset", "TWELVE_WATCH_PATHS", "-a", name)
    assert r.code != 0 and words in said(r), said(r)


@pytest.mark.parametrize("value", ["/etc", "../x", "a/../b", "~/x", "a\\b"])
def test_values_that_are_no_folder(odd, value):
    platform, name = odd
    r = platform.cli("config:set", f"TWELVE_BUILD_DIR={value}", "-a", name, check=False)
    assert r.code != 0 and "TWELVE_BUILD_DIR: expected" in r.err, r
