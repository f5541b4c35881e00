"""Which worker of a parallel program this process is, where one `swanlab run` has started them all."""

import os

# Each with the variable that must be there too, lest a RANK that means something else is taken for one.
_VARIABLES = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_ID"),
)


def worker_rank():
    """Give back the rank, or None where `swanlab run` itself was told the same: then all here is of its own rank."""
    outside = os.environ.get("SWANLAB_CLI_RANKS", "").split(",")
    for name, companion in _VARIABLES:
        rank = os.environ.get(name, "")
        if rank.isdigit() and companion in os.environ and "%s=%s" % (name, rank) not in outside:
            return int(rank)
    return None
