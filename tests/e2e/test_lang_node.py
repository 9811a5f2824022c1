# SPDX-License-Identifier: Apache-2.0
"""JavaScript: package managers with real packages of npm. Others are in test_lang_berry.py and test_lang_bun.py."""
import json
import os

import pytest

from conftest import APPS, wait_for
from test_build import archive, bare, said, slugs, upload  # noqa: F401 (bare is a fixture)

PACKAGE = {"name": "small", "private": True, "type": "module", "scripts": {"build": "node build.js"},
           "dependencies": {"@hono/node-server": "1.13.7", "hono": "4.6.14"}, "devDependencies": {"left-pad": "1.3.0"}}
SERVER = b"""import { readFileSync } from 'node:fs'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
const app = new Hono()
app.get('/', c => c.text(readFileSync('made.txt', 'utf8') + ' by ' + (process.env.WHO ?? 'nobody')))
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
"""
# It needs the development package.
BUILDER = b"import pad from 'left-pad'\nimport { writeFileSync } from 'node:fs'\nwriteFileSync('made.txt', pad('built', 7))\n"
LOCKS = {"pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "berry": "yarn.lock", "bun": "bun.lock"}
COMMANDS = {"pnpm": "pnpm install", "yarn": "yarn install", "berry": "yarn install", "bun": "bun install"}
USES = {"pnpm": "pnpm 10.", "yarn": "yarn 1.22.", "berry": "yarn 4.", "bun": "bun 1."}


def source(manager, *more, **fields):
    lock = LOCKS[manager]
    return [("package.json", json.dumps({**PACKAGE, **fields}).encode()), (lock, (APPS / f"node/locks-{manager}" / lock).read_bytes()), ("server.js", SERVER), ("build.js", BUILDER), *more]


def tree(platform, name):
    return platform.state / "slugs" / slugs(platform, name)[0] / "app"


def rebuilt(platform, name, path):
    """The slug of the same source without any cache."""
    url = upload(platform, path)
    status, build = platform.api("POST", f"/apps/{name}/builds", {"source_blob": {"url": url}, "no_cache": True})
    assert status == 201, build
    wait_for(lambda: platform.api("GET", f"/apps/{name}/builds/{build['id']}")[1]["status"] != "pending", "the build to end", 600)
    return slugs(platform, name)[0]


def all_the_way(platform, name, deploy, tmp_path, manager):
    """Pushed, pushed again, without a cache, with config, and rolled back."""
    first = archive(tmp_path / "1.tgz", *source(manager))
    r = deploy(first, check=True)
    assert f"Installing packages from {LOCKS[manager]}" in said(r) and f", {USES[manager]}" in said(r) and "Removing development packages" in said(r), said(r)
    assert platform.get(name) == (200, "  built by nobody")
    made = slugs(platform, name)[0]
    if manager == "berry":
        assert (tree(platform, name) / ".pnp.cjs").exists() and not [f for f in os.listdir(tree(platform, name) / ".yarn/cache") if f.startswith("left-pad")]
    else:
        assert (tree(platform, name) / "node_modules/hono").exists() and not (tree(platform, name) / "node_modules/left-pad").exists()
    # Another source: what is there is used again. The first once more, with nothing to start from: the same, byte for byte.
    r = deploy(archive(tmp_path / "2.tgz", *source(manager, ("more", b""))), check=True)
    assert "Downloading" not in said(r)
    assert manager == "berry" or f"{LOCKS[manager]} has not changed: the installed packages are used again" in said(r)
    if manager != "yarn":
        assert rebuilt(platform, name, first) == made
    platform.cli("config:set", "WHO=Ada", "-a", name)
    assert platform.get(name)[1] == "  built by Ada"
    platform.cli("rollback", "v2", "-a", name)
    assert platform.get(name)[1] == "  built by nobody"
    r = platform.cli("run", "-a", name, "--", "bun" if manager == "bun" else LOCKS[manager].split("-")[0].split(".")[0], "--version")
    assert r.out.strip() and f", {r.out.strip().splitlines()[-1]}".replace("\r", "").startswith(", " + USES[manager].split()[1]), r


def does_not_match(deploy, tmp_path, manager):
    """A lock of a manager that lacks what package.json asks for."""
    command = COMMANDS[manager]
    r = deploy(archive(tmp_path / "s.tgz", *source(manager, dependencies={**PACKAGE["dependencies"], "is-number": "7.0.0"})))
    assert r.code != 0 and f'{LOCKS[manager]} does not match package.json: run "{command}" and commit {LOCKS[manager]}.' in said(r), said(r)


@pytest.mark.parametrize("manager", ["pnpm", "yarn"])
def test_each_package_manager(bare, tmp_path, manager):
    all_the_way(*bare, tmp_path, manager)


@pytest.mark.parametrize("manager", ["pnpm", "yarn"])
def test_a_lock_that_does_not_match(bare, tmp_path, manager):
    does_not_match(bare[2], tmp_path, manager)


def test_a_digest_of_a_package_manager(bare, tmp_path):
    platform, name, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", *source("pnpm", packageManager="pnpm@10.34.8+sha512." + "0" * 128)))
    assert r.code != 0 and "is not what packageManager in package.json says (+sha512)" in said(r), said(r)
