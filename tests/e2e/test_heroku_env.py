# SPDX-License-Identifier: Apache-2.0
"""twelve heroku-env: with exactly these variables the real heroku command works here, and asks for nobody else."""
import json
import os
import re
import shutil
import subprocess

import pytest

from test_access import tcp


def in_shell(platform, heroku, script, args="", **more):
    """A script after the eval, in a place from which nothing leaves, with nothing else in its environment: (code, out, err)."""
    printed = platform.cli("heroku-env", *args.split()).out
    env = {k: heroku.env[k] for k in ("PATH", "HOME", "TERM", "LANG", "NODE_COMPILE_CACHE")}
    p = subprocess.run(heroku.loopback.command(["env", "-i", *[f"{k}={v}" for k, v in env.items()], "sh", "-c", f"{printed}\n{script}"], heroku.home),
                       capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout, p.stderr


def test_the_command_works_and_nobody_else_is_asked(platform, heroku, alpha):
    code, out, err = in_shell(platform, heroku, f"""
        set -e
        heroku whoami
        heroku config:set GREETING=Ciao -a {alpha}
        heroku ps -a {alpha}
        heroku pg:info -a {alpha} || true
        heroku run -a {alpha} --exit-code -- echo over TLS
        git ls-remote https://localhost:{platform.api_port}/{alpha}.git
        git config --get-urlmatch http.sslCAInfo https://localhost:{platform.api_port}/{alpha}.git
        git config --get-urlmatch http.sslCAInfo https://elsewhere.example.com/ || echo git trusts the others as ever
    """)
    exchanges = heroku.looked_at("the script")
    assert code == 0, (out, err)
    assert "root@localhost" in out and "GREETING" in out and "web.1: up" in out and "over TLS" in out and "refs/heads/main" in out and "ca.pem" in out and "git trusts the others as ever" in out
    # particleboard's copies and all came here; looked_at() has seen that no other name was looked up.
    assert any(e.path == "/account" for e in exchanges)


def test_the_forms(platform):
    made = json.loads(platform.cli("heroku-env", "--json").out)
    url = f"http://localhost:{platform.api_port}"
    assert made["HEROKU_HOST"] == made["HEROKU_PARTICLEBOARD_URL"] == made["HEROKU_LOGIN_HOST"] == url
    assert made["HEROKU_GIT_HOST"] == f"localhost:{platform.api_port}" and made["HEROKU_DATA_HOST"] == "localhost"
    assert made["NODE_EXTRA_CA_CERTS"] == str(platform.state / "ca" / "ca.pem") and "HEROKU_HEADERS" not in made
    r = platform.cli("heroku-env")
    assert "A token was made" in r.err and len(set(re.findall("tw-[0-9a-f]{64}", r.out))) == 1
    assert tcp(platform, "GET", "/account", headers={"Authorization": "Bearer " + re.search("tw-[0-9a-f]{64}", r.out)[0]})[0] == 200
    script = r.out + platform.cli("heroku-env", "--unset").out + "env"
    left = subprocess.run(["env", "-i", f"PATH={os.environ['PATH']}", "sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert "HEROKU" not in left and "GIT_CONFIG" not in left and "TELEMETRY" not in left and "NODE_" not in left
    fish = platform.cli("heroku-env", "--shell", "fish").out
    assert re.search(rf"^set -gx HEROKU_HOST '{url}';$", fish, re.M)
    assert "set -e HEROKU_API_KEY;" in platform.cli("heroku-env", "--shell", "fish", "--unset").out
    if shutil.which("fish"):
        assert subprocess.run(["fish", "-c", fish + "echo $HEROKU_HOST"], capture_output=True, text=True).stdout == url + "\n"
    assert platform.cli("heroku-env", "--shell", "tcsh", check=False).code == 2


def test_over_tcp_it_is_the_present_token(platform, tmp_path):
    token = platform.cli("authorizations:create").out.strip()
    env = {"TWELVE_HOST": f"http://localhost:{platform.api_port}", "TWELVE_API_KEY": token, "HOME": str(tmp_path), "XDG_CONFIG_HOME": ""}
    r = platform.cli("heroku-env", "--json", env=env)
    made = json.loads(r.out)
    assert made["HEROKU_API_KEY"] == token and "A token was made" not in r.err
    assert open(made["NODE_EXTRA_CA_CERTS"]).read() == (platform.state / "ca" / "ca.pem").read_text()
    assert made["NODE_EXTRA_CA_CERTS"].startswith(str(tmp_path))
    # A name that the command takes, but sends no token to by itself.
    env["TWELVE_HOST"] = f"https://api.localhost:{platform.api_port}"
    env["TWELVE_CA"] = made["NODE_EXTRA_CA_CERTS"]
    named = json.loads(platform.cli("heroku-env", "--json", env=env).out)
    assert json.loads(named["HEROKU_HEADERS"]) == {"Authorization": f"Bearer {token}"} and named["HEROKU_HOST"] == env["TWELVE_HOST"]


@pytest.mark.parametrize("host", ["https://paas.example.com:5000", "ssh://ada@paas.example.com"])
def test_hosts_that_the_command_would_not_speak_to(platform, host):
    """It would fall back to Heroku itself, with the token."""
    r = platform.cli("--host", host, "heroku-env", check=False, env={"TWELVE_API_KEY": "tw-x"})
    assert r.code == 2 and "ssh -N -L 5000:localhost:5000" in r.err and r.out == ""
