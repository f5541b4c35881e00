"""environment.script: the file that a command runs."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from swanlab_cli.environment.script import CONTENT_BYTES, read_script
from swanlab_cli.environment.target import Facts, Target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project: scripts, a package, a Python of its own with a launcher beside it."""
    for name in ("train.py", "go.sh", "other.py", "package/__main__.py", "package/part.py", "library/far.py", "bin/launch"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "bin" / "launch").write_text(f"#!{tmp_path}/bin/python\n")
    (tmp_path / "tool").write_text("#!/bin/sh\necho\n")
    return tmp_path


def read(folder: Path, *command: str) -> Facts:
    """The facts about a command, which PATH has found in /bin where it has no slash."""
    executable = command[0] if "/" in command[0] else f"/bin/{command[0]}"
    environ = {"PYTHONPATH": str(folder / "library")}
    return read_script(Target(command, executable, str(folder), environ, 2**22 + 1))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("bin/python -u train.py other.py", "train.py"),
        ("bin/python -m package", "package/__main__.py"),
        ("bin/python -m package.part", "package/part.py"),
        ("bin/python -m far", "library/far.py"),
        ("bin/python -m torch.distributed.run --nproc 2 train.py", "train.py"),
        ("bin/launch --gpus 2 train.py", "train.py"),
        ("bin/launch --help", "bin/launch"),
        ("bash -e go.sh a.py", "go.sh"),
        ("uv run train.py", "train.py"),
        ("./tool", "tool"),
        ("bin/python -c pass", None),
        ("bin/python gone.py", None),
        ("bash -c true", None),
        ("true", None),
    ],
)
def test_script_of_a_command(folder: Path, command: str, expected: str | None) -> None:
    """What the interpreter runs; of a launcher, the user's script among its arguments."""
    found = read(folder, *command.split())
    assert (str(folder / expected) if expected else None) == found["path"]


def test_content_is_whole(folder: Path) -> None:
    """Size, hash and text of a small script."""
    text = "é = 1\n"
    (folder / "train.py").write_text(text)
    data = text.encode()
    path = f"{folder}/train.py"
    digest = hashlib.sha256(data).hexdigest()
    assert {"path": path, "bytes": len(data), "sha256": digest, "content": text, "left_out_bytes": 0} == read(
        folder, "bin/python", "train.py"
    )


def test_content_is_bounded(folder: Path) -> None:
    """Of a large script the beginning is kept, the hash is of all, and it is said how much is left out."""
    data = os.urandom(CONTENT_BYTES // 2 + 1).hex().encode()
    (folder / "train.py").write_bytes(data)
    facts = read(folder, "bin/python", "train.py")
    assert (data[:CONTENT_BYTES].decode(), 2) == (facts["content"], facts["left_out_bytes"])
    assert (len(data), hashlib.sha256(data).hexdigest()) == (facts["bytes"], facts["sha256"])


def test_archive_has_no_text(folder: Path) -> None:
    """A zip application is known by its hash."""
    (folder / "app.pyz").write_bytes(b"PK\0\0")
    facts = read(folder, "bin/python", "app.pyz")
    assert (facts["content"], facts["left_out_bytes"]) == (None, 4)
