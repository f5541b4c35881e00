"""Which step a line states."""

from __future__ import annotations

import pytest

from swanlab_cli.parser import Parser

from .printed import values_of


def step(line: str, step_key: str | None = None) -> int | None:
    """The step of `x` on *line*."""
    steps = {one.step for one in values_of(Parser(step_key=step_key).feed(f"{line}\n".encode())) if one.key == "x"}
    (only,) = steps
    return only


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (None, "x=1"),
        (5, "step=5 x=1"),
        (5, "x=1 step=5"),
        (5, "Step = 5, x=1"),
        (5, "STEP=5 x=1"),
        (5, "'step'=5 x=1"),
        (5, "step='5' x=1"),
        (10, "[step=10/10000,epoch=0] x=1"),
        (10, "step=0010 x=1"),
        (25000, "step=25K x=1"),
        (1500, "step=1.5k x=1"),
        (1234567, "step=1,234,567 x=1"),
        (2, "epoch=2.0 x=1"),
        (1000, "step=1e+03 x=1"),
        (0, "step=0 x=1"),
        (5, "iter=5 x=1"),
        (5, "iteration=5 x=1"),
        (7, "global_step=7 step=5 epoch=1 x=1"),
        (7, "step=5 global step = 7 x=1"),
        (5, "epoch=1 step=5 x=1"),
        (5, "epoch=1 iter=5 x=1"),
        (5, "iter=6 step=5 x=1"),
        (1, "epoch=1 x=1"),
        (5, "train/step=5 x=1"),
        (1, "train/step=5 epoch=1 x=1"),
        (5, "timing/step=60 step=5 x=1"),
        (100, "step 100: x=1"),
        (5, "step: 5 x=1"),
        (5, "iter 5: x=1"),
        (50, "Iteration 50: x=1"),
        (3, "Epoch 3 x=1"),
        (3, "Epoch: 3 - x=1"),
        (3, "Epoch [3/10] x=1"),
        (3, "Epoch[3] x=1"),
        (3, "Epoch #3: x=1"),
        (3, "Epoch 3/10, x=1"),
        (3, "epoch 003 x=1"),
        (20, "[step 20] x=1"),
        (100, "epoch 3, step 100: x=1"),
        (3, "batch_size=32 epoch 3 x=1"),
    ],
)
def test_step_is_stated(expected: int | None, line: str) -> None:
    """As pair or in words, the finest of several."""
    assert expected == step(line)


@pytest.mark.parametrize(
    "line",
    [
        "epoch: 0.25 x=1",
        "epoch=0.25 x=1",
        "step=-1 x=1",
        "step=abc x=1",
        "step=5a x=1",
        "step 50% x=1",
        "step 12:30 x=1",
        "step=1.2.3 x=1",
        "step=1234567890123456789 x=1",
        "n_steps=5 x=1",
        "steps=5 x=1",
        "substep=5 x=1",
        "warmup_step=5 x=1",
        "step5 x=1",
        "11ms/step 5 x=1",
        "two-step 5 x=1",
        "step size x=1",
        "patience=1/5 x=1",
        "[12/100] x=1",
        "Epoch: [2][10/500] x=1",
        "Epoch[0] Batch [249] x=1",
        "epoch=1 batch=5 x=1",
        "Epoch 1/3:  20%|##  | 8/40 [00:00<00:00, 81.15it/s, x=1]",
        "20%|##  | 8/40 [00:00<00:00, 81.15it/s, epoch=1, x=1]",
    ],
)
def test_no_step_is_stated(line: str) -> None:
    """Nor does an epoch count beside a counter that begins anew with it."""
    assert step(line) is None


def test_pair_in_a_bar_is_a_step() -> None:
    """What the script itself puts there is meant."""
    assert step("Epoch 1:  20%|##  | 8/40 [00:00<00:00, 81.15it/s, step=48, x=1]") == 48


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (9, "seen=9 step=5 x=1"),
        (9, "step=5 data/Seen=9 global_step=7 seen=9 x=1"),
        (9, "Seen 9: step=5 x=1"),
        (5, "step=5 x=1"),
        (5, "unseen=3 step=5 x=1"),
    ],
)
def test_the_chosen_key_comes_first(expected: int, line: str) -> None:
    """Where a line lacks it, the usual counters hold."""
    assert expected == step(line, "Seen")


def test_the_chosen_key_counts_in_a_bar_and_with_signs() -> None:
    """It is the user who says so; its characters are taken literally."""
    assert step("Epoch 1:  20%|##  | 8/40 [x=1]", "epoch") == 1
    assert step("n.seen=3 nxseen=4 x=1", "n.seen") == 3


def test_step_holds_for_its_repaint_only() -> None:
    """Each repaint is read by itself."""
    found = values_of(Parser().feed(b"step=1 x=1\rx=2\nx=3\n"))
    assert [(value.key, value.step) for value in found] == [("step", 1), ("x", 1), ("x", None), ("x", None)]
