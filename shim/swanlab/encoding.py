"""JSON for the inbox without the `json` package, which costs a process that has not loaded it more than all of the shim."""

try:
    from _json import encode_basestring_ascii as quoted
except ImportError:  # PyPy, whose own package is quick
    from json.encoder import encode_basestring_ascii as quoted

_WORDS = {None: "null", True: "true", False: "false"}


def encoded(value):
    """Give back the JSON text, in ASCII, of dicts with text as keys, lists, text, numbers, booleans and None.

    Raises: TypeError for anything else, ValueError for a float that is not finite.
    """
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value - value != 0:
            raise ValueError("JSON has no %r" % value)
        return float.__repr__(value)
    if isinstance(value, dict):
        return "{%s}" % ", ".join(["%s: %s" % (quoted(key), encoded(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return "[%s]" % ", ".join(map(encoded, value))
    raise TypeError("JSON has no %s" % type(value).__name__)
