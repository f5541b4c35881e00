"""What a scribe does about the output when the pump was killed: it records what the pump had in its hands and what it left."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Mapping

from ..process.masking import Held
from .assistant import Assignment

_READ_BYTES = 65536


def record_rest(assignment: Assignment, sources: Mapping[int, int]) -> None:
    """Record what the pump had read or held back, then what the sources, by the indexes of their streams, give until their end.

    The mask gives the same bytes whatever pieces it is fed in, so those of them that are in the record already are skipped.
    """
    output, mask, flight = assignment.output, assignment.mask, assignment.flight
    output.resume()
    names = assignment.stream_names
    skipped = dict.fromkeys(range(len(names)), 0)

    def record(index: int, masked: memoryview | bytes) -> None:
        rest = masked[skipped[index] :]
        skipped[index] -= len(masked) - len(rest)
        if rest:
            output.append(names[index], rest)

    for index in range(len(names)):
        mask.restore(index, Held(*flight.held(index)))
    rescue = flight.rescue()
    if rescue is not None:
        skipped[rescue.stream_index] = output.offset - rescue.position
        record(rescue.stream_index, mask.feed(rescue.stream_index, rescue.content))
    for index, data in _drained(sources):
        record(index, mask.feed(index, data))
    for index in range(len(names)):
        record(index, mask.finish(index))


def _drained(sources: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
    """(stream index, bytes) of what these ptys and pipes still hold, until nobody holds their other ends."""
    waiting = {source: index for index, source in sources.items()}
    poller = select.poll()
    for source in waiting:
        poller.register(source, select.POLLIN)
    while waiting:
        for source, _ in poller.poll():
            try:
                data = os.read(source, _READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                yield waiting[source], data
            else:
                poller.unregister(source)
                del waiting[source]
