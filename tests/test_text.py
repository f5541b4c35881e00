"""cli.text: durations, sizes, tables."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from swanlab_cli.cli.text import columns, duration, size, table


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (0.36, "0.4 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (86399.6, "1 d 0 h"),
        (273600, "3 d 4 h"),
        (8640000, "100 d 0 h"),
    ],
    ids=str,
)
def test_duration_has_its_two_largest_units(seconds: float, expected: str) -> None:
    """No unit is as large as the next one."""
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1048575, "1.0 MiB"),
        (1048576, "1.0 MiB"),
        (1610612736, "1.5 GiB"),
        (1 << 40, "1.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
    ids=str,
)
def test_size_has_a_binary_unit(count: int, expected: str) -> None:
    """Below 1024 of each unit but the largest."""
    assert expected == size(count)


@pytest.mark.parametrize(
    ("headings", "rows", "expected"),
    [
        (("ID", "NAME"), [("a1", "x"), ("b", "longer")], "ID  NAME\na1  x\nb   longer"),
        (("A", "B", "C"), [("", "", ""), ("1", "", "3")], "A  B  C\n\n1     3"),
        (("LONG", "X"), [], "LONG  X"),
    ],
    ids=["widths", "empty cells", "no rows"],
)
def test_columns_are_aligned_two_blanks_apart(headings: Sequence[str], rows: Sequence[Sequence[str]], expected: str) -> None:
    """Each column as wide as its widest cell, no blanks at the end of a line."""
    assert expected == table(headings, rows)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("run", "a1"), ("state", "lost")], "run    a1\nstate  lost"),
        ([("  lr", "0.1  "), ("  depth", "3")], "  lr     0.1\n  depth  3"),
        ([], ""),
    ],
    ids=["pairs", "indented", "none"],
)
def test_columns_need_no_headings(rows: Sequence[Sequence[str]], expected: str) -> None:
    """Blanks before a cell stay, blanks at the end of a line go."""
    assert expected == columns(iter(rows))
