"""Saved output as it was before it was compressed: what a file's first bytes say counts, not its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from typing import IO, cast

from ..errors import SwanlabError

STDIN = "-"
BLOCK_BYTES = 1 << 20
_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_LONGEST_MAGIC = 6
_TEXT_CONTROLS = b"\a\b\t\n\v\f\r\x1b"
_CONTROLS = bytes(byte for byte in range(32) if byte not in _TEXT_CONTROLS)
_MOST_CONTROLS = 0.05  # of random bytes a tenth are control characters, of the output of a program that draws hardly any


def read_saved(path: str) -> Iterator[bytes]:
    """The bytes of a file, `-` for stdin, decompressed, in blocks of 1 MiB; the last may be shorter, and an empty file has none.

    Raises:
        SwanlabError: it cannot be read, its compressed data is broken, or it is no output of a program.
    """
    done = 0
    try:
        with open(0 if path == STDIN else path, "rb", closefd=path != STDIN) as raw:
            file = _decompressed(path, raw)
            while block := file.read(BLOCK_BYTES):
                if not done:
                    _refuse_binary(path, block)
                yield block
                done += len(block)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _broken(path, done, str(error)) from error
    except OSError as error:
        if error.errno is None:  # bz2's way to say that data is broken
            raise _broken(path, done, str(error)) from error
        raise SwanlabError(f"cannot read '{path}': {error.strerror}") from error


def _decompressed(path: str, raw: io.BufferedReader) -> IO[bytes]:
    head = raw.read(_LONGEST_MAGIC)
    source = cast(IO[bytes], io.BufferedReader(_Rejoined(head, raw), BLOCK_BYTES))
    if head.startswith(_GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=source))
    if head.startswith(_BZIP2):
        return cast(IO[bytes], bz2.BZ2File(source))
    if head.startswith(_XZ):
        return cast(IO[bytes], lzma.LZMAFile(source))
    if head.startswith(_ZSTD):
        raise SwanlabError(f"cannot read '{path}': it is compressed by zstd", f"zstd -dc {path} | swanlab import -")
    return source


class _Rejoined(io.RawIOBase):
    """A file whose first bytes have been read already, and which may be a pipe."""

    def __init__(self, head: bytes, rest: io.BufferedReader) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self._head[: len(view)] if self._head else self._rest.read1(len(view))
        self._head = self._head[len(view) :]
        view[: len(data)] = data
        return len(data)


def _refuse_binary(path: str, block: bytes) -> None:
    controls = len(block) - len(block.translate(None, _CONTROLS))
    if controls > _MOST_CONTROLS * len(block):
        raise SwanlabError(f"cannot import '{path}': it is binary data, not what a program printed")


def _broken(path: str, done: int, reason: str) -> SwanlabError:
    return SwanlabError(
        f"cannot read '{path}': its compressed data is broken after {done} bytes: {reason}",
        f"to import what can be read: zcat '{path}' | swanlab import -",
    )
