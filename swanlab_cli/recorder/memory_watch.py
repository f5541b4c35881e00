"""Watches for processes of the run that the kernel kills for lack of memory."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ..environment.cgroup import count_kills, find_cgroup, memory_limit
from ..environment.memory_kills import find_kills
from ..records import End, Json
from .ending import may_be_memory

# The scribe begins after the child, later on a busy machine; numbers of processes come again after longer than that.
_MAY_BE_LATE_S = 5.0


class MemoryWatch:
    """Remembers how many kills the child's control group had when the child started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._since_s = time.monotonic() - _MAY_BE_LATE_S
        self._group = find_cgroup(pid).memory
        self._before = count_kills(self._group)

    def evidence(self, end: End | None, pids: Iterable[int]) -> Json | None:
        """What the kernel tells of kills since then, as `ending.Evidence.memory` has it; `pids`: all that were seen of the run.

        A control group may hold others' processes too: its counter alone tells that the command was killed only where that ended
        as one does that is.
        """
        now = count_kills(self._group)
        counted = max(now - self._before, 0) if now is not None and self._before is not None else 0
        is_suspect = end is not None and may_be_memory(end)
        # The log is read only where something points to it.
        named = find_kills({*pids, self._pid}, self._since_s) if counted or is_suspect else []
        if not named and not counted:
            return None
        return {
            "kills": max(counted, len(named)),
            "processes": [{"pid": kill.pid, "name": kill.name} for kill in named],
            "limit_bytes": None if any(not kill.is_limit for kill in named) else memory_limit(self._group),
            "is_command": is_suspect and (not named or any(kill.pid == self._pid for kill in named) or _is_status(end)),
        }


def warn_of_kills(memory: Json) -> str:
    """Words for kills that have not ended the command."""
    names = ", ".join(f"{process['name']} (pid {process['pid']})" for process in memory["processes"])
    unnamed = f"{memory['kills']} of the processes in the control group"
    return f"the kernel killed {names or unnamed} for lack of memory"


def _is_status(end: End | None) -> bool:
    return end is not None and end.signal is None
