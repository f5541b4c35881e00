"""`logs`: a run's output as text, as JSON or byte for byte, once or as it grows."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import NamedTuple

from ..errors import UsageError
from ..parser.lines import last_repaint
from ..parser.page import Row
from ..parser.screen import HEIGHT, Screen
from ..recorder.view import open_run
from ..records import Chunk, Lane
from ..store.reader import OutputTail, find_run
from ..store.state import RUNNING

_LANE = Lane()
_FOLLOW_INTERVAL_S = 0.1
_QUIET_LOOKS = 10
_STREAMS = ("stdout", "stderr", "both")


class LogChoice(NamedTuple):
    """What of a run's output to print, and how."""

    raw: bool
    follow: bool
    tail: int | None
    stream: str | None
    grep: str | None
    as_json: bool


class _Output:
    """What the chosen streams have written."""

    def __init__(self, directory: str, stream: str | None) -> None:
        self._tail = OutputTail(directory, _LANE)
        self._stream = stream

    def chunks(self) -> Iterator[Chunk]:
        """What has come since the last call."""
        chunks = self._tail.read()
        while chunks:
            yield from (chunk for chunk in chunks if self._stream in (None, chunk.stream))
            chunks = self._tail.read()


class _RawLines:
    """The lines of the streams as bytes, as far as they have been written."""

    def __init__(self, output: _Output) -> None:
        self._output = output
        self._unfinished: dict[str, bytes] = {}

    def new(self, is_last_look: bool) -> Iterator[bytes]:
        """The lines that have been completed since the last call, in the end also those that no newline has ended."""
        for _, stream, data in self._output.chunks():
            *lines, self._unfinished[stream] = (self._unfinished.get(stream, b"") + data).split(b"\n")
            yield from lines
        if is_last_look:
            yield from filter(None, self._unfinished.values())


class _Screens:
    """What the streams show, each on a screen of its own, in the order of their newlines."""

    def __init__(self, output: _Output) -> None:
        self._output = output
        self._screens: dict[str, Screen] = {}
        self._order = 0
        self._quiet_looks = _QUIET_LOOKS
        self._shown: dict[int, str] = {}
        """Lines that were shown before they were final, by order."""

    def final(self) -> Iterator[list[Row]]:
        """The lines that have become final since the last call."""
        self._quiet_looks += 1
        for chunk in self._output.chunks():
            self._quiet_looks = 0
            screen = self._screens.setdefault(chunk.stream, Screen(stream=chunk.stream))
            rows = screen.feed(chunk.data, chunk.time, self._order)
            self._order = screen.order
            if len(self._screens) > 1:
                # The terminal that both would be printed on has moved on, too, by what the other has printed.
                rows += (row for each in self._screens.values() for row in each.release(self._order - HEIGHT))
                rows.sort(key=_order)
            yield self._news(rows)

    def rest(self) -> list[Row]:
        """All that is left, in the end."""
        rows = []
        for screen in self._screens.values():
            rows += screen.finish(self._order)
            self._order = screen.order
        return self._news(sorted(rows, key=_order))

    def passed(self, is_first_look: bool) -> list[Row]:
        """Lines to show though they are not final, and those shown that look different now.

        They are those that the cursor has left behind for good, as far as is known; when there was no output for a
        second, and at first, all that are above it, so that nobody waits for a line that is there. Bars being
        repainted are thus shown once or twice, not with every repaint.
        """
        rows = [row for screen in self._screens.values() for row in screen.standing(is_all=False)]
        found = {row.order: row for row in rows if _is_news(row, self._shown.get(row.order))}
        if is_first_look or self._quiet_looks >= _QUIET_LOOKS:
            rows = [row for screen in self._screens.values() for row in screen.standing(is_all=True)]
            found.update((row.order, row) for row in rows if row.order not in self._shown)
        self._shown.update((order, row.text) for order, row in found.items())
        return sorted(found.values(), key=_order)

    def _news(self, rows: list[Row]) -> list[Row]:
        """Those of some final lines that have not been shown like this."""
        return [row for row in rows if _is_news(row, self._shown.pop(row.order, None))] if self._shown else rows


_order = attrgetter("order")


def _is_news(row: Row, shown: str | None) -> bool:
    """Whether to show a line that was shown like that before; one that is gone is not shown again."""
    return shown is None or (row.text != shown and not row.text.isspace() and row.text != "")


def print_logs(logdir: str, name: str, choice: LogChoice) -> None:
    """Print the output of a run.

    Raises:
        UsageError: an unknown stream, a bad regular expression, or options that exclude each other.
    """
    pattern = _check(choice)
    directory = find_run(logdir, name)
    output = _Output(directory, choice.stream)
    if not choice.raw:
        _print_text(directory, output, choice, pattern)
    elif choice.tail is None and pattern is None:
        for _ in _looks(directory, choice.follow):
            for chunk in output.chunks():
                sys.stdout.buffer.write(chunk.data)
            sys.stdout.buffer.flush()
    else:
        _print_raw_lines(directory, output, choice, pattern)


def _print_raw_lines(directory: str, output: _Output, choice: LogChoice, pattern: re.Pattern[str] | None) -> None:
    lines = _RawLines(output)
    tail = choice.tail
    for is_last_look in _looks(directory, choice.follow):
        found = (line for line in lines.new(is_last_look) if pattern is None or pattern.search(last_repaint(line)))
        for line in found if tail is None else deque(found, maxlen=tail):
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
        tail = None


def _print_text(directory: str, output: _Output, choice: LogChoice, pattern: re.Pattern[str] | None) -> None:
    screens = _Screens(output)
    is_first_look = True
    for is_last_look in _looks(directory, choice.follow):
        last: deque[Row] = deque(maxlen=choice.tail)
        for rows in _portions(screens, is_first_look, is_last_look):
            found = rows if pattern is None else [row for row in rows if pattern.search(row.text)]
            if is_first_look and choice.tail is not None:
                last += found
            else:
                _print_rows(found, choice.as_json)
        _print_rows(last, choice.as_json)
        sys.stdout.flush()
        is_first_look = False


def _portions(screens: _Screens, is_first_look: bool, is_last_look: bool) -> Iterator[list[Row]]:
    """The lines to show now."""
    yield from screens.final()
    yield screens.rest() if is_last_look else screens.passed(is_first_look)


def _check(choice: LogChoice) -> re.Pattern[str] | None:
    """The pattern to look for, if any; refuses what cannot be done."""
    if choice.stream not in (None, *_STREAMS):
        raise UsageError(f"--stream: '{choice.stream}' is not one of {', '.join(_STREAMS)}")
    if choice.raw and choice.as_json:
        raise UsageError("--raw and --json exclude each other")
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


def _print_rows(rows: Collection[Row], as_json: bool) -> None:
    if as_json:
        objects = ({"time": row.time, "stream": row.stream, "text": row.text} for row in rows)
        sys.stdout.writelines(json.dumps(fields, ensure_ascii=False) + "\n" for fields in objects)
    elif rows:
        sys.stdout.write("\n".join([row.text for row in rows]) + "\n")
