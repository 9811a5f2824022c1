# SPDX-License-Identifier: Apache-2.0
"""The heroku CLI against a real twelved: one-off dynos, logs, drains."""
import re
import subprocess
import threading

from conftest import wait_for


def test_run_detached_and_logs(heroku, alpha):
    platform = heroku.platform
    r = heroku("run:detached", "-e", "WORD=gull", "echo", "a $WORD of steel", app=alpha)
    name = re.search(r"run\.\d+", r.err).group()
    wait_for(lambda: "a gull of steel" in platform.cli("logs", "-a", alpha).out, "what it said")
    wait_for(lambda: name not in [d["name"] for d in platform.dynos(alpha)], "its end")

    lines = heroku("logs", app=alpha).out.splitlines()
    assert any(re.fullmatch(rf"\S+ app\[{re.escape(name)}\]: a gull of steel", line) for line in lines), lines
    lines = heroku("logs", "-n", "3", "-s", "app", "-d", "web.1", app=alpha).out.splitlines()
    assert 0 < len(lines) <= 3 and all("app[web.1]: " in line for line in lines), lines
    assert all("app[web." in line for line in heroku("logs", "-p", "web", "-s", "app", app=alpha).out.splitlines())


def test_a_tail(heroku, alpha):
    tail = heroku.popen("heroku", "logs", "--tail", "-a", alpha, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(tail.stdout.readline, "")), daemon=True)
    reader.start()
    wait_for(lambda: seen, "the tail to begin")
    heroku.platform.get(alpha, "/status/418")
    wait_for(lambda: any('path="/status/418"' in line for line in seen) and any("GET /status/418" in line for line in seen), "both lines")
    tail.terminate()
    tail.communicate()
    reader.join()
    heroku.looked_at("logs --tail")


def test_drains(heroku, alpha):
    platform = heroku.platform
    url = "https://127.0.0.1:1/path?x=y&z"
    assert heroku("drains", app=alpha).out == ""
    heroku("drains:add", url, app=alpha)
    (drain,) = platform.api("GET", f"/apps/{alpha}/log-drains")[1]
    assert drain["url"] == url
    assert heroku("drains", app=alpha).out.strip().splitlines()[-1] == f"{url} ({drain['token']})"
    assert "already" in heroku("drains:add", url, app=alpha, code=2).err
    heroku("drains:remove", url, app=alpha)
    assert platform.api("GET", f"/apps/{alpha}/log-drains")[1] == []
    assert "Couldn't find" in heroku("drains:remove", url, app=alpha, code=2).err
