"""The pair rule: what is a key, what is a number, what is neither."""

from __future__ import annotations

import math

import pytest

from swanlab_cli.parser import Parser

from .printed import Value, values_of


def pairs(line: str) -> list[tuple[str, float]]:
    """The (key, value) of each pair on *line*."""
    return [(one.key, one.value) for one in values_of(Parser().feed(line.encode() + b"\n"))]


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ([("loss", 0.5)], "loss=0.5"),
        ([("loss", 0.5), ("acc", 0.25)], "loss=0.5 acc=0.25"),
        ([("a", 1), ("b", 2), ("c", 3)], "a=1,b=2, c=3"),
        ([("a", 1), ("b", 2), ("c", 3)], "a=1;b=2|c=3"),
        ([("a", 1), ("b", 2), ("c", 3)], "(a=1) [b=2]{c=3}"),
        ([("a", 1), ("b", 2)], "[train]a=1 - b=2"),
        ([("train-rmse", 0.5)], "[0]\ttrain-rmse=0.5"),
        ([("Acc@1", 71.2), ("Acc@5", 90.5)], "Acc@1=71.2 Acc@5=90.5"),
        ([("train/loss", 0.5), ("val.loss", 0.6), ("a:b", 1)], "train/loss=0.5 val.loss=0.6 a:b=1"),
        ([(".5R", 0.4), ("5R", 0.3), ("3d_iou", 0.2), ("_x", 1)], ".5R=0.4 5R=0.3 3d_iou=0.2 _x=1"),
        ([("#params", 12), ("acc%", 95.5), ("%cpu", 3)], "#params=12 acc%=95.5 %cpu=3"),
        ([("损失", 0.5), ("准确率", 90)], "损失=0.5，准确率=90%"),
        ([("größe", 2), ("µ", 0.1)], "größe=2 µ=0.1"),
        ([("loss", 0.5), ("acc", 0.6), ("f1", 0.7)], "loss = 0.5, acc =0.6 f1= 0.7"),
        ([("loss", 0.5), ("train loss", 0.6)], "'loss'=0.5 \"train loss\"=0.6"),
        ([("loss", 0.5)], 'msg="loss=0.5"'),
        ([("latency(ms)", 3.5), ("Memory (MB)", 12), ("loss[0]", 1)], "latency(ms)=3.5 Memory (MB)=12 loss[0]=1"),
        ([("System/Peak Memory (MB)", 1218)], "    System/Peak Memory (MB)=1,218"),
        ([("train loss", 0.5)], "\ttrain loss = 0.5  "),
        ([("loss", 0.5)], "    epoch 3 train loss=0.5"),
        ([("loss", 0.5)], "    train: total loss=0.5"),
        ([("loss", 0.5), ("acc", 1)], "    train loss=0.5 acc=1"),
        ([("loss", 0.5)], "train loss=0.5"),
        ([("epoch", 1), ("loss", 0.5)], "INFO:root:epoch=1 loss=0.5"),
        ([("loss", 0.5)], "(Trainer pid=193, ip=10.0.0.3) loss=0.5"),
        ([("loss", 0.5)], "2026-01-05 10:11:12,500 - trainer - INFO - loss=0.5"),
        ([("loss", 0.5), ("avg", 0.6)], "loss=0.5 (avg=0.6)"),
        ([("loss", 0.5)], "| 1/40 [00:00<00:01, 33.83it/s, loss=0.5]"),
        ([("b", 1)], "a= b=1"),
        ([("b", 2)], "a=x b=2"),
        ([("a", 1), ("a", 2)], "a=1 a=2"),
    ],
)
def test_key_is_verbatim(expected: list[tuple[str, float]], line: str) -> None:
    """Keys come without quotes and surroundings, and with everything else."""
    assert expected == pairs(line)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (3, "3"),
        (10, "0010"),
        (-3, "-3"),
        (0.5, "+0.5"),
        (0.5, ".5"),
        (-0.5, "-.5"),
        (5, "5."),
        (9.75e-4, "9.75e-04"),
        (1e6, "1E+6"),
        (5, "5.,"),
        (0.5, "0.5."),
        (0.5, "0.5... saved"),
        (0.5, "0.5: saved"),
        (0.5, "0.5)"),
        (0.5, "0.5!"),
        (0.5, "0.5, 2 of 3"),
        (0.5, "0.5(0.6)"),
        (0.5, "0.5±0.1"),
        (0.5, "0.5+0.1"),
        (0.5, "0.5 - 0.1"),
        (0.5, "0.5->0.4"),
        (8641, "8,641"),
        (5242880.5, "5,242,880.5"),
        (-1234, "-1,234"),
        (1234, "1,234,loss=0.5"),
        (1, "1,2d_iou=0.5"),
        (36.52, "36.52%"),
        (0.33, "0.33s"),
        (3, "3ms"),
        (12, "12GB"),
        (1.5, "1.5GiB/s"),
        (25, "25k"),
        (3, "3M,"),
        (1.2, "1.2tokens/s/gpu"),
        (3.5, "3.5s/it"),
        (312, "312TFLOPS"),
        (61, "61°C"),
        (2, "2秒"),
        (8, "8x"),
        (4.066, "'4.066'"),
        (0.5, '"0.5"'),
        (1234, "'1,234'"),
        (5, "'5ms'"),
        (0.5, "tensor(0.5)"),
        (0.5, "tensor(0.5000, device='cuda:0', grad_fn=<MeanBackward0>)"),
        (0.5, "torch.tensor([0.5, 0.6])"),
        (0.56, "np.float32(0.56)"),
        (0.5, "Array(0.5, dtype=float32, weak_type=True)"),
        (2.5, "Decimal('2.5')"),
        (0.1, "[0.1, 0.2]"),
        (0.1, "(0.1, 0.2)"),
        (0.1, "[ 0.1 0.2]"),
        (100, "[100,200]"),
        (24, "[24.]"),
        (0.5, "[[0.5]]"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.inf, "+inf"),
        (math.inf, "Infinity,"),
        (math.inf, "1e999"),
        (-math.inf, "[-inf]"),
    ],
)
def test_value_is_the_number_as_printed(expected: float, value: str) -> None:
    """Signs, exponents, thousands, units, quotes and brackets are understood, and nothing is scaled."""
    assert ("key", expected) == pairs(f"before key={value}")[0]
    assert ("key", expected) == pairs(f"key = {value} after")[0]


@pytest.mark.parametrize("value", ["nan", "NaN", "-nan", "NAN", "nan%", "-nan(ind)", "'nan'", "tensor(nan)"])
def test_not_a_number_is_a_value(value: str) -> None:
    """NaN is how a run goes wrong, so it is kept."""
    ((key, found),) = pairs(f"loss={value}")
    assert key == "loss"
    assert math.isnan(found)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "=",
        "==========",
        "=1",
        "a=",
        "nothing here",
        "patience=1/5",
        "seen=10 / 500",
        "version=1.2.3",
        "date=2024-01-02",
        "at=12:30",
        "took=0:00:01.5",
        "id=0x1f",
        "id=1a2b3c",
        "id=1e5abc",
        "id=12ab",
        "ip=10.0.0.1",
        "who=1@host",
        "ids=1,2",
        "ids=0,1,2,3",
        "x=0,534",
        "x=1,2345",
        "size=640x480",
        "range=5~10",
        "x=2*y",
        "x=1_a",
        "path=1/b",
        "file=5.ckpt",
        "epoch=3-step=500.ckpt",
        "name=nano",
        "name=info",
        "name=inf.txt",
        "mode=True",
        "shape=Size([3, 4])",
        "x=[1/2]",
        "x='1.2.3'",
        "x='5\"",
        "x=-",
        "x=.",
        "x=+e5",
        "x=>7",
        "a==1",
        "a == 1",
        "a!=1",
        "a != 1",
        "a<=1",
        "a >= 1",
        "a:=1",
        "a+=1",
        "a -= 1",
        "a *= 2",
        "a|=1",
        "a=b=1",
        "a=1=2",
        "5=5",
        "_=5",
        "''=5",
        "' '=5",
        "--lr=0.1",
        "-x=2",
        "train.py --lr=0.1 --epochs=3",
        "http://x/?a=1&b=2",
        "see https://x.org/a=1;b=2,c=3 there",
        "/data/split=1",
        "./runs/lr=0.1",
        "~/runs/lr=0.1",
        "x/?q=1&r=2",
        "a//b=1",
        "`max_length=5`",
        "Namespace(lr=0.001, batch_size=32)",
        "dict(a=1, b=(2, 3), c=4)",
        "Linear(in_features=10, out_features=2, bias=True)",
        "Outer(inner(a=1), b=2)",
        "Namespace(lr=0.1",
        "log(msg='a=1')",
    ],
)
def test_other_text_is_no_pair(line: str) -> None:
    """Neither other operators, nor what only begins like a number, nor options, addresses, paths and calls."""
    assert pairs(line) == []


def test_pairs_beside_a_call_are_taken() -> None:
    """Only the arguments are left out."""
    expected = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]
    assert expected == pairs("a=1 f(x=1) b=2 (c=3) g(h(y=2), z=3) d=4 ) e=5 f(x=1")


def test_a_pair_has_its_line() -> None:
    """Lines count from 1."""
    assert [Value("a", 1.0, None, 2), Value("step", 3.0, 3, 4)] == values_of(Parser().feed(b"\na=1\n\nstep=3\n"))


def test_very_long_keys_are_no_keys() -> None:
    """Nobody names a metric with a paragraph."""
    assert pairs("k" * 300 + "=1") == []
    assert pairs("k" * 200 + "=1") == [("k" * 200, 1)]
