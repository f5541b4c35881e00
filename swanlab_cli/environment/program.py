"""Asking other programs: never through a shell, never at a terminal, never longer than a deadline."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from swanlab_cli.environment.target import ProbeError

# How long a killed program may take to disappear; one that waits for a dead file server does not, and is left to init.
_REAP_S = 1.0
_PIECE_BYTES = 65536


class Answer(NamedTuple):
    """What a program said before it ended."""

    exit_code: int
    """Negative: the signal that ended it."""
    output: bytes
    errors: bytes


def find_program(name: str, environ: Mapping[str, str], cwd: str) -> str | None:
    """The file that `name` without a slash means to a process with this environment and directory, or None."""
    search = environ.get("PATH", os.defpath)
    for directory in search.split(os.pathsep) if search else ():
        candidate = os.path.join(cwd, directory, name)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def ask(argv: Sequence[str], cwd: str, environ: Mapping[str, str], ends_at: float) -> Answer:
    """Run a program to its end and give back what it said; `ends_at` is on the monotonic clock.

    It gets a session of its own: it has no terminal to prompt at, no signal of the user's, and dies with its children.

    Raises:
        ProbeError: it cannot be started, or has not ended at `ends_at`; then it is killed.
    """
    allowed_s = max(0.0, ends_at - time.monotonic())
    program = _start(argv, cwd, environ)
    try:
        output, errors = program.communicate(timeout=allowed_s)
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"{argv[0]} did not answer within {allowed_s:.1f} s and was killed") from error
    finally:
        _end(program)
    return Answer(program.returncode, output, errors)


def listen(argv: Sequence[str], cwd: str, environ: Mapping[str, str], ends_at: float) -> Iterator[bytes]:
    """What a program says, piece by piece, to its end; closing the iterator kills it. Otherwise as `ask`.

    Raises:
        ProbeError: as with `ask`, and when it ends with a failure.
    """
    program = _start(argv, cwd, environ)
    assert program.stdout is not None
    poll = select.poll()
    poll.register(program.stdout, select.POLLIN)
    try:
        while poll.poll(max(0.0, ends_at - time.monotonic()) * 1000):
            piece = os.read(program.stdout.fileno(), _PIECE_BYTES)
            if not piece:
                # It has closed its output: what it says about failures is short and fits the pipe.
                _, errors = program.communicate(timeout=_REAP_S)
                if program.returncode:
                    raise ProbeError(f"{argv[0]}: {errors.decode(errors='replace').strip() or program.returncode}")
                return
            yield piece
        raise ProbeError(f"{argv[0]} did not finish in time and was killed")
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"{argv[0]} did not end and was killed") from error
    finally:
        _end(program)


def _start(argv: Sequence[str], cwd: str, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL or an equals sign where the kernel allows none
        raise ProbeError(f"cannot run {argv[0]} in {cwd}: {error}") from error


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.returncode is not None:
        return
    try:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait(_REAP_S)
    except (OSError, subprocess.TimeoutExpired):
        pass
    for stream in (program.stdout, program.stderr):
        if stream is not None:
            stream.close()
