"""What is suggested in place of a command that cannot run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from swanlab_cli.process.suggestions import suggest_for_file, suggest_for_missing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with scripts and, in `bin`, programs."""
    (tmp_path / "bin").mkdir()
    for name in ("bin/torchrun", "bin/trainer", "run.sh", "broken"):
        (tmp_path / name).write_text("#!/no/such/interpreter -x\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "bin" / "pythonrc").write_text("not executable")
    (tmp_path / "train.py").write_text("print('loss=1')\n")
    (tmp_path / "tool").write_bytes(b"\x7fELF")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("trochrun", "did you mean 'torchrun'?"),
        ("pythonrcs", ""),
        ("entirely-else", ""),
        ("train.py", "it is in this folder: 'python train.py'"),
        ("run.sh", "it is in this folder: './run.sh'"),
        ("bin", ""),
        ("./rnu.sh", "did you mean './run.sh'?"),
        ("bin/trainr", "did you mean 'bin/trainer'?"),
        ("missing/trainer", ""),
        ("./broken", "its first line asks for /no/such/interpreter, which is not there"),
    ],
    ids=lambda value: value or "nothing",
)
def test_missing_command(folder: Path, name: str, suggestion: str) -> None:
    """A program on PATH, a neighbour in the folder, or the way to run the file that is there."""
    search_path = b"%s:/no/such/folder" % os.fsencode(folder / "bin")
    assert suggest_for_missing(os.fsencode(name), search_path) == suggestion


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("train.py", "try 'python train.py'"),
        ("./train.py", "try 'python ./train.py'"),
        ("tool", "make it executable: chmod +x tool"),
        ("bin", "name a program in it"),
        ("gone", ""),
    ],
)
def test_file_that_is_not_executable(folder: Path, name: str, suggestion: str) -> None:
    """Its interpreter if the name tells, else how to make it executable."""
    assert suggest_for_file(os.fsencode(name)) == suggestion
