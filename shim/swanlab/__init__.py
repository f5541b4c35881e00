"""Stands in for the SwanLab SDK inside `swanlab run`: what a script logs goes into that run's directory.

`swanlab run` puts this package on the child's PYTHONPATH. It must not print to stdout unless asked, import anything but
the standard library, or raise, except where `log` says so. Files, network and accounts of the SDK have no place here.
"""

import os

from .inbox import Inbox, inbox_path
from .lifecycle import Run, Settings

__version__ = "0.10.3+cli"
__all__ = [
    "Audio",
    "ECharts",
    "Html",
    "Image",
    "Molecule",
    "Object3D",
    "Run",
    "Settings",
    "Text",
    "Video",
    "config",
    "finish",
    "get_project_url",
    "get_run",
    "get_url",
    "has_run",
    "init",
    "log",
    "login",
    "merge_callbacks",
    "merge_settings",
    "register_callbacks",
    "run",
]

_MEDIA = ("Audio", "ECharts", "Html", "Image", "Molecule", "Object3D", "Text", "Video")

_run_dir = os.environ.get("SWANLAB_CLI_RUN_DIR")
_run = Run(_run_dir, Inbox(inbox_path(_run_dir, os.environ.get("SWANLAB_CLI_INBOX"))))

log = _run.log
finish = _run.finish


def init(
    project=None,
    workspace=None,
    experiment_name=None,
    description=None,
    group=None,
    tags=None,
    config=None,
    logdir=None,
    mode=None,
    **others
):
    """Join the run that `swanlab run` has opened and give it what it is told here; give back the run.

    Understood: `project`, `name` or `experiment_name`, `notes` or `description`, `group`, `job_type`, `tags`, and
    `config` (a dict, a namespace, a dataclass, an object, a JSON, YAML or TOML file). What the command line has set
    stays. Anything else is accepted and means nothing. It may be called again, also after `finish()`.
    """
    from .arguments import arguments_given  # see Run.config

    _run.join(arguments_given(project, experiment_name, description, group, tags, others), config)
    return _run


def get_run():
    """Give back the run while there is one to log to, else None."""
    return _run if _run.is_known and _run.alive else None


def has_run():
    """Whether there is a run to log to."""
    return get_run() is not None


def login(*args, **kwargs):
    """Nothing to log in to here: always True."""
    return True


def merge_settings(*args, **kwargs):
    """Accept settings of the SDK; none of them changes what is recorded."""


def register_callbacks(*args, **kwargs):
    """Accept callbacks of the SDK; none is called."""


def merge_callbacks(*args, **kwargs):
    """Accept callbacks of the SDK; none is called."""


def get_url():
    """None: a local run has no page on a server."""


def get_project_url():
    """None, as `get_url`."""


def __getattr__(name):
    if name == "run":
        return get_run()
    if name == "config":
        return _run.config
    if name in _MEDIA:
        from . import media  # costs more than all the rest, and most programs log numbers only

        return getattr(media, name)
    raise AttributeError("module 'swanlab' has no attribute %r" % name)
