"""`SwanLabTracker` for `accelerate.Accelerator(log_with=...)`."""

from importlib import import_module

import swanlab

from ..joining import Participant, harmless

__all__ = ["SwanLabTracker"]

_tracking = import_module("accelerate.tracking")


class SwanLabTracker(Participant, _tracking.GeneralTracker):
    """Records what is given to `accelerator.log`, from the main process.

    `run_name` is the project, as older SDKs had it. Further parameters are those of `swanlab.init`; they count where
    nothing else has called it.
    """

    framework = "accelerate"
    name = "swanlab"
    requires_logging_directory = False
    main_process_only = True

    def __init__(self, run_name=None, **given):
        super().__init__()
        self._given = given
        self._given.setdefault("project", run_name)

    @property
    def tracker(self):
        """The run."""
        return swanlab.get_run() or self

    @_tracking.on_main_process
    @harmless
    def start(self):
        """Join the run."""
        self._joined_run()

    @_tracking.on_main_process
    def store_init_configuration(self, values):
        """Record inputs of the run."""
        self.update_config(values)

    @_tracking.on_main_process
    def log(self, values, step=None, **_others):
        """Record metrics."""
        self._record(values, step)

    @_tracking.on_main_process
    @harmless
    def log_images(self, values, step=None, **_others):
        """Record lists of images, each under its key."""
        self._record({key: [swanlab.Image(image) for image in images] for key, images in values.items()}, step)

    @_tracking.on_main_process
    def finish(self):
        """Do nothing: the program may have more to log; its end is the run's."""
