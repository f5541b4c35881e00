"""Starting the child: fork, streams, signals as we found them, exec; and telling why it could not be."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import termios
from collections.abc import Sequence
from typing import NamedTuple

from .linux import die_with_parent, execute
from .signals import SignalMask
from .streams import Stream

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as POSIX shells exit


class Command(NamedTuple):
    """What to execute, in the bytes that execve(2) takes."""

    arguments: tuple[bytes, ...]
    environment: tuple[bytes, ...]
    """Entries such as `NAME=value`, in their order."""
    candidates: tuple[bytes, ...]
    """The paths to try, in PATH's order."""


class SpawnFailure(NamedTuple):
    """Why no program runs."""

    exit_code: int
    reason: str


def find_command(arguments: Sequence[bytes], environment: Sequence[bytes]) -> Command:
    """The command with the places where execvp(3) would look for it."""
    name = arguments[0]
    if b"/" in name:
        candidates: tuple[bytes, ...] = (name,)
    else:
        candidates = tuple(os.path.join(folder or b".", name) for folder in _search_path(environment).split(b":"))
    return Command(tuple(arguments), tuple(environment), candidates)


def _search_path(environment: Sequence[bytes]) -> bytes:
    return next((entry[5:] for entry in environment if entry.startswith(b"PATH=")), os.fsencode(os.defpath))


def executable_of(command: Command) -> bytes | None:
    """The first candidate that is an executable file: what exec will take, or None."""
    return next((path for path in command.candidates if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def fork_child(command: Command, streams: Sequence[Stream], mask: SignalMask) -> tuple[int, int]:
    """Start the command with its outputs on `streams`: (process id, descriptor to read the failure from).

    The child keeps our stdin, session, process group, controlling terminal and every other descriptor that we inherited.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        number = errno.EIO
        try:
            die_with_parent(signal.SIGKILL)
            if os.getppid() != parent:  # it died before prctl(2)
                os._exit(NOT_EXECUTABLE)
            for stream in streams:
                if stream.is_console:
                    _become_leader(stream.child_end)
                for number in stream.numbers:
                    os.dup2(stream.child_end, number)
            mask.restore()
            number = _execute(command)
        except OSError as error:
            number = error.errno or number
        finally:
            os.write(writer, number.to_bytes(4, "little"))
            os._exit(NOT_EXECUTABLE)
    os.close(writer)
    for stream in streams:
        stream.close_child_end()
    return pid, reader


def _become_leader(terminal: int) -> None:
    """Lead a new session with this controlling terminal."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def read_exec_failure(reader: int, command: Command) -> SpawnFailure | None:
    """Why the child, which has ended, never became the command; None if it did.

    Nobody waits for the exec: a child that is stopped before it is a stopped child like any other.
    """
    data = os.read(reader, 4)
    os.close(reader)
    return _describe(int.from_bytes(data, "little"), command) if data else None


def replace_process(command: Command, mask: SignalMask) -> SpawnFailure:
    """Become the command ourselves; returns only when that fails."""
    mask.forget_own()
    mask.restore()
    return _describe(_execute(command), command)


def _describe(number: int, command: Command) -> SpawnFailure:
    from .suggestions import suggest_for_file, suggest_for_missing  # only after a failure

    name = command.arguments[0]
    if number == errno.ENOENT:
        exit_code, reason = NOT_FOUND, "no such file" if b"/" in name else "command not found on PATH"
        if b"/" in name and os.path.exists(name):
            reason = "its interpreter is missing"
        suggestion = suggest_for_missing(name, _search_path(command.environment))
    else:
        exit_code, reason = NOT_EXECUTABLE, "it is a directory" if os.path.isdir(name) else os.strerror(number).lower()
        suggestion = suggest_for_file(name) if number == errno.EACCES else ""
    return SpawnFailure(exit_code, "; ".join(filter(None, (f"cannot run '{os.fsdecode(name)}': {reason}", suggestion))))


def _is_binary(path: bytes) -> bool:
    """Whether a file's first line holds what no script does, as bash looks for it."""
    try:
        with open(path, "rb") as file:
            return b"\0" in file.readline(80)
    except OSError:
        return False


def _execute(command: Command) -> int:
    """Become the command; returns only on failure, with the errno to report (as execvp(3) chooses it)."""
    failure = errno.ENOENT
    for path in command.candidates:
        number = execute(path, command.arguments, command.environment)
        if number == errno.ENOEXEC and not _is_binary(path):  # a script without "#!": execvp(3) hands it to the shell
            return execute(b"/bin/sh", (b"/bin/sh", path, *command.arguments[1:]), command.environment)
        if number == errno.EACCES:
            failure = errno.EACCES
        elif number not in (errno.ENOENT, errno.ENOTDIR) or len(command.candidates) == 1:
            return number
    return failure
