"""recorder.view: a run read back as a whole, derived on demand, described in the contract's words."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.errors import StoreError
from swanlab_cli.recorder.view import RunView, describe, iso_time, open_run, points_of, summarise
from swanlab_cli.records import Event, Lane, Point
from swanlab_cli.store.state import FINISHED, LOST, RUNNING, host_identity, process_started

from .handmade import END, HEADER, KEYS, LANE, START, HandmadeRun, compact, log

WRITTEN = {"metric": "written", "step": 0, "value": 1.0, "time": START, "source": "output"}
"""A point that is not in the sources: who shows it has read what the scribe wrote."""


@pytest.fixture
def run(tmp_path: Path) -> HandmadeRun:
    """A run with output and an inbox, not ended, of another host."""
    run = HandmadeRun(tmp_path)
    run.add_output("stdout", b"b=1\nb=2\na=3 b=3")
    run.add_records(KEYS, compact(START + 1, 0.5, 0.25))
    return run


def cursor_of(run: HandmadeRun, is_final: bool = True) -> dict[str, Any]:
    """The cursor of a scribe that has read everything there is."""
    inbox = {path.name.partition("inbox-")[2]: path.stat().st_size for path in run.path.glob("*.inbox-*")}
    return {"cursor": {"output": run.file("output").stat().st_size, "inbox": inbox, "is_final": is_final}}


def lose(run: HandmadeRun) -> RunView:
    """The run after everybody was killed long ago."""
    for path in run.path.iterdir():
        os.utime(path, (START, START))
    view = open_run(run.directory)
    assert view.state == LOST
    return view


def metrics_of(points: Sequence[Point]) -> list[tuple[str, int, float]]:
    """(metric, step, value) of each point."""
    return [(point.metric, point.step, point.value) for point in points]


DERIVED = [("a", 0, 3.0), ("acc", 0, 0.25), ("b", 0, 1.0), ("b", 1, 2.0), ("b", 2, 3.0), ("loss", 0, 0.5)]


def test_run_is_opened_as_a_whole(run: HandmadeRun) -> None:
    """Header, end, state and events; points are read when they are wanted."""
    run.add("events.jsonl", {"time": START, "type": "note", "data": {"a": 1}})
    run.add("metrics.jsonl", cursor_of(run))
    run.end()
    events = [Event(START, "note", {"a": 1})]
    expected = RunView(run.directory, HEADER, END, FINISHED, events, derived=None, of_ranks={Lane(): events})
    opened = open_run(run.directory)
    assert expected == opened._replace(states=())
    assert [one[:4] for one in opened.states] == [(Lane(), HEADER, FINISHED, END)]


def test_directory_without_header_is_an_error(tmp_path: Path) -> None:
    """Nothing can be said about it."""
    with pytest.raises(StoreError, match=r"run\.json is missing"):
        open_run(str(tmp_path))


def test_points_that_the_scribe_wrote_are_shown(run: HandmadeRun) -> None:
    """Where its cursor is at the ends of the sources, nothing is derived."""
    run.add("metrics.jsonl", WRITTEN, cursor_of(run))
    run.end()
    assert metrics_of(points_of(open_run(run.directory))) == [("written", 0, 1.0)]


@pytest.mark.parametrize(
    "written",
    [
        [],
        [WRITTEN],
        [WRITTEN, {"cursor": {"output": 4, "inbox": {}}}],
        [WRITTEN, {"cursor": {"output": 15, "inbox": {}, "is_final": True}}],
        [WRITTEN, {"cursor": {"output": 15, "inbox": {"node17": 1}, "is_final": True}}],
        [WRITTEN, {"cursor": {"output": 99, "inbox": {}}}, {"reset": True}],
    ],
    ids=["nothing", "no cursor", "behind in the output", "inbox not read", "behind in the inbox", "reset"],
)
def test_points_are_derived_where_the_scribe_is_behind(run: HandmadeRun, written: Sequence[Mapping[str, Any]]) -> None:
    """From what was captured, the last line without newline included."""
    run.add("metrics.jsonl", *written)
    run.end()
    assert metrics_of(points_of(open_run(run.directory))) == DERIVED


def test_points_of_a_lost_run_are_derived(run: HandmadeRun) -> None:
    """Pump and scribe were killed together."""
    assert metrics_of(points_of(lose(run))) == DERIVED


def test_points_of_a_running_run_are_the_scribes(run: HandmadeRun) -> None:
    """It is a moment behind, and reading everything again would only tell of that moment."""
    run.add("metrics.jsonl", WRITTEN, {"cursor": {"output": 4, "inbox": {}}})
    view = open_run(run.directory)
    assert (view.state, metrics_of(points_of(view))) == (RUNNING, [("written", 0, 1.0)])


def test_last_line_without_newline_is_not_lost_with_the_scribe(tmp_path: Path) -> None:
    """The scribe had read everything, but was killed before it could tell that the line would not go on."""
    run = HandmadeRun(tmp_path)
    run.add_output("stdout", b"a=1")
    run.add("metrics.jsonl", cursor_of(run, is_final=False))
    assert metrics_of(points_of(lose(run))) == [("a", 0, 1.0)]


def test_deriving_writes_nothing(run: HandmadeRun) -> None:
    """Reading leaves a run as it is."""
    run.end()
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    points_of(open_run(run.directory, patient=True))
    assert before == {path.name: path.read_bytes() for path in run.path.iterdir()}


def test_points_are_sorted_and_shadowed(tmp_path: Path) -> None:
    """By metric, then step; a metric of the API shows none from the output."""
    run = HandmadeRun(tmp_path)
    lines = [("b", 10, "output"), ("b", 9, "output"), ("a", 1, "output"), ("a", 2, "api"), ("B", 0, "cli")]
    run.add(
        "metrics.jsonl",
        *({**WRITTEN, "metric": metric, "step": step, "source": source} for metric, step, source in lines),
        {"cursor": {"output": 0, "inbox": {}, "is_final": True}},
    )
    run.end()
    points = points_of(open_run(run.directory))
    assert [(point.metric, point.step) for point in points] == [("B", 0), ("a", 2), ("b", 9), ("b", 10)]


def scribe(pid: int) -> dict[str, Any]:
    """What a scribe says first."""
    return {"time": START, "type": "scribe", "data": {"pid": pid, "pid_started": process_started(pid)}}


def on_this_host(tmp_path: Path) -> HandmadeRun:
    """A run of this host."""
    host, boot_id, namespace = host_identity()
    return HandmadeRun(tmp_path, HEADER._replace(host=host, boot_id=boot_id, pid_namespace=namespace))


def test_patient_reader_waits_for_the_scribe(tmp_path: Path) -> None:
    """The run has ended, its scribe still writes: what it says last is read."""
    run = on_this_host(tmp_path)
    complete = json.dumps({"time": START, "type": "complete", "data": {}})
    script = f"read word; echo '{complete}' >> '{run.file('events.jsonl')}'; read word"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE) as process, ThreadPoolExecutor() as threads:
        run.add("events.jsonl", scribe(process.pid))
        run.end()
        reading = threads.submit(open_run, run.directory, patient=True)
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        assert [event.type for event in reading.result(timeout=30).events] == ["scribe", "complete"]


def test_patient_reader_does_not_wait_for_the_dead(tmp_path: Path) -> None:
    """A scribe that was killed has nothing more to say; one of another host is not waited for either."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        event = scribe(process.pid)
    for run in (on_this_host(tmp_path / "here"), HandmadeRun(tmp_path / "there")):
        run.add("events.jsonl", event)
        run.end()
        assert [event.type for event in open_run(run.directory, patient=True).events] == ["scribe"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 1.0, 2.0], {"last": 2.0, "min": 1.0, "max": 3.0, "count": 3, "last_step": 2}),
        ([math.nan, 1.0], {"last": 1.0, "min": 1.0, "max": 1.0, "count": 2, "last_step": 1}),
        ([1.0, math.nan], {"last": "NaN", "min": 1.0, "max": 1.0, "count": 2, "last_step": 1}),
        ([-math.inf, 0.0, math.inf], {"last": "Infinity", "min": 0.0, "max": 0.0, "count": 3, "last_step": 2}),
        ([math.nan, -math.inf], {"last": "-Infinity", "min": None, "max": None, "count": 2, "last_step": 1}),
    ],
    ids=["finite", "nan first", "nan last", "infinite", "none finite"],
)
def test_summary_of_a_metric(values: Sequence[float], expected: Mapping[str, Any]) -> None:
    """Minimum and maximum are of finite values; the last is the last whatever it is."""
    points = [Point("loss", step, value, START, "api") for step, value in enumerate(values)]
    assert {"loss": expected} == summarise(points)


def test_summary_has_each_metric_apart() -> None:
    """Of no points there is none."""
    points = [Point("a", 0, 1.0, START, "api"), Point("a", 5, 2.0, START, "api"), Point("b", 7, 3.0, START, "output")]
    expected = {
        "a": {"last": 2.0, "min": 1.0, "max": 2.0, "count": 2, "last_step": 5},
        "b": {"last": 3.0, "min": 3.0, "max": 3.0, "count": 1, "last_step": 7},
    }
    assert expected == summarise(points)
    assert summarise([]) == {}


def test_description_of_an_ended_run_is_pinned(tmp_path: Path) -> None:
    """Contract, section 4: exactly these keys, none renamed, all JSON."""
    run = HandmadeRun(tmp_path, HEADER._replace(notes="n", group="g", job_type="train"))
    run.add("metrics.jsonl", {"cursor": {"output": 0, "inbox": {}, "is_final": True}})
    run.end(END._replace(exit_code=None, signal="SIGTERM", signals=(("SIGTERM", START),), output_bytes=7, lost_bytes=2))
    run.add(
        "events.jsonl",
        {"time": START, "type": "scribe", "data": {"pid": 1, "pid_started": 2}},
        {"time": START, "type": "environment", "data": {"os": {"kernel": "6.1"}, "git": None}},
        {"time": START, "type": "environment", "data": {"failed": {"probe": "cpu", "why": "x"}}},
        {"time": START, "type": "environment", "data": {"git": {"dirty": True}}},
        {"time": START, "type": "warning", "data": {"text": "careful"}},
        {"time": START, "type": "script_warning", "data": {"text": "of the script"}},
        {"time": START, "type": "resources", "data": {"peak_memory_bytes": 5000}},
        {"time": START, "type": "dropped", "data": {"metric": "loss", "count": 3}},
        {"time": START, "type": "tomorrow", "data": {"new": 1}},
        {"time": START, "type": "overhead", "data": {"cpu_s": 0.5, "max_memory_bytes": 100, "bytes_written": 7}},
        {"time": START, "type": "complete", "data": {}},
    )
    expected = {
        "id": "abcd1234",
        "project": "digits",
        "name": "swift-otter-217",
        "state": "aborted",
        "command": ["python", "train.py"],
        "cwd": "/home/user/digits",
        "user": "user",
        "host": "node17",
        "started_at": "2026-01-01T00:00:00.000000Z",
        "finished_at": "2026-01-01T00:00:12.500000Z",
        "duration_s": 12.25,
        "exit_code": None,
        "signal": "SIGTERM",
        "end_reason": "killed by SIGTERM",
        "ending": {
            "kind": "signal",
            "reason": "killed by SIGTERM",
            "exit_code": None,
            "signal": "SIGTERM",
            "sender": None,
            "traceback": None,
            "last_words": None,
            "not_a_number": None,
            "memory": None,
            "slurm": None,
        },
        "attempts": 1,
        "ranks": 1,
        "by_rank": [],
        "tags": ["baseline"],
        "group": "g",
        "job_type": "train",
        "notes": "n",
        "config": {"lr": 0.1},
        "summary": {"loss": {"last": 0.5, "min": 0.5, "max": 0.5, "count": 1, "last_step": 4}},
        "media": {},
        "definitions": {},
        "cpu_s": 3.5,
        "peak_memory_bytes": 5000,
        "resources": {
            "cpu_s": 3.5,
            "peak_memory_bytes": 5000,
            "peak_pss_bytes": None,
            "read_bytes": None,
            "written_bytes": None,
            "gpu_s": None,
            "energy_j": None,
            "peak_gpu_memory_bytes": None,
            "samples": None,
        },
        "output_bytes": 7,
        "lost_bytes": 2,
        "warnings": ["careful", "of the script"],
        "progress": None,
        "stalls": [],
        "dropped": {"loss": 3},
        "answers": [],
        "parse": {"mode": "kv", "patterns": [], "step_key": None},
        "imported": None,
        "environment": {"os": {"kernel": "6.1"}, "git": {"dirty": True}, "failed": [{"probe": "cpu", "why": "x"}]},
        "overhead": {"cpu_s": 0.75, "max_memory_bytes": 600, "bytes_written": 7},
        "directory": run.directory,
    }
    described = describe(open_run(run.directory), [Point("loss", 4, 0.5, START, "api")])
    assert expected == described
    assert list(expected) == list(described)
    assert expected == json.loads(json.dumps(described, allow_nan=False))


def test_description_of_a_run_without_end_has_the_same_keys(run: HandmadeRun) -> None:
    """What is not known yet is null."""
    described = describe(open_run(run.directory), [])
    ended = HandmadeRun(run.path.parent / "ended")
    ended.end()
    assert list(describe(open_run(ended.directory), [])) == list(described)
    unknown = {name for name, value in described.items() if value is None}
    ending = {"finished_at", "duration_s", "exit_code", "signal", "end_reason", "ending", "cpu_s", "output_bytes"}
    ending |= {"overhead"}
    assert unknown - {"group", "job_type", "notes", "imported"} == ending | {"peak_memory_bytes", "progress"}
    assert (described["state"], described["lost_bytes"]) == (RUNNING, 0)


INIT, CONFIG = "init", "config"


@pytest.mark.parametrize(
    ("chosen", "events", "expected"),
    [
        ((), [], {}),
        ((), [(INIT, {"project": "p", "name": "n"})], {"project": "p", "name": "n"}),
        ((), [(INIT, {"notes": "n", "group": "g", "job_type": "j"})], {"notes": "n", "group": "g", "job_type": "j"}),
        (("project",), [(INIT, {"project": "p", "name": "n"})], {"name": "n"}),
        ((), [(INIT, {"project": "", "name": None})], {}),
        ((), [(INIT, {"name": "a"}), (INIT, {"name": "b"})], {"name": "b"}),
        ((), [(INIT, {"tags": ["new", "baseline", "new"]})], {"tags": ["baseline", "new"]}),
        ((), [(INIT, {"tags": None, "config": None})], {}),
        ((), [(INIT, {"config": {"lr": 9, "wd": 1}})], {"config": {"lr": 0.1, "wd": 1}}),
        ((), [(INIT, {"config": {"wd": 1}}), (INIT, {"config": {"wd": 2}})], {"config": {"lr": 0.1, "wd": 2}}),
        ((), [(CONFIG, {"data": {"lr": 9, "wd": 1}})], {"config": {"lr": 9, "wd": 1}}),
        ((), [(CONFIG, {"data": {"lr": 9}}), (INIT, {"config": {"lr": 8}})], {"config": {"lr": 9}}),
        ((), [(CONFIG, {})], {}),
        ((), [("finish", {"name": "x"}), ("tomorrow", {"config": {"x": 1}})], {}),
    ],
    ids=[
        "nothing", "names", "words", "chosen", "empty", "twice", "tags", "null", "flags win", "later init", "set in the script",
        "set, then init", "no data", "others",
    ],
)  # fmt: skip
def test_what_the_script_gave_is_merged(
    run: HandmadeRun, chosen: tuple[str, ...], events: Sequence[tuple[str, Any]], expected: Mapping[str, Any]
) -> None:
    """The user's flags win over init(); what the script sets on its config later wins over both; tags are joined."""
    run.add("events.jsonl", *({"time": START, "type": kind, "data": data} for kind, data in events))
    view = open_run(run.directory)
    view = view._replace(header=view.header._replace(chosen=chosen))
    alone: dict[str, Any] = {"project": "digits", "name": "swift-otter-217", "tags": ["baseline"], "config": {"lr": 0.1}}
    alone |= {"notes": None, "group": None, "job_type": None}
    described = describe(view, [])
    assert {**alone, **expected} == {name: described[name] for name in alone}


def test_key_that_the_script_removed_is_gone(run: HandmadeRun) -> None:
    """`del swanlab.config[...]` arrives as `removed`."""
    run.add(
        "events.jsonl",
        {"time": START, "type": "config", "data": {"data": {"wd": 1, "bs": 32}}},
        {"time": START, "type": "config", "data": {"data": {}, "removed": ["wd"]}},
    )
    assert describe(open_run(run.directory), [])["config"] == {"lr": 0.1, "bs": 32}


def test_what_the_script_gave_is_not_lost_with_the_scribe(run: HandmadeRun) -> None:
    """All were killed before the scribe had read the inbox: config, name and tags are there all the same."""
    run.add_records(
        {"time": START, "pid": 1, "type": "init", "name": "given", "tags": ["t"], "config": {"wd": 1}},
        {"time": START, "pid": 1, "type": "config", "data": {"bs": 32}},
        {"time": START, "pid": 1, "type": "warning", "text": "careful"},
        log({"x": 1}, 0),
        log({"x": 1}, 0),
    )
    run.end()
    view = open_run(run.directory)
    described = describe(view, points_of(view))
    expected: dict[str, Any] = {
        "name": "given",
        "tags": ["baseline", "t"],
        "config": {"lr": 0.1, "wd": 1, "bs": 32},
        "warnings": ["careful"],
        "dropped": {"x": 1},
    }
    assert expected == {name: described[name] for name in expected}


def test_described_run_is_the_lane_of_the_first_attempt(run: HandmadeRun) -> None:
    """Points carry attempt and rank."""
    assert {(point.attempt, point.rank) for point in points_of(lose(run))} == {LANE}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (START, "2026-01-01T00:00:00.000000Z"),
        (START + 0.5, "2026-01-01T00:00:00.500000Z"),
        (START + 0.000001, "2026-01-01T00:00:00.000001Z"),
        (START - 0.0000001, "2026-01-01T00:00:00.000000Z"),
        (START - 0.000001, "2025-12-31T23:59:59.999999Z"),
        (1709164800, "2024-02-29T00:00:00.000000Z"),
    ],
    ids=str,
)
def test_times_are_iso_8601_in_utc(moment: float, expected: str) -> None:
    """Always six digits and Z, rounded to the microsecond."""
    assert expected == iso_time(moment)
