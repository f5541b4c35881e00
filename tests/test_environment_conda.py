"""environment.conda and the origins of packages: read off files that look like conda's and pip's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from swanlab_cli.environment.conda import read_conda
from swanlab_cli.environment.disks import read_disks
from swanlab_cli.environment.packages import list_direct_urls
from swanlab_cli.environment.target import Target

NUMPY = {"name": "numpy", "version": "1.26.4", "build": "py311_0", "channel": "defaults"}


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A conda environment with one readable and one damaged record."""
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "history").write_text("==> now <==\n")
    (tmp_path / "conda-meta" / "numpy-1.26.4-py311_0.json").write_text(json.dumps({**NUMPY, "files": []}))
    (tmp_path / "conda-meta" / "ca-certificates-2024.1-h0.json").write_text("{")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.11").symlink_to(sys.executable)
    return tmp_path


@pytest.mark.parametrize("how", ["by its Python", "activated"])
def test_packages_of_the_environment(prefix: Path, how: str) -> None:
    """All are told, also where a record cannot be read; conda itself is not run."""
    python = str(prefix / "bin" / "python3.11") if how == "by its Python" else "/bin/true"
    environ = {"CONDA_PREFIX": str(prefix)} if how == "activated" else {}
    expected = [
        {"name": "ca-certificates", "version": "2024.1", "build": "h0", "channel": None},
        NUMPY,
    ]
    assert {"prefix": str(prefix), "packages": expected} == read_conda(Target((python, "a.py"), python, "/", environ, 2**22 + 1))


def test_no_conda(tmp_path: Path) -> None:
    """An environment of another kind has none."""
    assert read_conda(Target(("true",), "/bin/true", "/", {"CONDA_PREFIX": str(tmp_path)}, 2**22 + 1)) == {"prefix": None}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            '{"url": "https://user:token@host/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
            {"url": "git+https://host/a.git", "commit": "abc", "editable": False},
        ),
        (
            '{"url": "file:///home/a/b", "dir_info": {"editable": true}}',
            {"url": "file:///home/a/b", "commit": None, "editable": True},
        ),
        ('{"url": "https://h/a-1.whl", "archive_info": {}}', {"url": "https://h/a-1.whl", "commit": None, "editable": False}),
        ('{"url": 3}', None),
        ("[]", None),
        ("{", None),
    ],
    ids=["repository", "editable", "archive", "odd", "no object", "damaged"],
)
def test_origin_of_a_package(tmp_path: Path, told: str, expected: dict[str, str | bool | None] | None) -> None:
    """Where it came from no index, its URL without credentials; what the standard does not know is left out."""
    (tmp_path / "Some_Zoo-1.0.dist-info").mkdir()
    (tmp_path / "Some_Zoo-1.0.dist-info" / "direct_url.json").write_text(told)
    (tmp_path / "other-1.0.dist-info").mkdir()
    assert ({"some-zoo": expected} if expected else {}) == list_direct_urls([str(tmp_path), str(tmp_path / "gone")])


def test_disks_are_told_once(tmp_path: Path) -> None:
    """By the mount that holds each folder, the innermost and latest; network file systems as such, and no device."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    work = tmp_path / "my work"
    work.mkdir()
    point = str(work).replace(" ", "\\040")
    (tmp_path / "proc" / "self" / "mountinfo").write_text(
        "1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
        f"2 1 0:40 / {point} rw - tmpfs tmpfs rw\n"
        f"3 1 0:41 / {point} rw shared:2 master:1 - nfs4 10.0.0.1:/export rw\n"
    )
    environ = {"HOME": "/", "TMPDIR": str(work), "SWANLAB_CLI_RUN_DIR": str(work)}
    disks = read_disks(Target(("true",), None, str(work), environ, 0), str(tmp_path))["disks"]
    told = [{name: disk[name] for name in ("mount", "type", "network", "used_for")} for disk in disks]
    assert [
        {"mount": str(work), "type": "nfs4", "network": True, "used_for": ["cwd", "logdir", "tmp"]},
        {"mount": "/", "type": "ext4", "network": False, "used_for": ["home"]},
    ] == told
    assert all(0 < disk["free_bytes"] <= disk["total_bytes"] for disk in disks)
