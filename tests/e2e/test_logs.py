# SPDX-License-Identifier: Apache-2.0
"""The log stream as a user sees it: merged, stamped, filtered, tailed through deploys."""
import re
import subprocess
import threading

from conftest import wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 (app|heroku)\[[^\]]+\]: ")


def test_lines_and_filters(app):
    platform, name, _ = app
    platform.get(name, "/status/404")
    wait_for(lambda: "GET /status/404" in platform.cli("logs", "-a", name).out, "the app's line")
    lines = platform.cli("logs", "-n", "100", "-a", name).out.splitlines()
    assert all(LINE.match(line) for line in lines), lines
    text = "\n".join(lines)
    assert "app[api]: Release v2 created" in text
    assert "heroku[web.1]: Starting process with command `perl server.pl`" in text
    assert "heroku[web.1]: State changed from starting to up" in text
    assert "app[release.2]: releasing v2" in text
    wait_for(lambda: re.search(r'heroku\[router\]: at=info method=GET path="/status/404" host=\S+ .*dyno=web\.1 .*status=404',
                               platform.cli("logs", "-a", name).out), "the router's line")
    only = platform.cli("logs", "-a", name, "--dyno", "web.1").out.splitlines()
    assert only and all("[web.1]:" in line for line in only)
    only = platform.cli("logs", "-a", name, "--source", "heroku").out.splitlines()
    assert only and all(" heroku[" in line for line in only)
    assert len(platform.cli("logs", "-n", "2", "-a", name).out.splitlines()) == 2


def test_a_tail_goes_on_through_a_deploy(app):
    platform, name, _ = app
    tail = subprocess.Popen([platform.program("twelve"), "logs", "--tail", "-a", name], env=platform.env,
                            stdout=subprocess.PIPE, text=True)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(tail.stdout.readline, "")), daemon=True)
    reader.start()
    wait_for(lambda: any("hello from web.1" in s for s in seen), "the tail to begin")
    platform.cli("config:set", "A=1", "-a", name)
    wait_for(lambda: sum("hello from web.1" in s for s in seen) == 2, "the new dyno's line")
    wait_for(lambda: any("bye from web.1" in s for s in seen), "the old dyno's last line")
    tail.terminate()
    tail.wait()
    assert sum("bye from web.1" in s for s in seen) == 1


def test_config_values_are_in_no_log(app):
    platform, name, _ = app
    platform.cli("config:set", "SECRET_KEY=sesame-4711", "-a", name)
    assert "sesame-4711" not in platform.cli("logs", "-n", "1500", "-a", name).out
    platform.log.flush()
    assert "sesame-4711" not in open(platform.log.name).read()
    found = subprocess.run(["grep", "-rl", "sesame-4711", str(platform.state), str(platform.run)],
                           capture_output=True, text=True)
    assert found.stdout == "", "no file holds a secret in clear"
    for line in subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout.splitlines():
        assert "sesame-4711" not in line or "grep" in line
