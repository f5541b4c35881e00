"""Which processes the kernel has killed for lack of memory, by its log."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

_KILLED = re.compile(
    r"(?P<where>Memory cgroup out of memory|Out of memory)[^:]*: Killed process (?P<pid>\d+) \((?P<name>.*?)\) total-vm"
)
_RECORD_BYTES = 8192
_MOST_RECORDS = 100_000
_SLACK_S = 1.0  # between the clock of the log and the monotonic one


class MemoryKill(NamedTuple):
    """A process that was killed for lack of memory, as the kernel's log has it."""

    pid: int
    name: str
    is_limit: bool
    """Of its control group's limit, not of the machine's memory."""


def find_kills(pids: Iterable[int], since_s: float, log: str = "/dev/kmsg") -> list[MemoryKill]:
    """Which of these processes the kernel's log says were killed since then, on the monotonic clock; none if it cannot be read.

    In a pid namespace of its own a process has another number than in the log.
    """
    wanted = set(pids)
    recent = (record for record in _records(log) if _moment(record) >= since_s - _SLACK_S)
    matches = (match for record in recent for match in _KILLED.finditer(record))
    kills = (MemoryKill(int(match["pid"]), match["name"], match["where"].startswith("Memory")) for match in matches)
    return [kill for kill in kills if kill.pid in wanted]


def _moment(record: str) -> float:
    """When it was written. Documentation/ABI/testing/dev-kmsg: level, number, microseconds since boot, flags; then the text."""
    fields = record.split(",", 3)
    return int(fields[2]) / 1e6 if len(fields) > 2 and fields[2].isdigit() else 0.0


def _records(log: str) -> Iterable[str]:
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        for _ in range(_MOST_RECORDS):
            try:
                record = os.read(descriptor, _RECORD_BYTES)  # one record at a time, as the kernel hands them out
            except BrokenPipeError:  # overwritten while we read: the next one is there
                continue
            except OSError:  # nothing more
                return
            if not record:
                return
            yield record.decode(errors="replace")
    finally:
        os.close(descriptor)
