# SPDX-License-Identifier: Apache-2.0
"""When a web dyno is up: it answers. What has ended since is not; and what crashes again and again is crashed."""
import time

import pytest

from conftest import wait_for

# A server of each kind that has bound $PORT, by MODE.
SERVER = r"""
use strict; use warnings; use IO::Socket::INET;
$| = 1;
my $mode = $ENV{MODE} || '200';
if ($ENV{DIE_AT} && time >= $ENV{DIE_AT}) { print "no module named shop\n"; exit 3; }
my $l = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $ENV{PORT}, Listen => 64, ReuseAddr => 1) or die;
print "listening\n";
# As gunicorn's master: its workers load the app, fail, and it goes.
if ($mode eq 'master') { select(undef, undef, undef, 0.7); print "no module named shop\n"; exit 3; }
if ($mode eq 'silent') { sleep 1 while 1; }
my $n = 0;
$SIG{ALRM} = sub { print "no module named shop\n"; exit 3; };
if ($ENV{DIE_AT}) { my $left = $ENV{DIE_AT} - time; alarm($left > 0 ? $left : 1); }
while (my $c = $l->accept) {
    if ($mode eq 'banner') { print $c "SSH-2.0-shop\r\n"; close $c; next; }
    if ($mode eq 'closes') { close $c; next; }
    my ($head, $first) = ('', scalar <$c>);
    while (my $line = <$c>) { $head .= $line; last if $line =~ /^\r?\n$/; }
    print "asked: $first$head" unless $n++;
    # The first request loads the app.
    if ($mode eq 'slow' && $n == 1) { select(undef, undef, undef, 2); }
    my $status = $mode =~ /^\d+$/ ? $mode : 200;
    print $c "HTTP/1.1 $status Whatever\r\nContent-Length: 3\r\n\r\nok\n";
    close $c;
    if ($mode eq 'once') { print "no module named shop\n"; exit 3; }
}
"""


@pytest.fixture(scope="module")
def shop(platform, tmp_path_factory):
    where = platform.repo(tmp_path_factory.mktemp("shop"), server__pl=SERVER, Procfile="web: perl server.pl\n")
    platform.create("ready-shop", where)
    platform.push(where)
    yield "ready-shop"
    platform.cli("destroy", "-a", "ready-shop", "--confirm", "ready-shop", check=False)


def undone(platform, shop, *config):
    before = next(r for r in platform.releases(shop) if r["current"])
    said = platform.cli("config:set", "TWELVE_START_TIMEOUT=3", *config, "-a", shop, check=False)
    assert said.code == 1, said
    failed = platform.releases(shop)[0]
    assert failed["status"] == "failed" and not failed["current"]
    assert next(r for r in platform.releases(shop) if r["current"])["version"] == before["version"]
    assert platform.get(shop) == (200, "ok\n"), "what ran goes on"
    assert failed["twelve"]["reason"] in said.err, said
    return failed["twelve"]


def test_a_master_that_binds_before_its_workers_load_the_app(platform, shop):
    twelve = undone(platform, shop, "MODE=master")
    assert "exited with status 3" in twelve["reason"], twelve
    assert "no module named shop" in twelve["proof"]["last_lines"], twelve


def test_one_that_answers_and_ends_is_not_up(platform, shop):
    twelve = undone(platform, shop, "MODE=once")
    assert "exited with status 3" in twelve["reason"], twelve


@pytest.mark.parametrize("mode, sentence", [
    ("silent", "it listens on $PORT, and has not answered GET / there yet"),
    ("closes", "GET / on $PORT is not answered: the connection is closed"),
    ("banner", 'GET / on $PORT gets a response that is not HTTP: "SSH-2.0-shop"'),
])
def test_bound_is_not_healthy(platform, shop, mode, sentence):
    reason = undone(platform, shop, f"MODE={mode}")["reason"]
    assert "was not ready within 3 s" in reason and sentence in reason and "TWELVE_CHECK=port" in reason, reason


@pytest.mark.parametrize("status", ["204", "302", "400", "401", "403", "404", "500", "503"])
def test_any_answer_is_one(platform, shop, status):
    platform.cli("config:set", f"MODE={status}", "-a", shop)
    assert platform.get(shop)[0] == int(status)


def test_a_slow_first_request_is_waited_for(platform, shop):
    platform.cli("config:set", "MODE=slow", "-a", shop)
    assert platform.get(shop)[0] == 200
    release = platform.releases(shop)[0]
    assert release["twelve"]["proof"]["dynos"][0]["ready_ms"] >= 2000


def test_the_request_is_one_of_a_visitor(platform, shop):
    platform.cli("config:set", "MODE=200", "GREETING=asked", "-a", shop)
    version = platform.releases(shop)[0]["version"]
    log = wait_for(lambda: (lambda t: t if "asked: " in t else None)(platform.cli("logs", "-n", "30", "-a", shop).out),
                   f"the request of v{version}")
    for line in ("asked: GET / HTTP/1.1", f"Host: {shop}.localhost", "User-Agent: twelve-check", "X-Forwarded-Proto: https"):
        assert line in log, log


def test_to_listen_is_enough_where_the_app_says_so(platform, shop):
    platform.cli("config:set", "MODE=silent", "TWELVE_CHECK=port", "-a", shop)
    assert platform.releases(shop)[0]["status"] == "succeeded"
    refused = platform.cli("config:set", "TWELVE_CHECK=tcp", "-a", shop, check=False)
    assert refused.code != 0 and '"http"' in refused.err and '"port"' in refused.err, refused
    platform.cli("config:unset", "MODE", "TWELVE_CHECK", "-a", shop)


def test_a_crash_loop_says_so(platform, shop):
    platform.cli("config:set", f"DIE_AT={int(time.time()) + 6}", "-a", shop)
    assert platform.get(shop)[0] == 200
    # From the first crash without an answer on: crashed, while it pauses and while it is tried again.
    wait_for(lambda: "H10" in platform.get(shop)[1], "the page")
    wait_for(lambda: platform.dynos(shop)[0]["twelve"]["restarts"] >= 2, "two more tries")
    seen, pages, restarts = set(), set(), platform.dynos(shop)[0]["twelve"]["restarts"]
    while platform.dynos(shop)[0]["twelve"]["restarts"] < restarts + 1:
        dyno = platform.dynos(shop)[0]
        seen.add((dyno["state"], dyno["twelve"]["draining"], dyno["twelve"]["routed"]))
        status, text = platform.get(shop)
        pages.add((status, "H10" in text))
    assert seen == {("crashed", False, False)}, seen
    assert pages == {(503, True)}, pages
    ps = platform.cli("ps", "-a", shop).out
    assert "web.1: crashed" in ps and "draining" not in ps, ps
    platform.cli("config:unset", "DIE_AT", "-a", shop)
    assert platform.get(shop)[0] == 200
