"""adopt.timestamps: which beginnings of lines are times, and which times they are."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from swanlab_cli.adopt.timestamps import Timestamps

T = 1767607872.0  # 2026-01-05T10:11:12Z


def times_in(text: str) -> list[tuple[int, float]]:
    """(offset, time) of each line that tells its time; without a zone it is UTC."""
    return list(Timestamps(is_utc=True).find(text.encode()))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-01-05 10:11:12 x", T),
        ("2026-01-05T10:11:12", T),
        ("2026/01/05 10:11:12 x", T),
        ("2026-01-05 10:11:12.25 x", T + 0.25),
        ("2026-01-05 10:11:12,250 INFO x", T + 0.25),
        ("2026-01-05T10:11:12.250000Z x", T + 0.25),
        ("2026-01-05T10:11:12+02:00 x", T - 7200),
        ("2026-01-05 10:11:12 -0130 x", T + 5400),
        ("2026-01-05 10:11:12 UTC x", T),
        ("2026-01-05 10:11:12 - INFO - x", T),
        ("[2026-01-05 10:11:12] x", T),
        ("[2026-01-05 10:11:12,250][x][INFO]", T + 0.25),
        ("INFO 2026-01-05 10:11:12 x", T),
        ("[INFO|trainer.py:2245] 2026-01-05 10:11:12,250 >> x", T + 0.25),
        ("\x1b[32m2026-01-05 10:11:12.250\x1b[0m | INFO | x", T + 0.25),
        ("[rank3]: 2026-01-05 10:11:12 x", T),
        (" 3: 2026-01-05 10:11:12 x", T),
        ("I20260105 10:11:12.250000 4711 train.cc:1] x", T + 0.25),
        ("Mon Jan  5 10:11:12 2026", T),
        ("Mon Jan  5 10:11:12 UTC 2026", T),
        ('{"time": "2026-01-05T10:11:12Z", "loss": 0.5}', T),
        ('{"loss": 0.5, "timestamp": "2026-01-05 10:11:12,250"}', T + 0.25),
        ('{"ts": 1767607872.25, "loss": 0.5}', T + 0.25),
        ('{"time": 1767607872250, "loss": 0.5}', T + 0.25),
        ('{"loss": 0.5, "asctime": "2026-01-05 10:11:12"}', T),
        ('{"time": 12.5, "ts": 1767607872}', T),
    ],
)
def test_whole_date_is_a_time(line: str, expected: float) -> None:
    """At the beginning of a line, behind what loggers put before it, or in a field of a JSON line."""
    ((offset, moment),) = times_in(f"{line}\n")
    assert (offset, round(moment, 6)) == (0, expected)


@pytest.mark.parametrize(
    "line",
    [
        "Jan  5 10:11:12 node17 x",
        "10:11:12 x",
        "I0105 10:11:12.250000 4711 train.cc:1] x",
        "01/05/2026 10:11:12 - INFO - x",
        "2026-01-05 x",
        "2026-02-30 10:11:12 x",
        "2026-01-05 25:11:12 x",
        "9999-01-05 10:11:12 x",
        "0001-01-05 10:11:12 x",
        "12026-01-05 10:11:12 x",
        "loss at 2026-01-05 10:11:12 x",
        "1767607872.25 x",
        '{"time": 12.5, "loss": 0.5}',
        '{"time": true}',
        '{"time": "yesterday"}',
        '{"data": {"time": "2026-01-05T10:11:12Z"}}',
        '{"time": "2026-01-05T10:11:12Z"',
    ],
)
def test_anything_less_is_none(line: str) -> None:
    """Nothing is invented: no year, no day, no order of day and month, no epoch of a clock that counts from zero."""
    assert times_in(f"{line}\n") == []


def test_offsets_are_those_of_the_lines() -> None:
    """Of each line with a time, whatever lies between, and the last without newline."""
    text = "x\n2026-01-05 10:11:12 a\r2026-01-05 10:11:13\n\n\n2026-01-05 10:11:14"
    assert times_in(text) == [(2, T), (text.rindex("2026"), T + 2)]


def test_piece_of_a_line_has_no_time() -> None:
    """What does not begin a line is not looked at, but lines after it are."""
    assert list(Timestamps(is_utc=True).find(b"2026-01-05 10:11:12\n2026-01-05 10:11:13\n", False)) == [(20, T + 1)]


def test_head_of_a_glog_file_tells_the_year() -> None:
    """Its lines have none; one of an earlier month is of the next year."""
    head = "Log file created at: 2026/12/31 23:59:00\n"
    text = head + "I1231 23:59:30.5 1 x] a\nW0101 00:00:10 1 x] b\n"
    new_year = 1798761600.0
    assert times_in(text) == [(0, new_year - 60), (len(head), new_year - 29.5), (len(head) + 24, new_year + 10)]


@pytest.fixture
def berlin() -> Iterator[None]:
    """Local time is Berlin's."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_time_without_zone_is_local() -> None:
    """In winter and in summer, and a zone that is there wins."""
    lines = b"2026-01-05 11:11:12\n2026-07-05 12:11:12\n2026-01-05 10:11:12Z\n"
    assert [moment for _, moment in Timestamps().find(lines)] == [T, T + 181 * 86400, T]


def test_thousands_of_beginnings_are_looked_at_once() -> None:
    """What may stand before a time is not tried in every combination."""
    text = "INFO  1: " * 20000 + "\n" + "[" * 200000 + "\n" + '{"time": ' + "[" * 100000 + "\n2026-01-05 10:11:12\n"
    assert times_in(text) == [(len(text) - 20, T)]
