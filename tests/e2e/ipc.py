# SPDX-License-Identifier: Apache-2.0
"""Our programs' messages (src/ipc/ipc.h) over SOCK_SEQPACKET, for tests that stand in for one of them."""
import socket
import struct

VERSION = 1
MAX_BYTES = 65536
MAX_FDS = 4

# src/ipc/logs-proto.h
(LOGS_SOURCE, LOGS_APPEND, LOGS_READ, LOGS_FORGET, LOGS_DRAINS, LOGS_STAT, LOGS_LINK,
 LOGS_DRAIN_TEST, LOGS_LOAD) = range(1, 10)


def encode(kind, fields):
    body = b"".join(part + b"\0" for k, v in fields.items()
                    for part in (k.encode(), v if isinstance(v, bytes) else str(v).encode()))
    return struct.pack("<cBH", b"T", VERSION, kind) + body


def decode(packet):
    magic, version, kind = struct.unpack_from("<cBH", packet)
    assert (magic, version) == (b"T", VERSION), packet[:4]
    parts = packet[4:].split(b"\0")[:-1]
    return kind, {k.decode(): v.decode("utf-8", "replace") for k, v in zip(parts[::2], parts[1::2])}


class Connection:
    """One end; `send` and `recv` speak in (type, fields)."""

    def __init__(self, path=None, sock=None, timeout=10):
        self.sock = sock or socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(timeout)
        if path:
            self.sock.connect(str(path))

    def send(self, kind, fds=(), **fields):
        packet = encode(kind, fields)
        if fds:
            socket.send_fds(self.sock, [packet], list(fds))
        else:
            self.sock.send(packet)

    def recv(self):
        """(type, fields, descriptors), or None at the end."""
        packet, fds, _, _ = socket.recv_fds(self.sock, MAX_BYTES, MAX_FDS)
        return (*decode(packet), fds) if packet else None

    def ask(self, kind, **fields):
        self.send(kind, **fields)
        return self.recv()[1]

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
