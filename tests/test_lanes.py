"""Runs of several attempts and ranks: which lanes there are, whose points and output are shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.cli.show import number_ranges, stragglers
from swanlab_cli.records import End, Lane
from swanlab_cli.store import layout
from swanlab_cli.store.state import host_identity, process_started

from .conftest import Workplace
from .handmade import END, START, HandmadeRun


class LaneRun(HandmadeRun):
    """A handmade run whose files are of the lane that is chosen."""

    lane = Lane()

    def file(self, name: str) -> Path:
        """The chosen lane's file of this name."""
        return self.path / f"a{self.lane.attempt}-r{self.lane.rank}.{name}"


PRINTED = {
    Lane(0, 0): b"loss=0.9\n",
    Lane(0, 1): b"loss=0.8 only=1\nold=3\n",
    Lane(1, 0): b"loss=0.7\nloss=0.6\n",
    Lane(1, 1): b"loss=0.5 only=2\n",
    Lane(1, 10): b"ten=10\n\nno end",
}
"""By attempt and rank."""


@pytest.fixture
def several(work: Workplace) -> Workplace:
    """A workplace with a run of two attempts, the second with three ranks."""
    run = LaneRun(work.logdir)
    for lane, data in PRINTED.items():
        run.lane = lane
        for number, line in enumerate(data.splitlines(keepends=True)):
            run.add_output("stdout", line, START + 100 * lane.attempt + 10 * number + lane.rank)
        run.end(END._replace(ended_at=START + lane.rank, duration_s=float(lane.rank), output_bytes=len(data)))
    return work


def test_lanes_are_those_with_files(tmp_path: Path) -> None:
    """In order of attempt, then rank, as numbers; where there is nothing yet, the first."""
    assert layout.lanes(str(tmp_path)) == [Lane()]
    for name in ("a1-r0.output", "a0-r10.events.jsonl", "a0-r2.inbox-h", "run.json", "a0-r2.output", "b0-r3.output"):
        (tmp_path / name).touch()
    assert layout.lanes(str(tmp_path)) == [Lane(0, 2), Lane(0, 10), Lane(1, 0)]


def _points(work: Workplace, *options: str) -> list[tuple[object, ...]]:
    lines = work.swanlab("metrics", "last", "--json", *options).stdout.splitlines()
    points = [json.loads(line) for line in lines]
    return [(p["key"], p["step"], p["value"], p["attempt"], p["rank"], p["time"] - START) for p in points]


@pytest.mark.parametrize(
    ("options", "ranks"), [((), {0, 1, 10}), (("--ranks", "1"), {1}), (("--ranks", "1,10"), {1, 10})], ids=str
)
def test_metrics_of_chosen_ranks(several: Workplace, options: tuple[str, ...], ranks: set[int]) -> None:
    """Without a choice rank 0, and the lowest rank of a metric that rank 0 has not."""
    wanted = [p for p in _points(several, "--ranks", "all") if p[4] in ranks and (options or p[0] != "loss" or p[4] == 0)]
    assert _points(several, *options) == wanted


def test_ranks_that_are_none(several: Workplace) -> None:
    """They are refused, with what would do."""
    refused = several.swanlab("metrics", "last", "--ranks", "first")
    assert (refused.returncode, b"neither 'all' nor a list of ranks" in refused.stderr) == (2, True)


def test_metrics_has_the_points_of_all_lanes(several: Workplace) -> None:
    """By metric, then step, attempt and rank, each with its time; automatic steps go on in the next attempt."""
    points = _points(several, "--ranks", "all")
    assert points == [
        ("loss", 0, 0.9, 0, 0, 0.0),
        ("loss", 0, 0.8, 0, 1, 1.0),
        ("loss", 1, 0.7, 1, 0, 100.0),
        ("loss", 1, 0.5, 1, 1, 101.0),
        ("loss", 2, 0.6, 1, 0, 110.0),
        ("old", 0, 3.0, 0, 1, 11.0),
        ("only", 0, 1.0, 0, 1, 1.0),
        ("only", 1, 2.0, 1, 1, 101.0),
        ("ten", 0, 10.0, 1, 10, 110.0),
    ]
    table = several.swanlab("metrics", "last", "old").stdout.decode().splitlines()
    assert [line.split() for line in table] == [
        ["METRIC", "STEP", "VALUE", "SOURCE", "ATTEMPT", "RANK"],
        ["old", "0", "3.0", "output", "0", "1"],
    ]


def test_show_is_of_the_primary_rank(several: Workplace) -> None:
    """Rank 0's newest attempt that has the metric, else the lowest rank's; times and bytes are those of all ranks."""
    shown = several.show()
    assert {metric: entry["last"] for metric, entry in shown["summary"].items()} == {
        "loss": 0.6, "old": 3.0, "only": 2.0, "ten": 10.0,
    }  # fmt: skip
    assert shown["summary"]["loss"]["count"] == 2
    assert (shown["attempts"], shown["ranks"], shown["state"]) == (2, 3, "finished")
    assert (shown["duration_s"], shown["finished_at"]) == (10.0, "2026-01-01T00:00:10.000000Z")
    assert shown["output_bytes"] == sum(len(PRINTED[lane]) for lane in PRINTED if lane.attempt == 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], b"loss=0.7\nloss=0.6\n"),
        (["--rank", "1"], b"loss=0.5 only=2\n"),
        (["--rank", "1", "--attempt", "0"], b"loss=0.8 only=1\nold=3\n"),
        (["--attempt", "0"], b"loss=0.9\n"),
        (["--raw", "--rank", "10"], b"ten=10\n\nno end"),
        (["--rank", "all"], b" 0: loss=0.7\n 1: loss=0.5 only=2\n 0: loss=0.6\n10: ten=10\n10: \n10: no end\n"),
        (["--rank", "all", "--raw", "--tail", "2"], b"10: \n10: no end\n"),
        (["--rank", "all", "--attempt", "0", "--grep", "old"], b"1: old=3\n"),
    ],
    ids=["default", "rank", "both", "attempt", "raw", "all", "all, raw", "all, grep"],
)
def test_logs_of_a_lane(several: Workplace, options: list[str], expected: bytes) -> None:
    """Rank 0 of the newest attempt unless told otherwise; all ranks in the order of time, labelled as `srun --label` does."""
    assert several.output(*options) == expected


def test_logs_of_all_ranks_as_json_name_the_rank(several: Workplace) -> None:
    """Beside the fields that are always there."""
    lines = [json.loads(line) for line in several.output("--json", "--rank", "all", "--tail", "1").splitlines()]
    assert lines == [{"time": START + 130, "stream": "stdout", "text": "no end", "rank": 10}]


@pytest.mark.parametrize(
    ("options", "status", "texts"),
    [
        (["--rank", "2"], 1, ["no rank 2 in attempt 1", "it has: 0, 1, 10"]),
        (["--rank", "10", "--attempt", "0"], 1, ["no rank 10 in attempt 0", "it has: 0, 1"]),
        (["--attempt", "2"], 1, ["no attempt 2", "it has: 0, 1"]),
        (["--rank", "some"], 2, ["'some' is neither a number nor all"]),
        (["--rank", "-1"], 2, ["'-1' is neither a number nor all"]),
    ],
    ids=["rank", "rank of an attempt", "attempt", "word", "negative"],
)
def test_lane_that_is_not_there_is_said(several: Workplace, options: list[str], status: int, texts: list[str]) -> None:
    """With those that are."""
    result = several.swanlab("logs", "last", *options)
    assert (result.returncode, result.stdout) == (status, b"")
    assert [text for text in texts if text not in result.stderr.decode()] == []


KILLED = END._replace(exit_code=None, signal="SIGKILL")
RAISED = END._replace(exit_code=1)
ENDED_BY_SLURM = END._replace(exit_code=143, signals=(("SIGTERM", START),))


@pytest.mark.parametrize(
    ("ends", "state", "rank", "why"),
    [
        pytest.param([END, END, END], "finished", 0, "exit code 0", id="all-well"),
        pytest.param([END, RAISED, END], "crashed", 1, "rank 1 on node17: exit code 1", id="one-crashed"),
        pytest.param([ENDED_BY_SLURM, ENDED_BY_SLURM, KILLED], "crashed", 2, "rank 2 on node17: killed by SIGKILL", id="for-one"),
        pytest.param([RAISED, KILLED, END], "crashed", 1, "rank 1 on node17: killed by SIGKILL", id="first-of-two"),
        pytest.param([END, None, END], "lost", 1, "rank 1 on node17: no end was recorded", id="one-lost"),
        pytest.param([RAISED, None, END], "crashed", 0, "rank 0 on node17: exit code 1", id="lost-and-crashed"),
        pytest.param([None, ENDED_BY_SLURM, END], "lost", 0, "rank 0 on node17: no end was recorded", id="lost-and-aborted"),
    ],
)
def test_worst_rank_speaks_for_the_run(work: Workplace, ends: list[End | None], state: str, rank: int, why: str) -> None:
    """Of several the first by the clock of the file system, whatever their own say; the last one began and ended first here."""
    run = LaneRun(work.logdir)
    for number, end in enumerate(ends):
        run.lane = Lane(0, number)
        run.add_output("stdout", b"loss=0.5\n")
        if end is not None:
            run.end(end._replace(ended_at=START + number, output_bytes=9))
            when = START - number
            os.utime(run.file("end.json"), (when, when))
        else:
            for path in run.path.glob(f"a0-r{number}.*"):
                os.utime(path, (START, START))
    shown = work.show()
    assert (shown["state"], shown["ending"]["rank"]) == (state, rank)
    assert shown["end_reason"].startswith(why)
    assert [one["rank"] for one in shown["by_rank"]] == [0, 1, 2]


def lane_of_ours(pid: int) -> dict[str, Any]:
    """The event by which a lane says that a process of this machine records it."""
    host, boot_id, pid_namespace = host_identity()
    who = {"host": host, "boot_id": boot_id, "pid_namespace": pid_namespace, "pid": pid, "pid_started": process_started(pid)}
    return {"time": START, "type": "lane", "data": who}


def test_run_runs_while_a_rank_does(work: Workplace) -> None:
    """Which recorder lives is what each lane says; who is late is named."""
    run = LaneRun(work.logdir)
    for number in range(4):
        run.lane = Lane(0, number)
        run.add_output("stdout", b"loss=0.5\n")
        if number == 2:
            run.add("events.jsonl", lane_of_ours(os.getpid()))
        else:
            run.end()
    shown = work.show()
    assert (shown["state"], shown["end_reason"], shown["finished_at"]) == ("running", None, None)
    assert [one["state"] for one in shown["by_rank"]] == ["finished", "finished", "running", "finished"]
    assert "stragglers   rank 2 still runs; 3 of 4 ranks have ended" in work.swanlab("show", "last").stdout.decode()


def test_attempt_that_begins_makes_the_run_run_again(work: Workplace) -> None:
    """Whatever became of the one before it."""
    run = LaneRun(work.logdir)
    run.end(KILLED)
    run.lane = Lane(1, 0)
    run.add("events.jsonl", lane_of_ours(os.getpid()))
    run.add("output", b"")
    assert (work.show()["state"], work.show()["attempts"]) == ("running", 2)
    run.end()
    assert (work.show()["state"], work.show()["exit_code"]) == ("finished", 0)


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([("running", 90), ("running", 100), ("running", 20), ("running", 95)], "rank 2 is at step 20; usual is 95"),
        ([("running", 90), ("running", 100), ("running", 80)], None),
        ([("running", None), ("running", None)], None),
        ([("finished", 9), ("crashed", 3)], None),
        ([("running", 3), ("running", 9), ("finished", 9), ("lost", 9)], "rank 0-1 still runs; 2 of 4 ranks have ended"),
        ([("running", 5), ("running", 9), ("running", 9), ("finished", 9)], None),
    ],
)
def test_stragglers(ranks: list[tuple[str, int | None]], expected: str | None) -> None:
    """Those that run when half have ended, or are at less than half of the usual step."""
    states = [{"rank": rank, "state": state, "last_step": step} for rank, (state, step) in enumerate(ranks)]
    assert stragglers(states) == expected


def test_number_ranges() -> None:
    """As Slurm writes them."""
    assert number_ranges([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
