"""What a parser has found, value by value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from swanlab_cli.parser import Found


class Value(NamedTuple):
    """One printed value."""

    key: str
    value: float
    step: int | None
    line: int


def values_of(found: Iterable[Found]) -> list[Value]:
    """The values in print order."""
    return [Value(*pair, one.step, one.line) for one in found for pair in zip(one.keys, one.values, strict=True)]
