"""Which step a line states, of all the ways in which programs count: the finest counter on the line."""

from __future__ import annotations

import re

from swanlab_cli.parser.found import Located
from swanlab_cli.parser.steps import Steps
from swanlab_cli.parser.values import read_step

# Finer than epochs, coarser than the steps that `Steps` knows: `Batch [49]`, `num_updates=100`.
_FINE = re.compile(
    r"(?<![/\w])(?:(?:mini)?batch|up\.|update|num_updates|n_iter|(?:\w+_)?timesteps?)(?:es|s|_id|_idx)?(?<=[\w.])(?!\w)"
    r"['\"]?\s*[=:#]?\s*[\[(]?\s*(\d[\d,]*)(?!\.?\d)",
    re.IGNORECASE,
)
# `| 20/ 140 batches |`, and the same in other languages: `第3轮`.
_NAMED_BEHIND = re.compile(r"(?<![\d./])(\d+)\s*/\s*\d+\s+(?:(?:mini)?batch|step|iter|update)\w*(?!\s*[:=]?\s*\d)", re.IGNORECASE)
_ORDINAL = re.compile(r"第\s*(\d+)\s*[^\W\d_]")
# `Epoche 3/12`: a line that begins with a word and how many of how many.
_WORD_OF = re.compile(r"\s*[^\W\d_]+\s*[\[(]?\s*(\d+)\s*/\s*\d+[\])]?(?=[\s:,|–-])")
# The last of the counters in brackets: `Epoch: [0][ 1/12]`, `Train Epoch: 1 [640/60000 (1%)]`.
_BRACKETS = re.compile(r"[\[(]\s*(\d+)\s*/\s*\d+[^\])]{0,12}[\])]")
# A line that begins with its counter: `[1,  2000]` (epoch and batch), `[100]`, `[1/15]`, `0:`, `275/10105 `.
_LEADING = (
    re.compile(r"\s*\[\s*\d+,\s*(\d+)\s*\]"),
    re.compile(r"\s*\[\s*(\d+)\s*(?:/\s*\d+)?\s*\]"),
    re.compile(r"\s*(\d+):(?=\s)"),
    re.compile(r"\s*(\d+)\s*/\s*\d+(?=\s)"),
    re.compile(r"\s*(\d+)\s+[^\W\d_][\w ]*\s[-+]?\d+\.\d*(?:[eE][-+]?\d+)?\s*$"),
)
_COARSE = re.compile(
    r"\b(?:trial|round|gen|generation|episodes?|ep|cycle|sweep|e|epoch)\b\s*[=:#,]?\s*[\[(]?\s*(\d[\d,]*)(?!\.?\d)",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"\bepoch", re.IGNORECASE)
# Trainers of transformers print how many epochs are done, in quotes or as a float: no counter, even where it is whole.
_PART_OF_EPOCH = re.compile(r"['\"]epoch['\"]\s*:\s*(?:['\"]|\d+\.)")


class Counters:
    """Finds the step."""

    def __init__(self, step_key: str | None = None) -> None:
        self._steps = Steps(step_key)

    def locate(self, text: str) -> Located | None:
        """The step that the line states and where it stands, or None."""
        is_part = _PART_OF_EPOCH.search(text) is not None
        stated = None if is_part else self._steps.locate(text)
        if stated is not None and not _EPOCH.search(text):
            return stated
        leading = next(filter(None, (form.match(text) for form in _LEADING)), None)
        found = _FINE.search(text) or _NAMED_BEHIND.search(text) or _last_bracket(text) or leading
        if found is None:
            if stated is not None or is_part:
                return stated
            found = _COARSE.search(text) or _ORDINAL.search(text) or _WORD_OF.match(text)
        step = read_step(found[1]) if found else None
        return (step, *found.span(1)) if found and step is not None else None


def _last_bracket(text: str) -> re.Match[str] | None:
    found = list(_BRACKETS.finditer(text))
    return found[-1] if found else None
