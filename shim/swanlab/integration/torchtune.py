"""`SwanLabLogger`, a metric logger for torchtune's recipes."""

from importlib import import_module

from ..joining import Participant, harmless, tagged

__all__ = ["SwanLabLogger"]

try:
    _metric_logging = import_module("torchtune.training.metric_logging")
except ImportError:  # before torchtune 0.3
    _metric_logging = import_module("torchtune.utils.metric_logging")


class SwanLabLogger(Participant, _metric_logging.MetricLoggerInterface):
    """Records what a recipe logs, from rank 0 only.

    The parameters are those of `swanlab.init`; they count where nothing else has called it.
    """

    framework = "torchtune"

    def __init__(
        self,
        project="torchtune",
        workspace=None,
        experiment_name=None,
        description=None,
        mode=None,
        log_dir=None,
        logdir=None,
        tags=None,
        **others
    ):
        super().__init__()
        self.log_dir = others.pop("dir", log_dir or logdir)
        self._given = dict(others, project=project, experiment_name=experiment_name, description=description)
        self._given["tags"] = tagged(tags, "torchtune")
        self.rank = _rank()

    @harmless
    def log_config(self, config):
        """Record a recipe's configuration."""
        if self.rank == 0:
            self.update_config(config)

    def log(self, name, data, step):
        """Record one metric."""
        self.log_dict({name: data}, step)

    @harmless
    def log_dict(self, payload, step):
        """Record metrics."""
        if self.rank == 0:
            self._record(dict(payload), step)

    def close(self):
        """Do nothing: the end of the program is the run's."""


@harmless
def _rank():
    distributed = import_module("torch.distributed")
    return distributed.get_rank() if distributed.is_available() and distributed.is_initialized() else 0
