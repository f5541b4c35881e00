"""Progress of real runs: recorded while they last, shown by `show` and `ls`, and never a metric."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from .conftest import Workplace, python, wait_for
from .handmade import HandmadeRun

# A bar on stderr, and a file that says when to go on: what runs is looked at while it stands still.
TRAINING = r"""
import os, sys, time
def bar(done):
    sys.stderr.write("\r%3d%%|####      | %d/20 [00:10<00:30, 2.00it/s]" % (5 * done, done))
    sys.stderr.flush()
def wait(name):
    while not os.path.exists(name):
        time.sleep(0.01)
print("Epoch 1/2", file=sys.stderr)  # two streams apart have no order on a busy machine
for done in range(11):
    bar(done)
wait("go")
for done in range(11, 21):
    bar(done)
sys.stderr.write("\n")
print("Epoch 2/2", file=sys.stderr)
for done in range(21):
    bar(done)
sys.stderr.write("\n")
"""


def progress_of(work: Workplace) -> dict[str, Any]:
    """What `show` has on the progress of the only run, {} while there is none."""
    return dict(work.show()["progress"] or {}) if any(work.logdir.glob("run-*/run.json")) else {}


@pytest.mark.parametrize("options", [(), ("--parse", "none"), ("--no-pty",)], ids=["auto", "parse-none", "no-pty"])
def test_progress_of_a_running_run(work: Workplace, options: tuple[str, ...]) -> None:
    """`show` and `ls` tell it while the run stands still, on a terminal or not, whatever `--parse` says; then its end."""
    run = work.start("run", "-q", *options, *python(TRAINING))
    try:
        progress = wait_for(lambda: progress_of(work), "a progress")
        assert {name: progress[name] for name in ("fraction", "done", "total", "unit", "description")} == {
            "fraction": 0.25, "done": 1.0, "total": 2.0, "unit": "epoch", "description": "",
        }  # fmt: skip
        assert "running 25 %" in work.swanlab("ls").stdout.decode()
        assert "\nprogress     25 % (epoch 1/2)" in work.swanlab("show", "last").stdout.decode()
        (listed,) = json.loads(work.swanlab("ls", "--json").stdout)
        assert listed["progress"]["fraction"] == 0.25
    finally:
        (work.directory / "go").touch()
        run.communicate(timeout=30)
    ended = work.show()["progress"]
    assert (ended["fraction"], ended["done"], ended["total"], ended["eta_s"]) == (1.0, 2.0, 2.0, None)
    assert "finished" in work.swanlab("ls").stdout.decode()
    assert work.points() == []


def test_a_run_without_bars_has_no_progress(work: Workplace) -> None:
    """Null in JSON, no line in text."""
    work.swanlab("run", "-q", "sh", "-c", "echo loss=0.5 accuracy: 98%; echo 2024/01/02 10:11")
    assert work.show()["progress"] is None
    assert "progress" not in work.swanlab("show", "last").stdout.decode()


def test_printed_time_left_is_carried_on(tmp_path: Path) -> None:
    """A run whose recorder no longer lives has what its bar said, and no time left."""
    run = HandmadeRun(tmp_path / "swanlog")
    run.add_output("stderr", b"\r 45%|####      | 450/1000 [00:10<01:40, 3.20it/s]")
    run.end()
    work = Workplace(tmp_path)
    assert work.show()["progress"] == {
        "fraction": 0.45, "done": 450.0, "total": 1000.0, "unit": "it", "rate": 3.2, "elapsed_s": 10.0, "eta_s": None,
        "description": "", "time": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip
    assert "progress     45 % (450/1000), 3.2 it/s\n" in work.swanlab("show", "last").stdout.decode()


def test_progress_survives_a_killed_scribe(work: Workplace) -> None:
    """Another one derives it once more; the events of the first are void."""
    run = work.start("run", "-q", *python(TRAINING))
    try:
        wait_for(lambda: progress_of(work), "a progress")
        events = [json.loads(line) for line in next(work.logdir.glob("*/*.events.jsonl")).read_text().splitlines()]
        (scribe,) = (event["data"]["pid"] for event in events if event["type"] == "scribe")
        os.kill(scribe, signal.SIGKILL)
        wait_for(lambda: b'"reset"' in next(work.logdir.glob("*/*.events.jsonl")).read_bytes(), "another scribe")
        assert wait_for(lambda: progress_of(work), "a progress again")["fraction"] == 0.25
    finally:
        (work.directory / "go").touch()
        run.communicate(timeout=30)
    assert work.show()["progress"]["fraction"] == 1.0
