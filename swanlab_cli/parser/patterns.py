"""The user's own regular expressions: named groups are keys."""

from __future__ import annotations

import re
from collections.abc import Sequence

from swanlab_cli.parser.found import Number
from swanlab_cli.parser.values import locate_number, read_step

RULE = "pattern"


class Patterns:
    """Finds what the user's patterns describe.

    A named group is a key and what it matched the value, read by the same rules as the value of a pair; the group
    `step` is the step; the groups `key` and `value` together give one metric whose name is printed. A group that took
    no part, or holds no number, gives nothing.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile *patterns*.

        Raises:
            ValueError: one is no regular expression, or names no metric.
        """
        compiled = [_compile(pattern) for pattern in patterns]
        self._patterns = [(pattern, _metric_groups(pattern)) for pattern in compiled]

    def find(self, text: str) -> list[tuple[Number, int | None]]:
        """What the patterns find, one pattern after the other, each with the step that its match states or None."""
        return [
            reading
            for pattern, groups in self._patterns
            for match in pattern.finditer(text)
            for reading in _readings(match, groups)
        ]


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        place = "" if error.pos is None else f" at position {error.pos}"
        raise ValueError(f"pattern {pattern!r} is no regular expression: {error.msg}{place}") from error
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"pattern {pattern!r} is no regular expression: {error}") from error


def _metric_groups(pattern: re.Pattern[str]) -> list[tuple[str | None, str]]:
    """The (group that holds the key, or None: its own name is the key; group that holds the value) of each metric."""
    names = [name for name in pattern.groupindex if name != "step"]
    if not names:
        raise ValueError(
            f"pattern {pattern.pattern!r} names no metric: it needs a named group such as (?P<loss>...), "
            "or (?P<key>...) and (?P<value>...)"
        )
    if "key" in names and "value" in names:
        return [("key", "value"), *((None, name) for name in names if name not in ("key", "value"))]
    return [(None, name) for name in names]


def _readings(match: re.Match[str], groups: list[tuple[str | None, str]]) -> list[tuple[Number, int | None]]:
    fields = match.groupdict()
    step = read_step(fields.get("step") or "")
    found = []
    for key_group, value_group in groups:
        key = value_group if key_group is None else (fields[key_group] or "").strip()
        printed = fields[value_group] or ""
        place = locate_number(printed.strip())
        if key and place is not None:
            start = match.start(value_group) + len(printed) - len(printed.lstrip())
            found.append((Number(start + place[0], start + place[1], key, RULE), step))
    return found
