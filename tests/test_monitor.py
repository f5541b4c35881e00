"""Samples of a run's processes, through real runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swanlab_cli.recorder.monitor import merge_resources
from swanlab_cli.records import Event, Lane
from swanlab_cli.store.reader import count_samples, read_samples

from .conftest import Workplace, wait_for
from .handmade import END

MIB = 1 << 20
ALWAYS = {
    *("system/cpu (%)", "system/memory rss (bytes)", "system/processes", "system/threads", "system/open files"),
    *("system/io read (bytes/s)", "system/io written (bytes/s)"),
    *("system/host/cpu (%)", "system/host/load", "system/host/memory (bytes)"),
}
HOLD = "block = bytearray(100 << 20); print('loss=1', flush=True); input()"


@contextmanager
def running(work: Workplace, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A run that holds 100 MiB until its input ends, and its directory."""
    command = ("run", *options, "--no-pty", sys.executable, "-c", HOLD)
    with work.start(*command, stdin=subprocess.PIPE) as run:
        try:
            header = wait_for(lambda: list(work.logdir.glob("run-*/run.json")), "the run's header")[0]
            yield run, str(header.parent)
        finally:
            run.kill()


def test_samples_are_points_beside_the_programs_own(work: Workplace) -> None:
    """One for each interval, of source `monitor`; totals and peaks are in `resources`; neither counts as the program's."""
    with running(work, "--monitor-interval", "1") as (run, directory):
        wait_for(lambda: count_samples(directory, Lane()) >= 2, "two samples")
        stdout, stderr = run.communicate(b"\n", timeout=60)
    assert (stdout, b"finished" in stderr, b", 1 points" in stderr) == (b"loss=1\n", True, True)
    points = work.points()
    assert {point["key"] for point in points if point["source"] == "output"} == {"loss"}
    sampled = {point["key"] for point in points if point["source"] == "monitor"}
    assert sampled >= ALWAYS
    assert {key.partition("/")[0] for key in sampled} == {"system"}
    for key in ALWAYS:
        steps = [point["step"] for point in points if point["key"] == key]
        assert steps == list(range(len(steps)))
    shown = work.show()
    assert shown["summary"]["system/memory rss (bytes)"]["max"] >= 100 * MIB
    assert shown["summary"]["system/processes"]["max"] == 1.0
    assert shown["resources"]["peak_memory_bytes"] >= 100 * MIB
    assert shown["resources"]["samples"] >= 2


@pytest.mark.parametrize("options", [("--monitor-interval", "0"), ()], ids=["off", "ten-seconds-are-long"])
def test_peak_is_known_without_samples(work: Workplace, options: tuple[str, ...]) -> None:
    """A file that would be empty is not made."""
    with running(work, *options) as (run, directory):
        run.communicate(b"\n", timeout=60)
    assert work.show()["resources"]["peak_memory_bytes"] >= 100 * MIB
    assert list(Path(directory).glob("*samples*")) == []
    assert {point["source"] for point in work.points()} == {"output"}


def test_scribe_that_is_replaced_goes_on_numbering(work: Workplace) -> None:
    """And what the one before it has sampled stays, though points are derived again."""
    with running(work, "--monitor-interval", "1") as (run, directory):
        wait_for(lambda: count_samples(directory, Lane()) >= 1, "a sample")
        first = json.loads(Path(directory, "a0-r0.events.jsonl").read_text().splitlines()[0])
        assert first["type"] == "scribe"
        os.kill(first["data"]["pid"], signal.SIGKILL)
        kept = count_samples(directory, Lane())
        wait_for(lambda: count_samples(directory, Lane()) > kept + 1, "two more samples")
        run.communicate(b"\n", timeout=60)
    steps = [point.step for point in read_samples(directory, Lane()) if point.metric == "system/processes"]
    assert steps == list(range(len(steps)))


def test_samples_with_what_a_reader_does_not_know(tmp_path: Path) -> None:
    """Torn and odd lines are skipped."""
    lines = [
        '{"time": 5.0, "step": 0, "values": {"system/a": 1, "system/b": "?"}}',
        '{"step": "1", "values": {}}', "[]", "?",
        '{"time": 6.0, "step": 2, "values": {"system/a": 0.5}, "more": 1}', '{"time": 7',
    ]  # fmt: skip
    (tmp_path / "a0-r0.samples.jsonl").write_text("\n".join(lines))
    points = [(p.metric, p.step, p.value, p.time, p.source) for p in read_samples(str(tmp_path), Lane())]
    assert points == [("system/a", 0, 1.0, 5.0, "monitor"), ("system/a", 2, 0.5, 6.0, "monitor")]
    assert count_samples(str(tmp_path), Lane()) == 3
    assert count_samples(str(tmp_path / "none"), Lane()) == 0


NOTHING = {
    "cpu_s": None, "peak_memory_bytes": None, "peak_pss_bytes": None, "read_bytes": None, "written_bytes": None,
    "gpu_s": None, "energy_j": None, "peak_gpu_memory_bytes": None, "samples": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "seen", "waited_s"),
    [
        pytest.param({}, [], None, id="nothing"),
        pytest.param({"cpu_s": 2.0, "peak_memory_bytes": 7}, [{"peak_memory_bytes": 7, "tree_cpu_s": 1.0}], 2.0, id="waited-for"),
        pytest.param({"cpu_s": 3.0}, [{"tree_cpu_s": 3.0, "peak_memory_bytes": None}], 2.0, id="not-waited-for"),
        pytest.param(
            {"cpu_s": 3.0, "peak_memory_bytes": 9, "peak_pss_bytes": 4, "read_bytes": 12, "samples": 3},
            [
                {"tree_cpu_s": 1.0, "peak_memory_bytes": 9, "peak_pss_bytes": 4, "read_bytes": 5, "samples": 1},
                {"tree_cpu_s": 2.0, "peak_memory_bytes": 8, "read_bytes": 7, "samples": 2},
            ],
            None,
            id="two-lanes",
        ),
        pytest.param(
            {"gpu_s": 7.0, "energy_j": 3.0, "peak_gpu_memory_bytes": 9},
            [
                {"gpu_s": 3.0, "energy_j": None, "peak_gpu_memory_bytes": 9},
                {"gpu_s": 4.0, "energy_j": 3.0, "peak_gpu_memory_bytes": None},
            ],
            None,
            id="gpus",
        ),
    ],
)  # fmt: skip
def test_totals_of_a_run(expected: dict[str, object], seen: list[dict[str, object]], waited_s: float | None) -> None:
    """Added up, but for the peaks; the kernel's count of processor time and ours, whichever is more."""
    events = [Event(0.0, "resources", data) for data in seen]
    end = waited_s and END._replace(cpu_s=waited_s, max_process_memory_bytes=None)
    assert merge_resources(events, end or None) == {**NOTHING, **expected}
