"""From the bars and counters that a run shows, one inside or after the other, to one progress of the run. No clock.

The rule. What begins while something before it is unfinished is inside it; what begins when that is finished comes after
it. The run's progress is that of the outermost one that has a share or a time left, and its inner ones fill the unit that
it is at: epoch 3 of 10 with half its batches is 0.25. An outer one that does not move while its inner ones come and go
several times, or while a whole epoch passes, has been abandoned.
"""

from __future__ import annotations

import re

from swanlab_cli.parser.progress import Progress, outer_of, read_progress

_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_BARE = re.compile(r"\W*[A-Za-z_]+\W*\d+\s*(?:/|of)\s*\d+\W*$")
_MOST_LEVELS = 5
# How much of what comes and goes inside an unmoved bar shows that it is abandoned: the beginning, the end and a new pass
# of an inner one count one, an epoch five. A bar of training steps sees evaluations pass, but no epochs.
_ABANDONED, _EPOCH_WEIGHT = 7, 5

_Identity = tuple[str, float | None, bool]


class ProgressTracker:
    """The run's progress as its bars tell it, which are given in order of appearance."""

    def __init__(self) -> None:
        self.moment = 0.0
        """Of the last line that showed progress."""
        self._levels: list[_Level] = []
        self._ended: list[_Level] = []

    def read(self, text: str, moment: float) -> bool:
        """Take what a line shows at `moment`, in seconds on any clock; whether it shows progress."""
        progress = read_progress(text)
        if progress is None:
            return False
        self.moment = moment
        outer = outer_of(progress)
        if outer is not None:
            self._take(outer, moment, has_begun=True)
        self._take(progress, moment, has_begun=_BARE.match(text) is not None)
        return True

    def standing(self) -> Progress | None:
        """The progress of the run as of the last line taken, or None: none was shown."""
        known = [level for level in self._levels if level.progress.fraction is not None or level.progress.eta_s is not None]
        chosen = known[0] if known else self._levels[-1] if self._levels else None
        if chosen is None:
            return None
        return chosen.standing(self.moment)

    def _take(self, progress: Progress, moment: float, has_begun: bool) -> None:
        identity = _identity(progress)
        index = next((at for at, level in enumerate(self._levels) if level.identity == identity), None)
        if index is None:
            index, weight = self._begin(identity, progress, moment), 1
        else:
            weight = self._repaint(index, progress, moment)
        self._levels[index].settle(has_begun)
        self._fill(index, weight)

    def _begin(self, identity: _Identity, progress: Progress, moment: float) -> int:
        """Take a bar that is not on the screen, after those that are finished; its place."""
        while self._levels and self._levels[-1].is_finished:
            self._ended = [*self._ended[-_MOST_LEVELS:], self._levels.pop()]
        # `Epoch 10/10` is painted once more, as a line, when its last batch and its validation are through.
        same = (level for level in self._ended if level.identity == identity and _place(level.progress) == _place(progress))
        self._levels.append(next(same, None) or _Level(identity, progress, moment))
        return len(self._levels) - 1

    def _repaint(self, index: int, progress: Progress, moment: float) -> int:
        """Take a new state of a known bar; how much it counts against those outside it."""
        level = self._levels[index]
        way = level.take(progress, moment)
        if way == 0:
            return 0
        del self._levels[index + 1 :]
        if level.is_counter and progress.unit == "epoch":
            return _EPOCH_WEIGHT
        return 1 if way < 0 or level.is_finished else 0

    def _fill(self, index: int, weight: int) -> None:
        """Fill the outer levels' units from the inside out, and give up those that are abandoned."""
        for inner, outer in zip(self._levels[index::-1], self._levels[index - 1 :: -1] if index else [], strict=False):
            outer.part = max(outer.part, min(inner.fraction() or 0.0, 1.0))
            outer.settle(outer.is_counter)
        for outer in self._levels[:index]:
            outer.passed += weight
        self._levels = [level for at, level in enumerate(self._levels) if at >= index or level.passed < _ABANDONED]
        if len(self._levels) > _MOST_LEVELS:
            del self._levels[1]


class _Level:
    """One bar or counter, and what is known of the unit that it is at."""

    def __init__(self, identity: _Identity, progress: Progress, moment: float) -> None:
        self.identity = identity
        self.progress = progress
        self.moment = moment
        self.part = 0.0
        """How much of its present unit its inner bars have done."""
        self.passed = 0
        """What has come and gone inside it since it moved."""
        self._counts_begun = False
        self._counts_from_0 = progress.done == 0
        self._began: tuple[float, float] | None = None

    @property
    def is_counter(self) -> bool:
        """Whether it is printed in words rather than drawn."""
        return self.identity[2]

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        fraction = self.fraction()
        return fraction is not None and fraction >= 1

    def take(self, progress: Progress, moment: float) -> int:
        """Take its new state; 1 if it has moved on, -1 if it has begun anew, 0 if it has not moved."""
        before, now = _place(self.progress), _place(progress)
        self.progress, self.moment = progress, moment
        self._counts_from_0 = self._counts_from_0 or progress.done == 0
        if now == before:
            return 0
        self.part, self.passed = 0.0, 0
        if now > before:
            return 1
        self._began = (moment, self.fraction() or 0.0)
        return -1

    def settle(self, counts_begun: bool) -> None:
        """Learn whether it counts the units that have begun, as `Epoch 1/10` at the start of one, not those that are done."""
        if self._began is None or (counts_begun and not self._counts_begun):
            self._counts_begun = counts_begun
            self._began = (self.moment, self.fraction() or 0.0)

    def fraction(self) -> float | None:
        """Its own share, with what its inner bars add."""
        done, total = self.progress.done, self.progress.total
        if done is None or not total:
            return self.progress.fraction
        offset = 1 if self._counts_begun and not self._counts_from_0 else 0
        return min(max(done - offset + self.part, 0.0) / total, 1.0)

    def standing(self, moment: float) -> Progress:
        """Its progress at a moment, with a time left and a rate from what was seen where none is printed."""
        fraction, progress = self.fraction(), self.progress
        began_at, began = self._began or (self.moment, fraction or 0.0)
        speed = (fraction - began) / (moment - began_at) if fraction is not None and moment > began_at else 0.0
        eta_s = progress.eta_s
        if fraction is not None and fraction >= 1:
            eta_s = 0.0
        elif eta_s is not None:
            eta_s = max(eta_s - (moment - self.moment), 0.0)
        elif fraction is not None and speed > 0:
            eta_s = (1 - fraction) / speed
        rate = progress.rate
        if rate is None and progress.total and speed > 0:
            rate = speed * progress.total
        return progress._replace(fraction=fraction, eta_s=eta_s, rate=rate)


def _identity(progress: Progress) -> _Identity:
    """What two states of one bar have in common: its description but for numbers, its total, how it is printed."""
    is_counter = progress.unit is not None and progress.rate is None and progress.elapsed_s is None
    return _DIGITS.sub("#", progress.description), progress.total, is_counter and progress.unit == "epoch"


def _place(progress: Progress) -> float:
    """How far a bar is, for comparison with itself."""
    return progress.done if progress.done is not None else progress.fraction or 0.0
