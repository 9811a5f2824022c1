# SPDX-License-Identifier: Apache-2.0
"""The two backing services, by their URLs in the environment: nothing here knows where they are."""
import os

import redis
from psycopg_pool import ConnectionPool

DATABASE_URL = os.environ.get("DATABASE_URL")
REDIS_URL = os.environ.get("REDIS_URL")

# A connection is looked at before it is used, so a database that was restarted costs no request.
pool = ConnectionPool(DATABASE_URL, min_size=1, max_size=int(os.environ.get("DB_POOL", "3")), timeout=10, open=False,
                      check=ConnectionPool.check_connection, kwargs={"autocommit": True}) if DATABASE_URL else None
cache = redis.Redis.from_url(REDIS_URL, decode_responses=True, socket_timeout=10, health_check_interval=10,
                             retry_on_error=[redis.ConnectionError]) if REDIS_URL else None


def open_pool():
    """In each process of its own: connections don't survive a fork."""
    if pool:
        pool.open()


def missing():
    """What is not attached yet, and what to type."""
    app = os.environ.get("TWELVE_APP_NAME", "APP")
    return [f"twelve addons:create {service} -a {app}"
            for service, url in (("postgresql", DATABASE_URL), ("redis", REDIS_URL)) if not url]
