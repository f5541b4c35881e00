"""Compact `log()` lines, as ARCHITECTURE.md has them under "inbox": a function made for each set of keys.

The function is written out without a loop and called without `*`, as namedtuple does it: for two floats these two alone
cost a third of the `write` that they serve.
"""

from binascii import hexlify
from os import write
from struct import Struct
from time import time

TORN = "only a part of the record fitted"
_FETCH = "v{0} = data[k{0}]"
_CHECK = "type(v{0}) is float"
_CONVERSION = "v{0} = number(v{0})"
_SOURCE = """
def made({names}):
    def record_points(data, step):
        {fetches}
        if {checks}:
            found = data.copy()  # in half the time of a new dict
        else:
            {conversions}
            found = {{{items}}}
        numbers = hexlify(pack(time(), {values}))
        if step is None:
            if write(descriptor, numbers.join(frame)) != size:
                lose(OSError(torn))
        else:
            line = b"%b%b @%d\\n" % (frame[0], numbers, step)
            if write(descriptor, line) != len(line):
                lose(OSError(torn))
        return found

    return record_points
"""


def points_recorder(name, keys, descriptor, number, lose):
    """Give back a function `(data, step)` that appends a `log()` call of these keys, in this order, and no others.

    A `keys` record has called them `name` before. The function gives back the values as floats: `number(value)` turns
    what is no float into one. `lose(error)` hears of a line that was cut short. It raises OSError, what `number`
    raises, and KeyError, before anything is written, where a key is missing.
    """
    head = ("\n#%s " % name).encode("ascii")
    layout = Struct(">%dd" % (len(keys) + 1))
    names = {
        "descriptor": descriptor,
        "frame": (head, b"\n"),
        "hexlify": hexlify,
        "lose": lose,
        "number": number,
        "pack": layout.pack,
        "size": len(head) + 2 * layout.size + 1,
        "time": time,
        "torn": TORN,
        "write": write,
    }
    names.update(("k%d" % place, key) for place, key in enumerate(keys))
    places = range(len(keys))
    source = _SOURCE.format(
        names=", ".join(names),
        values=", ".join("v%d" % place for place in places),
        fetches="\n        ".join(map(_FETCH.format, places)),
        checks=" and ".join(map(_CHECK.format, places)),
        conversions="\n            ".join(map(_CONVERSION.format, places)),
        items=", ".join("k%d: v%d" % (place, place) for place in places),
    )
    made = {}
    exec(source, made)
    return made["made"](**names)
