# SPDX-License-Identifier: Apache-2.0
"""One-off dynos: same release, same config, same sandbox; exit codes, pipes, terminals."""
import os
import pty
import re
import select
import signal
import struct
import fcntl
import subprocess
import termios
import time

from conftest import wait_for


def test_exit_code_and_output(app):
    platform, name, _ = app
    r = platform.cli("run", "-a", name, "--", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert r.code == 7
    assert "out\n" in r.out and "err" in r.err


def test_pipes(app):
    platform, name, _ = app
    r = platform.cli("run", "-a", name, "cat", input="one\ntwo\n")
    assert r.out == "one\ntwo\n"


def test_same_config_and_release(app):
    platform, name, _ = app
    platform.cli("config:set", "GREETING=Salve", "-a", name)
    r = platform.cli("run", "-a", name, "--", "sh", "-c", "echo $GREETING $TWELVE_RELEASE_VERSION $DYNO; id -u; pwd; ls")
    lines = r.out.split("\n")
    assert re.match(r"Salve v3 run\.\d+$", lines[0])
    assert lines[1] != "0" and lines[2] == "/app" and "server.pl" in lines


def test_sandbox_keeps_the_host_out(app):
    platform, name, _ = app
    checks = {
        "cat /proc/self/status | grep CapEff": "0000000000000000",
        "touch /usr/x 2>&1": "Read-only file system",
        "mount -t tmpfs none /tmp 2>&1; true": "",
        "unshare -U true 2>&1": "not permitted",
        f"ls {platform.state} 2>&1": "No such file",
        "grep NoNewPrivs /proc/self/status": "1",
        "grep Seccomp: /proc/self/status": "2",
    }
    for command, expected in checks.items():
        r = platform.cli("run", "-a", name, "--", "sh", "-c", command, check=False)
        assert expected in r.out + r.err, (command, r)


def test_terminal(app):
    platform, name, _ = app
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update({k: v for k, v in platform.env.items()})
        os.execv(platform.program("twelve"), ["twelve", "run", "-a", name, "bash"])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    os.kill(pid, signal.SIGWINCH)
    seen = b""

    def until(pattern, timeout=30):
        nonlocal seen
        end = time.monotonic() + timeout
        while not re.search(pattern, seen):
            assert time.monotonic() < end, seen
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    seen += os.read(fd, 4096)
                except OSError:
                    break
        return re.search(pattern, seen)

    until(rb"\$ ")
    os.write(fd, b"tty; stty size\n")
    assert until(rb"/dev/pts/\d+\r\n33 101")
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.kill(pid, signal.SIGWINCH)
    seen = b""
    # It says itself that it runs: what is typed while the shell still has the terminal interrupts nothing.
    os.write(fd, b"perl -e '$|=1; print qq(no), qq(w\\n); sleep 100'\n")
    until(rb"[\r\n]now\r\n")
    os.write(fd, b"\x03")
    os.write(fd, b"stty size; exit 9\n")
    until(rb"40 120")
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 9


def test_detached(app):
    platform, name, _ = app
    r = platform.cli("run:detached", "-a", name, "--", "sh", "-c", "echo detached at work")
    dyno = re.search(r"run\.\d+", r.out + r.err).group(0)
    wait_for(lambda: "detached at work" in platform.cli("logs", "-a", name, "--dyno", dyno).out, "its line")
    wait_for(lambda: all(d["name"] != dyno for d in platform.dynos(name)), "it to be gone")


def test_a_client_that_goes_away_ends_the_session(app):
    platform, name, _ = app
    p = subprocess.Popen([platform.program("twelve"), "run", "-a", name, "sleep", "1000"], env=platform.env,
                         stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: platform.up(name, "run"), "the dyno")
    p.kill()
    p.wait()
    wait_for(lambda: not [d for d in platform.dynos(name) if d["type"] == "run"], "it to end")


def test_a_command_that_does_not_exist(app):
    platform, name, _ = app
    r = platform.cli("run", "-a", name, "no-such-command", check=False)
    assert r.code == 127 and "not found" in r.out + r.err
