"""A run read back as a whole: header, end, state, events, points; derived here where no scribe could write them."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, overload

from ..records import FIRST_LANE, End, Event, Header, Json, Lane, MediaPoint, Point, encode_value
from ..store import layout
from ..store.files import SUFFIX, is_packed
from ..store.reader import (
    DERIVED_TYPES,
    MONITOR,
    Cursor,
    read_cursor,
    read_events,
    read_facts,
    read_header,
    read_media,
    read_points,
    read_samples,
)
from ..store.state import FINISHED, LOST, RUNNING, describe_end, host_identity, last_written
from .claims import is_scribe_at_work
from .derivation import without_shadowed
from .ending import Divergence, Evidence, describe_ending, describe_loss, has_failed, last_output, recorded_ending
from .inquiry import KIND as SLURM
from .inquiry import ask_as_reader, slurm_facts, slurm_kind
from .lanes import LaneState, decisive, header_of, look_at_lanes, of_primary, run_end
from .monitor import merge_resources
from .options import with_last_options
from .overhead import merge_overhead
from .progress import latest_progress
from .sources import Sources, is_whole
from .stall import list_stalls

T = TypeVar("T")
_READ_BYTES = 1 << 20
_PATIENCE_S = 5.0
_GLANCE_S = 0.02


class Derived(NamedTuple):
    """What had to be derived here because no scribe could write it."""

    points: list[Point]
    media: list[MediaPoint]


class RunView(NamedTuple):
    """Everything known of a run, except its output."""

    directory: str
    header: Header
    end: End | None
    state: str
    events: list[Event]
    """Of all lanes, those of the newest attempt's rank 0 last: of what can be said once, the last word counts."""
    derived: Mapping[Lane, Derived] | None = None
    """By lane; points and media are read on demand where a scribe has written them, so None is the rule."""
    lanes: tuple[Lane, ...] = (FIRST_LANE,)
    """Ascending."""
    states: tuple[LaneState, ...] = ()
    """Of the newest attempt's ranks, ascending."""
    of_ranks: Mapping[Lane, Sequence[Event]] = {}
    """The events of each of these."""

    @property
    def running(self) -> frozenset[Lane]:
        """The lanes that are being recorded."""
        return _running(self.states)


def open_run(directory: str, patient: bool = False, ask_slurm: bool = False) -> RunView:
    """The run in `directory`; a `patient` reader waits for a scribe that is about to finish.

    With `ask_slurm`, Slurm is asked about a run of its jobs whose record does not say why it ended or whether it has.

    Raises:
        StoreError: it cannot be read.
    """
    header = read_header(directory)
    lanes = tuple(layout.lanes(directory))
    events = events_of(directory, lanes)
    states = look_at_lanes(directory, header, events)
    if patient and decisive(states).state != RUNNING:
        events = wait_for_scribes(directory, header, lanes)
    if ask_slurm:
        states = _ask_slurm(states, events)
    derived = {}
    running = _running(states)
    for lane in lanes:
        if lane not in running and not is_whole(directory, lane, read_cursor(directory, lane)):
            options = with_last_options(header_of(header, events[lane]), events[lanes[0]])
            derived[lane], from_script = _derive(directory, lane, options)
            events[lane] = [event for event in events[lane] if event.type not in DERIVED_TYPES] + from_script
    by_weight = sorted(lanes, key=lambda lane: (lane.attempt, -lane.rank))
    return RunView(
        directory=directory,
        header=with_last_options(header, events[lanes[0]]),
        end=run_end(states),
        state=decisive(states).state,
        events=[event for lane in by_weight for event in events[lane]],
        derived=derived or None,
        lanes=lanes,
        states=tuple(states),
        of_ranks={one.lane: events[one.lane] for one in states},
    )


def _running(states: Iterable[LaneState]) -> frozenset[Lane]:
    return frozenset(one.lane for one in states if one.state == RUNNING)


def _ask_slurm(states: list[LaneState], events: dict[Lane, list[Event]]) -> list[LaneState]:
    """The states after Slurm was asked about the job, where the record leaves it open; the answer is added to the events."""
    speaks = decisive(states)
    own = speaks.header
    if own.slurm is None:
        return states
    is_alive = speaks.state == RUNNING and host_identity() == (own.host, own.boot_id, own.pid_namespace)
    said = ask_as_reader(own, speaks.end, is_alive, events[speaks.lane])
    if said is None:
        return states
    if said["is_over"]:
        states = [one._replace(state=LOST) if one.end is None else one for one in states]
    told = decisive(states).lane
    events[told] = [*events[told], Event(time.time(), SLURM, said)]
    return states


def events_of(directory: str, lanes: Iterable[Lane]) -> dict[Lane, list[Event]]:
    """The events of each lane."""
    return {lane: read_events(directory, lane) for lane in lanes}


def wait_for_scribes(directory: str, header: Header, lanes: Iterable[Lane]) -> dict[Lane, list[Event]]:
    """The events of each lane once all scribes are through with the run, which has ended; at most a few seconds later."""
    deadline = time.monotonic() + _PATIENCE_S
    events = events_of(directory, lanes)
    while any(is_scribe_at_work(header, events[lane]) for lane in events) and time.monotonic() < deadline:
        time.sleep(_GLANCE_S)  # a file cannot be waited for
        events = events_of(directory, events)
    return events


def points_of(view: RunView) -> list[Point]:
    """The run's points as users see them, by metric, step, attempt and rank."""
    points = [point for lane in view.lanes for point in _points(view, lane)]
    samples = [point for lane in view.lanes for point in read_samples(view.directory, lane)]
    return sorted([*without_shadowed(points), *samples], key=_order)


def media_of(view: RunView) -> list[MediaPoint]:
    """The run's media, by metric, step, attempt and rank."""
    return sorted((point for lane in view.lanes for point in _media(view, lane)), key=_order)


def _order(point: Point | MediaPoint) -> tuple[str, int, int, int]:
    return point.metric, point.step, point.attempt, point.rank


def _points(view: RunView, lane: Lane) -> list[Point]:
    return _of_lane(view, lane, read_points, attrgetter("points"))


def _media(view: RunView, lane: Lane) -> list[MediaPoint]:
    return _of_lane(view, lane, read_media, attrgetter("media"))


def _of_lane(
    view: RunView, lane: Lane, read: Callable[[str, Lane], tuple[list[T], Cursor]], pick: Callable[[Derived], list[T]]
) -> list[T]:
    if view.derived is not None and lane in view.derived:
        return pick(view.derived[lane])
    records, cursor = read(view.directory, lane)
    # A `reparse` may have begun since the run was opened: what it has not finished must not be shown by halves.
    if lane in view.running or is_whole(view.directory, lane, cursor):
        return records
    return pick(_derive(view.directory, lane, view.header)[0])


def _derive(directory: str, lane: Lane, header: Header) -> tuple[Derived, list[Event]]:
    """All points and media, and all events that come from the script, once more from what was captured."""
    sources = Sources(directory, lane, header)
    derived = Derived([], [])
    events: list[Event] = []
    for progress in sources.read_all(_READ_BYTES):
        derived.points.extend(progress.points)
        derived.media.extend(progress.media)
        events += progress.events
    return derived, events


def summarise(points: Iterable[Point]) -> dict[str, Json]:
    """Per metric `last`, `min`, `max`, `count` and `last_step`; `points` by metric, then step.

    Minimum and maximum are of the finite values, None where there are none.
    """
    summary: dict[str, Json] = {}
    for point in points:
        entry = summary.setdefault(point.metric, {"last": None, "min": None, "max": None, "count": 0, "last_step": 0})
        entry["last"], entry["last_step"] = encode_value(point.value), point.step
        entry["count"] += 1
        if math.isfinite(point.value):
            entry["min"] = point.value if entry["min"] is None else min(entry["min"], point.value)
            entry["max"] = point.value if entry["max"] is None else max(entry["max"], point.value)
    return summary


def summarise_media(media: Iterable[MediaPoint]) -> dict[str, Json]:
    """Per metric `type`, `count` of items, `last_step` and that step's `last` items; `media` by metric, then step."""
    summary: dict[str, Json] = {}
    for point in media:
        count = summary.get(point.metric, {"count": 0})["count"] + len(point.items)
        kind = point.items[-1].get("type")
        summary[point.metric] = {"type": kind, "count": count, "last_step": point.step, "last": list(point.items)}
    return summary


def describe(view: RunView, points: Sequence[Point], media: Iterable[MediaPoint] = ()) -> Json:
    """The object that `swanlab show --json` prints: contract, section 4."""
    header, end = view.header, view.end
    given = _merge_script(view)
    environment = _environment(view)
    resources = merge_resources(view.events, end)
    ending = _ending(view, points)
    return {
        "id": header.id,
        "project": given["project"],
        "name": given["name"],
        "state": view.state,
        "command": list(header.command),
        "cwd": header.cwd,
        "user": header.user,
        "host": header.host,
        "started_at": iso_time(header.started_at),
        "finished_at": iso_time(end.ended_at) if end else None,
        "duration_s": round(end.duration_s, 6) if end and end.duration_s is not None else None,
        "exit_code": end.exit_code if end else None,
        "signal": end.signal if end else None,
        "end_reason": ending["reason"] if ending else None,
        "ending": ending,
        "attempts": len({lane.attempt for lane in view.lanes}),
        "ranks": len({lane.rank for lane in view.lanes}),
        "by_rank": _rank_states(view, points),
        "tags": given["tags"],
        "group": given["group"],
        "job_type": given["job_type"],
        "notes": given["notes"],
        "config": given["config"],
        "summary": summarise(of_primary(points)),
        "media": summarise_media(of_primary(media)),
        "definitions": _definitions(view.events),
        "cpu_s": end.cpu_s if end else None,
        "peak_memory_bytes": resources["peak_memory_bytes"],
        "resources": resources,
        "output_bytes": end.output_bytes if end else None,
        "lost_bytes": end.lost_bytes if end else 0,
        "warnings": _warnings(view.events, environment),
        "progress": _progress(view),
        "stalls": [{**stall, "since": iso_time(stall["since"])} for stall in list_stalls(view.events)],
        "dropped": _dropped(view.events),
        "answers": [{"time": iso_time(event.time), **event.data} for event in view.events if event.type == "answer"],
        "parse": {"mode": header.parse, "patterns": list(header.patterns), "step_key": header.step_key},
        "imported": _imported(view),
        "environment": environment,
        "overhead": merge_overhead(end.overhead if end else None, view.events),
        "directory": view.directory + SUFFIX if is_packed(view.directory) else view.directory,
    }


def _ending(view: RunView, points: Iterable[Point]) -> Json | None:
    """Why the run ended: as a scribe wrote it, or else as far as it can be told now; None while it runs.

    Of several ranks that of the decisive one, with its number as `rank`.
    """
    if view.state == RUNNING:
        return None
    speaks = decisive(view.states)
    ending = _ending_of(view, speaks, [point for point in points if point.rank == speaks.lane.rank])
    if len(view.states) == 1:
        return ending
    where = "" if view.state == FINISHED else f"rank {speaks.lane.rank} on {speaks.header.host}: "
    return {**ending, "reason": f"{where}{ending['reason']}", "rank": speaks.lane.rank}


def _ending_of(view: RunView, one: LaneState, points: Iterable[Point]) -> Json:
    """Why a lane ended."""
    events = view.of_ranks[one.lane]
    recorded, slurm = recorded_ending(events), slurm_facts(events)
    if recorded is not None and (slurm_kind(slurm) is None or slurm_kind(recorded.get("slurm")) is not None):
        return recorded
    divergence = Divergence()
    divergence.feed(points)
    # All of a log directory may be listed: the output is read only where it may say why.
    output = last_output(view.directory, one.lane) if one.end is None or has_failed(one.end) else ""
    evidence = Evidence(output, divergence.found(), slurm, recorded["memory"] if recorded else None)
    if one.end is None:
        return describe_loss(one.header.host, last_written(view.directory, one.lane), evidence)
    return describe_ending(one.end, evidence)


def _rank_states(view: RunView, points: Iterable[Point]) -> list[Json]:
    """What is known of each rank of the newest attempt; empty where there is but one."""
    if len(view.states) == 1:
        return []
    last_steps: Counter[int] = Counter()
    for point in points:
        if point.source != MONITOR and point.attempt == view.states[0].lane.attempt:
            last_steps[point.rank] = max(last_steps[point.rank], point.step)
    return [
        {
            "rank": one.lane.rank,
            "host": one.header.host,
            "state": one.state,
            "exit_code": one.end.exit_code if one.end else None,
            "signal": one.end.signal if one.end else None,
            "end_reason": describe_end(one.end) if one.end else None,
            "started_at": iso_time(one.header.started_at),
            "duration_s": one.end.duration_s if one.end else None,
            "last_step": last_steps.get(one.lane.rank),
        }
        for one in view.states
    ]


def _progress(view: RunView) -> Json | None:
    """How far the run says that it is: by now, while it runs."""
    progress = latest_progress(view.events, time.time() if view.state == RUNNING else None)
    return progress and {**progress, "time": iso_time(progress["time"])}


def _definitions(events: Iterable[Event]) -> dict[str, Json]:
    """How the script wants the charts of its metrics, by metric; the last word counts."""
    given = (event.data for event in events if event.type == "define" and isinstance(event.data.get("key"), str))
    return {data["key"]: {name: data[name] for name in data if name != "key"} for data in given}


def _warnings(events: Iterable[Event], environment: Json) -> list[str]:
    """What the recorder and the script's process warned of, and that metrics may be missing."""
    texts = [event.data.get("text", "") for event in events if event.type.endswith("warning")]
    not_injected = environment.get("python", {}).get("not_injected")
    return [*texts, not_injected] if not_injected else texts


def _environment(view: RunView) -> Json:
    """The facts of all probes; those that failed under `failed`. Older runs have them among their events."""
    environment: Json = {}
    records = [event.data for event in view.events if event.type == "environment"]
    # Of several hosts that of the newest attempt's rank 0 is the run's.
    lanes = sorted(view.lanes, key=lambda lane: (lane.attempt, -lane.rank))
    for record in (*records, *(facts for lane in lanes for facts in read_facts(view.directory, lane))):
        for name, facts in record.items():
            if name == "failed":
                environment.setdefault("failed", []).append(facts)
            else:
                environment[name] = facts
    return environment


def _merge_script(view: RunView) -> Mapping[str, Any]:
    """What the user gave, joined with what the script's `init()` and config gave."""
    header = view.header
    merged: Json = {name: getattr(header, name) for name in ("project", "name", "notes", "group", "job_type")}
    merged["tags"], merged["config"] = list(header.tags), dict(header.config)
    for event in view.events:
        if event.type == "init":
            merged.update(
                {
                    name: event.data[name]
                    for name in ("project", "name", "notes", "group", "job_type")
                    if event.data.get(name) and name not in header.chosen
                }
            )
            for tag in event.data.get("tags") or ():
                if tag not in merged["tags"]:
                    merged["tags"].append(tag)
            config = event.data.get("config") or {}
            # Flags win over what a script proposes; what it sets later, it has set knowingly.
            merged["config"].update({key: config[key] for key in config if key not in header.config})
        elif event.type == "config":
            merged["config"].update(event.data.get("data") or {})
            for key in event.data.get("removed") or ():
                merged["config"].pop(key, None)
    return merged


def _imported(view: RunView) -> Json | None:
    """When a run was imported, and from which files; None of a run that was recorded."""
    if view.header.imported_at is None:
        return None
    files = [file for event in view.events if event.type == "import" for file in event.data.get("files", ())]
    return {"at": iso_time(view.header.imported_at), "files": files}


def _dropped(events: Iterable[Event]) -> dict[str, int]:
    """Points refused because their step was taken, by metric, in all lanes together."""
    counts: Counter[str] = Counter()
    for event in events:
        if event.type == "dropped":
            counts[event.data["metric"]] += event.data["count"]
    return dict(counts)


@overload
def iso_time(moment: float) -> str: ...
@overload
def iso_time(moment: float | None) -> str | None: ...
def iso_time(moment: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC with microseconds and `Z`; None of None."""
    if moment is None:
        return None
    seconds, microseconds = divmod(round(moment * 1_000_000), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{microseconds:06d}Z"
