"""The records of a run directory and their JSON form. ARCHITECTURE.md, "The run directory", is the specification."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

# 1 (0.1.0): the first.
FORMAT_VERSION = 1

Json = dict[str, Any]
"""One decoded JSON object of a file of ours or of the shim's; only the functions that decode a file hand it on."""


class Lane(NamedTuple):
    """One attempt of one rank: what has an output of its own."""

    attempt: int = 0
    rank: int = 0


FIRST_LANE = Lane()


class Point(NamedTuple):
    """One value of a metric."""

    metric: str
    step: int
    value: float
    time: float | None
    """Unix seconds, UTC; None where imported output does not tell."""
    source: str
    """`api`, `output`, `cli` or `monitor`."""
    attempt: int = 0
    rank: int = 0


class MediaPoint(NamedTuple):
    """The images, sounds, texts and the like that a metric has at one step."""

    metric: str
    step: int
    items: tuple[Json, ...]
    """Each with `type` (`image`, `audio`, ...), and `file`, its path below the run directory, or `text`; `caption` if given."""
    time: float
    """Unix seconds, UTC."""
    source: str
    """As in `Point`."""
    attempt: int = 0
    rank: int = 0


class Chunk(NamedTuple):
    """A piece of recorded output that one stream wrote."""

    time: float | None
    """When the first byte of it, or of a group of chunks less than 10 ms apart, was read; Unix seconds. Of imported output what
    its lines say, None where they say nothing."""
    stream: str
    """`stdout`, `stderr`, or `both` where the two are one file or terminal outside."""
    data: bytes


class Header(NamedTuple):
    """What is known of a run before its child starts."""

    id: str
    project: str
    name: str
    chosen: tuple[str, ...]
    """Those of `project`, `name`, `notes`, `group`, `job_type` that the user gave; a script's `init()` leaves them alone."""
    tags: tuple[str, ...]
    group: str | None
    job_type: str | None
    notes: str | None
    config: Json
    command: tuple[str, ...]
    """Undecodable bytes as surrogate escapes."""
    cwd: str
    user: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    """Of the pump."""
    pid_started: int
    """Clock ticks from boot to the pump's start: field 22 of /proc/PID/stat."""
    started_at: float | None
    """None for imported output whose lines do not tell, as with the times in `End`."""
    parse: str
    patterns: tuple[str, ...]
    step_key: str | None
    version: str
    """Of swanlab-cli."""
    imported_at: float | None = None
    """When saved output was made a run, Unix seconds; None for a run that we recorded."""
    job: str | None = None
    """The scheduler's job that the run was started in; it names the cluster too, and is the same after a requeue."""


class End(NamedTuple):
    """How a run ended, as its pump saw it; of an import, what its output tells."""

    ended_at: float | None
    duration_s: float | None
    exit_code: int | None
    """None also where nothing is known of the end: no signal and no error either."""
    signal: str | None
    """Name of the signal that ended the child, such as `SIGKILL`."""
    error: str | None
    """Why the command never started."""
    signals: tuple[tuple[str, float], ...]
    """Requests to end that the pump received: (signal name, Unix seconds)."""
    cpu_s: float | None
    """User and system time of the child and of the descendants that were waited for; None where nobody measured."""
    max_process_memory_bytes: int | None
    """Largest resident set of any one of these processes; None where it is smaller than ours was at the fork, which the
    kernel counts as the child's."""
    output_bytes: int
    lost_bytes: int
    """Output that was passed on but could not be recorded, as on a full disk."""
    overhead: Json
    """What recording cost: the pump's `cpu_s`, `max_memory_bytes`."""


class Event(NamedTuple):
    """Something that happened to a run besides points and output."""

    time: float
    type: str
    data: Json


def encode_value(value: float) -> float | str:
    """The JSON form of a metric value: a number, or "NaN", "Infinity" or "-Infinity"."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def decode_value(value: float | str) -> float:
    """The metric value behind its JSON form.

    Raises:
        ValueError, TypeError: it is neither a number nor one of the three strings.
    """
    return float(value)


def encode_line(fields: Mapping[str, Any]) -> bytes:
    """One line of a JSON Lines file, newline included."""
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode_line(line: bytes) -> Json | None:
    """The object on one line, or None where there is none: torn, empty or not an object."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):  # the latter for thousands of brackets
        return None
    return fields if isinstance(fields, dict) else None
