"""The pump's side of the scribe: start it, give it orders, start another when it is killed, wait for its answer.

Imported before the child starts, so it imports little; the scribe's own code is imported in the scribe's process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..environment.secrets import Redactor
from ..environment.target import Target
from ..environment.tree import tree_pids
from ..process.descriptors import keep_only
from ..process.flight import Flight
from ..process.masking import OutputMask
from ..records import Event, Header, Lane
from ..settings import RunSettings
from ..store.writer import OutputWriter, RecordWriter

# What the pump writes on the control pipe: END when all is appended, WARNING when it has been asked to end, a smaller number i
# to close the copy of source i.
END, WARNING = 255, 254
_MOST_RESTARTS = 3


class Assignment(NamedTuple):
    """What a scribe works on."""

    directory: str
    lane: Lane
    header: Header
    target: Target
    flight: Flight
    stream_names: Sequence[str]
    sources: Sequence[int]
    """The ptys' and pipes' reading ends, in the order of `stream_names`."""
    output: OutputWriter
    mask: OutputMask
    """What the pump masks in the output."""
    redactor: Redactor | None
    """What masks all other texts; None where nothing is masked."""
    settings: RunSettings
    looks_at_host: bool = True
    """Whether this process tells of the machine for all that were started together on it."""


class Assistant:
    """A scribe at work, and its successors: the pump's `Follower`."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._restarts = 0
        self._is_ending = False
        self._fork()

    def _fork(self) -> None:
        self.pid, self._orders, self._answer = _fork_scribe(self._assignment, is_restart=self._restarts > 0)

    def close_source(self, index: int) -> None:
        """Have the scribe close its copy of a stream's reading end."""
        self._order(index)

    def warn(self) -> None:
        """Have the scribe find out at once who ends the run."""
        self._order(WARNING)

    def check(self) -> None:
        """Replace a scribe that was killed; the new one derives everything again."""
        if self.pid == 0 or os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            return
        os.close(self._orders)
        os.close(self._answer)
        self.pid = 0
        if self._restarts < _MOST_RESTARTS and not self._is_ending:
            self._restarts += 1
            self._fork()

    def end(self, patience_s: float) -> Mapping[str, Any]:
        """Tell the scribe that all is appended; its counts of `points` and `dropped`, empty if it needs longer to catch up."""
        self._is_ending = True
        if self.pid == 0:
            return {}
        self._order(END)
        poller = select.poll()
        poller.register(self._answer, select.POLLIN)
        if not poller.poll(patience_s * 1000):
            return {}
        answer = os.read(self._answer, 65536)
        return dict(json.loads(answer)) if answer else {}

    def outlast(self, patience_s: float) -> None:
        """Wait that long for the scribe to be through, then end it and all that it has started."""
        if self.pid == 0:
            return
        try:
            scribe = os.pidfd_open(self.pid)
        except OSError:  # Linux before 5.3
            return
        poller = select.poll()
        poller.register(scribe, select.POLLIN)
        poller.poll(patience_s * 1000)
        os.close(scribe)
        for pid in tree_pids(self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:  # ended meanwhile
                continue
        os.waitpid(self.pid, 0)
        self.pid = 0

    def _order(self, order: int) -> None:
        if self.pid:
            try:
                os.write(self._orders, bytes([order]))
            except OSError:  # it was killed a moment ago
                pass


def _fork_scribe(assignment: Assignment, is_restart: bool) -> tuple[int, int, int]:
    """Start a scribe: (process id, descriptor for orders, descriptor of its answer).

    All signals stay blocked in it, and it has let go of the child's and the caller's streams.
    """
    orders_reader, orders = os.pipe()
    answer, answer_writer = os.pipe()
    pump_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            keep_only({orders_reader, answer_writer, *assignment.sources, *assignment.output.descriptors()})
            from .scribe import Scribe  # in its own process: the child must not wait for these imports

            Scribe(assignment, orders_reader, answer_writer, pump_pid, is_restart).work()
        except Exception as error:  # whatever fails here, a full disk or our own mistake, must only be said in the record
            _note_failure(assignment, error)
        finally:
            os._exit(0)
    os.close(orders_reader)
    os.close(answer_writer)
    return pid, orders, answer


def redact_with(redactor: Redactor | None) -> Callable[[Any], Any]:
    """The function that masks what JSON can hold, or leaves it as it is."""
    return redactor.data if redactor else lambda data: data


def _note_failure(assignment: Assignment, error: Exception) -> None:
    text = f"deriving points stopped: {type(error).__name__}: {error}; readers derive them from the output"
    try:
        writer = RecordWriter(assignment.directory, assignment.lane, redact_with(assignment.redactor))
        writer.append_event(Event(time.time(), "warning", {"text": text}))
    except OSError:
        pass  # the disk that is full
