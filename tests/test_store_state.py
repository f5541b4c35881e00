"""store.state: the five states, derived from end records, processes and file times."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.records import Header
from swanlab_cli.store.state import (
    ABORTED,
    CRASHED,
    FINISHED,
    HEARTBEAT_S,
    LOST,
    RUNNING,
    derive_state,
    describe_end,
    ended_state,
    host_identity,
    process_started,
)

from .handmade import END, HEADER, START, HandmadeRun

ASKED = (("SIGTERM", START),)
ENDS = [
    pytest.param({"exit_code": 0}, FINISHED, "exit code 0", id="exit 0"),
    pytest.param({"exit_code": 3}, CRASHED, "exit code 3", id="exit 3"),
    pytest.param({"exit_code": 0, "signals": ASKED}, FINISHED, "exit code 0 after SIGTERM", id="exit 0 when asked"),
    pytest.param({"exit_code": 143, "signals": ASKED}, ABORTED, "exit code 143 after SIGTERM", id="exit 143 when asked"),
    pytest.param(
        {"exit_code": 1, "signals": (("SIGQUIT", START),)}, CRASHED, "exit code 1 after SIGQUIT", id="exit 1 after SIGQUIT"
    ),
    pytest.param({"exit_code": None, "signal": "SIGKILL"}, CRASHED, "killed by SIGKILL", id="killed"),
    pytest.param({"exit_code": None, "signal": "SIGSEGV"}, CRASHED, "killed by SIGSEGV: memory that is not its own",
                 id="segmentation fault"),
    *(
        pytest.param({"exit_code": None, "signal": name}, ABORTED, f"killed by {name}", id=name)
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
    ),
    pytest.param(
        {"exit_code": None, "signal": "SIGTERM", "signals": ASKED}, ABORTED, "killed by SIGTERM", id="SIGTERM when asked"
    ),
    pytest.param(
        {"exit_code": None, "signal": "SIGKILL", "signals": ASKED},
        ABORTED, "killed by SIGKILL after SIGTERM", id="SIGKILL after SIGTERM",
    ),
    pytest.param(
        {"exit_code": None, "signal": "SIGKILL", "signals": (*ASKED, ("SIGHUP", START + 1))},
        ABORTED, "killed by SIGKILL after SIGHUP", id="last of several",
    ),
    pytest.param({"exit_code": 127, "error": "cannot run 'x'"}, CRASHED, "cannot run 'x'", id="never started"),
    pytest.param({"exit_code": 126, "error": "no", "signals": ASKED}, CRASHED, "no", id="never started, asked"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "state", "reason"), ENDS)
def test_state_and_reason_of_an_ended_run(tmp_path: Path, changes: Mapping[str, Any], state: str, reason: str) -> None:
    """The end record decides, whatever is alive."""
    end = END._replace(**changes)
    assert (state, reason) == (ended_state(end), describe_end(end))
    assert state == derive_state(HandmadeRun(tmp_path).directory, of_process(os.getpid()), end)


def of_process(number: int, **changes: Any) -> Header:
    """The header of a run on this host whose pump is this process."""
    host, boot_id, namespace = host_identity()
    header = HEADER._replace(host=host, boot_id=boot_id, pid_namespace=namespace)
    return header._replace(**{"pid": number, "pid_started": process_started(number), **changes})


def make_old(run: HandmadeRun, age_s: float) -> None:
    """Set back the times of all files of the run."""
    for path in run.path.iterdir():
        os.utime(path, (time.time() - age_s,) * 2)


def test_run_of_a_living_pump_is_running(tmp_path: Path) -> None:
    """However old its files are: a training may be silent for hours."""
    run = HandmadeRun(tmp_path)
    make_old(run, 86400)
    assert derive_state(run.directory, of_process(os.getpid()), None) == RUNNING


def test_run_is_lost_as_soon_as_its_pump_is_dead(tmp_path: Path) -> None:
    """Alive, a zombie, gone: and fresh files do not help."""
    run = HandmadeRun(tmp_path)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as pump:
        header = of_process(pump.pid)
        assert derive_state(run.directory, header, None) == RUNNING
        pump.kill()
        os.waitid(os.P_PID, pump.pid, os.WEXITED | os.WNOWAIT)
        assert derive_state(run.directory, header, None) == LOST
    assert derive_state(run.directory, header, None) == LOST


@pytest.mark.parametrize(
    "changes", [{"pid_started": 1}, {"pid_started": 0}, {"pid": 2**22 + 1}], ids=["reused", "unknown", "none"]
)
def test_process_id_of_another_process_is_no_pump(tmp_path: Path, changes: Mapping[str, Any]) -> None:
    """A process id that was given out anew, or whose start nobody noted."""
    run = HandmadeRun(tmp_path)
    assert derive_state(run.directory, of_process(os.getpid(), **changes), None) == LOST


@pytest.mark.parametrize("changes", [{"host": "node17"}, {"boot_id": "other"}, {"pid_namespace": "pid:[1]"}], ids=str)
@pytest.mark.parametrize(
    ("age_s", "expected"), [(0, RUNNING), (3 * HEARTBEAT_S, RUNNING), (5 * HEARTBEAT_S, LOST), (86400, LOST)], ids=str
)
def test_run_out_of_sight_is_running_while_its_files_are_young(
    tmp_path: Path, changes: Mapping[str, str], age_s: float, expected: str
) -> None:
    """On another host, before a restart or in another container our process ids mean nothing: four heartbeats count."""
    run = HandmadeRun(tmp_path)
    run.add_output("stdout", b"x")
    make_old(run, age_s)
    assert expected == derive_state(run.directory, of_process(os.getpid(), **changes), None)


def test_youngest_file_counts(tmp_path: Path) -> None:
    """One touched file is enough of a heartbeat."""
    run = HandmadeRun(tmp_path)
    make_old(run, 86400)
    run.add("events.jsonl")
    assert derive_state(run.directory, HEADER, None) == RUNNING


def test_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    """The clock of the file system is read from a file that is gone again."""
    run = HandmadeRun(tmp_path)
    derive_state(run.directory, HEADER, None)
    assert [path.name for path in tmp_path.iterdir()] == [run.path.name]
    assert [path.name for path in run.path.iterdir()] == ["run.json"]


def test_identity_of_this_host_is_stable() -> None:
    """Name, boot and namespace, the same in a process that we start."""
    code = "from swanlab_cli.store.state import host_identity; print(*host_identity(), sep='\\n')"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert printed.splitlines() == list(host_identity())
    assert host_identity()[0] == os.uname().nodename


def test_start_of_a_process_is_field_22(tmp_path: Path) -> None:
    """Also where the program's name holds blanks and brackets."""
    program = tmp_path / "a) R 1 (b"
    shutil.copy(shutil.which("cat") or "", program)
    with subprocess.Popen(["cat"], executable=program, stdin=subprocess.PIPE) as process:
        _, _, behind = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")
        assert process_started(process.pid) == int(behind.split()[22 - 3])
        assert process_started(process.pid) >= process_started(os.getpid()) > 0


def test_no_process_has_no_start() -> None:
    """A process id beyond the kernel's largest."""
    assert process_started(2**22 + 1) == 0
