"""`swanlab reparse`: points derived again, nothing rewritten, never a half shown, whoever is killed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.store.state import host_identity, process_started

from .conftest import DEADLINE_S, Workplace, python, wait_for
from .handmade import HEADER, KEYS, START, HandmadeRun, compact

TEXT = b"a=1 word is 5\na=2 word is 6\n"
PATTERN = r"word is (?P<word>\d+)"
OLD = [("a", 0, 1.0), ("a", 1, 2.0)]
NEW = [*OLD, ("word", 0, 5.0), ("word", 1, 6.0)]
FINAL = {"cursor": {"output": len(TEXT), "inbox": {}, "is_final": True}}
POINTS = [{"metric": "a", "step": step, "value": step + 1.0, "time": START, "source": "output"} for step in (0, 1)]


def dead_claim() -> dict[str, Any]:
    """What a scribe of this host that is gone has said of itself."""
    return {"pid": os.getpid(), "pid_started": process_started(os.getpid()) - 1} | identity()


def live_claim() -> dict[str, Any]:
    """What a scribe of this host that is at work has said of itself."""
    return {"pid": os.getpid(), "pid_started": process_started(os.getpid())} | identity()


def identity() -> dict[str, str]:
    """The host that we are on, in the words of a claim."""
    return dict(zip(("host", "boot_id", "pid_namespace"), host_identity(), strict=True))


def event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """One line of the events."""
    return {"time": START, "type": kind, "data": data}


@pytest.fixture
def ended(work: Workplace) -> HandmadeRun:
    """A run that printed TEXT, read with `--parse kv` and completely recorded."""
    run = HandmadeRun(work.logdir, HEADER._replace(parse="kv"))
    run.add_output("stdout", TEXT)
    run.add("metrics.jsonl", *POINTS, FINAL)
    run.add("events.jsonl", event("scribe", {"pid": 1, "pid_started": 1}), event("complete", {}))
    run.end()
    return run


def shown(work: Workplace) -> list[tuple[str, int, Any]]:
    """(metric, step, value) of the run's points."""
    return [(point["key"], point["step"], point["value"]) for point in work.points()]


def files(run: HandmadeRun) -> dict[str, bytes]:
    """The content of each file of a run."""
    return {path.name: path.read_bytes() for path in run.path.iterdir()}


def test_points_are_derived_with_other_options(work: Workplace, ended: HandmadeRun) -> None:
    """They are kept for readers and for the next reparse; files only grow; what has changed is said."""
    before = files(ended)
    result = work.swanlab("reparse", "last", "--pattern", PATTERN, "--step-key", "tick")
    assert (result.returncode, result.stdout) == (0, b"")
    assert result.stderr.decode() == "swanlab: abcd1234: 2 points before, 4 after; appeared: word (2)\n"
    assert shown(work) == NEW
    after = files(ended)
    assert after.keys() == before.keys()
    grown = {name for name in before if after[name] != before[name]}
    assert grown == {"a0-r0.metrics.jsonl", "a0-r0.events.jsonl"}
    assert all(after[name].startswith(before[name]) for name in grown)
    assert work.show()["parse"] == {"mode": "kv", "patterns": [PATTERN], "step_key": "tick"}
    assert b"kv --pattern 'word is (?P<word>\\d+)' --step-key tick" in work.swanlab("show", "last").stdout
    again = work.swanlab("reparse", "last")
    assert again.stderr.decode() == "swanlab: abcd1234: 4 points before, 4 after\n"
    assert shown(work) == NEW


def test_options_in_force_are_used_without_any_scribes_work(work: Workplace, ended: HandmadeRun) -> None:
    """A reader that derives in memory uses the last options too; empty ones take patterns and step key away."""
    assert work.swanlab("reparse", "last", "--pattern", PATTERN, "--step-key", "tick").returncode == 0
    ended.file("metrics.jsonl").unlink()
    assert shown(work) == NEW
    assert work.swanlab("reparse", "last", "--pattern", "", "--step-key", "").returncode == 0
    assert shown(work) == OLD
    assert work.show()["parse"] == {"mode": "kv", "patterns": [], "step_key": None}


def test_json_is_pinned(work: Workplace, ended: HandmadeRun) -> None:
    """One object a run."""
    ended.add("metrics.jsonl", {"metric": "a", "step": 7, "value": 1, "time": START, "source": "output"}, FINAL)
    ended.add("metrics.jsonl", {"metric": "gone", "step": 7, "value": 1, "time": START, "source": "output"}, FINAL)
    result = work.swanlab("reparse", "last", "--json", "--pattern", PATTERN)
    assert result.stderr == b""
    assert json.loads(result.stdout) == {
        "id": "abcd1234",
        "directory": ended.directory,
        "points_before": 4,
        "points_after": 4,
        "appeared": {"word": 2},
        "vanished": {"gone": 1},
        "changed": {"a": [3, 2]},
    }


def test_what_the_script_logged_stays(work: Workplace) -> None:
    """Points and config from the inbox come again, and still hide what is printed under the same name."""
    code = "import swanlab; swanlab.init(config={'lr': 0.1}); swanlab.log({'loss': 0.5}); print('loss=7 acc=1')"
    assert work.swanlab("run", "-q", *python(code)).returncode == 0
    before = work.points(), work.show()["config"], work.show()["environment"]
    assert {point["key"]: point["source"] for point in work.points()} == {"acc": "output", "loss": "api"}
    assert work.swanlab("reparse", "last").returncode == 0
    assert (work.points(), work.show()["config"], work.show()["environment"]) == before
    assert work.swanlab("reparse", "last", "--parse", "none").returncode == 0
    assert [(point["key"], point["value"]) for point in work.points()] == [("loss", 0.5)]


CLAIMED = [event("scribe", dead_claim())]
RESET = [*CLAIMED, {"type": "reset"}]
NOTED = [*RESET, event("parse", {"parse": "kv", "patterns": [PATTERN], "step_key": None})]
VOID: list[dict[str, Any]] = [{"reset": True}]
HALF = [*VOID, POINTS[0], {"cursor": {"output": 14, "inbox": {}, "is_final": False}}]


@pytest.mark.parametrize(
    ("metrics", "events", "expected"),
    [
        ([], CLAIMED, OLD),
        (VOID, CLAIMED, OLD),
        (VOID, RESET, OLD),
        (VOID, NOTED, NEW),
        (HALF, NOTED, NEW),
        ([*HALF, POINTS[1]], NOTED, NEW),
        ([*HALF, b'{"metric":"a","st'], NOTED, NEW),
    ],
    ids=["claimed", "reset of points", "reset of events", "options", "half", "no cursor", "torn"],
)
def test_killed_reparse_leaves_all_points(
    work: Workplace, ended: HandmadeRun, metrics: list[Any], events: list[Any], expected: list[Any]
) -> None:
    """Old ones or new ones, wherever it was killed, and the next reparse is not kept from its work."""
    ended.add("metrics.jsonl", *metrics)
    ended.add("events.jsonl", *events)
    assert shown(work) == expected
    assert work.show()["summary"].keys() == {metric for metric, _, _ in expected}
    result = work.swanlab("reparse", "last", "--pattern", PATTERN)
    assert (result.returncode, shown(work)) == (0, NEW), result.stderr


def test_reparse_that_is_killed_by_sigkill_leaves_all_points(work: Workplace) -> None:
    """While it writes, readers see all points that there will be; afterwards too."""
    run = HandmadeRun(work.logdir)
    run.add_output("stdout", b"".join(b"a=%d\n" % number for number in range(30_000)))
    run.end()
    reparsing = work.start("reparse", "last")
    wait_for(lambda: run.file("metrics.jsonl").exists() and run.file("metrics.jsonl").stat().st_size > 1000, "some points")
    reparsing.kill()
    reparsing.communicate(timeout=DEADLINE_S)
    assert work.show()["summary"] == {"a": {"last": 29999.0, "min": 0.0, "max": 29999.0, "count": 30000, "last_step": 29999}}


def test_running_run_is_refused(work: Workplace, tmp_path: Path) -> None:
    """One writer a file: its own scribe is at work."""
    os.mkfifo(tmp_path / "go")
    running = work.start("run", "-q", "sh", "-c", f"echo a=1; read line < {tmp_path}/go")
    wait_for(lambda: list(work.logdir.glob("run-*/a0-r0.output")) and work.output() == b"a=1\n", "output")
    result = work.swanlab("reparse", "last")
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"it is being recorded" in result.stderr
    (tmp_path / "go").write_text("\n")
    running.communicate(timeout=DEADLINE_S)
    assert work.swanlab("reparse", "last").returncode == 0


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ([event("scribe", live_claim())], b"its points are being derived"),
        ([event("scribe", live_claim()), event("complete", live_claim())], b""),
        ([event("scribe", live_claim()), event("complete", dead_claim())], b"its points are being derived"),
        ([event("scribe", {**live_claim(), "host": "elsewhere"})], b"its points are being derived"),
        ([event("scribe", dead_claim())], b""),
    ],
    ids=["at work", "through", "another is through", "of another host", "dead"],
)
def test_run_that_somebody_derives_is_refused(work: Workplace, ended: HandmadeRun, claims: list[Any], text: bytes) -> None:
    """Unless that process is seen to be gone; nothing is written then."""
    ended.add("events.jsonl", *claims)
    before = files(ended)
    result = work.swanlab("reparse", "last")
    assert (result.returncode, text in result.stderr) == (1 if text else 0, True), result.stderr
    assert (files(ended) == before) == bool(text)


def test_run_of_another_host_without_end_is_refused(work: Workplace) -> None:
    """Nobody here can know whether it is recorded, however old its files are; with an end it is as any other."""
    run = HandmadeRun(work.logdir)
    run.add_output("stdout", TEXT)
    for path in run.path.iterdir():
        os.utime(path, (START, START))
    result = work.swanlab("reparse", "last")
    assert (result.returncode, b"whether 'node17' records it is not known here" in result.stderr) == (1, True)
    run.end()
    assert work.swanlab("reparse", "last").returncode == 0
    assert shown(work) == OLD


def test_one_that_fails_does_not_keep_others_from_being_done(work: Workplace, ended: HandmadeRun) -> None:
    """Each is done or named; the exit status tells that one failed."""
    other = HandmadeRun(work.logdir, HEADER._replace(id="other123"))
    other.add_output("stdout", TEXT)
    other.end()
    result = work.swanlab("reparse", "abcd", "nobody", "other", "--json")
    assert result.returncode == 1
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["abcd1234", "other123"]
    assert b"no run 'nobody'" in result.stderr


@pytest.mark.parametrize(
    "options", [["--parse", "all"], ["--pattern", "("], ["--pattern", "x"]], ids=["mode", "expression", "no group"]
)
def test_options_that_cannot_be_used_are_refused(work: Workplace, ended: HandmadeRun, options: list[str]) -> None:
    """With status 2, before anything is written."""
    before = files(ended)
    result = work.swanlab("reparse", "last", *options)
    assert (result.returncode, files(ended)) == (2, before), result.stderr
    assert b"swanlab: " in result.stderr


def test_every_rank_is_derived_again(work: Workplace) -> None:
    """With the same options, from the first lane's record."""
    (work.directory / "rank0.log").write_bytes(TEXT)
    (work.directory / "rank1.log").write_bytes(TEXT)
    assert work.swanlab("import", "--parse", "kv", "rank0.log", "rank1.log").returncode == 0
    result = work.swanlab("reparse", "last", "--pattern", PATTERN)
    assert b": 4 points before, 8 after; appeared: word (4)" in result.stderr
    lines = work.swanlab("metrics", "last", "word", "--json", "--ranks", "all").stdout.splitlines()
    assert [(p["key"], p["step"], p["rank"]) for p in map(json.loads, lines)] == [
        ("word", 0, 0), ("word", 0, 1), ("word", 1, 0), ("word", 1, 1),
    ]  # fmt: skip


def test_lost_run_is_derived_and_has_its_inbox(work: Workplace) -> None:
    """Where nobody was left to derive it, reparse writes what readers had to derive each time."""
    host, boot_id, pid_namespace = host_identity()
    dead = HEADER._replace(host=host, boot_id=boot_id, pid_namespace=pid_namespace, pid_started=0)
    run = HandmadeRun(work.logdir, dead)
    run.add_output("stdout", TEXT)
    run.add_records(KEYS, compact(START, 0.5, 0.25))
    expected = shown(work)
    assert work.swanlab("reparse", "last").returncode == 0
    assert shown(work) == expected == [*OLD[:2], ("acc", 0, 0.25), ("loss", 0, 0.5)]
    assert b'"is_final":true' in run.file("metrics.jsonl").read_bytes()
