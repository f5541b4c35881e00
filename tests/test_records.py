"""records: JSON forms of values and lines."""

from __future__ import annotations

import math
from typing import Any

import pytest

from swanlab_cli.records import decode_line, decode_value, encode_line, encode_value

VALUES = [
    pytest.param(0.5, 0.5, id="number"),
    pytest.param(-0.0, -0.0, id="negative zero"),
    pytest.param(5e-324, 5e-324, id="smallest"),
    pytest.param(1.7976931348623157e308, 1.7976931348623157e308, id="largest"),
    pytest.param(math.inf, "Infinity", id="infinity"),
    pytest.param(-math.inf, "-Infinity", id="negative infinity"),
    pytest.param(math.nan, "NaN", id="nan"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_values_that_are_not_finite_become_words(value: float, expected: float | str) -> None:
    """A finite value is its own JSON form; the others are the words of the contract."""
    assert repr(expected) == repr(encode_value(value))


@pytest.mark.parametrize(("value", "encoded"), VALUES)
def test_decoding_gives_the_value_back(value: float, encoded: float | str) -> None:
    """Sign, smallest and largest included."""
    assert repr(value) == repr(decode_value(encoded))


@pytest.mark.parametrize("encoded", ["", "high", None, [], {}], ids=repr)
def test_what_is_no_value_is_refused(encoded: Any) -> None:
    """Neither a number nor one of the three words."""
    with pytest.raises((ValueError, TypeError)):
        decode_value(encoded)


def test_line_is_ascii_and_one_line() -> None:
    """Newlines, other scripts and undecodable bytes are escaped."""
    fields = {"text": "a\nb", "name": "损失", "command": ["\udcff"], "value": 0.1}
    expected = b'{"text":"a\\nb","name":"\\u635f\\u5931","command":["\\udcff"],"value":0.1}\n'
    assert expected == encode_line(fields)
    assert fields == decode_line(expected)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=repr)
def test_writer_refuses_numbers_that_json_has_not(value: float) -> None:
    """A bare NaN would make the line unreadable for others."""
    with pytest.raises(ValueError, match="JSON"):
        encode_line({"value": value})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b' {"a": {"b": []}}\r', {"a": {"b": []}}),
        (b"", None),
        (b"   ", None),
        (b'{"a": 1', None),
        (b'"a": 1}', None),
        (b'{"a": 1}{"b": 2}', None),
        (b"[1, 2]", None),
        (b"3", None),
        (b"null", None),
        (b"\xff\xfe{}", None),
        (b"\0\0\0\0", None),
        (b"9" * 5000, None),
        (b"[" * 100_000, None),
    ],
    ids=[
        "object", "blanks", "empty", "blank", "torn", "tail", "two", "array", "number", "null", "not utf-8", "zeros", "digits",
        "brackets",
    ],
)  # fmt: skip
def test_line_without_an_object_is_none(line: bytes, expected: dict[str, Any] | None) -> None:
    """Whatever a crash leaves on a line is no object and no error."""
    assert expected == decode_line(line)
