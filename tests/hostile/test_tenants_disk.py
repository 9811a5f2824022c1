# SPDX-License-Identifier: Apache-2.0
"""A tenant of a backing service who wants the disk beyond its plan."""
import os
import re
import socket
import subprocess
import threading
import urllib.parse

from conftest import wait_for
from test_addons import config, get, healthy
from test_services import create, psql
from test_tenants import bare, place  # noqa: F401 (both are fixtures)


def used(p, addon):
    return int(subprocess.run(["du", "-s", "--block-size=1", p.state / "volumes" / get(p, addon)["id"]],
                              capture_output=True, text=True, check=False).stdout.split()[0])


def level(p, addon):
    return get(p, addon)["twelve"]["room"]


def test_a_writer_is_stopped_whatever_it_sets(place, bare):
    """SET default_transaction_read_only = off, again and again, by several sessions that come back."""
    a, b = bare
    addon = create(place, a, "postgresql")
    place.cli("addons:attach", addon, "-a", b)
    url, other = config(place, a)["DATABASE_URL"], config(place, b)["DATABASE_URL"]
    assert psql(place, url, "create table fill (x text); alter table fill alter x set storage external; create table keep as select 7 as n").code == 0
    healthy(place, addon)
    stop, seen, most = threading.Event(), [], [0]
    # Bytes as they are: who has PostgreSQL compress them waits for a processor, and the disk fills slowly.
    more = "insert into fill select repeat(md5(i::text), 200) from generate_series(1, 100) i;"

    def write():
        while not stop.is_set():
            r = psql(place, url, "set default_transaction_read_only = off;" + more * 5)
            seen.append(r.err)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        wait_for(lambda: level(place, addon) in ("hard", "closed"), "the hard limit", 600)
        wait_for(lambda: "not permitted to log in" in (seen or [""])[-1], "the writers to be out")
        size = used(place, addon)
        n = len(seen)
        wait_for(lambda: len(seen) > n + 20, "them to go on trying")
        most[0] = used(place, addon)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert most[0] <= size + (48 << 20), (size, most[0])
    # A rotation is no way in either.
    r = place.cli("addons:credentials:rotate", "DATABASE", "-a", b)
    other = config(place, b)["DATABASE_URL"]
    wait_for(lambda: "not permitted to log in" in psql(place, other, "select 1").err, "the new login to be out as well")
    # The door of people looks and deletes, and then all is well.
    if level(place, addon) == "closed":
        r = place.cli("psql", "-a", a, "--", "-c", "select 1", check=False)
        assert r.code != 0 and "larger plan" in r.err, r
        place.cli("addons:upgrade", addon, "mini", "-a", a)
    else:
        r = place.cli("psql", "-a", a, "--", "-Atc", "select n from keep")
        assert r.out.strip() == "7", r
        place.cli("psql", "-a", a, "--", "-Atc", "truncate fill", "-c", "checkpoint", check=False)
        # What its log takes is not the app's to free: the next checkpoints do.
        place.cli("addons:upgrade", addon, "mini", "-a", a)
    url = config(place, a)["DATABASE_URL"]
    wait_for(lambda: psql(place, url, "insert into keep values (8)").code == 0, "writes again", 120)
    wait_for(lambda: level(place, addon) == "free", "it to have room")
    assert psql(place, url, "select rolname from pg_roles where rolcanlogin and rolname ~ '^rescue'").out == ""


def test_a_script_that_goes_on_without_memory(place, bare):
    """allow-oom is to Redis what default_transaction_read_only = off is to PostgreSQL."""
    a, _ = bare
    addon = create(place, a, "redis")
    url = urllib.parse.urlsplit(config(place, a)["REDIS_URL"])

    def ask(s, *words):
        s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return s.recv(200)

    def enter():
        s = socket.create_connection((url.hostname, url.port), 20)
        return s, ask(s, b"AUTH", url.username.encode(), url.password.encode())

    script = b"#!lua flags=allow-oom\nfor i = 1, 8 do redis.call('SET', KEYS[1] .. i, ARGV[1] .. i) end return 'written'"
    n, said = 0, b""
    while level(place, addon) not in ("hard", "closed"):
        assert n < 200, f"nobody stops it: {said}, {used(place, addon)}"
        try:
            s, said = enter()
            with s:
                if said.startswith(b"-WRONGPASS"):
                    break
                ask(s, b"SELECT", url.path[1:].encode())
                said = ask(s, b"EVAL", script, b"1", b"key%d" % (n % 12), os.urandom(1 << 20))
        except OSError as e:
            said = repr(e)
        n += 1
    wait_for(lambda: level(place, addon) in ("hard", "closed"), "the hard limit")
    wait_for(lambda: enter()[1].startswith(b"-WRONGPASS"), "the app to be out")
    with socket.create_connection((url.hostname, url.port), 20) as s:
        assert ask(s, b"AUTH", url.password.encode()).startswith(b"-"), "nor by its password alone"
    # Who comes by the door looks and deletes, and writes nothing; so until what is rewritten takes it beyond what lets anybody in.
    door = lambda *words: place.cli("redis-cli", "-a", a, "--", *words, check=False)
    for words, said in ((["DBSIZE"], r"[1-9]"), (["SET", "x", "y"], "NOPERM"), (["EVAL", "return 1", "0"], "NOPERM"),
                        (["LPUSH", "l", "1"], "NOPERM"), (["CONFIG", "GET", "*"], "NOPERM"), (["FLUSHDB"], "OK"), (["BGREWRITEAOF"], "")):
        r = door(*words)
        if "refuses logins" in r.err:
            break
        assert re.search(said, r.out + r.err), (words, r)
    if "refuses logins" in r.err:
        place.cli("addons:upgrade", addon, "mini", "-a", a)
    wait_for(lambda: enter()[1] == b"+OK\r\n", "the app to be in again", 120)
    wait_for(lambda: level(place, addon) == "free", "it to have room")
