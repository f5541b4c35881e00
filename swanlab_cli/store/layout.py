"""Names: of the run directory, of the files in it, and of the shim's folder."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable

from ..records import Lane
from .files import SUFFIX, list_names

HEADER = "run.json"
_INBOX = "inbox-"
_DIRECTORY = re.compile(r"run-\d{8}_\d{6}-(.+)")
_LANE_FILE = re.compile(r"a(\d+)-r(\d+)\.")
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def directory_name(run_id: str, started_at: float) -> str:
    """`run-YYYYMMDD_HHMMSS-ID`, in UTC."""
    return time.strftime("run-%Y%m%d_%H%M%S-", time.gmtime(started_at)) + run_id


def run_id_of(name: str) -> str | None:
    """The run id in a directory's name, or None where it is no run directory."""
    match = _DIRECTORY.fullmatch(name)
    return match[1] if match else None


def run_names(names: Iterable[str]) -> set[str]:
    """The names of the runs' directories among those in a log directory, whether they are there or packed."""
    return {plain for plain in (name.removesuffix(SUFFIX) for name in names) if run_id_of(plain) is not None}


def meeting(name: str) -> str:
    """Name of the symbolic link in a log directory by which the processes of one launch agree on their run."""
    return f".join-{name}"


def staging_directory(directory: str) -> str:
    """Where a run directory is made before it gets its name: beside it, under a name that is no run's."""
    parent, name = os.path.split(directory)
    return os.path.join(parent, f".import-{name}")


def lanes(directory: str) -> list[Lane]:
    """The lanes that have files, ascending; the first lane where there are no files yet.

    Raises:
        FileNotFoundError: there is no such directory.
    """
    matches = (_LANE_FILE.match(name) for name in list_names(directory))
    return sorted({Lane(int(match[1]), int(match[2])) for match in matches if match}) or [Lane()]


def output(directory: str, lane: Lane) -> str:
    """Path of the lane's output, exact bytes."""
    return _path(directory, lane, "output")


def output_index(directory: str, lane: Lane) -> str:
    """Path of the lane's output index."""
    return _path(directory, lane, "output.index")


def metrics(directory: str, lane: Lane) -> str:
    """Path of the lane's points."""
    return _path(directory, lane, "metrics.jsonl")


def events(directory: str, lane: Lane) -> str:
    """Path of the lane's events."""
    return _path(directory, lane, "events.jsonl")


def environment(directory: str, lane: Lane) -> str:
    """Path of the lane's facts: machine, interpreter, packages, git, script."""
    return _path(directory, lane, "environment.jsonl")


def samples(directory: str, lane: Lane) -> str:
    """Path of the lane's samples of processes and accelerators."""
    return _path(directory, lane, "samples.jsonl")


def end(directory: str, lane: Lane) -> str:
    """Path of the lane's end record."""
    return _path(directory, lane, "end.json")


def inbox_prefix(directory: str, lane: Lane) -> str:
    """What the shim puts its host's name behind to get its file."""
    return _path(directory, lane, _INBOX)


def inbox(directory: str, lane: Lane, host: str) -> str:
    """Path of this host's inbox; a character of its name that a file's name should not have becomes `_`, as in the shim."""
    return inbox_prefix(directory, lane) + _UNUSUAL.sub("_", host)


def inboxes(directory: str, lane: Lane) -> dict[str, str]:
    """Host name and path of each inbox there is."""
    prefix = os.path.basename(inbox_prefix(directory, lane))
    names = sorted(name for name in list_names(directory) if name.startswith(prefix))
    return {name[len(prefix) :]: os.path.join(directory, name) for name in names}


def shim_directory() -> str:
    """The folder that holds the `swanlab` module for the child and nothing else.

    A wheel has it inside the package, a checkout beside it.
    """
    installed = os.path.join(_PACKAGE, "shim")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(_PACKAGE), "shim")


def _path(directory: str, lane: Lane, name: str) -> str:
    return os.path.join(directory, lane_prefix(lane) + name)


def lane_prefix(lane: Lane) -> str:
    """What the names of all of the lane's files begin with."""
    return f"a{lane.attempt}-r{lane.rank}."
