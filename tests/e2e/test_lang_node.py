# SPDX-License-Identifier: Apache-2.0
"""JavaScript: each package manager with real packages of npm, pages made by Vite, Bun and Deno as what runs the app."""
import json
import os
import shutil
import subprocess

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


@pytest.mark.parametrize("manager", ["pnpm", "yarn", "berry", "bun"])
def test_each_package_manager(bare, tmp_path, manager):
    platform, name, deploy = bare
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


@pytest.mark.parametrize("manager,command", [("pnpm", "pnpm install"), ("yarn", "yarn install"), ("berry", "yarn install"), ("bun", "bun install")])
def test_a_lock_that_does_not_match(bare, tmp_path, manager, command):
    platform, name, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", *source(manager, dependencies={**PACKAGE["dependencies"], "is-number": "7.0.0"})))
    assert r.code != 0 and f'{LOCKS[manager]} does not match package.json: run "{command}" and commit {LOCKS[manager]}.' in said(r), said(r)


def test_a_digest_of_a_package_manager(bare, tmp_path):
    platform, name, deploy = bare
    r = deploy(archive(tmp_path / "s.tgz", *source("pnpm", packageManager="pnpm@10.34.8+sha512." + "0" * 128)))
    assert r.code != 0 and "is not what packageManager in package.json says (+sha512)" in said(r), said(r)


def test_pages_of_a_starter_without_a_lock(bare, tmp_path):
    """What "npm create vite" makes, as it is."""
    platform, name, deploy = bare
    subprocess.run(["npm", "create", "--yes", "vite@8", "site", "--", "--template", "vanilla", "--no-interactive"], cwd=tmp_path, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    site = tmp_path / "site"
    shutil.rmtree(site / "node_modules", ignore_errors=True)
    entries = [(str(f.relative_to(site)), f.read_bytes()) for f in sorted(site.rglob("*")) if f.is_file()]
    r = deploy(archive(tmp_path / "1.tgz", *entries), check=True)
    assert "There is no lock file of a package manager" in said(r) and "Serving dist/ with nginx" in said(r), said(r)
    status, page = platform.get(name)
    assert status == 200 and "/assets/index-" in page and platform.get(name, "/any/address") == (200, page)
    assert platform.get(name, "/none.png")[0] == 404
    assert not (tree(platform, name) / "node_modules").exists() and not (tree(platform, name) / ".twelve/node").exists()
    r = deploy(archive(tmp_path / "2.tgz", *entries, ("more", b"")), check=True)
    assert "package.json has not changed: the installed packages are used again" in said(r)


def test_bun_runs_an_app(bare, tmp_path):
    platform, name, deploy = bare
    server = b"import { Hono } from 'hono'\nconst app = new Hono()\napp.get('/', c => c.text('bun ' + typeof Bun.version))\nexport default app\n"
    entries = [e for e in source("bun", scripts={"start": "bun run src/index.ts"}) if not e[0].endswith(".js")]
    deploy(archive(tmp_path / "1.tgz", *entries, ("src/index.ts", server)), check=True)
    assert platform.get(name) == (200, "bun string")


DENO_LOCK = json.dumps({"version": "5", "specifiers": {"npm:hono@4.6.14": "4.6.14"}, "npm": {"hono@4.6.14": {
    "integrity": "sha512-j4VkyUp2xazGJ8eCCLN1Vm/bxdvm/j5ZuU9AIjLu9vapn2M44p9L3Ktr9Vnb2RN2QtcR/wVjZVMlT5k7GJQgPw=="}}, "workspace": {"dependencies": ["npm:hono@4.6.14"]}}, indent=2)
DENO_SERVER = b"import { Hono } from 'hono'\nconst app = new Hono()\napp.get('/', (c) => c.text('deno ' + typeof Deno.version + ' ' + (Deno.env.get('WHO') ?? 'nobody')))\nDeno.serve(app.fetch)\n"


def test_deno(bare, tmp_path):
    platform, name, deploy = bare
    config = b'{\n  // ours\n  "imports": { "hono": "npm:hono@4.6.14" },\n  "tasks": { "build": "echo built >made.txt" }\n}\n'
    entries = [("deno.jsonc", config), ("deno.lock", DENO_LOCK.encode()), ("main.ts", DENO_SERVER)]
    first = archive(tmp_path / "1.tgz", *entries)
    r = deploy(first, check=True)
    assert "Deno app, by the buildpack deno" in said(r) and "Installing packages from deno.lock" in said(r), said(r)
    assert platform.get(name) == (200, "deno object nobody")
    made = slugs(platform, name)[0]
    r = deploy(archive(tmp_path / "2.tgz", *entries, ("more", b"")), check=True)
    assert "Downloading Deno" not in said(r)
    assert rebuilt(platform, name, first) == made
    platform.cli("config:set", "WHO=Ada", "-a", name)
    assert platform.get(name)[1] == "deno object Ada"
    platform.cli("rollback", "v2", "-a", name)
    assert platform.get(name)[1] == "deno object nobody"
    assert "built" in platform.cli("run", "-a", name, "--", "cat", "made.txt").out
    stale = json.dumps({"imports": {"hono": "npm:hono@4.6.14", "pad": "npm:left-pad@1.3.0"}}).encode()
    r = deploy(archive(tmp_path / "3.tgz", ("deno.json", stale), *entries[1:]))
    assert r.code != 0 and 'deno.lock does not match the imports of the app: run "deno install"' in said(r), said(r)
