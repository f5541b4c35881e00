"""The user's terminal and the side ptys that stand in for it: sizes, modes, and keys for a program that reads its own stderr.

The child's stdin is the real terminal, so nearly everything works by itself. What remains is what programs do to the terminal
through stdout or stderr, which we repeat on the real one.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import termios
from collections.abc import Sequence
from typing import Any, Protocol

from .streams import Stream
from .waiting import READ, descendants, holds_for_reading, input_wait

_OFLAG, _LFLAG = 1, 3  # indexes into tcgetattr()'s list
_SIZE_BYTES = 8  # struct winsize
_KEYS_AT_ONCE = 4096
_TERMIOS_BYTES = 64  # at least struct termios of the kernel, on any architecture


class UserTerminal(Protocol):
    """What the pump does about the terminal that the user sits at."""

    is_present: bool
    """Whether there is one to look at."""

    def look(self) -> None:
        """See what is due at every turn of the pump's loop."""

    def look_closer(self) -> None:
        """See what costs more and is due a few times a second."""

    def copy_size(self) -> bool:
        """Pass the user's size on to the child's ptys; whether the child must be told."""

    def tell_size(self, child_pid: int) -> None:
        """Tell the program on the terminal of its new size."""

    def keyboard(self) -> int | None:
        """The descriptor to wait for keys on, when they are to be forwarded."""

    def forward_keys(self) -> None:
        """Pass on the keys that wait there."""

    def input_waits(self) -> int | None:
        """The descriptor to wait for room on, when something is left to pass on to the child."""

    def flush_input(self) -> None:
        """Pass on what there is room for."""

    def pause(self) -> None:
        """Leave the terminal as the user's shell wants it: we are about to stop."""

    def go_on(self) -> None:
        """Take it again after a stop."""

    def end(self) -> None:
        """Leave it for good."""


class Terminal:
    """The real terminal behind those streams that go to one, shared with the child. A `UserTerminal` of the pump."""

    def __init__(self, streams: Sequence[Stream], child_pid: int) -> None:
        self._streams = [stream for stream in streams if stream.is_terminal and stream.is_pty]
        self._child_pid = child_pid
        self.is_present = bool(self._streams)
        self._modes = {stream.name: stream.modes_at_start for stream in self._streams}
        self._raw: set[str] = set()
        """Names of the side ptys that the child has made raw keyboards."""
        self._raw_modes: dict[int, bytes] = {}
        self._sizes = {stream.name: stream.size_at_start for stream in self._streams}
        self._keyboard: int | None = None
        """The real terminal as a keyboard to forward from, while the child reads keys from a side pty that it opened anew."""
        self._keyboard_target: int | None = None

    def copy_size(self) -> bool:
        """Give each side pty the size of its terminal, or the other way round if the child set it; whether a side pty changed."""
        has_changed = False
        for stream in self._streams:
            known, real = self._sizes[stream.name], size_of(stream.outside)
            own = size_of(stream.source) if stream.is_open else known
            if real and real != known:
                set_size(stream, real)
                has_changed = True
            elif own != known and real:  # stty rows 50 <&1
                real = own
                fcntl.ioctl(stream.outside, termios.TIOCSWINSZ, own)
            self._sizes[stream.name] = real or known
        return has_changed

    def tell_size(self, child_pid: int) -> None:
        """Send SIGWINCH once more to the child and, if a descendant leads the terminal's foreground, to that group.

        The kernel has told them already, perhaps before the side ptys had the new size.
        """
        os.kill(child_pid, signal.SIGWINCH)
        try:
            foreground = os.tcgetpgrp(self._streams[0].outside)
            if foreground not in (os.getpgrp(), child_pid) and foreground in descendants(child_pid):
                os.killpg(foreground, signal.SIGWINCH)
        except OSError:  # not our controlling terminal, or the group ended a moment ago
            pass

    def look(self) -> None:
        """Repeat on the real terminal what the child has set on a side pty since the last call, and the other way round."""
        for stream in self._streams:
            if not stream.is_open:
                continue
            try:
                if self._has_changed(stream.source):
                    self._repeat_modes(stream)
                if self._has_changed(stream.outside) and _is_in_foreground(stream.outside):
                    self._take_over_modes(stream)
            except (OSError, termios.error):  # the terminal hung up
                continue

    def _has_changed(self, terminal: int) -> bool:
        """Whether the modes are others than at the last call; a tenth of the cost of having them spelled out."""
        raw_modes = fcntl.ioctl(terminal, termios.TCGETS, bytes(_TERMIOS_BYTES))
        has_changed = raw_modes != self._raw_modes.get(terminal)
        self._raw_modes[terminal] = raw_modes
        return has_changed

    def _repeat_modes(self, stream: Stream) -> None:
        modes = termios.tcgetattr(stream.source)
        if modes == self._modes[stream.name]:
            return
        self._modes[stream.name] = modes
        _apply(modes, stream.outside)
        self._has_changed(stream.outside)  # by us
        if modes[_LFLAG] & termios.ICANON:
            self._raw.discard(stream.name)
            self._drop_keyboard()
        else:
            self._raw.add(stream.name)
            self.look_closer()

    def _take_over_modes(self, stream: Stream) -> None:
        """Show on the side pty what the child has set on the real terminal through its stdin."""
        modes = termios.tcgetattr(stream.outside)
        modes[_OFLAG] &= ~termios.OPOST
        termios.tcsetattr(stream.source, termios.TCSANOW, modes)
        self._modes[stream.name] = termios.tcgetattr(stream.source)
        self._has_changed(stream.source)  # by us

    def look_closer(self) -> None:
        """Bring keys to a program that has made a side pty a raw keyboard.

        One that has opened it once more, as `less` does, gets all keys from now on. One that reads its stderr itself, as `more`
        does, may wait for keys on stdin as well, so it gets them only while it sleeps in a read of the side pty.
        """
        for stream in self._streams:
            if stream.name not in self._raw or not stream.is_open or self._keyboard is not None:
                continue
            if holds_for_reading(self._child_pid, stream.path, but_for=("1", "2")):
                self._keyboard, self._keyboard_target = open_keyboard(stream.outside), stream.source
            elif input_wait(self._child_pid, (stream.path,)) == READ:
                os.write(stream.source, read_keys(stream.outside) or b"")

    def keyboard(self) -> int | None:
        """The real terminal while keys are to be forwarded from it."""
        return self._keyboard

    def forward_keys(self) -> None:
        """Type into the side pty what is typed on the real terminal."""
        if self._keyboard is not None and self._keyboard_target is not None:
            keys = read_keys(self._keyboard)
            if keys == b"":
                self._drop_keyboard()
            elif keys:
                os.write(self._keyboard_target, keys)

    def input_waits(self) -> int | None:
        """None: keys are typed one by one."""
        return None

    def flush_input(self) -> None:
        """Nothing: no input is kept."""

    def pause(self) -> None:
        """Repeat the last modes, then give the side ptys those of the start: the user's shell sets the real terminal likewise.

        A program that is continued sets its modes again, often the same; on a side pty that still had them nothing would change.
        """
        self.look()
        self._raw.clear()
        self._drop_keyboard()
        for stream in self._streams:
            if stream.is_open:
                termios.tcsetattr(stream.source, termios.TCSANOW, stream.modes_at_start)
                self._modes[stream.name] = stream.modes_at_start
                self._has_changed(stream.source)  # by us

    def go_on(self) -> None:
        """Nothing: the child sets again what it needs."""

    def end(self) -> None:
        """Repeat the last modes and size, which are the child's, as without us."""
        self.look()
        self.copy_size()

    def _drop_keyboard(self) -> None:
        if self._keyboard is not None:
            os.close(self._keyboard)
            self._keyboard = None


def size_of(descriptor: int) -> bytes:
    """A terminal's `struct winsize`, empty when it is none or hung up."""
    try:
        return fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(_SIZE_BYTES))
    except OSError:
        return b""


def set_size(stream: Stream, size: bytes) -> None:
    """Give a stream's pty this `struct winsize`."""
    if stream.is_open:
        fcntl.ioctl(stream.source, termios.TIOCSWINSZ, size)


def open_keyboard(terminal: int) -> int:
    """A descriptor of our own for reading keys from this terminal and setting its modes.

    Opened anew, so that a read that comes too late does not block us; the same one where that is not allowed, as after su(1),
    when the terminal is another user's.
    """
    try:
        return os.open(os.ttyname(terminal), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return fcntl.fcntl(terminal, fcntl.F_DUPFD_CLOEXEC, 3)


def read_keys(keyboard: int) -> bytes | None:
    """The keys that wait, None when there are none, nothing when the terminal has hung up."""
    if not select.select([keyboard], [], [], 0)[0]:
        return None
    try:
        return os.read(keyboard, _KEYS_AT_ONCE)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _apply(modes: list[Any], terminal: int) -> None:
    """Set the modes of a side pty on the real terminal, whose own output translation stays, if we are in its foreground.

    In the background a program that sets modes is stopped by SIGTTOU; with that blocked it would disturb the foreground.
    """
    if not _is_in_foreground(terminal):
        return
    real = termios.tcgetattr(terminal)
    wanted = list(modes)
    wanted[_OFLAG] |= real[_OFLAG] & termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, wanted)


def _is_in_foreground(terminal: int) -> bool:
    return os.tcgetpgrp(terminal) == os.getpgrp()
