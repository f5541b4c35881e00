"""The inbox file of this host: opens it, appends whole records, and goes on when that fails.

The format is in ARCHITECTURE.md under "inbox". This module must not know what may be logged, and never raises.
"""

# Whatever a plain log() call needs is imported here and not where it is used: a signal handler that logs may interrupt
# the first call, and would find half of a module.
import os
from fcntl import fcntl
from time import time

from .compact import TORN, points_recorder
from .encoding import encoded, quoted
from .messages import cause, one_line, say
from .ranks import worker_rank

SET_LIMIT = 500  # keys of one log() call; making the function for more takes longer than many calls as JSON
KEYS_LIMIT = 5000  # of all sets; the points of a program that goes on inventing keys are recorded as JSON
REPORTS_LIMIT = 1000  # different complaints of one process
# Where our descriptor goes: the kernel hands out the lowest free number, so up here nobody gets ours by chance after
# a daemon's close-everything loop.
HIGH_DESCRIPTORS = (4000, 1000, 500, 200)
F_DUPFD_CLOEXEC = 1030  # of Linux, on every architecture; PyPy's fcntl does not name it
NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class Inbox:
    """Appends records to the inbox, each with a single write. Without a path every record vanishes.

    From its creation on, a forked child begins anew.
    """

    def __init__(self, path):
        self.path = path
        # Tuple of keys, or count of keys for the set last used of that size -> function (data, step) of `compact`;
        # emptied whenever they may be stale.
        self.recorders = {}
        self._file = None
        self._observer = None
        self._reported = set()
        self._begin()
        os.register_at_fork(after_in_child=self._begin_again)

    def points(self, values, step, number):
        """Append one `log()` call: a dict of key to float, and a step or None.

        Where possible it is compact, and the next call with these keys finds its function in `recorders`; there,
        `number(value)` turns what a script logs into a float, or raises.
        """
        if self.path is not None:
            self._attempt(self._append_points, values, step, number)
        if self._observer is not None:
            self._observer(values, step)

    def observe(self, observer):
        """Have `observer(values, step)` called for every `log()` call, none of which is compact from now on."""
        self._observer = observer
        self.recorders.clear()

    def send(self, type, **fields):
        """Append a JSON record; `fields` must be what JSON can hold."""
        if self.path is not None:
            self._attempt(self._append_json, type, fields)

    def report(self, topic, text):
        """Tell the user and the run's record about a problem, once for each `topic` (a tuple)."""
        if topic in self._reported or len(self._reported) > REPORTS_LIMIT:
            return
        self._reported.add(topic)
        if len(self._reported) > REPORTS_LIMIT:
            text = "too many different problems; later ones are not reported"
        say(text)
        self.send("warning", text=one_line(text))

    def lose(self, error):
        """Count one record that could not be written; say so the first time, and open the file anew for the next."""
        self._lost += 1
        self._close()
        if ("lost",) not in self._reported:
            self._reported.add(("lost",))
            text = "cannot write to %r (%s); the program goes on, unrecorded until that works again"
            say(text % (self.path, cause(error)))

    def _attempt(self, append, *args):
        try:
            append(self._usable_file(), *args)
        except Exception as error:  # no failure to record, nor a mistake of ours, may reach the program: counted, and said
            self.lose(error)
            return
        if self._lost and self._file is not None:
            lost, self._lost = self._lost, 0
            self.send("warning", text="%d records were lost: the inbox could not be written" % lost)

    def _usable_file(self):
        file = self._file
        if file is None or not file.is_ours():
            self.recorders.clear()  # what the next file holds is unknown, so the keys are sent again
            self._rank = worker_rank()  # not before: a worker may set its variables itself
            file = self._file = _File(self.path)  # threads that get here together open one each, and each is good
        return file

    def _append_points(self, file, values, step, number):
        keys = tuple(values)
        recorder = self.recorders.get(keys)
        if self._observer is None and (recorder is None or recorder.descriptor != file.descriptor):
            recorder = self._define(file, keys, number)
        if recorder is not None:
            self.recorders[keys] = self.recorders[len(keys)] = recorder
            recorder(values, step)
        else:
            finite = {key: _NOT_FINITE.get(str(value), value) for key, value in values.items()}
            self._append_json(file, "log", {"step": step, "values": finite})

    def _append_json(self, file, type, fields):
        record = {"time": time(), "pid": self._pid, "type": type}
        if self._rank is not None:
            record["rank"] = self._rank
        if type != "log":  # its values are numbers
            from .redaction import redacted

            fields = redacted(fields)
        record.update(fields)
        file.append(("\n%s\n" % encoded(record)).encode("ascii"))

    def _define(self, file, keys, number):
        """Append a `keys` record and give back its recorder, or None where JSON is the better way."""
        if not file.is_safe or len(keys) > SET_LIMIT or self._keys_defined + len(keys) > KEYS_LIMIT:
            return None
        name = "%d.%d" % (self._pid, self._sets_defined)
        self._sets_defined += 1
        self._keys_defined += len(keys)
        rank = "" if self._rank is None else '"rank": %d, ' % self._rank
        head = '\n{"time": %r, "pid": %d, "type": "keys", "id": "%s", %s"keys": [' % (time(), self._pid, name, rank)
        file.append((head + ", ".join(map(quoted, keys)) + "]}\n").encode("ascii"))
        recorder = points_recorder(name, keys, file.descriptor, number, self.lose)
        recorder.descriptor = file.descriptor
        return recorder

    def _close(self):
        self.recorders.clear()
        file, self._file = self._file, None
        if file is not None and file.is_ours():
            os.close(file.descriptor)

    def _begin(self):
        self._pid = os.getpid()
        self._rank = None
        self._sets_defined = 0
        self._keys_defined = 0
        self._lost = 0

    def _begin_again(self):
        self._close()
        self._begin()


class _File:
    """The open file; remembers which file it is, because a descriptor's number may come to mean another."""

    def __init__(self, path):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self.descriptor, self.is_safe = _moved_up(os.open(path, flags, 0o666))
        self._identity = _identity(self.descriptor)

    def is_ours(self):
        """Whether the descriptor still is the file that was opened."""
        try:
            return _identity(self.descriptor) == self._identity
        except OSError:
            return False

    def append(self, record):
        """Append a record with one write.

        Raises: OSError, also when not all of it fitted.
        """
        if os.write(self.descriptor, record) != len(record):
            raise OSError(TORN)


def inbox_path(run_dir, prefix):
    """Path of this host's inbox, or None when nothing is to be recorded."""
    if not run_dir or not prefix:
        return None
    return prefix + "".join(char if char in NAME_CHARACTERS else "_" for char in os.uname().nodename)


def _identity(descriptor):
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _moved_up(descriptor):
    """Move a descriptor to a high number; give back that, and whether it is high enough to be safe from reuse."""
    for lowest in HIGH_DESCRIPTORS:
        try:
            high = fcntl(descriptor, F_DUPFD_CLOEXEC, lowest)
        except OSError:  # above the limit of open files
            continue
        os.close(descriptor)
        return high, True
    return descriptor, False
