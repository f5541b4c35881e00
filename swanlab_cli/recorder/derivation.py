"""From what was captured to points: output through the parser, inbox records as they are, steps assigned, duplicates dropped.

Pure: the scribe feeds it while a run lasts, a reader when no scribe could, `reparse` once more, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..parser import Found, Parser
from ..records import FIRST_LANE, Chunk, Header, Json, Lane, MediaPoint, Point
from .steps import HIGHEST_STEP, Steps

API, OUTPUT = "api", "output"
_LONGEST_METRIC = 512


class Derivation:
    """The points of one lane, in the order in which its sources are fed."""

    def __init__(self, header: Header, lane: Lane = FIRST_LANE) -> None:
        self.dropped: dict[str, int] = {}
        """How many points of a metric were refused because their step was taken."""
        self._new_parser: Callable[[], Parser] = lambda: Parser(header.parse, header.patterns, header.step_key)
        self._parsers: dict[str, Parser] = {}
        self._series: dict[tuple[str, str], Steps] = {}
        self._api_metrics: set[str] = set()
        self._last_time: dict[str, float | None] = {}
        self._lane = lane

    def feed_output(self, chunks: Iterable[Chunk]) -> list[Point]:
        """The points that these chunks complete."""
        points: list[Point] = []
        for moment, stream, data in chunks:
            parser = self._parsers.get(stream) or self._parsers.setdefault(stream, self._new_parser())
            points += self._take_found(parser.feed(data), moment)
            self._last_time[stream] = moment
        return points

    def feed_log(self, moment: float, values: dict[str, float], step: int | None) -> list[Point]:
        """The points of one `log()` call."""
        self._api_metrics.update(values)
        points = (self._take(metric, step, value, moment, API) for metric, value in values.items())
        return [point for point in points if point is not None]

    def feed_media(self, moment: float, values: Mapping[str, Sequence[Json]], step: int | None) -> list[MediaPoint]:
        """The media of one `log()` call."""
        points = []
        for metric, items in values.items():
            taken = self._take_step(metric, step, API)
            if taken is not None:
                points.append(MediaPoint(metric, taken, tuple(items), moment, API, *self._lane))
        return points

    def finish(self) -> list[Point]:
        """The points of last lines without newline."""
        return [
            point
            for stream, parser in self._parsers.items()
            for point in self._take_found(parser.finish(), self._last_time[stream])
        ]

    def _take_found(self, found: Sequence[Found], moment: float | None) -> list[Point]:
        points = (
            self._take(key[:_LONGEST_METRIC], step, value, moment, OUTPUT)
            for keys, values, step, _ in found
            for key, value in zip(keys, values, strict=True)
            if key not in self._api_metrics
        )
        return [point for point in points if point is not None]

    def _take(self, metric: str, step: int | None, value: float, moment: float | None, source: str) -> Point | None:
        """The point, unless its step is taken."""
        taken = self._take_step(metric, step, source)
        return None if taken is None else Point(metric, taken, value, moment, source, *self._lane)

    def _take_step(self, metric: str, step: int | None, source: str) -> int | None:
        """The step of a series' next point, or None, counted, where that step is taken."""
        key = (metric, source)
        steps = self._series.get(key) or self._series.setdefault(key, Steps())
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
