# SPDX-License-Identifier: Apache-2.0
"""`heroku run` with the real CLI; and rendezvous with a client of our own, which is quick and can misbehave."""
import concurrent.futures
import fcntl
import os
import pty
import re
import select
import socket
import ssl
import struct
import subprocess
import termios
import time

import pytest

from conftest import wait_for


def one_off(platform, name):
    return wait_for(lambda: platform.up(name, "run"), "the dyno")[0]["name"]


def gone(platform, name):
    wait_for(lambda: not [d for d in platform.dynos(name) if d["type"] == "run"], "it to end")


# -- the real CLI

def test_exit_statuses_and_output(heroku, alpha):
    assert heroku("run", "-x", "--", "echo out; echo err >&2; (exit 7)", app=alpha, code=7).out == "out\nerr\n"
    r = heroku("run", "-x", "--", "true", app=alpha)
    assert r.out == "" and re.search(r"up, run\.\d+", r.err)
    # Without -x it is 0, as Heroku's client wants it.
    assert heroku("run", "echo nothing; exit 3", app=alpha).out == "nothing\n"
    gone(heroku.platform, alpha)


def test_inside(heroku, alpha):
    r = heroku("run:inside", "web.1", "-x", "--", "echo $DYNO; cat; (exit 6)", app=alpha, input="word", code=6)
    assert r.out == "web.1\nword" and re.search(r"up, run\.\d+", r.err)
    gone(heroku.platform, alpha)
    assert "has no dyno web.9 now" in heroku("run:inside", "web.9", "true", app=alpha, code=2).err


def test_stdin_from_a_pipe(heroku, alpha):
    text = "one\nzwei – 2\nthree"
    assert heroku("run", "-x", "--", "cat", app=alpha, input=text).out == text
    # /dev/null ends at once; a terminal is not there either way.
    assert heroku("run", "-x", "--no-tty", "--", "cat; tty; echo end", app=alpha, code=None).out == "not a tty\nend\n"
    gone(heroku.platform, alpha)


def test_much_both_ways(heroku, alpha):
    text = "".join(f"{i} – ü\n" for i in range(250_000))
    assert heroku("run", "-x", "--", "cat", app=alpha, input=text).out == text
    gone(heroku.platform, alpha)


def test_quick_commands_lose_nothing(heroku, alpha):
    """The first output comes right after the greeting, which the CLI throws away with all that comes with it."""
    def run(i):
        p = heroku.popen("heroku", "run", "-x", "-a", alpha, "--", f"echo quick {i}; (exit {i})", stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate(timeout=120)
        return out, p.returncode, err

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(1, 17)))
    assert [r[:2] for r in results] == [(f"quick {i}\n", i) for i in range(1, 17)], results
    heroku.looked_at("heroku run")
    gone(heroku.platform, alpha)


class Terminal:
    """The CLI on a terminal of 101 columns."""

    def __init__(self, heroku, *argv):
        self.fd, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        self.seen = b""
        self.process = heroku.popen(*argv, stdin=there, stdout=there, stderr=there, start_new_session=True)
        os.close(there)

    def until(self, pattern, timeout=180):
        end = time.monotonic() + timeout
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, self.seen
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:
                    break
        assert re.search(pattern, self.seen), self.seen

    def type(self, text):
        self.seen = b""
        os.write(self.fd, text)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


def test_a_terminal(heroku, alpha):
    t = Terminal(heroku, "heroku", "run", "-x", "-a", alpha, "bash")
    try:
        t.until(rb"\$ $")
        t.type(b"tty; stty size\n")
        t.until(rb"/dev/pts/\d+\s+33 101")
        t.type(b"perl -e '$|=1; print qq(no), qq(w\\n); sleep 100'\n")
        t.until(rb"[\r\n]now\r+\n")
        t.type(b"\x03")
        t.until(rb"\$ $")
        t.type(b"exit 9\n")
        assert t.process.wait(60) == 9
    finally:
        t.close()
    heroku.looked_at("heroku run bash")
    gone(heroku.platform, alpha)


def talk(heroku, alpha, command):
    """`heroku run -x` with pipes, in the background; its dyno."""
    p = heroku.popen("heroku", "run", "-x", "-a", alpha, "--", command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                     stderr=subprocess.DEVNULL)
    assert p.stdout.readline() == "begin\n"
    return p, one_off(heroku.platform, alpha)


def test_the_session_outlives_twelved(heroku, alpha):
    p, _ = talk(heroku, alpha, "echo begin; read x; echo got $x; read x; echo got $x; (exit 4)")
    heroku.platform.kill9()
    try:
        p.stdin.write("one\n")
        p.stdin.flush()
        assert p.stdout.readline() == "got one\n"
    finally:
        heroku.platform.start()
    out, _ = p.communicate("two\n", timeout=180)
    assert (out, p.returncode) == ("got two\n", 4)
    heroku.looked_at("heroku run")
    gone(heroku.platform, alpha)


def test_ours_goes_on_where_it_broke(heroku, alpha):
    p, dyno = talk(heroku, alpha, "trap 'echo hup' HUP; echo begin; read x; echo got $x; exit 5")
    p.kill()
    p.communicate()
    r = heroku.platform.cli("run", "-a", alpha, "--attach", dyno, input="it\n", check=False)
    assert r.out.startswith("got it\n") and "hup" not in r.out
    heroku.looked_at("heroku run")
    gone(heroku.platform, alpha)


# -- a client of our own

class Rendezvous:
    """As Heroku's: no server name in TLS, a line with the secret, then bytes. Each read is one TLS record."""

    def __init__(self, platform):
        tls = ssl.create_default_context(cafile=str(platform.state / "ca" / "ca.pem"))
        tls.check_hostname = False
        self.socket = tls.wrap_socket(socket.create_connection(("127.0.0.1", platform.api_port), timeout=60))

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read(self):
        return self.socket.recv(65536)

    def rest(self):
        out = b""
        while data := self.read():
            out += data
        return out

    def close(self):
        self.socket.close()


def run(platform, app, command, **body):
    status, dyno = platform.api("POST", f"/apps/{app}/dynos", {"command": command, "attach": True, **body})
    assert status == 201, dyno
    secret = re.fullmatch(rf"rendezvous://localhost:{platform.api_port}/([0-9a-f]{{64}})", dyno["attach_url"]).group(1)
    return dyno, secret.encode()


def test_the_greeting_comes_alone(platform, alpha):
    for i in range(40):
        _, secret = run(platform, alpha, f"echo quick {i}")
        c = Rendezvous(platform).send(secret + b"\r\n")
        assert c.read() == b"rendezvous\r\n"
        assert c.rest() == b"quick %d\n" % i
        c.close()


def test_the_exit_status_comes_in_one_piece(platform, alpha):
    """After as much output as buffers on the way hold, and more, it is not cut by their ends."""
    for n in range(16384 - 60, 16384 + 20, 16):
        _, secret = run(platform, alpha, f"head -c {n} /dev/zero; printf '\\n\\357\\277\\277 heroku-command-exit-'; echo status: 3")
        c = Rendezvous(platform).send(secret + b"\r\n")
        assert c.read() == b"rendezvous\r\n"
        records = []
        while data := c.read():
            records.append(data)
        assert any("\uffff heroku-command-exit-status: 3\n".encode() in r for r in records), [len(r) for r in records]
        assert len(b"".join(records)) == n + 1 + 34
        c.close()


def test_a_secret_opens_once(platform, alpha):
    dyno, secret = run(platform, alpha, "echo begin; cat")
    first = Rendezvous(platform).send(secret + b"\r\n")
    assert first.read() == b"rendezvous\r\n" and first.read() == b"begin\n"
    second = Rendezvous(platform).send(secret + b"\r\n")
    assert second.read() == b"rendezvous\r\n"
    assert second.rest() == b"This session is over, or was attached to already. Run the command again.\r\n"
    # The first has not noticed, and nobody is told the secret again.
    first.send(b"still\n")
    assert first.read() == b"still\n"
    assert platform.api("GET", f"/apps/{alpha}/dynos/{dyno['name']}")[1]["attach_url"] is None
    first.send(b"\x04")
    assert first.rest() == b""
    first.close()
    gone(platform, alpha)


@pytest.mark.parametrize("line", [b"0" * 64, b"x", b"0" * 255, b"../../etc/passwd", b"?secret"])
def test_a_wrong_secret_opens_nothing(platform, alpha, line):
    dyno, secret = run(platform, alpha, "echo secret")
    c = Rendezvous(platform).send(line + b"\r\n")
    assert b"secret\n" not in c.rest()
    c.close()
    # The right one still does, sent slowly, and after a kill of twelved, which knows only its digest.
    spec = (platform.run / "dynos" / dyno["id"] / "spec").read_bytes()
    assert secret not in spec
    if line == b"x":
        platform.restart()
    c = Rendezvous(platform)
    for byte in secret + b"\r\n":
        c.send(bytes([byte]))
    assert c.read() == b"rendezvous\r\n" and c.rest() == b"secret\n"
    c.close()


def test_silent_clients_are_in_nobodys_way(platform, alpha):
    silent = [Rendezvous(platform) for _ in range(100)]
    halves = [Rendezvous(platform).send(b"0123") for _ in range(20)]
    _, secret = run(platform, alpha, "echo there")
    c = Rendezvous(platform).send(secret + b"\r\n")
    assert c.read() == b"rendezvous\r\n" and c.rest() == b"there\n"
    for x in [c, *silent, *halves]:
        x.close()


def test_plain_bytes_without_tls_are_no_session(platform, alpha):
    _, secret = run(platform, alpha, "echo secret")
    with socket.create_connection(("127.0.0.1", platform.api_port), timeout=60) as s:
        s.sendall(secret + b"\r\n")
        s.shutdown(socket.SHUT_WR)
        out = b""
        while data := s.recv(4096):
            out += data
    assert b"secret" not in out and b"rendezvous" not in out


def test_a_client_whose_network_is_gone_is_asked(platform, alpha):
    """Its session is free for another then; else a silent connection would hold it for a day."""
    _, secret = run(platform, alpha, "echo there; cat")
    c = Rendezvous(platform).send(secret + b"\r\n")
    assert c.read() == b"rendezvous\r\n" and c.read() == b"there\n"
    port = c.socket.getsockname()[1]

    def shown():
        return subprocess.run(["ss", "-tnoH", "dport", "=", f":{port}"], capture_output=True, text=True).stdout

    # While something is on its way the timer is another one.
    wait_for(lambda: re.search(r"timer:\(keepalive,(\d+sec|1min)", shown()), f"keepalive on {shown()}")
    c.send(b"\x04").rest()
    c.close()
    gone(platform, alpha)
