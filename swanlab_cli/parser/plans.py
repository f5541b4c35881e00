"""Plans: programs print the same line again and again, with other digits.

Where the values of a line stand is found out once for its shape. From its third line on a shape has a regular expression
of its own, and a line that follows as it did the last time is read off by that alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

from swanlab_cli.parser.found import Analysis, Found, Number, value_of
from swanlab_cli.parser.values import read_step

_ZEROS = bytes.maketrans(b"123456789", b"000000000")
# Beside these the number of digits tells dates, times, thousands and fractions apart; elsewhere it means nothing.
_LOOSE_RUN = re.compile(rb"(?<!0[:,/-])(?<!0)00+(?!0|[:,/-]0)")
_STRICT_BEFORE, _STRICT_AFTER = re.compile(r"[0-9][:,/-]\Z"), re.compile("[:,/-][0-9]")
# Digits of names (`Acc@5`, `loss_ce_0`) are no numbers: they count themselves.
_IN_NAME = re.compile("[A-Za-z_@#][0-9]+")
_NAME_BEFORE = re.compile(r"[A-Za-z_@#]\Z")
_RUN = re.compile("[0-9]+")
# Whether such a count is whole decides whether it is a step.
_FRACTION_OF_COUNT = r"(?:step|iter(?:ation)?|epoch|{})\W{{0,4}}[0-9]+\.([0-9]+)(?![0-9eE])"
_UNSURE_COUNT = r"(?:step|iter(?:ation)?|epoch|{})\W{{0,4}}[0-9.]+e"
_make_found = partial(tuple.__new__, Found)  # what _make does, but for checking the length of each
_MOST_PLANS = 1024
_MOST_VALUES = 256
_COMPILE_AT = 3  # a regular expression takes longer to compile than a line to analyse
_IS_LINE_END = r"(?:\n|\Z)"


class Analyst(Protocol):
    """Reads lines; what it makes of one depends on its shape, on the context and on nothing else."""

    context: Any
    """What of the lines before bears on the next one; hashable."""

    @property
    def valid_until(self) -> float:
        """The last physical line for which the context holds."""

    def expire(self) -> None:
        """Change the context, which holds no longer."""

    def renew(self, line: int, /) -> None:
        """Let the context hold for some lines more: physical line *line* is of the kind that it is for."""

    def analyse(self, text: str, line: int, /) -> Analysis:
        """Read a line."""


class _Plan:
    """What to read off the lines of one shape in one context."""

    __slots__ = ("convert", "following", "hits", "keys", "match", "next_context", "picks", "renews", "step")

    def __init__(self) -> None:
        self.hits = 0
        self.match: Callable[[str, int], re.Match[str] | None] | None = None
        """Matches a whole line of the shape, with its newline if it has one."""
        self.keys: tuple[str, ...] = ()
        self.picks: list[int] | None = None
        """Which groups hold the values; None: all."""
        self.step = -1
        """The group that holds the step, or -1."""
        self.convert: Callable[[str], float] = float
        self.renews = False
        self.next_context: Hashable = None
        """The context behind the line where that is another one."""
        self.following: _Plan | None = None
        """The plan of the line that came next the last time, if it can match."""


class Plans:
    """Reads lines by their plans, and makes those."""

    def __init__(self, analyst: Analyst, step_key: str | None) -> None:
        self._analyst = analyst
        key = re.escape(step_key) if step_key else "step"
        self._fraction = re.compile(_FRACTION_OF_COUNT.format(key), re.IGNORECASE)
        self._unsure = re.compile(_UNSURE_COUNT.format(key), re.IGNORECASE)
        self._by_context: dict[Hashable, dict[bytes, _Plan]] = {}
        self._count = 0
        self._last: _Plan | None = None
        self._expected: _Plan | None = None
        self._enter()

    def read(self, text: str, line: int) -> Sequence[Found]:
        """The metrics in the text of a repaint, behind those of earlier lines that turn out to be metrics."""
        if line > self._analyst.valid_until:
            self._analyst.expire()
            self._enter()
            self._last = self._expected = None
        plan = self._expected
        match = plan.match(text, 0) if plan is not None and plan.match is not None else None
        if plan is None or match is None:
            shape = _shape_of(text)
            plan = self._here.get(shape)
            match = plan.match(text, 0) if plan is not None and plan.match is not None else None
            if plan is None or match is None:
                return self._analyse(text, line, shape)
            if self._last is not None:
                self._last.following = plan
        self._advance(plan, line)
        return (_found(plan, match, line),) if plan.keys else ()

    def read_ahead(self, text: str, position: int, line: int, found: list[Found]) -> tuple[int, int]:
        """Read whole lines of a text from a position on as long as each is the one that was expected.

        Appends to *found*; gives the position and the number of the line where it stopped.
        """
        plan = self._expected
        size, until = len(text), self._analyst.valid_until
        while plan is not None and position < size and line <= until:
            match = plan.match(text, position)  # type: ignore[misc]  # what is expected can match
            if match is None:
                break
            position = match.end()
            if plan.keys:
                found.append(_found(plan, match, line))
            self._last = plan
            if plan.renews or plan.next_context is not None:
                self._advance(plan, line)
                until = self._analyst.valid_until
            line += 1
            plan = plan.following
        self._expected = plan
        return position, line

    def _advance(self, plan: _Plan, line: int) -> None:
        if plan.renews:
            self._analyst.renew(line)
        if plan.next_context is not None:
            self._analyst.context = plan.next_context
            self._enter()
        self._last, self._expected = plan, plan.following

    def _enter(self) -> None:
        """Take the plans of the analyst's context."""
        context = self._analyst.context
        if context not in self._by_context:
            self._count += 1
        self._here = self._by_context.setdefault(context, {})

    def _analyse(self, text: str, line: int, shape: bytes) -> list[Found]:
        """Read a line that no plan fits, and remember what was found where."""
        before = self._analyst.context
        analysis = self._analyst.analyse(text, line)
        taken = analysis.taken()
        after = self._analyst.context
        if after != before:
            self._enter()
        self._last = self._expected = None
        if analysis.is_repeatable and all(number.rule == "table" or _is_in_shape(number.key) for number in taken):
            plan = self._plan_at(before, shape)
            if plan.match is None and plan.hits == _COMPILE_AT:
                plan.renews = analysis.renews
                plan.next_context = after if after != before else None
                self._compile(plan, text, taken, analysis)
            if plan.match is not None:
                self._last = plan
        late = [
            Found((one.number.key,), (value_of(one.text[one.number.start : one.number.end]),), one.step, one.line)
            for one in analysis.late
        ]
        return late + _analysed(text, taken, analysis, line)

    def _plan_at(self, context: Hashable, shape: bytes) -> _Plan:
        if self._count >= _MOST_PLANS:
            self._by_context.clear()
            self._count = 0
            self._enter()
        plans = self._by_context.setdefault(context, {})
        if shape not in plans:
            self._count += 1
        plan = plans.setdefault(shape, _Plan())
        plan.hits += 1
        return plan

    def _compile(self, plan: _Plan, text: str, taken: list[Number], analysis: Analysis) -> None:
        """Give a plan its regular expression, unless the shape does not tell everything."""
        if self._unsure.search(text) or len(taken) > _MOST_VALUES:
            return
        step = analysis.step
        spans = {(number.start, number.end) for number in taken} | ({step[1:]} if step else set())
        ordered = sorted(spans, key=lambda span: (span[0], -span[1]))
        fractions = {match.start(1): match[1] for match in self._fraction.finditer(text)}
        pattern = re.compile(_pattern(text, ordered, fractions) + _IS_LINE_END)
        if pattern.groups != len(ordered):
            return
        plan.keys = tuple(number.key for number in taken)
        group = {span: index for index, span in enumerate(ordered)}
        picks = [group[number.start, number.end] for number in taken]
        plan.picks = None if picks == list(range(len(ordered))) else picks
        plan.step = group[step[1:]] if step else -1
        plan.convert = value_of if any("," in text[number.start : number.end] for number in taken) else float
        match = pattern.match(text)
        # Case folding changes the length of some letters, and with it the place of a step.
        if match is not None and (not taken or repr([_found(plan, match, 0)]) == repr(_analysed(text, taken, analysis, 0))):
            plan.match = pattern.match


def _found(plan: _Plan, match: re.Match[str], line: int) -> Found:
    digits: Sequence[str] = match.groups()
    step = None
    if plan.step >= 0:
        count = digits[plan.step]
        step = int(count) if count.isdecimal() else read_step(count)
    if plan.picks is not None:
        digits = [digits[index] for index in plan.picks]
    return _make_found((plan.keys, tuple(map(plan.convert, digits)), step, line))


def _analysed(text: str, taken: list[Number], analysis: Analysis, line: int) -> list[Found]:
    if not taken:
        return []
    values = tuple(value_of(text[number.start : number.end]) for number in taken)
    return [Found(tuple(number.key for number in taken), values, analysis.step[0] if analysis.step else None, line)]


def _shape_of(text: str) -> bytes:
    """What lines share that differ in their numbers alone."""
    digits = text.encode("utf-8", "surrogatepass").translate(_ZEROS)
    return _LOOSE_RUN.sub(b"0", digits) + "".join(_IN_NAME.findall(text)).encode()


def _is_in_shape(name: str) -> bool:
    """Whether lines of one shape have the same digits in this name of theirs."""
    return _RUN.search(_IN_NAME.sub("", name)) is None


def _pattern(text: str, spans: list[tuple[int, int]], fractions: dict[int, str]) -> str:
    """A regular expression for lines of the shape of *text*, with a group for each span: no two overlap but one in another.

    *fractions* are those, by place, that must stay zero or not zero.
    """
    cuts = {place for span in spans for place in span}
    pieces = []
    place = 0
    for run in _RUN.finditer(text):
        pieces += _literal(text, place, run.start(), cuts)
        pieces.append((run.start(), _digits(text, *run.span(), fractions.get(run.start()))))
        place = run.end()
    pieces += _literal(text, place, len(text), cuts)
    opening = Counter(start for start, _ in spans)
    closing = Counter(end for _, end in spans)
    parts = [")" * closing[start] + "(" * opening[start] + piece for start, piece in pieces]
    return "".join(parts) + ")" * closing[len(text)]


def _literal(text: str, start: int, end: int, cuts: set[int]) -> list[tuple[int, str]]:
    """The places and patterns of the stretches of a text between cuts."""
    places = [start, *sorted(cut for cut in cuts if start < cut < end), end]
    return [(first, re.escape(text[first:last])) for first, last in pairwise(places) if first < last]


def _digits(text: str, start: int, end: int, fraction: str | None) -> str:
    """A pattern for a run of digits."""
    if _NAME_BEFORE.search(text, max(start - 1, 0), start):
        return text[start:end]
    if fraction is not None:
        return "0+" if not fraction.strip("0") else "(?!0+(?![0-9]))[0-9]{1,15}"
    if _STRICT_BEFORE.search(text, max(start - 2, 0), start) or _STRICT_AFTER.match(text, end):
        return f"[0-9]{{{end - start}}}"
    return "[0-9]{1,15}"
