"""What the kernel lets the child have: its control group, version 1 or 2, and its resource limits. Reads files only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from swanlab_cli.environment.target import Facts, Target

# Version 1 says "no limit" as the largest number of whole pages.
_UNLIMITED_BYTES = 1 << 62
# proc(5), /proc/PID/limits: our names for the kernel's.
_LIMITS = {
    "Max open files": "open_files",
    "Max processes": "processes",
    "Max core file size": "core_bytes",
    "Max locked memory": "locked_memory_bytes",
    "Max address space": "address_space_bytes",
    "Max stack size": "stack_bytes",
    "Max cpu time": "cpu_s",
}


class _Hierarchy(NamedTuple):
    """The folders of a process's group in one hierarchy, its own first, up to the one that is mounted."""

    version: int
    path: str
    folders: tuple[str, ...]


def read_cgroup(target: Target, root: str = "/") -> Facts:
    """`version`, `path` of the child's control group, and the least of the limits along that path, None where there is none.

    `memory_limit_bytes`, `swap_limit_bytes`, `cpu_quota` (processors, a fraction is one's share of one), `cpuset` ("0-3"),
    `pids_limit`, and `cpu_usable`: processors that the child really has, by its affinity and its quota.
    """
    memory, cpu, cpuset, pids = (_hierarchy(target.pid, name, root) for name in ("memory", "cpu", "cpuset", "pids"))
    quota = min(_quotas(cpu), default=None)
    affinity = _affinity(target.pid)
    main = memory or cpu
    return {
        "version": main.version if main else None,
        "path": main.path if main else None,
        "memory_limit_bytes": _least(memory, "memory.max", "memory.limit_in_bytes"),
        "swap_limit_bytes": _least(memory, "memory.swap.max", "memory.memsw.limit_in_bytes"),
        "cpu_quota": quota,
        "cpuset": next(_texts(cpuset, "cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"), None),
        "pids_limit": _least(pids, "pids.max", "pids.max"),
        "cpu_usable": affinity if quota is None else min(affinity, quota),
    }


def read_limits(target: Target, root: str = "/") -> Facts:
    """The child's soft resource limits, as `ulimit` shows them, in units of the names; None: unlimited."""
    text = _read(os.path.join(root, f"proc/{target.pid}/limits")) or _read(os.path.join(root, "proc/self/limits"))
    facts: Facts = {}
    for line in text.splitlines():
        for kernel_name, name in _LIMITS.items():
            if line.startswith(kernel_name + " "):
                soft = line[len(kernel_name) :].split()[0]
                facts[name] = int(soft) if soft.isdigit() else None
    return facts


def _affinity(pid: int) -> int:
    try:
        return len(os.sched_getaffinity(pid))
    except OSError:  # gone; it had ours
        return len(os.sched_getaffinity(0))


def _hierarchy(pid: int, controller: str, root: str) -> _Hierarchy | None:
    listing = _read(os.path.join(root, f"proc/{pid}/cgroup")) or _read(os.path.join(root, "proc/self/cgroup"))
    unified = None
    for line in listing.splitlines():
        # cgroups(7): hierarchy, controllers, path; version 2 names no controllers.
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return _Hierarchy(1, path, _folders(*_mounted_at(root, controller), path, root))
        if not names:
            unified = path
    if unified is None:
        return None
    return _Hierarchy(2, unified, _folders(*_mounted_at(root, None), unified, root))


def _mounted_at(root: str, controller: str | None) -> tuple[str, str]:
    """(folder of the hierarchy's mount, the group that is mounted there), or two empty strings."""
    for line in _read(os.path.join(root, "proc/self/mountinfo")).splitlines():
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


def _texts(hierarchy: _Hierarchy | None, *names: str) -> Iterator[str]:
    """What the files of these names say, from the group upwards, empty ones left out."""
    for folder in hierarchy.folders if hierarchy else ():
        for name in names:
            text = _read(os.path.join(folder, name)).strip()
            if text:
                yield text


def _least(hierarchy: _Hierarchy | None, name_2: str, name_1: str) -> int | None:
    texts = _texts(hierarchy, name_2 if hierarchy and hierarchy.version == 2 else name_1)
    return min((int(text) for text in texts if text.isdigit() and int(text) < _UNLIMITED_BYTES), default=None)


def _quotas(hierarchy: _Hierarchy | None) -> Iterator[float]:
    """Processors that each group along the path is limited to."""
    for folder in hierarchy.folders if hierarchy else ():
        words = _read(os.path.join(folder, "cpu.max")).split()
        if len(words) != 2:
            words = [_read(os.path.join(folder, f"cpu.cfs_{name}_us")).strip() for name in ("quota", "period")]
        if words[0].isdigit() and words[1].isdigit() and int(words[1]):  # "max" or -1: no limit
            yield int(words[0]) / int(words[1])


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return ""
