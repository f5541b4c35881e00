"""What a tree of processes uses: CPU, memory, I/O, threads, open files. Read from /proc, looked at again and again.

The long-lived recorder imports this module, so it imports little. A look at a process costs one file, `stat`; its I/O and open
files cost two more, and its proportional memory one for which the kernel walks all pages.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from .kernel import read_bytes
from .tree import tree_pids

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class TreeUse(NamedTuple):
    """What a tree uses at one moment, and has used until then."""

    cpu_s: float
    """User and system time of all that have belonged to it; never falls."""
    rss_bytes: int
    """Resident sets added up: shared pages count once for each process."""
    threads: int
    processes: int
    stopped: int
    """Of the processes: those that a signal or a debugger has stopped."""


class TreeDetails(NamedTuple):
    """What costs more to read; of processes that we may not look into nothing."""

    read_bytes: int
    """From storage, by all that have belonged to the tree; never falls, as with the next."""
    written_bytes: int
    open_files: int
    pss_bytes: int | None
    """Resident memory with shared pages divided among those that share them, of each process as of when it was last read; None
    while there are processes of which it was not."""


class _Stat(NamedTuple):
    """Of /proc/PID/stat, proc(5)."""

    is_zombie: bool
    is_stopped: bool
    parent: int
    cpu_s: float
    """Of itself and of the children that it has waited for, and theirs."""
    threads: int
    started: int
    """Clock ticks since boot: with the pid it names a process."""
    rss_bytes: int


class ProcessTree:
    """A process and its descendants, looked at again and again.

    A descendant whose parent has ended belongs to it as long as it lives if it was seen before: the kernel no longer says
    whose it was. What a process has used is its parent's when that waits for it, so it is kept here only for those whose
    parent was gone. Not counted is what nobody sees: a process that comes and goes between two looks, outside of the tree
    or with a parent that ignores SIGCHLD.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._stats: dict[int, _Stat] = {}
        self._io: dict[int, tuple[int, int]] = {}
        self._pss: dict[int, int] = {}
        """In the order in which they were read."""
        self._kept_s, self._kept_io = 0.0, (0, 0)
        self._most_s, self._most_io = 0.0, (0, 0)

    @property
    def pids(self) -> list[int]:
        """The processes at the last look."""
        return list(self._stats)

    def look(self) -> TreeUse | None:
        """What it uses now, or None when nothing of it lives."""
        before, self._stats = self._stats, self._read_members()
        for pid in before.keys() - self._stats.keys():
            if not self._is_inherited(pid, before):
                self._kept_s += before[pid].cpu_s
                self._kept_io = _sum([self._kept_io, self._io.get(pid, (0, 0))])
            self._io.pop(pid, None)
        self._most_s = max(self._most_s, self._kept_s + sum(stat.cpu_s for stat in self._stats.values()))
        living = [stat for stat in self._stats.values() if not stat.is_zombie]
        if not living:
            return None
        return TreeUse(
            cpu_s=self._most_s,
            rss_bytes=sum(stat.rss_bytes for stat in living),
            threads=sum(stat.threads for stat in living),
            processes=len(living),
            stopped=sum(stat.is_stopped for stat in living),
        )

    def look_closer(self, pss_budget_s: float) -> TreeDetails:
        """More about the processes of the last look.

        To read proportional memory the kernel walks all pages of a process, so it is read of as many as the budget of CPU time
        allows, those of which it is known least first, and at least of one.
        """
        self._io = {pid: _read_io(pid) for pid in self._stats}
        read, written = _sum([self._kept_io, *self._io.values()])
        self._most_io = max(self._most_io[0], read), max(self._most_io[1], written)
        return TreeDetails(
            *self._most_io,
            open_files=sum(map(_count_open_files, self._stats)),
            pss_bytes=self._pss_bytes(pss_budget_s),
        )

    def _pss_bytes(self, budget_s: float) -> int | None:
        self._pss = {pid: known for pid, known in self._pss.items() if pid in self._stats}
        ends_at = time.process_time() + budget_s
        for pid in [*(pid for pid in self._stats if pid not in self._pss), *self._pss]:
            self._pss.pop(pid, None)
            self._pss[pid] = _read_pss(pid)  # behind all others now
            if time.process_time() >= ends_at:
                break
        return sum(self._pss.values()) if len(self._pss) == len(self._stats) else None

    def _read_members(self) -> dict[int, _Stat]:
        members: dict[int, _Stat] = {}
        self._add_descendants(self._pid, members)
        for orphan, known in self._stats.items():
            if orphan not in members:
                self._add_descendants(orphan, members, known.started)
        return members

    def _add_descendants(self, root: int, members: dict[int, _Stat], started: int | None = None) -> None:
        """Add a process and those below it, unless its number has come to mean another than the one that `started` then."""
        stat = _read_stat(root)
        known = self._stats.get(root)
        started = known.started if known else started
        if stat is None or started not in (None, stat.started):
            return
        members[root] = stat
        for pid in tree_pids(root)[1:]:
            found = _read_stat(pid)
            if found is not None:
                members[pid] = found

    def _is_inherited(self, pid: int, before: dict[int, _Stat]) -> bool:
        """Whether somebody in the tree waits for this one, which has ended, or for its parents that ended as well."""
        while pid in before:
            pid = before[pid].parent
            if pid in self._stats:
                return True
        return False


def _sum(pairs: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(first for first, _ in pairs), sum(second for _, second in pairs)


def _read_stat(pid: int) -> _Stat | None:
    """None when it is gone; one that has ended and was not waited for yet still has its times."""
    # The name in parentheses may hold anything; behind it come fields 3 and on.
    fields = read_bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 22:
        return None
    return _Stat(
        is_zombie=fields[0] in (b"Z", b"X"),
        is_stopped=fields[0] in (b"T", b"t"),
        parent=int(fields[1]),
        cpu_s=(int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / _TICKS_PER_S,
        threads=int(fields[17]),
        started=int(fields[19]),
        rss_bytes=int(fields[21]) * _PAGE_BYTES,
    )


def _read_io(pid: int) -> tuple[int, int]:
    """Bytes that it has caused to be read from and written to storage. proc(5), /proc/PID/io."""
    fields = dict(line.split(b": ") for line in read_bytes(f"/proc/{pid}/io").splitlines())
    return int(fields.get(b"read_bytes", 0)), int(fields.get(b"write_bytes", 0))


def _count_open_files(pid: int) -> int:
    try:
        # Since Linux 6.2 the folder's size is their number; before, it is 0.
        return os.stat(f"/proc/{pid}/fd").st_size or len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def _read_pss(pid: int) -> int:
    for line in read_bytes(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0
