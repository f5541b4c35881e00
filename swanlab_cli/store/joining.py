"""Several processes, perhaps on several hosts, that write one run: they meet by what a file system does atomically.

On NFS too, a symbolic link, a directory and a hard link are made by one of those that try; what the others find is the server's
answer, however old their caches and whatever their clocks say.
"""

from __future__ import annotations

import json
import os
import re
import time

from ..errors import StoreError
from ..records import Header, Lane
from . import layout
from .writer import cannot_write, create_logdir, header_fields

_UNUSUAL = re.compile(r"[^A-Za-z0-9._+-]+")
_LONGEST_NAME = 200
_TRIES, _PAUSE_S = 50, 0.02


def meet(logdir: str, launch: str, offer: str) -> str:
    """What the first of those that meet under the name `launch` has offered: one word without a slash.

    Raises:
        StoreError: the log directory cannot be written.
    """
    path = os.path.join(logdir, layout.meeting(_UNUSUAL.sub("_", launch)[:_LONGEST_NAME]))
    try:
        create_logdir(logdir)
        for _ in range(_TRIES):
            try:
                os.symlink(offer, path)
            except FileExistsError:
                pass
            try:
                return os.readlink(path)
            except FileNotFoundError:  # an NFS client that has not seen it yet
                time.sleep(_PAUSE_S)
        raise StoreError(f"cannot join the run of '{launch}' in '{logdir}': its link exists, but cannot be read")
    except OSError as error:
        raise cannot_write(f"join the run of '{launch}' in '{logdir}'", error) from error


def enter(directory: str, header: Header) -> None:
    """Make the run's directory with its header, or find it there.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        _write_header_if_absent(directory, header)
    except OSError as error:
        raise cannot_write(f"create a run in '{os.path.dirname(directory)}'", error) from error


def claim_lane(directory: str, lane: Lane) -> bool:
    """Make the lane ours; False if it is somebody's.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        os.close(os.open(layout.output(directory, lane), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except FileExistsError:
        return False
    except OSError as error:
        raise StoreError(f"cannot write to the run in '{directory}': {error.strerror}") from error
    return True


def _write_header_if_absent(directory: str, header: Header) -> None:
    path = os.path.join(directory, layout.HEADER)
    if os.path.exists(path):
        return
    temporary = f"{path}.{_UNUSUAL.sub('_', header.host)}-{os.getpid()}"
    with open(temporary, "x") as file:
        json.dump(header_fields(header), file, indent=1, allow_nan=False)
        file.write("\n")
    try:
        os.link(temporary, path)
    except FileExistsError:  # another rank was first; all say the same
        pass
    except OSError:  # a file system without hard links
        os.rename(temporary, path)
        return
    os.unlink(temporary)
