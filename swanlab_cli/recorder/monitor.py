"""What a run's processes use while it lasts: samples for charts, peaks and totals for the summary."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..environment.cgroup import find_cgroup, read_use
from ..environment.machine import MachineUse, NetworkUse, read_machine, read_network
from ..environment.processes import ProcessTree, TreeDetails, TreeUse
from ..records import End, Event, Json

_FIRST_LOOK_S, _MOST_BETWEEN_LOOKS_S = 0.25, 10.0
# Of our processor time for each second that passes, at most so much goes into reading proportional memory.
_PSS_SHARE = 0.0008
_MOST_SEEN = 1000
Write = Callable[[float, int, Mapping[str, float]], None]
"""What records a sample: time in Unix seconds, step, values by metric."""


class Monitor:
    """Looks at a child's processes: soon and ever more rarely for the peaks, at equal intervals for the samples."""

    def __init__(
        self,
        pid: int,
        interval_s: float,
        first_step: int,
        write: Write,
        has_looked: Callable[[int | None], None] = lambda _step: None,
        looks_at_host: bool = True,
    ) -> None:
        """`interval_s` 0: no samples; `first_step`: the number of samples that the run has already.

        `has_looked` is called after each look that was due, with the step of the sample if one was taken. Without
        `looks_at_host` samples are of the child's processes alone.
        """
        self._looks_at_host = looks_at_host
        self._tree = ProcessTree(pid)
        self._pid = pid
        self._cgroup = find_cgroup(pid)
        self._interval_s, self._step, self._write = interval_s, first_step, write
        self._has_looked = has_looked
        self._started = time.monotonic()
        self._next_look = self._started + _FIRST_LOOK_S
        self._next_sample = self._started + interval_s if interval_s else float("inf")
        self._peak_rss_bytes, self._peak_pss_bytes = 0, 0
        self._cpu_s = 0.0
        self._seen: deque[int] = deque(maxlen=_MOST_SEEN)
        self._details = TreeDetails(0, 0, 0, None)
        self._rates = _Rates()
        if interval_s:
            self._sampled_values(self._started)  # what later rates are measured from

    @property
    def pids(self) -> list[int]:
        """The processes of the run at the last look."""
        return self._tree.pids

    @property
    def all_pids(self) -> list[int]:
        """Those that were seen at any look, the latest ones of very many."""
        return list(self._seen)

    def wait_s(self) -> float:
        """Seconds until the next look is due."""
        return max(min(self._next_look, self._next_sample) - time.monotonic(), 0.0)

    def look(self) -> None:
        """Look, if it is time; after the end of the tree there is nothing to see.

        Raises:
            OSError: a sample cannot be written.
        """
        now = time.monotonic()
        if now >= self._next_sample:
            step = self.sample()
            # Where we were kept from looking in time, what was missed is not made up for, lest two samples be one.
            passed = round((now - self._next_sample) / self._interval_s)
            self._next_sample += (1 + passed) * self._interval_s
            self._next_look = max(self._next_look, now + _FIRST_LOOK_S)
            self._has_looked(step)
        elif now >= self._next_look:
            self.look_at_tree()
            self._next_look = now + min(2 * (now - self._started), _MOST_BETWEEN_LOOKS_S)
            self._has_looked(None)

    def sample(self) -> int | None:
        """Take a sample at once; its step, or None when nothing of the tree lives.

        Raises:
            OSError: it cannot be written.
        """
        values = self._sampled_values(time.monotonic())
        if not values:
            return None
        self._write(time.time(), self._step, values)
        self._step += 1
        return self._step - 1

    def totals(self) -> Json:
        """Peaks and totals: `peak_memory_bytes`, `peak_pss_bytes`, `tree_cpu_s`, `read_bytes`, `written_bytes`, `samples`.

        As far as they were seen: what was used since the last look is missing. None where nothing was seen.
        """
        return {
            "peak_memory_bytes": self._peak_rss_bytes or None,
            "peak_pss_bytes": self._peak_pss_bytes or None,
            "tree_cpu_s": self._cpu_s or None,
            "read_bytes": self._details.read_bytes if self._step else None,
            "written_bytes": self._details.written_bytes if self._step else None,
            "samples": self._step,
        }

    def look_at_tree(self) -> TreeUse | None:
        """Look at once; None when nothing of the tree lives."""
        use = self._tree.look()
        if use is not None:
            self._seen.extend(pid for pid in self._tree.pids if pid not in self._seen)
            self._peak_rss_bytes = max(self._peak_rss_bytes, use.rss_bytes)
            self._cpu_s = use.cpu_s
        return use

    def _sampled_values(self, now: float) -> dict[str, float]:
        """The values of a sample, empty when the tree has ended; rates are since the call before."""
        use = self.look_at_tree()
        if use is None:
            return {}
        budget_s = _PSS_SHARE * self._interval_s
        details = self._details = self._tree.look_closer(budget_s)
        values = {**_of_tree(use, details), **self._rates.of_tree(now, use, details)}
        if details.pss_bytes is not None:
            self._peak_pss_bytes = max(self._peak_pss_bytes, details.pss_bytes)
        if not self._looks_at_host:
            return values
        values.update(self._rates.of_network(now, read_network(self._pid)))
        values.update(self._rates.of_machine(read_machine()))
        values.update(self._of_cgroup())
        return values

    def _of_cgroup(self) -> dict[str, float]:
        memory_bytes, limit_bytes, throttled_s = read_use(self._cgroup)
        values: dict[str, float] = {}
        if memory_bytes is not None:
            values["system/cgroup/memory (bytes)"] = memory_bytes
            if limit_bytes:
                values["system/cgroup/memory of limit (%)"] = round(100 * memory_bytes / limit_bytes, 3)
        if throttled_s is not None:
            values["system/cgroup/throttled (s)"] = round(throttled_s, 6)
        return values


def merge_resources(events: Iterable[Event], end: End | None) -> Json:
    """What the run has used in all, as the lanes' monitors and the kernel counted it; None where nobody knows.

    `cpu_s`, `read_bytes`, `written_bytes`, `gpu_s`, `energy_j` and `samples` of all lanes added up; `peak_memory_bytes`,
    `peak_pss_bytes` and `peak_gpu_memory_bytes` of the one that held most. The kernel counts the time of those that were waited
    for, the monitor of those it saw: the larger is nearer to the truth.
    """
    seen = [event.data for event in events if event.type == "resources"]
    tree_cpu_s = _total(seen, "tree_cpu_s")
    measured_s = [seconds for seconds in (tree_cpu_s, end.cpu_s if end else None) if seconds is not None]
    process_peak_bytes = end.max_process_memory_bytes if end else None
    return {
        "cpu_s": max(measured_s, default=None),
        "peak_memory_bytes": max(_peak(seen, "peak_memory_bytes") or 0, process_peak_bytes or 0) or None,
        **{name: _peak(seen, name) for name in ("peak_pss_bytes", "peak_gpu_memory_bytes")},
        **{name: _total(seen, name) for name in ("read_bytes", "written_bytes", "gpu_s", "energy_j", "samples")},
    }


def _peak(seen: Sequence[Json], name: str) -> Any:
    return max((data[name] for data in seen if data.get(name)), default=None)


def _total(seen: Sequence[Json], name: str) -> Any:
    numbers = [data[name] for data in seen if data.get(name) is not None]
    return sum(numbers) if numbers else None


class _Rates:
    """What grows, as growth per second since it was seen last."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}

    def of_tree(self, now: float, use: TreeUse, details: TreeDetails) -> dict[str, float]:
        totals = {
            "system/cpu (%)": 100 * use.cpu_s,
            "system/io read (bytes/s)": details.read_bytes,
            "system/io written (bytes/s)": details.written_bytes,
        }
        return self._growth(now, totals)

    def of_network(self, now: float, use: NetworkUse | None) -> dict[str, float]:
        if use is None:
            return {}
        totals = {"system/network received (bytes/s)": use.received_bytes, "system/network sent (bytes/s)": use.sent_bytes}
        return self._growth(now, totals)

    def of_machine(self, use: MachineUse | None) -> dict[str, float]:
        if use is None:
            return {}
        values: dict[str, float] = {"system/host/memory (bytes)": use.memory_bytes, "system/host/load": use.load}
        if use.swap_bytes:
            values["system/host/swap (bytes)"] = use.swap_bytes
        # The machine's own clock: what its processors were busy of all that they could have been.
        return {**values, **self._growth(use.busy_s + use.idle_s, {"system/host/cpu (%)": 100 * use.busy_s})}

    def _growth(self, now: float, totals: Mapping[str, float]) -> dict[str, float]:
        """The growth of each total per unit of `now` since the last time; none at the first."""
        grown = {}
        for name, total in totals.items():
            before = self._last.get(name)
            self._last[name] = now, total
            if before is not None and now > before[0]:
                grown[name] = round(max(total - before[1], 0.0) / (now - before[0]), 3)
        return grown


def _of_tree(use: TreeUse, details: TreeDetails) -> dict[str, float]:
    values: dict[str, float] = {
        "system/memory rss (bytes)": use.rss_bytes,
        "system/processes": use.processes,
        "system/threads": use.threads,
        "system/open files": details.open_files,
    }
    if details.pss_bytes is not None:
        values["system/memory pss (bytes)"] = details.pss_bytes
    return values
