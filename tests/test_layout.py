"""The structure: which room may import which, who owns which library, what lies at the top."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "swanlab_cli"
LEVELS = {
    "records": 0, "errors": 0, "settings": 0, "documents": 0,
    "process": 1, "parser": 1, "environment": 1, "store": 1, "cloud": 1,
    "recorder": 2, "adopt": 2,
    "cli": 3, "__main__": 3,
}  # fmt: skip
OWNERS = {"typer": "cli", "rich": "cli", "pexpect": "process", "psutil": "environment", "requests": "cloud"}
FOLDERS = {"swanlab_cli", "shim", "tests"}
TOP_LEVEL = FOLDERS | {"pyproject.toml", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Makefile"}

# Libraries of the program's own that the shim uses where a value is theirs, by folder.
SHIM_GUESTS = {"media": {"numpy", "PIL", "rdkit"}}

def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports, wherever in it."""
    parts = ["swanlab_cli", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    """A room imports rooms of a lower level and itself, level 0 only level 0."""
    room = _room(path)
    if room == "__init__":
        return
    for name in _imports(path):
        target = name.split(".")[1] if name.startswith("swanlab_cli.") else None
        if target in LEVELS and target != room:
            allowed = LEVELS[target] < LEVELS[room] or LEVELS[target] == LEVELS[room] == 0 or room == "__main__"
            assert allowed, f"{room} imports {target}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_library_has_one_owner(path: Path) -> None:
    """An outside library is touched by its room alone."""
    for name in _imports(path):
        owner = OWNERS.get(name.split(".")[0])
        assert owner in (None, _room(path)), f"{name} belongs to {owner}"


def test_the_shim_imports_the_standard_library_only() -> None:
    """The shim runs in interpreters that have nothing else; only functions for values of a library import that library."""
    for path in (ROOT / "shim").rglob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 7))
        inner = {id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)}
        guests = SHIM_GUESTS.get(str(path.parent.relative_to(ROOT / "shim" / "swanlab")), set())
        for node in ast.walk(tree):
            allowed = sys.stdlib_module_names | {"__future__", "swanlab"} | (guests if id(node) in inner else set())
            for name in _absolute_imports(node):
                assert name.split(".")[0] in allowed, f"{path.name} imports {name}"


def _absolute_imports(node: ast.AST) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return [*names, node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else names


def test_only_cli_prints() -> None:
    """Talk goes through one room."""
    for path in _modules():
        if _room(path) != "cli":
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            printing = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
            assert not printing, f"{path} prints"


def test_top_level_is_as_agreed() -> None:
    """Nothing tracked lies at the top but what has its place there."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    top = {name.split("/")[0] for name in listed}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_no_function_is_longer_than_a_screen() -> None:
    """A function over 60 lines is split."""
    for path in [*_modules(), *(ROOT / "shim").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 60, f"{path.name}: {node.name} has {length} lines"


def test_run_starts_without_heavy_imports() -> None:
    """What only other commands and processes need is not imported before the child starts."""
    code = "import sys, swanlab_cli.cli.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    heavy = {"typer", "click", "rich", "psutil", "requests", "pexpect", "dataclasses", "inspect", "pathlib", "argparse",
             "subprocess", "logging", "asyncio", "tomllib", "tempfile", "swanlab_cli.parser",
             "swanlab_cli.recorder.scribe"}  # fmt: skip
    assert heavy.isdisjoint(loaded)
