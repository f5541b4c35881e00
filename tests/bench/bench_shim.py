"""What the shim costs: `log()` against one `os.write` of the same line; import, `init`, exit and memory against a bare Python.

Run `python tests/bench/bench_shim.py [DIRECTORY]` with the interpreter to measure; the inbox is written in a temporary
folder below DIRECTORY (default: where the system keeps such folders). Rounds alternate, so that a noisy machine
disturbs both sides alike. Asked are 1.5 for the ratio, a p99 of 20 medians, 1 us a key for 100 keys, 15 ms for the import,
2 ms for `init` and 5 MB. The least that Python can do, reading the clock, packing two floats and writing them, is shown too.
"""

from __future__ import annotations

import binascii
import os
import statistics
import struct
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
        compare_starts(folder)


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
    wide = {f"metric_{number}": number / 7 for number in range(100)}
    swanlab.log(wide)
    wide_line = b"\n#%d.1 %s\n" % (os.getpid(), b"0" * 16 * 101)
    calls: dict[str, tuple[Callable[..., object], object, object]] = {
        "os.write": (os.write, descriptor, line),
        "the least in Python": (least(descriptor), data, None),
        "log(two floats)": (swanlab.log, data, None),
        "log(two floats, step=7)": (swanlab.log, data, 7),
        "log(a float and an int)": (swanlab.log, mixed, None),
        "os.write, 100 keys": (os.write, descriptor, wide_line),
        "log(100 floats)": (swanlab.log, wide, None),
    }
    rounds = [{name: median_and_p99_ns(*call) for name, call in calls.items()} for _ in range(ROUNDS)]
    for name in calls:
        cost, p99 = (statistics.median(each[name][part] for each in rounds) for part in (0, 1))
        ratio = statistics.median(each[name][0] / each["os.write"][0] for each in rounds)
        print(f"{name:26}{cost:7.0f} ns{ratio:7.2f} x os.write{p99 / cost:7.1f} medians at p99")
    keys = [(each["log(100 floats)"][0] - each["os.write, 100 keys"][0]) / 100 for each in rounds]
    print(f"a key, of 100             {statistics.median(keys):7.0f} ns above the write")


def least(descriptor: int) -> Callable[[dict[str, float], object], None]:
    """The smallest function that writes the same line: no check, no answer, no choice of keys."""
    pack, frame = struct.Struct(">3d").pack, (b"\n#%d.0 " % os.getpid(), b"\n")

    def log(data: dict[str, float], _step: object) -> None:
        os.write(descriptor, binascii.hexlify(pack(time.time(), data["loss"], data["acc"])).join(frame))

    return log


def median_and_p99_ns(call: Callable[..., object], first: object, second: object) -> tuple[float, float]:
    """Median duration of a call with two arguments, and the one that 1 % exceed; the reading of the clock included."""
    clock = time.perf_counter_ns
    durations = []
    for _ in range(CALLS):
        begin = clock()
        call(first, second)
        durations.append(clock() - begin)
    durations.sort()
    return statistics.median(durations), durations[CALLS * 99 // 100]


def compare_starts(folder: str) -> None:
    """Print the median start of Python, and what importing the shim, joining the run and logging add to it."""
    environment = dict(os.environ, PYTHONPATH=str(SHIM))
    environment.update(SWANLAB_CLI_RUN_DIR=folder, SWANLAB_CLI_INBOX=f"{folder}/a0-r0.inbox-")
    log = "swanlab.log({'loss': 0.5, 'acc': 0.25})"
    codes = {
        "pass": "",
        "import swanlab": "import swanlab",
        "init": f"import swanlab; begin(); swanlab.init('p', config={{'lr': 0.1}}); end(); {log}",
        "1000 calls": f"import swanlab; swanlab.init()\nfor _ in range(1000): {log}",
    }
    costs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in codes}
    for _ in range(STARTS + 1):
        for name, code in codes.items():
            begin = time.perf_counter()
            program = subprocess.run(
                [sys.executable, "-c", f"{_TIMING}\n{code}{_RESULT}"], env=environment, check=True, capture_output=True, text=True
            )
            within, memory, ended = map(float, program.stdout.split())
            costs[name].append((time.perf_counter() - begin, memory, within if name == "init" else time.perf_counter() - ended))
    whole, resident, third = (
        {name: statistics.median(cost[part] for cost in runs[1:]) for name, runs in costs.items()} for part in range(3)
    )
    print(f"python -c pass            {whole['pass'] * 1000:7.1f} ms")
    print(f"import swanlab adds       {(whole['import swanlab'] - whole['pass']) * 1000:7.1f} ms")
    print(f"init()                    {third['init'] * 1000:7.1f} ms")
    print(f"exit after 1000 calls adds{(third['1000 calls'] - third['pass']) * 1000:7.1f} ms")
    print(f"memory after them         {(resident['1000 calls'] - resident['pass']) / 1000:7.1f} MB more")


# perf_counter is the same clock in all processes of Linux, so the end of a program can be told from outside.
_TIMING = """
import time
marks = [0.0, 0.0]
def begin(): marks[0] = time.perf_counter()
def end(): marks[1] = time.perf_counter()
"""
_RESULT = """
memory = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(marks[1] - marks[0], memory, time.perf_counter(), flush=True)
"""

if __name__ == "__main__":
    main()
