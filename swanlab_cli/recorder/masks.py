"""The mask of a run's output: which values are secret, and what the user wants masked besides."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ..errors import UsageError
from ..process.masking import OutputMask
from ..settings import RunSettings

_SECRET_WORDS = (b"API_KEY", b"TOKEN", b"SECRET", b"PASSWORD")
_SHORTEST_VALUE = 8


def mask_for(environment: Sequence[bytes], settings: RunSettings) -> OutputMask:
    """What to mask in the output of a command that gets this environment, entries `NAME=value`.

    Raises:
        UsageError: one of the user's patterns is no regular expression.
    """
    if not settings.redact:
        return OutputMask(())
    values = list(_known_values(environment))
    if settings.notify:
        values.append(os.fsencode(settings.notify))
    if not settings.redact_patterns:
        return OutputMask(values)
    import re  # only who gives patterns waits for it

    try:
        return OutputMask(values, [re.compile(text) for text in settings.redact_patterns])
    except re.error as error:
        text = error.pattern if isinstance(error.pattern, str) else ""
        raise UsageError(
            f"option '--redact-pattern': '{text}' is not a regular expression: {error.msg}",
            "for example --redact-pattern 'id=\\w+'",
        ) from error


def _known_values(environment: Sequence[bytes]) -> Iterator[bytes]:
    for entry in environment:
        name, _, value = entry.partition(b"=")
        if len(value) >= _SHORTEST_VALUE and any(word in name.upper() for word in _SECRET_WORDS):
            yield value
