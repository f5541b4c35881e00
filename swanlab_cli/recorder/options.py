"""What is read from a run's output, and how: at first as it was recorded, later as the last `reparse` was asked to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..records import Event, Header, Json

PARSE = "parse"
"""Type of the event that holds the options of a `reparse`; run.json is never rewritten."""


class ParseOptions(NamedTuple):
    """What to change; None leaves a thing as it was."""

    parse: str | None = None
    patterns: tuple[str, ...] | None = None
    step_key: str | None = None
    """Empty: no key."""


def with_last_options(header: Header, events: Iterable[Event]) -> Header:
    """The header with the options in force; `events` are those of the run's first lane."""
    for event in events:
        if event.type == PARSE:
            header = _with_fields(header, event.data)
    return header


def with_options(header: Header, options: ParseOptions) -> Header:
    """The header with these options."""
    return header._replace(
        parse=header.parse if options.parse is None else options.parse,
        patterns=header.patterns if options.patterns is None else tuple(filter(None, options.patterns)),
        step_key=header.step_key if options.step_key is None else options.step_key or None,
    )


def options_in_force(header: Header) -> Json:
    """The data of the event that `with_last_options` reads."""
    return {"parse": header.parse, "patterns": list(header.patterns), "step_key": header.step_key}


def _with_fields(header: Header, fields: Json) -> Header:
    parse, patterns, step_key = fields.get("parse"), fields.get("patterns"), fields.get("step_key")
    if not isinstance(parse, str) or not isinstance(patterns, list) or not isinstance(step_key, (str, type(None))):
        return header
    return header._replace(parse=parse, patterns=tuple(map(str, patterns)), step_key=step_key)
