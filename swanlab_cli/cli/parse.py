"""`swanlab parse`: the metrics in saved output, or why each number in it is one or not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from ..errors import SwanlabError, UsageError
from ..parser import MODES, Found, Parser
from ..parser.explain import Explained, Explainer
from ..parser.found import Number, value_of
from ..records import Json, encode_value
from .text import columns

T = TypeVar("T")
_READ_BYTES = 1 << 20


class ParseChoice(NamedTuple):
    """What to read, and what to print of it."""

    mode: str
    patterns: Sequence[str]
    step_key: str | None
    explain: bool
    as_json: bool


def parse_file(path: str, choice: ParseChoice) -> None:
    """Print what is found in the file, `-` for stdin, in order of appearance.

    Raises:
        UsageError: an unknown mode or a bad pattern.
        SwanlabError: the file cannot be read.
    """
    if choice.mode not in MODES:
        raise UsageError(f"--parse: '{choice.mode}' is not one of {', '.join(MODES)}")
    reading = choice.mode, choice.patterns, choice.step_key
    lines: Iterable[str]
    try:
        if choice.explain:
            explainer = Explainer(*reading)
            lines = map(_explained_json if choice.as_json else _explained_text, _read(path, explainer.feed, explainer.finish))
        else:
            parser = Parser(*reading)
            found = _read(path, parser.feed, parser.finish)
            lines = (line for one in found for line in (_found_json(one) if choice.as_json else _found_text(one)))
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        sys.stdout.writelines(lines)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise SwanlabError(f"cannot read '{path}': {error.strerror}") from error


def _read(path: str, feed: Callable[[bytes], Iterable[T]], finish: Callable[[], Iterable[T]]) -> Iterator[T]:
    with open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-") as file:
        while data := file.read(_READ_BYTES):
            yield from feed(data)
    yield from finish()


def _found_json(found: Found) -> Iterator[str]:
    for key, value in zip(found.keys, found.values, strict=True):
        fields = {"key": key, "value": encode_value(value), "step": found.step, "line": found.line}
        yield json.dumps(fields, ensure_ascii=False) + "\n"


def _found_text(found: Found) -> Iterator[str]:
    step = "-" if found.step is None else found.step
    for key, value in zip(found.keys, found.values, strict=True):
        yield f"{found.line}\t{step}\t{key}\t{value!r}\n"


def _explained_json(explained: Explained) -> str:
    numbers = [_number_json(explained.text, number, step) for number, step in explained.numbers]
    fields = {"line": explained.line, "text": explained.text, "numbers": numbers}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _number_json(text: str, number: Number, step: int | None) -> Json:
    printed = text[number.start : number.end]
    return {
        "printed": printed,
        "start": number.start,
        "end": number.end,
        "key": number.key or None,
        "value": None if number.reason else encode_value(value_of(printed)),
        "step": None if number.reason else step,
        "rule": number.rule or None,
        "reason": number.reason or None,
    }


def _explained_text(explained: Explained) -> str:
    rows = [
        (f"    {explained.text[number.start : number.end]}", number.key or "-", _verdict(number, step))
        for number, step in explained.numbers
    ]
    return f"{explained.line}: {explained.text}\n{columns(rows)}\n"


def _verdict(number: Number, step: int | None) -> str:
    if number.reason:
        return f"not taken: {number.reason}"
    return f"taken by {number.rule}" + ("" if step is None else f", step {step}")
