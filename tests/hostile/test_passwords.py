# SPDX-License-Identifier: Apache-2.0
"""The attacker is anybody who reaches the API's address, from as many addresses as they like, and knows e-mail addresses."""
import base64
import concurrent.futures
import http.client
import json
import statistics
import time

import pytest

from conftest import wait_for

RIGHT = "the right password"


@pytest.fixture
def guarded(own_platform):
    p = own_platform()
    for who in ("ada@example.com", "ben@example.com"):
        assert p.api("POST", "/twelve/users", {"email": who, "password": RIGHT})[0] == 201
    # haproxy begins to listen a moment after the API does.
    wait_for(lambda: try_from(p, "127.1.0.1", "ada@example.com", RIGHT) == 201, "the door")
    return p


def try_from(p, address, email, password, headers=None):
    """Asks for a token from one of the loopback's many addresses: the status."""
    c = http.client.HTTPConnection("127.0.0.1", p.api_port, timeout=180, source_address=(address, 0))
    try:
        c.request("POST", "/oauth/authorizations", "{}", {
            "Accept": "application/vnd.heroku+json; version=3", "Content-Type": "application/json",
            "Authorization": "Basic " + base64.b64encode(f"{email}:{password}".encode()).decode(), **(headers or {})})
        return c.getresponse().status
    except ConnectionRefusedError:
        return 0
    finally:
        c.close()


def flood(p, email, n_addresses, each):
    """Wrong ones, from many addresses at once: how they were answered."""
    def guess(i):
        return [try_from(p, f"127.2.{i // 250}.{i % 250 + 1}", email, f"wrong password {i}") for _ in range(each)]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return [s for found in pool.map(guess, range(n_addresses)) for s in found]


def test_wrong_guesses_lock_nobody_out(guarded):
    p = guarded
    found = flood(p, "ada@example.com", 26, 9)
    assert set(found) <= {401, 429} and found.count(429) > 100, "guesses cost time"
    # Another account from a new address; this account from the address where it was right before, and from a new one.
    assert try_from(p, "127.3.0.1", "ben@example.com", RIGHT) == 201
    assert try_from(p, "127.1.0.1", "ada@example.com", RIGHT) == 201
    assert try_from(p, "127.3.0.2", "ada@example.com", RIGHT) == 201
    # And while they go on.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        more = pool.submit(flood, p, "ada@example.com", 40, 9)
        assert [try_from(p, "127.1.0.1", "ada@example.com", RIGHT) for _ in range(10)] == [201] * 10
        assert try_from(p, "127.3.0.3", "ben@example.com", RIGHT) == 201
        assert set(more.result()) <= {401, 429}


def test_an_address_that_guesses_is_slowed(guarded):
    p = guarded
    found = [try_from(p, "127.4.0.1", f"nobody-{i}@example.com", "wrong password") for i in range(40)]
    assert found[:10] == [401] * 10 and found.count(429) >= 10
    # What a client says of where it comes from is nothing.
    assert 429 in [try_from(p, "127.4.0.1", "nobody@example.com", "wrong", {"X-Forwarded-For": f"192.0.2.{i}"}) for i in range(10)]


@pytest.mark.parametrize("password", ["short", "a wrong one of the usual length", "x" * 1200])
def test_the_time_does_not_tell_who_is_a_user(guarded, password):
    """Medians of tries in turn, each pair of them from an address of its own: hashing is nearly all of it."""
    p = guarded
    times = {"ben@example.com": [], "nobody@example.com": []}
    for i in range(7):
        for who, spent in times.items():
            began = time.monotonic()
            assert try_from(p, f"127.5.0.{i + 1}", who, password) == 401
            spent.append(time.monotonic() - began)
    a, b = (statistics.median(t) for t in times.values())
    print(f"\na user: {1000 * a:.1f} ms, nobody: {1000 * b:.1f} ms")
    # A hash that was left out for one of them would be nearly all of the difference.
    assert abs(a - b) < 0.005 + max(a, b) / 2


def test_a_flood_does_not_stop_the_loop(guarded):
    """Hashing is another thread's: a request that needs none is answered between two of theirs."""
    p = guarded
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        going_on = pool.submit(flood, p, "ben@example.com", 60, 4)
        answered = 0
        while not going_on.done():
            assert p.api("GET", "/account")[0] == 200
            answered += 1
        assert answered > 3 and set(going_on.result()) <= {401, 429, 503}


def test_a_new_password_costs_a_try(guarded):
    """Who has a token only neither guesses the password nor lets the platform hash without end."""
    p = guarded
    c = http.client.HTTPConnection("127.0.0.1", p.api_port, timeout=180)
    basic = base64.b64encode(f"ben@example.com:{RIGHT}".encode()).decode()
    headers = {"Accept": "application/vnd.heroku+json; version=3", "Content-Type": "application/json"}
    c.request("POST", "/oauth/authorizations", "{}", {**headers, "Authorization": "Basic " + basic})
    token = json.loads(c.getresponse().read())["access_token"]["token"]
    found = []
    for i in range(20):
        c.request("PATCH", "/account", json.dumps({"password": f"guess number {i}", "new_password": "mine now, not yours"}), {**headers, "Authorization": f"Bearer {token}"})
        r = c.getresponse()
        r.read()
        found.append(r.status)
    c.close()
    assert set(found) == {403, 429} and found.count(403) <= 10
