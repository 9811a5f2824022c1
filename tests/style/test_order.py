# SPDX-License-Identifier: Apache-2.0
"""A folder may include those above it in the design's list, and the programs never include one another."""
import pathlib
import re

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
ORDER = ["base", "event", "ipc", "model", "store", "net", "sandbox", "stack", "build", "route", "logs", "addon", "engine", "check"]
PROGRAMS = ["cli", "daemon", "dyno", "logsd"]


def includes():
    for f in sorted(SRC.rglob("*.[ch]")):
        folder = f.relative_to(SRC).parts[0]
        for n, line in enumerate(f.read_text().splitlines(), 1):
            m = re.match(r'#include "([a-z]+)/', line)
            if m:
                yield f"{f.relative_to(SRC)}:{n}", folder, m.group(1)


def test_every_folder_has_a_place():
    for d in SRC.iterdir():
        assert not d.is_dir() or d.name in ORDER + PROGRAMS, f"src/{d.name} is not in the design's list"


def test_includes_keep_the_order():
    seen = 0
    for where, folder, used in includes():
        seen += 1
        if folder == used:
            continue
        assert used not in PROGRAMS, f"{where} includes the program {used}"
        if folder not in PROGRAMS:
            assert ORDER.index(used) < ORDER.index(folder), f"{where}: {folder} may not use {used}"
    assert seen > 100


def test_sizes():
    for f in SRC.rglob("*.[ch]"):
        n = len(f.read_text().splitlines())
        assert n <= 800, f"{f.relative_to(SRC)} has {n} lines"


def test_each_file_says_its_licence():
    for f in SRC.rglob("*.[ch]"):
        assert f.read_text().startswith("/* SPDX-License-Identifier: Apache-2.0 */"), f


def test_names_and_numbers_are_used_once():
    """pytest takes two test files of one name for one module; a decision is named by its number."""
    tests = SRC.parent / "tests"
    names = [f.name for f in tests.rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    decisions = sorted(f.name for f in (SRC.parent / "docs/decisions").glob("*.md"))
    numbers = [n[:4] for n in decisions]
    assert len(numbers) == len(set(numbers)), decisions
    for f in (SRC.parent / "docs/decisions").glob("*.md"):
        assert f.read_text().startswith(f"# {int(f.name[:4])}. "), f
