"""The machine: operating system, names, processors, memory. Reads files of the kernel only; starts nothing."""

from __future__ import annotations

import glob
import os
import platform
import pwd

from swanlab_cli.environment.kernel import read_text
from swanlab_cli.environment.target import Facts, Target

# The key under which /proc/cpuinfo names the processor: x86 and newer ARM, older ARM, POWER, MIPS.
_MODEL_KEYS = ("model name", "Processor", "cpu", "cpu model")


def read_os() -> Facts:
    """`name`, `kernel`, `libc` and `architecture`."""
    kernel = os.uname()
    try:
        name: str | None = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        name = None
    return {"name": name, "kernel": kernel.release, "libc": _libc(), "architecture": kernel.machine}


def read_host(target: Target) -> Facts:
    """`name` of the host and `user`: the account, or what the environment calls it where the account has no name."""
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = target.environ.get("USER") or str(user)
    return {"name": os.uname().nodename, "user": name}


def read_cpu(target: Target) -> Facts:
    """`model`, and numbers of `sockets`, `cores`, hardware `threads`, and those `usable` by the child."""
    try:
        usable = os.sched_getaffinity(target.pid)
    except OSError:
        usable = os.sched_getaffinity(0)
    return {
        "model": _cpu_model(),
        "sockets": _count_groups("core_siblings_list"),
        "cores": _count_groups("thread_siblings_list"),
        "threads": os.cpu_count(),
        "usable": len(usable),
    }


def read_memory() -> Facts:
    """`total_bytes` of memory, `available_bytes` without swapping, `swap_bytes` of swap space in all."""
    sizes = {}
    for line in read_text("/proc/meminfo").splitlines():
        name, _, size = line.partition(":")
        sizes[name] = int(size.split()[0]) * 1024
    return {
        "total_bytes": sizes.get("MemTotal"),
        "available_bytes": sizes.get("MemAvailable"),
        "swap_bytes": sizes.get("SwapTotal"),
    }


def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except ValueError:
        return "musl" if glob.glob("/lib/ld-musl-*.so.1") else None


def _cpu_model() -> str | None:
    # The first processor only: to write the others the kernel interrupts each of them, and the child with it.
    fields = {}
    for line in read_text("/proc/cpuinfo", 4096).split("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return next((fields[key] for key in _MODEL_KEYS if key in fields), None)


def _count_groups(siblings: str) -> int | None:
    # Every thread of a core (socket) lists the same siblings. Documentation/ABI/stable/sysfs-devices-system-cpu
    groups = {read_text(path) for path in glob.glob(f"/sys/devices/system/cpu/cpu[0-9]*/topology/{siblings}")} - {""}
    return len(groups) or None
