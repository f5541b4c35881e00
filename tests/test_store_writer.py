"""store.writer and store.layout: what lies in a run directory, byte by byte where it is pinned."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.errors import StoreError
from swanlab_cli.records import Event, Lane, Point, decode_line
from swanlab_cli.store import layout
from swanlab_cli.store.reader import Cursor, read_end, read_events, read_header, read_points
from swanlab_cli.store.writer import OutputWriter, RecordWriter, create_run, write_end

from .handmade import END, HEADER, LANE, START

# Appends with a limit on the size of files, which is raised in between: a disk that is full for a while.
FULL_FOR_A_WHILE = """
import json, resource, signal, sys
from swanlab_cli.records import Lane
from swanlab_cli.store.writer import OutputWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = OutputWriter(sys.argv[1], Lane())
for limit, stream, data in json.loads(sys.argv[2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    writer.append(stream, data.encode())
print(json.dumps([writer.offset, writer.lost_bytes, writer.failure and writer.failure.errno]))
"""
UNLIMITED = 1 << 40


def append_on_a_full_disk(directory: Path, *steps: tuple[int, str, str]) -> Any:
    """[offset, lost bytes, errno] after appending (limit, stream, text) one by one."""
    command = [sys.executable, "-c", FULL_FOR_A_WHILE, str(directory), json.dumps(steps)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def labelled(directory: Path) -> list[tuple[str, bytes]]:
    """(stream, bytes) of the recorded output by ARCHITECTURE.md's words, neighbours of one stream joined."""
    output = (directory / "a0-r0.output").read_bytes()
    entries = [json.loads(line) for line in (directory / "a0-r0.output.index").read_bytes().splitlines()]
    pieces: list[tuple[str, bytes]] = []
    for entry, end in zip(entries, [*(entry["offset"] for entry in entries[1:]), len(output)], strict=True):
        data = output[entry["offset"] : end]
        if not data:
            continue
        if pieces and pieces[-1][0] == entry["stream"]:
            data = pieces.pop()[1] + data
        pieces.append((entry["stream"], data))
    return pieces


def test_run_directory_has_utc_time_and_id(tmp_path: Path) -> None:
    """Below the log directory, which is made with its parents; the path is absolute."""
    directory = create_run(str(tmp_path / "a/b"), HEADER)
    assert directory == str(tmp_path / "a/b/run-20260101_000000-abcd1234")
    assert os.listdir(directory) == ["run.json"]


def test_header_file_is_the_format_and_the_header(tmp_path: Path) -> None:
    """Every field that ARCHITECTURE.md names."""
    header = HEADER._replace(chosen=("name",), command=("echo", "中", "\udcff"), config={"a": [1, None, {"b": "x"}]})
    directory = create_run(str(tmp_path), header)
    fields = json.loads((Path(directory) / "run.json").read_text())
    expected = {
        "format": 1,
        "id": "abcd1234",
        "project": "digits",
        "name": "swift-otter-217",
        "chosen": ["name"],
        "tags": ["baseline"],
        "group": None,
        "job_type": None,
        "notes": None,
        "config": {"a": [1, None, {"b": "x"}]},
        "command": ["echo", "中", "\udcff"],
        "cwd": "/home/user/digits",
        "user": "user",
        "host": "node17",
        "boot_id": "3c5f6c3e-0000-4000-8000-000000000000",
        "pid_namespace": "pid:[4026531836]",
        "pid": 4711,
        "pid_started": 123456,
        "started_at": START,
        "parse": "kv",
        "patterns": [],
        "step_key": None,
        "version": "0.1.0",
    }
    assert expected == fields
    assert header == read_header(directory)


def test_new_log_directory_keeps_out_of_git(tmp_path: Path) -> None:
    """A .gitignore for everything in it."""
    create_run(str(tmp_path / "swanlog"), HEADER)
    assert (tmp_path / "swanlog/.gitignore").read_text() == "*\n"


def test_old_log_directory_is_left_alone(tmp_path: Path) -> None:
    """Nothing but the run appears in a folder that was there."""
    directory = create_run(str(tmp_path), HEADER)
    assert os.listdir(tmp_path) == [os.path.basename(directory)]


def test_run_is_never_written_over(tmp_path: Path) -> None:
    """The same id in the same second is refused, and the first stays as it is."""
    directory = create_run(str(tmp_path), HEADER)
    with pytest.raises(StoreError, match="File exists") as caught:
        create_run(str(tmp_path), HEADER._replace(name="second"))
    assert caught.value.hint == "choose another place with --logdir"
    assert read_header(directory) == HEADER


def test_log_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Below something that is no folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        create_run(str(tmp_path / "file/swanlog"), HEADER)
    assert caught.value.message == f"cannot create a run in '{tmp_path}/file/swanlog': Not a directory"


def test_end_record_is_a_whole_file(tmp_path: Path) -> None:
    """Every field that ARCHITECTURE.md names, and nothing else is left in the directory."""
    end = END._replace(exit_code=None, signal="SIGTERM", signals=(("SIGINT", START + 1), ("SIGTERM", START + 2)), error="x")
    write_end(str(tmp_path), LANE, end)
    assert os.listdir(tmp_path) == ["a0-r0.end.json"]
    expected = {
        "ended_at": START + 12.5,
        "duration_s": 12.25,
        "exit_code": None,
        "signal": "SIGTERM",
        "error": "x",
        "signals": [["SIGINT", START + 1], ["SIGTERM", START + 2]],
        "senders": [],
        "cpu_s": 3.5,
        "max_process_memory_bytes": 1000,
        "output_bytes": 0,
        "lost_bytes": 0,
        "overhead": {"cpu_s": 0.25, "max_memory_bytes": 500},
    }
    assert expected == json.loads((tmp_path / "a0-r0.end.json").read_text())
    assert end == read_end(str(tmp_path), LANE)


def test_output_is_the_exact_bytes_and_the_index_tells_streams(tmp_path: Path) -> None:
    """Every byte value, in the order of arrival, each under its stream."""
    every = bytes(range(256))
    writer = OutputWriter(str(tmp_path), LANE)
    for stream, data in [("stdout", every), ("stderr", b"warning\n"), ("stdout", b"a"), ("stdout", b"b"), ("stderr", every)]:
        writer.append(stream, memoryview(data))
    assert labelled(tmp_path) == [("stdout", every), ("stderr", b"warning\n"), ("stdout", b"ab"), ("stderr", every)]
    assert (writer.offset, writer.lost_bytes, writer.failure) == (2 * 256 + 10, 0, None)


def test_index_entry_has_time_stream_and_offset(tmp_path: Path) -> None:
    """One line of JSON with the time of writing, to the microsecond."""
    before = time.time()
    OutputWriter(str(tmp_path), LANE).append("both", b"x")
    after = time.time()
    (line,) = (tmp_path / "a0-r0.output.index").read_text().splitlines()
    fields = json.loads(line)
    assert before - 1e-6 <= fields["time"] <= after + 1e-6
    assert line == f'{{"time":{fields["time"]:.6f},"stream":"both","offset":0}}'


def test_index_grows_with_time_not_with_writes(tmp_path: Path) -> None:
    """Ten thousand small writes of one stream take an entry every 10 ms at most."""
    writer = OutputWriter(str(tmp_path), LANE)
    started = time.monotonic()
    for _ in range(10_000):
        writer.append("stdout", b"x")
    elapsed_s = time.monotonic() - started
    entries = [json.loads(line) for line in (tmp_path / "a0-r0.output.index").read_text().splitlines()]
    assert 1 <= len(entries) <= elapsed_s / 0.010 + 2
    assert [entry["offset"] for entry in entries] == sorted({entry["offset"] for entry in entries})


def test_another_process_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    """`resume` takes over behind what somebody else has appended."""
    first, second = OutputWriter(str(tmp_path), LANE), OutputWriter(str(tmp_path), LANE)
    first.append("stdout", b"first")
    second.resume()
    second.append("stdout", b"second")
    assert [entry["offset"] for entry in map(json.loads, (tmp_path / "a0-r0.output.index").read_text().splitlines())] == [0, 5]
    assert (tmp_path / "a0-r0.output").read_bytes() == b"firstsecond"
    assert second.offset == 11


def test_full_disk_is_counted_not_raised(tmp_path: Path) -> None:
    """The first failure is kept, and all that is lost is counted."""
    (tmp_path / "a0-r0.output").symlink_to("/dev/full")
    writer = OutputWriter(str(tmp_path), LANE)
    writer.append("stdout", b"lost")
    writer.append("stderr", b"lost too")
    assert (writer.lost_bytes, writer.offset) == (12, 0)
    assert writer.failure is not None
    assert writer.failure.errno == errno.ENOSPC


def test_disk_that_fills_up_takes_a_part(tmp_path: Path) -> None:
    """What fitted is recorded, and only the rest counts as lost."""
    result = append_on_a_full_disk(tmp_path, (1000, "stdout", "x" * 900), (1000, "stdout", "y" * 300))
    assert result == [1000, 200, errno.EFBIG]
    assert (tmp_path / "a0-r0.output").read_bytes() == b"x" * 900 + b"y" * 100


def test_recording_goes_on_when_a_full_disk_has_room_again(tmp_path: Path) -> None:
    """What could not be written is missing from its place, and what comes later has its stream."""
    steps = [(UNLIMITED, "stdout", "a" * 1000), (1000, "stdout", "lost"), (UNLIMITED, "stderr", "c"), (UNLIMITED, "stdout", "d")]
    assert append_on_a_full_disk(tmp_path, *steps) == [1002, 4, errno.EFBIG]
    assert labelled(tmp_path) == [("stdout", b"a" * 1000), ("stderr", b"c"), ("stdout", b"d")]


def test_index_entry_behind_a_torn_one_is_whole(tmp_path: Path) -> None:
    """A disk that was full for a moment has torn an entry; the next one begins a line of its own."""
    append_on_a_full_disk(tmp_path, (80, "stdout", "a"), (80, "stderr", "b"), (UNLIMITED, "both", "c"))
    last = (tmp_path / "a0-r0.output.index").read_bytes().splitlines()[-1]
    assert (decode_line(last) or {}).get("stream") == "both", last


POINTS = [
    Point("loss", 0, 0.25, START, "output"),
    Point('损失"\\', 10**20, -0.0, START + 0.123456, "api"),
    Point("x", 1, math.inf, START, "cli"),
    Point("x", 2, -math.inf, START, "monitor"),
]
NOT_A_NUMBER = Point("x", 3, math.nan, START, "api")


def test_points_and_cursor_to_the_byte(tmp_path: Path) -> None:
    """A batch of points, then up to where they are all there is."""
    cursor = {"output": 1234, "inbox": {"node17": 567}, "is_final": False}
    RecordWriter(str(tmp_path), LANE).append_points([*POINTS, NOT_A_NUMBER], cursor)
    expected = (
        b'{"metric":"loss","step":0,"value":0.25,"time":1767225600.000000,"source":"output"}\n'
        b'{"metric":"\\u635f\\u5931\\"\\\\","step":100000000000000000000,"value":-0.0,"time":1767225600.123456,"source":"api"}\n'
        b'{"metric":"x","step":1,"value":"Infinity","time":1767225600.000000,"source":"cli"}\n'
        b'{"metric":"x","step":2,"value":"-Infinity","time":1767225600.000000,"source":"monitor"}\n'
        b'{"metric":"x","step":3,"value":"NaN","time":1767225600.000000,"source":"api"}\n'
        b'{"cursor":{"output":1234,"inbox":{"node17":567},"is_final":false}}\n'
    )
    assert expected == (tmp_path / "a0-r0.metrics.jsonl").read_bytes()


def test_points_are_read_back(tmp_path: Path) -> None:
    """Several batches, the last cursor."""
    writer = RecordWriter(str(tmp_path), LANE)
    writer.append_points(POINTS[:2], {"output": 1, "inbox": {}})
    writer.append_points([], {"output": 2, "inbox": {}})
    writer.append_points(POINTS[2:], Cursor(3, {"h": 4}, is_final=True)._asdict())
    assert read_points(str(tmp_path), LANE) == (POINTS, Cursor(3, {"h": 4}, is_final=True))


def test_every_value_survives(tmp_path: Path) -> None:
    """The shortest text that gives the same double back."""
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 123456789.123456789, -0.0, 1e22, 1e-7]
    RecordWriter(str(tmp_path), LANE).append_points(
        [Point("x", step, value, START, "api") for step, value in enumerate(values)], {"output": 0, "inbox": {}}
    )
    points, _ = read_points(str(tmp_path), LANE)
    assert [value.hex() for value in values] == [point.value.hex() for point in points]


def test_events_to_the_byte(tmp_path: Path) -> None:
    """One line each, with time, type and data."""
    writer = RecordWriter(str(tmp_path), LANE)
    events = [Event(START, "warning", {"text": "a\nb"}), Event(START + 0.5, "config", {"data": {"lr": 0.1}})]
    for event in events:
        writer.append_event(event)
    expected = (
        b'{"time":1767225600.0,"type":"warning","data":{"text":"a\\nb"}}\n'
        b'{"time":1767225600.5,"type":"config","data":{"data":{"lr":0.1}}}\n'
    )
    assert expected == (tmp_path / "a0-r0.events.jsonl").read_bytes()
    assert events == read_events(str(tmp_path), LANE)


def test_reset_voids_what_was_derived(tmp_path: Path) -> None:
    """Points, cursor and derived events; facts and warnings stay."""
    writer = RecordWriter(str(tmp_path), LANE)
    kinds = ("environment", "warning", "init", "config", "finish", "script_warning", "dropped", "resources", "scribe")
    events = [Event(START, kind, {"text": kind}) for kind in kinds]
    for event in events:
        writer.append_event(event)
    writer.append_points(POINTS, {"output": 9, "inbox": {}})
    writer.reset()
    assert read_points(str(tmp_path), LANE) == ([], Cursor(0, {}))
    kept = {"environment", "warning", "resources", "scribe"}
    assert [event for event in events if event.type in kept] == read_events(str(tmp_path), LANE)


def test_reset_is_heard_behind_a_torn_line(tmp_path: Path) -> None:
    """A scribe that was killed while it wrote leaves half a line, which must not swallow the reset."""
    metrics, events = tmp_path / "a0-r0.metrics.jsonl", tmp_path / "a0-r0.events.jsonl"
    RecordWriter(str(tmp_path), LANE).append_points(POINTS, {"output": 9, "inbox": {}})
    events.write_bytes(b'{"time":1.0,"type":"init","data":{}}\n{"time":1.0,"ty')
    metrics.write_bytes(metrics.read_bytes() + b'{"metric":"lo')
    writer = RecordWriter(str(tmp_path), LANE)
    writer.reset()
    writer.append_points(POINTS[:1], {"output": 1, "inbox": {}})
    assert read_points(str(tmp_path), LANE) == (POINTS[:1], Cursor(1, {}))
    assert read_events(str(tmp_path), LANE) == []


def test_event_behind_a_torn_line_is_read(tmp_path: Path) -> None:
    """What the next scribe says first is not lost with what the killed one was saying."""
    (tmp_path / "a0-r0.events.jsonl").write_bytes(b'{"time":1.0,"ty')
    event = Event(START, "scribe", {"pid": 1, "pid_started": 2})
    RecordWriter(str(tmp_path), LANE).append_event(event)
    assert [event] == read_events(str(tmp_path), LANE)


def test_record_on_a_full_disk_raises(tmp_path: Path) -> None:
    """The scribe must hear of it: points after the last cursor do not count."""
    (tmp_path / "a0-r0.metrics.jsonl").symlink_to("/dev/full")
    writer = RecordWriter(str(tmp_path), LANE)
    with pytest.raises(OSError, match="No space left"):
        writer.append_points(POINTS, {"output": 1, "inbox": {}})


def test_touch_shows_that_the_run_is_looked_after(tmp_path: Path) -> None:
    """The time of the events file becomes the present."""
    writer = RecordWriter(str(tmp_path), LANE)
    os.utime(tmp_path / "a0-r0.events.jsonl", (START, START))
    writer.touch()
    assert (tmp_path / "a0-r0.events.jsonl").stat().st_mtime > START


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("run-20260101_000000-abc", "abc"),
        ("run-20260101_000000-a-b.c_d+e", "a-b.c_d+e"),
        ("run-20260101_000000-", None),
        ("run-2026_000000-abc", None),
        ("run-abc", None),
        ("xrun-20260101_000000-abc", None),
        (".gitignore", None),
    ],
)
def test_run_id_is_in_the_name_of_the_directory(name: str, expected: str | None) -> None:
    """And only in the name of a run directory."""
    assert expected == layout.run_id_of(name)


def test_files_of_a_lane_begin_with_attempt_and_rank() -> None:
    """The names of ARCHITECTURE.md."""
    lane = Lane(1, 12)
    paths = [
        make("/d", lane)
        for make in (layout.output, layout.output_index, layout.metrics, layout.events, layout.end, layout.inbox_prefix)
    ]
    names = ["output", "output.index", "metrics.jsonl", "events.jsonl", "end.json", "inbox-"]
    assert [f"/d/a1-r12.{name}" for name in names] == paths


def test_inboxes_are_found_by_host(tmp_path: Path) -> None:
    """Those of the lane, whatever hosts are called."""
    for name in "a0-r0.inbox-node-1 a0-r0.inbox-b.example a0-r01.inbox-x a1-r0.inbox-node-1 a0-r0.output run.json".split():
        (tmp_path / name).write_text("")
    expected = {"b.example": f"{tmp_path}/a0-r0.inbox-b.example", "node-1": f"{tmp_path}/a0-r0.inbox-node-1"}
    assert expected == layout.inboxes(str(tmp_path), LANE)
