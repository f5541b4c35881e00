"""Run directories made by hand to ARCHITECTURE.md's format, so that what reads them is not tested against what writes them."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swanlab_cli.records import End, Header, Lane

LANE = Lane()
START = 1767225600.0  # 2026-01-01T00:00:00Z
HEADER = Header(
    id="abcd1234",
    project="digits",
    name="swift-otter-217",
    chosen=(),
    tags=("baseline",),
    group=None,
    job_type=None,
    notes=None,
    config={"lr": 0.1},
    command=("python", "train.py"),
    cwd="/home/user/digits",
    user="user",
    host="node17",
    boot_id="3c5f6c3e-0000-4000-8000-000000000000",
    pid_namespace="pid:[4026531836]",
    pid=4711,
    pid_started=123456,
    started_at=START,
    parse="kv",
    patterns=(),
    step_key=None,
    version="0.1.0",
)
"""Of a run on a host that is not this one."""
END = End(
    ended_at=START + 12.5,
    duration_s=12.25,
    exit_code=0,
    signal=None,
    error=None,
    signals=(),
    cpu_s=3.5,
    max_process_memory_bytes=1000,
    output_bytes=0,
    lost_bytes=0,
    overhead={"cpu_s": 0.25, "max_memory_bytes": 500},
)
KEYS = {"time": START, "pid": 4711, "type": "keys", "id": "4711.0", "keys": ["loss", "acc"]}
"""The inbox record that `compact` lines refer to."""


class HandmadeRun:
    """A run directory; `add` appends to one of its files as the pump, the shim or the scribe would."""

    def __init__(self, logdir: Path, header: Header = HEADER) -> None:
        self.path = logdir / f"run-20260101_000000-{header.id}"
        self.path.mkdir(parents=True)
        (self.path / "run.json").write_text(json.dumps({"format": 1, **header._asdict()}))
        self.directory = str(self.path)
        self.header = header

    def file(self, name: str) -> Path:
        """The lane's file of this name."""
        return self.path / f"a0-r0.{name}"

    def add(self, name: str, *pieces: bytes | Mapping[str, Any]) -> None:
        """Append bytes as they are, and mappings as lines of JSON."""
        with self.file(name).open("ab") as file:
            for piece in pieces:
                file.write(piece if isinstance(piece, bytes) else json.dumps(piece).encode() + b"\n")

    def add_output(self, stream: str, data: bytes, time: float = START) -> None:
        """Append output, after its index entry."""
        offset = self.file("output").stat().st_size if self.file("output").exists() else 0
        self.add("output.index", {"time": time, "stream": stream, "offset": offset})
        self.add("output", data)

    def add_records(self, *records: bytes | Mapping[str, Any], host: str = "node17") -> None:
        """Append inbox records, each with a newline before and behind it."""
        for record in records:
            line = record if isinstance(record, bytes) else json.dumps(record).encode()
            self.add(f"inbox-{host}", b"\n" + line + b"\n")

    def end(self, end: End = END) -> None:
        """Write the end record."""
        self.file("end.json").write_text(json.dumps(end._asdict()))


def compact(time: float, *values: float, step: int | None = None) -> bytes:
    """A compact inbox line of the set of metrics `4711.0`."""
    numbers = struct.pack(f">{1 + len(values)}d", time, *values).hex()
    return f"#4711.0 {numbers}".encode() + (b"" if step is None else b" @%d" % step)


def log(values: Mapping[str, Any], step: Any = None, time: float = START) -> dict[str, Any]:
    """A `log()` call as a JSON inbox record."""
    return {"time": time, "pid": 4711, "type": "log", "step": step, "values": dict(values)}
