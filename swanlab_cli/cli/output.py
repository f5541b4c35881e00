"""What a lane has printed, as a reader wants it: its chunks, its lines as bytes, or what screens show of it as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from ..parser.page import Row
from ..parser.screen import HEIGHT, Screen
from ..records import Chunk, Lane
from ..store.reader import OutputTail

_QUIET_LOOKS = 10


class Output:
    """What the chosen streams of a lane have written."""

    def __init__(self, directory: str, lane: Lane, stream: str | None) -> None:
        self.rank = lane.rank
        self._tail = OutputTail(directory, lane)
        self._stream = stream

    def chunks(self) -> Iterator[Chunk]:
        """What has come since the last call."""
        chunks = self._tail.read()
        while chunks:
            yield from (chunk for chunk in chunks if self._stream in (None, chunk.stream))
            chunks = self._tail.read()


class RawLines:
    """The lines of the streams as bytes, as far as they have been written."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._unfinished: dict[str, bytes] = {}

    def new(self, is_last_look: bool) -> Iterator[tuple[float | None, bytes]]:
        """The lines that have been completed since the last call, with the times of their ends; in the end also those without."""
        moment: float | None = None
        for moment, stream, data in self._output.chunks():
            *lines, self._unfinished[stream] = (self._unfinished.get(stream, b"") + data).split(b"\n")
            yield from ((moment, line) for line in lines)
        if is_last_look:
            yield from ((moment, line) for line in self._unfinished.values() if line)


class Screens:
    """What the streams show, each on a screen of its own, in the order of their newlines."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._screens: dict[str, Screen] = {}
        self._order = 0
        self._quiet_looks = _QUIET_LOOKS
        self._shown: dict[int, str] = {}
        """Lines that were shown before they were final, by order."""

    def news(self, is_first_look: bool, is_last_look: bool) -> Iterator[list[Row]]:
        """The lines to show now, in portions."""
        yield from self._become_final()
        yield self._rest() if is_last_look else self._passed(is_first_look)

    def _become_final(self) -> Iterator[list[Row]]:
        """The lines that have become final since the last call."""
        self._quiet_looks += 1
        for chunk in self._output.chunks():
            self._quiet_looks = 0
            screen = self._screens.setdefault(chunk.stream, Screen(stream=chunk.stream))
            rows = screen.feed(chunk.data, chunk.time, self._order)
            self._order = screen.order
            if len(self._screens) > 1:
                # The terminal that both would be printed on has moved on, too, by what the other has printed.
                rows += (row for each in self._screens.values() for row in each.release(self._order - HEIGHT))
                rows.sort(key=_order)
            yield self._unlike_before(rows)

    def _rest(self) -> list[Row]:
        """All that is left, in the end."""
        rows = []
        for screen in self._screens.values():
            rows += screen.finish(self._order)
            self._order = screen.order
        return self._unlike_before(sorted(rows, key=_order))

    def _passed(self, is_first_look: bool) -> list[Row]:
        """Lines to show though they are not final, and those shown that look different now.

        They are those that the cursor has left behind for good, as far as is known; when there was no output for a
        second, and at first, all that are above it, so that nobody waits for a line that is there. Bars being
        repainted are thus shown once or twice, not with every repaint.
        """
        rows = [row for screen in self._screens.values() for row in screen.standing(is_all=False)]
        found = {row.order: row for row in rows if _is_news(row, self._shown.get(row.order))}
        if is_first_look or self._quiet_looks >= _QUIET_LOOKS:
            rows = [row for screen in self._screens.values() for row in screen.standing(is_all=True)]
            found.update((row.order, row) for row in rows if row.order not in self._shown)
        self._shown.update((order, row.text) for order, row in found.items())
        return sorted(found.values(), key=_order)

    def _unlike_before(self, rows: list[Row]) -> list[Row]:
        """Those of some final lines that have not been shown like this."""
        return [row for row in rows if _is_news(row, self._shown.pop(row.order, None))] if self._shown else rows


_order = attrgetter("order")


def _is_news(row: Row, shown: str | None) -> bool:
    """Whether to show a line that was shown like that before; one that is gone is not shown again."""
    return shown is None or (row.text != shown and not row.text.isspace() and row.text != "")
