"""Files of runs for reading: where a run is packed into one file, they are read from there (store/archive.py).

Imported before the child starts, so it imports next to nothing.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from ..errors import StoreError

SUFFIX = ".zip"
"""What the name of a packed run's file ends in, after that of its directory."""
_DEEPEST = 3
"""How deep below a run's directory files can lie: `media/KEY/FILE`."""


def open_read(path: str) -> BinaryIO:
    """A file of a run, opened for reading.

    Raises:
        OSError: there is no such file.
        StoreError: the run is packed and its file is damaged, as with the other functions.
    """
    try:
        return open(path, "rb")
    except FileNotFoundError:
        place = _packed(path)
        if place is None:
            raise
        from .archive import open_member  # who packs nothing does without

        return open_member(*place)


def size(path: str) -> int:
    """Bytes in a file of a run.

    Raises:
        OSError: there is no such file.
    """
    with open_read(path) as file:
        return os.fstat(file.fileno()).st_size


def modified_ns(path: str) -> int:
    """When a file of a run was written last, in nanoseconds since 1970 by its file system's clock.

    Raises:
        OSError: there is no such file.
    """
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        place = _packed(path)
        if place is None:
            raise
        from .archive import member_modified_ns

        return member_modified_ns(*place)


def exists(path: str) -> bool:
    """Whether a run has this file, as far as it can be read."""
    try:
        modified_ns(path)
    except (OSError, StoreError):
        return False
    return True


def list_names(directory: str) -> list[str]:
    """The names of the files and folders in a run's directory.

    Raises:
        FileNotFoundError: there is no such run, packed or not.
    """
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        if not is_packed(directory):
            raise
        from .archive import member_names

        return member_names(directory)


def list_files(directory: str) -> list[str]:
    """The names of all files of a run, those in folders too, below its directory and in order.

    Raises:
        FileNotFoundError: there is no such run, packed or not.
    """
    if is_packed(directory):
        from .archive import member_files

        return member_files(directory)
    names = []
    for folder, _, found in os.walk(directory):
        below = "" if folder == directory else os.path.relpath(folder, directory) + os.sep
        names += [below + name for name in found]
    return sorted(names)


def is_packed(directory: str) -> bool:
    """Whether what there is of a run is its packed file: while it is being packed the directory counts."""
    return os.path.isfile(directory + SUFFIX) and not os.path.isdir(directory)


def _packed(path: str) -> tuple[str, str] | None:
    """The directory of the packed run that a path is in, and the name in it; None where it is in none."""
    directory, name = os.path.split(path)
    for _ in range(_DEEPEST):
        if is_packed(directory):
            return directory, name
        directory, last = os.path.split(directory)
        name = f"{last}/{name}"
    return None
