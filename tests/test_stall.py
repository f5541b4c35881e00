"""Stalls: real children that fall silent, go on, compute in silence, or are silent by habit."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest

from swanlab_cli.environment.processes import TreeUse
from swanlab_cli.recorder.stall import StallWatch
from swanlab_cli.records import Lane
from swanlab_cli.store.reader import count_samples

from .conftest import DEADLINE_S, Workplace, python, wait_for
from .test_notify import Hook, completed, events_of, hook

__all__ = ["hook"]

# Prints a line, then one more for each that it reads.
ECHO = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print('loss=1', flush=True)"


def stalls(work: Workplace) -> list[bool]:
    """Of the run's `stall` events, in order: whether each says that one is over."""
    return [event["is_over"] for event in events_of(work, "stall")]


def start(work: Workplace, *options: str) -> subprocess.Popen[bytes]:
    """A run of ECHO that stalls after a second."""
    return work.start("run", "-q", "--stall-after", "1", *options, *python(ECHO), stdin=subprocess.PIPE)


def say(run: subprocess.Popen[bytes]) -> None:
    """Have the child print a line."""
    assert run.stdin is not None
    run.stdin.write(b"x\n")
    run.stdin.flush()


def test_stalls_goes_on_and_stalls_again(work: Workplace, hook: Hook) -> None:
    """An event for each beginning and end, a warning and a message for each beginning."""
    run = start(work, "--notify", hook.url)
    wait_for(lambda: stalls(work) == [False], "a stall")
    say(run)
    wait_for(lambda: stalls(work) == [False, True], "its end")
    wait_for(lambda: stalls(work) == [False, True, False], "another stall")
    run.communicate()
    completed(work)
    first, over, second = events_of(work, "stall")
    assert (first["since"], first["waits_for_input"], first["silent_s"] >= 1) == (over["since"], False, True)
    assert over["silent_s"] >= first["silent_s"]
    assert second["since"] > over["since"]
    warnings = [event["text"].partition(":")[0] for event in events_of(work, "warning")]
    assert warnings == ["stalled", "stalled"]
    assert sorted(message["state"] for message in hook.received) == ["finished", "stalls", "stalls"]


def test_dump_says_where_each_python_stands(work: Workplace) -> None:
    """A real py-spy, of a child below a shell; where it may not look, it says so."""
    script = work.directory / "train.py"
    script.write_text("import sys\ndef wait_for_data():\n    sys.stdin.read()\nwait_for_data()\n")
    command = ["sh", "-c", "python3 train.py; exit 0"]
    run = work.start("run", "-q", "--stall-after", "1", "--stall-dump", *command, stdin=subprocess.PIPE)
    (dump,) = wait_for(lambda: events_of(work, "stall_dump"), "a dump")
    run.communicate()
    (process,) = dump["processes"]
    if "denied" in process.get("error", "").lower():
        pytest.skip("py-spy may not look into other processes here")
    assert "wait_for_data (" in process["stack"]
    assert dump["error"] is None
    completed(work)
    printed = work.swanlab("show", "last", "--stacks").stdout.decode()
    assert printed == f"Stalled since {work.show()['stalls'][0]['since']}\n{process['stack']}"
    assert "of 1 stalled process (show --stacks)" in work.swanlab("show", "last").stdout.decode()


def test_dump_without_py_spy_is_a_warning(work: Workplace) -> None:
    """Where it is not on the PATH."""
    empty = work.directory / "empty"
    empty.mkdir()
    work.environ["PATH"] = str(empty)
    run = start(work, "--stall-dump")
    wait_for(lambda: events_of(work, "stall_dump"), "a dump")
    run.communicate()
    completed(work)
    texts = [event["text"] for event in events_of(work, "warning")]
    assert texts[1:] == ["--stall-dump: py-spy is not on the PATH; pip install py-spy"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(["--stall-after", "1"], "import time; end = time.time() + 4\nwhile time.time() < end: pass", id="computes"),
        pytest.param(["--stall-after", "0"], "import time; time.sleep(3)", id="never"),
        pytest.param([], "import time; time.sleep(3)", id="default"),
    ],
)
def test_no_stall(work: Workplace, options: list[str], code: str) -> None:
    """Who computes does not stall, and nobody does before his time."""
    work.swanlab("run", "-q", *options, *python(code))
    completed(work)
    assert (stalls(work), events_of(work, "warning")) == ([], [])


class Clock:
    """A watch that is fed a history; looks come each second."""

    def __init__(self, after_s: float) -> None:
        self.now, self.cpu_s, self.stopped = 1000.0, 0.0, 0
        self.watch = StallWatch(os.getpid(), after_s, lambda: TreeUse(self.cpu_s, 1, 1, 1, self.stopped), self.now)

    def silence(self, seconds: int, cpu_share: float = 0.0) -> list[dict[str, Any]]:
        """The events of so many seconds without a sign of life."""
        found = []
        for _ in range(seconds):
            self.now += 1
            self.cpu_s += cpu_share
            found.append(self.watch.look_now(self.now))
        return [event for event in found if event]

    def sign(self) -> bool:
        """A sign of life: whether it ended a stall."""
        return self.watch.goes_on(self.now) is not None


def test_stopped_command_does_not_stall(work: Workplace) -> None:
    """As after Ctrl-Z; silent after it was continued, it does."""
    code = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
    options = ("--stall-after", "1", "--monitor-interval", "1", "--no-pty")
    run = work.start("run", "-q", *options, *python(code), stdin=subprocess.PIPE)
    wait_for(lambda: list(work.logdir.glob("run-*/run.json")), "the run's header")
    child = int(wait_for(lambda: work.output().strip(), "the child's number"))
    os.kill(child, signal.SIGSTOP)
    directory = str(work.run_directory())
    seen, before = count_samples(directory, Lane()), stalls(work)
    wait_for(lambda: count_samples(directory, Lane()) >= seen + 3, "some seconds of looking at it")
    stalls_meanwhile = stalls(work)
    os.kill(child, signal.SIGCONT)
    wait_for(lambda: False in stalls(work)[len(stalls_meanwhile) :], "a stall")
    run.communicate(timeout=DEADLINE_S)
    assert stalls_meanwhile.count(False) <= before.count(False)


def test_rare_by_habit_is_no_stall() -> None:
    """Ten of its usual pauses must pass, bursts in between or not."""
    clock = Clock(300)
    for _ in range(20):
        assert clock.silence(60) == []
        assert [clock.sign() for _ in range(5)] == [False] * 5
    assert clock.watch.usual_interval_s() == pytest.approx(60)
    assert clock.silence(590) == []
    (event,) = clock.silence(60)
    assert (event["is_over"], event["usual_interval_s"]) == (False, 60)


def test_hourly_by_habit_warns_twice() -> None:
    """A stall that comes right after another is a habit."""
    clock = Clock(300)
    counts = []
    for _ in range(4):
        counts.append(len(clock.silence(3600)))
        clock.sign()
    assert counts == [1, 1, 0, 0]


def test_little_processor_time_is_none() -> None:
    """Less than a hundredth of a core, as of a thread that looks at the clock; more is work, and ends a stall."""
    clock = Clock(300)
    assert [event["is_over"] for event in clock.silence(400, cpu_share=0.005)] == [False]
    assert [event["is_over"] for event in clock.silence(40, cpu_share=0.5)] == [True]
    assert clock.silence(600, cpu_share=0.05) == []


def test_stopped_is_not_stalled() -> None:
    """A job that was stopped, and one whose watch was stopped with it; who is silent after that stalls."""
    clock = Clock(300)
    clock.stopped = 1
    assert clock.silence(1000) == []
    clock.stopped = 0
    assert clock.silence(200) == []
    clock.now += 5000
    assert clock.silence(200) == []
    assert [event["is_over"] for event in clock.silence(200)] == [False]
