"""Stands in for the SwanLab SDK inside `swanlab run`: what a script logs goes into that run's directory.

`swanlab run` puts this package on the child's PYTHONPATH. It must not print to stdout unless asked, import anything but
the standard library, or raise, except where `log` says so. Network and accounts of the SDK have no place here.
"""

import os

from .inbox import Inbox, inbox_path
from .lifecycle import Run, Settings  # noqa: F401 - in `__all__`, which is put together below

__version__ = "0.10.3+cli"

# Names that are loaded when they are first asked for, since most programs need none of them: the modules they are in.
_HOMES = {
    "Api": "legacy",
    "Audio": "media",
    "Callback": "callbacks",
    "ECharts": "media",
    "Html": "media",
    "Image": "media",
    "Molecule": "media",
    "Object3D": "media",
    "OpenApi": "legacy",
    "State": "legacy",
    "SwanKitCallback": "callbacks",
    "Text": "media",
    "Video": "media",
    "confusion_matrix": "plot",
    "get_package_version": "legacy",
    "pr_curve": "plot",
    "require": "legacy",
    "roc_curve": "plot",
    "sync": "legacy",
    "sync_mlflow": "mirror",
    "sync_tensorboardX": "mirror",
    "sync_tensorboard_torch": "mirror",
    "sync_wandb": "mirror",
}
_MODULES = ("echarts", "integration", "plot", "plugin", "toolkit", "utils")
_FUNCTIONS = (
    "async_log",
    "define_metric",
    "define_scalar",
    "finish",
    "get_config",
    "get_project_url",
    "get_run",
    "get_url",
    "has_run",
    "init",
    "log",
    "log_audio",
    "log_echarts",
    "log_html",
    "log_image",
    "log_molecule",
    "log_object3d",
    "log_scalar",
    "log_text",
    "log_video",
    "login",
    "merge_callbacks",
    "merge_settings",
    "register_callbacks",
    "save",
)
__all__ = sorted(_FUNCTIONS + tuple(_HOMES) + _MODULES + ("Run", "Settings", "config", "run"))

_run_dir = os.environ.get("SWANLAB_CLI_RUN_DIR")
_run = Run(_run_dir, Inbox(inbox_path(_run_dir, os.environ.get("SWANLAB_CLI_INBOX"))))

log = _run.log
log_scalar = _run.log_scalar
log_text = _run.log_text
log_image = _run.log_image
log_audio = _run.log_audio
log_video = _run.log_video
log_html = _run.log_html
log_echarts = _run.log_echarts
log_object3d = _run.log_object3d
log_molecule = _run.log_molecule
define_metric = _run.define_metric
define_scalar = _run.define_metric
async_log = _run.async_log
save = _run.save
finish = _run.finish


def init(
    project=None,
    workspace=None,
    experiment_name=None,
    description=None,
    job_type=None,
    group=None,
    tags=None,
    config=None,
    logdir=None,
    mode=None,
    load=None,
    public=None,
    callbacks=None,
    **others
):
    """Join the run that `swanlab run` has opened and give it what it is told here; give back the run.

    Understood: `project`, `name` or `experiment_name`, `notes` or `description`, `group`, `job_type`, `tags`, `config`
    (a dict, a namespace, a dataclass, an object, a JSON, YAML or TOML file), `callbacks`, and `load`, a file of such
    arguments, which those that are given here override. What the command line has set stays. Anything else is
    accepted and means nothing. It may be called again, also after `finish()`.
    """
    from .arguments import arguments_given, with_loaded  # see Run.config

    given = dict(others, project=project, name=others.get("name") or experiment_name, group=group, tags=tags)
    given.update(job_type=job_type, notes=others.get("notes") or description, config=config, callbacks=callbacks)
    if load is not None:
        given = with_loaded(load, given, _run.report)
    if given["callbacks"] is not None:
        _run.register(given["callbacks"])
    _run.join(arguments_given(given), given["config"])
    return _run


def get_run():
    """Give back the run from `init()` to `finish()`, else None.

    `log()` needs no `init()`, but frameworks ask this, as they ask the SDK, to see whether `init()` is left to them:
    then they give the run its name, its project and its tags.
    """
    return _run if _run.is_joined and _run.alive else None


def has_run():
    """Whether `get_run()` gives back the run."""
    return get_run() is not None


def get_config():
    """Give back `swanlab.config`."""
    return _run.config


def login(*args, **kwargs):
    """Nothing to log in to here: always True."""
    return True


def merge_settings(*args, **kwargs):
    """Accept settings of the SDK; none of them changes what is recorded."""


def merge_callbacks(callbacks):
    """Have a callback, or a list of them, called when the run is joined, logged to and finished."""
    _run.register(callbacks)


def register_callbacks(callbacks):
    """Do as `merge_callbacks`."""
    _run.register(callbacks)


def get_url():
    """None: a local run has no page on a server."""


def get_project_url():
    """None, as `get_url`."""


def __getattr__(name):
    if name == "run":
        return get_run()
    if name == "config":
        return _run.config
    if name in _HOMES or name in _MODULES:
        from importlib import import_module

        module = import_module("swanlab." + _HOMES.get(name, name))
        return getattr(module, name) if name in _HOMES else module
    raise AttributeError("module 'swanlab' has no attribute %r" % name)


def __dir__():
    return sorted(set(globals()) | set(__all__))
