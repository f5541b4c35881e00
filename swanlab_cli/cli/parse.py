"""`swanlab parse`: the metrics in saved output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence

from ..errors import SwanlabError, UsageError
from ..parser import MODES, Found, Parser
from ..records import encode_value

_READ_BYTES = 1 << 20


def parse_file(path: str, mode: str, patterns: Sequence[str], step_key: str | None, as_json: bool) -> None:
    """Print what is found in the file, `-` for stdin, in order of appearance.

    Raises:
        UsageError: an unknown mode or a bad pattern.
        SwanlabError: the file cannot be read.
    """
    if mode not in MODES:
        raise UsageError(f"--parse: '{mode}' is not one of {', '.join(MODES)}")
    try:
        parser = Parser(mode, patterns, step_key)
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        for found in _find(path, parser):
            for key, value in zip(found.keys, found.values, strict=True):
                _print(key, value, found.step, found.line, as_json)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise SwanlabError(f"cannot read '{path}': {error.strerror}") from error


def _find(path: str, parser: Parser) -> Iterator[Found]:
    with open(0 if path == "-" else path, "rb", buffering=0, closefd=path != "-") as file:
        while data := file.read(_READ_BYTES):
            yield from parser.feed(data)
    yield from parser.finish()


def _print(key: str, value: float, step: int | None, line: int, as_json: bool) -> None:
    if as_json:
        fields = {"key": key, "value": encode_value(value), "step": step, "line": line}
        sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{line}\t{'-' if step is None else step}\t{key}\t{value!r}\n")
