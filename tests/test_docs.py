"""What the README says is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from swanlab_cli import __version__
from swanlab_cli.settings import RUN_SETTINGS, Setting, flag_of

from .conftest import Workplace

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.parametrize("setting", RUN_SETTINGS, ids=flag_of)
def test_every_setting_is_in_the_readme(setting: Setting) -> None:
    """Its flag, its variables and its name in files."""
    wanted = [f"--{flag_of(setting)}", *setting.variables, setting.name]
    assert [word for word in wanted if word not in README] == []


def test_every_command_is_in_the_readme(work: Workplace) -> None:
    """Each that `swanlab --help` lists."""
    listed = re.findall(r"^│ (\w+)", work.swanlab("--help").stdout.decode(), re.MULTILINE)
    assert {"run", "ls", "show"} <= set(listed)
    assert [name for name in listed if f"`swanlab {name}" not in README] == []


_NAMES = ("run", "ls", "show", "compare", "gc", "metrics", "logs", "parse", "import", "reparse", "top")
_COMMANDS = [[], *([name] for name in _NAMES)]


@pytest.mark.parametrize("arguments", _COMMANDS, ids=" ".join)
def test_help_answers_to_both_spellings(work: Workplace, arguments: list[str]) -> None:
    """`-h` and `--help`, on stdout, with status 0."""
    short, long = (work.swanlab(*arguments, flag) for flag in ("-h", "--help"))
    assert (short.returncode, short.stderr) == (0, b"")
    assert short.stdout == long.stdout
    assert b"usage:" in short.stdout.lower()


def test_version_is_told(work: Workplace) -> None:
    """On stdout."""
    assert work.swanlab("--version").stdout.decode() == f"swanlab-cli {__version__}\n"


def test_parse_table_of_the_readme_is_true(work: Workplace) -> None:
    """What the table says is found is found, what it says is nothing is nothing."""
    section = README.partition("## Metrics from what is printed")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \| (.*?) \|$", section, re.MULTILINE)
    assert len(rows) == 14
    nothing = [printed for printed, found in rows if found == "nothing"]
    something = [printed for printed, found in rows if found != "nothing"]
    for printed in nothing + something:
        for text in re.findall(r"`(.*?)`", printed):
            found = work.swanlab("parse", stdin=text.replace("\\|", "|").encode() + b"\n").stdout
            assert bool(found) == (printed in something), text
