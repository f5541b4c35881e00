"""The child's stdout and stderr: what they are outside, the side pty or pipe that stands in for each, and the copying.

Kinds are chosen as the contract says: one pty for both where they are one file outside, a closed descriptor stays closed.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import termios
from typing import Final, Protocol

from .flight import Flight

# Reads in a row from one stream before the others and the signals get their turn.
_READS_IN_A_ROW = 16
# A read that gives less than a pty can hand over at once (4095 bytes) has emptied it: another would only say EAGAIN.
_MOST_AT_ONCE = 4000
# The most that a pipe (/proc/sys/fs/pipe-max-size, default) or a pty holds.
KERNEL_BUFFER_BYTES = 1 << 20
_DEFAULT_SIZE = (24, 80)  # rows and columns of a pty where no terminal is outside
_OFLAG = 1  # index into tcgetattr()'s list


class Record(Protocol):
    """Where the child's output is kept."""

    offset: int
    """Bytes in it."""

    def append(self, stream: str, data: memoryview) -> None:
        """Keep what the stream wrote; never raises."""


class Stream:
    """One output of the child and where it goes."""

    def __init__(self, name: str, outside: tuple[int, ...], is_pty: bool) -> None:
        self.name: Final = name
        """`stdout`, `stderr`, or `both`."""
        self.outside: Final = outside
        """The descriptors of ours, and numbers of the child's, that it stands for."""
        self.is_pty: Final = is_pty
        self.is_terminal: Final = os.isatty(outside[0])
        self.source, self.child_end = _open_pty(outside[0]) if is_pty else os.pipe()
        self.modes_at_start = termios.tcgetattr(self.source) if is_pty else []
        """As tcgetattr() has them, before the child could change them."""
        self.path = os.ttyname(self.child_end) if is_pty else ""
        """Of the pty's far side in the file system."""
        os.set_blocking(self.source, False)
        self.sink, self._sink_blocks = _open_sink(outside[0])
        self.pending = b""
        """Read and recorded, but not yet taken by the sink."""
        self.is_open = True
        """Whether more can come."""
        self.bytes_read = 0
        self.sink_error: OSError | None = None
        """Why nothing more can be passed on."""

    def close_child_end(self) -> None:
        """Close the child's end in this process, so that the end of the stream can be seen."""
        os.close(self.child_end)

    def close(self) -> None:
        """Stop reading: the child's next write fails."""
        if self.is_open:
            self.is_open = False
            os.close(self.source)

    def copy(self, flight: Flight, index: int, record: Record) -> None:
        """Read what is there, record it and pass it on, until nothing is left, the sink is full or it is others' turn."""
        for _ in range(_READS_IN_A_ROW):
            flight.reading(index, record.offset)
            try:
                length = os.readv(self.source, [flight.buffer])
            except BlockingIOError:
                return
            except OSError:  # EIO: nobody holds the pty's other side any more
                length = 0
            if length == 0:
                self.close()
                return
            self.bytes_read += length
            data = flight.buffer[:length]
            record.append(self.name, data)
            flight.recorded()
            written = self._write(data)
            if written < length:
                self.pending = bytes(data[written:])
            flight.clear(length)
            if self.pending or self.sink_error or length < _MOST_AT_ONCE:
                return

    def flush(self) -> None:
        """Offer what is pending to the sink once more."""
        self.pending = self.pending[self._write(self.pending) :]

    def _write(self, data: memoryview | bytes) -> int:
        """How many bytes of `data` the sink took; all of them when it fails for good, which `sink_error` tells."""
        try:
            if self._sink_blocks:
                return _write_without_blocking(self.sink, data)
            return os.write(self.sink, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.sink_error = error
            return len(data)


def reserve_closed() -> frozenset[int]:
    """Which of the descriptors 0, 1 and 2 are closed; they get placeholders, so that no file of ours lands there.

    The placeholders are closed again by the child's exec.
    """
    closed = frozenset(number for number in (0, 1, 2) if _identity(number) is None)
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    return closed


def open_streams(closed: frozenset[int], use_pty: bool, split: bool) -> list[Stream]:
    """The child's output streams, for each descriptor of 1 and 2 that is not `closed` outside."""
    present = [number for number in (1, 2) if number not in closed]
    if len(present) == 2 and _identity(1) == _identity(2) and not split:
        groups: list[tuple[str, tuple[int, ...]]] = [("both", (1, 2))]
    else:
        groups = [("stdout" if number == 1 else "stderr", (number,)) for number in present]
    return [Stream(name, outside, use_pty or os.isatty(outside[0])) for name, outside in groups]


def _identity(descriptor: int) -> tuple[int, int, int] | None:
    """What tells one open file from another, or None where the descriptor is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_rdev


def _open_pty(outside: int) -> tuple[int, int]:
    """(our side, the child's side) of a pty that looks like the terminal `outside` and translates no output.

    OPOST is off because the real terminal, where there is one, translates; a file must get the exact bytes.
    """
    source, child_end = os.openpty()
    if os.isatty(outside):
        modes = termios.tcgetattr(outside)
        size = fcntl.ioctl(outside, termios.TIOCGWINSZ, bytes(8))
    else:
        modes = termios.tcgetattr(child_end)
        size = b"".join(number.to_bytes(2, "little") for number in (*_DEFAULT_SIZE, 0, 0))
    modes[_OFLAG] &= ~termios.OPOST
    termios.tcsetattr(child_end, termios.TCSANOW, modes)
    fcntl.ioctl(child_end, termios.TIOCSWINSZ, size)
    return source, child_end


def _open_sink(outside: int) -> tuple[int, bool]:
    """(a descriptor for writing to `outside`, whether a write to it may block us).

    O_NONBLOCK belongs to the open file, which we share with the shell; opening a pipe or terminal anew through /proc gives
    us one of our own. Where that is not allowed (a socket, another user's terminal) we write to the shared one with care.
    """
    mode = os.fstat(outside).st_mode
    may_block = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(outside)
    if may_block:
        try:
            return os.open(f"/proc/self/fd/{outside}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), False
        except OSError:
            pass
    return fcntl.fcntl(outside, fcntl.F_DUPFD_CLOEXEC, 3), may_block


def _write_without_blocking(sink: int, data: memoryview | bytes) -> int:
    """How many bytes a blocking `sink` took: pieces that a pipe takes at once when poll(2) calls it writable."""
    poller = select.poll()
    poller.register(sink, select.POLLOUT)
    written = 0
    while written < len(data) and poller.poll(0):
        written += os.write(sink, data[written : written + select.PIPE_BUF])
    return written
