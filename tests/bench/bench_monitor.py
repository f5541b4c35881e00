"""What sampling costs: processor time for a sample of a tree of a hundred processes, of the looks alone and of a whole scribe.

The tree holds 500 MB of touched memory in all; every second process has four threads more, each twenty open files.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from swanlab_cli.environment.processes import ProcessTree
from swanlab_cli.recorder.monitor import Monitor
from swanlab_cli.records import Lane
from swanlab_cli.store.reader import count_samples

PROCESSES, SAMPLES, INTERVAL_S = 100, 10, 10.0
MEMBER = """
import sys, threading, time
block = bytearray(b'x') * (5 << 20)
files = [open('/dev/null') for _ in range(20)]
for _ in range(int(sys.argv[1])):
    threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
print('ready', flush=True)
time.sleep(1e6)
"""
TREE = f"""
import subprocess, sys
command = [sys.executable, '-S', '-c', {MEMBER!r}]
members = [subprocess.Popen([*command, str(4 * (n % 2))], stdout=subprocess.PIPE) for n in range({PROCESSES} - 1)]
for member in members:
    member.stdout.readline()
print('ready', flush=True)
sys.stdin.read()
for member in members:
    member.kill()
"""


def main() -> None:
    """Print milliseconds a sample, and which share of a core that is at the default interval."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as root:
        try:
            assert root.stdout is not None
            root.stdout.readline()
            _looks(root.pid)
        finally:
            os.killpg(root.pid, signal.SIGKILL)
    _whole_scribe()


def _looks(pid: int) -> None:
    tree, written = ProcessTree(pid), [0]

    def write(*_: object) -> None:
        written[0] += 1

    monitor = Monitor(pid, INTERVAL_S, 0, write)
    looks, samples = [], []
    for _ in range(SAMPLES):
        began = time.process_time()
        tree.look()
        looks.append(time.process_time() - began)
        began = time.process_time()
        monitor.sample()
        samples.append(time.process_time() - began)
    print(f"{len(tree.pids)} processes; a look at the tree: {1000 * statistics.median(looks):.1f} ms of processor time")
    share = statistics.median(samples) / INTERVAL_S
    print(f"a sample: {1000 * statistics.median(samples):.1f} ms, at {INTERVAL_S:.0f} s {share:.2%} of a core (asked: 0.30%)")


def _whole_scribe() -> None:
    """A real run of the same tree, sampled every second: what its scribe has used per sample, all that it does included."""
    with tempfile.TemporaryDirectory() as folder:
        swanlab = str(Path(sys.executable).parent / "swanlab")
        command = [swanlab, "run", "-q", "--no-pty", "--monitor-interval", "1", sys.executable, "-S", "-c", TREE]
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as run:
            try:
                assert run.stdout is not None
                run.stdout.readline()
                (directory,) = Path(folder, "swanlog").glob("run-*")
                scribe = _scribe(directory)
                before, first = _cpu_s(scribe), count_samples(str(directory), Lane())
                while (count := count_samples(str(directory), Lane())) < first + SAMPLES:
                    time.sleep(0.1)
                each_s = (_cpu_s(scribe) - before) / (count - first)
            finally:
                run.communicate(timeout=60)  # its members end with it
    print(f"the whole scribe: {1000 * each_s:.1f} ms a sample, at {INTERVAL_S:.0f} s {each_s / INTERVAL_S:.2%} of a core")


def _scribe(directory: Path) -> int:
    line = next(line for line in (directory / "a0-r0.events.jsonl").read_text().splitlines() if '"scribe"' in line)
    return int(line.partition('"pid":')[2].partition(",")[0])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
