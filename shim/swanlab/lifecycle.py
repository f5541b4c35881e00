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
        self.is_joined = False  # whether this process has called init()
        self._callbacks = None  # of most runs there are none
        self._tasks = []  # of async_log(); finish() waits for them

    @property
    def config(self):
        """The run's inputs; see `Config`."""
        if self._config is None:
            from .configuration import Config  # many a process of a run never asks for it

            # Of threads that come here together one decides.
            self._configs.append(Config(self._inbox, lambda: self._facts().get("config") or {}))
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
    def description(self):
        """Notes on the run."""
        return self._fact("notes")

    @property
    def path(self):
        """Project and id, as the SDK's addresses have them."""
        return "/%s/%s" % (self.project, self.id)

    @property
    def settings(self):
        """What newer SDKs show of a run to callbacks."""
        return Settings(
            log_dir=self.public.swanlog_dir,
            mode=self.mode,
            run=Settings(id=self.id, dir=self.dir),
            project=Settings(name=self.project, workspace=None),
            experiment=Settings(
                name=self.name,
                description=self.description,
                tags=self._fact("tags"),
                group=self._fact("group"),
                job_type=self._fact("job_type"),
            ),
        )

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

    def log_text(self, key, data, caption=None, step=None):
        """Record a text, or a list of them with a list of captions; likewise the methods that follow."""
        return self._log_media("Text", key, data, caption, step)

    def log_image(self, key, data, mode=None, caption=None, file_type=None, size=None, step=None):
        """Record what `swanlab.Image` takes."""
        return self._log_media("Image", key, data, caption, step, mode=mode, file_type=file_type, size=size)

    def log_audio(self, key, data, sample_rate=44100, caption=None, step=None):
        """Record what `swanlab.Audio` takes."""
        return self._log_media("Audio", key, data, caption, step, sample_rate=sample_rate)

    def log_video(self, key, data, caption=None, step=None):
        """Record what `swanlab.Video` takes."""
        return self._log_media("Video", key, data, caption, step)

    def log_html(self, key, data, caption=None, step=None):
        """Record what `swanlab.Html` takes."""
        return self._log_media("Html", key, data, caption, step)

    def log_echarts(self, key, data, caption=None, step=None):
        """Record what `swanlab.ECharts` takes."""
        return self._log_media("ECharts", key, data, caption, step)

    def log_object3d(self, key, data, caption=None, step=None):
        """Record what `swanlab.Object3D` takes."""
        return self._log_media("Object3D", key, data, caption, step)

    def log_molecule(self, key, data, caption=None, step=None):
        """Record what `swanlab.Molecule` takes."""
        return self._log_media("Molecule", key, data, caption, step)

    def _log_media(self, kind, key, data, caption, step, **options):
        from . import media  # costs more than all the rest, and most programs log numbers only

        items = data if isinstance(data, (list, tuple)) else [data]
        captions = caption if isinstance(caption, (list, tuple)) else [caption] * len(items)
        if len(captions) != len(items):
            self.report(("captions", key), "media %.80r dropped: %d captions for %d items" % (key, len(captions), len(items)))
            return {}
        made = [getattr(media, kind)(item, caption=text, **options) for item, text in zip(items, captions)]
        return self.log({key: made if isinstance(data, (list, tuple)) else made[0]}, step)

    def define_metric(self, key, x_axis=None, section_name=None, hidden=None, **others):
        """Say how a metric's chart is to look: its x axis, its section, whether it is shown; `key` may end in `*`."""
        from .configuration import plain  # see config

        given = dict(others, x_axis=x_axis, section_name=section_name, hidden=hidden)
        self._inbox.send("define", key=str(key), **{name: plain(value) for name, value in given.items() if value is not None})

    define_scalar = define_metric

    def async_log(self, func, *args, **kwargs):
        """Call `func` in a thread and log the dict that it gives back; give back a future. `finish()` waits for it.

        `mode="asyncio"` is for coroutines, `mode="spawn"` for a process of its own; `step` is that of the log() call.
        """
        from .background import submitted

        task = submitted(self, func, args, kwargs)
        self._tasks.append(task)
        return task

    def save(self, glob_str, base_path=None, **_ignored):
        """Copy the files that match into the run's folder `files`; give back their paths in it.

        Raises: ValueError for more than 100 files.
        """
        from .files import save_files

        return save_files(self, glob_str, base_path)

    def register(self, callbacks):
        """Have a callback, or a list of them, called when the run is joined, logged to and finished."""
        from .callbacks import Registry

        if self._callbacks is None:
            self._callbacks = Registry(self)
        self._callbacks.add(callbacks)
        self._inbox.observe(self._callbacks.logged)

    def get_url(self):
        """None: a local run has no page on a server."""

    def get_project_url(self):
        """None, as `get_url`."""

    def finish(self, state="success", error=None, async_log_timeout=None, **_ignored):
        """End logging: from now on `log()` raises, until `init()` is called again. A second call only warns.

        It waits for what `async_log()` has started, `async_log_timeout` seconds at most where that is given.
        """
        state = getattr(state, "name", state)  # of an older SDK's enum
        state = state.lower() if isinstance(state, str) else state
        if self._end is not None:
            say("finish() was called already")
            return
        if state not in STATES:
            shown = state if isinstance(state, str) else type(state)
            say("finish() takes the states %s, not %.80r; the run stays open" % (", ".join(STATES), shown))
            return
        if self._tasks:
            from .background import wait_for

            tasks, self._tasks = self._tasks, []
            wait_for(tasks, async_log_timeout)
        details = {}
        if error is not None:
            from .configuration import text_of  # see config

            details["error"] = text_of(error)
        self._inbox.send("finish", state=state, **details)
        self._end = state
        self._inbox.recorders.clear()
        if self._callbacks is not None:
            self._callbacks.finished(state, details.get("error"))

    def join(self, given, config):
        """Take part in the run, again if `finish()` was called; tell it what the script says about it.

        `given` are arguments of `init` under the names of the inbox, `config` is anything that `Config.update` takes.
        """
        self._end = None
        self.is_joined = True
        self._given.update(given)
        if config is not None:
            given["config"] = self.config.adopt(config)
        self._inbox.send("init", **given)
        if self._callbacks is not None:
            self._callbacks.initialized()

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
            import json  # see encoding.py

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
