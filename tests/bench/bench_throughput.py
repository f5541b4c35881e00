"""Throughput: a raw writer to a terminal, a pipe and a file, bare and behind wrappers, which take turns.

Run: python tests/bench/bench_throughput.py [ROUNDS] [SINK...]. Needs gcc and script(1). Read the ratios to "bare".
The terminal is a pty whose other side a C program reads as fast as it can, with the modes of a fresh terminal (OPOST and ONLCR
on). Rates count from the first to the last byte there, since starting has a benchmark of its own (bench_start.py); those into a
file, which nobody reads, count the whole run. Each case writes as much as takes it a few seconds. Default: five rounds of all.
"""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SWANLAB = str(Path(sys.executable).parent / "swanlab")
BLOCKS = (65536 // 80 * 80, 80)
SINKS = ("terminal", "pipe", "file")
# What takes a second or more: megabytes through a pty and without one, in large blocks and in lines.
PTY_MEGABYTES, PIPE_MEGABYTES = (200, 60), (1500, 300)
ON_A_PTY = ("swanlab run", "C reader", "script", "pexpect")
WRITER = r"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* usage: writer BLOCK_BYTES MEGABYTES: lines of 80 bytes */
int main(int argc, char **argv)
{
    long block = atol(argv[1]), left = atol(argv[2]) * 1000000;
    char *buffer = malloc(block);
    memset(buffer, 'x', block);
    for (long at = 79; at < block; at += 80) buffer[at] = '\n';
    while (left > 0) {
        ssize_t written = write(1, buffer, block);
        if (written < 0) return 1;
        left -= written;
    }
    return 0;
}
"""
FAR_END = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static double now(void)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return moment.tv_sec + moment.tv_nsec * 1e-9;
}
/* usage: farend terminal|pipe COMMAND...: run COMMAND on a new terminal or with stdout in a pipe, read it all, and print how many
   seconds passed from the first byte to the last */
int main(int argc, char **argv)
{
    int ends[2], theirs, status;
    double first = 0, last = 0;
    static char buffer[1 << 20];
    int is_terminal = !strcmp(argv[1], "terminal");
    if (is_terminal) openpty(&ends[0], &theirs, NULL, NULL, NULL);
    else { pipe(ends); theirs = ends[1]; }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        if (is_terminal) { setsid(); ioctl(theirs, TIOCSCTTY, 0); dup2(theirs, 0); dup2(theirs, 2); }
        dup2(theirs, 1);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    close(theirs);
    while (read(ends[0], buffer, sizeof buffer) > 0) {
        last = now();
        if (!first) first = last;
    }
    waitpid(child, &status, 0);
    printf("%f\n", last - first);
    return WEXITSTATUS(status);
}
"""
C_READER = r"""
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
/* usage: creader COMMAND...: COMMAND's stdout on a pty that translates nothing, copied to ours */
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
PEXPECT = """
import os, sys, pexpect
child = pexpect.spawn(sys.argv[1], sys.argv[2:], maxread=65536)
while True:
    try:
        os.write(1, child.read_nonblocking(65536, None))
    except pexpect.EOF:
        break
"""
PIPE_TEE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
with open(os.environ["TEE_FILE"], "ab", 0) as copy:
    while data := os.read(child.stdout.fileno(), 65536):
        os.write(1, data)
        copy.write(data)
sys.exit(child.wait())
"""


def _compile(folder: str, name: str, source: str) -> str:
    path = os.path.join(folder, name)
    subprocess.run(["gcc", "-O2", "-w", "-x", "c", "-", "-o", path, "-lutil"], input=source.encode(), check=True)
    return path


def _wrappers(folder: str) -> dict[str, list[str]]:
    """Each wrapper as the words before the command; `script` takes the command as one word."""
    run = [SWANLAB, "run", "-q", "--logdir", os.path.join(folder, "logs")]
    return {
        "bare": [],
        "swanlab run": run,
        "swanlab run --no-pty": [*run, "--no-pty"],
        "C reader": [_compile(folder, "creader", C_READER)],
        "script": ["script", "-qefc"],
        "pexpect": [sys.executable, "-c", PEXPECT],
        "pipe tee": [sys.executable, "-c", PIPE_TEE],
    }


def _command(wrapper: list[str], child: list[str], folder: str) -> list[str]:
    if wrapper[:1] == ["script"]:
        return [*wrapper, shlex.join(child), os.path.join(folder, "typescript")]
    return [*wrapper, *child]


def _rate(sink: str, command: list[str], megabytes: int, folder: str) -> float:
    """MB/s of `command`: of its whole run into a file, or of the output that `farend` reads."""
    environ = {**os.environ, "TEE_FILE": os.path.join(folder, "copy")}
    if sink != "file":
        line = [os.path.join(folder, "farend"), sink, *command]
        taken = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ, check=True).stdout
        return megabytes / float(taken)
    with open(os.path.join(folder, "sink"), "wb") as output:
        started = time.perf_counter()
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, env=environ, check=True)
        return megabytes / (time.perf_counter() - started)


def _clean(folder: str) -> None:
    """Let a scribe that still parses finish, since it must not slow the next case, and remove what was written."""
    logs = os.path.join(folder, "logs")
    for process in psutil.process_iter(["cmdline"]):
        if logs in (process.info["cmdline"] or ()):
            process.wait()
    shutil.rmtree(logs, ignore_errors=True)
    for name in ("sink", "copy", "typescript"):
        Path(folder, name).unlink(missing_ok=True)


def _megabytes(sink: str, block: int, wrapper: str) -> int:
    amounts = PTY_MEGABYTES if sink == "terminal" or wrapper in ON_A_PTY else PIPE_MEGABYTES
    return amounts[BLOCKS.index(block)]


def _measure(sink: str, block: int, rounds: int, wrappers: dict[str, list[str]], folder: str) -> None:
    """Measure one kind of output behind all wrappers in turn, and print the medians."""
    rates: dict[str, list[float]] = {name: [] for name in wrappers}
    for turn in range(rounds):
        for name in wrappers if turn % 2 else reversed(wrappers):
            megabytes = _megabytes(sink, block, name)
            child = [os.path.join(folder, "writer"), str(block), str(megabytes)]
            rates[name].append(_rate(sink, _command(wrappers[name], child, folder), megabytes, folder))
            _clean(folder)
    bare = statistics.median(rates["bare"])
    for name, values in rates.items():
        median = statistics.median(values)
        paired = statistics.median(value / beside for value, beside in zip(values, rates["bare"], strict=True))
        spread = f"[{min(values):.0f} to {max(values):.0f}]"
        rate = f"{median:8.1f} MB/s {spread:15} {median / bare:5.2f} x bare, round by round {paired:5.2f}"
        print(f"{sink:8} {block:6} bytes a write  {name:21} {rate}", flush=True)


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        _compile(folder, "writer", WRITER)
        _compile(folder, "farend", FAR_END)
        wrappers = _wrappers(folder)
        for sink in sys.argv[2:] or SINKS:
            for block in BLOCKS:
                _measure(sink, block, rounds, wrappers, folder)


if __name__ == "__main__":
    main()
