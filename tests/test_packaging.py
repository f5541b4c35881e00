"""The package: a wheel carries the shim, a checkout uses its own, and the version stands in one place."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from swanlab_cli import __version__

from .conftest import Workplace, python

ROOT = Path(__file__).parent.parent
WHERE = "import swanlab; print(swanlab.__file__)"


def copy_checkout(target: Path) -> None:
    """A copy of what git would take: tracked files and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    for name in listed.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built as an installer builds it."""
    copy_checkout(folder / "checkout")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(folder / "checkout")]
    built = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
def test_wheel_carries_the_shim_and_gives_it_to_the_child(work: Workplace) -> None:
    """One top-level package, the command, and the shim inside; `swanlab` itself is never installed for others to import."""
    wheel = build_wheel(work.directory)
    assert wheel.name.startswith(f"swanlab_cli-{__version__}-")
    unpacked = work.directory / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(unpacked)
    assert {name.split("/")[0] for name in names} == {"swanlab_cli", f"swanlab_cli-{__version__}.dist-info"}
    shim = work.directory / "checkout/shim"
    expected_names = {f"swanlab_cli/shim/{path.relative_to(shim)}" for path in shim.rglob("*") if path.is_file()}
    assert expected_names == {name for name in names if name.startswith("swanlab_cli/shim/")}
    commands = (unpacked / f"swanlab_cli-{__version__}.dist-info/entry_points.txt").read_text()
    expected_commands = ["swanlab = swanlab_cli.cli:main", "swanlab-cli = swanlab_cli.cli:main"]
    assert commands.split("\n") == ["[console_scripts]", *expected_commands, ""]
    result = subprocess.run(
        [sys.executable, "-m", "swanlab_cli", "run", "-q", *python(WHERE)],
        cwd=work.directory,
        env={**work.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    expected = unpacked / "swanlab_cli/shim/swanlab/__init__.py"
    assert (0, f"{expected}\n", "") == (result.returncode, result.stdout, result.stderr)


def test_checkout_gives_its_own_shim_to_the_child(work: Workplace) -> None:
    """An editable install finds it beside the package, so that it is never tested in an old copy."""
    result = work.swanlab("run", "-q", *python(WHERE))
    assert (result.returncode, result.stdout.decode().strip()) == (0, str(ROOT / "shim/swanlab/__init__.py"))


def test_module_and_command_are_the_same_program(work: Workplace) -> None:
    """`python -m swanlab_cli` and `swanlab` tell the same version."""
    command = [sys.executable, "-m", "swanlab_cli", "--version"]
    printed = subprocess.run(command, cwd=work.directory, env=work.environ, capture_output=True, check=True, timeout=60).stdout
    assert printed == work.swanlab("--version").stdout == f"swanlab-cli {__version__}\n".encode()


def test_version_is_a_version() -> None:
    """PEP 440, as installers sort it: numbers, perhaps a pre-release."""
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?(\.dev\d+)?", __version__)


def test_changelog_knows_the_version() -> None:
    """Newest first: `Unreleased` on top while there is something to release, then the version that the package has."""
    titles = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [title for title in titles if title != "Unreleased"]
    assert titles[0] in ("Unreleased", __version__)
    assert titles.count("Unreleased") == titles[:1].count("Unreleased")
    assert not released or "Unreleased" in titles or released[0] == __version__
    assert released == sorted(released, key=lambda title: [int(part) for part in re.findall(r"\d+", title)], reverse=True)
