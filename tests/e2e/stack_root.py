# SPDX-License-Identifier: Apache-2.0
"""Stacks on the disk, seen from outside: their layers, and programs of theirs that run outside of any sandbox."""
import os
import subprocess


def chain(stacks, digest):
    """The digests that a stack is made of, top first."""
    found = [digest]
    while (stacks / found[-1] / "below").exists():
        found.append((stacks / found[-1] / "below").read_text().strip())
    return found


def layers(stacks, digest):
    """The same as directories."""
    return [stacks / d / ("layer" if (stacks / d / "below").exists() else "rootfs") for d in chain(stacks, digest)]


def digests(stacks):
    return sorted(f for f in os.listdir(stacks) if len(f) == 64)


def layers_with(p, file):
    """The layers of a stack that has this file."""
    stacks = (p.state / "stacks").resolve()
    for d in digests(stacks):
        found = layers(stacks, d)
        if any((layer / file).exists() for layer in found):
            return found
    raise AssertionError(f"no stack has {file}")


def mount_script(found):
    """A shell's words that make them the root at /mnt, in a mount namespace of its own."""
    if len(found) == 1:
        return f"mount --bind {found[0]} /mnt"
    return f"mount -t overlay -o ro,lowerdir={':'.join(map(str, found))} overlay /mnt"


def in_stack(p, file, *argv):
    """The command that runs a program of the stack that has the file."""
    script = f'{mount_script(layers_with(p, file))} && exec chroot /mnt "$@"'
    return ["/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "unshare", "--mount", "sh", "-c", script, "sh", *map(str, argv)]


def own_stacks(p):
    """Stacks of the platform's own, where it shares those of others: what others' stand on, by hard links. What stands on these is recreated."""
    stacks = p.state / "stacks"
    if not stacks.is_symlink():
        return stacks
    shared = stacks.resolve()
    stacks.unlink()
    stacks.mkdir(0o700)
    for d in {c for d in digests(shared) for c in chain(shared, d)[1:]}:
        subprocess.run(["cp", "-al", shared / d, stacks / d], check=True)
    for name in ("cache", "lists"):
        if (shared / name).exists():
            subprocess.run(["cp", "-al", shared / name, stacks / name], check=False)
    (stacks / "specs").mkdir()
    for link in (shared / "specs").iterdir():
        if link.is_symlink() and (stacks / os.path.basename(os.readlink(link))).exists():
            (stacks / "specs" / link.name).symlink_to(os.readlink(link))
    return stacks
