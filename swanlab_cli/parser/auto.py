"""`--parse auto`: what real programs print about their training, and nothing else.

A line is read by the first of these that knows it: a table (`tables`), a dict or JSON object and running text (`prose`).
Which of the numbers count is decided by the names (`names`) in the company that they keep on their line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from swanlab_cli.parser.counters import Counters
from swanlab_cli.parser.lines import Repaint
from swanlab_cli.parser.names import Kind, is_clear, kind_of
from swanlab_cli.parser.pairs import Pairs
from swanlab_cli.parser.prose import Reading, read_prose
from swanlab_cli.parser.shapes import Place, is_in_shape, place_of, runs_of, shape_of, text_at
from swanlab_cli.parser.steps import Located
from swanlab_cli.parser.tables import Tables
from swanlab_cli.parser.values import read_step

_MOST_PLANS = 4096

# What programs put before their messages: times, levels, places in the source, ranks.
_HEAD = re.compile(
    r"""^\s*(?:
        \[[^\[\]]*\d\d:\d\d[^\[\]]*\] | \[(?:rank|Rank|RANK)?\s?\d+\]:(?=\s) | \d+:(?=[ ]\S*[A-Za-z])
      | \[?\d{2,4}[-/.]\d\d(?:[-/.]\d\d(?:\d\d)?)?[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?(?:[+-]\d\d:?\d\d)?\]?
      | [A-Z]+:[\w.]+: | \d\d:\d\d:\d\d(?:[.,]\d+)? | \[?(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|I|D|W|E)\]?(?=[\s:|])
      | \([^()=]{1,99}\ pid=[0-9]+[^()]*\) | (?:LOG|VLOG\[\d\])\ \([^()]*\([^()]*\)[^()]*\)
      | \[[\w.]+\.(?:py|cc|cpp):\d+(?::\w+)?\] | [\w./]+\.(?:py|cc|cpp):\d+(?=[\s:\]]) | \[Rank\ \d+\] | >>+
      )\s*[-|:]?\s*""",
    re.VERBOSE,
)
_BAR = re.compile(r"\s*(\d{1,3})%\s?[|┃▏ ]?[^|\[]*\|?\s*([\d.,]+[kKMG]?)/([\d.,?]+[kKMG]?)\s*\[[^\],]*(?:,\s*[^\],]*)?,?")
_KERAS = re.compile(r"^\s*(?:Epoch\s+\d+/\d+\s+)?(\d+)/(?:\d+|Unknown)\s*(?:\[[=>.\s]*\]|[━╸╺\s]*(?=\d+m?s)|-)")
# What was chosen is told in brackets after one of these words.
_SETTINGS_WORD = r"\b(?:hyper)?(?:param(?:eter)?s?|configs?|args|arguments|hparams|settings|options|kwargs)\b"
_SETTINGS = re.compile(rf"{_SETTINGS_WORD}['\"]?\s?[=:]?\s?[{{(\[][^{{}}()\[\]]*[}})\]]", re.IGNORECASE)
_SETTINGS_LINE = re.compile(rf"{_SETTINGS_WORD}\s*:\s(?![^{{]*\{{).*$", re.IGNORECASE)
_CODE_ENDS = (";", "{", "}")
_SHARE = re.compile(r"(?<![\w./])(\d+/\d+ \(\s*)(\d+(?:\.\d+)?)(\s*%\))")
# An object shown as its class makes it: `AdamW (lr=0.1, betas=(0.9, 0.999))`.
_OBJECT = re.compile(r"\b[A-Z]\w* ?\((?=\w+=)[^()]*(?:\([^()]*\)[^()]*)*\)")
# A line of nothing but pairs is printed to be read, whatever their names and numbers.
_ONLY_PAIRS = re.compile(r"\s*(?:[^\s=,;]+=[^\s=,;]+(?:[\s,;]+|$))+$")
_EXCEPTION = re.compile(r"\s*(?:[A-Za-z_][\w.]*)?(?:Error|Exception|Warning):\s")
_DECLARATION = re.compile(r"\b(?:auto|char|const|double|float|int|let|long|var)\s+\w+\s*=")
_TOLD = re.compile(r"\b(?:loss(?:es)?|accuracy|errors?|residuals?|scores?|metrics?|rewards?|(?:valid|evalu)ation)\b", re.I)
_NOT_FINITE = re.compile(rb"\b(?:nan|inf|infinity)\b")
_RATE = re.compile(r"\d+(?:\.\d+)?\s?(?:[mnuµ]?s|min|h)/\w+")


HEADER_LINES = 3
"""How far above its first row the header of a table may begin."""


def may_hold_number(stretch: bytes) -> bool:
    """Whether there may be a number in some output: a digit, or a word for what is not finite."""
    if len(stretch.translate(None, b"0123456789")) != len(stretch):
        return True
    lowered = stretch.lower()
    return (b"nan" in lowered or b"inf" in lowered) and _NOT_FINITE.search(lowered) is not None


class _Plan(NamedTuple):
    """What to read off the lines of one shape."""

    values: list[tuple[str, Place | None, float]]
    """Key, place and, where it has no digits (NaN), the value."""
    step: Place | None


class Auto:
    """Finds metrics in whatever is printed."""

    rule = "auto"
    finds_steps = True

    def __init__(self, step_key: str | None = None) -> None:
        self._pairs = Pairs()
        self._tables = Tables()
        self._counters = Counters(step_key)
        self._plans: dict[str, _Plan] = {}

    def find(self, repaint: Repaint) -> list[tuple[str, float, int | None]]:
        """The metrics of a repaint in print order: (key, value, the step that it states or None)."""
        text = repaint.text
        if not self._tables.is_idle:
            return self._read(repaint, None)
        shape = shape_of(text)
        plan = self._plans.get(shape)
        if plan is None:
            return self._read(repaint, shape)
        if not plan.values:
            return []
        runs = runs_of(text)
        step = read_step(text_at(plan.step, text, runs)) if plan.step else None
        return [
            (key, value if place is None else float(text_at(place, text, runs).replace(",", "")), step)
            for key, place, value in plan.values
        ]

    def _read(self, repaint: Repaint, shape: str | None) -> list[tuple[str, float, int | None]]:
        """Read a repaint; where its *shape* is given, remember where its values stand."""
        text = repaint.text
        cells = self._tables.find(text)
        if cells is not None:
            return cells
        readings: list[Reading] = []
        located = None
        if may_hold_number(text.encode("utf-8", "replace")):
            readings, located = self._read_prose(text)
        if shape is not None and self._tables.is_idle:
            self._remember(shape, text, readings, located)
        step = located[0] if located else None
        return [(reading.key, reading.value, step) for reading in readings]

    def _read_prose(self, text: str) -> tuple[list[Reading], Located | None]:
        """The metrics in a line that is no part of a table, and its step."""
        # What does not count is blanked, not cut out: places in the text stay what they are.
        text, bar = _without_bar(_without_head(text))
        located = self._counters.locate(text) or bar
        text = _blanked(_SETTINGS_LINE, _blanked(_OBJECT, _blanked(_SETTINGS, _with_share_alone(text))))
        if _EXCEPTION.match(text):
            return [], None
        if "=" in text and (text.rstrip().endswith(_CODE_ENDS) or _DECLARATION.search(text)):
            return [], None
        readings = read_prose(text)
        if "=" in text:
            readings = self._checked(readings, text)
            if _ONLY_PAIRS.match(text):
                return [reading for reading in readings if reading.join == "="], located
        return _metrics(readings, text, located is not None), located

    def _checked(self, readings: list[Reading], text: str) -> list[Reading]:
        """Readings with an equals sign that the pair rule refuses (arguments of a call) go; those that it alone finds come."""
        found = self._pairs.find(Repaint(text, 0, 0, True))
        pairs = {_last_word(key, value): (key, value) for key, value, _ in found}
        known = {_last_word(reading.key, reading.value) for reading in readings}
        kept = [one for one in readings if one.join != "=" or _last_word(one.key, one.value) in pairs]
        missed = [pair for word, pair in pairs.items() if word not in known]
        return kept + [Reading(key, value, not value.is_integer(), "=", False, -1, -1) for key, value in missed]

    def _remember(self, shape: str, text: str, readings: list[Reading], located: Located | None) -> None:
        if not all(reading.start >= 0 and is_in_shape(reading.key) for reading in readings):
            return
        runs = runs_of(text)
        values = [(reading.key, place_of(reading.start, reading.end, runs), reading.value) for reading in readings]
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[shape] = _Plan(values, place_of(located[1], located[2], runs) if located else None)


def _last_word(key: str, value: float) -> tuple[str, str]:
    """What a pair has in common in both readings of a line; NaN is equal to itself as text."""
    return key.rpartition(" ")[2], repr(value)


def _without_head(text: str) -> str:
    for _ in range(8):
        head = _HEAD.match(text)
        if head is None or not head[0].strip():
            return text
        text = " " * head.end() + text[head.end() :]
    return text


def _without_bar(text: str) -> tuple[str, Located | None]:
    """A line without the drawing and the rates of a progress bar, and the bar's counter."""
    if "%" in text:
        bar = _BAR.search(text)
        if bar:
            count = bar[2].replace(",", "")
            gap = ";".ljust(bar.end() - bar.start())
            counter = (int(count), *bar.span(2)) if count.isdigit() else None
            return text[: bar.start()] + gap + text[bar.end() :], counter
    keras = _KERAS.match(text)
    if keras and " - " in text:
        rest = _blanked(_RATE, text[keras.end() :])
        return " " * keras.end() + rest, (int(keras[1]), *keras.span(1))
    return text, None


def _with_share_alone(text: str) -> str:
    """A text with `9850/10000 (98.5%)` reduced to the share."""
    return _SHARE.sub(lambda match: " " * len(match[1]) + match[2] + " " * len(match[3]), text)


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """A text with a semicolon and blanks for each match."""
    return pattern.sub(lambda match: ";".ljust(len(match[0])), text)


def _metrics(readings: list[Reading], text: str, is_stepped: bool) -> list[Reading]:
    """Those readings that their names, and the company they keep, make metrics."""
    kinds = [kind_of(reading.key) for reading in readings]
    is_sure = any(kind is Kind.METRIC and _is_plain(reading) for kind, reading in zip(kinds, readings, strict=True))
    is_sure = is_sure or (sum(map(_is_plain, readings)) >= 2 and _TOLD.search(text) is not None)
    accepted = []
    for reading, kind in zip(readings, kinds, strict=True):
        if reading.join == "=" and not reading.is_spaced and reading.is_float:
            is_taken = True  # `name=0.5` is printed to be read, whatever the name; `name = 0.5` may as well be configuration
        elif kind is Kind.METRIC:
            is_taken = reading.is_float or is_stepped or is_sure or (bool(reading.join) and is_clear(reading.key))
            words = reading.key.split()
            if not reading.join:
                is_taken = is_taken and len(words) <= 3 and kind_of(words[-1]) in (Kind.METRIC, Kind.COMPANION)
        elif kind is Kind.COMPANION:
            is_taken = (is_sure or is_stepped) and (reading.join == "=" or reading.is_float)
        else:
            is_taken = kind is Kind.UNKNOWN and reading.is_float and bool(reading.join) and (is_sure or is_stepped)
        if is_taken:
            accepted.append(reading)
    return accepted


def _is_plain(reading: Reading) -> bool:
    return reading.is_float and bool(reading.join)
