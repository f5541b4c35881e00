"""`ls`, `show`, `metrics`: runs as text or JSON."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..errors import RunNotFound, StoreError, UsageError
from ..recorder.lanes import of_ranks
from ..recorder.view import RunView, describe, iso_time, media_of, open_run, points_of
from ..records import FIRST_LANE, Json, Point, encode_value
from ..store.reader import find_run, list_directories
from ..store.state import RUNNING, describe_end
from .progress import progress_text, share_text
from .text import columns, duration, size, table

_ALL = "all"


def print_runs(logdir: str, as_json: bool) -> None:
    """Print all runs, oldest first; what cannot be read is said on stderr."""
    runs = list(_open_runs(logdir))
    if as_json:
        described = [describe(run, points_of(run), media_of(run)) for run in runs]
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
    if lasted is None and run.state == RUNNING and run.header.started_at is not None:
        lasted = max(time.time() - run.header.started_at, 0.0)
    started = (iso_time(run.header.started_at) or "-")[:19].replace("T", " ")
    spent = "-" if lasted is None else duration(lasted)
    state = " ".join((run.state, share_text(facts["progress"]))).strip() if run.state == RUNNING else run.state
    return facts["id"], facts["name"], facts["project"], state, started, spent, _command_text(run)


def _command_text(run: RunView, width: int = 60) -> str:
    text = _printable(" ".join(run.header.command))
    return text if len(text) <= width else text[: width - 1] + "…"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def print_run(logdir: str, name: str, as_json: bool) -> None:
    """Print one run with its environment."""
    view = open_run(find_run(logdir, name), patient=True)
    points, media = points_of(view), media_of(view)
    facts = describe(view, points, media)
    print(json.dumps(facts, indent=1) if as_json else _card(view, facts))


def _card(view: RunView, facts: Json) -> str:
    """The run for a person: a block of facts, then config, metrics, media and environment."""
    rows = [
        ("run", f"{facts['id']}  {facts['name']}"),
        ("project", facts["project"]),
        ("state", facts["state"] + (f" ({describe_end(view.end)})" if view.end else "")),
        ("progress", progress_text(facts["progress"])),
        ("command", _command_text(view, 500)),
        ("directory", facts["directory"]),
        ("working dir", facts["cwd"]),
        ("started", facts["started_at"] or "-"),
        ("finished", facts["finished_at"] or (view.end and "-")),
        ("duration", _duration(facts["duration_s"])),
        ("cpu time", _duration(facts["cpu_s"])),
        *_import_rows(facts["imported"]),
        ("parse", _parse_text(**facts["parse"])),
        *((name, str(facts[name])) for name in ("attempts", "ranks") if facts[name] > 1),
        ("peak memory", None if facts["peak_memory_bytes"] is None else size(facts["peak_memory_bytes"])),
        ("output", None if facts["output_bytes"] is None else size(facts["output_bytes"])),
        *((label.replace("_", " "), facts[label]) for label in ("group", "job_type", "notes")),
        ("tags", ", ".join(facts["tags"])),
        *(("answered", f"{answer['prompt']}{answer['text'] or '(not echoed, not kept)'}") for answer in facts["answers"]),
        *(("warning", text) for text in facts["warnings"]),
        *(("dropped", f"{count} points of {metric}: step taken") for metric, count in facts["dropped"].items()),
    ]
    parts = [columns((label, str(text)) for label, text in rows if text)]
    if facts["config"]:
        parts.append("Config\n" + columns((f"  {key}", json.dumps(value)) for key, value in facts["config"].items()))
    if facts["summary"]:
        parts.append("Metrics\n" + _summary_table(facts["summary"]))
    if facts["media"]:
        parts.append("Media\n" + _media_table(facts["media"]))
    environment = columns((f"  {label}", text) for label, text in _environment_rows(facts["environment"]) if text)
    if environment:
        parts.append("Environment\n" + environment)
    return "\n\n".join(parts)


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else duration(seconds)


def _import_rows(imported: Json | None) -> Iterator[tuple[str, str]]:
    """When a run was imported, and each of the files that it was imported from."""
    if imported is not None:
        yield "imported", imported["at"]
        for file in imported["files"]:
            yield f"rank {file['rank']}", f"{_printable(file['file'])} ({file['stream']}, {size(file['bytes'])})"


def _parse_text(mode: str, patterns: Sequence[str], step_key: str | None) -> str | None:
    """What of the output is read, in the words of the flags; None where it is the default."""
    flags = [f"--pattern {shlex.quote(pattern)}" for pattern in patterns]
    flags += [f"--step-key {shlex.quote(step_key)}"] if step_key else []
    return None if mode == "auto" and not flags else " ".join([mode, *flags])


def _summary_table(summary: dict[str, Json]) -> str:
    names = ("last", "min", "max", "count", "last_step")
    rows = [(f"  {metric}", *(_short(entry[name]) for name in names)) for metric, entry in summary.items()]
    return table(("  metric", "last", "min", "max", "points", "last step"), rows)


def _media_table(summary: dict[str, Json]) -> str:
    rows = [
        (f"  {metric}", str(entry["type"]), str(entry["count"]), str(entry["last_step"]), _shown(entry["last"][-1]))
        for metric, entry in summary.items()
    ]
    return table(("  metric", "type", "items", "last step", "last"), rows)


def _shown(item: Json, width: int = 60) -> str:
    """Where an item is, or its text, on one line."""
    text = _printable(" ".join(str(item.get("file") or item.get("text") or "").split()))
    return text if len(text) <= width else text[: width - 1] + "…"


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


def print_points(logdir: str, name: str, keys: Sequence[str], ranks: str | None, as_json: bool) -> None:
    """Print the points of a run, all or those of `keys`; of rank 0, of `ranks` such as `0,3`, or of `all`.

    Raises:
        RunNotFound: the run has no metric of that name.
        UsageError: `ranks` is nothing of that.
    """
    chosen_ranks = _parse_ranks(ranks)
    view = open_run(find_run(logdir, name), patient=True)
    points = points_of(view)
    points = points if ranks == _ALL else of_ranks(points, chosen_ranks)
    missing = sorted(set(keys) - {point.metric for point in points})
    if missing:
        known = ", ".join(sorted({point.metric for point in points})) or "none"
        raise RunNotFound(f"run '{view.header.id}' has no metric '{missing[0]}'", f"it has: {known}")
    chosen = [point for point in points if not keys or point.metric in keys]
    if as_json:
        for point in chosen:
            print(json.dumps(_point_json(point), ensure_ascii=False))
    elif chosen:
        print(_points_table(chosen, has_lanes=len({(point.attempt, point.rank) for point in chosen} | {FIRST_LANE}) > 1))


def _parse_ranks(text: str | None) -> frozenset[int] | None:
    if text is None or text == _ALL:
        return None
    words = text.split(",")
    if not all(word.strip().isdigit() for word in words):
        raise UsageError(f"option '--ranks': '{text}' is neither 'all' nor a list of ranks", "for example --ranks 0,3")
    return frozenset(int(word) for word in words)


def _points_table(points: Sequence[Point], has_lanes: bool) -> str:
    headings: tuple[str, ...] = ("METRIC", "STEP", "VALUE", "SOURCE")
    rows: list[tuple[str, ...]] = [(point.metric, str(point.step), repr(point.value), point.source) for point in points]
    if has_lanes:
        headings = (*headings, "ATTEMPT", "RANK")
        rows = [(*row, str(point.attempt), str(point.rank)) for row, point in zip(rows, points, strict=True)]
    return table(headings, rows)


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
