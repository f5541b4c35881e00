"""The same thing done twice, bare and behind `swanlab run -q`: what the caller and the child see must not differ."""

from __future__ import annotations

import io
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import pexpect
import psutil
import pytest

from .conftest import DEADLINE_S, SWANLAB, Workplace, wait_for

T = TypeVar("T")
PROMPT = "PR0MPT> "
PYTHON = (sys.executable, "-S")
PTY, PIPE = "--pty", "--no-pty"
in_both_modes = pytest.mark.parametrize("mode", [PTY, PIPE])


class Seen(NamedTuple):
    """What the caller of a command sees."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Side(Workplace):
    """One way to run a command, in an empty working directory; the log directory is elsewhere."""

    def __init__(self, work: Workplace, prefix: Sequence[str]) -> None:
        super().__init__(work.directory / "cwd")
        # The pager and the shell would leave files in the home directory whenever they happen to end well.
        self.environ.update(HOME=str(work.directory / "home"), HISTFILE="/dev/null", LESSHISTFILE="-")
        self.prefix = tuple(prefix)
        """What stands before a command; empty where it runs bare."""
        self.logdir = work.logdir

    def run(self, *command: str | bytes, before: Sequence[str] = (), **options: Any) -> Seen:
        """Run `before PREFIX COMMAND` to its end with pipes for its outputs."""
        options = {"stdin": subprocess.DEVNULL, "cwd": self.directory, "env": self.environ, **options}
        if "input" in options:
            del options["stdin"]
        words = [*before, *self.prefix, *command]
        done = subprocess.run(words, capture_output=True, timeout=2 * DEADLINE_S, check=False, **options)
        return Seen(done.returncode, done.stdout, done.stderr)

    def popen(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start `PREFIX COMMAND`, by default with pipes for its outputs."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        options = {"cwd": self.directory, "env": self.environ, **options}
        return subprocess.Popen([*self.prefix, *command], **options)

    def bash(self, script: str, **options: Any) -> Seen:
        """Run a bash script in which `$W` is the prefix and `$P` is Python."""
        bare = Side.__new__(Side)
        bare.__dict__.update(self.__dict__, prefix=())
        return bare.run("bash", "--norc", "-c", f"{self.variables()}\n{script}", **options)

    def spawn(self, *command: str, before: Sequence[str] = ()) -> Terminal:
        """`before PREFIX COMMAND` as the leader of a session on a terminal of its own."""
        return Terminal(self, [*before, *self.prefix, *command])

    def open_shell(self) -> Shell:
        """An interactive bash with job control on a terminal, in which `$W` is the prefix and `$P` is Python."""
        return Shell(self)

    def variables(self) -> str:
        """The assignments to `W` and `P`."""
        return f"W={shlex.quote(shlex.join(self.prefix))} P={shlex.quote(shlex.join(PYTHON))}"

    def channel(self, name: str) -> Channel:
        """A FIFO in the working directory."""
        return Channel(self.directory / name)


class Channel:
    """A FIFO that never makes its other end wait for us: a child tells lines through it or is told to go on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._received = b""

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._descriptor)

    def tell(self, text: str = "go\n") -> None:
        """Write what the child reads."""
        os.write(self._descriptor, text.encode())

    def line(self) -> str:
        """The next line that a child told."""
        deadline = time.monotonic() + DEADLINE_S
        while b"\n" not in self._received:
            assert select.select([self._descriptor], [], [], deadline - time.monotonic())[0], f"no whole line: {self._received!r}"
            self._received += os.read(self._descriptor, 65536)
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="surrogateescape")


class Terminal:
    """A terminal of 30 rows and 90 columns with a program on it, and everything that the terminal was sent."""

    def __init__(self, side: Side, command: Sequence[str], environ: dict[str, str] | None = None) -> None:
        self.side = side
        self._log = io.StringIO()
        spawn: Any = pexpect.spawn  # its type stubs lack the parts of ptyprocess
        self.program = spawn(
            command[0], list(command[1:]), cwd=str(side.directory), env={**side.environ, **(environ or {})}, encoding="latin-1",
            timeout=DEADLINE_S, dimensions=(30, 90), echo=True,
        )  # fmt: skip
        self.program.delaybeforesend = None
        self.program.delayafterclose = self.program.ptyproc.delayafterclose = 0.01
        self.program.delayafterterminate = self.program.ptyproc.delayafterterminate = 0.01
        self.program.logfile_read = self._log
        self.descriptor: int = self.program.child_fd
        self.pid: int = self.program.pid

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.program.close(force=True)
        for pid in session_members(self.pid):
            os.kill(pid, signal.SIGKILL)

    def send(self, keys: str) -> None:
        """Type these keys."""
        self.program.send(keys)

    def expect(self, text: str) -> None:
        """Wait until the terminal has been sent this text."""
        self.program.expect_exact(text)

    def dialogue(self, *turns: tuple[str, str]) -> None:
        """Wait for each text and type the answer to it."""
        for text, keys in turns:
            self.expect(text)
            self.send(keys)

    def finish(self) -> int:
        """Wait for the end: the exit code, or minus the number of the signal."""
        self.program.expect(pexpect.EOF)
        self.program.wait()  # cat, say, closes its terminal before it exits, and closing our end would hang it up
        self.program.close()
        return -self.program.signalstatus if self.program.signalstatus else int(self.program.exitstatus or 0)

    def hang_up(self) -> None:
        """Close the terminal under its programs, as a terminal emulator that is closed."""
        self.program.ptyproc.fileobj.close()
        self.program.ptyproc.closed = True

    def sent(self) -> str:
        """All that the terminal has been sent so far, a character for each byte."""
        return self._log.getvalue()

    def modes(self) -> list[Any]:
        """Its modes, as tcgetattr(3) gives them."""
        return termios.tcgetattr(self.descriptor)


class Shell(Terminal):
    """An interactive bash with job control."""

    def __init__(self, side: Side) -> None:
        super().__init__(side, ["bash", "--norc", "--noprofile", "--noediting", "-i"], {"PS1": PROMPT})
        self.expect(PROMPT)
        self.run(f"ulimit -c 0; {side.variables()}")
        self._start = len(super().sent())

    def __enter__(self) -> Shell:
        return self

    def enter(self, line: str) -> None:
        """Type a line and Enter, and wait for its echo."""
        self.program.sendline(line)
        self.expect("\r\n")

    def prompt(self) -> str:
        """What comes before the next prompt, without process ids."""
        self.expect(PROMPT)
        return without_pids(str(self.program.before))

    def run(self, line: str) -> str:
        """What the shell prints between this line and its next prompt, without process ids."""
        self.enter(line)
        return self.prompt()

    def suspend(self) -> str:
        """Type Ctrl-Z and wait for the prompt."""
        self.program.sendcontrol("z")
        return self.prompt()

    def sent(self) -> str:
        """All that the terminal has been sent since the first command, without process ids."""
        return without_pids(super().sent()[self._start :])


def without_pids(text: str) -> str:
    """The text with a placeholder for each number that the shell chose."""
    return re.sub(r"(?m)(?<=^\[\d\] )\d+|(?<=: line \d:) +\d+", "PID", text)


def seen_alike(work: Workplace, mode: str, observe: Callable[[Side], T]) -> T:
    """What `observe` returns for the command bare, which must be what it returns behind `swanlab run -q MODE`.

    The working and home directories are empty at first and must hold the same files afterwards.
    """
    wrapper = (SWANLAB, "run", "-q", "--logdir", str(work.logdir), mode)
    bare, wrapped = (_observe(work, prefix, observe) for prefix in ((), wrapper))
    assert wrapped == bare, f"\n   bare {bare!r}\nwrapped {wrapped!r}"
    return bare[0]


def _observe(work: Workplace, prefix: Sequence[str], observe: Callable[[Side], T]) -> tuple[T, list[str]]:
    folders = [work.directory / "cwd", work.directory / "home"]
    for folder in folders:
        folder.mkdir()
    try:
        value = observe(Side(work, prefix))
        return value, sorted(str(path) for folder in folders for path in folder.rglob("*"))
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def session_members(session: int) -> list[int]:
    """The processes of a session, zombies left out."""
    found = []
    for pid in psutil.pids():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(pid)
    return found


def wait_until_empty(session: int) -> bool:
    """Wait until nobody is left in a session."""
    return wait_for(lambda: not session_members(session), f"the end of session {session}")


def state_of(pid: int) -> str:
    """The letter that stands for a process's state: T where it is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
