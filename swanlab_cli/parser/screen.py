"""From bytes to the lines that a terminal would show in the end.

The screen has 4096 columns and some lines; a line that was pushed out above it is final and handed out, so that memory is
bounded whatever the size of the output. Colours and strings for the terminal alone, such as its title, show nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache

from .cells import COLUMNS, TAB
from .page import Page, Row

HEIGHT = 100
"""Lines of a screen whose height nobody recorded: more than terminals have, since programs move up within what they have."""

_PORTION_BYTES = 256 * 1024


class Screen:
    """A terminal's screen for bytes that arrive in any portions; the portions make no difference to the text."""

    def __init__(self, height: int = HEIGHT, stream: str = "both") -> None:
        self._page = Page(height, stream)
        self._alternate: Page | None = None
        self._size = (height, stream)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        """The beginning of an escape sequence."""
        self._is_in_string = False

    @property
    def order(self) -> int:
        """Of the next line that is completed."""
        return self._page.order

    def feed(self, data: bytes, time: float | None = 0.0, order: int | None = None) -> list[Row]:
        """Print *data* at this time: the lines that are final now. *order* is given where screens share their numbers."""
        self._page.time = time
        if order is not None:
            self._page.order = order
        start = 0
        while start < len(data):
            end = data.rfind(b"\n", start, start + _PORTION_BYTES) + 1 or start + _PORTION_BYTES
            self._print(data[start:end])
            start = end
        return self._page.take()

    def release(self, before: int) -> list[Row]:
        """The lines of an order before this one, but none that the cursor might come back to; they are final now."""
        self._page.release(before)
        return self._page.take()

    def standing(self, is_all: bool) -> list[Row]:
        """The lines above the cursor that are not final yet, all or those that it will not come back to as far as is known."""
        return self._page.standing(is_all)

    def finish(self, order: int | None = None) -> list[Row]:
        """The remaining lines; if the output ended in an alternate screen, its lines too. *order* as for feed."""
        if order is not None:
            self._page.order = order
        self._interpret(self._decoder.decode(b"", final=True))
        self._page.finish()
        rows = self._page.take()
        if self._alternate is not None:
            self._alternate.take()
            self._alternate.finish()
            rows += (row._replace(order=self._page.order + row.order) for row in self._alternate.take())
        return rows

    def _print(self, data: bytes) -> None:
        """Print one portion; lines of nothing but text, which most are, all at once."""
        first, end = data.find(b"\n") + 1, data.rfind(b"\n") + 1
        if first < end:
            self._interpret(self._decoder.decode(data[:first]))
            is_held = self._pending or self._is_in_string or self._alternate is not None
            lines = _lines_in(data[first:end]) if not is_held and self._page.is_fresh() else None
            if lines is not None:
                self._page.print_lines(lines)
            data = data[first if lines is None else end :]
        self._interpret(self._decoder.decode(data))
        if self._alternate is not None:
            self._alternate.take()  # it has no lines but those on it

    def _interpret(self, text: str) -> None:
        """Do what the characters and sequences of *text* say."""
        text = self._pending + text
        self._pending = ""
        start = self._skip_string(text)
        page = self._alternate or self._page
        for token in _TOKEN.finditer(text, start):
            kind = token.lastgroup
            if kind == "text":
                run = _COLOUR.sub("", token[0]) if "\x1b" in token[0] else token[0]
                if run:
                    page.write(run)
            elif kind == "control":
                if token[0] == _RESET:
                    page, self._alternate = self._page, None
                action = _CONTROLS.get(token[0])
                if action is not None:
                    action(page)
            elif kind == "sequence":
                page = self._do_sequence(page, token[0])
            elif kind == "string":
                self._is_in_string = token.end() == len(text) and token[0][-1] not in _CONSUMED_ENDS
            elif token.end() == len(text):
                self._pending = token[0]

    def _skip_string(self, text: str) -> int:
        """Where in *text* a string ends that was begun before."""
        if not self._is_in_string:
            return 0
        end = _STRING_END.search(text)
        self._is_in_string = end is None
        if end is None:
            return len(text)
        return end.end() if end[0] in _CONSUMED_ENDS else end.start()

    def _do_sequence(self, page: Page, sequence: str) -> Page:
        """Do what a control sequence says (ECMA-48, section 8.3; private modes are xterm's); the page to go on with."""
        final = sequence[-1]
        parameters = sequence[1 if sequence[0] == "\x9b" else 2 : -1]
        if final in "hl" and not _ALTERNATE_MODES.isdisjoint(parameters.removeprefix("?").split(";")):
            if final == "l":
                self._alternate = None
            elif self._alternate is None:
                self._alternate = Page(*self._size)
            return self._alternate or self._page
        action = _action_of(sequence)
        if action is not None:
            action(page)
        return page


def _lines_in(data: bytes) -> list[str] | None:
    """The lines of *data*, which ends with a newline, or None where it does more than print short lines of coloured text."""
    if len(data.translate(None, _NOT_TEXT)) != len(data):
        return None
    text = data.decode("utf-8", "replace")
    if b"\x1b" in data:
        text = _COLOUR.sub("", text)
    if b"\r" in data:
        text = text.replace("\r\n", "\n")
    if "\x1b" in text or "\r" in text or (b"\xc2" in data and _C1.search(text)):
        return None
    lines = text.split("\n")
    del lines[-1]
    return lines if max(map(len, lines)) < COLUMNS // TAB else None


_NOT_TEXT = bytes(sorted({*range(0x20), 0x7F} - set(b"\t\n\r\x1b")))
_C1 = re.compile("[\x80-\x9f]")
_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,256}m")
_PARAMETERS = re.compile("[0-9;:]*")
_ALTERNATE_MODES = frozenset(("47", "1047", "1049"))
_CONSUMED_ENDS = "\x07\x18\x1a\x9c"
# ESC begins a string's proper end. A newline ends none on a terminal, but what is never ended must not swallow the rest of a log.
_STRING_END = re.compile("[\x07\x18\x1a\n\x1b\x9c]")
# ECMA-48, sections 5.4 (control sequences), 5.6 (strings) and 5.3 (the rest). Longer sequences than any real one are none; what
# is left of a sequence that is none, or of one that is not complete yet, comes last.
_TOKEN = re.compile(
    r"""(?P<text> (?: [^\x00-\x1f\x7f-\x9f]+ | \x1b\[[0-9;:]{0,256}m )+ )
      | (?P<control> [\x00-\x1a\x1c-\x1f\x7f-\x8f\x91-\x97\x99\x9a\x9c] | \x1b (?: [\ -/]{1,16}[0-~] | [0-OQ-WYZ\\`-jl-~] ) )
      | (?P<sequence> (?: \x1b\[ | \x9b ) [0-?]{0,256} [\ -/]{0,16} [@-~] )
      | (?P<string> (?: \x1b[\]PX^_k] | [\x90\x98\x9d-\x9f] ) [^\x07\x18\x1a\n\x1b\x9c]* [\x07\x18\x1a\x9c]? )
      | (?P<rest> (?: \x1b\[ | \x9b ) [0-?]{0,256} [\ -/]{0,16} | \x1b [\ -/]{0,16} )
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=1024)
def _action_of(sequence: str) -> Callable[[Page], None] | None:
    """What a control sequence does to a page, if anything."""
    final = _SYNONYMS.get(sequence[-1], sequence[-1])
    parameters = sequence[1 if sequence[0] == "\x9b" else 2 : -1]
    if final in "JK":
        parameters = parameters.removeprefix("?")  # selective erasure spares what is protected, and nothing is
    if not _PARAMETERS.fullmatch(parameters):
        return None
    numbers = [int(number) if number.isdigit() else 0 for number in parameters.split(";")[:2]]
    first, second = (min(number, COLUMNS) for number in (*numbers, 0)[:2])
    if final in _COUNTED:
        counted = _COUNTED[final]
        return lambda page: counted(page, max(first, 1))
    if final in _OTHERS:
        other = _OTHERS[final]
        return lambda page: other(page, first, second)
    return None


_RESET = "\x1bc"
_CONTROLS: dict[str, Callable[[Page], None]] = {
    # A newline begins a line: between program and terminal, the kernel has added the carriage return (termios(3), ONLCR).
    **dict.fromkeys(("\n", "\x85", "\x1bE"), Page.next_line),
    **dict.fromkeys(("\x0b", "\x0c", "\x84", "\x1bD"), Page.index),
    **dict.fromkeys(("\x8d", "\x1bM"), Page.reverse_index),
    "\r": Page.carriage_return,
    "\b": Page.backspace,
    "\t": Page.tab,
    "\x1b7": Page.save,
    "\x1b8": Page.restore,
    _RESET: Page.reset,
}
_SYNONYMS = {"a": "C", "e": "B", "f": "H", "`": "G"}
_COUNTED: dict[str, Callable[[Page, int], None]] = {
    "A": lambda page, count: page.move(-count, 0),
    "B": lambda page, count: page.move(count, 0),
    "C": lambda page, count: page.move(0, count),
    "D": lambda page, count: page.move(0, -count),
    "E": lambda page, count: page.go(page.row + count, 0),
    "F": lambda page, count: page.go(page.row - count, 0),
    "G": lambda page, count: page.go(page.row, count - 1),
    "d": lambda page, count: page.go(count - 1, page.column),
    "@": Page.insert_characters,
    "P": Page.delete_characters,
    "X": Page.erase_characters,
    "L": Page.insert_lines,
    "M": Page.delete_lines,
}
_OTHERS: dict[str, Callable[[Page, int, int], None]] = {
    "H": lambda page, row, column: page.go(row - 1, column - 1),
    "J": lambda page, part, _: page.erase_screen(part),
    "K": lambda page, part, _: page.erase_line(part),
    "s": lambda page, *_: page.save(),
    "u": lambda page, *_: page.restore(),
}
