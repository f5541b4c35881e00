"""Reading run directories: list them, open one, tail its files from an offset.

Tolerant: what is torn, missing or unknown is skipped. Nothing here writes.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from ..errors import RunNotFound, StoreError
from ..records import FORMAT_VERSION, Chunk, End, Event, Header, Json, Lane, MediaPoint, Point, decode_line, decode_value
from . import layout
from .files import SUFFIX, exists, modified_ns, open_read, size

T = TypeVar("T")
Series = tuple[str, str, int]
"""Metric, source and rank of points that have steps together."""
_READ_BYTES = 1 << 20
_INDEX_BYTES = 16 * 1024  # of the index at a time: some hundred entries
_TAIL_BYTES = 1 << 16
LAST = "last"
MONITOR = "monitor"
"""Source of the points that are samples of processes and accelerators."""
DERIVED_TYPES = ("init", "config", "define", "finish", "script_warning", "answer", "dropped", "progress")
"""Event types that a scribe derives from inbox and output; a reset voids them."""


class Cursor(NamedTuple):
    """Up to where a lane's sources have been derived."""

    output: int
    inbox: dict[str, int]
    """Bytes read, by host."""
    is_final: bool = False
    """Whether last lines without newline have been read too: the run had ended."""


def list_directories(logdir: str) -> list[str]:
    """The run directories below `logdir`, oldest first; empty where there is no such folder."""
    try:
        names = sorted(layout.run_names(os.listdir(logdir)))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot read the log directory '{logdir}': {error.strerror}") from error
    counts = Counter(_second_of(name) for name in names)
    # Names tell the second; which of several runs in one second came first, only the age of their headers.
    names.sort(key=lambda name: (_second_of(name), _header_age(logdir, name) if counts[_second_of(name)] > 1 else 0))
    return [os.path.join(os.path.abspath(logdir), name) for name in names]


def _second_of(name: str) -> str:
    return name[: len("run-YYYYMMDD_HHMMSS")]


def _header_age(logdir: str, name: str) -> int:
    try:
        return modified_ns(os.path.join(logdir, name, layout.HEADER))
    except (OSError, StoreError):
        return 0


def find_run(logdir: str, name: str) -> str:
    """The directory of the run with this id, unique prefix of an id, or `last`; a path to a run directory is one too.

    Raises:
        RunNotFound: none, or several.
        StoreError: the log directory cannot be read.
    """
    if os.sep in name and exists(os.path.join(name.removesuffix(SUFFIX), layout.HEADER)):
        return os.path.abspath(name.removesuffix(SUFFIX))
    directories = list_directories(logdir)
    if name == LAST:
        started = [path for path in reversed(directories) if exists(os.path.join(path, layout.HEADER))]
        if not started:
            raise RunNotFound(f"no runs in '{logdir}'", "record one with: swanlab run COMMAND")
        return started[0]
    ids = {layout.run_id_of(os.path.basename(path)) or "": path for path in directories}
    if name in ids:
        return ids[name]
    matches = sorted(run_id for run_id in ids if name and run_id.startswith(name))
    if len(matches) == 1:
        return ids[matches[0]]
    if matches:
        raise RunNotFound(f"'{name}' is the beginning of {len(matches)} runs: {', '.join(matches[:5])}", "type more of it")
    raise RunNotFound(f"no run '{name}' in '{logdir}'", "list runs with: swanlab ls")


def read_header(directory: str) -> Header:
    """The run's header.

    Raises:
        StoreError: it is missing or cannot be understood.
    """
    path = os.path.join(directory, layout.HEADER)
    fields = _read_json(path)
    if fields is None:
        raise StoreError(f"cannot read the run in '{directory}': {layout.HEADER} is missing or not JSON")
    if fields.get("format") != FORMAT_VERSION:
        raise StoreError(
            f"cannot read the run in '{directory}': its format is {fields.get('format')}, this version reads {FORMAT_VERSION}",
            "pip install --upgrade swanlab-cli",
        )
    try:
        known = {name: fields[name] for name in Header._fields if name in fields or name not in Header._field_defaults}
    except KeyError as error:
        raise StoreError(f"cannot read the run in '{directory}': {layout.HEADER} has no {error}") from error
    for name in ("chosen", "tags", "command", "patterns"):
        known[name] = tuple(known[name])
    return Header(**known)


def read_end(directory: str, lane: Lane) -> End | None:
    """How the lane ended, or None."""
    fields = _read_json(layout.end(directory, lane))
    if fields is None or any(name not in fields for name in End._fields if name not in End._field_defaults):
        return None
    known = {name: fields[name] for name in End._fields if name in fields}
    known["signals"] = tuple((str(name), float(moment)) for name, moment in known["signals"])
    known["senders"] = tuple(sender for sender in known.get("senders", ()) if isinstance(sender, dict))
    return End(**known)


def _read_json(path: str) -> Json | None:
    try:
        with open_read(path) as file:
            fields = json.load(file)
    except (OSError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def read_lines(path: str, offset: int, limit: int = _READ_BYTES) -> tuple[list[bytes], int]:
    """Whole lines from `offset` on, about `limit` bytes at most, and the offset behind them.

    A last line without newline is left for the next call; a file that is not there yet is empty.
    """
    try:
        with open_read(path) as file:
            file.seek(offset)
            data = file.read(limit)
            if b"\n" not in data and len(data) == limit:
                data += file.readline()
    except OSError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return data[:end].split(b"\n")[:-1], offset + end


def read_events(directory: str, lane: Lane) -> list[Event]:
    """The lane's events in order, without those voided by a reset."""
    events: list[Event] = []
    for line in _all_lines(layout.events(directory, lane)):
        fields = decode_line(line) or {}
        if fields.get("type") == "reset":
            events = [event for event in events if event.type not in DERIVED_TYPES]
        elif isinstance(fields.get("type"), str) and isinstance(fields.get("data"), dict):
            events.append(Event(moment_of(fields), fields["type"], fields["data"]))
    return events


def read_facts(directory: str, lane: Lane) -> list[Json]:
    """What was found out about the lane's environment, in order: facts by the name of their probe."""
    records = (decode_line(line) or {} for line in _all_lines(layout.environment(directory, lane)))
    return [fields["facts"] for fields in records if isinstance(fields.get("facts"), dict)]


def read_samples(directory: str, lane: Lane) -> list[Point]:
    """The lane's samples in order, as points of source `monitor`."""
    points = []
    for line in _all_lines(layout.samples(directory, lane)):
        fields = decode_line(line) or {}
        step, values = fields.get("step"), fields.get("values")
        if isinstance(step, int) and isinstance(values, dict):
            numbers = ((metric, value) for metric, value in values.items() if isinstance(value, (int, float)))
            points += [Point(metric, step, float(value), moment_of(fields), MONITOR, *lane) for metric, value in numbers]
    return points


def count_samples(directory: str, lane: Lane) -> int:
    """How many samples the lane has: the step of the next one. Only the end of the file is read."""
    for line in reversed(_last_lines(layout.samples(directory, lane))):
        step = (decode_line(line) or {}).get("step")
        if isinstance(step, int):
            return step + 1
    return 0


def read_points(directory: str, lane: Lane) -> tuple[list[Point], Cursor]:
    """The points that the scribe wrote, in order, and up to where in the sources they are all there is."""
    return _read_derived(_all_lines(layout.metrics(directory, lane)), lane, _point)


def read_media(directory: str, lane: Lane) -> tuple[list[MediaPoint], Cursor]:
    """The media that the scribe wrote, in order, and the cursor as with points."""
    lines = _all_lines(layout.metrics(directory, lane))
    # Points, of which there may be millions, need not be decoded to be passed over.
    return _read_derived((line for line in lines if not line.startswith(b'{"metric"') or b'"media"' in line), lane, _media)


def count_points(directory: str, lane: Lane) -> tuple[Counter[tuple[str, str]], Cursor]:
    """How many points of each (metric, source) the scribe wrote, in little memory, and the cursor as with points."""
    counts: Counter[tuple[str, str]] = Counter()
    cursor = Cursor(0, {})
    for batch, end_of_batch in _batches(_all_lines(layout.metrics(directory, lane))):
        cursor = end_of_batch
        if batch is None:
            counts.clear()
        else:
            points = (_point(fields, lane) for fields in batch)
            counts.update((point.metric, point.source) for point in points if point is not None)
    return counts, cursor


def next_steps(directory: str, lane: Lane) -> tuple[dict[Series, int], Cursor]:
    """The highest step + 1 of each series that the scribe wrote, in little memory, and the cursor as with points."""
    steps: dict[Series, int] = {}
    cursor = Cursor(0, {})
    for batch, end_of_batch in _batches(_all_lines(layout.metrics(directory, lane))):
        cursor = end_of_batch
        if batch is None:
            steps.clear()
            continue
        for fields in batch:
            record = _media(fields, lane) if "media" in fields else _point(fields, lane)
            if record is not None:
                note_step(steps, record)
    return steps, cursor


def note_step(steps: dict[Series, int], record: Point | MediaPoint) -> None:
    """Raise its series' next step to behind this one."""
    series = record.metric, record.source, record.rank
    steps[series] = max(steps.get(series, 0), record.step + 1)


def _read_derived(lines: Iterator[bytes], lane: Lane, decode: Callable[[Json, Lane], T | None]) -> tuple[list[T], Cursor]:
    """What `decode` makes of the records that no reset has voided and that a cursor follows, and the last cursor."""
    found: list[T] = []
    cursor = Cursor(0, {})
    for batch, end_of_batch in _batches(lines):
        cursor = end_of_batch
        if batch is None:
            found = []
        else:
            decoded = (decode(fields, lane) for fields in batch)
            found += [record for record in decoded if record is not None]
    return found, cursor


def _batches(lines: Iterator[bytes]) -> Iterator[tuple[list[Json] | None, Cursor]]:
    """The points and media in front of each cursor, with that cursor; None for a reset, which voids all before it."""
    batch: list[Json] = []
    for line in lines:
        fields = decode_line(line)
        if fields is None:
            continue
        if "metric" in fields:
            batch.append(fields)
        elif isinstance(fields.get("cursor"), dict):
            yield batch, _cursor(fields["cursor"])
            batch = []
        elif fields.get("reset"):
            yield None, Cursor(0, {})
            batch = []


def read_cursor(directory: str, lane: Lane) -> Cursor:
    """Up to where in the sources the scribe's points are all there is; only the end of its file is read."""
    for line in reversed(_last_lines(layout.metrics(directory, lane))):
        fields = decode_line(line) or {}
        if fields.get("reset"):
            break
        if isinstance(fields.get("cursor"), dict):
            return _cursor(fields["cursor"])
    return Cursor(0, {})


def _last_lines(path: str, limit: int = _TAIL_BYTES) -> list[bytes]:
    """The lines at the end of a file, the first of which may be a part; none where there is no file."""
    try:
        with open_read(path) as file:
            file.seek(-min(limit, os.fstat(file.fileno()).st_size), os.SEEK_END)
            return file.read().split(b"\n")[:-1]
    except OSError:
        return []


def _cursor(fields: Json) -> Cursor:
    output, inbox = fields.get("output"), fields.get("inbox")
    return Cursor(
        output=output if isinstance(output, int) else 0,
        inbox=inbox if isinstance(inbox, dict) else {},
        is_final=fields.get("is_final") is True,
    )


def _point(fields: Json, lane: Lane) -> Point | None:
    try:
        value = decode_value(fields["value"])
        moment = None if fields["time"] is None else float(fields["time"])
        rank = int(fields.get("rank", lane.rank))
        return Point(fields["metric"], int(fields["step"]), value, moment, fields["source"], lane.attempt, rank)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _media(fields: Json, lane: Lane) -> MediaPoint | None:
    try:
        items = tuple(item for item in fields["media"] if isinstance(item, dict))
        place = lane.attempt, int(fields.get("rank", lane.rank))
        return MediaPoint(str(fields["metric"]), int(fields["step"]), items, float(fields["time"]), fields["source"], *place)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def moment_of(fields: Json) -> float:
    """The record's time, 0 where it has none that can be read."""
    moment = fields.get("time")
    return float(moment) if isinstance(moment, (int, float)) else 0.0


def sources_end(directory: str, lane: Lane) -> Cursor:
    """The present sizes of output and inboxes: the cursor of one who has read everything."""
    inboxes = {host: size(path) for host, path in layout.inboxes(directory, lane).items()}
    try:
        output = size(layout.output(directory, lane))
    except OSError:
        output = 0
    return Cursor(output, inboxes)


class OutputTail:
    """Follows a lane's output from its beginning."""

    def __init__(self, directory: str, lane: Lane) -> None:
        self.offset = 0
        """Bytes handed out so far."""
        self._output = layout.output(directory, lane)
        self._index = layout.output_index(directory, lane)
        self._index_offset = 0
        self._entries: deque[tuple[int, float | None, str]] = deque()
        """(offset, time, stream) of the entries not yet passed, ascending; the first is the one in force."""

    def read(self, limit: int = _READ_BYTES) -> list[Chunk]:
        """The next chunks, `limit` bytes at most in all; empty when there is nothing new."""
        try:
            with open_read(self._output) as file:
                file.seek(self.offset)
                data = file.read(limit)
        except OSError:
            return []
        if not data:
            return []
        self._read_index(self.offset + len(data))  # after the bytes, so that their entries are there
        return list(self._split(data))

    def _read_index(self, end: int) -> None:
        """Take entries up to one at or behind the offset `end`, if it is there: of a long backlog no more are kept."""
        while not self._entries or self._entries[-1][0] < end:
            lines, self._index_offset = read_lines(self._index, self._index_offset, _INDEX_BYTES)
            if not lines:
                break
            for line in lines:
                fields = decode_line(line) or {}
                offset, stream = fields.get("offset"), fields.get("stream")
                if isinstance(offset, int) and isinstance(stream, str):
                    moment = None if fields.get("time", 0.0) is None else moment_of(fields)
                    self._entries.append((offset, moment, stream))

    def _split(self, data: bytes) -> Iterator[Chunk]:
        """The chunks of `data`, which begins at our offset, cut where index entries begin."""
        start = 0
        while start < len(data):
            while len(self._entries) > 1 and self._entries[1][0] <= self.offset:
                self._entries.popleft()
            _, moment, stream = self._entries[0] if self._entries else (0, 0.0, "both")
            following = self._entries[1][0] - self.offset if len(self._entries) > 1 else len(data)
            stop = min(start + following, len(data))
            yield Chunk(moment, stream, data[start:stop])
            self.offset += stop - start
            start = stop


def read_last_output(directory: str, lane: Lane, limit: int) -> list[Chunk]:
    """The last chunks of a lane's output, `limit` bytes in all, however much there is before."""
    try:
        with open_read(layout.output(directory, lane)) as file:
            end = os.fstat(file.fileno()).st_size
            start = max(end - limit, 0)
            file.seek(start)
            data = file.read(end - start)
    except OSError:
        return []
    entries = [(0, 0.0, "both")]
    for line in _last_lines(layout.output_index(directory, lane), limit):
        fields = decode_line(line) or {}
        if isinstance(fields.get("offset"), int) and isinstance(fields.get("stream"), str):
            entries.append((fields["offset"], moment_of(fields), fields["stream"]))
    places = [max(offset - start, 0) for offset, _, _ in entries] + [len(data)]
    chunks = (Chunk(entry[1], entry[2], data[a:b]) for entry, a, b in zip(entries, places, places[1:], strict=False))
    return [chunk for chunk in chunks if chunk.data]


def _all_lines(path: str) -> Iterator[bytes]:
    lines, offset = read_lines(path, 0)
    while lines:
        yield from lines
        lines, offset = read_lines(path, offset)
