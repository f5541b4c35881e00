"""The running runs of a log directory and those that ended a moment ago, looked at again and again, at the cost of the news."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..environment.usage import TreeUsage, Usage
from ..errors import StoreError
from ..parser.lines import last_repaint
from ..records import Event, Header, Json, Lane, decode_line, decode_value
from ..store import layout
from ..store.files import modified_ns
from ..store.reader import list_directories, read_end, read_events, read_header, read_lines
from ..store.state import RUNNING, derive_state, host_identity
from .lanes import header_of, primary_lane
from .progress import KIND, latest_progress

RECENT_S = 300.0
"""For how long a run that has ended is still shown."""
_METRICS = 3
_METRICS_BYTES, _OUTPUT_BYTES = 16 * 1024, 4 * 1024


class LiveRun(NamedTuple):
    """What is known of one run at one look."""

    id: str
    name: str
    project: str
    state: str
    started_at: float
    """Unix seconds."""
    duration_s: float
    progress: Json | None
    """As `swanlab show` has it, but for `time`, which is Unix seconds."""
    usage: Usage | None
    """Of the child's tree; None for runs of other hosts and for those that have ended."""
    metrics: dict[str, float]
    """The last values of the metrics that were recorded last, three at most."""
    last_line: str


class LiveRuns:
    """Follows a log directory; runs that ended long ago are never opened, and those that end are left soon after."""

    def __init__(self, logdir: str) -> None:
        self._logdir = logdir
        self._followed: dict[str, _Follower] = {}
        self._over: set[str] = set()

    def look(self, now: float) -> list[LiveRun]:
        """The runs as they are `now`, in Unix seconds, oldest first.

        Raises:
            StoreError: the log directory cannot be read.
        """
        shown = []
        for directory in list_directories(self._logdir):
            if directory in self._over:
                continue
            run = self._look_at(directory, now)
            if run is None:
                self._over.add(directory)
                self._followed.pop(directory, None)
            elif isinstance(run, LiveRun):
                shown.append(run)
        return shown

    def _look_at(self, directory: str, now: float) -> LiveRun | bool | None:
        """The run, False if it cannot be read yet, or None if it need not be looked at any more."""
        try:
            lane = primary_lane(layout.lanes(directory))
        except OSError:  # it was removed
            return None
        follower = self._followed.get(directory)
        if follower is None or follower.lane != lane:  # another attempt has begun
            if _ended_long_ago(directory, lane, now):
                return None
            try:
                header = header_of(read_header(directory), read_events(directory, lane))
            except StoreError:  # its header is being written, or it is another version's
                return False
            follower = self._followed[directory] = _Follower(directory, lane, header)
        return follower.look(now)


def _ended_long_ago(directory: str, lane: Lane, now: float) -> bool:
    try:
        return now - modified_ns(layout.end(directory, lane)) / 1e9 > RECENT_S
    except OSError:
        return False


class _Follower:
    """Follows one run by its newest attempt's rank 0: of its files only what has been added, or their ends."""

    def __init__(self, directory: str, lane: Lane, header: Header) -> None:
        self._directory = directory
        self.lane = lane
        self._header = header
        self._name = header.name
        self._events_offset = 0
        self._progress: Event | None = None
        self._metrics_size = self._output_size = -1
        self._metrics: dict[str, float] = {}
        self._last_line = ""
        is_local = host_identity() == (header.host, header.boot_id, header.pid_namespace)
        self._usage = TreeUsage(header.pid) if is_local else None

    def look(self, now: float) -> LiveRun | None:
        """The run as it is; None when it ended long ago, or is lost."""
        header = self._header
        end = read_end(self._directory, self.lane)
        state = derive_state(self._directory, header, end, self.lane)
        if end is None and state != RUNNING:
            return None
        if header.started_at is None or (end is not None and (end.ended_at is None or now - end.ended_at > RECENT_S)):
            return None  # also adopted output, which never ran here
        self._read_events()
        self._read_metrics()
        self._read_output()
        return LiveRun(
            id=header.id,
            name=self._name,
            project=header.project,
            state=state,
            started_at=header.started_at,
            duration_s=end.duration_s if end and end.duration_s is not None else max(now - header.started_at, 0.0),
            progress=latest_progress([self._progress] if self._progress else [], now if end is None else None),
            usage=self._usage.look() if self._usage and end is None else None,
            metrics=self._metrics,
            last_line=self._last_line,
        )

    def _read_events(self) -> None:
        lines, self._events_offset = read_lines(layout.events(self._directory, self.lane), self._events_offset)
        while lines:
            for line in lines:
                self._take_event(decode_line(line) or {})
            lines, self._events_offset = read_lines(layout.events(self._directory, self.lane), self._events_offset)

    def _take_event(self, fields: Json) -> None:
        kind, data = fields.get("type"), fields.get("data")
        if kind == "reset":
            self._progress = None
        elif kind == KIND and isinstance(data, dict) and isinstance(fields.get("time"), (int, float)):
            self._progress = Event(fields["time"], KIND, data)
        elif kind == "init" and isinstance(data, dict) and data.get("name") and "name" not in self._header.chosen:
            self._name = str(data["name"])

    def _read_metrics(self) -> None:
        size, lines = _end_of(layout.metrics(self._directory, self.lane), self._metrics_size, _METRICS_BYTES)
        if size == self._metrics_size:
            return
        self._metrics_size = size
        found: dict[str, float] = {}
        for line in reversed(lines):
            fields = decode_line(line) or {}
            try:
                found.setdefault(str(fields["metric"]), decode_value(fields["value"]))
            except (KeyError, TypeError, ValueError):
                continue
            if len(found) == _METRICS:
                break
        if found:
            self._metrics = dict(reversed(found.items()))

    def _read_output(self) -> None:
        size, lines = _end_of(layout.output(self._directory, self.lane), self._output_size, _OUTPUT_BYTES, whole=False)
        if size == self._output_size:
            return
        self._output_size = size
        shown = (last_repaint(line).strip() for line in reversed(lines))
        self._last_line = next((line for line in shown if line), self._last_line)


def _end_of(path: str, known_size: int, limit: int, whole: bool = True) -> tuple[int, list[bytes]]:
    """The size of a file and, where it is not the known one, the lines at its end; only `whole` ones if that is wanted."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == known_size:
                return size, []
            file.seek(max(size - limit, 0))
            lines = file.read(limit).split(b"\n")
    except OSError:
        return known_size, []
    first = 1 if size > limit and len(lines) > 1 else 0
    return size, lines[first : len(lines) - 1 if whole else len(lines)]
