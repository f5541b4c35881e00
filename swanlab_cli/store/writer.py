"""Writing a run directory: create it, append output and records, end it. Files are only appended to or renamed into place."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import StoreError
from ..records import FORMAT_VERSION, End, Event, Header, Json, Lane, MediaPoint, Point, encode_line, encode_value
from . import layout

_INDEX_RESOLUTION_S = 0.010


def create_run(logdir: str, header: Header) -> str:
    """Make the run's directory with its header: the absolute path.

    Raises:
        StoreError: the log directory cannot be written, or the run exists.
    """
    name = layout.directory_name(header.id, header.started_at or time.time())
    directory = os.path.join(os.path.abspath(logdir), name)
    try:
        create_logdir(os.path.dirname(directory))
        os.mkdir(directory)
        _write_first_file(directory, header)
    except OSError as error:
        raise cannot_write(f"create a run in '{logdir}'", error) from error
    return directory


def cannot_write(what: str, error: OSError) -> StoreError:
    """What to raise where a log directory cannot be used for `what`."""
    return StoreError(f"cannot {what}: {error.strerror}", "choose another place with --logdir")


def _write_first_file(directory: str, header: Header) -> None:
    """Write the header; a run that cannot even have that leaves nothing behind."""
    try:
        write_header(directory, header)
    except OSError:
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        os.rmdir(directory)
        raise


def write_header(directory: str, header: Header) -> None:
    """Write `run.json`.

    Raises:
        OSError: it cannot be written.
    """
    write_once(os.path.join(directory, layout.HEADER), header_fields(header))


def header_fields(header: Header) -> Json:
    """What `run.json` holds: not what only runs of a special kind have."""
    fields, defaults = header._asdict(), Header._field_defaults
    special = {name for name in defaults if fields[name] == defaults[name]}
    return {"format": FORMAT_VERSION, **{name: value for name, value in fields.items() if name not in special}}


def create_logdir(logdir: str) -> None:
    """The log directory, which keeps itself out of the user's git status as SwanLab's does."""
    if os.path.isdir(logdir):
        return
    os.makedirs(logdir, exist_ok=True)
    try:
        with open(os.path.join(logdir, ".gitignore"), "x") as gitignore:
            gitignore.write("*\n")
    except FileExistsError:
        pass


def append_to_inbox(directory: str, lane: Lane, kind: str, fields: Mapping[str, Any]) -> None:
    """Add a record to this host's inbox, as the shim does: one write, framed by newlines.

    Raises:
        OSError: it cannot be written.
    """
    record = {"time": time.time(), "pid": os.getpid(), "type": kind, **fields}
    inbox = _open_for_append(layout.inbox(directory, lane, os.uname().nodename))
    try:
        os.write(inbox, b"\n" + encode_line(record))
    finally:
        os.close(inbox)


def append_event(directory: str, lane: Lane, event: Event) -> None:
    """Add an event to a lane that nobody else writes at the moment.

    Raises:
        OSError: it cannot be written.
    """
    events = _open_for_append(layout.events(directory, lane))
    try:
        _write_all(events, encode_line(event._asdict()))
    finally:
        os.close(events)


def write_end(directory: str, lane: Lane, end: End) -> None:
    """Record how the lane ended.

    Raises:
        OSError: it cannot be written.
    """
    write_once(layout.end(directory, lane), end._asdict())


def write_once(path: str, fields: Mapping[str, Any]) -> None:
    """A whole file that is there complete or not at all."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "x") as file:
        json.dump(fields, file, indent=1, allow_nan=False)
        file.write("\n")
    os.rename(temporary, path)


class OutputWriter:
    """Appends the child's output and its index; a failure is kept for the end, never raised."""

    def __init__(self, directory: str, lane: Lane) -> None:
        self.lost_bytes = self.lost_records = 0
        """What could not be recorded; a record is what one call of `append` gave."""
        self.failure: OSError | None = None
        """Why output could not be recorded, the first time."""
        self._output = _open_for_append(layout.output(directory, lane))
        self._index = _open_for_append(layout.output_index(directory, lane))
        self.resume()

    def resume(self) -> None:
        """Take over at the end of the files: at first, or from a process that was killed."""
        self.offset = os.fstat(self._output).st_size
        self._stream = ""
        self._indexed_at = 0.0
        self._is_index_torn = not _ends_whole(self._index)

    def descriptors(self) -> tuple[int, int]:
        """What a forked process must keep open to go on."""
        return self._output, self._index

    def append(self, stream: str, data: memoryview | bytes) -> None:
        """Record what one stream wrote."""
        now = time.time()
        try:
            # The index first: bytes without an entry would be taken for the stream before.
            if stream != self._stream or now - self._indexed_at >= _INDEX_RESOLUTION_S:
                self._append_entry(stream, now)
            written = os.write(self._output, data)
            self.offset += written
            if written < len(data):  # a disk that fills up takes a part first and says why at the next write
                self.append(stream, data[written:])
        except OSError as error:
            self.failure = self.failure or error
            self.lost_bytes += len(data)
            self.lost_records += 1
            self._stream = ""

    def finish(self, stream: str) -> None:
        """Nothing is held back here."""

    def _append_entry(self, stream: str, now: float) -> None:
        """Note whose bytes follow; behind an entry that a full disk or SIGKILL has torn, on a line of its own."""
        separator = "\n" if self._is_index_torn else ""
        entry = f'{separator}{{"time":{now:.6f},"stream":"{stream}","offset":{self.offset}}}\n'.encode()
        self._is_index_torn = True
        if os.write(self._index, entry) == len(entry):
            self._is_index_torn = False
            self._stream, self._indexed_at = stream, now


class RecordWriter:
    """Appends a lane's points and events."""

    def __init__(self, directory: str, lane: Lane, redact: Callable[[Any], Any] = lambda data: data) -> None:
        """The data of events pass through `redact`; facts have been through it in the process that has found them."""
        self._redact = redact
        self._metrics = _open_for_append(layout.metrics(directory, lane))
        self._events = _open_for_append(layout.events(directory, lane))
        self._directory, self._lane = directory, lane
        for descriptor in (self._metrics, self._events):
            if not _ends_whole(descriptor):  # the scribe before was killed in the middle of a line
                _write_all(descriptor, b"\n")

    def reset(self) -> None:
        """Void every point and every derived event above: they are derived once more.

        Raises:
            OSError: it cannot be written, as with the other methods.
        """
        _write_all(self._metrics, b'{"reset":true}\n')
        _write_all(self._events, b'{"type":"reset"}\n')

    def append_points(self, points: Iterable[Point], cursor: Mapping[str, Any], media: Iterable[MediaPoint] = ()) -> None:
        """Record points, and up to where in its sources they are all there is: `{"output": ..., "inbox": {HOST: ...}}`."""
        names: dict[str, str] = {}
        lines = []
        own_rank = self._lane.rank
        for metric, step, value, moment, source, _, rank in points:
            name = names.get(metric) or names.setdefault(metric, json.dumps(metric))
            number = repr(value) if math.isfinite(value) else f'"{encode_value(value)}"'
            when = "null" if moment is None else f"{moment:.6f}"
            whose = "" if rank == own_rank else f',"rank":{rank}'
            lines.append(f'{{"metric":{name},"step":{step},"value":{number},"time":{when},"source":"{source}"{whose}}}\n')
        shown = (_media_line(point, own_rank) for point in media)
        _write_all(self._metrics, "".join(lines).encode() + b"".join(shown) + encode_line({"cursor": cursor}))

    def append_event(self, event: Event) -> None:
        """Record an event."""
        _write_all(self._events, encode_line(event._replace(data=self._redact(event.data))._asdict()))

    def append_facts(self, moment: float, facts: Mapping[str, Any]) -> None:
        """Record what was found out about the environment at `moment`, Unix seconds: facts by the name of their probe."""
        self._append_rarely(layout.environment(self._directory, self._lane), {"time": moment, "facts": facts})

    def append_sample(self, moment: float, step: int, values: Mapping[str, float]) -> None:
        """Record one sample: finite values by metric."""
        fields = {"time": round(moment, 6), "step": step, "values": values}
        self._append_rarely(layout.samples(self._directory, self._lane), fields)

    def _append_rarely(self, path: str, fields: Mapping[str, Any]) -> None:
        """Add a line to a file that is not there before its first line, and need not be held open."""
        descriptor = _open_for_append(path)
        try:
            _write_all(descriptor, (b"" if _ends_whole(descriptor) else b"\n") + encode_line(fields))
        finally:
            os.close(descriptor)

    def touch(self) -> None:
        """Show that the run is looked after: a reader on another host sees only files and their times."""
        os.utime(self._events)

    def close(self) -> None:
        """Write no more."""
        os.close(self._metrics)
        os.close(self._events)


def _media_line(point: MediaPoint, own_rank: int) -> bytes:
    whose = {} if point.rank == own_rank else {"rank": point.rank}
    fields = {"metric": point.metric, "step": point.step, "media": point.items}
    return encode_line({**fields, "time": round(point.time, 6), "source": point.source, **whose})


def _open_for_append(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)


def _ends_whole(descriptor: int) -> bool:
    """Whether a file of lines is empty or ends with a newline."""
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
