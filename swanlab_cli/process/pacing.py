"""Pacing: when to let a flood of small writes gather in a pty before the next read.

Each write to a pty wakes its reader. Reading at once costs the child and us a context switch a line; a reader that naps while
lines pour in takes many at a time, and the child writes on undisturbed.
"""

from __future__ import annotations

import time

# Less than it takes a fast writer to fill a pty (64 KiB), and less than anybody can see.
_NAP_S = 0.0003
# Reads that follow each other more slowly are no flood, larger ones need no nap.
_FLOOD_GAP_S, _LARGE_READ_BYTES = 0.001, 16384
_FEWEST_READS, _MOST_READS = 16, 4096


class Pacing:
    """The pace of one pty: naps are tried when reads follow each other at once, and kept up while they make reads larger.

    A dialogue, whose other side waits for each of our reads, looks like a flood until a nap brings no more than one message:
    then the next try is put off, twice as long each time.
    """

    def __init__(self) -> None:
        self._last_read = 0.0
        self._reads = 0
        self._bytes = 0
        self._reads_until_try = _FEWEST_READS
        self._usual_bytes: float | None = None
        """What a read gave on average before the naps began; None while there are none."""

    def nap_s(self, length: int, now: float) -> float:
        """How long to nap after a read of `length` bytes at the monotonic time `now`, in seconds; mostly 0."""
        gap_s, self._last_read = now - self._last_read, now
        if gap_s > _FLOOD_GAP_S or length >= _LARGE_READ_BYTES:
            self._start_over()
            return 0.0
        if self._usual_bytes is not None:
            if length >= 2 * self._usual_bytes:
                return _NAP_S
            self._reads_until_try = min(2 * self._reads_until_try, _MOST_READS)
            self._start_over()
            return 0.0
        self._reads += 1
        self._bytes += length
        if self._reads < self._reads_until_try:
            return 0.0
        self._usual_bytes = self._bytes / self._reads
        return _NAP_S

    def nap(self, length: int) -> None:
        """Nap if that is of use after a read of `length` bytes."""
        nap_s = self.nap_s(length, time.monotonic())
        if nap_s:
            time.sleep(nap_s)  # so that the kernel gathers what the child writes meanwhile

    def _start_over(self) -> None:
        self._reads = self._bytes = 0
        self._usual_bytes = None
