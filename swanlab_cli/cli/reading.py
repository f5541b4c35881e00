"""`ls`, `show`, `metrics`, `logs`: runs as text or JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import RunNotFound, StoreError, UsageError
from ..parser.lines import _clean as clean
from ..recorder.view import RunView, describe, iso_time, open_run, points_of, summarise
from ..records import Json, Lane, Point, encode_value
from ..store.reader import OutputTail, find_run, list_directories
from ..store.state import RUNNING, describe_end
from .text import columns, duration, size, table

_LANE = Lane()
_FOLLOW_INTERVAL_S = 0.1
_STREAMS = ("stdout", "stderr", "both")


class LogChoice(NamedTuple):
    """What of a run's output to print, and how."""

    raw: bool
    follow: bool
    tail: int | None
    stream: str | None
    grep: str | None
    as_json: bool


class _Line(NamedTuple):
    """One line of output, without its newline."""

    time: float
    stream: str
    data: bytes


def print_runs(logdir: str, as_json: bool) -> None:
    """Print all runs, oldest first; what cannot be read is said on stderr."""
    runs = list(_open_runs(logdir))
    if as_json:
        described = [describe(run, points_of(run)) for run in runs]
        print(json.dumps([{key: run[key] for key in run if key != "environment"} for run in described], indent=1))
    elif runs:
        print(table(("ID", "NAME", "PROJECT", "STATE", "STARTED (UTC)", "DURATION", "COMMAND"), [_row(run) for run in runs]))
    else:
        print(f"swanlab: no runs in '{logdir}'; record one with: swanlab run COMMAND", file=sys.stderr)


def _open_runs(logdir: str) -> Iterator[RunView]:
    for directory in list_directories(logdir):
        try:
            yield open_run(directory)
        except StoreError as error:
            print(f"swanlab: {error.message}", file=sys.stderr)


def _row(run: RunView) -> tuple[str, ...]:
    facts = describe(run, ())
    lasted = run.end.duration_s if run.end else None
    if lasted is None and run.state == RUNNING:
        lasted = max(time.time() - run.header.started_at, 0.0)
    started = iso_time(run.header.started_at)[:19].replace("T", " ")
    spent = "-" if lasted is None else duration(lasted)
    return facts["id"], facts["name"], facts["project"], run.state, started, spent, _command_text(run)


def _command_text(run: RunView, width: int = 60) -> str:
    text = _printable(" ".join(run.header.command))
    return text if len(text) <= width else text[: width - 1] + "…"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def print_run(logdir: str, name: str, as_json: bool) -> None:
    """Print one run with its environment."""
    view = open_run(find_run(logdir, name), patient=True)
    points = points_of(view)
    if as_json:
        print(json.dumps(describe(view, points), indent=1))
    else:
        print(_card(view, points))


def _card(view: RunView, points: Sequence[Point]) -> str:
    """The run for a person: a block of facts, then config, metrics and environment."""
    facts = describe(view, points)
    rows = [
        ("run", f"{facts['id']}  {facts['name']}"),
        ("project", facts["project"]),
        ("state", facts["state"] + (f" ({describe_end(view.end)})" if view.end else "")),
        ("command", _command_text(view, 500)),
        ("directory", facts["directory"]),
        ("working dir", facts["cwd"]),
        ("started", facts["started_at"]),
        ("finished", facts["finished_at"]),
        ("duration", None if view.end is None else duration(view.end.duration_s)),
        ("cpu time", None if view.end is None else duration(view.end.cpu_s)),
        ("peak memory", None if facts["peak_memory_bytes"] is None else size(facts["peak_memory_bytes"])),
        ("output", None if facts["output_bytes"] is None else size(facts["output_bytes"])),
        *((label.replace("_", " "), facts[label]) for label in ("group", "job_type", "notes")),
        ("tags", ", ".join(facts["tags"])),
        *(("warning", text) for text in facts["warnings"]),
        *(("dropped", f"{count} points of {metric}: step taken") for metric, count in facts["dropped"].items()),
    ]
    parts = [columns((label, str(text)) for label, text in rows if text)]
    if facts["config"]:
        parts.append("Config\n" + columns((f"  {key}", json.dumps(value)) for key, value in facts["config"].items()))
    if points:
        parts.append("Metrics\n" + _summary_table(summarise(points)))
    environment = columns((f"  {label}", text) for label, text in _environment_rows(facts["environment"]) if text)
    if environment:
        parts.append("Environment\n" + environment)
    return "\n\n".join(parts)


def _summary_table(summary: dict[str, Json]) -> str:
    names = ("last", "min", "max", "count", "last_step")
    rows = [(f"  {metric}", *(_short(entry[name]) for name in names)) for metric, entry in summary.items()]
    return table(("  metric", "last", "min", "max", "points", "last step"), rows)


def _short(value: float | str | None) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _environment_rows(environment: Json) -> Iterator[tuple[str, str]]:
    """(label, facts) for a person; `--json` has them all."""
    if "os" not in environment:  # the first to be known
        return
    probes = ("os", "host", "cpu", "memory", "python", "git")
    os, host, cpu, memory, python, git = (defaultdict(lambda: None, environment.get(probe) or {}) for probe in probes)
    yield "host", _join(host["name"], os["name"], f"kernel {os['kernel']}", os["architecture"], os["libc"])
    yield "cpu", _join(cpu["model"], f"{cpu['cores']} cores", f"{cpu['usable']} usable")
    yield "memory", size(memory["total_bytes"] or 0)
    if python["executable"]:
        yield "python", _join(python["version"], python["executable"], f"{len(python['packages'] or ())} packages")
    yield "git", _join((git["commit"] or "")[:10], git["branch"], "with uncommitted changes" if git["dirty"] else None)
    for failure in environment.get("failed", ()):
        yield failure["probe"], f"not known: {failure['why']}"


def _join(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def print_points(logdir: str, name: str, keys: Sequence[str], as_json: bool) -> None:
    """Print the points of a run, all or those of `keys`.

    Raises:
        RunNotFound: the run has no metric of that name.
    """
    view = open_run(find_run(logdir, name), patient=True)
    points = points_of(view)
    missing = sorted(set(keys) - {point.metric for point in points})
    if missing:
        known = ", ".join(sorted({point.metric for point in points})) or "none"
        raise RunNotFound(f"run '{view.header.id}' has no metric '{missing[0]}'", f"it has: {known}")
    chosen = [point for point in points if not keys or point.metric in keys]
    if as_json:
        for point in chosen:
            print(json.dumps(_point_json(point), ensure_ascii=False))
    elif chosen:
        rows = [(point.metric, str(point.step), repr(point.value), point.source) for point in chosen]
        print(table(("METRIC", "STEP", "VALUE", "SOURCE"), rows))


def _point_json(point: Point) -> Json:
    return {
        "key": point.metric,
        "step": point.step,
        "value": encode_value(point.value),
        "time": point.time,
        "source": point.source,
        "attempt": point.attempt,
        "rank": point.rank,
    }


def print_logs(logdir: str, name: str, choice: LogChoice) -> None:
    """Print the output of a run.

    Raises:
        UsageError: an unknown stream, a bad regular expression, or options that exclude each other.
    """
    if choice.stream not in (None, *_STREAMS):
        raise UsageError(f"--stream: '{choice.stream}' is not one of {', '.join(_STREAMS)}")
    if choice.raw and choice.as_json:
        raise UsageError("--raw and --json exclude each other")
    try:
        pattern = re.compile(choice.grep) if choice.grep is not None else None
    except re.error as error:
        raise UsageError(f"--grep: '{choice.grep}' is not a regular expression: {error}") from error
    directory = find_run(logdir, name)
    if choice.raw and choice.tail is None and pattern is None:
        _print_raw(directory, choice)
        return
    lines: Iterator[_Line] = _lines(directory, choice)
    if pattern is not None:
        lines = (line for line in lines if pattern.search(visible_text(line.data)))
    if choice.tail is not None and not choice.follow:
        lines = iter(deque(lines, maxlen=choice.tail))
    for line in lines:
        _print_line(line, choice)


def _print_raw(directory: str, choice: LogChoice) -> None:
    for chunk in _chunks(directory, choice):
        sys.stdout.buffer.write(chunk.data)
        if choice.follow:
            sys.stdout.buffer.flush()
    sys.stdout.buffer.flush()


def _chunks(directory: str, choice: LogChoice) -> Iterator[_Line]:
    """What the chosen streams wrote, piece by piece; with `follow` until the run has ended."""
    tail = OutputTail(directory, _LANE)
    while True:
        is_last_look = not choice.follow or open_run(directory).state != RUNNING
        chunks = tail.read()
        while chunks:
            yield from (_Line(*chunk) for chunk in chunks if choice.stream in (None, chunk.stream))
            chunks = tail.read()
        if is_last_look:
            return
        time.sleep(_FOLLOW_INTERVAL_S)  # a file cannot be waited for


def _lines(directory: str, choice: LogChoice) -> Iterator[_Line]:
    """The lines of the chosen streams, each with the time of its last piece; with `--follow --tail N`, N old ones first."""
    unfinished: dict[str, bytes] = {}
    last_time: dict[str, float] = {}
    for moment, stream, data in _chunks(directory, choice):
        *whole, rest = (unfinished.get(stream, b"") + data).split(b"\n")
        unfinished[stream], last_time[stream] = rest, moment
        yield from (_Line(moment, stream, line) for line in whole)
    yield from (_Line(last_time[stream], stream, rest) for stream, rest in unfinished.items() if rest)


def visible_text(line: bytes) -> str:
    """What a line of output shows in the end: its last repaint that is not blank, without escape sequences."""
    repaints = (clean(piece.decode(errors="replace")).rstrip() for piece in reversed(line.split(b"\r")))
    return next((repaint for repaint in repaints if repaint), "")


def _print_line(line: _Line, choice: LogChoice) -> None:
    if choice.as_json:
        fields = {"time": line.time, "stream": line.stream, "text": visible_text(line.data)}
        sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    elif choice.raw:
        sys.stdout.buffer.write(line.data + b"\n")
    else:
        sys.stdout.write(visible_text(line.data) + "\n")
    if choice.follow:
        sys.stdout.flush()
