# SPDX-License-Identifier: Apache-2.0
"""git push and the command line over SSH: OpenSSH with the forced command, an sshd of the test's own on loopback."""
import os
import subprocess

import pytest

from conftest import free_port, wait_for


@pytest.fixture
def sshd(platform, tmp_path):
    keys = tmp_path / "ssh"
    keys.mkdir(mode=0o700)
    for name in ("host", "alice", "mallory"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@example.com", "-f", keys / name], check=True)
    port = free_port()
    config = keys / "sshd_config"
    config.write_text(f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {keys}/host
PidFile {keys}/pid
AuthorizedKeysFile {platform.state}/ssh/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
""")
    os.makedirs("/run/sshd", exist_ok=True)
    log = open(keys / "log", "wb")
    daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", config], stdout=log, stderr=log)
    wait_for(lambda: (keys / "pid").exists(), "sshd")

    def command(key):
        return (f"ssh -p {port} -i {keys}/{key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
                f"-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR")
    yield keys, command
    daemon.terminate()
    daemon.wait()


def test_push_over_ssh(platform, tmp_path, sshd):
    keys, command = sshd
    where = platform.repo(tmp_path)
    platform.cli("create", "over-ssh", "--no-remote")
    platform.cli("keys:add", str(keys / "alice.pub"))
    assert "alice@example.com" in platform.cli("keys").out
    platform.git(where, "remote", "add", "twelve", "ssh://root@127.0.0.1/over-ssh.git")
    platform.git(where, "config", "core.sshCommand", command("alice"))
    pushed = platform.push(where)
    assert "web.1 is up" in pushed.err
    assert platform.get("over-ssh")[0] == 200
    assert "alice" in str(platform.releases("over-ssh")[0]["user"]) or "alice" in str(platform.releases("over-ssh")[0])
    # A clone gives back what was pushed.
    platform.git(tmp_path, "-c", f"core.sshCommand={command('alice')}", "clone", "-q", "ssh://root@127.0.0.1/over-ssh.git", "copy")
    assert (tmp_path / "copy" / "server.pl").exists()
    # A key that nobody added does not get in, and one that was removed no longer.
    platform.git(where, "config", "core.sshCommand", command("mallory"))
    platform.commit(where, "not hers")
    assert platform.push(where, check=False).code != 0
    fingerprint = subprocess.run(["ssh-keygen", "-lf", keys / "alice.pub"], capture_output=True, text=True).stdout.split()[1]
    platform.cli("keys:remove", fingerprint)
    platform.git(where, "config", "core.sshCommand", command("alice"))
    assert platform.push(where, check=False).code != 0


def test_the_forced_command_does_nothing_else(platform, sshd):
    keys, command = sshd
    platform.cli("keys:add", str(keys / "alice.pub"))
    for line in ("id", "git-receive-pack '../../etc'", "git-receive-pack 'none-such.git'", "bash -i", ""):
        r = subprocess.run([*command("alice").split(), "root@127.0.0.1", *([line] if line else [])],
                           capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=180)
        assert r.returncode != 0 and "uid=" not in r.stdout, (line, r)
        assert r.stderr.strip(), "and it says why"


def test_the_command_line_over_ssh(platform, sshd, tmp_path):
    """twelve --host ssh://user@machine goes through `ssh user@machine twelve dial-stdio`."""
    fake_path = tmp_path / "bin"
    fake_path.mkdir()
    # Stands for the other machine: the same program and socket, reached through a program named ssh.
    (fake_path / "ssh").write_text(f"#!/bin/sh\nshift $(($# - 2))\nexec env TWELVE_SOCKET={platform.env['TWELVE_SOCKET']} "
                                   f"PATH={os.path.dirname(platform.program('twelve'))}:$PATH sh -c \"$*\"\n")
    (fake_path / "ssh").chmod(0o755)
    env = {"PATH": f"{fake_path}:{os.environ['PATH']}", "TWELVE_SOCKET": "/nonexistent"}
    r = platform.cli("--host", "ssh://ada@machine.example", "apps", env=env, check=False)
    assert r.code == 0, r
