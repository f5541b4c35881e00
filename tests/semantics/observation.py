"""Runs the whole table with the shim or an SDK, and says what was seen of each row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swanlab_cli.recorder.derivation import Derivation

from ..handmade import HEADER
from ..test_shim import SHIM, read_inbox
from .table import Row

DRIVER = Path(__file__).parent / "driver.py"
PYPY = "shim on pypy3"
DEADLINE_S = 300
# What costs time in 0.10.3 and shows in no row.
QUIET = {f"SWANLAB_PROBE_{name}": "false" for name in ("MONITOR", "HARDWARE", "RUNTIME", "REQUIREMENTS", "GIT")}
QUIET.update(SWANLAB_MODE="offline", SWANLAB_TERMINAL_PROXY_TYPE="none", SWANLAB_INTERACTIVE="false")


class Seen(NamedTuple):
    """What a row came to."""

    points: list[tuple[str, int, str]]
    """(metric, step, value as text), sorted."""
    raised: str | None
    told: tuple[str, ...]
    stdout: str
    stderr: str
    status: int
    """As os.wait() gives it."""

    @property
    def outcome(self) -> tuple[object, ...]:
        """What is compared between the shim and the SDKs."""
        return self.points, self.raised, self.told


def interpreter(which: str) -> Path | None:
    """The Python that has an SDK, or None; for the shim our own, for the shim on PyPy that."""
    if which == "shim":
        return Path(sys.executable)
    if which == PYPY:
        found = shutil.which("pypy3")
        return Path(found) if found else None
    path = Path(sys.prefix) / f"sdk-{which}" / "bin" / "python"
    return path if path.exists() else None


def observe(which: str, rows: Sequence[Row], directory: Path) -> dict[str, Seen]:
    """Run rows, each in a process of its own; what was seen by row id."""
    python = interpreter(which)
    assert python is not None
    environ = {name: os.environ[name] for name in os.environ if not name.startswith(("SWANLAB_", "PYTHON"))}
    is_shim = which in ("shim", PYPY)
    environ.update({"PYTHONPATH": str(SHIM)} if is_shim else QUIET, HOME=str(directory))
    asked = json.dumps([{"script": row.script, "starts": row.starts} for row in rows])
    command = [str(python), str(DRIVER), "shim" if is_shim else which, str(directory)]
    result = subprocess.run(command, input=asked, env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert result.returncode == 0, result.stderr
    return dict(_seen(is_shim, rows, directory, json.loads(line)) for line in result.stdout.splitlines())


def as_text(points: Mapping[str, Sequence[tuple[int, float]]]) -> list[tuple[str, int, str]]:
    """A row's points as they are compared: NaN is equal to itself, and -0.0 is not 0.0."""
    return sorted((metric, step, repr(float(value))) for metric, series in points.items() for step, value in series)


def _seen(is_shim: bool, rows: Sequence[Row], directory: Path, line: Mapping[str, Any]) -> tuple[str, Seen]:
    points = _in_inbox(directory / str(line["number"])) if is_shim else line["points"]
    points = sorted((metric, step, value) for metric, step, value in points)
    seen = Seen(points, line["raised"], tuple(line["told"]), line["stdout"], line["stderr"], line["status"])
    return rows[line["number"]].id, seen


def _in_inbox(place: Path) -> Iterator[tuple[str, int, str]]:
    """What readers of a run make of its inbox."""
    derivation = Derivation(HEADER)
    for path in place.glob("inbox-*"):
        inbox = read_inbox(path.read_bytes())
        assert inbox.torn == []
        for step, values in inbox.points:
            yield from ((point.metric, point.step, repr(point.value)) for point in derivation.feed_log(0.0, values, step))
