"""One line of a screen: which characters stand in which columns.

A line is at most COLUMNS wide, so that no operation on it takes longer than copying that many characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

COLUMNS = 4096
"""What does not fit goes on in the next line. A multiple of TAB."""
TAB = 8
"""Columns from one tab stop to the next."""
NARROW = re.compile("[ -~\xa0-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u2319\u2500-\u25fc]*")
"""Surely one column each: Latin, Greek, Cyrillic, punctuation, arrows, mathematics, boxes and the blocks of bars."""

_MAX_PLAIN = 2 * COLUMNS  # characters, of which those without a width might otherwise grow without end
_MAX_CELL = 32
_SOFT_HYPHEN = "\xad"

Cells = str | list[str]
"""What stands in each column: in a list the second column of a wide character is an empty string, and marks without a width are
with the character before them; a string where each character takes one column."""


class ScreenLine:
    """What stands in one line.

    It is kept as it was printed, tabs and trailing blanks included, as long as that only went on at its end; after that
    cell by cell.
    """

    __slots__ = ("_cells", "_plain", "_width", "is_wrapped", "time")

    def __init__(self, text: str = "", time: float | None = 0.0) -> None:
        self.time = time
        """When it last changed."""
        self.is_wrapped = False
        """Whether the text goes on in the next line without a newline."""
        self._plain: str | None = text
        self._width = -1 if text else 0  # of plain text; -1: not counted yet
        self._cells: Cells = ""

    def text(self) -> str:
        """What is to be seen."""
        return self._plain if self._plain is not None else "".join(self._cells).rstrip(" ")

    def write(self, column: int, run: str) -> tuple[int, str]:
        """Put printable text at a column: the column behind it, and what did not fit."""
        is_narrow = run.isascii() or NARROW.fullmatch(run) is not None
        if self._plain is not None and column == self._plain_width():
            return self._append(self._plain, run, is_narrow)
        cells = self._split()
        if column > len(cells):
            self._splice(len(cells), column, " " * (column - len(cells)))
        room = COLUMNS - column
        new, rest = (run[:room], run[room:]) if is_narrow else self._fit(column, run)
        self._splice(column, column + len(new), new)
        return column + len(new), rest

    def tab(self, column: int) -> int:
        """The column at which a tab ends; at the end of what was printed the tab itself is kept."""
        stop = min((column // TAB + 1) * TAB, COLUMNS)
        if self._plain is not None and column == self._plain_width() < COLUMNS:
            self._plain += "\t"
            self._width = stop
            return stop
        return min(stop, COLUMNS - 1)

    def clear(self) -> None:
        """Make it a new line."""
        self._plain, self._width, self.is_wrapped = "", 0, False

    def clear_from(self, column: int) -> None:
        """Erase to the end."""
        if column == 0:
            self.clear()
        elif self._plain is None or column < self._plain_width():
            self._split()
            self._splice(column, COLUMNS, "")
            self.is_wrapped = False

    def blank(self, start: int, end: int) -> None:
        """Put blanks into the columns from *start* to *end*, as far as the line goes."""
        end = min(end, len(self._split()))
        if start < end:
            self._splice(start, end, " " * (end - start))

    def insert(self, column: int, count: int) -> None:
        """Move what stands at a column and behind it right; what leaves the screen is gone."""
        if column < len(self._split()):
            self._splice(column, column, " " * min(count, COLUMNS - column))
            self._splice(COLUMNS, len(self._cells), "")

    def delete(self, column: int, count: int) -> None:
        """Take out some columns; what is behind them moves left."""
        if column < len(self._split()):
            self._splice(column, column + count, "")

    def _append(self, plain: str, run: str, is_narrow: bool) -> tuple[int, str]:
        """Go on at the end of plain text."""
        room = COLUMNS - self._width
        fitting, columns = (min(len(run), room),) * 2 if is_narrow else _measure(run, room)
        new = run[:fitting]
        if len(plain) + fitting > _MAX_PLAIN:
            room = max(0, _MAX_PLAIN - len(plain))
            new = new[:room] + "".join(character for character in new[room:] if width(character))
        self._plain = plain + new
        self._width += columns
        return self._width, run[fitting:]

    def _fit(self, column: int, run: str) -> tuple[list[str], str]:
        """Those cells of a run that fit, and the rest of it; marks that it begins with go to the cell before it."""
        marks = next((place for place, character in enumerate(run) if width(character)), len(run))
        if marks and 0 < column <= len(self._cells):
            listed = list(self._cells)
            place = column - 1 if listed[column - 1] or column == 1 else column - 2
            listed[place] = (listed[place] + run[:marks])[:_MAX_CELL]
            self._cells = listed
        new = _list_cells(run[marks:])
        room = COLUMNS - column
        if room < len(new) and not new[room]:
            room -= 1
        return new[:room], "".join(new[room:])

    def _plain_width(self) -> int:
        if self._width < 0:
            self._width = len(_cells_of(self._plain or ""))
        return self._width

    def _split(self) -> Cells:
        """The cells; from now on nothing else is kept."""
        if self._plain is not None:
            self._cells = _cells_of(self._plain)
            self._plain = None
        return self._cells

    def _splice(self, start: int, end: int, new: Cells) -> None:
        """Put *new* in the place of the columns from *start* to *end*; of a wide character cut in two, blanks stay."""
        cells = self._cells
        if isinstance(cells, str) and isinstance(new, str):
            self._cells = cells[:start] + new + cells[end:]
            return
        listed = list(cells)
        for cut in (start, end):
            if 0 < cut < len(listed) and not listed[cut]:
                listed[cut - 1 : cut + 1] = [" ", " "]
        listed[start:end] = new
        self._cells = listed


@lru_cache(maxsize=4096)
def width(character: str) -> int:
    """Columns that a printable character takes: 0 for marks on the one before it, 2 for wide ones (Unicode Standard Annex 11)."""
    if "\u1160" <= character <= "\u11ff":  # vowels and finals, which join the Hangul syllable before them
        return 0
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Zl", "Zp") and character != _SOFT_HYPHEN:
        return 0
    if category == "Cn":  # newer than Python's tables, which are wrong about the width of such (3.11: all wide)
        return 2 if "\U0001f300" <= character <= "\U0003fffd" else 1
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _measure(run: str, columns: int) -> tuple[int, int]:
    """How many characters of a run fit into some columns, and the columns that they take."""
    taken = 0
    for count, character in enumerate(run):
        if taken + width(character) > columns:
            return count, taken
        taken += width(character)
    return len(run), taken


def _cells_of(text: str) -> Cells:
    """The cells of text that begins in the first column."""
    if text.isascii() or NARROW.fullmatch(text.replace("\t", "")):
        return text.expandtabs(TAB)
    return _list_cells(text)


def _list_cells(text: str) -> list[str]:
    cells: list[str] = []
    base = -1
    for character in text:
        if character == "\t":
            cells += " " * (TAB - len(cells) % TAB)
            base = len(cells) - 1
            continue
        columns = width(character)
        if columns:
            base = len(cells)
            cells += (character, "")[:columns]
        elif base >= 0 and len(cells[base]) < _MAX_CELL:
            cells[base] += character
    return cells
