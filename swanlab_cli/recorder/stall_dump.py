"""Where the Python processes of a stalled command stand, as py-spy tells. Runs in an errand."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from ..environment.program import ask, find_program
from ..environment.sightings import PYTHON
from ..environment.target import ProbeError
from ..records import Json

_ALL_S, _EACH_S = 20.0, 5.0
_MOST_BYTES = 64 * 1024
MISSING = "--stall-dump: py-spy is not on the PATH; pip install py-spy"


def dump(pids: Sequence[int], since: float) -> Json:
    """`since` when it stalls; `processes`, each with `pid` and `stack`, the text of `py-spy dump`, or `error`; `error` where
    there is no py-spy. All stacks together have 64 KiB at most, and take 25 s at most.
    """
    spy = find_program("py-spy", os.environ, "/")
    if spy is None:
        return {"since": since, "processes": [], "error": MISSING}
    ends_at, left = time.monotonic() + _ALL_S, _MOST_BYTES
    processes: list[Json] = []
    for pid in filter(_is_python, pids):
        if left <= 0 or time.monotonic() > ends_at:
            break
        entry = _dump_one(spy, pid, left)
        left -= len(entry.get("stack", "").encode())
        processes.append(entry)
    return {"since": since, "processes": processes, "error": None}


def _dump_one(spy: str, pid: int, most_bytes: int) -> Json:
    try:
        answer = ask([spy, "dump", "--pid", str(pid)], "/", os.environ, time.monotonic() + _EACH_S)
    except ProbeError as error:
        return {"pid": pid, "error": error.why}
    if answer.exit_code:
        return {"pid": pid, "error": answer.errors[:1000].decode(errors="replace").strip()}
    return {"pid": pid, "stack": answer.output[:most_bytes].decode(errors="ignore")}


def _is_python(pid: int) -> bool:
    try:
        return PYTHON.fullmatch(os.path.basename(os.readlink(f"/proc/{pid}/exe"))) is not None
    except OSError:  # it ended, or is another user's
        return False
