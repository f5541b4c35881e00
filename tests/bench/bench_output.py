"""Output: a raw writer through `swanlab run` with parsing on, against a read loop in C on a raw pty.

Run: python tests/bench/bench_output.py [MEGABYTES] [ROUNDS]. Needs gcc. Cases take turns; read the ratios of the medians.
Output goes to /dev/null, the record to a temporary folder. "kv" lines hold five metrics each.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SWANLAB = str(Path(sys.executable).parent / "swanlab")
WRITER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* usage: writer BLOCK_BYTES MEGABYTES KIND: lines of 80 bytes, KIND plain or kv */
int main(int argc, char **argv)
{
    long block = atol(argv[1]), left = atol(argv[2]) * 1000000;
    char *buffer = malloc(block + 81);
    for (long at = 0, n = 0; at < block; at += 80, n++) {
        memset(buffer + at, 'x', 79);
        if (!strcmp(argv[3], "kv")) {
            int used = sprintf(buffer + at, "step=%ld loss=%.5f acc=%.5f lr=1e-4 norm=%.3f ", n, 1.0 / (n + 1), 0.5, 1.25);
            buffer[at + used] = 'x';
        }
        buffer[at + 79] = '\n';
    }
    while (left > 0) {
        ssize_t written = write(1, buffer, block);
        if (written < 0) return 1;
        left -= written;
    }
    return 0;
}
"""
READER = r"""
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
/* usage: reader COMMAND...: COMMAND's stdout on a raw pty, copied to ours */
int main(int argc, char **argv)
{
    int ours, theirs, length;
    struct termios modes;
    static char buffer[65536];
    openpty(&ours, &theirs, NULL, NULL, NULL);
    tcgetattr(theirs, &modes);
    modes.c_oflag &= ~OPOST;
    tcsetattr(theirs, TCSANOW, &modes);
    if (fork() == 0) {
        dup2(theirs, 1);
        close(ours);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    close(theirs);
    while ((length = read(ours, buffer, sizeof buffer)) > 0) write(1, buffer, length);
    return wait(NULL) < 0;
}
"""


def _compile(folder: str, name: str, source: str) -> str:
    path = os.path.join(folder, name)
    subprocess.run(["gcc", "-O2", "-w", "-x", "c", "-", "-o", path, "-lutil"], input=source.encode(), check=True)
    return path


def _rate(command: list[str], megabytes: int) -> float:
    """MB/s of a whole run of `command`."""
    started = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return megabytes / (time.perf_counter() - started)


def _wait_for_scribes(logs: str) -> None:
    """Let a scribe that still parses finish: it must not slow the next case."""
    for process in psutil.process_iter(["cmdline"]):
        if logs in (process.info["cmdline"] or ()):
            process.wait()


def main() -> None:
    """Measure and print."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        writer, reader = _compile(folder, "writer", WRITER), _compile(folder, "reader", READER)
        logs = os.path.join(folder, "logs")
        run = [SWANLAB, "run", "-q", "--logdir", logs, "--parse"]
        for block, kind in ((65536 // 80 * 80, "plain"), (65536 // 80 * 80, "kv"), (80, "plain"), (80, "kv")):
            child = [writer, str(block), str(megabytes), kind]
            cases = {"C reader": [reader, *child], "swanlab run": [*run, "kv", *child], "without parsing": [*run, "none", *child]}
            rates: dict[str, list[float]] = {name: [] for name in cases}
            for turn in range(rounds):
                for name in cases if turn % 2 else reversed(cases):
                    rates[name].append(_rate(cases[name], megabytes))
                    _wait_for_scribes(logs)
                    shutil.rmtree(logs, ignore_errors=True)
            base = statistics.median(rates["C reader"])
            for name, values in rates.items():
                median = statistics.median(values)
                print(f"{block:6} bytes a write, {kind:5}  {name:16} {median:8.1f} MB/s  {median / base:5.2f} x C reader")


if __name__ == "__main__":
    main()
