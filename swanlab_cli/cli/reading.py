"""`ls`, `metrics`: runs and points as text or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence

from ..errors import RunNotFound, StoreError, UsageError
from ..recorder.lanes import of_ranks
from ..recorder.view import RunView, describe, iso_time, media_of, open_run, points_of
from ..records import FIRST_LANE, Json, Point, encode_value
from ..store.reader import find_run, list_directories
from ..store.state import RUNNING
from .fitting import cut
from .progress import share_text
from .show import command_text
from .text import duration, table

_LONGEST_COMMAND = 60

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
    command = cut(command_text(run.header.command), _LONGEST_COMMAND)
    return facts["id"], facts["name"], facts["project"], state, started, spent, command


def print_points(logdir: str, name: str, keys: Sequence[str], ranks: str | None, as_json: bool) -> None:
    """Print the points of a run, all or those of `keys`; of rank 0, of `ranks` such as `0,3`, or of `all`.

    Raises:
        RunNotFound: the run has no metric of that name.
        UsageError: `ranks` is nothing of that.
    """
    chosen_ranks = _parse_ranks(ranks)
    view = open_run(find_run(logdir, name), patient=True, ask_slurm=True)
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
