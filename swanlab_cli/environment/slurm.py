"""What Slurm says about the end of a job: asked of scontrol, squeue, sacct and the job's own output file.

For a process that ends soon. ARCHITECTURE.md, "What Slurm knows and when", has the observations behind the rules.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from swanlab_cli.environment.program import ask, find_program
from swanlab_cli.environment.target import Facts, ProbeError

_FIELD = re.compile(r"(\S+?)=(.*?)(?= \S+?=|$)")
# slurmstepd and srun write it when they have been told to end a job or step, before they send the signal.
_NOTICE = re.compile(rb"\*\*\* (?:JOB|STEP) (\S+) ON \S+ CANCELLED AT (\S+)(?: DUE TO ([A-Z ]+?))? \*\*\*")
_CAUSES = {b"": "CANCELLED", b"TIME LIMIT": "TIMEOUT", b"PREEMPTION": "PREEMPTED", b"NODE FAILURE": "NODE_FAIL",
           b"JOB REQUEUE": "REQUEUED"}  # fmt: skip
_KINDS = {"TIMEOUT": "time_limit", "DEADLINE": "time_limit", "PREEMPTED": "preempted", "CANCELLED": "cancelled",
          "REVOKED": "cancelled", "NODE_FAIL": "node_failure", "BOOT_FAIL": "node_failure", "OUT_OF_MEMORY": "out_of_memory",
          "REQUEUED": "requeued"}  # fmt: skip
_NOT_OVER = ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
_NOTICES_BYTES = 64 * 1024
_CLOCKS_DIFFER_S = 60.0


class Asked(NamedTuple):
    """Whom the question is about."""

    job: Mapping[str, Any]
    """As `allocation.slurm_job` gives it."""
    user: str
    started_at: float
    """When the run started, Unix seconds."""


class _Tools(NamedTuple):
    environ: Mapping[str, str]
    ends_at: float

    def lines(self, name: str, *arguments: str) -> list[str]:
        """What a command of Slurm's prints; nothing where it fails, is missing or does not answer in time."""
        program = find_program(name, self.environ, "/")
        if program is None:
            return []
        try:
            answer = ask([program, *arguments], "/", self.environ, self.ends_at)
        except ProbeError:
            return []
        return answer.output.decode(errors="replace").splitlines() if answer.exit_code == 0 else []


def ask_slurm(asked: Asked, environ: Mapping[str, str], ends_at: float) -> Facts | None:
    """What Slurm says about the attempt of the job that the run is part of; None if it says nothing of it.

    `job_id`, `step_id`, `state` (a state of Slurm's, or REQUEUED), `kind` (`time_limit`, `preempted`, `cancelled`,
    `node_failure`, `out_of_memory`, `requeued`, or None where the state is none of these), `is_over` (nothing of the
    attempt runs any more), `is_requeued` (the job runs again, or will), `reason` (Slurm's word), `by` (who cancelled it),
    `exit_code`, `restarts`, `nodes`, `time_limit_s`, `start_time` and `end_time` in Unix seconds; None where it is not told.

    Programs are those of this environment's PATH, with its SLURM_CONF; `ends_at` is on the monotonic clock.
    """
    # scontrol's times have no zone: let it print Unix seconds.
    tools = _Tools({**environ, "SLURM_TIME_FORMAT": "%s", "LC_ALL": "C"}, ends_at)
    fields = _job_fields(tools, asked)
    ours, restarts = int(asked.job["restarts"]), _number(fields.get("Restarts"))
    is_requeued = restarts is not None and restarts > ours
    state, by = ("REQUEUED" if is_requeued else _state_now(fields)), None
    if state is None or state in ("REQUEUED", "CANCELLED", *_NOT_OVER):
        accounted, by = _accounted_state(tools, asked.job)
        noticed = _noticed_state(fields, asked)
        state = next((known for known in (accounted, noticed) if known in _KINDS), state or accounted)
    if state is None:
        return None
    return {
        "job_id": asked.job["job_id"],
        "step_id": asked.job["step_id"],
        "state": state,
        "kind": _KINDS.get(state),
        "is_over": fields.get("JobState", state) not in _NOT_OVER or (is_requeued and fields["JobState"] != "COMPLETING"),
        "is_requeued": is_requeued,
        "reason": _told(fields.get("Reason")),
        "by": by,
        "exit_code": None if is_requeued else _told(fields.get("ExitCode")),
        "restarts": restarts,
        "nodes": _told(fields.get("NodeList")),
        "time_limit_s": _seconds(fields.get("TimeLimit", "")),
        # Once it is requeued, these are the next attempt's.
        "start_time": None if is_requeued else _number(fields.get("StartTime")),
        "end_time": None if is_requeued else _number(fields.get("EndTime")),
    }


def _job_fields(tools: _Tools, asked: Asked) -> dict[str, str]:
    """The job as scontrol shows it, or a few of its fields as squeue does; empty where it is unknown or somebody else's."""
    job_id = str(asked.job["job_id"])
    for line in tools.lines("scontrol", "show", "job", "-o", job_id):
        fields = dict(_FIELD.findall(line))
        if fields.get("JobId") == job_id:  # the id of an array is that of one of its tasks, and stands for all
            return fields if _is_same(fields, asked) else {}
    for line in tools.lines("squeue", "-h", "-t", "all", "-j", job_id, "-o", "%A|%T|%r|%u"):
        number, state, reason, user = [*line.split("|"), "", "", ""][:4]
        if (number, user) == (job_id, asked.user):
            return {"JobState": state, "Reason": reason}
    return {}


def _is_same(fields: Mapping[str, str], asked: Asked) -> bool:
    """Whether it is the run's job: ids begin again when a controller is set up anew, and other clusters have the same."""
    submitted = _number(fields.get("SubmitTime"))
    was_requeued = (_number(fields.get("Restarts")) or 0) > asked.job["restarts"]  # which counts as a new submission
    is_older = submitted is None or was_requeued or submitted <= asked.started_at + _CLOCKS_DIFFER_S
    return is_older and fields.get("UserId", "").partition("(")[0] == asked.user


def _state_now(fields: Mapping[str, str]) -> str | None:
    """The state of a job that has not been requeued, or what it is about to become."""
    state = fields.get("JobState")
    if state in ("RUNNING", "COMPLETING") and _number(fields.get("PreemptTime")) is not None:
        return "PREEMPTED"
    if state == "COMPLETING" and fields.get("Reason") == "TimeLimit":
        return "TIMEOUT"
    if state == "COMPLETING" and fields.get("Reason") == "None" and fields.get("ExitCode") == "0:0":
        # Nobody asks about a job that ended by itself.
        return "CANCELLED"
    return state


def _accounted_state(tools: _Tools, job: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(state, who cancelled it) of the run's step or attempt in the accounting database, or in what completed jobs leave."""
    job_id, attempt = str(job["job_id"]), int(job["restarts"])
    if job["step_id"] is not None:
        for line in tools.lines("sacct", "-n", "-P", "-j", f"{job_id}.{job['step_id']}", "-o", "State"):
            state, by = _state_and_user(line)
            if state in _KINDS:
                return state, by
    common = ("-n", "-P", "-D", "-j", job_id, "-o", "State")
    attempts = tools.lines("sacct", "-X", *common) or tools.lines("sacct", "-c", *common)  # oldest first
    return _state_and_user(attempts[attempt]) if attempt < len(attempts) else (None, None)


def _state_and_user(text: str) -> tuple[str | None, str | None]:
    """`CANCELLED by 1000` taken apart; a state that only says that it goes on is None."""
    state, _, user = text.partition(" by ")
    return (None if state in _NOT_OVER else state.strip() or None), _user_name(user.strip())


def _user_name(uid: str) -> str | None:
    if not uid.isdigit():
        return uid or None
    import pwd

    try:
        return pwd.getpwuid(int(uid)).pw_name
    except KeyError:
        return uid


def _noticed_state(fields: Mapping[str, str], asked: Asked) -> str | None:
    """The state that the last notice in the batch job's output tells of the run's job or step, since the run started."""
    names = {str(asked.job["job_id"]).encode(), f"{asked.job['job_id']}.{asked.job['step_id']}".encode()}
    state = None
    for name, moment, cause in _NOTICE.findall(_end_of(fields.get("StdErr"))):
        if name in names and _unix_seconds(moment.decode()) >= asked.started_at - 1.0:
            state = _CAUSES.get(cause, state)
    return state


def _end_of(path: str | None) -> bytes:
    try:
        with open(path or "", "rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - _NOTICES_BYTES, 0))
            return file.read(_NOTICES_BYTES)
    except OSError:  # none, or on another host's disk
        return b""


def _unix_seconds(moment: str) -> float:
    """Slurm's local time, such as `2026-11-25T20:55:30`; 0 for what is none."""
    try:
        return time.mktime(time.strptime(moment, "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return 0.0


def _told(text: str | None) -> str | None:
    return None if text in (None, "", "None", "(null)", "N/A", "Unknown") else text


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def _seconds(limit: str) -> int | None:
    """A time limit `[DAYS-]HOURS:MINUTES:SECONDS` in seconds; None for UNLIMITED and the like."""
    days, _, clock = limit.rpartition("-")
    parts = clock.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in (*parts, days or "0")):
        return None
    hours, minutes, seconds = map(int, parts)
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
