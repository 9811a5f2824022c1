# SPDX-License-Identifier: Apache-2.0
"""One-off dynos: same release, same config, same sandbox; exit codes, pipes, terminals."""
import os
import pty
import re
import select
import signal
import socket
import struct
import fcntl
import subprocess
import termios
import threading
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

    def until(pattern, timeout=180):
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


def start(platform, name, *command, args=(), **more):
    """`twelve run` with pipes, in the background."""
    return subprocess.Popen([platform.program("twelve"), "run", "-a", name, *args, "--", *command], env=platform.env,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def one_off(platform, name):
    return wait_for(lambda: platform.up(name, "run"), "the dyno")[0]["name"]


def gone(platform, name):
    wait_for(lambda: not [d for d in platform.dynos(name) if d["type"] == "run"], "it to end")


def test_a_client_that_is_asked_to_end_ends_the_session(app):
    platform, name, _ = app
    p = start(platform, name, "sleep", "1000")
    one_off(platform, name)
    p.send_signal(signal.SIGTERM)
    p.send_signal(signal.SIGTERM)
    wait_for(lambda: p.poll() is not None, "the client to end")
    assert p.returncode == 128 + signal.SIGTERM
    p.communicate()
    gone(platform, name)


def test_a_client_that_is_lost_leaves_the_session(app):
    platform, name, _ = app
    p = start(platform, name, "sh", "-c", "trap 'echo hup' HUP; echo begin; read x; echo got $x; exit 5")
    dyno = one_off(platform, name)
    assert p.stdout.readline() == "begin\n"
    p.kill()
    p.communicate()
    wait_for(lambda: f"run --attach {dyno}" in platform.cli("logs", "-a", name).out, "the log to tell how to go on")
    r = platform.cli("run", "-a", name, "--attach", dyno, input="again\n", check=False)
    # Nobody knows whether the lost client had shown the last of it: that comes once more.
    assert (r.out, r.code) == ("begin\ngot again\n", 5)
    gone(platform, name)


def test_a_session_is_taken_over(app):
    platform, name, _ = app
    p = start(platform, name, "sh", "-c", "echo begin; read x; echo got $x")
    dyno = one_off(platform, name)
    assert p.stdout.readline() == "begin\n"
    r = platform.cli("run", "-a", name, "--attach", dyno, input="it\n")
    assert r.out == "begin\ngot it\n"
    out, err = p.communicate(timeout=180)
    assert out == "" and f"Another client has attached to {dyno}" in err and p.returncode == 1


def test_attach_is_refused_with_a_sentence(app):
    platform, name, _ = app
    web = platform.up(name)[0]["name"]
    r = platform.cli("run", "-a", name, "--attach", web, check=False)
    assert r.code != 0 and f"{web} is not waiting for a client" in r.err
    r = platform.cli("run", "-a", name, "--attach", "run.999", check=False)
    assert r.code != 0 and "has no dyno run.999 now" in r.err
    r = platform.cli("run", "-a", name, "--attach", "run.1", "ls", check=False)
    assert r.code != 0 and "takes no command" in r.err
    r = platform.cli("run", "-a", name, "--attach", "run.1", "--detached", check=False)
    assert r.code != 0 and "don't go together" in r.err
    r = platform.cli("run", "-a", name, check=False)
    assert r.code != 0 and "Type the command to run" in r.err


def test_nobody_attaches_again(own_platform, tmp_path):
    platform = own_platform(TWELVE_SESSION_KEEP="1s")
    name = platform.create("alone", platform.repo(tmp_path))
    platform.push(tmp_path / "repo")
    p = start(platform, name, "sh", "-c", "trap 'exit 0' TERM; echo begin; while :; do sleep 0.1; done")
    assert p.stdout.readline() == "begin\n"
    p.kill()
    p.communicate()
    gone(platform, name)


class Cut:
    """A unix socket before twelved's, whose connections can be broken off."""

    def __init__(self, platform, path):
        self.path, self.to, self.open = str(path), str(platform.run / "twelved.sock"), []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            there = socket.socket(socket.AF_UNIX)
            there.connect(self.to)
            self.open.append((here, there))
            for a, b in ((here, there), (there, here)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    def copy(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """What is under way is lost, both ways."""
        n = len(self.open)
        for pair in self.open:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.open = []
        return n

    def close(self):
        # A thread that still accepted would take the connections of the next socket of the same number.
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


def test_no_byte_is_lost_when_the_connection_breaks(app, tmp_path):
    """8 MB both ways through cat, over a connection that is broken off every now and then."""
    platform, name, _ = app
    relay = Cut(platform, tmp_path / "relay.sock")
    data = b"".join(b"%d\n" % i for i in range(1_200_000))
    p = subprocess.Popen([platform.program("twelve"), "run", "-a", name, "cat"], env=dict(platform.env, TWELVE_SOCKET=relay.path),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def feed():
        p.stdin.write(data)
        p.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    out, cuts = b"", 0
    while chunk := p.stdout.read1(1 << 20):
        out += chunk
        if len(out) > (cuts + 1) * len(data) // 12:
            cuts += relay.cut() > 0
    err = p.stderr.read().decode()
    assert p.wait(60) == 0, err
    relay.close()
    assert cuts > 5 and err.count("broke. Reconnecting") >= cuts - 1
    assert out == data


def test_the_session_outlives_twelved(own_platform, tmp_path):
    platform = own_platform()
    name = platform.create("outlives", platform.repo(tmp_path))
    platform.push(tmp_path / "repo")
    p = start(platform, name, "sh", "-c", "echo begin; read x; echo got $x; read x; echo got $x; exit 3")
    dyno = one_off(platform, name)
    assert p.stdout.readline() == "begin\n"
    platform.kill9()
    p.stdin.write("one\n")
    p.stdin.flush()
    assert p.stdout.readline() == "got one\n"
    p.kill()
    p.communicate()
    platform.start()
    r = platform.cli("run", "-a", name, "--attach", dyno, input="two\n", check=False)
    assert (r.out, r.code) == ("begin\ngot one\ngot two\n", 3)


def test_a_command_that_does_not_exist(app):
    platform, name, _ = app
    r = platform.cli("run", "-a", name, "no-such-command", check=False)
    assert r.code == 127 and "not found" in r.out + r.err
