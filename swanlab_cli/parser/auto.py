"""`--parse auto`: what real programs print about their training, and nothing else.

A line is read by the first of these that knows it: a table (`tables`), a dict or JSON object and running text (`prose`).
Which of the numbers count is decided by the names (`names`) in the company that they keep on their line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from swanlab_cli.parser.counters import Counters
from swanlab_cli.parser.found import Analysis, Late, Located, Number
from swanlab_cli.parser.names import Kind, is_clear, kind_of
from swanlab_cli.parser.pairs import read_pairs
from swanlab_cli.parser.prose import Reading, is_whole, read_prose
from swanlab_cli.parser.recurrence import Recurrence
from swanlab_cli.parser.tables import Context, Tables

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
_SHARE = re.compile(r"(?<![\w./])(\d+/\d+ \(\s*)(\d+(?:\.\d+)?)(\s*%\))")
# An object shown as its class makes it: `AdamW (lr=0.1, betas=(0.9, 0.999))`.
_OBJECT = re.compile(r"\b[A-Z]\w* ?\((?=\w+=)[^()]*(?:\([^()]*\)[^()]*)*\)")
# A line of nothing but pairs is printed to be read, whatever their names and numbers.
_ONLY_PAIRS = re.compile(r"\s*(?:[^\s=,;]+=[^\s=,;]+(?:[\s,;]+|$))+$")
_EXCEPTION = re.compile(r"(?:^\s*(?:[A-Za-z_][\w.]*)?|\s[A-Za-z_][\w.]*)(?:Error|Exception|Warning):\s+(?![-+.]?\d)")
_ORDINAL = re.compile(r"第\s*\d+\s*[^\W\d_]")
_REQUEST = re.compile(r"\"[A-Z]{3,7} \S+ HTTP/\d")
# `    learning_rate=0.1,` on a line of its own: a call that is printed over many lines.
_ARGUMENT_LINE = re.compile(r"^\s*\w+=[^=]*,\s*$")
# `1.5s (kernel) + 2.5s (userspace) = 4.0s` is a sum.
_NUMBER_AS_NAME = re.compile(r"[\d.]+[A-Za-z]{0,3}(?: \(|$)")
# A search over parameters fills up with dots before those of a fit.
_OF_A_FIT = re.compile(r"\.{4,}[^;]{0,400};")
_CODE = re.compile(r"^[^=]*=.*(?:[;{]|;\s*\})\s*$|\b(?:auto|char|const|double|float|int|let|long|var)\s+\w+\s*=")
_TOLD = re.compile(r"\b(?:loss(?:es)?|accuracy|errors?|residuals?|scores?|metrics?|rewards?|(?:valid|evalu)ation)\b", re.I)
_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_NOT_FINITE = re.compile(rb"\b(?:nan|inf|infinity)\b")
_RATE = re.compile(r"\d+(?:\.\d+)?\s?(?:[mnuµ]?s|min|h)/\w+")


_LONELY = "an unknown name, and neither a metric nor a step beside it"
_LONELY_COMPANION = "such a name is a setting, unless a metric or a step is beside it"
_LONELY_COUNT = "a whole number, which may as well be a count, and neither a metric nor a step beside it"
_UNTIL_IT_RECURS = (_LONELY, _LONELY_COMPANION, _LONELY_COUNT)
_IN_BAR = "part of a progress bar"
_NEVER_METRICS = (
    (_ORDINAL, "tells where the program is"),
    (_OF_A_FIT, "a parameter of a fit"),
    (_SETTINGS, "in the brackets of settings"),
    (_OBJECT, "an argument of an object"),
    (_SETTINGS_LINE, "a list of settings"),
)
_NEVER_LINES = (
    (_EXCEPTION, "the line is the message of an exception"),
    (_CODE, "the line is program code"),
    (_REQUEST, "the line is a web server's"),
    (_ARGUMENT_LINE, "an argument of a call over many lines"),
)

_MANY_PAIRS = _MANY_WORDS = 3
# `buffer/evict/staleness: 0.5`: sections in a name are what trackers have.
_SECTIONED = re.compile(r"[^\W\d][\w.-]*(?:/[\w.@-]+)+")

HEADER_LINES = 3
"""How far above its first row the header of a table may begin."""


def may_hold_number(stretch: bytes) -> bool:
    """Whether there may be a number in some output: a digit, or a word for what is not finite."""
    lowered = stretch.translate(_LOWER, b"0123456789")
    if len(lowered) != len(stretch):
        return True
    return (b"nan" in lowered or b"inf" in lowered) and _NOT_FINITE.search(lowered) is not None


class Auto:
    """Finds metrics in whatever is printed."""

    def __init__(self, step_key: str | None = None) -> None:
        self._tables = Tables()
        self._counters = Counters(step_key)
        self._recurrence = Recurrence()

    @property
    def context(self) -> tuple[Context, frozenset[str]]:
        """What of the lines before bears on the next one: the header of a table, and names that have proved to be metrics."""
        return self._tables.context, self._recurrence.known

    @context.setter
    def context(self, context: tuple[Context, frozenset[str]]) -> None:
        self._tables.context, self._recurrence.known = context

    @property
    def valid_until(self) -> float:
        """The last physical line for which the context holds."""
        return self._tables.valid_until

    def expire(self) -> None:
        """Forget a header that is too far above."""
        self._tables.expire()

    def renew(self, line: int) -> None:
        """Let the header count from physical line *line* on."""
        self._tables.renew(line)

    def analyse(self, text: str, line: int) -> Analysis:
        """What a line holds, as part of a table or else as text."""
        table = self._tables.analyse(text, line)
        if table is not None:
            return table
        if not may_hold_number(text.encode("utf-8", "replace")):
            return Analysis([], None)
        return self._analyse_text(text, line)

    def _analyse_text(self, text: str, line: int) -> Analysis:
        # What does not count is blanked, not cut out: places in the text stay what they are.
        page = _Page(text)
        page.blank_head()
        bar = page.blank_bar()
        located = self._counters.locate(page.text) or bar
        page.blank_counts_beside_share()
        for pattern, reason in _NEVER_METRICS:
            page.blank(pattern, reason)
        for pattern, reason in _NEVER_LINES:
            if pattern.search(page.text):
                return Analysis([], None, (*page.blanks, (0, len(text), reason)))
        readings = read_prose(page.text)
        refused: list[Number] = []
        if "=" in page.text:
            readings, refused = _checked(readings, page.text)
        reasons = _judge(readings, page.text, located is not None)
        judged = [
            Number(one.start, one.end, one.key, "pair" if one.join == "=" else "text", reason)
            for one, reason in zip(readings, reasons, strict=True)
        ]
        analysis = Analysis(sorted(judged + refused), located, tuple(page.blanks))
        return self._with_recurring(analysis, text, line) if any(map(_may_recur, judged)) else analysis

    def _with_recurring(self, analysis: Analysis, text: str, line: int) -> Analysis:
        """Take numbers whose names come again and again."""
        numbers: list[Number] = []
        late: list[Late] = []
        is_open = False
        for number in analysis.numbers:
            is_known = False
            if _may_recur(number):
                is_known = number.key in self._recurrence.known
                if not is_known:
                    verdict = self._recurrence.consider(number, analysis.step, text, line)
                    is_known = number.key in self._recurrence.known
                    is_open = is_open or verdict.is_open
                    late += verdict.late
            numbers.append(number._replace(reason="") if is_known else number)
        return analysis._replace(numbers=numbers, late=tuple(late), is_repeatable=not is_open)


def _checked(readings: list[Reading], text: str) -> tuple[list[Reading], list[Number]]:
    """Readings with those with an equals sign as the pair rule has them, and the pairs that it refuses."""
    pairs = read_pairs(text)
    accepted = {pair.start: pair for pair in pairs if not (pair.reason or _NUMBER_AS_NAME.match(pair.key))}
    kept = [one for one in readings if one.join != "=" or one.start in accepted or one.key[-1] in "]|"]
    joined = [one for one in kept if one.start in accepted]
    if len(joined) >= _MANY_PAIRS and not joined[0].is_spaced and all(one.key == accepted[one.start].key for one in joined[1:]):
        # `EM sub_iter=1 size=3 obj=0.5`: where every other key is one word, the first is too.
        kept = [one._replace(key=accepted[one.start].key) if one is joined[0] else one for one in kept]
    known = {one.start for one in kept}
    missed = [
        Reading(pair.key, not is_whole(text[pair.start : pair.end]), "=", False, pair.start, pair.end)
        for pair in accepted.values()
        if pair.start not in known and not any(one.key.endswith("]") for one in kept)
    ]
    return sorted(kept + missed, key=lambda one: one.start), [pair for pair in pairs if pair.reason]


class _Page:
    """A line's text while what can be no metric is blanked in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blanks: list[tuple[int, int, str]] = []

    def _cover(self, start: int, end: int, reason: str, mark: str = "") -> None:
        self.text = self.text[:start] + mark.ljust(end - start) + self.text[end:]
        self.blanks.append((start, end, reason))

    def blank(self, pattern: re.Pattern[str], reason: str, mark: str = ";") -> None:
        """Put blanks, and a semicolon that parts what was beside, for each match."""

        def cover(match: re.Match[str]) -> str:
            self.blanks.append((*match.span(), reason))
            return mark.ljust(len(match[0]))

        self.text = pattern.sub(cover, self.text)

    def blank_head(self) -> None:
        """Blank what logs put before their messages."""
        for _ in range(8):
            head = _HEAD.match(self.text)
            if head is None or not head[0].strip():
                return
            self._cover(0, head.end(), "in the head of the line, as logs have it")

    def blank_bar(self) -> Located | None:
        """Blank the drawing and the rates of a progress bar; the bar's counter."""
        bar = _BAR.search(self.text) if "%" in self.text else None
        if bar:
            count = bar[2].replace(",", "")
            self._cover(*bar.span(), _IN_BAR, ";")
            return (int(count), *bar.span(2)) if count.isdigit() else None
        keras = _KERAS.match(self.text) if " - " in self.text else None
        if keras is None:
            return None
        self._cover(0, keras.end(), _IN_BAR)
        self.blank(_RATE, _IN_BAR)
        return int(keras[1]), *keras.span(1)

    def blank_counts_beside_share(self) -> None:
        """Reduce `9850/10000 (98.5%)` to the share."""

        def cover(match: re.Match[str]) -> str:
            self.blanks.append((*match.span(1), "a count; its share is beside it"))
            return " " * len(match[1]) + match[2] + " " * len(match[3])

        self.text = _SHARE.sub(cover, self.text)


def _judge(readings: Sequence[Reading], text: str, is_stepped: bool) -> list[str]:
    """For each reading why its name, and the company that it keeps, make it no metric; empty where they do."""
    if "=" in text and _ONLY_PAIRS.match(text):
        return ["" if reading.join == "=" else "not joined by the equals sign of the pairs around it" for reading in readings]
    kinds = [kind_of(reading.key) for reading in readings]
    if is_stepped and _is_chain(readings, text):
        never = (Kind.COST, Kind.COUNTER)
        pairs = zip(readings, kinds, strict=True)
        is_taken = [kind not in never and (one.is_float or kind is Kind.METRIC) for one, kind in pairs]
        return ["" if taken else "a count or a cost among words and numbers" for taken in is_taken]
    is_sure = any(kind is Kind.METRIC and _is_plain(reading) for kind, reading in zip(kinds, readings, strict=True))
    is_sure = is_sure or (sum(map(_is_plain, readings)) >= 2 and _TOLD.search(text) is not None)
    return [_why_not(reading, kind, is_sure, is_stepped) for reading, kind in zip(readings, kinds, strict=True)]


def _is_chain(readings: Sequence[Reading], text: str) -> bool:
    """Whether words and numbers take turns: `iter 3 act 3.0e+02 pre 2.3e+02 f 1.8e+02`."""
    chain = [one for one in readings if not one.join and " " not in one.key]
    are_beside = all(text[first.end : second.start].strip() == second.key for first, second in pairwise(chain))
    return sum(one.is_float for one in chain) >= _MANY_WORDS and len(chain) == len(readings) and are_beside


def _why_not(reading: Reading, kind: Kind, is_sure: bool, is_stepped: bool) -> str:
    """Why a reading is no metric, or nothing. *is_sure*: its line holds one for sure; *is_stepped*: it states a step."""
    if reading.join == "=" and not reading.is_spaced and reading.is_float:
        return ""  # `name=0.5` is printed to be read, whatever the name; `name = 0.5` may as well be configuration
    is_sectioned = reading.is_float and bool(reading.join) and _SECTIONED.fullmatch(reading.key) is not None
    if is_sectioned and (kind is not Kind.COST or reading.key.count("/") > 1):
        return ""
    if kind is Kind.METRIC:
        return _why_no_metric(reading, is_sure, is_stepped)
    if kind is Kind.COMPANION:
        if not (is_sure or is_stepped):
            return _LONELY_COMPANION if reading.is_float and reading.join else "such a name is a setting's"
        return "" if reading.join == "=" or reading.is_float else "a whole number under a name that may as well be a setting's"
    if kind is not Kind.UNKNOWN:
        return f"the name is that of a {kind.name.lower()}"
    if not (reading.is_float and reading.join):
        return "an unknown name, and a whole number" if reading.join else "an unknown name, not joined to the number"
    return "" if is_sure or is_stepped else _LONELY


def _why_no_metric(reading: Reading, is_sure: bool, is_stepped: bool) -> str:
    """Why a number with the name of a metric is none, or nothing."""
    if not (reading.is_float or is_stepped or is_sure or (bool(reading.join) and is_clear(reading.key))):
        return _LONELY_COUNT if reading.join else "a whole number, which may as well be a count"
    words = reading.key.partition(" (")[0].split()
    if not reading.join and (len(words) > 3 or kind_of(words[-1]) not in (Kind.METRIC, Kind.COMPANION)):
        return "the words before it are a sentence"
    return ""


def _may_recur(number: Number) -> bool:
    return number.reason in _UNTIL_IT_RECURS


def _is_plain(reading: Reading) -> bool:
    return reading.is_float and bool(reading.join)
