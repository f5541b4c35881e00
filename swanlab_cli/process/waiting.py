"""Who waits for input: whether a process, or a descendant of it, sleeps until a certain terminal gives it something to read.

Read from /proc (proc(5)): the system call in which each thread sleeps, its arguments, and what its descriptors are.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator

READ, POLL, UNKNOWN = "read", "poll", "unknown"
"""It sleeps in read(2) of the terminal; in poll(2) or its kin with the terminal among others; or may do so, but we cannot see."""

# Numbers of the system calls that wait for input, by os.uname().machine (<asm/unistd.h>).
_READ, _POLL, _SELECT, _EPOLL = "read", "poll", "select", "epoll"
_CALLS = {
    "x86_64": {0: _READ, 19: _READ, 7: _POLL, 271: _POLL, 23: _SELECT, 270: _SELECT, 232: _EPOLL, 281: _EPOLL, 441: _EPOLL},
    "aarch64": {63: _READ, 65: _READ, 73: _POLL, 72: _SELECT, 22: _EPOLL, 441: _EPOLL},
}
_POLLFD = struct.Struct("=ihh")  # struct pollfd: descriptor, events, revents
_POLLIN, _EPOLLIN = 1, 1
_MOST_DESCRIPTORS = 1024


def descendants(pid: int) -> Iterator[int]:
    """`pid` and the processes below it."""
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += _children(process)


def input_wait(pid: int, paths: Collection[str]) -> str | None:
    """How `pid` or a descendant waits for input from a terminal that goes by one of `paths`: READ, POLL, UNKNOWN or None.

    UNKNOWN where the kernel does not let us look, as with a program of another user.
    """
    found = {_process_wait(process, paths) for process in descendants(pid)}
    return next((kind for kind in (READ, POLL, UNKNOWN) if kind in found), None)


def holds_for_reading(pid: int, path: str, but_for: Collection[str]) -> bool:
    """Whether `pid` or a descendant has `path` open for reading on a descriptor not in `but_for`."""
    for process in descendants(pid):
        try:
            for number in set(os.listdir(f"/proc/{process}/fd")) - set(but_for):
                if os.readlink(f"/proc/{process}/fd/{number}") == path and _is_readable(process, number):
                    return True
        except OSError:  # it ended, or is another user's
            continue
    return False


def _children(pid: int) -> list[int]:
    children = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as listing:
                children += [int(child) for child in listing.read().split()]
    except OSError:  # it has ended
        pass
    return children


def _is_readable(pid: int, number: str) -> bool:
    for name, value in _fdinfo(pid, number):
        if name == b"flags:":
            return int(value[0], 8) & os.O_ACCMODE in (os.O_RDONLY, os.O_RDWR)
    return False


def _process_wait(pid: int, paths: Collection[str]) -> str | None:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return None
    for thread in threads:
        try:
            kind = _thread_wait(pid, thread, paths)
        except PermissionError:
            return UNKNOWN
        except OSError:  # it has ended
            continue
        if kind is not None:
            return kind
    return None


def _thread_wait(pid: int, thread: str, paths: Collection[str]) -> str | None:
    """How this thread waits: READ, POLL, or None."""
    with open(f"/proc/{pid}/task/{thread}/syscall", "rb") as file:
        words = file.read().split()
    calls = _CALLS.get(os.uname().machine)
    if calls is None:
        return UNKNOWN
    if not words or not words[0].isdigit():  # "running", or -1 for none
        return None
    call = calls.get(int(words[0]))
    arguments = [int(word, 16) for word in words[1:4]]
    if call == _READ:
        return READ if _is_one_of(pid, arguments[0], paths) else None
    if call == _POLL:
        numbers = _polled(pid, arguments[0], arguments[1])
    elif call == _SELECT:
        numbers = _selected(pid, arguments[0], arguments[1])
    elif call == _EPOLL:
        numbers = _epolled(pid, arguments[0])
    else:
        return None
    return POLL if any(_is_one_of(pid, number, paths) for number in numbers) else None


def _is_one_of(pid: int, number: int, paths: Collection[str]) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}") in paths
    except FileNotFoundError:
        return False


def _polled(pid: int, address: int, count: int) -> list[int]:
    data = _memory(pid, address, _POLLFD.size * min(count, _MOST_DESCRIPTORS))
    return [number for number, events, _ in _POLLFD.iter_unpack(data) if number >= 0 and events & _POLLIN]


def _selected(pid: int, count: int, address: int) -> list[int]:
    if address == 0:
        return []
    bits = int.from_bytes(_memory(pid, address, (min(count, _MOST_DESCRIPTORS) + 63) // 64 * 8), "little")
    return [number for number in range(min(count, _MOST_DESCRIPTORS)) if bits >> number & 1]


def _epolled(pid: int, epoll: int) -> list[int]:
    # Lines such as "tfd:        5 events:       19 data: ...": proc(5), /proc/pid/fdinfo.
    entries = [value for name, value in _fdinfo(pid, str(epoll)) if name == b"tfd:"]
    return [int(value[0]) for value in entries if int(value[2], 16) & _EPOLLIN]


def _fdinfo(pid: int, number: str) -> Iterator[tuple[bytes, list[bytes]]]:
    with open(f"/proc/{pid}/fdinfo/{number}", "rb") as fdinfo:
        for line in fdinfo:
            name, *value = line.split()
            yield name, value


def _memory(pid: int, address: int, length: int) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(length)
