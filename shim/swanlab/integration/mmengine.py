"""`SwanlabVisBackend` for MMEngine's visualizer; importing this module registers it."""

import os
from importlib import import_module

import swanlab

from ..joining import Participant, harmless

__all__ = ["SwanlabVisBackend"]

_BaseVisBackend = import_module("mmengine.visualization.vis_backend").BaseVisBackend
_VISBACKENDS = import_module("mmengine.registry").VISBACKENDS


@_VISBACKENDS.register_module()
class SwanlabVisBackend(Participant, _BaseVisBackend):
    """Records scalars, images and the configuration; `init_kwargs` are parameters of `swanlab.init`."""

    framework = "mmengine"

    def __init__(self, save_dir=None, init_kwargs=None):
        self._save_dir = save_dir
        self._env_initialized = False
        self._given = dict(init_kwargs or {})

    def _init_env(self):
        if self._save_dir is not None:
            os.makedirs(self._save_dir, exist_ok=True)
        self._env_initialized = True
        self._joined_run()

    @property
    def experiment(self):
        """The module that logs."""
        if not self._env_initialized:
            self._init_env()
        return swanlab

    @harmless
    def add_config(self, config, **_others):
        """Record a configuration."""
        self.update_config(config.to_dict() if hasattr(config, "to_dict") else dict(config))

    def add_graph(self, model, data_batch, **_others):
        """Do nothing: there is no place for graphs."""

    @harmless
    def add_image(self, name, image, step=0, **_others):
        """Record an image."""
        self._record({name: swanlab.Image(image)}, step)

    def add_scalar(self, name, value, step=0, **_others):
        """Record one metric."""
        self._record({name: value}, step)

    def add_scalars(self, scalar_dict, step=0, file_path=None, **_others):
        """Record metrics."""
        self._record(dict(scalar_dict), step)

    def close(self):
        """Do nothing: the end of the program is the run's."""
