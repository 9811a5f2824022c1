# SPDX-License-Identifier: Apache-2.0
"""JavaScript: Bun as a package manager and as what runs the app; Deno."""
import json

from test_build import archive, bare, said, slugs  # noqa: F401 (bare is a fixture)
from test_lang_node import all_the_way, does_not_match, rebuilt, source


def test_bun(bare, tmp_path):
    all_the_way(*bare, tmp_path, "bun")


def test_a_lock_of_bun_that_does_not_match(bare, tmp_path):
    does_not_match(bare[2], tmp_path, "bun")


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
