"""Lines to stderr: the only talk of the shim. Must never raise, and never write to stdout."""

import sys


def one_line(text):
    """Give back `text` with whatever a terminal would not print as itself replaced by spaces."""
    return "".join(char if char.isprintable() else " " for char in text)


def cause(error):
    """Give back what an exception is and says, as text."""
    try:
        return "%s: %s" % (type(error).__name__, error)
    except Exception:  # it may be of the program's own making, with a broken __str__
        return type(error).__name__


def say(text):
    """Write one line to stderr."""
    try:
        sys.stderr.write("swanlab: " + one_line(text) + "\n")
        sys.stderr.flush()
    except Exception:  # stderr may be None, closed, or an object of the program's own; that must not stop the training
        pass
