"""The Pythons of a run, as its probers tell them one after the other, made into one list."""

from __future__ import annotations

from ..records import Json

_KEPT = ("executable", "version", "implementation", "prefix", "virtual_env")


class Interpreters:
    """Each distinct Python that was found, in order."""

    def __init__(self) -> None:
        self._found: dict[tuple[str | None, ...], Json] = {}

    def take(self, facts: Json) -> Json | None:
        """What to record for the facts of a probe: of one Python more the whole list, of one known already nothing."""
        if "python" in facts:
            self._add(facts["python"])
            return {**facts, "interpreters": self._listed()}
        if "interpreter" not in facts:
            return facts
        return {"interpreters": self._listed()} if self._add(facts["interpreter"]) else None

    def _add(self, python: Json) -> bool:
        if python.get("executable") is None:
            return False
        key = (python["executable"], python.get("prefix"))
        known = self._found.get(key, {})
        entry = {name: python.get(name) for name in _KEPT}
        entry["packages"] = len(python.get("packages") or ())
        entry["command"] = known.get("command") or python.get("command")
        self._found[key] = entry
        return entry != known

    def _listed(self) -> list[Json]:
        return list(self._found.values())
