"""From the bytes of a program's output to the values printed in it: no clock, no files, nothing but bytes in.

Bytes become repaints (`lines`); the user's `patterns` and an analyst (`pairs` or `auto`) find the numbers in each, and the
step that it states; `plans` lets an analyst look only once at lines that are printed again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress

from swanlab_cli.parser.auto import HEADER_LINES, Auto, may_hold_number
from swanlab_cli.parser.found import Found, value_of
from swanlab_cli.parser.lines import Lines, Repaint
from swanlab_cli.parser.pairs import Pairs
from swanlab_cli.parser.patterns import Patterns
from swanlab_cli.parser.plans import Analyst, Plans
from swanlab_cli.parser.steps import Steps

__all__ = ["MODES", "Found", "Parser"]

MODES = ("auto", "kv", "none")


class Parser:
    """Finds values in output that arrives in any portions; the portions make no difference to the result.

    On a line that is painted several times, a key is reported again when its value has changed. Of a repaint longer
    than 64 KiB the rest is not read.
    """

    def __init__(self, mode: str = "kv", patterns: Sequence[str] = (), step_key: str | None = None) -> None:
        """Prepare to read; *step_key* names the counter that is looked for before `step`, `epoch` and the like.

        Raises:
            ValueError: *mode* is none of `MODES`, or a pattern is no regular expression or names no metric.
        """
        check_mode(mode)
        self._patterns = Patterns(patterns) if patterns else None
        self._steps = Steps(step_key)
        analyst = new_analyst(mode, step_key)
        self._plans = Plans(analyst, step_key) if analyst is not None else None
        self._lines = Lines(*wanted_lines(mode, patterns), read_ahead=self._read_ahead if not patterns else None)
        self._found: list[Found] = []
        self._shown: dict[str, float] = {}
        self._shown_line = 0

    @property
    def line(self) -> int:
        """The physical line that comes next, or has begun."""
        return self._lines.line

    def feed(self, data: bytes) -> list[Found]:
        """The values on the repaints that *data* completes, in print order."""
        return self._read(self._lines.feed(data)) if self._plans or self._patterns else []

    def finish(self) -> list[Found]:
        """The values on the last line, if it has no newline."""
        return self._read(self._lines.finish()) if self._plans or self._patterns else []

    def _read(self, repaints: Iterable[Repaint]) -> list[Found]:
        for repaint in repaints:
            for found in self._find(repaint):
                is_whole_line = repaint.is_last and not repaint.number
                changed = found if is_whole_line or found.line != repaint.line else self._changed(found)
                if changed.keys:
                    self._found.append(changed)
        found_now, self._found = self._found, []
        return found_now

    def _read_ahead(self, text: str, place: int, line: int) -> tuple[int, int]:
        assert self._plans is not None
        return self._plans.read_ahead(text, place, line, self._found)

    def _find(self, repaint: Repaint) -> Sequence[Found]:
        found = self._plans.read(repaint.text, repaint.line) if self._plans is not None else ()
        if self._patterns is None:
            return found
        stated = self._steps.find(repaint.text)
        all_found = []
        for number, step in self._patterns.find(repaint.text):
            value = value_of(repaint.text[number.start : number.end])
            all_found.append(Found((number.key,), (value,), stated if step is None else step, repaint.line))
        taken = {one.keys[0] for one in all_found}
        return all_found + [_chosen(one, [key not in taken for key in one.keys]) for one in found]

    def _changed(self, found: Found) -> Found:
        """Those values of a repaint that differ from what its line showed before."""
        if found.line != self._shown_line:
            self._shown, self._shown_line = {}, found.line
        is_new = []
        for key, value in zip(found.keys, found.values, strict=True):
            before = self._shown.get(key)
            is_new.append(before is None or not (before == value or (before != before and value != value)))
            self._shown[key] = value
        return found if all(is_new) else _chosen(found, is_new)


def check_mode(mode: str) -> None:
    """Refuse what is none of `MODES`.

    Raises:
        ValueError: it is none.
    """
    if mode not in MODES:
        raise ValueError(f"unknown parse mode {mode!r}: choose one of {', '.join(MODES)}")


def new_analyst(mode: str, step_key: str | None) -> Analyst | None:
    """What reads lines in a mode; in `none` nothing does."""
    return Auto(step_key) if mode == "auto" else Pairs(step_key) if mode == "kv" else None


def wanted_lines(mode: str, patterns: Sequence[str]) -> tuple[Callable[[bytes], bool] | None, int]:
    """What `Lines` need to know: which stretches to read, and how many lines before those."""
    if patterns:
        return None, 0
    if mode == "auto":
        return may_hold_number, HEADER_LINES
    return (lambda stretch: b"=" in stretch), 0


def _chosen(found: Found, is_chosen: Sequence[bool]) -> Found:
    keys, values = tuple(compress(found.keys, is_chosen)), tuple(compress(found.values, is_chosen))
    return Found(keys, values, found.step, found.line)
