"""Lines of one shape: programs print the same line again and again, with other digits.

Where the values of a line stand is found out once for its shape, and read off directly in the lines that follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_ZEROS = {ord(digit): "0" for digit in "123456789"}
_LONG_RUN = re.compile("00000+")
_IN_NAME = re.compile("[A-Za-z_@#][0-9]+")
_RUN = re.compile("[0-9]+")


class Place(NamedTuple):
    """Where a number stands, told by the runs of digits in its line."""

    first: int
    """The run that it begins in, from 0."""
    before: int
    """Characters in front of that run that belong to it: a sign, a point."""
    last: int
    """The run that it ends in."""
    after: int
    """Characters behind that run that belong to it."""


def shape_of(text: str) -> str:
    """What lines share that differ in their numbers alone. The length of a run of digits counts up to four.

    Digits of names (`Acc@5`, `loss_ce_0`) are no numbers: they count themselves.
    """
    return _LONG_RUN.sub("0000", text.translate(_ZEROS)) + "".join(_IN_NAME.findall(text))


def is_in_shape(name: str) -> bool:
    """Whether lines of one shape have the same digits in this name of theirs."""
    return _RUN.search(_IN_NAME.sub("", name)) is None


def runs_of(text: str) -> list[tuple[int, int]]:
    """Where the runs of digits begin and end."""
    return [match.span() for match in _RUN.finditer(text)]


def place_of(start: int, end: int, runs: Sequence[tuple[int, int]]) -> Place | None:
    """The place of a number, or None where it has no digits."""
    inside = [index for index, (begin, stop) in enumerate(runs) if begin < end and stop > start]
    if not inside:
        return None
    first, last = inside[0], inside[-1]
    return Place(first, runs[first][0] - start, last, end - runs[last][1])


def text_at(place: Place, text: str, runs: Sequence[tuple[int, int]]) -> str:
    """The number that stands at a place in another line of the shape."""
    return text[runs[place.first][0] - place.before : runs[place.last][1] + place.after]
