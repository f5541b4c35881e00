"""The scribe: a forked process that follows what pump and shim append, and writes points and events.

It also saves what a killed pump had in its hands. recorder/assistant.py says in what surroundings it runs.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..environment.nvidia import NVIDIA_DRIVER
from ..environment.sightings import Sightings
from ..records import Event, Json
from ..store.reader import count_samples, read_end, read_facts
from ..store.state import HEARTBEAT_S, ended_state, process_started
from ..store.writer import RecordWriter
from .assistant import END, WARNING, Assignment, redact_with
from .ending import ENDING, Divergence, Evidence, describe_ending, last_output
from .errand import Errand
from .inquiry import KIND as SLURM
from .inquiry import ask, slurm_kind
from .interpreters import Interpreters
from .memory_watch import MemoryWatch, warn_of_kills
from .monitor import Monitor
from .notices import Notices
from .overhead import EVENT, scribe_overhead
from .prober import ACCELERATORS, ALL, Prober
from .salvage import record_rest
from .sources import Progress, Sources, write_progress
from .stall import STALL, STALL_DUMP, StallWatch, describe_stall

if TYPE_CHECKING:
    from .gpus import GpuWatch

_BATCH_BYTES = 256 * 1024
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.01, 0.5
# Rest for each moment of work while the run lasts: idle as we are scheduled, we still share caches and, on most machines,
# a core's units with the child. What a flood leaves over is derived when the run has ended.
_REST = 4
_LOWEST_PRIORITY = 19
_PROBES_MAY_TAKE_S = 20.0
_SLURM_MAY_TAKE_S = 5.0
_DUMP_MAY_TAKE_S = 30
_GPUS_MAY_TAKE_S = 2.0


class Scribe:
    """One scribe's work from start to end."""

    def __init__(self, assignment: Assignment, control: int, answer: int, pump_pid: int, is_restart: bool) -> None:
        self._assignment = assignment
        self._control = control
        self._answer = answer
        self._pump_pid = pump_pid
        self._is_restart = is_restart
        self._writer = RecordWriter(assignment.directory, assignment.lane, redact_with(assignment.redactor))
        self._sources = Sources(assignment.directory, assignment.lane, assignment.header)
        self._open_sources = dict(enumerate(assignment.sources))
        self._probers: dict[int, Prober] = {}
        self._errands: dict[int, tuple[Errand, Callable[[Errand], None]]] = {}
        self._is_asking_slurm = False
        self._slurm: Json | None = None
        self._interpreters = Interpreters()
        self._sightings = Sightings(assignment.target.pid)
        self._is_ending = False
        self._point_count = 0
        self._started = time.monotonic()
        interval_s, first_step = assignment.settings.monitor_interval, count_samples(assignment.directory, assignment.lane)
        self._memory_watch = MemoryWatch(assignment.target.pid)
        self._divergence = Divergence()
        pid, write, looks_at_host = assignment.target.pid, self._writer.append_sample, assignment.looks_at_host
        self._monitor = Monitor(pid, interval_s, first_step, write, self._ask_gpus, looks_at_host)
        self._gpus: GpuWatch | None = None
        after_s, look = assignment.settings.stall_after, self._monitor.look_at_tree
        self._stall_watch = StallWatch(assignment.target.pid, after_s, look, self._started)
        url = assignment.settings.notify
        self._notices = Notices(url, assignment.header, assignment.directory) if url else None
        self._next_heartbeat = self._started + HEARTBEAT_S

    def work(self) -> None:
        """Follow the run to its end; returns when everything is written."""
        self._note("scribe", {"pid": os.getpid(), "pid_started": process_started(os.getpid())})
        if self._is_restart:
            self._writer.reset()
            for facts in read_facts(self._assignment.directory, self._assignment.lane):
                self._watch_gpus(facts)
        else:
            self._start_prober()
        _step_aside()  # not the prober, which has deadlines
        wait_s = _SHORTEST_WAIT_S
        while True:
            began = time.monotonic()
            progress = self._sources.read(_BATCH_BYTES)
            self._write(progress)
            if progress.has_moved:
                self._take_stall(self._stall_watch.goes_on(began))
                wait_s = 0.0 if self._is_ending else _REST * (time.monotonic() - began)
            elif self._is_ending:
                break
            else:
                wait_s = min(max(2 * wait_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
                for event in self._sources.settle():
                    self._writer.append_event(event)
            self._listen(wait_s if self._is_ending else min(wait_s, self._monitor.wait_s()))
            self._sample()
            if os.getppid() != self._pump_pid:
                self._listen(0.0)  # it may have said its last word since we listened
                if not self._is_ending:
                    self._replace_pump()
        self._finish()

    def _write(self, progress: Progress) -> None:
        self._point_count += len(progress.points) + len(progress.media)
        write_progress(self._writer, progress)
        self._divergence.feed(progress.points)
        if self._notices is not None:
            self._notices.feed(progress.points)

    def _note(self, kind: str, data: Mapping[str, Any]) -> None:
        self._writer.append_event(Event(time.time(), kind, dict(data)))

    def _listen(self, timeout_s: float) -> None:
        """Wait for the pump's and the prober's words, `timeout_s` at most."""
        poller = select.poll()
        if not self._is_ending:
            poller.register(self._control, select.POLLIN)
        for pipe in (*self._probers, *self._errands):
            poller.register(pipe, select.POLLIN)
        gpus = self._gpus
        if gpus is not None and gpus.pipe is not None:
            poller.register(gpus.pipe, select.POLLIN)
        for descriptor, _ in poller.poll(timeout_s * 1000):
            if gpus is not None and descriptor == gpus.pipe:
                gpus.take(time.monotonic())
            elif descriptor in self._probers:
                self._take_facts(self._probers[descriptor])
            elif descriptor in self._errands:
                self._take_answer(descriptor)
            else:
                self._take_orders()

    def _take_orders(self) -> None:
        orders = os.read(self._control, 4096)  # nothing: the pump is gone; _replace_pump sees to that
        self._is_ending = END in orders
        if WARNING in orders:
            self._ask_slurm()
        for order in set(orders) - {END, WARNING}:
            self._close_source(order)

    def _close_source(self, index: int) -> None:
        source = self._open_sources.pop(index, None)
        if source is not None:
            os.close(source)

    def _ask_slurm(self) -> None:
        """Ask Slurm why it ends the run, if it is part of a job and Slurm has not said it yet."""
        header, environ = self._assignment.header, self._assignment.target.environ
        if header.slurm is not None and not self._is_asking_slurm and slurm_kind(self._slurm) is None:
            self._is_asking_slurm = True
            errand = Errand(lambda: ask(header, environ, _SLURM_MAY_TAKE_S), int(_SLURM_MAY_TAKE_S) + 1)
            self._errands[errand.pipe] = errand, self._take_slurms_answer

    def _take_slurms_answer(self, errand: Errand) -> None:
        self._is_asking_slurm = False
        answer = errand.answer(None)
        if answer is not None:
            self._slurm = answer
            self._note(SLURM, answer)

    def _take_facts(self, prober: Prober) -> None:
        """Record the facts that the prober has sent."""
        for facts in map(self._interpreters.take, prober.read()):
            if facts is not None:
                self._writer.append_facts(time.time(), facts)
                self._watch_gpus(facts)
        if prober.is_done:
            del self._probers[prober.pipe]

    def _take_answer(self, pipe: int) -> None:
        errand, take = self._errands[pipe]
        if errand.read():
            del self._errands[pipe]
            take(errand)

    def _take_stall(self, stall: Json | None) -> None:
        """Record that a stall has begun or is over, and tell those who want to know of one."""
        if stall is None or self._is_ending:
            return
        self._note(STALL, stall)
        if stall["is_over"]:
            return
        self._note("warning", {"text": describe_stall(stall)})
        self._notify("stalls", describe_stall(stall), time.time() - (self._assignment.header.started_at or time.time()))
        if self._assignment.settings.stall_dump:
            self._dump(stall["since"])

    def _dump(self, since: float) -> None:
        pids = self._monitor.pids

        def work() -> Json:
            from .stall_dump import dump  # what it imports must not stay in our memory

            return dump(pids, since)

        errand = Errand(work, _DUMP_MAY_TAKE_S)
        self._errands[errand.pipe] = errand, self._take_dump

    def _take_dump(self, errand: Errand) -> None:
        dump = errand.answer({"processes": [], "error": "--stall-dump: it did not end in time"})
        self._note(STALL_DUMP, dump)
        if dump["error"]:
            self._note("warning", {"text": dump["error"]})

    def _notify(self, state: str, reason: str, duration_s: float | None) -> None:
        if self._notices is not None:
            errand = self._notices.send(state, reason, duration_s)
            self._errands[errand.pipe] = errand, self._take_failure

    def _take_failure(self, errand: Errand) -> None:
        failure = errand.answer("it was not done in time")
        if failure is not None:
            self._note("warning", {"text": f"--notify: the message could not be delivered: {failure}"})

    def _start_prober(self, running: int | None = None) -> None:
        if self._assignment.looks_at_host:
            subject = ALL if running is None else running
        elif running is None and os.path.exists(NVIDIA_DRIVER):
            subject = ACCELERATORS  # each rank may have GPUs of its own
        else:
            return
        prober = Prober(self._assignment.target, redact_with(self._assignment.redactor), subject)
        self._probers[prober.pipe] = prober

    def _watch_gpus(self, facts: Json) -> None:
        """Sample GPUs from now on if these facts tell of any that can be."""
        library_answers = any("cuda" in device for device in (facts.get("accelerators") or {}).get("devices", ()))
        if library_answers and self._gpus is None and not self._is_ending:
            from .gpus import GpuWatch  # only where there are any: it costs memory

            def warn(text: str) -> None:
                self._note("warning", {"text": text})

            self._gpus = GpuWatch(self._assignment.target.environ, self._writer.append_sample, warn)
            self._ask_gpus(None)

    def _ask_gpus(self, step: int | None) -> None:
        if self._gpus is not None:
            self._gpus.ask(time.monotonic(), self._monitor.pids, step)

    def _sample(self) -> None:
        """Look at the child's processes, and show that the run is looked after, when it is time."""
        if not self._is_ending:
            self._monitor.look()
            self._take_stall(self._stall_watch.look_now(time.monotonic()))
            for pid in self._sightings.look() if self._assignment.looks_at_host else ():
                self._start_prober(pid)
        now = time.monotonic()
        if self._gpus is not None:
            self._gpus.look(now)
        if now >= self._next_heartbeat:
            self._writer.touch()
            self._next_heartbeat = now + HEARTBEAT_S

    def _replace_pump(self) -> None:
        """The pump was killed, and the child with it: record what it had read and what is left on the ptys."""
        record_rest(self._assignment, self._open_sources)
        self._note("warning", {"text": "the recording process was killed; what it had captured is complete"})
        self._is_ending = True

    def _finish(self) -> None:
        last = self._sources.finish()
        self._write(last)
        dropped = sum(event.data["count"] for event in last.events if event.type == "dropped")
        totals = self._monitor.totals()
        if any(totals.values()):
            self._note("resources", totals)
        try:
            os.write(self._answer, json.dumps({"points": self._point_count, "dropped": dropped}).encode())
        except OSError:
            pass  # the pump has not waited
        os.close(self._answer)
        self._finish_gpus()
        self._hear_slurm()
        self._note_ending()
        deadline = time.monotonic() + _PROBES_MAY_TAKE_S
        while (self._probers or self._errands) and time.monotonic() < deadline:
            self._listen(deadline - time.monotonic())
        sampler_bytes = self._gpus.max_memory_bytes if self._gpus is not None else 0
        self._note(EVENT, scribe_overhead(self._assignment.directory, self._assignment.lane, sampler_bytes))
        self._note("complete", {})

    def _finish_gpus(self) -> None:
        """Look at the GPUs for the last time, and record what the run has used of them."""
        gpus = self._gpus
        if gpus is None:
            return
        deadline = time.monotonic() + _GPUS_MAY_TAKE_S
        while gpus.pipe is not None and time.monotonic() < deadline:
            gpus.ask(time.monotonic(), self._monitor.pids, None, is_last=True)
            self._listen(deadline - time.monotonic())
        gpus.stop()
        totals = gpus.totals()
        if any(value is not None for value in totals.values()):
            self._note("resources", totals)

    def _hear_slurm(self) -> None:
        """Let Slurm say why it has ended the run, if it may have, before that is put together; it has a deadline."""
        end = read_end(self._assignment.directory, self._assignment.lane)
        if end is None or end.signals or end.signal in ("SIGTERM", "SIGKILL"):
            self._ask_slurm()
        while self._is_asking_slurm:
            self._listen(_SLURM_MAY_TAKE_S)

    def _note_ending(self) -> None:
        """Record why the run ended, unless the pump was killed and nobody has seen how."""
        assignment = self._assignment
        end = read_end(assignment.directory, assignment.lane)
        memory = self._memory_watch.evidence(end, self._monitor.all_pids)
        if memory is not None and not memory["is_command"]:
            self._note("warning", {"text": warn_of_kills(memory)})
        if end is None:
            self._notify("lost", "the recording process was killed", None)
        else:
            output = last_output(assignment.directory, assignment.lane)
            ending = describe_ending(end, Evidence(output, self._divergence.found(), self._slurm, memory))
            self._note(ENDING, ending)
            self._notify(ended_state(end), ending["reason"], end.duration_s)


def _step_aside() -> None:
    """Let this process run only where a processor has nothing else to do.

    Even at the lowest priority of the ordinary class it took a sixth of the speed of a child that floods us with output.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:  # a container's filter of system calls
        os.nice(_LOWEST_PRIORITY)
