"""Pythons that appear among the child's processes, however late: which are new since the last look.

The long-lived recorder imports this module, so it imports little, and looks as often as is cheap.
"""

from __future__ import annotations

import os
import re
import time

from .kernel import read_bytes
from .tree import tree_pids

# A script may start several Pythons within its first second; later ones are no less welcome but live longer.
_FIRST_PAUSE_S, _LAST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5, 10.0
# Rest for each moment of looking: 0.025 % of a processor, whatever the number of processes.
_REST = 4000
# Of distinct ones. A run that has more makes a new virtual environment for each of its tests, say.
_MOST = 32
PYTHON = re.compile(r"(python|pypy)[\d.]*[a-z]*(-dbg)?")
"""Names of interpreters."""


class Sightings:
    """Looks at the tree of one process again and again."""

    def __init__(self, pid: int) -> None:
        """`pid` is the child; while it is still a copy of us, before its exec, it does not count."""
        self._pid = pid
        self._own = read_bytes(f"/proc/{os.getpid()}/cmdline")
        self._kinds: set[tuple[bytes, ...]] = set()
        self._members: dict[int, tuple[bytes, ...]] = {}
        self._pause_s = _FIRST_PAUSE_S
        self._next = time.monotonic()

    def look(self) -> list[int]:
        """Processes that run a Python not seen before, one for each; none before it is time to look again."""
        now = time.monotonic()
        if now < self._next or len(self._kinds) >= _MOST:
            return []
        began = time.thread_time()
        members: dict[int, tuple[bytes, ...]] = {}
        found = [pid for pid in tree_pids(self._pid) if self._is_new(pid, members)]
        self._members = members
        self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)
        self._next = now + min(max(self._pause_s, _REST * (time.thread_time() - began)), _LONGEST_PAUSE_S)
        return found

    def _is_new(self, pid: int, members: dict[int, tuple[bytes, ...]]) -> bool:
        try:
            program = os.readlink(f"/proc/{pid}/exe".encode())
        except OSError:
            return False  # ended, or another user's
        command = read_bytes(f"/proc/{pid}/cmdline")
        name = command.split(b"\0", 1)[0]
        is_python = any(PYTHON.fullmatch(os.fsdecode(os.path.basename(path))) for path in (program, name))
        if not is_python or command == self._own:
            return False
        members[pid] = (program, name)
        if self._members.get(pid) == members[pid]:
            return False
        # The same name is another Python where another virtual environment is activated.
        entries = read_bytes(f"/proc/{pid}/environ").split(b"\0")
        kind = (program, name, *(entry for entry in entries if entry.startswith((b"PATH=", b"PYTHONHOME=", b"VIRTUAL_ENV="))))
        if kind in self._kinds:
            return False
        self._kinds.add(kind)
        return True
