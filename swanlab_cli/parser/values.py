"""What counts as a number in output, and as a step.

A number ends where the next character cannot belong to a longer word: neither `1.2.3`, `2024-01-02`, `12:30`, `1/5`,
`0x1f`, `1a2b` nor `1e5abc` holds one.
"""

from __future__ import annotations

import re

_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_PLAIN = rf"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+){_EXPONENT}"
_GROUPED = rf"[1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+(?:\.[0-9]*)?{_EXPONENT}"
_NOT_FINITE = r"(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"

_PER = r"s|secs?|seconds?|ms|it|iter|step|batch|epoch|sample|img|image|tok|token|frame|gpu|GPU|device|min|h|hour|day"
_UNIT = rf"""(?:
      [%％‰] | °[CF]? | [一-鿿]{{1,4}}
    | (?:[kKMGTP]i?)? (?:[bB]|[bB]ytes?|[bB]its?|[bB]ps|Hz|Wh?|V|A|J|g|m|eV|F|[Ff][Ll][Oo][Pp][sS]?|[Tt]ok(?:en)?s?)
    | [kKMGTP]
    | [mnuµμ]s | msecs? | s | secs? | seconds? | mins? | minutes? | h | hrs? | hours? | d | days?
    | its? | iter(?:ation)?s? | steps? | epochs? | batch(?:es)? | samples? | examples? | ex | im(?:g|age)s?
    | seqs? | words? | frames? | fps | req(?:uest)?s? | ops? | x | X | dB | deg | rad | px | mm | cm | pp | C
    )(?:/(?:{_PER})){{0,2}}"""

_SIGN = "[+-]?"
# The characters of a key; after a comma they tell the next pair (`a=1,2d_iou=3`) from a list (`a=1,2`).
KEY_CHARACTERS = r"[\w./@:%\#+*-]"
_END = rf"""
    (?:(?=[^\s,;|)\]]){_UNIT})?
    (?![\w@&*^\\=~/] | [.]+\w | -\w | :[0-9] | ,[+-]?[.]?[0-9](?!{KEY_CHARACTERS}*=) | \s+/\s*[0-9]+(?![.0-9]))"""

PLAIN = rf"({_SIGN}{_PLAIN}){_END}"
"""Verbose regular expression: the commonest number in a group, its unit outside."""

NUMBER = rf"(?P<digits>{_SIGN}(?:{_GROUPED}|{_PLAIN}|{_NOT_FINITE})){_END}"
"""Verbose regular expression: any number, its digits in a group of that name, its unit outside."""

ALONE = rf"({_SIGN}(?:{_GROUPED}|{_PLAIN}|{_NOT_FINITE}))(?:{_UNIT})?\s*$"
"""Verbose regular expression: a number that ends its line."""

CELL = rf"({_SIGN}(?:{_GROUPED}|{_PLAIN}|{_NOT_FINITE}))[ ]?(?:{_UNIT})?\s*$"
"""Verbose regular expression: a number that is all of a table's cell."""

_TYPES = r"(?:[Tt]ensor|[Aa]rray|[Ss]calar|Decimal|b?float(?:16|32|64|128)?|u?int(?:8|16|32|64)?|double|half|long)"
_VALUE = re.compile(
    rf"""
      ({_SIGN}(?:{_GROUPED}|{_PLAIN})){_END}
    | ({_SIGN}{_NOT_FINITE})%?(?!\w|[.]\w|[/=-])
    | (?P<quote>["'])\s*({_SIGN}(?:{_GROUPED}|{_PLAIN}|{_NOT_FINITE}))(?:{_UNIT})?\s*(?P=quote)
    | (?:(?:[A-Za-z_]\w*\.)*{_TYPES}\(\s*[\[(]{{0,2}} | \[{{1,2}} | \()
      \s*["']?({_SIGN}(?:{_PLAIN}|{_NOT_FINITE}))%?["']?(?=\s*[],)]|\s+[-+.0-9])
    """,
    re.VERBOSE,
)


def locate_number(text: str) -> tuple[int, int] | None:
    """Where the digits of the number at the start of *text* begin and end.

    It may stand in quotes, in brackets (the first of a list) or in `tensor(...)`.
    """
    match = _VALUE.match(text)
    return match.span(match.lastindex) if match is not None and match.lastindex is not None else None


_COUNT = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.[0-9]*)?(?:e[+]?[0-9]{1,2})?"
COUNT = rf"({_COUNT})([kK]?)(?![\w%]|[.]\w|:[0-9]|-\w)"
"""Regular expression: a count and its scale, as groups; a total may follow (`10/500`). Exponents in lower case."""

_STEP = re.compile(rf"\s*{COUNT}")


def read_count(digits: str, scale: str) -> int | None:
    """The count that the groups of `COUNT` stand for, or None: it is no whole number."""
    if digits.isdecimal():
        count = int(digits)
        return count * 1000 if scale else count
    value = float(digits.replace(",", "")) * (1000 if scale else 1)
    return int(value) if value.is_integer() and value < 1e15 else None


def read_step(text: str) -> int | None:
    """The step at the start of *text* (`12`, `0012`, `12/500`, `1,200`, `25K`, `2.0`), or None."""
    match = _STEP.match(text.lower())
    return read_count(match[1], match[2]) if match else None
