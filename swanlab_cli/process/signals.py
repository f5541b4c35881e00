"""Signals of the pump: blocked from the first moment, read from a descriptor, shared with the child exactly once.

Also ends this process as the child ended.
"""

from __future__ import annotations

import os
import resource
import signal

from .linux import SignalInfo, open_signalfd, read_signalfd

# What CPython ignores at its start; a child must not inherit that (https://docs.python.org/3/library/signal.html).
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SHELLS = (b"bash", b"sh", b"dash", b"zsh", b"ksh", b"ksh93", b"mksh", b"busybox")


class SignalMask:
    """All signals blocked; `original` is the mask that the caller of `swanlab` gave us."""

    def __init__(self) -> None:
        self.original = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        # Python's own handler would swallow a Ctrl-C that arrives between the child's fork and its exec.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._ignored_by_shell = _ignored_by_calling_shell()
        # An inherited "ignore" of SIGCHLD would make the kernel throw our children's exit statuses away.
        self._children_ignored = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        if self._children_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def forget_own(self) -> None:
        """Clear what our own writes have raised: it is pending, since it is blocked, and would hit the command that we become."""
        for number in _IGNORED_BY_PYTHON:
            while signal.sigtimedwait({number}, 0):
                pass

    def restore(self) -> None:
        """Give the calling process, about to exec, the dispositions and the mask of our own start."""
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_IGN if number in self._ignored_by_shell else signal.SIG_DFL)
        if self._children_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.original)


def _ignored_by_calling_shell() -> frozenset[int]:
    """What a shell that called us ignores, and so, by trap '', meant us to ignore; empty where our parent is no shell.

    Our own dispositions cannot tell, since Python has ignored some of these signals before our first line ran.
    """
    parent = os.getppid()
    try:
        if os.path.basename(os.fsencode(os.readlink(f"/proc/{parent}/exe"))) in _SHELLS:
            ignored = _signal_set(parent, b"SigIgn:")
            return frozenset(number for number in _IGNORED_BY_PYTHON if ignored >> (number - 1) & 1)
    except OSError:  # another user's, or in another namespace
        pass
    return frozenset()


class SignalSource:
    """The signals that were sent to this process, as a descriptor to poll."""

    def __init__(self) -> None:
        unblockable = {signal.SIGKILL, signal.SIGSTOP}
        self.descriptor = open_signalfd(signal.valid_signals() - unblockable)
        self._own_pid = os.getpid()

    def take(self) -> list[SignalInfo]:
        """The signals waiting, without those that our own writes raised (SIGPIPE, SIGXFSZ)."""
        infos = read_signalfd(self.descriptor)
        return [info for info in infos if info.sender != self._own_pid or info.number not in _IGNORED_BY_PYTHON]

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)


def _signal_set(pid: int, field: bytes) -> int:
    """A set of signals in /proc/PID/status, bit n-1 for signal n."""
    with open(f"/proc/{pid}/status", "rb") as status:
        return next((int(line[len(field) :], 16) for line in status if line.startswith(field)), 0)


def stop_ourselves(number: int) -> None:
    """Stop this process by `number`, as the child was stopped; return when it is continued."""
    if number == signal.SIGSTOP:
        os.kill(os.getpid(), number)
        return
    previous = signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})  # here we stop
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    signal.signal(number, previous)


def die_of(number: int) -> None:
    """End this process by signal `number`, without a core file; returns only if the signal does not kill."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})


def signal_name(number: int) -> str:
    """The name of a signal, such as `SIGTERM`; real-time signals as `SIGRTMIN+3`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
