"""Whether the child's Python can find the shim: what `swanlab run` puts into the environment may not arrive."""

from __future__ import annotations

import os

from swanlab_cli.environment.interpreter import Interpreter, Invocation
from swanlab_cli.environment.target import Target

# Programs that run others as another user, and keep little of the environment unless told to.
_USER_CHANGERS = frozenset(("doas", "pkexec", "runuser", "su", "sudo"))
_CONSEQUENCE = "what it logs with `swanlab` is not in this run, what it prints is"


def why_not_injected(target: Target, interpreter: Interpreter | None, invocation: Invocation | None) -> str | None:
    """Words for why `import swanlab` in the child does not find the shim, or None where it does or nothing is known."""
    if interpreter is None or invocation is None:
        program = os.path.basename(target.executable or "")
        if program not in _USER_CHANGERS:
            return None
        return f"{program} passes PYTHONPATH on only where its rules say so; if they do not, {_CONSEQUENCE}"
    name = os.path.basename(interpreter.executable)
    for flag in ("I", "E"):
        if flag in invocation.flags:
            return f"{name} -{flag} ignores PYTHONPATH: {_CONSEQUENCE}"
    if "SWANLAB_CLI_RUN_DIR" not in interpreter.environ:
        return f"{name} was started without the environment of the run, as by sudo or env -i: {_CONSEQUENCE}"
    if not any(map(is_shim, interpreter.environ.get("PYTHONPATH", "").split(os.pathsep))):
        return f"{name} was started with another PYTHONPATH: {_CONSEQUENCE}"
    return None


def is_shim(folder: str) -> bool:
    """Whether a folder on PYTHONPATH is the one that `swanlab run` adds."""
    return os.path.basename(folder.rstrip("/")) == "shim" and os.path.isdir(os.path.join(folder, "swanlab"))
