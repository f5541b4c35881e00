"""The shim: what `import swanlab` does inside `swanlab run`, in real interpreters that write real inbox files.

The inbox is read here by a reader of its own, written from ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
import json
import math
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SHIM = Path(__file__).parents[1] / "shim"
CHILDREN = Path(__file__).parent / "children"
DEADLINE_S = 60
RUN = {"id": "ab12", "project": "mnist", "name": "swift-owl-1", "chosen": ["project"], "config": {"lr": 0.1}}


class Inbox(NamedTuple):
    """What a run's inbox says."""

    points: list[tuple[int | None, dict[str, float]]]
    """(step, values) of each log() call, in order."""
    records: list[dict[str, Any]]
    """The JSON records that are no points."""
    torn: list[bytes]
    """Lines that are no whole record."""


class Place:
    """A run directory, and children that log to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.run_dir = directory / "run-20260101_000000-ab12"
        self.run_dir.mkdir()
        (self.run_dir / "run.json").write_text(json.dumps(RUN))
        self.environ = {name: os.environ[name] for name in os.environ if not name.startswith(("SWANLAB_", "PYTHON"))}
        self.environ["PYTHONPATH"] = f"{SHIM}:{CHILDREN}"
        self.environ["SWANLAB_CLI_RUN_DIR"] = str(self.run_dir)
        self.environ["SWANLAB_CLI_INBOX"] = str(self.run_dir / "a0-r0.inbox-")

    def python(self, *arguments: str, interpreter: str = sys.executable) -> subprocess.CompletedProcess[str]:
        """Run a child to its end; it must succeed."""
        command = [interpreter, "-S", *arguments]
        result = subprocess.run(
            command, cwd=self.directory, env=self.environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        assert result.returncode == 0, result.stderr
        return result

    def script(self, *lines: str) -> subprocess.CompletedProcess[str]:
        """Run lines of Python after `import swanlab` to their end; they must succeed."""
        return self.python("-c", "\n".join(("import swanlab", "from shim_ducks import *", *lines)))

    def inbox(self) -> Inbox:
        """What has been recorded; nothing where there is no file."""
        files = [path for path in self.run_dir.iterdir() if path.name.startswith("a0-r0.inbox-")]
        return read_inbox(files[0].read_bytes() if files else b"")

    def points(self) -> list[tuple[int | None, dict[str, float]]]:
        """What has been logged; every line must be whole."""
        inbox = self.inbox()
        assert inbox.torn == []
        return inbox.points

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The records of a type, less what stands in all of them."""
        records = [record for record in self.inbox().records if record["type"] == kind]
        return [{key: record[key] for key in record if key not in ("time", "pid", "type")} for record in records]


def read_inbox(content: bytes) -> Inbox:
    """Decode an inbox."""
    inbox = Inbox([], [], [])
    keys: dict[bytes, list[str]] = {}
    for line in filter(None, content.split(b"\n")):
        try:
            if line.startswith(b"#"):
                inbox.points.append(decode_compact(line, keys))
                continue
            record = json.loads(line)
        except (ValueError, KeyError, struct.error):
            inbox.torn.append(line)
            continue
        if record["type"] == "keys":
            keys[record["id"].encode()] = record["keys"]
        elif record["type"] == "log":
            values = {key: float(value.replace("Infinity", "inf") if isinstance(value, str) else value)
                      for key, value in record["values"].items()}  # fmt: skip
            inbox.points.append((record["step"], values))
        else:
            inbox.records.append(record)
    return inbox


def decode_compact(line: bytes, keys: dict[bytes, list[str]]) -> tuple[int | None, dict[str, float]]:
    """Decode a compact line; raises where it is torn."""
    name, numbers, *step = line[1:].split(b" ")
    names = keys[name]
    moment, *values = struct.unpack(f">{1 + len(names)}d", bytes.fromhex(numbers.decode()))
    assert abs(time.time() - moment) < 2 * DEADLINE_S
    return (int(step[0][1:]) if step else None), dict(zip(names, values, strict=True))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fresh run directory."""
    return Place(tmp_path)


def test_three_calls_of_the_seed_page(place: Place) -> None:
    """The example of SwanLab's page on logging metrics: no step is given, so none is recorded."""
    result = place.script(
        "swanlab.log({'loss': 0.1})",
        "swanlab.log({'loss': 0.2, 'acc': 0.9})",
        "print(swanlab.log({'loss': 0.3, 'iter': 2}))",
    )
    expected = [(None, {"loss": 0.1}), (None, {"loss": 0.2, "acc": 0.9}), (None, {"loss": 0.3, "iter": 2.0})]
    assert expected == place.points()
    assert (result.stdout, result.stderr) == ("{'loss': 0.3, 'iter': 2.0}\n", "")


def test_file_is_named_after_the_host(place: Place) -> None:
    """Each host has a file of its own, whose name no path can break."""
    place.script("import os", "os.uname = lambda: type('', (), {'nodename': 'a/b c.d-1_é'})", "swanlab.log({'x': 1})")
    place.script("swanlab.log({'x': 1})")
    host = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in platform.node())
    assert {"run.json", f"a0-r0.inbox-{host}"} == {path.name for path in place.run_dir.iterdir()}


def test_file_has_the_bytes_of_the_format(place: Place) -> None:
    """A file compares, byte by byte, with what ARCHITECTURE.md shows."""
    place.script(
        "import swanlab.compact, swanlab.inbox, os",
        "swanlab.compact.time = swanlab.inbox.time = lambda: 1.0",
        "swanlab.log({'loss': 0.5, 'acc': 2.0})",
        "swanlab.log({'loss': 0.5, 'acc': 2.0}, step=7)",
        "print(os.getpid())",
    )
    (path,) = place.run_dir.glob("a0-r0.inbox-*")
    pid = json.loads(path.read_bytes().splitlines()[1])["pid"]
    numbers = "3ff0000000000000" "3fe0000000000000" "4000000000000000"
    expected = (
        f'\n{{"time": 1.0, "pid": {pid}, "type": "keys", "id": "{pid}.0", "keys": ["loss", "acc"]}}\n'
        f"\n#{pid}.0 {numbers}\n"
        f"\n#{pid}.0 {numbers} @7\n"
    )
    assert expected == path.read_text()


ACCEPTED_VALUES = {
    "1": 1.0,
    "2**60 + 1": float(2**60),
    "-0.5": -0.5,
    "True": 1.0,
    "' 1e-3 '": 0.001,
    "'nan'": math.nan,
    "'-inf'": -math.inf,
    "float('nan')": math.nan,
    "float('inf')": math.inf,
    "-float('inf')": -math.inf,
    "Decimal('0.1')": 0.1,
    "Fraction(1, 4)": 0.25,
    "Float()": 0.25,
    "Index()": 7.0,
    "Array(3.5)": 3.5,
    "Array(Array(3.5))": 3.5,
    "Array('2')": 2.0,
}
REFUSED_VALUES = {
    "None": "NoneType",
    "'hello'": "'hello' of type str",
    "''": "'' of type str",
    "b'1.5'": "bytes",
    "1j": "complex",
    "Array(1j)": "shim_ducks.Array",
    "10 ** 400": "int with 1329 bits",
    "[0.5]": "list",
    "()": "tuple",
    "{1}": "set",
    "Array(1, 2)": "shim_ducks.Array",
    "Array()": "shim_ducks.Array",
    "Refuses()": "shim_ducks.Refuses",
    "Nameless()": "shim_ducks.Nameless",
    "object()": "object",
    "float": "type",
    "Decimal('sNaN')": "decimal.Decimal",
}


@pytest.mark.parametrize("keys_known", [False, True], ids=["first call", "later call"])
@pytest.mark.parametrize(("value", "expected"), ACCEPTED_VALUES.items(), ids=ACCEPTED_VALUES)
def test_value_is_accepted(place: Place, value: str, expected: float, keys_known: bool) -> None:
    """What stands for a number is recorded as a float and given back, on the short way and on the long."""
    earlier = "swanlab.log({'x': 0.5, 'y': 0.5})" if keys_known else ""
    result = place.script(earlier, f"print(swanlab.log({{'x': {value}, 'y': 0.5}}))")
    assert (f"{{'x': {expected!r}, 'y': 0.5}}\n", "") == (result.stdout, result.stderr)
    assert repr((None, {"x": expected, "y": 0.5})) == repr(place.points()[-1])


@pytest.mark.parametrize("keys_known", [False, True], ids=["first call", "later call"])
@pytest.mark.parametrize(("value", "described"), REFUSED_VALUES.items(), ids=REFUSED_VALUES)
def test_value_is_refused(place: Place, value: str, described: str, keys_known: bool) -> None:
    """What is no number costs its own point and one line of stderr, also in the run's record; later good ones count."""
    calls = [f"print(swanlab.log({{'x': {value}, 'y': 0.5}}))"] * 2 + ["swanlab.log({'x': 1.0, 'y': 2.0})"]
    result = place.script("swanlab.log({'x': 0.5, 'y': 0.5})" if keys_known else "", *calls)
    assert result.stdout == "{'y': 0.5}\n" * 2
    assert place.points()[-3:] == [(None, {"y": 0.5}), (None, {"y": 0.5}), (None, {"x": 1.0, "y": 2.0})]
    (line,) = result.stderr.splitlines()
    assert line.startswith("swanlab: metric 'x' dropped: a value ")
    assert f"{described} cannot be used; accepted are numbers" in line
    assert [{"text": line[len("swanlab: ") :]}] == place.records("warning")


def test_bad_value_is_reported_once_for_each_key_and_type(place: Place) -> None:
    """A loop that logs rubbish does not flood the terminal, and hides no other mistake."""
    result = place.script("for _ in range(9): swanlab.log({'a': None, 'b': None, 'c': 'x' if _ else None})")
    assert [line.split()[2] for line in result.stderr.splitlines()] == ["'a'", "'b'", "'c'", "'c'"]


def test_reports_are_limited(place: Place) -> None:
    """A program with ever new mistakes is told of a thousand."""
    result = place.script("for number in range(3000): swanlab.log({'k%d' % number: None})")
    lines = result.stderr.splitlines()
    assert len(lines) == 1001
    assert lines[-1] == "swanlab: too many different problems; later ones are not reported"


KEYS = {
    "'train/loss'": "train/loss",
    "' ./a b/. '": "a b",
    "'a\\x00b\\n\\x7f'": "ab",
    "'损失'": "损失",
    "5": "5",
    "None": "None",
    "True": "True",
    "('a', 1)": "('a', 1)",
    "Colour.RED": "red",
    "'say \"hi\" \\\\ there'": 'say "hi" \\ there',
    "'half\\udc80'": "half?",
    "'k' * 512": "k" * 512,
}


@pytest.mark.parametrize(("key", "expected"), KEYS.items(), ids=KEYS)
def test_key_is_cleaned(place: Place, key: str, expected: str) -> None:
    """Names become text without control characters and without blanks, dots and slashes around them."""
    result = place.script(f"swanlab.log({{{key}: 1.0}})", f"swanlab.log({{{key}: 2.0}})")
    assert [(None, {expected: 1.0}), (None, {expected: 2.0})] == place.points()
    assert result.stderr == ""


@pytest.mark.parametrize("key", ["''", "' ./\\t'", "Nameless()"])
def test_key_without_name_is_dropped(place: Place, key: str) -> None:
    """A point without a name is dropped with a line; the others stay."""
    result = place.script(f"swanlab.log({{{key}: 1.0, 'good': 2.0}})")
    assert place.points() == [(None, {"good": 2.0})]
    assert (len(result.stderr.splitlines()), result.stderr.startswith("swanlab: metric ")) == (1, True)


def test_long_key_is_cut_with_a_warning(place: Place) -> None:
    """A name has 512 characters at most, and does not end in what would be trimmed."""
    result = place.script("for _ in range(2): swanlab.log({'k' * 511 + '/' + 'x' * 100: 1.0})")
    assert place.points() == [(None, {"k" * 511: 1.0})] * 2
    assert [line.split(": ")[-1] for line in result.stderr.splitlines()] == ["its name is cut at 512 characters"]


def test_nested_dicts_are_joined_with_slashes(place: Place) -> None:
    """Any mapping within a mapping becomes a path."""
    place.script("swanlab.log(UserDict(a={'b': UserDict(c=1), 2: 2.0}, e={}, f=3))")
    assert place.points() == [(None, {"a/b/c": 1.0, "a/2": 2.0, "f": 3.0})]


def test_dict_that_contains_itself_is_no_endless_loop(place: Place) -> None:
    """A mistake costs its own point."""
    result = place.script("data = {'good': 1.0}", "data['me'] = data", "swanlab.log(data)")
    assert place.points()[0][1]["good"] == 1.0
    assert "of type dict cannot be used" in result.stderr


def test_keys_that_become_the_same_are_reported(place: Place) -> None:
    """The later value wins, and the user hears of it once."""
    result = place.script("for _ in range(2): swanlab.log({'a/b': 1.0, 'a': {'b': 2.0}})")
    assert place.points() == [(None, {"a/b": 2.0})] * 2
    assert result.stderr.splitlines() == ["swanlab: metric 'a/b' is twice in one log() call; the later value is taken"]


@pytest.mark.parametrize("data", ["None", "5", "'loss'", "[('a', 1)]", "Nameless()"])
def test_data_must_be_a_mapping(place: Place, data: str) -> None:
    """Anything else gives one line and an empty dict."""
    result = place.script(f"print(swanlab.log({data}))", f"print(swanlab.log({data}))")
    assert (result.stdout, len(result.stderr.splitlines()), place.points()) == ("{}\n{}\n", 1, [])
    assert result.stderr.startswith("swanlab: log() takes a dict, not ")


def test_mapping_that_breaks_is_read_as_far_as_it_goes(place: Place) -> None:
    """Data that raises while it is read costs what could not be read."""
    result = place.script("print(swanlab.log(Broken()))")
    assert result.stdout == "{'good': 1.0}\n"
    assert len(result.stderr.splitlines()) == 2


def test_empty_dict_is_nothing(place: Place) -> None:
    """No point, no complaint."""
    result = place.script("print(swanlab.log({}))", "print(swanlab.log({'a': {}}))")
    assert (result.stdout, result.stderr, place.points()) == ("{}\n{}\n", "", [])


STEPS = {
    "None": None,
    "0": 0,
    "7": 7,
    "True": 1,
    "2.0": 2,
    "'3'": 3,
    "' 4.0 '": 4,
    "Array(5)": 5,
    "Index()": 7,
    "Decimal(8)": 8,
    "2 ** 62 + 1": 2**62 + 1,
}
UNUSABLE_STEPS = ["-1", "'x'", "2.5", "float('nan')", "float('inf')", "2 ** 63", "10 ** 5000", "b'3'", "[1]", "Refuses()", "1j"]


@pytest.mark.parametrize(("step", "expected"), STEPS.items(), ids=STEPS)
def test_step_is_taken(place: Place, step: str, expected: int | None) -> None:
    """Whatever stands for an integer from 0 is a step, on the short way and on the long."""
    result = place.script(*[f"swanlab.log({{'x': 1.0}}, step={step})"] * 2)
    assert [(expected, {"x": 1.0})] * 2 == place.points()
    assert result.stderr == ""


@pytest.mark.parametrize("step", UNUSABLE_STEPS)
def test_unusable_step_becomes_the_automatic_one(place: Place, step: str) -> None:
    """The value is kept; the user hears of it once."""
    result = place.script(*[f"swanlab.log({{'x': 1.0}}, step={step})"] * 3)
    assert place.points() == [(None, {"x": 1.0})] * 3
    assert (len(result.stderr.splitlines()), "the automatic step is taken instead" in result.stderr) == (1, True)


def test_print_to_console_prints_what_was_accepted(place: Place) -> None:
    """Stdout is the program's own; only a script that asks for it gets a line there."""
    result = place.script("swanlab.log({'acc': 0.9, 'x': None}, print_to_console=True, commit=False)")
    assert result.stdout == "{'acc': 0.9}\n"


def test_result_is_a_dict_of_its_own(place: Place) -> None:
    """Changing what log() gave back does not change what the script logs next."""
    result = place.script("data = {'a': 1.0}", "swanlab.log(data).clear()", "swanlab.log(data).clear()", "print(data)")
    assert result.stdout == "{'a': 1.0}\n"


def test_sets_of_keys_take_turns(place: Place) -> None:
    """Calls with as many, but other, keys each get their own names, in whatever order the keys come."""
    place.script(
        "for number in range(3):",
        "    swanlab.log({'a': 1.0, 'b': 2.0})",
        "    swanlab.log({'c': 3.0, 'd': 4.0})",
        "    swanlab.log({'b': 2.0, 'a': 1.0})",
        "    swanlab.log({'a': 1.0})",
    )
    expected = [{"a": 1.0, "b": 2.0}, {"c": 3.0, "d": 4.0}, {"b": 2.0, "a": 1.0}, {"a": 1.0}]
    assert [(None, values) for values in expected * 3] == place.points()


def test_ever_new_and_very_many_keys_are_recorded(place: Place) -> None:
    """Beyond the limits of compact lines points are recorded as JSON, also those that JSON has no number for."""
    place.script(
        "for number in range(6000): swanlab.log({'k%d' % number: float('inf')}, step=number)",
        "swanlab.log({'m%d' % number: 1.0 for number in range(1000)})",
    )
    points = place.points()
    assert [(number, {f"k{number}": math.inf}) for number in range(6000)] == points[:-1]
    assert (None, {f"m{number}": 1.0 for number in range(1000)}) == points[-1]


@pytest.mark.parametrize("kind", ["threads", "forks", "spawn", "subprocesses"])
def test_everyone_may_log_at_once(place: Place, kind: str) -> None:
    """Every point of eight workers arrives exactly once, and no line is damaged."""
    place.python(str(CHILDREN / "shim_many.py"), kind, "8", "500")
    points = [(step, *values.values()) for step, values in place.points() if -1.0 not in values.values()]
    assert sorted((call, float(worker), float(call)) for worker in range(8) for call in range(500)) == sorted(points)


def test_sigkill_loses_nothing_that_was_logged(place: Place) -> None:
    """Every call that had returned is in the file when the process is shot."""
    command = [sys.executable, "-S", str(CHILDREN / "shim_forever.py")]
    with subprocess.Popen(command, env=place.environ, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        head = [child.stdout.readline() for _ in range(2000)]
        child.send_signal(signal.SIGKILL)
        told = (b"".join(head) + child.stdout.read()).split(b"\n")[:-1]
        child.wait(DEADLINE_S)
    logged = [int(values["number"]) for _, values in place.inbox().points]
    assert list(range(len(logged))) == logged
    assert len(logged) >= int(told[-1]) + 1


def test_full_disk_is_said_once_and_survived(place: Place) -> None:
    """While nothing can be written the program goes on; what fits before and after is there, and the loss is counted."""
    result = place.python(str(CHILDREN / "shim_full_disk.py"))
    inbox = place.inbox()
    steps = [step for step, _ in inbox.points]
    assert result.stdout == "trained to the end\n"
    assert [*range(len(steps) - 1), 500] == steps
    assert 10 < len(steps) < 490
    (line,) = result.stderr.splitlines()
    assert line.startswith("swanlab: cannot write to ")
    lost = 501 - len(steps)
    assert [{"text": f"{lost} records were lost: the inbox could not be written"}] == place.records("warning")


@pytest.mark.parametrize("files", ["0", "50"])
@pytest.mark.parametrize("limit", ["64", "256", "5000"])
def test_closed_descriptor_is_opened_anew(place: Place, files: str, limit: str) -> None:
    """A daemon that closes everything loses no point, and gets none of ours into its own files."""
    result = place.python(str(CHILDREN / "shim_daemon.py"), limit, files)
    assert result.stderr == ""
    assert [(None, {"loss": float(number)}) for number in (1, 2, 3, 4)] == place.points()
    assert int(files) == len([path for path in place.directory.glob("other*") if path.read_bytes() == b""])


def test_directory_that_vanished_is_said_once(place: Place) -> None:
    """Without a place to write to log() still answers; once there is one again, it records."""
    result = place.script(
        "import os, shutil",
        "run_dir = os.environ['SWANLAB_CLI_RUN_DIR']",
        "shutil.rmtree(run_dir)",
        "for number in range(3): print(swanlab.log({'a': float(number)}))",
        "os.mkdir(run_dir)",
        "swanlab.log({'a': 3.0})",
        "swanlab.log({'a': 4.0})",
    )
    assert result.stdout == "{'a': 0.0}\n{'a': 1.0}\n{'a': 2.0}\n"
    assert len(result.stderr.splitlines()) == 1
    assert place.points() == [(None, {"a": 3.0}), (None, {"a": 4.0})]


@pytest.mark.parametrize("missing", ["SWANLAB_CLI_RUN_DIR", "SWANLAB_CLI_INBOX"])
@pytest.mark.parametrize("empty", [False, True])
def test_nothing_is_recorded_without_a_run(place: Place, missing: str, empty: bool) -> None:
    """Outside `swanlab run`, or when its directory could not be made, log() checks and answers all the same."""
    if empty:
        place.environ[missing] = ""
    else:
        del place.environ[missing]
    result = place.script("swanlab.init(config={'a': 1})", "print(swanlab.log({'a': 1, 'b': None}))", "swanlab.finish()")
    assert (result.stdout, len(result.stderr.splitlines())) == ("{'a': 1.0}\n", 1)
    assert [path.name for path in place.run_dir.iterdir()] == ["run.json"]


def test_run_exists_only_once_there_is_one(place: Place) -> None:
    """From init() to finish(): frameworks call init(), with the run's name and project, where there is none yet."""
    lines = ("print(swanlab.run is not None, swanlab.get_run() is not None, swanlab.has_run())",)
    script = (*lines, "run = swanlab.init()", *lines, "assert swanlab.run is run", "run.finish()", *lines)
    assert place.script(*script).stdout == "False False False\nTrue True True\nFalse False False\n"
    del place.environ["SWANLAB_CLI_RUN_DIR"]
    assert place.script(*script).stdout == "False False False\nTrue True True\nFalse False False\n"


def test_run_tells_about_itself(place: Place) -> None:
    """Attributes come from the run's header; what the user chose on the command line wins over init()."""
    result = place.script(
        "run = swanlab.init('other', experiment_name='mine')",
        "print(run.id, run.name, run.project, run.url, run.mode, run.state, run.alive, run.running)",
        "print(run.dir == run.public.run_dir, run.public.run_id, run.public.project_name, run.public.cloud.project_url)",
        "print(run.get_url(), run.get_project_url(), swanlab.get_url(), swanlab.get_project_url())",
        "print(isinstance(run, swanlab.Run), run.log_scalar('x', 2), run.config is swanlab.config)",
    )
    expected = """\
ab12 mine mnist None local running True True
True ab12 mnist None
None None None None
True {'x': 2.0} True
"""
    assert expected == result.stdout


def test_init_records_what_it_was_given(place: Place) -> None:
    """Under either SDK's names; what it does not know it ignores."""
    place.script(
        "swanlab.init('p', 'me', name='n', notes='d', tags=('a', 'b'), group=3, job_type='j', config={'x': 1}, color='red')",
        "swanlab.init(project='p', experiment_name='n', description='d', tags='a, b', logdir='x', mode='cloud')",
        "swanlab.init(tags='[\"a\", \"b,c\"]')",
        "swanlab.init()",
    )
    expected = [
        {"project": "p", "name": "n", "notes": "d", "tags": ["a", "b"], "group": "3", "job_type": "j", "config": {"x": 1}},
        {"project": "p", "name": "n", "notes": "d", "tags": ["a", "b"]},
        {"tags": ["a", "b,c"]},
        {},
    ]
    assert expected == place.records("init")


def test_log_after_finish_raises(place: Place) -> None:
    """The one error that reaches the script, from the module and from the run, on the short way and on the long."""
    result = place.script(
        "run = swanlab.init()",
        "swanlab.log({'a': 1.0})",
        "swanlab.finish()",
        "for log in (swanlab.log, run.log):",
        "    try:",
        "        log({'a': 1.0})",
        "    except RuntimeError as error:",
        "        print(error)",
    )
    text = "log() after finish(): this run takes no more points; call swanlab.init() first to go on with it\n"
    assert text * 2 == result.stdout
    assert place.records("finish") == [{"state": "success"}]
    assert place.points() == [(None, {"a": 1.0})]


def test_init_after_finish_goes_on(place: Place) -> None:
    """A script with a run for each fold, say, keeps working; all of it lands in the one run."""
    place.script("for fold in range(3):", "    swanlab.init(name=fold)", "    swanlab.log({'a': fold})", "    swanlab.finish()")
    assert [(None, {"a": float(fold)}) for fold in range(3)] == place.points()
    assert place.records("finish") == [{"state": "success"}] * 3


def test_finish_takes_states_and_a_second_call(place: Place) -> None:
    """An unknown state leaves the run open, a second finish() warns; neither raises."""
    result = place.script("run = swanlab.init()", "swanlab.finish('bad')", "run.finish('crashed', error='oom')", "run.finish()")
    assert place.records("finish") == [{"state": "crashed", "error": "oom"}]
    expected = [
        "swanlab: finish() takes the states success, crashed, aborted, not 'bad'; the run stays open",
        "swanlab: finish() was called already",
    ]
    assert expected == result.stderr.splitlines()


def test_run_is_a_context_manager(place: Place) -> None:
    """Leaving the block finishes the run, as crashed where an exception passes."""
    place.script(
        "with swanlab.init(): pass",
        "with swanlab.init() as run: run.finish('aborted')",
        "try:",
        "    with swanlab.init(): raise ValueError('lr')",
        "except ValueError: pass",
    )
    states = [{"state": "success"}, {"state": "aborted"}, {"state": "crashed", "error": "ValueError: lr"}]
    assert states == place.records("finish")


def test_config_gives_back_what_was_stored(place: Place) -> None:
    """Items and attributes are the same thing, before and after init()."""
    result = place.script(
        "config = swanlab.config",
        "config.batch = 32",
        "config['path'] = path = Path('/data')",
        "swanlab.init(config={'depth': 3})",
        "config.update({'a': 1}, b=2, allow_val_change=True)",
        "print(config.lr, config['batch'], config.path is path, config.get('none'), 'a' in config, len(config))",
        "print(dict(config) == {**config}, list(config), config == dict(config.items()))",
        "del config['a'], config.b",
        "print(config, swanlab.run.config is config)",
        "import copy, pickle",
        "print(copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == dict(config))",
    )
    expected = """\
0.1 32 True None True 6
True ['lr', 'batch', 'path', 'depth', 'a', 'b'] True
{'lr': 0.1, 'batch': 32, 'path': PosixPath('/data'), 'depth': 3} True
True
"""
    assert expected == result.stdout
    expected_records: list[dict[str, Any]] = [
        {"data": {"batch": 32}},
        {"data": {"path": "/data"}},
        {"data": {"a": 1, "b": 2}},
        {"data": {}, "removed": ["a"]},
        {"data": {}, "removed": ["b"]},
    ]
    assert expected_records == place.records("config")


def test_config_that_is_missing_raises_what_a_dict_and_an_object_raise(place: Place) -> None:
    """So `getattr` with a default and `in` work."""
    result = place.script(
        "for code in ('swanlab.config.nope', 'swanlab.config[\"nope\"]', 'del swanlab.config.nope', 'swanlab.Nothing'):",
        "    try:",
        "        exec(code)",
        "    except Exception as error:",
        "        print(type(error).__name__)",
        "print(getattr(swanlab.config, 'nope', 5), hasattr(swanlab, 'Nothing'))",
    )
    assert result.stdout.splitlines() == ["AttributeError", "KeyError", "AttributeError", "AttributeError", "5 False"]


def test_command_line_config_wins_over_init_but_not_over_assignment(place: Place) -> None:
    """`-c lr=0.1` is stronger than a script's default; what the script sets later it sets knowingly."""
    result = place.script(
        "swanlab.init(config={'lr': 5, 'x': 6})",
        "print(swanlab.config)",
        "swanlab.config.lr = 7",
        "swanlab.init(config={'lr': 8})",
        "print(swanlab.config.lr)",
    )
    assert result.stdout == "{'lr': 0.1, 'x': 6}\n7\n"


PLAIN = {
    "None": None,
    "True": True,
    "10 ** 5000": "<int>",
    "float('nan')": "NaN",
    "-float('inf')": "-Infinity",
    "Colour.RED": "red",
    "Path('/x')": "/x",
    "{3, 1, 2}": [1, 2, 3],
    "(1, 'a')": [1, "a"],
    "{'a': {1: UserDict(b=2)}}": {"a": {"1": {"b": 2}}},
    "Array(5)": 5,
    "Array(float('inf'))": "Infinity",
    "range(10 ** 9)": "range(0, 1000000000)",
    "b'ab'": "b'ab'",
    "'half\\udc80'": "half?",
    "Nameless()": "<shim_ducks.Nameless>",
    "Broken()": "<shim_ducks.Broken>",
    "int": "<class 'int'>",
}


@pytest.mark.parametrize(("value", "expected"), PLAIN.items(), ids=PLAIN)
def test_config_is_recorded_as_json_can_hold_it(place: Place, value: str, expected: object) -> None:
    """Anything can be stored; what JSON has no word for is recorded as text."""
    result = place.script(f"swanlab.config.x = {value}")
    assert ([{"data": {"x": expected}}], "") == (place.records("config"), result.stderr)


SOURCES = [
    "UserDict(a=1, b=2)",
    "argparse.Namespace(a=1, b=2)",
    "Data()",
    "Plain()",
    "[('a', 1), ('b', 2)]",
    "'config.json'",
    "Path('config.json')",
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("call", ["init(config={})", "config.update({})"])
def test_config_comes_from_many_kinds_of_objects(place: Place, source: str, call: str) -> None:
    """Mappings, namespaces, data classes, plain objects and files."""
    (place.directory / "config.json").write_text('{"a": 1, "b": 2}')
    place.script(
        "import argparse, dataclasses",
        "Data = dataclasses.make_dataclass('Data', [('a', int, 1), ('b', int, 2)])",
        "class Plain:",
        "    def __init__(self): self.a, self.b, self._hidden = 1, 2, 3",
        "swanlab." + call.replace("{}", source),
    )
    (record,) = place.records("init") + place.records("config")
    assert record.get("config", record.get("data")) == {"a": 1, "b": 2}


@pytest.mark.parametrize("source", ["5", "'none.json'", "'torn.json'", "Nameless", "object()"])
def test_config_that_cannot_be_used_is_reported(place: Place, source: str) -> None:
    """One line, no exception, and the run goes on."""
    (place.directory / "torn.json").write_text('{"a": ')
    result = place.script(f"swanlab.init(name='n', config={source})", "swanlab.log({'a': 1})")
    assert place.records("init")[0]["name"] == "n"
    assert (result.stderr == "") == (source == "Nameless")
    assert place.points() == [(None, {"a": 1.0})]


def test_rest_of_the_sdk_is_harmless(place: Place) -> None:
    """What scripts and frameworks call besides logging is there and does nothing."""
    result = place.script(
        "print(swanlab.login(api_key='x', save=True), swanlab.merge_settings(swanlab.Settings(a=1, b=2)))",
        "print(swanlab.register_callbacks([object()]), swanlab.merge_callbacks([]), swanlab.Settings(a=1).a)",
        "from swanlab import *",
        "print(sorted(set(swanlab.__all__) - set(globals())), config is swanlab.config, run is swanlab.run)",
    )
    assert result.stdout == "True None\nNone None 1\n[] True True\n"
    assert place.inbox().records == []


@pytest.mark.parametrize("stderr", ["None", "closed", "broken"])
def test_talk_never_raises(place: Place, stderr: str) -> None:
    """A program may have no stderr."""
    place.script(
        "import io, sys",
        f"sys.stderr = {{'None': None, 'closed': io.StringIO(), 'broken': object()}}[{stderr!r}]",
        "getattr(sys.stderr, 'close', int)()",
        "swanlab.log({'a': None, 'b': 1})",
        "swanlab.finish('?')",
        "sys.stderr = sys.__stderr__",  # Python flushes it at the end
    )
    assert place.points() == [(None, {"b": 1.0})]


def test_metadata_names_the_version(place: Place) -> None:
    """Frameworks ask for the version of `swanlab`, and get the one that the module states."""
    result = place.script("import importlib.metadata", "print(swanlab.__version__, importlib.metadata.version('swanlab'))")
    assert result.stdout.split() == ["0.10.3+cli", "0.10.3+cli"]


def test_import_loads_little(place: Place) -> None:
    """Importing and logging what needs no care takes none of the costly modules of the standard library."""
    result = place.script("swanlab.log({'a': 1.0})", "import sys", "print('json' in sys.modules)")
    assert result.stdout == "False\n"
    result = place.python("-c", "import swanlab, sys; print('collections' in sys.modules, 're' in sys.modules)")
    assert result.stdout == "False False\n"


def interpreters() -> list[str]:
    """The Pythons on the PATH that start, our own first."""
    found = [shutil.which(f"python3.{minor}") for minor in range(7, 15)]
    starts = [path for path in found if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0]
    return [sys.executable, *starts]


def test_every_python_records_the_same(place: Place) -> None:
    """The child's interpreter may be older or newer than ours."""
    lines = (
        "import swanlab",
        "swanlab.init('p', config={'a': 1})",
        "swanlab.config.b = {1, 2}",
        "for step in (None, 3, '4'): swanlab.log({'x': 0.5, 'n': {'y': 1}, 'z': None}, step=step)",
        "for step in (None, 3, '4'): swanlab.log({'x': 0.5, 'y': 1}, step=step)",
        "assert swanlab.run.id == 'ab12'",
        "swanlab.finish()",
    )
    expected = [(step, {"x": 0.5, name: 1.0}) for name in ("n/y", "y") for step in (None, 3, 4)]
    for interpreter in interpreters():
        result = place.python("-W", "error", "-c", "\n".join(lines), interpreter=interpreter)
        assert len(result.stderr.splitlines()) == 1, interpreter
        assert expected == place.points(), interpreter
        types = [record["type"] for record in place.inbox().records]
        assert types == ["init", "config", "warning", "finish"], interpreter
        for path in place.run_dir.glob("*inbox*"):
            path.unlink()


def test_syntax_is_that_of_python_3_7() -> None:
    """Also where no such interpreter is at hand."""
    for path in (SHIM / "swanlab").glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 7))
