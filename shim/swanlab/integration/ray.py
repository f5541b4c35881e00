"""`SwanLabLoggerCallback` for Ray Tune."""

from importlib import import_module

from ..joining import Participant, harmless

__all__ = ["SwanLabLoggerCallback"]

_LoggerCallback = import_module("ray.tune.logger").LoggerCallback
_flatten_dict = import_module("ray.tune.utils").flatten_dict


class SwanLabLoggerCallback(Participant, _LoggerCallback):
    """Records the results of all trials in the one run, from the process that tunes; metrics begin with the trial's name.

    The parameters are those of the SDK; those of `swanlab.init` count where nothing else has called it.
    """

    framework = "ray"
    AUTO_CONFIG_KEYS = ("trial_id", "experiment_tag", "node_ip", "experiment_id", "hostname", "pid", "date")
    _excluded = ("done", "should_checkpoint")

    def __init__(self, project=None, workspace=None, excludes=None, log_config=False, **others):
        super().__init__()
        self._given = dict(others, project=project)
        self.excludes = tuple(excludes or ()) + (() if log_config else ("config",))

    @harmless
    def log_trial_start(self, trial):
        """Record a trial's configuration under its name."""
        config = {key: value for key, value in trial.config.items() if key != "callbacks"}
        self.update_config({str(trial): config})

    @harmless
    def log_trial_result(self, iteration, trial, result):
        """Record the numbers of a result."""
        left_out = set(self._excluded + self.excludes + self.AUTO_CONFIG_KEYS)
        found = {
            "%s/%s" % (trial, key): value
            for key, value in _flatten_dict(result, delimiter="/").items()
            if key.partition("/")[0] not in left_out and key not in left_out and _is_number(value)
        }
        self._record(found, result.get("training_iteration", iteration))


def _is_number(value):
    return not isinstance(value, str) and hasattr(value, "__float__")
