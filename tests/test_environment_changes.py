"""environment.changes: the diff of real repositories, what is left out of it, and names."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from swanlab_cli.environment.changes import TEXT_BYTES, read_diff
from swanlab_cli.environment.target import Facts, Target
from tests.test_environment_repository import DEADLINE_S, ENVIRON, run_git


def read(folder: Path) -> Facts:
    """The facts about a folder."""
    return read_diff(Target(("true",), None, str(folder), ENVIRON, os.getpid()), time.monotonic() + DEADLINE_S)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of two files, clean."""
    folder = tmp_path / "repository"
    folder.mkdir()
    run_git(folder, "init", "-q")
    (folder / "a.py").write_text("one\n")
    (folder / "b é\t.py").write_text("two\n")
    run_git(folder, "add", ".")
    run_git(folder, "commit", "-q", "-m", "first")
    return folder


def test_clean_repository(repository: Path) -> None:
    """Nothing differs; the commit is named."""
    assert {
        "base": run_git(repository, "rev-parse", "HEAD"),
        "changed": 0,
        "untracked_files": [],
        "submodules": [],
        "text": "",
        "left_out": [],
        "left_out_count": 0,
    } == read(repository)


def test_changes_are_told_as_git_tells_them(repository: Path) -> None:
    """Staged and unstaged changes against the commit, from a folder inside too, whatever the user configures."""
    for setting in ("diff.noprefix=true", "diff.external=false", "color.ui=always", "diff.relative=true", "diff.context=0"):
        run_git(repository, "config", *setting.split("="))
    (repository / "a.py").write_text("changed\n")
    (repository / "b é\t.py").unlink()
    (repository / "new.py").write_text("staged\n")
    run_git(repository, "add", "new.py")
    inside = repository / "inside"
    inside.mkdir()
    facts = read(inside)
    assert (facts["changed"], facts["left_out"], facts["left_out_count"]) == (3, [], 0)
    assert [line for line in facts["text"].splitlines() if line.startswith("diff")] == [
        "diff --git a/a.py b/a.py",
        'diff --git "a/b \\303\\251\\t.py" "b/b \\303\\251\\t.py"',
        "diff --git a/new.py b/new.py",
    ]
    assert [line for line in facts["text"].splitlines() if line[:1] in ("+", "-") and line[:3] not in ("+++", "---")] == [
        "-one",
        "+changed",
        "-two",
        "+staged",
    ]


def test_text_can_be_applied(repository: Path, tmp_path: Path) -> None:
    """The commit and the text give the tracked files again."""
    (repository / "a.py").write_text("diff --git a/x b/x\nno newline")
    facts = read(repository)
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", str(repository), str(clone))
    (tmp_path / "patch").write_text(facts["text"])
    run_git(clone, "apply", str(tmp_path / "patch"))
    assert (clone / "a.py").read_text() == (repository / "a.py").read_text()


def test_untracked_files_are_named(repository: Path) -> None:
    """By name and never with their content; folders of nothing else as one, ignored ones not at all."""
    (repository / ".gitignore").write_text("*.log\n")
    (repository / "data").mkdir()
    for name in ("data/x", "new.py", "a.log"):
        (repository / name).write_text("content")
    facts = read(repository)
    assert (facts["untracked_files"], facts["text"]) == ([".gitignore", "data/", "new.py"], "")


def test_what_does_not_fit_is_named(repository: Path) -> None:
    """Whole files as long as they fit; a binary file is only named in the text."""
    for name, content in {"big.txt": b"x\n" * TEXT_BYTES, "binary": b"\0one", "small.txt": b"small\n"}.items():
        (repository / name).write_bytes(content)
    run_git(repository, "add", ".")
    facts = read(repository)
    assert (
        facts["left_out"],
        facts["left_out_count"],
        facts["changed"],
    ) == ([{"path": "big.txt", "file_bytes": 2 * TEXT_BYTES}], 1, 3)
    assert "Binary files /dev/null and b/binary differ\n" in facts["text"]
    assert facts["text"].endswith("+small\n")


def test_large_file_is_not_compared(repository: Path) -> None:
    """50 MB that differ are named with their size, and the others' diff is there."""
    (repository / "weights.txt").write_bytes(b"0.1234567\n" * 5_000_000)
    (repository / "a.py").write_text("changed\n")
    run_git(repository, "add", ".")
    facts = read(repository)
    assert facts["left_out"] == [{"path": "weights.txt", "file_bytes": 50_000_000}]
    assert facts["text"].startswith("diff --git a/a.py b/a.py\n")


def test_many_changed_files(repository: Path) -> None:
    """50 MB of small diffs: what fits is there, whole; the others are counted and the first of them named."""
    for number in range(500):
        (repository / f"{number:03}.txt").write_bytes(b"%03d line\n" % number * 11_000)
    run_git(repository, "add", ".")
    facts = read(repository)
    kept = facts["text"].count("diff --git ")
    assert (500, 500 - kept, 200) == (facts["changed"], facts["left_out_count"], len(facts["left_out"]))
    assert kept > 0
    assert len(facts["text"]) <= TEXT_BYTES


def test_no_commits(tmp_path: Path) -> None:
    """Before the first commit what is staged differs from nothing."""
    run_git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("one\n")
    run_git(tmp_path, "add", ".")
    facts = read(tmp_path)
    assert (facts["base"], facts["changed"]) == ("4b825dc642cb6eb9a060e54bf8d69288fbee4904", 1)
    assert facts["text"].endswith("@@ -0,0 +1 @@\n+one\n")


def test_submodules_are_told(repository: Path, tmp_path: Path) -> None:
    """The recorded and the present commit of each; one that is not checked out has none."""
    outer = tmp_path / "outer"
    outer.mkdir()
    run_git(outer, "init", "-q")
    for name in ("part", "absent"):
        run_git(outer, "submodule", "--quiet", "add", str(repository), name)
    run_git(outer, "commit", "-q", "-m", "first")
    commit = run_git(repository, "rev-parse", "HEAD")
    shutil.rmtree(outer / "absent")
    (outer / "absent").mkdir()
    run_git(outer / "part", "commit", "-q", "--allow-empty", "-m", "second")
    inside = outer / "inside"
    inside.mkdir()
    for folder in (outer, inside):
        facts = read(folder)
        assert [
            {"path": "absent", "recorded": commit, "commit": None, "dirty": False},
            {"path": "part", "recorded": commit, "commit": run_git(outer / "part", "rev-parse", "HEAD"), "dirty": True},
        ] == facts["submodules"]


def test_outside_a_repository(tmp_path: Path) -> None:
    """There is nothing to compare with."""
    assert read(tmp_path) == {"base": None}
