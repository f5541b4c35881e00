"""`logs`: a run's output as text, as JSON or byte for byte, once or as it grows."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import UsageError
from ..parser.lines import last_repaint
from ..recorder.view import open_run
from ..records import Chunk, Lane
from ..store.reader import OutputTail, find_run
from ..store.state import RUNNING

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
    """When its last piece was read."""
    stream: str
    data: bytes


class _Lines:
    """The lines of the chosen streams, as far as they have been written."""

    def __init__(self, directory: str, stream: str | None) -> None:
        self._tail = OutputTail(directory, _LANE)
        self._stream = stream
        self._unfinished: dict[str, _Line] = {}

    def chunks(self) -> Iterator[Chunk]:
        """What has come since the last call."""
        chunks = self._tail.read()
        while chunks:
            yield from (chunk for chunk in chunks if self._stream in (None, chunk.stream))
            chunks = self._tail.read()

    def whole(self) -> Iterator[_Line]:
        """The lines that have been completed since the last call."""
        for moment, stream, data in self.chunks():
            begun = self._unfinished.get(stream)
            *lines, rest = ((begun.data if begun else b"") + data).split(b"\n")
            self._unfinished[stream] = _Line(moment, stream, rest)
            yield from (_Line(moment, stream, line) for line in lines)

    def unfinished(self) -> Iterator[_Line]:
        """The last lines, which no newline has ended."""
        yield from (line for line in self._unfinished.values() if line.data)


def print_logs(logdir: str, name: str, choice: LogChoice) -> None:
    """Print the output of a run.

    Raises:
        UsageError: an unknown stream, a bad regular expression, or options that exclude each other.
    """
    pattern = _check(choice)
    directory = find_run(logdir, name)
    lines = _Lines(directory, choice.stream)
    if choice.raw and choice.tail is None and pattern is None:
        for _ in _looks(directory, choice.follow):
            for chunk in lines.chunks():
                sys.stdout.buffer.write(chunk.data)
            sys.stdout.buffer.flush()
        return
    is_first_look = True
    for is_last_look in _looks(directory, choice.follow):
        found = _matching(lines.whole(), pattern)
        if is_last_look:
            found = (*found, *_matching(lines.unfinished(), pattern))
        if is_first_look and choice.tail is not None:
            found = deque(found, maxlen=choice.tail)
        for line in found:
            _print_line(line, choice)
        sys.stdout.flush()
        is_first_look = False


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


def _matching(lines: Iterable[_Line], pattern: re.Pattern[str] | None) -> Iterable[_Line]:
    return (line for line in lines if pattern is None or pattern.search(last_repaint(line.data)))


def _print_line(line: _Line, choice: LogChoice) -> None:
    if choice.as_json:
        fields = {"time": line.time, "stream": line.stream, "text": last_repaint(line.data)}
        sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    elif choice.raw:
        sys.stdout.buffer.write(line.data + b"\n")
    else:
        sys.stdout.write(last_repaint(line.data) + "\n")
