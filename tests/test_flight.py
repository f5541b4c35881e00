"""process.flight: what was read but not recorded outlives the process that read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from swanlab_cli.process.flight import BUFFER_BYTES, Flight

# Forks a pump that does some of its steps with what it reads from a pipe and is killed; prints what is rescued from it.
KILLED = """
import json, os, signal, sys
from swanlab_cli.process.flight import Flight
steps, data = sys.argv[1].split(), bytes.fromhex(sys.argv[2])
flight = Flight()
source, sink = os.pipe()
os.write(sink, data)
pump = os.fork()
if pump == 0:
    length = 0
    for step in steps:
        if step == "read":
            length = os.readv(source, [flight.buffer])
        elif step == "recorded":
            flight.recorded()
        elif step == "clear":
            flight.clear(length)
        else:
            flight.reading(int(step))
    os.kill(os.getpid(), signal.SIGKILL)
assert os.waitstatus_to_exitcode(os.waitpid(pump, 0)[1]) == -signal.SIGKILL
rescued = flight.rescue()
print(json.dumps(rescued and [rescued[0], rescued[1].hex()]))
"""
PAGE_AND_MORE = bytes(range(256)) * 20 + b"end"


@pytest.mark.parametrize(
    ("steps", "data", "expected"),
    [
        ("", b"unread", None),
        ("0", b"unread", None),
        ("0 read", b"loss=0.5\n", (0, b"loss=0.5\n")),
        ("1 read", b"\0", (1, b"\0")),
        ("1 read", PAGE_AND_MORE, (1, PAGE_AND_MORE)),
        ("0 read", "损失=0.5".encode(), (0, "损失=0.5".encode())),
        ("0 read recorded", b"loss=0.5\n", None),
        ("0 read recorded clear", b"loss=0.5\n", None),
        ("0 read recorded clear 1", b"loss=0.5\n", None),
    ],
    ids=["idle", "before read", "after read", "one byte", "a page and more", "utf-8", "recorded", "cleared", "next read"],
)
def test_rescue_from_a_killed_process(steps: str, data: bytes, expected: tuple[int, bytes] | None) -> None:
    """SIGKILL between read and record loses nothing, before and after it nothing comes twice."""
    result = subprocess.run([sys.executable, "-c", KILLED, steps, data.hex()], capture_output=True, check=True, timeout=60)
    rescued: Any = json.loads(result.stdout)
    assert expected == (rescued and (rescued[0], bytes.fromhex(rescued[1])))


def fill(flight: Flight, data: bytes) -> None:
    """Read `data` into the buffer as the pump does: the kernel copies."""
    reader, writer = os.pipe()
    os.write(writer, data)
    os.readv(reader, [flight.buffer])
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("length", [1, 4096, BUFFER_BYTES - 1, BUFFER_BYTES])
def test_length_of_what_was_read_is_known(length: int) -> None:
    """From one byte to a full buffer, though nobody wrote the length down."""
    flight = Flight()
    flight.reading(0)
    fill(flight, b"x" * length)
    assert flight.rescue() == (0, b"x" * length)


def test_short_read_after_a_long_one_is_rescued_alone() -> None:
    """Nothing of what was recorded before comes back."""
    flight = Flight()
    flight.reading(0)
    fill(flight, b"long " * 1000)
    flight.recorded()
    flight.clear(5000)
    flight.reading(1)
    fill(flight, b"short")
    assert flight.rescue() == (1, b"short")


@pytest.mark.parametrize("look", [Flight.rescue, lambda flight: bytes(flight.buffer)], ids=["rescue", "buffer"])
def test_rescue_changes_nothing(look: Callable[[Flight], object]) -> None:
    """It may be asked twice."""
    flight = Flight()
    flight.reading(0)
    fill(flight, b"abc")
    before = look(flight)
    flight.rescue()
    assert before == look(flight)
