"""`swanlab import`: saved output as an ordinary run, with its bytes, its times and its ranks, or nothing at all."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.adopt.labels import is_labelled
from swanlab_cli.adopt.ranks import SavedFile, assign, run_name
from swanlab_cli.errors import UsageError

from .conftest import DEADLINE_S, Workplace, wait_for

BYTES = b"start\n2026-01-05 10:11:12 step=1 loss=0.5\r\n\xff\x00bytes\r10%\rstep=2 loss=0.4\n2026-01-05T10:12:00.25Z acc=1"
T = 1767607872.0  # 2026-01-05T10:11:12Z
POINTS = [("acc", 0, 1.0, T + 48.25), ("loss", 1, 0.5, T), ("loss", 2, 0.4, T)]


def save(work: Workplace, files: dict[str, bytes]) -> None:
    """Write files into the workplace."""
    for name, data in files.items():
        path = work.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def adopt(work: Workplace, *arguments: str, stdin: bytes = b"") -> dict[str, Any]:
    """What a successful `swanlab import --utc --json ARGUMENTS` prints."""
    result = work.swanlab("import", "--utc", "--json", *arguments, stdin=stdin)
    assert (result.returncode, result.stderr) == (0, b"")
    return dict(json.loads(result.stdout))


def kept(work: Workplace) -> list[str]:
    """All names in the log directory, hidden ones too."""
    return sorted(path.name for path in work.logdir.iterdir() if path.name != ".gitignore") if work.logdir.exists() else []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.out", BYTES),
        ("a.out.gz", gzip.compress(BYTES)),
        ("a.log", gzip.compress(BYTES[:50]) + gzip.compress(BYTES[50:])),
        ("a.bz2", bz2.compress(BYTES)),
        ("a.xz", lzma.compress(BYTES)),
        ("not.gz", BYTES),
    ],
    ids=["plain", "gz", "two members", "bz2", "xz", "name alone"],
)
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "stdin"])
def test_bytes_and_points_are_those_of_the_file(work: Workplace, name: str, data: bytes, is_piped: bool) -> None:
    """Whatever it is compressed by and called, as a file and through a pipe."""
    save(work, {name: data})
    adopted = adopt(work, "-", stdin=data) if is_piped else adopt(work, name)
    assert (work.run_directory() / "a0-r0.output").read_bytes() == BYTES
    points = [(point["key"], point["step"], point["value"], point["time"]) for point in work.points()]
    assert [point for point in points if point[0] != "step"] == POINTS
    assert adopted["points"] == len(points)
    assert adopted["files"] == [{"file": "-" if is_piped else name, "rank": 0, "stream": "both", "bytes": len(BYTES)}]


def test_run_is_an_ordinary_one(work: Workplace) -> None:
    """With what the options say, what the lines tell, and null for what nobody knows."""
    save(work, {"slurm-123.out": BYTES})
    options = ["-p", "p", "-t", "a", "-t", "b", "-g", "g", "--notes", "n", "-c", "lr=0.1", "--parse", "kv", "--step-key", "tick"]
    adopted = adopt(work, "slurm-123.out", *options)
    shown = work.show(adopted["id"])
    expected = {
        "id": adopted["id"], "name": "slurm-123", "project": "p", "tags": ["a", "b"], "group": "g", "notes": "n",
        "config": {"lr": 0.1}, "state": "finished", "exit_code": None, "signal": None,
        "end_reason": "imported: how it ended is not known", "command": ["import", "slurm-123.out"],
        "started_at": "2026-01-05T10:11:12.000000Z", "finished_at": "2026-01-05T10:12:00.250000Z", "duration_s": 48.25,
        "parse": {"mode": "kv", "patterns": [], "step_key": "tick"}, "attempts": 1, "ranks": 1, "cpu_s": None,
        "output_bytes": len(BYTES), "directory": adopted["directory"], "overhead": {},
        "imported": {"at": adopted["imported_at"], "files": adopted["files"]},
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected
    assert kept(work) == [Path(adopted["directory"]).name]
    moment = adopted["imported_at"][:19].replace("-", "").replace(":", "").replace("T", "_")
    assert kept(work) == [f"run-{moment}-{adopted['id']}"]
    assert adopted["id"].encode() in work.swanlab("ls").stdout


def test_times_that_lines_do_not_tell_are_not_invented(work: Workplace) -> None:
    """No start, no end, no duration, and points without time."""
    adopted = adopt(work, "-", "-n", "mine", stdin=b"10:11:12 loss=0.5\n")
    shown = work.show()
    assert [shown[name] for name in ("started_at", "finished_at", "duration_s", "name")] == [None, None, None, "mine"]
    assert [adopted[name] for name in ("started_at", "finished_at")] == [None, None]
    assert work.points() == [{"key": "loss", "step": 0, "value": 0.5, "time": None, "source": "output", "attempt": 0, "rank": 0}]
    assert json.loads(work.output("--json")) == {"time": None, "stream": "both", "text": "10:11:12 loss=0.5"}
    assert work.swanlab("ls").stdout.decode().splitlines()[1].split()[3:6] == ["finished", "-", "-"]
    assert b"started      -\nfinished     -\n" in work.swanlab("show", "last").stdout


def test_time_without_zone_is_local(work: Workplace) -> None:
    """That of the machine that imports, unless --utc is given."""
    data = b"2026-01-05 11:11:12 a=1\n"
    assert work.swanlab("import", "-", stdin=data, environ={"TZ": "Europe/Berlin"}).returncode == 0
    assert [point["time"] for point in work.points()] == [T]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["b.log", "a.log"], [("b.log", 0, "both"), ("a.log", 1, "both")]),
        (["x.log", "y_3.log"], [("x.log", 0, "both"), ("y_3.log", 1, "both")]),
        (["slurm-123_1.out", "slurm-123_0.out"], [("slurm-123_0.out", 0, "both"), ("slurm-123_1.out", 1, "both")]),
        (["slurm-124.out", "slurm-123.out"], [("slurm-124.out", 0, "both"), ("slurm-123.out", 1, "both")]),
        (["rank10.log", "rank2.log.gz"], [("rank2.log.gz", 2, "both"), ("rank10.log", 10, "both")]),
        (["n1_rank-0.log", "n2_rank-1.log"], [("n1_rank-0.log", 0, "both"), ("n2_rank-1.log", 1, "both")]),
        (["log.0", "log.1"], [("log.0", 0, "both"), ("log.1", 1, "both")]),
        (["out-1.txt", "out-02.txt"], [("out-1.txt", 1, "both"), ("out-02.txt", 2, "both")]),
        (["d/1/stdout.log", "d/0/stdout.log"], [("d/0/stdout.log", 0, "both"), ("d/1/stdout.log", 1, "both")]),
        (["slurm-1.err", "slurm-1.out"], [("slurm-1.out", 0, "stdout"), ("slurm-1.err", 0, "stderr")]),
        (["j.o123", "j.e123.gz"], [("j.o123", 0, "stdout"), ("j.e123.gz", 0, "stderr")]),
        (["0/stderr.log", "0/stdout.log"], [("0/stdout.log", 0, "stdout"), ("0/stderr.log", 0, "stderr")]),
        (["j.err"], [("j.err", 0, "stderr")]),
        (["a-", "-"], [("a-", 0, "both"), ("-", 1, "both")]),
        (
            ["j_1.out", "j_1.err", "j_0.err", "j_0.out"],
            [("j_0.out", 0, "stdout"), ("j_0.err", 0, "stderr"), ("j_1.out", 1, "stdout"), ("j_1.err", 1, "stderr")],
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else None,
)
def test_names_tell_ranks_and_streams(paths: Sequence[str], expected: list[tuple[str, int, str]]) -> None:
    """The number after `rank`, or the only one in which they differ, else the order; two endings of one name are two streams."""
    assert assign(paths) == [SavedFile(*file) for file in expected]


@pytest.mark.parametrize(
    "paths",
    [["a", "a"], ["rank0.log", "b/rank0.log"], ["x.out", "x.out.gz"]],
    ids=["twice", "same rank", "same stream"],
)
def test_two_files_of_one_rank_are_refused(paths: Sequence[str]) -> None:
    """Nobody can know which one is meant."""
    with pytest.raises(UsageError, match=r"twice|are both rank"):
        assign(paths)


@pytest.mark.parametrize(("path", "expected"), [("d/slurm-1.out.gz", "slurm-1"), ("log", "log"), (".log", ".log"), ("-", None)])
def test_first_file_names_the_run(path: str, expected: str | None) -> None:
    """Without folder and endings."""
    assert run_name([path]) == expected


def test_several_files_are_the_ranks_of_one_run(work: Workplace) -> None:
    """Each with its own output, points and end; the run's times are those of all."""
    save(work, {"r_1.out": b"2026-01-05T10:11:13Z loss=2\n", "r_1.err": b"", "r_0.out": b"2026-01-05T10:11:12Z loss=1\n"})
    save(work, {"r_0.err": b"warning\n"})
    result = work.swanlab("import", "r_1.out", "r_1.err", "r_0.out", "r_0.err")
    assert result.stderr.decode().splitlines()[:-1] == [
        "swanlab: r_0.out: rank 0, stdout, 28 B",
        "swanlab: r_0.err: rank 0, stderr, 8 B",
        "swanlab: r_1.out: rank 1, stdout, 28 B",
        "swanlab: r_1.err: rank 1, stderr, 0 B",
    ]
    points = work.points("last", "--ranks", "all")
    assert [(point["rank"], point["value"], point["time"]) for point in points] == [(0, 1.0, T), (1, 2.0, T + 1)]
    shown = work.show()
    assert [shown[name] for name in ("ranks", "started_at", "duration_s")] == [2, "2026-01-05T10:11:12.000000Z", 1.0]
    assert work.output("--stream", "stderr") == b"warning\n"
    assert work.output("--raw", "--rank", "1") == b"2026-01-05T10:11:13Z loss=2\n"
    errors = json.loads(work.output("--json", "--stream", "stderr"))
    assert errors["time"] is None


LABELLED = b"".join(b"%d: 2026-01-05T10:11:%02dZ step=%d loss=%d.5\n" % (rank, 12 + step, step, rank)
                    for step in range(5) for rank in (1, 0, 2))  # fmt: skip


def test_labels_of_srun_become_ranks(work: Workplace) -> None:
    """The prefix is taken off, the bytes behind it stay exact, lines without one are the primary's."""
    data = LABELLED + b"srun: error: node17\n 1: \xff\r50%\r\n 2:\n 0: no end"
    adopted = adopt(work, "-", stdin=data)
    assert [(file["rank"], file["file"]) for file in adopted["files"]] == [(0, "-"), (1, "-"), (2, "-")]
    own = b"".join(b"2026-01-05T10:11:%02dZ step=%d loss=1.5\n" % (12 + step, step) for step in range(5))
    assert work.output("--raw", "--rank", "1") == own + b"\xff\r50%\r\n"
    assert work.output("--raw", "--rank", "0") == own.replace(b"1.5", b"0.5") + b"srun: error: node17\nno end"
    assert work.output("--raw", "--rank", "2") == own.replace(b"1.5", b"2.5") + b"\n"
    points = [p for p in work.points("last", "--ranks", "all") if (p["key"], p["step"]) == ("loss", 4)]
    assert [(p["rank"], p["time"] - T) for p in points] == [(0, 4.0), (1, 4.0), (2, 4.0)]


@pytest.mark.parametrize(
    ("options", "data", "ranks"),
    [
        (["--no-ranks"], LABELLED, 1),
        (["--ranks"], b"0: a\n7: b\n", 2),
        ([], b"0: a\n7: b\n", 1),
    ],
    ids=["refused", "asked for", "too few"],
)
def test_user_has_the_last_word_on_labels(work: Workplace, options: list[str], data: bytes, ranks: int) -> None:
    """Either way."""
    adopt(work, *options, "-", stdin=data)
    assert work.show()["ranks"] == ranks
    if ranks == 1:
        assert work.output("--raw") == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0: a\n1: a\n0: b\n1: b\n", True),
        (" 0: a\n11: a\n 0: b\n11: b\n" * 2, False),
        ("srun: x\n" + "0: a\n1: a\n" * 3, True),
        ("0: a\n1: b\n2: c\n3: d\n", False),
        ("0: a\n0: b\n1: a\n1: b\n2: c\n2: d\n", False),
        ("0: a\n0: b\n0: c\n", False),
        ("x\n3: foo\ny\n1: bar\nz\n", False),
        ("0: a\n1: a\n0: b\n1: b\n" + "text\n" * 3, False),
        ("10:11:12 a\n10:11:13 b\n09:11:13 b\n", False),
        ("", False),
    ],
    ids=["two ranks", "gap", "a message", "list", "epochs", "one rank", "by chance", "half", "clock", "nothing"],
)
def test_ranks_are_told_from_numbers(text: str, expected: bool) -> None:
    """Nearly all lines have one, they go up and down, and each comes more than once."""
    assert is_labelled(text.encode()) == expected


@pytest.mark.parametrize(
    ("files", "arguments", "status", "text"),
    [
        ({}, ["nothing.out"], 1, "cannot read 'nothing.out': No such file or directory"),
        ({"folder/a": b""}, ["folder"], 1, "cannot read 'folder': Is a directory"),
        ({"empty": b""}, ["empty"], 1, "cannot import 'empty': nothing was printed there"),
        ({"a": b"x\n", "broken": gzip.compress(bytes(range(256)) * 9)[:-9]}, ["a", "broken"], 1, "data is broken after"),
        ({"bad.gz": gzip.compress(b"text\n" * 9)[:-8] + b"12345678"}, ["bad.gz"], 1, "data is broken after"),
        ({"bad.xz": lzma.compress(b"text\n" * 9)[:-20]}, ["bad.xz"], 1, "data is broken after"),
        ({"bad.bz2": b"BZh91AY&SY" + b"x" * 99}, ["bad.bz2"], 1, "data is broken after"),
        ({"model.pt": bytes(range(256)) * 99}, ["model.pt"], 1, "cannot import 'model.pt': it is binary data"),
        ({"a.zst": b"\x28\xb5\x2f\xfd" + bytes(99)}, ["a.zst"], 1, "zstd -dc a.zst | swanlab import -"),
        ({"a": b"x\n"}, ["a", "a"], 2, "'a' is given twice"),
        ({"a": b"x\n"}, ["a", "--parse", "all"], 2, "--parse: 'all' is not one of auto, kv, none"),
        ({"a": b"x\n"}, ["a", "--pattern", "("], 2, "swanlab: "),
        ({"a": b"x\n"}, ["a", "-c", "lr"], 2, "--config: 'lr' is not KEY=VALUE"),
        ({"a": b"x\n"}, ["a", "--ranks"], 1, "no line begins with one"),
        ({"a": b"x\n"}, ["a", "--logdir", "a"], 1, "cannot create a run in 'a'"),
    ],
    ids=["missing", "folder", "empty", "torn gz", "bad check", "torn xz", "bad bz2", "binary", "zstd", "twice", "mode",
         "pattern", "config", "no labels", "logdir"],
)  # fmt: skip
def test_failure_is_said_and_leaves_nothing(
    work: Workplace, files: dict[str, bytes], arguments: list[str], status: int, text: str
) -> None:
    """What was tried, on what, why it failed; the log directory is as it was."""
    save(work, files)
    result = work.swanlab("import", *arguments)
    assert (result.returncode, result.stdout) == (status, b"")
    assert text in result.stderr.decode()
    assert "Traceback" not in result.stderr.decode()
    assert kept(work) == []


@pytest.mark.parametrize("request_to_end", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_interrupted_import_leaves_nothing(work: Workplace, request_to_end: str) -> None:
    """Until it is whole, no command shows it; when it is ended before, it is gone."""
    importing = work.start("import", "-", stdin=subprocess.PIPE)
    assert importing.stdin is not None
    importing.stdin.write(b"loss=1\n" * 400_000)
    importing.stdin.flush()
    wait_for(lambda: list(work.logdir.glob(".import-*/*.output")), "the first bytes")
    assert work.swanlab("ls").stdout == b""
    subprocess.run(["kill", f"-{request_to_end}", str(importing.pid)], check=True)
    importing.communicate(timeout=DEADLINE_S)
    assert importing.returncode not in (0, None)
    assert kept(work) == []


def test_line_of_any_length_is_kept(work: Workplace) -> None:
    """Also over several blocks, with a time at its beginning and lines after it."""
    data = b"2026-01-05T10:11:12Z " + b"x" * 3_000_000 + b"\n2026-01-05T10:11:13Z a=1\n" + b"y" * 2_000_000
    save(work, {"long": data})
    adopt(work, "long")
    assert (work.run_directory() / "a0-r0.output").read_bytes() == data
    assert [(point["key"], point["time"]) for point in work.points()] == [("a", T + 1)]
