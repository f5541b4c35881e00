"""The overhead receipt: what recording a run has cost. The pump knows one part, the scribe another; readers add them up.

Imported before the child starts, so it imports next to nothing.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Mapping, Sequence

from ..process.streams import Stream
from ..records import Event, Json, Lane
from ..store import layout
from ..store.writer import OutputWriter

EVENT = "overhead"
_PUMPS_FILES = (layout.output, layout.output_index)
_SCRIBES_FILES = (layout.metrics, layout.events, layout.environment, layout.samples)
_ADDED_UP = ("cpu_s", "max_memory_bytes", "bytes_written")


def pump_overhead(directory: str, lane: Lane, output: OutputWriter, streams: Sequence[Stream]) -> Json:
    """The pump's part, when the child has ended; what a relay does after that is not known yet.

    `cpu_s` and `max_memory_bytes` (largest resident set) of this process; `bytes_written` to the record, less the end record
    itself; `longest_write_s`, of output to the record; `longest_pause_s`, from a read of output until it was recorded and
    offered to where it goes; `records_dropped`, pieces of output that could not be recorded whole, and their `lost_bytes`.
    """
    own = resource.getrusage(resource.RUSAGE_SELF)
    files = [os.path.join(directory, layout.HEADER), *(path(directory, lane) for path in _PUMPS_FILES)]
    return {
        "cpu_s": own.ru_utime + own.ru_stime,
        "max_memory_bytes": peak_memory_bytes(),
        "bytes_written": _sizes(files),
        "longest_write_s": round(max((stream.longest_write_s for stream in streams), default=0.0), 6),
        "longest_pause_s": round(max((stream.longest_pause_s for stream in streams), default=0.0), 6),
        "records_dropped": output.lost_records,
        "lost_bytes": output.lost_bytes,
    }


def scribe_overhead(directory: str, lane: Lane, companion_memory_bytes: int = 0) -> Json:
    """The scribe's part, with the processes that it has started and waited for: `cpu_s`, `max_memory_bytes`, `bytes_written`.

    The memory is this process' own and that of a companion that lives as long; probers are gone long before the end.
    """
    own, started = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_s": own.ru_utime + own.ru_stime + started.ru_utime + started.ru_stime,
        "max_memory_bytes": peak_memory_bytes() + companion_memory_bytes,
        "bytes_written": _sizes(path(directory, lane) for path in _SCRIBES_FILES),
    }


def merge_overhead(of_pump: Mapping[str, object] | None, events: Iterable[Event]) -> Json | None:
    """Both parts added up; the pump's alone where no scribe has told, None where nobody has."""
    merged: Json | None = None if of_pump is None else dict(of_pump)
    for event in events:
        if event.type == EVENT:
            merged = {} if merged is None else merged
            for name in _ADDED_UP:
                if isinstance(event.data.get(name), (int, float)):
                    merged[name] = merged.get(name, 0) + event.data[name]
    return merged


def peak_memory_bytes() -> int:
    """Our largest resident set; getrusage(2) would count what our caller's process had when it forked us."""
    with open("/proc/self/status", "rb") as status:
        lines = (line.split() for line in status)
        return next((int(words[1]) * 1024 for words in lines if words[0] == b"VmHWM:"), 0)


def _sizes(paths: Iterable[str]) -> int:
    """Bytes in these files, which are only appended to; those that are not there have none."""
    total = 0
    for path in paths:
        try:
            total += os.path.getsize(path)
        except OSError:
            continue
    return total
