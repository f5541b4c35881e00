"""Why a number is a metric, and why it is none."""

from __future__ import annotations

import json

import pytest

from swanlab_cli.parser import Parser
from swanlab_cli.parser.explain import Explainer
from swanlab_cli.parser.found import value_of

from .conftest import Workplace
from .printed import Value, values_of
from .test_parser_auto import LINES, NOTHING, TABLES

TEXT = "\n".join([line for _, line, _, _ in LINES] + NOTHING + [table for table, _ in TABLES.values()])
BARS = "\r".join(f" {n}%|#   | {n}/100 [00:01<00:01, 9.1it/s, loss=0.{n // 3}, lr=0.1]" for n in range(1, 30)) + "\n"


def explained(text: str, mode: str = "auto", patterns: tuple[str, ...] = ()) -> list[tuple[str, str, str, str]]:
    """The (printed, key, rule, reason) of each number in *text*."""
    explainer = Explainer(mode, patterns)
    return [
        (line.text[number.start : number.end], number.key, number.rule, number.reason)
        for line in [*explainer.feed(text.encode()), *explainer.finish()]
        for number, _ in line.numbers
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "epoch 3: train loss 0.25",
            [("3", "epoch", "text", "tells the step"), ("0.25", "train loss", "text", "")],
            id="text",
        ),
        pytest.param("loss=0.25 n=3", [("0.25", "loss", "pair", ""), ("3", "n", "pair", "")], id="pairs"),
        pytest.param(
            "10:11:12 loss: 0.25",
            [("10:11:12", "", "", "in the head of the line, as logs have it"), ("0.25", "loss", "text", "")],
            id="head",
        ),
        pytest.param(
            "see v1 of 1.2.3 at 10:11",
            [
                ("1.2.3", "", "", "no number by itself: part of a word, date, time, path or fraction"),
                ("10:11", "", "", "no number by itself: part of a word, date, time, path or fraction"),
            ],
            id="no-numbers",
        ),
        pytest.param(
            "loss: 0.5 config {'a': 3.5}",
            [("0.5", "loss", "text", ""), ("3.5", "", "", "in the brackets of settings")],
            id="settings",
        ),
        pytest.param("f(loss=0.5)", [("0.5", "loss", "pair", "an argument of a call")], id="argument"),
        pytest.param("hidden dim: 3.5", [("3.5", "hidden dim", "text", "the name is that of a setting")], id="setting"),
        pytest.param(
            "beta: 0.5",
            [("0.5", "beta", "text", "such a name is a setting, unless a metric or a step is beside it")],
            id="companion",
        ),
        pytest.param("12 apples", [("12", "", "", "no name is joined to it")], id="nameless"),
        pytest.param(
            "epoch  loss\n1      0.5",
            [("1", "epoch", "table", "tells the step"), ("0.5", "loss", "table", "")],
            id="table",
        ),
    ],
)
def test_reasons(text: str, expected: list[tuple[str, str, str, str]]) -> None:
    """Each number once, in print order, with its name, its rule and the reason."""
    assert explained(text) == expected


def test_a_pattern_takes_a_name_and_is_named() -> None:
    """What a pattern has taken, no other rule takes again."""
    assert explained("loss: 0.5 acc: 0.75", patterns=(r"l\w+: (?P<loss>\S+)",)) == [
        ("0.5", "loss", "pattern", ""),
        ("0.5", "loss", "text", "a pattern took that name"),
        ("0.75", "acc", "text", ""),
    ]


def test_other_modes_say_why_not() -> None:
    """Only pairs, only patterns."""
    assert explained("loss: 0.5", "kv") == [("0.5", "", "", "no name is joined to it")]
    assert explained("loss=0.5 7", "none", (r"(?P<x>\d)$",)) == [
        ("0.5", "", "", "only patterns are read"),
        ("7", "x", "pattern", ""),
    ]


@pytest.mark.parametrize("mode", ["auto", "kv", "none"])
@pytest.mark.parametrize("patterns", [(), (r"loss: (?P<loss>\S+)",)])
@pytest.mark.parametrize("text", [TEXT, TEXT * 4, BARS], ids=["once", "repeatedly", "bars"])
def test_explained_is_what_is_found(text: str, patterns: tuple[str, ...], mode: str) -> None:
    """The numbers that are explained as taken are those that are found, in number, value, name, step and line."""
    parser = Parser(mode, patterns)
    found = values_of(parser.feed(text.encode()) + parser.finish())
    explainer = Explainer(mode, patterns)
    taken = [
        Value(number.key, value_of(line.text[number.start : number.end]), step, line.line)
        for line in [*explainer.feed(text.encode()), *explainer.finish()]
        for number, step in line.numbers
        if not number.reason
    ]
    assert sorted(map(repr, taken)) == sorted(map(repr, found))


def test_the_command_explains(work: Workplace) -> None:
    """As text for people and as JSON."""
    saved = work.directory / "saved.txt"
    saved.write_text("epoch 3: loss 0.5\n")
    text = work.swanlab("parse", "--explain", str(saved)).stdout.decode()
    assert text == "1: epoch 3: loss 0.5\n    3    epoch  not taken: tells the step\n    0.5  loss   taken by text, step 3\n"
    printed = json.loads(work.swanlab("parse", "--explain", "--json", str(saved)).stdout)
    assert printed == {
        "line": 1,
        "text": "epoch 3: loss 0.5",
        "numbers": [
            {"printed": "3", "start": 6, "end": 7, "key": "epoch", "value": None, "step": None, "rule": "text",
             "reason": "tells the step"},
            {"printed": "0.5", "start": 14, "end": 17, "key": "loss", "value": 0.5, "step": 3, "rule": "text",
             "reason": None},
        ],
    }  # fmt: skip
