"""The prober: a short-lived process that collects the environment, so that what its probes import never stays in memory."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

from ..environment.target import Target
from ..process.descriptors import keep_only
from ..records import Json

ALL, ACCELERATORS = 0, -1
"""What to ask about, where it is not one process."""
_NICENESS = 10
_READ_BYTES = 1 << 20


class Prober:
    """A prober at work, as the process sees it that has started it."""

    def __init__(self, target: Target, redact: Callable[[Json], Json], subject: int = ALL) -> None:
        """Of the run as a whole, or of the Python that a process of the child's tree is; facts pass through `redact`.

        `subject`: the number of that process, ALL or ACCELERATORS.
        """
        self._pid, self.pipe = _fork_prober(target, redact, subject)
        """`pipe` can be read when there are facts, and when it is done."""
        self.is_done = False
        self._unfinished = b""

    def read(self) -> list[Json]:
        """The facts that are new, by the name of their probe; to be called when the pipe can be read."""
        data = os.read(self.pipe, _READ_BYTES)
        if not data:
            os.close(self.pipe)
            os.waitpid(self._pid, 0)  # it has closed its end by exiting
            self.is_done = True
            return []
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        return [json.loads(line) for line in lines]


def _fork_prober(target: Target, redact: Callable[[Json], Json], subject: int) -> tuple[int, int]:
    """Start it: its process id, and the descriptor on which it writes a JSON line for each probe.

    It leaves our group: the programs that it starts must be killable, so its signals are not blocked.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.nice(_NICENESS)
            keep_only({writer})
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            # What it imports must not stay in the scribe's memory.
            from ..environment.facts import collect, collect_accelerators, collect_running

            every = {ALL: collect, ACCELERATORS: collect_accelerators}.get(subject)
            with open(writer, "wb", buffering=0) as pipe:
                for name, facts in every(target) if every else collect_running(target, subject):
                    _write_all(pipe.fileno(), json.dumps({name: redact(facts)}).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
