"""From what was captured to points: output through the parser, inbox records as they are, steps assigned, duplicates dropped.

Pure: the scribe feeds it while a run lasts, a reader when no scribe could, `reparse` once more, with the same result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from ..parser import Found, Parser
from ..records import FIRST_LANE, Chunk, Header, Json, Lane, MediaPoint, Point
from ..store.reader import Series
from .steps import HIGHEST_STEP, Steps

API, OUTPUT = "api", "output"
_LONGEST_METRIC = 512
_MOST_TIMES = 1024


class _Stream:
    """A stream's parser, and when its lines were printed."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self._times: deque[tuple[int, float | None]] = deque(maxlen=_MOST_TIMES)
        """(first line, time) of the latest chunks, ascending."""

    def feed(self, moment: float | None, data: bytes) -> Iterator[tuple[Found, float | None]]:
        """What a chunk completes, with its time."""
        self._times.append((self.parser.line, moment))
        return self._timed(self.parser.feed(data))

    def finish(self) -> Iterator[tuple[Found, float | None]]:
        """What the last line holds, if it has no newline."""
        return self._timed(self.parser.finish())

    def _timed(self, found: Sequence[Found]) -> Iterator[tuple[Found, float | None]]:
        if not found:
            return
        first, moment = self._times[-1]
        for one in found:
            # A metric that is recognised late was printed in an earlier chunk.
            yield one, moment if one.line >= first else self._time_of(one.line)

    def _time_of(self, line: int) -> float | None:
        return next((moment for first, moment in reversed(self._times) if first <= line), self._times[0][1])


class Derivation:
    """The points of one lane, in the order in which its sources are fed."""

    def __init__(self, header: Header, lane: Lane = FIRST_LANE, first_steps: Mapping[Series, int] = MappingProxyType({})) -> None:
        """`first_steps`: where series begin that earlier attempts have begun; steps below may come again."""
        self.dropped: dict[str, int] = {}
        """How many points of a metric were refused because their step was taken."""
        self._new_parser: Callable[[], Parser] = lambda: Parser(header.parse, header.patterns, header.step_key)
        self._streams: dict[str, _Stream] = {}
        self._first_steps = first_steps
        self._series: dict[Series, Steps] = {}
        self._api_metrics: set[str] = set()
        self._lane = lane

    def feed_output(self, chunks: Iterable[Chunk]) -> list[Point]:
        """The points that these chunks complete."""
        points: list[Point] = []
        for moment, stream, data in chunks:
            followed = self._streams.get(stream) or self._streams.setdefault(stream, _Stream(self._new_parser()))
            points += self._take_found(followed.feed(moment, data))
        return points

    def feed_log(self, moment: float, values: dict[str, float], step: int | None, rank: int | None = None) -> list[Point]:
        """The points of one `log()` call, by a worker with a `rank` of its own or the lane's."""
        self._api_metrics.update(values)
        points = (self._take(metric, step, value, moment, API, rank) for metric, value in values.items())
        return [point for point in points if point is not None]

    def feed_media(
        self, moment: float, values: Mapping[str, Sequence[Json]], step: int | None, rank: int | None = None
    ) -> list[MediaPoint]:
        """The media of one `log()` call, as with `feed_log`."""
        lane = self._lane if rank is None else self._lane._replace(rank=rank)
        points = []
        for metric, items in values.items():
            taken = self._take_step(metric, step, API, lane.rank)
            if taken is not None:
                points.append(MediaPoint(metric, taken, tuple(items), moment, API, *lane))
        return points

    def finish(self) -> list[Point]:
        """The points of last lines without newline."""
        return [point for stream in self._streams.values() for point in self._take_found(stream.finish())]

    def _take_found(self, found: Iterable[tuple[Found, float | None]]) -> list[Point]:
        points = (
            self._take(key[:_LONGEST_METRIC], step, value, moment, OUTPUT)
            for (keys, values, step, _), moment in found
            for key, value in zip(keys, values, strict=True)
            if key not in self._api_metrics
        )
        return [point for point in points if point is not None]

    def _take(
        self, metric: str, step: int | None, value: float, moment: float | None, source: str, rank: int | None = None
    ) -> Point | None:
        """The point, unless its step is taken."""
        attempt, own_rank = self._lane
        if rank is None:
            rank = own_rank
        taken = self._take_step(metric, step, source, rank)
        return None if taken is None else Point(metric, taken, value, moment, source, attempt, rank)

    def _take_step(self, metric: str, step: int | None, source: str, rank: int) -> int | None:
        """The step of a series' next point, or None, counted, where that step is taken."""
        key = (metric, source, rank)
        steps = self._series.get(key) or self._series.setdefault(key, Steps(self._first_steps.get(key, 0)))
        if step is None or step > HIGHEST_STEP:
            step = steps.next
        if steps.add(step):
            return step
        self.dropped[metric] = self.dropped.get(metric, 0) + 1
        return None


def without_shadowed(points: Sequence[Point]) -> list[Point]:
    """Points as users see them: a metric that the script logs itself shows nothing that was read from the output."""
    logged = {point.metric for point in points if point.source == API}
    return [point for point in points if point.source != OUTPUT or point.metric not in logged]
