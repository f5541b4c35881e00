"""The processes below one process, and the memory that one holds.

The long-lived recorder imports this module, so it imports little.
"""

from __future__ import annotations

import os

from swanlab_cli.environment.kernel import read_bytes

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def tree_pids(pid: int) -> list[int]:
    """`pid` and its living descendants, parents before children; those that come or go meanwhile may be missing."""
    if not os.path.exists("/proc/thread-self/children"):
        return [pid, *scan_for_descendants(pid)]
    # A process identifier can be used again while we walk, so that one could turn up twice.
    pids = {pid: None}
    unvisited = [pid]
    while unvisited:
        for child in _children(unvisited.pop(0)):
            if child not in pids:
                pids[child] = None
                unvisited.append(child)
    return list(pids)


def scan_for_descendants(pid: int) -> list[int]:
    """The descendants of `pid` in no order, at the cost of a look at every process of the machine.

    For kernels built without CONFIG_PROC_CHILDREN, which do not list the children of a process.
    """
    import psutil  # 15 ms and 5 MB, which almost no kernel makes necessary

    try:
        return [process.pid for process in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _children(pid: int) -> list[int]:
    # The kernel lists a child with the thread that forked it.
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in read_bytes(f"/proc/{pid}/task/{thread}/children").split()]


def resident_bytes(pid: int) -> int:
    """The resident set of one process, 0 when it is gone."""
    # proc(5), /proc/pid/statm: the second field is the resident set in pages.
    fields = read_bytes(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE_BYTES if len(fields) > 1 else 0
