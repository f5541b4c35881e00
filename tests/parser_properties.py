"""What must hold for the parser whatever it reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from swanlab_cli.parser import Parser
from swanlab_cli.parser.explain import Explainer
from swanlab_cli.parser.found import value_of

from .printed import Value, values_of

PATTERN = r"acc\D*(?P<acc>\S+)"


def check(output: bytes, cuts: Sequence[int]) -> None:
    """Read *output* in every way.

    Raises:
        AssertionError: portions, plans or the explanation make a difference.
    """
    for mode in ("auto", "kv"):
        for patterns in ((), (PATTERN,)):
            expected = _as_text(_explained(output, mode, patterns))
            assert _as_text(_read([output], mode, patterns)) == expected, (mode, patterns, output)
            assert _as_text(_read(_portions(output, cuts), mode, patterns)) == expected, (mode, patterns, output, cuts)


def _portions(output: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({min(cut, len(output)) for cut in cuts} | {0, len(output)})
    return [output[start:end] for start, end in pairwise(places)]


def _read(portions: Sequence[bytes], mode: str, patterns: Sequence[str]) -> list[Value]:
    parser = Parser(mode, patterns)
    return values_of([one for portion in portions for one in parser.feed(portion)] + parser.finish())


def _explained(output: bytes, mode: str, patterns: Sequence[str]) -> list[Value]:
    """What is found without plans."""
    explainer = Explainer(mode, patterns)
    return [
        Value(number.key, value_of(one.text[number.start : number.end]), step, one.line)
        for one in [*explainer.feed(output), *explainer.finish()]
        for number, step in one.numbers
        if not number.reason
    ]


def _as_text(values: Sequence[Value]) -> list[str]:
    """Comparable: NaN is no number, and patterns come first on their line."""
    return sorted(map(repr, values))
