"""environment.facts: all probes together, in a process as short-lived as the recorder's."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from swanlab_cli.environment.facts import DEADLINES_S

DEADLINE_S = 40.0
# Prints what collect() yields, a line each: it forks, which a process with pytest's threads should not do.
MACHINE = ["cgroup", "container", "cpu", "disks", "host", "limits", "memory", "os", "scheduler", "variables"]
OTHERS = ["accelerators", "conda", "python", "script"]
PROBER = """
import json, sys
from swanlab_cli.environment.facts import Target, collect
target, deadlines_s, most = json.load(sys.stdin)
facts = collect(Target(tuple(target[0]), *target[1:]), deadlines_s)
for count, one in enumerate(facts, 1):
    print(json.dumps(one), flush=True)
    if count == most:
        facts.close()
        break
"""


def collect(target: tuple[Any, ...], most: int | None = None, **deadlines_s: float) -> list[tuple[str, dict[str, Any]]]:
    """What a prober finds, in order of arrival; it must say nothing else and leave no process behind."""
    prober = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBER],
        input=json.dumps([target, {**DEADLINES_S, **deadlines_s}, most]),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert prober.stderr == ""
    return [tuple(json.loads(line)) for line in prober.stdout.splitlines()]


def test_all_facts_are_collected(tmp_path: Path) -> None:
    """Each probe gives its facts once."""
    environ = {"PATH": os.environ["PATH"]}
    facts = dict(collect((("python", "a.py"), sys.executable, str(tmp_path), environ, os.getpid())))
    assert set(facts) == {*MACHINE, "accelerators", "conda", "diff", "git", "python", "script"}
    assert facts["git"] == {"root": None}
    assert (f"{tmp_path}/a.py", sys.prefix) == (facts["python"]["script"], facts["python"]["prefix"])
    assert "pytest" in facts["python"]["packages"]


def test_nothing_to_go_by_is_survived(tmp_path: Path) -> None:
    """A directory that is gone, no environment, no executable, no child: what the machine is remains known."""
    found = collect(((), None, str(tmp_path / "gone"), {}, 2**22 + 1))
    assert sorted(name for name, _ in found) == sorted([*MACHINE, *OTHERS, "failed", "failed"])
    assert dict(found)["python"] == {"executable": None, "not_injected": None}
    assert {"diff", "git"} == {facts["probe"] for name, facts in found if name == "failed"}


def hanging_git(tmp_path: Path) -> tuple[dict[str, str], int]:
    """The environment of a command whose git never answers, and the reading end of a pipe that each such git holds open."""
    os.mkfifo(tmp_path / "fifo")
    held = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    os.mkfifo(tmp_path / "never")
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\nexec 9> {tmp_path}/fifo\necho started >&9\nread line < {tmp_path}/never\n")
    git.chmod(0o755)
    return {"PATH": str(tmp_path)}, held


def read_to_end(held: int) -> bytes:
    """All that was written to a FIFO, when nobody holds it any more."""
    poll = select.poll()
    poll.register(held, select.POLLIN)
    said = b""
    while True:
        try:
            piece = os.read(held, 4096)
        except BlockingIOError:
            assert poll.poll(DEADLINE_S * 1000), f"still held; it said {said!r}"
            continue
        if not piece:
            os.close(held)
            return said
        said += piece


def test_probe_that_hangs_is_cut_and_reported(tmp_path: Path) -> None:
    """The others are not held up, the reason is told, and what hung is gone."""
    environ, held = hanging_git(tmp_path)
    began = time.monotonic()
    found = collect((("python",), sys.executable, str(tmp_path), environ, os.getpid()), git=1.0, diff=1.0)
    assert time.monotonic() - began < DEADLINE_S / 2
    assert sorted(name for name, _ in found) == sorted([*MACHINE, *OTHERS, "failed", "failed"])
    failures = {facts["probe"]: facts["why"] for name, facts in found if name == "failed"}
    assert set(failures) == {"diff", "git"}
    assert all(why.startswith(f"{tmp_path}/git did not answer within ") for why in failures.values())
    assert read_to_end(held) == b"started\nstarted\n"


def test_closing_the_iterator_ends_all_probes(tmp_path: Path) -> None:
    """Who stops early leaves no process behind, however long its deadline is."""
    environ, held = hanging_git(tmp_path)
    collect((("python",), sys.executable, str(tmp_path), environ, os.getpid()), most=5, git=DEADLINE_S * 100)
    assert read_to_end(held) in (b"started\nstarted\n", b"started\n", b"")
