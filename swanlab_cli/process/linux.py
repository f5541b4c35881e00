"""The system calls that Python lacks, or has only in part: prctl(2), signalfd(2) and execve(2), through ctypes."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_SFD_NONBLOCK, _SFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_SIGSET_BYTES = 128  # sizeof(sigset_t) of glibc and musl
_SIGINFO_BYTES = 128  # sizeof(struct signalfd_siginfo)

_libc = ctypes.CDLL(None, use_errno=True)


class SignalInfo(NamedTuple):
    """One signal as the kernel delivered it."""

    number: int
    code: int
    """`si_code`: 0 for kill(2), 0x80 where the kernel itself sent it, such as a terminal's Ctrl-C."""
    sender: int
    """Process id of the sender, 0 for the kernel."""
    uid: int = 0
    """User id of the sender."""

    @property
    def was_sent(self) -> bool:
        """Whether a process sent it, and not the kernel of its own accord (sigaction(2): SI_FROMUSER)."""
        return self.code <= 0


def die_with_parent(signal_number: int) -> None:
    """Make the kernel send the calling process `signal_number` when the thread that forked it ends.

    Raises:
        OSError: prctl(2) failed.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "prctl(PR_SET_PDEATHSIG)")


def execute(path: bytes, arguments: Sequence[bytes], environment: Sequence[bytes]) -> int:
    """Become the program at `path`; returns only on failure, with the errno.

    os.execve() takes a mapping, so entries that are there twice, have no `=` or nothing before it could not be passed on.
    """
    _libc.execve(path, _strings(arguments), _strings(environment))
    return ctypes.get_errno()


def _strings(items: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    """An array of C strings that ends with a null pointer."""
    return (ctypes.c_char_p * (len(items) + 1))(*items, None)


def open_signalfd(signal_numbers: Iterable[int]) -> int:
    """A non-blocking descriptor from which these signals, which the caller has blocked, are read.

    Raises:
        OSError: signalfd(2) failed.
    """
    mask = sum(1 << (number - 1) for number in signal_numbers).to_bytes(_SIGSET_BYTES, "little")
    descriptor = int(_libc.signalfd(-1, mask, _SFD_NONBLOCK | _SFD_CLOEXEC))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "signalfd")
    return descriptor


def read_signalfd(descriptor: int) -> list[SignalInfo]:
    """The signals that wait at `descriptor`, oldest first; empty when there are none."""
    try:
        data = os.read(descriptor, 32 * _SIGINFO_BYTES)
    except BlockingIOError:
        return []
    # struct signalfd_siginfo begins: u32 signo, s32 errno, s32 code, u32 pid, u32 uid (signalfd(2)).
    heads = (struct.unpack_from("=IiiII", data, start) for start in range(0, len(data), _SIGINFO_BYTES))
    return [SignalInfo(number, code, sender, uid) for number, _, code, sender, uid in heads]
