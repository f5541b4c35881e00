"""Throughput of the parser in both its modes, beside one `re.finditer` a line and a bare loop over the lines of the same bytes.

Run it as `python tests/bench/bench_parser.py`. They take turns, so that a busy machine slows all; printed are medians.
The last samples are odd: a rate far below the others' would be quadratic time.
"""

from __future__ import annotations

import io
import re
import statistics
import time
from collections.abc import Callable
from functools import partial

from swanlab_cli.parser import Parser

ROUNDS = 5
CHUNK_BYTES = 64 * 1024
_FOUR = b"train_loss=2.0720 val_loss=0.3652 lr=9.75e-04 grad_norm=1.2345 "
_REPAINT = b"\rEpoch 1/3:  %2d%%|####      | %d/100 [00:01<00:01, 99.10it/s, loss=0.%d, lr=0.05]"
SAMPLES = {
    "plain lines": b"2026-01-05 10:11:12 INFO trainer: saved a checkpoint, going on with the next shard\n" * 50_000,
    "5 pairs and a step": (b"step=12000 " + _FOUR + b"time=0.12\n") * 5_000,
    "5 pairs, no step": (_FOUR + b"seconds_per_batch=0.12\n") * 5_000,
    "3 pairs after a log head": b"2026-01-05 10:11:12,500 - trainer - INFO - epoch=3, loss=2.07, dt=2.27\n" * 5_000,
    "one pair in 20 lines": (b"the quick brown fox jumps over the lazy dog, again\n" * 19 + b"loss=0.5\n") * 2_000,
    "bars": (b"".join(_REPAINT % (number, number, number) for number in range(100)) + b"\n") * 50,
    "coloured lines": b"\x1b[32m10:11:12\x1b[0m | \x1b[1mepoch=1 train_loss=2.072 acc=36.5%\x1b[0m\n" * 5_000,
    "running text": b"epoch 3: train loss 0.1234, val loss 0.2345, accuracy 95.12%\n" * 5_000,
    "text without digits": b"the quick brown fox jumps over the lazy dog, and again over the dog\n" * 50_000,
    "one line without end": b"word " * 2_000_000,
    "a million equals signs": b"=" * 1_000_000 + b"\n",
    "open brackets": (b"[(" * 30_000 + b"1\n") * 5,
    "numbers alone": (b"1 " * 30_000 + b"\n") * 2,
}
_NAIVE = re.compile(r"([\w./@-]+)=([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)")


def parse(mode: str, data: bytes) -> int:
    """Read *data* with the parser; the number of values found."""
    parser = Parser(mode)
    values = 0
    for start in range(0, len(data), CHUNK_BYTES):
        values += sum(len(found.keys) for found in parser.feed(data[start : start + CHUNK_BYTES]))
    return values + sum(len(found.keys) for found in parser.finish())


def parse_naively(data: bytes) -> int:
    """Read *data* with one regular expression; the number of values found."""
    found = [
        (match[1], float(match[2]))
        for line in data.decode("utf-8", "replace").splitlines()
        for match in _NAIVE.finditer(line)
    ]
    return len(found)


def count_lines(data: bytes) -> int:
    """Do nothing but `for line in file`; the number of lines."""
    count = 0
    for _ in io.BytesIO(data):
        count += 1
    return count


def measure(read: Callable[[bytes], int], data: bytes) -> float:
    """Megabytes a second."""
    start = time.perf_counter()
    read(data)
    return len(data) / 1e6 / (time.perf_counter() - start)


def main() -> None:
    """Print one row a sample."""
    readers = (partial(parse, "auto"), partial(parse, "kv"), parse_naively, count_lines)
    print(f"{'sample':26}{'auto MB/s':>10}{'kv':>8}{'naive':>8}{'loop':>8}{'auto/naive':>12}{'auto/loop':>11}")
    for name, data in SAMPLES.items():
        rates = [[measure(reader, data) for reader in readers] for _ in range(ROUNDS)]
        auto, kv, naive, loop = (statistics.median(column) for column in zip(*rates, strict=True))
        to_naive, to_loop = (statistics.median(row[0] / row[other] for row in rates) for other in (2, 3))
        print(f"{name:26}{auto:10.1f}{kv:8.1f}{naive:8.1f}{loop:8.0f}{to_naive:12.2f}{to_loop:11.3f}")


if __name__ == "__main__":
    main()
