"""The sections of a page about a run: labelled values, wrapped, and tables, fitted to the width of the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .colour import Paper
from .fitting import cut, pad, printable, text_width, wrap

# Where nothing tells the width: of a value that is longer, a file or a pipe gets so much.
_LONGEST_VALUE = 500
_MOST_LINES = 6
_NARROWEST = 12


class Field(NamedTuple):
    """One labelled value; without text it is not shown."""

    label: str
    text: str | None
    style: str = ""
    is_whole: bool = False
    """Neither wrapped nor cut: what a user copies."""


def section(heading: str, fields: Iterable[Field], paper: Paper) -> str | None:
    """The heading, where there is one, and below it the values, aligned; None where no field has a text."""
    shown = [field for field in fields if field.text]
    if not shown:
        return None
    indent = "  " if heading else ""
    labels = max(text_width(field.label) for field in shown)
    room = None if paper.width is None else max(paper.width - len(indent) - labels - 2, _NARROWEST)
    lines = [paper.paint("heading", heading)] if heading else []
    for field in shown:
        first, *others = _value_lines(field, room)
        label = paper.paint("label", pad(printable(field.label), labels))
        lines.append(f"{indent}{label}  {paper.paint(field.style, first)}".rstrip())
        lines += [f"{indent}{' ' * labels}  {paper.paint(field.style, other)}" for other in others]
    return "\n".join(lines)


def _value_lines(field: Field, room: int | None) -> list[str]:
    lines = [printable(line) for line in (field.text or "").splitlines()] or [""]
    if field.is_whole:
        return lines
    if room is None:
        return [cut(line, _LONGEST_VALUE) for line in lines]
    return [piece for line in lines for piece in wrap(line, room, _MOST_LINES)]


def table_section(heading: str, headings: Sequence[str], rows: Sequence[Sequence[str]], paper: Paper) -> str | None:
    """A table below its heading, its first column cut and its last ones left out where it is too wide; None without rows."""
    if not rows:
        return None
    cells = [headings, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(text_width, column)) for column in zip(*cells, strict=True)]
    if paper.width is not None:
        widths = _fitted(widths, paper.width - 2)
    lines = ["  " + "  ".join(pad(cut(cell, size), size) for cell, size in zip(row, widths, strict=False)) for row in cells]
    shown = [line.rstrip() for line in lines]
    return "\n".join([paper.paint("heading", heading), paper.paint("label", shown[0]), *shown[1:]])


def _fitted(widths: Sequence[int], room: int) -> list[int]:
    """Widths of as many columns as fit into `room`; the first may become narrower for the others, the last for all before."""
    kept = list(widths)
    while len(kept) > 2 and _total(kept) - kept[0] + min(kept[0], _NARROWEST) > room:
        kept.pop()
    for place in (0, len(kept) - 1):
        excess = _total(kept) - room
        if excess > 0:
            kept[place] = max(kept[place] - excess, min(kept[place], _NARROWEST))
    return kept


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)
