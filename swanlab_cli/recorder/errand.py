"""Errands: short-lived processes forked for what takes long, so that the scribe waits for nothing and stays small."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

from ..process.descriptors import keep_only

_READ_BYTES = 1 << 20


class Errand:
    """One at work, as the scribe sees it."""

    def __init__(self, work: Callable[[], Any], deadline_s: int) -> None:
        """`work` gives what JSON can hold; after `deadline_s` the process is ended, whatever it does."""
        self._pid, self.pipe = _fork(work, deadline_s)
        self._answer = b""

    def read(self) -> bool:
        """Take what is on the pipe, which can be read; whether the errand has ended."""
        data = os.read(self.pipe, _READ_BYTES)
        self._answer += data
        if data:
            return False
        os.close(self.pipe)
        os.waitpid(self._pid, 0)  # it has closed its end by exiting
        return True

    def answer(self, otherwise: Any) -> Any:
        """What `work` gave, or `otherwise` where it failed or was ended."""
        try:
            return json.loads(self._answer)
        except ValueError:
            return otherwise


def _fork(work: Callable[[], Any], deadline_s: int) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            keep_only({writer})
            # All signals are blocked in the scribe; nothing may keep this one from ending us.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            signal.alarm(deadline_s)
            answer = json.dumps(work()).encode()
            with open(writer, "wb") as pipe:
                pipe.write(answer)
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader
