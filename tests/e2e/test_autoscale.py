# SPDX-License-Identifier: Apache-2.0
"""
Autoscaling with the real router: what requests took goes through HAProxy's lines and twelve-logs to a
decision. That the rule converges and does not flap is shown by the simulation in tests/unit/test-autoscale.c; here, that it
is fed with the truth and that it acts.
"""
import json
import os
import re
import signal

import pytest

from conftest import wait_for
from test_rollout import Load


@pytest.fixture
def scaled(own_platform, tmp_path):
    """A platform whose minutes are seconds, and an app."""
    platform = own_platform(TWELVE_AUTOSCALE_PERIOD="1s")
    where = platform.repo(tmp_path)
    platform.create("shop", where)
    platform.push(where)
    return platform


def quantity(platform):
    return platform.api("GET", "/apps/shop/formation/web")[1]["quantity"]


def monitor(platform):
    status, rows = platform.api("GET", "/apps/shop/formation/web/monitors")
    assert status == 200 and len(rows) == 1, rows
    return rows[0]


def periods(platform, n):
    """Waits until n more periods have been measured."""
    for _ in range(n):
        last = monitor(platform)["twelve"].get("measured_at")
        wait_for(lambda: monitor(platform)["twelve"].get("measured_at") != last, "another period")


def scalings(platform):
    """The steps that autoscaling took, from the app's stream, the oldest first."""
    text = platform.cli("logs", "-n", "1000", "--source", "app", "--dyno", "api", "-a", "shop").out
    return [int(n) for n in re.findall(r"app\[api\]: Scaled to web@(\d+):Standard-1X by autoscaling", text)]


def twelve_logs(platform):
    mine = platform.pids_of("twelve-logs")
    assert len(mine) == 1, mine
    return mine[0]


def at_maximum(platform):
    return re.findall(r"Autoscaling adds no dynos: web is at its maximum of (\d+); p95 is (\d+) ms, to be below (\d+) ms",
                      platform.cli("logs", "-n", "1000", "-a", "shop").out)


def test_up_under_load_and_down_after_it(scaled):
    scaled.cli("ps:autoscale:enable", "--min", "1", "--max", "3", "--p95", "200", "-a", "shop")
    assert quantity(scaled) == 1
    with Load(scaled, "shop", threads=8, path="/slow/0.4") as load:
        wait_for(lambda: quantity(scaled) == 3, "the maximum")
        told = wait_for(lambda: at_maximum(scaled), "the line that says so")
        wait_for(lambda: len(scaled.up("shop")) == 3, "three dynos to be up")
        measured = wait_for(lambda: monitor(scaled)["twelve"].get("p95_ms"), "a measure")
        periods(scaled, 3)
    assert load.failures == []
    assert 350 <= measured < 30000 and told[0][0] == "3" and told[0][2] == "200"
    assert scalings(scaled) == [2, 3], "a dyno at a time"
    wait_for(lambda: quantity(scaled) == 1, "the minimum")
    wait_for(lambda: len(scaled.dynos("shop")) == 1, "one dyno")
    assert scalings(scaled) == [2, 3, 2, 1]
    # It was said once, however many periods it lasted.
    assert len(at_maximum(scaled)) == 1
    who = scaled.api("GET", "/apps/shop/audit")[1]
    mine = [row for row in who if row["user"]["name"] == "autoscaling"]
    assert [row["note"] for row in reversed(mine)] == ["web@2:Standard-1X, from 1", "web@3:Standard-1X, from 2",
                                                      "web@2:Standard-1X, from 3", "web@1:Standard-1X, from 2"]


def test_a_fast_app_stays(scaled):
    scaled.cli("ps:autoscale:enable", "--min", "1", "--max", "3", "--p95", "20000", "-a", "shop")
    with Load(scaled, "shop", threads=2) as load:
        periods(scaled, 3)
        assert monitor(scaled)["twelve"]["requests"] > 0 and monitor(scaled)["twelve"]["p95_ms"] < 20000
    assert load.failures == []
    assert quantity(scaled) == 1 and scalings(scaled) == []


def test_what_is_no_measure_of_the_app(scaled):
    """The router's own answers, however many, are not counted."""
    scaled.cli("ps:autoscale:enable", "--min", "1", "--max", "3", "--p95", "1", "-a", "shop")
    scaled.cli("maintenance:on", "-a", "shop")
    with Load(scaled, "shop", threads=2) as load:
        wait_for(lambda: load.done > 50, "answers")
        wait_for(lambda: "code=H80" in scaled.cli("logs", "--source", "heroku", "-a", "shop").out, "the router's lines")
        periods(scaled, 2)
        assert monitor(scaled)["twelve"]["requests"] == 0
    assert scalings(scaled) == []


def test_bounds_are_kept_and_off_stays_off(scaled):
    scaled.cli("ps:autoscale:enable", "--min", "2", "--max", "3", "-a", "shop")
    wait_for(lambda: quantity(scaled) == 2, "the minimum")
    scaled.cli("ps:scale", "web=4", "-a", "shop")
    wait_for(lambda: quantity(scaled) == 3, "the maximum")
    # A person's word is kept: nobody asks, and it goes down a step at a time from there.
    wait_for(lambda: quantity(scaled) == 2, "the minimum again")
    scaled.cli("ps:scale", "web=0", "-a", "shop")
    steps = scalings(scaled)
    periods(scaled, 3)
    assert quantity(scaled) == 0 and scalings(scaled) == steps
    # Without a monitor a quantity is a quantity.
    scaled.cli("ps:autoscale:disable", "-a", "shop")
    assert not monitor(scaled)["is_active"]


def test_a_kill_of_twelved_or_twelve_logs_in_the_middle(scaled):
    scaled.cli("ps:autoscale:enable", "--min", "1", "--max", "4", "--p95", "200", "-a", "shop")
    with Load(scaled, "shop", threads=8, path="/slow/0.4") as load:
        wait_for(lambda: quantity(scaled) == 2, "a first step")
        scaled.restart()
        wait_for(lambda: quantity(scaled) == 3, "the next step, of another twelved")
        os.kill(twelve_logs(scaled), signal.SIGKILL)
        wait_for(lambda: quantity(scaled) == 4, "the next step, with another twelve-logs")
    assert load.failures == []
    assert scalings(scaled) == [2, 3, 4]
    wait_for(lambda: quantity(scaled) == 1, "the minimum")


def test_requests_that_are_refused(scaled):
    path = "/apps/shop/formation/web/monitors"

    def refused(method, where, body, words):
        status, answer = scaled.api(method, where, body)
        assert status == 422 and words in answer["message"], (status, answer)

    good = {"min_quantity": 1, "max_quantity": 2}
    refused("POST", "/apps/shop/formation/worker/monitors", good, 'Only web dynos can be autoscaled, since requests are what is measured; not "worker"')
    refused("POST", path, {**good, "action_type": "alert"}, '"action_type" can only be scale here, not "alert"')
    refused("POST", path, {**good, "op": "LESS"}, '"op" can only be GREATER_OR_EQUAL here, not "LESS"')
    refused("POST", path, {**good, "period": 5}, '"period" must be a whole number from 1 to 1')
    refused("POST", path, {**good, "notification_channels": ["app"]}, '"notification_channels" must be empty')
    refused("POST", path, {"min_quantity": 0, "max_quantity": 2}, '"min_quantity" must be a whole number from 1 to 200')
    refused("POST", path, {"min_quantity": 3, "max_quantity": 2}, '"min_quantity" (3) can\'t be more than "max_quantity" (2)')
    refused("POST", path, {**good, "value": 0}, '"value" must be a whole number from 1 to 30000')
    assert scaled.api("GET", path) == (200, [])
    assert scaled.api("POST", path, good)[0] == 201
    status, answer = scaled.api("POST", path, good)
    assert status == 409 and "have a monitor already" in answer["message"]
    refused("PATCH", f"{path}/LATENCY_SCALE", {"max_quantity": 201}, '"max_quantity" must be')
    refused("PATCH", f"{path}/LATENCY_SCALE", {"min_quantity": 3}, '"min_quantity" (3)')
    assert scaled.api("PATCH", f"{path}/none", {"value": 5})[0] == 404
    assert scaled.api("GET", "/apps/shop/formation/worker/monitors") == (200, [])


def test_what_the_command_line_says(scaled):
    def said(*args, code=0):
        r = scaled.cli("ps:autoscale" + args[0], *args[1:], "-a", "shop", check=False)
        assert r.code == code, r
        return r.out + r.err

    assert "web of shop is not autoscaled: twelve ps:autoscale:enable --min N --max N" in said("")
    assert said("", "--json").strip() == "null"
    assert "web of shop is not autoscaled" in said(":disable", code=1)
    assert "twelve ps:autoscale:enable --min 1 --max 3" in said(":enable", "--min", "1", code=2)
    assert "--min (3) can't be more than --max (2)" in said(":enable", "--min", "3", "--max", "2", code=2)
    assert "web of shop is autoscaled: 2 to 3 dynos, p95 below 250 ms" in said(":enable", "--min", "2", "--max", "3", "--p95", "250")
    # What was set stays when nothing is said of it.
    assert "2 to 4 dynos, p95 below 250 ms" in said(":enable", "--min", "2", "--max", "4")
    wait_for(lambda: quantity(scaled) == 2, "the minimum")
    assert "=== web (Standard-1X): perl server.pl (2), autoscaled 2 to 4\n" in wait_for(
        lambda: len(scaled.up("shop")) == 2 and scaled.cli("ps", "-a", "shop").out, "two dynos")
    with Load(scaled, "shop", threads=1):
        shown = wait_for(lambda: (t := said("")) and " requests in the last period" in t and "measured:  p95" in t and t, "a measure")
    assert re.fullmatch(r"web of shop: autoscaled\nquantity:  \d, from 2 to 4\ntarget:    p95 below 250 ms\n"
                        r"measured:  p95 \d+ ms of \d+ requests in the last period\n", shown), shown
    wait_for(lambda: "measured:  no requests in the last period" in said(""), "silence")
    assert json.loads(said("", "--json"))["max_quantity"] == 4
    assert re.search(r"web of shop is autoscaled no more, and stays at \d", said(":disable"))
    assert "autoscaled" not in scaled.cli("ps", "-a", "shop").out
