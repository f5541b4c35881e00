"""What the whole machine uses, and what goes over the network: a few files of the kernel, read again and again."""

from __future__ import annotations

import os
from typing import NamedTuple

from swanlab_cli.environment.kernel import read_bytes


class MachineUse(NamedTuple):
    """What the machine uses at one moment, and has used since it was booted."""

    busy_s: float
    """Added up over processors; the sum of this and the next grows by their number each second."""
    idle_s: float
    memory_bytes: int
    """That no program can have without swapping: all that is not available."""
    swap_bytes: int
    load: float
    """Of the last minute."""


class NetworkUse(NamedTuple):
    """What has gone over the interfaces of a network namespace, the loopback left out."""

    received_bytes: int
    sent_bytes: int


def read_machine() -> MachineUse | None:
    """What the machine uses now, or None where the kernel does not tell."""
    try:
        # proc(5), /proc/stat: user nice system idle iowait irq softirq steal guest guest_nice; guests are in user and nice.
        ticks = [int(word) for word in read_bytes("/proc/stat").split(b"\n", 1)[0].split()[1:9]]
        sizes = dict(line.split(b":") for line in read_bytes("/proc/meminfo").splitlines())
        load = float(read_bytes("/proc/loadavg").split()[0])
        total, available, swap, swap_free = (
            int(sizes[name].split()[0]) * 1024 for name in (b"MemTotal", b"MemAvailable", b"SwapTotal", b"SwapFree")
        )
    except (IndexError, KeyError, ValueError):
        return None
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    idle = ticks[3] + ticks[4]
    return MachineUse((sum(ticks) - idle) / ticks_per_s, idle / ticks_per_s, total - available, swap - swap_free, load)


def read_network(pid: int) -> NetworkUse | None:
    """What has gone over the network of a process's namespace, or None when the process is gone."""
    received = sent = 0
    # proc(5), /proc/PID/net/dev: two lines of headers, then NAME: 8 numbers received, 8 numbers sent.
    lines = read_bytes(f"/proc/{pid}/net/dev").splitlines()[2:]
    for line in lines:
        name, _, numbers = line.partition(b":")
        words = numbers.split()
        if name.strip() != b"lo" and len(words) >= 9:
            received += int(words[0])
            sent += int(words[8])
    return NetworkUse(received, sent) if lines else None
