# SPDX-License-Identifier: Apache-2.0
"""
What a sandbox reaches: from a dyno, a one-off dyno, a build and the server of an add-on of app A to each thing of app B, of the platform, of
the machine and of the outside. Each cell is tried; docs/security.md has the table.
"""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from conftest import Platform, wait_for
from leases import free_port

# "NAME HOST PORT" each: says of each what comes of a connection.
PROBE = r"""
use strict; use warnings; use IO::Socket::INET; use Errno qw(ECONNREFUSED EHOSTUNREACH ENETUNREACH EACCES ETIMEDOUT);
$| = 1;
for my $target (@ARGV) {
    my ($name, $host, $port) = split / /, $target;
    my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp', Timeout => 5);
    my $what = $s ? 'open' : $!{ECONNREFUSED} ? 'refused' : $!{EHOSTUNREACH} || $!{ENETUNREACH} || $!{EACCES} ? 'unreachable' : $!{ETIMEDOUT} ? 'silent' : "$@";
    print "probe $name $what\n";
}
"""
LISTEN = r"""
use strict; use warnings; use IO::Socket::INET;
$| = 1;
my $l = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die "$!\n";
print "listening\n";
while (my $c = $l->accept) { close $c; }
"""
COMPILE = """#!/bin/bash
while read -r name host port; do targets+=("$name $host $port"); done <"$1/targets"
perl "$1/probe.pl" "${targets[@]}"
"""
OUTSIDE = "deb.debian.org"
IP_FREEBIND = 15


def network_of(p):
    return p.env["TWELVE_NETWORK"].removesuffix(".0.0/16")


def links(p):
    """The host ends of this platform's sandboxes."""
    second = int(network_of(p).split(".")[1])
    return [n for n in os.listdir("/sys/class/net") if n.startswith(f"tw0a{second:02x}-")]


def table_of(p):
    second = int(network_of(p).split(".")[1])
    return subprocess.run(["nft", "list", "table", "inet", f"twelve_0a{second:02x}"], capture_output=True, text=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory, machine_address):
    """A platform whose doors are at an address of the machine that sandboxes can send to."""
    http_port, api_port = free_port(), free_port()
    p = Platform(tmp_path_factory.mktemp("walls"), TWELVE_HTTP=f"{machine_address}:{http_port}", TWELVE_API=f"{machine_address}:{api_port}")
    p.host, p.http_port, p.api_port = machine_address, http_port, api_port
    yield p
    p.stop()


def make_app(p, base, name):
    base.mkdir()
    where = p.repo(base)
    (where / "probe.pl").write_text(PROBE)
    (where / "listen.pl").write_text(LISTEN)
    (where / "targets").write_text("")
    p.commit(where, "probe")
    p.create(name, where)
    p.push(where)
    return where


def url_place(p, app, var):
    url = json.loads(p.cli("config", "--json", "-a", app).out)[var]
    m = re.search(r"@([\d.]+):(\d+)", url)
    return m[1], int(m[2])


@pytest.fixture(scope="module")
def town(place, tmp_path_factory):
    """Apps A and B, each with a database, and a one-off dyno of B that listens."""
    base = tmp_path_factory.mktemp("town")
    repos = {name: make_app(place, base / name, name) for name in ("app-a", "app-b")}
    for name in repos:
        place.cli("addons:create", "redis", "-a", name, timeout=900)
    one_off = subprocess.Popen([place.program("twelve"), "run", "-a", "app-b", "--", "perl", "listen.pl", "7000"], env=place.env, text=True,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert one_off.stdout.readline() == "listening\n"
    for name in repos:
        wait_for(lambda n=name: place.up(n), f"{name} to be up", 120)
    yield repos
    for d in place.dynos("app-b"):
        if d["type"] == "run":
            place.cli("ps:stop", d["name"], "-a", "app-b", check=False)
    one_off.wait(60)


@pytest.fixture(scope="module")
def machine_listener(place, machine_address):
    """A server of the machine's own, on the loopback, that address, and the one by which sandboxes know the machine."""
    port, servers = free_port(), []
    for address in ("127.0.0.1", machine_address, f"{network_of(place)}.0.1"):
        s = socket.socket()
        # The last is there while there are sandboxes.
        s.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        s.bind((address, port))
        s.listen(64)
        servers.append(s)
    yield port
    for s in servers:
        s.close()


def extra(p, app, dyno):
    return next(d for d in p.dynos(app) if d["name"] == dyno)["twelve"]


def targets_of(p, machine_port):
    machine, gateway = p.host, f"{network_of(p)}.0.1"
    web_b = extra(p, "app-b", "web.1")
    run_b = extra(p, "app-b", next(d["name"] for d in p.dynos("app-b") if d["type"] == "run"))
    redis_a, redis_b = url_place(p, "app-a", "REDIS_URL"), url_place(p, "app-b", "REDIS_URL")
    return {
        # B's
        "web-of-b": (web_b["address"], web_b["port"]),
        "one-off-of-b": (run_b["address"], 7000),
        "redis-of-b": redis_b,
        # the platform's
        "api": (machine, p.api_port),
        "router": (machine, p.http_port),
        # the machine's
        "machine": (machine, machine_port),
        "machine-by-the-gateway": (gateway, machine_port),
        "loopback": ("127.0.0.1", machine_port),
        "metadata": ("169.254.169.254", 80),
        "private-10": ("10.255.1.1", 80),
        "private-172": ("172.16.0.1", 80),
        "private-192": ("192.168.0.1", 80),
        # given
        "redis-of-a": redis_a,
        "outside": (OUTSIDE, 443),
    }


GIVEN = {"router", "outside", "redis-of-a"}


def judge(said, targets):
    found = dict(re.findall(r"probe (\S+) (.*?)\s*$", said, re.M))
    assert set(found) == set(targets), said
    return {name for name, what in found.items() if what == "open"}, found


def args_of(targets):
    return [f"{name} {host} {port}" for name, (host, port) in targets.items()]


def test_from_a_dyno(place, town, machine_listener):
    targets = targets_of(place, machine_listener)
    said = place.cli("run:inside", "web.1", "-a", "app-a", "--", "perl", "probe.pl", *args_of(targets)).out
    opened, found = judge(said, targets)
    assert opened == GIVEN, found


def test_from_a_one_off_dyno(place, town, machine_listener):
    targets = targets_of(place, machine_listener)
    said = place.cli("run", "-a", "app-a", "--", "perl", "probe.pl", *args_of(targets)).out
    opened, found = judge(said, targets)
    assert opened == GIVEN, found


def test_from_a_build(place, town, machine_listener, tmp_path):
    pack = tmp_path / "pack"
    (pack / "bin").mkdir(parents=True)
    for name, text in {"detect": "#!/bin/sh\necho Probe\n", "compile": COMPILE, "release": "#!/bin/sh\necho '--- {}'\n"}.items():
        (pack / "bin" / name).write_text(text)
        (pack / "bin" / name).chmod(0o755)
    place.cli("buildpacks:set", str(pack), "-a", "app-a")
    where, targets = town["app-a"], targets_of(place, machine_listener)
    (where / "targets").write_text("".join(t + "\n" for t in args_of(targets)))
    place.commit(where, "targets")
    p = place.push(where)
    opened, found = judge(re.sub(r"(?m)^remote: +", "", p.err), targets)
    assert opened == GIVEN, found


def test_from_the_server_of_an_addon(place, town, machine_listener):
    """Its scripts may fetch from the outside, as a restore does; of apps it reaches nothing."""
    targets = targets_of(place, machine_listener)
    pid = next(pid for pid in pids_of_program("redis-server") if address_of(pid) == targets["redis-of-a"][0])
    said = subprocess.run(["nsenter", "-t", str(pid), "-n", "perl", "-e", PROBE, *args_of(targets)], capture_output=True, text=True, check=True).stdout
    opened, found = judge(said, targets)
    assert opened == GIVEN, found


def pids_of_program(name):
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if open(f"/proc/{entry}/comm").read().strip() == name:
                    yield int(entry)


def address_of(pid):
    said = subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "-4", "-o", "addr", "show", "eth0"], capture_output=True, text=True).stdout
    m = re.search(r"inet ([\d.]+)/", said)
    return m[1] if m else None


def test_an_attachment_opens_the_way_and_its_end_closes_it(place, town):
    addon = json.loads(place.cli("addons", "-a", "app-b", "--json").out)[0]["name"]
    target = {"redis-of-b": url_place(place, "app-b", "REDIS_URL")}

    def opened():
        return judge(place.cli("run", "-a", "app-a", "--", "perl", "probe.pl", *args_of(target)).out, target)[0]

    assert opened() == set()
    place.cli("addons:attach", addon, "-a", "app-a", "--as", "OTHER")
    assert opened() == {"redis-of-b"}
    place.cli("addons:detach", "OTHER", "-a", "app-a")
    # Nothing that runs has the credential any more: it is revoked, and with it the way.
    wait_for(lambda: opened() == set(), "the way to be closed", 120)


def test_what_of_the_outside_an_app_reaches_is_its_owners_to_say(place, town):
    address = socket.gethostbyname(OUTSIDE)
    targets = {"outside": (address, 443), "other-port": (address, 80), "redis-of-a": url_place(place, "app-a", "REDIS_URL")}

    def opened():
        return judge(place.cli("run", "-a", "app-a", "--", "perl", "probe.pl", *args_of(targets)).out, targets)[0]

    def settled(*names):
        wait_for(lambda: opened() == set(names), f"{names} to be open", 30)

    try:
        assert place.cli("egress", "-a", "app-a").out.startswith("open")
        place.cli("egress:close", "-a", "app-a")
        settled("redis-of-a")
        place.cli("egress:allow", f"{address}:443", "-a", "app-a")
        settled("redis-of-a", "outside")
        assert f"allowed  {address}:443" in place.cli("egress", "-a", "app-a").out
        # B's is as it was.
        said = place.cli("run", "-a", "app-b", "--", "perl", "probe.pl", *args_of({"outside": targets["outside"]})).out
        assert "probe outside open" in said
        place.cli("egress:remove", f"{address}:443", "-a", "app-a")
        settled("redis-of-a")
        r = place.cli("egress:remove", "198.51.100.1", "-a", "app-a", check=False)
        assert r.code != 0 and "twelve egress" in r.err
        r = place.cli("egress:allow", "example.com", "-a", "app-a", check=False)
        assert r.code != 0 and "is no destination" in r.err
    finally:
        place.cli("egress:open", "-a", "app-a")
    settled("redis-of-a", "outside", "other-port")


def test_what_is_not_public_is_for_administrators_to_allow(place, town):
    place.cli("users:add", "uma@example.com")
    place.cli("access:add", "uma@example.com", "-p", "operate", "-a", "app-a")
    token = place.cli("authorizations:create", "--user", "uma@example.com").out.strip()
    patch = lambda allowed: over_tcp(place, token, "PATCH", "/apps/app-a/egress", {"allowed": allowed})
    for private in ("10.0.3.7", "169.254.169.254:80", "0.0.0.0/0", "fd00::/8"):
        status, e = patch([private])
        assert status == 403 and "an administrator may allow it" in e["message"], e
    place.cli("egress:allow", "10.0.3.7:5432", "-a", "app-a")
    # What was allowed stays when she allows something else, and goes when she takes it out.
    status, e = patch(["10.0.3.7:5432", "198.51.100.0/24"])
    assert status == 200 and e["allowed"] == ["10.0.3.7:5432", "198.51.100.0/24"], e
    wait_for(lambda: "10.0.3.7 th dport 5432 accept" in re.sub(r"/32", "", table_of(place).stdout), "the rule", 20)
    assert patch([])[0] == 200
    wait_for(lambda: "10.0.3.7" not in table_of(place).stdout, "its end", 20)


def test_a_server_on_the_machine_is_allowed_by_its_port(place, town, machine_listener):
    """As a database that is not the platform's. Without a port it would be all that the machine serves."""
    target = {"machine": (place.host, machine_listener), "api": (place.host, place.api_port)}

    def opened():
        return judge(place.cli("run", "-a", "app-a", "--", "perl", "probe.pl", *args_of(target)).out, target)[0]

    try:
        place.cli("egress:allow", place.host, "-a", "app-a")
        wait_for(lambda: place.host in table_of(place).stdout, "the rule", 20)
        assert opened() == set()
        place.cli("egress:allow", f"{place.host}:{machine_listener}", "-a", "app-a")
        wait_for(lambda: opened() == {"machine"}, "the way", 30)
        # What is elsewhere is asked for as the app would.
        status, e = place.api("POST", "/apps/app-b/addons", {"plan": "external", "config": {"url": f"odd://{place.host}:{machine_listener}/x"}})
        assert status == 422 and "egress:allow" in e["message"], e
        status, e = place.api("POST", "/apps/app-a/addons", {"plan": "external", "config": {"url": f"odd://{place.host}:{machine_listener}/x"}})
        assert status == 201, e
        place.api("DELETE", f"/apps/app-a/addons/{e['id']}", {"force": True})
    finally:
        place.api("PATCH", "/apps/app-a/egress", {"allowed": []})


def test_a_forged_source_gets_no_answer(place, town):
    """The server of B's database answers to B's address; a packet of A's with it goes nowhere."""
    b = extra(place, "app-b", "web.1")["address"]
    a = next(pid for pid in pids_of_program("perl") if address_of(pid) == extra(place, "app-a", "web.1")["address"])
    host, port = url_place(place, "app-b", "REDIS_URL")
    probe = "import socket,sys\ns=socket.socket()\ns.setsockopt(0, 15, 1)\ns.bind((sys.argv[1], 0))\ns.settimeout(3)\ns.connect((sys.argv[2], int(sys.argv[3])))\n"
    said = subprocess.run(["nsenter", "-t", str(a), "-n", "python3", "-c", probe, b, host, str(port)], capture_output=True, text=True)
    assert said.returncode != 0 and "Error" in said.stderr, said


def test_each_dyno_has_its_own_ports_and_the_same_PORT(place, town):
    """What one app binds is nobody else's: the port of another, one below 1024, all of them."""
    a, b = (extra(place, n, "web.1") for n in ("app-a", "app-b"))
    assert a["port"] == b["port"] and a["address"] != b["address"]
    said = place.cli("run", "-a", "app-a", "--", "perl", "-e", LISTEN.replace("while (my $c", "exit 0; while (my $c"), str(b["port"])).out
    assert "listening" in said
    said = place.cli("run", "-a", "app-a", "--", "perl", "-e", LISTEN.replace("while (my $c", "exit 0; while (my $c"), "80").out
    assert "listening" in said
    assert place.get("app-b")[1].startswith("Hello web.1")


def test_rules_that_somebody_flushes_come_back(place, town):
    name = f"twelve_0a{int(network_of(place).split('.')[1]):02x}"
    subprocess.run(["nft", "delete", "table", "inet", name], check=True)
    wait_for(lambda: table_of(place).returncode == 0, "the rules", 20)
    redis = {"redis-of-a": url_place(place, "app-a", "REDIS_URL")}
    wait_for(lambda: judge(place.cli("run", "-a", "app-a", "--", "perl", "probe.pl", *args_of(redis)).out, redis)[0], "the way to the database", 20)


def test_forwarding_that_somebody_turned_off_is_on_again(place, town):
    with open("/proc/sys/net/ipv4/ip_forward", "w") as f:
        f.write("0")
    targets = {"outside": (OUTSIDE, 443)}
    assert judge(place.cli("run", "-a", "app-a", "--", "perl", "probe.pl", *args_of(targets)).out, targets)[0] == {"outside"}


def test_nothing_is_left_of_what_is_killed(own_platform, tmp_path):
    p = own_platform()
    where = p.repo(tmp_path)
    p.create("mortal", where)
    p.push(where)
    wait_for(lambda: p.up("mortal"), "the dyno")
    assert len(links(p)) == 1
    # The supervisor, and then twelved: another one is started, with a link of its own.
    before = links(p)
    for pid in p.pids_of("twelve-dyno"):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: p.up("mortal") and links(p) != before and len(links(p)) == 1, "another dyno with the only link", 60)
    p.restart()
    assert len(links(p)) == 1 and p.get("mortal")[0] == 200
    p.stop()
    assert links(p) == [] and table_of(p).returncode != 0


def test_a_network_that_is_in_use_is_one_sentence(platform):
    line = next(l.split() for l in open("/proc/net/route").readlines()[1:] if l.split()[7] != "00000000" and not l.startswith("tw"))
    used = socket.inet_ntoa(int(line[1], 16).to_bytes(4, "little")).split(".")
    env = {**platform.env, "TWELVE_NETWORK": f"{used[0]}.{used[1]}.0.0/16", "TWELVE_STATE_DIR": str(platform.state) + "-other",
           "TWELVE_RUN_DIR": str(platform.run) + "o"}
    p = subprocess.run([platform.program("twelved")], env=env, capture_output=True, text=True, timeout=60)
    assert p.returncode != 0
    assert "TWELVE_NETWORK" in p.stderr and "in use" in p.stderr, p.stderr


def as_eve(p, token):
    return over_tcp(p, token, "POST", "/apps", {"name": "second"})


def over_tcp(p, token, method, path, body):
    c = http.client.HTTPConnection(p.host, p.api_port, timeout=60)
    c.request(method, path, json.dumps(body),
              {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/vnd.heroku+json; version=3"})
    r = c.getresponse()
    return r.status, json.loads(r.read())


def test_an_address_that_has_changed_is_in_a_release(own_platform):
    """The operator takes another network, and then none: the app finds its database all the same."""
    p = own_platform()
    assert p.api("POST", "/apps", {"name": "moved"})[0] == 201
    p.cli("addons:create", "redis", "-a", "moved", timeout=900)
    before, version = url_place(p, "moved", "REDIS_URL"), p.releases("moved")[0]["version"]
    for setting in ({"TWELVE_NETWORK": "10.201.0.0/16"}, {"TWELVE_SHARED_NETWORK": "1"}):
        p.kill9()
        p.env.update(setting)
        p.start()
        now = url_place(p, "moved", "REDIS_URL")
        assert now != before and p.releases("moved")[0]["version"] == version + 1
        wait_for(lambda: p.cli("redis-cli", "-a", "moved", "--", "PING", check=False).out.strip() == "PONG", "the database at its new address", 60)
        p.restart()
        assert p.releases("moved")[0]["version"] == version + 1, "once is enough"
        before, version = now, version + 1
    # Rules for dynos of a network that is another one now stay with them.
    for second in (0xc9, int(p.lease.network().split(".")[1])):
        subprocess.run(["nft", "delete", "table", "inet", f"twelve_0a{second:02x}"], check=True)


def test_a_machine_that_cant_takes_apps_of_one_owner(tmp_path):
    """As in a container: root without the right to make networks."""
    wrapper = tmp_path / "twelved"

    class Unable(Platform):
        def program(self, name):
            return str(wrapper) if name == "twelved" else super().program(name)

    real = Platform.program(None, "twelved")
    wrapper.write_text(f"#!/bin/sh\nexec setpriv --bounding-set=-net_admin --inh-caps=-net_admin {real} \"$@\"\n")
    wrapper.chmod(0o755)
    p = Unable(tmp_path / "unable")
    try:
        network = p.api("GET", "/twelve/status")[1]["network"]
        assert not network["walls"] and "share the machine's network" in network["why_not"], network
        assert "share the machine's network" in p.cli("doctor", check=False).out
        where = p.repo(tmp_path)
        p.create("first", where)
        p.push(where)
        wait_for(lambda: p.up("first"), "an app of root's")
        p.cli("users:add", "eve@example.com")
        token = p.cli("authorizations:create", "--user", "eve@example.com").out.strip()
        refused = as_eve(p, token)
        assert refused[0] == 422 and "apps of another owner" in refused[1]["message"] and "TWELVE_SHARED_NETWORK=1" in refused[1]["message"], refused
        p.kill9()
        p.env["TWELVE_SHARED_NETWORK"] = "1"
        p.start()
        assert p.get("first")[0] == 200
        assert as_eve(p, token)[0] == 201
    finally:
        p.stop()
