# SPDX-License-Identifier: Apache-2.0
"""A worker that shows it is alive, and leaves at once when it is asked to."""

import os
import signal
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
signal.signal(signal.SIGINT, lambda *_: stop.set())

dyno = os.environ.get("DYNO", "worker")
beat = 0
print(f"{dyno} ready", flush=True)
while not stop.wait(float(os.environ.get("HEARTBEAT_SECONDS", "10"))):
    beat += 1
    print(f"{dyno} heartbeat {beat}", flush=True)
print(f"{dyno} done after {beat} heartbeats", flush=True)
