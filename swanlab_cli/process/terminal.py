"""The user's terminal and the side ptys that stand in for it: sizes, modes, and keys for a pager that reads its own stderr.

The child's stdin is the real terminal, so nearly everything works by itself. What remains is what programs do to the terminal
through stdout or stderr, which we repeat on the real one.
"""

from __future__ import annotations

import fcntl
import os
import termios
from collections.abc import Sequence
from typing import Any

from .streams import Stream

_OFLAG, _LFLAG = 1, 3  # indexes into tcgetattr()'s list
_SIZE_BYTES = 8  # struct winsize
_TERMIOS_BYTES = 64  # at least struct termios of the kernel, on any architecture
_READING_MODES = (os.O_RDONLY, os.O_RDWR)


class Terminal:
    """The real terminal behind those streams that go to one."""

    def __init__(self, streams: Sequence[Stream], child_pid: int) -> None:
        self._streams = [stream for stream in streams if stream.is_terminal and stream.is_pty]
        self._child_pid = child_pid
        self.is_present = bool(self._streams)
        self._modes = {stream.name: stream.modes_at_start for stream in self._streams}
        self._raw_modes: dict[str, bytes] = {}
        self._size = _size(self._streams[0].outside[0]) if self._streams else b""
        self.keyboard: int | None = None
        """The real terminal as a keyboard to forward from, while the child reads keys from a side pty."""
        self._keyboard_target: int | None = None

    def copy_size(self) -> bool:
        """Give the side ptys the real size; whether it had changed."""
        if not self._streams:
            return False
        size = _size(self._streams[0].outside[0])
        if not size or size == self._size:
            return False
        self._size = size
        for stream in self._streams:
            if stream.is_open:
                fcntl.ioctl(stream.source, termios.TIOCSWINSZ, size)
        return True

    def copy_modes(self) -> None:
        """Repeat on the real terminal what the child has set on a side pty since the last call."""
        for stream in self._streams:
            if not stream.is_open:
                continue
            raw_modes = fcntl.ioctl(stream.source, termios.TCGETS, bytes(_TERMIOS_BYTES))
            if raw_modes == self._raw_modes.get(stream.name):
                continue  # which costs a tenth of having the modes spelled out
            self._raw_modes[stream.name] = raw_modes
            try:
                self._repeat_modes(stream)
            except termios.error:  # the terminal hung up
                continue

    def _repeat_modes(self, stream: Stream) -> None:
        modes = termios.tcgetattr(stream.source)
        if modes == self._modes[stream.name]:
            return
        self._modes[stream.name] = modes
        _apply(modes, stream.outside[0])
        if modes[_LFLAG] & termios.ICANON:
            self._drop_keyboard()
        else:
            self.find_keyboard_reader()

    def forward_keys(self) -> None:
        """Type into the side pty what is typed on the real terminal."""
        if self.keyboard is not None and self._keyboard_target is not None:
            try:
                os.write(self._keyboard_target, os.read(self.keyboard, 1024))
            except OSError:
                self._drop_keyboard()

    def find_keyboard_reader(self) -> None:
        """Begin to forward keys if a program has made a side pty a raw keyboard and holds it open for reading."""
        for stream in self._streams:
            is_raw = stream.is_open and not self._modes[stream.name][_LFLAG] & termios.ICANON
            if is_raw and self.keyboard is None and _is_read_by_descendant(self._child_pid, stream.path):
                try:
                    self.keyboard = os.open(os.ttyname(stream.outside[0]), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
                except OSError:
                    continue
                self._keyboard_target = stream.source

    def _drop_keyboard(self) -> None:
        if self.keyboard is not None:
            os.close(self.keyboard)
            self.keyboard = None


def _size(descriptor: int) -> bytes:
    try:
        return fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(_SIZE_BYTES))
    except OSError:
        return b""


def _apply(modes: list[Any], terminal: int) -> None:
    """Set the modes of a side pty on the real terminal, whose own output translation stays, if we are in its foreground.

    In the background a program that sets modes is stopped by SIGTTOU; with that blocked it would disturb the foreground.
    """
    if os.tcgetpgrp(terminal) != os.getpgrp():
        return
    real = termios.tcgetattr(terminal)
    wanted = list(modes)
    wanted[_OFLAG] |= real[_OFLAG] & termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, wanted)


def _is_read_by_descendant(pid: int, path: str) -> bool:
    """Whether `pid` or a descendant has opened the side pty `path` once more in order to read, as `less` does for its keys."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        waiting += _children(process)
        try:
            for number in os.listdir(f"/proc/{process}/fd"):
                is_extra = number not in ("1", "2")
                if is_extra and os.readlink(f"/proc/{process}/fd/{number}") == path and _is_readable(process, number):
                    return True
        except OSError:  # it ended, or is another user's
            continue
    return False


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as children:
            return [int(child) for child in children.read().split()]
    except OSError:
        return []


def _is_readable(pid: int, number: str) -> bool:
    with open(f"/proc/{pid}/fdinfo/{number}", "rb") as fdinfo:
        for line in fdinfo:
            if line.startswith(b"flags:"):
                return int(line.split()[1], 8) & os.O_ACCMODE in _READING_MODES
    return False
