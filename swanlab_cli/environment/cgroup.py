"""The control group of a process, version 1 or 2: where its files are, what it may use and what it uses.

Reads files of the kernel only. Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst name them.
"""

from __future__ import annotations

import os
from typing import NamedTuple

# What version 1 says where there is no limit: the largest number of pages, in bytes.
_UNLIMITED_V1 = 1 << 62


class Cgroup(NamedTuple):
    """Folders of a process's control group; empty where the controller is not there or cannot be seen from here."""

    version: int
    """2 where one hierarchy has all controllers, else 1."""
    path: str
    """As /proc/PID/cgroup names it, of the memory controller; in a namespace of its own it begins there."""
    memory: str
    cpu: str


class CgroupUse(NamedTuple):
    """What a control group uses; None where it does not tell."""

    memory_bytes: int | None
    memory_limit_bytes: int | None
    """The smallest of its own and its parents'; None where there is none."""
    throttled_s: float | None
    """For how long it was kept from running because its quota was used up."""


def find_cgroup(pid: int, root: str = "/") -> Cgroup | None:
    """The control group of a process, or None where it has none but the root, which stands for the machine."""
    paths = _paths(_read(os.path.join(root, f"proc/{pid}/cgroup")))
    mount = os.path.join(root, "sys/fs/cgroup")
    if set(paths) == {""} or ("memory" not in paths and os.path.exists(os.path.join(mount, "cgroup.controllers"))):
        folder = _folder(mount, paths.get("", "/"))
        found = Cgroup(2, paths.get("", "/"), folder, folder)
    else:
        memory, cpu = paths.get("memory", "/"), paths.get("cpu", "/")
        found = Cgroup(1, memory, _folder(f"{mount}/memory", memory), _folder(f"{mount}/cpu", cpu))
    return found if found.memory or found.cpu else None


def read_use(cgroup: Cgroup) -> CgroupUse:
    """What it uses now."""
    if cgroup.version == 2:
        throttled, unit_s = _field(f"{cgroup.cpu}/cpu.stat", "throttled_usec"), 1e-6
        used = _number(f"{cgroup.memory}/memory.current")
    else:
        throttled, unit_s = _field(f"{cgroup.cpu}/cpu.stat", "throttled_time"), 1e-9
        used = _number(f"{cgroup.memory}/memory.usage_in_bytes")
    return CgroupUse(used, memory_limit(cgroup), None if throttled is None else throttled * unit_s)


def memory_limit(cgroup: Cgroup) -> int | None:
    """The least memory in bytes that it or one of its parents is limited to, None where nobody is."""
    name = "memory.max" if cgroup.version == 2 else "memory.limit_in_bytes"
    limits = (_number(f"{folder}/{name}") for folder in parents(cgroup.memory))
    return min((limit for limit in limits if limit is not None and limit < _UNLIMITED_V1), default=None)


def parents(folder: str) -> list[str]:
    """A control group's folder and those above it, up to the one that is mounted."""
    folders = []
    while folder and os.path.exists(os.path.join(folder, "cgroup.procs")):
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders


def _paths(listing: str) -> dict[str, str]:
    """Path by controller; of version 2, whose line names none, by the empty name. proc(5), /proc/PID/cgroup."""
    paths = {}
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _folder(mount: str, path: str) -> str:
    folder = mount + path.rstrip("/")
    # The root has files as well, or is that of a container, whose path outside cannot be seen.
    return folder if os.path.isdir(folder) and (path != "/" or _is_limited(folder)) else ""


def _is_limited(folder: str) -> bool:
    """Whether the folder is a container's own group, mounted as if it were the root: only then has it limits."""
    limits = (_number(f"{folder}/{name}") for name in ("memory.max", "memory.limit_in_bytes"))
    return any(limit is not None and limit < _UNLIMITED_V1 for limit in limits)


def _number(path: str) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _field(path: str, name: str) -> int | None:
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return ""
