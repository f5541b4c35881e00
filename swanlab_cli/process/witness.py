"""The witness: a process of our group that blocks all signals, so that a signal to the whole group shows in it.

What is pending in it was sent to the child as well and must not be forwarded. It does nothing else, so that it can clear a
signal at once however busy the machine is.
"""

from __future__ import annotations

import os
import signal

from .descriptors import keep_only


class Witness:
    """The forked process, seen from the pump; it ends with the pump. Its caller has blocked all signals."""

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _stand_by(orders)
            finally:
                os._exit(0)
        os.close(orders)

    def forget(self, number: int) -> None:
        """Clear this pending signal, so that the next one to the group shows again."""
        try:
            os.write(self._orders, bytes([number]))
        except OSError:  # it was killed: from now on every signal counts as ours alone
            pass


def _stand_by(orders: int) -> None:
    """Clear pending signals as ordered until the pump is gone."""
    keep_only({orders})
    while numbers := os.read(orders, 64):
        for number in numbers:
            signal.sigtimedwait({number}, 0)
