# SPDX-License-Identifier: Apache-2.0
"""
Infrastructure as code: small programs on published client libraries of Heroku's API, from npm and from
the Go proxy, declare apps and what belongs to them. Converging twice changes nothing.
"""
import hashlib
import json
import os
import shutil
import subprocess

import pytest

import kept
from conftest import wait_for
from heroku_cli import HERE


def go_program():
    """The program in heroku/iac, built once for a machine."""
    if not shutil.which("go"):
        raise RuntimeError("there is no go program: scripts/install-deps test")
    key = hashlib.sha256(b"".join(p.read_bytes() for p in sorted((HERE / "iac").iterdir()))).hexdigest()[:12]

    def make(folder):
        subprocess.run(["go", "build", "-o", folder / "converge", "."], cwd=HERE / "iac", check=True,
                       env=dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=readonly", GOWORK="off", GOTOOLCHAIN="local"))

    return [str(kept.made("heroku-iac", key, make) / "converge")]


@pytest.fixture(scope="module", params=["heroku-client", "heroku-go"])
def converge(request, heroku):
    """converge(declaration): (what it says it changed, the requests that it made)."""
    if request.param == "heroku-go":
        argv, env = go_program(), {}
    else:
        argv, env = ["node", HERE / "converge.js"], {"NODE_PATH": str(heroku.where / "node_modules")}

    def run(declaration):
        p = heroku.popen(*argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate(json.dumps(declaration), timeout=300)
        exchanges = heroku.looked_at(request.param)
        assert p.returncode == 0, (out, err, exchanges)
        return out.splitlines(), exchanges

    run.library = request.param
    return run


def world(platform, app, pipeline):
    """All that was declared, with ids and releases: what a second apply must leave as it is."""
    lists = ["releases", "addons", "addon-attachments", "log-drains", "domains", "formation", "config-vars"]
    seen = {name: platform.api("GET", f"/apps/{app}/{name}")[1] for name in lists}
    seen["app"] = platform.api("GET", f"/apps/{app}")[1]
    seen["pipeline"] = platform.api("GET", f"/pipelines/{pipeline}")[1]
    seen["couplings"] = platform.api("GET", f"/pipelines/{seen['pipeline']['id']}/pipeline-couplings")[1]
    return seen


def test_an_apply_twice_changes_nothing(heroku, converge, tmp_path):
    platform = heroku.platform
    app, pipe = f"iac-{converge.library}", f"pipe-{converge.library}"
    drains = ["https://127.0.0.1:1/drain?a=b", "syslog+tls://127.0.0.1:2"]
    declared = {
        "apps": {app: {"config": {"GREETING": "Ahoj", "EMPTY": ""}, "addons": ["redis:mini"], "drains": drains,
                       "domains": [f"www.{app}.example", f"*.{app}.example"]}},
        "pipelines": {pipe: {app: "staging"}},
    }
    changes, _ = converge(declared)
    assert len(changes) == 9, changes
    wait_for(lambda: platform.api("GET", f"/apps/{app}/addons")[1][0]["state"] == "provisioned", "the add-on", 300)

    where = platform.repo(tmp_path)
    platform.git(where, "remote", "add", "twelve", platform.api("GET", f"/apps/{app}")[1]["twelve"]["git_path"])
    platform.push(where)
    declared["apps"][app]["formation"] = {"web": {"quantity": 2, "size": "Standard-1X"}, "worker": {"quantity": 1, "size": "Standard-2X"}}
    changes, _ = converge(declared)
    assert len(changes) == 1 and changes[0].startswith("formation"), changes

    wait_for(lambda: len(platform.up(app)) == 2 and len(platform.up(app, "worker")) == 1, "what was declared")
    assert platform.get(app)[1].startswith("Ahoj ")
    before = world(platform, app, pipe)
    assert {d["url"] for d in before["log-drains"]} == set(drains)
    assert before["config-vars"]["EMPTY"] == "" and before["config-vars"]["REDIS_URL"].startswith("redis://")
    assert [c["stage"] for c in before["couplings"]] == ["staging"]

    changes, exchanges = converge(declared)
    assert changes == []
    assert exchanges and {e.method for e in exchanges} == {"GET"}
    after = world(platform, app, pipe)
    for seen in (before, after):
        for drain in seen["log-drains"]:
            drain.pop("status")
    assert after == before

    declared["apps"][app]["config"]["GREETING"] = "Hola"
    assert len(converge(declared)[0]) == 1
    wait_for(lambda: platform.get(app)[1].startswith("Hola "), "what was declared now")
    platform.cli("pipelines:destroy", pipe)
    platform.cli("destroy", "-a", app, "--confirm", app)
