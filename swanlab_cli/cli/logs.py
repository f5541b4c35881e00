"""`logs`: a run's output as text, as JSON or byte for byte, once or as it grows."""

from __future__ import annotations

import heapq
import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import RunNotFound, UsageError
from ..parser.lines import last_repaint
from ..recorder.lanes import primary_lane
from ..recorder.view import open_run
from ..records import Chunk, Lane
from ..store import layout
from ..store.reader import OutputTail, find_run
from ..store.state import RUNNING

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


class _Line(NamedTuple):
    """One line of output, without its newline."""

    time: float | None
    """When its last piece was read."""
    stream: str
    data: bytes
    rank: int = 0


class _Lines:
    """The lines of one lane's chosen streams, as far as they have been written."""

    def __init__(self, directory: str, lane: Lane, stream: str | None) -> None:
        self._tail = OutputTail(directory, lane)
        self._rank = lane.rank
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
            self._unfinished[stream] = _Line(moment, stream, rest, self._rank)
            yield from (_Line(moment, stream, line, self._rank) for line in lines)

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
    lanes = _choose_lanes(directory, choice)
    outputs = [_Lines(directory, lane, choice.stream) for lane in lanes]
    if choice.raw and choice.tail is None and pattern is None and choice.rank != _ALL:
        for _ in _looks(directory, choice.follow):
            for chunk in outputs[0].chunks():
                sys.stdout.buffer.write(chunk.data)
            sys.stdout.buffer.flush()
        return
    is_first_look = True
    width = len(str(lanes[-1].rank))
    for is_last_look in _looks(directory, choice.follow):
        found = _matching(_together([lines.whole() for lines in outputs]), pattern)
        if is_last_look:
            found = (*found, *_matching((line for lines in outputs for line in lines.unfinished()), pattern))
        if is_first_look and choice.tail is not None:
            found = deque(found, maxlen=choice.tail)
        for line in found:
            _print_line(line, choice, width)
        sys.stdout.flush()
        is_first_look = False


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


def _together(outputs: Sequence[Iterator[_Line]]) -> Iterator[_Line]:
    """The lines of several ranks in the order of their times; those without a time first, rank by rank."""
    return outputs[0] if len(outputs) == 1 else heapq.merge(*outputs, key=lambda line: line.time or 0.0)


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


def _matching(lines: Iterable[_Line], pattern: re.Pattern[str] | None) -> Iterable[_Line]:
    return (line for line in lines if pattern is None or pattern.search(last_repaint(line.data)))


def _print_line(line: _Line, choice: LogChoice, width: int) -> None:
    """Print one line; of all ranks together with its rank, right-justified in `width` columns as `srun --label` does."""
    label = f"{line.rank:{width}}: " if choice.rank == _ALL else ""
    if choice.as_json:
        fields = {"time": line.time, "stream": line.stream, "text": last_repaint(line.data)}
        sys.stdout.write(json.dumps({**fields, "rank": line.rank} if label else fields, ensure_ascii=False) + "\n")
    elif choice.raw:
        sys.stdout.buffer.write(label.encode() + line.data + b"\n")
    else:
        sys.stdout.write(label + last_repaint(line.data) + "\n")
