"""The user's patterns."""

from __future__ import annotations

import pytest

from swanlab_cli.parser import MODES, Parser

from .printed import Value, values_of


def find(patterns: list[str], line: str, mode: str = "none", step_key: str | None = None) -> list[Value]:
    """What *patterns* find on *line*."""
    return values_of(Parser(mode, patterns, step_key).feed(line.encode() + b"\n"))


@pytest.mark.parametrize(
    ("expected", "patterns", "line"),
    [
        pytest.param([("loss", 0.5, None)], [r"loss: (?P<loss>\S+)"], "train loss: 0.5", id="group-is-key"),
        pytest.param([("loss", 0.5, None)], [r"loss: (?P<loss>\S+)"], "loss: 0.5, next", id="comma-after-it"),
        pytest.param([("a", 1, None), ("a", 2, None)], [r"a (?P<a>\d)"], "a 1 a 2", id="every-match"),
        pytest.param(
            [("a", 1, None), ("b", 2, None)], [r"(?P<a>\d) (?P<b>\d)(?P<c>x)?"], "1 2", id="group-without-part"
        ),
        pytest.param([], [r"loss: (?P<loss>\S+)"], "loss: high", id="not-a-number"),
        pytest.param([], [r"at (?P<at>\S+)"], "at 12:30", id="same-rules-as-pairs"),
        pytest.param([("m", 1218, None)], [r"m (?P<m>\S+)"], "m 1,218MB", id="thousands-and-units"),
        pytest.param([("loss", 0.5, 7)], [r"#(?P<step>\d+) (?P<loss>\S+)"], "#7 0.5", id="step-group"),
        pytest.param([("loss", 0.5, 7)], [r"#(?P<step>\S+) (?P<loss>\S+)"], "#7/100 0.5", id="step-of-total"),
        pytest.param([("loss", 0.5, None)], [r"#(?P<step>\S+) (?P<loss>\S+)"], "#x 0.5", id="step-is-none"),
        pytest.param([("loss", 0.5, 7)], [r"step=(?P<step>\d) l (?P<loss>\S+)"], "global_step=7 l 0.5", id="own-first"),
        pytest.param([("loss", 0.5, 9)], [r"l (?P<loss>\S+)"], "step 9 l 0.5", id="step-of-the-line"),
        pytest.param(
            [("f1 score", 0.5, None), ("acc", 0.6, None)],
            [r"(?P<key>[\w ]+) is (?P<value>[\d.]+);?"],
            "f1 score is 0.5;acc is 0.6",
            id="key-and-value",
        ),
        pytest.param([], [r"(?P<key>\w*) ?is (?P<value>[\d.]+)"], "is 0.5", id="empty-key"),
        pytest.param([("value", 3, None)], [r"(?P<value>\d)"], "3", id="value-alone-is-a-key"),
        pytest.param([("a", 1, None), ("b", 2, None)], [r"(?P<a>1)", r"(?P<b>2)"], "2 1", id="pattern-after-pattern"),
    ],
)
def test_groups_name_metrics(
    expected: list[tuple[str, float, int | None]], patterns: list[str], line: str
) -> None:
    """Named groups are keys, `step` is the step, `key` and `value` are a metric."""
    assert [Value(key, value, step, 1) for key, value, step in expected] == find(patterns, line)


def test_none_means_patterns_only() -> None:
    """Pairs are not read, nor is anything without patterns."""
    assert Parser("none").feed(b"a=1\n") + Parser("none").finish() == []
    assert [Value("b", 2.0, None, 1)] == find([r"b=(?P<b>\d)"], "a=1 b=2")


def test_a_pattern_goes_before_the_pair_rule() -> None:
    """A key that a pattern took from a repaint is not taken again, others are."""
    found = find([r"loss=(?P<loss>\d)"], "step=4 loss=1.5 acc=2", "kv")
    assert [Value("loss", 1.0, 4, 1), Value("step", 4.0, 4, 1), Value("acc", 2.0, 4, 1)] == found


def test_patterns_see_text_as_on_the_screen() -> None:
    """Without colours, one repaint after the other, unchanged values once."""
    found = find([r"^loss (?P<loss>\S+)$"], "\x1b[1mloss\x1b[0m 0.5\rloss 0.5\rloss 0.4")
    assert [Value("loss", 0.5, None, 1), Value("loss", 0.4, None, 1)] == found


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        (r"pattern '\(x' is no regular expression: missing \), unterminated subpattern at position 0", "(x"),
        (r"pattern '\*' is no regular expression: nothing to repeat at position 0", "*"),
        (r"pattern 'loss' names no metric: it needs a named group such as \(\?P<loss>\.\.\.\)", "loss"),
        (r"names no metric", r"(\d+)"),
        (r"names no metric", r"(?P<step>\d+)"),
    ],
)
def test_a_bad_pattern_is_refused(message: str, pattern: str) -> None:
    """The message names the pattern, where it is wrong and why."""
    with pytest.raises(ValueError, match=message):
        Parser("kv", [r"(?P<fine>\d)", pattern])


def test_an_unknown_mode_is_refused() -> None:
    """The message lists the modes."""
    assert MODES == ("auto", "kv", "none")
    with pytest.raises(ValueError, match=r"unknown parse mode 'all': choose one of auto, kv, none"):
        Parser("all")
