"""Which step a line states for the values on it."""

from __future__ import annotations

import re

from swanlab_cli.parser.values import COUNT, read_count

_RANKS = {"global_step": 1, "global step": 1, "step": 2, "iteration": 3, "iter": 4, "epoch": 5}
_QUALIFIED = 10  # `train/step` counts as a step only where nothing is called plainly so.

# A bar's own counter and batches begin anew with each epoch. An epoch beside them would give many values one step.
_FINER = re.compile(r"\bbatch(?:es)?\b['\"]?\s*[=:#]?\s*[\[(]?[0-9]|\]\s*\[\s*[0-9]+\s*/")
_BAR = re.compile(r"[0-9]%\|")


class Steps:
    """Finds the step that a line states.

    The first of these that the line has, in this order: the key that the user chose, `global_step`, `step`, `iteration`,
    `iter`, `epoch`; then the same as last component of a longer key (`train/step=5`). Case makes no difference. It is
    written as a pair (`step=5`, `step=10/500`) or in words (`Step 5`, `iter: 5`, `Epoch [3/10]`, `epoch #3`). It is a whole
    number; `epoch: 0.25` is none. In a bar only pairs and the user's key count, and an
    epoch counts only on a line without finer counter.
    """

    def __init__(self, step_key: str | None = None) -> None:
        self._ranks = dict(_RANKS)
        if step_key:
            self._ranks[step_key.lower()] = 0
        # Longest first: the alternatives must not stop at "iter" of "iteration".
        names = sorted(self._ranks, key=len, reverse=True)
        self._hints = tuple(name for name in names if not any(other in name for other in names if other != name))
        self._counter = re.compile(
            rf"({'|'.join(map(re.escape, names))})['\"]?(?:\s*([=:#])\s*|\s+#?|(?=[\[(]))[\[(]?\s*['\"]?{COUNT}"
        )

    def find(self, text: str) -> int | None:
        """The step stated in *text*, or None."""
        text = text.lower()
        for hint in self._hints:
            if hint in text:
                return self._best(text)
        return None

    def _best(self, text: str) -> int | None:
        is_bar = "%|" in text and _BAR.search(text) is not None
        best, best_rank = None, 2 * _QUALIFIED
        for match in self._counter.finditer(text):
            rank = self._rank(text, match, is_bar)
            if rank is not None and rank < best_rank:
                step = read_count(match[3], match[4])
                if step is not None:
                    best, best_rank = step, rank
        is_epoch = best_rank % _QUALIFIED == _RANKS["epoch"]
        return None if is_epoch and (is_bar or _FINER.search(text)) else best

    def _rank(self, text: str, match: re.Match[str], is_bar: bool) -> int | None:
        """The rank of a counter, 0 the best, or None: it is part of another word, or words in a bar."""
        before = text[match.start() - 1] if match.start() else " "
        is_pair = match[2] == "="
        rank = self._ranks[match[1]]
        if before in "_-." or before.isalnum() or (is_bar and not is_pair and rank):
            return None
        if before != "/":
            return rank
        return rank + _QUALIFIED if is_pair else None
