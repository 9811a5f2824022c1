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
NAMES = (BUILDPACKS / "order").read_text().split()
PYTHON = subprocess.run(
    ["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
).stdout.strip()


def tree(root: Path, files: dict) -> Path:
    """Makes a source tree: paths to contents."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
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


def build(tmp_path: Path, name: str, files: dict, /, **env):
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
    assert order[-1] == "plain" and len(order) == len(set(order))
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
    ({"deno.json": "{}"}, "deno", "Deno"),
    ({"deno.jsonc": "{}", "package.json": "{}"}, "deno", "Deno"),
    ({"deno.lock": "{}", "package.json": "{}", "package-lock.json": ""}, "deno", "Deno"),
    # For the editor.
    ({"deno.json": "{}", "package.json": "{}", "pnpm-lock.yaml": ""}, "nodejs", "Node.js"),
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
    ({"index.html": ""}, "static", "Static"),
    ({"hugo.toml": "", "content/a.md": ""}, "static", "Hugo"),
    ({"config.toml": 'baseURL = "/"\n', "themes/a/theme.toml": "", "public/index.html": ""}, "static", "Hugo"),
    ({"config.toml": 'base_url = "/"\n', "content/_index.md": ""}, None, None),
    ({"_config.yml": "", "index.md": ""}, "static", "Jekyll"),
    ({"_config.yml": "", "README.md": ""}, None, None),
    ({"composer.json": "{}"}, "php", "PHP"),
    ({"index.php": "", "index.html": ""}, "php", "PHP"),
    ({"public/index.php": ""}, "php", "PHP"),
    ({"public/index.html": "", "README.md": ""}, "static", "Static"),
    ({"static.json": "{}", "Procfile": "web: bin/boot"}, "static", "Static"),
    ({"index.html": "", "Procfile": "web: bin/boot\nworker: x"}, "static", "Static"),
    ({"index.html": "", "Procfile": "worker: x"}, "static", "Static"),
    # Who answers requests is somebody else.
    ({"index.html": "", "Procfile": "web: ./serve"}, "plain", "Plain"),
    ({"index.html": "", "requirements.txt": ""}, "python", "Python"),
    ({"index.html": "", "package.json": "{}"}, "nodejs", "Node.js"),
    ({"index.html": "", "Package.swift": ""}, None, None),
    ({"src/index.html": ""}, None, None),
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
    ({"uv.lock": ""}, "uv.lock is there, but pyproject.toml"),
    ({"pdm.lock": ""}, "pdm.lock is there, but pyproject.toml"),
    ({"environment.yml": ""}, "environment.yml is conda's, which is not run here: write the packages"),
    ({"app.py": "import os\nfrom flask import Flask\n"}, 'app.py:2 imports flask, which no file declares: add a requirements.txt with a line "flask"'),
    ({"bot.py": "import discord\n"}, 'add a requirements.txt with a line "discord.py"'),
]


@pytest.mark.parametrize("files,message", PYTHON_ERRORS, ids=lambda v: "+".join(v) if isinstance(v, dict) else None)
def test_python_errors(tmp_path, files, message):
    done = build(tmp_path, "python", files)
    assert done.returncode == 1
    assert done.stderr.startswith(" !     ") and message in done.stderr


NODE_ERRORS = [
    ({"package.json": '{"a": 1,}'}, "package.json cannot be read:"),
    ({"package.json": "[]"}, "package.json cannot be read: it holds no object"),
    ({"package.json": '{"packageManager": "cargo@1"}'}, 'packageManager in package.json is "cargo@1", which is none of npm, pnpm, yarn and bun'),
    ({"package.json": '{"engines": {"node": "new"}}'}, 'engines.node in package.json is "new", which is no version range: write for example "24.x".'),
    ({"package.json": "{}", ".nvmrc": "# ours\nlts/fantasy\n"}, '.nvmrc is "lts/fantasy", which is no version range'),
]


@pytest.mark.parametrize("files,message", NODE_ERRORS, ids=lambda v: "+".join(v) if isinstance(v, dict) else None)
def test_nodejs_errors(tmp_path, files, message):
    done = build(tmp_path, "nodejs", files)
    assert done.returncode == 1
    assert done.stderr.startswith(" !     ") and message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nodejs_names_a_registry_that_does_not_answer(tmp_path):
    app = tree(tmp_path / "app", {"package.json": '{"engines": {"node": "20.1.0"}}'})
    (tmp_path / "env").mkdir()
    done = run("nodejs", "compile", app, tmp_path / "cache", tmp_path / "env", npm_config_registry="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "http://127.0.0.1:9/node-linux-" in done.stderr and "npm_config_registry" in done.stderr


def test_nodejs_refuses_what_is_too_old(tmp_path):
    done = build(tmp_path, "nodejs", {"package.json": '{"engines": {"node": "6.1.0"}}', "package-lock.json": "{}"})
    assert done.returncode == 1
    assert "engines.node in package.json comes to Node.js 6.1.0, which is too old" in done.stderr


def test_c_builds_with_make_and_config_vars(tmp_path):
    files = {"Makefile": "all:\n\t@echo greeting $(GREETING)\n\t@touch built\n", "main.c": ""}
    done = build(tmp_path, "c", files, GREETING="Moin", PATH="/nowhere")
    assert (done.returncode, done.stdout) == (0, "-----> Building with make\n       greeting Moin\n")
    assert (tmp_path / "app/built").exists()


def test_c_says_what_failed(tmp_path):
    done = build(tmp_path, "c", {"Makefile": "all:\n\t@echo no such header; exit 1\n", "main.c": ""})
    assert done.returncode == 1
    assert "       no such header" in done.stdout
    assert done.stderr == " !     make failed; its last lines above say where.\n"


@pytest.mark.parametrize("words,hint", [
    ("main.c:1:10: fatal error: curl/curl.h: No such file or directory", "curl/curl.h is missing: name the Debian package"),
    ("/usr/bin/ld: cannot find -lpq: No such file or directory", "libpq is missing: name the Debian package"),
    ("Package libvips was not found in the pkg-config search path.", "libvips is missing: name the Debian package"),
    ("Error: pg_config executable not found.", "pg_config is missing: name the Debian package"),
    ("gcc: fatal error: Killed signal terminated program cc1", "The memory of the build ran out (TWELVE_BUILD_MEMORY)"),
    ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "The memory of the build ran out"),
    ("error Command failed with exit code 137.", "The memory of the build ran out"),
    ("Next.js build worker exited with code: null and signal: SIGKILL", "The memory of the build ran out"),
    ("/usr/lib/go/pkg/tool/linux_amd64/compile: signal: killed", "The memory of the build ran out"),
    ("process didn't exit successfully: `rustc` (signal: 9, SIGKILL: kill)", "The memory of the build ran out"),
    ("java.lang.OutOfMemoryError: Java heap space", "The memory of the build ran out"),
    ("fatal error: runtime: out of memory", "The memory of the build ran out"),
    ("[BUG] failed to allocate memory (NoMemoryError)", "The memory of the build ran out"),
    ("bin/build.sh: line 12:  1234 Killed                  tsc", "The memory of the build ran out"),
    ("the test was Killed by the reviewer", None),
    ("sh: 1: tsc: not found", None),
    ("main.c:3:1: error: expected ';' before '}' token", None),
])
def test_a_hint_fits_what_the_tool_said(tmp_path, words, hint):
    done = build(tmp_path, "c", {"Makefile": "all:\n\t@cat said; exit 2\n", "said": words + "\n", "main.c": ""})
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and lines[0] == " !     make failed; its last lines above say where."
    assert len(lines) == (2 if hint else 1)
    assert hint is None or lines[1].startswith(" !     " + hint)


# --- lib.sh


# What shells set themselves, what our scripts are called by inside, and what Heroku's packs and ours name so.
NAMES_OF_SCRIPTS = (
    "VERSION POETRY_VERSION POETRY_EXPORT_VERSION UV_VERSION DEFAULT_NODE LIFECYCLE SCRATCH UID EUID PPID BASHPID OPTIND OPTARG OPTERR"
    " IFS PS4 ENV RANDOM SECONDS LINENO GROUPS FUNCNAME DIRSTACK HOSTNAME REPLY SHLVL COLUMNS BASH_VERSION SHELLOPTS"
    " registry lock source requirements venv python have name file text log code hook key entry target packages scripts home npm half"
    " i p e f n x path env_dir build_dir cache_dir lib_dir imposed pack_dir node_dir node_version heading fail indent digest"
).split()


def test_config_vars_of_any_name_reach_the_app_and_no_script_of_ours(tmp_path):
    names = [n for n in NAMES_OF_SCRIPTS if n != "OPTIND"]
    probe = {"Makefile": "all:\n\t@true\n", "main.c": ""}
    for name in NAMES_OF_SCRIPTS:
        case = tmp_path / name
        case.mkdir()
        done = build(case, "c", probe, **{name: "a b*c"})
        assert (done.returncode, done.stderr) == (0, ""), (name, done.stdout, done.stderr)
    tree(tmp_path / "all", {n: f"of {n}" for n in NAMES_OF_SCRIPTS})
    done = sh(f"env_dir='{tmp_path}/all'; with_config perl -e 'print map {{ \"<$_=$ENV{{$_}}>\\n\" }} @ARGV' {' '.join(names)}")
    assert done.stdout.splitlines() == [f"<{n}=of {n}>" for n in names], done.stderr


@pytest.mark.parametrize("value", ["", "one\n", "one\n\n\ntwo\n\n", "\n", " a  b\t", "größe", "$(x) `y` 'z' \\", "-n", "a=b"])
def test_a_value_arrives_byte_for_byte(tmp_path, value):
    tree(tmp_path / "env", {"VALUE": value})
    command = "perl -e 'print $ENV{VALUE}'"
    assert sh(f"env_dir='{tmp_path}/env'; with_config {command}").stdout == value
    assert sh(f"env_dir='{tmp_path}/env'; config_var VALUE").stdout == value


def test_config_vars_cannot_take_over_the_build(tmp_path):
    denied = ("PATH HOME TMPDIR GIT_DIR CPATH CPPATH LIBRARY_PATH LD_PRELOAD LD_LIBRARY_PATH PYTHONHOME SOURCE_DATE_EPOCH TWELVE_STACK OURS").split()
    tree(tmp_path / "env", {**{n: "taken" for n in denied}, "OPTIND": "not a number", "A": "1 2\n3"})
    done = sh(f"env_dir='{tmp_path}/env'; impose OURS=1; default A=0; with_config env; sh -c :; with_config sh -c 'echo and sh runs'")
    assert "A=1 2\n3\n" in done.stdout and "OURS=1\n" in done.stdout
    assert "=taken" not in done.stdout and "OPTIND" not in done.stdout and done.stdout.endswith("and sh runs\n"), done.stderr


def test_a_command_that_is_not_there(tmp_path):
    done = sh("with_config no-such-command || echo $?")
    assert done.stdout == "127\n" and "no-such-command: No such file" in done.stderr


# --- texts of Windows' editors


BOM = "\ufeff"


@pytest.mark.parametrize("name,text", [
    (".python-version", BOM + PYTHON + "\r\n"),
    (".python-version", BOM + "# ours\r\n\r\n" + PYTHON + " # this one\r\n"),
    ("runtime.txt", BOM + "python-" + PYTHON + "\r\n"),
])
def test_a_byte_order_mark_is_no_part_of_a_version(tmp_path, name, text):
    app = {name: text, "environment.yml": ""}
    assert run("python", "detect", tree(tmp_path / "detect", {name: text})).stdout == "Python\n"
    # Past the version, at the next refusal.
    assert "environment.yml is conda's" in build(tmp_path, "python", app).stderr


def test_a_version_in_another_encoding_is_named(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app/.python-version").write_bytes(PYTHON.encode("utf-16"))
    done = build(tmp_path, "python", {"requirements.txt": ""})
    assert done.returncode == 1 and ".python-version is not UTF-8 text: save it as such." in done.stderr


def test_a_package_json_with_a_byte_order_mark(tmp_path):
    done = build(tmp_path, "nodejs", {"package.json": BOM + '{"engines": {"node": "6.1.0"}}', "package-lock.json": "{}"})
    assert "engines.node in package.json comes to Node.js 6.1.0" in done.stderr
    done = run("nodejs", "release", tree(tmp_path / "release", {"package.json": BOM + '{"scripts": {"start": "x"}}'}))
    assert done.stdout == NPM_START


# --- bin/pre_compile


def test_pre_compile_runs_first_with_config_vars_and_its_exit_code_ends_the_build(tmp_path):
    hook = "#!/bin/bash\necho \"$GREETING from $PWD, $BUILD_DIR, $CACHE_DIR, $ENV_DIR\"; echo 2.7 >.python-version; exit $CODE\n"
    done = build(tmp_path, "python", {"requirements.txt": "", "bin/pre_compile": hook}, GREETING="Moin", CODE="0", BUILD_DIR="mine")
    app = tmp_path / "app"
    assert done.stdout == f"-----> Running bin/pre_compile\n       Moin from {app}, {app}, {tmp_path}/cache, {tmp_path}/env\n"
    assert ".python-version asks for Python 2.7" in done.stderr, "what the hook wrote counts"
    done = build(tmp_path, "python", {"requirements.txt": "", "bin/pre_compile": hook}, GREETING="Moin", CODE="42")
    assert (done.returncode, done.stderr) == (42, " !     bin/pre_compile failed with exit code 42: its last lines above say why.\n")


def test_a_hook_of_windows_is_named(tmp_path):
    done = build(tmp_path, "python", {"requirements.txt": "", "bin/pre_compile": "#!/bin/bash\r\ntrue\r\n"})
    assert done.returncode == 1 and "bin/pre_compile has the line ends of Windows" in done.stderr


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


@pytest.mark.parametrize("name", ["python", "nodejs"])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_profile_leaves_config_vars_alone(name, shell):
    """But for the path; and no value of theirs can end the shell."""
    own = {n: "mine" for n in ("f", "file", "workers", "twelve_workers", "twelve_file", "bytes", "WEB_MEMORY", "LANG", "NODE_ENV", "PYTHONHASHSEED",
                               "PYTHONUNBUFFERED", "npm_config_logs_max", "npm_config_update_notifier", "MEMORY_AVAILABLE")}
    done = subprocess.run([shell, "-euc", f'. "{BUILDPACKS}/{name}/profile.sh"; env'], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **own}, check=True)
    said = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {n: said[n] for n in own} == own and int(said["WEB_CONCURRENCY"]) >= 1
    assert not [n for n in said if n.startswith(("TWELVE_", "twelve_")) and n not in own]


def test_python_says_that_a_package_is_for_another_python(tmp_path):
    """pip says so in a line of all versions that there are, above one that says that there is none."""
    index = tree(tmp_path / "simple", {"later/index.html": '<a href="later-6.0-py3-none-any.whl" data-requires-python="&gt;=3.99">later-6.0-py3-none-any.whl</a>'})
    app = tree(tmp_path / "app", {"requirements.txt": "later>=6\n"})
    for folder in ("cache", "env"):
        (tmp_path / folder).mkdir()
    done = run("python", "compile", app, tmp_path / "cache", tmp_path / "env", PIP_INDEX_URL=index.as_uri())
    assert done.returncode == 1
    assert f" !     requirements.txt asks for later>=6, of which no version is for Python {PYTHON}" in done.stderr, done
