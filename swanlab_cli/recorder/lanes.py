"""A run's lanes seen as one run: which of them speaks for it, how all of them ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ..records import End, Event, Header, Lane, MediaPoint, Point
from ..store import layout
from ..store.files import modified_ns
from ..store.reader import read_end
from ..store.state import ABORTED, CRASHED, FINISHED, LOST, RUNNING, derive_state, ended_state

LANE = "lane"
"""Type of the event that says who records a lane, where that is not what run.json says."""
OF_A_LANE = (
    *("host", "boot_id", "pid_namespace", "pid", "pid_started", "started_at", "command", "cwd", "slurm"),
    *("parse", "patterns", "step_key"),
)
# The worst last, but for one that runs, which says nothing of the end yet. Who is told to end because another has crashed is
# aborted; of a rank that was killed with its recorder nobody knows more than that.
_SEVERITY = (FINISHED, ABORTED, LOST, CRASHED, RUNNING)
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


class LaneState(NamedTuple):
    """What is known of one rank of the newest attempt."""

    lane: Lane
    header: Header
    """The run's, with what this lane says of who records it."""
    state: str
    end: End | None
    ended_at: float | None
    """By the clock of the file system, Unix seconds: those of hosts may be minutes apart."""


def header_of(header: Header, events: Iterable[Event]) -> Header:
    """The run's header, with what the lane with these events says of who records it, and what it began with."""
    for event in events:
        if event.type == LANE:
            known = {name: event.data[name] for name in OF_A_LANE if name in event.data}
            known.update((name, tuple(known[name])) for name in ("command", "patterns") if name in known)
            header = header._replace(**known)
    return header


def look_at_lanes(directory: str, header: Header, events: Mapping[Lane, Sequence[Event]]) -> list[LaneState]:
    """The state of each lane of the newest attempt, by rank; `events` of all lanes."""
    newest = max(lane.attempt for lane in events)
    return [_look_at(directory, header, lane, events[lane]) for lane in sorted(events) if lane.attempt == newest]


def _look_at(directory: str, header: Header, lane: Lane, events: Sequence[Event]) -> LaneState:
    own = header_of(header, events)
    end = read_end(directory, lane)
    state = derive_state(directory, own, end, lane)
    if end is None and state != RUNNING:
        end = read_end(directory, lane)  # it may have ended between our two looks
        state = ended_state(end) if end is not None else state
    return LaneState(lane, own, state, end, _modified(layout.end(directory, lane)) if end is not None else None)


def decisive(states: Sequence[LaneState]) -> LaneState:
    """The rank that speaks for the attempt: of those that failed worst the first to do so, else the lowest that runs or ended."""
    worst = max(states, key=lambda one: _SEVERITY.index(one.state)).state
    failed_at = {one.lane: 0.0 if worst in (FINISHED, RUNNING) else one.ended_at or 0.0 for one in states}
    return min((one for one in states if one.state == worst), key=lambda one: (failed_at[one.lane], one.lane.rank))


def run_end(states: Sequence[LaneState]) -> End | None:
    """How the attempt ended: as its decisive rank did, its duration the longest, the costs and bytes of all added up.

    None while a rank runs, and where nobody knows how the decisive one ended.
    """
    speaks = decisive(states)
    ends = [one.end for one in states if one.end is not None]
    if speaks.end is None or len(ends) == 1:
        return speaks.end
    cpu_s = [one.cpu_s for one in ends if one.cpu_s is not None]
    return speaks.end._replace(
        ended_at=max((one.ended_at for one in ends if one.ended_at is not None), default=None),
        duration_s=max((one.duration_s for one in ends if one.duration_s is not None), default=None),
        cpu_s=sum(cpu_s) if cpu_s else None,
        max_process_memory_bytes=max((one.max_process_memory_bytes or 0 for one in ends), default=0) or None,
        output_bytes=sum(one.output_bytes for one in ends),
        lost_bytes=sum(one.lost_bytes for one in ends),
    )


def _modified(path: str) -> float | None:
    try:
        return modified_ns(path) / 1e9
    except OSError:
        return None
