"""SIGKILL of anybody, at any moment: what was printed or logged before is readable afterwards, and the next command works."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from .conftest import CHILDREN, DEADLINE_S, Workplace, python, wait_for


class Victim:
    """A `swanlab run` in a process group of its own whose child tells on the descriptor TELL what it has done."""

    def __init__(self, work: Workplace, *command: str, options: tuple[str, ...] = ()) -> None:
        self.work = work
        told, telling = os.pipe()
        self._told = os.fdopen(told, "rb")
        self._last_told = b""
        self.outside = work.directory / "outside"
        work.environ["TELL"] = str(telling)
        with self.outside.open("wb") as out:
            self.process = work.start(
                "run", "-q", *options, *command, stdout=out, stderr=out, pass_fds=(telling,), start_new_session=True
            )
        os.close(telling)

    def wait_for_progress(self, reports: int) -> None:
        """Wait until the child has told something that many times."""
        for _ in range(reports):
            self._last_told = self._told.readline()
            assert self._last_told, "the child ended early"

    def last_told(self) -> int:
        """The last whole number that the child told, once nobody can tell any more."""
        *whole, _torn = self._told.read().split(b"\n")
        self._told.close()
        self.process.wait(DEADLINE_S)
        return int(whole[-1] if whole else self._last_told)

    def wait_until_gone(self) -> None:
        """Wait until no process of the run is left."""
        session = self.process.pid

        def is_gone() -> bool:
            pids = [process.pid for process in psutil.process_iter() if process.pid != os.getpid()]
            return not any(_session_of(pid) == session for pid in pids)

        wait_for(is_gone, "the end of all processes of the run")


def _is_child(process: psutil.Process) -> bool:
    """Whether this is the child itself; our own forks have the whole command line of `swanlab run`."""
    return "run" not in process.cmdline()


def _session_of(pid: int) -> int:
    try:
        is_zombie = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return 0 if is_zombie else os.getsid(pid)
    except (OSError, IndexError):
        return 0


def _scribes(work: Workplace) -> list[int]:
    """The process ids of the run's scribes so far, from the record."""
    (directory,) = work.logdir.glob("run-*")
    try:
        events = (directory / "a0-r0.events.jsonl").read_text()
    except FileNotFoundError:
        return []
    records = [json.loads(line) for line in events.splitlines() if '"scribe"' in line]
    return [record["data"]["pid"] for record in records]


def _lines_of(output: bytes) -> int:
    """How many of count.py's lines `output` begins with, checking that nothing is missing or twice."""
    whole = output[: output.rfind(b"\n") + 1].splitlines()
    assert whole == [b"line %012d" % number for number in range(len(whole))]
    return len(whole)


@pytest.mark.parametrize("options", [(), ("--no-pty",)], ids=["pty", "pipe"])
@pytest.mark.parametrize("attempt", range(5))
def test_pump_killed_while_the_child_prints(work: Workplace, options: tuple[str, ...], attempt: int) -> None:
    """Every line whose write returned is on record: what the pump had read, and what was still in the pty."""
    victim = Victim(work, sys.executable, str(CHILDREN / "count.py"), options=options)
    victim.wait_for_progress(random.Random(attempt).randrange(1, 2000))
    victim.process.kill()
    told = victim.last_told()
    victim.wait_until_gone()
    assert _lines_of(work.output("--raw")) >= told
    assert work.output("--raw").startswith(victim.outside.read_bytes())
    assert work.show()["state"] == "lost"


@pytest.mark.parametrize("attempt", range(5))
def test_all_killed_at_once_while_the_child_prints(work: Workplace, attempt: int) -> None:
    """Everything that came out is on record."""
    victim = Victim(work, sys.executable, str(CHILDREN / "count.py"))
    victim.wait_for_progress(random.Random(attempt).randrange(1, 2000))
    os.killpg(victim.process.pid, signal.SIGKILL)
    victim.last_told()
    victim.wait_until_gone()
    recorded = work.output("--raw")
    assert _lines_of(recorded) > 0
    assert recorded.startswith(victim.outside.read_bytes())
    assert work.show()["state"] == "lost"


@pytest.mark.parametrize("who", ["child", "pump", "all"])
@pytest.mark.parametrize("attempt", range(3))
def test_every_log_that_returned_is_readable(work: Workplace, who: str, attempt: int) -> None:
    """Whoever was killed: as many points as calls had returned, in order."""
    victim = Victim(work, sys.executable, str(CHILDREN / "log_forever.py"))
    victim.wait_for_progress(random.Random(attempt).randrange(1, 3000))
    if who == "child":
        relatives = psutil.Process(victim.process.pid).children()
        (child,) = (process for process in relatives if process.cmdline()[-1].endswith("log_forever.py") and _is_child(process))
        child.kill()
    elif who == "pump":
        victim.process.kill()
    else:
        os.killpg(victim.process.pid, signal.SIGKILL)
    told = victim.last_told()
    victim.wait_until_gone()
    series = work.series("value")
    assert series == [(step, float(step)) for step in range(len(series))]
    assert len(series) >= told


def test_scribe_killed_while_the_child_logs(work: Workplace) -> None:
    """Another takes its place; no point is missing or twice."""
    ready, go = work.directory / "ready", work.directory / "go"
    os.mkfifo(ready)
    os.mkfifo(go)
    code = f"""
import swanlab
for i in range(500): swanlab.log({{'a': i}}); print(f'b={{i}}', flush=True)
open({str(ready)!r}, 'w').close()
open({str(go)!r}).close()
for i in range(500, 1000): swanlab.log({{'a': i}}); print(f'b={{i}}', flush=True)
"""
    process = work.start("run", "-q", *python(code), stdout=subprocess.DEVNULL)
    ready.read_text()
    os.kill(wait_for(lambda: _scribes(work), "a scribe")[0], signal.SIGKILL)
    wait_for(lambda: len(_scribes(work)) == 2, "another scribe")
    go.write_text("")
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    expected = [(step, float(step)) for step in range(1000)]
    assert work.series("a") == expected
    assert work.series("b") == expected


def test_scribes_killed_for_good(work: Workplace) -> None:
    """Where no scribe survives, readers derive the points from what was captured."""
    ready, go = work.directory / "ready", work.directory / "go"
    os.mkfifo(ready)
    os.mkfifo(go)
    code = f"open({str(ready)!r}, 'w').close(); open({str(go)!r}).close()\nfor i in range(100): print(f'b={{i}}')"
    process = work.start("run", "-q", *python(code), stdout=subprocess.DEVNULL)
    ready.read_text()
    for count in range(4):
        wait_for(lambda: len(_scribes(work)) > count, f"scribe {count}")  # noqa: B023  # called within this turn
        os.kill(_scribes(work)[-1], signal.SIGKILL)
    go.write_text("")
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert work.series("b") == [(step, float(step)) for step in range(100)]
    assert work.show()["state"] == "finished"


def test_torn_files_are_read_up_to_the_tear(work: Workplace) -> None:
    """A last line without its end is skipped in every file."""
    work.swanlab("run", "-q", *python("import swanlab\nfor i in range(10): swanlab.log({'a': i}); print(f'b={i}')"))
    directory = work.run_directory()
    for path in directory.iterdir():
        if path.suffix == ".jsonl" or "inbox" in path.name or path.name.endswith(".index"):
            path.write_bytes(path.read_bytes() + b'{"metric":"a","step":99')
    assert work.series("a") == [(step, float(step)) for step in range(10)]
    assert work.series("b") == [(step, float(step)) for step in range(10)]
    assert work.output("--raw").count(b"\n") == 10
    assert work.show()["state"] == "finished"
