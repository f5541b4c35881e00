"""What may be logged: turns keys, values and steps as users write them into text, floats and integers.

Reports what it cannot use and leaves it out. It must not raise, whatever objects it is given: every broad `except` here
is there because their methods (`__float__`, `__str__`, `item`, `__getitem__`) are foreign code that may do anything,
and no object that a user logs may stop the training.
"""

from _collections_abc import Mapping  # collections.abc without its package, which costs as much as all of the shim

KEY_LIMIT = 512
DEPTH_LIMIT = 32
ACCEPTED = "accepted are numbers, text that float() takes, arrays or tensors of one element, and media such as swanlab.Image"
_CONTROL_CHARACTERS = dict.fromkeys(list(range(0x20)) + list(range(0x7F, 0xA0)))


def accepted(data, report):
    """Give back what of a `log()` call's data can be recorded: dicts of key to float, and of key to list of media.

    Nested dicts are joined with `/`. `report(topic, text)` hears of everything left out or changed; it is to pass on each
    topic once.
    """
    if not isinstance(data, Mapping):
        report(("data", kind(data)), "log() takes a dict, not %s; nothing was logged" % kind(data))
        return {}, {}
    found, media = {}, {}
    for parts, value in _leaves(data, (), report):
        key = key_text(parts, report)
        if key is None:
            continue
        items = _media_of(value)
        if items:
            items = _usable(key, items, report)
            media.update({key: items} if items else {})
            continue
        try:
            result = number(value)
        except Exception:  # a foreign __float__ or item() may raise anything
            text = "metric %.80r dropped: a value %s cannot be used; %s"
            report((key, kind(value)), text % (key, described(value), ACCEPTED))
            continue
        if key in found:
            report((key, "twice"), "metric %.80r is twice in one log() call; the later value is taken" % key)
        found[key] = result
    return found, media


def number(value):
    """Give back a value as a float.

    Raises: TypeError, ValueError or OverflowError when it is no number, and whatever its methods raise.
    """
    return float(_simple(value))


def step_number(step, highest, report):
    """Give back a step as an integer, or None (the automatic step) for None and, reported, for an unusable one."""
    if step is None:
        return None
    try:
        index = _integer(_simple(step))
        if 0 <= index <= highest:
            return index
    except Exception:  # a foreign __int__, __float__ or item() may raise anything
        pass
    text = "a step %s cannot be used; accepted are integers from 0 to %d; the automatic step is taken instead"
    report(("step",), text % (described(step), highest))
    return None


def key_text(parts, report):
    """Give back a metric's name as it is recorded, or None, reported, when there is none.

    `parts` are the keys from the outermost dict to the innermost. Applied to its own result it changes nothing.
    """
    try:
        text = "/".join(map(plain_text, parts))
    except Exception as error:  # a foreign __str__
        report(("key", kind(error)), "metric dropped: its name cannot be made text (%s)" % kind(error))
        return None
    key = text.translate(_CONTROL_CHARACTERS).strip(" ./")
    if not key:
        report(("key", text), "metric %.80r dropped: nothing but spaces, dots or slashes in its name" % text)
        return None
    if len(key) > KEY_LIMIT:
        key = key[:KEY_LIMIT].rstrip(" ./")
        report(("key", key), "metric %.80r: its name is cut at %d characters" % (key, KEY_LIMIT))
    return key


def plain_text(value):
    """Give back `str(value)` as text that UTF-8 can hold; of a str subclass (an enum, say) the text that it equals."""
    text = str.__str__(value) if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def kind(value):
    """Give back the name of a value's type, with its module unless it is built in."""
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else "%s.%s" % (cls.__module__, cls.__name__)


def described(value):
    """Give back words for a value in a message: its type and, where that is safe and short, the value."""
    if isinstance(value, str):
        return "%.80r of type %s" % (str.__str__(value), kind(value))
    if type(value) is int and value.bit_length() > 64:
        return "of type int with %d bits" % value.bit_length()
    if type(value) in (int, float):
        return "%r of type %s" % (value, kind(value))
    return "of type %s" % kind(value)


def _leaves(data, parents, report):
    """Yield (keys from the outside in, value) of nested mappings; goes on past a key whose value cannot be read."""
    try:
        for key in data:
            parts = parents + (key,)
            try:
                value = data[key]
            except Exception as error:  # a foreign __getitem__; the other keys are still read
                text = "a value of the %s logged cannot be read: %s"
                report(("value", kind(data)), text % (kind(data), kind(error)))
                continue
            if isinstance(value, Mapping) and len(parts) < DEPTH_LIMIT:
                yield from _leaves(value, parts, report)
            else:
                yield parts, value
    except Exception as error:  # a foreign __iter__
        report(("data", kind(data)), "the %s logged cannot be read: %s" % (kind(data), kind(error)))


def _media_of(value):
    """Give back a list of media for one, for a list of them and for a chart that is not wrapped; else an empty one."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    items = []
    for one in values:
        if hasattr(type(one), "is_swanlab_media"):
            items.append(one)
        elif hasattr(type(one), "dump_options"):  # as pyecharts' charts have
            from .media import ECharts

            items.append(ECharts(one))
        else:
            return []
    return items


def _usable(key, items, report):
    """Give back those of a key's media whose content could be taken over; `report` hears of the others."""
    for item in items:
        if item.error:
            name = "swanlab." + type(item).__name__
            report((key, item.error), "media %.80r dropped: %s cannot be used: %s" % (key, name, item.error))
    return [item for item in items if not item.error]


def _simple(value):
    """Give back an int, float or str for whatever stands for one.

    Raises: TypeError, and whatever the value's methods raise.
    """
    if isinstance(value, (int, float, str)):
        return value
    try:
        value = value.item()  # NumPy scalars, arrays and tensors of one element
    except Exception:  # no such method, more elements, or one that means something else: libraries differ in what they raise
        pass
    if isinstance(value, (int, float, str)):
        return value
    if not isinstance(value, complex):
        if hasattr(type(value), "__float__"):
            return float(value)
        if hasattr(type(value), "__index__"):  # float() takes these only since Python 3.8
            return value.__index__()
    raise TypeError(kind(value))


def _integer(value):
    """Give back the integer that an int, float or str stands for.

    Raises: ValueError, OverflowError.
    """
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = float(value)
    if value != int(value):
        raise ValueError(value)
    return int(value)
