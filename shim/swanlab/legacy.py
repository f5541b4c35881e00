"""Names that only 0.7 had, or that stand for the cloud, which is not here."""

from enum import Enum

CLOUDLESS = "%s needs SwanLab's cloud, and this run is a local one; outside of `swanlab run` the real SDK has it"


class State(Enum):
    """How a run stands; `finish()` takes these too."""

    NOT_STARTED = -2
    CRASHED = -1
    RUNNING = 0
    SUCCESS = 1


class Api:
    """The cloud's interface for reading; a local run has none, so that every use raises RuntimeError."""

    def __init__(self, *_ignored, **_settings):
        pass

    def __getattr__(self, name):
        raise RuntimeError(CLOUDLESS % ("Api.%s" % name))


OpenApi = Api


def sync(*_args, **_settings):
    """Refuse: uploading is `swanlab sync`'s, not the program's.

    Raises: RuntimeError.
    """
    raise RuntimeError(CLOUDLESS % "sync()")


def require(*requirements):
    """Accept other parts of the SDK; none of them has a say here. Gives back a list of what was asked for."""
    return [name for text in requirements for name in str(text).split(",")]


def get_package_version():
    """Version of the SDK that this package stands in for."""
    from . import __version__

    return __version__
