"""store.reader: what is whole is read, what is torn, missing or unknown is passed over."""

from __future__ import annotations

import json
import os
import random
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.errors import RunNotFound, StoreError
from swanlab_cli.records import Chunk, Event, Point
from swanlab_cli.store.inbox import InboxRecord, InboxTail
from swanlab_cli.store.reader import (
    Cursor,
    OutputTail,
    find_run,
    list_directories,
    read_cursor,
    read_end,
    read_events,
    read_header,
    read_lines,
    read_points,
    sources_end,
)

from .handmade import END, HEADER, KEYS, LANE, START, HandmadeRun, compact, log


@pytest.fixture
def run(tmp_path: Path) -> HandmadeRun:
    """An empty run."""
    return HandmadeRun(tmp_path)


def point(step: int, value: float | str = 0.5) -> dict[str, Any]:
    """A point of the metric `loss` as a line of metrics.jsonl."""
    return {"metric": "loss", "step": step, "value": value, "time": START, "source": "output"}


def cursor(output: int, is_final: bool = False, **inbox: int) -> dict[str, Any]:
    """A cursor as a line of metrics.jsonl."""
    return {"cursor": {"output": output, "inbox": inbox, "is_final": is_final}}


def at(output: int, is_final: bool = False, **inbox: int) -> Cursor:
    """The same cursor as it is read."""
    return Cursor(output, inbox, is_final)


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    """By name, which begins with the time; what is no run directory is not listed."""
    names = ["run-20260101_000001-a", "run-20251231_235959-z", "run-20260101_000000-b", "notes", ".gitignore", "run-x"]
    for name in names:
        (tmp_path / name).mkdir()
    expected = ["run-20251231_235959-z", "run-20260101_000000-b", "run-20260101_000001-a"]
    assert [str(tmp_path / name) for name in expected] == list_directories(str(tmp_path))


def test_runs_of_one_second_are_in_the_order_of_their_start(tmp_path: Path) -> None:
    """A script that starts several: the name has only the second, the header has the rest."""
    starts = {"m": 0.1, "z": 0.2, "a": 0.9, "k": 0.95}
    runs = [HandmadeRun(tmp_path, HEADER._replace(id=run_id, started_at=START + after)) for run_id, after in starts.items()]
    assert [run.directory for run in runs] == list_directories(str(tmp_path))
    assert runs[-1].directory == find_run(str(tmp_path), "last")


def test_missing_log_directory_has_no_runs(tmp_path: Path) -> None:
    """Nobody has recorded anything yet: no error."""
    assert list_directories(str(tmp_path / "swanlog")) == []


def test_log_directory_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    """The message names it."""
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(StoreError) as caught:
        list_directories(str(path))
    assert caught.value.message == f"cannot read the log directory '{path}': Not a directory"


def logdir_with(tmp_path: Path, *ids: str) -> str:
    """A log directory with these runs, each a second younger than the one before."""
    for number, run_id in enumerate(ids):
        directory = tmp_path / f"run-20260101_0000{number:02d}-{run_id}"
        directory.mkdir()
        (directory / "run.json").write_text("{}")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("abc1", 0), ("abd2", 1), ("abd", 1), ("x", 3), ("last", 3), ("ab", 2)],
    ids=["id", "another id", "prefix", "short prefix", "last", "id that is a prefix"],
)
def test_run_is_found(tmp_path: Path, name: str, expected: int) -> None:
    """By id, by a unique beginning of one, as the last; a whole id wins over being a beginning."""
    logdir = logdir_with(tmp_path, "abc1", "abd2", "ab", "xyz")
    assert list_directories(logdir)[expected] == find_run(logdir, name)


def test_run_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, relative or with a slash at its end, wherever the log directory is."""
    logdir_with(tmp_path, "abc1")
    directory = str(tmp_path / "run-20260101_000000-abc1")
    monkeypatch.chdir(tmp_path)
    names = [directory, f"{directory}/", "./run-20260101_000000-abc1"]
    assert [find_run("elsewhere", name) for name in names] == [directory] * 3


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("ab", "'ab' is the beginning of 2 runs: abc1, abd2", "type more of it"),
        ("abc12", "no run 'abc12' in '{logdir}'", "list runs with: swanlab ls"),
        ("", "no run '' in '{logdir}'", "list runs with: swanlab ls"),
        ("/nowhere/run", "no run '/nowhere/run' in '{logdir}'", "list runs with: swanlab ls"),
    ],
    ids=["ambiguous", "unknown", "empty", "no such path"],
)
def test_run_that_is_not_found_is_named(tmp_path: Path, name: str, message: str, hint: str) -> None:
    """With what fits, and what to do."""
    logdir = logdir_with(tmp_path, "abc1", "abd2", "xyz")
    with pytest.raises(RunNotFound) as caught:
        find_run(logdir, name)
    assert (message.format(logdir=logdir), hint, 1) == (caught.value.message, caught.value.hint, caught.value.exit_code)


def test_last_of_no_runs_says_how_to_record_one(tmp_path: Path) -> None:
    """Also where there is no log directory yet."""
    with pytest.raises(RunNotFound) as caught:
        find_run(str(tmp_path / "swanlog"), "last")
    expected = (f"no runs in '{tmp_path}/swanlog'", "record one with: swanlab run COMMAND")
    assert expected == (caught.value.message, caught.value.hint)


def test_last_passes_over_a_run_that_is_just_being_created(tmp_path: Path) -> None:
    """A directory without header yet."""
    logdir = logdir_with(tmp_path, "abc1")
    (tmp_path / "run-20260101_000001-new").mkdir()
    assert find_run(logdir, "last") == str(tmp_path / "run-20260101_000000-abc1")


def test_header_is_read_with_fields_we_do_not_know(run: HandmadeRun) -> None:
    """A later version may add some."""
    fields = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**fields, "colour": "red"}))
    assert read_header(run.directory) == HEADER


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (None, "run.json is missing or not JSON"),
        ("", "run.json is missing or not JSON"),
        ('{"id": "a', "run.json is missing or not JSON"),
        ("[]", "run.json is missing or not JSON"),
        ('{"format": 1, "id": "a"}', "run.json has no 'project'"),
    ],
    ids=["missing", "empty", "torn", "array", "field"],
)
def test_header_that_cannot_be_read_is_an_error(run: HandmadeRun, text: str | None, cause: str) -> None:
    """The message has the directory and the cause."""
    (run.path / "run.json").unlink()
    if text is not None:
        (run.path / "run.json").write_text(text)
    with pytest.raises(StoreError) as caught:
        read_header(run.directory)
    assert f"cannot read the run in '{run.directory}': {cause}" == caught.value.message


def test_end_is_read_with_fields_we_do_not_know(run: HandmadeRun) -> None:
    """Signals come back as pairs."""
    end = END._replace(exit_code=None, signal="SIGTERM", signals=(("SIGTERM", START),))
    run.file("end.json").write_text(json.dumps({**end._asdict(), "colour": "red"}))
    assert end == read_end(run.directory, LANE)


@pytest.mark.parametrize("text", [None, "", "{", "3", '{"exit_code": 0}'], ids=["missing", "empty", "torn", "number", "fields"])
def test_end_that_is_not_there_is_none(run: HandmadeRun, text: str | None) -> None:
    """Or not whole."""
    if text is not None:
        run.file("end.json").write_text(text)
    assert read_end(run.directory, LANE) is None


@pytest.mark.parametrize(
    ("content", "offset", "expected"),
    [
        (b"", 0, ([], 0)),
        (b"a\nb\n", 0, ([b"a", b"b"], 4)),
        (b"a\nb", 0, ([b"a"], 2)),
        (b"a\nb\n", 2, ([b"b"], 4)),
        (b"\n\n", 0, ([b"", b""], 2)),
        (b"a\r\n", 0, ([b"a\r"], 3)),
        (b"torn", 0, ([], 0)),
        (b"a\n", 9, ([], 9)),
    ],
    ids=["empty", "whole", "torn", "offset", "empty lines", "carriage return", "only torn", "behind the end"],
)
def test_whole_lines_are_read(tmp_path: Path, content: bytes, offset: int, expected: tuple[list[bytes], int]) -> None:
    """With the offset behind them, where the next call goes on."""
    (tmp_path / "file").write_bytes(content)
    assert expected == read_lines(str(tmp_path / "file"), offset)


def test_missing_file_has_no_lines(tmp_path: Path) -> None:
    """It may come yet, so the offset stays."""
    assert read_lines(str(tmp_path / "file"), 3) == ([], 3)


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_lines_in_portions_are_the_lines(tmp_path: Path, limit: int) -> None:
    """A line longer than the limit is read whole."""
    (tmp_path / "file").write_bytes(b"a\nlong line\n\nb\ntorn")
    lines: list[bytes] = []
    offset = -1
    following = 0
    while following != offset:
        offset = following
        some, following = read_lines(str(tmp_path / "file"), offset, limit)
        lines += some
    assert (lines, offset) == ([b"a", b"long line", b"", b"b"], 15)


@pytest.mark.parametrize(
    ("lines", "steps", "expected"),
    [
        ([], [], at(0)),
        ([point(0), point(1), cursor(9, node=3)], [0, 1], at(9, node=3)),
        ([point(0), cursor(9, is_final=True)], [0], at(9, is_final=True)),
        ([cursor(9, is_final=True), cursor(9)], [], at(9)),
        ([point(0), cursor(9), point(1)], [0], at(9)),
        ([point(0)], [], at(0)),
        ([point(0), cursor(9), point(1), cursor(10, a=1, b=2)], [0, 1], at(10, a=1, b=2)),
        ([point(0), cursor(9), {"reset": True}, point(1), cursor(5)], [1], at(5)),
        ([point(0), cursor(9), {"reset": True}], [], at(0)),
        ([point(0), {"reset": True}, cursor(5)], [], at(5)),
        ([point(0), cursor(9), b'{"metric":"loss","st'], [0], at(9)),
        ([point(0), b'{"metric":"loss","st\n', point(1), cursor(9)], [0, 1], at(9)),
        ([b"\n\n", point(0), b"\0\0\0\n[1]\n\xff\xfe\n", cursor(9)], [0], at(9)),
        ([{**point(0), "unit": "s"}, {"bookmark": 3}, cursor(9)], [0], at(9)),
        ([{"cursor": {"output": 7, "inbox": {}, "other": 1, "is_final": 1}}], [], at(7)),
        ([cursor(5), {"cursor": {}}, {"cursor": 3}], [], at(0)),
        ([{"metric": "loss"}, {**point(1), "step": "x"}, {**point(2), "value": None}, point(3), cursor(9)], [3], at(9)),
        ([point(0, "high"), point(1, []), point(2, 10**400), point(3), cursor(9)], [3], at(9)),  # type: ignore[arg-type]  # wrong on purpose
    ],
    ids=[
        "none", "batch", "final", "no longer final", "behind the cursor", "no cursor", "two batches", "reset", "reset last",
        "reset before cursor", "torn",
        "torn in between", "junk", "unknown", "unknown in cursor", "empty cursor", "wrong fields", "wrong values",
    ],
)  # fmt: skip
def test_points_up_to_the_last_cursor_count(
    run: HandmadeRun, lines: Sequence[bytes | Mapping[str, Any]], steps: Sequence[int], expected: Cursor
) -> None:
    """A reset voids everything above it; nothing on a line can hurt another line."""
    run.add("metrics.jsonl", *lines)
    assert ([Point("loss", step, 0.5, START, "output") for step in steps], expected) == read_points(run.directory, LANE)
    assert expected == read_cursor(run.directory, LANE)


def test_cursor_behind_much_is_found(run: HandmadeRun) -> None:
    """Many points and cursors before it, a torn line behind it."""
    run.add("metrics.jsonl", *(line for step in range(2000) for line in (point(step), cursor(step))), b'{"metric":' + b" " * 1000)
    assert read_cursor(run.directory, LANE) == at(1999)
    assert [point.step for point in read_points(run.directory, LANE)[0]] == list(range(2000))


def test_points_of_a_missing_file(run: HandmadeRun) -> None:
    """No scribe has been there: no points, and the cursor of one who has read nothing."""
    assert read_points(run.directory, LANE) == ([], at(0))
    assert read_cursor(run.directory, LANE) == at(0)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([{"time": START, "type": "warning", "data": {"text": "x"}}], [Event(START, "warning", {"text": "x"})]),
        ([{"time": START, "type": "new", "data": {}, "more": 1}], [Event(START, "new", {})]),
        ([{"type": "complete", "data": {}}], [Event(0.0, "complete", {})]),
        ([{"type": "warning"}, {"data": {}}, {"type": "x", "data": 3}, {"type": 3, "data": {}}, b"\n\0\n[]\n"], []),
        ([b'{"type":"warning","da\n', {"type": "a", "data": {}}, b'{"type":"b","data":{}}'], [Event(0.0, "a", {})]),
        ([{"type": "init", "data": {}}, {"type": "note", "data": {}}, {"type": "reset"}], [Event(0.0, "note", {})]),
        ([{"type": "reset"}, {"type": "init", "data": {}}], [Event(0.0, "init", {})]),
        ([{"time": "noon", "type": "a", "data": {}}, {"type": "b", "data": {}}], [Event(0.0, "a", {}), Event(0.0, "b", {})]),
    ],
    ids=["known", "unknown", "no time", "no event", "torn", "reset", "after reset", "wrong time"],
)
def test_events_are_read(run: HandmadeRun, lines: Sequence[bytes | Mapping[str, Any]], expected: Sequence[Event]) -> None:
    """Unknown types come through, what is no event does not."""
    run.add("events.jsonl", *lines)
    assert expected == read_events(run.directory, LANE)


def test_long_backlog_of_output_takes_little_memory(tmp_path: Path) -> None:
    """Who reads the beginning of a long output holds the index of that beginning, not all of it."""
    run = HandmadeRun(tmp_path)
    count = 30_000
    run.add("output", b"x\n" * count)
    run.add("output.index", *({"time": START + number, "offset": 2 * number, "stream": "stdout"} for number in range(count)))
    tail = OutputTail(run.directory, LANE)
    tracemalloc.start()
    tail.read(1000)
    chunks = tail.read(6)
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [chunk.time for chunk in chunks] == [START + 500, START + 501, START + 502]
    assert memory < 500_000
    while tail.read(1 << 16):
        pass
    assert tail.offset == 2 * count


def test_end_of_the_sources_is_their_sizes(run: HandmadeRun) -> None:
    """The cursor of one who has read everything."""
    assert sources_end(run.directory, LANE) == at(0)
    run.add_output("stdout", b"12345")
    run.add("inbox-node-1", b"\n\n")
    run.add("inbox-node-2", b"")
    assert sources_end(run.directory, LANE) == Cursor(5, {"node-1": 2, "node-2": 0})


def read_output(run: HandmadeRun, limit: int = 1 << 20) -> list[Chunk]:
    """All chunks, `limit` bytes at a time."""
    tail = OutputTail(run.directory, LANE)
    chunks: list[Chunk] = []
    while some := tail.read(limit):
        chunks += some
    assert sum(len(chunk.data) for chunk in chunks) == tail.offset
    return chunks


def index(offset: int, stream: str, time: float = START) -> dict[str, Any]:
    """An entry of the output index."""
    return {"time": time, "stream": stream, "offset": offset}


OUT, ERR = "stdout", "stderr"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([index(0, OUT)], [(START, OUT, b"abcdef")]),
        ([index(0, OUT), index(2, ERR, 2.0), index(4, OUT, 3.0)], [(START, OUT, b"ab"), (2.0, ERR, b"cd"), (3.0, OUT, b"ef")]),
        ([index(0, OUT), index(3, OUT, 2.0)], [(START, OUT, b"abc"), (2.0, OUT, b"def")]),
        ([index(0, OUT), index(6, ERR)], [(START, OUT, b"abcdef")]),
        ([index(0, OUT), index(99, ERR)], [(START, OUT, b"abcdef")]),
        ([index(0, OUT), index(3, OUT), index(3, ERR)], [(START, OUT, b"abc"), (START, ERR, b"def")]),
        ([index(0, ERR), index(0, OUT)], [(START, OUT, b"abcdef")]),
        ([], [(0.0, "both", b"abcdef")]),
        ([index(0, OUT), b'{"time":1,"stream":"stderr","offset":3}'], [(START, OUT, b"abcdef")]),
        ([b'{"ti\n\n[]\n', index(0, OUT), {"offset": 1}, {"mark": 2}], [(START, OUT, b"abcdef")]),
        ([{**index(0, OUT), "rows": 24}], [(START, OUT, b"abcdef")]),
        ([index(0, OUT), {**index(1, ERR), "offset": "1"}, {**index(2, ERR), "stream": 2}], [(START, OUT, b"abcdef")]),
    ],
    ids=[
        "one", "several", "same stream", "at the end", "behind the end", "twice", "twice at 0", "none", "torn", "junk",
        "unknown field", "wrong types",
    ],
)  # fmt: skip
def test_index_tells_whose_bytes_these_are(
    run: HandmadeRun, entries: Sequence[bytes | Mapping[str, Any]], expected: Sequence[tuple[float, str, bytes]]
) -> None:
    """Of two entries for one place the later counts; an entry may describe bytes that do not exist."""
    run.add("output.index", *entries)
    run.add("output", b"abcdef")
    assert expected == read_output(run)


def test_output_without_index_is_read(run: HandmadeRun) -> None:
    """Deleting the index loses no byte."""
    run.add("output", bytes(range(256)))
    assert read_output(run) == [Chunk(0.0, "both", bytes(range(256)))]


def test_missing_output_is_empty(run: HandmadeRun) -> None:
    """Nothing was printed yet; what comes later is read."""
    tail = OutputTail(run.directory, LANE)
    assert (tail.read(), tail.offset) == ([], 0)
    run.add_output(OUT, b"a")
    assert (tail.read(), tail.offset) == ([Chunk(START, OUT, b"a")], 1)
    assert tail.read() == []


def test_entry_for_bytes_to_come_counts_when_they_have_come(run: HandmadeRun) -> None:
    """The index is written before the bytes."""
    tail = OutputTail(run.directory, LANE)
    run.add_output(OUT, b"abc")
    run.add("output.index", index(3, ERR, 2.0))
    assert tail.read() == [Chunk(START, OUT, b"abc")]
    run.add("output", b"def")
    assert tail.read() == [Chunk(2.0, ERR, b"def")]


def test_entry_whose_bytes_never_came_is_replaced(run: HandmadeRun) -> None:
    """The pump was killed between entry and bytes; whoever takes over describes the same place anew."""
    run.add_output(OUT, b"abc")
    run.add("output.index", index(3, OUT, 2.0))
    run.add_output(ERR, b"def", 3.0)
    assert read_output(run) == [Chunk(START, OUT, b"abc"), Chunk(3.0, ERR, b"def")]


@pytest.mark.parametrize("limit", [1, 3, 10, 100])
@pytest.mark.parametrize("seed", range(5))
def test_output_in_portions_is_the_output(run: HandmadeRun, seed: int, limit: int) -> None:
    """Whatever the limit, each byte has its stream and time, while the files grow."""
    draw = random.Random(seed)
    tail = OutputTail(run.directory, LANE)
    expected: list[tuple[float | None, str, int]] = []
    actual: list[tuple[float | None, str, int]] = []
    for number in range(50):
        stream, data = draw.choice([OUT, ERR]), draw.randbytes(draw.randrange(1, 20))
        run.add_output(stream, data, START + number)
        expected += [(START + number, stream, byte) for byte in data]
        if draw.random() < 0.5:
            actual += [(chunk.time, chunk.stream, byte) for chunk in tail.read(limit) for byte in chunk.data]
    while chunks := tail.read(limit):
        assert sum(len(chunk.data) for chunk in chunks) <= limit
        actual += [(chunk.time, chunk.stream, byte) for chunk in chunks for byte in chunk.data]
    assert expected == actual


def read_inbox(run: HandmadeRun) -> list[InboxRecord]:
    """All records of the only inbox."""
    return InboxTail(str(run.file("inbox-node17"))).read()


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (b"#4711.0 3ff00000000000003fe00000000000004000000000000000", None),
        (b"#4711.0 3ff00000000000003fe00000000000004000000000000000 @7", 7),
    ],
    ids=["automatic step", "explicit step"],
)
def test_worked_example_of_the_compact_line(run: HandmadeRun, line: bytes, step: int | None) -> None:
    """ARCHITECTURE.md, to the byte: `{"loss": 0.5, "acc": 2.0}` at Unix time 1.0."""
    assert line == compact(1.0, 0.5, 2.0, step=step)
    run.add_records(KEYS, line)
    assert read_inbox(run) == [InboxRecord(1.0, "log", {"values": {"loss": 0.5, "acc": 2.0}, "step": step})]


def test_worked_example_is_in_the_document() -> None:
    """The page has what the test above has."""
    text = (Path(__file__).parent.parent / "ARCHITECTURE.md").read_text()
    assert "`#4711.0 3ff00000000000003fe00000000000004000000000000000`, with `step=7` it ends in ` @7`" in text


@pytest.mark.parametrize(
    "line",
    [
        b"#4711.0",
        b"#4711.0 ",
        b"#4711.0 3ff",
        b"#4711.0 3ff0000000000000",
        b"#4711.0 3ff00000000000003fe000000000000040000000000000zz",
        b"#4711.0 3ff00000000000003fe00000000000004000000000000000 @",
        b"#4711.0 3ff00000000000003fe00000000000004000000000000000 @x",
        b"#4711.0 3ff00000000000003fe00000000000004000000000000000 @7 8",
        b"#4711.0 3ff00000000000003fe000000000000040000000000000004000000000000000",
        b"#4711.1 3ff00000000000003fe00000000000004000000000000000",
        b"#",
        b"{",
        b'{"time": 1.0, "pid": 1}',
        b'{"time": 1.0, "type": 3}',
        b"[1]",
        b"null",
        b"\0\0\0",
        b"\xff\xfe",
        b'{"type": "keys"}',
        b'{"type": "keys", "id": "4711.0"}',
        b'{"type": "keys", "id": "4711.0", "keys": 3}',
        b'{"time": "noon", "type": "warning"}',
        b'{"time": 1.0, "type": "log", "values": {"a": ' + b"9" * 400 + b"}}",
    ],
    ids=lambda line: line.decode(errors="replace")[:60],
)
def test_line_that_is_no_record_hurts_no_other(run: HandmadeRun, line: bytes) -> None:
    """Torn by SIGKILL at any place, of unknown keys or of wrong types: the records around it are read."""
    run.add_records(KEYS, compact(1.0, 0.5, 2.0), line, compact(2.0, 0.25, 3.0))
    expected = [{"loss": 0.5, "acc": 2.0}, {"loss": 0.25, "acc": 3.0}]
    actual = [record.fields["values"] for record in read_inbox(run) if record.type == "log"]
    assert expected == [values for values in actual if "loss" in values]


@pytest.mark.parametrize("length", range(len(compact(1.0, 0.5, 2.0, step=12))))
def test_record_torn_at_any_byte_damages_no_other(run: HandmadeRun, length: int) -> None:
    """The next record begins with a newline, so the tear is a line of its own."""
    torn = compact(1.0, 0.5, 2.0, step=12)[:length]
    run.add_records(KEYS)
    run.add("inbox-node17", b"\n" + torn)
    run.add_records(compact(2.0, 0.25, 3.0))
    *_, last = read_inbox(run)
    assert last == InboxRecord(2.0, "log", {"values": {"loss": 0.25, "acc": 3.0}, "step": None})


def test_records_of_all_types_come_through(run: HandmadeRun) -> None:
    """Also of types that we do not know, with all their fields; `keys` records are ours."""
    records = [{"time": START, "pid": 1, "type": kind, "text": kind} for kind in ("init", "config", "finish", "warning", "new")]
    run.add_records(KEYS, *records)
    assert [(START, record["type"], record) for record in records] == read_inbox(run)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": 1, "b": 0.5}, {"a": 1.0, "b": 0.5}),
        ({"a": "NaN", "b": "Infinity", "c": "-Infinity"}, {"a": "nan", "b": "inf", "c": "-inf"}),
        ({"a": "high", "b": None, "c": [], "d": 2}, {"d": 2.0}),
        ({}, {}),
        ([1], {}),
        (None, {}),
    ],
    ids=["numbers", "not finite", "no values", "empty", "array", "null"],
)
def test_values_of_a_json_call(run: HandmadeRun, values: Any, expected: Mapping[str, Any]) -> None:
    """What is no value is left out, the others of the call stay."""
    run.add_records({**log({}), "values": values, "step": 3})
    (record,) = read_inbox(run)
    assert {key: repr(float(value)) for key, value in expected.items()} == {
        key: repr(value) for key, value in record.fields["values"].items()
    }
    assert (record.type, record.fields["step"]) == ("log", 3)


def test_inbox_of_two_processes_is_untangled(run: HandmadeRun) -> None:
    """Compact lines name their own key set, whoever wrote in between; a key set may be defined anew."""
    other = {**KEYS, "id": "4712.0", "keys": ["x", "y"]}
    again = {**KEYS, "keys": ["z", "loss"]}
    line = compact(1.0, 1.0, 2.0)
    run.add_records(KEYS, other, line, line.replace(b"4711", b"4712"), line, again, line)
    expected = [{"loss": 1.0, "acc": 2.0}, {"x": 1.0, "y": 2.0}, {"loss": 1.0, "acc": 2.0}, {"z": 1.0, "loss": 2.0}]
    assert expected == [record.fields["values"] for record in read_inbox(run)]


def test_inbox_grows_and_is_followed(run: HandmadeRun) -> None:
    """The offset is behind what was handed out, and before a record that is not whole."""
    tail = InboxTail(str(run.file("inbox-node17")))
    assert (tail.read(), tail.offset) == ([], 0)
    run.add_records(KEYS, compact(1.0, 1.0, 2.0))
    size = os.path.getsize(run.file("inbox-node17"))
    run.add("inbox-node17", b"\n#4711.0 3ff0")
    assert [record.time for record in tail.read()] == [1.0]
    assert tail.offset == size + 1
    run.add("inbox-node17", compact(1.0, 3.0, 4.0).removeprefix(b"#4711.0 3ff0") + b"\n")
    assert [record.fields["values"] for record in tail.read()] == [{"loss": 3.0, "acc": 4.0}]
    assert tail.offset == os.path.getsize(run.file("inbox-node17"))
