"""Runs that Slurm ends: their record, or the next look at it, says what Slurm did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import DEADLINE_S, wait_for
from tests.slurm.cluster import has_freezer
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
        pytest.param(
            lambda jobs, job: jobs.cluster.run("scontrol", "requeue", job), "Slurm job {} was requeued", id="requeue"
        ),
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
