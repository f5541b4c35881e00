"""A run that is made at once from what exists already: its directory gets its name when it is whole, and not before."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping

from ..errors import StoreError
from ..records import End, Event, Header, Lane
from . import layout
from .writer import RecordWriter, create_logdir, write_end, write_header


class StagedRun:
    """A run directory under a temporary name in the log directory, which no reader looks at.

    What SIGKILL leaves of one may be deleted. Methods that write raise OSError.
    """

    def __init__(self, logdir: str, run_id: str) -> None:
        """Make the directory.

        Raises:
            StoreError: it cannot be made.
        """
        self.created_at = time.time()
        """When, in Unix seconds; the run's directory is named by it."""
        self._final = os.path.join(os.path.abspath(logdir), layout.directory_name(run_id, self.created_at))
        self.directory = layout.staging_directory(self._final)
        try:
            create_logdir(os.path.dirname(self.directory))
            os.mkdir(self.directory)
        except OSError as error:
            raise StoreError(
                f"cannot create a run in '{logdir}': {error.strerror}", "choose another place with --logdir"
            ) from error

    def describe(self, header: Header, ends: Mapping[Lane, End], events: Iterable[Event]) -> None:
        """Write the header, how each lane ended, and what happened to the run, in the lowest lane's record."""
        write_header(self.directory, header)
        for lane, end in ends.items():
            write_end(self.directory, lane, end)
        writer = RecordWriter(self.directory, min(ends))
        for event in events:
            writer.append_event(event)
        writer.close()

    def publish(self) -> str:
        """Give the run its name: the absolute path."""
        os.rename(self.directory, self._final)
        return self._final

    def discard(self) -> None:
        """Remove what there is of the run."""
        shutil.rmtree(self.directory, ignore_errors=True)


class AdoptedOutput:
    """One lane's output, and an index with the times that its lines tell; files are open only while they are written to."""

    def __init__(self, directory: str, lane: Lane) -> None:
        self.size_bytes = 0
        self.first_time: float | None = None
        """The first that a line tells."""
        self.last_time: float | None = None
        self._output = layout.output(directory, lane)
        self._index = layout.output_index(directory, lane)
        self._in_force: tuple[str, float | None] | None = None
        """Stream and time of what was written last."""
        self.append("", b"", ())

    def append(self, stream: str, data: bytes, times: Iterable[tuple[int, float]]) -> None:
        """Write what a stream wrote; `times` are (offset in `data`, Unix seconds) of lines that tell theirs, ascending.

        A line without a time has that of the line before it, and none at the beginning of a stream.

        Raises:
            OSError: it cannot be written.
        """
        entries: list[str] = []
        if data and (self._in_force is None or self._in_force[0] != stream):
            self._enter(entries, stream, None, 0)
        for offset, moment in times:
            if self._in_force != (stream, moment):
                self._enter(entries, stream, moment, offset)
            self.first_time, self.last_time = moment if self.first_time is None else self.first_time, moment
        with open(self._index, "ab") as index, open(self._output, "ab") as output:
            index.write("".join(entries).encode())
            output.write(data)
        self.size_bytes += len(data)

    def _enter(self, entries: list[str], stream: str, moment: float | None, offset: int) -> None:
        if entries and offset == 0:
            entries.pop()  # the first line of the stream tells its time
        when = "null" if moment is None else f"{moment:.6f}"
        entries.append(f'{{"time":{when},"stream":"{stream}","offset":{self.size_bytes + offset}}}\n')
        self._in_force = stream, moment
