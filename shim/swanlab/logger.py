"""The `log` function. Its first lines are the hot path, which must stay within twice the cost of its one `write`."""

from .messages import cause
from .values import accepted, number, step_number

FINISHED = "log() after finish(): this run takes no more points; call swanlab.init() first to go on with it"
HIGHEST_STEP = 2**63 - 1  # what every reader can hold; one absurd step must not break a series


def log_function(inbox, is_finished):
    """Give back `log` writing to `inbox`; `is_finished()` says whether `finish()` was called."""
    recorders = inbox.recorders  # empty when nothing is recorded and after finish(), so both leave the hot path

    def log(data, step=None, print_to_console=False, **ignored):
        """Record a dict of metrics; give back what was accepted, as a dict of floats and media.

        `step`: integer from 0; None counts by itself, for each metric. `print_to_console` prints the result. What
        cannot be used is left out and reported once on stderr.

        Raises: RuntimeError after `finish()`. Nothing else.
        """
        # Locals, no locks and no attribute chains: each costs as much as formatting a float.
        if step is None or (type(step) is int and 0 <= step <= HIGHEST_STEP):
            try:
                if type(data) is dict and not print_to_console:
                    # A dict of as many keys that has all of the last call's has no others; this saves a tuple's hash.
                    return recorders[len(data)](data, step)
            except KeyError:
                try:
                    recorder = recorders[len(data)] = recorders[tuple(data)]
                    return recorder(data, step)
                except Exception:  # the same here: what these keys or values raise, the long way finds out and reports
                    pass
            except Exception:  # new keys, a foreign __float__, a full disk: the long way tells them apart, and reports
                pass
        return log_with_care(data, step, print_to_console)

    def log_with_care(data, step, print_to_console):
        if is_finished():
            raise RuntimeError(FINISHED)
        found = {}
        try:
            found = _record(inbox, data, step)
            if print_to_console:
                print(found)
        except Exception as error:  # the door: a mistake of ours, or a closed stdout, must not stop the training
            inbox.report(("log", type(error)), "log() failed: %s" % cause(error))
        return found

    return log


def _record(inbox, data, step):
    """Record what of `data` can be; give that back: floats, and media, of which one that is alone comes without its list."""
    found, media = accepted(data, inbox.report)
    index = step_number(step, HIGHEST_STEP, inbox.report)
    if found:
        inbox.points(found, index, number)
    if media:
        records = {key: [item.record() for item in items] for key, items in media.items()}
        inbox.send("media", step=index, values=records)
        found.update((key, items[0] if len(items) == 1 else items) for key, items in media.items())
    return found
