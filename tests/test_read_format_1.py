"""Format 1 must read for ever: `tests/runs/format-1` was made by hand to ARCHITECTURE.md and is never made anew."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .conftest import Workplace

LOGDIR = Path(__file__).parent / "runs/format-1"
RUN = LOGDIR / "run-20260101_000000-format01"
START = 1767225600.0

SHOWN: dict[str, Any] = {
    "id": "format01",
    "project": "digits",
    "name": "from-the-script",
    "state": "aborted",
    "command": ["python", "train.py", "--lr", "0.1", "中\udcff"],
    "cwd": "/home/user/digits",
    "user": "user",
    "host": "node17",
    "started_at": "2026-01-01T00:00:00.500000Z",
    "finished_at": "2026-01-01T00:00:04.000000Z",
    "duration_s": 3.5,
    "exit_code": None,
    "signal": "SIGTERM",
    "end_reason": "killed by SIGTERM; loss was NaN from step 8 on",
    "attempts": 1,
    "ranks": 1,
    "tags": ["baseline", "script"],
    "group": None,
    "job_type": "train",
    "notes": "the first format",
    "config": {"lr": 0.1, "layers": [64, 10], "wd": 0.01, "batch": 32},
    "summary": {
        "acc": {"last": "Infinity", "min": 2.0, "max": 2.0, "count": 2, "last_step": 7},
        "err": {"last": 1.0, "min": 1.0, "max": 2.0, "count": 2, "last_step": 1},
        "gap/train": {"last": "-Infinity", "min": None, "max": None, "count": 1, "last_step": 0},
        "loss": {"last": "NaN", "min": 0.25, "max": 0.5, "count": 3, "last_step": 8},
        "step": {"last": 2.0, "min": 1.0, "max": 2.0, "count": 2, "last_step": 2},
        "val": {"last": "NaN", "min": 0.5, "max": 0.75, "count": 3, "last_step": 3},
    },
    "cpu_s": 1.25,
    "peak_memory_bytes": 52428800,
    "output_bytes": 106,
    "lost_bytes": 0,
    "warnings": ["metric '' dropped"],
    "dropped": {"loss": 1},
    "environment": {
        "os": {"kernel": "6.1.0"},
        "host": {"name": "node17"},
        "failed": [{"probe": "git", "why": "timed out"}],
    },
    "overhead": {"cpu_s": 0.03125, "max_memory_bytes": 16777216},
}
POINTS: list[tuple[str, int, float | str, float, str]] = [
    ("acc", 0, 2.0, 1.5, "api"),
    ("acc", 7, "Infinity", 1.75, "api"),
    ("err", 0, 2.0, 1.25, "output"),
    ("err", 1, 1.0, 2.25, "output"),
    ("gap/train", 0, "-Infinity", 2.0, "api"),
    ("loss", 0, 0.5, 1.5, "api"),
    ("loss", 7, 0.25, 1.75, "api"),
    ("loss", 8, "NaN", 2.0, "api"),
    ("step", 1, 1.0, 1.0, "output"),
    ("step", 2, 2.0, 2.0, "output"),
    ("val", 1, 0.75, 1.0, "output"),
    ("val", 2, 0.5, 2.0, "output"),
    ("val", 3, "NaN", 3.0, "output"),
]
"""(key, step, value, seconds after START, source)."""
LINES = [
    (1.0, "stdout", "start"),
    (1.0, "stdout", "step=1 val=0.75"),
    (1.25, "stderr", "warning: �red"),
    (2.0, "stdout", "step=2 val=0.5"),
    (2.0, "stdout", "loss=9"),
    (2.25, "stderr", "100%|bar| err=1"),
    (3.0, "stdout", "val=nan"),
]
"""(seconds after START, stream, text)."""
STDOUT = b"start\nstep=1 val=0.75\nstep=2 val=0.5\nloss=9\nval=nan"
STDERR = b"warning: \xff\x1b[31mred\x1b[0m\n 50%|bar| err=2\r100%|bar| err=1\n"


def read(work: Workplace, *arguments: str, logdir: Path = LOGDIR) -> bytes:
    """What `swanlab ARGUMENTS --logdir LOGDIR` prints."""
    result = work.swanlab(*arguments, "--logdir", str(logdir))
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout


def chosen(content: bytes, fields: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """These fields of each line of JSON: a later version may print more."""
    return [tuple(json.loads(line)[name] for name in fields) for line in content.splitlines()]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A log directory with a copy of the run, to delete from."""
    shutil.copytree(RUN, tmp_path / "copied" / RUN.name)
    return tmp_path / "copied"


@pytest.mark.parametrize("name", ["format01", "form", "last", str(RUN)], ids=["id", "prefix", "last", "path"])
def test_run_is_shown(work: Workplace, name: str) -> None:
    """Every fact of the run, however it is named."""
    shown = json.loads(read(work, "show", name, "--json"))
    expected = {**SHOWN, "directory": str(RUN)}
    assert expected == {key: shown.get(key) for key in expected}


def test_run_is_listed(work: Workplace) -> None:
    """As it is shown, without its environment."""
    (listed,) = json.loads(read(work, "ls", "--json"))
    expected = {key: value for key, value in SHOWN.items() if key != "environment"}
    assert expected == {key: listed.get(key) for key in expected}


def test_points_are_printed(work: Workplace) -> None:
    """Of both sources, those that the API shadows left out."""
    fields = ("key", "step", "value", "time", "source", "attempt", "rank")
    expected = [(key, step, value, START + after, source, 0, 0) for key, step, value, after, source in POINTS]
    assert expected == chosen(read(work, "metrics", "format01", "--json"), fields)


def test_lines_are_printed(work: Workplace) -> None:
    """With time and stream, as text."""
    expected = [(START + after, stream, text) for after, stream, text in LINES]
    assert expected == chosen(read(work, "logs", "format01", "--json"), ("time", "stream", "text"))


def test_exact_bytes_are_printed(work: Workplace) -> None:
    """Each stream, and both in order."""
    assert read(work, "logs", "format01", "--raw", "--stream", "stdout") == STDOUT
    assert read(work, "logs", "format01", "--raw", "--stream", "stderr") == STDERR
    assert read(work, "logs", "format01", "--raw") == (RUN / "a0-r0.output").read_bytes()


def delete_derived(logdir: Path) -> None:
    """Delete what a scribe derived from output and inbox."""
    for name in ("a0-r0.metrics.jsonl", "a0-r0.events.jsonl"):
        (logdir / RUN.name / name).unlink()


def test_points_do_not_need_the_derived_files(work: Workplace, copied: Path) -> None:
    """They are derived again from output and inbox."""
    delete_derived(copied)
    fields = ("key", "step", "value", "time", "source")
    keys = ["acc", "gap/train", "loss", "val"]
    expected = [(key, step, value, START + after, source) for key, step, value, after, source in POINTS if key in keys]
    assert expected == chosen(read(work, "metrics", "format01", *keys, "--json", logdir=copied), fields)


def test_what_the_script_gave_does_not_need_the_derived_files(work: Workplace, copied: Path) -> None:
    """It is in the inbox."""
    delete_derived(copied)
    shown = json.loads(read(work, "show", "format01", "--json", logdir=copied))
    given = ("name", "tags", "config", "warnings", "dropped")
    assert {key: SHOWN[key] for key in given} == {key: shown[key] for key in given}


def test_output_does_not_need_its_index(work: Workplace, copied: Path) -> None:
    """Only times and streams are unknown then."""
    (copied / RUN.name / "a0-r0.output.index").unlink()
    assert read(work, "logs", "format01", "--raw", logdir=copied) == (RUN / "a0-r0.output").read_bytes()


def test_nobody_has_touched_the_run() -> None:
    """A released format is never written again: these are the files as they were made."""
    digest = hashlib.sha256()
    for path in sorted(RUN.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    assert digest.hexdigest() == "ab1a14b7f8ebe54bec03ad70fc4b9214545bc8b577f4da566a01bbd917c97de2"
