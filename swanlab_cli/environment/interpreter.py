"""Which Python runs the command: read off its files, or seen among the child's processes. Runs nothing."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from swanlab_cli.environment.program import find_program
from swanlab_cli.environment.sightings import PYTHON
from swanlab_cli.environment.target import Target
from swanlab_cli.environment.tree import tree_pids

# Pauses between looks at the child's processes: most scripts start their Python at once, some prepare first.
PAUSES_S = (0.05, 0.1, 0.2, 0.4, *[0.5] * 8)

# Written in Python, but to start another one: their own interpreter says little about the run.
_LAUNCHERS = frozenset(("conda", "hatch", "mamba", "nox", "pdm", "pipenv", "poetry", "tox"))
# How much of a first line, and how many scripts that name scripts, the kernel reads: execve(2), "Interpreter scripts".
_SHEBANG_BYTES = 256
_SHEBANG_DEPTH = 5


class Interpreter(NamedTuple):
    """A Python as it was started."""

    executable: str
    """Absolute path, symbolic links not resolved: that is how a virtual environment's Python knows its place."""
    arguments: tuple[str, ...]
    """What follows it on its command line."""
    cwd: str
    environ: Mapping[str, str]


class Invocation(NamedTuple):
    """What a Python's arguments ask of it."""

    flags: frozenset[str]
    """Its options of one letter that have no value."""
    script: str | None
    """The file to run, as given."""
    module: str | None
    """The module to run."""


def find_interpreter(target: Target, pauses_s: Iterable[float] = PAUSES_S) -> Interpreter | None:
    """The Python that the command is or, as a script, names; else the first one in the child's tree; else None.

    Looks at the tree once more after each pause while the child lives.
    """
    named = _named_by_command(target)
    is_launcher = target.executable is not None and os.path.basename(target.executable) in _LAUNCHERS
    if named is not None and not is_launcher:
        return named
    return _seen_in_tree(target, pauses_s, named) or named


def running_interpreter(pid: int) -> Interpreter | None:
    """The Python that a process runs, None where it runs none, has ended or is another user's."""
    try:
        return next(_running_python(pid, _read_words(pid, "cmdline")), None)
    except OSError:
        return None


def read_arguments(arguments: Sequence[str]) -> Invocation:
    """What Python does with its arguments. https://docs.python.org/3/using/cmdline.html"""
    flags: set[str] = set()
    words = iter(arguments)
    for word in words:
        if word == "-" or not word.startswith("-"):
            return Invocation(frozenset(flags), None if word == "-" else word, None)
        if word.startswith("--"):
            if word == "--check-hash-based-pycs":
                next(words, None)
            continue
        for place, letter in enumerate(word[1:], start=2):
            if letter in "cm":
                module = (word[place:] or next(words, "")).strip() if letter == "m" else None
                return Invocation(frozenset(flags), None, module or None)
            if letter in "WX":
                if not word[place:]:
                    next(words, None)
                break
            flags.add(letter)
    return Invocation(frozenset(flags), None, None)


def _named_by_command(target: Target) -> Interpreter | None:
    if target.executable is None:
        return None
    path = os.path.join(target.cwd, target.executable)
    arguments = target.command[1:]
    for _ in range(_SHEBANG_DEPTH):
        # The first line decides, not the name: what is called python may be a shell script that chooses one.
        line = _shebang(path)
        if line is None:
            return Interpreter(path, arguments, target.cwd, target.environ) if _is_python(path) else None
        words = _shebang_words(line, target)
        if not words:
            return None
        arguments = (*words[1:], path, *arguments)
        path = words[0]
    return None


def _shebang(path: str) -> str | None:
    """The first line of a script after `#!`, or None where the file is none."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(_SHEBANG_BYTES)
    except OSError:
        return None
    return os.fsdecode(head.split(b"\n")[0][2:]).strip(" \t\r") if head.startswith(b"#!") else None


def _shebang_words(line: str, target: Target) -> list[str]:
    """The program that a first line names, as an absolute path, and its arguments; none where it cannot be found."""
    # The kernel hands on everything after the program as one argument.
    words = line.split(maxsplit=1)
    if not words:
        return []
    if os.path.basename(words[0]) != "env":
        return [os.path.join(target.cwd, words[0]), *words[1:]]
    words = _env_words(words[1:])
    if not words:
        return []
    program = words[0] if "/" in words[0] else find_program(words[0], target.environ, target.cwd)
    return [os.path.join(target.cwd, program), *words[1:]] if program else []


def _env_words(words: list[str]) -> list[str]:
    """What `env` runs: its arguments after its options and assignments."""
    split = re.match(r"-[iv0]*S|--split-string=?", words[0]) if words else None
    if split:
        try:
            words = shlex.split(words[0][split.end() :])
        except ValueError:  # a quotation that does not end
            return []
    while words and (words[0].startswith("-") or "=" in words[0]):
        words = words[2 if words[0] in ("-u", "-C") else 1 :]
    return words


def _seen_in_tree(target: Target, pauses_s: Iterable[float], ignored: Interpreter | None) -> Interpreter | None:
    for pause_s in itertools.chain(pauses_s, (0.0,)):
        for interpreter in _running_pythons(target.pid):
            if ignored is None or not (interpreter.executable == ignored.executable or _is_question(interpreter)):
                return interpreter
        if not _is_alive(target.pid):
            break
        # Nothing announces that a process which is not our child runs another program.
        time.sleep(pause_s)  # a process that others start cannot be waited for
    return None


def _is_question(interpreter: Interpreter) -> bool:
    """Whether it looks like what a launcher asks the interpreters that it finds, before it runs one for the user."""
    asked = read_arguments(interpreter.arguments)
    return "/site-packages/" in (asked.script or "") or ("I" in asked.flags and asked.script is None and asked.module is None)


def _running_pythons(pid: int) -> Iterator[Interpreter]:
    # Between fork and exec the child is still a copy of the recorder, which is our own command line and a Python too.
    own = _read_words("self", "cmdline")
    for member in tree_pids(pid):
        try:
            argv = _read_words(member, "cmdline")
            if argv and argv != own:
                yield from _running_python(member, argv)
        except OSError:
            continue  # ended meanwhile, or another user's


def _running_python(pid: int, argv: Sequence[str]) -> Iterator[Interpreter]:
    """The process as an interpreter, where it is one."""
    running = os.readlink(f"/proc/{pid}/exe")
    if not argv or not (_is_python(running) or _is_python(argv[0])):
        return
    cwd = os.readlink(f"/proc/{pid}/cwd")
    environ = dict(word.split("=", 1) for word in _read_words(pid, "environ") if "=" in word)
    started_as = os.path.join(cwd, argv[0]) if "/" in argv[0] else find_program(argv[0], environ, cwd)
    for path in (started_as, running):
        # Anything can stand in argv, and in a container even the kernel's path names another file than it does here.
        if path and _is_same_file(path, f"/proc/{pid}/exe"):
            yield Interpreter(path, tuple(argv[1:]), cwd, environ)
            return


def _is_python(path: str) -> bool:
    return PYTHON.fullmatch(os.path.basename(path)) is not None


def _is_same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            # proc(5): the state follows the name, which may hold parentheses itself. A zombie has ended.
            return stream.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def _read_words(pid: int | str, name: str) -> list[str]:
    with open(f"/proc/{pid}/{name}", "rb") as stream:
        return os.fsdecode(stream.read()).split("\0")[:-1]
