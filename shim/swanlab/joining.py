"""How callbacks of frameworks and mirrors of other trackers take part in the run. What fails here must stay here."""

import functools

import swanlab

from .messages import cause


def joined(given):
    """Give back the run; a script that has not called `init` yet, or `finish` since, joins it with what is `given`."""
    return swanlab.get_run() or swanlab.init(**given)


def harmless(function):
    """Make a function of ours report what it raises, once, and give back None: the training that calls it goes on."""

    @functools.wraps(function)
    def guarded(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:  # frameworks' objects change with their versions; reported once, and the training goes on
            topic = (function.__module__, function.__qualname__, type(error))
            swanlab._run.report(topic, "%s.%s failed: %s" % (function.__module__, function.__qualname__, cause(error)))
            return None

    return guarded


def tagged(tags, tag):
    """Give back a list of the tags a script gave, which may be None, and ours."""
    tags = [tags] if isinstance(tags, str) else list(tags or ())
    return tags if tag in tags else tags + [tag]


class Participant(getattr(swanlab, "Callback", object)):
    """What the classes for all frameworks share: they join the run when they first have something to say.

    `framework` is recorded in the run's config; `_given` is what `init` is told where the script has not called it.
    """

    framework = ""
    _given = {}
    _has_told = False

    @property
    def name(self):
        """Name of this callback."""
        return "swanlab-integration-" + self.framework.replace("_", "-")

    @harmless
    def update_config(self, config):
        """Record inputs of the run."""
        self._joined_run().config.update(config)

    @harmless
    def _record(self, data, step=None):
        if data:
            self._joined_run().log(data, step)

    def _joined_run(self):
        run = joined(self._given)
        if not self._has_told:
            self._has_told = True
            run.config["FRAMEWORK"] = self.framework
        return run
