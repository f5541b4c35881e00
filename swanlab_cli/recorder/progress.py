"""A run's progress, from its output to `progress` events, few of them however much is printed; and what it is by now."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from ..parser.lines import last_repaint
from ..parser.nesting import ProgressTracker
from ..parser.progress import Progress, may_be_progress
from ..records import Chunk, Event, Json

KIND = "progress"
"""Type of the events."""
_LOOK_S = 1.0
# Of a flood only the end of each portion is looked at, and the last line that names an epoch, as inner bars do not tell it.
_END_BYTES, _PIECES, _PIECE_BYTES = 2048, 12, 512
_EPOCH = b"poch"
_MOST_QUEUED = 48


class _Rest(NamedTuple):
    """What a stream has printed behind its last separator."""

    moment: float
    data: bytes
    is_read: bool = False


class ProgressFollower:
    """Follows the bars in a lane's output."""

    def __init__(self) -> None:
        self._tracker = ProgressTracker()
        self._queue: list[tuple[float, bytes]] = []
        self._rests: dict[str, _Rest] = {}
        self._looked_at: float | None = None
        self._has_news = False
        self._records = _Sampler()

    def feed(self, chunks: Iterable[Chunk]) -> list[Event]:
        """The events that are due by the time of these chunks; what they show last is looked at when later ones come."""
        events: list[Event] = []
        for moment, stream, data in chunks:
            if moment is None:  # adopted output: how far it was when, nobody knows
                continue
            events += self.settle(moment)
            self._add(moment, stream, data)
            self._has_news = True
        return events

    def settle(self, now: float) -> list[Event]:
        """The event that is due at `now`, in Unix seconds, if no more output has come."""
        if self._looked_at is None:
            self._looked_at = now
        if not self._has_news or abs(now - self._looked_at) < _LOOK_S:
            return []
        self._looked_at = now
        self._look()
        return self._records.take(self._tracker.moment, self._tracker.standing())

    def finish(self) -> list[Event]:
        """The event of the last state, if it is not recorded yet."""
        self._look()
        return self._records.take(self._tracker.moment, self._tracker.standing(), is_last=True)

    def _add(self, moment: float, stream: str, data: bytes) -> None:
        """Put aside what may be progress, in the order in which all streams were written."""
        begun = self._rests.pop(stream, None)
        if len(data) > _END_BYTES:
            end = len(data) - _END_BYTES
            at = data.rfind(_EPOCH, 0, end)
            if at >= 0:
                self._put(moment, _line_around(data, at))
            pieces = _pieces(data[end:])[1:] or [b""]
        else:
            pieces = _pieces((begun.data if begun else b"") + data)
            if begun and len(pieces) > 1 and pieces[0] == begun.data:  # it has not been added to, only ended
                del pieces[0]
                if not begun.is_read:
                    self._put(begun.moment, begun.data)
        rest = pieces.pop()
        named = [piece for piece in pieces[:-_PIECES] if _EPOCH in piece][-1:]
        for piece in named + pieces[-_PIECES:]:
            self._put(moment, piece)
        if rest:
            self._rests[stream] = _Rest(moment, rest[: 2 * _PIECE_BYTES])

    def _put(self, moment: float, piece: bytes) -> None:
        piece = piece[:_PIECE_BYTES]
        if may_be_progress(piece):
            self._queue.append((moment, piece))
        if len(self._queue) > _MOST_QUEUED:
            half = _MOST_QUEUED // 2
            named = [one for one in self._queue[:half] if _EPOCH in one[1]]
            self._queue = named[-1:] + self._queue[half:]

    def _look(self) -> None:
        """Read what was put aside, and the lines that no newline has ended: bars mostly."""
        unread = [rest for rest in self._rests.values() if not rest.is_read]
        self._queue += [(rest.moment, rest.data[:_PIECE_BYTES]) for rest in unread if may_be_progress(rest.data)]
        self._rests = {stream: rest._replace(is_read=True) for stream, rest in self._rests.items()}
        self._queue.sort(key=itemgetter(0))  # of a step's bar and the epoch's line, each on a stream of its own
        for moment, piece in self._queue:
            self._tracker.read(last_repaint(piece), moment)
        self._queue.clear()
        self._has_news = False


class _Sampler:
    """Decides which states are recorded.

    They are a second apart, rising to a minute with the length of the run, and a hundredth of progress or 10 s, rising to
    5 minutes: a run of a month has at most some ten thousand, an ordinary one some hundred.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._at = 0.0
        self._recorded: Progress | None = None

    def take(self, moment: float, progress: Progress | None, is_last: bool = False) -> list[Event]:
        """The event of a state, or none."""
        if progress is None or progress == self._recorded:
            return []
        if self._first is None:
            self._first = moment
        elif not is_last and not self._is_due(moment, self._first, progress):
            return []
        self._at, self._recorded = moment, progress
        return [Event(moment, KIND, _data(progress))]

    def _is_due(self, moment: float, first: float, progress: Progress) -> bool:
        apart, before = moment - self._at, self._recorded
        lasted = max(moment - first, 0.0)
        if apart < min(max(lasted / 1000, 1.0), 60.0):
            return False
        if apart >= min(max(lasted / 100, 10.0), 300.0) or before is None or before.total != progress.total:
            return True
        return abs((progress.fraction or 0.0) - (before.fraction or 0.0)) >= 0.01


def _pieces(data: bytes) -> list[bytes]:
    """What stands between newlines and carriage returns; of what holds no progress, only what is behind the last."""
    if may_be_progress(data):
        return data.replace(b"\r", b"\n").split(b"\n")
    end = max(data.rfind(b"\n"), data.rfind(b"\r"))
    return [data] if end < 0 else [b"", data[end + 1 :]]


def _line_around(data: bytes, at: int) -> bytes:
    """The stretch between separators in which `at` lies, or the part of it that is near."""
    before = data[max(at - _PIECE_BYTES, 0) : at].replace(b"\r", b"\n")
    behind = data[at : at + _PIECE_BYTES].replace(b"\r", b"\n")
    return before.rpartition(b"\n")[2] + behind.partition(b"\n")[0]


def _data(progress: Progress) -> Json:
    """The event's data: numbers to six digits."""
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in progress._asdict().items()
    }


def latest_progress(events: Iterable[Event], now: float | None) -> Json | None:
    """What the last `progress` event says, with its `time` in Unix seconds, or None.

    Of a run that goes on, the time left is carried on to `now`; of one that has ended (None) nothing is left.
    """
    last = None
    for event in events:
        if event.type == KIND:
            last = event
    if last is None:
        return None
    left = last.data.get("eta_s")
    if left is not None:
        left = None if now is None else max(round(left - max(now - last.time, 0.0), 3), 0.0)
    return {**{name: last.data.get(name) for name in Progress._fields}, "eta_s": left, "time": last.time}
