"""Runs beside one another: what each section of their descriptions has under each key, and where they differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..records import Json

MISSING: Final = object()
"""The value of a run that has no such key, which is not null."""
_PROBES_OF_THEIR_OWN = ("git", "diff", "script", "variables", "failed", "interpreters")
_TEXTS = ("text", "content", "diff", "requirements", "packages")
# What is another at every look says nothing about a difference between runs.
_PASSING = ("available_bytes", "free_bytes", "used_bytes", "pid", "load", "uptime_s")
_SYSTEM = "system/"


class Row(NamedTuple):
    """One key of a section, with the value of each run, or MISSING."""

    key: str
    values: tuple[Any, ...]

    @property
    def is_equal(self) -> bool:
        """Whether all runs have it alike."""
        return all(_same(value, self.values[0]) for value in self.values[1:])


def _same(one: Any, other: Any) -> bool:
    # True == 1 in Python, but not for who reads a configuration.
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def compare(runs: Sequence[Json]) -> dict[str, list[Row]]:
    """The rows of each section, keys in the order in which the runs have them; `runs` are as `describe` gives them.

    `run`, `config`, `summary` (`METRIC last`, `METRIC min`, `METRIC max`), `system` (the same of `system/` metrics), `ending`,
    `resources`, `environment`, `packages`, `variables`, `command`, `git`, `code` (hashes of the diff and the script).
    """
    sections = [dict(_sections(run)) for run in runs]
    return {name: _rows([section[name] for section in sections]) for name in sections[0]}


def _rows(dictionaries: Sequence[Mapping[str, Any]]) -> list[Row]:
    keys = dict.fromkeys(key for dictionary in dictionaries for key in dictionary)
    return [Row(key, tuple(dictionary.get(key, MISSING) for dictionary in dictionaries)) for key in keys]


def _sections(run: Json) -> Iterator[tuple[str, Mapping[str, Any]]]:
    environment = run["environment"]
    summary = run["summary"]
    yield "run", {name: run[name] for name in ("project", "group", "job_type", "tags", "notes", "attempts", "ranks")}
    yield "config", dict(_flat(run["config"], "/"))
    yield "summary", dict(_extremes({name: summary[name] for name in summary if not name.startswith(_SYSTEM)}))
    yield "ending", {name: run[name] for name in ("state", "end_reason", "exit_code", "signal")}
    used = {name: run[name] for name in ("duration_s", "cpu_s", "peak_memory_bytes", "output_bytes")}
    yield "resources", {**used, **dict(_flat(run.get("resources") or {}, "."))}
    yield "environment", dict(_machine(environment))
    yield "packages", (environment.get("python") or {}).get("packages") or {}
    yield "variables", recorded_variables(environment)
    yield "command", {"command": " ".join(run["command"]), "cwd": run["cwd"]}
    yield "git", {key: value for key, value in (environment.get("git") or {}).items() if key != "root"}
    yield "code", {probe: _digest(recorded_text(environment, probe)) for probe in ("diff", "script")}
    yield "system", dict(_extremes({name: summary[name] for name in summary if name.startswith(_SYSTEM)}))


def _extremes(summary: Mapping[str, Json]) -> Iterator[tuple[str, Any]]:
    for metric, entry in summary.items():
        yield from ((f"{metric} {name}", entry[name]) for name in ("last", "min", "max"))


def _flat(values: Mapping[str, Any], separator: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested dicts as one, their keys joined."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, separator, f"{prefix}{key}{separator}")
        else:
            yield f"{prefix}{key}", value


def _machine(environment: Json) -> Iterator[tuple[str, Any]]:
    probes = {probe: facts for probe, facts in environment.items() if probe not in _PROBES_OF_THEIR_OWN}
    for key, value in _flat(_numbered(probes), "."):
        if key.rpartition(".")[2] not in _PASSING and not any(f".{name}" in key for name in _TEXTS):
            yield key, value


def _numbered(value: Any) -> Any:
    """Lists of objects, such as accelerators, as objects by their place."""
    if isinstance(value, dict):
        return {key: _numbered(item) for key, item in value.items()}
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return {str(place): _numbered(item) for place, item in enumerate(value)}
    return value


def recorded_variables(environment: Json) -> dict[str, str]:
    """The environment variables of the child that were recorded, by name."""
    facts = environment.get("variables")
    values = facts.get("values", facts) if isinstance(facts, dict) else None
    return {name: str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def recorded_text(environment: Json, probe: str) -> str | None:
    """The text that this probe has recorded as it was: of `diff` the changes, of `script` the file."""
    facts = environment.get(probe)
    names = ("text", "content", "diff")
    return next((facts[name] for name in names if isinstance(facts.get(name), str)), None) if isinstance(facts, dict) else None


def _digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
