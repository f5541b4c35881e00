"""`SwanLabCallback` for Stable-Baselines3's `learn(callback=...)`."""

from importlib import import_module

from ..joining import Participant, harmless, tagged

__all__ = ["SwanLabCallback"]

_BaseCallback = import_module("stable_baselines3.common.callbacks").BaseCallback
_sb3_logger = import_module("stable_baselines3.common.logger")


class _Output(_sb3_logger.KVWriter):
    """An output of Stable-Baselines3's logger that records the numbers among what it writes."""

    def __init__(self, record):
        self._record = record

    @harmless
    def write(self, key_values, key_excluded, step=0):
        """Record the numbers of one dump."""
        self._record({key: float(value) for key, value in key_values.items() if _is_number(value)}, step)

    def close(self):
        """Do nothing."""


class SwanLabCallback(Participant, _BaseCallback):
    """Records what the algorithm logs, beside the outputs that it has anyway.

    The parameters are those of `swanlab.init`; they count where nothing else has called it.
    """

    framework = "stable_baselines3"

    def __init__(
        self,
        project=None,
        workspace=None,
        experiment_name=None,
        description=None,
        logdir=None,
        mode=None,
        verbose=0,
        tags=None,
        **others
    ):
        super().__init__(verbose=verbose)
        self._given = dict(others, project=project, experiment_name=experiment_name, description=description)
        self._given["tags"] = tagged(tags, "stable_baselines3")

    @harmless
    def _on_training_start(self):
        simple = {key: value for key, value in vars(self.model).items() if isinstance(value, (bool, int, float, str))}
        config = {key: value for key, value in simple.items() if not key.startswith("_")}
        config["algo"] = type(self.model).__name__
        if hasattr(self.model.policy, "net_arch"):
            config["net_arch"] = str(self.model.policy.net_arch)
        self.update_config(config)
        outputs = self.model.logger.output_formats
        if not any(isinstance(output, _Output) for output in outputs):
            outputs.append(_Output(self._record))

    def _on_step(self):
        return True


def _is_number(value):
    try:
        return not isinstance(value, (bool, str)) and float(value) is not None
    except Exception:  # a tensor's or a figure's __float__ may raise anything; what raises is no number
        return False
