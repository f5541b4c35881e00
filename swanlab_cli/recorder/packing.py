"""Packing runs that have ended: derived to the end first, so that nobody has to do it with each look."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import StoreError
from ..store import layout
from ..store.archive import pack, unpack
from ..store.files import SUFFIX, is_packed
from ..store.reader import read_cursor, read_header
from ..store.state import RUNNING
from .claims import is_scribe_at_work
from .lanes import decisive, header_of, look_at_lanes
from .options import ParseOptions
from .reparse import reparse
from .sources import is_whole
from .view import events_of


class Packed(NamedTuple):
    """A run after it was packed."""

    run_id: str
    path: str
    bytes_before: int
    bytes_after: int


def has_ended(directory: str) -> bool:
    """Whether nobody records the run any more, nor is about to.

    Raises:
        StoreError: it cannot be read.
    """
    header = read_header(directory)
    events = events_of(directory, layout.lanes(directory))
    if decisive(look_at_lanes(directory, header, events)).state == RUNNING:
        return False
    return not any(is_scribe_at_work(header_of(header, events[lane]), events[lane]) for lane in events)


def pack_run(directory: str) -> Packed:
    """Make one file of it.

    Raises:
        StoreError: it is packed already or has not ended, or it cannot be read or written.
    """
    header = read_header(directory)
    if is_packed(directory):
        raise StoreError(f"the run '{header.id}' is packed already")
    if not has_ended(directory):
        raise StoreError(f"cannot pack the run '{header.id}': it is being recorded", "wait until it has ended")
    if not all(is_whole(directory, lane, read_cursor(directory, lane)) for lane in layout.lanes(directory)):
        reparse(directory, ParseOptions())
    return Packed(header.id, directory + SUFFIX, *pack(directory))


def unpack_run(directory: str) -> None:
    """Make a directory of it again.

    Raises:
        StoreError: it is not packed, or cannot be read or written.
    """
    if not is_packed(directory):
        raise StoreError(f"the run '{read_header(directory).id}' is not packed")
    unpack(directory)
