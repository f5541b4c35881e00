"""environment.tree: who belongs to a tree of processes and how much memory it holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from swanlab_cli.environment.tree import scan_for_descendants, tree_pids

MIB = 2**20
# Holds 64 MiB and starts another like itself, ARGV[1] deep, from a thread; each tells its pid and ends with its stdin.
MEMBER = """
import os, subprocess, sys, threading
memory = bytearray(b"x") * (64 * 2**20)
def descend():
    depth = int(sys.argv[1])
    if depth:
        subprocess.Popen([sys.executable, "-S", "-c", sys.argv[2], str(depth - 1), sys.argv[2]])
    os.write(1, b"%d\\n" % os.getpid())
    sys.stdin.read()
thread = threading.Thread(target=descend)
thread.start()
thread.join()
"""


@contextmanager
def tree_of(depth: int) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A living tree, one child below the other: its root and the pids of all of it."""
    root = subprocess.Popen(
        [sys.executable, "-S", "-c", MEMBER, str(depth), MEMBER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with root:
        assert root.stdin is not None
        assert root.stdout is not None
        try:
            yield root, [int(root.stdout.readline()) for _ in range(depth + 1)]
        finally:
            root.stdin.close()
            root.stdout.read()  # returns when the last member has closed its end


def test_tree_holds_all_generations_forked_by_any_thread() -> None:
    """A child that a thread forked belongs to the tree, and so do that child's children."""
    with tree_of(2) as (root, pids):
        assert sorted(pids) == sorted(tree_pids(root.pid))
        assert root.pid == tree_pids(root.pid)[0]


def test_scan_finds_what_the_kernel_lists() -> None:
    """Where the kernel does not list children, looking at every process gives the same descendants."""
    with tree_of(2) as (root, pids):
        assert sorted({*pids} - {root.pid}) == sorted(scan_for_descendants(root.pid))


def test_tree_that_has_ended_is_itself() -> None:
    """Neither a zombie nor a process that was waited for has descendants."""
    child = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        assert child.stdout.read() == b""
        child.wait(timeout=20)
    assert scan_for_descendants(child.pid) == []
    assert tree_pids(child.pid) == [child.pid]


def test_module_is_light() -> None:
    """The long-lived recorder imports the module: it brings nothing but itself and how the kernel's files are read."""
    code = "import sys; before = set(sys.modules); import swanlab_cli.environment.tree; print(*sorted({*sys.modules} - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True).stdout
    assert loaded.split() == [
        "__future__", "swanlab_cli", "swanlab_cli.environment", "swanlab_cli.environment.kernel", "swanlab_cli.environment.tree"
    ]  # fmt: skip
