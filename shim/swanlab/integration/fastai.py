"""`SwanLabCallback` for a fastai `Learner(cbs=...)`."""

from importlib import import_module

from ..joining import Participant, harmless, tagged

__all__ = ["SwanLabCallback"]

_Callback = import_module("fastai.learner").Callback


class SwanLabCallback(Participant, _Callback):
    """Records loss and hyper-parameters of the optimizer after each batch, the recorder's metrics after each epoch.

    The parameters are those of `swanlab.init`; they count where nothing else has called it.
    """

    framework = "fastai"

    def __init__(
        self,
        project=None,
        experiment_name=None,
        description=None,
        workspace=None,
        config=None,
        mode=None,
        logdir=None,
        tags=None,
        **others
    ):
        super().__init__()
        self._given = dict(others, project=project, experiment_name=experiment_name, description=description)
        self._given["tags"] = tagged(tags, "fastai")
        self._config = config
        self._batches = 0
        self._epochs = 0  # the learner's own count begins anew with each fit

    @harmless
    def before_fit(self):
        """Record what the learner is made of."""
        if self._config:
            self.update_config(self._config)
        self.update_config(self._configuration())

    @harmless
    def after_batch(self):
        """Record a training batch."""
        if not self.training:
            return
        self._batches += 1
        found = {"train/loss": self.loss, "train/step": self._batches}
        for place, group in enumerate(self.opt.hypers):
            found.update(("train/%s_%d" % (key, place), value) for key, value in group.items())
        self._record(found, self._batches)

    @harmless
    def after_epoch(self):
        """Record an epoch."""
        pairs = zip(self.recorder.metric_names, self.recorder.log)
        self._record({"epoch/%s" % key: value for key, value in pairs if value is not None}, self._epochs)
        self._epochs += 1

    def _configuration(self):
        learner = self.learn
        arguments = {type(callback).__name__: getattr(callback, "__stored_args__", True) for callback in learner.cbs}
        arguments.pop(type(self).__name__, None)
        arguments["Learner"] = getattr(learner, "__stored_args__", str(learner))
        for key, value in (
            ("batch_size", lambda: learner.dls.bs),
            ("batch_per_epoch", lambda: len(learner.dls.train)),
            ("model_parameters", lambda: sum(tensor.numel() for tensor in learner.model.parameters())),
            ("device", lambda: learner.dls.device.type),
            ("n_inp", lambda: learner.dls.train.n_inp),
            ("frozen_idx", lambda: learner.opt.frozen_idx),
            ("frozen", lambda: bool(learner.opt.frozen_idx)),
        ):
            try:
                arguments[key] = value()
            except Exception:  # each asks another foreign object, which may lack it in its own way; the rest still counts
                pass
        return arguments
