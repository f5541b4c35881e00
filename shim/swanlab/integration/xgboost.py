"""`SwanLabCallback` for `xgboost.train`, `xgboost.cv` and XGBoost's scikit-learn classes."""

import json
from importlib import import_module

import swanlab

from ..joining import Participant, harmless

__all__ = ["SwanLabCallback"]

_TrainingCallback = import_module("xgboost.callback").TrainingCallback


class SwanLabCallback(Participant, _TrainingCallback):
    """Records the evaluation of each round, and at the end the best score and the importance of features."""

    framework = "xgboost"

    def __init__(self, log_feature_importance=True, importance_type="gain"):
        super().__init__()
        self._log_feature_importance = log_feature_importance
        self._importance_type = importance_type

    def before_training(self, model):
        """Record the model's configuration; give back the model."""
        self._record_configuration(model)
        return model

    def after_iteration(self, model, epoch, evals_log):
        """Record the last value of each evaluation; give back False: training goes on."""
        self._record_round(epoch, evals_log)
        return False

    def after_training(self, model):
        """Record what the trained model says about itself; give back the model."""
        self._record_model(model)
        return model

    @harmless
    def _record_configuration(self, model):
        run = self._joined_run()
        if hasattr(model, "save_config"):  # the models of a cross-validation, in one object, have none
            run.config.update(json.loads(model.save_config()))

    @harmless
    def _record_round(self, epoch, evals_log):
        found = {"epoch": epoch}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                key = "%s-%s" % (data, metric)
                if isinstance(values[-1], tuple):  # of a cross-validation: mean and standard deviation
                    found[key + "-mean"], found[key + "-stdv"] = values[-1]
                else:
                    found[key] = values[-1]
        self._record(found, epoch)

    @harmless
    def _record_model(self, model):
        if self._log_feature_importance and hasattr(model, "get_score"):  # see above
            self._record_importance(model.get_score(importance_type=self._importance_type))
        if model.attr("best_score") is not None:
            self._record({name: float(model.attr(name)) for name in ("best_score", "best_iteration")})

    def _record_importance(self, scores):
        if not scores:
            return
        try:
            chart = swanlab.echarts.Bar()
            chart.add_xaxis(list(scores))
            chart.add_yaxis("Importance", [round(score, 2) for score in scores.values()])
        except (ImportError, TypeError):  # without pyecharts, or of a linear model, with a list for each feature
            chart = scores
        self._record({"Feature Importance": chart})
