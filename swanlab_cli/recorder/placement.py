"""Which process of a parallel job we are, told by the variables of whoever started us: Slurm, MPI, torchrun.

Read before the child starts, so it imports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# Step ids from here on are Slurm's own (batch script, extern, interactive): slurm/slurm.h, SLURM_MAX_NORMAL_STEP_ID.
_FIRST_SPECIAL_STEP = 0xFFFFFFF0
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")


class Placement(NamedTuple):
    """Our place among the processes that were started together."""

    launch: str
    """What they and no others have in common."""
    rank: int
    local_rank: int
    """On this host; 0 is the one that looks at the host for all."""
    size: int
    """How many they are."""
    job: str | None = None
    """The scheduler's job that contains the launch, the same when it is started again."""
    restart: int = 0
    """How often the job was started before."""


def find_placement(environ: Mapping[str, str]) -> Placement | None:
    """Our place, or None for a process that was started alone and whose restarts nobody counts.

    Launchers may be nested (`srun` starts `mpirun` starts us): the innermost that numbers its processes counts. A variable
    that holds no number is as good as none.
    """
    job, restart = _slurm_job(environ), _number(environ, "SLURM_RESTART_COUNT") or 0
    inner = _torchrun(environ) or _open_mpi(environ) or _hydra(environ)
    if inner is not None:
        return inner._replace(job=job, restart=restart)
    return _slurm_step(environ, job, restart)


def rank_variables(environ: Mapping[str, str]) -> list[str]:
    """NAME=VALUE of the variables that number the processes of a launch; a worker of our child has others."""
    return [f"{name}={environ[name]}" for name in _RANKS if name in environ]


def _slurm_job(environ: Mapping[str, str]) -> str | None:
    job = environ.get("SLURM_JOB_ID")
    return f"slurm-{environ.get('SLURM_CLUSTER_NAME', '')}-{job}" if job else None


def _slurm_step(environ: Mapping[str, str], job: str | None, restart: int) -> Placement | None:
    """As a task of a step; the batch script is no task, though its SLURM_PROCID is 0 as well."""
    if job is None:
        return None
    step = _number(environ, "SLURM_STEP_ID")
    if step is None or step >= _FIRST_SPECIAL_STEP:
        return Placement(f"{job}-batch", 0, 0, 1, job, restart) if "SLURMD_NODENAME" in environ else None
    rank, local_rank = _number(environ, "SLURM_PROCID"), _number(environ, "SLURM_LOCALID")
    size = _number(environ, "SLURM_STEP_NUM_TASKS") or 1
    return Placement(f"{job}-step{step}", rank or 0, local_rank or 0, size, job, restart)


def _torchrun(environ: Mapping[str, str]) -> Placement | None:
    """As a worker of torchrun, which names its rendezvous; each of its restarts is a launch of its own."""
    rank, size, name = _number(environ, "RANK"), _number(environ, "WORLD_SIZE"), environ.get("TORCHELASTIC_RUN_ID")
    if rank is None or size is None or name is None:
        return None
    parts = (name, environ.get("MASTER_ADDR", ""), environ.get("MASTER_PORT", ""), environ.get("TORCHELASTIC_RESTART_COUNT", ""))
    return Placement("torchrun-" + "-".join(parts), rank, _number(environ, "LOCAL_RANK") or 0, size)


def _open_mpi(environ: Mapping[str, str]) -> Placement | None:
    rank, size = _number(environ, "OMPI_COMM_WORLD_RANK"), _number(environ, "OMPI_COMM_WORLD_SIZE")
    name = environ.get("PMIX_NAMESPACE") or environ.get("OMPI_MCA_ess_base_jobid")
    if rank is None or size is None or not name:
        return None
    # Two runs of mpirun on two hosts may have one name space; the address of their server tells them apart.
    server = environ.get("OMPI_MCA_orte_hnp_uri", "").partition(";")[2]
    return Placement(f"mpi-{name}-{server}", rank, _number(environ, "OMPI_COMM_WORLD_LOCAL_RANK") or 0, size)


def _hydra(environ: Mapping[str, str]) -> Placement | None:
    """As a process of MPICH's, Intel's or MVAPICH's mpiexec, where it names itself."""
    rank, size, name = _number(environ, "PMI_RANK"), _number(environ, "PMI_SIZE"), environ.get("PMI_PORT")
    if rank is None or size is None or not name:
        return None
    return Placement(f"hydra-{name}", rank, _number(environ, "MPI_LOCALRANKID") or 0, size)


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
