"""A run read back as a whole: header, end, state, events, points; derived here where no scribe could write them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..records import End, Event, Header, Json, Lane, MediaPoint, Point, encode_value
from ..store.reader import DERIVED_TYPES, read_cursor, read_end, read_events, read_header, read_media, read_points, sources_end
from ..store.state import RUNNING, derive_state, describe_end, host_identity, process_started
from .derivation import without_shadowed
from .progress import latest_progress
from .sources import Sources

_LANE = Lane()
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
    derived: Derived | None = None
    """Points and media are read on demand where a scribe has written them."""


def open_run(directory: str, patient: bool = False) -> RunView:
    """The run in `directory`; a `patient` reader waits for a scribe that is about to finish.

    Raises:
        StoreError: it cannot be read.
    """
    header = read_header(directory)
    end = read_end(directory, _LANE)
    events = read_events(directory, _LANE)
    if patient and end is not None:
        events = _wait_for_scribe(directory, header, events)
    state = derive_state(directory, header, end)
    derived = None
    if state != RUNNING and not _is_complete(directory):
        derived, from_script = _derive(directory, header)
        events = [event for event in events if event.type not in DERIVED_TYPES] + from_script
    return RunView(directory, header, end, state, events, derived)


def _is_complete(directory: str) -> bool:
    """Whether a scribe has derived everything that is there now."""
    cursor = read_cursor(directory, _LANE)
    return cursor.is_final and cursor == sources_end(directory, _LANE)._replace(is_final=True)


def _wait_for_scribe(directory: str, header: Header, events: list[Event]) -> list[Event]:
    """The events once the scribe is through, at most a few seconds later."""
    deadline = time.monotonic() + _PATIENCE_S
    while _is_scribe_at_work(header, events) and time.monotonic() < deadline:
        time.sleep(_GLANCE_S)  # a file cannot be waited for
        events = read_events(directory, _LANE)
    return events


def _is_scribe_at_work(header: Header, events: Iterable[Event]) -> bool:
    scribe = None
    for event in events:
        if event.type == "complete":
            return False
        if event.type == "scribe":
            scribe = event.data
    if scribe is None or host_identity() != (header.host, header.boot_id, header.pid_namespace):
        return False
    return bool(process_started(scribe["pid"]) == scribe["pid_started"] != 0)


def points_of(view: RunView) -> list[Point]:
    """The run's points as users see them, by metric then step."""
    points = view.derived.points if view.derived is not None else read_points(view.directory, _LANE)[0]
    return sorted(without_shadowed(points), key=lambda point: (point.metric, point.step))


def media_of(view: RunView) -> list[MediaPoint]:
    """The run's media, by metric then step."""
    media = view.derived.media if view.derived is not None else read_media(view.directory, _LANE)
    return sorted(media, key=lambda point: (point.metric, point.step))


def _derive(directory: str, header: Header) -> tuple[Derived, list[Event]]:
    """All points and media, and all events that come from the script, once more from what was captured."""
    sources = Sources(directory, _LANE, header)
    derived = Derived([], [])
    events: list[Event] = []
    while True:
        progress = sources.read(_READ_BYTES)
        last = progress if progress.has_moved else sources.finish()
        derived.points.extend(last.points)
        derived.media.extend(last.media)
        events += last.events
        if not progress.has_moved:
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


def describe(view: RunView, points: Iterable[Point], media: Iterable[MediaPoint] = ()) -> Json:
    """The object that `swanlab show --json` prints: contract, section 4."""
    header, end = view.header, view.end
    given = _merge_script(view)
    environment = _environment(view.events)
    resources = [event.data for event in view.events if event.type == "resources"]
    peaks = [data["peak_memory_bytes"] for data in resources]
    if end and end.max_process_memory_bytes:
        peaks.append(end.max_process_memory_bytes)
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
        "duration_s": round(end.duration_s, 6) if end else None,
        "exit_code": end.exit_code if end else None,
        "signal": end.signal if end else None,
        "end_reason": describe_end(end) if end else None,
        "attempts": 1,
        "ranks": 1,
        "tags": given["tags"],
        "group": given["group"],
        "job_type": given["job_type"],
        "notes": given["notes"],
        "config": given["config"],
        "summary": summarise(points),
        "media": summarise_media(media),
        "definitions": _definitions(view.events),
        "cpu_s": end.cpu_s if end else None,
        "peak_memory_bytes": max(peaks, default=None),
        "output_bytes": end.output_bytes if end else None,
        "lost_bytes": end.lost_bytes if end else 0,
        "warnings": _warnings(view.events, environment),
        "progress": _progress(view),
        "dropped": {event.data["metric"]: event.data["count"] for event in view.events if event.type == "dropped"},
        "answers": [{"time": iso_time(event.time), **event.data} for event in view.events if event.type == "answer"],
        "environment": environment,
        "overhead": end.overhead if end else None,
        "directory": view.directory,
    }


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


def _environment(events: Iterable[Event]) -> Json:
    """The facts of all probes; those that failed under `failed`."""
    environment: Json = {}
    for event in events:
        if event.type == "environment":
            for name, facts in event.data.items():
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


def iso_time(moment: float) -> str:
    """Unix seconds as ISO 8601 in UTC with microseconds and `Z`."""
    seconds, microseconds = divmod(round(moment * 1_000_000), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{microseconds:06d}Z"
