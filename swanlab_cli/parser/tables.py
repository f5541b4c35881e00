"""Tables: a header of names, then rows of numbers under them; and boxes of two columns, a name and its number."""

from __future__ import annotations

import re
from typing import NamedTuple

from swanlab_cli.parser.names import Kind, kind_of
from swanlab_cli.parser.values import ALONE, read_step

Cell = tuple[str, float, int | None]

_VALUE = re.compile(rf"^\s*{ALONE}", re.VERBOSE)
_RULE = re.compile(r"^[\s|+│┃├┤┌┐└┘┬┴┼╞╡═─━=:-]*[-─━═=]{2,}[\s|+│┃├┤┌┐└┘┬┴┼╞╡═─━=:-]*$")
_BORDER = re.compile(r"\s*[|│┃]\s*")
_WIDE = re.compile(r"\s*[|│┃]\s*|\s{2,}|\t\s*")
_NAME = re.compile(r"(?:[^\W\d]|\#|[@%._]\w)[\w@%./\#()+*' -]{0,40}$")
_TRAILING_BAR = re.compile(r":?\s+\d{1,3}%.*$")
# Lines of other kinds between two rows after which a header no longer counts.
_PATIENCE = 60
_LONGEST_HEADER = 400
# The step among the counters of a table, the finest first.
_STEPS = tuple("step global_step steps iter iteration it batch # counter epoch epochs gen generation e ep".split())


class _Header(NamedTuple):
    wide: list[str]
    """The names, parted by bars, tabs or two blanks."""
    narrow: list[str]
    """The names, parted by every blank."""


class Tables:
    """Remembers the last header; stateful from line to line."""

    def __init__(self) -> None:
        self._header: _Header | None = None
        self._above: list[str] = []
        """The words of the line above, where it may be the upper half of a header."""
        self._unlike = 0
        self._section = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing of the lines so far bears on the next."""
        return self._header is None and not self._above and not self._section

    def find(self, text: str) -> list[Cell] | None:
        """The metrics of a row; an empty list for another part of a table, None for a line that is none."""
        if _RULE.match(text):
            self._section = "" if text.lstrip()[:1] in "-┌+" and "|" not in text[:1] else self._section
            return []
        box = self._find_in_box(text)
        if box is not None:
            return box
        stripped = _TRAILING_BAR.sub("", text.strip().strip("|│┃").strip())
        if not stripped:
            return None
        if self._header is not None:
            row = self._row(stripped, self._header)
            if row is not None:
                self._unlike = 0
                self._above = []
                return row
            self._unlike += 1
            if self._unlike > _PATIENCE:
                self._header = None
        return self._take_header(stripped)

    def _find_in_box(self, text: str) -> list[Cell] | None:
        """A row `| name | number |` of a box."""
        if text.lstrip()[:1] not in ("|", "│", "┃"):
            return None
        cells = _BORDER.split(text.strip())[1:-1]
        if len(cells) != 2 or not _NAME.match(cells[0]):
            return None
        name, printed = cells
        if not printed and name.endswith("/"):
            self._section = name
            return []
        value = _VALUE.match(printed)
        if value is None:
            return None
        kind = kind_of(name)
        is_metric = kind is Kind.METRIC or (self._section and kind in (Kind.COMPANION, Kind.SETTING, Kind.UNKNOWN))
        return [(self._section + name, float(value[1].replace(",", "")), None)] if is_metric else []

    def _take_header(self, stripped: str) -> list[Cell] | None:
        wide = [name for name in _WIDE.split(stripped) if name]
        narrow = stripped.replace("|", " ").split()
        are_names = all(_NAME.match(name) and not _VALUE.match(name) for name in narrow)
        is_header = len(narrow) >= 2 and are_names and len(stripped) < _LONGEST_HEADER
        if is_header and len(self._above) == len(narrow) >= 3:
            wide = [f"{above} {name}" for above, name in zip(self._above, narrow, strict=True)]
        is_telling = is_header and _tells_of_training(wide if len(wide) >= 2 else narrow)
        self._above = narrow if is_header and not is_telling else []
        if is_telling:
            self._header = _Header([_clean(name) for name in wide], [_clean(name) for name in narrow])
            self._unlike = 0
            return []
        return None

    def _row(self, stripped: str, header: _Header) -> list[Cell] | None:
        cells = [cell for cell in _WIDE.split(stripped) if cell]
        if len(cells) != len(header.wide):
            cells = stripped.replace("|", " ").split()
        names = header.wide if len(cells) == len(header.wide) else header.narrow
        if len(cells) != len(names):
            return None
        numbers = [_VALUE.match(cell) for cell in cells]
        if 2 * sum(number is not None or cell[:1].isdigit() for number, cell in zip(numbers, cells, strict=True)) <= len(cells):
            return None
        step = _step_of(names, cells)
        return [
            (name, float(number[1].replace(",", "")), step)
            for name, number in zip(names, numbers, strict=True)
            if number is not None and kind_of(name) in (Kind.METRIC, Kind.COMPANION, Kind.UNKNOWN) and name != "#"
        ]


def _clean(name: str) -> str:
    """A name without a bracket that belongs to a group of columns: `Box(P`, `mAP50-95)`."""
    return name.rpartition("(")[2].rstrip(")") if name.count("(") != name.count(")") else name


def _tells_of_training(names: list[str]) -> bool:
    kinds = [kind_of(_clean(name)) for name in names]
    metrics = kinds.count(Kind.METRIC)
    others = kinds.count(Kind.COMPANION)
    is_counted = any(name.lower() in _STEPS for name in names) or Kind.COUNTER in kinds
    is_led_by_step = len(names) >= 3 and names[0].lower() in _STEPS
    return metrics >= 2 or (metrics >= 1 and is_counted) or (is_counted and others >= 2) or is_led_by_step


def _step_of(names: list[str], cells: list[str]) -> int | None:
    lowered = [name.lower() for name in names]
    for wanted in _STEPS:
        for name, cell in zip(lowered, cells, strict=True):
            if name == wanted or name.endswith(" " + wanted):
                return read_step(cell)
    return None
