"""Ranks and attempts that find their run: real `swanlab run` processes with the variables that a launcher would set."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .conftest import Workplace

RANKS = 6
PRINT_RANK = "import os; print('rank=' + os.environ['SLURM_PROCID'], flush=True)"


def variables(rank: int, restart: int = 0, **more: str) -> dict[str, str]:
    """What Slurm tells a task."""
    task = {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": str(RANKS), "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)}
    restarts = {"SLURM_RESTART_COUNT": str(restart)} if restart else {}
    return {"SLURM_JOB_ID": "42", "SLURM_CLUSTER_NAME": "c", "SLURMD_NODENAME": "n1", **task, **restarts, **more}


def start(work: Workplace, environ: Mapping[str, str], *options: str) -> subprocess.Popen[bytes]:
    """One rank, which prints its number."""
    command = ["swanlab", "run", *options, "python3", "-c", PRINT_RANK]
    merged = {**work.environ, **environ}
    return subprocess.Popen(
        command, cwd=work.directory, env=merged, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(processes: list[subprocess.Popen[bytes]]) -> list[tuple[int, bytes, bytes]]:
    """Exit code, stdout and stderr of each."""
    outputs = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]


def run_ids(work: Workplace) -> list[str]:
    """Of all runs, oldest first."""
    return [run["id"] for run in json.loads(work.swanlab("ls", "--json").stdout)]


def all_points(work: Workplace, run: str) -> set[tuple[Any, ...]]:
    """(attempt, rank, step, value) of the metric that is printed."""
    lines = work.swanlab("metrics", run, "--json", "--ranks", "all").stdout.splitlines()
    points = map(json.loads, lines)
    return {(p["attempt"], p["rank"], p["step"], p["value"]) for p in points if p["key"] == "rank"}


def test_ranks_are_one_run_in_whatever_order_they_start(work: Workplace) -> None:
    """Each has its output and points; the first rank alone speaks."""
    ended = finish([start(work, variables(rank)) for rank in reversed(range(RANKS))])
    assert [(code, out) for code, out, _ in ended] == [(0, b"rank=%d\n" % rank) for rank in reversed(range(RANKS))]
    assert [err.count(b"swanlab:") for _, _, err in ended] == [0] * (RANKS - 1) + [2]
    (run_id,) = run_ids(work)
    assert run_id.startswith("42-")
    assert all_points(work, "42") == {(0, rank, 0, float(rank)) for rank in range(RANKS)}
    assert work.output("--rank", "3", run="42") == b"rank=3\n"
    assert (work.show("42")["ranks"], work.show("42")["attempts"]) == (RANKS, 1)


def test_second_run_of_the_same_step_is_another_run(work: Workplace) -> None:
    """A task that calls `swanlab run` twice has two runs, and all ranks agree on which is which."""
    for _ in range(2):
        finish([start(work, variables(rank)) for rank in range(RANKS)])
    ids = run_ids(work)
    assert len(ids) == 2
    assert [all_points(work, run) for run in ids] == [{(0, rank, 0, float(rank)) for rank in range(RANKS)}] * 2


def test_requeued_step_is_another_attempt(work: Workplace) -> None:
    """Of the same run, once for each start of the job; automatic steps go on."""
    for restart in range(3):
        finish([start(work, variables(rank, restart)) for rank in range(RANKS)])
    (run_id,) = run_ids(work)
    expected = {(attempt, rank, attempt, float(rank)) for attempt in range(3) for rank in range(RANKS)}
    assert all_points(work, run_id) == expected
    assert work.show(run_id)["attempts"] == 3


def test_requeued_script_finds_its_runs(work: Workplace) -> None:
    """Each command of a batch script its own, also the same command twice; one that is new is a new run."""
    batch = {name: value for name, value in variables(0).items() if "STEP" not in name}
    for restart in range(2):
        for options in (("-n", "a"), ("-n", "a"), ("-n", "b", "--")):
            environ = {**batch, "SLURM_RESTART_COUNT": str(restart)}
            assert finish([start(work, environ, *options)])[0][0] == 0
    assert [work.show(run)["attempts"] for run in run_ids(work)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--id", "x"), 2, b"there is a run 'x'"),
        (("--id", "x", "--resume", "never"), 2, b"there is a run 'x'"),
        (("--id", "y", "--resume", "must"), 2, b"there is no run 'y'"),
        (("--resume", "must"), 2, b"'--resume must' needs the run's id"),
        (("--id", "x", "--resume", "allow"), 0, b"recording run x"),
        (("--id", "x", "--resume", "must"), 0, b"recording run x"),
        (("--id", "y", "--resume", "allow"), 0, b"recording run y"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_resume(work: Workplace, options: tuple[str, ...], code: int, message: bytes) -> None:
    """Another attempt of the run with that id, where there is one and it is wanted."""
    environ = {"SLURM_PROCID": "0"}
    finish([start(work, environ, "--id", "x")])
    ((status, _, talk),) = finish([start(work, environ, *options)])
    assert (status, message in talk) == (code, True)
    attempts = 2 if code == 0 and "x" in options else 1
    assert work.show("x")["attempts"] == attempts


def test_resumed_run_keeps_its_name_and_both_outputs(work: Workplace) -> None:
    """The newest is shown; the older is asked for."""
    for number in (1, 2):
        work.swanlab("run", "-q", "--id", "x", "--resume", "allow", "-p", "p", "sh", "-c", f"echo loss={number}")
    shown = work.show("x")
    assert (shown["attempts"], shown["project"], shown["state"]) == (2, "p", "finished")
    assert (work.output(run="x"), work.output("--attempt", "0", run="x")) == (b"loss=2\n", b"loss=1\n")
    assert work.series("loss", "x") == [(0, 1.0), (1, 2.0)]


def test_rewound_steps_are_kept(work: Workplace) -> None:
    """A checkpoint takes a program back; what it says again is not refused."""
    for first in (0, 2):
        code = f"for s in range({first}, {first} + 4): print(f'step={{s}} loss={{s}}.{first}')"
        work.swanlab("run", "-q", "--id", "x", "--resume", "allow", "python3", "-c", code)
    points = [(p["attempt"], p["step"], p["value"]) for p in work.points("x") if p["key"] == "loss"]
    assert points == [(0, 0, 0.0), (0, 1, 1.0), (0, 2, 2.0), (1, 2, 2.2), (0, 3, 3.0), (1, 3, 3.2), (1, 4, 4.2), (1, 5, 5.2)]
    assert work.show("x")["dropped"] == {}


def test_log_directory_that_cannot_be_written(work: Workplace) -> None:
    """Every rank runs unrecorded, and says so."""
    (work.directory / "swanlog").write_text("in the way")
    ended = finish([start(work, variables(rank)) for rank in range(2)])
    assert [(code, out) for code, out, _ in ended] == [(0, b"rank=0\n"), (0, b"rank=1\n")]
    assert all(b"the command runs without being recorded" in err for _, _, err in ended)


def test_link_that_names_no_run(work: Workplace) -> None:
    """Somebody else's link is refused and left alone; the command runs."""
    work.logdir.mkdir()
    link = work.logdir / ".join-slurm-c-42-step0-r0-1"
    link.symlink_to("../elsewhere")
    ((code, out, err),) = finish([start(work, variables(1))])
    assert (code, out, b"'../elsewhere'" in err, os.readlink(link)) == (0, b"rank=1\n", True, "../elsewhere")
    assert list(Path(work.logdir).glob("run-*")) == []
