# SPDX-License-Identifier: Apache-2.0
"""The pages for people: links lead somewhere, and files that they name are there."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/decisions").glob("*.md"))]
FILE = re.compile(r"`((?:[a-z0-9-]+/)+[A-Za-z0-9_-]+\.(?:c|h|py|txt|json|build))\b")
FOLDERS = {p.name for p in (ROOT / "src").iterdir()} | {"src", "tests", "bench", "scripts", "fuzz", "docs", "examples"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_names_of_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
    if page.parent.name == "decisions":
        return  # they say what was, when it was decided
    for name in FILE.findall(text):
        if name.split("/")[0] in FOLDERS and "NAME" not in name:
            assert (ROOT / name).exists() or (ROOT / "src" / name).exists(), f"{page.name} names {name}"
