"""Masking of secrets in what streams print, piece by piece: each byte of a secret becomes a `*`, whatever pieces it comes in.

Nothing here touches files or processes. A byte that may belong to a secret whose rest is still to come is held back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .flight import HELD_BYTES, Flight
from .streams import Record

if TYPE_CHECKING:
    import re

# Longer values are looked for in parts, and patterns in parts of longer lines: what is held back must fit into `Flight`.
_LONGEST_VALUE = _LONGEST_LINE = HELD_BYTES // 2
# At the end of a stream so long a beginning of a value is taken for one that was cut off.
_CUT_OFF_BYTES = 8
_MASK = b"*"
# Bytes that a log has seldom, rarest first. Where one is absent, so are all values that have it: to see that takes a quarter of
# the time of looking for one value.
_RARE = tuple(bytes([byte]) for byte in b"QZJXYKVWHUGOBDFMNPRq")


class Held(NamedTuple):
    """The end of what a stream has printed, not yet recorded."""

    data: bytes = b""
    covered: int = 0
    """How many bytes at its beginning are known to belong to a secret."""


class OutputMask:
    """What is secret, and for each stream, by its index, what is held back.

    All occurrences of all values are masked, also where they overlap, and all matches of the patterns within a line. What comes
    out for a stream does not depend on the pieces it is fed in, and has the length of what was fed, less what is held.
    """

    def __init__(self, values: Sequence[bytes], patterns: Sequence[re.Pattern[str]] = ()) -> None:
        """The patterns see lines as text, without their newlines, lines longer than 4 KiB in parts of that."""
        known = {variant for value in values for variant in (value, value.replace(b"\n", b"\r\n")) if variant.strip(_MASK)}
        self._values = sorted({part for value in known for part in _parts(value)})
        self._patterns = tuple(patterns)
        self._groups = tuple(_groups(self._values))
        firsts = {value[:1] for value in self._values if len(value) > 1}
        pairs = {value[start : start + 2] for value in self._values for start in range(len(value) - 2)}
        self._ends = frozenset(firsts | pairs)
        """Without one of these at its end no text ends in the beginning of a value."""
        self._held: dict[int, Held] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._values or self._patterns)

    def held(self, index: int) -> Held:
        """What is held back of a stream."""
        return self._held.get(index, Held())

    def restore(self, index: int, held: Held) -> None:
        """Go on where another mask of the same values, in a process that was killed, has stopped."""
        if held.data:
            self._held[index] = held
        else:
            self._held.pop(index, None)

    def feed(self, index: int, data: memoryview | bytes) -> memoryview | bytes:
        """Take what a stream has printed: what is to be recorded now."""
        held = self._held.get(index)
        text = held.data + data if held else bytes(data)
        if held is None and self._is_plain(text):
            return data
        spans = self._occurrences(text)
        end = self._undecided(text)
        if self._patterns:
            end = self._match_lines(text, end, spans)
        if held is None and not spans and end == len(text):
            return data
        return self._take(index, text, spans, end)

    def finish(self, index: int) -> bytes:
        """What was held back of a stream of which no more comes."""
        text = self.held(index).data
        spans = self._occurrences(text)
        cut_off = self._undecided(text)
        if len(text) - cut_off >= _CUT_OFF_BYTES:
            spans.append((cut_off, len(text)))
        for start, end in _lines(text) if self._patterns else ():
            spans.extend(self._matches(text, start, end))
        return self._take(index, text, spans, len(text))

    def _take(self, index: int, text: bytes, spans: Sequence[tuple[int, int]], end: int) -> bytes:
        """The masked text up to `end`; the rest is held back."""
        covered = max([self.held(index).covered, *(stop for start, stop in spans if start < end)])
        masked = bytearray(text[:end])
        for start, stop in [(0, self.held(index).covered), *spans]:
            stop = min(stop, end)
            masked[start:stop] = _MASK * (stop - start)
        self.restore(index, Held(text[end:], max(0, covered - end)))
        return bytes(masked)

    def _is_plain(self, text: bytes) -> bool:
        """Whether nothing in the text is to be masked or held back, as far as a few bytes tell."""
        if self._patterns or text[-2:] in self._ends or text[-1:] in self._ends:
            return False
        return not any([byte in text for byte, _ in self._groups])  # noqa: C419  # a generator costs more than it saves

    def _occurrences(self, text: bytes) -> list[tuple[int, int]]:
        present = [value for byte, values in self._groups if byte in text for value in values if value in text]
        return [span for value in present for span in _occurrences(text, value)]

    def _undecided(self, text: bytes) -> int:
        """Where the longest end of the text begins that is the beginning of a value; the text's length if there is none."""
        first = len(text)
        if text[-2:] not in self._ends and text[-1:] not in self._ends:
            return first
        for value in self._values:
            start = text.find(value[:1], max(0, len(text) - len(value) + 1), first)
            while start >= 0 and not value.startswith(text[start:]):
                start = text.find(value[:1], start + 1, first)
            if start >= 0:
                first = start
        return first

    def _match_lines(self, text: bytes, undecided: int, spans: list[tuple[int, int]]) -> int:
        """Add the matches in the lines that are whole and end before `undecided`; where the next line begins."""
        begun = 0
        for start, end in _lines(text):
            if end > undecided or not _is_whole(text, start, end):
                break
            spans.extend(self._matches(text, start, end))
            begun = end
        return begun

    def _matches(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        line = text[start:end].decode(errors="surrogateescape").rstrip("\r\n")
        for pattern in self._patterns:
            for match in pattern.finditer(line):
                first, last = (len(line[:place].encode(errors="surrogateescape")) for place in match.span())
                yield start + first, start + last


class MaskedRecord:
    """A `Record` that has secrets masked before another one keeps them.

    What it is given comes from the stream that `flight` says is being read; what the mask holds back is left there, to become
    valid at the moment when what was read counts as recorded.
    """

    def __init__(self, record: Record, mask: OutputMask, flight: Flight) -> None:
        self._record = record
        self._mask = mask
        self._flight = flight

    @property
    def offset(self) -> int:
        """Bytes in the record."""
        return self._record.offset

    def append(self, stream: str, data: memoryview | bytes) -> None:
        """Record what is known not to be secret, and `*` for what is."""
        self._keep(stream, self._mask.feed(self._flight.stream_index, data))

    def finish(self, stream: str) -> None:
        """Record what was held back."""
        self._keep(stream, self._mask.finish(self._flight.stream_index))

    def _keep(self, stream: str, masked: memoryview | bytes) -> None:
        if masked:
            self._record.append(stream, masked)
        self._flight.hold(*self._mask.held(self._flight.stream_index))


def _parts(value: bytes) -> Iterator[bytes]:
    """The value, or parts of about equal length that it is made of."""
    count = -(-len(value) // _LONGEST_VALUE)
    for number in range(count):
        yield value[number * len(value) // count : (number + 1) * len(value) // count]


def _groups(values: Sequence[bytes]) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    """All values in few groups: (a rare byte that all of the group have, or what is in every text; values)."""
    left = list(values)
    while left:
        byte = max(_RARE, key=lambda byte: sum(byte in value for value in left))
        group = [value for value in left if byte in value]
        yield (byte, group) if group else (b"", left)
        left = [value for value in left if value not in group] if group else []


def _occurrences(text: bytes, value: bytes) -> Iterator[tuple[int, int]]:
    """Places that cover all occurrences of the value: not each of those that overlap, since one may begin at every byte."""
    length = len(value)
    start = text.find(value)
    while start >= 0:
        yield start, start + length
        last_touching = text.rfind(value, start + 1, start + 2 * length)
        start = last_touching if last_touching >= 0 else text.find(value, start + length)


def _lines(text: bytes) -> Iterator[tuple[int, int]]:
    """Where lines begin and end, each with the newline or carriage return behind it, of long ones parts."""
    start = 0
    while start < len(text):
        window = min(len(text), start + _LONGEST_LINE)
        ends = [place + 1 for place in (text.find(b"\n", start, window), text.find(b"\r", start, window)) if place >= 0]
        end = min(ends, default=window)
        yield start, end
        start = end


def _is_whole(text: bytes, start: int, end: int) -> bool:
    return text[end - 1] in b"\r\n" or end - start == _LONGEST_LINE
