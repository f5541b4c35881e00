"""process.flight: what was read but not recorded outlives the process that read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import pytest

from swanlab_cli.process.flight import BUFFER_BYTES, Flight

POSITION = 1000
# Forks a pump that does some of its steps with what it reads from a pipe and is killed; prints what is rescued from it.
KILLED = """
import json, os, signal, sys
from swanlab_cli.process.flight import Flight
steps, data, position, record_size = sys.argv[1].split(), bytes.fromhex(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
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
            flight.reading(int(step), position)
    os.kill(os.getpid(), signal.SIGKILL)
assert os.waitstatus_to_exitcode(os.waitpid(pump, 0)[1]) == -signal.SIGKILL
rescued = flight.rescue()
missing = rescued and rescued.content[record_size - rescued.position :]
print(json.dumps([rescued.stream_index, missing.hex()] if missing else None))
"""
PAGE_AND_MORE = bytes(range(256)) * 20 + b"end"
LINE = b"loss=0.5\n"


@pytest.mark.parametrize(
    ("steps", "data", "appended", "expected"),
    [
        ("", b"unread", 0, None),
        ("0", b"unread", 0, None),
        ("0 read", LINE, 0, (0, LINE)),
        ("1 read", b"\0", 0, (1, b"\0")),
        ("1 read", PAGE_AND_MORE, 0, (1, PAGE_AND_MORE)),
        ("0 read", "损失=0.5".encode(), 0, (0, "损失=0.5".encode())),
        ("0 read", LINE, 4, (0, b"=0.5\n")),
        ("1 read", PAGE_AND_MORE, 4096, (1, PAGE_AND_MORE[4096:])),
        ("0 read", LINE, len(LINE), None),
        ("0 read recorded", LINE, len(LINE), None),
        ("0 read recorded clear", LINE, len(LINE), None),
        ("0 read recorded clear 1", LINE, len(LINE), None),
    ],
    ids=[
        "idle", "before read", "after read", "one byte", "a page and more", "utf-8", "partly appended", "a page appended",
        "all appended", "recorded", "cleared", "next read",
    ],
)  # fmt: skip
def test_rescue_from_a_killed_process(steps: str, data: bytes, appended: int, expected: tuple[int, bytes] | None) -> None:
    """SIGKILL at any place between read and record loses nothing, and nothing comes twice."""
    command = [sys.executable, "-c", KILLED, steps, data.hex(), str(POSITION), str(POSITION + appended)]
    rescued: Any = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert expected == (rescued and (rescued[0], bytes.fromhex(rescued[1])))


def rescue(flight: Flight, record_size: int) -> tuple[int, bytes] | None:
    """What is missing in a record of this size: (stream index, bytes)."""
    rescued = flight.rescue()
    missing = rescued.content[record_size - rescued.position :] if rescued else b""
    return (rescued.stream_index, missing) if rescued and missing else None


def fill(flight: Flight, data: bytes) -> None:
    """Read `data` into the buffer as the pump does: the kernel copies."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(0)
        assert len(data) == os.readv(file.fileno(), [flight.buffer])


@pytest.mark.parametrize("length", [1, 4096, BUFFER_BYTES - 1, BUFFER_BYTES])
def test_length_of_what_was_read_is_known(length: int) -> None:
    """From one byte to a full buffer, though nobody wrote the length down."""
    flight = Flight()
    flight.reading(0, 0)
    fill(flight, b"x" * length)
    assert rescue(flight, 0) == (0, b"x" * length)


def test_position_may_be_large() -> None:
    """Of a record of more than four gigabytes."""
    flight = Flight()
    flight.reading(0, 5 << 32)
    fill(flight, b"abc")
    assert rescue(flight, (5 << 32) + 1) == (0, b"bc")


def test_short_read_after_a_long_one_is_rescued_alone() -> None:
    """Nothing of what was recorded before comes back."""
    flight = Flight()
    flight.reading(0, 0)
    fill(flight, b"long " * 1000)
    flight.recorded()
    flight.clear(5000)
    flight.reading(1, 5000)
    fill(flight, b"short")
    assert rescue(flight, 5000) == (1, b"short")


def test_rescue_changes_nothing() -> None:
    """It may be asked twice."""
    flight = Flight()
    flight.reading(0, 0)
    fill(flight, b"abc")
    assert rescue(flight, 0) == rescue(flight, 0) == (0, b"abc")
