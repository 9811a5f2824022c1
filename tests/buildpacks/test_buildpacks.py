# SPDX-License-Identifier: Apache-2.0
"""The buildpacks as a builder sees them, without a sandbox or a network.

What downloads is tried end to end elsewhere; here is all that is decided
before: who detects what, which words a person gets, what the cache believes.
"""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDPACKS = ROOT / "buildpacks"
NAMES = ["nodejs", "python", "c", "plain"]
PYTHON = subprocess.run(
    ["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
).stdout.strip()


def tree(root: Path, files: dict) -> Path:
    """Makes a source tree: paths to contents."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def run(name: str, step: str, *args, **env):
    """A buildpack's script; the last directory given is as good a place as any for temporary files."""
    return subprocess.run(
        [BUILDPACKS / name / "bin" / step, *map(str, args)],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "TWELVE_STACK": "test", "TMPDIR": str(args[-1]), **env},
        timeout=60,
    )


def build(tmp_path: Path, name: str, files: dict, **env):
    """compile in a fresh directory, with config vars env."""
    app = tree(tmp_path / "app", files)
    (tmp_path / "cache").mkdir(exist_ok=True)
    tree(tmp_path / "env", env).mkdir(exist_ok=True)
    return run(name, "compile", app, tmp_path / "cache", tmp_path / "env")


def sh(script: str, **env):
    """A bash script with lib.sh sourced."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'source "{BUILDPACKS}/lib.sh"; {script}'],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **env},
        timeout=60,
    )


# --- what each buildpack is made of


def test_order_names_each_buildpack_once_and_plain_last():
    order = (BUILDPACKS / "order").read_text().split()
    assert order == NAMES
    assert sorted(order) == sorted(p.parent.parent.name for p in BUILDPACKS.glob("*/bin/detect"))


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_there(name):
    for step in ("detect", "compile", "release"):
        script = BUILDPACKS / name / "bin" / step
        assert os.access(script, os.X_OK), script
        assert script.read_text().splitlines()[:2] == ["#!/usr/bin/env bash", "# SPDX-License-Identifier: Apache-2.0"]
    for packages in ("packages.run", "packages.build"):
        for line in (BUILDPACKS / name / packages).read_text().splitlines():
            assert line.startswith("#") or not line or line.replace("-", "").replace("+", "").isalnum(), line


# --- detect


DETECT = [
    ({"package.json": "{}"}, "nodejs", "Node.js"),
    ({"requirements.txt": ""}, "python", "Python"),
    ({"pyproject.toml": ""}, "python", "Python"),
    ({"Pipfile": ""}, "python", "Python"),
    ({"uv.lock": ""}, "python", "Python"),
    ({".python-version": "3.11"}, "python", "Python"),
    ({"runtime.txt": "python-3.11\n"}, "python", "Python"),
    ({"Makefile": "", "main.c": ""}, "c", "C"),
    ({"GNUmakefile": "", "src/main.cpp": ""}, "c", "C"),
    ({"CMakeLists.txt": "", "src/app/main.cc": ""}, "c", "C"),
    ({"Procfile": "web: ./serve"}, "plain", "Plain"),
    # Who goes first when several could.
    ({"package.json": "{}", "requirements.txt": "", "Procfile": ""}, "nodejs", "Node.js"),
    ({"requirements.txt": "", "Makefile": "", "ext.c": ""}, "python", "Python"),
    ({"Makefile": "", "main.c": "", "Procfile": ""}, "c", "C"),
    # A Makefile of shortcuts is no C program; another language's runtime.txt no Python.
    ({"Makefile": "", "Procfile": ""}, "plain", "Plain"),
    ({"Makefile": "", ".cache/x.c": "", "a/b/c/deep.c": ""}, None, None),
    ({"runtime.txt": "ruby-3.2"}, None, None),
    ({"main.c": ""}, None, None),
    ({"README.md": ""}, None, None),
    ({}, None, None),
]


@pytest.mark.parametrize("files,name,label", DETECT, ids=lambda v: "+".join(v) if isinstance(v, dict) else None)
def test_detect(tmp_path, files, name, label):
    tree(tmp_path, files)
    for candidate in (BUILDPACKS / "order").read_text().split():
        found = run(candidate, "detect", tmp_path)
        if found.returncode == 0:
            assert (candidate, found.stdout) == (name, label + "\n")
            return
        assert (found.returncode, found.stdout, found.stderr) == (1, "", "")
    assert name is None


@pytest.mark.parametrize("example,name", [("flask", "python"), ("express", "nodejs"), ("c", "c")])
def test_examples_are_detected(example, name):
    source = ROOT / "examples" / example
    first = next(n for n in NAMES if run(n, "detect", source).returncode == 0)
    assert first == name
    types = [line.split(":")[0] for line in (source / "Procfile").read_text().splitlines()]
    assert types == ["release", "web", "worker"]
    assert (source / "README.md").exists() and (source / ".gitignore").exists()


# --- release


NPM_START = "---\ndefault_process_types:\n  web: npm start\n"


@pytest.mark.parametrize(
    "name,files,output",
    [
        ("python", {}, "--- {}\n"),
        ("c", {}, "--- {}\n"),
        ("plain", {}, "--- {}\n"),
        ("nodejs", {"package.json": '{"scripts": {"start": "node ."}}'}, NPM_START),
        ("nodejs", {"package.json": '{"scripts": {"a": "echo \\"}{", "start": "x"}}'}, NPM_START),
        ("nodejs", {"package.json": "{}", "server.js": ""}, NPM_START),
        ("nodejs", {"package.json": '{"scripts": {"restart": "start"}, "start": "x"}'}, "--- {}\n"),
        ("nodejs", {"package.json": '{"x": {"start": "y"}, "scripts": {"z": "start"}}'}, "--- {}\n"),
        ("nodejs", {"package.json": '{"x": {"scripts": {"start": "y"}}}'}, "--- {}\n"),
    ],
)
def test_release(tmp_path, name, files, output):
    done = run(name, "release", tree(tmp_path, files))
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")


# --- compile: the words a person gets


def test_plain_says_that_there_is_nothing_to_build(tmp_path):
    done = build(tmp_path, "plain", {"Procfile": "web: x"})
    assert (done.returncode, done.stdout) == (0, "-----> Nothing to build: the app runs as it is\n")


PYTHON_ERRORS = [
    ({".python-version": "2.7\n", "requirements.txt": ""}, ".python-version asks for Python 2.7, but this stack (Debian 12) has"),
    ({"runtime.txt": "python-3.99.1", "requirements.txt": ""}, f"runtime.txt asks for Python 3.99.1, but this stack (Debian 12) has {PYTHON}: write {PYTHON} into runtime.txt."),
    ({"Pipfile": ""}, "Pipfile is not supported"),
    ({"pdm.lock": "", "pyproject.toml": ""}, "pdm.lock is not supported"),
    ({"pyproject.toml": "[project]\ndependencies = []\n"}, "pyproject.toml has no lock beside it"),
    ({"setup.py": ""}, "setup.py alone names no exact versions"),
    ({"pyproject.toml": "[tool.poetry.dependencies]\n"}, "pyproject.toml has no lock beside it"),
    ({"uv.lock": ""}, "uv.lock is there, but pyproject.toml"),
]


@pytest.mark.parametrize("files,message", PYTHON_ERRORS, ids=lambda v: "+".join(v) if isinstance(v, dict) else None)
def test_python_errors(tmp_path, files, message):
    done = build(tmp_path, "python", files)
    assert done.returncode == 1
    assert done.stderr.startswith(" !     ") and message in done.stderr


NODE_ERRORS = [
    ({"package.json": '{"a": 1,}'}, "package.json cannot be read:"),
    ({"package.json": "[]"}, "package.json cannot be read: it holds no object"),
    ({"package.json": "{}", "yarn.lock": ""}, "yarn.lock is not supported yet: make a lock of npm's"),
    ({"package.json": "{}", "pnpm-lock.yaml": ""}, "pnpm-lock.yaml is not supported yet"),
]


@pytest.mark.parametrize("files,message", NODE_ERRORS, ids=lambda v: "+".join(v) if isinstance(v, dict) else None)
def test_nodejs_errors(tmp_path, files, message):
    done = build(tmp_path, "nodejs", files)
    assert done.returncode == 1
    assert done.stderr.startswith(" !     ") and message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nodejs_warns_without_a_lock_and_names_a_registry_that_does_not_answer(tmp_path):
    app = tree(tmp_path / "app", {"package.json": '{"engines": {"node": "20.1.0"}}'})
    (tmp_path / "env").mkdir()
    done = run("nodejs", "compile", app, tmp_path / "cache", tmp_path / "env", npm_config_registry="http://127.0.0.1:9")
    assert done.returncode == 1
    assert " !     There is no package-lock.json" in done.stdout
    assert "http://127.0.0.1:9/node-linux-" in done.stderr and "npm_config_registry" in done.stderr


def test_nodejs_refuses_what_is_too_old(tmp_path):
    done = build(tmp_path, "nodejs", {"package.json": '{"engines": {"node": "8.1.0"}}', "package-lock.json": "{}"})
    assert done.returncode == 1
    assert "engines.node in package.json comes to Node.js 8.1.0, which is too old" in done.stderr


def test_c_builds_with_make_and_config_vars(tmp_path):
    files = {"Makefile": "all:\n\t@echo greeting $(GREETING)\n\t@touch built\n", "main.c": ""}
    done = build(tmp_path, "c", files, GREETING="Moin", PATH="/nowhere")
    assert (done.returncode, done.stdout) == (0, "-----> Building with make\n       greeting Moin\n")
    assert (tmp_path / "app/built").exists()


def test_c_says_what_failed(tmp_path):
    done = build(tmp_path, "c", {"Makefile": "all:\n\t@echo no such header; exit 1\n", "main.c": ""})
    assert done.returncode == 1
    assert "       no such header" in done.stdout
    assert done.stderr.startswith(" !     make failed") and "Aptfile" in done.stderr


# --- lib.sh


def test_config_vars_cannot_take_over_the_build(tmp_path):
    tree(tmp_path, {"A": "1 2\n3", "LD_PRELOAD": "x", "PATH": "x", "BASH_ENV": "x", "not-a-name": "x", "TWELVE_STACK": "x"})
    done = sh(f'export_config_vars "{tmp_path}"; env')
    assert "A=1 2\n3\n" in done.stdout
    assert "=x\n" not in done.stdout


CACHE = 'key=$(digest words </dev/null); restore() { cache_restore "$PWD/cache" kind "$1" out && echo hit || echo miss; }; '


def cache_script(tmp_path, script):
    tree(tmp_path, {"in/file": "content", "in/sub/other": "more"})
    (tmp_path / "in/link").exists() or (tmp_path / "in/link").symlink_to("file")
    done = sh(f'cd "{tmp_path}"; mkdir -p cache; {CACHE}{script}')
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_cache_gives_back_what_it_took(tmp_path):
    assert cache_script(tmp_path, 'restore $key; cache_store "$PWD/cache" kind "$key" in; restore $key; restore other') == ["miss", "hit", "miss"]
    assert (tmp_path / "out/file").read_text() == "content" and (tmp_path / "out/link").is_symlink()


def test_cache_keeps_one_entry_of_a_kind(tmp_path):
    cache_script(tmp_path, 'for k in a b c; do cache_store "$PWD/cache" kind $k in; done')
    assert [p.name for p in (tmp_path / "cache/kind").iterdir()] == ["c"]


@pytest.mark.parametrize(
    "damage", [": >tree/file", "rm tree/sub/other", "rm list", "touch tree/new", "ln -sfn sub tree/link", "chmod 600 tree/file"]
)
def test_cache_does_not_believe_a_damaged_entry(tmp_path, damage):
    script = 'cache_store "$PWD/cache" kind $key in; (cd cache/kind/$key && %s); restore $key'
    assert cache_script(tmp_path, script % damage)[-1] == "miss"


def test_cache_that_cannot_be_written_does_not_fail_the_build(tmp_path):
    tree(tmp_path, {"in/file": "x", "full": ""})
    done = sh(f'cd "{tmp_path}"; cache_store "$PWD/full" kind key in')
    assert done.returncode == 0
    assert done.stdout == " !     The build cache cannot be written; the next build will be slower.\n"


def test_digest_depends_on_words_input_and_stack():
    digests = {sh(f"digest {word} <<<{text}", TWELVE_STACK=stack).stdout for word in "ab" for text in "cd" for stack in "ef"}
    assert len(digests) == 8


# --- what is sourced before a process


@pytest.mark.parametrize("name,first", [("python", "/app/.twelve/venv/bin"), ("nodejs", "/app/.twelve/node/bin")])
def test_profile(name, first):
    script = f'. "{BUILDPACKS}/{name}/profile.sh"; echo "$PATH" "$WEB_CONCURRENCY"'
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=True)
    path, workers = done.stdout.split()
    assert path.startswith(first) and path.endswith(":/usr/bin:/bin")
    assert int(workers) >= 1
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "WEB_CONCURRENCY": "7"}, check=True)
    assert done.stdout.split()[1] == "7"
