"""What end-to-end tests share: the installed command on real files, and waiting with a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

SWANLAB = str(Path(sys.executable).parent / "swanlab")
CHILDREN = Path(__file__).parent / "children"
DEADLINE_S = 30.0

T = TypeVar("T")


@pytest.fixture(scope="session", autouse=True)
def _signals_as_usual() -> None:
    """Let hang-ups and interrupts end the programs that tests start, even where nohup(1) or a shell's `&` had them ignored."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def wait_for(condition: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
    """The first true value of `condition`; fails when the deadline passes."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.01)  # the interval of looking; what is waited for is the condition


class Workplace:
    """A directory of its own with a log directory, and the `swanlab` command in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.logdir = directory / "swanlog"
        # A terminal's size in variables, as pytest's workers get it, would hide the real one from curses programs.
        dropped = ("LINES", "COLUMNS", "XDG_CONFIG_HOME")
        names = (name for name in os.environ if not name.startswith("SWANLAB_") and name not in dropped)
        self.environ = {name: os.environ[name] for name in names}
        self.environ.update(HOME=str(directory), PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}", TERM="xterm")

    def swanlab(
        self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None, timeout_s: float = 2 * DEADLINE_S
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `swanlab ARGUMENTS` to its end with pipes for its streams."""
        return subprocess.run(
            [SWANLAB, *arguments],
            cwd=self.directory,
            env={**self.environ, **(environ or {})},
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start `swanlab ARGUMENTS`, by default with pipes for its outputs."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([SWANLAB, *arguments], cwd=self.directory, env=self.environ, **options)

    def shell(self, script: str) -> subprocess.CompletedProcess[bytes]:
        """Run a bash script in which `swanlab` is on the PATH."""
        command = ["bash", "--norc", "-c", script]
        return subprocess.run(
            command, cwd=self.directory, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=2 * DEADLINE_S, check=False,
        )  # fmt: skip

    def show(self, run: str = "last") -> dict[str, Any]:
        """What `swanlab show RUN --json` prints."""
        return dict(json.loads(self._read("show", run, "--json")))

    def points(self, run: str = "last", *options: str) -> list[dict[str, Any]]:
        """What `swanlab metrics RUN --json OPTIONS` prints."""
        return [json.loads(line) for line in self._read("metrics", run, "--json", *options).splitlines()]

    def series(self, key: str, run: str = "last") -> list[tuple[int, Any]]:
        """(step, value) of one metric."""
        return [(point["step"], point["value"]) for point in self.points(run) if point["key"] == key]

    def output(self, *options: str, run: str = "last") -> bytes:
        """What `swanlab logs RUN OPTIONS` prints."""
        return self._read("logs", run, *options)

    def run_directory(self) -> Path:
        """The directory of the only run."""
        (directory,) = self.logdir.glob("run-*")
        return directory

    def _read(self, *arguments: str) -> bytes:
        result = self.swanlab(*arguments)
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    """A fresh workplace."""
    return Workplace(tmp_path)


def python(code: str) -> Sequence[str]:
    """The command that runs this Python code in a child."""
    return [sys.executable, "-c", code]
