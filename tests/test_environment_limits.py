"""environment.limits: control groups of both versions, as folders that look like the kernel's."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from swanlab_cli.environment.limits import read_cgroup, read_limits
from swanlab_cli.environment.target import Facts, Target

AFFINITY = len(os.sched_getaffinity(0))
NOTHING: Facts = {
    "version": None,
    "path": None,
    "memory_limit_bytes": None,
    "swap_limit_bytes": None,
    "cpu_quota": None,
    "cpuset": None,
    "pids_limit": None,
    "cpu_usable": AFFINITY,
}
V2 = {"proc/self/mountinfo": "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "proc/self/cgroup": "0::/a/b\n"}
V1 = {
    "proc/self/mountinfo": "".join(
        f"3{place} 20 0:2{place} / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n"
        for place, name in enumerate(("memory", "cpu,cpuacct", "cpuset", "pids"))
    ),
    "proc/self/cgroup": "4:memory:/job\n3:cpu,cpuacct:/job\n2:cpuset:/job\n1:pids:/job\n0::/job\n",
}


def target() -> Target:
    """Of a child that is gone: our own group, which it had, counts."""
    return Target(("true",), "/bin/true", "/", {}, 2**22 + 1)


def write_tree(root: Path, files: dict[str, str]) -> None:
    """Files by their path below `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


CASES: dict[str, tuple[dict[str, str], Facts]] = {
    "nothing": ({}, {}),
    "no limits": (
        {**V2, "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"},
        {"version": 2, "path": "/a/b"},
    ),
    "limits of version 2": (
        {
            **V2,
            "sys/fs/cgroup/a/b/memory.max": "4096000\n",
            "sys/fs/cgroup/a/b/memory.swap.max": "0\n",
            "sys/fs/cgroup/a/b/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/a/b/cpuset.cpus.effective": "0-3\n",
            "sys/fs/cgroup/a/b/pids.max": "100\n",
        },
        {
            "version": 2,
            "path": "/a/b",
            "memory_limit_bytes": 4096000,
            "swap_limit_bytes": 0,
            "cpu_quota": 0.5,
            "cpuset": "0-3",
            "pids_limit": 100,
            "cpu_usable": 0.5,
        },
    ),
    "the parent's are smaller": (
        {
            **V2,
            "sys/fs/cgroup/a/b/memory.max": "max\n",
            "sys/fs/cgroup/a/memory.max": "1000\n",
            "sys/fs/cgroup/a/b/cpu.max": "90000 100000\n",
            "sys/fs/cgroup/a/cpu.max": "25000 100000\n",
        },
        {"version": 2, "path": "/a/b", "memory_limit_bytes": 1000, "cpu_quota": 0.25, "cpu_usable": 0.25},
    ),
    "a container's own group is its root": (
        {**V2, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "5000\n", "sys/fs/cgroup/cpu.max": "640000 10000\n"},
        {"version": 2, "path": "/", "memory_limit_bytes": 5000, "cpu_quota": 64.0, "cpu_usable": AFFINITY},
    ),
    "a path of the host's that cannot be seen": (
        {**V2, "proc/self/cgroup": "0::/docker/far\n", "sys/fs/cgroup/memory.max": "5000\n"},
        {"version": 2, "path": "/docker/far", "memory_limit_bytes": 5000},
    ),
    "limits of version 1": (
        {
            **V1,
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "7000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "25000\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "50000\n",
            "sys/fs/cgroup/cpuset/job/cpuset.cpus": "2\n",
            "sys/fs/cgroup/pids/job/pids.max": "max\n",
        },
        {
            "version": 1,
            "path": "/job",
            "memory_limit_bytes": 7000,
            "cpu_quota": 0.5,
            "cpuset": "2",
            "cpu_usable": 0.5,
        },
    ),
    "none of version 1": (
        {
            **V1,
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
        },
        {"version": 1, "path": "/job"},
    ),
}


@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES)
def test_limits_of_the_control_group(tmp_path: Path, files: dict[str, str], expected: Facts) -> None:
    """The least of the limits along the path counts, and quota and affinity say together what the child has."""
    write_tree(tmp_path, files)
    assert NOTHING | expected == read_cgroup(target(), str(tmp_path))


def test_limits_of_the_process_are_those_of_ulimit() -> None:
    """The child's own soft limits, in the units of their names; None is unlimited."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    core = resource.getrlimit(resource.RLIMIT_CORE)[0]
    limits = read_limits(Target(("true",), None, "/", {}, os.getpid()))
    assert (soft, None if core == resource.RLIM_INFINITY else core) == (limits["open_files"], limits["core_bytes"])
    assert {"open_files", "processes", "core_bytes", "locked_memory_bytes", "address_space_bytes", "stack_bytes", "cpu_s"} == set(
        limits
    )
