"""Our screen beside pyte's: what is left of generated sequences, and of what real programs print on a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swanlab_cli.parser.screen import Screen

from .conftest import DEADLINE_S

COLUMNS = 900  # more than any generated line has: ours is wider still


class Oracle(pyte.HistoryScreen):
    """pyte's screen, with its lines that scrolled away."""

    def delete_lines(self, count: int | None = None) -> None:
        """Delete lines; pyte 0.8.2 leaves those in their place that would be replaced by ones not written to yet."""
        for row in range(self.lines):
            self.buffer[row] = self.buffer[row]
        super().delete_lines(count)


def of_pyte(output: bytes, height: int, columns: int = COLUMNS) -> list[str]:
    """The lines as pyte has them."""
    screen = Oracle(columns, height, history=100_000)
    # The kernel's carriage returns, where the output has none yet.
    pyte.ByteStream(screen).feed(output.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    lines = [*screen.history.top, *(screen.buffer[row] for row in range(height))]
    return trimmed("".join(line[column].data for column in range(columns)) for line in lines)


def of_ours(output: bytes, height: int, portion: int = 1 << 20) -> list[str]:
    """The lines as we have them."""
    screen = Screen(height)
    rows = [row for start in range(0, len(output), portion) for row in screen.feed(output[start : start + portion])]
    return trimmed(row.text.expandtabs(8) for row in rows + screen.finish())


def trimmed(lines: Iterable[str]) -> list[str]:
    """Without blanks at the ends of lines and blank lines at the end; letters with marks in one form."""
    texts = [unicodedata.normalize("NFC", line.rstrip(" ")) for line in lines]
    while texts and not texts[-1]:
        texts.pop()
    return texts


# Left out, since pyte 0.8.2 does otherwise than ECMA-48 and xterm: NEL (without the carriage return), HPA (another final byte),
# C1 controls but CSI and OSC, DCS, APC, PM and SOS strings (shown), CSI s and u and the alternate screens (unknown), ED 3 and RIS
# (the history goes), restoring a place twice (a stack), private parameters of ED and EL, halves of wide characters (the other
# half stays), characters without width that do not combine (the rest of the text goes). Counts that reach the right edge are left
# out as well: ours is further away.
def sequences(counts: list[int]) -> st.SearchStrategy[str]:
    """Control sequences with such counts of columns."""
    number = st.sampled_from(counts).map(str)
    place = st.sampled_from(counts).map(lambda count: str(count + 1))
    some = st.sampled_from(["", "0", "1", "2", "3", "5", "99"])
    columns = st.builds("\x1b[{}{}".format, number, st.sampled_from("CDaXP@"))
    places = st.builds("\x1b[{}G".format, place)
    rows = st.builds("\x1b[{}{}".format, some, st.sampled_from("ABEFdeLM"))
    cells = st.builds(
        "\x1b[{};{}{}".format, some, st.sampled_from(counts).map(lambda count: str(count + 1)), st.sampled_from("Hf")
    )
    erasing = st.sampled_from(["\x1b[K", "\x1b[0K", "\x1b[2K", "\x1b[J", "\x1b[0J", "\x1b[2J", "\x1b[H\x1b[2J", "\x1b[H\x1b[J"])
    others = st.sampled_from(["\x1b[31m", "\x1b[0;1m", "\x1b]0;title\x07", "\x1b[?25l", "\x1b(B", "\x07", "\0"])
    return st.one_of(columns, places, rows, rows, cells, erasing, others)


def outputs(texts: st.SearchStrategy[str], moves: list[str], counts: list[int]) -> st.SearchStrategy[bytes]:
    """What programs might print."""
    step = st.one_of(texts, texts, st.sampled_from(["\r", "\n", "\r\n", *moves]), sequences(counts))
    some = st.lists(step, max_size=25).map("".join)
    saved = st.tuples(some, some, some).map("{0[0]}\x1b7{0[1]}\x1b8{0[2]}".format)
    return st.one_of(some, saved).map(str.encode)


NARROW = outputs(
    st.text("abcxyz0189 |#=━█é", min_size=1, max_size=12),
    ["\b", "\b\b\b", "\t", "\x0b", "\x0c", "\x1bD", "\x1bM", "\x1b[1K", "\x1b[1J"],
    [0, 1, 2, 3, 4, 7, 12],
)
# All of it in twos, so that no wide character is cut.
WIDE = outputs(
    st.lists(st.sampled_from(["中", "文", "🚀", "ab", "  ", "e\u0301x", "中\u0301", "한"]), min_size=1, max_size=6).map("".join),
    ["\b\b", "\x0b", "\x1bD", "\x1bM"],
    [2, 4, 6, 8],
)
HEIGHTS = st.sampled_from([2, 3, 5, 24])


@settings(deadline=None, max_examples=400)
@given(output=NARROW, height=HEIGHTS, portion=st.sampled_from([1, 3, 1 << 20]))
def test_generated_output(output: bytes, height: int, portion: int) -> None:
    """The same lines are left, those that scrolled away included."""
    assert of_ours(output, height, portion) == of_pyte(output, height)


@settings(deadline=None, max_examples=200)
@given(output=WIDE, height=HEIGHTS, portion=st.sampled_from([1, 3, 1 << 20]))
def test_generated_output_of_wide_characters(output: bytes, height: int, portion: int) -> None:
    """Two columns each, marks on them none."""
    assert of_ours(output, height, portion) == of_pyte(output, height)


NESTED = """
from tqdm import tqdm
for epoch in tqdm(range(3), desc="epochs", position=0, leave=True, mininterval=0):
    for batch in tqdm(range(5), desc="batches", position=1, leave=LEAVE, mininterval=0, ascii=ASCII):
        if batch == 3:
            tqdm.write(f"epoch {epoch}: loss {1 / (epoch + batch)}")
print("done")
"""
RICH = """
from rich.progress import Progress
with Progress(transient=TRANSIENT) as progress:
    tasks = [progress.add_task(f"[green]task {number}", total=10) for number in range(3)]
    for step in range(10):
        for task in tasks:
            progress.advance(task)
        progress.console.print(f"step {step}: loss {1 / (step + 1):.3f}")
        progress.refresh()
print("done")
"""
CURL = """
printf '  %% Total    %% Received\\n'
for part in 1 2 3 4 5 6 7 8 9 10; do printf '\\r%3d %4dk    0 %4dk' $part $part $part; done
printf '\\n'; for part in '|' / - '\\\\'; do printf '%s\\b' "$part"; done; printf '\\rReading package lists... 50%%\\r'
printf '\\rReading package lists... Done\\033[K\\n'
"""
GIT = """
git init -q source && cd source
for number in $(seq 300); do echo $number > file$number; done
git add . && git -c user.name=a -c user.email=a@b commit -qm all && cd ..
git clone --progress "file://$PWD/source" copy
"""
PROGRAMS = {
    "tqdm, bars that stay": [sys.executable, "-c", NESTED.replace("LEAVE", "True").replace("ASCII", "True")],
    "tqdm, bars that go": [sys.executable, "-c", NESTED.replace("LEAVE", "False").replace("ASCII", "False")],
    "rich, bars that stay": [sys.executable, "-c", RICH.replace("TRANSIENT", "False")],
    "rich, bars that go": [sys.executable, "-c", RICH.replace("TRANSIENT", "True")],
    "curl and apt": ["sh", "-c", CURL],
    "git": ["sh", "-ec", GIT],
}


def printed(command: list[str], directory: Path) -> bytes:
    """What a program prints on a terminal of 24 lines and 100 columns."""
    master, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("LINES", "COLUMNS")}
    process = subprocess.Popen(
        command, cwd=directory, env={**environ, "TERM": "xterm", "HOME": str(directory)}, stdin=side, stdout=side, stderr=side
    )
    os.close(side)
    output = b""
    try:
        while data := os.read(master, 65536):
            output += data
    except OSError:  # EIO: nobody has the other side any more
        pass
    os.close(master)
    assert process.wait(DEADLINE_S) == 0, output
    return output


@pytest.mark.parametrize("command", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_real_output(command: list[str], tmp_path: Path) -> None:
    """The same lines are left of it, and fewer than were printed."""
    output = printed(command, tmp_path)
    expected = of_pyte(output, 24, 100)
    assert of_ours(output, 24) == expected
    assert of_ours(output, 24, 7) == expected
    assert output.count(b"\r") > len(expected) > 1
