"""Throughput of the screen that `swanlab logs` shows, beside a bare `for line in file` loop over the same bytes.

Run it as `python tests/bench/bench_logs.py`. Both take turns, so that a busy machine slows both; printed are medians, and the
median of the ratios.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable

from swanlab_cli.parser.screen import Screen

ROUNDS = 5
CHUNK_BYTES = 1 << 20
_BAR = "\rEpoch 1/3:  %2d%%|#####     | %d/100 [00:01<00:01, 99.10it/s, loss=0.%d]"
_INNER = "\n\rBatch: %d%%|####      | %d/100 [00:00<00:00, 99.10it/s]\x1b[A"
_RICH = "\r\x1b[2K\x1b[1A\x1b[2K\x1b[32mTraining \x1b[0m \x1b[38;2;249;38;114m━━━━━\x1b[0m %d%%\n\x1b[1mEpoch\x1b[0m ━━ %d%%"
SAMPLES = {
    "plain lines": "2026-01-05 10:11:12 INFO trainer: saved a checkpoint, going on with the next shard\n" * 300_000,
    "lines of a terminal": "2026-01-05 10:11:12 INFO trainer: saved a checkpoint, going on with the next\r\n" * 300_000,
    "long lines": ("word " * 200 + "\n") * 20_000,
    "Chinese lines": "第3轮训练完成，训练损失 0.25，验证损失 0.5，已保存模型\n" * 100_000,
    "coloured lines": "\x1b[32m10:11:12\x1b[0m | \x1b[1mepoch=1 train_loss=2.072 acc=36.5%\x1b[0m\n" * 50_000,
    "tables of tabs": "epoch\tloss\tacc\t0.25\t0.5\t0.75\n" * 100_000,
    "one line without end": "word " * 4_000_000,
    "bars": "".join(_BAR % (n % 100, n % 100, n) + "\n" * (n % 100 == 99) for n in range(50_000)),
    "bars with erasing": "".join(_BAR % (n % 100, n % 100, n) + "\x1b[K" for n in range(50_000)),
    "nested bars": "".join(_BAR % (n % 100, n % 100, n) + _INNER % (n % 100, n % 100) for n in range(20_000)),
    "rich": "".join(_RICH % (n % 100, n % 100) for n in range(20_000)),
    "spinners": "working |\b/\b-\b\\\b" * 50_000,
}


def show(data: bytes) -> int:
    """Print *data* on a screen; the number of lines."""
    screen = Screen()
    count = sum(len(screen.feed(data[start : start + CHUNK_BYTES])) for start in range(0, len(data), CHUNK_BYTES))
    return count + len(screen.finish())


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
    print(f"{'sample':22}{'MB':>6}{'screen MB/s':>13}{'loop':>8}{'screen/loop':>13}")
    for name, text in SAMPLES.items():
        data = text.encode()
        rates = [(measure(show, data), measure(count_lines, data)) for _ in range(ROUNDS)]
        screen, loop = (statistics.median(column) for column in zip(*rates, strict=True))
        ratio = statistics.median(one / other for one, other in rates)
        print(f"{name:22}{len(data) / 1e6:6.1f}{screen:13.1f}{loop:8.0f}{ratio:13.3f}")


if __name__ == "__main__":
    main()
