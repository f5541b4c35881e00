"""Samples of NVIDIA's GPUs: a process of its own asks the driver's library, which can hang, crash and leak.

The scribe asks it when it looks at the child's processes, and waits for nothing: what comes later is written later.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..environment.nvidia import GpuUse, NvidiaError, Nvml
from ..environment.visible_gpus import visible_uuids
from ..process.descriptors import keep_only
from ..records import Json
from .overhead import peak_memory_bytes

# A driver that is not kept loaded takes seconds for each GPU to come up.
_FIRST_ANSWER_WITHIN_S, _ANSWER_WITHIN_S = 60.0, 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 60.0, 960.0
_READ_BYTES = 1 << 20
Write = Callable[[float, int, Mapping[str, float]], None]
"""What records a sample: time in Unix seconds, step, values by metric."""


class GpuWatch:
    """The GPUs of a run, as the scribe sees them: asks and takes answers; the sampler is started anew where it fails."""

    def __init__(self, environ: Mapping[str, str], write: Write, warn: Callable[[str], None]) -> None:
        """`environ`: the child's, which says what GPUs it sees; `warn` is told in words what is wrong, once."""
        self._environ, self._write, self._warn = environ, write, warn
        self._pid: int | None = None
        self._line: socket.socket | None = None
        self._unfinished = b""
        self._answer_due: float | None = None
        """On the monotonic clock, while a question is open."""
        self._start_at, self._pause_s = 0.0, _FIRST_PAUSE_S
        self._has_answered, self._is_over = False, False
        self._error: str | None = None
        """What the sampler has said before it ended."""
        self._warned: set[str] = set()
        self.max_memory_bytes = 0
        """Of the sampler: its largest resident set, as it has told with its answers."""
        self._totals = GpuTotals()

    @property
    def pipe(self) -> int | None:
        """What can be read when there is an answer or the sampler has ended; None while there is none."""
        return None if self._line is None else self._line.fileno()

    def ask(self, now: float, pids: Sequence[int], step: int | None, is_last: bool = False) -> None:
        """Ask for what is used now; `step`: of the sample that it belongs to, None where it only counts for the totals.

        Nothing is asked while an answer is to come, nor soon after a failure. `is_last`: the processes have just ended, and the
        sampler is to do so when it has answered.
        """
        if self._line is None and now >= self._start_at and not is_last:
            self._start()
        if self._line is None or self._answer_due is not None or self._is_over:
            return
        question = json.dumps({"step": step, "pids": list(pids), "is_last": is_last}).encode() + b"\n"
        try:
            self._line.sendall(question)
        except OSError:
            pass  # it has ended: its pipe tells
        self._answer_due = now + (_ANSWER_WITHIN_S if self._has_answered else _FIRST_ANSWER_WITHIN_S)

    def take(self, now: float) -> None:
        """Take what is on the pipe, which can be read.

        Raises:
            OSError: a sample cannot be written.
        """
        assert self._line is not None
        try:
            data = self._line.recv(_READ_BYTES)
        except ConnectionError:
            data = b""
        *answers, self._unfinished = (self._unfinished + data).split(b"\n")
        for answer in map(json.loads, answers):
            self._take_answer(answer)
        if not data:
            status = self._close(has_ended=True)
            if not self._is_over:
                self._fail(now, self._error or _why_ended(status))

    def look(self, now: float) -> None:
        """End a sampler that hangs; it may be in the middle of a system call that not even SIGKILL ends."""
        if self._answer_due is not None and now >= self._answer_due:
            assert self._pid is not None
            os.kill(self._pid, signal.SIGKILL)
            self._close(has_ended=False)
            self._fail(now, "it does not answer")

    def totals(self) -> Json:
        """`gpu_s`, `energy_j`, `peak_gpu_memory_bytes`: as GpuTotals counts them."""
        return self._totals.as_json()

    def stop(self) -> None:
        """Do without the sampler, if there still is one: it ends when nobody asks any more."""
        if self._line is not None:
            self._close(has_ended=False)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environ = self._environ
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                keep_only({theirs.fileno()})
                signal.pthread_sigmask(signal.SIG_SETMASK, ())
                _serve(theirs, environ)
            finally:
                os._exit(0)
        theirs.close()
        self._pid, self._line, self._unfinished = pid, ours, b""
        self._has_answered, self._error = False, None

    def _close(self, has_ended: bool) -> int | None:
        """Let go of the sampler; its status as os.waitpid gives it, None where it has not ended yet."""
        assert self._line is not None
        assert self._pid is not None
        self._line.close()
        self._line, self._answer_due = None, None
        pid, status = os.waitpid(self._pid, 0 if has_ended else os.WNOHANG)
        self._pid = None
        return status if pid else None

    def _fail(self, now: float, why: str) -> None:
        self._totals.interrupt()
        self._start_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._warn_once(f"samples of GPUs are missing, NVIDIA's library has failed: {why}; it is asked again some minutes later")

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)

    def _take_answer(self, answer: Json) -> None:
        self._error = answer.get("error")
        if self._error is not None:
            return  # it ends now
        self._answer_due = None
        self._has_answered, self._is_over = True, answer["is_last"]
        self.max_memory_bytes = max(self.max_memory_bytes, answer["max_memory_bytes"])
        for index, why in answer["failures"].items():
            self._warn_once(f"GPU {index} does not answer: {why}")
        uses = [GpuUse(*use) for use in answer["uses"]]
        self._totals.add(answer["monotonic"], uses, answer["is_last"])
        values = sampled_values(uses)
        if answer["step"] is not None and values:
            self._write(answer["time"], answer["step"], values)


class GpuTotals:
    """What a run has used of GPUs in all: for how long its processes have held them, and what they took meanwhile."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, GpuUse]] = {}
        self._held_s: float | None = None
        self._energy_j: float | None = None
        self._peak_bytes: int | None = None

    def add(self, now: float, uses: Iterable[GpuUse], is_last: bool = False) -> None:
        """Count from the time before to this one, `now` on the monotonic clock.

        A GPU that was held at only one end of that time counts for half of it; `is_last`: it has been held until now.
        """
        uses = list(uses)
        in_mig_mode = {use.gpu for use in uses if use.mig is not None}
        for use in uses:
            before, last = self._before.get(use.uuid, (now, use))
            share = (last.is_held + (last.is_held if is_last else use.is_held)) / 2
            if not share or (use.mig is None and use.gpu in in_mig_mode):
                continue  # what a GPU in this mode tells is of all its MIG devices
            self._held_s = (self._held_s or 0.0) + share * (now - before)
            if use.mig is None and use.energy_j is not None and last.energy_j is not None:
                self._energy_j = (self._energy_j or 0.0) + share * max(use.energy_j - last.energy_j, 0.0)
        self._before = {use.uuid: (now, use) for use in uses}
        used = [use.run_memory_bytes for use in uses if use.run_memory_bytes]
        if used:
            self._peak_bytes = max(self._peak_bytes or 0, sum(used))

    def interrupt(self) -> None:
        """Nobody has seen what comes now."""
        self._before = {}

    def as_json(self) -> Json:
        """`gpu_s`, `energy_j`, `peak_gpu_memory_bytes`; None where nothing was seen or told.

        Seconds for which GPUs were held, added up; what they took meanwhile, whoever used them, but for MIG devices, of which
        nobody knows; the most that the run's processes held at once on all of them.
        """
        energy_j = None if self._energy_j is None else round(self._energy_j, 3)
        held_s = None if self._held_s is None else round(self._held_s, 3)
        return {"gpu_s": held_s, "energy_j": energy_j, "peak_gpu_memory_bytes": self._peak_bytes}


def sampled_values(uses: Iterable[GpuUse]) -> dict[str, float]:
    """The values of a sample: `system/gpu0/...` is the run's, `system/host/gpu0/...` everybody's, `gpu0/mig1` a part of a GPU."""
    values: dict[str, float | None] = {}
    for use in uses:
        name = f"gpu{use.gpu}" + ("" if use.mig is None else f"/mig{use.mig}")
        values[f"system/{name}/memory (bytes)"] = use.run_memory_bytes
        values[f"system/{name}/utilization (%)"] = use.run_utilization_pct
        values[f"system/host/{name}/memory (bytes)"] = use.memory_bytes
        values[f"system/host/{name}/memory of total (%)"] = round(100 * use.memory_bytes / max(use.memory_total_bytes, 1), 3)
        values[f"system/host/{name}/utilization (%)"] = use.utilization_pct
        values[f"system/host/{name}/power (W)"] = use.power_w
        values[f"system/host/{name}/temperature (C)"] = use.temperature_c
    return {name: value for name, value in values.items() if value is not None}


def _serve(line: socket.socket, environ: Mapping[str, str]) -> None:
    """Answer each question, a line of JSON, until the last one or until nobody asks any more."""
    try:
        nvml = Nvml()
        devices, failures = nvml.devices()
        uuids = None if failures else visible_uuids(devices, environ)
        with line.makefile("rb") as questions:
            for question in map(json.loads, questions):
                uses, failures = nvml.read(question["pids"], uuids)
                known = {"step": question["step"], "is_last": question["is_last"], "max_memory_bytes": peak_memory_bytes()}
                moments = {"time": time.time(), "monotonic": time.monotonic()}
                _say(line, {**known, **moments, "uses": uses, "failures": failures})
                if question["is_last"]:
                    break
    except NvidiaError as error:
        _say(line, {"error": str(error)})


def _say(line: socket.socket, answer: Json) -> None:
    line.sendall(json.dumps(answer).encode() + b"\n")


def _why_ended(status: int | None) -> str:
    if status is not None and os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "it has ended"
