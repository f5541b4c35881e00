"""A lane's two sources, output and inboxes, followed together and turned into points and events."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..records import Event, Header, Lane, MediaPoint, Point
from ..store import layout
from ..store.inbox import InboxRecord, InboxTail
from ..store.reader import Cursor, OutputTail, Series, next_steps, note_step, sources_end
from ..store.writer import RecordWriter
from .derivation import Derivation
from .progress import ProgressFollower

# Inbox record types that become events, and their names there: a warning of ours is not voided by a reset.
_HANDED_ON = {name: name for name in ("init", "config", "define", "finish", "answer")} | {"warning": "script_warning"}

_READ_BYTES = 1 << 20


class Progress(NamedTuple):
    """What one look at the sources gave."""

    points: list[Point]
    media: list[MediaPoint]
    events: list[Event]
    cursor: Cursor
    has_moved: bool
    """Whether there was anything new."""


def write_progress(writer: RecordWriter, progress: Progress) -> None:
    """Append it to the lane's records.

    Raises:
        OSError: it cannot be written.
    """
    for event in progress.events:
        writer.append_event(event)
    if progress.has_moved:
        writer.append_points(progress.points, progress.cursor._asdict(), progress.media)


class Sources:
    """Follows a lane from its beginning."""

    def __init__(self, directory: str, lane: Lane, header: Header, first_steps: Mapping[Series, int] | None = None) -> None:
        """`first_steps`: where series begin; None: where earlier attempts of the rank have ended."""
        first_steps = _first_steps(directory, lane, header) if first_steps is None else first_steps
        self.derivation = Derivation(header, lane, first_steps)
        self._directory = directory
        self._lane = lane
        self._output = OutputTail(directory, lane)
        self._inboxes: dict[str, InboxTail] = {}
        self._bars = ProgressFollower()

    def read(self, limit: int) -> Progress:
        """What is new, at most about `limit` bytes of output and of each inbox."""
        before = self.cursor()
        progress = Progress([], [], [], before, False)
        # The API first: a metric that it logs is not taken from output that was printed at the same moment.
        for host, path in layout.inboxes(self._directory, self._lane).items():
            tail = self._inboxes.get(host) or self._inboxes.setdefault(host, InboxTail(path))
            for record in tail.read():
                self._take_record(record, progress)
        chunks = self._output.read(limit)
        progress.points.extend(self.derivation.feed_output(chunks))
        progress.events.extend(self._bars.feed(chunks))
        cursor = self.cursor()
        return progress._replace(cursor=cursor, has_moved=cursor != before)

    def read_all(self, limit: int) -> Iterator[Progress]:
        """All there is, `limit` bytes at a time, and in the end what `finish` gives: for a lane that nobody writes any more."""
        while True:
            progress = self.read(limit)
            if not progress.has_moved:
                yield self.finish()
                return
            yield progress

    def finish(self) -> Progress:
        """What last lines without newline gave, and what was dropped in all."""
        points = self.derivation.finish()
        now = time.time()
        dropped = self.derivation.dropped.items()
        events = [Event(now, "dropped", {"metric": metric, "count": count}) for metric, count in dropped]
        return Progress(points, [], [*self._bars.finish(), *events], self.cursor()._replace(is_final=True), True)

    def settle(self) -> list[Event]:
        """What is due while nothing new comes: where the last bar stands."""
        return self._bars.settle(time.time())

    def cursor(self) -> Cursor:
        """Up to where the sources have been read."""
        inbox = {host: tail.offset for host, tail in self._inboxes.items()}
        return Cursor(self._output.offset, inbox)

    def _take_record(self, record: InboxRecord, progress: Progress) -> None:
        if record.type in ("log", "media"):
            step, values = record.fields.get("step"), record.fields["values"]
            usable = int(step) if isinstance(step, int) and step >= 0 else None
            rank = record.fields.get("rank")
            of_worker = rank if isinstance(rank, int) and rank >= 0 else None
            if record.type == "log":
                progress.points.extend(self.derivation.feed_log(record.time, values, usable, of_worker))
            else:
                progress.media.extend(self.derivation.feed_media(record.time, values, usable, of_worker))
        elif record.type in _HANDED_ON:
            data = {name: value for name, value in record.fields.items() if name not in ("time", "type", "pid", "rank")}
            progress.events.append(Event(record.time, _HANDED_ON[record.type], data))


def is_whole(directory: str, lane: Lane, cursor: Cursor) -> bool:
    """Whether the cursor is that of a scribe that has derived everything that is there now."""
    return cursor.is_final and cursor == sources_end(directory, lane)._replace(is_final=True)


def _first_steps(directory: str, lane: Lane, header: Header) -> dict[Series, int]:
    """The highest step + 1 of each series in the attempts before, derived where no scribe could write them."""
    steps: dict[Series, int] = {}
    for attempt in range(lane.attempt):
        earlier = Lane(attempt, lane.rank)
        reached, cursor = next_steps(directory, earlier)
        if not is_whole(directory, earlier, cursor):
            reached = {}
            for progress in Sources(directory, earlier, header, dict(steps)).read_all(_READ_BYTES):
                for point in progress.points:
                    note_step(reached, point)
                for item in progress.media:
                    note_step(reached, item)
        steps.update({series: max(steps.get(series, 0), step) for series, step in reached.items()})
    return steps
