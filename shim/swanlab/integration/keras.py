"""`SwanLabLogger`, also called `SwanLabCallback`, for Keras."""

from importlib import import_module

from ..joining import Participant, harmless

__all__ = ["SwanLabCallback", "SwanLabLogger"]

try:
    _Callback = import_module("keras.callbacks").Callback
except ImportError:
    _Callback = import_module("tensorflow.keras.callbacks").Callback


class SwanLabLogger(Participant, _Callback):
    """Records Keras' logs and the learning rate after each epoch, and after each `log_freq`-th batch.

    `log_freq` is "epoch" (no batches), "batch" (every one) or a number; batches count from `initial_global_step`.
    Further parameters are those of `swanlab.init`; they count where nothing else has called it.
    """

    framework = "keras"

    def __init__(self, log_freq="epoch", initial_global_step=0, **given):
        super().__init__()
        self._given = given
        self.log_freq = 1 if log_freq == "batch" else log_freq if isinstance(log_freq, int) else None
        if self.log_freq is not None and self.log_freq < 1:
            raise ValueError("log_freq is 'epoch', 'batch' or a positive integer, not %r" % log_freq)
        self.logging_batch_wise = self.log_freq is not None
        self.global_batch = 0
        self.global_step = initial_global_step

    @harmless
    def on_epoch_end(self, epoch, logs=None):
        """Record an epoch."""
        self._record_logs("epoch", dict(logs or {}, epoch=epoch), epoch)

    @harmless
    def on_train_batch_end(self, batch, logs=None):
        """Record a batch, where it is its turn."""
        self.global_step += 1
        if self.logging_batch_wise and batch % self.log_freq == 0:
            self._record_logs("batch", dict(logs or {}, batch_step=self.global_batch), self.global_step)
            self.global_batch += self.log_freq

    def _record_logs(self, section, logs, step):
        rate = self._learning_rate()
        if rate is not None:
            logs["learning_rate"] = rate
        self._record({"%s/%s" % (section, key): value for key, value in logs.items()}, step)

    def _learning_rate(self):
        optimizer = getattr(self.model, "optimizer", None)
        rate = getattr(optimizer, "learning_rate", getattr(optimizer, "lr", None))
        try:
            rate = rate(self.global_step) if callable(rate) else rate
            return float(rate.numpy() if hasattr(rate, "numpy") else rate)
        except Exception:  # each backend's variables and schedules raise their own; the epoch is recorded without its rate
            return None


SwanLabCallback = SwanLabLogger
