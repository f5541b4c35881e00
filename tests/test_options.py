"""cli.options: where our flags end and the command begins, and what the help says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from swanlab_cli.cli.options import RunArguments, parse_run_arguments, run_help
from swanlab_cli.errors import UsageError
from swanlab_cli.settings import NUMBER, RUN_SETTINGS, SWITCH, flag_of


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ([], {}),
        (["--"], {}),
        (["--project", "p"], {"project": "p"}),
        (["--project=p"], {"project": "p"}),
        (["-p", "p"], {"project": "p"}),
        (["-pp"], {"project": "p"}),
        (["--project="], {"project": ""}),
        (["--project", "--name"], {"project": "--name"}),
        (["--project=a=b"], {"project": "a=b"}),
        (["-p", "a", "-p", "b"], {"project": "b"}),
        (["-n", "n", "-g", "g"], {"name": "n", "group": "g"}),
        (["--job-type", "eval"], {"job_type": "eval"}),
        (["--notes", "a b"], {"notes": "a b"}),
        (["-t", "a", "--tag", "b", "--tag=c"], {"tags": ("a", "b", "c")}),
        (["-c", "lr=0.1", "--config", "opt=adam", "-clr=1"], {"config": {"lr": 1, "opt": "adam"}}),
        (["--config-file", "c.yaml", "--id", "abc", "--logdir", "l"], {"config_file": "c.yaml", "id": "abc", "logdir": "l"}),
        (["--parse", "none", "--step-key", "k"], {"parse": "none", "step_key": "k"}),
        (["--pattern", "(?P<a>x), y", "--pattern", "(?P<b>z)"], {"patterns": ("(?P<a>x), y", "(?P<b>z)")}),
        (["-q"], {"quiet": True}),
        (["--quiet", "--no-quiet"], {"quiet": False}),
        (["--pty"], {"pty": True}),
        (["--no-pty", "--split"], {"pty": False, "split": True}),
        (["-qp", "p"], {"quiet": True, "project": "p"}),
        (["-qpp"], {"quiet": True, "project": "p"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_flags_before_the_command(arguments: Sequence[str], flags: Mapping[str, Any]) -> None:
    """Only what was given is there; the command is what follows."""
    assert RunArguments(dict(flags), ["train", "-q"], False) == parse_run_arguments([*arguments, "train", "-q"])


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["train", "--help"], ["train", "--help"]),
        (["train", "--", "-q"], ["train", "--", "-q"]),
        (["--", "--project", "x"], ["--project", "x"]),
        (["--", "--", "x"], ["--", "x"]),
        (["--", "-"], ["-"]),
        (["-", "x"], ["-", "x"]),
        (["a b", "", "中文", "\udcff"], ["a b", "", "中文", "\udcff"]),
    ],
    ids=ascii,
)
def test_from_its_first_word_on_all_is_the_commands(arguments: Sequence[str], command: list[str]) -> None:
    """Whatever it looks like."""
    assert RunArguments({}, command, False) == parse_run_arguments(arguments)


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["-q", "-h", "train"], ["-p", "x", "--help"]], ids=" ".join)
def test_help_before_the_command_is_ours(arguments: Sequence[str]) -> None:
    """Also where no command follows."""
    parsed = parse_run_arguments(arguments)
    assert (parsed.wants_help, parsed.command) == (True, [])


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ([], "no command to run", "usage: swanlab run [OPTIONS] COMMAND [ARG]..."),
        (["-q", "--"], "no command to run", "usage: swanlab run [OPTIONS] COMMAND [ARG]..."),
        ([""], "the command to run is an empty word", "see: swanlab run --help"),
        (["--projct", "x", "train"], "unknown option '--projct' before the command", "did you mean '--project'?"),
        (["--projct=x", "train"], "unknown option '--projct' before the command", "did you mean '--project'?"),
        (
            ["--xyzzy", "train"],
            "unknown option '--xyzzy' before the command",
            "options of the command come after its name; see: swanlab run --help",
        ),
        (["-z", "train"], "unknown option '-z' before the command", "see: swanlab run --help"),
        (["-qz", "train"], "unknown option '-z' before the command", "see: swanlab run --help"),
        (["-p"], "option '-p' needs a value", "see: swanlab run --help"),
        (["--project"], "option '--project' needs a value", "see: swanlab run --help"),
        (["--quiet=yes", "train"], "option '--quiet' takes no value", "see: swanlab run --help"),
        (["--no-project", "x", "train"], "unknown option '--no-project' before the command", "did you mean '--project'?"),
        (["-c", "lr", "train"], "option '-c': 'lr' is not KEY=VALUE", "see: swanlab run --help"),
        (["--config==1", "train"], "option '--config': '=1' is not KEY=VALUE", "see: swanlab run --help"),
        (["--parse", "magic", "train"], "--parse: 'magic' is not one of auto, kv, none", "see: swanlab run --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_understood_is_named(arguments: Sequence[str], message: str, hint: str) -> None:
    """The word as it was typed, and what to do."""
    with pytest.raises(UsageError) as caught:
        parse_run_arguments(arguments)
    assert (message, hint, 2) == (caught.value.message, caught.value.hint, caught.value.exit_code)


def test_arguments_are_left_alone() -> None:
    """The caller's list is not changed."""
    arguments = ["-q", "-p", "x", "train", "a"]
    parse_run_arguments(arguments)
    assert arguments == ["-q", "-p", "x", "train", "a"]


@pytest.mark.parametrize("setting", RUN_SETTINGS, ids=lambda setting: setting.name)
def test_help_has_a_line_for_each_setting(setting: Any) -> None:
    """Flag, letter, placeholder, meaning and variables on one line."""
    flag = f"--{flag_of(setting)}" + (f" {setting.metavar}" if setting.metavar else "")
    (line,) = [line for line in run_help().splitlines() if setting.help in line]
    assert line.startswith(f"  -{setting.short}, {flag} " if setting.short else f"      {flag} ")
    assert line.endswith(f"[{', '.join(setting.variables)}]" if setting.variables else setting.help)


def test_help_fits_and_begins_with_usage_and_examples() -> None:
    """Examples come before the options; `-h` is listed."""
    lines = run_help().splitlines()
    assert lines[0] == "Usage: swanlab run [OPTIONS] [--] COMMAND [ARG]..."
    examples = [number for number, line in enumerate(lines) if line.startswith("  swanlab run ")]
    options = [number for number, line in enumerate(lines) if line.startswith(("  -", "      --"))]
    assert len(examples) >= 2
    assert examples[-1] < options[0]
    assert len(options) == len(RUN_SETTINGS) + 1
    assert [line for line in lines if "-h, --help" in line] != []
    assert [line for line in lines if len(line) > 200] == []


def test_examples_in_the_help_can_be_parsed() -> None:
    """Each one names a command."""
    examples = [line.split() for line in run_help().splitlines() if line.startswith("  swanlab run ")]
    quoted = [[word.strip("'") for word in words[2:]] for words in examples if "'" not in "".join(words)]
    assert [parse_run_arguments(words).command[0] for words in quoted] == ["python"] * len(quoted)


def test_only_switches_take_no_value() -> None:
    """Every long flag that is no switch takes the next word."""
    for setting in RUN_SETTINGS:
        word = setting.choices[0] if setting.choices else "10" if setting.kind == NUMBER else "a=1"
        given = [f"--{flag_of(setting)}", *([] if setting.kind == SWITCH else [word]), "train"]
        assert parse_run_arguments(given).command == ["train"]
