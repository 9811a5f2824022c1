# SPDX-License-Identifier: Apache-2.0
"""
The services of the tree with their real servers, by the command line, as a user has them: what each promises.
PostgreSQL has test_postgresql.py, and an app that uses several test_guestbook.py.
"""
import os
import pathlib
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import urllib.parse

import pytest

from conftest import Platform, wait_for
from stack_root import in_stack
from test_addons import config, end, get, server_pid


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    p = Platform(tmp_path_factory.mktemp("services"))
    yield p
    p.stop()


@pytest.fixture
def bare(shop, request):
    """Two apps without code."""
    stem = re.sub("[^a-z0-9]", "-", request.node.name.lower())[5:24].strip("-")
    names = [f"{stem}-a", f"{stem}-b"]
    for n in names:
        assert shop.api("POST", "/apps", {"name": n})[0] == 201
    yield names
    for n in reversed(names):
        end(shop, n)


def create(p, app, service, *more):
    r = p.cli("addons:create", service, "-a", app, *more, timeout=600)
    return r.out.strip()


class Said:
    def __init__(self, r):
        self.code, self.out, self.err = r.returncode, r.stdout.strip(), r.stderr.strip()


def psql(p, url, sql):
    """From outside of any sandbox, with the stack's own psql."""
    program = "usr/lib/postgresql/15/bin/psql"
    return Said(subprocess.run(in_stack(p, program, f"/{program}", "-XqAt", "-v", "ON_ERROR_STOP=1", url),
                               input=sql, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, capture_output=True, text=True))


def over_tls(p, url, hello=b"", name=None):
    """The TLS session of a server, verified by the authority's certificate and the name (its address); what PostgreSQL is asked first goes before."""
    url = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=p.state / "ca" / "ca.pem")
    s = socket.create_connection((url.hostname, url.port), 10)
    if hello:
        s.sendall(hello)
        assert s.recv(1) == b"S", "it speaks no TLS"
    return context.wrap_socket(s, server_hostname=name or url.hostname)


# ---- Redis


def redis(p, app, *args):
    return p.cli("redis-cli", "-a", app, "--", *args, check=False)


def test_redis_keeps_apps_apart_and_its_data(shop, bare):
    a, b = bare
    addon = create(shop, a, "redis")
    shop.cli("addons:attach", addon, "-a", b)
    assert redis(shop, a, "SET", "k", "mine").out.strip() == "OK"
    assert redis(shop, b, "GET", "k").out.strip() == ""
    number = config(shop, a)["REDIS_URL"].rsplit("/", 1)[1]
    for words in (["-n", number, "GET", "k"], ["FLUSHALL"], ["SWAPDB", "1", "2"], ["MOVE", "x", number], ["ACL", "LIST"],
                  ["CONFIG", "GET", "*"], ["COPY", "x", "y", "DB", number], ["SHUTDOWN"]):
        assert "NOPERM" in redis(shop, b, *words).out + redis(shop, b, *words).err, words
    pid = server_pid(shop, addon)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: redis(shop, a, "GET", "k").out.strip() == "mine", "the data after a kill")
    shop.cli("backups:capture", addon, "-a", a)
    shop.cli("backups:verify", "b1", "-a", a)
    redis(shop, a, "SET", "k", "wrecked")
    shop.cli("backups:restore", "b1", "-a", a, "--confirm", a)
    assert redis(shop, a, "GET", "k").out.strip() == "mine"
    os.kill(server_pid(shop, addon), signal.SIGKILL)
    wait_for(lambda: redis(shop, a, "GET", "k").out.strip() == "mine", "what was restored after a kill")
    (file,) = (shop.state / "backups").glob(f"*/{addon}-b1.rdb")
    file.write_bytes(file.read_bytes()[:-12] + b"x" * 12)
    r = shop.cli("backups:restore", "b1", "-a", a, "--confirm", a, check=False)
    assert r.code == 1 and "damaged" in r.err, r
    assert redis(shop, a, "GET", "k").out.strip() == "mine"
    r = shop.cli("backups:verify", "b1", "-a", a, check=False)
    assert r.code == 1 and "does not verify" in r.err, r


def test_redis_answers_what_older_clients_ask(shop, bare):
    """CLIENT LIST, SELECT 0, CONFIG GET, SLOWLOG GET: and nothing of another app."""
    a, b = bare
    addon = create(shop, a, "redis")
    url = urllib.parse.urlsplit(config(shop, a)["REDIS_URL"])

    def alone(password):
        """A client that knows of no users."""
        with socket.create_connection((url.hostname, url.port), 10) as s:
            s.sendall(f"AUTH {password}\r\n".encode())
            return s.recv(100)

    assert alone(url.password) == b"+OK\r\n" and alone("0" * 40).startswith(b"-WRONGPASS")

    def refused(app, *words):
        r = redis(shop, app, *words)
        return "NOPERM" in r.out + r.err

    for words in (["CLIENT", "LIST"], ["SELECT", "0"], ["CONFIG", "GET", "maxmemory-policy"], ["SLOWLOG", "GET"], ["CLIENT", "SETNAME", "x"],
                  ["INFO"], ["ROLE"], ["LASTSAVE"]):
        assert not refused(a, *words), words
    assert "noeviction" in redis(shop, a, "CONFIG", "GET", "maxmemory-policy").out
    for words in (["CONFIG", "SET", "dir", "/tmp"], ["CONFIG", "REWRITE"], ["REPLICAOF", "127.0.0.1", "1"],
                  ["MODULE", "LIST"], ["ACL", "SETUSER", "x"], ["MONITOR"], ["FUNCTION", "LIST"], ["BGSAVE"]):
        assert refused(a, *words), words
    shop.cli("addons:attach", addon, "-a", b)
    assert alone(urllib.parse.urlsplit(config(shop, b)["REDIS_URL"]).password).startswith(b"-WRONGPASS")
    assert alone(url.password) == b"+OK\r\n"
    for app in (a, b):
        for words in (["CLIENT", "LIST"], ["SLOWLOG", "GET"], ["CLIENT", "TRACKING", "on", "bcast"], ["CONFIG", "GET", "*"]):
            assert refused(app, *words), (app, words)
        assert not refused(app, "SELECT", "0")
    shop.cli("addons:detach", "REDIS", "-a", b)
    wait_for(lambda: not refused(a, "CLIENT", "LIST"), "the other to be gone")
    shop.cli("addons:credentials:rotate", "REDIS", "-a", a)
    wait_for(lambda: alone(url.password).startswith(b"-WRONGPASS"), "the old password to be revoked")
    assert alone(urllib.parse.urlsplit(config(shop, a)["REDIS_URL"]).password) == b"+OK\r\n"


# ---- MariaDB


def mariadb(p, app, sql, *args):
    return p.cli("mariadb", "-a", app, "--", "-N", *args, input=sql, check=False)


def test_mariadb(shop, bare):
    a, b = bare
    addon = create(shop, a, "mariadb")
    shop.cli("addons:attach", addon, "-a", b)
    assert mariadb(shop, a, "create table secret (x text); insert into secret values ('mine');"
                            "create view v as select x from secret;").code == 0
    mine = config(shop, a)["DATABASE_URL"].rsplit("/", 1)[1]
    for sql in (f"select * from {mine}.secret", "select * from mysql.user", f"create table {mine[:-1]}x.t (x int)",
                "set global read_only = 1", "create user x@'%'"):
        r = mariadb(shop, b, sql)
        assert r.code != 0 and "denied" in r.err, (sql, r)
    os.kill(server_pid(shop, addon), signal.SIGKILL)
    wait_for(lambda: mariadb(shop, a, "select * from v").out == "mine\n", "the data after a kill")
    shop.cli("backups:capture", addon, "-a", a)
    shop.cli("backups:verify", "b1", "-a", a)
    shop.cli("addons:credentials:rotate", "DATABASE", "-a", a)
    assert mariadb(shop, a, "select * from v; drop view v; drop table secret;").out == "mine\n"
    shop.cli("backups:restore", "b1", "-a", a, "--confirm", a)
    assert mariadb(shop, a, "select * from v").out == "mine\n"
    (file,) = (shop.state / "backups").glob(f"*/{addon}-b1.sql")
    whole = file.read_bytes()
    file.write_bytes(whole[:len(whole) // 3])
    r = shop.cli("backups:restore", "b1", "-a", a, "--confirm", a, check=False)
    assert r.code == 1 and "the data is unchanged" in r.err, r
    assert mariadb(shop, a, "select * from v").out == "mine\n"


# ---- memcached


def sasl(url):
    """A login as the hosted services' clients do it, by the binary protocol: True when it is taken."""
    import socket
    import struct
    user, password, host, port = re.match(r"memcached://(.*):(.*)@(.*):(\d+)", url).groups()
    value = b"\0" + user.encode() + b"\0" + password.encode()
    with socket.create_connection((host, int(port)), 10) as s:
        s.sendall(struct.pack(">BBHBBHIIQ", 0x80, 0x21, 5, 0, 0, 0, 5 + len(value), 0, 0) + b"PLAIN" + value)
        return struct.unpack(">H", s.recv(24)[6:8])[0] == 0


def test_memcached(shop, bare):
    a, b = bare
    addon = create(shop, a, "memcached")
    old = config(shop, a)["MEMCACHE_URL"]
    assert sasl(old) and not sasl(re.sub(":[0-9a-f]{40}@", ":wrong@", old))
    assert config(shop, a)["MEMCACHE_SERVERS"] in old
    shop.cli("addons:attach", addon, "-a", b)
    assert sasl(config(shop, b)["MEMCACHE_URL"])
    shop.cli("addons:credentials:rotate", "MEMCACHE", "-a", a)
    wait_for(lambda: not sasl(old), "the old credential to be revoked")
    assert sasl(config(shop, a)["MEMCACHE_URL"])
    r = shop.cli("backups:capture", addon, "-a", a, check=False)
    assert r.code == 2 and "has no backups" in r.err, r


def test_a_login_at_memcached_never_meets_a_lock(tmp_path):
    """A login that takes its time, a credential that is made meanwhile, and a login after that."""
    lib = pathlib.Path(__file__).resolve().parents[2] / "addons/memcached/lib.sh"

    def users(sql):
        subprocess.run(["bash", "-c", '. "$0"; users', lib], env=os.environ | {"DATA": str(tmp_path)}, input=sql, text=True, check=True, timeout=60)

    def login(name):
        db = sqlite3.connect(tmp_path / "users.db", timeout=0)
        return db, db.execute("SELECT password FROM users WHERE name = ?", [name])

    users("CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL); INSERT INTO users VALUES ('a', '1'), ('b', '2');")
    slow, cursor = login("a")
    os.mkfifo(tmp_path / "go")
    writer = subprocess.Popen(["bash", "-c", '. "$0"; printf "BEGIN EXCLUSIVE;\n"; read -r _ <"$DATA/go"; printf "COMMIT;\n"', lib],
                              env=os.environ | {"DATA": str(tmp_path)}, stdout=subprocess.PIPE)
    change = subprocess.Popen(["bash", "-c", '. "$0"; users', lib], env=os.environ | {"DATA": str(tmp_path)}, stdin=writer.stdout)
    wait_for(lambda: (tmp_path / "users.new").exists() or change.poll() is not None, "the change to begin")
    assert login("b")[1].fetchall() == [("2",)]
    (tmp_path / "go").write_text("\n")
    assert change.wait(60) == 0 and writer.wait(60) == 0
    assert cursor.fetchall() == [("1",)]
    slow.close()
    users("INSERT OR REPLACE INTO users VALUES ('c', '3');")
    assert login("c")[1].fetchall() == [("3",)] and not list(tmp_path.glob("users.new*"))


# ---- RabbitMQ


def amqp(url):
    """AMQP 0-9-1 as far as the opening of the virtual host: True when we are let in."""
    import socket
    import struct
    user, password, host, port, vhost = re.match(r"amqp://(.*):(.*)@(.*):(\d+)/(.*)", url).groups()

    def frame(s):
        kind, channel, size = struct.unpack(">BHI", s.recv(7, socket.MSG_WAITALL))
        return s.recv(size + 1, socket.MSG_WAITALL)[:4]

    def method(klass, number, body):
        payload = struct.pack(">HH", klass, number) + body
        return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"

    def short(text):
        return bytes([len(text)]) + text.encode()

    with socket.create_connection((host, int(port)), 10) as s:
        s.sendall(b"AMQP\0\0\x09\x01")
        frame(s)
        login = f"\0{user}\0{password}".encode()
        s.sendall(method(10, 11, struct.pack(">I", 0) + short("PLAIN") + struct.pack(">I", len(login)) + login + short("en_US")))
        try:
            if frame(s) != struct.pack(">HH", 10, 30):
                return False
            s.sendall(method(10, 31, struct.pack(">HIH", 2047, 131072, 0)))
            s.sendall(method(10, 40, short(vhost) + short("") + b"\0"))
            return frame(s) == struct.pack(">HH", 10, 41)
        except (struct.error, ConnectionError):
            return False


def test_rabbitmq(shop, bare):
    a, b = bare
    addon = create(shop, a, "rabbitmq")
    shop.cli("addons:attach", addon, "-a", b)
    mine, others = config(shop, a)["AMQP_URL"], config(shop, b)["AMQP_URL"]
    assert amqp(mine) and amqp(others)
    assert not amqp(others.rsplit("/", 1)[0] + "/" + mine.rsplit("/", 1)[1])
    assert not amqp(re.sub("//[^@]+@", "//guest:guest@", mine))
    shop.cli("backups:capture", addon, "-a", a)
    shop.cli("backups:restore", "b1", "-a", a, "--confirm", a)
    wait_for(lambda: amqp(mine) and amqp(others), "the users after a restore")
    shop.cli("addons:credentials:rotate", "AMQP", "-a", a)
    wait_for(lambda: not amqp(mine), "the old credential to be revoked")
    assert amqp(config(shop, a)["AMQP_URL"])


def test_rabbitmq_holds_publishers_back_when_its_volume_is_full(shop, bare):
    a, _ = bare
    addon = create(shop, a, "rabbitmq")
    volume = shop.state / "volumes" / get(shop, addon)["id"]
    url = urllib.parse.urlsplit(config(shop, a)["AMQP_URL"])

    def alarms():
        r = subprocess.run(in_stack(shop, "usr/bin/erl_call", "/usr/bin/erl_call", "-c", (volume / "cookie").read_text(), "-address", f"{url.hostname}:{url.port + 2}",
                                    "-a", "rabbit_alarm get_alarms []"), capture_output=True, text=True)
        return r.stdout + r.stderr

    assert alarms() == "[]"
    subprocess.run(["fallocate", "-l", "1050M", volume / "filler"], check=True)
    wait_for(lambda: get(shop, addon)["twelve"]["room"] == "full", "the volume to be full")
    assert "resource_limit, disk" in alarms()
    (volume / "filler").unlink()
    wait_for(lambda: get(shop, addon)["twelve"]["room"] == "free", "room again")
    assert alarms() == "[]"


# ---- TLS


def test_mariadb_and_redis_speak_tls(shop, bare):
    a, b = bare
    create(shop, a, "redis")
    create(shop, b, "redis", "--tls")
    plain, secured = config(shop, a), config(shop, b)
    assert plain["REDIS_URL"].startswith("redis://") and plain["REDIS_TLS_URL"].startswith("rediss://")
    assert secured["REDIS_URL"] == secured["REDIS_TLS_URL"] and secured["REDIS_URL"].startswith("rediss://")
    for vars in (plain, secured):
        url = urllib.parse.urlsplit(vars["REDIS_TLS_URL"])
        with over_tls(shop, vars["REDIS_TLS_URL"]) as s:
            s.sendall(f"AUTH {url.username} {url.password}\r\nSELECT {url.path[1:]}\r\nSET over tls\r\n".encode())
            said = b""
            while said.count(b"\r\n") < 3:
                more = s.recv(100)
                assert more, said
                said += more
            assert said == b"+OK\r\n" * 3
    assert redis(shop, b, "GET", "over").out.strip() == "tls"
    r = shop.cli("addons:create", "postgresql", "--tls", "-a", a, check=False)
    assert r.code != 0 and "asks for nothing" in r.err, r
    create(shop, a, "mariadb")
    url = urllib.parse.urlsplit(config(shop, a)["DATABASE_URL"])
    with socket.create_connection((url.hostname, url.port), 10) as s:
        greeting = s.recv(200)
        # The capabilities' low half comes after version, thread, salt and a zero; 0x0800 is TLS.
        at = greeting.index(b"\0", 5) + 1 + 4 + 8 + 1
        assert int.from_bytes(greeting[at:at + 2], "little") & 0x0800, f"it offers no TLS: {shop.cli('logs', '-a', a).out[-2000:]}"
