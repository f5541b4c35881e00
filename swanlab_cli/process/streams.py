"""The child's stdout and stderr: what they are outside, the side pty or pipe that stands in for each, and the copying.

Kinds are chosen as the contract says: one pty for both where they are one file outside, a closed descriptor stays closed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import termios
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final, NamedTuple, Protocol

from .flight import BUFFER_BYTES, Flight
from .pacing import Pacing

# A read that gives less than a pty can hand over at once (4095 bytes) has emptied it: another would only say EAGAIN.
_PTY_AT_ONCE = 4000
# Full buffers in a row from one stream before the others and the signals get their turn.
_BUFFERS_IN_A_ROW = 8
# A buffer as full as this comes from a child that writes large blocks, which no pipe takes in one piece anyway.
_BLOCK_BYTES = BUFFER_BYTES * 3 // 4
# What may wait for a slow sink before the child has to wait as well: enough that neither stands still for the other.
_MOST_PENDING_BYTES = 2 * BUFFER_BYTES
# The most that a pipe (/proc/sys/fs/pipe-max-size, default) or a pty holds.
KERNEL_BUFFER_BYTES = 1 << 20
_DEFAULT_SIZE = (24, 80)  # rows and columns of a pty where no terminal is outside
_OFLAG = 1  # index into tcgetattr()'s list


class Record(Protocol):
    """Where the child's output is kept."""

    @property
    def offset(self) -> int:
        """Bytes in it."""

    def append(self, stream: str, data: memoryview | bytes) -> None:
        """Keep what the stream wrote; never raises."""

    def finish(self, stream: str) -> None:
        """Keep what is held back of the stream; never raises."""


class Place(NamedTuple):
    """Where a stream stands between the child and the outside."""

    numbers: tuple[int, ...]
    """Descriptors of the child."""
    outside: int
    """A descriptor of ours."""


class Stream:
    """One output of the child and where it goes."""

    def __init__(self, name: str, place: Place, is_pty: bool, translates: bool = False) -> None:
        self.name: Final = name
        """`stdout`, `stderr`, or `both`."""
        self.numbers: Final = place.numbers
        """The descriptors of the child that it is behind."""
        self.outside: Final = place.outside
        """The descriptor of ours that it goes to."""
        self.is_pty: Final = is_pty
        self.is_console: Final = 0 in place.numbers
        """Whether it is a terminal of the child's own, its stdin too and its controlling terminal."""
        self.is_terminal: Final = os.isatty(place.outside)
        self.source, self.child_end = _open_pty(place.outside, translates) if is_pty else os.pipe()
        self.modes_at_start = termios.tcgetattr(self.source) if is_pty else []
        """As tcgetattr() has them, before the child could change them."""
        self.size_at_start = fcntl.ioctl(self.source, termios.TIOCGWINSZ, bytes(8)) if is_pty else b""
        """A `struct winsize`."""
        self.path = os.ttyname(self.child_end) if is_pty else ""
        """Of the pty's far side in the file system."""
        os.set_blocking(self.source, False)
        self.sink, self._sink_blocks = _open_sink(place.outside)
        self._is_into_pipe = stat.S_ISFIFO(os.fstat(self.sink).st_mode)
        # Of a pipe without a name, which gets no new reader when the last has gone.
        self._is_like_outside = not is_pty and os.readlink(f"/proc/self/fd/{self.sink}").startswith("pipe:")
        self._at_once = _PTY_AT_ONCE if is_pty else BUFFER_BYTES
        self._pacing = Pacing()
        self.pending = bytearray()
        """Read and recorded, but not yet taken by the sink."""
        self.is_open = True
        """Whether more can come."""
        self.bytes_read = 0
        self.sink_error: OSError | None = None
        """Why nothing more can be passed on."""
        self.longest_write_s = self.longest_pause_s = 0.0
        """Of recording, and from before reading until after recording and offering what was read to the sink."""

    def close_child_end(self) -> None:
        """Close the child's end in this process, so that the end of the stream can be seen."""
        os.close(self.child_end)

    def close(self) -> None:
        """Stop reading: the child's next write fails, and who reads what we wrote sees its end."""
        if self.is_open:
            self._end()
        self._close_sink()

    def _end(self) -> None:
        """The child has closed it; what was read before is still to be written."""
        self.is_open = False
        os.close(self.source)

    def _close_sink(self) -> None:
        if not self.is_open and not self.pending and self.sink >= 0:
            os.close(self.sink)
            self.sink = -1

    def watched_for_readers(self) -> int | None:
        """The sink, where the going of its last reader must be known before the child's next write: from pipe to pipe."""
        return self.sink if self.is_open and self._is_like_outside and not self.pending else None

    def lose_reader(self) -> None:
        """Nobody reads what we write any more."""
        self.sink_error = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def wants_more(self) -> bool:
        """Whether it is to be read when there is something."""
        return self.is_open and len(self.pending) < _MOST_PENDING_BYTES

    def copy(self, flight: Flight, index: int, record: Record) -> None:
        """Read what is there, record it and pass it on, until nothing is left, the sink is full or it is others' turn."""
        for _ in range(_BUFFERS_IN_A_ROW):
            length = self._copy_buffer(flight, index, record)
            if length < len(flight.buffer) // 2 or not self.is_open or self.pending or self.sink_error:
                break
        if not self.is_open:
            self._close_sink()
        elif self.is_pty and not self.pending:
            self._pacing.nap(length)

    def _copy_buffer(self, flight: Flight, index: int, record: Record) -> int:
        """Copy one bufferful at most: how many bytes it was.

        A pty hands over 4 KiB at a time; recording and passing on more at once leaves more of a processor to the child.
        """
        began = monotonic()
        flight.reading(index, record.offset)
        length = self._fill(flight.buffer)
        if length == 0:
            return 0
        self.bytes_read += length
        data = flight.buffer[:length]
        read = monotonic()
        record.append(self.name, data)
        recorded = monotonic()
        flight.recorded()
        written = 0 if self.pending else self._write(data)
        if written < length:
            self.pending += data[written:]
        if recorded - read > self.longest_write_s:
            self.longest_write_s = recorded - read
        if (pause_s := monotonic() - began) > self.longest_pause_s:
            self.longest_pause_s = pause_s
        flight.clear(length)
        return length

    def finish_record(self, flight: Flight, index: int, record: Record) -> None:
        """Have everything recorded that was read: nothing more comes that belongs to it."""
        flight.reading(index, record.offset)
        record.finish(self.name)
        flight.recorded()

    def _fill(self, buffer: memoryview) -> int:
        """Read what is there into `buffer`; closes the stream when nobody holds its other side any more."""
        length = 0
        while length < len(buffer):
            try:
                count = os.readv(self.source, [buffer[length:]])
            except BlockingIOError:
                break
            except OSError:  # EIO, as a pty says end of file
                count = 0
            if count == 0:
                self._end()
            length += count
            if count < self._at_once:
                break
        return length

    def flush(self) -> None:
        """Offer what is pending to the sink once more."""
        with memoryview(self.pending) as pending:
            written = self._write(pending)
        del self.pending[:written]
        self._close_sink()

    def _write(self, data: memoryview) -> int:
        """How many bytes of `data` the sink took; all of them when it fails for good, which `sink_error` tells."""
        try:
            if self._sink_blocks:
                return _write_without_blocking(self.sink, data)
            if self._is_into_pipe and select.PIPE_BUF < len(data) < _BLOCK_BYTES:
                return _write_by_lines(self.sink, data)
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


def open_streams(closed: frozenset[int], use_pty: bool, split: bool, own_terminal: bool = False) -> list[Stream]:
    """The child's output streams, for each descriptor of 1 and 2 that is not `closed` outside.

    With `own_terminal` one of them is the console; where none can be, there is one more, recorded as stderr, for what is written
    to /dev/tty and for the echo.
    """
    present = [number for number in (1, 2) if number not in closed]
    if len(present) == 2 and _identity(1) == _identity(2) and not split:
        groups = {"both": Place((1, 2), 1)}
    else:
        groups = {"stdout" if number == 1 else "stderr": Place((number,), number) for number in present}
    if not own_terminal:
        return [Stream(name, place, use_pty or os.isatty(place.outside)) for name, place in groups.items()]
    screen = next((number for number in (0, 2, 1) if number not in closed and os.isatty(number)), None)
    is_raw = screen is not None and os.isatty(0)  # then nobody else translates the output
    console = _console_name(groups, use_pty and screen is None)
    streams = [
        Stream(name, _with_stdin(place) if name == console else place, use_pty or os.isatty(place.outside),
               is_raw and os.isatty(place.outside))
        for name, place in groups.items()
    ]  # fmt: skip
    if console is None:
        streams.append(Stream("stderr", Place((0,), 2 if screen is None else screen), True, is_raw))
    return streams


def is_one_terminal(descriptors: Sequence[int]) -> bool:
    """Whether all these descriptors, which are open, are the same terminal."""
    return all(os.isatty(number) for number in descriptors) and len({_identity(number) for number in descriptors}) == 1


def _console_name(groups: Mapping[str, Place], without_screen: bool) -> str | None:
    """Which stream the console is: of those that go to a terminal, or `without_screen` of all, rather the one with stderr."""
    fitting = [name for name, place in groups.items() if without_screen or os.isatty(place.outside)]
    return max(fitting, key=lambda name: 2 in groups[name].numbers, default=None)


def _with_stdin(place: Place) -> Place:
    return Place((0, *place.numbers), place.outside)


def _identity(descriptor: int) -> tuple[int, int, int] | None:
    """What tells one open file from another, or None where the descriptor is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_rdev


def _open_pty(outside: int, translates: bool) -> tuple[int, int]:
    """(our side, the child's side) of a pty that looks like the terminal `outside` and translates output only if told.

    OPOST is off because the real terminal, where there is one, translates, unless it is raw; a file must get the exact bytes.
    """
    source, child_end = os.openpty()
    if os.isatty(outside):
        modes = termios.tcgetattr(outside)
        size = fcntl.ioctl(outside, termios.TIOCGWINSZ, bytes(8))
    else:
        modes = termios.tcgetattr(child_end)
        size = b"".join(number.to_bytes(2, "little") for number in (*_DEFAULT_SIZE, 0, 0))
    if not translates:
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


def _write_without_blocking(sink: int, data: memoryview) -> int:
    """How many bytes a blocking `sink` took: pieces that a pipe takes at once when poll(2) calls it writable."""
    poller = select.poll()
    poller.register(sink, select.POLLOUT)
    written = 0
    while written < len(data) and poller.poll(0):
        written += os.write(sink, data[written : written + select.PIPE_BUF])
    return written


def _write_by_lines(sink: int, data: memoryview) -> int:
    """How many bytes a pipe took, given in whole lines as far as they fit into what it takes in one piece (pipe(7)).

    Others may write to the same pipe, as parallel jobs do whose output is collected; their lines and ours stay whole.
    """
    text, written = bytes(data), 0
    while written < len(text):
        end = min(written + select.PIPE_BUF, len(text))
        if end < len(text):
            end = text.rfind(b"\n", written, end) + 1 or end
        try:
            written += os.write(sink, data[written:end])
        except BlockingIOError:
            break
    return written
