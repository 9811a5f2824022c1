# SPDX-License-Identifier: Apache-2.0
"""
A place from which nothing leaves: a network namespace with a loopback interface and
nothing else, and a resolver in it that knows no name and writes down which were asked
for; names can be led to the loopback, as lines of its /etc/hosts. Ports of the machine's own loopback are led in one by one. Needs root, as the platform's
sandboxes do.
"""
import contextlib
import ctypes
import os
import pathlib
import select
import socket
import subprocess
import tempfile
import threading

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _name(query):
    """The name that a DNS query (RFC 1035, section 4.1) asks for."""
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels)


class Loopback:
    def __init__(self):
        self.looked_up = []
        self.resolv = pathlib.Path(tempfile.mkdtemp(prefix="twelve-loopback")) / "resolv.conf"
        self.resolv.write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
        self.hosts = self.resolv.with_name("hosts")
        self.hosts.write_text("127.0.0.1 localhost\n")
        script = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && echo ready && exec cat'
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", script, "sh", str(self.resolv), str(self.hosts)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise RuntimeError("no network namespace could be made; these tests run as root: "
                               + self.holder.stderr.read().decode("utf-8", "replace"))
        self.dns = self.socket(socket.SOCK_DGRAM)
        self.dns.bind(("127.0.0.1", 53))
        self.wake, self.woken = os.pipe()
        self.thread = threading.Thread(target=self._resolve, daemon=True)
        self.thread.start()

    def _resolve(self):
        while True:
            ready, _, _ = select.select([self.dns, self.wake], [], [])
            if self.wake in ready:
                return
            query, peer = self.dns.recvfrom(4096)
            if len(query) < 17:
                continue
            self.looked_up.append(_name(query))
            # The same question, as an answer: NXDOMAIN.
            self.dns.sendto(query[:2] + b"\x81\x83" + query[4:6] + b"\0" * 6 + query[12:], peer)

    @contextlib.contextmanager
    def named(self, name):
        """While a name stands in /etc/hosts. The file stays the same one, since it is bound over the machine's."""
        before = self.hosts.read_text()
        self.hosts.write_text(f"{before}127.0.0.1 {name}\n")
        try:
            yield
        finally:
            self.hosts.write_text(before)

    def socket(self, kind=socket.SOCK_STREAM, family=socket.AF_INET):
        """A socket inside; the rest of this process stays outside, since a namespace is a thread's."""
        made = []

        def enter():
            fd = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(fd, CLONE_NEWNET) == 0:
                    made.append(socket.socket(family, kind))
            finally:
                os.close(fd)

        t = threading.Thread(target=enter)
        t.start()
        t.join()
        if not made:
            raise RuntimeError("setns failed")
        return made[0]

    def listen(self, port, address="127.0.0.1"):
        """Inside; another address than the loopback's is given to it."""
        if not address.startswith("127."):
            subprocess.run(self.command(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], "/"), check=True)
        s = self.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.listen(64)
        return s

    def command(self, argv, cwd):
        """The command line that runs argv inside."""
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--mount", f"--wdns={cwd}", "--", *map(str, argv)]

    def stop(self):
        os.write(self.woken, b".")
        self.thread.join()
        for fd in (self.wake, self.woken):
            os.close(fd)
        self.dns.close()
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.stderr.close()
        self.holder.wait()
        self.resolv.unlink()
        self.hosts.unlink()
        self.resolv.parent.rmdir()
