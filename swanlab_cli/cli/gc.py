"""`gc`: less space for runs that have ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence

from ..errors import StoreError, SwanlabError, UsageError
from ..recorder.packing import has_ended, pack_run, unpack_run
from ..store.files import is_packed
from ..store.reader import find_run, list_directories
from .text import size


def collect_garbage(logdir: str, names: Sequence[str], pack: bool, unpack: bool, as_json: bool) -> int:
    """Pack or unpack each run, or pack all that have ended where none is named: the exit status, 1 where one could not be.

    Raises:
        UsageError: it is not said what is to be done.
    """
    if pack == unpack or (unpack and not names):
        raise UsageError("nothing to do", "swanlab gc --pack [RUN]... or swanlab gc --unpack RUN...")
    exit_status = 0
    for name in names or _packable(logdir):
        try:
            directory = find_run(logdir, name)
            if pack:
                _pack(directory, as_json)
            else:
                unpack_run(directory)
        except SwanlabError as error:  # the other runs are none the worse for it
            print(f"swanlab: {error.message}", *([f"swanlab: {error.hint}"] if error.hint else []), sep="\n", file=sys.stderr)
            exit_status = 1
    return exit_status


def _pack(directory: str, as_json: bool) -> None:
    packed = pack_run(directory)
    if as_json:
        print(json.dumps(packed._asdict()), flush=True)
    else:
        change = f"{size(packed.bytes_before)}, now {size(packed.bytes_after)}"
        print(f"swanlab: packed {packed.run_id}: {change} in {packed.path}", file=sys.stderr)


def _packable(logdir: str) -> Iterator[str]:
    """The paths of the runs that can be packed."""
    for directory in list_directories(logdir):
        try:
            if not is_packed(directory) and has_ended(directory):
                yield directory
        except StoreError as error:
            print(f"swanlab: {error.message}", file=sys.stderr)
