"""Answering prompts: when the child waits for input and its last output matches a rule, the rule's reply is typed.

pexpect does the matching. It is imported here and nowhere else, and only by runs that have rules.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import sys
import termios
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pexpect.expect import searcher_re

from .console import Console
from .streams import Record, Stream
from .waiting import READ, UNKNOWN, input_wait

# REGEX=REPLY is split at the first "=" that the regular expression cannot claim: not escaped, not of (?=, (?<= or (?P=.
_RULE = re.compile(r"((?:\\.|\(\?(?:<?|P)=|[^=\\])+)=(.*)", re.DOTALL)
_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")  # ECMA-48, 5.4 and 8.3.89
_LONGEST_PROMPT = 4096
# After output, when to see whether the child waits: at first soon, since a prompt comes right before the wait, then less often.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.01, 0.5
# A program of another user (sudo) cannot be looked into: silence for so long after an unfinished line counts as waiting.
_SILENCE_S = 0.5
_IFLAG, _LFLAG, _CC = 0, 3, 6  # indexes into tcgetattr()'s list
_FED_AT_ONCE = 4096


class Rule(NamedTuple):
    """What to type at which prompt."""

    pattern: re.Pattern[str]
    """Searched in the last line of output, without escape sequences."""
    reply: str
    """Typed with Enter behind it."""


class Reply(NamedTuple):
    """One reply that was typed."""

    prompt: str
    """The line that was there."""
    text: str | None
    """What was typed; None where the terminal did not echo it, as for a password."""


def parse_rule(text: str) -> Rule:
    """The rule that REGEX=REPLY means.

    Raises:
        ValueError: there is no `=`, nothing before it, or no regular expression before it.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not REGEX=REPLY")
    try:
        return Rule(re.compile(match[1]), match[2])
    except re.error as error:
        raise ValueError(f"'{match[1]}' is not a regular expression: {error}") from error


class Prompts:
    """The answering of one child's prompts; also the `Record` through which it hears the output.

    What is piped or redirected into us is given to the child line by line when it waits and no rule matches, and the end of it
    likewise, so that a child without an answer fails as it would at the end of its input, instead of waiting for ever.
    """

    def __init__(
        self, rules: Sequence[Rule], console: Console, stream: Stream, record: Record, note: Callable[[Reply], None]
    ) -> None:
        self._rules = rules
        self._searcher = searcher_re([rule.pattern for rule in rules])
        self._console = console
        self._stream = stream
        self._record = record
        self._note = note
        self._last = b""
        """Output since something was typed, its end."""
        self._echo = b""
        """What the terminal is about to echo of that."""
        self._heard_at = time.monotonic()
        self._look_s = _FIRST_LOOK_S
        self._next_look = self._heard_at
        self._waits_since: float | None = None
        """When a look first saw the present wait."""
        self._outside = None if os.isatty(0) else os.dup(0)
        self._fed = b""

    @property
    def offset(self) -> int:
        """Bytes in the record."""
        return self._record.offset

    def finish(self, stream: str) -> None:
        """Have what is held back recorded."""
        self._record.finish(stream)

    def append(self, stream: str, data: memoryview | bytes) -> None:
        """Record the output and keep its end in mind."""
        self._record.append(stream, data)
        heard = self._without_echo(bytes(data[-_LONGEST_PROMPT:]))
        self._last = (self._last + heard)[-_LONGEST_PROMPT:]
        self._heard_at = time.monotonic()
        self._look_s = _FIRST_LOOK_S
        self._next_look = self._heard_at + self._look_s

    def wait_s(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._next_look - time.monotonic())

    def look(self, child_pid: int) -> None:
        """If it is time, see whether the child waits, and type what it waits for."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._look_s = min(2 * self._look_s, _LONGEST_LOOK_S)
        self._next_look = now + self._look_s
        if self._console.input_waits() is not None or not self._stream.is_open:
            return
        wait = input_wait(child_pid, (self._stream.path, "/dev/tty"))
        if wait is None or self._unread_bytes():
            self._waits_since = None
            return
        if self._waits_since is None or self._heard_at > self._waits_since:
            # A prompt that was written just before the wait may still lie in a pipe: heard by the next look, it is the one meant.
            self._waits_since = now
            self._look_s = _FIRST_LOOK_S
            self._next_look = now + self._look_s
            return
        prompt = _last_line(self._last)
        is_silent = now - self._heard_at >= _SILENCE_S and not self._last.endswith(b"\n")
        if prompt and (wait != UNKNOWN or is_silent):
            number = self._searcher.search(prompt, len(prompt))
            if number >= 0:
                self._answer(prompt, self._rules[number].reply)
                return
        if wait == READ:
            self._feed()

    def _answer(self, prompt: str, reply: str) -> None:
        modes = termios.tcgetattr(self._stream.source)
        is_echoed = bool(modes[_LFLAG] & termios.ECHO)
        self._type(reply.encode() + _enter(modes))
        self._echo = reply.encode() + b"\n" if is_echoed else b""
        self._note(Reply(prompt, reply if is_echoed else None))

    def _type(self, data: bytes) -> None:
        self._last = b""
        self._waits_since = None
        self._console.type(data)
        self._look_s = _FIRST_LOOK_S
        self._next_look = time.monotonic() + self._look_s

    def _feed(self) -> None:
        """Give the child the next line from outside, or the end of it; nothing while the user or a pipe may still give some."""
        if self._outside is None:
            return
        is_over = False
        if b"\n" not in self._fed and len(self._fed) < _FED_AT_ONCE:
            if not select.select([self._outside], [], [], 0)[0]:
                return
            data = os.read(self._outside, _FED_AT_ONCE - len(self._fed))
            self._fed += data
            is_over = not data
        line, newline, rest = self._fed.partition(b"\n")
        if newline or is_over:
            self._fed = rest
            self._type(line + (newline or self._end_of_file()))

    def _end_of_file(self) -> bytes:
        end: bytes = termios.tcgetattr(self._stream.source)[_CC][termios.VEOF]
        return end

    def _unread_bytes(self) -> int:
        """How much of what was typed the child has not read yet; only the child's end of the pty tells."""
        child_end = os.open(self._stream.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return int.from_bytes(fcntl.ioctl(child_end, termios.FIONREAD, bytes(4)), sys.byteorder)
        finally:
            os.close(child_end)

    def _without_echo(self, data: bytes) -> bytes:
        """The output less the echo of what we have just typed, which is no prompt."""
        while self._echo and data:
            if data[:1] == self._echo[:1]:
                self._echo = self._echo[1:]
            elif data[:1] != b"\r":
                self._echo = b""
                break
            data = data[1:]
        return data


def _enter(modes: Sequence[Any]) -> bytes:
    """What the Enter key must send: a line ends with a newline, into which most terminals turn the key's carriage return."""
    is_line_mode = modes[_LFLAG] & termios.ICANON
    return b"\n" if is_line_mode and not modes[_IFLAG] & termios.ICRNL else b"\r"


def _last_line(output: bytes) -> str:
    """The last line that is not blank, as it stands on the terminal: its last repaint, without escape sequences."""
    text = _ESCAPE_SEQUENCE.sub("", output.decode(errors="replace")).rstrip("\r\n")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    return lines[-1].rpartition("\r")[2] if lines else ""
