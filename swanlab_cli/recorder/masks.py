"""What is masked in a run: in its output by the pump, in all other texts by whoever writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..environment.redaction import redactor_for
from ..environment.secrets import Redactor
from ..errors import UsageError
from ..process.masking import OutputMask
from ..records import Header
from ..settings import RunSettings

if TYPE_CHECKING:  # imported where there are rules
    from ..process.prompts import Rule


def choose_redactor(
    header: Header, environ: Mapping[str, str], settings: RunSettings, rules: Sequence[Rule]
) -> Redactor | None:
    """What masks the secrets of this run, None where the user wants none masked.

    Raises:
        UsageError: one of the user's patterns is no regular expression.
    """
    if not settings.redact:
        return None
    answers = [(rule.pattern.pattern, rule.reply) for rule in rules]
    try:
        redactor = redactor_for(header.command, environ, header.config, answers, settings.redact_patterns)
    except ValueError as error:
        raise UsageError(f"option '--redact-pattern': {error}", "for example --redact-pattern 'id=\\w+'") from error
    # A webhook's address is all that it takes to write there.
    return redactor._replace(values=(settings.notify, *redactor.values)) if settings.notify else redactor


def output_mask(redactor: Redactor | None) -> OutputMask:
    """What masks the output."""
    if redactor is None:
        return OutputMask(())
    values = [value.encode(errors="surrogateescape") for value in redactor.values]
    if not redactor.patterns:
        return OutputMask(values)
    import re  # only who gives patterns waits for it

    return OutputMask(values, [re.compile(text) for text in redactor.patterns])
