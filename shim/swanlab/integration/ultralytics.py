"""Callbacks for Ultralytics' YOLO: `add_swanlab_callback(model)`, or what `return_swanlab_callback()` gives back."""

from importlib import import_module

import swanlab

from ..joining import Participant, harmless, tagged

__all__ = ["SwanLabCallback", "UltralyticsSwanlabCallback", "add_swanlab_callback", "return_swanlab_callback"]

EVENTS = ("on_pretrain_routine_start", "on_train_epoch_end", "on_fit_epoch_end", "on_train_end")


class SwanLabCallback(Participant):
    """Records losses, metrics, learning rates and plots; steps are epochs, from 1.

    The parameters are those of `swanlab.init`; they count where nothing else has called it.
    """

    framework = "ultralytics"

    def __init__(self, **given):
        super().__init__()
        self._given = dict(given, tags=tagged(given.get("tags"), "ultralytics"))
        self._validated_epochs = set()
        self._plots = {}

    @harmless
    def on_pretrain_routine_start(self, trainer):
        """Record the arguments of the training."""
        for key, argument in (("project", "project"), ("experiment_name", "name")):
            if self._given.get(key) is None:
                self._given[key] = getattr(trainer.args, argument, None)
        self.update_config(vars(trainer.args))

    @harmless
    def on_train_epoch_end(self, trainer):
        """Record losses and learning rates."""
        step = trainer.epoch + 1
        self._record(dict(trainer.label_loss_items(trainer.tloss, prefix="train"), **trainer.lr), step)
        if trainer.epoch == 1:
            self._record_plots("Plots", trainer.plots, step)

    @harmless
    def on_fit_epoch_end(self, trainer):
        """Record the metrics of a validation; the second one of an epoch is that of the best model."""
        step = trainer.epoch + 1
        metrics = trainer.metrics
        if step in self._validated_epochs:
            metrics = {"FinalValBestModel/" + key: value for key, value in metrics.items()}
        self._validated_epochs.add(step)
        if trainer.epoch == 0:
            describe = import_module("ultralytics.utils.torch_utils").model_info_for_loggers
            metrics = dict(describe(trainer), **metrics)
        self._record(metrics, step)
        self._record_plots("Train/Plots", trainer.plots, step)
        self._record_plots("Train/ValPlots", trainer.validator.plots, step)

    @harmless
    def on_train_end(self, trainer):
        """Record the last plots."""
        self._record_plots("TrainEnd/Plots", trainer.plots, trainer.epoch + 1)
        self._record_plots("TrainEnd/ValPlots", trainer.validator.plots, trainer.epoch + 1)

    @harmless
    def _record_plots(self, tag, plots, step):
        """Record the files among `plots` (path to a dict with its time) that are new or drawn again since."""
        drawn = {path: plot["timestamp"] for path, plot in plots.items()}
        fresh = [path for path, time in drawn.items() if self._plots.get(path) != time]
        self._plots.update(drawn)
        if fresh:
            self._record({tag: [swanlab.Image(str(path), caption=path.stem) for path in fresh]}, step)


UltralyticsSwanlabCallback = SwanLabCallback


def return_swanlab_callback(
    project=None, workspace=None, experiment_name=None, description=None, logdir=None, mode=None, tags=None, **others
):
    """Give back a dict of event to callback, as Ultralytics' own list of integrations has them."""
    given = dict(others, project=project, experiment_name=experiment_name, description=description, tags=tags)
    callback = SwanLabCallback(**given)
    return {event: getattr(callback, event) for event in EVENTS}


def add_swanlab_callback(
    model,
    project=None,
    workspace=None,
    experiment_name=None,
    description=None,
    logdir=None,
    mode=None,
    tags=None,
    **others
):
    """Have a model's training recorded; give back the model."""
    given = dict(others, project=project, experiment_name=experiment_name, description=description, tags=tags)
    for event, callback in return_swanlab_callback(**given).items():
        model.add_callback(event, callback)
    return model
