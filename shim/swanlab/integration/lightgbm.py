"""`SwanLabCallback` for `lightgbm.train`, `lightgbm.cv` and LightGBM's scikit-learn classes."""

from ..joining import Participant, harmless

__all__ = ["SwanLabCallback"]


class SwanLabCallback(Participant):
    """Records the evaluation of each round; `log_params=False` leaves out the parameters."""

    framework = "lightgbm"
    order = 20  # LightGBM's own: after what evaluates, before what stops early
    before_iteration = False

    def __init__(self, log_params=True):
        super().__init__()
        self._log_params = log_params

    @harmless
    def __call__(self, env):
        """Record a round."""
        if not self._has_told and self._log_params:
            self.update_config(env.params)
        found = {"iteration": env.iteration}
        for item in env.evaluation_result_list or ():
            names = item[1].split() if item[0] == "cv_agg" else item[:2]
            key = "_".join(names)
            if len(item) > 4:  # of a cross-validation: mean and standard deviation
                found[key + "-mean"], found[key + "-stdv"] = item[2], item[4]
            else:
                found[key] = item[2]
        self._record(found, env.iteration)
