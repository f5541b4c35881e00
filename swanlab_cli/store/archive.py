"""Packed runs: the directory of a run that has ended as one ZIP file beside where it was, `run-....zip`.

store/files.py reads it as if it were still there: what is wanted is unpacked into a file without a name, so that all that
readers do with files they can do with these too. Imported where there is a packed run.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import zipfile
from collections import OrderedDict
from typing import BinaryIO

from ..errors import StoreError
from .files import SUFFIX, list_files

_TIMES = "times.json"
"""The member with the times at which files were written, in nanoseconds by name: ZIP keeps two seconds, in local time."""
_COMPRESSED = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp3", ".ogg", ".flac", ".mp4", ".webm", ".zip", ".gz")
_MOST_ARCHIVES, _MOST_MEMBERS = 8, 64
_COPY_BYTES = 1 << 20


class _Archives:
    """The archives that were read last, and what was unpacked of them."""

    def __init__(self) -> None:
        self._archives: OrderedDict[str, zipfile.ZipFile] = OrderedDict()
        self._members: OrderedDict[tuple[str, str], BinaryIO] = OrderedDict()

    def archive(self, directory: str) -> zipfile.ZipFile:
        """That of a packed run.

        Raises:
            FileNotFoundError: there is none.
            StoreError: it is damaged.
        """
        path = directory + SUFFIX
        if path not in self._archives:
            try:
                self._archives[path] = zipfile.ZipFile(path)
            except FileNotFoundError:
                raise
            except (OSError, zipfile.BadZipFile) as error:
                raise StoreError(f"cannot read the packed run '{path}': {error}") from error
        self._archives.move_to_end(path)
        while len(self._archives) > _MOST_ARCHIVES:
            self._archives.popitem(last=False)[1].close()
        return self._archives[path]

    def open(self, directory: str, name: str) -> BinaryIO:
        """A member, opened like a file.

        Raises:
            FileNotFoundError: there is none.
            StoreError: the archive is damaged.
        """
        key = directory, name
        if key not in self._members:
            archive = self.archive(directory)
            if name not in archive.NameToInfo:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{directory}/{name}")
            self._members[key] = _unpack(archive, name)
        self._members.move_to_end(key)
        while len(self._members) > _MOST_MEMBERS:
            self._members.popitem(last=False)[1].close()
        return open(f"/proc/self/fd/{self._members[key].fileno()}", "rb")


_archives = _Archives()


def open_member(directory: str, name: str) -> BinaryIO:
    """A file of a packed run, opened.

    Raises:
        FileNotFoundError: it has no such file, or is not packed, as with the other functions.
        StoreError: the archive is damaged, as with the other functions.
    """
    return _archives.open(directory, name)


def member_names(directory: str) -> list[str]:
    """The names of the files and folders of a packed run."""
    return sorted({name.partition("/")[0] for name in member_files(directory)})


def member_files(directory: str) -> list[str]:
    """The names of all files of a packed run, in order."""
    return sorted(name for name in _archives.archive(directory).namelist() if name != _TIMES)


def member_modified_ns(directory: str, name: str) -> int:
    """When a file of a packed run was written, nanoseconds since 1970."""
    with open_member(directory, _TIMES) as times:
        moment = json.load(times).get(name)
    if not isinstance(moment, int):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{directory}/{name}")
    return moment


def pack(directory: str) -> tuple[int, int]:
    """Make one file of a run that nobody writes to any more: bytes before and after.

    The directory goes when the file is whole on the disk: who is killed meanwhile leaves at least one of both.

    Raises:
        StoreError: it cannot be read or written.
    """
    path, part, gone = directory + SUFFIX, _hidden(directory, "part"), _hidden(directory, "packed")
    try:
        names = list_files(directory)
        with open(part, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                times = {name: _add(archive, directory, name) for name in names}
                archive.writestr(_TIMES, json.dumps(times))
            file.flush()
            os.fsync(file.fileno())
        _check(part, directory, names)
        os.rename(part, path)
        before = sum(os.path.getsize(os.path.join(directory, name)) for name in names)
        os.rename(directory, gone)  # at once, lest half of it be taken for the run
        shutil.rmtree(gone)
    except OSError as error:
        raise StoreError(f"cannot pack the run in '{directory}': {error.strerror or error}") from error
    return before, os.path.getsize(path)


def unpack(directory: str) -> None:
    """Make a directory of a packed run again.

    Raises:
        StoreError: it cannot be read or written.
    """
    path, part = directory + SUFFIX, _hidden(directory, "part")
    try:
        archive = _archives.archive(directory)
        shutil.rmtree(part, ignore_errors=True)
        archive.extractall(part)
        with open(os.path.join(part, _TIMES), "rb") as file:
            times = json.load(file)
        os.unlink(os.path.join(part, _TIMES))
        for name, moment in times.items():
            os.utime(os.path.join(part, name), ns=(moment, moment))
        os.rename(part, directory)
        os.unlink(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise StoreError(f"cannot unpack '{path}': {error}") from error


def _hidden(directory: str, ending: str) -> str:
    """A name beside the run's that is no run's."""
    folder, name = os.path.split(directory)
    return os.path.join(folder, f".{name}.{ending}")


def _unpack(archive: zipfile.ZipFile, name: str) -> BinaryIO:
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # it stays open as long as it is wanted
        with archive.open(name) as member:
            shutil.copyfileobj(member, file, _COPY_BYTES)
        file.flush()
    except (OSError, zipfile.BadZipFile) as error:
        raise StoreError(f"cannot read '{name}' in '{archive.filename}': {error}") from error
    return file


def _add(archive: zipfile.ZipFile, directory: str, name: str) -> int:
    """Add a file; when it was written."""
    path = os.path.join(directory, name)
    info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    info.compress_type = zipfile.ZIP_STORED if name.lower().endswith(_COMPRESSED) else zipfile.ZIP_DEFLATED
    with open(path, "rb") as file, archive.open(info, "w", force_zip64=True) as member:
        shutil.copyfileobj(file, member, _COPY_BYTES)
    return os.stat(path).st_mtime_ns


def _check(part: str, directory: str, names: list[str]) -> None:
    """See that all that is in the directory can be read from the archive.

    Raises:
        OSError: it cannot, or something was written meanwhile.
    """
    with zipfile.ZipFile(part) as archive:
        broken = archive.testzip()
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    changed = [name for name in list_files(directory) if sizes.get(name) != os.path.getsize(os.path.join(directory, name))]
    if broken or changed or len(names) + 1 != len(sizes):
        raise OSError(f"'{broken or ', '.join(changed)}' was written to meanwhile")
