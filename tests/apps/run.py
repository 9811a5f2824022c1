#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
`make apps`: apps that we did not write, pushed as they are to a platform of their own. Each file in list/ is a recipe that
makes one in an empty folder, as its starter's own tool does; its first lines say where it is from and what a visitor sees:

    # starter: ...      for people
    # expects: REGEX    in the page, once the app is live
    # path: /PATH       of that page, instead of /
    # setup: COMMAND    of twelve's, before the push (each such line)
    # refusal: REGEX    this one can't run here: what the push has to say instead

It prints a table, writes it to bench/results-apps.md when all were run, and fails below 95 %. APPS="go-* django" takes a part.
"""
import contextlib
import fnmatch
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/e2e")]

import heroku_cli  # noqa: E402
import kept as machine  # noqa: E402
from conftest import Platform, wait_for  # noqa: E402

ENOUGH = 0.95
CACHE = machine.cache() / "apps"


class Recipe:
    def __init__(self, path):
        self.path, self.name = path, path.name
        self.text = path.read_text()
        said = re.findall(r"^# (\w+): (.*)$", self.text, re.M)
        first = dict(reversed(said))
        self.starter, self.expects, self.refusal = first["starter"], first.get("expects"), first.get("refusal")
        self.page = first.get("path", "/")
        self.setup = [value for key, value in said if key == "setup"]

    def make(self, into, node):
        """The app's files in `into`; what a recipe made once is kept, so that a second run has the same app."""
        key = hashlib.sha256((self.text + (HERE / "lib.sh").read_text()).encode()).hexdigest()[:16]
        kept = CACHE / f"{self.name}-{key}.tar"
        if not kept.exists():
            self._make_anew(kept, node)
        subprocess.run(["tar", "-xf", kept, "-C", into], check=True)

    def _make_anew(self, kept, node):
        with tempfile.TemporaryDirectory(prefix="recipe") as work:
            app, scratch = pathlib.Path(work, "app"), pathlib.Path(work, "scratch")
            app.mkdir()
            scratch.mkdir()
            env = {**os.environ, "SCRATCH": scratch, "PATH": f"{node}:{os.environ['PATH']}", "CI": "1", "npm_config_yes": "true",
                   "npm_config_update_notifier": "false", "NEXT_TELEMETRY_DISABLED": "1", "NG_CLI_ANALYTICS": "false"}
            p = subprocess.run(["bash", "-euo", "pipefail", "-c", f". {HERE}/lib.sh; . {self.path}"], cwd=app, env=env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
            if p.returncode:
                raise RuntimeError(f"the recipe failed: {p.stdout.strip()[-400:]}")
            for name in (".git", "node_modules"):
                shutil.rmtree(app / name, ignore_errors=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["tar", "-cf", f"{kept}.new", "-C", app, "."], check=True)
            os.rename(f"{kept}.new", kept)


def node_tools():
    """Node.js and npm as the tests of the heroku command have them."""
    into = CACHE / "node"
    if not (into / "bin/node").exists():
        shutil.rmtree(into, ignore_errors=True)
        (into / "bin").mkdir(parents=True)
        heroku_cli.unpack(heroku_cli.node_package(), into / "node")
        heroku_cli.unpack("npm", into / "npm")
        for name, target in (("npm", "npm-cli.js"), ("npx", "npx-cli.js")):
            (into / "bin" / name).symlink_to(f"../npm/package/bin/{target}")
            (into / "npm/package/bin" / target).chmod(0o755)
        (into / "bin/node").symlink_to("../node/package/bin/node")
    return into / "bin"


class Outcome:
    def __init__(self, recipe):
        self.recipe, self.built, self.answers, self.seconds, self.why = recipe, False, False, 0, ""

    @property
    def good(self):
        return self.answers

    def row(self):
        def word(yes):
            return "yes" if yes else "no"
        if self.recipe.refusal:
            return f"| {self.recipe.name} | {self.recipe.starter} | refused | {'as it should' if self.good else 'no'} | {self.seconds:.0f} | {self.why} |"
        return f"| {self.recipe.name} | {self.recipe.starter} | {word(self.built)} | {word(self.answers)} | {self.seconds:.0f} | {self.why} |"


def fetch(platform, app, path):
    request = urllib.request.Request(f"http://127.0.0.1:{platform.http_port}{path}", headers={"Host": f"{app}.localhost"})
    try:
        with urllib.request.urlopen(request, timeout=30) as r:
            return r.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as e:
        return e.read().decode("utf-8", "replace")
    except OSError as e:
        return str(e)


def push(platform, recipe, where, log):
    app = "f-" + re.sub(r"[^a-z0-9]+", "-", recipe.name)
    git = ["git", "-C", where]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", recipe.starter], check=True, env=platform.env)
    platform.cli("create", app)
    for command in recipe.setup:
        if not command.startswith("run "):
            platform.cli(*command.split(), "-a", app)
    p = subprocess.run([*git, "push", f"{platform.state}/git/{app}.git", "main"], env=platform.env, text=True, timeout=1800,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log.write_text(p.stdout)
    for command in recipe.setup:
        if p.returncode == 0 and command.startswith("run "):
            platform.cli("run", "-a", app, *command.split()[1:], check=False)
    return app, p


def last_words(text):
    said = [re.sub(r"^remote: *!? *", "", line).strip() for line in text.splitlines() if re.match(r"remote: +! ", line)]
    return (said[-1] if said else text.strip()[-200:]).replace("|", "\\|")[:220]


def try_one(platform, recipe, node, logs):
    o = Outcome(recipe)
    with tempfile.TemporaryDirectory(prefix="foreign") as where:
        try:
            recipe.make(where, node)
            began = time.monotonic()
            app, p = push(platform, recipe, where, logs / f"{recipe.name}.log")
            o.built = p.returncode == 0
            if recipe.refusal:
                o.answers = p.returncode != 0 and re.search(recipe.refusal, p.stdout) is not None
                o.why = last_words(p.stdout)
            elif o.built:
                page = ""
                with contextlib.suppress(AssertionError):
                    wait_for(lambda: re.search(recipe.expects, fetch(platform, app, recipe.page), re.S), "the page", 20)
                    o.answers = True
                if not o.answers:
                    page = fetch(platform, app, recipe.page)
                    o.why = "the page: " + re.sub(r"\s+", " ", page)[:160].replace("|", "\\|")
            else:
                o.why = last_words(p.stdout)
            o.seconds = time.monotonic() - began
            platform.cli("apps:destroy", app, "--confirm", app, check=False)
        except Exception as e:  # noqa: BLE001 one app's failure is a row, whatever it is
            o.why = re.sub(r"\s+", " ", str(e))[:220].replace("|", "\\|")
    return o


def table(outcomes):
    good = sum(o.good for o in outcomes)
    return "\n".join(["| app | from | built | answers | seconds | |", "| --- | --- | --- | --- | --- | --- |", *(o.row() for o in outcomes), "",
                      f"{good} of {len(outcomes)} apps do what they should, {100 * good / len(outcomes):.0f} %."])


def main():
    wanted = os.environ.get("APPS", "*").split()
    recipes = [Recipe(p) for p in sorted((HERE / "list").iterdir()) if any(fnmatch.fnmatch(p.name, w) for w in wanted)]
    if not recipes:
        sys.exit(f"apps: no recipe in tests/apps/list/ is called {' '.join(wanted)}")
    node = node_tools()
    logs = pathlib.Path(os.environ.get("TWELVE_APPS_LOGS") or tempfile.mkdtemp(prefix="twelve-apps"))
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apps") as base:
        platform = Platform(base)
        try:
            outcomes = []
            for recipe in recipes:
                outcomes.append(try_one(platform, recipe, node, logs))
                print(outcomes[-1].row(), flush=True)
        finally:
            platform.stop()
    text = table(outcomes)
    print("\n" + text.rsplit("\n", 1)[1], f"The output of each push is in {logs}.")
    if wanted == ["*"]:
        (ROOT / "bench/results-apps.md").write_text(f"# Apps that we did not write\n\nBy `make apps`, {time.strftime('%Y-%m-%d')}.\n\n{text}\n")
    return 0 if sum(o.good for o in outcomes) >= ENOUGH * len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
