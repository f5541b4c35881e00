"""Soak: three runs under mixed load for half an hour; memory and descriptors of all recording processes must not grow.

Run: make soak, or python tests/bench/soak.py [MINUTES]. One run on a terminal that is resized, one into a pipe, one with --no-pty
and its streams apart; each child alternates metrics, bars, bursts, long lines, stderr, calls of the shim and silence. Prints, for
each process, the least memory and descriptors in the second and in the last fifth of the time; exits 1 if either
has grown.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import IO

import psutil

SWANLAB = str(Path(sys.executable).parent / "swanlab")
# What is called growth: more than noise of the allocator, in MB.
_MOST_GROWTH_MB = 0.5
_SAMPLE_S = 5.0
CHILD = r"""
import random, sys, time
import swanlab

until, step = time.monotonic() + float(sys.argv[1]), 0
chance = random.Random(17)
while time.monotonic() < until:
    kind = chance.random()
    if kind < 0.5:
        for _ in range(40):
            step += 1
            print(f"step={step} loss={1 / step:.6f} acc={chance.random():.4f}", flush=True)
            time.sleep(0.01)
    elif kind < 0.6:
        for count in range(100):
            print(f"\r{count}% |{'#' * (count // 5):20}| it={count}", end="", file=sys.stderr, flush=True)
            time.sleep(0.005)
        print(file=sys.stderr)
    elif kind < 0.7:
        for _ in range(20000):
            print("x" * 79)
    elif kind < 0.75:
        print("y" * 3_000_000)
    elif kind < 0.9:
        for _ in range(200):
            step += 1
            swanlab.log({"logged": step / 2, "other": 1.0}, step=step)
            time.sleep(0.001)
    else:
        time.sleep(2)
"""


def _read_all(source: int | IO[bytes]) -> None:
    descriptor = source if isinstance(source, int) else source.fileno()
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:  # EIO, as a terminal says end of file
        pass


def _start(seconds: float, logs: str) -> tuple[list[subprocess.Popen[bytes]], int]:
    """The three runs, whose output is being read, and the terminal of the first."""
    child = [sys.executable, "-c", CHILD, str(seconds)]
    run = [SWANLAB, "run", "-q", "--logdir", logs]
    ours, theirs = os.openpty()
    processes = [
        subprocess.Popen([*run, *child], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True),
        subprocess.Popen([*run, *child], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT),
        subprocess.Popen([*run, "--no-pty", *child], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE),
    ]
    os.close(theirs)
    outputs = [stream for process in processes for stream in (process.stdout, process.stderr) if stream is not None]
    for source in (ours, *outputs):
        threading.Thread(target=_read_all, args=(source,), daemon=True).start()
    return processes, ours


def _sample(pid: int, sizes: dict[str, list[tuple[float, float, int]]], name: str) -> None:
    """Note memory and descriptors of the recording processes of one run: the pump and what it forked, but for the child."""
    pump = psutil.Process(pid)
    for process in [pump, *pump.children()]:
        try:
            if process == pump or process.cmdline()[:3] == pump.cmdline()[:3]:
                role = "pump" if process == pump else "scribe" if process.num_threads() and _is_idle(process.pid) else "witness"
                sizes[f"{name} {role}"].append((time.monotonic(), _anonymous_mb(process.pid), process.num_fds()))
        except (psutil.Error, OSError, StopIteration):  # it has ended a moment ago
            continue


def _anonymous_mb(pid: int) -> float:
    """Memory that is no file's. Pages that a process shares with the one it was forked from count: by and by it gets copies."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) / 1000


def _is_idle(pid: int) -> bool:
    return os.sched_getscheduler(pid) == os.SCHED_IDLE


def main() -> None:
    """Load, sample, print, judge."""
    seconds = 60 * (float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
    sizes: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as logs:
        processes, terminal = _start(seconds, logs)
        started = time.monotonic()
        while all(process.poll() is None for process in processes):
            for process, name in zip(processes, ("terminal", "pipe", "--no-pty"), strict=True):
                _sample(process.pid, sizes, name)
            rows = 24 + int(time.monotonic()) % 20
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 3 * rows, 0, 0))
            time.sleep(_SAMPLE_S)  # the interval of sampling
        codes = [process.wait() for process in processes]
        recorded = sum(path.stat().st_size for path in Path(logs).rglob("*.output"))
    print(f"{(time.monotonic() - started) / 60:.1f} minutes, {recorded / 1e6:.0f} MB recorded, exit codes {codes}")
    has_grown = [_report(name, samples) for name, samples in sizes.items()]
    sys.exit(any(has_grown) or any(codes))


def _report(name: str, samples: list[tuple[float, float, int]]) -> bool:
    """Print one process's figures; whether it has grown.

    Its calmest moments are compared: a line of 3 MB that is half there, or a look at /proc, takes memory and a descriptor
    for a while, whereas what leaks is there always.
    """
    fifth = len(samples) // 5
    early, late = samples[fifth : 2 * fifth], samples[-fifth:]
    memory = [min(sample[1] for sample in part) for part in (early, late)]
    descriptors = [min(sample[2] for sample in part) for part in (early, late)]
    print(f"{name:18} {memory[0]:6.2f} -> {memory[1]:6.2f} MB   {descriptors[0]:3} -> {descriptors[1]:3} descriptors")
    return memory[1] > memory[0] + _MOST_GROWTH_MB or descriptors[1] > descriptors[0]


if __name__ == "__main__":
    main()
