"""recorder.derivation and recorder.sources: from captured bytes to points, the same whoever asks and whenever."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.recorder.derivation import Derivation, without_shadowed
from swanlab_cli.recorder.sources import Progress, Sources
from swanlab_cli.records import Chunk, Event, Point
from swanlab_cli.store.reader import Cursor

from .handmade import HEADER, KEYS, LANE, START, HandmadeRun, compact, log

EVERYTHING = 1 << 20


def sources_of(run: HandmadeRun) -> Sources:
    """The run's sources, from their beginning."""
    return Sources(run.directory, LANE, run.header)


def read_all(run: HandmadeRun, limit: int = EVERYTHING) -> tuple[list[Point], list[Event], Mapping[str, int]]:
    """All points, events and counts of dropped points, read `limit` bytes at a time."""
    sources = sources_of(run)
    looks: list[Progress] = [sources.read(limit)]
    while looks[-1].has_moved:
        looks.append(sources.read(limit))
    looks.append(sources.finish())
    points = [point for look in looks for point in look.points]
    events = [event for look in looks for event in look.events if event.type != "dropped"]
    return points, events, sources.derivation.dropped


def series(points: Sequence[Point], metric: str) -> list[tuple[int, float]]:
    """(step, value) of one metric."""
    return [(point.step, point.value) for point in points if point.metric == metric]


@pytest.fixture
def run(tmp_path: Path) -> HandmadeRun:
    """An empty run."""
    return HandmadeRun(tmp_path)


def test_point_of_the_output_has_time_and_source(run: HandmadeRun) -> None:
    """The time of the piece that completed its line."""
    run.add_output("stdout", b"loss=0", time=START + 1)
    run.add_output("stdout", b".5\n", time=START + 2)
    assert read_all(run)[0] == [Point("loss", 0, 0.5, START + 2, "output")]


def test_point_of_a_call_has_its_own_time_and_source(run: HandmadeRun) -> None:
    """Compact and JSON calls alike."""
    run.add_records(KEYS, compact(START + 1, 0.5, 2.0), log({"loss": 0.25}, time=START + 2))
    expected = [
        Point("loss", 0, 0.5, START + 1, "api"),
        Point("acc", 0, 2.0, START + 1, "api"),
        Point("loss", 1, 0.25, START + 2, "api"),
    ]
    assert expected == read_all(run)[0]


@pytest.mark.parametrize(
    ("steps", "expected", "dropped"),
    [
        ([None, None, None], [0, 1, 2], 0),
        ([5, None, None], [5, 6, 7], 0),
        ([5, 2, None], [5, 2, 6], 0),
        ([3, 3, None], [3, 4], 1),
        ([None, 0, None, 1], [0, 1], 2),
        ([-1, 2.5, "3", [], None], [0, 1, 2, 3, 4], 0),
        ([True], [1], 0),
        ([2**63 - 1, None], [2**63 - 1, 2**63], 0),
        ([10**30, 2**63, None], [0, 1, 2], 0),
    ],
    ids=["automatic", "explicit first", "out of order", "twice", "mixed", "unusable", "true", "highest", "too high"],
)
def test_steps_of_calls(run: HandmadeRun, steps: Sequence[Any], expected: Sequence[int], dropped: int) -> None:
    """Explicit steps are taken, others follow the highest; a step that is taken is dropped and counted."""
    run.add_records(*(log({"loss": number}, step) for number, step in enumerate(steps)))
    points, _, counts = read_all(run)
    assert [(type(step), step) for step in expected] == [(type(point.step), point.step) for point in points]
    assert ({"loss": dropped} if dropped else {}) == counts


def test_first_of_two_values_of_a_step_is_kept(run: HandmadeRun) -> None:
    """Per metric: others of the same call are not concerned."""
    run.add_records(log({"a": 1, "b": 1}, 7), log({"a": 2, "c": 2}, 7))
    points, _, dropped = read_all(run)
    assert [point[:3] for point in points] == [("a", 7, 1.0), ("b", 7, 1.0), ("c", 7, 2.0)]
    assert dropped == {"a": 1}


def test_dropped_points_become_events_at_the_end(run: HandmadeRun) -> None:
    """One event a metric, with the count."""
    run.add_records(*(log({"a": 1, "b": 1}, step) for step in (0, 0, 0)), log({"b": 1}, 0))
    sources = sources_of(run)
    sources.read(EVERYTHING)
    events = sources.finish().events
    expected = [("dropped", {"metric": "a", "count": 2}), ("dropped", {"metric": "b", "count": 3})]
    assert expected == [(event.type, event.data) for event in events]


def test_steps_are_counted_for_each_metric(run: HandmadeRun) -> None:
    """SwanLab's page: three calls with different keys."""
    run.add_records(log({"loss": 3, "acc": 1}), log({"loss": 2, "iter": 1}), log({"loss": 1, "iter": 2}))
    points, _, _ = read_all(run)
    assert series(points, "loss") == [(0, 3.0), (1, 2.0), (2, 1.0)]
    assert series(points, "acc") == [(0, 1.0)]
    assert series(points, "iter") == [(0, 1.0), (1, 2.0)]


def test_values_that_are_not_finite_are_points(run: HandmadeRun) -> None:
    """From calls, compact and as JSON, and from the output, sign and all."""
    run.add_records(KEYS, compact(START, math.nan, -math.inf), log({"x": "Infinity", "y": "NaN", "z": "-Infinity"}))
    run.add_output("stdout", b"o=nan p=-inf\n")
    points, _, _ = read_all(run)
    expected = {"loss": "nan", "acc": "-inf", "x": "inf", "y": "nan", "z": "-inf", "o": "nan", "p": "-inf"}
    assert expected == {point.metric: repr(point.value) for point in points}


def test_streams_do_not_run_into_each_other(run: HandmadeRun) -> None:
    """A line that the other stream interrupts is whole in the end."""
    run.add_output("stdout", b"a=1")
    run.add_output("stderr", b"b=")
    run.add_output("stdout", b"5\n")
    run.add_output("stderr", b"2\n")
    points, _, _ = read_all(run)
    assert [point[:3] for point in points] == [("a", 0, 15.0), ("b", 0, 2.0)]


def test_streams_share_the_steps_of_a_metric(run: HandmadeRun) -> None:
    """Printed on both streams it is one series."""
    run.add_output("stdout", b"a=1\n")
    run.add_output("stderr", b"a=2\n")
    run.add_output("stdout", b"a=3\n")
    assert series(read_all(run)[0], "a") == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_last_line_without_newline_counts_at_the_end(run: HandmadeRun) -> None:
    """On each stream, with that stream's last time, and not before."""
    run.add_output("stdout", b"a=1", time=START + 1)
    run.add_output("stderr", b"b=2", time=START + 2)
    sources = sources_of(run)
    look = sources.read(EVERYTHING)
    assert (look.points, look.has_moved) == ([], True)
    end = sources.finish()
    assert end.points == [Point("a", 0, 1.0, START + 1, "output"), Point("b", 0, 2.0, START + 2, "output")]
    assert (end.cursor, end.has_moved) == (Cursor(6, {}, is_final=True), True)


def test_what_is_logged_is_not_taken_from_the_output(run: HandmadeRun) -> None:
    """Written at the same moment, the call comes first; other keys of the line are taken."""
    run.add_output("stdout", b"loss=1 lr=0.1\n")
    run.add_records(log({"loss": 1}))
    assert [(point.metric, point.source) for point in read_all(run)[0]] == [("loss", "api"), ("lr", "output")]


def test_points_read_from_the_output_before_the_first_call_are_shadowed() -> None:
    """A metric with points from the API shows none from the output; sources besides these two are left."""
    points = [
        Point("loss", 0, 1.0, START, "output"),
        Point("lr", 0, 0.1, START, "output"),
        Point("loss", 0, 2.0, START, "api"),
        Point("loss", 1, 3.0, START, "monitor"),
        Point("loss", 1, 4.0, START, "output"),
    ]
    assert without_shadowed(points) == [points[1], points[2], points[3]]


def test_long_keys_of_the_output_are_cut() -> None:
    """At 512 characters, as those of calls are."""
    points = Derivation(HEADER).feed_output([Chunk(START, "stdout", b"k" * 600 + b"=1\n")])
    assert {len(point.metric) for point in points} <= {512}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parse": "none"}, []),
        ({"step_key": "tick"}, [("acc", 3, 0.25), ("loss", 3, 0.5)]),
        ({"parse": "none", "patterns": (r"acc=(?P<accuracy>\S+)",)}, [("accuracy", 0, 0.25)]),
    ],
    ids=["none", "step key", "pattern"],
)
def test_header_says_how_output_is_read(
    tmp_path: Path, changes: Mapping[str, Any], expected: Sequence[tuple[str, int, float]]
) -> None:
    """Mode, patterns and step key come from run.json, not from the reader's settings."""
    run = HandmadeRun(tmp_path, HEADER._replace(**changes))
    run.add_output("stdout", b"tick=3 acc=0.25 loss=0.5\n")
    points = [point[:3] for point in read_all(run)[0] if point.metric != "tick"]
    assert expected == points


def test_init_config_finish_and_warning_become_events(run: HandmadeRun) -> None:
    """As the shim sent them, with its time, without its process id; other types are passed over."""
    head = {"pid": 4711, "time": START + 3}
    run.add_records(
        {**head, "type": "init", "project": "p", "config": {"lr": 1}},
        {**head, "type": "config", "data": {"lr": 2}},
        {**head, "type": "warning", "text": "careful"},
        {**head, "type": "picture", "file": "x.png"},
        {**head, "type": "finish", "state": "success"},
    )
    expected = [
        Event(START + 3, "init", {"project": "p", "config": {"lr": 1}}),
        Event(START + 3, "config", {"data": {"lr": 2}}),
        Event(START + 3, "script_warning", {"text": "careful"}),
        Event(START + 3, "finish", {"state": "success"}),
    ]
    assert ([], expected, {}) == read_all(run)


def test_hosts_have_inboxes_of_their_own(run: HandmadeRun) -> None:
    """Their key sets do not mix, their points share the steps, and the cursor counts each."""
    run.add_records(KEYS, compact(START, 1.0, 2.0), host="node-1")
    run.add_records({**KEYS, "keys": ["acc", "loss"]}, compact(START, 1.0, 2.0), host="node-2")
    sources = sources_of(run)
    look = sources.read(EVERYTHING)
    assert series(look.points, "loss") == [(0, 1.0), (1, 2.0)]
    assert series(look.points, "acc") == [(0, 2.0), (1, 1.0)]
    sizes = {host: run.file(f"inbox-{host}").stat().st_size for host in ("node-1", "node-2")}
    assert Cursor(0, sizes, is_final=False) == look.cursor == sources.cursor()


def test_host_may_join_later(run: HandmadeRun) -> None:
    """An inbox that appears while we read is found."""
    sources = sources_of(run)
    run.add_records(log({"a": 1}), host="node-1")
    assert series(sources.read(EVERYTHING).points, "a") == [(0, 1.0)]
    run.add_records(log({"a": 2}), host="node-2")
    assert series(sources.read(EVERYTHING).points, "a") == [(1, 2.0)]


def test_nothing_new_is_told(run: HandmadeRun) -> None:
    """A look that finds nothing, in an empty run and after everything was read."""
    sources = sources_of(run)
    assert sources.read(EVERYTHING) == Progress([], [], [], Cursor(0, {}, is_final=False), False)
    run.add_output("stdout", b"a=1\n")
    run.add_records(b"#torn")
    assert sources.read(EVERYTHING).has_moved
    assert sources.read(EVERYTHING) == Progress([], [], [], Cursor(4, {"node17": 7}, is_final=False), False)


def test_torn_record_waits_for_its_rest(run: HandmadeRun) -> None:
    """The cursor stays before it."""
    sources = sources_of(run)
    run.add_records(KEYS)
    before = run.file("inbox-node17").stat().st_size
    line = compact(START, 0.5, 2.0)
    run.add("inbox-node17", b"\n" + line[:20])
    assert sources.read(EVERYTHING).cursor == Cursor(0, {"node17": before + 1}, is_final=False)
    run.add("inbox-node17", line[20:] + b"\n")
    assert series(sources.read(EVERYTHING).points, "loss") == [(0, 0.5)]


@pytest.mark.parametrize("limit", [1, 7, 64, EVERYTHING])
@pytest.mark.parametrize("seed", range(5))
def test_portions_make_no_difference(tmp_path: Path, seed: int, limit: int) -> None:
    """Written and read in pieces of any size, the points are those of one look at the whole."""
    draw = random.Random(seed)
    whole, pieces = HandmadeRun(tmp_path / "whole"), HandmadeRun(tmp_path / "pieces")
    sources = sources_of(pieces)
    points: list[Point] = []
    for number in range(60):
        stream = draw.choice(["stdout", "stderr"])
        text = draw.choice([b"a=%d ", b"b=%d\n", b"\r c=%d", b"%d\n", b"text \xff%d", b"step=%d d=1\n"])
        data = text % number
        for run in (whole, pieces):
            run.add_output(stream, data, time=START + number)
        if draw.random() < 0.3:
            points += sources.read(limit).points
    look = sources.read(limit)
    while look.has_moved:
        points += look.points
        look = sources.read(limit)
    points += sources.finish().points
    assert read_all(whole)[0] == points


def test_a_metric_that_is_recognised_late_has_the_times_of_its_lines() -> None:
    """The first two lines of an unknown name were printed when they were printed."""
    derivation = Derivation(HEADER._replace(parse="auto"))
    chunks = [Chunk(float(second), "stdout", f"violation: 0.{second}\n".encode()) for second in range(1, 5)]
    points = [point for chunk in chunks for point in derivation.feed_output([chunk])]
    assert [(point.step, point.value, point.time) for point in points] == [(0, 0.1, 1), (1, 0.2, 2), (2, 0.3, 3), (3, 0.4, 4)]
