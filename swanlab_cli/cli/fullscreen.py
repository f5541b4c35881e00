"""A screen of our own on the user's terminal, which is as it was when we leave it, however we leave it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

# xterm's control sequences: 1049 the alternate screen, 25 the cursor, 7 the wrapping of long lines.
_ENTER, _LEAVE = b"\x1b[?1049h\x1b[?25l\x1b[?7l", b"\x1b[?7h\x1b[?25h\x1b[?1049l"
_QUIT = (b"q", b"Q", b"\x03", b"\x04")


class Fullscreen:
    """The screen while it is ours. A frame is painted over the last one, in one write, so that nothing flickers."""

    def __init__(self, output: int, keys: int, wakeup: int) -> None:
        self._output = output
        self._keys: int | None = keys
        self._wakeup = wakeup

    def paint(self, make: Callable[[int, int], Sequence[str]]) -> None:
        """Show the lines that `make` gives for a width and a height."""
        size = shutil.get_terminal_size()
        lines = [*make(size.columns, size.lines)][: size.lines]
        frame = "\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J"
        data = frame.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._output, data) :]

    def wait(self, seconds: float) -> bool:
        """Wait for a key, a change of size or the end of the time; whether the user wants to leave."""
        watched = [self._wakeup] if self._keys is None else [self._wakeup, self._keys]
        ready = select.select(watched, [], [], seconds)[0]
        if self._wakeup in ready:
            os.read(self._wakeup, 4096)
        if self._keys is not None and self._keys in ready:
            pressed = os.read(self._keys, 64)
            if not pressed:  # the terminal is gone
                return True
            return pressed[:1] in _QUIT
        return False


@contextmanager
def fullscreen() -> Iterator[Fullscreen]:
    """Take the terminal over, and give it back at the end, on ^C, on a request to end and while we are stopped."""
    output, keys = sys.stdout.fileno(), sys.stdin.fileno()
    modes = termios.tcgetattr(keys) if os.isatty(keys) else None
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def enter() -> None:
        if modes is not None:
            tty.setcbreak(keys)
        os.write(output, _ENTER)

    def leave() -> None:
        os.write(output, _LEAVE)
        if modes is not None:
            termios.tcsetattr(keys, termios.TCSADRAIN, modes)

    def stop(number: int, _frame: FrameType | None) -> None:
        leave()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # here we stand still until SIGCONT
        signal.signal(number, stop)
        enter()

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def wake(_number: int, _frame: FrameType | None) -> None:
        """Only interrupt the waiting: the wake-up descriptor does."""

    handlers = {signal.SIGTSTP: stop, signal.SIGTERM: end, signal.SIGHUP: end, signal.SIGWINCH: wake}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    enter()
    try:
        yield Fullscreen(output, keys, reading) if modes is not None else Fullscreen(output, reading, reading)
    finally:
        leave()
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
