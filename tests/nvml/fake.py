"""The fake driver: built with the machine's compiler, found as the real one is, and told by files what its GPUs do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("fake_nvml.c")


def build_library(folder: Path, *options: str) -> Path:
    """The folder with the compiled library in it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *options]
    subprocess.run([*command, "-o", str(folder / "libnvidia-ml.so.1"), str(_SOURCE)], check=True)
    return folder


class FakeDriver:
    """A library and a folder that says how its GPUs are; fake_nvml.c lists what that folder may hold."""

    def __init__(self, library: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environ = {"LD_LIBRARY_PATH": str(library), "FAKE_NVML": str(folder)}

    def set(self, name: str, text: object = "") -> None:
        """From the next call on; at once as a whole."""
        part = self.folder / f".{name}.part"
        part.write_text(str(text))
        part.rename(self.folder / name)

    def unset(self, name: str) -> None:
        """No longer so."""
        (self.folder / name).unlink()

    def python(self, code: str) -> str:
        """What a Python program prints that finds this library."""
        environ = {**os.environ, **self.environ}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
