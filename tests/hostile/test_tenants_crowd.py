# SPDX-License-Identifier: Apache-2.0
"""
A tenant who fills a neighbour's server with connections: ones that never log in, and ones with its own login. The attacker is attached to the
same server, and has as many sockets as it likes. Without walls between networks it may have more of them than any server takes, all the time:
docs/addons.md says what holds then.
"""
import contextlib
import select
import socket
import struct
import threading
import urllib.parse

import pytest

from conftest import wait_for
from test_addons import config
from test_services import amqp, create, mariadb, psql, redis, sasl
from test_tenants import bare, place  # noqa: F401 (both are fixtures)

# What a server that was given time does not do: keep everybody out for longer.
SOON_S = 25


class Crowd(threading.Thread):
    """`n` connections that say `hello` and no more. Each that is ended comes again, when it is to, until the crowd leaves."""

    def __init__(self, url, n, hello=b"", again=False):
        super().__init__(daemon=True)
        u = urllib.parse.urlsplit(url)
        self.place, self.n, self.hello, self.again = (u.hostname, u.port), n, hello, again
        self.ended, self.over, self.inside = 0, threading.Event(), {}

    def come(self, poll):
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect(self.place)
            s.sendall(self.hello)
        except OSError:
            s.close()
            return
        s.setblocking(False)
        self.inside[s.fileno()] = s
        poll.register(s, select.EPOLLIN)

    def gone(self, s):
        with contextlib.suppress(BlockingIOError):
            with contextlib.suppress(ConnectionError):
                said = s.recv(4096)
                # What is told goodbye is not in any more.
                return not said or said[:1] == b"E" or b"any connections" in said or b"number of clients" in said
            return True
        return False

    def run(self):
        poll = select.epoll()
        for _ in range(self.n):
            self.come(poll)
        while not self.over.is_set():
            for fd, _ in poll.poll(0.05):
                s = self.inside[fd]
                if self.gone(s):
                    poll.unregister(s)
                    del self.inside[fd]
                    s.close()
                    self.ended += 1
                    if self.again:
                        self.come(poll)
        for s in self.inside.values():
            s.close()

    def __enter__(self):
        self.start()
        wait_for(lambda: len(self.inside) + self.ended >= self.n // 2, "the crowd to come")
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def startup(url):
    """PostgreSQL's first message: it answers by asking for a password."""
    u = urllib.parse.urlsplit(url)
    body = struct.pack(">I", 196608) + f"user\0{u.username}\0database\0{u.path[1:]}\0\0".encode()
    return struct.pack(">I", len(body) + 4) + body


def two(place, bare, service, key):
    """The server's name, and the URLs of its owner and of who is attached to it."""
    a, b = bare
    addon = create(place, a, service)
    place.cli("addons:attach", addon, "-a", b)
    return addon, config(place, a)[key], config(place, b)[key]


def test_postgresql_has_room_beside_one_who_never_logs_in(place, bare):
    """As many as the plan has connections, again and again: every login of the neighbour and every job of the platform works."""
    addon, mine, others = two(place, bare, "postgresql", "DATABASE_URL")
    with Crowd(others, 40, startup(others), again=True) as crowd:
        place.cli("backups:capture", addon, "-a", bare[0])
        # Until all of them have been cut once, and came again.
        while crowd.ended < 40:
            r = psql(place, mine, "select 1")
            assert r.out == "1", r.err
    assert crowd.ended, "nobody is cut"


@pytest.mark.parametrize("n", [100, 1500])
def test_postgresql_comes_back_from_a_crowd(place, bare, n):
    """More than the server takes: they are cut early, and it stays up. PostgreSQL starts a process for each, even to refuse it."""
    addon, mine, others = two(place, bare, "postgresql", "DATABASE_URL")
    began = psql(place, mine, "select pg_postmaster_start_time()").out
    with Crowd(others, n, startup(others)):
        wait_for(lambda: psql(place, mine, "select 1").out == "1", "the neighbour's login", within=SOON_S)
        place.cli("backups:capture", addon, "-a", bare[0])
    with Crowd(others, n):
        wait_for(lambda: psql(place, mine, "select 1").out == "1", "the neighbour's login beside those who say nothing", within=SOON_S)
    assert psql(place, mine, "select pg_postmaster_start_time()").out == began


def test_a_login_at_postgresql_has_its_part(place, bare):
    """Another plan is another part, for logins that there are already as well."""
    addon, mine, others = two(place, bare, "postgresql", "DATABASE_URL")
    limits = lambda: sorted(psql(place, mine, "select rolconnlimit from pg_roles where rolname ~ '^u[0-9a-f]{16}$'").out.split())
    wait_for(lambda: limits() == ["40", "40"], "the limits of a login")
    user = urllib.parse.urlsplit(others).username
    r = psql(place, others, f"alter role {user} connection limit -1")
    assert r.code != 0, "it sets its own limit"
    place.cli("addons:upgrade", addon, "standard", "-a", bare[0])
    wait_for(lambda: limits() == ["100", "100"], "the limits of the larger plan")
    r = psql(place, mine.replace(urllib.parse.urlsplit(mine).username, "postgres"), "select 1")
    assert r.code != 0 and "pg_hba.conf" in r.err, "the administrator is let in at the port of apps"


def test_mariadb_has_room_beside_one_who_never_logs_in(place, bare):
    addon, _, others = two(place, bare, "mariadb", "DATABASE_URL")
    with Crowd(others, 500, again=True) as crowd:
        place.cli("backups:capture", addon, "-a", bare[0])
        while crowd.ended < 500:
            r = mariadb(place, bare[0], "select 1")
            assert r.code == 0, r
    r = mariadb(place, bare[1], "select @@max_user_connections")
    assert r.out.split() == ["40"], r


@pytest.mark.parametrize("hello", [b"", b"PING\r\n", b"AUTH"])
def test_redis_has_room_beside_a_crowd(place, bare, hello):
    """Those who say nothing are cut; who is not logged in, and who is, keeps as many as the plan has."""
    addon, _, others = two(place, bare, "redis", "REDIS_URL")
    u = urllib.parse.urlsplit(others)
    if hello == b"AUTH":
        hello = f"AUTH {u.username} {u.password}\r\n".encode()
    with Crowd(others, 1000, hello) as crowd:
        wait_for(lambda: crowd.ended >= (960 if hello else 1000), "what is too much to be ended")
        assert redis(place, bare[0], "SET", "k", "v").out.strip() == "OK"
        place.cli("backups:capture", addon, "-a", bare[0])
        assert crowd.is_alive() and len(crowd.inside) == (40 if hello else 0)


def test_memcached_has_room_beside_one_who_never_logs_in(place, bare):
    _, mine, others = two(place, bare, "memcached", "MEMCACHE_URL")
    with Crowd(others, 500):
        assert sasl(mine)


def test_rabbitmq_cuts_who_does_not_log_in(place, bare):
    _, mine, others = two(place, bare, "rabbitmq", "AMQP_URL")
    with Crowd(others, 500) as crowd:
        assert amqp(mine)
        wait_for(lambda: crowd.ended == 500, "all to be cut", within=SOON_S)
        assert amqp(mine)
