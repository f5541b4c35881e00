"""What the user may have meant by a command that cannot run. Asked only after it has failed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator

_INTERPRETERS = {".py": "python", ".sh": "sh", ".bash": "bash", ".pl": "perl", ".rb": "ruby", ".js": "node", ".R": "Rscript"}
_LIKENESS = 0.7


def suggest_for_missing(name: bytes, search_path: bytes) -> str:
    """What to type instead of a command that was not found; empty where nothing is like it."""
    word = os.fsdecode(name)
    if os.path.isfile(word):  # exec says the same of a missing interpreter in the first line
        return _name_interpreter(word) or f"it is in this folder: {_runnable(word)}"
    folder, _, base = word.rpartition("/")
    folders = [folder or "/"] if "/" in word else [entry or "." for entry in os.fsdecode(search_path).split(":")]
    names = _entries(folders)
    close = difflib.get_close_matches(base, names, n=1, cutoff=_LIKENESS)
    return f"did you mean '{os.path.join(folder, close[0])}'?" if close else ""


def suggest_for_file(name: bytes) -> str:
    """How to run a file that is not executable; empty where it cannot be seen."""
    word = os.fsdecode(name)
    if os.path.isdir(word):
        return "name a program in it"
    if not os.path.isfile(word):
        return ""
    return f"try {_runnable(word)}" if _interpreter(word) else f"make it executable: chmod +x {word}"


def _runnable(path: str) -> str:
    """How a user would type the file as a command."""
    local = path if "/" in path else f"./{path}"
    interpreter = _interpreter(path)
    return f"'{local}'" if os.access(path, os.X_OK) or not interpreter else f"'{interpreter} {path}'"


def _interpreter(path: str) -> str | None:
    return _INTERPRETERS.get(os.path.splitext(path)[1])


def _name_interpreter(path: str) -> str:
    """What the script's first line asks for, if the path has a slash: only then exec has looked into the file."""
    try:
        with open(path, "rb") as file:
            first = file.readline(256)
    except OSError:
        return ""
    words = first[2:].split() if first.startswith(b"#!") and "/" in path else []
    return f"its first line asks for {os.fsdecode(words[0])}, which is not there" if words else ""


def _entries(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                yield from (entry.name for entry in entries if entry.is_file() and os.access(entry.path, os.X_OK))
        except OSError:
            continue
