"""The words that all probes share: what they look at, what they give back and how they say that they could not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Facts = dict[str, Any]
"""What a probe found, ready for JSON; units are in the names, None is what could not be known."""


class Target(NamedTuple):
    """The command of a run, as it was started."""

    command: tuple[str, ...]
    """argv as typed; undecodable bytes as surrogate escapes."""
    executable: str | None
    """The path that was exec'ed: PATH searched, symbolic links not resolved; None where unknown."""
    cwd: str
    """Working directory of the child at its start; may be gone."""
    environ: Mapping[str, str]
    """The child's environment."""
    pid: int
    """Of the child; may be gone."""


class ProbeError(Exception):
    """A probe could not find out all it should: `why` in words, `facts` what it knows nevertheless."""

    def __init__(self, why: str, facts: Facts | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts
