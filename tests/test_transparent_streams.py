"""Bytes, streams and stdin of a command behind `swanlab run`, compared with the same command without it."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shlex
import socket
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from .conftest import DEADLINE_S, Workplace, wait_for
from .sidebyside import MODES, PTY, Caller, Pair, let_go, pair, read_to_end, read_until, snippet

# The words of the command line are bytes in hexadecimal; stderr gets them backwards.
WRITE_ARGUMENTS = """
import os, sys
for word in sys.argv[1:]: os.write(1, bytes.fromhex(word)); os.write(2, bytes.fromhex(word)[::-1])
"""


@pytest.fixture(params=MODES)
def both(work: Workplace, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A bare and a wrapped caller, in each mode of `swanlab run`."""
    yield from pair(work, request.param)


# ---- bytes and streams


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b"a\r\nb\r\n", b"10%\r", b"20%\r", b"\r\n", b"\ta\t\tb\x0b\x0c\x08\n"],
        [b"\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2K\x1bP+q\x1b\\", b"\x03\x04\x1a\x1c\x11\x13\x16\x0f\x12\x15\x17\x7f\x08"],
        [b"\xff\xfe\xc3(\xa0\xf8\n", b"\0a\0\0\n", *("中😀é".encode()[n : n + 2] for n in range(0, 9, 2))],
        [b"x" * 4095, b"y" * 4096, b"z" * 4097],
        [b"q" * 65000, b"\n"],
    ],
    ids=["nothing", "line ends", "terminal codes", "no text", "around a page", "long line"],
)  # fmt: skip
def test_bytes_come_out_as_written(both: Pair, chunks: list[bytes]) -> None:
    """Each stream carries exactly what was written to it, whatever it is."""
    words = [chunk.hex() for chunk in chunks]
    expected = (0, b"".join(chunks), b"".join(chunk[::-1] for chunk in chunks))
    assert both.see(lambda caller: caller.run(*snippet(WRITE_ARGUMENTS), *words)) == expected


@pytest.mark.parametrize(
    "script",
    [
        "$WITH sh talk >out 2>err",
        "$WITH sh talk 2>&1 >out",
        "$WITH sh talk 3>&1 1>&2 2>&3 3>&-",
        "echo before >out; $WITH sh talk >>out 2>>out; echo after >>out",
        "$WITH sh talk |& sed 's/^/> /'",
        "printf 'longer than what is written over it, by far\\n' >out; $WITH sh talk 1<>out",
        "{ echo a; $WITH sh talk; echo b; $WITH echo c; echo d; } >out 2>&1",
        "$WITH sh talk >out 2>err & wait $!; cat out err",
        "mkfifo pipe; $WITH sh talk >pipe 2>&1 & cat pipe; wait",
    ],
)
def test_redirections_of_the_shell(both: Pair, script: str) -> None:
    """However a shell separates or joins the streams: same bytes in the same files, in order among the shell's own."""

    def look(caller: Caller) -> tuple[Any, ...]:
        (caller.directory / "talk").write_text("echo o1; echo e1 >&2; echo o2; echo e2 >&2; printf o3; printf e3 >&2\n")
        seen = caller.shell(script)
        files = {name: path.read_bytes() for name in ("out", "err") if (path := caller.directory / name).exists()}
        return seen, files

    (status, stdout, stderr), files = both.see(look)
    assert status == 0
    assert b"1" in stdout + stderr + b"".join(files.values())


def test_all_is_in_the_file_when_we_exit(both: Pair) -> None:
    """A shell that looks at the file in its next command finds it complete, every time."""
    script = "for n in 1 2 3; do $WITH head -c 30000$n /dev/zero >out; wc -c <out; done"
    assert both.see(lambda caller: caller.shell(script)) == (0, b"300001\n300002\n300003\n", b"")


def test_one_line_of_eight_megabytes(both: Pair) -> None:
    """A line without end is no line to us: it comes out whole."""
    code = "import os\nfor n in range(128): os.write(1, b'%08d' % n * 8192)"
    digest = hashlib.sha256(b"".join(b"%08d" % n * 8192 for n in range(128))).hexdigest()

    def look(caller: Caller) -> tuple[int, str, bytes]:
        status, stdout, stderr = caller.run(*snippet(code))
        return status, hashlib.sha256(stdout).hexdigest(), stderr

    assert both.see(look) == (0, digest, b"")


def test_megabytes_on_both_streams_at_once(both: Pair) -> None:
    """Two busy streams do not mix, and neither waits for the other."""
    code = "import os\nfor n in range(500): os.write(1, b'%07d\\n' % n * 512); os.write(2, b'%06d\\n' % n * 512)"
    expected = (0, b"".join(b"%07d\n" % n * 512 for n in range(500)), b"".join(b"%06d\n" % n * 512 for n in range(500)))
    assert both.see(lambda caller: caller.run(*snippet(code))) == expected


def test_thousands_of_single_bytes_in_order(both: Pair) -> None:
    """One byte a write, alternating between two streams that are one pipe outside."""
    code = "import os\nfor n in range(4000): os.write(1 + n % 2, b'%d' % (n * 7 % 10))"
    expected = b"".join(b"%d" % (n * 7 % 10) for n in range(4000))
    assert both.see(lambda caller: caller.run(*snippet(code), stderr=subprocess.STDOUT)) == (0, expected, b"")


def test_every_byte_is_seen_before_the_next_is_written(both: Pair) -> None:
    """No burst and no delay: the child waits for an answer to each single byte, on each stream in turn."""
    code = "import os\nfor n in range(40): os.write(1 + n % 2, b'?'); assert os.read(0, 1) == b'!'"

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(code))
        assert process.stdin
        for turn in range(40):
            stream = (process.stdout, process.stderr)[turn % 2]
            assert stream
            assert read_until(stream, b"?") == b"?"
            process.stdin.write(b"!")
        return caller.finish(process)

    assert both.see(look) == (0, b"", b"")


def test_output_of_a_child_that_exits_at_once(both: Pair) -> None:
    """Nothing is lost in any of many short runs."""
    script = "for n in 1 2 3 4 5; do $WITH printf 'out%d' $n; $WITH sh -c 'printf err$0 >&2' $n; done"
    expected = (0, b"".join(b"out%d" % n for n in range(1, 6)), b"".join(b"err%d" % n for n in range(1, 6)))
    assert both.see(lambda caller: caller.shell(script)) == expected


@pytest.mark.parametrize("name", ["KILL", "SEGV"])
def test_last_words_before_death(both: Pair, name: str) -> None:
    """What was written right before a signal ended the child comes out, on both streams."""
    code = f"import os, signal; os.write(1, b'o' * 50000); os.write(2, b'last words'); os.kill(os.getpid(), signal.SIG{name})"
    _status, stdout, stderr = both.see(lambda caller: caller.run(*snippet(code)))
    assert (stdout, stderr) == (b"o" * 50000, b"last words")


@pytest.mark.parametrize("descriptor", [1, 2], ids=["stdout", "stderr"])
def test_stream_ends_with_the_child(both: Pair, descriptor: int) -> None:
    """The reader of a pipe sees the end as soon as we have exited: no helper of ours holds it."""
    script = f"$WITH sh -c 'echo words >&{descriptor}' {descriptor}>&1 | cat; echo over"
    assert both.see(lambda caller: caller.shell(script)) == (0, b"words\nover\n", b"")


# ---- a slow reader


# Writes until the outside has taken nothing for a while, tells how much that was, then writes on up to 16 MiB.
FILL = """
import os, select, sys
poller, written, told = select.poll(), 0, False
poller.register(1, select.POLLOUT)
block = bytes(range(256)) * 4
while written < 1 << 24:
    if not told and not poller.poll(700):
        os.write(2, b"%d\\n" % written)
        told = True
    written += os.write(1, block)
"""
MOST_ON_THE_WAY = 2 << 20


def test_reader_that_does_not_read_stops_the_child(both: Pair) -> None:
    """What nobody reads is not buffered without bound: the child has to wait, and loses nothing."""

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(FILL))
        assert process.stderr
        on_the_way = int(read_until(process.stderr, b"\n"))
        memory = _resident_bytes(process.pid)
        status, stdout, stderr = caller.finish(process)
        return on_the_way < MOST_ON_THE_WAY, memory < 150 << 20, status, hashlib.sha256(stdout).hexdigest(), stderr

    digest = hashlib.sha256(bytes(range(256)) * (1 << 16)).hexdigest()
    assert both.see(look) == (True, True, 0, digest, b"")


def _resident_bytes(pid: int) -> int:
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


ALMOST_FULL = 30000  # a pipe of 64 KiB is full earlier where the writes that filled it did not fill its pages


def _bytes_in(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")


def test_full_stdout_does_not_hold_up_stderr(both: Pair) -> None:
    """While nobody reads stdout, the other stream is passed on and stdin is answered."""

    def look(caller: Caller) -> Any:
        process = caller.start("sh", "-c", "yes & read line; echo $line >&2; read line; kill $!; exit 3")
        assert process.stdin
        assert process.stdout
        assert process.stderr
        pipe = process.stdout
        wait_for(lambda: _bytes_in(pipe.fileno()) > ALMOST_FULL, "a full pipe")
        process.stdin.write(b"hello\n")
        answer = read_until(process.stderr, b"\n")
        status, stdout, stderr = caller.finish(process, b"end\n")
        return answer, status, set(stdout.split()), stderr

    assert both.see(look) == (b"hello\n", 3, {b"y"}, b"")


# ---- a reader that has gone


def _leave(caller: Caller, process: subprocess.Popen[bytes], go: Path) -> None:
    """Read the child's first line, close the reading end of its stdout, and let it go on."""
    assert process.stdout
    assert read_until(process.stdout, b"\n") == b"ready\n"
    process.stdout.close()
    process.stdout = None
    let_go(go)


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("while echo x; do :; done", -13),
        ("exit 3", 3),
        ("echo words >&2; exit 4", 4),
    ],
    ids=["writes on", "no write", "writes elsewhere"],
)
def test_reader_gone(both: Pair, after: str, status: int) -> None:
    """The next write to a pipe without reader ends the child by SIGPIPE; a child that does not write is left alone."""

    def look(caller: Caller) -> Any:
        go = caller.fifo("go")
        process = caller.start("sh", "-c", f"echo ready; read line <go; {after}", stderr=subprocess.DEVNULL)
        _leave(caller, process, go)
        return process.wait(DEADLINE_S)

    assert both.see(look) == status


def test_reader_gone_while_sigpipe_is_ignored(both: Pair) -> None:
    """Writing fails with EPIPE (EIO on a pty), the child can say so on stderr and exits as it likes."""
    code = """
import errno, os, sys
os.write(1, b"ready\\n"); open("go").close()
try:
    while True: os.write(1, b"x" * 100)
except OSError as error:
    os.write(2, errno.errorcode[error.errno].encode()); sys.exit(9)
"""

    def look(caller: Caller) -> Any:
        go = caller.fifo("go")
        process = caller.start(*snippet(code))
        _leave(caller, process, go)
        assert process.stderr
        said = read_to_end(process.stderr)
        return process.wait(DEADLINE_S), said.replace(b"EIO", b"EPIPE") if both.mode == PTY else said

    assert both.see(look) == (9, b"EPIPE")


def test_reader_of_stderr_gone(both: Pair) -> None:
    """Each stream has its own reader: stdout goes on until the child writes to the stderr that nobody reads."""

    def look(caller: Caller) -> Any:
        go = caller.fifo("go")
        process = caller.start("sh", "-c", "echo ready >&2; read l <go; echo out; while echo x >&2; do :; done; echo never")
        assert process.stderr
        read_until(process.stderr, b"\n")
        process.stderr.close()
        process.stderr = None
        let_go(go)
        return caller.finish(process)

    assert both.see(look) == (-13, b"out\n", b"")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("$WITH yes | $WITH cat | head -n 1; echo ${PIPESTATUS[*]}", b"y\n141 141 0\n"),
        ("$WITH sh -c 'while echo x >&2; do :; done' 2>&1 | head -n 1; echo ${PIPESTATUS[*]}", b"x\n141 0\n"),
        ("$WITH bash -c 'yes | head -n 1; echo ${PIPESTATUS[*]}'", b"y\n141 0\n"),
        ("$WITH cat /dev/zero | head -c 3000000 | wc -c; echo ${PIPESTATUS[0]}", b"3000000\n141\n"),
        ("yes | $WITH head -n 1; echo ${PIPESTATUS[*]}", b"y\n141 0\n"),
        ("yes | $WITH true; echo ${PIPESTATUS[*]}", b"141 0\n"),
    ],
)
def test_pipelines_that_end_early(both: Pair, script: str, expected: bytes) -> None:
    """SIGPIPE travels through a pipeline of which we are a part, and inside the child."""
    assert both.see(lambda caller: caller.shell(script))[:2] == (0, expected)


# ---- a full disk and other outputs that fail


@pytest.mark.parametrize(
    "script",
    [
        "$WITH echo text >/dev/full",
        "$WITH yes >/dev/full",
        "$WITH head -c 200000 /dev/zero >/dev/full",
        "$WITH echo text 1</dev/null",
    ],
)
def test_output_that_fails_is_not_success(both: Pair, script: str) -> None:
    """The status is not 0, and an endless writer ends."""

    def look(caller: Caller) -> tuple[bool, bytes]:
        (caller.directory / "talk").write_text("text\n")
        status, stdout, _ = caller.shell(script)
        return status == 0, stdout

    assert both.see(look) == (False, b"")


def test_failing_output_keeps_the_other_stream_and_the_childs_own_failure(both: Pair) -> None:
    """Only the stream on the full disk is lost; a child that failed by itself keeps its exit code."""
    script = "$WITH sh -c 'echo words >&2; echo text; exit 5' 2>err >/dev/full; echo $?; grep -c words err"
    assert both.see(lambda caller: caller.shell(script)) == (0, b"5\n1\n", b"")


def test_file_size_limit(both: Pair) -> None:
    """Output beyond `ulimit -f` is cut where it is without us, and that is no success."""

    def look(caller: Caller) -> Any:
        status, _, _ = caller.shell("ulimit -f 16; exec $WITH head -c 100000 /dev/zero >out")
        return status != 0, (caller.directory / "out").stat().st_size

    assert both.see(look) == (True, 16 * 1024)


# ---- O_NONBLOCK


def _ends(kind: str) -> tuple[int, int]:
    """(the child's output, what the caller keeps) of a connection of this kind."""
    if kind == "pipe":
        reader, writer = os.pipe()
        return writer, reader
    if kind == "terminal":
        ours, theirs = os.openpty()
        return theirs, ours
    left, right = socket.socketpair()
    return left.detach(), right.detach()


def _is_nonblocking(descriptor: int) -> bool:
    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK)


@pytest.mark.parametrize(("kind", "is_set"), [("pipe", False), ("pipe", True), ("socket", False), ("terminal", False)])
def test_nonblock_flag_of_the_callers_files_stays(both: Pair, kind: str, is_set: bool) -> None:
    """O_NONBLOCK of what the caller gave us is as it was, while the child runs and afterwards."""

    def look(caller: Caller) -> Any:
        output, kept = _ends(kind)
        source, feed = os.pipe()
        descriptors = (source, output)
        try:
            for descriptor in descriptors:
                os.set_blocking(descriptor, not is_set)
            go = caller.fifo("go")
            process = caller.start("sh", "-c", "echo text; echo ready >&2; read line <go", stdin=source, stdout=output)
            assert process.stderr
            read_until(process.stderr, b"ready\n")
            meanwhile = [_is_nonblocking(descriptor) for descriptor in descriptors]
            let_go(go)
            return caller.finish(process), meanwhile, [_is_nonblocking(descriptor) for descriptor in descriptors]
        finally:
            for descriptor in (output, kept, source, feed):
                os.close(descriptor)

    assert both.see(look) == ((1, b"", b""), [is_set] * 2, [is_set] * 2)


def test_flags_that_the_child_sees(both: Pair) -> None:
    """Its streams block and are passed on by another exec."""
    code = "import os; from fcntl import *; print([(fcntl(n, F_GETFL) & os.O_NONBLOCK, fcntl(n, F_GETFD)) for n in range(3)])"
    assert both.see(lambda caller: caller.run(*snippet(code))) == (0, b"[(0, 0), (0, 0), (0, 0)]\n", b"")


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_slow_reader_behind_a_nonblocking_output(both: Pair, kind: str) -> None:
    """Where the caller's end is non-blocking and full, nothing is lost or written twice."""
    code = """
import os, select
poller = select.poll(); poller.register(1, select.POLLOUT)
data = b"".join(b"%07d\\n" % n for n in range(100000))
while data:
    poller.poll()
    try: data = data[os.write(1, data[:5000]):]
    except BlockingIOError: pass
"""

    def look(caller: Caller) -> Any:
        output, kept = _ends(kind)
        os.set_blocking(output, False)
        process = caller.start(*snippet(code), stdout=output)
        os.close(output)
        with os.fdopen(kept, "rb", buffering=0) as stream:
            received = read_to_end(stream)
        return hashlib.sha256(received).hexdigest(), caller.finish(process)

    data = b"".join(b"%07d\n" % n for n in range(100000))
    assert both.see(look) == (hashlib.sha256(data).hexdigest(), (0, b"", b""))


# ---- sockets


def test_server_that_was_given_a_connection(both: Pair) -> None:
    """All three streams are one TCP connection, as inetd gives it: a dialogue, much output, and the end are seen."""
    code = """
import os, sys
os.write(1, b"hello " + os.read(0, 100)); os.write(2, b"note\\n")
for n in range(300): os.write(1, b"%07d\\n" % n * 1000)
"""

    def look(caller: Caller) -> Any:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
        with client:
            with theirs:
                process = caller.start(*snippet(code), stdin=theirs, stdout=theirs, stderr=theirs)
            client.sendall(b"client\n")
            with client.makefile("rb", buffering=0) as stream:
                received = read_to_end(stream)
        return received, process.wait(DEADLINE_S)

    expected = b"hello client\nnote\n" + b"".join(b"%07d\n" % n * 1000 for n in range(300))
    assert both.see(look) == (expected, 0)


def test_peer_that_closes_its_socket(both: Pair) -> None:
    """Writing to a socket without peer ends the child by SIGPIPE."""

    def look(caller: Caller) -> Any:
        ours, theirs = socket.socketpair()
        go = caller.fifo("go")
        with theirs:
            command = ("sh", "-c", "echo ready; read line <go; while echo x; do :; done")
            process = caller.start(*command, stdout=theirs, stderr=subprocess.DEVNULL)
        with ours.makefile("rb", buffering=0) as stream:
            received = read_until(stream, b"\n")
        ours.close()
        let_go(go)
        return received, process.wait(DEADLINE_S)

    assert both.see(look) == (b"ready\n", -13)


# ---- stdin


IDENTIFY = "stat -Lc '%F %d %i' /proc/self/fd/0; cat /proc/self/fdinfo/0; test -t 0; echo $?"


def _open_stdin(kind: str, directory: Path) -> tuple[int, int]:
    """(the child's stdin, what has to stay open meanwhile)."""
    path = directory / "input"
    path.write_bytes(b"0123456789")
    if kind in ("file", "deleted file"):
        number = os.open(path, os.O_RDONLY)
        os.lseek(number, 4, os.SEEK_SET)
        if kind == "deleted file":
            path.unlink()
        return number, os.dup(number)
    if kind == "file for reading and appending":
        return os.open(path, os.O_RDWR | os.O_APPEND), os.open(os.devnull, os.O_RDONLY)
    if kind == "pipe":
        return os.pipe()
    if kind == "terminal":
        ours, theirs = os.openpty()
        return theirs, ours
    left, right = socket.socketpair()
    return left.detach(), right.detach()


@pytest.mark.parametrize(
    "kind",
    ["file", "deleted file", "file for reading and appending", "pipe", "terminal", "socket"],
)
def test_stdin_is_the_very_same_file(work: Workplace, both: Pair, kind: str) -> None:
    """Device, inode, flags and position are those of the caller's own descriptor."""
    stdin, kept = _open_stdin(kind, work.directory)
    try:
        status, stdout, stderr = both.see(lambda caller: caller.finish(caller.start("sh", "-c", IDENTIFY, stdin=stdin)))
    finally:
        os.close(stdin)
        os.close(kept)
    assert (status, stderr) == (0, b"")
    assert stdout


@pytest.mark.parametrize(
    "script",
    [
        "while read line; do $WITH echo got $line; done <lines",
        "while read line; do $WITH sh -c 'read inner; echo $0 then $inner' $line; done <lines",
        "($WITH dd bs=1 count=4 status=none; echo; cat) <lines",
        "($WITH true; $WITH true; cat) <lines",
        "$WITH cat <<'END'\n$x `y`\n\ttab\nEND",
        "$WITH paste -d, <(seq 3) - <lines",
        "seq 5 | xargs -n 2 $WITH echo",
        "$WITH sh -c 'exec <&-; echo no input'",
    ],
)  # fmt: skip
def test_stdin_shared_with_the_shell(both: Pair, script: str) -> None:
    """We read nothing: what the child leaves is there for the next command."""

    def look(caller: Caller) -> Any:
        (caller.directory / "lines").write_text("1 one\n2 two\n3 three\n4 four\n")
        return caller.shell(script.replace("\\n", "\n") if "END" in script else script)

    status, stdout, stderr = both.see(look)
    assert (status, stderr) == (0, b"")
    assert stdout


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no newline",
        b"\x03\x04\x1a\x1c\x11\x13\x16\x17\x15\x7f\r\n\0\xff\n\x04",
        b"q" * 100000 + b"\n",
        bytes(range(256)) * 12000,
    ],
    ids=["nothing", "no newline", "control keys", "long line", "three megabytes"],
)
def test_input_arrives_as_written(both: Pair, data: bytes) -> None:
    """Control bytes are data, no line is too long, and the end is the end."""
    assert both.see(lambda caller: caller.run("cat", stdin=data)) == (0, data, b"")


def test_end_of_input_comes_when_the_writer_closes(both: Pair) -> None:
    """Not earlier: the child answers line by line, and says so when it has seen the end."""

    def look(caller: Caller) -> Any:
        process = caller.start("sh", "-c", "while read line; do echo re $line; done; echo end; exit 7")
        assert process.stdin
        assert process.stdout
        answers = []
        for line in (b"one\n", b"two\n", b"three\n"):
            process.stdin.write(line)
            answers.append(read_until(process.stdout, b"\n"))
        return answers, caller.finish(process)

    assert both.see(look) == ([b"re one\n", b"re two\n", b"re three\n"], (7, b"end\n", b""))


def test_we_end_while_stdin_is_open(both: Pair) -> None:
    """A child that ends without reading is enough, whoever still holds the other end."""

    def look(caller: Caller) -> Any:
        process = caller.start("sh", "-c", "echo done; exit 4")
        assert process.stdout
        return read_to_end(process.stdout), process.wait(DEADLINE_S)

    assert both.see(look) == (b"done\n", 4)


def test_writer_notices_that_the_child_closed_its_stdin(both: Pair) -> None:
    """No copy of ours keeps the pipe open while the child lives on."""

    def look(caller: Caller) -> Any:
        go = caller.fifo("go")
        process = caller.start("sh", "-c", "exec <&-; echo closed; exec <go; read line; exit 5")
        assert process.stdin
        assert process.stdout
        read_until(process.stdout, b"\n")
        stdin = process.stdin.fileno()
        wait_for(lambda: _is_refused(stdin), "the end of the pipe's last reader")
        let_go(go)
        return process.wait(DEADLINE_S)

    assert both.see(look) == 5


def _is_refused(descriptor: int) -> bool:
    try:
        os.write(descriptor, b"x")
    except OSError as error:
        return error.errno == errno.EPIPE
    return False


def test_input_that_the_child_left_in_a_pipe_is_the_callers(both: Pair) -> None:
    """Bytes written before, while and after a child that reads one line are all there for the caller."""

    def look(caller: Caller) -> Any:
        source, feed = os.pipe()
        os.write(feed, b"first\nsecond\n")
        code = "import os; text = os.read(0, 6); os.write(1, text); open('go').close()"
        go = caller.fifo("go")
        process = caller.start(*snippet(code), stdin=source)
        assert process.stdout
        line = read_until(process.stdout, b"\n")
        os.write(feed, b"third\n")
        let_go(go)
        status = process.wait(DEADLINE_S)
        os.write(feed, b"fourth\n")
        os.close(feed)
        with os.fdopen(source, "rb") as rest:
            return line, status, rest.read()

    assert both.see(look) == (b"first\n", 0, b"second\nthird\nfourth\n")


# ---- a terminal as stdin


def _spawn(caller: Caller, program: str, *words: str) -> pexpect.spawn[str]:
    """A program on a terminal of its own."""
    terminal = pexpect.spawn(
        program, list(words), cwd=str(caller.directory), env=caller.environ, encoding="utf-8", timeout=DEADLINE_S
    )  # fmt: skip
    terminal.delaybeforesend = None
    return terminal


def _talk(terminal: pexpect.spawn[str], talk: list[tuple[str, str]]) -> tuple[str, int | None]:
    """(all that the terminal shows, exit status) when each text shown is answered by keys."""
    shown = ""
    for text, keys in talk:
        terminal.expect_exact(text)
        shown += str(terminal.before) + text
        terminal.send(keys)
    terminal.expect(pexpect.EOF)
    terminal.close()
    return shown + str(terminal.before), terminal.exitstatus


READ_TWICE = "import sys\nfor n in (1, 2): print('turn', n, flush=True); print(ascii(sys.stdin.readline()), flush=True)"
GETPASS = "import getpass; word = getpass.getpass('secret? '); print(len(word), word[::-1])"
LONG = "w" * 3000


@pytest.mark.parametrize(
    ("command", "talk", "shown"),
    [
        (snippet(READ_TWICE), [("turn 1\r\n", "\x04"), ("turn 2\r\n", "x\r")], "turn 1\r\n''\r\nturn 2\r\nx\r\n'x\\n'\r\n"),
        (snippet(READ_TWICE), [("turn 1\r\n", "ab\x04\x04"), ("turn 2\r\n", "\x04")], "turn 1\r\nab'ab'\r\nturn 2\r\n''\r\n"),
        (["sh", "-c", "cat; echo over; cat; exit 8"], [("", "\x04"), ("over\r\n", "\x04")], "over\r\n"),
        (snippet(GETPASS), [("secret? ", "abc\r")], "secret? \r\n3 cba\r\n"),
        (snippet(f"print(input('long? ') == {LONG!r})"), [("long? ", LONG + "\r")], f"long? {LONG}\r\nTrue\r\n"),
        (snippet("print(ascii(input('name? ')))"), [("name? ", "中é\r")], "name? 中é\r\n'\\u4e2d\\xe9'\r\n"),
        (["sh", "-c", "printf 'file? ' >&2; read x; echo $x >file; cat file"], [("file? ", "y\r")], "file? y\r\ny\r\n"),
    ],
    ids=["Ctrl-D is an end once", "Ctrl-D after letters", "one end for each reader", "getpass", "long line", "UTF-8",
         "prompt on stderr"],
)  # fmt: skip
def test_what_a_terminal_shows(both: Pair, command: list[str], talk: list[tuple[str, str]], shown: str) -> None:
    """One echo, editing and ends of input as without us, in every byte that the screen gets."""
    screen, _status = both.see(lambda caller: _talk(_spawn(caller, *caller.prefix, *command), talk))
    assert screen == shown


def test_keys_that_edit_a_line(both: Pair) -> None:
    """Erase, word erase, kill and literal-next work on what is typed."""
    keys = "abx\x7fc\x15one two\x17dear\x7f\x7fep\x16\x03\r"
    code = "import sys; print('type', flush=True); line = sys.stdin.readline(); print('<' + ascii(line) + '>')"
    talk = [("type\r\n", keys)]
    screen, status = both.see(lambda caller: _talk(_spawn(caller, *caller.prefix, *snippet(code)), talk))
    assert (screen.splitlines()[-1], status) == ("<'one deep\\x03\\n'>", 0)


def test_dialogue_on_the_terminal_while_stdout_is_a_file(both: Pair) -> None:
    """With stdout redirected, prompt and echo stay on the terminal and the answer goes to the file."""

    def look(caller: Caller) -> Any:
        words = shlex.join([*caller.prefix, "sh", "-c", "printf 'name? ' >&2; read name; echo hello $name"])
        shell = _spawn(caller, "bash", "--norc", "-c", f"{words} >out; echo status $?")
        return _talk(shell, [("name? ", "bob\r")]), (caller.directory / "out").read_bytes()

    assert both.see(look) == (("name? bob\r\nstatus 0\r\n", 0), b"hello bob\n")


def test_keys_typed_ahead_are_the_shells(both: Pair) -> None:
    """What is typed while a child runs that reads nothing is read by the shell's next command."""

    def look(caller: Caller) -> Any:
        go = caller.fifo("go")
        script = "stty -echo; $WITH sh -c 'echo ready; read line <go'; read line; echo \"<$line>\""
        terminal = _spawn(caller, "bash", "--norc", "-c", script)
        terminal.expect_exact("ready\r\n")
        terminal.send("typed ahead\r")
        let_go(go)
        terminal.expect(pexpect.EOF)
        terminal.close()
        return terminal.before

    assert both.see(look) == "<typed ahead>\r\n"


def test_stream_ends_when_the_child_closes_it(both: Pair) -> None:
    """Who reads stdout sees its end as soon as the child has closed it, however long the child lives on."""

    def look(caller: Caller) -> Any:
        process = caller.start("sh", "-c", "echo words; exec >&-; read line; exit 6")
        assert process.stdout
        text = read_to_end(process.stdout)
        return text, caller.finish(process, b"go\n")[0]

    assert both.see(look) == (b"words\n", 6)
