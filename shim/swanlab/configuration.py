"""`swanlab.config`: keeps the objects that the script stores, and records them as JSON can hold them.

A change inside a stored dict or list is not seen; assign or update the top-level key to record it. As in values.py,
every broad `except` stands before foreign objects' methods.
"""

import os
from _collections_abc import Mapping, MutableMapping, Sequence, Set

from .messages import cause
from .values import kind, plain_text

DEPTH_LIMIT = 32


class Config(MutableMapping):
    """Inputs of the run, by item or attribute; every change is recorded at once.

    What has the name of a method can be read as an item only.
    """

    __slots__ = ("_adopted", "_inbox", "_loaded", "_read_fixed")

    def __init__(self, inbox, read_fixed):
        object.__setattr__(self, "_inbox", inbox)
        object.__setattr__(self, "_read_fixed", read_fixed)  # gives back a dict of what the command line gave
        object.__setattr__(self, "_adopted", [])
        object.__setattr__(self, "_loaded", None)

    @property
    def _values(self):
        """The inputs. Those of the command line are read when somebody looks, which most scripts never do."""
        if self._loaded is None:
            fixed = self._read_fixed()
            object.__setattr__(self, "_loaded", (fixed, dict(fixed)))
            for defaults in self._adopted:  # now, so that nothing is missed that another thread adopts meanwhile
                self._take(defaults)
        return self._loaded[1]

    def update(self, data=None, **more):
        """Take over a mapping, namespace, dataclass or config file, and keywords."""
        more.pop("allow_val_change", None)  # an option of wandb's, which frameworks pass on to everybody
        changes = dict(settings_of(data, self._inbox.report), **more)
        if changes:
            self._values.update(changes)
            self._record(changes)

    def adopt(self, defaults):
        """Take over what a script's `init()` gives, less what the command line gave; give back all of it as JSON can.

        The record is up to the caller.
        """
        defaults = settings_of(defaults, self._inbox.report)
        self._adopted.append(defaults)
        if self._loaded is not None:
            self._take(defaults)
        return plain(defaults)

    def _take(self, defaults):
        fixed, values = self._loaded
        values.update((key, value) for key, value in defaults.items() if key not in fixed)

    def _record(self, changes):
        self._inbox.send("config", data=plain(changes))

    def __getitem__(self, key):
        return self._values[key]

    def __setitem__(self, key, value):
        self._values[key] = value
        self._record({key: value})

    def __delitem__(self, key):
        del self._values[key]
        self._inbox.send("config", data={}, removed=[plain(key, DEPTH_LIMIT)])

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def __getattr__(self, name):
        if name in Config.__slots__ or name not in self._values:
            raise AttributeError("config has no %r" % name)
        return self._values[name]

    def __setattr__(self, name, value):
        self[name] = value

    def __delattr__(self, name):
        if name not in self._values:
            raise AttributeError("config has no %r" % name)
        del self[name]

    def __repr__(self):
        return repr(self._values)

    def __reduce__(self):
        return dict, (dict(self._values),)  # copies, and what spawned workers get, are plain dicts


def settings_of(source, report):
    """Give back a dict of what a mapping, a namespace, a dataclass, any object with attributes, or a file holds."""
    try:
        if source is None:
            return {}
        if isinstance(source, (str, os.PathLike)):
            return _settings_of_file(os.fspath(source))
        if hasattr(type(source), "__getitem__") and hasattr(source, "keys"):
            return {key: _read(source, key) for key in list(source.keys())}
        if hasattr(source, "__dataclass_fields__"):
            return {name: getattr(source, name) for name in source.__dataclass_fields__}
        if hasattr(source, "__dict__"):
            return {name: value for name, value in vars(source).items() if not name.startswith("_")}
        return dict(source)
    except Exception as error:  # properties, keys() and parsers of files may raise anything: told, and the training goes on
        text = "config of type %s is not used (%s); accepted are dicts, objects with attributes, JSON, YAML, TOML files"
        report(("config", kind(source)), text % (kind(source), cause(error)))
        return {}


def _read(mapping, key):
    try:
        return mapping[key]
    except Exception as error:  # a foreign __getitem__, as OmegaConf's for a value still missing; the other keys are still read
        return "<%s>" % kind(error)


def _settings_of_file(path):
    from importlib import import_module  # only for scripts that have such a file

    with open(path, "rb") as file:
        text = file.read().decode("utf-8-sig")
    if path.endswith(".toml"):
        try:
            settings = import_module("tomllib").loads(text)
        except ImportError:  # before Python 3.11 there is none in the standard library
            settings = import_module("tomli").loads(text)
    elif path.endswith((".yaml", ".yml")):
        settings = import_module("yaml").safe_load(text)
    else:
        settings = import_module("json").loads(text)
    return dict(settings or {})


def plain(value, depth=0):
    """Give back a value as JSON can hold it: not finite floats, paths and unknown objects as text, sets as lists."""
    try:
        return _plain(value, depth)
    except Exception:  # a foreign __str__ or __iter__ may raise anything; its type is recorded in its place
        return "<%s>" % kind(value)


def text_of(value):
    """Give back a value as text, whatever it is."""
    return str(plain(value, DEPTH_LIMIT))


def _plain(value, depth):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        str(int(value))  # Python refuses to print, and so to write, integers of thousands of digits
        return int(value)
    if isinstance(value, float):
        value = float(value)
        return value if value - value == 0 else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, (str, os.PathLike)):
        return plain_text(value)
    if depth < DEPTH_LIMIT:
        if isinstance(value, Mapping):
            return {plain_text(key): plain(_read(value, key), depth + 1) for key in value}
        if isinstance(value, Set):
            return sorted((plain(item, depth + 1) for item in value), key=str)
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview, range)):
            return [plain(item, depth + 1) for item in value]
        if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
            return {name: plain(getattr(value, name), depth + 1) for name in value.__dataclass_fields__}
        if hasattr(value, "item"):
            try:
                return plain(value.item(), DEPTH_LIMIT)
            except Exception:  # libraries differ in what item() raises for many elements; str() is taken instead
                pass
    return plain_text(value)
