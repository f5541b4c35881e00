"""Names that no word list knows: what is printed again and again under one name, with other values, is a metric.

Two lines are kept until a third decides, so a metric that is recognised late is complete nevertheless.
"""

from __future__ import annotations

from typing import NamedTuple

from swanlab_cli.parser.found import Late, Located, Number

_ENOUGH = 3
# After so many lines without another value it is a setting that is printed often.
_GIVE_UP_AT = 8
_MOST_CANDIDATES = 512
_MOST_KNOWN = 512
_MOST_GIVEN_UP = 4096
# The lines of candidates are kept: memory must not depend on what is printed.
_LONGEST_LINE = 1000


class _Candidate:
    __slots__ = ("count", "digits", "last_line", "waiting")

    def __init__(self) -> None:
        self.count = 0
        self.last_line = 0
        self.digits: set[str] = set()
        self.waiting: list[Late] = []


class Verdict(NamedTuple):
    """What another line says of a candidate."""

    is_open: bool
    """Whether a later line may yet decide."""
    late: tuple[Late, ...] = ()
    """The earlier values, if it is a metric as of now."""


class Recurrence:
    """Counts names over lines."""

    def __init__(self) -> None:
        self.known: frozenset[str] = frozenset()
        """Names that have proved to be metrics."""
        self._candidates: dict[str, _Candidate] = {}
        self._given_up: set[str] = set()

    def consider(self, number: Number, step: Located | None, text: str, line: int) -> Verdict:
        """Count a number with a name that may be a metric's, on physical line *line*."""
        name = number.key
        if len(text) > _LONGEST_LINE or name in self._given_up or len(self._given_up) >= _MOST_GIVEN_UP:
            return Verdict(is_open=False)
        if name not in self._candidates and len(self._candidates) >= _MOST_CANDIDATES:
            del self._candidates[next(iter(self._candidates))]  # the oldest
        candidate = self._candidates.setdefault(name, _Candidate())
        if line == candidate.last_line:
            return Verdict(is_open=True)
        candidate.last_line = line
        candidate.count += 1
        candidate.digits.add(text[number.start : number.end])
        is_metric = candidate.count >= _ENOUGH and len(candidate.digits) >= 2 and len(self.known) < _MOST_KNOWN
        if candidate.count >= _GIVE_UP_AT and not is_metric:
            del self._candidates[name]
            self._given_up.add(name)
            return Verdict(is_open=False)
        if not is_metric:
            candidate.waiting.append(Late(line, text, number._replace(reason=""), step[0] if step else None))
            return Verdict(is_open=True)
        del self._candidates[name]
        self.known |= {name}
        return Verdict(is_open=False, late=tuple(candidate.waiting))
