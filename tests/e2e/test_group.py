# SPDX-License-Identifier: Apache-2.0
"""Members of TWELVE_GROUP use the command line and push over a local path; others get a sentence."""
import os
import pwd
import shutil
import subprocess

from conftest import BUILD


def as_user(uid, gid, groups=()):
    return dict(user=uid, group=gid, extra_groups=list(groups))


def run(p, argv, cwd, who, **env):
    return subprocess.run(argv, cwd=cwd, env=dict(p.env, HOME=str(cwd), **env), capture_output=True, text=True, timeout=120, **who)


def test_a_member_pushes_and_a_stranger_does_not(own_platform, tmp_path):
    # Debian's own users and groups stand for people: "games" is a member of the group "games", "mail" is not.
    programs = tmp_path / "bin"
    programs.mkdir()
    # Where anybody gets to, unlike perhaps the folder of this checkout.
    shutil.copy(BUILD / "src" / "cli" / "twelve", programs / "twelve")
    twelve = str(programs / "twelve")
    p = own_platform(TWELVE_GROUP="games", TWELVE_CLI=twelve)
    games, mail = pwd.getpwnam("games"), pwd.getpwnam("mail")
    member, stranger = as_user(games.pw_uid, games.pw_gid), as_user(mail.pw_uid, mail.pw_gid)
    for d in (tmp_path, *tmp_path.parents):
        if str(d).startswith("/tmp/"):
            os.chmod(d, 0o755)
    where = p.repo(tmp_path)
    for d, _, files in os.walk(where):
        os.chown(d, games.pw_uid, games.pw_gid)
        for f in files:
            os.chown(os.path.join(d, f), games.pw_uid, games.pw_gid)

    r = run(p, [twelve, "apps"], tmp_path, stranger)
    assert r.returncode != 0 and "Permission denied" in r.stderr or "group" in r.stderr, r
    r = run(p, [twelve, "create", "by-a-member"], where, member)
    assert r.returncode == 0, r
    r = run(p, ["git", "push", "twelve", "main"], where, member)
    assert r.returncode == 0, r
    assert "games" in p.releases("by-a-member")[0]["user"]["email"]
    assert p.get("by-a-member")[0] == 200
