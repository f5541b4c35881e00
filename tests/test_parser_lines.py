"""Bytes become repaints: any portions, escape sequences, backspaces, limits."""

from __future__ import annotations

import random

import pytest

from swanlab_cli.parser import Parser
from swanlab_cli.parser.lines import MAX_REPAINT_BYTES, Lines, Repaint

from .printed import Value, values_of


def texts(raw: bytes) -> list[str]:
    """The texts of all repaints in *raw*."""
    lines = Lines()
    return [repaint.text for repaint in [*lines.feed(raw), *lines.finish()]]


def read(portions: list[bytes], patterns: tuple[str, ...] = ()) -> list[Value]:
    """What a parser finds when it gets its input in *portions*; NaN as a value that equals itself."""
    parser = Parser(patterns=patterns)
    found = values_of([one for portion in portions for one in parser.feed(portion)] + parser.finish())
    return [value if value.value == value.value else value._replace(value=-12345.0) for value in found]


@pytest.mark.parametrize(
    ("expected", "raw"),
    [
        pytest.param(["loss=0.5"], b"\x1b[1;32mloss\x1b[0m=\x1b[38:5:196m0.5\x1b[m", id="colours"),
        pytest.param(["loss=0.5"], b"\x1b[?25lloss=0.5\x1b[?25h\x1b[K\x1b[2J", id="private-modes-and-erasing"),
        pytest.param(["loss=0.5"], b"\x1b]0;title lr=1\x07loss=0.5", id="osc-ended-by-bel"),
        pytest.param(["loss=0.5"], b"\x1b]8;;http://x/?a=1\x1b\\loss\x1b]8;;\x1b\\=0.5", id="osc-ended-by-st"),
        pytest.param(["loss=0.5"], b"\x1bP1$r0m\x1b\\loss\x1b_a=1\x1b\\=\x1b^b=2\x1b\\0.5", id="dcs-apc-pm"),
        pytest.param(["loss=0.5"], b"\x1b(B\x1b)0\x1b7loss=0.5\x1b8\x1b=", id="charsets-and-single-characters"),
        pytest.param(["loss=0.5"], "\x9b1mloss\x9b0m=0.5".encode(), id="8-bit-csi"),
        pytest.param(["a b", "c"], b"a\x1b[3Cb\nc\x1b[0m\x1b[31", id="movement-parts-words-and-cut-sequence-goes"),
        pytest.param(["lossy"], b"lossy\x1b", id="lone-escape-at-the-end"),
        pytest.param(["loss=0.4"], b"loss=0.5\b\b\b0.4", id="backspaces-replace"),
        pytest.param(["loss=0.5"], b"loss=0.5\b\b\b\b\b\b\b\b", id="backspaces-at-the-end-only-move"),
        pytest.param(["ab"], b"\b\bab", id="backspaces-at-the-start"),
        pytest.param(["a b\tc d"], b"a\x0bb\tc\x0c\x00d\x07\x7f", id="controls-part-or-vanish"),
        pytest.param(["loss=1"], "\ufeffloss\u200b=1".encode(), id="invisible-characters-vanish"),
        pytest.param(["损失=0.5"], "损失=0.5".encode(), id="utf-8"),
        pytest.param(["a=1 \ufffd b=2"], b"a=1 \xff b=2", id="not-utf-8"),
        pytest.param(["a", "b", "c"], b"a\r\nb\n\rc", id="carriage-returns-leave-no-empty-repaints"),
    ],
)
def test_a_repaint_is_what_the_screen_shows(expected: list[str], raw: bytes) -> None:
    """Escape and control sequences are gone."""
    assert expected == texts(raw)


def test_repaints_know_where_they_are() -> None:
    """Lines end at newlines only, whatever other separators the text has; a carriage return before one belongs to it."""
    lines = Lines()
    raw = b"one\x0b\ntwo\rthree\r\n\nfour\r"
    assert [
        Repaint("one ", 1, 0, True),
        Repaint("two", 2, 0, False),
        Repaint("three", 2, 1, True),
        Repaint("four", 4, 0, True),
    ] == [*lines.feed(raw), *lines.finish()]


def test_passing_over_repaints_keeps_count() -> None:
    """Numbers of lines and repaints do not depend on what is passed over."""
    lines = Lines(lambda stretch: b"=" in stretch)
    portions = [b"a\nb\r", b"c\r", b"d\rx=1\r", b"\ny\n=2\nz\n", b"=3"]
    expected = [Repaint("x=1", 2, 3, True), Repaint("=2", 4, 0, True), Repaint("=3", 6, 0, True)]
    assert expected == [r for portion in portions for r in lines.feed(portion)] + list(lines.finish())


@pytest.mark.parametrize("size", [1, 2, 100])
def test_lines_before_a_wanted_one_come_with_it(size: int) -> None:
    """As many as asked for, each as it was left, with its number, however the bytes arrive."""
    lines = Lines(lambda stretch: b"=" in stretch, context=2)
    raw = b"a\nb\nc\rd\n\nx=1\ne\ny=2\n"
    repaints = [r for start in range(0, len(raw), size) for r in lines.feed(raw[start : start + size])]
    assert [(r.text, r.line) for r in repaints] == [("d", 3), ("x=1", 5), ("e", 6), ("y=2", 7)]


OUTPUTS = {
    "pairs": b"step=1 loss=0.5 acc=36.5%\r\nstep=2 loss=nan\n\nnothing here\nlast=1",
    "bar": b"\rEpoch 1:  10%|#  | 1/10 [00:01, 1.0it/s, loss=0.5, lr=0.1]"
    b"\rEpoch 1:  20%|## | 2/10 [00:02, 1.0it/s, loss=0.4, lr=0.1]\n",
    "escapes": "\x1b[1mloss\x1b[0m=0.5\x1b]0;a=1\x1b\\ x=2\x1b[2K\r\x1b[A中文=0.25\b5\n".encode(),
    "many-repaints": b"a=1\r\r\na=1\ra=2\ra=2\rb\ra=2\na=2\r",
    "ill-formed": b"a=1 \xe4\xb8 b=2\xff\n\x1b\x1b[\n=\n==1\n",
}


@pytest.mark.parametrize("patterns", [(), (r"x=(?P<y>\d+)",)], ids=["pairs", "patterns"])
@pytest.mark.parametrize("raw", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_portions_make_no_difference(raw: bytes, patterns: tuple[str, ...]) -> None:
    """One byte at a time, any cut in two and random cuts give what the whole gives."""
    expected = read([raw], patterns)
    assert expected == read([raw[i : i + 1] for i in range(len(raw))], patterns)
    for cut in range(len(raw) + 1):
        assert expected == read([raw[:cut], raw[cut:]], patterns), cut
    generator = random.Random(20260105)
    for _ in range(50):
        cuts = sorted(generator.choices(range(len(raw) + 1), k=6))
        pairs = zip([0, *cuts], [*cuts, len(raw)], strict=True)
        assert expected == read([raw[start:end] for start, end in pairs], patterns), cuts


def test_values_of_a_bar_are_reported_when_they_change() -> None:
    """What the line shows already is not news; what another line showed does not matter."""
    found = read([b"a=1 b=nan\ra=1 b=nan\rc=1\ra=2 b=3\ra=1 b=3\na=1\na=1 a=1\n"])
    expected = [("a", 1, 1), ("b", 1, -12345), ("c", 1, 1), ("a", 1, 2), ("b", 1, 3), ("a", 1, 1)]
    assert [*expected, ("a", 2, 1), ("a", 3, 1), ("a", 3, 1)] == [(f.key, f.line, f.value) for f in found]


@pytest.mark.parametrize("portion", [1000, 64 * 1024, 10**9])
def test_a_very_long_repaint_is_read_up_to_the_limit(portion: int) -> None:
    """What is beyond the limit is left, and a number on the limit is not cut in two."""
    raw = b"a=1 " + b"x" * (MAX_REPAINT_BYTES - 8) + b" b=22222 c=3\nd=4\n"
    expected = [Value("a", 1.0, None, 1), Value("d", 4.0, None, 2)]
    assert expected == read([raw[i : i + portion] for i in range(0, len(raw), portion)])


def test_a_line_without_end_takes_no_memory() -> None:
    """50 MB without newline leave 64 KiB behind."""
    lines = Lines()
    portion = b"word =1 " * 8192
    for _ in range(800):
        assert list(lines.feed(portion)) == []
    (repaint,) = lines.finish()
    assert MAX_REPAINT_BYTES - 8 <= len(repaint.text) <= MAX_REPAINT_BYTES


def test_single_bytes_are_read_in_linear_time() -> None:
    """200 kB in portions of one byte, on one line and on many: a quadratic buffer would not come to an end."""
    for raw in (b"x=1 " * 50_000, b"loss=0.5 step=3\n" * 12_500):
        parser = Parser()
        found = values_of([one for byte in raw for one in parser.feed(bytes([byte]))] + parser.finish())
        assert (MAX_REPAINT_BYTES // 4 if b"\n" not in raw else 25_000) == len(found)


@pytest.mark.parametrize(
    "unit",
    ["f(a=1) ", "a=1,2", "((", "a(", "_", "1", ".", "step ", "a:", "'", " ", "=", "a b ", "1,234", "/", "a=", "\b"],
)
def test_no_text_takes_more_than_linear_time(unit: str) -> None:
    """Repetition of anything over a whole repaint is read; a quadratic search would not come to an end."""
    raw = (unit * MAX_REPAINT_BYTES)[: MAX_REPAINT_BYTES - 1]
    for text in (raw, "a=" + raw[:-2], " " + raw[:-2] + "=", "a=1 " + raw[:-4]):
        Parser().feed(text.encode() + b"\n")
