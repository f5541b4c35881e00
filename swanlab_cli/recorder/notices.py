"""What `--notify` tells: that a run has ended or stalls. The sending is an errand; the address is never written anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..records import Header, Point, encode_value
from .errand import Errand

_MOST_METRICS = 100
_MAY_TAKE_S = 10


class Notices:
    """Messages about one run, and the last values that they report."""

    def __init__(self, url: str, header: Header, directory: str) -> None:
        self._url, self._header, self._directory = url, header, directory
        self._values: dict[str, float | str] = {}

    def feed(self, points: Iterable[Point]) -> None:
        """Remember the last value of each metric, of the first hundred."""
        for point in points:
            if point.metric in self._values or len(self._values) < _MOST_METRICS:
                self._values[point.metric] = encode_value(point.value)

    def send(self, state: str, reason: str, duration_s: float | None) -> Errand:
        """Tell that the run is in this state; the errand's answer is why that failed, or None."""
        url, text, fields = self._url, self._text(state, reason), self._fields(state, reason, duration_s)

        def work() -> str | None:
            from ..cloud.notify import send  # what it imports must not stay in the scribe's memory

            return send(url, text, fields)

        return Errand(work, _MAY_TAKE_S + 1)

    def _text(self, state: str, reason: str) -> str:
        header = self._header
        return f"{header.project}/{header.name} ({header.id}) on {header.host} {state}: {reason}"

    def _fields(self, state: str, reason: str, duration_s: float | None) -> dict[str, Any]:
        header = self._header
        return {
            "id": header.id,
            "name": header.name,
            "project": header.project,
            "state": state,
            "end_reason": reason,
            "duration_s": duration_s,
            "host": header.host,
            "directory": self._directory,
            "metrics": dict(self._values),
        }
