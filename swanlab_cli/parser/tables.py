"""Tables: a header of names, then rows of numbers under them; and boxes of two columns, a name and its number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from swanlab_cli.parser.found import Analysis, Located, Number
from swanlab_cli.parser.names import Kind, kind_of
from swanlab_cli.parser.prose import is_whole
from swanlab_cli.parser.values import CELL, read_step

_VALUE = re.compile(rf"^\s*{CELL}", re.VERBOSE)
_COUNT = re.compile(r"\d[\d,]*(?:\.0*)?[kK]?(?![\w.])")
_HOLDS_NUMBER = re.compile(r"\s[-+]?\d")
_RULE = re.compile(r"^[\s|+│┃├┤┌┐└┘┬┴┼╞╡═─━=:-]*[-─━═=]{2,}[\s|+│┃├┤┌┐└┘┬┴┼╞╡═─━=:-]*$")
_BORDERS = "|│┃"
_BORDER = re.compile(rf"\s*[{_BORDERS}]\s*")
_COMMA = re.compile(r"\s*,\s*")
_AROUND_NAME = " #\"'"
_NARROW = re.compile(r"[\s|]+")
_WIDE = re.compile(r"\s*[|│┃]\s*|\s{2,}|\t\s*")
_NAME = re.compile(r"(?:[^\W\d]|\#|[@%._]\w)(?:[\w@%./\#()\[\]+*'& -]|:(?=\.\d)){0,40}$")
_TRAILING_BAR = re.compile(r":?\s+\d{1,3}%.*$")
# So many lines below its last row a header no longer counts.
_PATIENCE = 60
_LONGEST_HEADER = 400
# The step among the counters of a table, the finest first.
_INDEX = "index"
"""What pandas prints before the columns, without a name on their line."""
_STEPS = tuple("index step global_step steps iter iteration it batch # counter epoch epochs gen generation e ep".split())


class _Header(NamedTuple):
    wide: tuple[str, ...]
    """The names, parted by bars, tabs or two blanks."""
    narrow: tuple[str, ...]
    """The names, parted by every blank."""
    is_comma: bool = False
    """Whether they are parted by commas."""


class Context(NamedTuple):
    """What of the lines before bears on the next."""

    header: _Header | None = None
    """The last one."""
    above: str = ""
    """The line above without its borders, where it may be a header or the upper half of one."""
    section: str = ""
    """Of a box: what its names are below."""


class _Cell(NamedTuple):
    text: str
    start: int


class Tables:
    """Remembers the last header; stateful from line to line."""

    def __init__(self) -> None:
        self.context = Context()
        self.valid_until = float("inf")

    def expire(self) -> None:
        """Forget the header, whose last row is too far above."""
        self.context = self.context._replace(header=None)
        self.valid_until = float("inf")

    def renew(self, line: int) -> None:
        """Let the header count from physical line *line* on."""
        self.valid_until = line + _PATIENCE

    def analyse(self, text: str, line: int) -> Analysis | None:
        """Read a line that is a part of a table; None for one that is not."""
        if _RULE.match(text):
            if text.lstrip()[:1] in "-┌+" and "|" not in text[:1]:
                self.context = self.context._replace(section="")
            return Analysis([], None)
        box = self._read_box(text)
        if box is not None:
            return box
        bare = _Cell(text, 0)
        for characters in (None, _BORDERS, None):
            bare = _trimmed(bare, characters)
        bare = bare._replace(text=_TRAILING_BAR.sub("", bare.text))
        if not bare.text:
            return None
        row = self._read_row(bare) or self._read_aligned(bare)
        if row is not None:
            self.context = self.context._replace(above="")
            self.renew(line)
            return row
        return self._take_header(bare, line)

    def _read_box(self, text: str) -> Analysis | None:
        """A row `| name | number |` of a box."""
        if text.lstrip()[:1] not in tuple(_BORDERS):
            return None
        cells = _cells(_Cell(text, 0), _BORDER)[1:-1]
        if len(cells) != 2 or not _NAME.match(cells[0].text):
            return None
        name, printed = cells[0].text, cells[1]
        if not printed.text and name.endswith("/"):
            self.context = self.context._replace(section=name)
            return Analysis([], None)
        value = _VALUE.match(printed.text)
        if value is None:
            return None
        section = self.context.section
        kind = kind_of(name)
        is_metric = kind is Kind.METRIC or (section and kind in (Kind.COMPANION, Kind.SETTING, Kind.UNKNOWN))
        start, end = value.span(1)
        reason = "" if is_metric else f"a {kind.name.lower()} in a box"
        return Analysis([Number(printed.start + start, printed.start + end, section + name, "box", reason)], None)

    def _take_header(self, bare: _Cell, line: int) -> Analysis | None:
        if len(bare.text) >= _LONGEST_HEADER:
            self.context = self.context._replace(above="")
            return None
        commas = [name.strip(_AROUND_NAME) for name in bare.text.split(",")]
        if len(commas) >= 3 and all(map(_is_name, commas)) and _tells_of_training(commas):
            self.context = Context(_Header(tuple(commas), tuple(commas), is_comma=True))
            self.renew(line)
            return Analysis([], None, renews=True)
        halves = _joined(self.context.above, bare.text)
        narrow = halves or bare.text.replace("|", " ").split()
        wide = halves or [name for name in _WIDE.split(bare.text) if name]
        are_names = bool(halves) or all(map(_is_name, narrow)) or (len(wide) >= 3 and all(map(_is_name, wide)))
        is_header = len(narrow) >= 2 and are_names
        is_telling = is_header and _tells_of_training(wide if len(wide) >= 2 else narrow)
        may_be_above = is_header or (len(wide) >= 2 and not any(map(_VALUE.match, wide)))
        is_whole = is_telling and _BORDER.search(bare.text) is None
        self.context = self.context._replace(above=" " * bare.start + bare.text if may_be_above and not is_whole else "")
        if not is_telling:
            return None
        header = _Header(tuple(map(_clean, wide)), tuple(map(_clean, narrow)))
        self.context = self.context._replace(header=header)
        self.renew(line)
        return Analysis([], None, renews=True)

    def _read_aligned(self, bare: _Cell) -> Analysis | None:
        """A row of numbers each of which ends below the end of its name, whatever the names: `    Bond    Angle  Proper Dih.`."""
        above = self.context.above
        cells = [cell for cell in _cells(bare, _NARROW) if cell.text] if above else []
        values = [_VALUE.match(cell.text) for cell in cells]
        if len(cells) < 2 or not all(values) or 2 * sum(not is_whole(cell.text) for cell in cells) < len(cells):
            return None
        ends = [cell.start + len(cell.text) for cell in cells]
        names = [above[start:end].strip() for start, end in pairwise([0, *ends])]
        padded = above.ljust(ends[-1]) + " "
        is_aligned = not above[ends[-1] :].strip() and all(padded[end - 1] != " " == padded[end] for end in ends)
        if not is_aligned or not all(names):
            return None
        numbers = [
            Number(cell.start, cell.start + len(value[1]), name, "table", _why_not(name))
            for name, value, cell in zip(names, values, cells, strict=True)
            if value is not None
        ]
        return Analysis(numbers, None)

    def _read_row(self, bare: _Cell) -> Analysis | None:
        header = self.context.header
        if header is None:
            return None
        fit = _fitted(bare, header)
        if fit is None:
            return None
        names, cells = fit
        values = [_VALUE.match(cell.text) for cell in cells]
        like = sum(value is not None or cell.text[:1].isdigit() for value, cell in zip(values, cells, strict=True))
        if 2 * like <= len(cells):
            return None
        numbers = [
            Number(cell.start + value.start(1), cell.start + value.end(1), name, "table", _why_not(name))
            for name, value, cell in zip(names, values, cells, strict=True)
            if value is not None
        ]
        counter = _counter_of(names, cells)
        step = _located(counter) if counter else None
        # A count such as `2.0` is a step, and `2.5` is none.
        return Analysis(numbers, step, is_repeatable=counter is None or "." not in counter.text, renews=True)


def _fitted(bare: _Cell, header: _Header) -> tuple[Sequence[str], list[_Cell]] | None:
    """The cells of a row with the names of their columns."""
    if header.is_comma:
        splits = [_cells(bare, _COMMA)]
    else:
        wide, narrow = _cells(bare, _WIDE), _cells(bare, _NARROW)
        splits = [wide, [cell for cell in wide if cell.text], [cell for cell in narrow if cell.text]]
    pairs = [(names, cells) for cells in splits for names in (header.wide, header.narrow)]
    exact = [(names, cells) for names, cells in pairs if len(names) == len(cells)]
    fits = exact + [fit for fit in (_labelled(*pair) for pair in pairs) if fit is not None]
    return next((fit for fit in fits if fit[0][0].lower() not in _STEPS or fit[1][0].text[:1].isdigit()), None)


def _labelled(names: Sequence[str], cells: list[_Cell]) -> tuple[Sequence[str], list[_Cell]] | None:
    """Names and cells of a row with one cell more: an index, as pandas prints it, a label as `BFGS:`, or a class."""
    if len(cells) == len(names) + 1 and cells[0].text.isdigit() and all(_VALUE.match(cell.text) for cell in cells):
        return (_INDEX, *names), cells
    if len(cells) == len(names) + 1 and cells[0].text.endswith(":"):
        return names, cells[1:]
    if len(cells) == len(names) + 1 and cells[0].text[:1].isalpha() and all(_VALUE.match(cell.text) for cell in cells[1:]):
        return [f"{cells[0].text} {name}" for name in names], cells[1:]  # a report on classes: `macro avg  0.9  0.8  0.85`
    return None


def _joined(upper: str, lower: str) -> list[str]:
    """The names of a header of two lines; empty where they are none."""
    upper_cells, lower_cells = (_BORDER.split(line.strip()) for line in (upper, lower))
    if len(upper_cells) < 3:
        upper_cells, lower_cells = upper.split(), lower.split()
        if not all(map(_is_name, upper_cells + lower_cells)):
            return []
    if len(upper_cells) != len(lower_cells) or len(upper_cells) < 3 or any(map(str.isdigit, lower)):
        return []
    return [f"{first} {second}".strip() for first, second in zip(upper_cells, lower_cells, strict=True)]


def _is_name(word: str) -> bool:
    return _NAME.match(word) is not None and _VALUE.match(word) is None and _HOLDS_NUMBER.search(word) is None


def _trimmed(cell: _Cell, characters: str | None) -> _Cell:
    bare = cell.text.lstrip(characters)
    return _Cell(bare.rstrip(characters), cell.start + len(cell.text) - len(bare))


def _cells(bare: _Cell, separator: re.Pattern[str]) -> list[_Cell]:
    """The cells between separators, with their places in the line."""
    places = [0, *(place for match in separator.finditer(bare.text) for place in match.span()), len(bare.text)]
    return [_Cell(bare.text[start:end], bare.start + start) for start, end in zip(places[::2], places[1::2], strict=True)]


def _why_not(name: str) -> str:
    """Why a column holds no metric; empty where it does."""
    kind = kind_of(name)
    is_metric = kind in (Kind.METRIC, Kind.COMPANION, Kind.UNKNOWN) and name not in ("#", _INDEX)
    return "" if is_metric else f"a column of {'counts' if kind is Kind.UNKNOWN else kind.name.lower() + 's'}"


def _clean(name: str) -> str:
    """A name without a bracket that belongs to a group of columns: `Box(P`, `mAP50-95)`."""
    return name.rpartition("(")[2].rstrip(")") if name.count("(") != name.count(")") else name


def _tells_of_training(names: list[str]) -> bool:
    kinds = [kind_of(_clean(name)) for name in names]
    metrics = kinds.count(Kind.METRIC)
    others = kinds.count(Kind.COMPANION)
    is_counted = any(_bare_name(name) in _STEPS for name in names) or Kind.COUNTER in kinds
    is_led_by_step = len(names) >= 3 and names[0].lower() in _STEPS
    return metrics >= 2 or (metrics >= 1 and is_counted) or (is_counted and others >= 2) or is_led_by_step


def _counter_of(names: Sequence[str], cells: Sequence[_Cell]) -> _Cell | None:
    """The cell that tells the step of its row: a column may be called `step` and hold the size of steps."""
    lowered = [_bare_name(name) for name in names]
    for wanted in _STEPS:
        for name, cell in zip(lowered, cells, strict=True):
            count = _COUNT.match(cell.text) if name == wanted or name.endswith(" " + wanted) else None
            if count is not None:
                return _Cell(count[0], cell.start)
    return None


def _bare_name(name: str) -> str:
    """A name in lower case without what stands in brackets behind it: `Step (% Done)`."""
    return name.partition("(")[0].strip().lower()


def _located(cell: _Cell) -> Located | None:
    step = read_step(cell.text)
    return None if step is None else (step, cell.start, cell.start + len(cell.text))
