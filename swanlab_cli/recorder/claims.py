"""Who derives a run's points at this moment: each scribe says so in an event, and says when it is through."""

from __future__ import annotations

from collections.abc import Iterable

from ..records import Event, Header, Json
from ..store.state import host_identity, process_started

CLAIM, COMPLETE = "scribe", "complete"


def open_claims(events: Iterable[Event]) -> list[Json]:
    """What those scribes said of themselves who have not said that they are through, oldest first."""
    claims: list[Json] = []
    for event in events:
        if event.type == CLAIM:
            claims.append(event.data)
        elif event.type == COMPLETE:
            # A recording's scribe does not say who is through: nobody else was at work then.
            claims = [claim for claim in claims if event.data and not _is_same(claim, event.data)]
    return claims


def own_claim(pid: int) -> Json:
    """What a scribe with this process id, of this host, says of itself."""
    host, boot_id, pid_namespace = host_identity()
    identity = {"host": host, "boot_id": boot_id, "pid_namespace": pid_namespace}
    return {"pid": pid, "pid_started": process_started(pid), **identity}


def is_ours_to_see(header: Header, claim: Json) -> bool:
    """Whether we can tell if the process behind a claim lives; without a host's name it is that of the run."""
    identity = tuple(claim.get(name, getattr(header, name)) for name in ("host", "boot_id", "pid_namespace"))
    return identity == host_identity()


def is_alive(header: Header, claim: Json) -> bool:
    """Whether the process behind a claim lives, as far as we can see."""
    if not is_ours_to_see(header, claim):
        return False
    return bool(process_started(claim["pid"]) == claim["pid_started"] != 0)


def is_scribe_at_work(header: Header, events: Iterable[Event]) -> bool:
    """Whether somebody whom we can see is deriving points."""
    return any(is_alive(header, claim) for claim in open_claims(events))


def _is_same(claim: Json, other: Json) -> bool:
    return all(claim.get(name) == other.get(name) for name in ("pid", "pid_started"))
