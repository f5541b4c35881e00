"""The environment variables that are recorded, by name, and what they say of the scheduler. Never a network address."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping

from swanlab_cli.environment.injection import is_shim
from swanlab_cli.environment.target import Facts, Target

NAMES = frozenset((
    *("HOME", "HOSTNAME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LD_PRELOAD", "LOGNAME", "PATH", "PWD", "SHELL", "TERM"),
    *("TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "POETRY_ACTIVE", "PIPENV_ACTIVE", "NO_COLOR", "COLUMNS", "LINES"),
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"),
    *("ROLE_RANK", "ROLE_WORLD_SIZE", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_MAX_RESTARTS"),
    *("JOB_ID", "JOB_NAME", "QUEUE", "NSLOTS", "NHOSTS", "SGE_TASK_ID", "PE", "CI", "GITHUB_ACTIONS", "GITLAB_CI"),
    *("CUBLAS_WORKSPACE_CONFIG", "TOKENIZERS_PARALLELISM", "MALLOC_ARENA_MAX", "CC", "CXX", "MODULEPATH", "LOADEDMODULES"),
))  # fmt: skip
"""Recorded where set."""

PREFIXES = (
    *("ACCELERATE_", "AMD_", "ASCEND_", "CNRT_", "CONDA_", "CUDA_", "CUDNN_", "DEEPSPEED_", "DS_", "FSDP_", "GLOO_", "HABANA_"),
    *("HCCL_", "HF_", "HIP_", "HSA_", "IMPI_", "I_MPI_", "JAX_", "KMP_", "LC_", "LSB_", "MIOPEN_", "MKL_", "MLU_", "MUSA_"),
    *("NCCL_", "NUMEXPR_", "NUMBA_", "NVIDIA_", "OMP_", "OMPI_", "OPENBLAS_", "PBS_", "PMIX_", "PMI_", "PYTHON", "PYTORCH_"),
    *("RAY_", "RCCL_", "ROCM_", "ROCR_", "SLURM_", "SLURMD_", "SWANLAB_", "TF_", "TORCH_", "TPU_", "TRANSFORMERS_", "TRITON_"),
    *("UCX_", "UV_", "VLLM_", "WANDB_", "XLA_", "XPU_", "ZE_"),
)
"""Recorded where a name begins with one of them and it is not in DROPPED."""

# What is ours, or says how to reach a server, the scheduler's or the user's, which may let others in.
DROPPED = re.compile(
    r"SWANLAB_CLI_|SWANLAB_NOTIFY$|PMIX_(SERVER_URI|SECURITY)|PMI_(FD|PORT)"
    r"|SLURM_(LAUNCH_NODE_IPADDR|SRUN_COMM_|STEP_LAUNCHER)|.*_URI$"
)
_LONGEST = 32768

# Not in the middle of a word or of a path: there it is a version.
_IPV4 = re.compile(r"(?<![\w.\-])(?<![^/]/)(?<!^/)\d{1,3}(?:\.\d{1,3}){3}(?![\w.\-])")
_COLONS = re.compile(r"(?<![\w:./])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?![\w:])")
_MAC = re.compile(r"(?<![\w:\-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:\-])")
_MASK = "(address)"

# Of each scheduler: a variable that tells it is there, then our names for what its variables say.
_SCHEDULERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "slurm": ("SLURM_JOB_ID", {
        "job_id": "SLURM_JOB_ID", "job_name": "SLURM_JOB_NAME", "array_job_id": "SLURM_ARRAY_JOB_ID",
        "array_task_id": "SLURM_ARRAY_TASK_ID", "step_id": "SLURM_STEP_ID", "queue": "SLURM_JOB_PARTITION",
        "account": "SLURM_JOB_ACCOUNT", "nodes": "SLURM_JOB_NUM_NODES", "node_list": "SLURM_JOB_NODELIST",
        "tasks": "SLURM_NTASKS", "rank": "SLURM_PROCID", "local_rank": "SLURM_LOCALID",
        "restarts": "SLURM_RESTART_COUNT", "cluster": "SLURM_CLUSTER_NAME",
    }),
    "pbs": ("PBS_JOBID", {
        "job_id": "PBS_JOBID", "job_name": "PBS_JOBNAME", "array_task_id": "PBS_ARRAY_INDEX", "queue": "PBS_QUEUE",
        "rank": "PBS_TASKNUM",
    }),
    "lsf": ("LSB_JOBID", {
        "job_id": "LSB_JOBID", "job_name": "LSB_JOBNAME", "array_task_id": "LSB_JOBINDEX", "queue": "LSB_QUEUE",
        "tasks": "LSB_DJOB_NUMPROC",
    }),
    "sge": ("SGE_ROOT", {
        "job_id": "JOB_ID", "job_name": "JOB_NAME", "array_task_id": "SGE_TASK_ID", "queue": "QUEUE", "tasks": "NSLOTS",
        "nodes": "NHOSTS",
    }),
    "kubernetes": ("KUBERNETES_SERVICE_HOST", {"job_name": "HOSTNAME"}),
}  # fmt: skip
# Of what starts the processes of a parallel job; the most exact first.
_LAUNCHERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "torchrun": ("TORCHELASTIC_RUN_ID", {
        "rank": "RANK", "local_rank": "LOCAL_RANK", "size": "WORLD_SIZE", "local_size": "LOCAL_WORLD_SIZE",
        "restarts": "TORCHELASTIC_RESTART_COUNT",
    }),
    "openmpi": ("OMPI_COMM_WORLD_RANK", {
        "rank": "OMPI_COMM_WORLD_RANK", "local_rank": "OMPI_COMM_WORLD_LOCAL_RANK", "size": "OMPI_COMM_WORLD_SIZE",
        "local_size": "OMPI_COMM_WORLD_LOCAL_SIZE",
    }),
    "mpi": ("PMI_RANK", {"rank": "PMI_RANK", "size": "PMI_SIZE", "local_rank": "MPI_LOCALRANKID"}),
    "pmix": ("PMIX_RANK", {"rank": "PMIX_RANK"}),
    "env": ("WORLD_SIZE", {"rank": "RANK", "local_rank": "LOCAL_RANK", "size": "WORLD_SIZE", "local_size": "LOCAL_WORLD_SIZE"}),
}  # fmt: skip


def read_variables(target: Target) -> Facts:
    """The child's variables that have one of NAMES or PREFIXES, sorted by name; addresses are masked, ours left out."""
    environ = {**target.environ}
    path = [folder for folder in environ.pop("PYTHONPATH", "").split(os.pathsep) if not is_shim(folder)]
    if any(path):
        environ["PYTHONPATH"] = os.pathsep.join(path)
    return {
        name: _without_addresses(value[:_LONGEST])
        for name, value in sorted(environ.items())
        if (name in NAMES or name.startswith(PREFIXES)) and not DROPPED.match(name)
    }


def read_scheduler(target: Target) -> Facts:
    """`kind` of the batch system (None: none) with what it says of the job; `launcher` of the parallel job, likewise.

    Numbers are integers. Only what is known is there.
    """
    facts: Facts = {"kind": None, **_first(_SCHEDULERS, target.environ)}
    launcher = _first(_LAUNCHERS, target.environ)
    return {**facts, "launcher": launcher or None}


def _first(families: Mapping[str, tuple[str, Mapping[str, str]]], environ: Mapping[str, str]) -> Facts:
    for kind, (mark, names) in families.items():
        if mark in environ and (kind != "sge" or "JOB_ID" in environ):
            known = {name: environ[variable] for name, variable in names.items() if environ.get(variable)}
            return {"kind": kind, **{name: _number(_without_addresses(value)) for name, value in known.items()}}
    return {}


def _number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _without_addresses(text: str) -> str:
    text = _MAC.sub(_MASK, text)
    for pattern in (_IPV4, _COLONS):
        text = pattern.sub(lambda found: _MASK if _is_address(found[0]) else found[0], text)
    return text


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_unspecified
