"""The Slurm job and step that a process belongs to, from its environment alone; imported before each child starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .kernel import read_bytes

_NUMBERS = {
    "SLURM_JOB_ID": "job_id",
    "SLURM_STEP_ID": "step_id",
    "SLURM_RESTART_COUNT": "restarts",
    "SLURM_ARRAY_JOB_ID": "array_job_id",
    "SLURM_ARRAY_TASK_ID": "array_task_id",
}


def slurm_job(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """`job_id`, `step_id`, `restarts`, `array_job_id`, `array_task_id` and `cluster`; None outside of jobs.

    Numbers, but for the cluster's name. What is not set is None, `restarts` 0. A batch script itself has no step id.
    """
    found: dict[str, Any] = {}
    for variable, name in _NUMBERS.items():
        text = environ.get(variable, "")
        found[name] = int(text) if text.isascii() and text.isdigit() else None
    if found["job_id"] is None:
        return None
    return {**found, "restarts": found["restarts"] or 0, "cluster": environ.get("SLURM_CLUSTER_NAME")}


def is_in_step(job: Mapping[str, Any] | None, cgroups: str = "/proc/self/cgroup") -> bool:
    """Whether slurmstepd keeps track of us by a control group, and so ends all that we leave behind."""
    return job is not None and b"/job_%d/step_" % job["job_id"] in read_bytes(cgroups)
