"""Asking Slurm why a run ends: by an errand of the scribe's while the run lasts, or by a reader afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping

from ..records import End, Event, Header, Json

KIND = "slurm"
"""Of the event that has Slurm's answer: environment/slurm.py has its fields."""
_READER_ALLOWED_S = 3.0


def ask(header: Header, environ: Mapping[str, str], allowed_s: float) -> Json | None:
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
    return ask(header, os.environ, _READER_ALLOWED_S) if is_open and (known is None or known["kind"] is None) else None


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
