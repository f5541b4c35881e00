"""Asking Slurm why a run ends: by the scribe, in a process of its own while the run lasts, or by a reader afterwards."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Mapping

from ..process.descriptors import keep_only
from ..records import End, Event, Header, Json

KIND = "slurm"
"""Of the event that has Slurm's answer: environment/slurm.py has its fields."""
_ALLOWED_S = 5.0
_READER_ALLOWED_S = 3.0
_READ_BYTES = 1 << 16


class Inquiry:
    """A question that has been asked."""

    def __init__(self, header: Header, environ: Mapping[str, str]) -> None:
        self._pid, self.pipe = _fork_inquiry(header, environ)
        """`pipe` can be read when there is something of the answer."""
        self.is_done = False
        self.answer: Json | None = None
        """None until `is_done`, and where Slurm says nothing."""
        self._received = b""

    def read(self) -> None:
        """Take what has come; to be called when the pipe can be read."""
        data = os.read(self.pipe, _READ_BYTES)
        self._received += data
        if not data:
            os.close(self.pipe)
            os.waitpid(self._pid, 0)  # it has closed its end by exiting
            self.answer = json.loads(self._received) if self._received.endswith(b"}") else None
            self.is_done = True


def _fork_inquiry(header: Header, environ: Mapping[str, str]) -> tuple[int, int]:
    """Start it: its process id, and the descriptor on which it writes the answer as JSON before it exits."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()  # its signals are not blocked, as programs that it starts must be killable
            keep_only({writer})
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.write(writer, json.dumps(ask(header, environ, _ALLOWED_S)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader


def ask(header: Header, environ: Mapping[str, str], allowed_s: float = _READER_ALLOWED_S) -> Json | None:
    """What Slurm says about the job of a run; None if it says nothing, or the run is part of none."""
    if header.slurm is None or header.started_at is None:
        return None
    from ..environment.slurm import Asked, ask_slurm  # what it imports must not stay in the scribe's memory

    asked = Asked(header.slurm, header.user, header.started_at)
    return ask_slurm(asked, environ, time.monotonic() + allowed_s)


def ask_as_reader(header: Header, end: End | None, is_alive: bool, events: Iterable[Event]) -> Json | None:
    """What Slurm says now about a run whose record leaves that open: it has no end, or a signal ended it and nobody said why.

    `is_alive`: whether its recorder is known to be at work, as far as we can see.
    """
    is_open = not is_alive if end is None else bool(end.signals) or end.signal in ("SIGTERM", "SIGKILL")
    known = slurm_facts(events)
    return ask(header, os.environ) if is_open and (known is None or known["kind"] is None) else None


def slurm_facts(events: Iterable[Event]) -> Json | None:
    """The last answer that has been recorded."""
    answers = [event.data for event in events if event.type == KIND]
    return answers[-1] if answers else None


def slurm_kind(facts: Json | None) -> str | None:
    """What Slurm did to end the run: one of the kinds that environment/slurm.py has, or None."""
    return None if facts is None else facts.get("kind")


def explain(facts: Json | None) -> str | None:
    """What Slurm did, in one line; None where it did nothing to end the run."""
    if facts is None or not (facts["kind"] or facts["is_over"]):
        return None
    job, then = f"Slurm job {facts['job_id']}", ""
    if facts["is_requeued"] and facts["kind"] != "requeued":
        then = f": Slurm requeues job {facts['job_id']}"
    limit, by, nodes = facts.get("time_limit_s"), facts.get("by"), facts.get("nodes")
    texts = {
        "time_limit": f"time limit of {job}" + (f" ({_limit_text(limit)})" if limit else ""),
        "cancelled": f"{job} was cancelled" + (f" by {by}" if by else ""),
        "preempted": f"preempted{then}" if then else f"{job} was preempted",
        "node_failure": f"node {nodes if nodes and not then else 'of ' + job} failed{then}",
        "out_of_memory": f"{job} ran out of memory{then}",
        "requeued": f"{job} was requeued",
    }
    return texts.get(facts["kind"]) or f"{job} ended as {facts['state']}"


def _limit_text(seconds: int) -> str:
    """A time limit as people ask for it: days, hours and minutes."""
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
