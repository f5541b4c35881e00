"""Every setting once: its flag, its environment variables, its key in a settings file, its default; and where a value comes from.

Order: flag, environment, `swanlab.toml` in the working directory or a parent, the user's file, default.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .documents import plain, read_document
from .errors import SettingsError

TEXT, NUMBER, LIST, SWITCH, PAIRS = "text", "number", "list", "switch", "pairs"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Setting(NamedTuple):
    """One thing that a user can choose."""

    name: str
    """In settings files, and with `-` for `_` the long flag."""
    kind: str
    """`text`, `number`, `list` (repeatable), `switch`, or `pairs` (repeatable KEY=VALUE)."""
    help: str
    short: str = ""
    """Letter of the short flag."""
    metavar: str = ""
    variables: tuple[str, ...] = ()
    """Environment variables, the first that is set wins."""
    choices: tuple[str, ...] = ()
    default: Any = None
    flag: str = ""
    """The long flag where it is not the name."""
    minimum: float = 0.0
    """Of a number; 0, which switches off what the number is about, is allowed besides."""


RUN_SETTINGS = (
    Setting("project", TEXT, "project of the run; default: name of the working directory", "p", "NAME",
            ("SWANLAB_PROJ_NAME", "SWANLAB_PROJECT_NAME")),
    Setting("name", TEXT, "name of the run; default: one like swift-otter-217", "n", "NAME",
            ("SWANLAB_EXP_NAME", "SWANLAB_EXPERIMENT_NAME")),
    Setting("tags", LIST, "a tag; may be repeated", "t", "TAG", ("SWANLAB_TAGS",), default=(), flag="tag"),
    Setting("group", TEXT, "group of the run", "g", "NAME", ("SWANLAB_GROUP",)),
    Setting("job_type", TEXT, "what the run does in its group, such as train or eval", "", "NAME", ("SWANLAB_JOB_TYPE",)),
    Setting("notes", TEXT, "a sentence for later", "", "TEXT", ("SWANLAB_DESCRIPTION", "SWANLAB_NOTES")),
    Setting("config", PAIRS, "an input of the run, such as lr=0.1; may be repeated", "c", "KEY=VALUE", default={}),
    Setting("config_file", TEXT, "inputs of the run from a YAML, JSON or TOML file", "", "FILE", ("SWANLAB_CONFIG_FILE",)),
    Setting("id", TEXT, "id of the run, if it must be a certain one", "", "ID", ("SWANLAB_RUN_ID",)),
    Setting("resume", TEXT, "with --id: whether a run of that id gets another attempt; default: never", "", "never|allow|must",
            ("SWANLAB_RESUME",), ("never", "allow", "must"), "never"),
    Setting("logdir", TEXT, "where runs are kept; default: ./swanlog", "", "DIR", ("SWANLAB_LOG_DIR", "SWANLAB_LOGDIR"),
            default="swanlog"),
    Setting("parse", TEXT, "what is read from the output: auto, as programs print it; kv, key=value alone; none; default: auto",
            "", "auto|kv|none", ("SWANLAB_PARSE",), ("auto", "kv", "none"), "auto"),
    Setting("patterns", LIST, "a regular expression whose named groups are metrics; may be repeated", "", "REGEX",
            ("SWANLAB_PATTERN",), default=(), flag="pattern"),
    Setting("step_key", TEXT, "the key that states the step of a line", "", "NAME", ("SWANLAB_STEP_KEY",)),
    Setting("answers", LIST, "what to type when the command waits for input and its last line matches; may be repeated", "",
            "REGEX=REPLY", ("SWANLAB_ANSWER",), default=(), flag="answer"),
    Setting("pty", SWITCH, "give the child a pty even where stdout is a file or pipe; --no-pty mirrors the outside",
            variables=("SWANLAB_PTY",), default=True),
    Setting("split", SWITCH, "record stdout and stderr apart even where both go to one terminal",
            variables=("SWANLAB_SPLIT",), default=False),
    Setting("monitor_interval", NUMBER, "time between two samples of CPU, memory and accelerators, 0 for none; default: 10", "",
            "SECONDS", ("SWANLAB_MONITOR_INTERVAL",), default=10.0, minimum=1.0),
    Setting("stall_after", NUMBER, "warn when the command is silent and idle for at least so long, 0 for never; default: 300", "",
            "SECONDS", ("SWANLAB_STALL_AFTER",), default=300.0, minimum=1.0),
    Setting("stall_dump", SWITCH, "when it stalls, record where its Python processes stand (needs py-spy)",
            variables=("SWANLAB_STALL_DUMP",), default=False),
    Setting("notify", TEXT, "tell this webhook when the run ends or stalls", "", "URL", ("SWANLAB_NOTIFY",)),
    Setting("redact", SWITCH, "mask secrets in everything that is recorded; --no-redact records them in clear",
            variables=("SWANLAB_REDACT",), default=True),
    Setting("redact_patterns", LIST, "mask what this regular expression matches as well; may be repeated", "", "REGEX",
            ("SWANLAB_REDACT_PATTERN",), default=(), flag="redact-pattern"),
    Setting("quiet", SWITCH, "say nothing on stderr", "q", variables=("SWANLAB_QUIET",), default=False),
)  # fmt: skip


class RunSettings(NamedTuple):
    """The values of RUN_SETTINGS for one run."""

    project: str | None
    name: str | None
    tags: tuple[str, ...]
    group: str | None
    job_type: str | None
    notes: str | None
    config: Mapping[str, Any]
    config_file: str | None
    id: str | None
    resume: str
    logdir: str
    parse: str
    patterns: tuple[str, ...]
    step_key: str | None
    answers: tuple[str, ...]
    pty: bool
    split: bool
    monitor_interval: float
    """Seconds; 0 for none."""
    stall_after: float
    """Seconds; 0 for never."""
    stall_dump: bool
    notify: str | None
    redact: bool
    redact_patterns: tuple[str, ...]
    quiet: bool


def resolve_run_settings(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: str) -> RunSettings:
    """The settings of one `swanlab run`, each from the first place that has it; configs of all places are merged.

    Raises:
        SettingsError: a file or a variable holds what cannot be used.
    """
    files = [path for path in (_project_file(cwd), _user_file(environ)) if path is not None]
    places = [flags, _from_environment(environ), *(_from_file(path) for path in files)]
    values: dict[str, Any] = {}
    for setting in RUN_SETTINGS:
        found = [place[setting.name] for place in places if setting.name in place]
        if setting.kind == PAIRS:
            values[setting.name] = {key: value for place in reversed(found) for key, value in place.items()}
        else:
            values[setting.name] = found[0] if found else setting.default
    return RunSettings(**values)


def logdir_setting(flag: str | None, environ: Mapping[str, str], cwd: str) -> str:
    """The log directory that reading commands look in: as `swanlab run` would choose it."""
    flags = {"logdir": flag} if flag is not None else {}
    return resolve_run_settings(flags, environ, cwd).logdir


def parse_value(text: str) -> Any:
    """What KEY=VALUE means by its value: JSON where it is JSON, True, False and None as Python writes them, else text."""
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    try:
        return plain(json.loads(text, parse_constant=str))
    except (ValueError, RecursionError):  # the latter for thousands of brackets
        return text


def parse_pair(text: str) -> tuple[str, Any]:
    """The key and value of KEY=VALUE.

    Raises:
        ValueError: there is no `=`, or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"'{text}' is not KEY=VALUE")
    return key.strip(), parse_value(value)


def check_choice(setting: Setting, value: Any, place: str) -> Any:
    """The value, if the setting allows it.

    Raises:
        SettingsError: it does not; the message names `place` and the choices.
    """
    if setting.choices and value not in setting.choices:
        raise SettingsError(f"{place}: '{value}' is not one of {', '.join(setting.choices)}")
    return value


def parse_number(setting: Setting, text: str, place: str) -> float:
    """The number that a flag or a variable gives.

    Raises:
        SettingsError: it is none, or out of range; the message names `place`.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    return _check_number(setting, number, text, place)


def _check_number(setting: Setting, number: float, text: object, place: str) -> float:
    if number == 0 or (math.isfinite(number) and number >= setting.minimum):
        return number
    raise SettingsError(f"{place}: '{text}' is neither 0 nor a number of at least {setting.minimum:g}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for setting in RUN_SETTINGS:
        for variable in setting.variables:
            if environ.get(variable):
                values[setting.name] = _from_text(setting, environ[variable], variable)
                break
    return values


def _from_text(setting: Setting, text: str, place: str) -> Any:
    """A setting's value from an environment variable; lists as JSON or with commas."""
    if setting.kind == SWITCH:
        if text.lower() not in _TRUE + _FALSE:
            raise SettingsError(f"{place}: '{text}' is neither true nor false")
        return text.lower() in _TRUE
    if setting.kind == LIST:
        if setting.name in ("patterns", "answers", "redact_patterns"):  # a comma is an ordinary character of a regular expression
            return (text,)
        items = parse_value(text)
        return tuple(str(item) for item in items) if isinstance(items, list) else _split_commas(text)
    if setting.kind == NUMBER:
        return parse_number(setting, text, place)
    return check_choice(setting, text, place)


def _split_commas(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _project_file(cwd: str) -> str | None:
    """The nearest `swanlab.toml`, in `cwd` or above."""
    folder = cwd
    while True:
        path = os.path.join(folder, "swanlab.toml")
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _user_file(environ: Mapping[str, str]) -> str | None:
    home = environ.get("HOME")
    folder = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else None)
    path = os.path.join(folder, "swanlab", "config.toml") if folder else None
    return path if path and os.path.isfile(path) else None


def _from_file(path: str) -> dict[str, Any]:
    """The settings in a TOML file, checked."""
    values = read_document(path)
    known = {setting.name: setting for setting in RUN_SETTINGS}
    known |= {flag_of(setting): setting for setting in RUN_SETTINGS}
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        names = ", ".join(sorted(setting.name for setting in RUN_SETTINGS))
        raise SettingsError(f"{path}: unknown setting '{unknown[0]}'", f"there are {names}")
    return {known[name].name: _check_kind(known[name], value, f"{path}: {name}") for name, value in values.items()}


def _check_kind(setting: Setting, value: Any, place: str) -> Any:
    if setting.kind == NUMBER and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _check_number(setting, float(value), value, place)
    kinds: dict[str, type] = {TEXT: str, NUMBER: float, LIST: list, SWITCH: bool, PAIRS: dict}
    if not isinstance(value, kinds[setting.kind]):
        raise SettingsError(f"{place}: expected a {kinds[setting.kind].__name__}, found '{value}'")
    return tuple(str(item) for item in value) if isinstance(value, list) else check_choice(setting, value, place)


def flag_of(setting: Setting) -> str:
    """The setting's long flag, without dashes."""
    return setting.flag or setting.name.replace("_", "-")


