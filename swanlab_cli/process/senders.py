"""Who sent a signal, as far as the kernel tells and as long as the sender can be looked at."""

from __future__ import annotations

from typing import NamedTuple

from .linux import SignalInfo

_LONGEST_COMMAND = 200


class Sender(NamedTuple):
    """The origin of a signal."""

    pid: int
    """0 for the kernel: a key of the terminal, a terminal that went away; also for a process of an outer pid namespace."""
    uid: int
    name: str | None
    """Of its program, None where it was gone already."""
    command: str | None
    """Its command line, cut at 200 characters."""


def find_sender(info: SignalInfo) -> Sender:
    """Who sent this signal; to be asked at once, since who sends a signal often ends next."""
    if info.sender == 0:
        return Sender(0, info.uid, None, None)
    name = _read(f"/proc/{info.sender}/comm").rstrip("\n") or None
    words = _read(f"/proc/{info.sender}/cmdline").rstrip("\0").split("\0")
    return Sender(info.sender, info.uid, name, " ".join(words)[:_LONGEST_COMMAND] or None)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(4096).decode(errors="replace")
    except OSError:
        return ""
