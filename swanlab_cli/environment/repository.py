"""The git state of the working directory, by the `git` that the command would find. Writes nothing, asks nobody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from swanlab_cli.environment.program import Answer, ask, find_program, listen
from swanlab_cli.environment.target import Facts, ProbeError, Target

# git's own variables say which repository it is, so they stay, but not those that write traces into the user's files.
_DROPPED_VARIABLES = re.compile(r"GIT_TRACE|LD_PRELOAD$")
_SET_VARIABLES = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone would fetch what it lacks from the network
    "LC_ALL": "C",  # we read messages
}
# A file system monitor is a program of the user's, or a daemon that would outlive us.
_OPTIONS = ("--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false")


class Git(NamedTuple):
    """The command's git, ready to be asked about its working directory until `ends_at`."""

    program: str
    cwd: str
    environ: Mapping[str, str]
    ends_at: float

    def __call__(self, *arguments: str) -> Answer:
        """Its answer as a whole."""
        return ask((self.program, *_OPTIONS, *arguments), self.cwd, self.environ, self.ends_at)

    def pieces(self, *arguments: str) -> Iterator[bytes]:
        """Its answer as it comes."""
        return listen((self.program, *_OPTIONS, *arguments), self.cwd, self.environ, self.ends_at)


def open_git(target: Target, ends_at: float) -> Git:
    """The git that the command would find.

    Raises:
        ProbeError: there is none.
    """
    program = find_program("git", target.environ, target.cwd)
    if program is None:
        raise ProbeError("the command's PATH has no git")
    environ = {name: value for name, value in target.environ.items() if not _DROPPED_VARIABLES.match(name)}
    return Git(program, target.cwd, environ | _SET_VARIABLES, ends_at)


def find_root(git: Git) -> str | None:
    """The top folder of the work tree, or None outside a repository.

    Raises:
        ProbeError: git refuses.
    """
    top_level = git("rev-parse", "--show-toplevel")
    # Followed by a colon instead, it is the folder of a broken submodule or worktree, which is worth telling.
    return None if b"not a git repository (or any " in top_level.errors else git_text(top_level)


def read_git(target: Target, ends_at: float) -> Facts:
    """`root`, `commit`, `branch`, `remote`, `dirty`, `untracked`; only `root`, which is None, outside a repository.

    `commit` is None before the first one, `branch` where HEAD is detached. `remote` is the URL, without credentials, of
    the branch's remote, else of `origin`, else of the first. `dirty`: a tracked file differs from the commit.
    `untracked` counts files neither tracked nor ignored, a folder of nothing else as one. `ends_at` is on the monotonic
    clock.

    Raises:
        ProbeError: there is no git, it refuses (a repository of another user), or it takes too long.
    """
    git = open_git(target, ends_at)
    root = find_root(git)
    if root is None:
        return {"root": None}
    facts: Facts = {"root": root}
    try:
        _add_state(facts, git)
    except ProbeError as failure:
        raise ProbeError(failure.why, facts) from failure
    return facts


def _add_state(facts: Facts, git: Git) -> None:
    # Each in a program of its own and the one that reads every file last: a deadline then costs only what follows.
    facts["commit"] = git_text(git("rev-parse", "--verify", "--quiet", "HEAD"), (0, 1)) or None
    facts["branch"] = git_text(git("symbolic-ref", "--quiet", "--short", "HEAD"), (0, 1)) or None
    remotes = git("config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")
    facts["remote"] = _choose_remote(git_text(remotes, (0, 1)), facts["branch"])
    # A submodule in another state than the commit says makes us dirty whatever the configuration says; rename detection
    # costs time and changes no answer.
    changes = git(
        "status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=untracked"
    )
    lines = git_text(changes).split("\0")
    facts["dirty"] = any(line.startswith(("1 ", "2 ", "u ")) for line in lines)
    facts["untracked"] = sum(line.startswith("? ") for line in lines)


def git_text(answer: Answer, accepted: tuple[int, ...] = (0,)) -> str:
    """What git said, as text, less the last newline.

    Raises:
        ProbeError: it failed.
    """
    if answer.exit_code not in accepted:
        message = answer.errors.decode(errors="replace").strip().splitlines() or [f"exit code {answer.exit_code}"]
        raise ProbeError("git: " + message[0].removeprefix("fatal: "))
    return os.fsdecode(answer.output).removesuffix("\n")


def _choose_remote(listing: str, branch: str | None) -> str | None:
    """The URL to name, from entries of the configuration: name, newline, value, NUL."""
    settings: dict[str, str] = {}
    for entry in listing.split("\0"):
        key, _, value = entry.partition("\n")
        settings.setdefault(key, value)  # a remote with several URLs is fetched from its first
    urls = {key[len("remote.") : -len(".url")]: url for key, url in settings.items() if key.startswith("remote.")}
    for remote in (settings.get(f"branch.{branch}.remote", ""), "origin", *urls):
        if remote in urls:
            return without_credentials(urls[remote])
    return None


def without_credentials(url: str) -> str:
    """A remote's URL less passwords, tokens and queries; the user name of an ssh address stays, for it is no secret."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        # host:path as ssh takes it: a colon before the "@" can only be a mistake that shows a password.
        user, at, address = url.rpartition("@")
        return address if at and ":" in user else url
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if scheme.endswith("ssh"):
        return f"{scheme}://{user.partition(':')[0]}{at}{host}{slash}{path}"
    return f"{scheme}://" + re.split(r"[?#]", f"{host}{slash}{path}", maxsplit=1)[0]
