"""`import`: saved output as a run."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..adopt.output import Adopted, Choices, import_output
from ..errors import UsageError
from ..parser import MODES
from ..recorder.header import working_directory
from ..recorder.naming import new_id, new_name
from ..recorder.reparse import check_options, derive_into
from ..recorder.view import iso_time
from ..records import Header
from ..settings import RunSettings, parse_pair, resolve_run_settings
from .text import size


def import_files(paths: Sequence[str], flags: Mapping[str, Any], is_utc: bool, has_labels: bool | None, as_json: bool) -> None:
    """Import the files as one run and say what became of them; `flags` are by setting name, as typed.

    Raises:
        UsageError, SettingsError: the options or the files cannot be used.
        SwanlabError: a file cannot be read, or the run cannot be written.
    """
    settings = resolve_run_settings(_check(flags), os.environ, working_directory())
    _end_cleanly()
    point_count = 0

    def derive(directory: str, header: Header) -> None:
        nonlocal point_count
        check_options(header)
        point_count = sum(derive_into(directory, header).values())

    adopted = import_output(paths, _choices(settings, is_utc, has_labels), new_name(), derive)
    if as_json:
        print(json.dumps(_result_json(adopted, point_count)))
        return
    for file in adopted.files:
        stream = "" if file.stream == "both" else f", {file.stream}"
        print(f"swanlab: {file.file}: rank {file.rank}{stream}, {size(file.bytes)}", file=sys.stderr)
    print(f"swanlab: imported {point_count} points; swanlab show {adopted.header.id}", file=sys.stderr)


def _check(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags as settings; refuses a mode or a pair that cannot be used."""
    checked = {name: tuple(value) if isinstance(value, list) else value for name, value in flags.items()}
    if checked.get("parse") not in (None, *MODES):
        raise UsageError(f"--parse: '{checked['parse']}' is not one of {', '.join(MODES)}")
    try:
        return checked | {"config": dict(map(parse_pair, checked.get("config", ())))}
    except ValueError as error:
        raise UsageError(f"--config: {error}") from error


def _choices(settings: RunSettings, is_utc: bool, has_labels: bool | None) -> Choices:
    return Choices(
        id=new_id(),
        project=settings.project or os.path.basename(working_directory()) or "default",
        name=settings.name,
        tags=settings.tags,
        group=settings.group,
        job_type=settings.job_type,
        notes=settings.notes,
        config=settings.config,
        parse=settings.parse,
        patterns=settings.patterns,
        step_key=settings.step_key,
        logdir=settings.logdir,
        is_utc=is_utc,
        has_labels=has_labels,
    )


def _end_cleanly() -> None:
    """Have requests to end raise, so that no half of a run is left behind."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, leave)


def _result_json(adopted: Adopted, point_count: int) -> dict[str, Any]:
    return {
        "id": adopted.header.id,
        "name": adopted.header.name,
        "directory": adopted.directory,
        "started_at": iso_time(adopted.header.started_at),
        "finished_at": iso_time(adopted.finished_at),
        "imported_at": iso_time(adopted.header.imported_at),
        "points": point_count,
        "files": [file._asdict() for file in adopted.files],
    }
