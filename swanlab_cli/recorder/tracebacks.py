"""The last words of a program that failed: Python's last traceback, or what the C world says when it gives up. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_LONGEST_MESSAGE = 500
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# What launchers put before each line of a worker: torchrun's `[rank0]:`, `srun --label`'s `0:`, mpirun's `[1,0]<stderr>:`.
_PREFIX = r"(?P<prefix>(?:\[[^\]\s]{1,24}\](?:<\w+>)?:\s?|\d{1,5}:\s)?)"
_HEADER = re.compile(_PREFIX + r"(?P<margin>  \+ Exception Group |[╭┌].* )?Traceback \(most recent call last\)")
# Behind a line that had no end yet: a bar, a prompt.
_LATE_HEADER = re.compile(r"(?P<prefix>)(?P<margin>)Traceback \(most recent call last\):$")
_FRAME = re.compile(r'\s*\|?\s*File "(?P<file>.+?)", line (?P<line>\d+)(?:, in (?P<function>.+))?')
_BOXED_FRAME = re.compile(r"[│|] (?P<file>\S+):(?P<line>\d+) in (?P<function>\S+)")
_EXCEPTION = re.compile(r"(?:  \| )?(?P<exception>[A-Za-z_][\w.]*)(?:: ?(?P<message>.*))?")
_SYNTAX = re.compile(_PREFIX + r"(?P<exception>SyntaxError|IndentationError|TabError): (?P<message>.*)")
# Of launchers that say only that a worker of theirs has failed; what the worker said came before.
_SECOND_HAND = ("ChildFailedError", "CalledProcessError", "ProcessExitedException", "ProcessRaisedException")
# Not the user's own code: installed packages, the standard library, what has no file.
_FOREIGN = re.compile(r"(?:^|/)(?:site-packages|dist-packages)/|(?:^|/)lib/python\d(?:\.\d+)?/|^<")
_OTHER_LAST_WORDS = (
    re.compile(r"Fatal Python error: .+"),
    re.compile(r"terminate called after throwing an instance of .+"),
    re.compile(r"terminate called without an active exception"),
    re.compile(r"(?:\S+: )?\S+:\d+: .*Assertion `.*' failed\.?"),
    re.compile(r"(?:double free or corruption|free\(\): invalid|malloc\(\): |corrupted size vs\. prev_size|munmap_chunk\(\)).*"),
    re.compile(r"\*\*\* stack smashing detected \*\*\*.*"),
    re.compile(r"thread '.*' panicked at .*"),
    re.compile(r"panic: .+"),
    re.compile(r"ERROR: LoadError: .+"),
    re.compile(r"Error in .+ :.*"),
)


class Frame(NamedTuple):
    """Where a program was."""

    file: str
    line: int
    function: str | None


class Traceback(NamedTuple):
    """An exception that ended a program."""

    exception: str
    """Its type, with its module where that was printed."""
    message: str
    """Its first line, cut at 500 characters."""
    frame: Frame | None
    """The innermost."""
    user_frame: Frame | None
    """The innermost that is neither in an installed package nor in the standard library."""


def last_traceback(text: str) -> Traceback | None:
    """The last exception whose traceback was printed, as Python and rich print them; the last of a chain, a group as such.

    That of a worker rather than that of the launcher, which only says that a worker has failed. None where there is no whole one.
    """
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    second_hand = None
    for start in reversed(range(len(lines))):
        found = _traceback_at(lines, start)
        if found is None:
            continue
        if found.exception.rpartition(".")[2] not in _SECOND_HAND:
            return found
        second_hand = second_hand or found
    return second_hand


def last_words(text: str) -> str | None:
    """The last line by which a program that is no Python says that it gives up, or None where nothing is certain."""
    for line in reversed(_ESCAPES.sub("", text).splitlines()):
        if any(pattern.fullmatch(line.strip()) for pattern in _OTHER_LAST_WORDS):
            return line.strip()[:_LONGEST_MESSAGE]
    return None


def _traceback_at(lines: Sequence[str], start: int) -> Traceback | None:
    """The traceback whose header, or for one without header whose exception, is this line."""
    header = _HEADER.match(lines[start]) or _LATE_HEADER.search(lines[start].rstrip())
    if header is None:
        return _syntax_error_at(lines, start)
    prefix, is_boxed = header["prefix"], (header["margin"] or "").strip()[:1] in ("╭", "┌")
    body = [line[len(prefix) :] for line in lines[start + 1 :] if line.startswith(prefix)]
    frames, place = _frames(body, _BOXED_FRAME if is_boxed else _FRAME)
    for line in body[place:]:
        if is_boxed and line[:1] in "│|╰└":
            continue
        match = _EXCEPTION.fullmatch(line.rstrip())
        if match:
            return _made(match["exception"], match["message"], frames)
        if not line.startswith((" ", "\t")) and line.strip():
            break
    return None


def _frames(body: Sequence[str], pattern: re.Pattern[str]) -> tuple[list[Frame], int]:
    """The frames at the beginning of a traceback's lines, and the number of the line behind them."""
    frames, end = [], 0
    for number, line in enumerate(body):
        match = pattern.match(line)
        if match:
            frames.append(Frame(match["file"], int(match["line"]), match["function"]))
            end = number + 1
        elif _is_over(line):
            break
    return frames, end


def _is_over(line: str) -> bool:
    """Whether a line can be no part of a frame: source lines and marks below them are indented, or in a box.

    Those of a group are behind a bar, its exception one space behind it.
    """
    if line.startswith("  | "):
        return bool(line[4:5].strip())
    return not line.startswith((" ", "\t", "│", "|", "❱")) and bool(line.strip())


def _syntax_error_at(lines: Sequence[str], start: int) -> Traceback | None:
    """One that the compiler reports, without a header: File, the line of source, marks, the exception."""
    match = _SYNTAX.fullmatch(lines[start].rstrip())
    if match is None:
        return None
    for line in reversed(lines[max(start - 4, 0) : start]):
        frame = _FRAME.match(line.removeprefix(match["prefix"]))
        if frame:
            return _made(match["exception"], match["message"], [Frame(frame["file"], int(frame["line"]), frame["function"])])
    return None


def _made(exception: str, message: str | None, frames: Sequence[Frame]) -> Traceback:
    own = [frame for frame in frames if not _FOREIGN.search(frame.file)]
    text = (message or "").strip()[:_LONGEST_MESSAGE]
    return Traceback(exception, text, frames[-1] if frames else None, own[-1] if own else None)
