# SPDX-License-Identifier: Apache-2.0
"""run:inside: one more process in a dyno that is up, and nothing of it left afterwards."""
import os
import re
import signal
import subprocess

from conftest import wait_for


def inside(p, name, *command, dyno="web.1", **more):
    return p.cli("run:inside", dyno, "-a", name, "--", *command, **more)


def start(p, name, *command, dyno="web.1"):
    return subprocess.Popen([p.program("twelve"), "run:inside", dyno, "-a", name, "--", *command], env=p.env,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sessions(p, name):
    return [d for d in p.dynos(name) if d["type"] == "run"]


def gone(p, name):
    wait_for(lambda: not sessions(p, name), "the session to be gone")


def web(p, name):
    return p.up(name)[0]


def runs_there(p, name, what):
    """Whether a process of web.1 has these words in its arguments; the brackets keep grep from finding itself."""
    return "found" in inside(p, name, "sh", "-c", f"grep -qs '[{what[0]}]{what[1:]}' /proc/[0-9]*/cmdline && echo found; true").out


def test_it_is_in_the_dyno(app):
    p, name, _ = app
    d = web(p, name)
    out = inside(p, name, "sh", "-c", "echo $DYNO $PORT $TWELVE_DYNO_ID $TWELVE_RELEASE_VERSION; echo mine > /tmp/left; pwd; id -u").out.split("\n")
    assert out[0] == f"web.1 {d['twelve']['port']} {d['id']} v{d['release']['version']}" and out[1] == "/app" and out[2] != "0"
    assert inside(p, name, "cat", "/tmp/left").out == "mine\n"
    # A one-off dyno has files of its own.
    assert p.cli("run", "-a", name, "--", "cat", "/tmp/left", check=False).code == 1
    assert runs_there(p, name, "server.pl")
    gone(p, name)


def rights(pid):
    """Namespaces, cgroups, and what a process may do, as the host sees it."""
    status = re.findall(r"^(?:Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups).*$", open(f"/proc/{pid}/status").read(), re.M)
    limits = re.findall(r"^(?:Max open files|Max core file size).*$", open(f"/proc/{pid}/limits").read(), re.M)
    return (status, limits, {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in os.listdir(f"/proc/{pid}/ns")}, open(f"/proc/{pid}/cgroup").read(),
            os.readlink(f"/proc/{pid}/root"))


def test_it_has_no_more_rights_than_the_dyno(app):
    p, name, _ = app
    s = start(p, name, "sh", "-c", "echo up; cat /proc/self/oom_score_adj; read x")
    assert s.stdout.readline() == "up\n"
    assert rights(sessions(p, name)[0]["twelve"]["pid"]) == rights(web(p, name)["twelve"]["pid"])
    # A runtime may leave this one as it was.
    assert s.stdout.readline() == open(f"/proc/{web(p, name)['twelve']['pid']}/oom_score_adj").read()
    s.communicate("\n", timeout=180)
    gone(p, name)


def test_exit_code_pipes_and_variables(app):
    p, name, _ = app
    r = inside(p, name, "sh", "-c", "cat; echo err >&2; exit 7", input="one\ntwo\n", check=False)
    assert (r.out, r.code) == ("one\ntwo\n", 7) and "err" in r.err
    assert p.cli("run:inside", "web.1", "-e", "WORD=gull", "-a", name, "echo $WORD").out == "gull\n"
    assert inside(p, name, "no-such-command", check=False).code == 127
    gone(p, name)


def test_a_terminal(app):
    p, name, _ = app
    r = subprocess.run(["script", "-qec", f"stty cols 101 rows 33; {p.program('twelve')} run:inside web.1 -a {name} 'tty; stty size'", "/dev/null"],
                       env=p.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    assert re.search(r"/dev/pts/\d+\n33 101\n", r.stdout), r
    gone(p, name)


def test_what_it_leaves_ends_with_it(app):
    p, name, _ = app
    before = web(p, name)
    inside(p, name, "sh", "-c", "setsid sh -c 'trap \"\" TERM HUP; sleep 4321; true' > /dev/null 2>&1 & sleep 4322 > /dev/null 2>&1 & true")
    assert not runs_there(p, name, "sleep.432") and web(p, name) == before
    gone(p, name)


def test_ps_shows_and_ends_it(app):
    p, name, _ = app
    p.cli("config:set", "TWELVE_STOP_TIMEOUT=1", "-a", name)
    s = start(p, name, "sh", "-c", "trap '' TERM; setsid sleep 4323 & echo up; while true; do wait; done")
    assert s.stdout.readline() == "up\n"
    dyno, = sessions(p, name)
    assert dyno["twelve"]["inside"] == "web.1" and dyno["size"] == web(p, name)["size"]
    assert re.search(rf"{dyno['name']} \(.*: up .*\(inside web.1\)", p.cli("ps", "-a", name).out)
    before = web(p, name)
    p.cli("ps:stop", dyno["name"], "-a", name)
    s.communicate(timeout=180)
    assert s.returncode == 137
    wait_for(lambda: "Error R12 (Exit timeout)" in p.cli("logs", "-a", name, "--dyno", dyno["name"]).out, "the stream to tell why")
    assert not runs_there(p, name, "sleep.4323") and web(p, name) == before
    p.cli("config:unset", "TWELVE_STOP_TIMEOUT", "-a", name)
    gone(p, name)


def test_one_that_stops_its_init_ends_too(app):
    p, name, _ = app
    p.cli("config:set", "TWELVE_STOP_TIMEOUT=1", "-a", name)
    s = start(p, name, "sh", "-c", "kill -STOP $PPID; echo stopped; sleep 4324")
    assert s.stdout.readline() == "stopped\n"
    p.cli("ps:stop", sessions(p, name)[0]["name"], "-a", name)
    s.communicate(timeout=180)
    assert s.returncode == 137
    p.cli("config:unset", "TWELVE_STOP_TIMEOUT", "-a", name)
    gone(p, name)


def test_the_dyno_ends_it(app):
    p, name, _ = app
    s = start(p, name, "sh", "-c", "trap '' TERM; echo up; sleep 4325; sleep 4325")
    assert s.stdout.readline() == "up\n"
    before = web(p, name)["id"]
    p.cli("ps:stop", "web.1", "-a", name)
    s.communicate(timeout=180)
    assert s.returncode == 137
    wait_for(lambda: p.up(name) and web(p, name)["id"] != before, "another web.1")
    gone(p, name)


def test_kill_9_of_its_supervisor(app):
    p, name, _ = app
    s = start(p, name, "sh", "-c", "setsid sleep 4326 & echo up; sleep 4327")
    assert s.stdout.readline() == "up\n"
    before, dyno = web(p, name), sessions(p, name)[0]
    status = open(f"/proc/{dyno['twelve']['pid']}/status").read()
    os.kill(int(re.search(r"^PPid:\s+(\d+)", status, re.M).group(1)), signal.SIGKILL)
    gone(p, name)
    wait_for(lambda: not runs_there(p, name, "sleep.432"), "its processes to end")
    assert web(p, name) == before
    s.kill()
    s.communicate()
    gone(p, name)


def test_kill_9_of_twelved(app):
    p, name, _ = app
    s = start(p, name, "sh", "-c", "echo up; read x; echo got $x $DYNO; exit 3")
    assert s.stdout.readline() == "up\n"
    p.kill9()
    p.start()
    wait_for(lambda: [d for d in sessions(p, name) if d["twelve"]["inside"] == "web.1"], "the session to be adopted")
    out, _ = s.communicate("word\n", timeout=180)
    assert (out, s.returncode) == ("got word web.1\n", 3)
    gone(p, name)


def test_mistakes(app):
    p, name, _ = app
    r = inside(p, name, "true", dyno="web.7", check=False)
    assert r.code == 1 and f"{name} has no dyno web.7 now" in r.err
    r = p.cli("run:inside", "web.1", "-a", name, check=False)
    assert r.code == 2 and "run:inside" in r.err
    s = start(p, name, "sh", "-c", "echo up; read x")
    assert s.stdout.readline() == "up\n"
    session = sessions(p, name)[0]["name"]
    r = inside(p, name, "true", dyno=session, check=False)
    assert r.code == 1 and f"{session} runs inside of another dyno itself: name that one" in r.err
    s.communicate("\n", timeout=180)
    gone(p, name)
    status, answer = p.api("POST", f"/apps/{name}/dynos/web.1", {"attach": True})
    assert status == 422 and "command" in answer["message"]
