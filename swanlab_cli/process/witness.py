"""The witness: a process of our group that blocks all signals, so that a signal to the whole group shows in it.

What is pending in it was sent to the child as well and must not be forwarded. It does nothing else, so that it can clear a
signal at once however busy the machine is; but while the pump is stopped with its child, it sees to it that the pump goes on when
the child does, and when the pump is killed, it leaves the user's terminal as it was.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .console import Console
from .descriptors import keep_only

_DISMISSED, _STOPS, _GOES_ON = 0, 254, 255  # no signal has these numbers
# Its answer is certain while it lives, and asked for only where there is something to clear; a busy machine may need this long.
_ANSWER_MAY_TAKE_S = 5.0
# kill(2) to a group marks its members one after the other, and slurmstepd signals each process by itself: the witness may be
# a moment behind the pump.
_PATIENCE_S, _GLANCE_S = 0.03, 0.0005
_SHORTEST_REST_S, _LONGEST_REST_S = 0.01, 0.3


class Witness:
    """The forked process, seen from the pump; it ends with the pump. Its caller has blocked all signals."""

    def __init__(self, console: Console | None = None) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                keep_only({orders, answers} if console is None else {orders, answers, *console.descriptors()})
                if not _stand_by(orders, answers) and console is not None:
                    console.rescue()
            finally:
                os._exit(0)
        os.close(orders)
        os.close(answers)

    def take(self, number: int) -> bool:
        """Whether this signal was pending in the witness, and so went to the whole group; it no longer is."""
        return self._is_pending(number) and self._order(number)

    def wait_for(self, number: int) -> bool:
        """Like `take`, but with patience for a sender that is on its way from us to the witness."""
        deadline = time.monotonic() + _PATIENCE_S
        while not self.take(number):
            if time.monotonic() > deadline:
                return False
            time.sleep(_GLANCE_S)  # leaves the processor to the sender
        return True

    @contextmanager
    def continuing_with(self, child_pid: int) -> Iterator[None]:
        """While the caller is stopped in here, let it go on as soon as that child goes on, or is killed.

        Without us, who continues a stopped program by its own number would need to do no more.
        """
        self._order(_STOPS, child_pid.to_bytes(4, "little"))
        try:
            yield
        finally:
            self._order(_GOES_ON)

    def dismiss(self) -> None:
        """Have it do nothing more than end when the pump does."""
        self._order(_DISMISSED)

    def end(self) -> None:
        """Do without it from now on."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except OSError:  # it was killed and waited for
            return
        os.waitpid(self.pid, 0)

    def _is_pending(self, number: int) -> bool:
        """What the kernel says, so that nobody has to wait until the witness gets a processor."""
        try:
            with open(f"/proc/{self.pid}/status", "rb", buffering=0) as stream:
                status = stream.readall()
        except OSError:  # it was killed: from now on every signal counts as ours alone
            return False
        # proc(5): the mask, in hexadecimal, of signals that are pending for the process as a whole.
        mask = status.partition(b"\nShdPnd:")[2].split(maxsplit=1)[:1]
        return bool(mask) and bool(int(mask[0], 16) >> number - 1 & 1)

    def _order(self, number: int, operand: bytes = b"") -> bool:
        try:
            os.write(self._orders, bytes([number]) + operand)
            if select.select([self._answers], [], [], _ANSWER_MAY_TAKE_S)[0]:
                return os.read(self._answers, 1) == b"\1"
        except OSError:  # it was killed a moment ago
            pass
        return False


def _stand_by(orders: int, answers: int) -> bool:
    """Clear pending signals as ordered until the pump is gone; whether it was dismissed before."""
    is_dismissed = False
    while order := os.read(orders, 1):
        number = order[0]
        if number == _DISMISSED:
            is_dismissed = True
            os.write(answers, b"\0")
        elif number == _STOPS:
            child_pid = int.from_bytes(os.read(orders, 4), "little")
            os.write(answers, b"\1")
            _watch_stopped(child_pid, orders)
        elif number == _GOES_ON:
            os.write(answers, b"\1")
        else:
            os.write(answers, b"\0" if signal.sigtimedwait({number}, 0) is None else b"\1")
    return is_dismissed


def _watch_stopped(child_pid: int, orders: int) -> None:
    """Continue the pump when its child is no longer stopped; until it has an order for us, and so goes on."""
    pump_pid, rest_s = os.getppid(), _SHORTEST_REST_S
    while not select.select([orders], [], [], rest_s)[0]:
        if not _is_stopped(child_pid) and _is_stopped(pump_pid):
            os.kill(pump_pid, signal.SIGCONT)
        rest_s = min(2 * rest_s, _LONGEST_REST_S)


def _is_stopped(pid: int) -> bool:
    """Whether a signal or a debugger has stopped it; one that has ended is not."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stream:
            return stream.read(1024).rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])
    except OSError:
        return False
