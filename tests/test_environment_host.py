"""environment.host: the facts agree with what other parts of the system say."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import subprocess

import psutil

from swanlab_cli.environment.host import read_cpu, read_host, read_memory, read_os
from swanlab_cli.environment.target import Target


def target_of(pid: int) -> Target:
    """A target of which only the pid counts."""
    return Target(("true",), "/bin/true", "/", {}, pid)


def test_os_is_named() -> None:
    """Name, kernel, C library and architecture are those of this machine."""
    libc = " ".join(platform.libc_ver())
    name = platform.freedesktop_os_release()["PRETTY_NAME"]
    expected = {"name": name, "kernel": platform.release(), "libc": libc, "architecture": platform.machine()}
    assert expected == read_os()


def test_host_and_user_are_named() -> None:
    """The host has its own name and no address; the user is the account, whatever the environment says."""
    assert {"name": socket.gethostname(), "user": getpass.getuser()} == read_host(target_of(os.getpid()))


def test_cpu_counts_agree_with_psutil() -> None:
    """Cores and threads are counted as psutil counts them; there is at least one socket."""
    cpu = read_cpu(target_of(os.getpid()))
    assert list(cpu) == ["model", "sockets", "cores", "threads", "usable"]
    assert (psutil.cpu_count(logical=False), psutil.cpu_count()) == (cpu["cores"], cpu["threads"])
    assert 1 <= cpu["sockets"] <= cpu["cores"]


def test_usable_is_what_the_child_may_use() -> None:
    """A child bound to one processor can use one; where it is gone our own binding, which it inherited, counts."""
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with child:
        os.sched_setaffinity(child.pid, {min(os.sched_getaffinity(0))})
        assert read_cpu(target_of(child.pid))["usable"] == 1
    assert len(os.sched_getaffinity(0)) == read_cpu(target_of(child.pid))["usable"]


def test_memory_agrees_with_psutil() -> None:
    """Sizes are in bytes; available memory moves, so only its bounds are certain."""
    memory = read_memory()
    available_bytes = memory.pop("available_bytes")
    total_bytes = psutil.virtual_memory().total
    assert {"total_bytes": total_bytes, "swap_bytes": psutil.swap_memory().total} == memory
    assert 0 < available_bytes <= total_bytes
