# SPDX-License-Identifier: Apache-2.0
"""A small web app: everything it is told comes from the environment."""

import os
import time

from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    env = os.environ.get
    return (
        f"{env('GREETING', 'Hello')} from {env('TWELVE_APP_NAME', 'flask')}, "
        f"release {env('TWELVE_RELEASE_VERSION', 'none')}, dyno {env('DYNO', 'none')}\n"
    )


@app.get("/slow")
def slow():
    """Sleeps for s seconds: watch it finish while the app is restarted."""
    seconds = min(max(request.args.get("s", 1.0, type=float), 0.0), 60.0)
    time.sleep(seconds)
    return f"slept {seconds:g} s\n"


@app.get("/healthz")
def healthz():
    return "ok\n"
