# SPDX-License-Identifier: Apache-2.0
"""JavaScript: Yarn 4, with its archives in place of node_modules; and pages made by Vite."""
import shutil
import subprocess

from test_build import archive, bare, said  # noqa: F401 (bare is a fixture)
from test_lang_node import all_the_way, does_not_match, tree


def test_berry(bare, tmp_path):
    all_the_way(*bare, tmp_path, "berry")


def test_a_lock_of_berry_that_does_not_match(bare, tmp_path):
    does_not_match(bare[2], tmp_path, "berry")


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
