"""Start and end: what `swanlab run` adds before a child's first instruction and after its last, against a bare interpreter.

Run: python tests/bench/bench_start.py [ROUNDS]. All cases take turns within one run; read the ratios of the medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SWANLAB = str(Path(sys.executable).parent / "swanlab")
# The child's first instruction is told by /bin/date, a C program: Python's own start must not blur the figure.
FIRST_INSTRUCTION = ["/bin/date", "+%s.%N"]
LAST_INSTRUCTION = [sys.executable, "-c", "import os, time; os.write(1, b'%.6f' % time.time())"]


def _wall_ms(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1e3


def _first_instruction_ms(prefix: list[str]) -> float:
    started = time.time()
    told = subprocess.run([*prefix, *FIRST_INSTRUCTION], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    return (float(told) - started) * 1e3


def _exit_after_child_ms(prefix: list[str]) -> float:
    told = subprocess.run([*prefix, *LAST_INSTRUCTION], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    return (time.time() - float(told)) * 1e3


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as folder:
        run = [SWANLAB, "run", "-q", "--logdir", os.path.join(folder, "logs"), "--"]
        cases: dict[str, Callable[[], float]] = {
            "python -c pass": lambda: _wall_ms([sys.executable, "-c", "pass"]),
            "swanlab run true, in all": lambda: _wall_ms([*run, "true"]),
            "first instruction, bare": lambda: _first_instruction_ms([]),
            "first instruction, swanlab run": lambda: _first_instruction_ms(run),
            "our end after the child's last instruction, bare": lambda: _exit_after_child_ms([]),
            "our end after the child's last instruction, swanlab run": lambda: _exit_after_child_ms(run),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for turn in range(rounds + 1):
            for name, measure in cases.items() if turn % 2 else reversed(cases.items()):
                value = measure()
                if turn:  # the first round warms the caches
                    times[name].append(value)
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    for name, median in medians.items():
        print(f"{name:58} {median:8.1f} ms  {median / bare:6.2f} x python -c pass  (min {min(times[name]):.1f})")


if __name__ == "__main__":
    main()
