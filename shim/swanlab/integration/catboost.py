"""`SwanLabCallback` for CatBoost's `fit(callbacks=...)`."""

from ..joining import Participant, harmless

__all__ = ["SwanLabCallback"]


class SwanLabCallback(Participant):
    """Records the metrics of each iteration, and `params` once."""

    framework = "catboost"

    def __init__(self, params=None):
        super().__init__()
        self._params = params

    def after_iteration(self, info):
        """Record the last value of each metric; give back True: training goes on."""
        self._record_iteration(info)
        return True

    @harmless
    def _record_iteration(self, info):
        if not self._has_told and isinstance(self._params, dict):
            self.update_config(self._params)
        stages = (info.metrics or {}).items()
        found = {
            "%s_%s" % (stage, metric): values[-1]
            for stage, metrics in stages
            for metric, values in metrics.items()
            if values
        }
        self._record(found, info.iteration)
