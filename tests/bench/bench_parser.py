"""Throughput of the parser, and its ratio to one `re.finditer` a line over the same bytes.

Run it as `python tests/bench/bench_parser.py`. The two take turns, so that a busy machine slows both; printed are
medians.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable

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
    "one line without end": b"word " * 2_000_000,
}
_NAIVE = re.compile(r"([\w./@-]+)=([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)")


def parse(data: bytes) -> int:
    """Read *data* with the parser; the number of values found."""
    parser = Parser()
    found = 0
    for start in range(0, len(data), CHUNK_BYTES):
        found += len(parser.feed(data[start : start + CHUNK_BYTES]))
    return found + len(parser.finish())


def parse_naively(data: bytes) -> int:
    """Read *data* with one regular expression; the number of values found."""
    found = [
        (match[1], float(match[2]))
        for line in data.decode("utf-8", "replace").splitlines()
        for match in _NAIVE.finditer(line)
    ]
    return len(found)


def measure(read: Callable[[bytes], int], data: bytes) -> float:
    """Megabytes a second."""
    start = time.perf_counter()
    read(data)
    return len(data) / 1e6 / (time.perf_counter() - start)


def main() -> None:
    """Print one row a sample."""
    print(f"{'sample':24}{'MB/s':>8}{'naive':>8}{'ratio':>8}")
    for name, data in SAMPLES.items():
        rates = [(measure(parse, data), measure(parse_naively, data)) for _ in range(ROUNDS)]
        ours, naive = (statistics.median(column) for column in zip(*rates, strict=True))
        ratio = statistics.median(a / b for a, b in rates)
        print(f"{name:24}{ours:8.1f}{naive:8.1f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
