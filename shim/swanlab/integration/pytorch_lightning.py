"""`SwanLabLogger` for Lightning's `Trainer`, of the package `lightning` or `pytorch_lightning`."""

import os
import sys
from importlib import import_module

import swanlab

from ..joining import Participant, harmless, tagged

__all__ = ["SwanLabLogger"]

HOMES = ("lightning.pytorch", "pytorch_lightning")  # the same code twice, whose classes are strangers to each other


def _home():
    """Give back the name of the package that the script uses, or else of one that can be imported."""
    for home in HOMES:
        if home in sys.modules:
            return home
    try:
        import_module(HOMES[0])
    except ImportError:
        return HOMES[1]
    return HOMES[0]


_logger = import_module(_home() + ".loggers.logger")
_rank_zero_only = import_module(_home() + ".utilities").rank_zero_only


class SwanLabLogger(Participant, _logger.Logger):
    """Records what a Lightning module logs; from rank 0 only.

    The parameters are those of `swanlab.init`; they count where nothing else has called it. `save_dir` is where
    Lightning keeps checkpoints.
    """

    framework = "pytorch_lightning"

    def __init__(
        self,
        project=None,
        workspace=None,
        experiment_name=None,
        description=None,
        logdir=None,
        mode=None,
        save_dir=".",
        tags=None,
        id=None,
        **others
    ):
        super().__init__()
        self._given = dict(others, project=project, experiment_name=experiment_name, description=description)
        self._given["tags"] = tagged(tags, "⚡️pytorch lightning")
        self._save_dir = None if save_dir is None else os.fspath(save_dir)

    @property
    def version(self):
        """Run id, or None before the first record."""
        return swanlab.run.id if self._has_told and swanlab.run else None

    @property
    def save_dir(self):
        """Where Lightning keeps checkpoints."""
        return self._save_dir

    @property
    def log_dir(self):
        """The same as `save_dir`."""
        return self._save_dir

    @property
    @_logger.rank_zero_experiment
    def experiment(self):
        """The run."""
        return self._joined_run()

    @_rank_zero_only
    @harmless
    def log_hyperparams(self, params, *_ignored, **_others):
        """Record a module's hyper-parameters, functions by their names."""
        params = params if hasattr(params, "items") else vars(params)
        named = {key: getattr(value, "__name__", value) if callable(value) else value for key, value in params.items()}
        self._joined_run().config.update(named)

    @_rank_zero_only
    def log_metrics(self, metrics, step=None):
        """Record metrics."""
        self._record(dict(metrics), step)

    @_rank_zero_only
    @harmless
    def log_image(self, key, images, step=None, **captions):
        """Record a list of images; further arguments are lists with an item for each."""
        self._record_media(swanlab.Image, key, images, step, captions)

    @_rank_zero_only
    @harmless
    def log_audio(self, key, audios, step=None, **captions):
        """Record a list of sounds; further arguments are lists with an item for each."""
        self._record_media(swanlab.Audio, key, audios, step, captions)

    @_rank_zero_only
    @harmless
    def log_text(self, key, texts, step=None, **captions):
        """Record a list of texts; further arguments are lists with an item for each."""
        self._record_media(swanlab.Text, key, texts, step, captions)

    @_rank_zero_only
    @harmless
    def finalize(self, status=None):
        """Mark the run as crashed where training did not succeed."""
        if status not in (None, "success") and swanlab.has_run():
            swanlab.finish("crashed", "Lightning ended with status %s" % status)

    def _record_media(self, media, key, items, step, captions):
        if not isinstance(items, list) or any(len(values) != len(items) for values in captions.values()):
            raise TypeError("%r takes a list, and as many of each further argument" % key)
        rows = [{name: values[place] for name, values in captions.items()} for place in range(len(items))]
        self._record({key: [media(item, **row) for item, row in zip(items, rows)]}, step)
