"""The file that the command runs, and its content: a Python script or module, or a script of a shell or another language."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from swanlab_cli.environment.interpreter import find_interpreter, read_arguments
from swanlab_cli.environment.target import Facts, Target

CONTENT_BYTES = 1 << 20
"""How much of a file is kept."""
# Programs whose argument is a file to run, and the endings of such files for all others, launchers above all.
_SHELLS = frozenset(("ash", "bash", "dash", "fish", "ksh", "sh", "zsh"))
_SOURCES = (".py", ".sh", ".bash", ".zsh", ".R", ".r", ".jl", ".lua", ".js", ".mjs", ".ts", ".pl", ".rb", ".m")
_PIECE_BYTES = 1 << 18


def read_script(target: Target) -> Facts:
    """`path` of the script, None where the command has none or it cannot be read; then nothing else.

    `bytes`, `sha256` of the whole file, `content` (its text, at most CONTENT_BYTES; None where it is no text) and
    `left_out_bytes`.
    """
    for path in _candidates(target):
        if os.path.isfile(path):
            return _describe(path)
    return {"path": None}


def _candidates(target: Target) -> Iterator[str]:
    """What the script may be, the likeliest first."""
    interpreter = find_interpreter(target, pauses_s=())
    executable = os.path.join(target.cwd, target.executable) if target.executable else None
    if interpreter is not None:
        invocation = read_arguments(interpreter.arguments)
        if invocation.module:
            yield from _module_files(invocation.module, target)
        # Beside the interpreter lie the launchers that packages install: torchrun, accelerate. The user's is their argument.
        script = os.path.join(interpreter.cwd, invocation.script) if invocation.script else None
        if script and os.path.dirname(script) != os.path.dirname(interpreter.executable):
            yield script
    elif executable and os.path.basename(executable) in _SHELLS:
        words = [word for word in target.command[1:] if not word.startswith(("-", "+"))]
        if "-c" not in target.command[1:] and words:
            yield os.path.join(target.cwd, words[0])
    yield from (os.path.join(target.cwd, word) for word in target.command[1:] if word.endswith(_SOURCES))
    if executable and _begins_as_script(executable):
        yield executable


def _module_files(module: str, target: Target) -> Iterator[str]:
    """Where the user's own modules lie; nothing is imported, so installed ones are not looked for."""
    parts = module.split(".")
    for folder in (target.cwd, *filter(None, target.environ.get("PYTHONPATH", "").split(os.pathsep))):
        base = os.path.join(target.cwd, folder, *parts)
        yield base + ".py"
        yield os.path.join(base, "__main__.py")


def _begins_as_script(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


def _describe(path: str) -> Facts:
    digest = hashlib.sha256()
    kept = bytearray()
    size = 0
    with open(path, "rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            kept += piece[: CONTENT_BYTES - len(kept)]
    is_text = b"\0" not in kept
    return {
        "path": os.path.normpath(path),
        "bytes": size,
        "sha256": digest.hexdigest(),
        "content": kept.decode(errors="replace") if is_text else None,
        "left_out_bytes": size - len(kept) if is_text else size,
    }
