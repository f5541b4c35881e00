"""The witness: a process of our group that blocks all signals, so that a signal to the whole group shows in it.

What is pending in it was sent to the child as well and must not be forwarded. It does nothing else, so that it can clear a
signal at once however busy the machine is; but when the pump is killed, it leaves the user's terminal as it was.
"""

from __future__ import annotations

import os
import select
import signal

from .console import Console
from .descriptors import keep_only

_DISMISSED = 0  # no signal has this number
_PATIENCE_S = 0.05


class Witness:
    """The forked process, seen from the pump; it ends with the pump. Its caller has blocked all signals."""

    def __init__(self, console: Console | None = None) -> None:
        orders, self._orders = os.pipe()
        self._done, done = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                keep_only({orders, done} if console is None else {orders, done, *console.descriptors()})
                if not _stand_by(orders, done) and console is not None:
                    console.rescue()
            finally:
                os._exit(0)
        os.close(orders)
        os.close(done)

    def dismiss(self) -> None:
        """Have it do nothing more than end when the pump does."""
        self.forget(_DISMISSED)

    def forget(self, number: int) -> None:
        """Clear this pending signal, so that the next one to the group shows again; returns when it is done."""
        try:
            os.write(self._orders, bytes([number]))
        except OSError:  # it was killed: from now on every signal counts as ours alone
            return
        if select.select([self._done], [], [], _PATIENCE_S)[0]:
            os.read(self._done, 64)


def _stand_by(orders: int, done: int) -> bool:
    """Clear pending signals as ordered until the pump is gone; whether it was dismissed before."""
    is_dismissed = False
    while numbers := os.read(orders, 64):
        is_dismissed |= _DISMISSED in numbers
        for number in set(numbers) - {_DISMISSED}:
            signal.sigtimedwait({number}, 0)
        os.write(done, numbers)
    return is_dismissed
