"""environment.variables: which are recorded, what they say of a scheduler, and no address among them."""

from __future__ import annotations

import pytest

from swanlab_cli.environment.target import Facts, Target
from swanlab_cli.environment.variables import read_scheduler, read_variables


def target(environ: dict[str, str]) -> Target:
    """A target of which only the environment counts."""
    return Target(("true",), None, "/", environ, 0)


def test_named_variables_only() -> None:
    """Those on the list or with its prefixes; neither the user's own nor ours nor keys to a scheduler's server."""
    kept = {"CUDA_VISIBLE_DEVICES": "0,1", "LC_ALL": "C", "NCCL_DEBUG": "INFO", "PATH": "/bin", "PYTHONPATH": "/a"}
    dropped = {
        "MY_NOTE": "a",
        "SWANLAB_CLI_RUN_DIR": "/r",
        "PMIX_SERVER_URI2": "a",
        "SLURM_SRUN_COMM_HOST": "a",
        "BASH_FUNC_x%%": "()",
    }
    assert kept == read_variables(target({**dropped, **kept}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("node-1", "node-1"),
        ("10.1.2.3", "(address)"),
        ("tcp://10.1.2.3:99;b", "tcp://(address):99;b"),
        ("fe80::1", "(address)"),
        ("[2001:db8::ff00:42:8329]:80", "[(address)]:80"),
        ("eth0 aa:bb:cc:dd:ee:0f", "eth0 (address)"),
        ("/opt/cuda-12.4.1.3/lib:/opt/1.2.3.4/lib", "/opt/cuda-12.4.1.3/lib:/opt/1.2.3.4/lib"),
        ("1.2.3.4-beta 999.1.1.1", "1.2.3.4-beta 999.1.1.1"),
        ("/a::/b:", "/a::/b:"),
        ("12:30:45", "12:30:45"),
    ],
)
def test_no_address_is_recorded(value: str, expected: str) -> None:
    """Addresses of networks and of network cards are masked; versions, paths and times are none."""
    assert {"MASTER_ADDR": expected} == read_variables(target({"MASTER_ADDR": value}))


SCHEDULERS: dict[str, tuple[dict[str, str], Facts]] = {
    "none": ({"JOB_NAME": "a"}, {"kind": None, "launcher": None}),
    "slurm array with torchrun": (
        {
            "SLURM_JOB_ID": "7",
            "SLURM_JOB_NAME": "train",
            "SLURM_ARRAY_JOB_ID": "6",
            "SLURM_ARRAY_TASK_ID": "3",
            "SLURM_JOB_PARTITION": "gpu",
            "SLURM_PROCID": "1",
            "SLURM_JOB_NODELIST": "n[1-2]",
            "TORCHELASTIC_RUN_ID": "none",
            "RANK": "3",
            "LOCAL_RANK": "1",
            "WORLD_SIZE": "4",
        },
        {
            "kind": "slurm",
            "job_id": 7,
            "job_name": "train",
            "array_job_id": 6,
            "array_task_id": 3,
            "queue": "gpu",
            "node_list": "n[1-2]",
            "rank": 1,
            "launcher": {"kind": "torchrun", "rank": 3, "local_rank": 1, "size": 4},
        },
    ),
    "pbs": ({"PBS_JOBID": "12.head", "PBS_QUEUE": "q"}, {"kind": "pbs", "job_id": "12.head", "queue": "q", "launcher": None}),
    "lsf": ({"LSB_JOBID": "5", "LSB_QUEUE": "q"}, {"kind": "lsf", "job_id": 5, "queue": "q", "launcher": None}),
    "sge": (
        {"SGE_ROOT": "/sge", "JOB_ID": "9", "NSLOTS": "4"},
        {"kind": "sge", "job_id": 9, "tasks": 4, "launcher": None},
    ),
    "sge installed, not used": ({"SGE_ROOT": "/sge"}, {"kind": None, "launcher": None}),
    "kubernetes": (
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "pod-1"},
        {"kind": "kubernetes", "job_name": "pod-1", "launcher": None},
    ),
    "open mpi": (
        {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "1"},
        {"kind": None, "launcher": {"kind": "openmpi", "rank": 1, "size": 2}},
    ),
    "mpich": ({"PMI_RANK": "0", "PMI_SIZE": "8"}, {"kind": None, "launcher": {"kind": "mpi", "rank": 0, "size": 8}}),
    "set by hand": ({"WORLD_SIZE": "2", "RANK": "0"}, {"kind": None, "launcher": {"kind": "env", "rank": 0, "size": 2}}),
}


@pytest.mark.parametrize(("environ", "expected"), SCHEDULERS.values(), ids=SCHEDULERS)
def test_scheduler_and_launcher(environ: dict[str, str], expected: Facts) -> None:
    """The batch system and what starts the job's processes are told apart, by their own variables."""
    assert expected == read_scheduler(target(environ))
