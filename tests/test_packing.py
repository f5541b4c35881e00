"""Packed runs: every command says the same of them as before, and nothing is lost on the way there and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from swanlab_cli.store.archive import pack

from .conftest import DEADLINE_S, Workplace, wait_for
from .handmade import HandmadeRun

SCRIPT = """
import swanlab, sys, time
run = swanlab.init(config={"lr": 0.1})
for step in range(3):
    print(f"loss={1 / (step + 1)}", flush=True)
    swanlab.log({"acc": step / 10, "note": swanlab.Text("x" * 3000)})
print("to stderr", file=sys.stderr)
"""
LOOKS = """
ls --json
show last --json
show last
show last --script
show last --env
show last --audit
metrics last --json
metrics last --ranks all
logs last --raw
logs last --json
logs last --tail 2
logs last --stream stderr
logs other
logs other --attempt 0
compare last other
""".strip().splitlines()


def looks(work: Workplace) -> dict[str, tuple[int, str]]:
    """What each command says, less the endings of the runs' paths."""
    said = {}
    for line in LOOKS:
        done = work.swanlab(*line.split())
        said[line] = done.returncode, (done.stdout + done.stderr).decode().replace(".zip", "")
    return said


@pytest.fixture
def recorded(work: Workplace) -> Workplace:
    """Two runs, one with media, another of two attempts."""
    (work.directory / "train.py").write_text(SCRIPT)
    for number in range(2):
        work.swanlab("run", "-q", "--id", "other", "--resume", "allow", "sh", "-c", f"echo loss={number}")
    assert work.swanlab("run", "-q", "--split", sys.executable, "train.py").returncode == 0
    wait_for(lambda: _count_complete(work.logdir) == 3, "the scribes are through")
    return work


def _count_complete(logdir: Path) -> int:
    return sum('"complete"' in events.read_text() for events in logdir.glob("run-*/*.events.jsonl"))


def tree(logdir: Path) -> dict[str, tuple[bytes, int]]:
    """All files of runs, with their times."""
    paths = (path for path in logdir.rglob("*") if path.is_file() and "run-" in str(path))
    return {str(path.relative_to(logdir)): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_every_command_reads_a_packed_run(recorded: Workplace) -> None:
    """And unpacked it is what it was, to the byte and the nanosecond."""
    files, said = tree(recorded.logdir), looks(recorded)
    assert all(status == 0 for status, _ in said.values())
    packed = recorded.swanlab("gc", "--pack")
    assert (packed.returncode, packed.stderr.count(b"swanlab: packed ")) == (0, 2)
    assert sorted(path.suffix for path in recorded.logdir.iterdir() if path.name.startswith("run-")) == [".zip", ".zip"]
    assert looks(recorded) == said
    assert recorded.swanlab("show", str(next(recorded.logdir.glob("*.zip")))).returncode == 0
    assert recorded.swanlab("gc", "--unpack", "last", "other").returncode == 0
    assert tree(recorded.logdir) == files


def test_other_programs_read_it(recorded: Workplace) -> None:
    """It is an ordinary archive, smaller than the run."""
    before = {name.partition("/")[2]: data for name, (data, _) in tree(recorded.logdir).items() if "-other" not in name}
    (line,) = map(json.loads, recorded.swanlab("gc", "--pack", "last", "--json").stdout.splitlines())
    assert line["bytes_after"] < line["bytes_before"] == sum(map(len, before.values()))
    with zipfile.ZipFile(line["path"]) as archive:
        assert {name: archive.read(name) for name in archive.namelist() if name != "times.json"} == before


def test_another_attempt_unpacks_it(recorded: Workplace) -> None:
    """Who goes on with a run need not know."""
    recorded.swanlab("gc", "--pack", "other")
    assert recorded.swanlab("run", "-q", "--id", "other", "--resume", "must", "sh", "-c", "echo loss=2").returncode == 0
    assert recorded.show("other")["attempts"] == 3
    assert [value for _, value in recorded.series("loss", "other")] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("gc",), 2, "swanlab gc --pack [RUN]..."),
        (("gc", "--unpack"), 2, "nothing to do"),
        (("gc", "--pack", "other"), 1, "the run 'other' is packed already"),
        (("gc", "--unpack", "last"), 1, "is not packed"),
        (("gc", "--pack", "nobody"), 1, "no run 'nobody'"),
        (("reparse", "other"), 1, "swanlab gc --unpack other"),
        (("run", "--id", "x.zip", "true"), 2, "does not end in .zip"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_said(recorded: Workplace, arguments: tuple[str, ...], status: int, said: str) -> None:
    """And what to do instead."""
    recorded.swanlab("gc", "--pack", "other")
    done = recorded.swanlab(*arguments)
    assert (done.returncode, said in done.stderr.decode()) == (status, True)


def test_run_that_is_being_recorded_is_left_alone(work: Workplace) -> None:
    """When it is named, and when all are packed."""
    with work.start("run", "-q", "cat", stdin=subprocess.PIPE) as run:
        wait_for(lambda: list(work.logdir.glob("run-*/run.json")), "the run's header")
        refused = work.swanlab("gc", "--pack", "last")
        assert (refused.returncode, b"it is being recorded" in refused.stderr) == (1, True)
        assert work.swanlab("gc", "--pack").returncode == 0
        assert work.run_directory().is_dir()
        run.communicate(b"loss=1\n", timeout=DEADLINE_S)
    assert work.series("loss") == [(0, 1.0)]


def test_packer_that_was_killed(tmp_path: Path) -> None:
    """Whatever it has left, the run is there once, whole, and can be packed."""
    run = HandmadeRun(tmp_path)
    run.add_output("stdout", b"loss=1\n")
    run.end()
    (tmp_path / f".{run.path.name}.part").write_bytes(b"half of an archive")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(run.path), str(copy)], check=True)
    pack(run.directory)
    copy.rename(run.path)  # it was killed between the archive's arrival and the directory's going
    (run.path / "a0-r0.output").write_bytes(b"loss=12\n")
    pack(run.directory)
    with zipfile.ZipFile(f"{run.directory}.zip") as archive:
        assert archive.read("a0-r0.output") == b"loss=12\n"
    assert [path.name for path in tmp_path.iterdir()] == [f"{run.path.name}.zip"]


def test_damaged_archive_is_told_and_hides_no_other(recorded: Workplace) -> None:
    """One line says which; the exit status of what cannot be shown is not 0."""
    recorded.swanlab("gc", "--pack", "other")
    (path,) = recorded.logdir.glob("*.zip")
    os.truncate(path, path.stat().st_size // 2)
    listed = recorded.swanlab("ls")
    assert (listed.returncode, listed.stdout.count(b"train.py")) == (0, 1)
    assert f"cannot read the packed run '{path}'" in listed.stderr.decode()
    shown = recorded.swanlab("show", "other")
    assert (shown.returncode, b"Traceback" in shown.stderr) == (1, False)
    assert recorded.swanlab("show", "last").returncode == 0
