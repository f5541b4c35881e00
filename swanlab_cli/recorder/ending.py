"""Why a run ended: one line for people and a structure, from the end record, the last output, the points, and the kernel.

The scribe puts it together once, when the run has ended; readers do where no scribe could.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..records import End, Event, Json, Lane, Point, encode_value
from ..store.reader import read_last_output
from ..store.state import describe_end
from .inquiry import explain, slurm_kind
from .tracebacks import Traceback, last_traceback, last_words

ENDING = "ending"
"""Type of the event that holds what `describe_ending` gives."""
_LAST_OUTPUT_BYTES = 256 * 1024
_KILLED_STATUS = 137
"""Exit code of a shell whose command was ended by SIGKILL."""
_LONGEST_CAUSE = 160


class NotANumber(NamedTuple):
    """A metric that has ceased to be a number, and was none again."""

    metric: str
    step: int
    """The first at which it was none."""
    time: float | None
    value: float | str
    """"NaN", "Infinity" or "-Infinity"."""
    last_finite: float | None
    """Before that."""


class Divergence:
    """Watches the losses for values that are not finite."""

    def __init__(self) -> None:
        self._is_loss: dict[str, bool] = {}
        self._last_finite: dict[str, float] = {}
        self._since: dict[str, NotANumber] = {}

    def feed(self, points: Iterable[Point]) -> None:
        """Note the points, in the order in which they came."""
        for point in points:
            metric = point.metric
            if metric not in self._is_loss:
                self._is_loss[metric] = "loss" in metric.lower()
            if not self._is_loss[metric]:
                continue
            if math.isfinite(point.value):
                self._last_finite[metric] = point.value
                self._since.pop(metric, None)
            elif metric not in self._since:
                last, value = self._last_finite.get(metric), encode_value(point.value)
                self._since[metric] = NotANumber(metric, point.step, point.time, value, last)

    def found(self) -> NotANumber | None:
        """The loss that has been no number up to now, the first of several."""
        return min(self._since.values(), key=lambda one: one.time or 0.0, default=None)


class Evidence(NamedTuple):
    """What is known besides the end record."""

    output: str = ""
    """The last of what was printed, stderr alone where it is recorded apart."""
    not_a_number: NotANumber | None = None
    slurm: Json | None = None
    """Slurm's answer, as environment/slurm.py gives it."""
    memory: Json | None = None
    """Of processes killed for lack of memory: `kills` (how many), `processes` (`pid` and `name` of those that the kernel's log
    names), `limit_bytes` of the control group or None, `is_command` (whether it is what ended the command)."""


def last_output(directory: str, lane: Lane) -> str:
    """The text in which a program that failed may have said why."""
    chunks = read_last_output(directory, lane, _LAST_OUTPUT_BYTES)
    said = [chunk.data for chunk in chunks if chunk.stream != "stdout"] or [chunk.data for chunk in chunks]
    return b"".join(said).decode(errors="replace")


def describe_ending(end: End, evidence: Evidence) -> Json:
    """Why a run ended.

    `reason`: one line. `kind`: `exit`, `signal`, `interrupt` (Ctrl-C or SIGINT), `out_of_memory`, `not_started` or `imported`.
    With Slurm's word also `time_limit`, `cancelled`, `preempted`, `node_failure` or `requeued`; `slurm` is its answer.
    `exit_code` and `signal` as in the end record. `sender` of the last request to end: `pid` (0: the kernel), `uid`, `name`,
    `command`. `traceback`: `exception`, `message`, `frame` and `user_frame` (`file`, `line`, `function`). `last_words` of a
    program that is no Python. `not_a_number` and `memory` as in `NotANumber` and `Evidence`. Each is None where there is none.
    """
    failed = has_failed(end)
    traceback = last_traceback(evidence.output) if failed else None
    words = last_words(evidence.output) if failed and traceback is None else None
    return {
        "kind": _kind(end, evidence),
        "reason": _reason(end, evidence, traceback, words),
        "exit_code": end.exit_code,
        "signal": end.signal,
        "sender": end.senders[-1] if end.senders else None,
        "traceback": _traceback_json(traceback) if traceback else None,
        "last_words": words,
        "not_a_number": evidence.not_a_number._asdict() if evidence.not_a_number else None,
        "memory": evidence.memory,
        "slurm": evidence.slurm,
    }


def describe_loss(host: str, last_written: float | None, evidence: Evidence) -> Json:
    """As `describe_ending`, of kind `lost`: nobody recorded an end and nobody is there any more."""
    traceback = last_traceback(evidence.output)
    when = f", last written {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(last_written))} UTC" if last_written else ""
    said = f"; it had said {_traceback_text(traceback)}" if traceback else ""
    nothing = dict.fromkeys(("exit_code", "signal", "sender", "last_words", "memory"))
    slurm = explain(evidence.slurm)
    unknown = f"no end was recorded, and no process of it lives on '{host}'{when}{said}"
    return {
        **nothing,
        "kind": slurm_kind(evidence.slurm) or "lost",
        "reason": f"{slurm}; {unknown}" if slurm else unknown,
        "slurm": evidence.slurm,
        "traceback": _traceback_json(traceback) if traceback else None,
        "not_a_number": evidence.not_a_number._asdict() if evidence.not_a_number else None,
    }


def has_failed(end: End) -> bool:
    """Whether the command ran and ended otherwise than well."""
    return end.error is None and (end.signal is not None or end.exit_code not in (0, None))


def recorded_ending(events: Iterable[Event]) -> Json | None:
    """What a scribe has written of the end; the last word counts."""
    found = None
    for event in events:
        if event.type == ENDING and isinstance(event.data.get("reason"), str):
            found = event.data
    return found


def may_be_memory(end: End) -> bool:
    """Whether the command ended as one does that the kernel kills for lack of memory."""
    return end.signal == "SIGKILL" or end.exit_code == _KILLED_STATUS


def _kind(end: End, evidence: Evidence) -> str:
    if end.error is not None:
        return "not_started"
    if end.exit_code is None and end.signal is None:
        return "imported"
    if evidence.memory is not None and evidence.memory["is_command"]:
        return "out_of_memory"
    by_slurm = slurm_kind(evidence.slurm)
    if by_slurm is not None:
        return by_slurm
    if end.signal == "SIGINT" or (end.signals and end.signals[-1][0] == "SIGINT" and end.exit_code != 0):
        return "interrupt"
    return "signal" if end.signal is not None else "exit"


def _reason(end: End, evidence: Evidence, traceback: Traceback | None, words: str | None) -> str:
    is_memory = evidence.memory is not None and evidence.memory["is_command"]
    parts = [_memory_text(evidence.memory) if is_memory else None, explain(evidence.slurm), describe_end(end)]
    reason = ", ".join(part for part in parts if part)
    is_told = traceback is not None and traceback.exception == "KeyboardInterrupt"
    cause = _traceback_text(traceback) if traceback is not None and not is_told else words
    if cause:
        reason += f": {cause}"
    if has_failed(end) and evidence.not_a_number is not None:
        metric, step, _, value, _ = evidence.not_a_number
        reason += f"; {metric} was {value} from step {step} on"
    return reason


def _traceback_text(traceback: Traceback) -> str:
    message = traceback.message if len(traceback.message) <= _LONGEST_CAUSE else traceback.message[: _LONGEST_CAUSE - 1] + "…"
    text = f"{traceback.exception}: {message}" if message else traceback.exception
    frame = traceback.user_frame or traceback.frame
    return f"{text} ({frame.file.rpartition('/')[2]}:{frame.line})" if frame else text


def _memory_text(memory: Json | None) -> str | None:
    if memory is None:
        return None
    limit = memory["limit_bytes"]
    return "out of memory" + (f" (its limit is {limit / (1 << 20):.0f} MiB)" if limit else "")


def _traceback_json(traceback: Traceback) -> dict[str, Any]:
    frames = {"frame": traceback.frame, "user_frame": traceback.user_frame}
    return {**traceback._asdict(), **{name: frame and frame._asdict() for name, frame in frames.items()}}
