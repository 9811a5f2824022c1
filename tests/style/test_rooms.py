# SPDX-License-Identifier: Apache-2.0
"""
The rooms of twelved, and the files inside each folder of src/: who may use whom. What counts is what the linker sees, so this reads
the symbols of the objects that were built (nm), and not what a file happens to include. docs/architecture.md has the table of rooms.
"""
import collections
import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
BUILD = pathlib.Path(os.environ.get("TWELVE_BUILD_ROOT", ROOT / "build"))

# A room may use the rooms of the lines above its own, and the libraries of src/ (test_order.py).
ROOMS = [{"core"}, {"http"}, {"lines"}, {"edge"}, {"walls"}, {"dynos"}, {"git"}, {"wanted"}, {"build"}, {"rollout"}, {"services"}, {"apps"},
         {"api"}, {"api/app", "api/addon", "api/team", "api/platform"}, {"."}]
# The table of endpoints is composition: it lists what the rooms below api/ give.
TABLE = "daemon/api/table.c"
MAX_LINES = 8000
# What may wait for another process, another machine or a slow computation, and the files of twelved that may call it, with the reason why
# that does not hold its event loop. Names are those of the linker.
CHILD = "runs in a child"
START = "only before anything is served"
THREAD = "called by a thread of its own"
WAITS = {
    "fork|vfork|system|popen|posix_spawnp?": {},
    "(get(pw|gr)(nam|uid|gid)|getgrouplist|getaddrinfo|gethostbyname|initgroups)(_r)?": {
        "api/peers.c": THREAD, "api/serve.c": START, "core/places.c": START, "edge/door.c": START, "edge/router.c": START},
    "crypto_pwhash.*|user_(hash|has)_password": {"api/passwords.c": THREAD},
    "usleep|sleep|nanosleep": {"edge/router.c": "at the start and the end", "edge/router-load.c": START},
    "proc_run|proc_run_simple": {"apps/backup-worker.c": CHILD, "apps/restore.c": START, "edge/acme-worker.c": CHILD,
                                 "walls/rules.c": "at the start and the end"},
    "haproxy_ask|haproxy_procs": {"edge/router.c": "at the start and the end", "edge/router-adopt.c": START, "edge/router-load.c": START},
    "syncfs|fs_sync_tree": {"apps/restore.c": START},
    "fs_tree_size": {"build/collect.c": CHILD},
    # Two fsync() each. What is below RUN is fleeting (base/fs.h).
    "fs_write_atomic": {
        "apps/backup-worker.c": CHILD, "apps/restore.c": START, "edge/acme-key.c": "once: the key of the ACME account",
        "edge/acme-worker.c": CHILD, "edge/ca.c": "once in a long time: the key of the authority",
        "git/repository.c": "when a repository is made, or a key may push no longer"},
}


def room(file):
    """The room of src/FILE, or None when it is not twelved's."""
    parts = pathlib.PurePath(file).parts
    if parts[0] != "daemon":
        return None
    inside = "/".join(parts[1:-1]) or "."
    assert any(inside in line for line in ROOMS), f"src/{file} stands in no room"
    return inside


def rank(name):
    return next(i for i, line in enumerate(ROOMS) if name in line)


def symbols():
    """For each object of src/: its source, what it defines, and what it wants of others."""
    database = subprocess.run(["ninja", "-C", str(BUILD), "-t", "compdb"], capture_output=True, text=True, check=True).stdout

    objects = {}
    for entry in json.loads(database):
        source = (BUILD / entry["file"]).resolve()
        if entry["output"].endswith(".o") and entry["output"].startswith("src/") and SRC in source.parents:
            objects[BUILD / entry["output"]] = str(source.relative_to(SRC))
    assert len(objects) > 300, "the build tree has few objects"
    out = subprocess.run(["nm", "-A", "-g", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    defined, wanted = collections.defaultdict(set), collections.defaultdict(set)
    for line in out.splitlines():
        file, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        (wanted if kind == "U" else defined)[objects[pathlib.Path(file)]].add(name)
    return defined, wanted


def arrows():
    """Pairs (source, source that defines, symbol)."""
    defined, wanted = symbols()
    where = {}
    for file, names in defined.items():
        for n in names:
            if n != "main":
                where[n, pathlib.PurePath(file).parts[0]] = file
                where.setdefault((n, None), file)
    for file, names in wanted.items():
        for n in names:
            to = where.get((n, pathlib.PurePath(file).parts[0])) or where.get((n, None))
            if to and to != file:
                yield file, to, n


def circles(edges):
    """The strongly connected sets of more than one (Tarjan)."""
    graph = collections.defaultdict(set)
    for a, b in edges:
        graph[a].add(b)
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in graph[v]:
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = stack[stack.index(v):]
            del stack[stack.index(v):]
            if len(part) > 1:
                found.append(sorted(part))

    for v in list(graph):
        if v not in index:
            visit(v)
    return sorted(found)


def test_a_room_uses_those_above_it_only():
    wrong = set()
    for file, to, symbol in arrows():
        a, b = room(file), room(to)
        if a is None or b is None or a == b or file == TABLE:
            continue
        if rank(b) >= rank(a):
            wrong.add(f"{file} -> {symbol} ({to})")
    assert not wrong, "\n".join(sorted(wrong))


def test_what_waits_is_called_by_few():
    _, wanted = symbols()
    called = {(str(pathlib.PurePath(file).relative_to("daemon")), symbol)
              for file, names in wanted.items() if file.startswith("daemon/") for symbol in names}
    for pattern, files in WAITS.items():
        found = {file for file, symbol in called if re.fullmatch(pattern, symbol)}
        assert found == set(files), f"{pattern}: {found ^ set(files)}"


def test_includes_keep_the_order_of_rooms():
    wrong = set()
    for f in (SRC / "daemon").rglob("*.[ch]"):
        file = str(f.relative_to(SRC))
        for used in re.findall(r'#include "(daemon/[^"]+)"', f.read_text()):
            a, b = room(file), room(used)
            if a != b and file != TABLE and rank(b) >= rank(a):
                wrong.add(f"{file} -> {used}")
    assert not wrong, "\n".join(sorted(wrong))


def test_no_circle_of_files_in_a_folder():
    inside = collections.defaultdict(set)
    for file, to, _ in arrows():
        a, b = pathlib.PurePath(file).parent, pathlib.PurePath(to).parent
        if a == b and file != TABLE:
            inside[str(a)].add((file, to))
    found = [c for edges in inside.values() for c in circles(edges)]
    assert not found, "\n".join(" ".join(c) for c in found)


def test_the_command_line_is_a_frame_and_subjects():
    """Below src/cli: main.c and commands.c list the subjects; the frame knows none of them, and they don't know each other."""
    wrong = set()
    for file, to, symbol in arrows():
        a, b = pathlib.PurePath(file).parts, pathlib.PurePath(to).parts
        if a[0] == b[0] == "cli" and len(b) > 2 and a[1] != b[1] and file != "cli/commands.c":
            wrong.add(f"{file} -> {symbol} ({to})")
    assert not wrong, "\n".join(sorted(wrong))


def test_no_room_is_large():
    lines = collections.Counter()
    for f in (SRC / "daemon").rglob("*.[ch]"):
        lines[room(str(f.relative_to(SRC)))] += len(f.read_text().splitlines())
    assert not {r: n for r, n in lines.items() if n > MAX_LINES}
