"""Steps of many ranks are one run, and attempts of one job too: on two nodes, in any order, whatever becomes of a rank."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DEADLINE_S, wait_for
from tests.slurm.conftest import JobPlace

_PRINT_RANK = (
    "import os; rank = int(os.environ['SLURM_PROCID'])\nfor s in range(3): print(f'step={s} loss={rank}.{s}', flush=True)\n"
)


@pytest.fixture(params=["slurm", "slurm_by_groups"], ids=["cgroup", "pgid"])
def any_jobs(request: pytest.FixtureRequest, tmp_path: Path) -> JobPlace:
    """A directory of its own, and a cluster of each kind: they differ in whom they send signals."""
    return JobPlace(tmp_path, request.getfixturevalue(request.param))


def points(jobs: JobPlace, key: str, *options: str) -> list[tuple[int, int, int, float]]:
    """(attempt, rank, step, value) of a metric, as `metrics` on the login node has it."""
    done = jobs.there("swanlab", "metrics", "last", key, "--json", *options)
    assert done.returncode == 0, done.stderr
    found = map(json.loads, done.stdout.splitlines())
    return [(p["attempt"], p["rank"], p["step"], p["value"]) for p in found]


def run_ids(jobs: JobPlace) -> list[str]:
    """Of all runs there are."""
    return [run["id"] for run in json.loads(jobs.there("swanlab", "ls", "--json").stdout)]


def step(jobs: JobPlace, code: str, tasks: int, *options: str, nodes: int = 2, before: str = "") -> str:
    """The id of a job, over now, whose script runs so many tasks of this Python code in one step."""
    # More tasks than processors on a node: how many each gets is then for Slurm to say.
    place = "--overcommit" if tasks > 8 * nodes else f"--ntasks-per-node={tasks // nodes}"
    srun = f"srun --nodes={nodes} --ntasks={tasks} {place}"
    script = f"{before}{srun} {' '.join(options)} swanlab run {jobs.child('rank.py', code)}"
    job = jobs.submit(script, f"--nodes={nodes}", f"--ntasks={tasks}", place, "--mem=4000")
    jobs.cluster.wait_for(job)
    return job


def by_rank(shown: dict[str, Any], name: str) -> list[Any]:
    """One fact about each rank."""
    return [one[name] for one in shown["by_rank"]]


def test_two_nodes_with_four_ranks_each_are_one_run(any_jobs: JobPlace) -> None:
    """Rank 0 alone speaks; each has its output and points; the machines are told once each."""
    jobs = any_jobs
    job = step(jobs, _PRINT_RANK, 8)
    (run_id,) = run_ids(jobs)
    assert run_id.startswith(f"{job}-")
    shown = jobs.show()
    assert (shown["state"], shown["ranks"], shown["attempts"], shown["exit_code"]) == ("finished", 8, 1, 0)
    assert by_rank(shown, "host") == [jobs.cluster.nodes[0]] * 4 + [jobs.cluster.nodes[1]] * 4
    assert set(by_rank(shown, "state")) == {"finished"}
    assert points(jobs, "loss") == [(0, 0, s, s / 10) for s in range(3)]
    every = points(jobs, "loss", "--ranks", "all")
    assert every == [(0, rank, s, rank + s / 10) for s in range(3) for rank in range(8)]
    assert jobs.output("--rank", "5") == b"step=0 loss=5.0\nstep=1 loss=5.1\nstep=2 loss=5.2\n"
    talk = [line for line in (jobs.directory / f"{job}.out").read_text().splitlines() if line.startswith("swanlab: ")]
    assert len(talk) == 2
    page = jobs.there("swanlab", "show", "last").stdout.decode()
    assert re.search(rf"^  0-3 +{jobs.cluster.nodes[0]} +finished +exit code 0 ", page, re.MULTILINE)


def test_many_ranks_on_few_processors(jobs: JobPlace) -> None:
    """All of 64 join."""
    step(jobs, _PRINT_RANK, 64)
    assert len(run_ids(jobs)) == 1
    assert [rank for _, rank, s, _ in points(jobs, "loss", "--ranks", "all") if s == 2] == list(range(64))


@pytest.mark.parametrize("options", [(), ("--kill-on-bad-exit=1",)], ids=["others-go-on", "others-are-ended"])
def test_rank_that_crashes_is_named(any_jobs: JobPlace, options: Sequence[str]) -> None:
    """The job's exit status is the highest of all, as ever: 143 of those that were ended by SIGTERM."""
    jobs = any_jobs
    code = (
        "import os, sys, time\n"
        "print('loss=0.5', flush=True)\n"
        "if os.environ['SLURM_PROCID'] == '2': raise ValueError('no such file')\n"
        f"time.sleep({'60' if options else '0'})\n"
    )
    job = step(jobs, code, 4, *options)
    assert jobs.cluster.job(job)["ExitCode"] == ("143:0" if options else "1:0")
    shown = jobs.show()
    assert (shown["state"], shown["exit_code"], shown["ending"]["rank"]) == ("crashed", 1, 2)
    assert shown["end_reason"] == f"rank 2 on {jobs.cluster.nodes[1]}: exit code 1: ValueError: no such file (rank.py:3)"
    others = [state for rank, state in enumerate(by_rank(shown, "state")) if rank != 2]
    assert set(others) == ({"aborted"} if options else {"finished"})


@pytest.mark.parametrize("victim", ["command", "recorder"])
def test_rank_that_is_killed_is_named(jobs: JobPlace, victim: str) -> None:
    """With its recorder it is lost: nobody saw how it ended."""
    pid = "os.getpid()" if victim == "command" else "os.getppid()"
    code = (
        "import os, signal, time\n"
        "print('loss=0.5', flush=True)\n"
        "output = '%s/a0-r%s.output' % (os.environ['SWANLAB_CLI_RUN_DIR'], os.environ['SLURM_PROCID'])\n"
        "while os.path.getsize(output) == 0: time.sleep(0.01)\n"  # what nobody has read yet is lost with everybody
        f"if os.environ['SLURM_PROCID'] == '1': os.kill({pid}, signal.SIGKILL)\n"
    )
    step(jobs, code, 4)
    shown = jobs.show()
    expected = {"command": ("crashed", "killed by SIGKILL"), "recorder": ("lost", "no end was recorded")}[victim]
    assert (shown["state"], shown["ending"]["rank"]) == (expected[0], 1)
    assert expected[1] in shown["end_reason"]
    assert [value for _, _, _, value in points(jobs, "loss", "--ranks", "all")] == [0.5] * 4


def test_array_is_a_run_for_each_task(jobs: JobPlace) -> None:
    """They share a group."""
    script = "swanlab run sh -c 'echo loss=$SLURM_ARRAY_TASK_ID'"
    job = jobs.submit(script, "--array=0-19", "--mem=50")
    wait_for(lambda: not jobs.there("squeue", "-h", "-j", job).stdout.strip(), "the tasks end", 2 * DEADLINE_S)
    runs = json.loads(jobs.there("swanlab", "ls", "--json").stdout)
    assert sorted(run["summary"]["loss"]["last"] for run in runs) == list(range(20))
    assert {run["group"] for run in runs} == {f"array-{job}"}


def test_two_steps_are_two_runs(jobs: JobPlace) -> None:
    """Of one job."""
    child = jobs.child("rank.py", _PRINT_RANK)
    job = jobs.submit(f"srun -n2 swanlab run {child}; srun -n2 swanlab run {child}", "--ntasks=2")
    jobs.cluster.wait_for(job)
    assert [run_id.partition("-")[0] for run_id in run_ids(jobs)] == [job] * 2


@pytest.mark.parametrize("prefix", ["exec ", "srun "], ids=["exec", "srun"])
def test_requeued_twice_is_one_run_of_three_attempts(any_jobs: JobPlace, prefix: str) -> None:
    """Its output is kept apart, its steps go on."""
    jobs = any_jobs
    code = "import time\nprint('loss=0.5', flush=True)\ntime.sleep(0 if {last} else 600)\n"
    last = "__import__('os').environ.get('SLURM_RESTART_COUNT') == '2'"
    job = jobs.submit(f"{prefix}swanlab run {jobs.child('again.py', code.format(last=last))}", "--requeue")
    for attempt in range(2):
        _wait_for_output(jobs, attempt)
        jobs.cluster.run("scontrol", "requeue", job)
        jobs.cluster.start_again(job)
    assert jobs.cluster.wait_for(job)["JobState"] == "COMPLETED"
    assert len(run_ids(jobs)) == 1
    shown = jobs.show()
    assert (shown["attempts"], shown["state"], shown["exit_code"]) == (3, "finished", 0)
    assert points(jobs, "loss") == [(attempt, 0, attempt, 0.5) for attempt in range(3)]


def _has_both(output: Path, line: str) -> bool:
    return output.read_text().count(line) == 2


def _wait_for_output(jobs: JobPlace, attempt: int) -> None:
    wait_for(lambda: list(jobs.logdir.glob(f"run-*/a{attempt}-r0.output")), "the attempt begins")
    wait_for(lambda: b"loss" in jobs.output("--attempt", str(attempt)), "its output")


def test_log_directory_that_vanishes(jobs: JobPlace) -> None:
    """The commands go on to their end, with their own exit status, and one line says what happened."""
    code = "import sys\nprint('loss=0.5', flush=True)\nsys.stdin.readline()\nprint('loss=0.25', flush=True)\nsys.exit(3)\n"
    child = jobs.child("vanish.py", code)
    wait = "while ! test -e gone; do sleep 0.1; done; echo"
    job = jobs.submit(f"({wait}) | srun -n2 swanlab run {child}", "--ntasks=2")
    wait_for(lambda: len(list(jobs.logdir.glob("run-*/a0-r*.output"))) == 2, "both ranks begin")
    wait_for(lambda: (jobs.directory / f"{job}.out").read_text().count("loss=0.5") == 2, "both speak")
    shutil.rmtree(jobs.logdir)
    (jobs.directory / "gone").touch()
    assert jobs.cluster.wait_for(job)["ExitCode"] == "3:0"
    said = (jobs.directory / f"{job}.out").read_text()
    assert said.count("loss=0.25") == 2


def test_signal_before_the_time_limit_comes_once(any_jobs: JobPlace) -> None:
    """`--signal` reaches each rank's command exactly once; the script that requeues itself then is one run."""
    jobs = any_jobs
    code = (
        "import os, signal, sys\n"
        "if 'SLURM_RESTART_COUNT' in os.environ: print('loss=0.25', flush=True); sys.exit(0)\n"
        "count = 0\n"
        "def take(*_):\n"
        "    global count; count += 1; print(f'taken={count}', flush=True)\n"
        "signal.signal(signal.SIGUSR1, take)\n"
        "print('loss=0.5', flush=True)\n"
        "while True: signal.pause()\n"
    )
    job = jobs.submit(f"srun -n2 swanlab run {jobs.child('again.py', code)}", "--ntasks=2", "--requeue")
    output = jobs.directory / f"{job}.out"
    wait_for(lambda: output.exists() and output.read_text().count("loss=0.5") == 2, "both ranks run")
    for count in range(1, 11):
        jobs.cluster.run("scancel", "--signal=USR1", job)
        wait_for(partial(_has_both, output, f"taken={count}\n"), "both have it")
    jobs.cluster.run("scontrol", "requeue", job)
    jobs.cluster.start_again(job)
    jobs.cluster.wait_for(job)
    taken = points(jobs, "taken", "--ranks", "all")
    assert [(rank, value) for _, rank, _, value in taken] == [(rank, float(count)) for count in range(1, 11) for rank in range(2)]
    assert (jobs.show()["attempts"], jobs.show()["state"]) == (2, "finished")
