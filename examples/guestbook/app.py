# SPDX-License-Identifier: Apache-2.0
"""A guestbook: entries in PostgreSQL, a counter and a queue of jobs in Redis."""
import flask

import db

app = flask.Flask(__name__)
db.open_pool()


@app.get("/")
def index():
    missing = db.missing()
    entries = [] if missing else newest()
    visits = db.cache.incr("visits") if db.cache else None
    return flask.render_template("index.html", entries=entries, visits=visits, missing=missing)


def newest(n=20):
    with db.pool.connection() as c:
        rows = c.execute("SELECT id, name, message, words, created_at FROM entry ORDER BY id DESC LIMIT %s", (n,))
        return [dict(zip(("id", "name", "message", "words", "created_at"), row)) for row in rows.fetchall()]


def add(name, message):
    name, message = (name or "").strip()[:80], (message or "").strip()[:2000]
    if not name or not message:
        flask.abort(422, "A name and a message are needed")
    with db.pool.connection() as c:
        (number,) = c.execute("INSERT INTO entry (name, message) VALUES (%s, %s) RETURNING id", (name, message)).fetchone()
    if db.cache:
        db.cache.lpush("jobs", number)
    return number


@app.post("/")
def sign():
    require()
    add(flask.request.form.get("name"), flask.request.form.get("message"))
    return flask.redirect("/", 303)


@app.get("/api/entries")
def api_list():
    require()
    return flask.jsonify(newest())


@app.post("/api/entries")
def api_add():
    require()
    body = flask.request.get_json()
    return {"id": add(body.get("name"), body.get("message"))}, 201


def require():
    if not db.pool:
        flask.abort(503, "No database is attached: " + "; ".join(db.missing()))


@app.get("/health")
def health():
    """200 when everything that is attached answers."""
    if db.pool:
        with db.pool.connection() as c:
            c.execute("SELECT 1")
    if db.cache:
        db.cache.ping()
    return {"database": bool(db.pool), "redis": bool(db.cache)}
