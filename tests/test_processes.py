"""environment/processes.py and machine.py: what trees of real processes use, against psutil."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from swanlab_cli.environment.machine import read_machine, read_network
from swanlab_cli.environment.processes import ProcessTree, TreeDetails, TreeUse

from .conftest import wait_for

MIB = 1 << 20
BURN = "import time\nends = time.process_time() + {seconds}\nwhile time.process_time() < ends: pass\n"
# Runs the code that comes on each line of stdin, and says when it is done.
MEMBER = "import sys\nfor line in sys.stdin:\n    exec(line.encode().decode('unicode_escape'))\n    print('done', flush=True)\n"


class Member:
    """A process that does as it is told."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process

    def do(self, code: str) -> None:
        """Run this code to its end in it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(code.encode("unicode_escape") + b"\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"done\n"


@contextmanager
def member() -> Iterator[Member]:
    """A process that lives until it is left."""
    command = [sys.executable, "-S", "-c", MEMBER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            yield Member(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def looked(tree: ProcessTree) -> TreeUse:
    """What a tree that lives uses."""
    use = tree.look()
    assert use is not None
    return use


def start_child(code: str, name: str = "child") -> str:
    """Code that starts a process that runs this code and then waits for ever."""
    waits = code + "\nimport time; print('ready', flush=True); time.sleep(1000)"
    command = f"[{sys.executable!r}, '-S', '-c', {waits!r}]"
    return f"import subprocess; {name} = subprocess.Popen({command}, stdout=-1); {name}.stdout.readline()"


def test_memory_is_that_of_all_members() -> None:
    """Three processes of 64 MiB hold three times 64 MiB; proportionally no more than that with their interpreters."""
    with member() as root:
        root.do("block = bytearray(64 << 20)")
        for name in "ab":
            root.do(start_child("block = bytearray(64 << 20)", name))
        tree = ProcessTree(root.pid)
        use = looked(tree)
        details = tree.look_closer(pss_budget_s=60.0)
        everybody = [psutil.Process(root.pid), *psutil.Process(root.pid).children(recursive=True)]
        expected = sum(process.memory_full_info().pss for process in everybody)
    assert 3 * 64 * MIB <= use.rss_bytes < 3 * 96 * MIB
    assert details.pss_bytes is not None
    assert abs(details.pss_bytes - expected) < MIB
    assert details.pss_bytes <= use.rss_bytes


def test_proportional_memory_is_read_of_some_at_a_time() -> None:
    """With no budget of one process at each look, and the sum is known once all were read."""
    with member() as root:
        for name in "ab":
            root.do(start_child("", name))
        tree = ProcessTree(root.pid)
        known = []
        for _ in range(4):
            looked(tree)
            known.append(tree.look_closer(pss_budget_s=0.0).pss_bytes is not None)
    assert known == [False, False, True, True]


def test_threads_processes_and_open_files() -> None:
    """As psutil counts them."""
    with member() as root:
        root.do(
            start_child("import threading, time; [threading.Thread(target=time.sleep, args=(1000,)).start() for _ in range(5)]")
        )
        root.do("files = [open('/dev/null') for _ in range(30)]")
        tree = ProcessTree(root.pid)
        use = looked(tree)
        details = tree.look_closer(0.0)
        everybody = [psutil.Process(root.pid), *psutil.Process(root.pid).children(recursive=True)]
        open_files = sum(process.num_fds() for process in everybody)
    assert (use.threads, use.processes, details.open_files) == (7, 2, open_files)


def test_written_bytes_are_those_of_storage(tmp_path: Path) -> None:
    """Of the living and of those that were waited for."""
    path = tmp_path / "file"
    write = f"import os; file = open({str(path)!r}, 'wb'); file.write(os.urandom(3 << 20)); file.flush(); os.fsync(file.fileno())"
    with member() as root:
        tree = ProcessTree(root.pid)
        looked(tree)
        before = tree.look_closer(0.0).written_bytes
        root.do(write)
        looked(tree)
        alive = tree.look_closer(0.0).written_bytes - before
        root.do(f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {write!r}])")
        looked(tree)
        waited_for = tree.look_closer(0.0).written_bytes - before
    # Blocks, so a little more; nothing where files lie in memory.
    assert [size // MIB for size in (alive, waited_for)] == ([0, 0] if _is_in_memory(tmp_path) else [3, 6])


def _is_in_memory(path: Path) -> bool:
    mounts = [partition for partition in psutil.disk_partitions(all=True) if str(path).startswith(partition.mountpoint)]
    return max(mounts, key=lambda partition: len(partition.mountpoint)).fstype in ("tmpfs", "overlay", "ramfs")


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("child.kill(); child.wait()", id="waited-for"),
        pytest.param("pass", id="alive"),
    ],
)
def test_time_of_a_child_is_kept(end: str) -> None:
    """However it ended, what it has used stays in the sum, once."""
    with member() as root:
        tree = ProcessTree(root.pid)
        root.do(start_child(BURN.format(seconds=0.5)))
        seen = looked(tree).cpu_s
        root.do(end)
        root.do(BURN.format(seconds=0.2))
        after = looked(tree).cpu_s
    assert 0.5 <= seen < 0.9
    assert 0.17 <= after - seen < 0.4  # the kernel counts in hundredths, for each process


def test_time_of_an_orphan_is_kept() -> None:
    """It is seen while it lives, though its parent has ended, and stays in the sum when nobody in the tree waits for it."""
    with member() as root:
        root.do(start_child(start_child(BURN.format(seconds=0.4))))
        number = psutil.Process(root.pid).children(recursive=True)[-1].pid
        tree = ProcessTree(root.pid)
        first = looked(tree)
        root.do("child.kill(); child.wait()")
        orphaned = looked(tree)
        os.kill(number, signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{number}").exists() or psutil.Process(number).status() == "zombie", "orphan gone")
        wait_for(lambda: looked(tree).processes == 1, "only the root is left")
        last = looked(tree)
    assert (first.processes, orphaned.processes, last.processes) == (3, 2, 1)
    assert first.cpu_s >= 0.4
    assert orphaned.cpu_s >= first.cpu_s
    assert orphaned.cpu_s <= last.cpu_s < orphaned.cpu_s + 0.2


def test_sums_never_fall(tmp_path: Path) -> None:
    """Whatever comes and goes."""
    with member() as root:
        tree = ProcessTree(root.pid)
        sums: list[tuple[float, int, int]] = []
        for number in range(6):
            root.do(start_child(BURN.format(seconds=0.05), f"c{number}"))
            if number % 2:
                root.do(f"c{number - 1}.kill(); c{number - 1}.wait()")
            use, details = looked(tree), tree.look_closer(0.0)
            sums.append((use.cpu_s, details.read_bytes, details.written_bytes))
    for place in range(3):
        series = [one[place] for one in sums]
        assert series == sorted(series)


def test_tree_that_has_ended_uses_nothing() -> None:
    """Neither a zombie nor a process that was waited for is looked at."""
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as process:
        tree = ProcessTree(process.pid)
        assert process.stdout is not None
        process.stdout.read()
        wait_for(lambda: tree.look() is None, "the zombie is seen as one")
        process.wait()
    assert tree.look() is None
    assert tree.look_closer(0.0) == TreeDetails(0, 0, 0, 0)


def test_machine() -> None:
    """Memory, swap and processor time are about those of psutil, taken a moment later."""
    use = read_machine()
    assert use is not None
    memory, times = psutil.virtual_memory(), psutil.cpu_times()
    assert use.memory_bytes == pytest.approx(memory.total - memory.available, abs=256 * MIB)
    assert abs(use.idle_s - times.idle - times.iowait) < 60.0
    assert use.busy_s > 0.0
    assert use.swap_bytes == pytest.approx(psutil.swap_memory().used, abs=64 * MIB)


def test_network_is_that_of_the_namespace() -> None:
    """Without the loopback; of a process that is gone nothing is known."""
    interfaces = psutil.net_io_counters(pernic=True)
    use = read_network(os.getpid())
    assert use is not None
    later = psutil.net_io_counters(pernic=True)
    assert sum(interfaces[name].bytes_recv for name in interfaces if name != "lo") <= use.received_bytes
    assert use.sent_bytes <= sum(later[name].bytes_sent for name in later if name != "lo")
    assert read_network(2**22 + 1) is None
