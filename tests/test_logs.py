"""`swanlab logs`: text, JSON and raw, one stream or all, once or as it grows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
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
