"""Which step a line states for the values on it."""

from __future__ import annotations

import re

from swanlab_cli.parser.found import Located
from swanlab_cli.parser.values import COUNT, read_count

_NAMES = ("global_step", "global step", "step", "iteration", "iter", "epoch")
# A bar's own counter and batches begin anew with each epoch: the epoch beside them would give many values one step.
_FINER = re.compile(r"\bbatch(?:es)?\b['\"]?\s*[=:#]?\s*[\[(]?[0-9]|\]\s*\[\s*[0-9]+\s*/")
_BAR = re.compile(r"[0-9]%\|")


class Steps:
    """Finds the step that a line states.

    The first of these that the line has, in this order: the key that the user chose, `global_step`, `step`,
    `iteration`, `iter`, `epoch`; then the same as last component of a longer key (`train/step=5`). Case makes no
    difference. It is written as a pair (`step=5`, `step=10/500`) or in words (`Step 5`, `iter: 5`, `Epoch [3/10]`,
    `epoch #3`). It is a whole number; `epoch: 0.25` is none. In a bar only pairs and the user's key count, and an
    epoch counts only on a line without finer counter.
    """

    def __init__(self, step_key: str | None = None) -> None:
        self._chosen = step_key.lower() if step_key else None
        names = ((self._chosen,) if self._chosen else ()) + tuple(name for name in _NAMES if name != self._chosen)
        self._counters = [(name, _compile(name)) for name in names]

    def find(self, text: str) -> int | None:
        """The step stated in *text*, or None."""
        located = self.locate(text)
        return None if located is None else located[0]

    def locate(self, text: str) -> Located | None:
        """The step stated in *text* and where it stands there, or None."""
        text = text.lower()
        qualified = None
        for name, counter in self._counters:
            if name not in text:
                continue
            plain, last_component = self._find_named(name, counter, text)
            if plain is not None:
                return plain
            qualified = last_component if qualified is None else qualified
        return qualified

    def _find_named(self, name: str, counter: re.Pattern[str], text: str) -> tuple[Located | None, Located | None]:
        """The steps that the counter *name* states under just this name, and as last component of a longer key."""
        is_chosen = name == self._chosen
        is_bar = not is_chosen and "%|" in text and _BAR.search(text) is not None
        if name == "epoch" and not is_chosen and (is_bar or _FINER.search(text)):
            return None, None
        qualified = None
        for match in counter.finditer(text):
            before = text[match.start() - 1] if match.start() else " "
            is_pair = match[1] == "="
            if before in "_-." or before.isalnum() or (is_bar and not is_pair):
                continue
            step = read_count(match[2], match[3])
            if step is None:
                continue
            located = step, match.start(2), match.end(3)
            if before != "/":
                return located, None
            if is_pair and qualified is None:
                qualified = located
        return None, qualified


def _compile(name: str) -> re.Pattern[str]:
    """What states the counter *name*; groups: the sign between, and those of `COUNT`."""
    return re.compile(rf"{re.escape(name)}['\"]?(?:\s*([=:#])\s*|\s+#?|(?=[\[(]))[\[(]?\s*['\"]?{COUNT}")
