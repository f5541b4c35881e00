"""Saved output adopted as a run: its bytes exactly, the times that its lines tell, and nothing that nobody knows."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import __version__
from ..environment.redaction import redact_header, redactor_for
from ..errors import StoreError, SwanlabError
from ..records import End, Event, Header, Lane
from ..store.staging import AdoptedOutput, StagedRun
from ..store.state import host_identity, process_started
from .compressed import BLOCK_BYTES, read_saved
from .labels import Unlabeller, is_labelled, labels_in
from .ranks import SavedFile, assign, run_name
from .timestamps import Timestamps


class Choices(NamedTuple):
    """What the user says of a run that is imported."""

    id: str
    project: str
    name: str | None
    """None: the first file's name."""
    tags: tuple[str, ...]
    group: str | None
    job_type: str | None
    notes: str | None
    config: Mapping[str, Any]
    parse: str
    patterns: tuple[str, ...]
    step_key: str | None
    logdir: str
    is_utc: bool
    """Times without a zone are UTC, not local."""
    has_labels: bool | None
    """Whether lines begin with a rank; None: if they look like it."""


class AdoptedFile(NamedTuple):
    """What became of one file, or of one rank in a file with labels."""

    file: str
    rank: int
    stream: str
    bytes: int


class Adopted(NamedTuple):
    """A run that was imported."""

    header: Header
    directory: str
    finished_at: float | None
    files: Sequence[AdoptedFile]


def import_output(paths: Sequence[str], choices: Choices, spare_name: str, derive: Callable[[str, Header], object]) -> Adopted:
    """Make one run of saved output; the log directory has all of it or nothing.

    `derive` appends the points of a run directory, `spare_name` is for a run that no file gives a name.

    Raises:
        UsageError: the files cannot be one run.
        StoreError: the run cannot be written.
        SwanlabError: a file cannot be read, or there is no output.
    """
    files = assign(paths)
    run = StagedRun(choices.logdir, choices.id)
    try:
        outputs = _Outputs(run.directory, choices.is_utc)
        parts = [part for file in files for part in _copy(file, outputs, choices.has_labels if len(files) == 1 else False)]
        if not any(part.bytes for part in parts):
            raise SwanlabError(f"cannot import {', '.join(map(repr, paths))}: nothing was printed there")
        header = _header(paths, choices, spare_name, run.created_at, outputs.started_at())
        header = redact_header(header, redactor_for(header.command, os.environ, header.config))
        event = Event(run.created_at, "import", {"files": [part._asdict() for part in parts]})
        ends = outputs.ends(header.started_at)
        run.describe(header, ends, [event])
        derive(run.directory, header)
        directory = run.publish()
    except BaseException as error:  # also Ctrl-C: half a run must not stay
        run.discard()
        if isinstance(error, OSError):
            raise StoreError(f"cannot write a run to '{choices.logdir}': {error.strerror}") from error
        raise
    finished = [end.ended_at for end in ends.values() if end.ended_at is not None]
    return Adopted(header, directory, max(finished, default=None), parts)


class _Outputs:
    """The output of each rank, by rank."""

    def __init__(self, directory: str, is_utc: bool) -> None:
        self._directory = directory
        self._is_utc = is_utc
        self._ranks: dict[int, AdoptedOutput] = {}

    def of(self, rank: int) -> AdoptedOutput:
        return self._ranks.get(rank) or self._ranks.setdefault(rank, AdoptedOutput(self._directory, Lane(0, rank)))

    def timestamps(self) -> Timestamps:
        return Timestamps(self._is_utc)

    def started_at(self) -> float | None:
        """The earliest of the ranks' first times."""
        return min((output.first_time for output in self._ranks.values() if output.first_time is not None), default=None)

    def ends(self, started_at: float | None) -> dict[Lane, End]:
        """What can be said of each lane's end."""
        return {Lane(0, rank): _end(output, started_at) for rank, output in self._ranks.items()}


def _end(output: AdoptedOutput, started_at: float | None) -> End:
    ended_at = output.last_time
    duration_s = None if ended_at is None or started_at is None else ended_at - started_at
    return End(
        ended_at=ended_at,
        duration_s=None if duration_s is None or duration_s < 0 else duration_s,  # a clock was set back, or zones differ
        exit_code=None,
        signal=None,
        error=None,
        signals=(),
        cpu_s=None,
        max_process_memory_bytes=None,
        output_bytes=output.size_bytes,
        lost_bytes=0,
        overhead={},
    )


def _copy(file: SavedFile, outputs: _Outputs, has_labels: bool | None) -> list[AdoptedFile]:
    """Append a file to the output of its rank, or of each rank whose label its lines have."""
    blocks = read_saved(file.path)
    first = next(blocks, b"")
    if is_labelled(first) if has_labels is None else has_labels:
        return _copy_labelled(file, first, blocks, outputs)
    output, times = outputs.of(file.rank), outputs.timestamps()
    before = output.size_bytes
    for lines, is_line_start in _whole_lines(first, blocks):
        output.append(file.stream, lines, times.find(lines, is_line_start))
    return [AdoptedFile(file.path, file.rank, file.stream, output.size_bytes - before)]


def _copy_labelled(file: SavedFile, first: bytes, blocks: Iterator[bytes], outputs: _Outputs) -> list[AdoptedFile]:
    labels = labels_in(first)
    if not labels:
        raise SwanlabError(f"cannot import '{file.path}' by ranks: no line begins with one, as in '0: text'")
    unlabeller = Unlabeller(min(labels))
    times: dict[int, Timestamps] = {}
    for lines, is_line_start in _whole_lines(first, blocks):
        for rank, part in unlabeller.split(lines).items():
            stamps = times.get(rank) or times.setdefault(rank, outputs.timestamps())
            outputs.of(rank).append(file.stream, part, stamps.find(part, is_line_start))
    return [AdoptedFile(file.path, rank, file.stream, outputs.of(rank).size_bytes) for rank in sorted(times)]


def _whole_lines(first: bytes, blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The bytes, cut behind newlines, each piece with whether it begins a line; only lines over 1 MiB come in pieces."""
    pending, is_line_start = first, True
    while True:
        cut = pending.rfind(b"\n") + 1
        if not cut and len(pending) >= BLOCK_BYTES:
            cut = len(pending)
        if cut:
            yield pending[:cut], is_line_start
            is_line_start = pending[cut - 1 : cut] == b"\n"
        block = next(blocks, None)
        if block is None:
            break
        pending = pending[cut:] + block
    if pending[cut:]:
        yield pending[cut:], is_line_start


def _header(paths: Sequence[str], choices: Choices, spare_name: str, imported_at: float, started_at: float | None) -> Header:
    """What is known of the run; machine and process are those of the import."""
    host, boot_id, pid_namespace = host_identity()
    return Header(
        id=choices.id,
        project=choices.project,
        name=choices.name or run_name(paths) or spare_name,
        chosen=(),
        tags=choices.tags,
        group=choices.group,
        job_type=choices.job_type,
        notes=choices.notes,
        config=dict(choices.config),
        command=("import", *paths),
        cwd=os.getcwd(),
        user=_user(),
        host=host,
        boot_id=boot_id,
        pid_namespace=pid_namespace,
        pid=os.getpid(),
        pid_started=process_started(os.getpid()),
        started_at=started_at,
        parse=choices.parse,
        patterns=choices.patterns,
        step_key=choices.step_key,
        version=__version__,
        imported_at=imported_at,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return str(os.getuid())
