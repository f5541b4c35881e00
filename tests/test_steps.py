"""recorder.steps: which steps of a series are taken, and what comes next."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence

import pytest

from swanlab_cli.recorder.steps import Steps


class PlainSteps:
    """The model: a set of all steps."""

    def __init__(self) -> None:
        self.taken: set[int] = set()

    @property
    def next(self) -> int:
        """The highest + 1."""
        return max(self.taken, default=-1) + 1

    def add(self, step: int) -> bool:
        """Take a step."""
        is_new = step not in self.taken
        self.taken.add(step)
        return is_new


def strided(draw: random.Random) -> list[int]:
    """Mostly regular logs with changes of stride, jumps back, repetitions and strays."""
    steps: list[int] = []
    step, stride = draw.randrange(3), 1
    for _ in range(draw.randrange(1, 80)):
        chance = draw.random()
        if chance < 0.10:
            stride = draw.randrange(1, 6)
        elif chance < 0.15:
            step = draw.randrange(step + 1)
        elif chance < 0.25:
            steps.append(draw.randrange(step + 3))
        steps.append(step)
        step += stride
    return steps


@pytest.mark.parametrize(
    ("steps", "expected", "following"),
    [
        ([], [], 0),
        ([0, 1, 2], [True, True, True], 3),
        ([5], [True], 6),
        ([5, 5], [True, False], 6),
        ([0, 10, 20, 10, 15, 15], [True, True, True, False, True, False], 21),
        ([3, 1, 3, 1, 0], [True, True, False, False, True], 4),
        ([0, 2, 4, 5, 6, 3, 4, 5, 6], [True, True, True, True, True, True, False, False, False], 7),
        ([10**18, 0, 10**18], [True, True, False], 10**18 + 1),
    ],
    ids=["none", "regular", "one", "twice", "between", "backwards", "new stride", "huge"],
)
def test_a_step_is_taken_once(steps: Sequence[int], expected: Sequence[bool], following: int) -> None:
    """The first of equal steps is taken, in any order; the next is the highest + 1."""
    series = Steps()
    assert expected == [series.add(step) for step in steps]
    assert following == series.next


@pytest.mark.parametrize("seed", range(200))
def test_steps_are_a_set(seed: int) -> None:
    """After every step of a random log, answers and next step are those of a plain set."""
    series, model = Steps(), PlainSteps()
    for step in strided(random.Random(seed)):
        assert (model.add(step), model.next) == (series.add(step), series.next), f"step {step}"
    top = model.next + 2
    assert [model.add(step) for step in range(top)] == [series.add(step) for step in range(top)]


@pytest.mark.parametrize("stride", [1, 10, 1000])
def test_regular_log_takes_little_memory(stride: int) -> None:
    """A hundred thousand steps in one stride cost less than a thousandth of what a set of them does, and all are known."""
    count = 100_000
    tracemalloc.start()
    try:
        series = Steps()
        before, _ = tracemalloc.get_traced_memory()
        assert all(series.add(step) for step in range(0, count * stride, stride))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4096
    assert not any(series.add(step) for step in range(0, count * stride, stride))
    assert series.next == (count - 1) * stride + 1


def test_irregular_log_takes_few_bytes_a_step() -> None:
    """Steps without any stride, as of a script that logs when it finds something new, cost 12 bytes each at most."""
    steps, step = [], 0
    for distance in range(100_000):
        step += 1 + distance * 7919 % 10007
        steps.append(step)
    tracemalloc.start()
    try:
        series = Steps()
        assert all(series.add(step) for step in steps)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after < 16 * len(steps)
    assert not any(series.add(step) for step in steps)
