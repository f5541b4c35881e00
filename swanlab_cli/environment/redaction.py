"""What of a run is masked before it is recorded: made of its settings, command and environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..records import End, Header
from . import secrets
from .secrets import Redactor, check_patterns, known_values


def redactor_for(
    command: Sequence[str],
    environ: Mapping[str, str],
    config: Mapping[str, Any],
    answers: Iterable[tuple[str, str]] = (),
    patterns: Sequence[str] = (),
) -> Redactor:
    """Masks what this command, its variables and its inputs say is secret; `answers` are (prompt, reply).

    Raises:
        ValueError: a pattern is no regular expression.
    """
    check_patterns(patterns)
    return Redactor(known_values(command, environ, config, answers), tuple(patterns))


def redact_header(header: Header, redactor: Redactor) -> Header:
    """The header less its secrets."""
    names = ("project", "name", "group", "job_type", "notes", "cwd", "step_key")
    texts: dict[str, Any] = {name: getattr(header, name) and redactor.text(getattr(header, name)) for name in names}
    return header._replace(
        **texts,
        command=redactor.command(header.command),
        config=redactor.data(header.config),
        tags=tuple(map(redactor.text, header.tags)),
        patterns=tuple(map(redactor.expression, header.patterns)),
    )


def redact_end(end: End, redactor: Redactor) -> End:
    """The end record less its secrets."""
    senders = tuple(
        {**sender, "command": sender["command"] and redactor.text(sender["command"])} for sender in end.senders
    )
    return end._replace(error=end.error and redactor.text(end.error), senders=senders)


def rules_for_shim(patterns: Sequence[str]) -> str:
    """What tells the shim to mask as we do: where the rules are, and the user's patterns; JSON."""
    return json.dumps({"rules": os.path.abspath(secrets.__file__), "patterns": list(patterns)}, separators=(",", ":"))
