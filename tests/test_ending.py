"""Why runs ended: real children that end in every way, and what is made of their records."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from swanlab_cli.environment.cgroup import Cgroup, count_kills, find_cgroup, memory_limit, read_use
from swanlab_cli.environment.memory_kills import MemoryKill, find_kills
from swanlab_cli.recorder.ending import Divergence, NotANumber
from swanlab_cli.records import Point

from .conftest import SWANLAB, Workplace, wait_for

WAIT = "import sys; print('ready', flush=True); sys.stdin.read()"


def ending_of(work: Workplace) -> dict[str, Any]:
    """Of the last run, with its state."""
    shown = work.show()
    assert shown["ending"]["reason"] == shown["end_reason"]
    return {"state": shown["state"], **shown["ending"]}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param("exit 0", ("finished", "exit", "exit code 0"), id="well"),
        pytest.param("exit 3", ("crashed", "exit", "exit code 3"), id="exit-3"),
        pytest.param("kill -SEGV $$", ("crashed", "signal", "killed by SIGSEGV: memory that is not its own"), id="fault"),
        pytest.param("kill -ABRT $$", ("crashed", "signal", "killed by SIGABRT: it gave up itself"), id="abort"),
        pytest.param("kill -KILL $$", ("crashed", "signal", "killed by SIGKILL"), id="kill"),
        pytest.param(
            "ulimit -S -t 1; while :; do :; done",
            ("crashed", "signal", "killed by SIGXCPU: its limit of processor time"), id="processor-time",
        ),
        pytest.param(
            "ulimit -f 1; exec head -c 9999 /dev/zero >big",
            ("crashed", "signal", "killed by SIGXFSZ: its limit of file size"), id="file-size",
        ),
        pytest.param("kill -TERM $$", ("aborted", "signal", "killed by SIGTERM"), id="term-to-itself"),
    ],
)  # fmt: skip
def test_ways_to_end(work: Workplace, command: str, expected: tuple[str, str, str]) -> None:
    """State, kind and one line."""
    work.swanlab("run", "-q", "sh", "-c", command)
    ending = ending_of(work)
    assert (ending["state"], ending["kind"], ending["reason"]) == expected


def test_command_that_is_not_there(work: Workplace) -> None:
    """It never started."""
    work.swanlab("run", "-q", "no-such-command")
    ending = ending_of(work)
    assert (ending["state"], ending["kind"], "no-such-command" in ending["reason"]) == ("crashed", "not_started", True)


def test_exception_is_named_with_the_users_line(work: Workplace) -> None:
    """And the loss that was no number before it."""
    script = work.directory / "train.py"
    script.write_text("import json\nprint('loss=2.5')\nprint('loss=nan')\nprint('loss=inf')\njson.loads('{')\n")
    work.swanlab("run", "-q", sys.executable, "train.py")
    ending = ending_of(work)
    assert ending["reason"] == (
        "exit code 1: json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) "
        "(train.py:5); loss was NaN from step 1 on"
    )
    assert ending["traceback"]["user_frame"] == {"file": str(script), "line": 5, "function": "<module>"}
    assert {**ending["not_a_number"], "time": 0} == {"metric": "loss", "step": 1, "time": 0, "value": "NaN", "last_finite": 2.5}


def test_exception_in_a_run_that_ends_well_is_not_its_end(work: Workplace) -> None:
    """A program may print what it has caught."""
    code = "import traceback\ntry: 1/0\nexcept Exception: traceback.print_exc()"
    work.swanlab("run", "-q", sys.executable, "-c", code)
    ending = ending_of(work)
    assert (ending["reason"], ending["traceback"]) == ("exit code 0", None)


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("", "aborted", "killed by SIGTERM from python (pid {pid})"),
        ("signal.signal(15, lambda *_: sys.exit(3)); ", "aborted", "exit code 3 after SIGTERM from python (pid {pid})"),
        ("signal.signal(15, lambda *_: sys.exit(0)); ", "finished", "exit code 0 after SIGTERM from python (pid {pid})"),
    ],
    ids=["dies", "cleans-up", "saves"],
)
def test_sender_of_a_signal_is_named(work: Workplace, code: str, state: str, reason: str) -> None:
    """Its program, number and user."""
    run = work.start("run", "-q", sys.executable, "-c", "import signal, sys; " + code + WAIT, stdin=subprocess.PIPE)
    with run:
        assert run.stdout is not None
        run.stdout.readline()
        os.kill(run.pid, signal.SIGTERM)
        run.wait(timeout=60)  # its input stays open: that would end it too
    ending = ending_of(work)
    name = Path("/proc/self/comm").read_text().strip()
    assert (ending["state"], ending["reason"]) == (state, reason.format(pid=os.getpid()).replace("python", name))
    assert (ending["sender"]["pid"], ending["sender"]["uid"]) == (os.getpid(), os.getuid())
    assert "pytest" in ending["sender"]["command"] or "python" in ending["sender"]["command"]


def test_loss_is_watched() -> None:
    """The first step since which it has been no number; one that recovers is forgotten, others are no losses."""

    def fed(*points: tuple[str, float]) -> NotANumber | None:
        divergence = Divergence()
        divergence.feed(Point(metric, step, value, float(step), "output") for step, (metric, value) in enumerate(points))
        return divergence.found()

    nan, inf = float("nan"), float("inf")
    assert fed(("loss", 1.0), ("loss", nan), ("loss", inf)) == NotANumber("loss", 1, 1.0, "NaN", 1.0)
    assert fed(("loss", nan), ("loss", 1.0)) is None
    assert fed(("Train_Loss", -inf), ("val loss", nan)) == NotANumber("Train_Loss", 0, 0.0, "-Infinity", None)
    assert fed(("acc", nan)) is None


def test_lost_run_says_what_is_known(work: Workplace) -> None:
    """All that record it are killed: on which host, when something was written last, what it had said."""
    code = "import sys, traceback\ntry: 1/0\nexcept Exception: traceback.print_exc()\n" + WAIT
    with work.start("run", "-q", "--no-pty", sys.executable, "-c", code, stdin=subprocess.PIPE, start_new_session=True) as run:
        assert run.stdout is not None
        run.stdout.readline()
        wait_for(lambda: list(work.logdir.glob("run-*/a0-r0.events.jsonl")), "the scribe works")
        os.killpg(run.pid, signal.SIGKILL)
    wait_for(lambda: work.show()["state"] == "lost", "nothing lives")
    ending = ending_of(work)
    assert (ending["kind"], ending["traceback"]["exception"]) == ("lost", "ZeroDivisionError")
    assert ending["reason"].startswith(
        f"no end was recorded, and no process of it lives on '{os.uname().nodename}', last written 20"
    )
    assert ending["reason"].endswith(" UTC; it had said ZeroDivisionError: division by zero (<string>:2)")


def test_end_is_told_where_no_scribe_could(work: Workplace) -> None:
    """A reader puts it together as the scribe would."""
    work.swanlab("run", "-q", sys.executable, "-c", "print('loss=nan'); raise ValueError('x')")
    written = ending_of(work)
    events = work.run_directory() / "a0-r0.events.jsonl"
    kept = [line for line in events.read_text().splitlines(keepends=True) if '"ending"' not in line]
    events.write_text("".join(kept))
    assert ending_of(work) == written


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Path]:
    """A control group with 60 MiB, where such can be made."""
    one = Path("/sys/fs/cgroup/memory")
    parent, limit = (one, "memory.limit_in_bytes") if one.is_dir() else (Path("/sys/fs/cgroup"), "memory.max")
    folder = parent / f"swanlab-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text("60M")
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield folder
    wait_for(lambda: not (folder / "cgroup.procs").read_text(), "all of the group have ended")
    folder.rmdir()


EAT = "blocks = [bytearray(4 << 20) for _ in range(100)]"


def run_in(group: Path, work: Workplace, *command: str) -> None:
    """Run it under `swanlab run` in a control group."""
    enter = f'echo $$ >{group}/cgroup.procs; exec swanlab run -q --no-pty "$@"'
    subprocess.run(["sh", "-c", enter, "sh", *command], cwd=work.directory, env=work.environ, check=False, timeout=120)


def test_command_that_eats_its_memory(work: Workplace, limited: Path) -> None:
    """The kernel kills it at its control group's limit, and the run says so."""
    run_in(limited, work, sys.executable, "-c", EAT)
    ending = ending_of(work)
    assert (ending["state"], ending["kind"]) == ("crashed", "out_of_memory")
    assert ending["reason"] == "out of memory (its limit is 60 MiB), killed by SIGKILL"
    assert (ending["memory"]["kills"], ending["memory"]["limit_bytes"]) == (1, 60 << 20)


def test_worker_that_eats_the_memory(work: Workplace, limited: Path) -> None:
    """The shell around it ends as killed programs make shells end."""
    run_in(limited, work, "bash", "-c", f"sleep 2; {sys.executable} -c '{EAT}'; exit $?")
    ending = ending_of(work)
    assert (ending["kind"], ending["reason"]) == ("out_of_memory", "out of memory (its limit is 60 MiB), exit code 137")


def test_worker_whose_death_is_survived(work: Workplace, limited: Path) -> None:
    """It is a warning."""
    run_in(limited, work, "bash", "-c", f"sleep 2; {sys.executable} -c '{EAT}'; exit 0")
    shown = work.show()
    (warning,) = shown["warnings"]
    assert (shown["state"], shown["end_reason"]) == ("finished", "exit code 0")
    assert warning.startswith("the kernel killed ")
    assert warning.endswith(" for lack of memory")


V1 = {
    "proc/self/mountinfo": (
        "31 20 0:21 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "32 20 0:22 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    ),
    "proc/7/cgroup": "4:memory:/slurm/job_1\n2:cpu,cpuacct:/slurm\n0::/\n",
    "sys/fs/cgroup/memory/slurm/job_1/cgroup.procs": "",
    "sys/fs/cgroup/memory/slurm/job_1/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/slurm/job_1/memory.usage_in_bytes": "1000\n",
    "sys/fs/cgroup/memory/slurm/job_1/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "sys/fs/cgroup/memory/slurm/cgroup.procs": "",
    "sys/fs/cgroup/memory/slurm/memory.limit_in_bytes": "5000\n",
    "sys/fs/cgroup/cpu/slurm/cpu.stat": "nr_periods 1\nthrottled_time 2500000000\n",
}
UNIFIED = {"proc/self/mountinfo": "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"}
V2 = {
    **UNIFIED,
    "proc/7/cgroup": "0::/system.slice/job\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
    "sys/fs/cgroup/system.slice/job/cgroup.procs": "",
    "sys/fs/cgroup/system.slice/job/memory.max": "max\n",
    "sys/fs/cgroup/system.slice/job/memory.current": "1000\n",
    "sys/fs/cgroup/system.slice/job/memory.events": "low 0\noom 4\noom_kill 3\n",
    "sys/fs/cgroup/system.slice/job/cpu.stat": "usage_usec 5\nthrottled_usec 2500000\n",
    "sys/fs/cgroup/system.slice/cgroup.procs": "",
    "sys/fs/cgroup/system.slice/memory.max": "5000\n",
}
CONTAINER = {
    **UNIFIED,
    "proc/7/cgroup": "0::/\n",
    "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
    "sys/fs/cgroup/cgroup.procs": "",
    "sys/fs/cgroup/memory.max": "5000\n",
    "sys/fs/cgroup/memory.current": "1000\n",
    "sys/fs/cgroup/memory.events": "oom_kill 3\n",
    "sys/fs/cgroup/cpu.stat": "throttled_usec 2500000\n",
}


@pytest.mark.parametrize(
    ("files", "version", "path"),
    [(V1, 1, "/slurm/job_1"), (V2, 2, "/system.slice/job"), (CONTAINER, 2, "/")],
    ids=["v1", "v2", "container"],
)
def test_control_group_is_read(tmp_path: Path, files: dict[str, str], version: int, path: str) -> None:
    """Of either version: what it uses, the smallest limit on the way up, how often the kernel has killed."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    group = find_cgroup(7, str(tmp_path))
    assert group.memory is not None
    found = (group.memory.version, group.memory.path, memory_limit(group.memory), count_kills(group.memory))
    assert found == (version, path, 5000, 3)
    assert read_use(group) == (1000, 5000, 2.5)


def test_group_of_a_zombie_is_ours(tmp_path: Path) -> None:
    """Version 1 has put it back into the root of all."""
    for name, content in {**V1, "proc/7/cgroup": "4:memory:/\n", "proc/self/cgroup": V1["proc/7/cgroup"]}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    group = find_cgroup(7, str(tmp_path)).memory
    assert group is not None
    assert (group.path, memory_limit(group)) == ("/slurm/job_1", 5000)


def test_machine_without_control_groups(tmp_path: Path) -> None:
    """Nothing is known, and nothing fails; the root of all is no group."""
    assert find_cgroup(7, str(tmp_path)) == Cgroup(None, None)
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text("0::/\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(UNIFIED["proc/self/mountinfo"])
    assert find_cgroup(7, str(tmp_path)) == Cgroup(None, None)
    assert count_kills(None) is None
    assert read_use(Cgroup(None, None)) == (None, None, None)


def test_kernel_log_is_read(tmp_path: Path) -> None:
    """Lines about processes of ours, of the machine's memory and of a limit."""
    log = tmp_path / "kmsg"
    log.write_text(
        "3,0,4000000,-;Out of memory: Killed process 7 (before) total-vm:9kB\n"
        "3,1,105000000,-;Out of memory: Killed process 7 (python3) total-vm:9kB\n"
    )
    assert find_kills([7, 8], 100.0, str(log)) == []  # one file is one record here, as old as its first line
    log.write_text(
        "3,1,105000000,-;Out of memory: Killed process 7 (python3) total-vm:9kB\n"
        "3,2,106000000,-;Memory cgroup out of memory: Killed process 8 (a (b) c) total-vm:9kB\n"
        "3,3,107000000,-;Out of memory: Killed process 99 (other) total-vm:9kB\n"
    )
    assert find_kills([7, 8], 100.0, str(log)) == [MemoryKill(7, "python3", False), MemoryKill(8, "a (b) c", True)]
    assert find_kills([7], 0.0, str(tmp_path / "none")) == []


def test_ctrl_c_is_named(work: Workplace) -> None:
    """As the key that it was, and not as the exception that Python makes of it."""
    command = ["run", "-q", sys.executable, "-c", "import time\nprint('ready', flush=True)\nwhile True: time.sleep(60)"]
    terminal = pexpect.spawn(SWANLAB, command, cwd=str(work.directory), env=work.environ, timeout=60, encoding="utf-8")
    terminal.expect_exact("ready")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    ending = ending_of(work)
    assert (ending["state"], ending["kind"], ending["reason"]) == ("aborted", "interrupt", "killed by SIGINT (Ctrl-C)")
    assert ending["traceback"]["exception"] == "KeyboardInterrupt"
