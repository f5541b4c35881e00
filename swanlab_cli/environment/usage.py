"""What the processes of a run use now: processor and memory of the child's tree, of runs on this host."""

from __future__ import annotations

import time
from typing import NamedTuple

import psutil


class Usage(NamedTuple):
    """What a tree of processes uses."""

    cpu_pct: float | None
    """Of one processor, since the last look; None at the first."""
    memory_bytes: int
    """Sum of the resident sets; shared pages count once for each process."""
    processes: int


class TreeUsage:
    """Looks at the processes that a recording process has started, again and again."""

    def __init__(self, pid: int) -> None:
        """`pid` is the recording process; it and its forks, which show its own command line, do not count."""
        self._pid = pid
        self._cpu: tuple[float, float] | None = None

    def look(self) -> Usage | None:
        """The usage since the last look, or None when there is nothing left to look at."""
        try:
            recorder = psutil.Process(self._pid)
            command = recorder.cmdline()
            children = [child for child in recorder.children() if child.cmdline() != command]
            members = children + [process for child in children for process in child.children(recursive=True)]
        except psutil.Error:
            return None
        used_s, memory_bytes, count = 0.0, 0, 0
        for process in members:
            try:
                with process.oneshot():
                    # With what the processes that it has waited for used: short-lived ones leave their time there.
                    used_s += sum(process.cpu_times()[:4])
                    memory_bytes += process.memory_info().rss
            except psutil.Error:
                continue
            count += 1
        if not count:
            return None
        now = time.monotonic()
        before, self._cpu = self._cpu, (now, used_s)
        cpu_pct = 100 * max(used_s - before[1], 0.0) / (now - before[0]) if before and now > before[0] else None
        return Usage(cpu_pct, memory_bytes, count)
