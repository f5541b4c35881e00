"""Names and numbers in running text: `loss: 0.5`, `train loss 0.5, val loss 0.6`, `Loss is 0.5 Acc is 0.7`, `score = 3`.

Every number on the line is looked at from its left: what stands between it and the number before is its name and, perhaps,
a sign that joins the two. Which of these readings are metrics is up to `auto`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from swanlab_cli.parser.names import Kind, kind_of
from swanlab_cli.parser.values import NUMBER

# So far to the left of a number its name is looked for.
_LONGEST_GAP = 400
_NUMBER = re.compile(rf"(?<![\w.%@/\\-])(?<!\d[:+]){NUMBER}", re.VERBOSE)
# What may stand between a joining sign and the number: a list, a quotation, the name of a type.
_WRAPPER = re.compile(r"(?:(?:[A-Za-z_]\w{0,20}\.)?(?:[Tt]ensor|[Aa]rray|b?float\d{0,2}|[Ss]calar)\(\s*)?[\[('\"]{0,3}\s*$")
_JOIN = re.compile(r"\s*(\.{3,}|…|:?=|:|：|→|->|=>|\bis\b|\bwas\b|\bof\b|\bequals\b)\s*$")
# What parts one pair from the next. A hyphen and a colon do so between blanks only.
_PARTS = re.compile(r"[,;|\t{}\[\]()\"。，；>]|\s[-–—]\s|\s{2,}|:(?=\s)|(?<=\w{4})\.\s")
_NAME = re.compile(r"(?<![\w.])(?:[^\W\d_]|[.#%@](?=[\w.]))[\w./@%\#+*'&^-]*(?:[ ]'?[^\W\d_][\w./@%\#+*'-]*){0,6}$")
_BRACKETED = re.compile(r"[ ]?(?:[(\[][^()\[\]\d=]{1,16}[)\]]|\(\w{1,16}\(\w{1,16}\)\))$")
# `Average Recall @[ IoU=0.50 | area= small ] = 0.6`: what is in the brackets says which one it is.
_QUALIFIED = re.compile(rf"\s*([^\W\d][\w\ ()./%-]{{0,60}}@?\s*\[[^\[\]]{{1,120}}\])\s*([=:])\s*{NUMBER}\s*$", re.VERBOSE)
_AFTER = re.compile(r"\s+(?:at|after|on|over|for)\s+(?:the\s+)?\d[\d,]*\s+[a-z][a-z ]{1,40}$", re.IGNORECASE)
_LEADING_PROSE = re.compile(r"^(?:.*\b(?:with|and|to|by|from|than|its|an?|are)\s+|the\s+)(?=\S)", re.IGNORECASE)
_NO_NAMES = frozenset("a an and are at by for from in is of on or than the to with".split())
_PLACE = re.compile(
    r"\s+(?:at|for|after|on|in|of)\s+(?:the\s+)?(?:epochs?|steps?|iterations?|iters?|(?:mini)?batch(?:es)?|rounds?)\s+(?:\#\s?)?\d[\d-]*\s*$",
    re.IGNORECASE,
)
# `80.9 s Mean Reward: 0.3`: the unit of the number before.
_UNIT_BEFORE = re.compile(r"^ (?:[mnuµ]?s|secs?|min|h|[KMGT]i?B|%|[A-Za-z]+/s(?:ec)?)(?=\s)")
# `(:epoch, 1, :loss, 0.5)`: a tuple of symbols and numbers.
_SYMBOL = re.compile(r":([^\W\d]\w*),\s*$")
_NORM = re.compile(r"\|\w{1,16}\|$")
# `67.9 perplexity estimate`, `111830 tok/s`: the name behind, where it is a metric's.
_NAME_BEHIND = re.compile(r"(?:\s+|(?<=[%\d]))(?P<name>[^\W\d_][\w/%.-]*(?:\s[^\W\d_][\w/-]*){0,2})\s*(?=$|[,;|()])")
_THROUGHPUT = re.compile(r"(?:tok|token|sample|example|image|img|frame|word|seq|sequence|char|byte)s?/s", re.IGNORECASE)
_QUOTED = re.compile(r"(?:^|[,;|:{(\[])\s*(['\"])([^'\"]{1,99})\1$")


class Reading(NamedTuple):
    """A number and what seems to be its name."""

    key: str
    """Verbatim as printed."""
    is_float: bool
    """It has a point, an exponent or is no finite number."""
    join: str
    """The sign between them; empty: a blank."""
    is_spaced: bool
    """There are blanks before the joining sign."""
    start: int
    """Where its digits begin in the text."""
    end: int


def read_prose(text: str) -> list[Reading]:
    """The readings of a line, in print order."""
    qualified = _QUALIFIED.match(text)
    if qualified:
        digits = qualified["digits"]
        return [Reading(" ".join(qualified[1].split()), not is_whole(digits), qualified[2], True, *qualified.span("digits"))]
    readings = []
    end = 0
    for match in _NUMBER.finditer(text):
        gap = text[max(end, match.start() - _LONGEST_GAP) : match.start()]
        digits = match["digits"]
        key, join = _name_in(gap, text[max(match.start() - _LONGEST_GAP, 0) : match.start()])
        end = match.end()
        if not key:
            behind = _NAME_BEHIND.match(text, match.end("digits"))
            key = behind["name"] if behind and _is_told_behind(behind["name"]) else ""
        if key:
            is_float = not is_whole(digits)
            is_place = join == ":" and gap.endswith(":") and not is_float and "." in key  # `train.py:57`
            if not is_place:
                readings.append(Reading(key, is_float, join, f" {join}" in gap, *match.span("digits")))
    return readings


def _is_told_behind(name: str) -> bool:
    """Whether a name behind its number is that of a metric; how fast a bar moves is none."""
    return kind_of(name) is Kind.METRIC and ("/" not in name or _THROUGHPUT.match(name) is not None)


def is_whole(digits: str) -> bool:
    """Whether a number has neither point nor exponent and is finite."""
    return digits.lstrip("+-").replace(",", "").rstrip(".").isdigit()


def _name_in(gap: str, before: str) -> tuple[str, str]:
    """The name that ends the gap before a number, and how it is joined to it; an empty name where there is none."""
    gap = _UNIT_BEFORE.sub("", gap)
    if gap.endswith(("[", "(", "'", '"')):
        gap = _WRAPPER.sub("", gap)
    symbol = _SYMBOL.search(gap)
    if symbol:
        return symbol[1], ","
    join = _JOIN.search(gap)
    if join is None and not gap[-1:].isspace():
        return "", ""
    head = gap[: join.start()] if join else gap
    head = head.rstrip()
    if join is not None:
        # `Score at iteration 100 is 1.39`: the number before, or what is none, is that of a counter inside the name.
        before = before[: len(before) - len(gap) + join.start()]
        place = _PLACE.search(before) or _AFTER.search(before)
        if place:
            head = before[: place.start()]
    norm = _NORM.search(head)
    if norm:
        return norm[0], join[1] if join else ""
    quoted = _QUOTED.search(head)
    if quoted:
        return quoted[2].strip(), join[1] if join else ""
    unit = _BRACKETED.search(head)
    stem = head[: unit.start()] if unit else head
    parts = _PARTS.split(stem)
    name = _NAME.search(parts[-1].lstrip(" *#-").rstrip())
    if name is None:
        return "", ""
    key = _LEADING_PROSE.sub("", name[0])
    if not any(map(str.isalpha, key)) or key.lower() in _NO_NAMES:
        return "", ""
    return key + (unit[0] if unit else ""), join[1] if join else ""
