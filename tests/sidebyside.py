"""What the tests of transparency share: one command, started bare and behind `swanlab run`, must look the same to its caller."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psutil

from .conftest import DEADLINE_S, SWANLAB, Workplace, wait_for

T = TypeVar("T")

PTY, PIPES = "pty", "no-pty"
MODES = (PTY, PIPES)
Seen = tuple[int, bytes, bytes]
"""Exit status as waitpid(2) has it (negative: the signal), stdout, stderr."""


class HasDescriptor(Protocol):
    """An open file or socket."""

    def fileno(self) -> int:
        """Its number."""


def snippet(code: str) -> list[str]:
    """The command that runs this Python code, started as fast as Python can be."""
    return [sys.executable, "-S", "-c", code]


def read_until(stream: HasDescriptor, end: bytes) -> bytes:
    """What comes up to and with `end`, and not a byte more; fails at the end of the stream or when the deadline passes."""
    seen = b""
    while not seen.endswith(end):
        byte = _read_by_deadline(stream.fileno(), 1, seen)
        assert byte, f"ended before {end!r}, after {seen!r}"
        seen += byte
    return seen


def read_to_end(stream: HasDescriptor) -> bytes:
    """All that still comes up to the end of the stream; fails when the deadline passes before that."""
    chunks: list[bytes] = []
    while chunk := _read_by_deadline(stream.fileno(), 1 << 16, b"".join(chunks[-1:])):
        chunks.append(chunk)
    return b"".join(chunks)


def _read_by_deadline(descriptor: int, most: int, seen: bytes) -> bytes:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    assert poller.poll(DEADLINE_S * 1000), f"nothing came any more after {seen[-500:]!r}"
    return os.read(descriptor, most)


def is_pending(pid: int, number: int) -> bool:
    """Whether a signal that was sent to this process is still waiting there."""
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = (int(line.split()[1], 16) for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(pending >> (number - 1) & 1)


def tree(pid: int) -> list[int]:
    """The process and all its descendants; a bare command may be alone."""
    return [pid, *(process.pid for process in psutil.Process(pid).children(recursive=True))]


class Caller:
    """Somebody who starts commands, all with the same words in front, in a directory of their own."""

    def __init__(self, work: Workplace, name: str, prefix: tuple[str, ...]) -> None:
        self.directory = work.directory / name
        self.directory.mkdir()
        self.prefix = prefix
        self.environ = {**work.environ, "WITH": " ".join(prefix)}
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def is_wrapped(self) -> bool:
        """Whether `swanlab run` is in front."""
        return bool(self.prefix)

    def start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the command with pipes for its streams, in a session of its own."""
        return self.start_as_is(*self.prefix, *command, **options)

    def start_as_is(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program that itself starts the command: `prefix` is in its words already."""
        pipe = subprocess.PIPE
        options = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "start_new_session": True, **options}
        process = subprocess.Popen(command, cwd=self.directory, env=self.environ, bufsize=0, **options)
        self._started.append(process)
        return process

    def run(self, *command: str, stdin: bytes = b"", **options: Any) -> Seen:
        """Run the command to its end."""
        return self.finish(self.start(*command, **options), stdin)

    def shell(self, script: str, *words: str) -> Seen:
        """Run a bash script in which `$WITH` stands in front of the command."""
        process = self.start_as_is("bash", "--norc", "-c", script, "bash", *words, stdin=subprocess.DEVNULL)
        return self.finish(process)

    def finish(self, process: subprocess.Popen[bytes], stdin: bytes | None = None) -> Seen:
        """Wait for the end, with all the output that was not read yet."""
        stdout, stderr = process.communicate(stdin, timeout=DEADLINE_S)
        return process.returncode, stdout or b"", stderr or b""

    def fifo(self, name: str) -> Path:
        """A new FIFO in the directory."""
        path = self.directory / name
        os.mkfifo(path)
        return path

    def close(self) -> None:
        """End everything that was started, however the test ended."""
        for process in self._started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            process.kill()
            process.wait(DEADLINE_S)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


class Pair:
    """A caller who starts commands bare and one who puts `swanlab run` in front."""

    def __init__(self, work: Workplace, mode: str) -> None:
        self.mode = mode
        self.bare = Caller(work, "bare", ())
        self.wrapped = Caller(work, "wrapped", (SWANLAB, "run", "-q", f"--{mode}"))

    def see(self, look: Callable[[Caller], T]) -> T:
        """What `look` sees of the bare command; fails unless it sees exactly that of the wrapped one."""
        bare = look(self.bare)
        wrapped = look(self.wrapped)
        assert wrapped == bare, f"bare:    {_shorten(bare)}\nwrapped: {_shorten(wrapped)}"
        return bare


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) < 2000 else f"{text[:1000]} ... {text[-1000:]}"


def pair(work: Workplace, mode: str) -> Iterator[Pair]:
    """The body of a fixture: both callers, and nothing of theirs left afterwards."""
    callers = Pair(work, mode)
    yield callers
    callers.bare.close()
    callers.wrapped.close()


def let_go(fifo: Path) -> None:
    """Let a process go on that waits for somebody to open this FIFO for writing."""
    wait_for(lambda: _opens_for_writing(fifo), f"a process that reads {fifo.name}")


def _opens_for_writing(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:  # ENXIO: nobody reads it yet
        return False
    return True


def wait_until_taken(pid: int, number: int) -> None:
    """Wait until this process has taken the signal that it was sent."""
    wait_for(lambda: not is_pending(pid, number), f"signal {number} is taken by {pid}")


def wait_until_nothing_is_left(session: int) -> None:
    """Wait until no process of this session is alive."""
    wait_for(lambda: not _alive_in(session), f"the end of all processes of session {session}")


def _alive_in(session: int) -> list[int]:
    alive = []
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if os.getsid(process.pid) == session and process.info["status"] != psutil.STATUS_ZOMBIE:
                alive.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return alive
