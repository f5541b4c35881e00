"""Why: for each number in some output what read it, or why it is no metric. `Parser` finds the same and is faster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from swanlab_cli.parser import check_mode, new_analyst, wanted_lines
from swanlab_cli.parser.found import Analysis, Number, value_of
from swanlab_cli.parser.lines import Lines, Repaint
from swanlab_cli.parser.patterns import Patterns
from swanlab_cli.parser.steps import Steps
from swanlab_cli.parser.values import NUMBER

# Words with digits in them (`beta1`, `v1.2`) are words.
_LIKE_A_NUMBER = re.compile(r"(?<![\w.])[+-]?\.?\d(?:[^\s;|=()\[\]{}\"']*[^\s.,:;|=()\[\]{}\"'])?")
_TELLS_STEP = "tells the step"
_PROPER = re.compile(rf"(?<![\w.%@/\\-])(?<!\d[:+]){NUMBER}", re.VERBOSE)


class Explained(NamedTuple):
    """One repaint with its numbers."""

    line: int
    """Physical line, from 1."""
    text: str
    numbers: list[tuple[Number, int | None]]
    """In print order, each with the step that was found for it."""


class Explainer:
    """Says what becomes of the numbers in output that arrives in any portions."""

    def __init__(self, mode: str, patterns: Sequence[str] = (), step_key: str | None = None) -> None:
        """Prepare to read as `Parser` does with the same arguments.

        Raises:
            ValueError: as `Parser`.
        """
        check_mode(mode)
        self._patterns = Patterns(patterns)
        self._analyst = new_analyst(mode, step_key)
        self._steps = Steps(step_key)
        is_wanted, context = wanted_lines(mode, patterns)
        self._lines = Lines(is_wanted, context) if mode == "auto" else Lines()
        self._shown: dict[str, float] = {}
        self._shown_line = 0

    def feed(self, data: bytes) -> Iterator[Explained]:
        """Yield the repaints with numbers that *data* completes. Exhaust it before the next call."""
        return self._explain(self._lines.feed(data))

    def finish(self) -> Iterator[Explained]:
        """Yield the last repaint, if the output ended without newline."""
        return self._explain(self._lines.finish())

    def _explain(self, repaints: Iterable[Repaint]) -> Iterator[Explained]:
        for repaint in repaints:
            analysis = self._analysis(repaint)
            for late in analysis.late:
                yield Explained(late.line, late.text, [(late.number, late.step)])
            numbers = self._numbers_on(repaint, analysis)
            if not repaint.is_last or repaint.number:
                numbers = [self._unless_shown(repaint, number, step) for number, step in numbers]
            if numbers:
                yield Explained(repaint.line, repaint.text, numbers)

    def _numbers_on(self, repaint: Repaint, analysis: Analysis) -> list[tuple[Number, int | None]]:
        text = repaint.text
        stated = self._steps.find(text)
        numbers = [(number, stated if step is None else step) for number, step in self._patterns.find(text)]
        taken = {number.key for number, _ in numbers}
        step = analysis.step[0] if analysis.step else None
        for number in analysis.numbers:
            if not number.reason and number.key in taken:
                number = number._replace(reason="a pattern took that name")
            elif number.reason and _tells_step(number.start, number.end, analysis):
                number = number._replace(reason=_TELLS_STEP)
            numbers.append((number, step))
        numbers += [(number, None) for number in _others(text, analysis, [number for number, _ in numbers])]
        return sorted(numbers, key=lambda pair: pair[0].start)

    def _analysis(self, repaint: Repaint) -> Analysis:
        if self._analyst is None:
            return Analysis([], None, ((0, len(repaint.text), "only patterns are read"),))
        if repaint.line > self._analyst.valid_until:
            self._analyst.expire()
        return self._analyst.analyse(repaint.text, repaint.line)

    def _unless_shown(self, repaint: Repaint, number: Number, step: int | None) -> tuple[Number, int | None]:
        """A number, refused if its line has shown the same under that name."""
        if repaint.line != self._shown_line:
            self._shown, self._shown_line = {}, repaint.line
        if number.reason:
            return number, step
        value = value_of(repaint.text[number.start : number.end])
        before = self._shown.get(number.key)
        self._shown[number.key] = value
        is_same = before == value or (before is not None and before != before and value != value)
        return (number._replace(reason="unchanged since the line was painted before") if is_same else number), step


def _others(text: str, analysis: Analysis, known: Iterable[Number]) -> Iterator[Number]:
    """What looks like a number, was looked at by nobody, and why."""
    covered = sorted((number.start, number.end) for number in known)
    index = 0
    for match in _LIKE_A_NUMBER.finditer(text):
        start, end = match.span()
        while index < len(covered) and covered[index][1] <= start:
            index += 1
        if index == len(covered) or covered[index][0] >= end:
            yield Number(start, end, "", "", _why_nobody(text, start, end, analysis))


def _tells_step(start: int, end: int, analysis: Analysis) -> bool:
    return analysis.step is not None and analysis.step[1] < end and analysis.step[2] > start


def _why_nobody(text: str, start: int, end: int, analysis: Analysis) -> str:
    if _tells_step(start, end, analysis):
        return _TELLS_STEP
    for first, last, reason in analysis.blanks:
        if first < end and last > start:
            return reason
    if _PROPER.search(text, start, end):
        return "no name is joined to it"
    return "no number by itself: part of a word, date, time, path or fraction"
