# SPDX-License-Identifier: Apache-2.0
"""The release command: numbered steps, each in a transaction of its own, each taken once."""
import os
import sys

import psycopg

STEPS = [
    """CREATE TABLE entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
       message text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())""",
    "ALTER TABLE entry ADD COLUMN words integer",
]

url = os.environ.get("DATABASE_URL")
if not url:
    print("No database is attached, so there is nothing to migrate")
    sys.exit(0)
with psycopg.connect(url, autocommit=True) as c:
    # Two releases at once would take the same step.
    c.execute("SELECT pg_advisory_lock(12)")
    c.execute("CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())")
    done = {n for (n,) in c.execute("SELECT number FROM migration").fetchall()}
    for number, step in enumerate(STEPS, 1):
        if number in done:
            continue
        with c.transaction():
            c.execute(step)
            c.execute("INSERT INTO migration (number) VALUES (%s)", (number,))
        print(f"migrated to {number}")
print("the database is as it should be")
