"""`swanlab show`: the page about a run, at any width, with and without colours; the texts recorded with it."""

from __future__ import annotations

import re
from typing import Any

import pexpect
import pytest

from swanlab_cli.cli.colour import Paper
from swanlab_cli.cli.environment import fact_text
from swanlab_cli.cli.fitting import cut, wrap
from swanlab_cli.cli.sections import Field, section, table_section
from swanlab_cli.cli.show import energy_text, overhead_text

from .built import DIFF, SCRIPT, build
from .conftest import DEADLINE_S, SWANLAB, Workplace, python, wait_for

PAGE = """\
run          abcd1234  swift-otter-217
project      digits
state        finished (exit code 0)
command      python train.py
directory    {directory}
working dir  /home/user/digits
started      2026-01-01T00:00:00.000000Z
finished     2026-01-01T00:00:12.500000Z
duration     12.2 s
parse        kv
tags         baseline

Config
  lr  0.1

Metrics
  metric  last  min  max   points  last step
  loss    0.5   0.5  0.75  2       1

System
  metric                     last     min      max      samples
  system/cpu (%)             50 %     50 %     50 %     1
  system/memory rss (bytes)  1.0 MiB  1.0 MiB  1.0 MiB  1

Environment
  host          node17, Debian 12, kernel 6.1.0, x86_64, glibc 2.36
  cpu           EPYC, 1 socket, 8 cores, 4 usable
  memory        64.0 GiB, available 60.0 GiB
  accelerator   H100, memory 80.0 GiB
  accelerator   H100
  accelerators  driver 550.1
  container     docker, machine kvm
  cgroup        version 2, memory limit 8.0 GiB, cpu quota 1.5
  scheduler     slurm, job id 77, time limit 2 h 0 min
  python        3.11.7, /opt/py/bin/python
  packages      torch 2.3.0, numpy 1.26.4, 3 in all (show --requirements)
  git           0123456789, main, with uncommitted changes, diff of 53 B (show --diff), 2 untracked, https://x/y
  script        /repo/train.py, 22 B
  variables     2 recorded (show --env)
  conda         not known: timed out

Resources
  cpu time     3.5 s
  peak memory  1000 B
  output       0 B

Overhead
  of recording  CPU 0.5 s, memory 21.0 MiB, 3.0 KiB written, longest write 1.5 ms, longest pause of the output 2.0 ms, \
0 records dropped

Warnings
  warning  careful
  dropped  3 points of loss: step taken
"""


def on_terminal(work: Workplace, *arguments: str, columns: int = 80, **environ: str) -> str:
    """What `swanlab ARGUMENTS` prints on a terminal of this width, with plain newlines."""
    spawn: Any = pexpect.spawn  # its type stubs lack the parts of ptyprocess
    terminal = spawn(
        SWANLAB, list(arguments), cwd=str(work.directory), env={**work.environ, **environ}, dimensions=(24, columns),
        encoding="utf-8", timeout=DEADLINE_S,
    )  # fmt: skip
    terminal.expect(pexpect.EOF)
    terminal.close()
    return str(terminal.before).replace("\r\n", "\n")


def test_page_of_a_run(work: Workplace) -> None:
    """All sections, into a pipe: nothing cut, no colours."""
    run = build(work.logdir)
    assert work.swanlab("show", "last").stdout.decode() == PAGE.format(directory=run.directory)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_page_fits_the_terminal(work: Workplace, columns: int) -> None:
    """Wrapped and cut to its width, but for the path that users copy; where there is room, as in a pipe."""
    run = build(work.logdir)
    page = on_terminal(work, "show", "last", "--no-color", columns=columns)
    whole = PAGE.format(directory=run.directory)
    assert [line for line in page.splitlines() if len(line) > columns and run.directory not in line] == []
    assert re.findall(r"^[A-Z]\w+$", page, re.MULTILINE) == re.findall(r"^[A-Z]\w+$", whole, re.MULTILINE)
    if columns == 200:
        assert page == whole
    assert ("  cgroup        version 2, memory limit\n                8.0 GiB, cpu quota 1.5\n" in page) == (columns == 40)


@pytest.mark.parametrize(
    ("options", "environ", "has_colours"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": ""}, True),
        ([], {"TERM": "dumb"}, False),
        (["--no-color"], {}, False),
        (["--color"], {"NO_COLOR": "1"}, True),
    ],
    ids=["terminal", "NO_COLOR", "NO_COLOR empty", "TERM=dumb", "--no-color", "--color"],
)
def test_colours_on_a_terminal(work: Workplace, options: list[str], environ: dict[str, str], has_colours: bool) -> None:
    """The flag decides, then the variables; without colours the same text is left."""
    run = build(work.logdir)
    page = on_terminal(work, "show", "last", *options, columns=200, **environ)
    assert ("\x1b[32mfinished (exit code 0)\x1b[0m" in page) == has_colours == ("\x1b" in page)
    assert re.sub(r"\x1b\[\d*m", "", page) == PAGE.format(directory=run.directory)


def test_colours_in_a_pipe_are_asked_for(work: Workplace) -> None:
    """`--color` gives them to `less -R`."""
    build(work.logdir)
    assert b"\x1b[1mConfig\x1b[0m" in work.swanlab("show", "last", "--color").stdout


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--diff", DIFF),
        ("--script", SCRIPT),
        ("--requirements", "numpy==1.26.4\nrich==13.7\ntorch==2.3.0\n"),
        ("--env", "CUDA_VISIBLE_DEVICES=0\nOMP_NUM_THREADS=4\n"),
    ],
)
def test_recorded_texts_are_printed_as_they_are(work: Workplace, option: str, expected: str) -> None:
    """Nothing added, so that they can be applied, run and installed."""
    build(work.logdir)
    result = work.swanlab("show", "last", option)
    assert (result.returncode, result.stdout.decode(), result.stderr) == (0, expected, b"")


@pytest.mark.parametrize(
    ("option", "facts", "said"),
    [
        ("--diff", {"diff": {"text": DIFF, "left_out_count": 2}}, b"2 files left out"),
        ("--script", {"script": {"path": "/x", "content": SCRIPT, "left_out_bytes": 2048}}, b"2.0 KiB left out"),
    ],
    ids=["diff", "script"],
)
def test_what_was_left_out_of_a_text_is_said(work: Workplace, option: str, facts: dict[str, Any], said: bytes) -> None:
    """On stderr: what is printed is not all that there was."""
    build(work.logdir, **facts)
    result = work.swanlab("show", "last", option)
    assert (result.returncode, result.stdout.decode()) == (0, DIFF if option == "--diff" else SCRIPT)
    assert said in result.stderr


@pytest.mark.parametrize("option", ["--diff", "--script", "--requirements", "--env"])
def test_a_text_that_was_not_recorded_is_an_error(work: Workplace, option: str) -> None:
    """Said in words, status 1, nothing on stdout."""
    build(work.logdir, diff=None, script=None, python={"executable": None}, variables={})
    result = work.swanlab("show", "last", option)
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"run 'abcd1234' has no " in result.stderr


def test_one_text_at_a_time(work: Workplace) -> None:
    """Two would run into one another."""
    build(work.logdir)
    assert work.swanlab("show", "last", "--diff", "--env").returncode == 2
    assert work.swanlab("show", "last", "--diff", "--json").returncode == 2


def test_page_of_a_real_run(work: Workplace) -> None:
    """Recorded and shown: how it ended, its config and metrics, the machine, the cost of recording."""
    work.swanlab("run", "-q", "-c", "lr=0.1", *python("print('loss=0.5'); raise SystemExit(3)"))
    events = work.run_directory() / "a0-r0.events.jsonl"
    wait_for(lambda: events.exists() and '"complete"' in events.read_text(), "the scribe's end")
    page = work.swanlab("show", "last").stdout.decode()
    for wanted in (
        "state        crashed (exit code 3)\n",
        "  lr  0.1\n",
        "  loss    0.5",
        "\nEnvironment\n  host ",
        ", 0 records dropped",
    ):
        assert wanted in page


def test_what_a_terminal_would_act_on_is_not_shown(work: Workplace) -> None:
    """A run cannot paint, clear or type on the terminal of who looks at it."""
    build(work.logdir, config={"x\x1b[2J": "y\x1b[2J\u202e"}, host={"name": "a\x1b]0;b\x07"})
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]|\xe2\x80\xae", work.swanlab("show", "last").stdout)


@pytest.mark.parametrize(
    ("text", "columns", "most_lines", "expected"),
    [
        ("short", 10, 3, ["short"]),
        ("two words", 5, 3, ["two", "words"]),
        ("exact word", 5, 3, ["exact", "word"]),
        ("unbreakable", 4, 9, ["unbr", "eaka", "ble"]),
        ("one two three four", 9, 2, ["one two", "three fo…"]),
        ("日本語です", 4, 2, ["日本", "語…"]),
        ("", 5, 2, [""]),
    ],
    ids=["fits", "at a blank", "exactly", "within a word", "cut", "wide", "empty"],
)
def test_text_is_wrapped(text: str, columns: int, most_lines: int, expected: list[str]) -> None:
    """At blanks where it has some, the last line cut."""
    assert expected == wrap(text, columns, most_lines)


@pytest.mark.parametrize(
    ("text", "columns", "expected"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本", 3, "日…"), ("日本", 4, "日本")], ids=str
)
def test_text_is_cut(text: str, columns: int, expected: str) -> None:
    """With an ellipsis, within the columns that it takes."""
    assert expected == cut(text, columns)


def test_section_without_values_is_none() -> None:
    """A heading with nothing below says nothing."""
    assert section("Empty", [Field("a", None), Field("b", "")], Paper()) is None
    assert table_section("Empty", ("a",), [], Paper()) is None


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (None, "T\n  name              x  y\n  long/metric/name  1  2"),
        (22, "T\n  name            x  y\n  long/metric/n…  1  2"),
        (18, "T\n  name           x\n  long/metric/…  1"),
        (10, "T\n  name          x\n  long/metric…  1"),
    ],
    ids=str,
)
def test_table_is_fitted(width: int | None, expected: str) -> None:
    """The last columns go, then the first is cut."""
    table = table_section("T", ("name", "x", "y"), [("long/metric/name", "1", "2")], Paper(width))
    assert expected == table


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"a_bytes": 1024, "b_s": 90, "c_pct": 5}, "a 1.0 KiB, b 1 min 30 s, c 5 %"),
        ({"is_on": True, "off": False, "gone": None, "none": []}, "is on"),
        ({"name": "x", "list": [{"name": "y"}, {"name": "z", "k": 1}]}, "x, list y; z, k 1"),
        ({"list": list(range(10))}, "list 0; 1; 2; 3; 4; 5; 6; 7; 2 more"),
        ("text", "text"),
        (None, ""),
    ],
    ids=["units", "truth", "nested", "long", "text", "nothing"],
)
def test_facts_of_any_shape_are_told(facts: object, expected: str) -> None:
    """What another version has recorded is shown too."""
    assert expected == fact_text(facts)


@pytest.mark.parametrize(("joules", "expected"), [(800, "800 J"), (45000, "12.5 Wh"), (7.2e6, "2 kWh")], ids=str)
def test_energy_has_a_unit_that_people_say(joules: float, expected: str) -> None:
    """Joules, watt hours, kilowatt hours."""
    assert expected == energy_text(joules)


@pytest.mark.parametrize(
    ("overhead", "expected"),
    [
        ({}, ""),
        ({"cpu_s": 0.5, "max_memory_bytes": 1024}, "CPU 0.5 s, memory 1.0 KiB"),
        ({"records_dropped": 2}, "2 records dropped"),
    ],
    ids=["nothing", "older", "dropped"],
)
def test_overhead_is_one_line(overhead: dict[str, Any], expected: str) -> None:
    """Of what is known."""
    assert expected == overhead_text(overhead)
