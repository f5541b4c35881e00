"""The `log` function. Its first lines are the hot path, which must stay within twice the cost of its one `write`."""

from binascii import hexlify
from os import write
from time import time

from . import values
from .inbox import TORN
from .messages import cause

FINISHED = "log() after finish(): this run takes no more points; call swanlab.init() first to go on with it"


def log_function(inbox, is_finished):
    """Give back `log` writing to `inbox`; `is_finished()` says whether `finish()` was called."""
    formats = inbox.formats  # empty when nothing is recorded and after finish(), so both leave the hot path
    lose = inbox.lose

    # Locals, no locks and no attribute chains: each costs as much as formatting a float.
    def log(data, step=None, print_to_console=False, **ignored):
        """Record a dict of metrics; give back what was accepted, as a dict of floats.

        `step`: integer from 0; None counts by itself, for each metric. `print_to_console` prints the result. What cannot
        be used is left out and reported once on stderr.

        Raises: RuntimeError after `finish()`. Nothing else.
        """
        if step is None and type(data) is dict and not print_to_console:
            try:
                descriptor, pack, frame, size = formats[tuple(data)]
                numbers = data.values()
                for number in numbers:
                    if type(number) is not float:
                        break
                else:
                    if write(descriptor, hexlify(pack(time(), *numbers)).join(frame)) != size:
                        lose(OSError(TORN))
                    return data.copy()
            except Exception:  # new keys, a closed descriptor, a full disk, a dict that changes: the long way copes
                pass
        return log_with_care(data, step, print_to_console)

    def log_with_care(data, step, print_to_console):
        if is_finished():
            raise RuntimeError(FINISHED)
        found = {}
        try:
            found = values.accepted(data, inbox.report)
            index = values.step_number(step, inbox.report)
            if found:
                inbox.points(tuple(found), tuple(found.values()), index)
            if print_to_console:
                print(found)
        except Exception as error:  # the door: a mistake of ours, or a closed stdout, must not stop the training
            inbox.report(("log", type(error)), "log() failed: %s" % cause(error))
        return found

    return log
