"""The console: a terminal of the child's own, where it cannot do with the user's: its stdin, and its controlling terminal.

An interactive shell needs it, since job control wants the terminal on stderr to be the controlling one; so do answers that are
typed for the user. The user's terminal, if stdin is one, is in raw mode meanwhile and becomes a mere keyboard and screen.
"""

from __future__ import annotations

import os
import signal
import termios
import tty
from collections.abc import Sequence
from typing import Any

from .signals import stop_ourselves
from .streams import Stream
from .terminal import open_keyboard, read_keys, set_size, size_of

# What may wait for the child to read its input before we stop reading keys.
_MOST_TYPED_BYTES = 65536


class Console:
    """The user's side of a console, if stdin is a terminal: keys, sizes and modes. A `UserTerminal` of the pump."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = [stream for stream in streams if stream.is_terminal and stream.is_pty]
        self._source = next(stream.source for stream in streams if stream.is_console)
        self._typed = bytearray()
        self._user: int | None = None
        self._modes: list[Any] = []
        self._raw_modes: list[Any] = []
        self._is_raw = False
        self._is_foreground = False
        if os.isatty(0):
            self._user = open_keyboard(0)
            self._modes = termios.tcgetattr(self._user)
        self.is_present = self._user is not None
        self._size = size_of(self._user) if self._user is not None else b""

    def begin(self) -> None:
        """Turn the user's terminal into a keyboard and screen; the console has its modes by now."""
        self.go_on()

    def keyboard(self) -> int | None:
        """The descriptor to wait for keys on, while they are ours."""
        is_ours = self._is_raw and self._is_foreground and len(self._typed) < _MOST_TYPED_BYTES
        return self._user if is_ours else None

    def input_waits(self) -> int | None:
        """The descriptor to wait for room on, while there is something left to type into it."""
        return self._source if self._typed else None

    def type(self, data: bytes) -> None:
        """Give the child this input, as soon as it fits."""
        self._typed += data
        self.flush_input()

    def flush_input(self) -> None:
        """Offer to the console what is still to be typed."""
        try:
            while self._typed:
                del self._typed[: os.write(self._source, self._typed)]
        except BlockingIOError:
            pass
        except OSError:  # nobody holds the console any more
            self._typed.clear()

    def forward_keys(self) -> None:
        """Type what the user typed."""
        assert self._user is not None
        keys = read_keys(self._user)
        if keys:
            self.type(keys)
        elif keys == b"":  # SIGHUP says so as well
            self._is_foreground = False

    def look(self) -> None:
        """Nothing: what the child sets on its console stays there."""

    def look_closer(self) -> None:
        """See whether we may read keys: not while the user's shell has put us in the background."""
        if self._user is not None:
            self._is_foreground = _is_foreground(self._user)
            if self._is_foreground and not self._is_raw:
                self.go_on()

    def copy_size(self) -> bool:
        """Give the console the size of the user's terminal; False, since the kernel tells the programs on it."""
        size = size_of(self._user) if self._user is not None else b""
        if size and size != self._size:
            self._size = size
            for stream in self._streams:
                set_size(stream, size)
        return False

    def tell_size(self, child_pid: int) -> None:
        """Nothing: the kernel tells."""

    def pause(self) -> None:
        """Give the user's terminal back: we are about to stop."""
        if self._user is not None and self._is_raw:
            restore(self._user, self._modes)
        self._is_raw = False

    def go_on(self) -> None:
        """Take the user's terminal, if we are in its foreground."""
        if self._user is None or not _is_foreground(self._user):
            self._is_foreground = False
            return
        if not self._is_raw:
            self._modes = termios.tcgetattr(self._user)
        tty.setraw(self._user, termios.TCSANOW)  # anew, even if we think it is: the shell may have reset it while we were stopped
        self._raw_modes = termios.tcgetattr(self._user)
        self._is_raw = self._is_foreground = True
        self.copy_size()

    def end(self) -> None:
        """Give the user's terminal back for good."""
        self.pause()
        if self._user is not None:
            os.close(self._user)
            self._user = None
        self.is_present = False

    def descriptors(self) -> set[int]:
        """What a process that is to `rescue` must keep open."""
        return set() if self._user is None else {self._user}

    def rescue(self) -> None:
        """In another process, when the pump was killed: give the user's terminal back unless somebody has done so."""
        try:
            if self._user is not None and termios.tcgetattr(self._user) == self._raw_modes:
                restore(self._user, self._modes)
        except termios.error:  # it is gone
            pass


def wait_for_foreground() -> bool:
    """Stop, as a shell started in the background does, until we are in the foreground of stdin; False if nobody stops us."""
    if not _is_foreground(0):
        stop_ourselves(signal.SIGTTIN)
    return _is_foreground(0)


def restore(terminal: int, modes: list[Any]) -> None:
    """Set a terminal's modes; one that hung up stays as it is."""
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
    except termios.error:
        pass


def _is_foreground(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # not our controlling terminal, or it hung up
        return False

