"""Looks through all that is recorded of a run for secrets that were not masked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..environment.secrets import Redactor
from ..store.files import list_files, open_read

# Lines longer than that are looked at in parts, which overlap by as much as a key is long.
_PART_BYTES, _OVERLAP_BYTES = 1 << 20, 8 << 10
_SHOWN = 4
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,20}PRIVATE KEY-----")
# Newlines of a text are masked as they are, in JSON two characters each.
_MASKED = re.compile(r"\\[nrt]|[\s*]")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{16,}")
_TEXTS = (".json", ".jsonl", ".output", ".index", ".txt", ".html")


class Finding(NamedTuple):
    """Something that looks like a secret."""

    file: str
    """Below the run directory."""
    line: int
    """Its line, from 1."""
    kind: str
    shown: str
    """Its first characters, the others masked."""


def audit(directory: str, redactor: Redactor) -> Iterator[Finding]:
    """What `redactor` would mask in the files of a run, in order; each place once.

    Raises:
        OSError: a file cannot be read.
    """
    for name in list_files(directory):
        if name.endswith(_TEXTS) or ".inbox-" in name:
            yield from _audit_file(os.path.join(directory, name), name, redactor)


def _audit_file(path: str, name: str, redactor: Redactor) -> Iterator[Finding]:
    is_in_key = False
    for number, text in _lines(path):
        seen: set[tuple[int, int]] = set()
        for start, end, kind in redactor.spans(text):
            secret = text[start:end]
            if _MASKED.sub("", secret) and (start, end) not in seen:
                seen.add((start, end))
                yield Finding(name, number, kind, _shown(secret))
        # A key over several lines of output; in JSON it is on one.
        if is_in_key and _KEY_LINE.search(text):
            yield Finding(name, number, "private key", _shown(text.strip()))
        is_in_key = _is_open(text, is_in_key)


def _is_open(text: str, was_open: bool) -> bool:
    """Whether a line ends inside of a private key."""
    begins = max((match.start() for match in _KEY_BEGINS.finditer(text)), default=-1)
    ends = max((match.start() for match in _KEY_ENDS.finditer(text)), default=-1)
    return begins > ends or (was_open and ends < 0)


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Each line with its number, without colours; long ones in parts."""
    with open_read(path) as file:
        number, rest = 1, b""
        while True:
            part = file.readline(_PART_BYTES)
            if not part:
                return
            yield number, _ESCAPES.sub("", (rest + part).decode(errors="replace"))
            is_whole = part.endswith(b"\n")
            number, rest = number + is_whole, b"" if is_whole else part[-_OVERLAP_BYTES:]


def _shown(secret: str) -> str:
    return secret[:_SHOWN] + "*" * min(len(secret) - _SHOWN, 16)
