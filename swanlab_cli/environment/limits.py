"""What the kernel lets the child have: its control group, version 1 or 2, and its resource limits. Reads files only."""

from __future__ import annotations

import os
from collections.abc import Iterator

from swanlab_cli.environment.cgroup import Hierarchy, find_hierarchy, least, texts
from swanlab_cli.environment.kernel import read_text
from swanlab_cli.environment.target import Facts, Target

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


def read_cgroup(target: Target, root: str = "/") -> Facts:
    """`version`, `path` of the child's control group, and the least of the limits along that path, None where there is none.

    `memory_limit_bytes`, `swap_limit_bytes`, `cpu_quota` (processors, a fraction is one's share of one), `cpuset` ("0-3"),
    `pids_limit`, and `cpu_usable`: processors that the child really has, by its affinity and its quota.
    """
    memory, cpu, cpuset, pids = (find_hierarchy(target.pid, name, root) for name in ("memory", "cpu", "cpuset", "pids"))
    quota = min(_quotas(cpu), default=None)
    affinity = _affinity(target.pid)
    main = memory or cpu
    return {
        "version": main.version if main else None,
        "path": main.path if main else None,
        "memory_limit_bytes": least(memory, "memory.max", "memory.limit_in_bytes"),
        "swap_limit_bytes": least(memory, "memory.swap.max", "memory.memsw.limit_in_bytes"),
        "cpu_quota": quota,
        "cpuset": next(texts(cpuset, "cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"), None),
        "pids_limit": least(pids, "pids.max", "pids.max"),
        "cpu_usable": affinity if quota is None else min(affinity, quota),
    }


def read_limits(target: Target, root: str = "/") -> Facts:
    """The child's soft resource limits, as `ulimit` shows them, in units of the names; None: unlimited."""
    text = read_text(os.path.join(root, f"proc/{target.pid}/limits")) or read_text(os.path.join(root, "proc/self/limits"))
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


def _quotas(hierarchy: Hierarchy | None) -> Iterator[float]:
    """Processors that each group along the path is limited to."""
    for folder in hierarchy.folders if hierarchy else ():
        words = read_text(os.path.join(folder, "cpu.max")).split()
        if len(words) != 2:
            words = [read_text(os.path.join(folder, f"cpu.cfs_{name}_us")).strip() for name in ("quota", "period")]
        if words[0].isdigit() and words[1].isdigit() and int(words[1]):  # "max" or -1: no limit
            yield int(words[0]) / int(words[1])
