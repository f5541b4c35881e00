"""Runs that Slurm ends: their record, or the next look at it, says what Slurm did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import DEADLINE_S, wait_for
from tests.slurm.cluster import has_freezer
from tests.slurm.configuration import GRACE_S
from tests.slurm.conftest import JobPlace

# slurmctld looks twice a minute whose time is over, and may have just looked.
_SLURM_LOOKS_S = 30.0
# Counts, and needs a moment to clean up when it is asked to end.
_PATIENT = """
import signal, sys, time
def clean_up(number, frame):
    signal.signal(number, signal.SIG_IGN)  # Slurm may send it twice
    print('cleaning=1', flush=True)
    time.sleep(1.5)
    print('cleaning=2', flush=True)
    sys.exit(9)
signal.signal(signal.SIGTERM, clean_up)
print('loss=0.5', flush=True)
while True:
    time.sleep(0.05)
"""
_PREFIXES = pytest.mark.parametrize("prefix", ["exec ", "srun "], ids=["exec", "srun"])
_BY_CGROUP = pytest.mark.skipif(not has_freezer(), reason="only Slurm's tracking by cgroup behaves so")


def _start(jobs: JobPlace, prefix: str, *options: str) -> str:
    job = jobs.submit(f"{prefix}swanlab run {jobs.child('patient.py', _PATIENT)}", *options)
    jobs.cluster.wait_for(job, "RUNNING")
    output = jobs.directory / f"{job}.out"
    wait_for(lambda: output.exists() and "loss=0.5" in output.read_text(), "the command runs")
    return job


def _occupy(jobs: JobPlace) -> str:
    """The id of a job for which everything in the partitions below has to go."""
    return jobs.submit("sleep 1", "--partition=high", "--nodes=2", "--ntasks=2", "--exclusive")


def _shown(jobs: JobPlace) -> tuple[Any, ...]:
    shown = jobs.show()
    return shown["state"], shown["exit_code"], shown["end_reason"]


def _stop(jobs: JobPlace, job: str) -> None:
    jobs.cluster.run("scancel", job)


@_PREFIXES
@pytest.mark.parametrize(
    ("end", "told"),
    [
        pytest.param(lambda jobs, job: jobs.cluster.end_time_limit(job), "time limit of Slurm job {}", id="time-limit"),
        pytest.param(_stop, "Slurm job {} was cancelled", id="scancel"),
        pytest.param(lambda jobs, job: jobs.cluster.run("scontrol", "requeue", job), "Slurm job {} was requeued", id="requeue"),
    ],
)
def test_what_ends_a_job_is_recorded(jobs: JobPlace, prefix: str, end: Callable[[JobPlace, str], Any], told: str) -> None:
    """A wrapper that gets TERM forwards it once, records the clean-up to its end, and says what Slurm did."""
    job = _start(jobs, prefix, "--requeue")
    end(jobs, job)
    wait_for(lambda: list(jobs.run_directory().glob("*.end.json")), "the run ends", _SLURM_LOOKS_S + DEADLINE_S)
    state, exit_code, reason = _shown(jobs)
    _stop(jobs, job)
    assert (state, exit_code) == ("aborted", 9)
    assert reason.startswith(told.format(job))
    assert ", exit code 9 after SIGTERM from slurmstepd (pid " in reason
    assert jobs.output() == b"loss=0.5\ncleaning=1\ncleaning=2\n"


@pytest.mark.parametrize(
    ("prefix", "partition", "told"),
    [
        pytest.param("exec ", "low", "preempted: Slurm requeues job {}", id="requeued-at-once"),
        pytest.param("exec ", "gone", "Slurm job {} was preempted", id="cancelled-at-once"),
        pytest.param("srun ", "low", "preempted: Slurm requeues job {}", id="step-requeued"),
        # Whether it will be requeued is open: a job that ends in its time of grace is not.
        pytest.param("srun ", "grace", "Slurm job {} was preempted", id="step-given-time"),
    ],
)
def test_preemption_is_recorded(jobs: JobPlace, prefix: str, partition: str, told: str) -> None:
    """Told as soon as the signal comes, before the job with the higher priority starts."""
    job = _start(jobs, prefix, f"--partition={partition}", "--requeue", "--exclusive")
    other = _occupy(jobs)
    wait_for(lambda: list(jobs.run_directory().glob("*.end.json")), "the run ends", GRACE_S + DEADLINE_S)
    state, exit_code, reason = _shown(jobs)
    _stop(jobs, job)
    _stop(jobs, other)
    assert (state, exit_code) == ("aborted", 9)
    assert reason.startswith(told.format(job))


@pytest.mark.parametrize(
    ("options", "told"),
    [(("--requeue",), "node of Slurm job {job} failed: Slurm requeues job {job}"), (("--no-requeue",), "node {node} failed")],
    ids=["requeued", "not-requeued"],
)
def test_node_that_fails(jobs: JobPlace, options: tuple[str, ...], told: str) -> None:
    """Nobody there can record anything any more: a reader finds the run lost, and Slurm says why."""
    node = jobs.cluster.nodes[1]
    job = _start(jobs, "exec ", f"--nodelist={node}", *options)
    jobs.cluster.fail_node(node)
    try:
        state, exit_code, reason = _shown(jobs)
    finally:
        jobs.cluster.run("scancel", job)
        jobs.cluster.repair_node(node)
    assert (state, exit_code) == ("lost", None)
    assert told.format(job=job, node=node) in reason
    assert jobs.output() == b"loss=0.5\n"


@_BY_CGROUP
def test_plain_batch_script_that_is_cancelled(jobs: JobPlace) -> None:
    """Slurm ends the shell, and kills all others without a word: what is recorded stays, and a reader learns why from Slurm."""
    job = _start(jobs, "")
    _stop(jobs, job)
    jobs.cluster.wait_for(job, "CANCELLED")
    state, exit_code, reason = _shown(jobs)
    assert (state, exit_code) == ("lost", None)
    assert f"Slurm job {job} was cancelled" in reason
    assert jobs.output() == b"loss=0.5\n"


@pytest.mark.parametrize(("prefix", "target"), [("srun ", ("{}.0",)), ("exec ", ("--batch", "{}"))], ids=["step", "batch"])
def test_kill_without_warning(jobs: JobPlace, prefix: str, target: tuple[str, ...]) -> None:
    """A step, or a batch script's shell, that is cancelled gets SIGKILL at once."""
    job = _start(jobs, prefix)
    jobs.cluster.run("scancel", *(word.format(job) for word in target))
    jobs.cluster.wait_for(job)
    state, exit_code, reason = _shown(jobs)
    assert (state, exit_code) == ("lost", None)
    assert f"Slurm job {job}" in reason
    assert jobs.output() == b"loss=0.5\n"


@_BY_CGROUP
def test_job_that_runs_out_of_memory(jobs: JobPlace) -> None:
    """The kernel kills the command and not its recorder: the run has its end."""
    eat = "print('loss=0.5', flush=True)\nblocks = []\nwhile True: blocks.append(bytearray(1 << 20))\n"
    job = jobs.submit(f"exec swanlab run {jobs.child('eat.py', eat)}", "--mem=200M")
    jobs.cluster.wait_for(job)
    state, exit_code, reason = _shown(jobs)
    assert (state, exit_code, list(jobs.run_directory().glob("*.end.json")) != []) == ("crashed", None, True)
    assert "out of memory" in reason
    assert jobs.show()["ending"]["kind"] == "out_of_memory"
    assert jobs.output() == b"loss=0.5\n"
