"""process.masking, recorder.salvage: secrets in output become `*` on disk, whatever pieces they come in, whoever is killed."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pexpect
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swanlab_cli.environment.target import Target
from swanlab_cli.process.flight import HELD_BYTES, Flight
from swanlab_cli.process.masking import Held, MaskedRecord, OutputMask
from swanlab_cli.recorder.assistant import Assignment
from swanlab_cli.recorder.salvage import record_rest
from swanlab_cli.settings import resolve_run_settings
from swanlab_cli.store.reader import OutputTail
from swanlab_cli.store.writer import OutputWriter, create_run

from .conftest import CHILDREN, DEADLINE_S, SWANLAB, Workplace, python, wait_for
from .handmade import HEADER, LANE
from .test_crash import Victim

SECRET = "hf_Zq81mPx0VdT3nKcYw7"
OVERLAPPING = (b"hf_Zq81mPx0VdT3", b"VdT3nKcYw7RbUe", b"Zq81mPx0VdT3nKcYw7")


def masked(text: bytes, values: Sequence[bytes], pattern: re.Pattern[str] | None = None) -> bytes:
    """What must be on record of a stream that printed `text` and ended: each byte of each occurrence is a `*`."""
    spans = [
        (start, start + len(value))
        for value in values
        for start in range(len(text) - len(value) + 1)
        if text.startswith(value, start)
    ]
    cut_off = next((n for n in range(len(text), 7, -1) if any(len(v) > n and v.startswith(text[-n:]) for v in values)), 0)
    spans.append((len(text) - cut_off, len(text)))
    line_start = 0
    for line in re.findall(rb"[^\r\n]*[\r\n]|[^\r\n]+", text) if pattern else []:
        assert pattern
        matches = pattern.finditer(line.decode().strip("\r\n"))
        spans += [(line_start + match.start(), line_start + match.end()) for match in matches]
        line_start += len(line)
    result = bytearray(text)
    for start, end in spans:
        result[start:end] = b"*" * (end - start)
    return bytes(result)


def pieces_of(text: bytes, places: Sequence[int]) -> list[bytes]:
    """The text cut at these places, in any order and perhaps behind its end."""
    cuts = [0, *sorted({min(place, len(text)) for place in places}), len(text)]
    return [text[start:end] for start, end in pairwise(cuts)]


def fed(mask: OutputMask, pieces: Sequence[bytes], index: int = 0) -> bytes:
    """What the mask has recorded of a stream that came in these pieces."""
    return b"".join([bytes(mask.feed(index, piece)) for piece in pieces] + [mask.finish(index)])


VALUES = st.lists(st.text("abQ\n", min_size=1, max_size=9).map(str.encode), min_size=1, max_size=4)


@st.composite
def printed(draw: st.DrawFn) -> tuple[list[bytes], bytes, list[int]]:
    """(values, a text made of pieces of them and of other letters, places to cut it at)."""
    values = draw(VALUES)
    piece = st.sampled_from(values).flatmap(
        lambda value: st.tuples(st.integers(0, len(value)), st.integers(0, len(value))).map(lambda ends: value[ends[0] : ends[1]])
    )
    whole = st.sampled_from(values)
    other = st.text("abcQ\r\n", max_size=3).map(str.encode)
    text = b"".join(draw(st.lists(st.one_of(piece, whole, other), max_size=12)))
    return values, text, draw(st.lists(st.integers(0, 60), max_size=10))


@settings(max_examples=400, deadline=None)
@given(printed())
def test_any_split_gives_the_same_masked_whole(case: tuple[list[bytes], bytes, list[int]]) -> None:
    """Every byte of every occurrence is a star and no other byte has changed, however the text was cut."""
    values, text, places = case
    all_values = [*values, *(value.replace(b"\n", b"\r\n") for value in values)]
    assert fed(OutputMask(values), pieces_of(text, places)) == masked(text, all_values)


@settings(max_examples=400, deadline=None)
@given(printed(), st.sampled_from(["a+c", "^b.", "a$", "c[^b]*", "(?<=b)c", "b?"]))
def test_patterns_see_whole_lines_in_any_split(case: tuple[list[bytes], bytes, list[int]], pattern: str) -> None:
    """A pattern matches in a line as it would if the line had come at once; values are masked besides."""
    values, text, places = case
    all_values = [*values, *(value.replace(b"\n", b"\r\n") for value in values)]
    expression = re.compile(pattern)
    assert fed(OutputMask(values, [expression]), pieces_of(text, places)) == masked(text, all_values, expression)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.binary(min_size=8, max_size=40).filter(lambda value: b"*" not in value), min_size=1, max_size=5),
    st.data(),
)
def test_no_value_is_left_in_any_bytes(values: list[bytes], data: st.DataObject) -> None:
    """Nothing of eight bytes or more that is secret is found in the result, whatever bytes stand around it."""
    parts = data.draw(st.lists(st.one_of(st.sampled_from(values), st.binary(max_size=10)), max_size=10))
    text = b"".join(parts)
    result = fed(OutputMask(values), pieces_of(text, data.draw(st.lists(st.integers(0, 300), max_size=10))))
    assert (len(result), [value for value in values if value in result]) == (len(text), [])


@pytest.mark.parametrize(
    ("pieces", "now", "held"),
    [
        ([b"loss=0.5\n"], b"loss=0.5\n", b""),
        ([b"key h"], b"key ", b"h"),
        ([b"key hf_Zq8"], b"key ", b"hf_Zq8"),
        ([b"key hf_Zq8", b"2 is none"], b"key hf_Zq82 is none", b""),
        ([b"key hf_Zq8", b"1mPx0VdT3nKcYw7 "], b"key ********************* ", b""),
        ([bytes([byte]) for byte in b"<" + SECRET.encode() + b">"], b"<*********************>", b""),
        ([b"hf_Zq81mPx0VdT3nKcYw7" * 2], b"*" * 42, b""),
    ],
    ids=["plain", "one byte", "half", "half of none", "two halves", "byte by byte", "twice"],
)
def test_what_is_held_back(pieces: list[bytes], now: bytes, held: bytes) -> None:
    """Only an end that may become a secret waits."""
    mask = OutputMask([SECRET.encode()])
    assert (b"".join(bytes(mask.feed(0, piece)) for piece in pieces), mask.held(0).data) == (now, held)


def test_streams_do_not_mix() -> None:
    """Halves that come by different streams are not joined; those of one stream are, whatever comes by the other."""
    mask, secret = OutputMask([SECRET.encode()]), SECRET.encode()
    recorded = [bytes(mask.feed(index, data)) for index, data in ((0, secret[:9]), (1, secret[:9]), (0, secret[9:]), (1, b"!"))]
    assert recorded == [b"", b"", b"*" * len(secret), secret[:9] + b"!"]


def test_overlapping_values() -> None:
    """All of each is masked, with nothing between them left over."""
    text = b"(hf_Zq81mPx0VdT3nKcYw7RbUe)"
    assert fed(OutputMask(OVERLAPPING), [text[:18], text[18:]]) == b"(" + b"*" * 25 + b")"


def test_value_of_one_letter_costs_no_more_than_its_length() -> None:
    """A flood in which a value begins at every byte is masked in a moment."""
    assert fed(OutputMask([b"x" * 12]), [b"x" * (1 << 20), b"\n" + b"x" * 11]) == b"*" * (1 << 20) + b"\n" + b"*" * 11


@pytest.mark.parametrize("length", [HELD_BYTES // 2, HELD_BYTES // 2 + 1, 100_000])
def test_long_values_are_masked_whole_and_fit_into_the_page(length: int) -> None:
    """However long a value is, as much is held as there is room for, and all of it is masked."""
    value = bytes(random.Random(length).choices(b"abcdefghijklmnopqrstuvwxyz", k=length))
    mask = OutputMask([value], [re.compile("qqqqqq")])
    text, recorded, longest = b"<" + value + b">\n" + b"y" * 5000, b"", 0
    for start in range(0, len(text), 1000):
        recorded += mask.feed(0, text[start : start + 1000])
        longest = max(longest, len(mask.held(0).data))
    recorded += mask.finish(0)
    assert recorded == b"<" + b"*" * length + b">\n" + b"y" * 5000
    assert longest <= HELD_BYTES


def test_nothing_to_mask_changes_nothing() -> None:
    """Without values and patterns the very object comes back, and values of stars are no secrets."""
    data = memoryview(b"token ********\n")
    mask = OutputMask([b"", b"********"])
    assert (bool(mask), mask.feed(0, data) is data, mask.held(0)) == (False, True, Held())


# The pump of test_killed_at_any_step: what it reads, from which of two streams.
_READS = ((0, 5), (1, 9), (0, 12), (1, 30), (0, 30), (1, 2), (0, 20), (0, 14), (1, 60))
_TEXTS = (
    b"one hf_Zq81mPx0VdT3nKcYw7RbUe two hf_Zq81mPx0VdT3 three, and hf_Zq8 is no more of it, hf_Zq81mPx0Vd",
    b"VdT3 err VdT3nKcYw7RbUe, line\nVdT3nKcYw7 VdT3nKcYw7RbUe\nhf_Zq",
)


def _pump(flight: Flight, record: MaskedRecord, sources: Sequence[int]) -> None:
    """Copy as the pump does."""
    for index, length in _READS:
        flight.reading(index, record.offset)
        count = os.readv(sources[index], [flight.buffer[:length]])
        record.append(f"s{index}", flight.buffer[:count])
        flight.recorded()
        flight.clear(count)
    for index in (1, 0):
        flight.reading(index, record.offset)
        record.finish(f"s{index}")
        flight.recorded()


def _kill_at(step: int, work: Callable[[], None]) -> bool:
    """Do the work in a process that is killed before the given line of Python; whether it was, or had ended."""
    pid = os.fork()
    if pid == 0:
        left = step

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal left
            left -= event == "line"
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def _recorded_after_kill(directory: Path, step: int) -> tuple[bool, list[bytes]]:
    """(whether the pump was killed before it ended, what is on record of each stream)."""
    run = create_run(str(directory), HEADER._replace(id=f"s{step}"))
    output, flight, mask = OutputWriter(run, LANE), Flight(), OutputMask(OVERLAPPING)
    pipes = [os.pipe() for _ in _TEXTS]
    for (_, sink), text in zip(pipes, _TEXTS, strict=True):
        os.write(sink, text)
        os.close(sink)
    sources = [source for source, _ in pipes]
    was_killed = _kill_at(step, lambda: _pump(flight, MaskedRecord(output, mask, flight), sources))
    run_settings = resolve_run_settings({}, {}, str(directory))
    target = Target(HEADER.command, None, "/", {}, 0)
    assignment = Assignment(run, LANE, HEADER, target, flight, ("s0", "s1"), sources, output, mask, None, run_settings)
    record_rest(assignment, dict(enumerate(sources)))
    for descriptor in (*sources, *output.descriptors()):
        os.close(descriptor)
    chunks = OutputTail(run, LANE).read()
    return was_killed, [b"".join(chunk.data for chunk in chunks if chunk.stream == name) for name in ("s0", "s1")]


@pytest.mark.parametrize("part", range(8))
def test_killed_at_any_step(tmp_path: Path, part: int) -> None:
    """Before whichever line of its code the pump dies: nothing is missing, nothing comes twice, every secret is masked."""
    expected = [masked(text, OVERLAPPING) for text in _TEXTS]
    step, was_killed = part, True
    while was_killed:
        was_killed, recorded = _recorded_after_kill(tmp_path, step)
        assert recorded == expected, f"killed before line {step}"
        step += 8
    assert step > 400, "the steps were not counted"


@pytest.mark.parametrize("options", [(), ("--no-pty",)], ids=["pty", "pipe"])
@pytest.mark.parametrize("attempt", range(6))
def test_pump_killed_while_the_child_prints_secrets(work: Workplace, options: tuple[str, ...], attempt: int) -> None:
    """All that the child had printed is on record, and none of its secrets, wherever they were cut."""
    line = f"key {SECRET} hf_Zq8 {SECRET}{SECRET} hf_{SECRET}\n"
    work.environ.update(LINE=line, SEED=str(attempt), MY_TOKEN=SECRET)
    victim = Victim(work, sys.executable, str(CHILDREN / "print_secrets.py"), options=options)
    victim.wait_for_progress(random.Random(attempt).randrange(1, 3000))
    victim.process.kill()
    told = victim.last_told()
    victim.wait_until_gone()
    recorded = work.output("--raw")
    printed_text = line.encode() * (len(recorded) // len(line) + 1)
    assert recorded == masked(printed_text[: len(recorded)], [SECRET.encode()])
    assert len(recorded) >= told
    assert printed_text.startswith(victim.outside.read_bytes())


# Prints a value in two writes; before the second it waits until the first is no longer held by a pipe or pty.
HALVES = """
import os, sys
secret, stream = os.environ["MY_TOKEN"].encode(), int(sys.argv[1])
os.write(stream, b"begin " + secret[:9])
if "TELL" in os.environ: os.write(int(os.environ["TELL"]), b"15\\n")
open(sys.argv[2]).close()
os.write(stream, secret[9:] + b" end\\n")
"""


@pytest.mark.parametrize("stream", [1, 2], ids=["stdout", "stderr"])
@pytest.mark.parametrize("option", ["--pty", "--no-pty"])
def test_value_in_two_writes_far_apart(work: Workplace, option: str, stream: int) -> None:
    """The first half is passed on at once; both halves are masked on the disk, with every offset as it was."""
    go = work.directory / "go"
    os.mkfifo(go)
    work.environ["MY_TOKEN"] = SECRET
    process = work.start("run", "-q", option, *python(HALVES), str(stream), str(go))
    outside = process.stdout if stream == 1 else process.stderr
    assert outside is not None
    assert outside.read(15) == b"begin " + SECRET[:9].encode()
    go.write_text("")
    seen, _ = process.communicate(timeout=DEADLINE_S) if stream == 1 else process.communicate(timeout=DEADLINE_S)[::-1]
    assert seen == SECRET[9:].encode() + b" end\n"
    assert work.output("--raw") == b"begin ********************* end\n"
    assert work.show()["state"] == "finished"


def test_first_half_is_rescued_masked(work: Workplace) -> None:
    """The pump is killed while it holds the first half: the scribe records it, as the beginning of a secret."""
    work.environ["MY_TOKEN"] = SECRET
    victim = Victim(work, *python(HALVES), "1", str(work.directory / "go"))
    os.mkfifo(work.directory / "go")
    wait_for(lambda: victim.outside.read_bytes() == b"begin hf_Zq81mP", "the first half outside")
    victim.process.kill()
    assert victim.last_told() == 15
    victim.wait_until_gone()
    assert work.output("--raw") == b"begin *********"


def test_terminal_shows_what_the_record_hides(work: Workplace) -> None:
    """On a terminal the untouched bytes come out; the value is masked where a carriage return was added to its newline too."""
    work.environ["MY_SECRET"] = "first line\nsecond line"
    child = "import os; print('a', os.environ['MY_SECRET'], 'z')"
    terminal = pexpect.spawn(
        SWANLAB, ["run", "-q", *python(child)], cwd=str(work.directory), env=work.environ, timeout=DEADLINE_S
    )
    terminal.expect(pexpect.EOF)
    terminal.close()
    shown: Any = terminal.before
    assert shown == b"a first line\r\nsecond line z\r\n"
    assert work.output("--raw") == b"a ********************** z\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), f"id=4711 {'*' * len(SECRET)} id=12\n"),
        (("--no-redact",), f"id=4711 {SECRET} id=12\n"),
        (("--redact-pattern", r"id=\d+", "--redact-pattern", "q"), f"******* {'*' * len(SECRET)} *****\n"),
        (("--no-redact", "--redact-pattern", r"id=\d+"), f"id=4711 {SECRET} id=12\n"),
    ],
    ids=["default", "off", "patterns", "patterns but off"],
)
def test_what_the_options_do(work: Workplace, options: Sequence[str], expected: str) -> None:
    """The caller's stream has it all; patterns are masked besides known values, and --no-redact masks nothing."""
    printed_line = f"id=4711 {SECRET} id=12\n".encode()
    work.environ["MY_TOKEN"] = SECRET
    command = python("import os; print('id=4711', os.environ['MY_TOKEN'], 'id=12')")
    assert work.swanlab("run", "-q", *options, *command).stdout == printed_line
    assert work.output("--raw") == expected.encode()


def test_bad_pattern_is_refused(work: Workplace) -> None:
    """Nothing is started; the message names the option, the pattern and the cause."""
    result = work.swanlab("run", "--redact-pattern", "(", "touch", "started")
    assert (result.returncode, (work.directory / "started").exists()) == (2, False)
    assert b"'--redact-pattern': '(' is not a regular expression: missing )" in result.stderr


def test_secret_is_masked_for_descendants_that_stay(work: Workplace) -> None:
    """What a descendant prints after the child's end is masked as well."""
    go = work.directory / "go"
    os.mkfifo(go)
    work.environ["MY_TOKEN"] = SECRET
    process = work.start("run", "-q", "sh", "-c", f"(read x <{go}; echo late $MY_TOKEN) & echo early $MY_TOKEN")
    process.wait(DEADLINE_S)
    go.write_text("x\n")
    process.communicate(timeout=DEADLINE_S)
    expected = f"early {'*' * len(SECRET)}\nlate {'*' * len(SECRET)}\n".encode()
    wait_for(lambda: work.output("--raw") == expected, "the late line on record")


def test_prompt_that_shows_a_secret_is_answered(work: Workplace) -> None:
    """Rules see what the user would see; the record does not show it."""
    work.environ["MY_TOKEN"] = SECRET
    command = ("sh", "-c", 'printf "use $MY_TOKEN? "; read x; echo got $x')
    result = work.swanlab("run", "-q", "--answer", f"{SECRET}\\?=yes", *command)
    assert b"got yes" in result.stdout
    output = work.output("--raw")
    assert (output.startswith(b"use *********************? "), SECRET.encode() in output) == (True, False)


def test_console_echo_is_masked(work: Workplace) -> None:
    """A value that is typed and echoed on a console of the child's own is masked."""
    work.environ["MY_TOKEN"] = SECRET
    result = work.swanlab("run", "-q", "--answer", rf"key\?={SECRET}", "sh", "-c", "printf 'key? '; read x; echo ok")
    assert (SECRET.encode() in result.stdout + result.stderr, SECRET.encode() in work.output("--raw")) == (True, False)


def test_disk_that_is_full(work: Workplace) -> None:
    """What cannot be recorded is counted to the byte, with what was held back, and passed on unmasked."""
    work.environ["MY_TOKEN"] = SECRET
    line = f"{SECRET}\n".encode()
    limited = ["bash", "-c", f'trap "" XFSZ; ulimit -f 8; exec {SWANLAB} run -q {sys.executable} -c "$0"']
    child = "import os\nfor i in range(2000): os.write(1, os.environ['MY_TOKEN'].encode() + b'\\n')\nos.write(1, b'hf_Zq')"
    result = subprocess.run(
        [*limited, child], cwd=work.directory, env=work.environ, capture_output=True, timeout=DEADLINE_S, check=False
    )
    assert result.stdout == line * 2000 + b"hf_Zq"
    recorded = (work.run_directory() / "a0-r0.output").read_bytes()
    assert recorded == ((b"*" * len(SECRET) + b"\n") * 2000)[: len(recorded)]
    missing = len(result.stdout) - len(recorded)
    assert missing > 0
    assert f"({missing} bytes of output are missing)".encode() in result.stderr
