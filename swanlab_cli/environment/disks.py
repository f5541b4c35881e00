"""The file systems that a run works on. A dead file server hangs whoever asks it, which is why a probe is a process."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from swanlab_cli.environment.target import Facts, Target

_NETWORK = re.compile(
    r"9p|afs|beegfs\w*|ceph|cifs|smb\w*|fuse\.(ceph|gluster|gcs|goofys|juicefs|rclone|s3|sshfs|weka)\w*|glusterfs|gpfs|lustre"
    r"|nfs\d?|ocfs2|orangefs|panfs|pvfs2|virtiofs|wekafs|davfs"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


class _Mount(NamedTuple):
    point: str
    kind: str


def read_disks(target: Target, root: str = "/") -> Facts:
    """`disks`: of each file system that holds the working directory, the run, the home or temporary files, once.

    Each has `mount` (its folder), `type` ("ext4"), `network` (whether another machine has it), `total_bytes`, `free_bytes`
    (to this user; both None where it does not say) and `used_for` (of `cwd`, `logdir`, `tmp`, `home`).
    """
    folders = {
        "cwd": target.cwd,
        "logdir": target.environ.get("SWANLAB_CLI_RUN_DIR"),
        "tmp": target.environ.get("TMPDIR", "/tmp"),
        "home": target.environ.get("HOME"),
    }
    mounts = _mounts(os.path.join(root, "proc/self/mountinfo"))
    disks: dict[str, Facts] = {}
    for use, folder in folders.items():
        if not folder or not os.path.isdir(folder):
            continue
        mount = _holding(os.path.realpath(folder), mounts)
        if mount.point not in disks:
            disks[mount.point] = _describe(mount, folder)
        disks[mount.point]["used_for"].append(use)
    return {"disks": list(disks.values())}


def _describe(mount: _Mount, folder: str) -> Facts:
    try:
        sizes = os.statvfs(folder)
    except OSError:
        sizes = None
    return {
        "mount": mount.point,
        "type": mount.kind,
        "network": _NETWORK.fullmatch(mount.kind) is not None,
        "total_bytes": sizes.f_blocks * sizes.f_frsize if sizes else None,
        "free_bytes": sizes.f_bavail * sizes.f_frsize if sizes else None,
        "used_for": [],
    }


def _mounts(path: str) -> list[_Mount]:
    """In order: a later one at the same folder hides the earlier. The device, which may be an address, is left out."""
    mounts = []
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            mount, _, file_system = line.partition(" - ")
            # proc(5): blanks in names are written as octal numbers.
            point = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), mount.split()[4])
            mounts.append(_Mount(point, file_system.split()[0]))
    return mounts


def _holding(folder: str, mounts: list[_Mount]) -> _Mount:
    best = _Mount("/", "unknown")
    for mount in mounts:
        inside = (folder + "/").startswith(mount.point.rstrip("/") + "/")
        if inside and len(mount.point) >= len(best.point):
            best = mount
    return best
