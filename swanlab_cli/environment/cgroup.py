"""The control group of a process, version 1 or 2: where its files are, its limits, what it uses. Reads files of the kernel only.

Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst name the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from swanlab_cli.environment.kernel import read_text

# Version 1 says "no limit" as the largest number of whole pages.
_UNLIMITED_BYTES = 1 << 62


class Hierarchy(NamedTuple):
    """A process's group in one hierarchy."""

    version: int
    path: str
    """As /proc/PID/cgroup has it; in a namespace of its own it begins there."""
    folders: tuple[str, ...]
    """The group's own first, up to the one that is mounted."""


class Cgroup(NamedTuple):
    """The groups that a process shares its memory and its processors with; None where that is the whole machine."""

    memory: Hierarchy | None
    cpu: Hierarchy | None


class CgroupUse(NamedTuple):
    """What a control group uses; None where it does not tell."""

    memory_bytes: int | None
    memory_limit_bytes: int | None
    """The smallest of its own and its parents'; None where there is none."""
    throttled_s: float | None
    """For how long it was kept from running because its quota was used up."""


def find_cgroup(pid: int, root: str = "/") -> Cgroup:
    """The control groups of a process; those of our own, in which a child begins, where it is gone or a zombie.

    The kernel takes who has ended out of his groups of version 1, before he was waited for.
    """
    return Cgroup(*(_find_group(pid, controller, root) for controller in ("memory", "cpu")))


def read_use(cgroup: Cgroup) -> CgroupUse:
    """What it uses now."""
    used = _own_number(cgroup.memory, "memory.current", "memory.usage_in_bytes")
    limit = memory_limit(cgroup.memory)
    if cgroup.cpu is None:
        return CgroupUse(used, limit, None)
    name, unit_s = ("throttled_usec", 1e-6) if cgroup.cpu.version == 2 else ("throttled_time", 1e-9)
    throttled = _field(os.path.join(cgroup.cpu.folders[0], "cpu.stat"), name)
    return CgroupUse(used, limit, None if throttled is None else throttled * unit_s)


def count_kills(hierarchy: Hierarchy | None) -> int | None:
    """How many processes of the memory's group were killed for lack of it since it was made; None where nobody counts."""
    if hierarchy is None:
        return None
    # Of version 1 since Linux 4.13.
    name = "memory.events" if hierarchy.version == 2 else "memory.oom_control"
    return _field(os.path.join(hierarchy.folders[0], name), "oom_kill")


def memory_limit(hierarchy: Hierarchy | None) -> int | None:
    """The least memory in bytes that the group or one above it is limited to, None where nobody is."""
    return least(hierarchy, "memory.max", "memory.limit_in_bytes")


def find_hierarchy(pid: int | str, controller: str, root: str = "/") -> Hierarchy | None:
    """The group that a process has with this controller; that of our own process where it is gone."""
    listing = read_text(os.path.join(root, f"proc/{pid}/cgroup")) or read_text(os.path.join(root, "proc/self/cgroup"))
    unified = None
    for line in listing.splitlines():
        # cgroups(7): hierarchy, controllers, path; version 2 names no controllers.
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return Hierarchy(1, path, _folders(*_mounted_at(root, controller), path, root))
        if not names:
            unified = path
    if unified is None:
        return None
    return Hierarchy(2, unified, _folders(*_mounted_at(root, None), unified, root))


def least(hierarchy: Hierarchy | None, name_2: str, name_1: str) -> int | None:
    """The smallest number that the files of this name, in version 2 and 1, have from the group upwards; None without limit."""
    contents = texts(hierarchy, name_2 if hierarchy and hierarchy.version == 2 else name_1)
    return min((int(text) for text in contents if text.isdigit() and int(text) < _UNLIMITED_BYTES), default=None)


def texts(hierarchy: Hierarchy | None, *names: str) -> Iterator[str]:
    """What the files of these names say, from the group upwards, empty ones left out."""
    for folder in hierarchy.folders if hierarchy else ():
        for name in names:
            text = read_text(os.path.join(folder, name)).strip()
            if text:
                yield text


def _find_group(pid: int, controller: str, root: str) -> Hierarchy | None:
    own = (_unless_machine(find_hierarchy(process, controller, root)) for process in (pid, "self"))
    return next(filter(None, own), None)


def _unless_machine(hierarchy: Hierarchy | None) -> Hierarchy | None:
    """The group, unless it is the root of all, which stands for the machine: that of a container is limited."""
    if hierarchy is None or not hierarchy.folders:
        return None
    is_top = len(hierarchy.folders) == 1
    return None if is_top and memory_limit(hierarchy) is None else hierarchy


def _mounted_at(root: str, controller: str | None) -> tuple[str, str]:
    """(folder of the hierarchy's mount, the group that is mounted there), or two empty strings."""
    for line in read_text(os.path.join(root, "proc/self/mountinfo")).splitlines():
        # proc(5): optional fields end with a dash.
        mount, _, file_system = line.partition(" - ")
        fields, kind = mount.split(), file_system.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        if kind[0] == "cgroup2" if controller is None else kind[0] == "cgroup" and controller in kind[2].split(","):
            return fields[4], fields[3]
    return "", ""


def _folders(mount: str, mounted: str, path: str, root: str) -> tuple[str, ...]:
    if not mount:
        return ()
    top = os.path.join(root, mount.lstrip("/"))
    inside = os.path.relpath(path, mounted) if path.startswith(mounted) else "."
    # In a container the path can be one of the host's, which is not to be seen; what is mounted is then its own group.
    folder = os.path.normpath(os.path.join(top, inside))
    if not os.path.isdir(folder):
        folder = os.path.normpath(top)
    folders = [folder]
    while folders[-1] != os.path.normpath(top) and folders[-1] != "/":
        folders.append(os.path.dirname(folders[-1]))
    return tuple(folders)


def _own_number(hierarchy: Hierarchy | None, name_2: str, name_1: str) -> int | None:
    if hierarchy is None:
        return None
    text = read_text(os.path.join(hierarchy.folders[0], name_2 if hierarchy.version == 2 else name_1)).strip()
    return int(text) if text.isdigit() else None


def _field(path: str, name: str) -> int | None:
    for line in read_text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdigit():
            return int(value)
    return None
