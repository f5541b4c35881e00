"""The shim's JSON against the standard library's."""

from __future__ import annotations

import enum
import json
import math
import random
import sys
from typing import Any

import pytest

from .test_shim import SHIM

sys.path.append(str(SHIM))  # last, so that an installed SDK would come first; the module tested imports nothing of the shim's
encoding = pytest.importorskip("swanlab.encoding", reason="an SDK hides the shim")
sys.path.remove(str(SHIM))


class Level(int, enum.Enum):
    """An integer with a name."""

    HIGH = 3


def anything(chance: random.Random, depth: int = 0) -> Any:
    """A value that JSON can hold."""
    kind = chance.randrange(9 if depth < 4 else 7)
    if kind == 7:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 8:
        return {text(chance): anything(chance, depth + 1) for _ in range(chance.randrange(4))}
    simple = (
        None,
        True,
        False,
        chance.randrange(-(10**20), 10**20),
        chance.gauss(0, 1e10),
        10 ** chance.uniform(-300, 300),
        text(chance),
    )
    return simple[kind]


def text(chance: random.Random) -> str:
    """Characters of all kinds: control, quotes, beyond the basic plane, half a surrogate pair."""
    return "".join(chance.choice('a"\\/\n\t\x00\x7f\x85é损🦢\ud800\u2028') for _ in range(chance.randrange(12)))


def test_same_as_the_standard_library() -> None:
    """The same text, character by character."""
    chance = random.Random(11)
    for _ in range(2000):
        value = anything(chance)
        assert encoding.encoded(value) == json.dumps(value)


def test_kinds_that_are_taken_as_what_they_are() -> None:
    """Tuples as lists, members of an enum as their numbers, as the standard library does."""
    value = {"tuple": (1, 2.5), "level": Level.HIGH, "empty": [{}, [], ""]}
    assert encoding.encoded(value) == '{"tuple": [1, 2.5], "level": 3, "empty": [{}, [], ""]}'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    """The inbox has words for it."""
    with pytest.raises(ValueError, match="JSON has no"):
        encoding.encoded([value])


@pytest.mark.parametrize("value", [b"bytes", {1}, object()])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """Whoever records it has made it plain before."""
    with pytest.raises(TypeError, match="JSON has no"):
        encoding.encoded({"x": value})
