"""Which run and lane a `swanlab run` records into: a new run, a rank of one that others are starting too, or a new attempt.

1. The processes of one launch agree on a run by a symbolic link that the first of them makes (store/joining.py).
2. Whoever starts an attempt of a run that exists looks for it: by --id, or by the job that was requeued.
3. A lane is taken by creating its output file; of several that try, one has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import StoreError, UsageError
from ..records import Header, Json, Lane
from ..settings import RunSettings
from ..store import layout
from ..store.files import is_packed
from ..store.joining import claim_lane, enter, meet
from ..store.reader import list_directories, read_events, read_header
from ..store.writer import create_run
from .lanes import LANE, OF_A_LANE
from .naming import job_prefix
from .placement import Placement


class Joined(NamedTuple):
    """Where to record."""

    directory: str
    lane: Lane
    header: Header
    """The run's, as this process would have it: with the id and name that the run has already."""
    is_alone: bool
    """Whether the run has no other lane, nor will it have one beside ours."""


def join(settings: RunSettings, header: Header, placement: Placement | None) -> Joined:
    """Create the run, or find it, and take a lane in it.

    Raises:
        UsageError: --id and --resume contradict what is there.
        StoreError: the log directory cannot be read or written.
    """
    if placement is not None and placement.size > 1:
        return _join_launch(settings, header, placement)
    earlier = _earlier_run(settings, header, placement)
    if earlier is None:
        directory = create_run(settings.logdir, header)
        return Joined(directory, Lane(), header, True)
    if is_packed(earlier):
        from ..store.archive import unpack  # only who goes on with a packed run waits for it

        unpack(earlier)
    attempt = _next_attempt(earlier)
    while not claim_lane(earlier, Lane(attempt)):
        attempt += 1
    return Joined(earlier, Lane(attempt), _header_in(earlier, header), False)


def lane_event(header: Header, placement: Placement | None) -> Json:
    """The data of the event by which a lane says who records it."""
    fields = {name: getattr(header, name) for name in OF_A_LANE}
    return {**fields, **({"placement": placement._asdict()} if placement else {})}


def _join_launch(settings: RunSettings, header: Header, placement: Placement) -> Joined:
    """A rank's lane in the run of its launch; of the launch's next run, where that lane is taken by our own earlier run."""
    logdir = os.path.abspath(settings.logdir)
    for launch in _launches(placement):
        name, attempt = _parse_offer(meet(logdir, launch, _offer(settings, header, placement)))
        lane = Lane(attempt, placement.rank)
        directory = os.path.join(logdir, name)
        joined = _with_id(header, directory)
        enter(directory, joined)
        if claim_lane(directory, lane):
            return Joined(directory, lane, joined, False)
    raise AssertionError("there is always a next one")


def _launches(placement: Placement) -> Iterator[str]:
    """Names to meet under: the first run of the launch, its second, ..."""
    number = 1
    while True:
        yield f"{placement.launch}-r{placement.restart}-{number}"
        number += 1


def _offer(settings: RunSettings, header: Header, placement: Placement) -> str:
    """The run and attempt that we would choose for all ranks."""
    earlier = _earlier_run(settings, header, placement)
    if earlier is not None:
        return f"{os.path.basename(earlier)}:{_next_attempt(earlier)}"
    assert header.started_at is not None
    return f"{layout.directory_name(header.id, header.started_at)}:0"


def _parse_offer(offer: str) -> tuple[str, int]:
    name, _, attempt = offer.rpartition(":")
    if layout.run_id_of(name) is None or not attempt.isdigit():
        raise StoreError(f"cannot join the run that '{offer}' should name: it is none", "remove the .join-* links of the job")
    return name, int(attempt)


def _with_id(header: Header, directory: str) -> Header:
    run_id = layout.run_id_of(os.path.basename(directory))
    assert run_id is not None
    return header._replace(id=run_id)


def _header_in(directory: str, header: Header) -> Header:
    """Our header, with what the run is called already."""
    known = read_header(directory)
    return header._replace(id=known.id, name=known.name, project=known.project)


def _earlier_run(settings: RunSettings, header: Header, placement: Placement | None) -> str | None:
    """The directory of the run of which this is to be another attempt.

    Raises:
        UsageError: there is a run with our --id and --resume does not allow it, or there is none and it must be.
    """
    restarts = placement is not None and placement.restart > 0
    if settings.id is not None:
        return _run_with_id(settings, header, restarts)
    if settings.resume == "must":
        raise UsageError("'--resume must' needs the run's id", "give it with --id, or SWANLAB_RUN_ID")
    return _run_of_job(settings.logdir, header, placement) if restarts and placement is not None else None


def _run_with_id(settings: RunSettings, header: Header, restarts: bool) -> str | None:
    directories = list_directories(settings.logdir)
    directory = next((path for path in directories if layout.run_id_of(os.path.basename(path)) == settings.id), None)
    if directory is None:
        if settings.resume == "must":
            raise UsageError(f"there is no run '{settings.id}' in '{settings.logdir}' to resume", "list runs with: swanlab ls")
        return None
    if settings.resume == "never" and not (restarts and job_of(read_header(directory)) == job_of(header)):
        raise UsageError(
            f"there is a run '{settings.id}' in '{settings.logdir}' already", "choose another --id, or --resume allow"
        )
    return directory


def _run_of_job(logdir: str, header: Header, placement: Placement) -> str | None:
    """The oldest run of our job with our command that has no attempt since the job was started again."""
    for directory in list_directories(logdir):
        if (layout.run_id_of(os.path.basename(directory)) or "").startswith(job_prefix(header.slurm)):
            try:
                known = read_header(directory)
            except StoreError:
                continue
            is_same = (job_of(known), known.command, known.cwd) == (job_of(header), header.command, header.cwd)
            if is_same and placement.restart not in _restarts(directory):
                return directory
    return None


def _restarts(directory: str) -> set[int]:
    """Which starts of its job a run has attempts from."""
    events = (event for lane in layout.lanes(directory) for event in read_events(directory, lane) if event.type == LANE)
    return {event.data.get("placement", {}).get("restart", 0) for event in events}


def _next_attempt(directory: str) -> int:
    return max(lane.attempt for lane in layout.lanes(directory)) + 1


def job_of(header: Header) -> tuple[str | None, int] | None:
    """The scheduler's job that a run was started in, the same after a requeue: its cluster and number."""
    return (header.slurm["cluster"], header.slurm["job_id"]) if header.slurm else None
