# SPDX-License-Identifier: Apache-2.0
"""
`make install`, a server by its settings file, `twelve doctor`, `make uninstall`: on a copy-on-write view of this
machine with network, /run and /var/lib of its own, so that nothing of it stays here.
"""
import json
import os
import pathlib
import subprocess
import textwrap

import pytest

from conftest import BUILD, ROOT

ENTER = """
set -eu
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc none proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs none run
mount -t tmpfs none var/lib
mount --bind /var/lib/dpkg var/lib/dpkg 2>/dev/null || { mkdir var/lib/dpkg; mount --bind /var/lib/dpkg var/lib/dpkg; }
ip link set lo up
exec chroot . /bin/bash -eu -c "$2"
"""


@pytest.fixture
def machine(tmp_path):
    """Runs a script on the copy; what it is left with goes when the script ends."""
    place = tmp_path / "machine"
    place.mkdir()

    def run(script, check=True):
        # A process namespace as well: what the script starts ends with it.
        p = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", ENTER, "enter", str(place),
                            f"cd {ROOT}\n" + textwrap.dedent(script)], capture_output=True, text=True, timeout=300,
                           env={k: v for k, v in os.environ.items() if not k.startswith("TWELVE_")})
        if check:
            assert p.returncode == 0, p.stdout + p.stderr
        return p.stdout + p.stderr

    return run


MAKE = f"make --no-print-directory BUILD={BUILD}"
START = """
twelved --env-file /etc/twelve/twelved.env >/run/twelved.log 2>&1 &
for _ in $(seq 300); do ! twelve status >/dev/null 2>&1 || break; sleep 0.1; done
"""


def rows(text):
    """The JSON of `doctor --json` behind the line DOCTOR: check -> [(result, text)]."""
    found = {}
    for row in json.loads(text.split("DOCTOR\n")[1].split("\nEND")[0]):
        found.setdefault(row["check"], []).append([row["result"], row["text"]])
    return found


def test_a_server(machine):
    out = machine(f"""
        {MAKE} install | tail -n 3
        stat -c '%a %n' /etc/twelve/twelved.env /var/lib/twelve /etc/ssh/sshd_config.d/twelve.conf
        sed -i 's/^#TWELVE_APPS_DOMAIN=.*/TWELVE_APPS_DOMAIN=apps.example.invalid/' /etc/twelve/twelved.env
        ssh-keygen -qA; mkdir -p /run/sshd; /usr/sbin/sshd
        {START}
        echo DOCTOR; twelve doctor --json || true; echo END
        curl -sS -o /dev/null -w 'apps: %{{http_code}}\\n' -H 'Host: nobody.apps.example.invalid' http://127.0.0.1/
        {MAKE} install >/dev/null
        grep APPS_DOMAIN=apps /etc/twelve/twelved.env
        {MAKE} uninstall
        ls -d /usr/local/share/twelve /usr/local/libexec/twelve /usr/local/bin/twelve* /lib/systemd/system/twelved.service \\
            /etc/ssh/sshd_config.d/twelve.conf /run/twelve || true
        pgrep -a 'twelve|haproxy' || echo "nothing runs"
        ls /var/lib/twelve/twelve.db /etc/twelve/twelved.env
        {MAKE} uninstall PURGE=1
        ls -d /var/lib/twelve /etc/twelve || true
        getent passwd twelve || echo "no user"
    """)
    assert "600 /etc/twelve/twelved.env" in out and "711 /var/lib/twelve" in out, out
    doctor = rows(out)
    assert [r for r, _ in doctor["ports"]] == ["ok"] * 3, doctor
    assert "TWELVE_API answers at 127.0.0.1:5000, for this machine only" in [t for _, t in doctor["ports"]]
    result, text = doctor["dns"][0]
    assert result == "fail" and "add a DNS record *.apps.example.invalid with this machine's address" in text
    assert doctor["ssh"] == [["ok", "sshd answers, and lets the user twelve in with the keys in /var/lib/twelve/ssh/authorized_keys"]]
    result, text = doctor["certificate"][0]
    assert result == "warn" and "twelve certs:add" in text
    assert doctor["firewall"][0][0] == "ok"
    assert "apps: 404" in out and "TWELVE_APPS_DOMAIN=apps.example.invalid" in out
    assert "What stays: /var/lib/twelve" in out and "nothing runs" in out
    for gone in ("share/twelve", "libexec/twelve", "bin/twelve", "twelved.service", "twelve.conf", "/run/twelve", "/var/lib/twelve", "/etc/twelve"):
        assert f"{gone}': No such file or directory" in out or f"{gone}*': No such file" in out, (gone, out)
    assert "no user" in out


def test_sshd_is_told(machine):
    """A running sshd reads its configuration again; one that would not start afterwards is left alone, with the reason."""
    out = machine(f"""
        ssh-keygen -qA; mkdir -p /run/sshd
        printf 'LogLevel VERBOSE\\n' >/etc/ssh/sshd_config.d/log.conf
        /usr/sbin/sshd -E /run/sshd.log
        for _ in $(seq 100); do [ ! -s /run/sshd.pid ] || break; sleep 0.05; done
        {MAKE} install >/dev/null
        listens() {{ [ "$(grep -c 'Server listening on 0.0.0.0' /run/sshd.log)" = 2 ] && [ -s /run/sshd.pid ]; }}
        for _ in $(seq 200); do ! listens || break; sleep 0.05; done
        grep SIGHUP /run/sshd.log
        rm /etc/ssh/sshd_config.d/twelve.conf
        echo 'NoSuchWord yes' >/etc/ssh/sshd_config.d/broken.conf
        {MAKE} install
        kill -0 "$(cat /run/sshd.pid)" && echo "sshd runs on"
    """)
    assert "Received SIGHUP; restarting" in out
    assert "sshd was not reloaded, because it would not start: " in out and "NoSuchWord" in out and "sshd runs on" in out


def test_a_port_that_another_has(machine):
    """A web server that came with the machine: twelved says so, and so does doctor."""
    out = machine(f"""
        {MAKE} install >/dev/null
        cd /run && python3 -m http.server 80 >/dev/null 2>&1 &
        for _ in $(seq 100); do ! curl -s -o /dev/null http://127.0.0.1/ || break; sleep 0.05; done
        timeout 20 twelved --env-file /etc/twelve/twelved.env 2>&1 || echo "status $?"
        sed -i 's/^TWELVE_HTTP=.*/TWELVE_HTTP=:8080/; s/^TWELVE_HTTPS=.*/TWELVE_HTTPS=/' /etc/twelve/twelved.env
        {START}
        echo DOCTOR; twelve doctor --json || true; echo END
        {MAKE} uninstall >/dev/null
    """)
    assert ":80 is in use by another program (ss -ltnp tells which): end that, or set TWELVE_HTTP to another address" in out
    assert "status " in out, out
    # TWELVE_HTTPS is empty: nowhere, on purpose.
    assert rows(out)["ports"] == [["ok", "TWELVE_HTTP answers at :8080"], ["ok", "TWELVE_API answers at 127.0.0.1:5000, for this machine only"]]


@pytest.mark.parametrize("text, said", [
    ("TWELVE_HTTP=80\n", "TWELVE_HTTP: expected an address such as 127.0.0.1:5000, found \"80\""),
    ("export TWELVE_HTTP=:80\n", "settings:1: expected a line such as TWELVE_HTTP=:80"),
])
def test_a_settings_file_that_is_wrong(tmp_path, text, said):
    file = tmp_path / "settings"
    file.write_text(text)
    p = subprocess.run([str(BUILD / "src/daemon/twelved"), "--env-file", str(file)], capture_output=True, text=True, timeout=180,
                       env={k: v for k, v in os.environ.items() if not k.startswith("TWELVE_")})
    assert p.returncode != 0 and said in p.stderr, p.stderr


def test_a_settings_file_that_is_not_there():
    twelved = str(BUILD / "src/daemon/twelved")
    p = subprocess.run([twelved, "--env-file", "/nowhere/at/all"], capture_output=True, text=True, timeout=180)
    assert p.returncode != 0 and "reading the settings in /nowhere/at/all: No such file or directory" in p.stderr
    p = subprocess.run([twelved, "--env-file"], capture_output=True, text=True, timeout=180)
    assert p.returncode == 2 and "--env-file needs the name of a file" in p.stderr
