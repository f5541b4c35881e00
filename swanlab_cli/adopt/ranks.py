"""Which rank and stream each of several files of saved output is, by their names or the order in which they are given."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..errors import UsageError
from .compressed import STDIN

BOTH, STDOUT, STDERR = "both", "stdout", "stderr"
_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz)$")
_STREAM = re.compile(r"\.(out|err|o|e)(?=\d*$)|(?<![A-Za-z])(stdout|stderr)(?![A-Za-z])")
_STREAMS = {"out": STDOUT, "o": STDOUT, "stdout": STDOUT, "err": STDERR, "e": STDERR, "stderr": STDERR}
_RANK = re.compile(r"rank[-_.=]?(\d{1,5})(?!\d)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_JOB_FILE = re.compile(r"slurm-\d+\*$")  # Slurm's default name: the number is the job's
_HIGHEST_RANK = 99_999


class SavedFile(NamedTuple):
    """One file of saved output."""

    path: str
    """As given; `-` for stdin."""
    rank: int
    stream: str
    """`both` unless its name says which of two it is."""


def assign(paths: Sequence[str]) -> list[SavedFile]:
    """What each file is, by rank, stdout first.

    Two whose names differ in .out and .err alone (also .o123 and .e123, stdout and stderr) are the streams of one rank. The rank
    is the number after `rank` in all names, or the only number in which all differ, else the place in the order given.

    Raises:
        UsageError: a file is given twice, or two are the same stream of the same rank.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        if path in (other for group in groups.values() for other in group):
            raise UsageError(f"'{path}' is given twice")
        groups.setdefault(_without_stream(path), []).append(path)
    ranks = _ranks(list(groups))
    files: list[SavedFile] = []
    for rank, group in zip(ranks, groups.values(), strict=True):
        files += [SavedFile(path, rank, _stream(path, is_alone=len(group) == 1)) for path in group]
    files.sort(key=lambda file: (file.rank, file.stream == STDERR))
    for one, other in pairwise(files):
        if one.rank == other.rank and (one.stream == other.stream or BOTH in (one.stream, other.stream)):
            raise UsageError(
                f"'{one.path}' and '{other.path}' are both rank {one.rank}", "give other names, or import them apart"
            )
    return files


def run_name(paths: Sequence[str]) -> str | None:
    """A name for the run: what the first file is called, without its ending; None for stdin."""
    if paths[0] == STDIN:
        return None
    stem = os.path.basename(_COMPRESSED.sub("", paths[0]))
    return os.path.splitext(stem)[0] or stem


def _without_stream(path: str) -> str:
    """The path with `*` for what tells the stream: equal for the two streams of one rank."""
    return _STREAM.sub("*", _COMPRESSED.sub("", path))


def _stream(path: str, is_alone: bool) -> str:
    """The stream that a name tells; a file .out alone has both, as schedulers write it by default."""
    matches = _STREAM.findall(_COMPRESSED.sub("", path))
    words = [_STREAMS[ending or word] for ending, word in matches]
    return words[-1] if words and (STDERR in words or not is_alone) else BOTH


def _ranks(names: Sequence[str]) -> list[int]:
    in_order = list(range(len(names)))
    if len(names) == 1:
        return in_order
    stated = [_RANK.search(os.path.basename(name)) or _RANK.search(name) for name in names]
    if all(stated):
        return [int(match[1]) for match in stated if match]
    if len({_NUMBER.sub("#", name) for name in names}) > 1 or any(_JOB_FILE.search(name) for name in names):
        return in_order
    columns = list(zip(*(map(int, _NUMBER.findall(name)) for name in names), strict=True))
    different = [column for column in columns if len(set(column)) > 1]
    if len(different) != 1 or max(different[0]) > _HIGHEST_RANK:
        return in_order
    return list(different[0])
