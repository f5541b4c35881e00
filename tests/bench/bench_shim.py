"""What the shim costs: `log()` against one bare `os.write`, and `import swanlab` against a bare start of Python.

Run `python tests/bench/bench_shim.py [DIRECTORY]` with the interpreter to measure; the inbox is written in a temporary
folder below DIRECTORY (default: where the system keeps such folders). Rounds alternate, so that a noisy machine
disturbs both sides alike. The bounds are 2.0 for the ratio and 15 ms for the import.
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

SHIM = Path(__file__).resolve().parents[2] / "shim"
CALLS = 100_000
ROUNDS = 7
STARTS = 40


def main() -> None:
    """Measure both and print what came out."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        compare_calls(folder)
    compare_starts()


def compare_calls(folder: str) -> None:
    """Print the medians of 100 000 calls, and the ratio, for the kinds of calls that scripts make."""
    os.environ["SWANLAB_CLI_RUN_DIR"] = os.path.abspath(folder)
    os.environ["SWANLAB_CLI_INBOX"] = os.path.abspath(folder) + "/a0-r0.inbox-"
    sys.path.insert(0, str(SHIM))
    import swanlab  # type: ignore[import-not-found]  # it reads the variables set above

    data, mixed = {"loss": 0.5, "acc": 2.0}, {"loss": 0.5, "acc": 2}
    swanlab.log(data)
    (inbox,) = Path(folder).iterdir()
    line = b"\n" + inbox.read_bytes().split()[-2] + b" " + inbox.read_bytes().split()[-1] + b"\n"
    descriptor = os.open(folder + "/bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    calls: dict[str, tuple[Callable[..., object], object, object]] = {
        "os.write": (os.write, descriptor, line),
        "log(two floats)": (swanlab.log, data, None),
        "log(two floats, step=7)": (swanlab.log, data, 7),
        "log(a float and an int)": (swanlab.log, mixed, None),
    }
    rounds = [{name: median_ns(*call) for name, call in calls.items()} for _ in range(ROUNDS)]
    for name in calls:
        cost = statistics.median(each[name] for each in rounds)
        ratio = statistics.median(each[name] / each["os.write"] for each in rounds)
        print(f"{name:26}{cost:7.0f} ns{ratio:7.2f} x os.write")


def median_ns(call: Callable[..., object], first: object, second: object) -> float:
    """Median duration of a call with two arguments, the reading of the clock included."""
    clock = time.perf_counter_ns
    durations = []
    for _ in range(CALLS):
        begin = clock()
        call(first, second)
        durations.append(clock() - begin)
    return statistics.median(durations)


def compare_starts() -> None:
    """Print the median start of Python, and what importing the shim adds to it."""
    environment = dict(os.environ, PYTHONPATH=str(SHIM))
    costs: dict[str, list[float]] = {"pass": [], "import swanlab": []}
    for _ in range(STARTS + 1):
        for code, seconds in costs.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], env=environment, check=True)
            seconds.append(time.perf_counter() - begin)
    bare, with_shim = (statistics.median(seconds[1:]) * 1000 for seconds in costs.values())
    print(f"python -c pass            {bare:7.1f} ms\nimport swanlab adds       {with_shim - bare:7.1f} ms")


if __name__ == "__main__":
    main()
