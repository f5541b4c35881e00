"""`logs`: a run's output as text, as JSON or byte for byte, once or as it grows."""

from __future__ import annotations

import heapq
import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ..errors import RunNotFound, UsageError
from ..parser.lines import last_repaint
from ..parser.page import Row
from ..recorder.lanes import primary_lane
from ..recorder.view import open_run
from ..records import Lane
from ..store import layout
from ..store.reader import find_run
from ..store.state import RUNNING
from .output import Output, RawLines, Screens

T = TypeVar("T")
_FOLLOW_INTERVAL_S = 0.1
_ALL = "all"
_STREAMS = ("stdout", "stderr", "both")


class LogChoice(NamedTuple):
    """What of a run's output to print, and how."""

    raw: bool
    follow: bool
    tail: int | None
    stream: str | None
    grep: str | None
    as_json: bool
    rank: str | None = None
    """A number or `all`; None: the primary rank."""
    attempt: int | None = None
    """None: the newest."""


def print_logs(logdir: str, name: str, choice: LogChoice) -> None:
    """Print the output of a run.

    Raises:
        UsageError: an unknown stream, a bad regular expression, or options that exclude each other.
    """
    pattern = _check(choice)
    directory = find_run(logdir, name)
    outputs = [Output(directory, lane, choice.stream) for lane in _choose_lanes(directory, choice)]
    if not choice.raw:
        _print_text(directory, outputs, choice, pattern)
    elif choice.tail is None and pattern is None and choice.rank != _ALL:
        for _ in _looks(directory, choice.follow):
            for chunk in outputs[0].chunks():
                sys.stdout.buffer.write(chunk.data)
            sys.stdout.buffer.flush()
    else:
        _print_raw_lines(directory, outputs, choice, pattern)


def _print_raw_lines(directory: str, outputs: Sequence[Output], choice: LogChoice, pattern: re.Pattern[str] | None) -> None:
    raw_lines = {output.rank: RawLines(output) for output in outputs}
    label = _label(outputs, choice)
    tail = choice.tail
    for is_last_look in _looks(directory, choice.follow):
        news = [_ranked(lines.new(is_last_look), rank) for rank, lines in raw_lines.items()]
        found = (one for one in _together(news) if pattern is None or pattern.search(last_repaint(one[2])))
        for _, rank, line in found if tail is None else deque(found, maxlen=tail):
            sys.stdout.buffer.write(label(rank).encode() + line + b"\n")
        sys.stdout.buffer.flush()
        tail = None


def _ranked(lines: Iterable[tuple[float | None, T]], rank: int) -> Iterator[tuple[float | None, int, T]]:
    return ((moment, rank, line) for moment, line in lines)


def _print_text(directory: str, outputs: Sequence[Output], choice: LogChoice, pattern: re.Pattern[str] | None) -> None:
    screens = {output.rank: Screens(output) for output in outputs}
    label = _label(outputs, choice)
    is_first_look = True
    for is_last_look in _looks(directory, choice.follow):
        last: deque[tuple[int, Row]] = deque(maxlen=choice.tail)
        for rank, rows in _news(screens, is_first_look, is_last_look):
            found = rows if pattern is None else [row for row in rows if pattern.search(row.text)]
            if is_first_look and choice.tail is not None:
                last += ((rank, row) for row in found)
            else:
                _print_rows(found, rank, label(rank), choice.as_json)
        for rank, row in last:
            _print_rows([row], rank, label(rank), choice.as_json)
        sys.stdout.flush()
        is_first_look = False


def _news(screens: Mapping[int, Screens], is_first_look: bool, is_last_look: bool) -> Iterator[tuple[int, list[Row]]]:
    """The lines to show now, with their ranks; those of several ranks in the order of their times."""
    portions = {rank: each.news(is_first_look, is_last_look) for rank, each in screens.items()}
    if len(portions) == 1:
        yield from ((rank, rows) for rank, news in portions.items() for rows in news)
        return
    timed = [_ranked(((row.time, row) for rows in news for row in rows), rank) for rank, news in portions.items()]
    yield from ((rank, [row]) for _, rank, row in _together(timed))


def _label(outputs: Sequence[Output], choice: LogChoice) -> Callable[[int], str]:
    """What to print before the lines of a rank: nothing, or where all are printed the rank as `srun --label` does."""
    if choice.rank != _ALL:
        return lambda _rank: ""
    width = len(str(outputs[-1].rank))
    return lambda rank: f"{rank:{width}}: "


def _choose_lanes(directory: str, choice: LogChoice) -> list[Lane]:
    """The lanes to print, ascending.

    Raises:
        RunNotFound: the run has no such attempt or rank.
    """
    lanes = layout.lanes(directory)
    attempts = sorted({lane.attempt for lane in lanes})
    attempt = attempts[-1] if choice.attempt is None else choice.attempt
    if attempt not in attempts:
        raise RunNotFound(f"the run has no attempt {attempt}", f"it has: {', '.join(map(str, attempts))}")
    of_attempt = [lane for lane in lanes if lane.attempt == attempt]
    if choice.rank == _ALL:
        return of_attempt
    wanted = primary_lane(of_attempt) if choice.rank is None else Lane(attempt, int(choice.rank))
    if wanted not in of_attempt:
        known = ", ".join(str(lane.rank) for lane in of_attempt)
        raise RunNotFound(f"the run has no rank {wanted.rank} in attempt {attempt}", f"it has: {known}")
    return [wanted]


def _together(lines: Sequence[Iterator[tuple[float | None, int, T]]]) -> Iterator[tuple[float | None, int, T]]:
    """The (time, rank, line) of several ranks in the order of their times; those without a time first, rank by rank."""
    return lines[0] if len(lines) == 1 else heapq.merge(*lines, key=lambda line: line[0] or 0.0)


def _check(choice: LogChoice) -> re.Pattern[str] | None:
    """The pattern to look for, if any; refuses what cannot be done."""
    if choice.stream not in (None, *_STREAMS):
        raise UsageError(f"--stream: '{choice.stream}' is not one of {', '.join(_STREAMS)}")
    if choice.raw and choice.as_json:
        raise UsageError("--raw and --json exclude each other")
    if choice.rank not in (None, _ALL) and not str(choice.rank).isdecimal():
        raise UsageError(f"--rank: '{choice.rank}' is neither a number nor {_ALL}")
    try:
        return re.compile(choice.grep) if choice.grep is not None else None
    except re.error as error:
        raise UsageError(f"--grep: '{choice.grep}' is not a regular expression: {error}") from error


def _looks(directory: str, follow: bool) -> Iterator[bool]:
    """Yield whenever it is time to look, with whether it is the last time: at once, or when a followed run has ended."""
    while follow and open_run(directory).state == RUNNING:
        yield False
        time.sleep(_FOLLOW_INTERVAL_S)  # a file cannot be waited for
    yield True


def _print_rows(rows: Collection[Row], rank: int, label: str, as_json: bool) -> None:
    if as_json:
        for row in rows:
            fields = {"time": row.time, "stream": row.stream, "text": row.text, **({"rank": rank} if label else {})}
            sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    elif label:
        sys.stdout.writelines(f"{label}{row.text}\n" for row in rows)
    elif rows:
        sys.stdout.write("\n".join([row.text for row in rows]) + "\n")
