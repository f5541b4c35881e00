"""`SwanLabCallback` for `transformers.Trainer`."""

from importlib import import_module

from ._trainers import TrainerParticipant, rewrite_logs

__all__ = ["SwanLabCallback", "rewrite_logs"]

_TrainerCallback = import_module("transformers.trainer_callback").TrainerCallback


class SwanLabCallback(TrainerParticipant, _TrainerCallback):
    """Records what a `transformers.Trainer` logs; see `TrainerParticipant`."""

    framework = "transformers"
