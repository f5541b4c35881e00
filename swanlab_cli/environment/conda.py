"""The packages of a conda environment, read off its own records; conda, which takes seconds to start, is not run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from swanlab_cli.environment.interpreter import find_interpreter
from swanlab_cli.environment.repository import without_credentials
from swanlab_cli.environment.target import Facts, Target


def read_conda(target: Target) -> Facts:
    """`prefix` of the environment and its `packages`, sorted: {"name", "version", "build", "channel"}.

    The environment is the one of the command's Python, else the one that is activated; `prefix` is None where there is none.
    """
    for prefix in _prefixes(target):
        folder = os.path.join(prefix, "conda-meta")
        if os.path.isdir(folder):
            return {"prefix": prefix, "packages": list(_packages(folder))}
    return {"prefix": None}


def _prefixes(target: Target) -> Iterator[str]:
    interpreter = find_interpreter(target, pauses_s=())
    if interpreter is not None:
        yield os.path.dirname(os.path.dirname(interpreter.executable))
    if target.environ.get("CONDA_PREFIX"):
        yield target.environ["CONDA_PREFIX"]


def _packages(folder: str) -> Iterator[Facts]:
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith(".json"):
            continue
        try:
            with open(os.path.join(folder, entry), encoding="utf-8") as stream:
                record = json.load(stream)
        except (OSError, ValueError):
            record = None
        if not isinstance(record, dict):
            record = {}
        # NAME-VERSION-BUILD.json is what is known where the record cannot be read.
        name, version, build = [*entry.removesuffix(".json").rsplit("-", 2), "", ""][:3]
        channel = record.get("channel")
        yield {
            "name": record.get("name", name),
            "version": record.get("version", version),
            "build": record.get("build", build),
            "channel": without_credentials(channel) if isinstance(channel, str) else None,
        }
