"""Seeing from outside whether a program waits for input from a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from swanlab_cli.process.waiting import POLL, READ, descendants, holds_for_reading, input_wait

from .conftest import wait_for

# Each waits for input on descriptor 0 in another way.
WAYS = {
    "read": "import os; os.read(0, 1)",
    "input": "input()",
    "select": "import select; select.select([0], [], [])",
    "poll": "import select; p = select.poll(); p.register(0, select.POLLIN); p.poll()",
    "epoll": "import select; p = select.epoll(); p.register(0, select.EPOLLIN); p.poll()",
    "thread": "import threading; threading.Thread(target=lambda: input()).start()",
    "grandchild": "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'input()'])",
    "/dev/tty": "import os; os.read(os.open('/dev/tty', os.O_RDWR), 1)",
}
NOT_WAITING = {
    "pipe": "import os; r, w = os.pipe(); os.write(2, b'x'); os.read(r, 1)",
    "sleep": "import os, signal; os.write(2, b'x'); signal.pause()",
    "busy": "import os\nos.write(2, b'x')\nwhile True: pass",
    "output only": "import os, select; os.write(2, b'x'); select.select([], [], [os.open('/dev/null', 0)])",
}


@contextmanager
def _on_terminal(code: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that leads a session on a new terminal, with its stderr in a pipe; and the terminal's path."""
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    setup = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", setup + code], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, start_new_session=True
    )
    os.close(theirs)
    try:
        yield process, path
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        os.close(ours)


@pytest.mark.parametrize("way", WAYS)
def test_waiting_is_seen(way: str) -> None:
    """Whatever system call it sleeps in, in whatever thread or descendant, and by whatever name it has opened the terminal."""
    with _on_terminal(WAYS[way]) as (process, path):
        expected = POLL if way in ("select", "poll", "epoll") else READ
        assert wait_for(lambda: input_wait(process.pid, (path, "/dev/tty")), "waiting for input") == expected


@pytest.mark.parametrize("code", NOT_WAITING.values(), ids=NOT_WAITING)
def test_other_waits_are_told_apart(code: str) -> None:
    """A program that computes, sleeps or reads something else does not wait for the terminal."""
    with _on_terminal(code) as (process, path):
        assert process.stderr is not None
        assert process.stderr.read(1) == b"x"
        assert input_wait(process.pid, (path, "/dev/tty")) is None


def test_terminal_that_is_not_meant() -> None:
    """Waiting for one terminal is not waiting for another."""
    with _on_terminal("input()") as (process, path):
        wait_for(lambda: input_wait(process.pid, (path,)), "waiting for input")
        assert input_wait(process.pid, ("/dev/pts/none",)) is None


def test_process_that_has_ended() -> None:
    """A process that is gone waits for nothing and holds nothing."""
    process = subprocess.Popen(["true"])
    process.wait()
    assert input_wait(process.pid, ("/dev/tty",)) is None
    assert not holds_for_reading(process.pid, "/dev/tty", but_for=())
    assert list(descendants(process.pid)) == [process.pid]


def test_terminal_opened_anew_for_reading() -> None:
    """A descriptor of its own counts, the standard ones that are left out do not."""
    code = "import os; fd = os.open(os.ttyname(0), os.O_RDONLY | os.O_NOCTTY); os.write(2, b'%d' % fd); os.read(fd, 1)"
    with _on_terminal(code) as (process, path):
        assert process.stderr is not None
        number = process.stderr.read(1).decode()
        assert holds_for_reading(process.pid, path, but_for=("0", "1", "2"))
        assert not holds_for_reading(process.pid, path, but_for=("0", "1", "2", number))
