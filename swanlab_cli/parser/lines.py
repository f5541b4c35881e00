"""From bytes to repaints: what each stretch of output between newlines and carriage returns left on the screen.

Only bytes up to the next separator are kept, and of those 64 KiB at most.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

MAX_REPAINT_BYTES = 64 * 1024
"""Of a longer repaint the beginning up to the last blank within this limit is read, the rest is not."""


class Repaint(NamedTuple):
    """One state of one physical line, free of escape and control sequences."""

    text: str
    line: int
    """Physical line, from 1; split at newlines only."""
    number: int
    """Of this repaint in its line, from 0."""
    is_last: bool
    """A newline or the end of the output ends it, not a carriage return."""


ReadAhead = Callable[[str, int, int], tuple[int, int]]
"""Reads as many whole lines of a text as it can from a place on, of which the first has a number: where it stopped, likewise."""


class Lines:
    """Splits bytes that arrive in any portions into repaints; the portions make no difference to the result."""

    def __init__(
        self, is_wanted: Callable[[bytes], bool] | None = None, context: int = 0, read_ahead: ReadAhead | None = None
    ) -> None:
        """Pass over stretches that are not wanted (None: over none); it is asked of many lines at once, and of single ones.

        Of the lines passed over, the last *context* ones before a wanted line are not. Lines that are nothing but text are
        offered to *read_ahead* first; what it reads is not yielded.
        """
        self._is_wanted = is_wanted or (lambda _stretch: True)
        self._context: deque[tuple[bytes, int]] = deque(maxlen=context)
        self._read_ahead = read_ahead
        self.line = 1
        """The physical line that comes next, or has begun."""
        self._number = 0
        self._is_line_wanted = False
        """Whether an earlier stretch of the present line was wanted."""
        self._passed = b""
        """What the present line, none of which was wanted, showed last, with its carriage return."""
        self._pending = bytearray()
        self._is_return_held = False

    def feed(self, data: bytes) -> Iterator[Repaint]:
        """Yield the repaints that *data* completes. Exhaust it before the next call."""
        # Whether a carriage return begins a repaint or belongs to a newline, as on every terminal, the next byte tells.
        if self._is_return_held:
            data = b"\r" + data
        self._is_return_held = data.endswith(b"\r")
        if self._is_return_held:
            data = data[:-1]
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if end:
            complete = self._passed + bytes(self._pending) + data[:end]
            self._passed = b""
            self._pending.clear()
            for portion in _portions(complete):
                yield from self._split(portion)
        room = MAX_REPAINT_BYTES + 1 - len(self._pending)
        if room > 0:
            self._pending += data[end : end + room]

    def finish(self) -> Iterator[Repaint]:
        """Yield the last repaint, if the output ended without newline or carriage return."""
        rest = self._passed + bytes(self._pending)
        self._passed = b""
        self._pending.clear()
        if rest:
            yield from self._whole(rest)

    def _split(self, data: bytes) -> Iterator[Repaint]:
        """Yield the repaints of *data*, which ends with a separator; several lines are at most 64 KiB."""
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        if b"\x1b" in data and len(data) <= MAX_REPAINT_BYTES:
            data = _COLOUR.sub(b"", data)  # one by one it would cost more than all the rest, and its digits are no numbers
        if not self._is_line_wanted and not self._is_wanted(data):
            self._pass_over(data)
            return
        text = _text_in(data) if self._read_ahead is not None and self._number == 0 else None
        if text is not None:
            yield from self._read_text(text)
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            yield from self._whole(line)
        if rest and (self._is_line_wanted or self._is_wanted(rest)):
            self._is_line_wanted = True
            yield from self._passed_over()
            yield from self._repaints(rest[:-1], is_ended=False)
            self._number += rest.count(b"\r")
        elif rest:
            self._pass_over(rest)

    def _pass_over(self, data: bytes) -> None:
        """Count lines and repaints of *data*, which ends with a separator and holds nothing wanted, and keep the context."""
        newlines = data.count(b"\n")
        if newlines and self._context.maxlen:
            passed = data.rsplit(b"\n", self._context.maxlen + 1)[:-1][-self._context.maxlen :]
            first = self.line + newlines - len(passed)
            self._context.extend((line, first + index) for index, line in enumerate(passed))
        self.line += newlines
        rest = data[data.rfind(b"\n") + 1 :]
        self._number = rest.count(b"\r") + (0 if newlines else self._number)
        if rest and self._context.maxlen:
            self._passed = next((piece for piece in reversed(rest.split(b"\r")) if piece.strip()), b"") + b"\r"
            self._number -= 1

    def _read_text(self, text: str) -> Iterator[Repaint]:
        """Yield those of some lines of printable text that are not read ahead."""
        assert self._read_ahead is not None
        place = 0
        while place < len(text):
            if not self._context:
                place, self.line = self._read_ahead(text, place, self.line)
            end = text.find("\n", place)
            if end >= 0:
                yield from self._whole(text[place:end].encode())
                place = end + 1

    def _whole(self, line: bytes) -> Iterator[Repaint]:
        """Yield the repaints of a line's stretch that its newline ends."""
        if self._is_wanted(line):
            yield from self._passed_over()
            yield from self._repaints(line, is_ended=True)
        elif self._context.maxlen and not self._is_line_wanted:
            self._context.append((line, self.line))
        self.line += 1
        self._number = 0
        self._is_line_wanted = False

    def _passed_over(self) -> Iterator[Repaint]:
        """The lines before a wanted one, each as it was left in the end."""
        for line, number in self._context:
            text = last_repaint(line)
            if text:
                yield Repaint(text, number, 0, True)
        self._context.clear()

    def _repaints(self, line: bytes, is_ended: bool) -> Iterator[Repaint]:
        """Yield the repaints of the stretch *line* of a physical line; if not *is_ended*, more of that line follows."""
        pieces = line.split(b"\r")
        last = len(pieces) - 1
        for offset, piece in enumerate(pieces):
            if piece and self._is_wanted(piece):
                yield Repaint(_decode(piece), self.line, self._number + offset, is_ended and offset == last)


_NO_TEXT = bytes(sorted({*range(0x20), 0x7F} - {ord("\n"), ord("\t")}))
"""What must not be in printable text."""
_SEPARATOR = re.compile(rb"[\r\n]")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[mK]")


def _portions(data: bytes) -> Iterator[bytes]:
    """*data*, which ends with a separator, in portions that do so too: of one repaint, or not longer than one may be."""
    place = 0
    while len(data) - place > MAX_REPAINT_BYTES:
        limit = place + MAX_REPAINT_BYTES
        end = max(data.rfind(b"\n", place, limit), data.rfind(b"\r", place, limit)) + 1
        if not end:
            found = _SEPARATOR.search(data, limit)
            end = found.end() if found else len(data)
        yield data[place:end]
        place = end
    if place < len(data):
        yield data[place:]


def _text_in(data: bytes) -> str | None:
    """Lines of printable text, or None where there is more in *data* than that."""
    if data.isascii():
        return data.decode("ascii") if len(data.translate(None, _NO_TEXT)) == len(data) else None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if text.replace("\n", "").replace("\t", "").isprintable() else None


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_REPAINT_BYTES:
        # A number cut in two would be a wrong number.
        raw = raw[:MAX_REPAINT_BYTES].rpartition(b" ")[0]
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else _clean(text)


# ECMA-48, sections 5.4 (CSI), 5.6 (OSC, DCS, SOS, PM, APC) and 5.3 (the rest); xterm also ends OSC with BEL, and
# screen has ESC k. A sequence that the repaint's end cuts off goes with it, as on a terminal.
_ESCAPE = re.compile(
    r"""  (?:\x1b\[|\x9b) [0-?]* [ -/]* (?:[@-~]|$)
        | (?:\x1b\]|\x9d) [^\x07\x1b\x9c]* (?:\x07|\x1b\\|\x9c)?
        | \x1b [PX^_k] [^\x1b\x9c]* (?:\x1b\\|\x9c)?
        | \x1b [ -/]* [0-~]?
    """,
    re.VERBOSE,
)
# Cursor movements part words: ConPTY and curses write "ESC [ 3 C" for three blanks.
_MOVE = re.compile(r"(?:\x1b\[|\x9b)[0-9;]*[A-Hdf]")

_SEPARATORS = "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_INVISIBLE = "\x7f\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_CONTROLS = {
    **dict.fromkeys([*range(0x20), *range(0x80, 0xA0)], None),
    **dict.fromkeys(map(ord, _INVISIBLE), None),
    **dict.fromkeys(map(ord, _SEPARATORS), " "),
    ord("\t"): "\t",
}


def last_repaint(line: bytes) -> str:
    """What a physical line shows in the end: its last repaint that is not blank."""
    repaints = (_decode(piece).rstrip() for piece in reversed(line.split(b"\r")))
    return next((repaint for repaint in repaints if repaint), "")


def _clean(text: str) -> str:
    """What a terminal would show of *text*: without escape sequences and controls, backspaces applied."""
    if "\x1b" in text or "\x9b" in text or "\x9d" in text:
        text = _ESCAPE.sub("", _MOVE.sub(" ", text))
    if "\b" in text:
        text = _apply_backspaces(text)
    return text.translate(_CONTROLS)


def _apply_backspaces(text: str) -> str:
    """Let text that follows backspaces replace what they stepped over.

    Backspaces at the end only move the cursor: Keras 2 writes them after a bar that is to be read.
    """
    shown: list[str] = []
    first, *rest = text.rstrip("\b").split("\b")
    shown.extend(first)
    for part in rest:
        if shown:
            shown.pop()
        shown.extend(part)
    return "".join(shown)
