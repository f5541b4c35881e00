"""Reading the kernel's files: what is in them, and nothing where there is nothing to read, as of a process that has ended.

The long-lived recorder imports this module, so it imports nothing but `os`.
"""

from __future__ import annotations

import os

_PIECE_BYTES = 65536


def read_bytes(path: str, size: int | None = None) -> bytes:
    """What the file holds, `size` bytes at most; empty where it cannot be read.

    A process may end between any two looks at it: then open fails with ENOENT and read with ESRCH.
    """
    # By system calls: Python's own files cost twice as much, and a look at a hundred processes opens hundreds.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if size is not None:
            return os.read(descriptor, size)
        data = piece = os.read(descriptor, _PIECE_BYTES)
        while piece:
            piece = os.read(descriptor, _PIECE_BYTES)
            data += piece
        return data
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def read_text(path: str, size: int | None = None) -> str:
    """The same as text; bytes that are no UTF-8 as surrogate escapes."""
    return read_bytes(path, size).decode(errors="surrogateescape")
