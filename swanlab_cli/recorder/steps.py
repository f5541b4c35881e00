"""Which steps of a series are taken, in little memory: training logs in strides, so runs of equal stride are kept, not steps."""

from __future__ import annotations

from array import array
from bisect import bisect_right

# What every reader can hold; one absurd step must not break a series.
HIGHEST_STEP = 2**63 - 1


class Steps:
    """The steps of one series."""

    def __init__(self, first: int = 0) -> None:
        self.next = first
        """The step of a point that states none: `first`, or the highest + 1 if that is more."""
        self._highest = -1
        # One entry a run of equal stride; irregular series have many, so 24 bytes each, not the 120 of lists.
        self._firsts, self._lasts, self._strides = array("Q"), array("Q"), array("Q")
        self._late: set[int] = set()
        """Steps that came after a higher one."""

    def add(self, step: int) -> bool:
        """Take a step; False if it is taken already."""
        if step > self._highest:
            self._extend(step)
            self._highest = step
            self.next = max(self.next, step + 1)
            return True
        if self._is_in_runs(step) or step in self._late:
            return False
        self._late.add(step)
        return True

    def _extend(self, step: int) -> None:
        if self._firsts:
            distance = step - self._lasts[-1]
            is_single = self._lasts[-1] == self._firsts[-1]
            if is_single or distance == self._strides[-1]:
                self._strides[-1] = distance
                self._lasts[-1] = step
                return
        self._firsts.append(step)
        self._lasts.append(step)
        self._strides.append(1)

    def _is_in_runs(self, step: int) -> bool:
        index = bisect_right(self._firsts, step) - 1
        if index < 0 or step > self._lasts[index]:
            return False
        return (step - self._firsts[index]) % self._strides[index] == 0
