"""The lines of a screen and its cursor: what each operation of a terminal does to them, and which lines are final.

Cursor movements end at the edges; text that goes beyond the right one goes on in the next line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple

from .cells import COLUMNS, ScreenLine

_MAX_PIECES = 4096


class Row(NamedTuple):
    """One line of output in its last state, without its newline."""

    text: str
    time: float | None
    """Of the portion of output that changed it last; None where it is not known."""
    order: int
    """Ascending; of several screens that share their numbers, in the order of their newlines."""
    stream: str


_make_row = partial(tuple.__new__, Row)  # what _make does, but for checking the length of each


class Page:
    """Lines that the cursor can reach, at most *height*.

    What is pushed out above them is handed out. Lines that go on in the next are put together, up to 4096 of them.
    """

    def __init__(self, height: int, stream: str) -> None:
        self.time: float | None = 0.0
        """Of what is being printed."""
        self.order = 0
        """Of the next line that gets another one below it."""
        self.row = 0
        self.column = 0
        """COLUMNS behind the last character that fits."""
        self._height = height
        self._stream = stream
        self._lines = [ScreenLine()]
        self._orders: list[int] = []  # of all lines but the last
        self._reach = 0  # how many lines up from the last one the cursor has ever come back
        self._saved = (0, 0)
        self._final: list[Row] = []
        self._begun: list[str] = []  # the beginning of a wrapped line, pushed out already

    def take(self) -> list[Row]:
        """The lines that have become final since the last call."""
        final, self._final = self._final, []
        return final

    def release(self, before: int) -> None:
        """Push out lines of an order before this one, but none that the cursor might come back to."""
        self._push_out(bisect_left(self._orders, before, 0, self._settled()))

    def standing(self, is_all: bool) -> list[Row]:
        """The lines above the cursor that are not final yet, all or those that it will not come back to as far as is known."""
        return self._join(self.row if is_all else self._settled())[0]

    def finish(self) -> None:
        """Push out everything; blank lines below the cursor, and its own if blank, are nothing."""
        used = [row + 1 for row, line in enumerate(self._lines) if line.text().strip()]
        self._append_lines(len(self._lines) + 1)
        self._push_out(max(self.row, *used[-1:], 0))

    def is_fresh(self) -> bool:
        """Whether the cursor is at the beginning of the last line, in which there is nothing yet."""
        line = self._lines[-1]
        return self.column == 0 and self.row == len(self._lines) - 1 and not (line.text() or line.is_wrapped)

    def print_lines(self, lines: Sequence[str]) -> None:
        """Print whole lines of printable text and tabs, each shorter than the screen is wide; the page must be fresh."""
        kept = lines[max(0, len(lines) - self._height + 1) :]
        passed = len(lines) - len(kept)
        self._push_out(len(self._lines) + len(kept) - self._height)
        if passed:
            orders = range(self.order, self.order + passed)
            self._final += map(_make_row, zip(lines, repeat(self.time), orders, repeat(self._stream), strict=False))
            self.order += passed
        self._lines[-1:] = [*(ScreenLine(line, self.time) for line in kept), self._lines[-1]]
        self._number_lines()
        self.row = len(self._lines) - 1

    def write(self, run: str) -> None:
        """Print characters that are neither controls nor tabs, one at least."""
        while True:
            line = self._changed()
            self.column, run = line.write(self.column, run)
            if not run:
                return
            self._wrap()

    def tab(self) -> None:
        """Go to the next tab stop."""
        if self.column == COLUMNS:
            self._wrap()
        self.column = self._lines[self.row].tab(self.column)

    def carriage_return(self) -> None:
        """Go to the first column."""
        self.column = 0

    def backspace(self) -> None:
        """Go one column left."""
        self.column = max(0, self.column - 1)

    def index(self) -> None:
        """Go down; at the lower edge the screen moves on."""
        self.row += 1
        if self.row == len(self._lines):
            self._lines.append(ScreenLine(time=self.time))
            self._orders.append(self.order)
            self.order += 1
            if self.row == self._height:
                self._push_out(1)

    def next_line(self) -> None:
        """Go to the beginning of the next line."""
        self.column = 0
        self.index()

    def reverse_index(self) -> None:
        """Go up; at the upper edge the screen moves back."""
        if self.row:
            self.move(-1, 0)
            return
        column = self.column
        self.insert_lines(1)
        self.column = column

    def save(self) -> None:
        """Remember the cursor's place on the screen."""
        self._saved = (self.row, self.column)

    def restore(self) -> None:
        """Go to the place remembered, or to the first there is."""
        self.go(*self._saved)

    def reset(self) -> None:
        """Erase the screen and begin anew."""
        self.erase_screen(2)
        self.go(0, 0)

    def go(self, row: int, column: int) -> None:
        """Put the cursor somewhere, or at the edge before it."""
        self.row = min(max(row, 0), self._height - 1)
        self.column = min(max(column, 0), COLUMNS - 1)
        distance = len(self._lines) - 1 - self.row
        if distance < 0:
            self._append_lines(self.row + 1)
        elif distance > self._reach:
            self._reach = distance

    def move(self, rows: int, columns: int) -> None:
        """Move the cursor down and right, or up and left where negative."""
        self.go(self.row + rows, self.column + columns)

    def erase_line(self, part: int) -> None:
        """Erase from the cursor on (0), up to it (1), or all of its line (2)."""
        line = self._changed()
        if part == 0:
            line.clear_from(self.column)
        elif part == 1:
            line.blank(0, self.column + 1)
        elif part == 2:
            line.clear()

    def erase_screen(self, part: int) -> None:
        """Erase from the cursor on (0), up to it (1), or all (2); what was handed out (3) stays."""
        if part > 2:
            return
        self.erase_line(part)
        above = self._lines[: self.row] if part else []
        below = self._lines[self.row + 1 :] if part != 1 else []
        for line in above + below:
            if line.text():
                line.time = self.time
            line.clear()

    def erase_characters(self, count: int) -> None:
        """Put blanks in the place of some characters from the cursor on."""
        self._changed().blank(self.column, self.column + count)

    def insert_characters(self, count: int) -> None:
        """Put blanks before the character at the cursor."""
        self._changed().insert(self.column, count)

    def delete_characters(self, count: int) -> None:
        """Take out some characters from the cursor on."""
        self._changed().delete(self.column, count)

    def insert_lines(self, count: int) -> None:
        """Put blank lines before the cursor's; what is pushed beyond the lower edge is lost."""
        count = min(count, self._height - self.row)
        self._lines[self.row : self.row] = [ScreenLine(time=self.time) for _ in range(count)]
        del self._lines[self._height :]
        self._number_lines()
        self.column = 0

    def delete_lines(self, count: int) -> None:
        """Take out some lines from the cursor's on."""
        count = min(count, len(self._lines) - self.row)
        del self._lines[self.row : self.row + count]
        self._lines += [ScreenLine(time=self.time) for _ in range(count)]
        self.column = 0

    def _wrap(self) -> None:
        """Go on in the next line."""
        self._lines[self.row].is_wrapped = True
        self.next_line()

    def _settled(self) -> int:
        """How many lines there are that the cursor has left, and higher up than it has ever come back."""
        return max(0, min(self.row, len(self._lines) - 1 - self._reach))

    def _changed(self) -> ScreenLine:
        """The cursor's line, which is about to change."""
        line = self._lines[self.row]
        line.time = self.time
        return line

    def _append_lines(self, count: int) -> None:
        """Have this many lines at least."""
        self._lines += [ScreenLine(time=self.time) for _ in range(count - len(self._lines))]
        self._number_lines()

    def _number_lines(self) -> None:
        missing = len(self._lines) - 1 - len(self._orders)
        self._orders += range(self.order, self.order + missing)
        self.order += missing

    def _push_out(self, count: int) -> None:
        """Make the first lines final."""
        if count <= 0:
            return
        rows, self._begun = self._join(count)
        self._final += rows
        del self._lines[:count], self._orders[:count]
        self.row -= count

    def _join(self, count: int) -> tuple[list[Row], list[str]]:
        """The first lines, those that go on in the next put together, and what is left of them."""
        rows = []
        begun = list(self._begun)
        for line, order in zip(self._lines[:count], self._orders, strict=False):
            begun.append(line.text())
            if not line.is_wrapped or len(begun) == _MAX_PIECES:
                rows.append(Row("".join(begun), line.time, order, self._stream))
                begun = []
        return rows, begun
