"""`swanlab top`: one table, JSON, and the live view on a real terminal; and that it costs only the news."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from swanlab_cli.recorder.live import LiveRuns

from .conftest import Workplace, wait_for
from .handmade import END, HEADER, START, HandmadeRun
from .test_terminal import PROMPT, Tmux

TRAINING = """
import sys, time
print("loss=0.5 acc=0.25", flush=True)
sys.stderr.write("\\r 45%|####      | 9/20 [00:10<01:40, 2.00it/s]")
sys.stderr.flush()
time.sleep(600)
"""


@pytest.fixture
def running(work: Workplace) -> Iterator[subprocess.Popen[bytes]]:
    """A run that stands at 45 %."""
    (work.directory / "train.py").write_text(TRAINING)
    run = work.start("run", "-q", "-n", "日本語", "python3", "train.py")
    try:
        wait_for(
            lambda: b'"progress"' in b"".join(path.read_bytes() for path in work.logdir.glob("*/*.events.jsonl")), "progress"
        )
        yield run
    finally:
        run.terminate()
        run.communicate(timeout=30)


@pytest.fixture
def tmux(work: Workplace) -> Iterator[Tmux]:
    """A terminal."""
    terminal = Tmux(work)
    yield terminal
    terminal.close()


@pytest.mark.usefixtures("running")
def test_json_says_all(work: Workplace) -> None:
    """One object a look, with what `show` has and what only now can be known."""
    looks = [json.loads(line) for line in work.swanlab("top", "--json", "-n", "2", "--interval", "0.1").stdout.splitlines()]
    assert [sorted(look) for look in looks] == [["runs", "time"]] * 2
    (run,) = looks[-1]["runs"]
    assert (run["name"], run["state"], run["metrics"]) == ("日本語", "running", {"loss": 0.5, "acc": 0.25})
    assert run["last_line"] == "45%|####      | 9/20 [00:10<01:40, 2.00it/s]"
    assert (run["progress"]["fraction"], run["progress"]["rate"]) == (0.45, 2.0)
    assert 0 < run["progress"]["eta_s"] <= 100
    assert (run["usage"]["processes"], run["usage"]["memory_bytes"] > 1_000_000) == (1, True)
    assert run["usage"]["cpu_pct"] is not None


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("options", [(), ("--once",)], ids=["pipe", "once"])
def test_a_plain_table_where_stdout_is_no_terminal(work: Workplace, options: tuple[str, ...]) -> None:
    """Without any control sequence."""
    heading, row = work.swanlab("top", *options).stdout.decode().splitlines()
    assert heading.split() == ["ID", "NAME", "STATE", "DURATION", "PROGRESS", "CPU", "MEMORY", "METRICS", "LAST", "LINE"]
    assert all(text in row for text in ("日本語", "running", "45 %", "loss=0.5 acc=0.25", "9/20"))
    assert "\x1b" not in heading + row


def test_nothing_runs(work: Workplace) -> None:
    """An empty list, and a word on stderr."""
    assert json.loads(work.swanlab("top", "--json").stdout)["runs"] == []
    result = work.swanlab("top")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"swanlab: nothing runs in 'swanlog'\n")


@pytest.mark.parametrize("interval", ["0", "-1", "nan"])
def test_an_interval_that_makes_no_sense_is_refused(work: Workplace, interval: str) -> None:
    """A usage error, and what would do."""
    result = work.swanlab("top", "--interval", interval)
    assert result.returncode == 2
    assert b"give 0.1 seconds or more" in result.stderr


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("key", ["q", "C-c"])
def test_live_view_gives_the_terminal_back(tmux: Tmux, key: str) -> None:
    """It paints in place on a screen of its own, follows its size, and leaves everything as it was."""
    prompt = PROMPT.strip()
    tmux.type("swanlab top --interval 0.2", "Enter")
    tmux.wait(r"\A *swanlab top .* 1 running, 0 ended(?s:.)*日本語 +running")
    tmux.resize(60, 10)
    wait_for(lambda: max(map(len, tmux.screen().splitlines())) <= 60 and "running" in tmux.screen(), "a narrow screen")
    tmux.type(key)
    assert tmux.wait(rf"{prompt}\s*\Z").split("\n")[0] == f"{PROMPT}swanlab top --interval 0.2"
    tmux.type("clear; echo status=$?; stty -a | grep -o '[-]*icanon'", "Enter")
    tmux.wait(r"\Astatus=0\nicanon")


@pytest.mark.usefixtures("running")
def test_live_view_stops_and_goes_on(tmux: Tmux) -> None:
    """^Z gives the terminal back, fg takes it again."""
    tmux.type("swanlab top --interval 0.2", "Enter")
    tmux.wait("1 running")
    tmux.type("C-z")
    tmux.wait(rf"Stopped.*\n{PROMPT.strip()}\s*\Z")
    tmux.type("fg", "Enter")
    tmux.wait(r"\A *swanlab top .* 1 running")
    tmux.type("q")
    tmux.wait(rf"swanlab top --interval 0.2\n{PROMPT.strip()}\s*\Z")


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("variable", [None, "NO_COLOR"])
def test_colour(tmux: Tmux, variable: str | None) -> None:
    """States are coloured, unless the user wants no colours."""
    tmux.type(f"{variable + '=1 ' if variable else ''}swanlab top", "Enter")
    tmux.wait("日本語 +running")
    assert ("\x1b[32mrunning" in tmux.screen("-e")) == (variable is None)
    tmux.type("q")


def test_ended_runs_are_shown_for_a_while(tmp_path: Path) -> None:
    """Five minutes; those that had ended before are not opened, and those that are lost are not shown."""
    now = time.time()
    recent = HandmadeRun(tmp_path, HEADER._replace(id="recent"))
    recent.add("events.jsonl", {"time": now, "type": "init", "data": {"name": "from-the-script"}})
    recent.add_output("stdout", b"\x1b[32mlast words\x1b[0m\n\n")
    recent.end(END._replace(ended_at=now - 10))
    old = HandmadeRun(tmp_path, HEADER._replace(id="old"))
    old.end(END._replace(ended_at=now - 400))
    os.utime(old.file("end.json"), (now - 400, now - 400))
    (old.path / "run.json").unlink()  # opening it would fail
    lost = HandmadeRun(tmp_path, HEADER._replace(id="lost"))
    for path in lost.path.iterdir():
        os.utime(path, (START, START))
    runs = LiveRuns(str(tmp_path))
    (shown,) = runs.look(now)
    assert (shown.id, shown.name, shown.state, shown.last_line) == ("recent", "from-the-script", "finished", "last words")
    assert runs.look(now + 300) == []


def test_only_news_is_read(tmp_path: Path) -> None:
    """A look at a run with many points reads the ends of its files: values that stand further up are not there."""
    run = HandmadeRun(tmp_path)
    point = {"metric": "early", "step": 0, "value": 1.0, "time": START, "source": "api"}
    run.add("metrics.jsonl", point, *({**point, "metric": f"m{step % 3}", "step": step, "value": step} for step in range(1000)))
    runs = LiveRuns(str(tmp_path))
    (first,) = runs.look(time.time())
    run.add("metrics.jsonl", {**point, "metric": "late"}, b'{"metric":"torn')
    (second,) = runs.look(time.time())
    assert (first.state, first.usage) == ("running", None)  # its files are young, and it is another host's
    assert first.metrics == {"m1": 997.0, "m2": 998.0, "m0": 999.0}
    assert second.metrics == {"m2": 998.0, "m0": 999.0, "late": 1.0}
