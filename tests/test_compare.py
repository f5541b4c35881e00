"""`swanlab compare`: what runs have differently first, in columns or JSON, and how their diffs and scripts differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.recorder.comparison import MISSING, Row, compare
from swanlab_cli.recorder.view import describe, open_run, points_of

from .built import DIFF, FACTS, build
from .conftest import Workplace, python
from .test_show import on_terminal

OTHER_DIFF = DIFF.replace("0.2", "0.3")
OTHER: Mapping[str, Any] = {
    "config": {"lr": None, "new": "0.1", "nested": {"depth": 3}},
    "python": {**FACTS["python"], "version": "3.12.0", "packages": {"numpy": "2.0.0", "rich": "13.7", "jax": "0.4"}},
    "git": {**FACTS["git"], "commit": "fedcba", "dirty": False},
    "diff": {"text": OTHER_DIFF},
    "variables": {"CUDA_VISIBLE_DEVICES": "1", "OMP_NUM_THREADS": "4"},
    "accelerators": {"driver": "550.1", "devices": [{"name": "A100", "memory_bytes": 80 << 30}, {"name": "H100"}]},
}
PAGE = """\
  run                          abcd1234          other
  name                         swift-otter-217   swift-otter-217

Config
  lr                           0.1               null
  new                          -                 "0.1"
  nested/depth                 -                 3

Metrics
  loss last                    0.5               0.25             -50 %

Environment
  accelerators.devices.0.name  H100              A100
  python.version               3.11.7            3.12.0

Packages
  numpy                        1.26.4            2.0.0
  torch                        2.3.0             -
  jax                          -                 0.4

Variables
  CUDA_VISIBLE_DEVICES         0                 1

Git
  commit                       0123456789abcdef  fedcba
  dirty                        true              false

Code
  diff                         beaf9b1dbe        e1165448ce

Not shown: equal: 7 of run, 1 of metrics, 4 of ending, N of resources, 30 of environment, 1 of packages, 1 of variables, \
2 of command, 3 of git, 1 of code; 6 figures of the system (--all)
"""


@pytest.fixture
def two(work: Workplace) -> Workplace:
    """A workplace with the runs `abcd1234` and `other`."""
    build(work.logdir)
    build(work.logdir, "other", 0.25, **OTHER)
    return work


def described(directory: str) -> dict[str, Any]:
    """The run as `compare` gets it."""
    view = open_run(directory)
    return describe(view, points_of(view))


def test_two_runs_in_columns(two: Workplace) -> None:
    """Only what differs; a key that a run lacks is told from null, a string from a number; what is equal is counted."""
    result = two.swanlab("compare", "abcd", "other")
    assert (result.returncode, result.stderr) == (0, b"")
    assert re.sub(r"\d+ of resources", "N of resources", result.stdout.decode()) == PAGE


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_comparison_fits_the_terminal(two: Workplace, columns: int) -> None:
    """The widest columns are cut until all fit."""
    page = on_terminal(two, "compare", "abcd", "other", columns=columns, NO_COLOR="1")
    assert max(map(len, page.splitlines())) <= columns
    assert [line.split()[0] for line in page.splitlines() if line[:1].isalpha()][:3] == ["Config", "Metrics", "Environment"]


def test_headings_have_colours_on_a_terminal(two: Workplace) -> None:
    """As those of `show`."""
    assert "\x1b[1mConfig\x1b[0m" in on_terminal(two, "compare", "abcd", "other")
    assert "\x1b" not in on_terminal(two, "compare", "abcd", "other", "--no-color")


def test_all_is_shown_when_asked_for(two: Workplace) -> None:
    """Equal keys and the system's figures too, and then nothing is left out."""
    page = two.swanlab("compare", "abcd", "other", "--all").stdout.decode()
    for wanted in ("  rich    ", "\nSystem\n  system/cpu (%) last", "  OMP_NUM_THREADS"):
        assert wanted in page
    assert "Not shown" not in page


def test_equal_runs(work: Workplace) -> None:
    """Said in words."""
    build(work.logdir)
    page = work.swanlab("compare", "last", "last").stdout.decode()
    assert "\n\nNo differences.\n\nNot shown: equal: 7 of run, 1 of config," in page


def test_more_runs_are_more_columns(two: Workplace) -> None:
    """Without relative changes, which are of two."""
    build(two.logdir, "third", 0.125)
    page = two.swanlab("compare", "abcd", "other", "third").stdout.decode()
    assert [line.split() for line in page.splitlines() if "loss last" in line] == [["loss", "last", "0.5", "0.25", "0.125"]]
    assert "%" not in page


def test_json_has_what_differs(two: Workplace) -> None:
    """The contract: by section and key the value of each run, which runs lack the key, how many are equal."""
    content = json.loads(two.swanlab("compare", "abcd", "other", "--json").stdout)
    expected = {
        "runs": ["abcd1234", "other"],
        "run": {},
        "config": {"lr": [0.1, None], "new": [None, "0.1"], "nested/depth": [None, 3]},
        "summary": {"loss last": [0.5, 0.25], "loss min": [0.5, 0.25]},
        "ending": {},
        "resources": {},
        "environment": {"accelerators.devices.0.name": ["H100", "A100"], "python.version": ["3.11.7", "3.12.0"]},
        "packages": {"numpy": ["1.26.4", "2.0.0"], "torch": ["2.3.0", None], "jax": [None, "0.4"]},
        "variables": {"CUDA_VISIBLE_DEVICES": ["0", "1"]},
        "command": {},
        "git": {"commit": ["0123456789abcdef", "fedcba"], "dirty": [True, False]},
        "code": content["code"],
        "system": {},
        "missing": {"config": {"new": [0], "nested/depth": [0]}, "packages": {"torch": [1], "jax": [0]}},
        "equal": {
            "run": 7, "config": 0, "summary": 1, "ending": 4, "resources": content["equal"]["resources"],
            "environment": 30, "packages": 1, "variables": 1,
            "command": 2, "git": 3, "code": 1, "system": 6,
        },
    }  # fmt: skip
    assert expected == content
    assert list(expected) == list(content)
    assert list(content["code"]) == ["diff"]
    assert len(set(content["code"]["diff"])) == 2


def test_json_has_all_when_asked_for(two: Workplace) -> None:
    """The keys that are equal as well."""
    content = json.loads(two.swanlab("compare", "abcd", "other", "--json", "--all").stdout)
    assert content["ending"] == {
        "state": ["finished"] * 2, "end_reason": ["exit code 0"] * 2, "exit_code": [0, 0], "signal": [None, None]
    }  # fmt: skip
    assert content["packages"]["rich"] == ["13.7", "13.7"]


def test_recorded_diffs_are_compared(two: Workplace) -> None:
    """As a unified diff of the two diffs; scripts that are equal are not named."""
    head = "--- abcd1234/diff\n+++ other/diff\n@@ -1,3 +1,3 @@\n diff --git a/train.py b/train.py\n"
    expected = f"{head} -lr = 0.1\n-+lr = 0.2\n++lr = 0.3\n"
    assert two.swanlab("compare", "abcd", "other", "--diff").stdout.decode() == expected


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["abcd"], 2, b"nothing to compare one run with"),
        (["abcd", "nobody"], 1, b"no run 'nobody'"),
        (["abcd", "other", "last", "--diff"], 2, b"--diff compares two runs"),
        ([], 2, b"Missing argument"),
    ],
    ids=["one run", "unknown run", "three diffs", "no run"],
)
def test_what_cannot_be_compared_is_said(two: Workplace, arguments: Sequence[str], status: int, said: bytes) -> None:
    """On stderr, and nothing on stdout."""
    result = two.swanlab("compare", *arguments)
    assert (result.returncode, result.stdout) == (status, b"")
    assert said in result.stderr


def test_section_that_a_run_does_not_have_is_one_row(work: Workplace) -> None:
    """No packages at all are no list of a hundred that are missing."""
    packages = {f"package{number}": "1.0" for number in range(100)}
    build(work.logdir, python={**FACTS["python"], "packages": packages})
    build(work.logdir, "other", python={**FACTS["python"], "packages": {}})
    page = work.swanlab("compare", "abcd", "other").stdout.decode()
    assert "\nPackages\n  all (--all)  100 recorded     -\n" in page
    assert page.count("package") == 0
    assert work.swanlab("compare", "abcd", "other", "--all").stdout.count(b"  package") == 100


def test_real_runs_are_compared(work: Workplace) -> None:
    """Config, metrics, end and command of two runs that were recorded."""
    ids = []
    for lr, status in (("0.1", 0), ("0.2", 3)):
        run_id = f"run{status}"
        work.swanlab("run", "-q", "--id", run_id, "-c", f"lr={lr}", *python(f"print('loss={lr}'); raise SystemExit({status})"))
        ids.append(run_id)
    content = json.loads(work.swanlab("compare", *ids, "--json").stdout)
    assert content["config"] == {"lr": [0.1, 0.2]}
    assert content["summary"] == {f"loss {name}": [0.1, 0.2] for name in ("last", "min", "max")}
    assert content["ending"]["state"] == ["finished", "crashed"]
    assert list(content["command"]) == ["command"]


@pytest.mark.parametrize(
    ("values", "is_equal"),
    [
        ((1, 1.0), True),
        ((1, True), False),
        ((0, False), False),
        ((None, MISSING), False),
        ((None, None), True),
        ((MISSING, MISSING), True),
        (("1", 1), False),
        (([1], [1]), True),
        ((1, 1, 2), False),
        (("NaN", "NaN"), True),
    ],
    ids=[
        "1 and 1.0",
        "1 and true",
        "0 and false",
        "null and missing",
        "null",
        "missing",
        "text and number",
        "lists",
        "one of three",
        "NaN",
    ],
)
def test_what_is_equal(values: tuple[object, ...], is_equal: bool) -> None:
    """As who reads a configuration would say."""
    assert Row("key", values).is_equal == is_equal


def test_runs_that_know_nothing_can_be_compared(tmp_path: Path) -> None:
    """Without any facts: only keys that are there are compared."""
    nothing: dict[str, Any] = dict.fromkeys(FACTS)
    bare = build(tmp_path, "bare", **nothing)
    sections = compare([described(bare.directory), described(build(tmp_path).directory)])
    assert sections["packages"] == [Row(name, (MISSING, version)) for name, version in FACTS["python"]["packages"].items()]
    assert sections["git"][0] == Row("commit", (MISSING, FACTS["git"]["commit"]))
