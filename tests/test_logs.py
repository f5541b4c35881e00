"""`swanlab logs`: text, JSON and raw, one stream or all, once or as it grows."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from .conftest import DEADLINE_S, Workplace, wait_for

SCRIPT = r"""
printf 'out 1\nout 2\n'; printf 'err 1\n' >&2
printf '10%%\r50%%\r\033[32m100%%\033[0m\r\n'
printf 'no end'
"""


@pytest.fixture
def printed(work: Workplace) -> Workplace:
    """A workplace with one run whose child has printed SCRIPT's lines."""
    assert work.swanlab("run", "-q", "--no-pty", "sh", "-c", SCRIPT).returncode == 0
    return work


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--stream", "stdout"], b"out 1\nout 2\n100%\nno end\n"),
        (["--stream", "stderr"], b"err 1\n"),
        (["--stream", "both"], b""),
        (["--stream", "stdout", "--tail", "2"], b"100%\nno end\n"),
        (["--tail", "0"], b""),
        (["--grep", "^out [12]$"], b"out 1\nout 2\n"),
        (["--grep", "out", "--tail", "1"], b"out 2\n"),
        (["--raw", "--stream", "stdout"], b"out 1\nout 2\n10%\r50%\r\x1b[32m100%\x1b[0m\r\nno end"),
        (["--raw", "--stream", "stdout", "--tail", "2"], b"10%\r50%\r\x1b[32m100%\x1b[0m\r\nno end\n"),
    ],
    ids=["stdout", "stderr", "both", "tail", "tail 0", "grep", "grep and tail", "raw", "raw tail"],
)
def test_lines_are_chosen(printed: Workplace, options: list[str], expected: bytes) -> None:
    """Text shows what a line was in the end; raw shows it all."""
    assert printed.output(*options) == expected


def test_json_has_time_stream_and_text(printed: Workplace) -> None:
    """One object a line."""
    lines = [json.loads(line) for line in printed.output("--json", "--stream", "stderr").splitlines()]
    assert [(line["stream"], line["text"]) for line in lines] == [("stderr", "err 1")]
    assert lines[0].keys() == {"time", "stream", "text"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--stream", "stdin"], b"not one of stdout, stderr, both"),
        (["--grep", "("], b"not a regular expression"),
        (["--raw", "--json"], b"exclude each other"),
    ],
    ids=["stream", "grep", "raw and json"],
)
def test_what_cannot_be_done_is_said(printed: Workplace, options: list[str], text: bytes) -> None:
    """Usage errors exit with 2 and name the option."""
    result = printed.swanlab("logs", "last", *options)
    assert (result.returncode, result.stdout) == (2, b"")
    assert text in result.stderr


NESTED = r"""
printf 'start\nouter 1\n\rinner 1\033[A\router 2\n\rinner 2\033[A\n\n'
printf 'downloading\rdone\033[K\n' >&2
printf 'end\n50%%'
"""


@pytest.mark.parametrize(
    ("run_options", "options", "expected"),
    [
        ([], [], b"start\nouter 2\ninner 2\ndone\nend\n50%\n"),
        (["--split"], ["--stream", "stderr"], b"done\n"),
        (["--no-pty"], ["--stream", "stdout"], b"start\nouter 2\ninner 2\nend\n50%\n"),
        ([], ["--tail", "3"], b"done\nend\n50%\n"),
        ([], ["--grep", "1|downloading"], b""),
        ([], ["--grep", "2$"], b"outer 2\ninner 2\n"),
        ([], ["--raw", "--grep", "done"], b"downloading\rdone\x1b[K\n"),
        ([], ["-f"], b"start\nouter 2\ninner 2\ndone\nend\n50%\n"),
    ],
    ids=["one", "stderr", "stdout", "tail", "grep repainted", "grep", "raw grep", "follow"],
)
def test_lines_are_what_a_terminal_shows(work: Workplace, run_options: list[str], options: list[str], expected: bytes) -> None:
    """Nested bars, erased and overwritten lines; both streams in the order of their newlines."""
    script = f"( {NESTED} ) 2>&1" if not run_options else NESTED
    assert work.swanlab("run", "-q", *run_options, "sh", "-c", script).returncode == 0
    assert work.output(*options) == expected


def test_streams_apart_are_shown_in_the_order_of_their_newlines(work: Workplace) -> None:
    """Each on its own screen: a bar on one is not overwritten by lines on the other, and comes when it is ended."""
    steps = ["printf '50%%' >&2", "seq 150", "printf '\\r99%%\\n' >&2", "seq 151 300"]
    ends = [b"50%", b"150\n", b"99%\n"]
    run = Paced(work, "; read line <&3; ".join(steps), "--split")
    for end in ends:
        wait_for_output(work, end)
        run.go()
    run.end()
    lines = work.output().decode().splitlines()
    assert lines == [*map(str, range(1, 151)), "99%", *map(str, range(151, 301))]


def test_json_says_when_a_line_last_changed(work: Workplace) -> None:
    """Not when it was begun, and not when its newline came."""
    run = Paced(work, r"printf 'a\nb\033[A'; read line <&3; printf '\rX\n'; read line <&3; printf '\n'", "--no-pty")
    wait_for_output(work, b"\x1b[A")
    first = time.time()
    run.go()
    wait_for_output(work, b"X\n")
    second = time.time()
    run.go()
    run.end()
    x, b = (json.loads(line) for line in work.output("--json").splitlines())
    assert (x["text"], b["text"]) == ("X", "b")
    assert b["time"] < first < x["time"] < second


class Paced:
    """A run of a shell script that waits for `go` at each `read line <&3`."""

    def __init__(self, work: Workplace, script: str, *options: str) -> None:
        fifo = work.directory / "go"
        os.mkfifo(fifo)
        command = ["sh", "-c", f"exec 3< {fifo}; {script}"]
        self.process = work.start("run", "-q", *options, *command, stdout=subprocess.DEVNULL)
        self._fifo = fifo.open("w")

    def go(self) -> None:
        """Let the script go on."""
        self._fifo.write("\n")
        self._fifo.flush()

    def end(self) -> None:
        """Wait for the script's end."""
        self._fifo.close()
        self.process.communicate(timeout=DEADLINE_S)


def wait_for_output(work: Workplace, end: bytes) -> None:
    """Wait until this is the last that the run has printed."""
    wait_for(lambda: list(work.logdir.glob("run-*/a0-r0.output")) and work.output("--raw").endswith(end), f"{end!r}")


class Growing:
    """A run whose child prints a line for each that it is sent."""

    def __init__(self, work: Workplace) -> None:
        fifo = work.directory / "lines"
        os.mkfifo(fifo)
        script = f"printf '1\\n2\\n3\\n'; while read line; do echo $line; done < {fifo}"
        self.process = work.start("run", "-q", "sh", "-c", script, stdout=subprocess.DEVNULL)
        self._lines = fifo.open("w")
        wait_for(lambda: list(work.logdir.glob("run-*/a0-r0.output")) and work.output() == b"1\n2\n3\n", "the first lines")

    def send(self, line: str) -> None:
        """Have the child print this."""
        self._lines.write(line + "\n")
        self._lines.flush()

    def end(self) -> None:
        """End the child."""
        self._lines.close()
        self.process.communicate(timeout=DEADLINE_S)


@pytest.fixture
def growing(work: Workplace) -> Iterator[Growing]:
    """A run that goes on."""
    run = Growing(work)
    yield run
    run.end()


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], b"1\n2\n3\nfour\nfive\n"), (["--tail", "1"], b"3\nfour\nfive\n"), (["--raw"], b"1\n2\n3\nfour\nfive\n")],
    ids=["all", "tail", "raw"],
)
def test_follow_shows_what_comes_until_the_end(
    work: Workplace, growing: Growing, tmp_path: Path, options: list[str], expected: bytes
) -> None:
    """New lines appear while the run lasts; with --tail only the last of the old ones; the end ends it."""
    shown = tmp_path / "shown"
    with shown.open("wb") as out:
        following = work.start("logs", "last", "-f", *options, stdout=out)
    wait_for(lambda: shown.read_bytes().endswith(b"3\n"), "the old lines")
    growing.send("four")
    wait_for(lambda: shown.read_bytes().endswith(b"four\n"), "a new line")
    assert following.poll() is None
    growing.send("five")
    growing.end()
    following.communicate(timeout=DEADLINE_S)
    assert following.returncode == 0
    assert shown.read_bytes() == expected


def _begins_with(file: Path, content: bytes) -> bool:
    return file.read_bytes().startswith(content)


BARS = r"for n in 1 2 3 4 5 6 7 8 9; do printf '\router %s\n\rinner %s\033[A' $n $n; done"


@pytest.mark.parametrize(
    ("steps", "seen", "expected"),
    [
        (
            ["echo start", BARS, r"printf '\n\nafter\n'", "echo end"],
            [b"start\n", b"start\n", b"start\nouter 9\ninner 9\nafter\n"],
            b"start\nouter 9\ninner 9\nafter\nend\n",
        ),
        (
            ["echo bar 1", r"printf '\033[A\rbar 2\n:'", r"printf '\ra\nb\n:'", r"printf '\rc\n'"],
            [b"bar 1\n", b"bar 1\n", b"bar 1\nbar 2\na\n"],
            b"bar 1\nbar 2\na\nb\nc\n",
        ),
    ],
    ids=["nested bars", "a line that was shown"],
)
def test_follow_shows_a_repainted_line_once_more_at_most(
    work: Workplace, tmp_path: Path, steps: list[str], seen: list[bytes], expected: bytes
) -> None:
    """A line is there soon after its newline; bars that go on are not a line for each repaint."""
    run = Paced(work, "; read line <&3; ".join(steps))
    shown = tmp_path / "shown"
    wait_for_output(work, b"\n")
    with shown.open("wb") as out:
        following = work.start("logs", "last", "-f", stdout=out)
    for number, lines in enumerate(seen):
        if number:
            run.go()
        wait_for(partial(_begins_with, shown, lines), f"{lines!r}")
    run.go()
    run.end()
    following.communicate(timeout=DEADLINE_S)
    assert shown.read_bytes() == expected
