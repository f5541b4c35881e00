"""The run as a script sees it: `init`, `finish`, `Run`. Facts about it are read from run.json when first asked for."""

from .logger import log_function
from .messages import cause, say

STATES = ("success", "crashed", "aborted")


class Settings:
    """Holds whatever it is given, as attributes; nothing of it changes what is recorded."""

    def __init__(self, *_ignored, **settings):
        self.__dict__.update(settings)

    def __repr__(self):
        return "Settings(%s)" % ", ".join("%s=%r" % item for item in self.__dict__.items())


class Run:
    """The run that `swanlab run` has opened; there is one, and `init()` joins it."""

    mode = "local"
    url = None

    def __init__(self, run_dir, inbox):
        self.dir = run_dir or None
        self._inbox = inbox
        self._header = None
        self._given = {}  # what init() was told, for a script that runs without `swanlab run`
        self._end = None
        self._config = None
        self._configs = []
        self.log = log_function(inbox, lambda: self._end is not None)
        self.is_known = bool(run_dir)
        self.is_joined = False  # whether the script has called init()

    @property
    def config(self):
        """The run's inputs; see `Config`."""
        if self._config is None:
            from .configuration import Config  # as json: many a process of a run never asks for it

            # Of threads that come here together one decides.
            self._configs.append(Config(self._inbox, self._facts().get("config") or {}))
            self._config = self._configs[0]
        return self._config

    @property
    def id(self):
        """Run id, or None without `swanlab run`."""
        return self._facts().get("id")

    @property
    def name(self):
        """Name of the run."""
        return self._fact("name")

    @property
    def project(self):
        """Project of the run."""
        return self._fact("project")

    @property
    def alive(self):
        """Whether `log()` may be called: `finish()` was not called, or `init()` after it."""
        return self._end is None

    @property
    def running(self):
        """The same as `alive`."""
        return self._end is None

    @property
    def state(self):
        """`running`, or what `finish()` was told."""
        return self._end or "running"

    @property
    def public(self):
        """What older SDKs show of a run to callbacks."""
        cloud = Settings(
            available=False, project_name=self.project, project_url=None, experiment_name=self.name, experiment_url=None
        )
        swanlog_dir = self.dir.rstrip("/").rpartition("/")[0] if self.dir else None
        return Settings(
            project_name=self.project, run_id=self.id, swanlog_dir=swanlog_dir, run_dir=self.dir, cloud=cloud
        )

    def log_scalar(self, key, value, step=None, **_ignored):
        """Record one metric."""
        return self.log({key: value}, step)

    def get_url(self):
        """None: a local run has no page on a server."""

    def get_project_url(self):
        """None, as `get_url`."""

    def finish(self, state="success", error=None, **_ignored):
        """End logging: from now on `log()` raises, until `init()` is called again. A second call only warns."""
        if self._end is not None:
            say("finish() was called already")
            return
        if state not in STATES:
            shown = state if isinstance(state, str) else type(state)
            say("finish() takes the states %s, not %.80r; the run stays open" % (", ".join(STATES), shown))
            return
        details = {}
        if error is not None:
            from .configuration import text_of  # see config

            details["error"] = text_of(error)
        self._inbox.send("finish", state=state, **details)
        self._end = state
        self._inbox.recorders.clear()

    def join(self, given, config):
        """Take part in the run, again if `finish()` was called; tell it what the script says about it.

        `given` are arguments of `init` under the names of the inbox, `config` is anything that `Config.update` takes.
        """
        self._end = None
        self.is_known = self.is_joined = True
        self._given.update(given)
        if config is not None:
            given["config"] = self.config.adopt(config)
        self._inbox.send("init", **given)

    def report(self, topic, text):
        """Tell the user and the run's record about a problem, once for each `topic`, a tuple."""
        self._inbox.report(topic, text)

    def _fact(self, key):
        facts = self._facts()
        if key in self._given and key not in (facts.get("chosen") or ()):
            return self._given[key]
        return facts.get(key)

    def _facts(self):
        if self._header is None and self.dir:
            import json  # costs more than all the rest of this package

            try:
                with open(self.dir + "/run.json", "rb") as file:
                    self._header = json.loads(file.read().decode("utf-8"))
            except (OSError, ValueError):
                return {}
        return self._header or {}

    def __enter__(self):
        return self

    def __exit__(self, error_type, error, traceback):
        if self.alive:
            if error_type is None:
                self.finish()
            else:
                self.finish("crashed", cause(error))

    def __repr__(self):
        return "<swanlab run %s in %s>" % (self.id, self.dir)
