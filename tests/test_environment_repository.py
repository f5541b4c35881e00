"""environment.repository: real repositories in each state that git knows."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from swanlab_cli.environment.repository import read_git, without_credentials
from swanlab_cli.environment.target import Facts, ProbeError, Target

DEADLINE_S = 20.0
ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def run_git(folder: Path, *arguments: str) -> str:
    """Run git as the user would, and give back what it said."""
    options = ("-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always")
    command = ["git", *options, *arguments]
    return subprocess.run(
        command, cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    ).stdout.strip()


def read(folder: Path, **variables: str) -> Facts:
    """The facts about a folder."""
    return read_git(
        Target(("true",), None, str(folder), {**ENVIRON, **variables}, os.getpid()), time.monotonic() + DEADLINE_S
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of one file, clean."""
    folder = tmp_path / "répo with\nnewline"
    folder.mkdir()
    run_git(folder, "init", "-q")
    (folder / "tracked").write_text("one")
    run_git(folder, "add", "tracked")
    run_git(folder, "commit", "-q", "-m", "first")
    return folder


def test_clean_repository(repository: Path) -> None:
    """From a folder inside, its root, commit and branch are told."""
    inside = repository / "inside"
    inside.mkdir()
    assert {
        "root": str(repository),
        "commit": run_git(repository, "rev-parse", "HEAD"),
        "branch": "main",
        "remote": None,
        "dirty": False,
        "untracked": 0,
    } == read(inside)


@pytest.mark.parametrize("how", ["changed", "staged", "deleted", "renamed"])
def test_changes_of_tracked_files_make_dirty(repository: Path, how: str) -> None:
    """Any difference from the commit counts, staged or not."""
    if how in ("changed", "staged"):
        (repository / "tracked").write_text("two")
    if how == "staged":
        run_git(repository, "add", "tracked")
    if how == "deleted":
        (repository / "tracked").unlink()
    if how == "renamed":
        run_git(repository, "mv", "tracked", "? odd\nname")
    assert (read(repository)["dirty"], read(repository)["untracked"]) == (True, 0)


def test_untracked_files_are_counted_apart(repository: Path) -> None:
    """They do not make dirty; a folder of nothing else counts as one, ignored files do not count."""
    (repository / "runs").mkdir()
    for name in ("notes", "1 odd\nname", "runs/a", "runs/b", "ignored"):
        (repository / name).write_text("")
    (repository / ".git" / "info" / "exclude").write_text("ignored\n")
    assert (read(repository)["dirty"], read(repository)["untracked"]) == (False, 3)


def test_nothing_is_written(repository: Path) -> None:
    """The index stays as it is even where git would refresh it, and no trace of ours goes into the user's trace file."""
    os.utime(repository / "tracked", (1, 1))
    before = (repository / ".git" / "index").stat()
    trace = repository.parent / "trace"
    assert read(repository, GIT_TRACE=str(trace), GIT_TRACE2_EVENT=str(trace))["dirty"] is False
    after = (repository / ".git" / "index").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert not trace.exists()


def test_no_program_of_the_users_runs(repository: Path) -> None:
    """A file system monitor that the repository configures is not started."""
    monitor = repository.parent / "monitor"
    monitor.write_text(f"#!/bin/sh\n: > '{repository.parent}/ran'\n")
    monitor.chmod(0o755)
    run_git(repository, "config", "core.fsmonitor", str(monitor))
    assert read(repository)["dirty"] is False
    assert not (repository.parent / "ran").exists()


def test_repository_without_a_commit(tmp_path: Path) -> None:
    """There is no commit yet; the branch has its name already; a staged file is a change."""
    run_git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("")
    run_git(tmp_path, "add", "file")
    expected = {"root": str(tmp_path), "commit": None, "branch": "main", "remote": None, "dirty": True, "untracked": 0}
    assert expected == read(tmp_path)


def test_detached_head_has_no_branch(repository: Path) -> None:
    """A commit that was checked out itself is told, without a branch."""
    run_git(repository, "checkout", "-q", "--detach")
    facts = read(repository)
    assert (run_git(repository, "rev-parse", "HEAD"), None) == (facts["commit"], facts["branch"])


def test_worktree_is_its_own_root(repository: Path) -> None:
    """A second work tree has its own folder and branch, and the repository's remote."""
    run_git(repository, "remote", "add", "origin", "/srv/models.git")
    other = repository.parent / "other"
    run_git(repository, "worktree", "add", "-q", "-b", "trial", str(other))
    assert {
        "root": str(other),
        "commit": run_git(repository, "rev-parse", "HEAD"),
        "branch": "trial",
        "remote": "/srv/models.git",
        "dirty": False,
        "untracked": 0,
    } == read(other)


def test_submodule_is_its_own_repository(repository: Path, tmp_path: Path) -> None:
    """Inside a submodule it is the repository; outside, a change in it is a change, an untracked file in it is not."""
    outer = tmp_path / "outer"
    outer.mkdir()
    run_git(outer, "init", "-q")
    run_git(outer, "submodule", "--quiet", "add", str(repository), "part")
    run_git(outer, "commit", "-q", "-m", "with a submodule")
    (outer / "part" / "new").write_text("")
    assert (str(outer / "part"), False, 1) == tuple(
        read(outer / "part")[fact] for fact in ("root", "dirty", "untracked")
    )
    assert (str(outer), False, 0) == tuple(read(outer)[fact] for fact in ("root", "dirty", "untracked"))
    (outer / "part" / "tracked").write_text("two")
    assert read(outer)["dirty"] is True


def test_variables_choose_the_repository(repository: Path, tmp_path: Path) -> None:
    """GIT_DIR and GIT_WORK_TREE of the child count, as they do for its own git."""
    facts = read(tmp_path, GIT_DIR=str(repository / ".git"), GIT_WORK_TREE=str(repository))
    assert (str(repository), "main") == (facts["root"], facts["branch"])


def test_folder_outside_a_repository(tmp_path: Path) -> None:
    """It has no root, and that is no failure."""
    assert read(tmp_path) == {"root": None}


def test_bare_repository_has_no_work_tree(tmp_path: Path) -> None:
    """The words of git say why nothing is told."""
    run_git(tmp_path, "init", "-q", "--bare")
    with pytest.raises(ProbeError, match="must be run in a work tree"):
        read(tmp_path)


def test_repository_of_another_user_is_refused(repository: Path) -> None:
    """It is not read, and we say what it says."""
    with pytest.raises(ProbeError) as failure:
        read(repository, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert failure.value.why.startswith("git: detected dubious ownership in repository at ")


def test_broken_link_to_a_repository_is_told(tmp_path: Path) -> None:
    """A work tree whose repository is gone is not simply outside of one."""
    (tmp_path / ".git").write_text(f"gitdir: {tmp_path}/gone\n")
    with pytest.raises(ProbeError) as failure:
        read(tmp_path)
    assert failure.value.why == f"git: not a git repository: {tmp_path}/gone"


def test_working_directory_that_is_gone(tmp_path: Path) -> None:
    """It is named in the reason."""
    with pytest.raises(ProbeError, match=f"in {tmp_path}/gone: .*No such file or directory"):
        read(tmp_path / "gone")


@pytest.mark.parametrize("path", ["", "/nonexistent"])
def test_no_git_on_the_path(repository: Path, path: str) -> None:
    """An empty PATH holds nothing."""
    with pytest.raises(ProbeError, match="the command's PATH has no git"):
        read(repository, PATH=path)


def test_remote_of_the_branch_comes_first(repository: Path) -> None:
    """The branch's own remote, else origin, else the first; never with its credentials."""
    run_git(repository, "remote", "add", "fork", "https://me:secret@git.example/fork.git")
    assert read(repository)["remote"] == "https://git.example/fork.git"
    run_git(repository, "remote", "add", "origin", "https://token@git.example/origin.git")
    assert read(repository)["remote"] == "https://git.example/origin.git"
    run_git(repository, "config", "branch.main.remote", "fork")
    assert read(repository)["remote"] == "https://git.example/fork.git"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://user:pass@git.example:8443/a/b.git", "https://git.example:8443/a/b.git"),
        ("https://token@git.example/a", "https://git.example/a"),
        ("https://user:p@ss@git.example/a@b", "https://git.example/a@b"),
        ("http://git.example/a.git?private_token=secret#x", "http://git.example/a.git"),
        ("https://user:pass@git.example", "https://git.example"),
        ("ssh://git@git.example:22/a.git", "ssh://git@git.example:22/a.git"),
        ("ssh://git:secret@git.example/a.git", "ssh://git@git.example/a.git"),
        ("git+ssh://git.example/a.git", "git+ssh://git.example/a.git"),
        ("git@git.example:a/b.git", "git@git.example:a/b.git"),
        ("user:secret@git.example:a/b.git", "git.example:a/b.git"),
        ("/srv/git/a@b.git", "/srv/git/a@b.git"),
        ("../a", "../a"),
        ("file:///srv/a.git", "file:///srv/a.git"),
    ],
)
def test_credentials_are_taken_out(url: str, expected: str) -> None:
    """Passwords, tokens and queries go; what names the repository stays."""
    assert expected == without_credentials(url)


def test_git_that_hangs_is_cut_at_the_deadline(tmp_path: Path) -> None:
    """A git that blocks, and the program that it waits for, are gone after the deadline."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    fake = tmp_path / "git"
    fake.write_text(f"#!{shutil.which('bash')}\n({shutil.which('cat')} {fifo})\n:\n")
    fake.chmod(0o755)
    target = Target(("true",), None, str(tmp_path), {"PATH": str(tmp_path)}, os.getpid())
    # Held open here so that the fake's cat gets past its open; when it has been killed, the writer has no reader any more.
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(fifo, os.O_WRONLY)
    os.close(reader)
    try:
        with pytest.raises(ProbeError, match=r"git did not answer within 0\.\d s and was killed"):
            read_git(target, time.monotonic() + 0.4)
        gone = select.poll()
        gone.register(writer, 0)  # POLLERR alone: nobody has it open for reading
        assert gone.poll(1000 * DEADLINE_S)
    finally:
        os.close(writer)


def test_status_that_hangs_leaves_the_rest(repository: Path) -> None:
    """Where only the look at all files takes too long, commit and branch are known."""
    fake = repository.parent / "bin" / "git"
    fake.parent.mkdir()
    os.mkfifo(repository.parent / "fifo")
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *status*) read line < "{repository.parent}/fifo";; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    fake.chmod(0o755)
    target = Target(("true",), None, str(repository), {**ENVIRON, "PATH": str(fake.parent)}, os.getpid())
    with pytest.raises(ProbeError) as failure:
        read_git(target, time.monotonic() + 2)
    assert failure.value.facts == {
        "root": str(repository),
        "commit": run_git(repository, "rev-parse", "HEAD"),
        "branch": "main",
        "remote": None,
    }
