"""Who sent a signal, as far as the kernel tells and as long as the sender can be looked at."""

from __future__ import annotations

from .linux import SignalInfo

_LONGEST_COMMAND = 200


def find_sender(info: SignalInfo) -> dict[str, int | str | None]:
    """Who sent this signal; to be asked at once, since who sends a signal often ends next.

    `pid`: 0 for the kernel (a key of the terminal, a terminal that went away) and for a process of an outer pid namespace; `uid`;
    `name` of its program and `command` line, cut at 200 characters, None where it was gone already.
    """
    if info.sender == 0:
        return {"pid": 0, "uid": info.uid, "name": None, "command": None}
    name = _read(f"/proc/{info.sender}/comm").rstrip("\n") or None
    words = _read(f"/proc/{info.sender}/cmdline").rstrip("\0").split("\0")
    return {"pid": info.sender, "uid": info.uid, "name": name, "command": " ".join(words)[:_LONGEST_COMMAND] or None}


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(4096).decode(errors="replace")
    except OSError:
        return ""
