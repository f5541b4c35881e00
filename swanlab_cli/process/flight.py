"""A page of shared memory that keeps what was read from the child but not yet recorded when the pump is killed.

The pump reads into it, so between read(2) and the record the bytes are in memory that a forked process sees too.
"""

from __future__ import annotations

import mmap

BUFFER_BYTES = 65536
_HEAD_BYTES = mmap.PAGESIZE
_IDLE = 0xFF
# Bytes that cannot occur in UTF-8: where the buffer still holds them at its end, nothing was read.
_UNTOUCHED = memoryview(b"\xf8\xfd\xf9\xfc\xfa\xff\xfb\xfe" * (BUFFER_BYTES // 8))


class Flight:
    """A read buffer shared with the processes forked later, and which stream is being read into it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD_BYTES + BUFFER_BYTES)
        self._memory[0] = _IDLE
        self.buffer = memoryview(self._memory)[_HEAD_BYTES:]
        self.buffer[:] = _UNTOUCHED

    def reading(self, stream_index: int, position: int) -> None:
        """Note that the next bytes in the buffer come from this stream and belong at `position` of the record."""
        self._memory[1:9] = position.to_bytes(8, "little")
        self._memory[0] = stream_index

    def recorded(self) -> None:
        """Note that the bytes in the buffer are on record."""
        self._memory[0] = _IDLE

    def clear(self, length: int) -> None:
        """Make the first `length` bytes count as untouched again."""
        self.buffer[:length] = _UNTOUCHED[:length]

    def rescue(self, record_size: int) -> tuple[int, bytes] | None:
        """What a killed pump had read but not recorded: (stream index, bytes), or None.

        The record's size tells whether it died before, within or after appending the bytes.
        The length is told by what no longer is as `clear` left it, since a pump may die between the kernel's copy and its own
        next instruction. A last byte that equals the filling, which no text does, is missed.
        """
        stream_index = self._memory[0]
        if stream_index == _IDLE:
            return None
        content = bytes(self.buffer)
        length = next((end for end in range(BUFFER_BYTES, 0, -1) if content[end - 1] != _UNTOUCHED[end - 1]), 0)
        missing = content[record_size - int.from_bytes(self._memory[1:9], "little") : length]
        return (stream_index, missing) if missing else None
