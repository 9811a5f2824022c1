# SPDX-License-Identifier: Apache-2.0
"""What a process finds around it in a sandbox: its host name, locales, its own limits."""
import platform as platform_of_host

import pytest


def inside(alpha, platform, script, *more):
    return platform.cli("run", *more, "-a", alpha, "--", "bash", "-c", script)


def test_the_host_name_resolves(platform, alpha):
    r = inside(alpha, platform, "getent ahostsv4 $(hostname) && getent hosts localhost && "
               "perl -MSocket -e 'print inet_ntoa(inet_aton(shift))' $(hostname)")
    assert r.out.startswith("127.0.0.1") and r.out.rstrip().endswith("127.0.0.1"), r


@pytest.mark.parametrize("variable", ["LANG", "LC_ALL", "LC_CTYPE"])
def test_the_usual_locale_is_there(platform, alpha, variable):
    r = inside(alpha, platform, f"export {variable}=en_US.UTF-8; bash -c true; perl -e 'print qq(fine\\n)'; "
               "locale charmap; printf '%s\\n' b A a B | sort | tr -d '\\n'")
    assert r.err == "", r
    assert r.out.split()[:2] == ["fine", "UTF-8"], r
    # It is the real one, with its own order, and not another name of C.UTF-8.
    assert r.out.split()[2] == ("ABab" if variable == "LC_CTYPE" else "aAbB"), r


LIMITS = """
if [ -e /sys/fs/cgroup/memory.max ]; then cat /sys/fs/cgroup/memory.max; else cat /sys/fs/cgroup/memory/memory.limit_in_bytes; fi
if [ -e /sys/fs/cgroup/pids.max ]; then cat /sys/fs/cgroup/pids.max; else cat /sys/fs/cgroup/pids/pids.max; fi
"""


@pytest.mark.parametrize("size, megabytes", [("basic", 512), ("standard-2x", 1024)])
def test_a_dyno_sees_its_own_limits(platform, alpha, size, megabytes):
    r = inside(alpha, platform, LIMITS, "--size", size)
    memory, pids = r.out.split()
    assert int(memory) == megabytes << 20 and int(pids) <= 1024, r
    # What is there of other sandboxes: nothing, neither by name nor beside or above its own.
    seen = inside(alpha, platform, "find /sys/fs/cgroup -mindepth 1 -type d | grep -E '[0-9a-f]{8}-|/twelve' ; "
                  "cat /proc/self/cgroup | cut -d: -f3 | sort -u")
    assert seen.out.split() == ["/"], seen


def test_sys_shows_little_and_is_read_only(platform, alpha):
    r = inside(alpha, platform, "ls /sys /sys/devices /sys/devices/system; ls -d /sys/devices/system/cpu/cpu0; "
               "for f in /sys/x /sys/fs/x /sys/fs/cgroup/x /sys/devices/system/cpu/x; do touch $f 2>&1; done; "
               "d=/sys/fs/cgroup; [ -e $d/memory.max ] || d=$d/memory; mkdir $d/x 2>&1; "
               "for f in $d/memory.max $d/memory.limit_in_bytes $d/cgroup.procs; do [ -e $f ] && echo 1 2>&1 >$f; done; true")
    words = set(r.out.split("\n/sys/devices/system/cpu/cpu0")[0].split())
    assert words <= {"/sys:", "fs", "devices", "/sys/devices:", "system", "/sys/devices/system:", "cpu"}, r
    refused = [line for line in (r.out + r.err).splitlines() if "Read-only file system" in line or "Permission denied" in line]
    assert len(refused) == 7, r


def test_whom_to_trust_on_this_machine(platform, alpha):
    r = inside(alpha, platform, 'cat "$TWELVE_CA_FILE"; (echo x >"$TWELVE_CA_FILE") 2>&1; true')
    ours = (platform.state / "ca" / "ca.pem").read_text()
    assert r.out.startswith(ours) and ("Read-only" in r.out or "Permission denied" in r.out), r


EPERM, ENOSYS = 1, 38
# By their numbers on x86-64, with arguments.
CALLS = {
    "41,1,1,0": 0,                    # socket: unix,
    "41,2,1,0": 0,                    # IPv4,
    "41,10,1,0": 0,                   # IPv6,
    "41,16,3,0": 0,                   # netlink;
    "41,38,5,0": ENOSYS,              # not the kernel's ciphers,
    "41,40,1,0": ENOSYS,              # nor the hypervisor
    "272,268435456": EPERM,         # unshare, of users
    "56,268435473": EPERM,          # clone, with users of its own
    "135,4294967295": 0,            # personality: asking
    "135,262144": ENOSYS,           # and no random addresses
    "248,0,0,0,0,0": EPERM,         # add_key,
    "249,0,0,0,0": EPERM,           # request_key,
    "250,0": EPERM,                 # keyctl
    "160,4,0": 0,                   # setrlimit of cores: nothing happens,
    "160,4294967300,0": 0,          # with an upper half, too
    "302,0,4,0,0": 0,               # prlimit64: asking
    "425,1": EPERM,                 # io_uring_setup
    "154,0": ENOSYS,                # modify_ldt
    "9999": ENOSYS,                 # of a kernel to come
}


@pytest.mark.skipif(platform_of_host.machine() != "x86_64", reason="the numbers of calls are those of x86-64")
def test_what_a_process_may_ask_of_the_kernel(platform, alpha):
    script = "for (@ARGV) { my @a = map { 0 + $_ } split /,/; $! = 0; syscall($a[0], @a[1..$#a]); print 0 + $!, qq(\\n) }"
    r = inside(alpha, platform, f"perl -e '{script}' {' '.join(CALLS)}")
    assert dict(zip(CALLS, map(int, r.out.split()))) == CALLS, r
