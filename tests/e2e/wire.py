# SPDX-License-Identifier: Apache-2.0
"""
Listens between a client and twelved, changes nothing, and tells afterwards what was
asked and what was answered. Bytes are copied as they come, so that streams, TLS, git and
sessions pass; what was plain HTTP is read from the copies once a connection has ended.
"""
import json
import socket
import threading
import time
import urllib.parse


# After a client's end of input: its last answer is on the way, or there is none.
LEFT_S = 1


class Exchange:
    """A request and its answer."""

    def __init__(self, request, answer):
        (self.method, target, _), self.headers, self.body = request
        (_, status, *_), self.answer_headers, self.answer_body = answer
        self.status = int(status)
        self.path, _, self.query = target.partition("?")
        self.path = urllib.parse.urlsplit(self.path).path or "/"

    @staticmethod
    def _json(headers, body):
        kind = headers.get("content-type", "").split(";")[0].strip()
        if not body or not (kind == "application/json" or kind.endswith("+json")):
            return None
        return json.loads(body)

    @property
    def sent(self):
        return self._json(self.headers, self.body)

    @property
    def answer(self):
        return self._json(self.answer_headers, self.answer_body)

    def __repr__(self):
        return f"{self.method} {self.path} -> {self.status}"


def _head(data):
    """(first line's words, headers, length) of a message, or None while it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return first.split(" ", 2), headers, end + 4


def _chunked(data):
    """(body, bytes used, whether it is whole)."""
    body, at = b"", 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return body, len(data), False
        size = int(data[at:end].split(b";")[0], 16)
        if size == 0:
            stop = data.find(b"\r\n\r\n", end) + 4
            return body, stop, stop >= 4
        body += data[end + 2:end + 2 + size]
        at = end + 2 + size + 2


def _body(data, headers, is_answer):
    if "chunked" in headers.get("transfer-encoding", ""):
        return _chunked(data)
    if "content-length" in headers:
        n = int(headers["content-length"])
        return data[:n], n, len(data) >= n
    return (data, len(data), True) if is_answer else (b"", 0, True)


def exchanges(sent, answered):
    """What two recorded directions of one connection hold, in order. What was cut off is left out."""
    found = []
    while sent:
        head = _head(sent)
        if not head:
            break
        body, used, whole = _body(sent[head[2]:], head[1], False)
        if not whole:
            break
        sent = sent[head[2] + used:]
        request = head[0], head[1], body
        while True:
            head = _head(answered)
            if not head or not head[0][1].startswith("1") or head[0][1] == "101":
                break
            answered = answered[head[2]:]
        if not head:
            break
        if head[0][1] in ("101", "204", "304") or request[0][0] == "HEAD":
            body, used, whole = b"", 0, True
        else:
            body, used, whole = _body(answered[head[2]:], head[1], True)
        answered = answered[head[2] + used:]
        e = Exchange(request, (head[0], head[1], body))
        e.whole = whole
        found.append(e)
        if head[0][1] == "101":
            break
    return found


class _Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.sent, self.answered = bytearray(), bytearray()
        self.plain = None
        self.left_at = None
        self.threads = [threading.Thread(target=self._copy, args=a, daemon=True)
                        for a in ((client, server, self.sent), (server, client, self.answered))]
        for t in self.threads:
            t.start()

    def _copy(self, a, b, kept):
        while True:
            try:
                data = a.recv(65536)
            except OSError:
                data = b""
            if not data:
                if kept is self.sent:
                    self.left_at = time.monotonic()
                break
            if kept is self.sent and self.plain is None:
                self.plain = data[:1].isalpha() and data[:1].isupper()
            # A TLS record begins with 0x16; what it holds is not ours to read.
            if self.plain is not False:
                kept += data
            try:
                b.sendall(data)
            except OSError:
                break
        for s, how in ((b, socket.SHUT_WR), (a, socket.SHUT_RD)):
            try:
                s.shutdown(how)
            except OSError:
                pass

    def ended(self):
        """A stream that its client has left is over too, though the server goes on until it notices."""
        left = self.left_at is not None and time.monotonic() > self.left_at + LEFT_S
        return left or not any(t.is_alive() for t in self.threads)

    def close(self):
        for s in (self.client, self.server):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for t in self.threads:
            t.join()
        self.client.close()
        self.server.close()


class Tap:
    """
    Accepts on the listening socket and connects each connection to `connect()`, a
    function that returns a connected socket.
    """

    def __init__(self, listener, connect):
        self.listener, self.connect = listener, connect
        self.open, self.lock = [], threading.Lock()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = self.connect()
            except OSError:
                client.close()
                continue
            with self.lock:
                self.open.append(_Connection(client, server))

    def collect(self, timeout=20):
        """
        Waits until the connections that there are have ended and returns their exchanges in
        the order in which the connections were made. A connection that the client still
        holds stays for the next time.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self.lock:
                if all(c.ended() for c in self.open):
                    break
            time.sleep(0.005)
        with self.lock:
            done = [c for c in self.open if c.ended()]
            self.open = [c for c in self.open if c not in done]
        found = []
        for c in done:
            c.close()
            if c.plain:
                found += exchanges(bytes(c.sent), bytes(c.answered))
        return found

    def stop(self):
        """Once or more."""
        if self.listener.fileno() < 0:
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for c in self.open:
            c.close()
