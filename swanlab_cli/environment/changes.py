"""What the work tree has that the commit has not: the diff of tracked files within a bound, and names. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from swanlab_cli.environment.repository import Git, find_root, git_text, open_git
from swanlab_cli.environment.target import Facts, ProbeError, Target

TEXT_BYTES = 1 << 20
"""How much diff is kept."""
# A larger file is not compared at all: git would hold both versions in memory.
_COMPARED_BYTES = 8 << 20
# A diff is read so far to find files that still fit; the rest is left out without a look.
_READ_BYTES = 32 << 20
_NAMES = 200
_SUBMODULES = 20
_MODE_OF_SUBMODULES = "160000"
_MARK = b"\ndiff --git "
_OPTIONS = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--submodule=short"),
    *("--ignore-submodules=untracked", "--src-prefix=a/", "--dst-prefix=b/"),
)


class _Change(NamedTuple):
    path: str
    file_bytes: int
    """Size in the work tree, 0 where it is gone."""


def read_diff(target: Target, ends_at: float) -> Facts:
    """What differs from the commit, or from nothing before the first one; `base` is None outside a repository.

    `base`: the commit or tree compared with. `text`: `git diff` of whole files, as many as fit TEXT_BYTES; binary files are
    only named in it. `changed`: how many tracked files differ. `left_out`: those whose diff is not in `text`, at most 200 as
    {"path", "file_bytes"}, with `left_out_count`. `untracked_files`: at most 200 names, folders with a slash.
    `submodules`: at most 20 of {"path", "recorded", "commit", "dirty"}, `commit` None where not checked out.

    Raises:
        ProbeError: git cannot say in time; the facts are those known until then.
    """
    git = open_git(target, ends_at)
    root = find_root(git)
    if root is None:
        return {"base": None}
    head = git_text(git("rev-parse", "--verify", "--quiet", "HEAD"), (0, 1))
    facts: Facts = {"base": head or git_text(git("hash-object", "-t", "tree", os.devnull))}
    try:
        changes = _changes(git, facts["base"], root)
        facts["changed"] = len(changes)
        untracked = git("ls-files", "-z", "--others", "--exclude-standard", "--directory", "--no-empty-directory")
        facts["untracked_files"] = git_text(untracked).split("\0")[:-1][:_NAMES]
        facts["submodules"] = list(_submodules(git, root, {change.path for change in changes}))
        _add_text(facts, git, changes)
    except ProbeError as failure:
        raise ProbeError(failure.why, facts) from failure
    return facts


def _changes(git: Git, base: str, root: str) -> list[_Change]:
    words = git_text(git(*_OPTIONS, "--raw", "--no-abbrev", "-z", base)).split("\0")
    changes = {}
    # A description, then the path. git-diff-index(1), "Raw output format". Unmerged ones come twice.
    for path in words[1::2]:
        changes[path] = _Change(path, _file_bytes(os.path.join(root, path)))
    return list(changes.values())


def _file_bytes(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _add_text(facts: Facts, git: Git, changes: list[_Change]) -> None:
    too_large = [change.path for change in changes if change.file_bytes > _COMPARED_BYTES][:_NAMES]
    excluded = [f":(top,exclude,literal){path}" for path in too_large]
    kept: list[bytes] = []
    included: set[str] = set()
    why = None
    if len(changes) > len(too_large):
        try:
            room = TEXT_BYTES
            for part in _parts(_bounded(git.pieces(*_OPTIONS, "-U3", facts["base"], "--", ":/", *excluded)), TEXT_BYTES):
                if len(part) <= room:
                    room -= len(part)
                    kept.append(part)
                    included.add(_path_of(part))
        except ProbeError as failure:
            why = failure.why  # what fits until then is whole files
    facts["text"] = b"".join(kept).decode(errors="replace")
    left_out = [change for change in changes if change.path not in included]
    facts["left_out"] = [{"path": change.path, "file_bytes": change.file_bytes} for change in left_out[:_NAMES]]
    facts["left_out_count"] = len(left_out)
    if why is not None:
        raise ProbeError(why)


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    read = 0
    for piece in pieces:
        read += len(piece)
        if read > _READ_BYTES:
            return
        yield piece
    yield _MARK[1:]  # after the last newline: the last part is whole


def _parts(pieces: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The diff of each file from a diff in pieces that ends with a mark; of those over `longest` bytes nothing."""
    # A line of the diff's own begins with "diff" only where a file's begins: the contents' lines are indented.
    held = bytearray(b"\n")
    is_skipping = False
    for piece in pieces:
        searched = max(0, len(held) - len(_MARK))
        held += piece
        while (end := held.find(_MARK, searched)) >= 0:
            if end > 0 and not is_skipping:
                yield bytes(held[1 : end + 1])
            is_skipping = False
            del held[:end]
            searched = 1
        if len(held) > longest + len(_MARK):
            is_skipping = True
        if is_skipping:
            del held[: -len(_MARK)]


def _path_of(part: bytes) -> str:
    """The path that a file's diff names, from "diff --git a/PATH b/PATH": both are one, for renames are not looked for."""
    line = part.split(b"\n", 1)[0].removeprefix(b"diff --git ")
    name = line[: len(line) // 2]
    if name.startswith(b'"'):
        # git quotes as C does, and octal numbers are bytes.
        name = name[1:-1].decode("latin-1").encode("latin-1").decode("unicode_escape").encode("latin-1")
    return os.fsdecode(name.removeprefix(b"a/"))


def _submodules(git: Git, root: str, changed: set[str]) -> Iterator[Facts]:
    if not os.path.exists(os.path.join(root, ".gitmodules")):
        return
    listed = git("config", "-z", "--file", os.path.join(root, ".gitmodules"), "--get-regexp", r"^submodule\..*\.path$")
    paths = [entry.partition("\n")[2] for entry in git_text(listed, (0, 1)).split("\0")[:-1]][:_SUBMODULES]
    if not paths:
        return
    stages = git_text(git("ls-files", "-z", "--stage", "--", *(f":(top,literal){path}" for path in paths)))
    for entry in stages.split("\0")[:-1]:
        description, _, shown = entry.partition("\t")
        mode, recorded, _ = description.split()
        if mode == _MODE_OF_SUBMODULES:
            path = os.path.relpath(os.path.join(os.path.realpath(git.cwd), shown), root)
            yield {"path": path, "recorded": recorded, "commit": _checked_out(git, root, path), "dirty": path in changed}


def _checked_out(git: Git, root: str, path: str) -> str | None:
    folder = os.path.join(root, path)
    if not os.path.exists(os.path.join(folder, ".git")):
        return None
    inside = {name: value for name, value in git.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    answer = git._replace(cwd=folder, environ=inside)("rev-parse", "--verify", "--quiet", "HEAD")
    return git_text(answer, (0, 1)) or None
