"""`swanlab run`: the one command whose start counts, so it imports what starting the child needs and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import SwanlabError
from ..process.signals import die_of
from ..recorder.header import working_directory
from ..recorder.run import Ending, Talk, record
from ..settings import resolve_run_settings
from ..store.state import ended_state
from .options import parse_run_arguments, run_help
from .text import duration


def run(arguments: Sequence[str]) -> NoReturn:
    """Do what `swanlab run ARGUMENTS` asks for and end this process as the command ended."""
    try:
        parsed = parse_run_arguments(arguments)
        if parsed.wants_help:
            print(run_help())
            sys.exit(0)
        settings = resolve_run_settings(parsed.flags, os.environ, working_directory())
        ending = record(parsed.command, settings, Talk(_nothing if settings.quiet else _say_started, _say_untracked))
    except SwanlabError as error:
        _say(error.message)
        if error.hint:
            _say(error.hint)
        sys.exit(error.exit_code)
    for warning in ending.warnings:
        _say(warning)
    if not settings.quiet and ending.lane.rank == 0:
        _say(_describe(ending))
    if ending.signal_number is not None:
        die_of(ending.signal_number)
    os._exit(ending.exit_code)  # all is written; Python's own clean-up would only delay the user


def _describe(ending: Ending) -> str:
    parts = [f"{ended_state(ending.end)} in {duration(ending.end.duration_s or 0.0)}"]
    if ending.counts.get("points"):
        parts.append(f"{ending.counts['points']} points")
    if ending.counts.get("dropped"):
        parts.append(f"{ending.counts['dropped']} dropped because their step was taken")
    return ", ".join(parts) + f"; swanlab show {ending.run_id}"


def _say_started(run_id: str, directory: str) -> None:
    _say(f"recording run {run_id} in {directory}")


def _say_untracked(reason: str) -> None:
    _say(f"{reason}; the command runs without being recorded")


def _nothing(_run_id: str, _directory: str) -> None:
    """Say nothing, as --quiet asks."""


def _say(text: str) -> None:
    """One line on stderr, if there is one."""
    try:
        os.write(2, f"swanlab: {text}\n".encode(errors="surrogateescape"))
    except OSError:  # closed, full or gone: what we say must never matter to the command
        pass
