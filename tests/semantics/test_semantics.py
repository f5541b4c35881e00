"""Section 5 of the contract: the table against the shim, and against the real SDK, old and new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from .differences import SAME, Difference
from .observation import PYPY, Seen, as_text, interpreter, observe
from .table import TABLE, Row


def outcome_of(row: Row) -> tuple[object, ...]:
    """What a row says must be seen."""
    return as_text(row.points), row.raised, row.told


def test_table_is_one() -> None:
    """It has at least 150 rows, no two of which are called the same."""
    assert len(TABLE) >= 150
    assert len({row.id for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("which", ["shim", PYPY])
def test_shim_does_what_the_table_says(tmp_path: Path, which: str) -> None:
    """Points, exceptions, what scripts find out, what is printed; silence where nothing is wrong."""
    if interpreter(which) is None:
        pytest.skip("there is no pypy3 on the PATH")
    rows = [row for row in TABLE if which == "shim" or row.topic != "numpy"]  # NumPy has no wheels for PyPy 3.9
    seen = observe(which, rows, tmp_path)
    assert {row.id: wrong for row in rows if (wrong := _wrongs(row, seen[row.id]))} == {}


def _wrongs(row: Row, seen: Seen) -> list[object]:
    """Whatever of a row is not as the table has it."""
    checks: Mapping[str, bool] = {
        "outcome": seen.outcome == outcome_of(row),
        "stdout": seen.stdout == row.stdout,
        "stderr": row.stderr in seen.stderr if row.stderr else not seen.stderr,
        "status": seen.status == 0,
        "one line for each problem": len(set(seen.stderr.splitlines())) == len(seen.stderr.splitlines()),
    }
    return [*(name for name, holds in checks.items() if not holds), seen] if not all(checks.values()) else []


@pytest.mark.parametrize(("version", "column"), [("0.10.3", "new"), ("0.7.20", "old")])
def test_real_sdk_differs_where_the_table_says(tmp_path: Path, version: str, column: str) -> None:
    """And nowhere else: a difference that is gone must leave the table too."""
    if interpreter(version) is None:
        pytest.skip(f"swanlab {version} could not be installed for the tests")
    seen = observe(version, TABLE, tmp_path)
    surprises = {}
    for row in TABLE:
        difference: Difference = getattr(row, column)
        is_same = seen[row.id].outcome == outcome_of(row)
        if difference is not Difference.BY_CHANCE and is_same != (difference is SAME):
            surprises[row.id] = (difference, seen[row.id])
    assert surprises == {}
