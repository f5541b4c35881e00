"""The facts about the child's Python, asked of that interpreter in a new process that runs no code of the user's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from swanlab_cli.environment.injection import is_shim, why_not_injected
from swanlab_cli.environment.interpreter import (
    PAUSES_S,
    Interpreter,
    Invocation,
    find_interpreter,
    read_arguments,
    running_interpreter,
)
from swanlab_cli.environment.packages import list_direct_urls, list_packages
from swanlab_cli.environment.program import ask
from swanlab_cli.environment.target import Facts, ProbeError, Target

# What decides where Python looks for modules. All else stays away: it may start profilers, write files, import modules.
_KEPT_VARIABLES = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH"),
    *("PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONPLATLIBDIR", "PYTHONUSERBASE"),
)

# Started with -S, so that `site` can be told to run neither sitecustomize and usercustomize nor code in .pth files before
# it extends the path. PYTHONPATH comes by argument and last: no module imported here may be found in it. Syntax of 3.6.
_QUESTION = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import json, site
site.execsitecustomize = site.execusercustomize = lambda: None
site.exec = lambda *_: None
if sys.argv[1] == "site":
    site.main()
json.dump({
    "executable": sys.executable,
    "version": sys.version.split()[0],
    "implementation": sys.implementation.name,
    "prefix": sys.prefix,
    "base_prefix": sys.base_prefix,
    "path": sys.argv[2:] + sys.path,
}, sys.stdout)
"""


def read_python(target: Target, ends_at: float, pauses_s: Iterable[float] = PAUSES_S) -> Facts:
    """What runs the command and what is installed for it; `executable` is None where no Python was found.

    `executable`, `not_injected` (why `import swanlab` does not find the shim, or None), `version` ("3.11.7"),
    `implementation` ("cpython"), `prefix`, `virtual_env` (its folder or None), `packages` ({normalised name: version},
    sorted), `direct_urls` (of packages that came from no index: list_direct_urls), and what it was told to run: `script`
    (absolute path) or `module`, else None. Without a Python only the first two. `ends_at` is on the monotonic clock.

    Raises:
        ProbeError: the interpreter does not answer; its facts are those known without it.
    """
    interpreter = find_interpreter(target, pauses_s)
    if interpreter is None:
        return {"executable": None, "not_injected": why_not_injected(target, None, None)}
    return _describe(target, interpreter, ends_at)


def read_running_python(target: Target, pid: int, ends_at: float) -> Facts:
    """What `read_python` finds, of a process of the child's tree, with its `command`; `executable` is None where it has ended.

    Raises:
        ProbeError: as with `read_python`.
    """
    interpreter = running_interpreter(pid)
    if interpreter is None:
        return {"executable": None}
    command = [interpreter.executable, *interpreter.arguments]
    try:
        return {**_describe(target, interpreter, ends_at), "command": command}
    except ProbeError as failure:
        raise ProbeError(failure.why, {**(failure.facts or {}), "command": command}) from failure


def _describe(target: Target, interpreter: Interpreter, ends_at: float) -> Facts:
    invocation = read_arguments(interpreter.arguments)
    script = os.path.join(interpreter.cwd, invocation.script) if invocation.script else None
    facts: Facts = {
        "executable": interpreter.executable,
        "script": script,
        "module": invocation.module,
        "not_injected": why_not_injected(target, interpreter, invocation),
    }
    try:
        answer = _ask(interpreter, invocation, ends_at)
    except ProbeError as failure:
        raise ProbeError(failure.why, facts) from failure
    return facts | {
        "executable": answer["executable"] or interpreter.executable,
        "version": answer["version"],
        "implementation": answer["implementation"],
        "prefix": answer["prefix"],
        "virtual_env": answer["prefix"] if answer["prefix"] != answer["base_prefix"] else None,
        "packages": list_packages(answer["path"]),
        "direct_urls": list_direct_urls(answer["path"]),
    }


def _ask(interpreter: Interpreter, invocation: Invocation, ends_at: float) -> dict[str, Any]:
    environ = {name: interpreter.environ[name] for name in _KEPT_VARIABLES if name in interpreter.environ}
    if invocation.flags & {"E", "I"}:
        environ = {name: value for name, value in environ.items() if not name.startswith("PYTHON")}
    if invocation.flags & {"s", "I"}:
        environ["PYTHONNOUSERSITE"] = "1"
    site = "no site" if "S" in invocation.flags else "site"
    entries = () if invocation.flags & {"E", "I"} else _search_path(interpreter)
    # From the root folder, where no module of the user's lies; -B writes no bytecode beside modules.
    answer = ask((interpreter.executable, "-SBc", _QUESTION, site, *entries), "/", environ, ends_at)
    try:
        facts: dict[str, Any] = json.loads(answer.output)
    except ValueError as error:
        message = answer.errors.decode(errors="replace").strip().splitlines() or ["it said nothing that we understand"]
        raise ProbeError(f"{interpreter.executable}: {message[-1]} (exit code {answer.exit_code})") from error
    return facts


def _search_path(interpreter: Interpreter) -> list[str]:
    """The folders of PYTHONPATH, less the one that the recorder adds: what lies in it is ours and not installed."""
    entries = interpreter.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [os.path.join(interpreter.cwd, entry) for entry in entries if entry]
    return [folder for folder in folders if not is_shim(folder)]

