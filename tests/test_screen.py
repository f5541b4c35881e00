"""A screen shows what a terminal would show in the end, whatever is printed in whatever portions."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from swanlab_cli.parser.cells import COLUMNS, NARROW, width
from swanlab_cli.parser.screen import Screen


def shown(output: bytes, portion: int = 0, height: int = 100) -> list[str]:
    """The lines in the end, where the output arrives in portions of this size."""
    screen = Screen(height)
    size = portion or max(len(output), 1)
    rows = [row for start in range(0, len(output), size) for row in screen.feed(output[start : start + size])]
    return [row.text for row in rows + screen.finish()]


TABLE = {
    "nothing": (b"", []),
    "lines": (b"one\ntwo\n", ["one", "two"]),
    "no newline at the end": (b"one\ntwo", ["one", "two"]),
    "empty lines": (b"\n\none\n\n\n", ["", "", "one", "", ""]),
    "lines of a terminal": (b"one\r\ntwo\r\n", ["one", "two"]),
    "more carriage returns": (b"one\r\r\n\rtwo\r", ["one", "two"]),
    "text is kept as it is": (b"a\tb  \n \t \n", ["a\tb  ", " \t "]),
    "a bar": (b"\r 10%|#   |\r 50%|##  |\r100%|####|\n", ["100%|####|"]),
    "a shorter repaint": (b"downloading\rdone\n", ["doneloading"]),
    "a bar wiped with blanks": (b"\r50%|##|\r       \rdone\n", ["done"]),
    "a bar wiped at the end": (b"one\n50%|##|\r       \r", ["one"]),
    "backspaces": (b"|\b/\b-\b\\\bok\n", ["ok"]),
    "backspaces stop": (b"ab\b\b\b\bcd\n", ["cd"]),
    "erase to the end": (b"downloading\rdone\x1b[K\n", ["done"]),
    "erase to the cursor": (b"abcdef\x1b[3D\x1b[1K\n", ["    ef"]),
    "erase the line": (b"abcdef\x1b[2Kx\n\rabc\x1b[2K\rd \n", ["      x", "d "]),
    "erase nothing": (b"abc\x1b[K\x1b[0K \n", ["abc "]),
    "erase something unknown": (b"abc\r\x1b[7K\x1b[9J\n", ["abc"]),
    "tabs move": (b"abcdefghijk\r\tX\n", ["abcdefghXjk"]),
    "a tab is as wide as it was": (b"a\tb\rX\n", ["X       b"]),
    "nested bars": (b"a0\n\rb0\x1b[A\ra1\n\rb1\x1b[A\ra2\n\rb2\n", ["a2", "b2"]),
    "bars that go away": (b"a0\n\rb0\r  \x1b[A\r  \rend\n", ["end"]),
    "up stops at the upper edge": (b"a\nb\x1b[99AX\n", ["aX", "b"]),
    "left stops": (b"abc\x1b[99DX\n", ["Xbc"]),
    "down stops": (b"a\x1b[99999999999BX", ["a", *[""] * 98, " X"]),
    "right stops": (b"\x1b[99999999999CX", [" " * (COLUMNS - 1) + "X"]),
    "right": (b"a\x1b[3Cb\n", ["a   b"]),
    "lines up and down": (b"a\nb\nc\x1b[2FA\x1b[EB\n", ["A", "B", "c"]),
    "column": (b"abc\x1b[2GX\x1b[5`Y\n", ["aXc Y"]),
    "row": (b"a\nb\nc\x1b[2dX\n", ["a", "bX", "c"]),
    "place": (b"a\nb\nc\x1b[2;3HX\x1b[1;1fY\x1b[HZ", ["Z", "b X", "c"]),
    "erase below": (b"a\nb\nc\x1b[A\r\x1b[Jd\n", ["a", "d"]),
    "erase above": (b"ab\ncd\nef\x1b[A\x1b[D\x1b[1J\n", ["", "", "ef"]),
    "clear the screen": (b"a\nb\n\x1b[H\x1b[2J\x1b[3Jc\n", ["c"]),
    "reset": (b"a\nb\n\x1bcc\n", ["c"]),
    "save and restore": (b"ab\x1b7cd\x1b8X\x1b[sY\x1b[uZ\n", ["abXZ"]),
    "insert characters": (b"abc\r\x1b[2@X\n", ["X abc"]),
    "delete characters": (b"abcdef\r\x1b[2PX\n", ["Xdef"]),
    "blank characters": (b"abcdef\r\x1b[2X\x1b[4CX\n", ["  cdXf"]),
    "insert lines": (b"a\nb\x1b[2LX\n", ["a", "X", "", "b"]),
    "delete lines": (b"a\nb\nc\x1b[2A\x1b[MX\n", ["X", "c"]),
    "index, next line, reverse index": (b"a\x1bDb\x1bEc\x1bM\rd\n", ["a", "db", "c"]),
    "the same in one character": ("a\x84b\x85c\x8d\rd\n".encode(), ["a", "db", "c"]),
    "reverse index at the upper edge": (b"a\x1bMb\n", [" b", "a"]),
    "vertical tab and form feed": (b"a\x0bb\x0cc\n", ["a", " b", "  c"]),
    "colours": (b"\x1b[1;32mab\x1b[0mc\rX\x1b[38:5:196mY\x1b[m\n", ["XYc"]),
    "alternate screen": (b"a\x1b[?1049h\x1b[Hvim\n\n\x1b[?1049lb\n", ["ab"]),
    "older alternate screens": (b"a\x1b[?25;47hvim\x1b[?47lb\x1b[?1047hvi\x1b[?1047lc\n", ["abc"]),
    "killed in the alternate screen": (b"a\n\x1b[?1049h\x1b[Hvim\nx", ["a", "vim", "x"]),
    "reset in the alternate screen": (b"a\x1b[?1049hvim\x1bcb\n", ["b"]),
    "title": (b"a\x1b]0;title\x07b\x1b]2;title\x1b\\c\x1bktitle\x1b\\d\n", ["abcd"]),
    "link": (b"\x1b]8;;http://x/\x1b\\a\x1b]8;;\x1b\\b\n", ["ab"]),
    "strings": (b"\x1bP1$r0m\x1b\\a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d\n", ["abcd"]),
    "strings of single characters": ("\x9d0;t\x9ca\x90q\x9cb\n".encode(), ["ab"]),
    "a string without end": (b"a\x1b]0;title\nb\n\x1bPx\x1b[1mc\n", ["a", "b", "c"]),
    "private and other sequences": (b"\x1b[?25l\x1b[>4;1m\x1b(B\x1b=\x1b[!pa\x1b[ q\x1b[6n\x1b[?25h\n", ["a"]),
    "selective erasure": (b"abc\r\x1b[?Kd\n", ["d"]),
    "a cut sequence": (b"a\x1b[31", ["a"]),
    "a broken sequence": (b"a\x1b[3\x01b\x1b\x1b[1mc\n", ["abc"]),
    "a sequence too long": (b"\x1b[" + b"1" * 300 + b"mx\n", ["1" * 44 + "mx"]),
    "other controls": (b"a\x00b\x07c\x7fd\x0e\x0f\x1ae\n", ["abcde"]),
    "not UTF-8": (b"a\xff\xe4\xb8b\xe4\n\x9b1mc\xc3", ["a\ufffd\ufffdb\ufffd", "\ufffd1mc\ufffd"]),
    "escapes do not join bytes": (b"\xe4\x1b[1m\xb8\xad\n", ["\ufffd\ufffd\ufffd"]),
    "wide characters": ("中文字\rab\n".encode(), ["ab文字"]),
    "marks": ("e\u0301a\rx\u0302\ny\u0302\u0302\n".encode(), ["x\u0302a", "y\u0302\u0302"]),
    "emoji": ("👩\u200d🚀 ok\rab\n".encode(), ["ab🚀 ok"]),
    "soft hyphen": ("a\xadb\r\x1b[2Cc\n".encode(), ["a\xadc"]),
}  # fmt: skip


@pytest.mark.parametrize(("output", "expected"), TABLE.values(), ids=TABLE.keys())
def test_lines_are_as_they_were_left(output: bytes, expected: list[str]) -> None:
    """The table."""
    assert shown(output) == expected


@pytest.mark.parametrize("output", [output for output, _ in TABLE.values()], ids=TABLE.keys())
def test_portions_make_no_difference(output: bytes) -> None:
    """Every cut in two, single bytes and random cuts; before it and behind it, lines that are printed all at once."""
    whole = b"first\nsecond\n" + output + b"last but one\nlast\n"
    expected = shown(whole)
    for portion in (1, 2, 3, 5):
        assert shown(whole, portion) == expected, portion
    for cut in range(len(whole) + 1):
        screen = Screen()
        rows = screen.feed(whole[:cut]) + screen.feed(whole[cut:]) + screen.finish()
        assert [row.text for row in rows] == expected, cut


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("中文字\r\x1b[Cx\n", " x文字"),
        ("中文字\rx\n", "x 文字"),
        ("中文字\r\x1b[Cx中\n", " x中字"),
        ("中文字\r\x1b[3C\x1b[K\n", "中"),
        ("中文字\r\x1b[C\x1b[@\n", "   文字"),
        ("中文字\r\x1b[2P\x1b[P\n", " 字"),
        ("中文字\r\x1b[C\x1b[2X\n", "    字"),
        ("中文字\r\x1b[2C\x1b[1K\n", "    字"),
        ("中\t文\rx\n", "x       文"),
    ],
)  # fmt: skip
def test_half_a_wide_character_is_a_blank(output: str, expected: str) -> None:
    """Whatever cuts it in two."""
    assert shown(output.encode()) == [expected]


def test_characters_that_are_taken_for_narrow_are() -> None:
    """The expression that saves looking up each character agrees with the table of widths."""
    narrow = [chr(code) for code in range(0x20, 0x30000) if NARROW.fullmatch(chr(code))]
    assert len(narrow) > 1000
    assert [character for character in narrow if width(character) != 1] == []


@pytest.mark.parametrize("mark", ["", "中", "\t", "\r"], ids=["narrow", "wide", "tab", "return"])
@pytest.mark.parametrize("length", [COLUMNS - 1, COLUMNS, COLUMNS + 1, 3 * COLUMNS + 5])
def test_long_lines_stay_whole(mark: str, length: int) -> None:
    """A line wider than the screen is wrapped inside only, in whatever portions it comes."""
    line = "x" * length + mark
    output = f"a\n{line}\nb\n".encode()
    for portion in (0, 1000, 4096):
        assert shown(output, portion) == ["a", line.rstrip("\r"), "b"]


def test_only_lines_on_the_screen_can_be_changed() -> None:
    """What was pushed out above it is final at once."""
    screen = Screen(height=3)
    assert [row.text for row in screen.feed(b"1\n2\n3\n4\n")] == ["1", "2"]
    assert [row.text for row in screen.feed(b"\x1b[99AX") + screen.finish()] == ["X", "4"]


def test_rows_say_when_they_last_changed() -> None:
    """Its newline does not change a line; a repaint, erasing and a cursor that came back do."""
    screen = Screen()
    screen.feed(b"a\nb", 1.0)
    screen.feed(b"\nc\nd\n\ne\n", 2.0)
    screen.feed(b"\x1b[6AX\x1b[2B\r\x1b[K\x1b[3B", 3.0)
    expected = [("X", 3.0), ("b", 1.0), ("", 3.0), ("d", 2.0), ("", 2.0), ("e", 2.0)]
    assert [(row.text, row.time) for row in screen.finish()] == expected


def test_lines_are_released_unless_the_cursor_comes_back_to_them() -> None:
    """By order; the highest of nested bars stays, since it is going to be repainted."""
    screen = Screen()
    screen.feed(b"1\n2\n3\n", order=10)
    assert screen.order == 13
    assert [(row.text, row.order) for row in screen.release(12)] == [("1", 10), ("2", 11)]
    screen.feed(b"bar 1\nbar 2\x1b[A\r")
    assert [row.text for row in screen.release(100)] == ["3"]
    screen.feed(b"Bar\nBar\x1b[A\r")
    assert screen.release(100) == []
    screen.feed(b"\n\n")
    assert [row.text for row in screen.standing(False)] == ["Bar 1"]
    assert [row.text for row in screen.standing(True)] == ["Bar 1", "Bar 2"]
    assert [row.text for row in screen.finish()] == ["Bar 1", "Bar 2"]


HUGE = {
    "a line": b"word " * 400_000,
    "a wide line": "中文".encode() * 100_000,
    "tabs": b"\t" * 400_000,
    "marks": "e\u0301".encode() + "\u0301".encode() * 200_000,
    "marks on a changed line": b"a\rb" + "\u0301\0".encode() * 60_000,
    "carriage returns": b"\r" * 200_000,
    "newlines": b"\n" * 200_000,
    "newlines one by one": b"\n\0" * 60_000,
    "repaints of a long line": b"x" * 100_000 + b"\rab" * 60_000,
    "up": b"\x1b[A" * 200_000,
    "right": b"\x1b[999999999C" * 200_000 + b"x",
    "down": b"\x1b[999999999B" * 200_000,
    "far right on every line": b"\x1b[9999Cx\n" * 20_000,
    "insertions": b"abc\r" + b"\x1b[9999@x" * 100_000,
    "inserted lines": b"\x1b[9999L" * 10_000,
    "deleted lines": b"\x1b[9999M" * 10_000,
    "cleared screens": b"a\nb\n\x1b[2J\x1b[H" * 20_000,
    "reverse": b"a\n" * 200 + b"\x1bM" * 100_000,
    "a title without end": b"\x1b]0;" + b"title" * 200_000,
    "parameters without end": b"\x1b[" + b"1;" * 200_000,
    "escapes": b"\x1b" * 200_000,
    "colours": b"\x1b[1m" * 100_000,
    "saved places": b"\x1b7\x1b8" * 200_000,
    "alternate screens": b"\x1b[?1049ha\nb\x1b[?1049l" * 20_000,
    "an alternate screen without end": b"\x1b[?1049h" + b"line\n" * 60_000,
}


@pytest.mark.parametrize("output", HUGE.values(), ids=HUGE.keys())
def test_nothing_takes_more_than_linear_time(output: bytes) -> None:
    """A quadratic step would not come to an end."""
    screen = Screen()
    for start in range(0, len(output), 100_000):
        screen.feed(output[start : start + 100_000])
    screen.finish()


@pytest.mark.parametrize(
    "unit", [b"a line\n", b"word ", b"\r 10%|##  |", b"\x1b[31ma\x1b[0m\r\nb\x1b[A"], ids=["lines", "line", "bar", "nested"]
)
def test_memory_is_bounded(unit: bytes) -> None:
    """Of 60 MB, what is on the screen is kept, and of one line what will be handed out in one piece."""
    portion = unit * (1_000_000 // len(unit))
    screen = Screen()
    tracemalloc.start()
    try:
        for _ in range(60 if unit == b"word " else 3):
            screen.feed(portion)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 20_000_000 if unit == b"word " else 1_000_000


def test_any_bytes_in_any_portions() -> None:
    """Bytes of every kind, most of them such as begin and end sequences."""
    generator = random.Random(20260105)
    alphabet = b"\x1b\x1b\x1b[[[;?0129ABCDEFGHJKLMPXm@dsuhl\r\n\n\b\t ]P\\c78DEM\x07ab\xc2\x9b\x84\xe4\xb8\xad\xcc\x81"
    for _ in range(300):
        output = bytes(generator.choices(alphabet, k=200))
        expected = shown(output, height=7)
        for portion in (1, 2, 7):
            assert shown(output, portion, height=7) == expected, output
