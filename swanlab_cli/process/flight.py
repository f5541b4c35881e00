"""A page of shared memory that keeps what was read from the child but not yet recorded when the pump is killed.

The pump reads into it, so between read(2) and the record the bytes are in memory that a forked process sees too. What masking
holds back beyond a read is there as well.
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

BUFFER_BYTES = 65536
# The most that may be held back of a stream.
HELD_BYTES = 8192
_MOST_STREAMS = 4
_HEAD_BYTES = mmap.PAGESIZE
_SLOT_BYTES = 8 + HELD_BYTES
# The first byte: in its low half a bit for each stream says which of its two slots is valid, the high half is the index
# of the stream that is being read, plus one, or 0. One store changes both.
_READING_SHIFT = 4
# Bytes that cannot occur in UTF-8: where the buffer still holds them at its end, nothing was read.
_UNTOUCHED = memoryview(b"\xf8\xfd\xf9\xfc\xfa\xff\xfb\xfe" * (BUFFER_BYTES // 8))


class Rescue(NamedTuple):
    """What a killed pump was about to record."""

    stream_index: int
    content: bytes
    """What it had read."""
    position: int
    """Where in the record that belongs, behind what was held back of the stream: the record's size tells how much is there."""


class Flight:
    """A read buffer shared with the processes forked later, which stream is being read into it, and what is held back of each."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD_BYTES + BUFFER_BYTES + 2 * _MOST_STREAMS * _SLOT_BYTES)
        self._slots = 0
        """The valid slots, once what was read is recorded."""
        self.stream_index = 0
        """Of the stream that was read last."""
        self.buffer = memoryview(self._memory)[_HEAD_BYTES : _HEAD_BYTES + BUFFER_BYTES]
        self.buffer[:] = _UNTOUCHED

    def reading(self, stream_index: int, position: int) -> None:
        """Note that the next bytes in the buffer come from this stream and belong at `position` of the record."""
        self.stream_index = stream_index
        self._memory[1:9] = position.to_bytes(8, "little")
        self._memory[0] = self._slots | (stream_index + 1) << _READING_SHIFT

    def hold(self, data: bytes, covered: int) -> None:
        """Have this count as held back of the stream that is being read, from `recorded` on; `covered` is kept with it."""
        start = self._slot(self.stream_index, self._slots)
        if not data and self._memory[start : start + 4] == bytes(4):
            return
        self._slots ^= 1 << self.stream_index
        start = self._slot(self.stream_index, self._slots)
        self._memory[start : start + 8] = len(data).to_bytes(4, "little") + covered.to_bytes(4, "little")
        self._memory[start + 8 : start + 8 + len(data)] = data

    def held(self, stream_index: int) -> tuple[bytes, int]:
        """What is held back of a stream, and `covered` of `hold`."""
        start = self._slot(stream_index, self._memory[0])
        length, covered = (int.from_bytes(self._memory[place : place + 4], "little") for place in (start, start + 4))
        return self._memory[start + 8 : start + 8 + length], covered

    def recorded(self) -> None:
        """Note that the bytes in the buffer are on record, or held."""
        self._memory[0] = self._slots

    def clear(self, length: int) -> None:
        """Make the first `length` bytes count as untouched again."""
        self.buffer[:length] = _UNTOUCHED[:length]

    def rescue(self) -> Rescue | None:
        """What a killed pump had read but perhaps not recorded, or None.

        Its length is told by what no longer is as `clear` left it, since a pump may die between the kernel's copy and its own
        next instruction. A last byte that equals the filling, which no text does, is missed.
        """
        stream_index = (self._memory[0] >> _READING_SHIFT) - 1
        if stream_index < 0:
            return None
        content = bytes(self.buffer)
        length = next((end for end in range(BUFFER_BYTES, 0, -1) if content[end - 1] != _UNTOUCHED[end - 1]), 0)
        return Rescue(stream_index, content[:length], int.from_bytes(self._memory[1:9], "little"))

    @staticmethod
    def _slot(stream_index: int, slots: int) -> int:
        """Where the valid slot of a stream begins: length and `covered`, 4 bytes each, then what is held."""
        number = 2 * stream_index + (slots >> stream_index & 1)
        return _HEAD_BYTES + BUFFER_BYTES + number * _SLOT_BYTES
