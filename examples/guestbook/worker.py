# SPDX-License-Identifier: Apache-2.0
"""
Takes jobs from Redis: counts the words of an entry. A job is moved to a list of this
worker's while it is in hand, and put back when a worker starts that was killed with it.
"""
import os
import signal
import sys
import time

import psycopg
import redis

import db

HAND = f"jobs:in-hand:{os.environ.get('DYNO', 'worker')}"
ending = False


def on_term(*_):
    global ending
    ending = True


def work(number):
    with db.pool.connection() as c:
        row = c.execute("SELECT message FROM entry WHERE id = %s", (number,)).fetchone()
        if row:
            c.execute("UPDATE entry SET words = %s WHERE id = %s", (len(row[0].split()), number))
    print(f"counted the words of entry {number}", flush=True)


def main():
    signal.signal(signal.SIGTERM, on_term)
    if db.missing():
        print("Nothing to do yet. Type: " + "; ".join(db.missing()), flush=True)
        while not ending:
            time.sleep(0.2)
        return
    db.open_pool()
    while not ending:
        try:
            while db.cache.lmove(HAND, "jobs", "RIGHT", "RIGHT"):
                pass
            while not ending:
                number = db.cache.blmove("jobs", HAND, 1, "RIGHT", "LEFT")
                if number:
                    work(number)
                    db.cache.lrem(HAND, 1, number)
        except (redis.RedisError, psycopg.Error) as e:
            print(f"trying again in a second: {e}", file=sys.stderr, flush=True)
            time.sleep(1)


main()
