"""settings, and documents for its files: where each value comes from, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.documents import read_document
from swanlab_cli.errors import SettingsError
from swanlab_cli.settings import (
    RUN_SETTINGS,
    RunSettings,
    check_choice,
    flag_of,
    logdir_setting,
    parse_number,
    parse_pair,
    parse_value,
    resolve_run_settings,
)

DEFAULTS = RunSettings(
    project=None,
    name=None,
    tags=(),
    group=None,
    job_type=None,
    notes=None,
    config={},
    config_file=None,
    id=None,
    resume="never",
    logdir="swanlog",
    parse="auto",
    patterns=(),
    step_key=None,
    answers=(),
    pty=True,
    split=False,
    monitor_interval=10.0,
    stall_after=300.0,
    stall_dump=False,
    notify=None,
    redact=True,
    redact_patterns=(),
    quiet=False,
)


def write(path: Path, text: str) -> Path:
    """The file with this text, in a folder that may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_defaults_where_nothing_is_set(tmp_path: Path) -> None:
    """No flag, no variable, no file."""
    assert resolve_run_settings({}, {}, str(tmp_path)) == DEFAULTS


def test_order_is_flag_variable_project_file_user_file(tmp_path: Path) -> None:
    """Each place wins over those behind it; what it does not set is taken from them."""
    write(tmp_path / "home/.config/swanlab/config.toml", 'project = "user"\nname = "user"\ngroup = "user"\nnotes = "user"')
    write(tmp_path / "work/swanlab.toml", 'project = "file"\nname = "file"\ngroup = "file"')
    environ = {"HOME": str(tmp_path / "home"), "SWANLAB_PROJ_NAME": "variable", "SWANLAB_EXP_NAME": "variable"}
    expected = DEFAULTS._replace(project="flag", name="variable", group="file", notes="user")
    assert expected == resolve_run_settings({"project": "flag"}, environ, str(tmp_path / "work"))


def test_configs_of_all_places_are_merged(tmp_path: Path) -> None:
    """Key by key, in the same order of places."""
    write(tmp_path / "user/swanlab/config.toml", "[config]\na = 1\nb = 1\nc = 1")
    write(tmp_path / "work/swanlab.toml", "[config]\na = 2\nb = 2")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "user")}
    settings = resolve_run_settings({"config": {"a": 3}}, environ, str(tmp_path / "work"))
    assert settings == DEFAULTS._replace(config={"a": 3, "b": 2, "c": 1})


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("SWANLAB_PROJ_NAME", "digits", {"project": "digits"}),
        ("SWANLAB_PROJECT_NAME", "digits", {"project": "digits"}),
        ("SWANLAB_EXP_NAME", "first", {"name": "first"}),
        ("SWANLAB_EXPERIMENT_NAME", "first", {"name": "first"}),
        ("SWANLAB_TAGS", "a, b,,c ", {"tags": ("a", "b", "c")}),
        ("SWANLAB_TAGS", '["a, b", 3]', {"tags": ("a, b", "3")}),
        ("SWANLAB_TAGS", "2024", {"tags": ("2024",)}),
        ("SWANLAB_GROUP", "g", {"group": "g"}),
        ("SWANLAB_JOB_TYPE", "eval", {"job_type": "eval"}),
        ("SWANLAB_DESCRIPTION", "a sentence, with commas", {"notes": "a sentence, with commas"}),
        ("SWANLAB_NOTES", "n", {"notes": "n"}),
        ("SWANLAB_CONFIG_FILE", "c.yaml", {"config_file": "c.yaml"}),
        ("SWANLAB_RUN_ID", "abc", {"id": "abc"}),
        ("SWANLAB_LOG_DIR", "/logs", {"logdir": "/logs"}),
        ("SWANLAB_LOGDIR", "/logs", {"logdir": "/logs"}),
        ("SWANLAB_PARSE", "none", {"parse": "none"}),
        ("SWANLAB_PATTERN", r"(?P<a>\d{1,2}), (?P<b>\d)", {"patterns": (r"(?P<a>\d{1,2}), (?P<b>\d)",)}),
        ("SWANLAB_STEP_KEY", "tick", {"step_key": "tick"}),
        ("SWANLAB_PTY", "0", {"pty": False}),
        ("SWANLAB_SPLIT", "Yes", {"split": True}),
        ("SWANLAB_QUIET", "on", {"quiet": True}),
        ("SWANLAB_QUIET", "FALSE", {"quiet": False}),
        ("SWANLAB_PROJ_NAME", "", {}),
        ("SWANLAB_QUIET", "", {}),
        ("SWANLAB_UNKNOWN", "x", {}),
    ],
)
def test_variable_sets(tmp_path: Path, variable: str, text: str, expected: Mapping[str, Any]) -> None:
    """Each environment variable sets its setting alone; an empty one counts as not there."""
    assert DEFAULTS._replace(**expected) == resolve_run_settings({}, {variable: text}, str(tmp_path))


def test_swanlabs_own_variable_wins_over_its_synonym(tmp_path: Path) -> None:
    """The first name in the table."""
    environ = {"SWANLAB_PROJECT_NAME": "second", "SWANLAB_PROJ_NAME": "first"}
    assert resolve_run_settings({}, environ, str(tmp_path)).project == "first"


def test_file_sets_every_setting(tmp_path: Path) -> None:
    """TOML's own types for lists, switches and config."""
    text = """
        project = "p"
        name = "n"
        tags = ["a", 3]
        group = "g"
        job_type = "eval"
        notes = "for later"
        config_file = "c.json"
        id = "abc"
        resume = "must"
        logdir = "logs"
        parse = "none"
        patterns = ['(?P<a>\\d+), x']
        step_key = "tick"
        answers = ["Sure, ok? =yes"]
        pty = false
        split = true
        monitor_interval = 2
        stall_after = 0
        stall_dump = true
        notify = "http://127.0.0.1/"
        redact = false
        redact_patterns = ["[a-z]+, x"]
        quiet = true
        config.lr = 0.1
        config.model.layers = [1, 2]
    """
    write(tmp_path / "swanlab.toml", text)
    expected = RunSettings(
        project="p",
        name="n",
        tags=("a", "3"),
        group="g",
        job_type="eval",
        notes="for later",
        config={"lr": 0.1, "model": {"layers": [1, 2]}},
        config_file="c.json",
        id="abc",
        resume="must",
        logdir="logs",
        parse="none",
        patterns=(r"(?P<a>\d+), x",),
        step_key="tick",
        answers=("Sure, ok? =yes",),
        pty=False,
        split=True,
        monitor_interval=2.0,
        stall_after=0.0,
        stall_dump=True,
        notify="http://127.0.0.1/",
        redact=False,
        redact_patterns=("[a-z]+, x",),
        quiet=True,
    )
    assert expected == resolve_run_settings({}, {}, str(tmp_path))


@pytest.mark.parametrize("name", [flag_of(setting) for setting in RUN_SETTINGS])
def test_long_name_of_an_option_is_its_name_in_a_file(tmp_path: Path, name: str) -> None:
    """The help says so: by its long name, in a file swanlab.toml."""
    setting = next(setting for setting in RUN_SETTINGS if flag_of(setting) == name)
    text = json.dumps(setting.choices[0] if setting.choices else "kv")
    value = {"text": text, "number": "10", "list": '["a"]', "switch": "true", "pairs": "{lr = 0.1}"}[setting.kind]
    write(tmp_path / "swanlab.toml", f"{name} = {value}")
    resolve_run_settings({}, {}, str(tmp_path))


def test_nearest_project_file_counts_alone(tmp_path: Path) -> None:
    """In the working directory or the first parent that has one; files above it are not read."""
    write(tmp_path / "swanlab.toml", 'project = "far"\nname = "far"')
    write(tmp_path / "a/swanlab.toml", 'project = "near"')
    (tmp_path / "a/b/c").mkdir(parents=True)
    assert resolve_run_settings({}, {}, str(tmp_path / "a/b/c")) == DEFAULTS._replace(project="near")
    assert resolve_run_settings({}, {}, str(tmp_path)) == DEFAULTS._replace(project="far", name="far")


def test_user_file_follows_xdg(tmp_path: Path) -> None:
    """$XDG_CONFIG_HOME where it is set, else ~/.config; without a home there is none."""
    write(tmp_path / "home/.config/swanlab/config.toml", 'project = "home"')
    write(tmp_path / "xdg/swanlab/config.toml", 'project = "xdg"')
    (tmp_path / "work").mkdir()
    home, xdg = {"HOME": str(tmp_path / "home")}, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    places: list[dict[str, str]] = [home, {**home, **xdg}, {**home, "XDG_CONFIG_HOME": ""}, {}]
    projects = [resolve_run_settings({}, environ, str(tmp_path / "work")).project for environ in places]
    assert projects == ["home", "xdg", "home", None]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('projct = "x"', "swanlab.toml: unknown setting 'projct'", "there are answers, config, "),
        ("project = 3", "swanlab.toml: project: expected a str, found '3'", None),
        ('tags = "a"', "swanlab.toml: tags: expected a list, found 'a'", None),
        ("quiet = 1", "swanlab.toml: quiet: expected a bool, found '1'", None),
        ("config = []", "swanlab.toml: config: expected a dict, found '[]'", None),
        ('parse = "magic"', "swanlab.toml: parse: 'magic' is not one of auto, kv, none", None),
        ("project =", "cannot read '{folder}/swanlab.toml': ", None),
    ],
    ids=["unknown", "text", "list", "switch", "pairs", "choice", "not TOML"],
)
def test_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    """The message has the path, the setting and what was found."""
    write(tmp_path / "swanlab.toml", text)
    with pytest.raises(SettingsError) as caught:
        resolve_run_settings({}, {}, str(tmp_path))
    assert message.format(folder=tmp_path) in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert hint is None or (caught.value.hint or "").startswith(hint)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("SWANLAB_PTY", "maybe", "SWANLAB_PTY: 'maybe' is neither true nor false"),
        ("SWANLAB_PARSE", "magic", "SWANLAB_PARSE: 'magic' is not one of auto, kv, none"),
    ],
)
def test_variable_that_cannot_be_used_is_named(tmp_path: Path, variable: str, text: str, message: str) -> None:
    """The message has the variable and its value."""
    with pytest.raises(SettingsError) as caught:
        resolve_run_settings({}, {variable: text}, str(tmp_path))
    assert message == caught.value.message


@pytest.mark.parametrize(
    ("flag", "environ", "expected"),
    [
        (None, {}, "file"),
        (None, {"SWANLAB_LOGDIR": "variable"}, "variable"),
        ("flag", {"SWANLAB_LOGDIR": "variable"}, "flag"),
    ],
    ids=["file", "variable", "flag"],
)
def test_readers_look_where_run_records(tmp_path: Path, flag: str | None, environ: Mapping[str, str], expected: str) -> None:
    """The log directory of reading commands comes from the same places."""
    write(tmp_path / "swanlab.toml", 'logdir = "file"')
    assert expected == logdir_setting(flag, environ, str(tmp_path))


def test_table_and_values_name_the_same_settings() -> None:
    """RunSettings has the rows of RUN_SETTINGS, in their order; no flag, letter or variable is taken twice."""
    assert RunSettings._fields == tuple(setting.name for setting in RUN_SETTINGS)
    spellings = [flag_of(setting) for setting in RUN_SETTINGS] + [setting.short for setting in RUN_SETTINGS if setting.short]
    spellings += [variable for setting in RUN_SETTINGS for variable in setting.variables]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("True", True),
        ("False", False),
        ("None", None),
        ("null", None),
        ('"1"', "1"),
        ("[1, 2]", [1, 2]),
        ('{"a": 1}', {"a": 1}),
        ("adam", "adam"),
        ("", ""),
        (" x ", " x "),
        ("1,2", "1,2"),
        ("01", "01"),
        ("1_000", "1_000"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("[NaN]", ["NaN"]),
        ("9" * 5000, "9" * 5000),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_value_is_json_or_text(text: str, expected: Any) -> None:
    """JSON where it is JSON, Python's three words, else the text itself."""
    actual = parse_value(text)
    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "[1e999]"])
def test_value_can_always_be_recorded(text: str) -> None:
    """A number too large for a float must not keep the run's header from being JSON."""
    json.dumps(parse_value(text), allow_nan=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("lr=0.1", ("lr", 0.1)), (" lr =x", ("lr", "x")), ("a=b=c", ("a", "b=c")), ("a=", ("a", "")), ("a.b/c=1", ("a.b/c", 1))],
)
def test_pair_is_split_at_the_first_equals_sign(text: str, expected: tuple[str, Any]) -> None:
    """Blanks around the key do not belong to it."""
    assert expected == parse_pair(text)


@pytest.mark.parametrize("text", ["lr", "=1", " =1", ""])
def test_pair_needs_a_key_and_an_equals_sign(text: str) -> None:
    """What was typed is in the message."""
    with pytest.raises(ValueError, match=f"^'{text}' is not KEY=VALUE$"):
        parse_pair(text)


def test_choices_are_listed_where_a_value_is_none_of_them() -> None:
    """The message has the place, the value and the choices."""
    setting = next(setting for setting in RUN_SETTINGS if setting.name == "parse")
    assert check_choice(setting, "none", "--parse") == "none"
    with pytest.raises(SettingsError, match=r"^--parse: 'x' is not one of auto, kv, none$"):
        check_choice(setting, "x", "--parse")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", 'lr = 0.1\nopt = {name = "adam", betas = [0.9, 0.999]}\nnote = "损失"'),
        ("c.json", '{"lr": 0.1, "opt": {"name": "adam", "betas": [0.9, 0.999]}, "note": "损失"}'),
        ("c.yaml", "lr: 0.1\nopt:\n  name: adam\n  betas: [0.9, 0.999]\nnote: 损失\n"),
        ("C.YML", "{lr: 0.1, opt: {name: adam, betas: [0.9, 0.999]}, note: 损失}"),
    ],
)
def test_document_is_read_by_its_ending(tmp_path: Path, name: str, text: str) -> None:
    """The same mapping from each format."""
    path = write(tmp_path / name, text)
    assert read_document(str(path)) == {"lr": 0.1, "opt": {"name": "adam", "betas": [0.9, 0.999]}, "note": "损失"}


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("missing.json", None, "No such file or directory"),
        ("c.json", b"{", "Expecting property name"),
        ("c.toml", b"a = ", "Invalid value"),
        ("c.yaml", b"a: [", "expected the node content"),
        ("c.yaml", b"a: &a [*a]", ""),
        ("c.json", b"[1]", "expected a mapping, found list"),
        ("c.yaml", b"", "expected a mapping, found NoneType"),
        ("c.json", b'{"a": "\xff"}', "can't decode byte 0xff"),
        ("c.ini", b"a = 1", "its name ends in neither .toml, .json, .yaml nor .yml"),
    ],
    ids=["missing", "json", "toml", "yaml", "endless", "list", "empty", "not utf-8", "ending"],
)
def test_document_that_cannot_be_used_is_named(tmp_path: Path, name: str, content: bytes | None, cause: str) -> None:
    """One error of ours whatever the decoder says, with path and cause."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_document(str(path))
    assert caught.value.message.startswith(f"cannot read '{path}': ")
    assert cause in caught.value.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", "x = nan"),
        ("c.toml", "x = inf"),
        ("c.toml", "x = 2026-01-01"),
        ("c.toml", "x = 2026-01-01T00:00:00Z"),
        ("c.json", '{"x": NaN}'),
        ("c.json", '{"x": 1e999}'),
        ("c.yaml", "x: .nan"),
        ("c.yaml", "x: 2026-01-01"),
        ("c.yaml", "x: !!set {a, b}"),
        ("c.yaml", "x: !!binary aGVsbG8="),
        ("c.yaml", "2026-01-01: x"),
    ],
)
def test_document_can_always_be_recorded(tmp_path: Path, name: str, text: str) -> None:
    """A config file may hold what JSON has no word for; the run's header must still be JSON."""
    document = read_document(str(write(tmp_path / name, text)))
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("text", ["x", "0.5", "-1", "nan", "inf", ""])
def test_number_that_cannot_be_used(text: str) -> None:
    """It is refused with its place and what is accepted; too often is as bad as never."""
    setting = next(setting for setting in RUN_SETTINGS if setting.name == "monitor_interval")
    with pytest.raises(SettingsError, match=r"--monitor-interval: .* is neither 0 nor a number of at least 1"):
        parse_number(setting, text, "--monitor-interval")


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("1", 1.0), ("2.5", 2.5)])
def test_number(text: str, number: float) -> None:
    """0 switches off, and from the minimum on every number will do."""
    assert resolve_run_settings({}, {"SWANLAB_MONITOR_INTERVAL": text}, "/").monitor_interval == number
