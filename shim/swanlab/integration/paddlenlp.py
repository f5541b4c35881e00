"""`SwanLabCallback` for `paddlenlp.trainer.Trainer`."""

from importlib import import_module

from ._trainers import TrainerParticipant, rewrite_logs

__all__ = ["SwanLabCallback", "rewrite_logs"]

_TrainerCallback = import_module("paddlenlp.trainer.trainer").TrainerCallback


class SwanLabCallback(TrainerParticipant, _TrainerCallback):
    """Records what a PaddleNLP trainer logs; see `TrainerParticipant`."""

    framework = "paddlenlp"
