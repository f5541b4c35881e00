"""The parts of which bars are made, and where they stand in a line: shares, fractions, drawings, times and rates."""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = r"\d[\d,]{0,18}(?:\.\d{1,18})?"
# Of `1.2MB` and `450k`; a unit follows both parts of a fraction or the second alone: `1.5/1.7 MB`.
_SCALE = r"((?:[kKMGTP](?:i(?=[bB]|\b))?)?)"
_SCALED = rf"({_NUMBER})(\s?){_SCALE}([A-Za-z]{{0,8}})"
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_UNITS = frozenset(
    "B b it iter bit bits byte bytes Byte Bytes bps tok token tokens ex img sample samples step steps row rows".split()
)

_SHARE = re.compile(r"(?<![\w.,/])(\d{1,3}(?:\.\d+)?)\s?%")
_FRACTION = re.compile(rf"(?<![\w./:-]){_SCALED}\s?(?:/|\ of\ +)\s?(?:\?|Unknown|{_SCALED})(?![\w/]|\.\d)")
_LONE = re.compile(rf"(?<![\w./:-])({_NUMBER}){_SCALE}([A-Za-z]{{1,12}})?\s(?=\[\d)")
_CELLS = "━╸╺─█▉▊▋▌▍▎▏▓▒░■□●○◉◯⣿⣀▰▱▶▷⬛⬜🟩"
_DRAWING = re.compile(
    rf"[{_CELLS}]{{3,}}|%\s?\|[^|\w]{{0,3}}[^|]{{0,400}}\||\|[{_CELLS}#=>.oO0*\-\s]{{4,}}\||\[[{_CELLS}#=>\-.*·]{{5,}}\s*\]"
    rf"|\[[#=>\-*.{_CELLS}]+\s*\](?=\s*\d+(?:\.\d+)?%|\s*\d+/\d|\s*ETA)|\d%\s?\[[=>\s#-]{{3,}}\]|(?:^|\s)#{{4,}}(?=\s)"
)
_CLOCK = r"(?:\d+\ days?,\s*)?(?:\d+:)?\d{1,3}:\d\d(?:\.\d+)?"
_SPOKEN = r"(?:\d+(?:\.\d+)?\s?(?:d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?|ms)\b\s?){1,4}"
_TIME = rf"(?:{_CLOCK}|{_SPOKEN})"
# Elapsed and left, as in `00:10<01:20`; or elapsed alone, as tqdm prints it without a total.
_TIMING = re.compile(rf"({_TIME}|\?)\s?<\s?({_TIME}|\?|[-:]{{4,8}})|\[({_CLOCK}),\s*(?=\?|\d)")
_ETA = re.compile(
    rf"\b(?:ETA|eta|Eta|[Rr]emaining(?:\s[Tt]ime)?|[Tt]ime\s(?:left|remaining)|left)\b\s*[:=]?\s*({_TIME}|[-:]{{4,8}}|\?)"
    rf"|({_TIME})\s*(?:ETA\b(?!\s*:)|left\b|remaining\b)|\(~\s?({_TIME})",
)
_LEFT = re.compile("eta|left|emaining|ETA|Eta|~")
_ELAPSED = re.compile(rf"\b(?:[Ee]lapsed(?:\s[Tt]ime)?|[Tt]ime\s[Ee]lapsed|in)\b\s*[:=]?\s*({_TIME})")
# Rich prints times without a word: elapsed, a mark, left; or one alone, which is left. Keras 3 likewise: `1s 10ms/step`.
_TWO_CLOCKS = re.compile(rf"(?<![\d:])({_CLOCK})\s*[•·/]\s*({_CLOCK}|-:--:--|--:--)")
_CLOCK_LAST = re.compile(r"(?:\s|•)(\d+:\d\d:\d\d|\d\d:\d\d|-:--:--)\s*$")
_KERAS = re.compile(r"(?:^|\s|-\s)(\d+h\d+m|\d+m\d+s|\d+:\d\d(?::\d\d)?|\d+(?:s|ms|us|µs))\s(?:-\s)?(?=\d+(?:s|ms|us|µs)/\w)")
_RATE = re.compile(rf"(?<![\w./])({_NUMBER})\s?{_SCALE}([A-Za-z]{{0,12}})/(s|sec|second|d|min|h)\b(?!/)")
_NO_RATE_YET = re.compile(r"\?\s?([A-Za-z]{1,12})/s\b")
_INVERSE = re.compile(rf"(?<![\w./])({_NUMBER})\s?(ms|us|µs|s|sec|min|h)\s?/\s?([A-Za-z]{{1,12}})\b")
_IN_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|[dhms])")
_NEAR = 12  # characters between a drawing and its fraction
_SLACK = 0.011  # a share is printed rounded, or cut, to a hundredth


class Share(NamedTuple):
    """A percentage."""

    value: float
    """From 0 to 1."""
    start: int
    end: int


class Fraction(NamedTuple):
    """So many of so many."""

    done: float
    total: float | None
    unit: str | None
    start: int
    end: int


class Spans(NamedTuple):
    """What was found in a line."""

    share: Share | None
    fractions: list[Fraction]
    lone: Fraction | None
    """A count before a timing, without a total."""
    drawing: re.Match[str] | None
    timing: re.Match[str] | None
    eta: re.Match[str] | None
    text: str

    @property
    def is_certain(self) -> bool:
        """Whether a drawing, or a timing that only bars have, shows that this is a bar whatever is written beside it."""
        return self.drawing is not None or self.timing is not None

    @property
    def has_evidence(self) -> bool:
        """Whether something beside a share or fraction shows that it may be progress."""
        if self.is_certain or ("/" in self.text and _KERAS.search(self.text)):
            return True
        if self.eta is not None or (":" in self.text and _TWO_CLOCKS.search(self.text)):
            return bool(self.share) or bool(self.fractions and self._is_bare(self.fractions[-1]))
        return bool(self.share and _RATE.search(self.text, self.share.end))

    def _is_bare(self, fraction: Fraction) -> bool:
        """Whether no word stands before a fraction, which would make it a counter."""
        return not re.search(r"[A-Za-z\]][:=\s\[(]*$", self.text[: fraction.start])

    def fraction_of(self, share: Share | None) -> Fraction | None:
        """The fraction that belongs to the bar: the one that agrees with its share, else the one nearest to the drawing."""
        if share is not None:
            agreeing = [one for one in self.fractions if one.total and abs(one.done / one.total - share.value) <= _SLACK]
            return min(agreeing, key=lambda one: abs(one.start - share.end), default=None)
        usable = [one for one in self.fractions if one.total is None or (one.total > 0 and one.done <= one.total)]
        if self.drawing is not None:
            drawing = self.drawing
            behind = [one for one in usable if 0 <= one.start - drawing.end() <= _NEAR]
            return behind[0] if behind else min(usable, key=lambda one: abs(one.start - drawing.start()), default=None)
        place = self.timing.start() if self.timing else len(self.text)
        return min(usable, key=lambda one: abs(one.start - place), default=None)

    def start(self, share: Share | None, fraction: Fraction | None) -> int:
        """Where the bar begins: its leftmost part."""
        drawing = self.drawing.start() if self.drawing else None
        lone = self.lone.start if self.lone and fraction is None and share is None else None
        parts = (share.start if share else None, fraction.start if fraction else None, drawing, lone)
        return min((part for part in parts if part is not None), default=0)

    def times(self, is_over: bool) -> tuple[float | None, float | None]:
        """Seconds elapsed and left, each None where it is not printed."""
        if self.timing is not None:
            if self.timing[3] is not None:
                return seconds_of(self.timing[3]), None
            return seconds_of(self.timing[1]), seconds_of(self.timing[2])
        elapsed = _ELAPSED.search(self.text)
        elapsed_s = seconds_of(elapsed[1]) if elapsed else None
        if self.eta is not None:
            return elapsed_s, seconds_of(self.eta[1] or self.eta[2] or self.eta[3])
        two = _TWO_CLOCKS.search(self.text) if ":" in self.text else None
        if two:
            return seconds_of(two[1]), seconds_of(two[2])
        keras = _KERAS.search(self.text) or (_CLOCK_LAST.search(self.text) if self.drawing else None)
        if keras:
            moment = seconds_of(keras[1])
            return (moment, None) if is_over else (elapsed_s, moment)
        return elapsed_s, None


def find_spans(text: str) -> Spans:
    """The parts of bars in a line."""
    # Most lines lack the marks without which these long expressions cannot match.
    drawing = _DRAWING.search(text)
    timing = _TIMING.search(text) if "<" in text or "[" in text else None
    eta = _ETA.search(text) if _LEFT.search(text) else None
    shares = [Share(float(one[1]) / 100, one.start(), one.end()) for one in _SHARE.finditer(text) if float(one[1]) <= 100]
    place = drawing.start() if drawing else timing.start() if timing else 0
    share = min(shares, key=lambda one: abs(one.end - place), default=None)
    fractions = [_fraction(match) for match in _FRACTION.finditer(text) if match[5] or timing or drawing]
    lone = _LONE.search(text) if timing and not fractions else None
    counted = Fraction(_number(lone[1], lone[2]), None, lone[3], lone.start(), lone.end()) if lone else None
    return Spans(share, fractions, counted, drawing, timing, eta, text)


def _fraction(match: re.Match[str]) -> Fraction:
    """The fraction of a match; a scale and a unit behind the total alone are those of both."""
    done, gap, scale, unit, total, total_gap, total_scale, total_unit = match.groups()
    if total is None:
        return Fraction(_number(done, scale), None, None if gap else unit or None, *match.span())
    if total_gap and total_unit and total_unit not in _UNITS:  # the next word
        total_scale = total_unit = ""
    if gap and unit not in _UNITS:
        scale = unit = ""
    total_name, total_factor = _unit(total_scale, total_unit)
    name, factor = _unit(scale, unit)
    if not scale and not unit and total_name:
        factor = total_factor
    return Fraction(_number(done, factor), _number(total, total_factor), total_name or name, *match.span())


def _unit(scale: str, rest: str) -> tuple[str | None, str]:
    """The name of a unit and its scale: `MB` is a million of `B`, but `kit` of a word `kitten` is no scale."""
    if not scale or not rest or rest in _UNITS:
        return rest or None, scale
    return scale + rest, ""


def _number(digits: str, scale: str) -> float:
    base = 1024.0 if scale.endswith("i") else 1000.0
    return float(digits.replace(",", "")) * base ** _POWERS[scale[:1]]


def read_rate(text: str, start: int) -> tuple[float | None, str | None]:
    """The first rate from `start` on, in units per second, and the unit; each None where it is not printed."""
    direct, inverse = _RATE.search(text, start), _INVERSE.search(text, start)
    if direct and (inverse is None or direct.start() <= inverse.start()):
        unit, scale = _unit(direct[2], direct[3])
        return _number(direct[1], scale) / _IN_SECONDS[{"sec": "s", "second": "s"}.get(direct[4], direct[4])], unit
    if inverse:
        each_s = float(inverse[1].replace(",", "")) * _IN_SECONDS[inverse[2]]
        return (1 / each_s if each_s else None), inverse[3]
    unknown = _NO_RATE_YET.search(text, start)
    return None, unknown[1] if unknown else None


def seconds_of(printed: str | None) -> float | None:
    """The seconds of a printed duration: `01:20`, `1:02:03`, `1 day, 2:03:04`, `1h23m`, `5s`; None for `?` and dashes."""
    if not printed or not any(character.isdigit() for character in printed):
        return None
    days, _, clock = printed.rpartition(",")
    if ":" in clock:
        seconds = 0.0
        for part in clock.strip().split(":"):
            seconds = 60 * seconds + float(part)
        return seconds + 86400 * (float(days.split()[0]) if days else 0)
    scales = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    return sum(float(piece[1]) * scales[piece[2]] for piece in _PIECE.finditer(printed))
