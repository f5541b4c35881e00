"""Whatever is printed, in whatever portions: no exception, and the same values by every way of reading."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from .parser_properties import check

WORDS = st.sampled_from(
    """loss acc val_loss train epoch Epoch step iter lr grad_norm Accuracy time eta config nan inf -inf 1 12 0.5 -3.25 1e-05
    1,234 12/500 [3/10] (1%) 45% 10:11:12 2026-01-05 tensor(0.5) [0.1, {'loss': '0.5'} {"acc": 1} f(x=1) INFO W [rank0]: step=3
    a=1 b=0.25 |####| ━━━━ | │ --------- +---+ # % = : , ; - . ( ) [ ] { } ' " / // http://x/?a=1 train/ loss: Loss: 0/0 é 损失 ：
    \x1b[32m \x1b[0m \x1b[2K \x1b[A \x08 \x00 \x85 \u2028""".split()
)
LINES = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", "  ", "\t"])), max_size=12).map(
    lambda parts: "".join(word + gap for word, gap in parts).encode("utf-8", "surrogatepass")
)
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r", b""])
# The same few lines again and again are what programs print, and what plans are made for.
OUTPUTS = st.lists(st.tuples(LINES, ENDS), min_size=1, max_size=5).flatmap(
    lambda lines: st.lists(st.sampled_from(lines), max_size=24).map(lambda chosen: b"".join(line + end for line, end in chosen))
)
CUTS = st.lists(st.integers(0, 400), max_size=6)


@settings(deadline=None)
@given(output=OUTPUTS, cuts=CUTS)
def test_what_programs_might_print(output: bytes, cuts: list[int]) -> None:
    """Lines of the words that programs use, repeated."""
    check(output, cuts)


@settings(deadline=None)
@given(output=st.binary(max_size=300), cuts=CUTS)
def test_any_bytes(output: bytes, cuts: list[int]) -> None:
    """Bytes of any kind."""
    check(output, cuts)


@settings(deadline=None)
@given(digits=st.lists(st.text("0123456789.,:/-eE", max_size=12), min_size=6, max_size=6), cuts=CUTS)
def test_lines_that_differ_in_their_digits(digits: list[str], cuts: list[int]) -> None:
    """What was learnt from one line does not change what the next one says."""
    rows = [(digits[turn:] + digits[:turn])[:4] for turn in range(6)] * 4
    lines = [f"{a} epoch {b} step={c} loss: {d}, acc {a}\n" for a, b, c, d in rows]
    check("".join(lines).encode(), cuts)
