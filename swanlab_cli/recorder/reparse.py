"""Deriving a run's points once more from its recorded bytes and inbox: new records are appended, nothing is rewritten.

1. Claim the run, so that no other process derives it at the same time.
2. Reset every lane: from here on readers derive in memory, with the options that were in force.
3. Note the new options: from here on readers derive with these.
4. Derive lane by lane. A lane whose cursor is final is read as it is, so whoever is killed here leaves new points, whole.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..errors import StoreError, UsageError
from ..parser import Parser
from ..records import Event, Header, Json, Lane
from ..store import layout
from ..store.files import is_packed
from ..store.reader import count_points, read_events, read_header
from ..store.state import RUNNING, host_identity, is_silent
from ..store.writer import RecordWriter
from .claims import CLAIM, COMPLETE, is_alive, is_ours_to_see, open_claims, own_claim
from .derivation import API, OUTPUT
from .lanes import LaneState, look_at_lanes
from .options import PARSE, ParseOptions, options_in_force, with_last_options, with_options
from .sources import Sources, is_whole, write_progress
from .view import events_of, wait_for_scribes

_READ_BYTES = 1 << 20
Counts = Counter[tuple[str, str]]
"""Points by metric and source."""


class Reparsed(NamedTuple):
    """What a reparse has changed."""

    run_id: str
    directory: str
    before: Mapping[str, int]
    """Points of each metric as users saw them."""
    after: Mapping[str, int]


def reparse(directory: str, options: ParseOptions) -> Reparsed:
    """Derive the run's points again with today's parser and, where given, other options.

    Raises:
        StoreError: the run cannot be read or written, or somebody is at work on it.
        UsageError: the options cannot be used.
    """
    recorded = read_header(directory)
    if is_packed(directory):
        raise StoreError(f"cannot reparse the run '{recorded.id}': it is packed", f"swanlab gc --unpack {recorded.id}")
    lanes = layout.lanes(directory)
    _refuse_unfinished(recorded, look_at_lanes(directory, recorded, events_of(directory, lanes)))
    events = wait_for_scribes(directory, recorded, lanes)
    if any(_may_be_alive(directory, recorded, claim) for lane in lanes for claim in open_claims(events[lane])):
        raise _busy(recorded)
    header = with_last_options(recorded, events[lanes[0]])
    changed = with_options(header, options)
    check_options(changed)
    before = _count(directory, lanes, header)
    try:
        claim = _claim(directory, lanes[0], recorded, events[lanes[0]])
        try:
            for lane in lanes:
                _reset(directory, lane)
            if options != ParseOptions():
                _note(directory, lanes[0], PARSE, options_in_force(changed))
            after = derive_into(directory, changed)
        finally:
            _note(directory, lanes[0], COMPLETE, claim)
    except OSError as error:
        raise StoreError(f"cannot write to the run '{recorded.id}' in '{directory}': {error.strerror}") from error
    return Reparsed(recorded.id, directory, _visible(before), _visible(after))


def derive_into(directory: str, header: Header) -> Counts:
    """Derive the points of a run's every lane, none of which has any, and append them.

    Raises:
        OSError: they cannot be written.
    """
    counts: Counts = Counter()
    for lane in layout.lanes(directory):
        writer = RecordWriter(directory, lane)
        try:
            for progress in Sources(directory, lane, header).read_all(_READ_BYTES):
                write_progress(writer, progress)
                counts.update((point.metric, point.source) for point in progress.points)
        finally:
            writer.close()
    return counts


def check_options(header: Header) -> None:
    """Refuse what the parser cannot use.

    Raises:
        UsageError: so it is.
    """
    try:
        Parser(header.parse, header.patterns, header.step_key)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _refuse_unfinished(header: Header, states: Iterable[LaneState]) -> None:
    """Refuse a run with a rank without end that somebody records, or of which that cannot be known.

    Raises:
        StoreError: so it is.
    """
    for one in (one for one in states if one.end is None):
        host = one.header.host
        if one.state == RUNNING:
            raise StoreError(f"cannot reparse the run '{header.id}': it is being recorded", "wait until it has ended")
        if host != host_identity()[0]:
            raise StoreError(
                f"cannot reparse the run '{header.id}': it has no end, and whether '{host}' records it is not known here",
                f"reparse it on '{host}'",
            )


def _may_be_alive(directory: str, header: Header, claim: Json) -> bool:
    return is_alive(header, claim) if is_ours_to_see(header, claim) else not is_silent(directory)


def _busy(header: Header) -> StoreError:
    return StoreError(f"cannot reparse the run '{header.id}': its points are being derived", "try again in a moment")


def _claim(directory: str, lane: Lane, header: Header, events: Iterable[Event]) -> Json:
    """Say that we are at work; of several who say it at once, the first in the file is.

    Raises:
        StoreError: another was first.
    """
    gone = open_claims(events)  # their processes were not alive a moment ago
    claim = own_claim(os.getpid())
    _note(directory, lane, CLAIM, claim)
    rivals = [other for other in open_claims(read_events(directory, lane)) if other not in gone]
    if rivals and rivals[0] != claim:
        _note(directory, lane, COMPLETE, claim)
        raise _busy(header)
    return claim


def _reset(directory: str, lane: Lane) -> None:
    writer = RecordWriter(directory, lane)
    try:
        writer.reset()
    finally:
        writer.close()


def _note(directory: str, lane: Lane, kind: str, data: Json) -> None:
    writer = RecordWriter(directory, lane)
    try:
        writer.append_event(Event(time.time(), kind, data))
    finally:
        writer.close()


def _count(directory: str, lanes: Iterable[Lane], header: Header) -> Counts:
    """The points that there are, derived here where no scribe has finished."""
    counts: Counts = Counter()
    for lane in lanes:
        written, cursor = count_points(directory, lane)
        if is_whole(directory, lane, cursor):
            counts += written
            continue
        for progress in Sources(directory, lane, header).read_all(_READ_BYTES):
            counts.update((point.metric, point.source) for point in progress.points)
    return counts


def _visible(counts: Counts) -> dict[str, int]:
    """Points by metric as users see them: what the script logs itself shows nothing from the output."""
    logged = {metric for metric, source in counts if source == API}
    visible: Counter[str] = Counter()
    for (metric, source), count in counts.items():
        if source != OUTPUT or metric not in logged:
            visible[metric] += count
    return dict(sorted(visible.items()))
