"""Callbacks: the classes that programs derive theirs from, and the calling of those that were registered.

What a callback raises is reported and stays here. As in values.py, each broad `except` stands before foreign code.
"""

import sys

from .messages import cause


class Callback:
    """What newer SDKs' callbacks derive from; each method may be overridden."""

    @property
    def name(self):
        """What tells this callback from others."""
        return type(self).__name__

    def on_run_initialized(self, run_dir, path, settings, *args, **kwargs):
        """Hear that `init()` was called: the run's folder, its name within the project, and facts about it."""

    def on_scalar_flush(self, scalar_records, *args, **kwargs):
        """Hear of numbers that were logged: objects with `key`, `value`, and `step`, None where none was given."""

    def on_media_flush(self, media_records, *args, **kwargs):
        """Never called: media are in the run's folder when `log()` returns."""

    def on_log_flush(self, log_records, *args, **kwargs):
        """Never called: `swanlab run` records the output outside this process."""

    def on_run_fork(self):
        """Hear, in a forked child, that it is one."""

    def on_run_finished(self, state, error=None, *args, **kwargs):
        """Hear that the run has ended as `success`, `crashed` or `aborted`."""


class SwanKitCallback:
    """What older SDKs' callbacks derive from; each method may be overridden."""

    def on_init(self, proj_name, workspace, public=None, logdir=None, *args, **kwargs):
        """Hear that `init()` was called."""

    def before_run(self, *args, **kwargs):
        """Hear that the run is about to begin."""

    def before_init_experiment(self, run_id, exp_name, description, *args, **kwargs):
        """Hear what the run is called."""

    def on_run(self, *args, **kwargs):
        """Hear that the run has begun."""

    def on_runtime_info_update(self, r, *args, **kwargs):
        """Never called: `swanlab run` records the environment outside this process."""

    def on_log(self, data, step, *args, **kwargs):
        """Hear of numbers that were logged."""

    def on_column_create(self, *args, **kwargs):
        """Never called: there are no columns here."""

    def on_metric_create(self, *args, **kwargs):
        """Never called: see `on_log`."""

    def on_stop(self, error=None, *args, **kwargs):
        """Hear that the run has ended; `error` where it has crashed."""


class Record:
    """One number that was logged."""

    __slots__ = ("key", "step", "value")

    def __init__(self, key, value, step):
        self.key = key
        self.value = value
        self.step = step


class Registry:
    """Calls the callbacks of a run, of either kind; one that is registered twice is called once."""

    def __init__(self, run):
        self._run = run
        self._callbacks = []
        self._is_open = False
        self._error = None
        self._watch_exit()

    def add(self, callbacks):
        """Register one callback or a list of them."""
        for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
            if callback is not None and all(callback is not known for known in self._callbacks):
                self._callbacks.append(callback)

    def initialized(self):
        """Tell that `init()` was called."""
        run = self._run
        public = run.public
        self._is_open = True
        self._call("on_init", run.project, None, logdir=public.swanlog_dir)
        self._call("before_run")
        self._call("before_init_experiment", run.id, run.name, run.description, 1, ("#2E6AFF", "#2E6AFF"))
        self._call("on_run")
        self._call("on_run_initialized", run.dir, run.path, run.settings)

    def logged(self, values, step):
        """Tell of numbers that were logged."""
        self._call("on_log", values, step)
        self._call("on_scalar_flush", [Record(key, value, step) for key, value in values.items()])

    def finished(self, state, error=None):
        """Tell that the run has ended."""
        self._is_open = False
        self._call("on_stop", error or (state if state != "success" else None))
        self._call("on_run_finished", state, error)

    def _call(self, method, *args, **kwargs):
        for callback in self._callbacks:
            function = getattr(callback, method, None)
            if function is not None:
                try:
                    function(*args, **kwargs)
                except Exception as error:  # a user's code may raise anything; the next callback and the training go on
                    name = type(callback).__name__
                    self._run.report((name, method, type(error)), "%s.%s failed: %s" % (name, method, cause(error)))

    def _watch_exit(self):
        """See to it that callbacks hear of an end without `finish()`, and of the exception that was its reason."""
        import atexit
        import os

        previous = sys.excepthook

        def note(kind, error, traceback):
            self._error = "aborted" if issubclass(kind, KeyboardInterrupt) else "crashed", cause(error)
            previous(kind, error, traceback)

        sys.excepthook = note
        atexit.register(self._exit)
        os.register_at_fork(after_in_child=self._forked)

    def _exit(self):
        if self._is_open:
            state, error = self._error or ("success", None)
            self._run.finish(state, error)

    def _forked(self):
        """Leave telling of the end to the process that has begun the run."""
        if self._is_open:
            self._is_open = False
            self._call("on_run_fork")
