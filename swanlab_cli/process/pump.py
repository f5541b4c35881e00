"""The pump: one poll loop that copies the child's output, shares signals and stops with it, and ends when it has ended."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..records import Json
from .flight import Flight
from .linux import SignalInfo
from .senders import find_sender
from .signals import SignalSource, signal_name, stop_ourselves
from .streams import KERNEL_BUFFER_BYTES, Record, Stream
from .terminal import UserTerminal
from .witness import Witness

# How often modes and size of a real terminal are compared with the side pty's: nothing tells of a change.
# While nothing happens for long, less often: a looking processor never sleeps deeply.
_TERMINAL_TICK_MS, _QUIET_TICK_MS, _TICKS_UNTIL_QUIET = 100, 500, 20
# A program hears of a new size from the kernel, perhaps before we have copied it, so we tell it once more; not at once,
# since ncurses misses a second SIGWINCH that comes while it handles the first.
_SIZE_NOTICE_MS = 30
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class Follower(Protocol):
    """Who else holds the reading ends of the streams, to save what is in them if we are killed."""

    def check(self) -> None:
        """See whether it ended; called when a child process of ours changed state."""

    def close_source(self, index: int) -> None:
        """Close its copy of this stream's reading end: the child's next write must fail."""

    def warn(self) -> None:
        """Hear that we have been asked to end: whoever asked may soon kill all of us."""


class Watcher(Protocol):
    """Who wants to look at the child from time to time."""

    def wait_s(self) -> float:
        """Seconds until the next look is due."""

    def look(self, child_pid: int) -> None:
        """Look, if it is time."""


class Outcome(NamedTuple):
    """How the child ended."""

    exit_code: int | None
    signal: int | None
    signals: tuple[tuple[str, float], ...]
    """Requests to end that we received: (signal name, Unix seconds)."""
    senders: tuple[Json, ...]
    """Who sent each of them, as `find_sender` has it."""
    usage: resource.struct_rusage
    """Of the child and of its descendants that were waited for."""


class Pump:
    """Copies until the child has ended; `relay` goes on for descendants that still hold the output."""

    def __init__(
        self,
        child_pid: int,
        streams: Sequence[Stream],
        signals: SignalSource,
        flight: Flight,
        record: Record,
        witness: Witness,
        follower: Follower,
        terminal: UserTerminal,
        watcher: Watcher | None = None,
    ) -> None:
        self._child_pid = child_pid
        self._streams = streams
        self._signals = signals
        self._flight = flight
        self._record = record
        self._witness = witness
        self._follower = follower
        self._terminal = terminal
        self._watcher = watcher
        self._shares_group = not any(stream.is_console for stream in streams)
        self._next_closer_look = 0.0
        self._poller = select.poll()
        self._watched: dict[int, int] = {}
        self._groups: set[int] = set()
        """Which of the signals just taken went to our whole group, and so to the child."""
        self._size_notice_due: float | None = None
        self._idle_ticks = 0
        self._received: list[tuple[str, float, Json]] = []
        self._ended: tuple[int, resource.struct_rusage] | None = None
        self._abandoned_by = 0

    def run(self) -> Outcome:
        """Copy until the child has ended and everything that it wrote has been passed on."""
        while self._ended is None:
            self._wait_once(self._tick_ms() if self._terminal.is_present else None)
        self._terminal.look()
        self._drain()
        for index, stream in enumerate(self._streams):
            stream.finish_record(self._flight, index, self._record)
        self._terminal.end()
        self._witness.dismiss()
        status, usage = self._ended
        return Outcome(
            exit_code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            signals=tuple((name, moment) for name, moment, _ in self._received),
            senders=tuple(sender for _, _, sender in self._received),
            usage=usage,
        )

    def _tick_ms(self) -> int:
        return _TERMINAL_TICK_MS if self._idle_ticks < _TICKS_UNTIL_QUIET else _QUIET_TICK_MS

    def is_output_held(self) -> bool:
        """Whether a descendant of the child can still write; asked after `run`."""
        return any(stream.is_open for stream in self._streams) and not self._abandoned_by

    def relay(self) -> None:
        """Copy for descendants that outlive the child, until the last has let go of the output."""
        while any(stream.is_open or stream.pending for stream in self._streams):
            self._wait_once(None)

    def sink_failure(self) -> OSError | None:
        """Why output could not be passed on, other than by a reader that went away."""
        failures = (stream.sink_error for stream in self._streams)
        return next((error for error in failures if error and error.errno not in (errno.EPIPE, errno.EIO)), None)

    def _wait_once(self, timeout_ms: int | None) -> bool:
        """Wait for output, room, keys or signals and handle what came; whether anything did."""
        self._watch()
        ready = {descriptor for descriptor, _ in self._poller.poll(self._until_due(timeout_ms))}
        self._tell_size()
        self._terminal.look()
        for index, stream in enumerate(self._streams):
            if stream.pending and stream.sink in ready:
                stream.flush()
                self._close_if_over(stream, index)
            elif stream.watched_for_readers() in ready:
                stream.lose_reader()
                self._close_if_over(stream, index)
            if stream.source in ready and stream.wants_more():
                self._copy(stream, index)
        if self._terminal.keyboard() in ready:
            self._terminal.forward_keys()
        if self._terminal.input_waits() in ready:
            self._terminal.flush_input()
        self._idle_ticks = 0 if ready else self._idle_ticks + 1
        if self._signals.descriptor in ready:
            self._take_signals()
        self._look_around()
        return bool(ready)

    def _until_due(self, timeout_ms: int | None) -> int | None:
        """How long to wait at most, when something is due before the timeout."""
        due_ms = [] if timeout_ms is None else [timeout_ms]
        if self._size_notice_due is not None:
            due_ms.append(_SIZE_NOTICE_MS)
        if self._watcher is not None and self._ended is None:
            due_ms.append(int(1000 * self._watcher.wait_s()) + 1)
        return min(due_ms, default=None)

    def _look_around(self) -> None:
        """Do what is due from time to time, whatever comes meanwhile: see to size and keys, let the watcher look."""
        now = time.monotonic()
        if self._terminal.is_present and now >= self._next_closer_look:
            self._next_closer_look = now + _TERMINAL_TICK_MS / 1000
            self._copy_size()
            self._terminal.look_closer()
        if self._watcher is not None and self._ended is None and not any(stream.pending for stream in self._streams):
            self._watcher.look(self._child_pid)

    def _watch(self) -> None:
        """Poll for what can be handled now: a stream whose sink does not keep up is not read."""
        wanted = {self._signals.descriptor: select.POLLIN}
        for stream in self._streams:
            if stream.pending:
                wanted[stream.sink] = select.POLLOUT
            elif (watched := stream.watched_for_readers()) is not None:
                wanted[watched] = 0  # errors, which poll(2) reports in any case
            if stream.wants_more():
                wanted[stream.source] = select.POLLIN
        keyboard, input_waits = self._terminal.keyboard(), self._terminal.input_waits()
        if keyboard is not None:
            wanted[keyboard] = select.POLLIN
        if input_waits is not None:
            wanted[input_waits] = wanted.get(input_waits, 0) | select.POLLOUT
        if wanted != self._watched:
            self._poller = select.poll()
            for descriptor, events in wanted.items():
                self._poller.register(descriptor, events)
            self._watched = wanted

    def _take_signals(self) -> None:
        """Handle the signals that wait.

        The witness forgets a signal before we take it: in the other order one to the group that comes in between would be
        forgotten with the one before it, and forwarded to a child that has it.
        """
        shared = signal.sigpending() - {signal.SIGCHLD} if self._shares_group else set()
        self._groups = {number for number in shared if self._witness.take(number)}
        # SIGCHLD last: the signal that stopped the child was ours as well and must be dealt with before we stop.
        for info in sorted(self._signals.take(), key=lambda info: info.number == signal.SIGCHLD):
            self._handle(info)
        for number in self._groups - signal.sigpending():
            self._witness.take(number)  # one to the group that the kernel has merged with the one before it for us

    def _copy(self, stream: Stream, index: int) -> None:
        stream.copy(self._flight, index, self._record)
        self._close_if_over(stream, index)

    def _close_if_over(self, stream: Stream, index: int) -> None:
        """Close a stream that has ended or whose output nobody takes any more, so that the child's next write fails."""
        if stream.is_open and stream.sink_error:
            if stream.sink_error.errno == errno.EPIPE and stream.is_pty:
                # Who writes to a pipe without reader gets SIGPIPE; a pty that was closed would only say EIO.
                self._send(signal.SIGPIPE)
            stream.close()
        if not stream.is_open:
            stream.finish_record(self._flight, index, self._record)
            self._follower.close_source(index)

    def _drain(self) -> None:
        """Pass on all that the child had written when it ended: what a poll shows at once is all there is on Linux.

        A descendant may write on without end; past the capacity of a pipe or pty nothing is the child's any more.
        """
        limits = [stream.bytes_read + KERNEL_BUFFER_BYTES for stream in self._streams]
        while not self._abandoned_by:
            if any(stream.pending for stream in self._streams):
                self._wait_once(None)
            elif not self._wait_once(0) or self._is_beyond(limits):
                return

    def _is_beyond(self, limits: Sequence[int]) -> bool:
        open_streams = [(stream, limit) for stream, limit in zip(self._streams, limits, strict=True) if stream.is_open]
        return all(stream.bytes_read >= limit for stream, limit in open_streams)

    def _handle(self, info: SignalInfo) -> None:
        number = info.number
        if number == signal.SIGCHLD:
            self._follower.check()
            self._reap()
        elif number == signal.SIGWINCH:
            self._copy_size()
        if number in (signal.SIGCHLD, signal.SIGWINCH) and not info.was_sent:
            return  # by the kernel, which has told the child of what concerns it
        if number in _ENDING:
            self._received.append((signal_name(number), time.time(), find_sender(info)))
            self._follower.warn()
        if self._ended is not None:
            # The child would die of this while it waits for a slow reader; only its output is left to wait for.
            self._abandoned_by = number if number in _ENDING else 0
            return
        if number == signal.SIGCONT:
            self._terminal.go_on()
            if info.sender == self._witness.pid:
                return  # because the child goes on already
        if number in self._groups:
            return
        if self._shares_group and self._witness.wait_for(number):
            self._groups.add(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        if self._ended is None:  # not yet waited for, so the pid is the child's
            os.kill(self._child_pid, number)

    def _copy_size(self) -> None:
        if self._terminal.copy_size():
            self._size_notice_due = time.monotonic() + _SIZE_NOTICE_MS / 1000

    def _tell_size(self) -> None:
        """Tell the program of the size that was copied a moment ago."""
        if self._size_notice_due is not None and time.monotonic() >= self._size_notice_due:
            self._size_notice_due = None
            if self._ended is None:
                self._terminal.tell_size(self._child_pid)

    def _reap(self) -> None:
        """Take note of the child's end; stop and continue as it does."""
        while self._ended is None:
            pid, status, usage = os.wait4(self._child_pid, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                self._stop_with_child(os.WSTOPSIG(status))
            else:
                self._ended = status, usage

    def _stop_with_child(self, number: int) -> None:
        """Stop as the child did, after its last output is out; the SIGCONT that continues us is handled like any signal."""
        while self._copy_what_is_there():
            pass
        self._terminal.pause()
        with self._witness.continuing_with(self._child_pid):
            stop_ourselves(number if number in _STOPPING else signal.SIGSTOP)
        self._terminal.go_on()
        self._copy_size()

    def _copy_what_is_there(self) -> bool:
        poller = select.poll()
        readable = [(index, stream) for index, stream in enumerate(self._streams) if stream.is_open and not stream.pending]
        for _, stream in readable:
            poller.register(stream.source, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(0)}
        for index, stream in readable:
            if stream.source in ready:
                self._copy(stream, index)
        return bool(ready)
