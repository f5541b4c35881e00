"""Reading `swanlab run`'s own flags, which end where the child's command begins, and describing them.

From the one table in settings.py and without typer, whose import would cost each run five times Python's own start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import SettingsError, UsageError
from ..settings import LIST, NUMBER, PAIRS, RUN_SETTINGS, SWITCH, Setting, check_choice, flag_of, parse_number, parse_pair

_HELP_FLAGS = ("-h", "--help")
_HINT = "see: swanlab run --help"


class RunArguments(NamedTuple):
    """What was typed behind `swanlab run`."""

    flags: dict[str, Any]
    """By setting name, only those that were given."""
    command: list[str]
    wants_help: bool


def parse_run_arguments(arguments: Sequence[str]) -> RunArguments:
    """Our flags and the child's command: everything from the first word on that is no flag of ours.

    Raises:
        UsageError: an unknown flag, a value that is missing or cannot be used, or no command.
    """
    long_flags, short_flags = _spellings()
    flags: dict[str, Any] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word in _HELP_FLAGS:
            return RunArguments(flags, [], True)
        if word.startswith("--"):
            _take_long(word, rest, long_flags, flags)
        else:
            _take_short(word, rest, short_flags, flags)
    if not rest:
        raise UsageError("no command to run", "usage: swanlab run [OPTIONS] COMMAND [ARG]...")
    if not rest[0]:
        raise UsageError("the command to run is an empty word", _HINT)
    return RunArguments(flags, rest, False)


def _spellings() -> tuple[dict[str, tuple[Setting, bool]], dict[str, Setting]]:
    """Long flags with the value they give a switch, and short flags."""
    long_flags = {}
    for setting in RUN_SETTINGS:
        long_flags[flag_of(setting)] = (setting, True)
        if setting.kind == SWITCH:
            long_flags[f"no-{flag_of(setting)}"] = (setting, False)
    return long_flags, {setting.short: setting for setting in RUN_SETTINGS if setting.short}


def _take_long(
    word: str, rest: list[str], long_flags: dict[str, tuple[Setting, bool]], flags: dict[str, Any]
) -> None:
    """Take `--name`, `--name VALUE` or `--name=VALUE`."""
    name, equals, value = word[2:].partition("=")
    if name not in long_flags:
        raise UsageError(f"unknown option '--{name}' before the command", _suggest(name, long_flags))
    setting, state = long_flags[name]
    if setting.kind == SWITCH:
        if equals:
            raise UsageError(f"option '--{name}' takes no value", _HINT)
        flags[setting.name] = state
        return
    _store(setting, f"--{name}", value if equals else _next_word(f"--{name}", rest), flags)


def _take_short(word: str, rest: list[str], short_flags: dict[str, Setting], flags: dict[str, Any]) -> None:
    """Take `-q`, `-p VALUE`, `-pVALUE`, or switches together such as `-qp VALUE`."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        setting = short_flags.get(letter)
        if setting is None:
            raise UsageError(f"unknown option '-{letter}' before the command", _HINT)
        if setting.kind == SWITCH:
            flags[setting.name] = True
            continue
        _store(setting, f"-{letter}", letters or _next_word(f"-{letter}", rest), flags)
        return


def _next_word(flag: str, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"option '{flag}' needs a value", _HINT)
    return rest.pop(0)


def _store(setting: Setting, flag: str, value: str, flags: dict[str, Any]) -> None:
    try:
        if setting.kind == PAIRS:
            key, meaning = parse_pair(value)
            flags.setdefault(setting.name, {})[key] = meaning
        elif setting.kind == LIST:
            flags[setting.name] = (*flags.get(setting.name, ()), value)
        elif setting.kind == NUMBER:
            flags[setting.name] = parse_number(setting, value, flag)
        else:
            flags[setting.name] = check_choice(setting, value, flag)
    except ValueError as error:
        raise UsageError(f"option '{flag}': {error}", _HINT) from error
    except SettingsError as error:
        raise UsageError(error.message, _HINT) from error


def _suggest(name: str, long_flags: dict[str, tuple[Setting, bool]]) -> str:
    import difflib  # only on the way out with an error

    close = difflib.get_close_matches(name, long_flags, n=1)
    return f"did you mean '--{close[0]}'?" if close else f"options of the command come after its name; {_HINT}"


def run_help() -> str:
    """The text of `swanlab run --help`."""
    rows = [(_usage(setting), setting.help, ", ".join(setting.variables)) for setting in RUN_SETTINGS]
    rows.append(("-h, --help", "show this text", ""))
    width = max(len(usage) for usage, _, _ in rows)
    lines = []
    for usage, text, variables in rows:
        lines.append(f"  {usage:{width}}  {text}" + (f" [{variables}]" if variables else ""))
    return "\n".join([_HELP_HEAD, *lines, _HELP_TAIL])


def _usage(setting: Setting) -> str:
    short = f"-{setting.short}, " if setting.short else "    "
    if setting.kind == SWITCH:
        return f"{short}--{flag_of(setting)}" + (" / --no-pty" if setting.name == "pty" else "")
    return f"{short}--{flag_of(setting)} {setting.metavar}"


_HELP_HEAD = """\
Usage: swanlab run [OPTIONS] [--] COMMAND [ARG]...

Run COMMAND unchanged and record everything about it; exit as COMMAND does.

  swanlab run python train.py --lr 0.1
  swanlab run -p mnist -t baseline -c lr=0.1 python train.py
  swanlab run --pattern 'loss is (?P<loss>[0-9.]+)' ./train.sh

Options come before the command; from its first word on everything is the command's.
"""
_HELP_TAIL = """
Each option may also be set by the environment variable in brackets or, by its long name, in a file swanlab.toml in the
working directory or a parent, or in ~/.config/swanlab/config.toml. A flag wins over a variable, a variable over a file.
Exit status: the command's; 128+n when signal n ended it; 127 not found, 126 not executable, 2 usage error, 1 not started."""
