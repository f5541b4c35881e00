"""`top`: the running runs, live."""

from __future__ import annotations

import json
import os
import sys
import time
import unicodedata
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from ..errors import UsageError
from ..recorder.live import LiveRun, LiveRuns
from ..recorder.view import iso_time
from ..records import Json, encode_value
from ..store.state import CRASHED, RUNNING
from .fullscreen import fullscreen
from .progress import share_text
from .text import duration, size

_HEADINGS = ("ID", "NAME", "STATE", "DURATION", "PROGRESS", "CPU", "MEMORY", "METRICS", "LAST LINE")
_LAST_WIDTH = 60
_SHORTEST_INTERVAL_S = 0.1
_CPU_SAMPLE_S = 0.2
_COLOURS = {RUNNING: "\x1b[32m", CRASHED: "\x1b[31m"}


class Looks(NamedTuple):
    """How often to look."""

    interval_s: float
    number: int | None
    """None: for ever on a terminal, once elsewhere; 0: for ever."""


def print_top(logdir: str, looks: Looks, as_json: bool) -> None:
    """Show the running runs of a log directory, and those that ended in the last five minutes.

    Raises:
        UsageError: an interval or number of looks that makes no sense.
        StoreError: the log directory cannot be read.
    """
    if not looks.interval_s >= _SHORTEST_INTERVAL_S:
        raise UsageError(f"--interval: {looks.interval_s:g} is too short; give {_SHORTEST_INTERVAL_S:g} seconds or more")
    runs = LiveRuns(logdir)
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if is_terminal and not as_json and looks.number != 1:
        _show(runs, logdir, looks)
        return
    runs.look(time.time())  # what a process uses now takes two looks
    time.sleep(_CPU_SAMPLE_S)  # a share of a processor is a difference over time
    for index in count() if looks.number == 0 else range(looks.number or 1):
        if index:
            time.sleep(looks.interval_s)  # the interval that the user asked for
        now = time.time()
        found = runs.look(now)
        if index and not as_json:
            print()
        if as_json:
            print(json.dumps({"time": iso_time(now), "runs": [_json(run) for run in found]}, ensure_ascii=False), flush=True)
        else:
            _print_table(found, logdir)


def _show(runs: LiveRuns, logdir: str, looks: Looks) -> None:
    """The live view, until the user leaves it."""
    is_coloured = not os.environ.get("NO_COLOR")
    found = runs.look(time.time())
    wait_s = min(_CPU_SAMPLE_S, looks.interval_s)
    try:
        with fullscreen() as screen:
            for index in count(1):
                frame = partial(_frame, found, logdir, is_coloured)
                screen.paint(frame)
                if index == looks.number:
                    return
                due = time.monotonic() + wait_s
                while (left := due - time.monotonic()) > 0:
                    if screen.wait(left):
                        return
                    screen.paint(frame)
                found, wait_s = runs.look(time.time()), looks.interval_s
    except KeyboardInterrupt:
        return


def _frame(found: Sequence[LiveRun], logdir: str, is_coloured: bool, width: int, height: int) -> list[str]:
    """What the screen shows: a line about all, the table, the newest runs where there is no room for all."""
    running = sum(run.state == RUNNING for run in found)
    lines = [_clip(f"swanlab top  {time.strftime('%H:%M:%S')}  {running} running, {len(found) - running} ended  q quits", width)]
    room = max(height - 3, 1)
    shown = sorted(found, key=lambda run: (run.state == RUNNING, run.started_at))[-room:]
    if not found:
        return [*lines, "", _clip(f"nothing runs in '{logdir}'; record a run with: swanlab run COMMAND", width)]
    heading, *rows = _aligned([_HEADINGS, *map(_cells, shown)])
    lines += ["", f"\x1b[1m{_clip(heading, width)}\x1b[0m" if is_coloured else _clip(heading, width)]
    for run, row in zip(shown, rows, strict=True):
        text = _clip(row, width)
        colour = _COLOURS.get(run.state) if is_coloured else None
        lines.append(text.replace(run.state, f"{colour}{run.state}\x1b[0m", 1) if colour else text)
    return lines


def _print_table(found: Sequence[LiveRun], logdir: str) -> None:
    if found:
        print("\n".join(_aligned([_HEADINGS, *map(_cells, found)])), flush=True)
    else:
        print(f"swanlab: nothing runs in '{logdir}'", file=sys.stderr)


def _cells(run: LiveRun) -> tuple[str, ...]:
    usage = run.usage
    return (
        run.id,
        _clip(run.name, 24),
        run.state,
        duration(run.duration_s),
        share_text(run.progress) or "-",
        "-" if usage is None or usage.cpu_pct is None else f"{usage.cpu_pct:.0f} %",
        "-" if usage is None else size(usage.memory_bytes),
        _clip(" ".join(f"{metric}={value:.4g}" for metric, value in run.metrics.items()), 40) or "-",
        _clip(run.last_line, _LAST_WIDTH),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells in columns by their width on a terminal, two blanks between them."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _clip(text: str, width: int) -> str:
    """A text on one line, cut to a width, with what no terminal shows as `?`."""
    text = "".join(character if character.isprintable() else "?" if character != "\t" else " " for character in text)
    if _width(text) <= width:
        return text
    taken, used = "", 1
    for character in text:
        used += _columns(character)
        if used > width:
            break
        taken += character
    return taken + "…"


def _json(run: LiveRun) -> Json:
    progress, usage = run.progress, run.usage
    return {
        **run._asdict(),
        "started_at": iso_time(run.started_at),
        "duration_s": round(run.duration_s, 3),
        "progress": progress and {**progress, "time": iso_time(progress["time"])},
        "usage": usage and {**usage._asdict(), "cpu_pct": None if usage.cpu_pct is None else round(usage.cpu_pct, 1)},
        "metrics": {metric: encode_value(value) for metric, value in run.metrics.items()},
    }
