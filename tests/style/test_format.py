# SPDX-License-Identifier: Apache-2.0
"""clang-format decides the layout of the C code; .clang-format says how. `make format` applies it."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_code_is_laid_out_by_clang_format():
    files = [f for d in ("src", "tests", "fuzz", "bench", "examples") for f in (ROOT / d).rglob("*.[ch]")]
    assert len(files) > 400
    r = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True, cwd=ROOT)
    assert r.returncode == 0, f"run `make format`\n{r.stderr[:3000]}"
