"""What the parts of the parser tell each other: the numbers on a line, and what became of each."""

from __future__ import annotations

from typing import NamedTuple

Located = tuple[int, int, int]
"""A step, and where it begins and ends in the text."""


class Found(NamedTuple):
    """The values on one repaint."""

    keys: tuple[str, ...]
    """Verbatim as printed, in print order; as many as values."""
    values: tuple[float, ...]
    step: int | None
    """Stated on the line itself, else None."""
    line: int
    """Physical line, from 1; split at newlines only."""


class Number(NamedTuple):
    """A number on a repaint, taken or not."""

    start: int
    """Where its digits begin in the text."""
    end: int
    key: str
    """Its name, verbatim as printed; empty where it has none."""
    rule: str
    """What read it: `pattern`, `pair`, `text`, `table` or `box`; empty where nothing did."""
    reason: str = ""
    """Why it is not taken; empty where it is."""


class Late(NamedTuple):
    """A number on an earlier line that is taken only now."""

    line: int
    text: str
    number: Number
    step: int | None


class Analysis(NamedTuple):
    """What an extractor makes of a repaint."""

    numbers: list[Number]
    """Those that it looked at, in print order."""
    step: Located | None
    """The step that the repaint states for all of them."""
    blanks: tuple[tuple[int, int, str], ...] = ()
    """Stretches (start, end) that it did not look into, and why."""
    is_repeatable: bool = True
    """Whether it would make the same of any line of that shape."""
    late: tuple[Late, ...] = ()
    """What is taken now of lines before."""
    renews: bool = False
    """Whether the line is of the kind that the context is for: a row under a table's header."""

    def taken(self) -> list[Number]:
        """The numbers that are metrics."""
        return [number for number in self.numbers if not number.reason]


def value_of(digits: str) -> float:
    """The value behind the digits of a number; thousands lose their commas."""
    return float(digits.replace(",", ""))
