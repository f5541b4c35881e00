"""All probes at once, each in a process of its own, so that none can hold up, break or outlive another.

For a process that ends soon and has one thread; what the probes import never stays in memory.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from swanlab_cli.environment.accelerators import read_accelerators
from swanlab_cli.environment.changes import read_diff
from swanlab_cli.environment.conda import read_conda
from swanlab_cli.environment.container import read_container
from swanlab_cli.environment.disks import read_disks
from swanlab_cli.environment.host import read_cpu, read_host, read_memory, read_os
from swanlab_cli.environment.limits import read_cgroup, read_limits
from swanlab_cli.environment.python import read_python, read_running_python
from swanlab_cli.environment.repository import read_git
from swanlab_cli.environment.script import read_script
from swanlab_cli.environment.target import Facts, ProbeError, Target
from swanlab_cli.environment.tree import tree_pids
from swanlab_cli.environment.variables import read_scheduler, read_variables

__all__ = ["DEADLINES_S", "Facts", "Target", "collect", "collect_accelerators", "collect_running"]

# Of a probe as a whole. Python may first wait some seconds for an interpreter to appear.
DEADLINES_S: Mapping[str, float] = {
    **dict.fromkeys(("os", "host", "cpu", "memory", "container", "cgroup", "limits", "scheduler", "variables", "disks"), 5.0),
    **dict.fromkeys(("script", "git"), 5.0),
    **dict.fromkeys(("diff", "conda", "accelerators"), 10.0),
    "python": 20.0,
}

# A probe that asks a program keeps its deadline itself and gives what it knows. One that has not answered so long after
# its deadline hangs in the kernel or in a library.
_GRACE_S = 1.0

_Probe = Callable[[Target, float], Facts]
# Cheap ones first.
_PROBES: Mapping[str, _Probe] = {
    "os": lambda _target, _ends_at: read_os(),
    "host": lambda target, _ends_at: read_host(target),
    "cpu": lambda target, _ends_at: read_cpu(target),
    "memory": lambda _target, _ends_at: read_memory(),
    "container": lambda target, _ends_at: read_container(target),
    "cgroup": lambda target, _ends_at: read_cgroup(target),
    "limits": lambda target, _ends_at: read_limits(target),
    "scheduler": lambda target, _ends_at: read_scheduler(target),
    "variables": lambda target, _ends_at: read_variables(target),
    "disks": lambda target, _ends_at: read_disks(target),
    "script": lambda target, _ends_at: read_script(target),
    "git": read_git,
    "python": read_python,
    "diff": read_diff,
    "conda": lambda target, _ends_at: read_conda(target),
    "accelerators": read_accelerators,
}


class _Running(NamedTuple):
    name: str
    pid: int
    pipe: int
    ends_at: float
    """When it is killed, on the monotonic clock."""
    answer: bytearray


def collect_running(target: Target, pid: int) -> Iterator[tuple[str, Facts]]:
    """As `collect`, of a Python that runs in the child's tree as process `pid`: `interpreter`, one of `interpreters`."""
    probes: Mapping[str, _Probe] = {"interpreter": lambda target, ends_at: read_running_python(target, pid, ends_at)}
    return collect(target, {"interpreter": DEADLINES_S["python"]}, probes)


def collect_accelerators(target: Target) -> Iterator[tuple[str, Facts]]:
    """As `collect`, of accelerators alone."""
    return collect(target, {"accelerators": DEADLINES_S["accelerators"]}, {"accelerators": read_accelerators})


def collect(
    target: Target, deadlines_s: Mapping[str, float] = DEADLINES_S, probes: Mapping[str, _Probe] = _PROBES
) -> Iterator[tuple[str, Facts]]:
    """(name, facts) of each probe as it is done, or ("failed", {"probe": name, "why": text}), or both, the facts first.

    `deadlines_s` has one for each probe, from now. Closing the iterator kills the probes that still run.
    """
    running: dict[int, _Running] = {}
    try:
        for name, probe in probes.items():
            try:
                started = _start(name, probe, target, deadlines_s[name])
            except OSError as error:
                yield _failure(name, f"cannot start: {error}")
            else:
                running[started.pipe] = started
        while running:
            for one in _wait(running):
                yield from _result(one)
            for one in [one for one in running.values() if one.ends_at <= time.monotonic()]:
                _kill(running.pop(one.pipe))
                yield _failure(one.name, "did not answer in time and was killed")
    finally:
        for one in running.values():
            _kill(one)


def _start(name: str, probe: _Probe, target: Target, allowed_s: float) -> _Running:
    ends_at = time.monotonic() + allowed_s
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if pid == 0:
        try:
            _answer(writer, probe, target, ends_at)
        finally:
            os._exit(0)  # never back into the caller's code
    os.close(writer)
    return _Running(name, pid, reader, ends_at + _GRACE_S, bytearray())


def _answer(writer: int, probe: _Probe, target: Target, ends_at: float) -> None:
    facts: Facts | None = None
    why: str | None = None
    try:
        facts = probe(target, ends_at)
    except ProbeError as failure:
        facts, why = failure.facts, failure.why
    except Exception as error:  # a machine odder than we thought of is told in the record, not by a traceback
        why = f"{type(error).__name__}: {error}"
    with open(writer, "wb") as stream:
        stream.write(json.dumps([facts, why]).encode())


def _wait(running: dict[int, _Running]) -> list[_Running]:
    """Takes out and gives back those that have answered, if any before the next deadline."""
    poll = select.poll()
    for pipe in running:
        poll.register(pipe, select.POLLIN)
    patience_s = max(0.0, min(one.ends_at for one in running.values()) - time.monotonic())
    ended = []
    for pipe, _ in poll.poll(patience_s * 1000):
        piece = os.read(pipe, 65536)
        running[pipe].answer.extend(piece)
        if not piece:
            ended.append(running.pop(pipe))
    return ended


def _result(ended: _Running) -> Iterator[tuple[str, Facts]]:
    os.close(ended.pipe)
    os.waitpid(ended.pid, 0)
    try:
        facts, why = json.loads(ended.answer)
    except ValueError:
        facts, why = None, "ended without an answer"
    if facts is not None:
        yield ended.name, facts
    if why is not None:
        yield _failure(ended.name, why)


def _failure(name: str, why: str) -> tuple[str, Facts]:
    return "failed", {"probe": name, "why": why}


def _kill(one: _Running) -> None:
    os.close(one.pipe)
    for pid in tree_pids(one.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass  # ended meanwhile
    # Not waited for: not even SIGKILL ends it in the middle of a system call that hangs.
    os.waitpid(one.pid, os.WNOHANG)
