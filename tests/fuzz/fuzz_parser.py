"""Coverage-guided fuzzing of the parser: lines, splits and the whole of it.

Run: make fuzz, or python tests/fuzz/fuzz_parser.py [CORPUS_DIRECTORY] [-max_total_time=SECONDS] [other options of libFuzzer].
An input is its first byte, which says where the rest is cut into portions, and the output to read. What must hold is in
tests/parser_properties.py; an input that takes seconds is reported too (-timeout).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["swanlab_cli.parser"]):
    from tests.parser_properties import check


def fuzz(data: bytes) -> None:
    """Read one input."""
    if data:
        stride = data[0] + 1
        check(data[1:], range(stride, min(len(data), 40 * stride), stride))


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz)
    atheris.Fuzz()
