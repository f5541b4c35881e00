"""What following the bars adds to deriving points, over the same chunks: floods and a slow program.

Run it as `python tests/bench/bench_progress.py`. The two take turns; printed are medians.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from swanlab_cli.recorder.derivation import Derivation
from swanlab_cli.recorder.progress import ProgressFollower
from swanlab_cli.records import Chunk
from tests.handmade import HEADER

ROUNDS = 5
_BAR = b"\rEpoch %d/200:  %2d%%|####      | %d/100 [00:01<00:01, 99.10it/s, loss=0.%d, lr=0.05]"
SAMPLES = {
    "plain lines": b"2026-01-05 10:11:12 INFO trainer: saved a checkpoint, going on with the next shard\n" * 50_000,
    "pairs": b"step=12000 train_loss=2.0720 val_loss=0.3652 lr=9.75e-04 grad_norm=1.2345 time=0.12\n" * 10_000,
    "bars": b"".join(_BAR % (number // 100 + 1, number % 100, number % 100, number) for number in range(20_000)),
    "text without digits": b"the quick brown fox jumps over the lazy dog, and again over the dog\n" * 50_000,
}
PORTIONS = {"64 KiB every 10 ms": (65536, 0.01), "100 B a second": (100, 1.0)}


def chunks_of(data: bytes, size: int, interval_s: float) -> list[Chunk]:
    """The data as it comes."""
    return [Chunk(index * interval_s, "both", data[at : at + size]) for index, at in enumerate(range(0, len(data), size))]


def derive(chunks: list[Chunk]) -> float:
    """Seconds that deriving the points takes."""
    derivation = Derivation(HEADER._replace(parse="auto"))
    began = time.perf_counter()
    for chunk in chunks:
        derivation.feed_output([chunk])
    return time.perf_counter() - began


def follow(chunks: list[Chunk]) -> float:
    """Seconds that following the bars takes."""
    follower = ProgressFollower()
    began = time.perf_counter()
    for chunk in chunks:
        follower.feed([chunk])
    follower.finish()
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    print(f"{'sample':22}{'portions':22}{'without':>12}{'with':>12}{'a portion':>14}")
    for name, sample in SAMPLES.items():
        for label, (size, interval_s) in PORTIONS.items():
            data = sample if size > 1000 else sample[:200_000]
            chunks = chunks_of(data, size, interval_s)
            times = [(derive(chunks), follow(chunks)) for _ in range(ROUNDS)]
            alone, more = (median(column) for column in zip(*times, strict=True))
            rates = [len(data) / 1e6 / seconds for seconds in (alone, alone + more)]
            print(f"{name:22}{label:22}{rates[0]:7.1f} MB/s{rates[1]:7.1f} MB/s{1e6 * more / len(chunks):11.1f} µs")


if __name__ == "__main__":
    main()
