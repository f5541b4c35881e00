"""A run's lanes seen as one run: which of them speaks for it, how all of them ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ..records import End, Lane, MediaPoint, Point
from ..store.reader import read_end

PointType = TypeVar("PointType", Point, MediaPoint)


def primary_lane(lanes: Iterable[Lane]) -> Lane:
    """The newest attempt's rank 0, or its lowest rank."""
    return min(lanes, key=lambda lane: (-lane.attempt, lane.rank))


def of_primary(points: Iterable[PointType]) -> list[PointType]:
    """Of each metric the points of rank 0, or of the lowest rank that has it, in the newest attempt where that rank has it."""
    kept: dict[str, list[PointType]] = {}
    for point in points:
        series = kept.setdefault(point.metric, [])
        if series and _precedence(point) < _precedence(series[0]):
            series.clear()
        if not series or _precedence(point) == _precedence(series[0]):
            series.append(point)
    return [point for series in kept.values() for point in series]


def of_ranks(points: Sequence[PointType], ranks: frozenset[int] | None = None) -> list[PointType]:
    """The points of these ranks; of None, each metric's of rank 0, or of the lowest rank that has it. All attempts, in order."""
    lowest: dict[str, int] = {}
    for point in points:
        lowest[point.metric] = min(lowest.get(point.metric, point.rank), point.rank)
    return [point for point in points if (point.rank == lowest[point.metric] if ranks is None else point.rank in ranks)]


def _precedence(point: Point | MediaPoint) -> tuple[int, int]:
    return point.rank, -point.attempt


def run_end(directory: str, lanes: Sequence[Lane]) -> End | None:
    """How the run ended: as its primary lane did, when the last of that attempt's ranks did; their costs and bytes added up.

    None while the primary lane has no end.
    """
    primary = primary_lane(lanes)
    end = read_end(directory, primary)
    others = [read_end(directory, lane) for lane in lanes if lane.attempt == primary.attempt and lane != primary]
    if end is None or not others:
        return end
    ends = [end, *(other for other in others if other is not None)]
    cpu_s = [one.cpu_s for one in ends if one.cpu_s is not None]
    return end._replace(
        ended_at=max((one.ended_at for one in ends if one.ended_at is not None), default=None),
        duration_s=max((one.duration_s for one in ends if one.duration_s is not None), default=None),
        cpu_s=sum(cpu_s) if cpu_s else None,
        max_process_memory_bytes=max((one.max_process_memory_bytes or 0 for one in ends), default=0) or None,
        output_bytes=sum(one.output_bytes for one in ends),
        lost_bytes=sum(one.lost_bytes for one in ends),
    )
