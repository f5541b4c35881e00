"""recorder/placement.py: the variables of launchers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from swanlab_cli.environment.allocation import is_in_step
from swanlab_cli.recorder.placement import Placement, find_placement, rank_variables

BATCH = {"SLURM_JOB_ID": "42", "SLURM_CLUSTER_NAME": "c", "SLURMD_NODENAME": "n1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
TASK = {**BATCH, "SLURM_STEP_ID": "3", "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5", "SLURM_LOCALID": "1"}
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "1", "RANK": "9", "LOCAL_RANK": "1", "WORLD_SIZE": "16",
    "MASTER_ADDR": "n1", "MASTER_PORT": "29500",
}  # fmt: skip
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "0", "PMIX_NAMESPACE": "77",
    "OMPI_MCA_orte_hnp_uri": "77.0;tcp://h:1",
}  # fmt: skip
HYDRA = {"PMI_RANK": "1", "PMI_SIZE": "2", "PMI_PORT": "h:123", "MPI_LOCALRANKID": "1"}


@pytest.mark.parametrize(
    ("expected", "environ"),
    [
        pytest.param(None, {}, id="nothing"),
        pytest.param(None, {"RANK": "8"}, id="rank-of-something-else"),
        pytest.param(None, {"RANK": "3", "WORLD_SIZE": "4"}, id="who-launched-is-not-told"),
        pytest.param(None, {"SLURM_JOB_ID": "42", "SLURM_NTASKS": "4"}, id="shell-of-salloc"),
        pytest.param(Placement("slurm-c-42-batch", 0, 0, 1, "slurm-c-42", 0), BATCH, id="batch"),
        pytest.param(
            Placement("slurm-c-42-batch", 0, 0, 1, "slurm-c-42", 2), {**BATCH, "SLURM_RESTART_COUNT": "2"}, id="requeued"
        ),
        pytest.param(
            Placement("slurm-c-42-batch", 0, 0, 1, "slurm-c-42"), {**BATCH, "SLURM_STEP_ID": "4294967291"}, id="batch-as-a-step"
        ),
        pytest.param(Placement("slurm-c-42-step3", 5, 1, 8, "slurm-c-42", 0), TASK, id="task"),
        pytest.param(
            Placement("slurm-c-42-step3", 0, 0, 8, "slurm-c-42"),
            {**TASK, "SLURM_PROCID": "x", "SLURM_LOCALID": ""},
            id="no-numbers",
        ),
        pytest.param(Placement("torchrun-none-n1-29500-1", 9, 1, 16), TORCHRUN, id="torchrun"),
        pytest.param(
            Placement("torchrun-none-n1-29500-1", 9, 1, 16, "slurm-c-42", 0), {**TASK, **TORCHRUN}, id="torchrun-in-a-task"
        ),
        pytest.param(Placement("mpi-77-tcp://h:1", 2, 0, 4), OPEN_MPI, id="open-mpi"),
        pytest.param(Placement("hydra-h:123", 1, 1, 2), HYDRA, id="mpich"),
    ],
)  # fmt: skip
def test_placement(expected: Placement | None, environ: Mapping[str, str]) -> None:
    """The innermost launcher that numbers its processes, inside the job that contains it."""
    assert find_placement(environ) == expected


def test_variables_that_number_us() -> None:
    """Those that are set, as NAME=VALUE."""
    assert rank_variables({**TASK, "RANK": "9"}) == ["RANK=9", "SLURM_PROCID=5"]


@pytest.mark.parametrize(
    ("cgroups", "expected"),
    [
        ("11:freezer:/slurm_n1/uid_0/job_42/step_0\n4:memory:/\n", True),
        ("0::/system.slice/slurmstepd.scope/job_42/step_batch/user/task_0\n", True),
        ("0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0\n", False),
        ("0::/user.slice/session-2.scope\n", False),
    ],
    ids=["v1", "v2", "another-job", "login-node"],
)
def test_step_that_ends_all_with_us(tmp_path: Path, cgroups: str, expected: bool) -> None:
    """The control group tells; a shell of salloc has the job's variables only."""
    (tmp_path / "cgroup").write_text(cgroups)
    assert is_in_step({"job_id": 42}, str(tmp_path / "cgroup")) == expected
    assert is_in_step(None, str(tmp_path / "cgroup")) is False
