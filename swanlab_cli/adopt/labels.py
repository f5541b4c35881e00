"""The output of several ranks in one file, each line with its rank in front, as `srun --label` writes it."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise

_LABEL = re.compile(rb" {0,5}(\d{1,5}):(?: |(?=\r?\n))")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_MOST_UNLABELLED = 0.05  # srun's and slurmstepd's own messages have no label
_FEW_UNLABELLED = 2
_FEWEST_LINES_A_RANK = 2


def labels_in(sample: bytes) -> list[int]:
    """The ranks in front of the whole lines of a file's beginning, in order."""
    matches = map(_LABEL.match, _LINE.findall(sample[: sample.rfind(b"\n") + 1]))
    return [int(match[1]) for match in matches if match]


def is_labelled(sample: bytes) -> bool:
    """Whether a file that begins with `sample` holds the output of several ranks.

    Nearly all lines have a label; and they are no list, which has each number once, and no epochs, which only rise.
    """
    labels = labels_in(sample)
    line_count = sum(1 for line in sample[: sample.rfind(b"\n") + 1].split(b"\n") if line.strip())
    ranks = set(labels)
    if line_count - len(labels) > max(_FEW_UNLABELLED, _MOST_UNLABELLED * line_count) or 2 * len(labels) < line_count:
        return False
    if len(ranks) < 2 or max(ranks) >= 2 * len(ranks) or len(labels) < _FEWEST_LINES_A_RANK * len(ranks):
        return False
    return any(label < before for before, label in pairwise(labels))


class Unlabeller:
    """Splits a file by its labels, which it takes off."""

    def __init__(self, primary: int) -> None:
        """Lines without a label go to the rank `primary`."""
        self._primary = primary
        self._rank = primary
        self._is_line_start = True

    def split(self, data: bytes) -> dict[int, bytes]:
        """What each rank has of the next bytes; a line that is not whole is only ever the last."""
        pieces: dict[int, list[bytes]] = defaultdict(list)
        for line in _LINE.findall(data):
            if self._is_line_start:
                match = _LABEL.match(line)
                self._rank = int(match[1]) if match else self._primary
                line = line[match.end() :] if match else line
            pieces[self._rank].append(line)
            self._is_line_start = line.endswith(b"\n")
        return {rank: b"".join(lines) for rank, lines in pieces.items()}
