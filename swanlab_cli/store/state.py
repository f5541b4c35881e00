"""What state a run is in: derived from its end record and from what is alive, never stored."""

from __future__ import annotations

import os
import time

from ..records import End, Header, Lane
from . import layout
from .files import list_names, modified_ns

RUNNING, FINISHED, CRASHED, ABORTED, LOST = "running", "finished", "crashed", "aborted", "lost"
_ASKED_TO_END = ("SIGINT", "SIGTERM", "SIGHUP")
# The scribe touches its files at least every 30 s.
HEARTBEAT_S = 30.0
_MEANINGS = {
    "SIGSEGV": ": memory that is not its own",
    "SIGBUS": ": memory that is not there",
    "SIGFPE": ": arithmetic",
    "SIGILL": ": an instruction that there is not",
    "SIGABRT": ": it gave up itself",
    "SIGSYS": ": a system call that it may not make",
    "SIGXCPU": ": its limit of processor time",
    "SIGXFSZ": ": its limit of file size",
}
_SILENT_S = 4 * HEARTBEAT_S


def host_identity() -> tuple[str, str, str]:
    """(host name, boot id, pid namespace): equal for two processes exactly when they see the same pids.

    Any of them may be empty where the kernel does not tell.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id") as boot_id:
            boot = boot_id.read().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        boot = namespace = ""
    return os.uname().nodename, boot, namespace


def process_started(pid: int) -> int:
    """When a process started, in clock ticks since boot (field 22 of /proc/PID/stat); 0 where there is none or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in b"ZX" else int(fields[19])


def derive_state(directory: str, header: Header, end: End | None, lane: Lane | None = None) -> str:
    """One of the five states of the contract, of a run that has one lane or of one of its lanes; `header` says who records it."""
    if end is not None:
        return ended_state(end)
    return RUNNING if _is_alive(directory, header, lane) else LOST


def ended_state(end: End) -> str:
    """The state of a run that has ended."""
    if end.exit_code == 0 or _is_unknown(end):
        return FINISHED
    was_asked = any(name in _ASKED_TO_END for name, _ in end.signals)
    return ABORTED if end.signal in _ASKED_TO_END or (was_asked and end.error is None) else CRASHED


def describe_end(end: End) -> str:
    """Why the run ended, in one line."""
    if end.error is not None:
        return end.error
    if _is_unknown(end):
        return "imported: how it ended is not known"
    asked, sender = (end.signals[-1][0], _describe_sender(end)) if end.signals else (None, "")
    if end.signal is None:
        return f"exit code {end.exit_code}" + (f" after {asked}{sender}" if asked else "")
    if asked in (None, end.signal):
        return f"killed by {end.signal}{sender or _MEANINGS.get(end.signal, '')}"
    return f"killed by {end.signal} after {asked}{sender}"


def _describe_sender(end: End) -> str:
    """Who sent the last request to end, where that is known."""
    if len(end.senders) != len(end.signals):
        return ""
    sender = end.senders[-1]
    if not sender.get("pid"):
        return {"SIGINT": " (Ctrl-C)", "SIGQUIT": " (Ctrl-\\)", "SIGHUP": " (the terminal went away)"}.get(end.signals[-1][0], "")
    return f" from {sender.get('name') or 'a process'} (pid {sender['pid']})"


def _is_unknown(end: End) -> bool:
    """Whether nothing tells how it ended: saved output has no exit status.

    It counts as finished: the other states say that something is going on or went wrong, which nobody knows either.
    """
    return end.exit_code is None and end.signal is None and end.error is None


def _is_alive(directory: str, header: Header, lane: Lane | None) -> bool:
    if host_identity() == (header.host, header.boot_id, header.pid_namespace):
        return header.pid_started != 0 and process_started(header.pid) == header.pid_started
    return not is_silent(directory, lane)


def is_silent(directory: str, lane: Lane | None = None) -> bool:
    """Whether nobody has written to the run, or to one lane, for so long that the scribe, wherever it was, is gone."""
    return _silence_s(directory, lane) >= _SILENT_S


def _silence_s(directory: str, lane: Lane | None) -> float:
    """For how long nobody has written; 0 where that is unknown."""
    newest = last_written(directory, lane)
    return 0.0 if newest is None else _file_system_time(os.path.dirname(directory)) - newest


def last_written(directory: str, lane: Lane | None = None) -> float | None:
    """When somebody has last written to the run or to one lane, by the clock of its file system, Unix seconds.

    None where that is unknown.
    """
    prefix = "" if lane is None else layout.lane_prefix(lane)
    try:
        names = list_names(directory)
        of_lane = [name for name in names if name.startswith(prefix)] or names  # none: it has just been begun
        return max(modified_ns(os.path.join(directory, name)) for name in of_lane) / 1e9
    except (OSError, ValueError):
        return None


def _file_system_time(folder: str) -> float:
    """Now by the clock of the file system that holds `folder`, which may be another host's; by ours where we cannot write."""
    path = os.path.join(folder, f".clock-{os.getpid()}")
    try:
        with open(path, "x") as clock:  # tempfile would cost each run ten milliseconds at its start
            os.unlink(path)
            return os.fstat(clock.fileno()).st_mtime
    except OSError:
        return time.time()
