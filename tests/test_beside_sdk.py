"""Without the wrapper nothing of ours is on the path, and the real SDK beside us works as it does alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from swanlab_cli import __version__

from .conftest import DEADLINE_S, Workplace, python
from .test_packaging import build_wheel

WHAT_IS_THERE = (
    "import importlib.metadata as m, importlib.util as u, sys\n"
    "print(u.find_spec('swanlab'), [d.version for d in m.distributions() if d.metadata['Name'] == 'swanlab'])\n"
    "print([entry for entry in sys.path if 'shim' in entry])"
)


def test_nothing_of_ours_is_on_the_path_without_the_wrapper(work: Workplace) -> None:
    """`import swanlab` fails where the SDK is not installed, and no package tells of one."""
    result = subprocess.run(python(WHAT_IS_THERE), env=work.environ, cwd=work.directory, capture_output=True, check=True)
    assert result.stdout == b"None []\n[]\n"


class Beside:
    """A virtual environment into which pip puts the SDK and us; what both need is that of the SDK's and our own environments."""

    def __init__(self, directory: Path, version: str) -> None:
        sdk = Path(sys.prefix) / f"sdk-{version}"
        if not (sdk / ".complete").exists():
            pytest.skip(f"swanlab {version} could not be installed for the tests")
        (self.sdk_wheel,) = (sdk / "wheels").glob("swanlab-*.whl")
        self.bin = directory / "both/bin"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory / "both")], check=True)
        (site_packages,) = (directory / "both/lib").glob("python*/site-packages")
        others = [next((Path(prefix) / "lib").glob("python*/site-packages")) for prefix in (sys.prefix, sdk)]
        (site_packages / "others.pth").write_text("".join(f"{folder}\n" for folder in others))

    def install(self, wheel: Path) -> None:
        """Put a wheel in, as a user's pip does."""
        options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--ignore-installed"]
        command = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install", *options, str(wheel)]
        subprocess.run(command, check=True, capture_output=True, timeout=2 * DEADLINE_S)

    def output(self, work: Workplace, *command: str) -> list[str]:
        """The lines that a command of the environment prints; it must succeed."""
        result = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            env={**work.environ, "PATH": f"{self.bin}:/usr/bin:/bin"},
            cwd=work.directory,
            capture_output=True,
            text=True,
            timeout=4 * DEADLINE_S,  # the SDK has much to compile when it starts for the first time
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()


_LOG_OFFLINE = (
    "import swanlab\n"
    "swanlab.init(mode='offline', logdir='theirs')\n"
    "swanlab.log({'a': 1})\n"
    "swanlab.finish()\n"
    "print(swanlab.__version__)"
)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["sdk first", "sdk last"])
@pytest.mark.parametrize("version", ["0.10.3", "0.7.20"])
def test_both_in_one_environment(work: Workplace, version: str, order: str) -> None:
    """Who is installed last has `swanlab`; ours says who it is and is always `swanlab-cli`; the SDK's is `python -m swanlab`."""
    beside = Beside(work.directory, version)
    wheels: Sequence[Path] = (beside.sdk_wheel, build_wheel(work.directory))
    for wheel in wheels if order == "sdk first" else wheels[::-1]:
        beside.install(wheel)
    # Without the wrapper: the SDK, as if we were not there.
    assert beside.output(work, "python", "-c", _LOG_OFFLINE)[-1] == version
    assert beside.output(work, "python", "-c", "import swanlab, sys; print(any('shim' in path for path in sys.path))") == [
        "False"
    ]
    # With it: the shim, whichever command.
    assert beside.output(work, "swanlab-cli", "run", "-q", "python", "-c", _LOG_OFFLINE) == ["0.10.3+cli"]
    assert work.series("a") == [(0, 1.0)]
    # Each command says which it is.
    ours = [f"swanlab-cli {__version__}"]
    assert beside.output(work, "swanlab-cli", "--version") == ours
    assert (beside.output(work, "swanlab", "--version") == ours) == (order == "sdk first")
    assert version in beside.output(work, "python", "-m", "swanlab", "--version")[-1]


def test_help_says_whose_command_it_is(work: Workplace) -> None:
    """Two programs are called `swanlab`."""
    shown = " ".join(work.swanlab("--help").stdout.decode().split())
    assert "swanlab-cli" in shown
    assert "python -m swanlab" in shown


@pytest.mark.parametrize("command", ["login", "watch", "convert"])
def test_command_of_the_sdk_is_pointed_to(work: Workplace, command: str) -> None:
    """Who types the SDK's command and gets ours is told how to get the other."""
    result = work.swanlab(command, "--anything")
    assert result.returncode == 2
    assert f"python -m swanlab {command}" in " ".join(result.stderr.decode().replace("│", " ").split())
