"""From the bytes of a program's output to the values printed in it: no clock, no files, nothing but bytes in.

Bytes become repaints (`lines`); extractors (`patterns`, `pairs`) find readings in each; `steps` tells the step that the
repaint states. A further mode is a further extractor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from swanlab_cli.parser.auto import HEADER_LINES, Auto, may_hold_number
from swanlab_cli.parser.lines import Lines, Repaint
from swanlab_cli.parser.pairs import Pairs
from swanlab_cli.parser.patterns import Patterns
from swanlab_cli.parser.steps import Steps

MODES = ("auto", "kv", "none")


class Found(NamedTuple):
    """One printed value."""

    key: str
    """Verbatim as printed."""
    value: float
    step: int | None
    """Stated on the line itself, else None."""
    line: int
    """Physical line, from 1; split at newlines only."""
    rule: str
    """Name of the rule that took it: `pair` or `pattern`."""


class Extractor(Protocol):
    """Finds values in one repaint after the other; an earlier extractor's keys are not taken again by a later one."""

    @property
    def rule(self) -> str:
        """The name of what it looks for."""

    @property
    def finds_steps(self) -> bool:
        """Whether its None for a step means that the repaint states none, not that it has not looked."""

    def find(self, repaint: Repaint) -> list[tuple[str, float, int | None]]:
        """The (key, value, step or None: the one that the repaint states) of each value."""


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
        if mode not in MODES:
            raise ValueError(f"unknown parse mode {mode!r}: choose one of {', '.join(MODES)}")
        self._extractors: list[Extractor] = []
        if patterns:
            self._extractors.append(Patterns(patterns))
        if mode == "kv":
            self._extractors.append(Pairs())
        if mode == "auto":
            self._extractors.append(Auto(step_key))
        self._steps = Steps(step_key)
        if patterns:
            self._lines = Lines()
        elif mode == "auto":
            self._lines = Lines(may_hold_number, context=HEADER_LINES)
        else:
            self._lines = Lines(lambda stretch: b"=" in stretch)
        self._shown: dict[str, float] = {}
        self._shown_line = 0

    def feed(self, data: bytes) -> list[Found]:
        """The values on the repaints that *data* completes, in print order."""
        return self._read(self._lines.feed(data)) if self._extractors else []

    def finish(self) -> list[Found]:
        """The values on the last line, if it has no newline."""
        return self._read(self._lines.finish()) if self._extractors else []

    def _read(self, repaints: Iterable[Repaint]) -> list[Found]:
        found: list[Found] = []
        for repaint in repaints:
            values = self._find(repaint)
            if repaint.number or not repaint.is_last:
                values = self._changed(values, repaint.line)
            found += values
        return found

    def _find(self, repaint: Repaint) -> list[Found]:
        found: list[Found] = []
        stated: int | None = None
        for extractor in self._extractors:
            readings = extractor.find(repaint)
            if not readings:
                continue
            if found:
                taken = {value.key for value in found}
                readings = [reading for reading in readings if reading[0] not in taken]
            default = None
            if not extractor.finds_steps:
                stated = self._steps.find(repaint.text) if stated is None else stated
                default = stated
            rule = extractor.rule
            found += [
                Found(key, value, default if step is None else step, repaint.line, rule) for key, value, step in readings
            ]
        return found

    def _changed(self, values: list[Found], line: int) -> list[Found]:
        """Those of a repaint's *values* that differ from what *line* showed before."""
        if line != self._shown_line:
            self._shown, self._shown_line = {}, line
        changed = []
        for value in values:
            before = self._shown.get(value.key)
            is_same = before == value.value or (before is not None and before != before and value.value != value.value)
            if not is_same:
                changed.append(value)
                self._shown[value.key] = value.value
        return changed
