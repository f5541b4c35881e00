"""Exit status and signals of a command behind `swanlab run`, compared with the same command without it."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from .conftest import DEADLINE_S, Workplace, wait_for
from .sidebyside import (
    MODES,
    Caller,
    Pair,
    let_go,
    pair,
    read_to_end,
    read_until,
    snippet,
    tree,
    wait_until_nothing_is_left,
    wait_until_taken,
)

SEVEN = ("INT", "TERM", "HUP", "USR1", "USR2", "QUIT", "ALRM")


@pytest.fixture(params=MODES)
def both(work: Workplace, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A bare and a wrapped caller, in each mode of `swanlab run`."""
    yield from pair(work, request.param)


# ---- exit status


def test_exit_codes_that_look_like_signals(both: Pair) -> None:
    """128+n as the child's own exit code is an exit for waitpid(2), not a death."""

    def look(caller: Caller) -> list[int]:
        return [caller.run("sh", "-c", f"exit {code}")[0] for code in (126, 128, 130, 137, 143)]

    assert both.see(look) == [126, 128, 130, 137, 143]


def test_death_by_any_signal_is_ours(both: Pair) -> None:
    """waitpid(2) tells the same signal for every kind that can end a process."""
    numbers = (signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT, signal.SIGPIPE, 16, signal.SIGRTMAX)

    def look(caller: Caller) -> list[int]:
        code = "import os, signal, sys; n = int(sys.argv[1]); signal.signal(n, signal.SIG_DFL); os.kill(os.getpid(), n)"
        return [caller.run(*snippet(code), str(int(number)))[0] for number in numbers]

    assert both.see(look) == [-number for number in numbers]


def test_death_by_a_signal_that_we_inherit_blocked_or_ignored(both: Pair) -> None:
    """The child may unblock and reset what its caller blocked and ignored; we die of it nevertheless."""
    code = """
import os, signal
for number in (15, 1): signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (1, 15))
os.kill(os.getpid(), 15)
"""

    def prepare() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP, signal.SIGTERM))

    assert both.see(lambda caller: caller.run(*snippet(code), preexec_fn=prepare)) == (-15, b"", b"")


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "INT"])
def test_what_bash_says_about_a_death(both: Pair, name: str) -> None:
    """Its message and `$?` are those of a bare command."""

    def look(caller: Caller) -> tuple[int, bytes, bytes]:
        status, stdout, stderr = caller.shell(f"$WITH sh -c 'kill -{name} $$'; echo $?")
        return status, stdout, re.sub(rb" \d+ ", b" PID ", stderr)

    status, stdout, _ = both.see(look)
    assert (status, stdout) == (0, b"%d\n" % (128 + signal.Signals[f"SIG{name}"]))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("$WITH true && echo yes; $WITH false || echo no; ! $WITH false && echo not", b"yes\nno\nnot\n"),
        ("if $WITH sh -c 'exit 3'; then echo then; else echo else $?; fi", b"else 3\n"),
        ("(set -e; $WITH true; echo first; $WITH false; echo never); echo $?", b"first\n1\n"),
        ("set -o pipefail; $WITH sh -c 'exit 9' | $WITH true; echo $?; $WITH true | $WITH sh -c 'exit 8'; echo $?", b"9\n8\n"),
        ("trap 'echo error $?' ERR; $WITH sh -c 'exit 6'; $WITH true", b"error 6\n"),
        ("until $WITH test -e file; do echo make; >file; done; echo made", b"make\nmade\n"),
        ("$WITH sh -c 'exit 5' & wait $!; echo $?", b"5\n"),
        ("(exec $WITH sh -c 'exit 4'); echo $?", b"4\n"),
        ("x=$($WITH sh -c 'echo text; exit 7'); echo $x $?", b"text 7\n"),
        ('for n in 255 1; do echo a | xargs $WITH sh -c "exit $n" 2>/dev/null; echo $?; done', b"124\n123\n"),
        ("printf 'all:\\n\\t@%s sh -c \"exit 3\"\\n' \"$WITH\" >Makefile; make -s 2>&1 | grep -o 'Error 3'", b"Error 3\n"),
    ],
    ids=["and or not", "if", "set -e", "pipefail", "ERR trap", "until", "wait", "exec", "substitution", "xargs", "make"],
)
def test_status_in_shell_constructs(both: Pair, script: str, expected: bytes) -> None:
    """Whatever asks for the status gets the child's."""
    assert both.see(lambda caller: caller.shell(script))[:2] == (0, expected)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("./dangling", 127),
        ("./loop", 126),
        ("listed", 126),
        ("./script", 3),
        ("./" + "n" * 300, 126),
    ],
    ids=["dangling link", "link to itself", "on PATH but not executable", "script without #!", "long name"],
)
def test_commands_that_a_shell_has_trouble_with(both: Pair, command: str, code: int) -> None:
    """Status as bash has it; nothing on stdout."""

    def look(caller: Caller) -> tuple[int, bytes]:
        folder = caller.directory
        (folder / "dangling").symlink_to("nowhere")
        (folder / "loop").symlink_to("loop")
        (folder / "bin").mkdir()
        (folder / "bin" / "listed").write_text("text")
        (folder / "script").write_text("exit 3\n")
        (folder / "script").chmod(0o755)
        return caller.shell(f"PATH=$PATH:bin; $WITH {command}; exit $?")[:2]

    assert both.see(look) == (code, b"")


# ---- signals: exactly once

# Handlers run as soon as a signal comes: nothing is lost between a look and the wait for the next, as with pause(2).
HANDLE = """
import os, signal, sys
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
def say(text): os.write(1, text.encode() + b"\\n")
def wait():
    while True: os.read(reader, 1)
"""
# Tells every signal on stdout. The sentinel, whose number is higher than the others', ends it with an exit code of its own.
TELL = f"""{HANDLE}
for name in sys.argv[1:]: signal.signal(signal.Signals["SIG" + name], lambda number, _: say(signal.Signals(number).name))
signal.signal(signal.SIGRTMIN + 5, lambda *_: sys.exit(7))
say("ready")
wait()
"""
SENTINEL = signal.SIGRTMIN + 5

Send = Callable[[int, int], None]


def _to_each(pid: int, number: int) -> None:
    """Signal the process and all its descendants, one after the other."""
    for process in tree(pid):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


WAYS = {"pid": os.kill, "group": os.killpg}


@pytest.fixture(params=WAYS)
def send(request: pytest.FixtureRequest) -> Send:
    """A way to send a signal to what was started, given its process id."""
    return WAYS[request.param]


def _wait_for_line(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdout
    assert read_until(process.stdout, b"\n") == line + b"\n"


def _signal_and_wait(process: subprocess.Popen[bytes], send: Send, name: str) -> None:
    """Send a signal and wait until the child has told it and whoever was started has taken it."""
    number = signal.Signals[f"SIG{name}"]
    send(process.pid, number)
    _wait_for_line(process, b"SIG" + name.encode())
    wait_until_taken(process.pid, number)


def test_every_signal_comes_exactly_once(both: Pair, send: Send) -> None:
    """The child's handler runs once for each, and the child's own exit code is ours."""
    names = (*SEVEN, "PIPE", "IO", "PROF", "VTALRM", "XCPU", "SYS", "ABRT", "URG", "CONT", "PWR")

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(TELL), *names)
        _wait_for_line(process, b"ready")
        for name in names:
            _signal_and_wait(process, send, name)
        os.kill(process.pid, SENTINEL)
        return caller.finish(process)

    assert both.see(look) == (7, b"", b"")


def test_a_signal_again_and_again(both: Pair, send: Send) -> None:
    """As many as are sent, one after the other, arrive."""

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(TELL), "INT", "TERM")
        _wait_for_line(process, b"ready")
        for _ in range(10):
            _signal_and_wait(process, send, "INT")
            _signal_and_wait(process, send, "TERM")
        os.kill(process.pid, SENTINEL)
        return caller.finish(process)

    assert both.see(look) == (7, b"", b"")


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("INT", os.kill),
        ("HUP", os.kill),
        ("USR1", os.kill),
        ("ALRM", os.kill),
        ("QUIT", os.killpg),
        ("INT", os.killpg),
        ("TERM", _to_each),
    ],
    ids=["INT", "HUP", "USR1", "ALRM", "QUIT to the group", "INT to the group", "TERM to each process"],
)
def test_default_action_ends_us_as_it_ends_the_child(both: Pair, name: str, way: Send) -> None:
    """Without a handler the signal ends the child, and our caller sees that very signal and nothing else."""

    def look(caller: Caller) -> Any:
        process = caller.start("sh", "-c", "echo ready; exec cat")
        _wait_for_line(process, b"ready")
        way(process.pid, signal.Signals[f"SIG{name}"])
        status = process.wait(DEADLINE_S)
        return status, caller.finish(process)

    number = signal.Signals[f"SIG{name}"]
    assert both.see(look) == (-number, (-number, b"", b""))


def test_queued_signals_are_counted(both: Pair) -> None:
    """Real-time signals queue: five that are sent while the child does not look are five."""
    code = """
import os, signal
number = signal.SIGRTMIN + 3
signal.pthread_sigmask(signal.SIG_BLOCK, {number, signal.SIGRTMIN + 4})
os.write(1, b"ready\\n")
counts = {number: 0, signal.SIGRTMIN + 4: 0}
while not counts[signal.SIGRTMIN + 4]: counts[signal.sigwait(counts)] += 1
print(counts[number])
"""

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(code))
        _wait_for_line(process, b"ready")
        for _ in range(5):
            os.kill(process.pid, signal.SIGRTMIN + 3)
        os.kill(process.pid, signal.SIGRTMIN + 4)
        return caller.finish(process)

    assert both.see(look) == (0, b"5\n", b"")


@pytest.mark.parametrize("handling", ["trap '' TERM", "trap 'echo handled' TERM"], ids=["ignored", "handled"])
def test_signal_that_the_child_sends_to_its_own_group(both: Pair, handling: str) -> None:
    """`kill 0`, with which scripts end their helpers, reaches us as well: it ends nothing that the child survives."""
    script = f"{handling}; echo begin; kill -TERM 0; echo after; exit 5"
    handled = b"handled\n" if "echo" in handling else b""
    assert both.see(lambda caller: caller.run("sh", "-c", script)) == (5, b"begin\n" + handled + b"after\n", b"")


def test_child_that_ends_its_whole_group(both: Pair) -> None:
    """`trap 'kill 0' EXIT` ends the child by the signal, and us."""
    script = "trap 'kill -TERM 0' EXIT; cat & echo begin; exit 3"
    status, stdout, _ = both.see(lambda caller: caller.run("sh", "-c", script))
    assert (status, stdout) == (-15, b"begin\n")


def test_signals_of_a_shell_reach_a_background_job(both: Pair) -> None:
    """`kill $!`, `kill %1` under job control, and `wait` behave as with a bare command."""
    code = f"""{HANDLE}
signal.signal(15, lambda *_: (say("bye"), sys.exit(9)))
open("ready", "w").close()
wait()
"""
    script = """
mkfifo ready
$WITH "$@" & read line <ready; kill $!; wait $!; echo $?
set -m
$WITH "$@" & read line <ready; kill $!; wait $!; echo $?
$WITH "$@" & read line <ready; kill %%; wait %%; echo $?
$WITH "$@" & read line <ready; kill -0 $! && echo alive; kill -USR1 %%; wait %%; echo $?
"""

    def look(caller: Caller) -> Any:
        return caller.shell(script, *snippet(code))[:2]

    assert both.see(look) == (0, b"bye\n9\nbye\n9\nbye\n9\nalive\n138\n")


# ---- what happens after the signal


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_slow_clean_up_keeps_its_output(both: Pair, send: Send, name: str) -> None:
    """A handler that goes on for as long as it likes is not cut off, and its exit code is ours."""
    code = f"""{HANDLE}
def save(*_):
    say("saving"); open("go").close(); os.write(2, b"saved\\n"); os.write(1, bytes(200000)); sys.exit(3)
signal.signal(signal.SIG{name}, save)
say("ready")
wait()
"""

    def look(caller: Caller) -> Any:
        go = caller.fifo("go")
        process = caller.start(*snippet(code))
        _wait_for_line(process, b"ready")
        number = signal.Signals[f"SIG{name}"]
        send(process.pid, number)
        _wait_for_line(process, b"saving")
        wait_until_taken(process.pid, number)
        assert process.poll() is None
        let_go(go)
        return caller.finish(process)

    assert both.see(look) == (3, bytes(200000), b"saved\n")


def test_clean_up_while_nobody_reads(both: Pair) -> None:
    """A signal reaches a child whose output is stuck, and what it then says comes out when somebody reads."""
    code = f"""{HANDLE}
import select
def save(*_): os.write(2, b"saving\\n"); os.write(1, b"z" * 300000); sys.exit(4)
signal.signal(signal.SIGTERM, save)
os.set_blocking(1, False)
poller = select.poll(); poller.register(1, select.POLLOUT)
while poller.poll(500):
    try: os.write(1, b"a" * 1000)
    except BlockingIOError: pass
os.set_blocking(1, True)
os.write(2, b"stuck\\n")
wait()
"""

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(code))
        assert process.stderr
        read_until(process.stderr, b"stuck\n")
        os.kill(process.pid, signal.SIGTERM)
        read_until(process.stderr, b"saving\n")
        status, stdout, stderr = caller.finish(process)
        return status, stdout.strip(b"a"), stderr

    assert both.see(look) == (4, b"z" * 300000, b"")


# ---- dispositions and masks


def _ignore(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return prepare


def _block(*numbers: int) -> Callable[[], None]:
    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    return prepare


EVERY = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


@pytest.mark.parametrize(
    "prepare",
    [
        None,
        _ignore(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM),
        _ignore(signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT, *STOPS),
        _ignore(signal.SIGRTMIN, signal.SIGRTMIN + 7, signal.SIGRTMAX),
        _block(signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGRTMAX),
        _block(*EVERY),
    ],
    ids=["nothing", "ignored ends", "ignored stops", "ignored real-time", "some blocked", "all blocked"],
)
def test_dispositions_and_mask_are_inherited(both: Pair, prepare: Callable[[], None] | None) -> None:
    """The child ignores, blocks and has pending exactly what it would without us."""
    command = ("grep", "-E", "^(Sig|Shd)(Blk|Ign|Cgt|Pnd)", "/proc/self/status")
    status, stdout, stderr = both.see(lambda caller: caller.run(*command, preexec_fn=prepare))
    assert (status, stdout.count(b"\n"), stderr) == (0, 5, b"")


def test_status_arrives_though_ends_of_children_are_ignored(both: Pair) -> None:
    """A caller that ignores SIGCHLD gets the child's exit code all the same."""
    ignored = _ignore(signal.SIGCHLD)
    assert both.see(lambda caller: caller.run("sh", "-c", "(exit 3); echo $?; exit 5", preexec_fn=ignored)) == (5, b"3\n", b"")


def test_signal_that_was_pending_before_we_started(both: Pair) -> None:
    """A blocked signal that waits across exec(2) waits in the child."""
    code = "import signal; print(signal.sigwait({signal.SIGTERM, signal.SIGALRM}).name)"

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGALRM))
        signal.setitimer(signal.ITIMER_REAL, 1e-6)
        while signal.SIGALRM not in signal.sigpending():
            pass

    assert both.see(lambda caller: caller.run(*snippet(code), preexec_fn=prepare)) == (0, b"SIGALRM\n", b"")


def test_ignored_signals_end_nobody(both: Pair) -> None:
    """What the caller ignored reaches neither the child nor us."""
    names = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM")

    def look(caller: Caller) -> Any:
        ignored = _ignore(*(signal.Signals[f"SIG{name}"] for name in names))
        process = caller.start("sh", "-c", "echo ready; read line; echo $line; exit 6", preexec_fn=ignored)
        _wait_for_line(process, b"ready")
        for way in (os.kill, os.killpg, _to_each):
            for name in names:
                way(process.pid, signal.Signals[f"SIG{name}"])
        return caller.finish(process, b"alive\n")

    assert both.see(look) == (6, b"alive\n", b"")


def test_handler_for_a_signal_that_the_caller_ignored(both: Pair, send: Send) -> None:
    """A child behind `nohup` that handles SIGHUP itself gets it once."""

    def look(caller: Caller) -> Any:
        process = caller.start_as_is("nohup", *caller.prefix, *snippet(TELL), "HUP", stdin=subprocess.DEVNULL)
        _wait_for_line(process, b"ready")
        _signal_and_wait(process, send, "HUP")
        os.kill(process.pid, SENTINEL)
        return caller.finish(process)

    assert both.see(look) == (7, b"", b"")


def test_nohup_survives_a_hang_up(both: Pair) -> None:
    """However SIGHUP comes, the child of `nohup` goes on to its end, and its output is complete."""

    def look(caller: Caller) -> Any:
        process = caller.start_as_is("nohup", *caller.prefix, "sh", "-c", "echo ready; read line; echo $line; exit 2")
        _wait_for_line(process, b"ready")
        for way in (os.kill, os.killpg, _to_each):
            way(process.pid, signal.SIGHUP)
        return caller.finish(process, b"on\n")

    assert both.see(look) == (2, b"on\n", b"")


def test_alarm_set_before_exec(both: Pair) -> None:
    """An alarm of the caller's, as `perl -e 'alarm 1; exec ...'` sets it, ends the child."""

    def prepare() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.3)

    assert both.see(lambda caller: caller.start("cat", preexec_fn=prepare).wait(DEADLINE_S)) == -14


# ---- timeout(1): SIGALRM is how it learns that the time is over


@pytest.mark.parametrize(
    ("options", "handling", "expected"),
    [
        ([], "", (124, b"")),
        ([], "signal.signal(15, bye)", (124, b"bye\n")),
        (["--preserve-status"], "signal.signal(15, bye)", (3, b"bye\n")),
        (["--preserve-status"], "", (143, b"")),
        (["-k", "60", "-s", "USR1"], "signal.signal(10, bye)", (124, b"bye\n")),
        (["--foreground"], "signal.signal(15, bye)", (124, b"bye\n")),
        (["-k", "0.2"], "signal.signal(15, signal.SIG_IGN)", (-9, b"")),
        (["-s", "KILL"], "", (-9, b"")),
    ],
    ids=["default", "handler", "preserve", "preserve signal", "other signal", "foreground", "kill after", "kill"],
)
def test_timeout_in_front(both: Pair, options: list[str], handling: str, expected: tuple[int, bytes]) -> None:
    """`timeout` ends the child its way, returns its own status, and nothing is left behind."""
    # `timeout` signals its child and then the group: more than one may arrive, so the first alone counts
    code = f"""{HANDLE}
def bye(number, _): signal.signal(number, signal.SIG_IGN); say("bye"); sys.exit(3)
{handling}
say("ready")
wait()
"""

    def look(caller: Caller) -> Any:
        process = caller.start_as_is("timeout", *options, "1000", *caller.prefix, *snippet(code))
        _wait_for_line(process, b"ready")
        os.kill(process.pid, signal.SIGALRM)
        seen = caller.finish(process)
        wait_until_nothing_is_left(process.pid)
        return seen

    assert both.see(look) == (*expected, b"")


# ---- the end of whoever was started


@pytest.mark.parametrize("child", ["sh", "deaf"])
def test_sigkill_of_what_was_started(both: Pair, child: str) -> None:
    """What was printed is out, the streams end, and no process lives on, not even one that ignores everything."""
    traps = "trap '' HUP INT TERM PIPE; " if child == "deaf" else ""

    def look(caller: Caller) -> Any:
        process = caller.start("sh", "-c", f"{traps}seq 1000; echo error >&2; echo ready; read line")
        assert process.stdout
        assert process.stderr
        before = read_until(process.stdout, b"ready\n"), read_until(process.stderr, b"error\n")
        process.kill()
        after = read_to_end(process.stdout), read_to_end(process.stderr)
        wait_until_nothing_is_left(process.pid)
        return before, after, process.wait(DEADLINE_S)

    lines = b"".join(b"%d\n" % number for number in range(1, 1001))
    assert both.see(look) == ((lines + b"ready\n", b"error\n"), (b"", b""), -9)


def _has_loaded(library: str) -> Callable[[subprocess.Popen[bytes]], bool]:
    return lambda process: library in Path(f"/proc/{process.pid}/maps").read_text()


def _has_processes(least: int) -> Callable[[subprocess.Popen[bytes]], bool]:
    return lambda process: len(tree(process.pid)) > least


MOMENTS: dict[str, Callable[[subprocess.Popen[bytes]], bool]] = {
    "at once": lambda _: True,
    "the loader is at work": _has_loaded("libc.so"),
    "modules are imported": _has_loaded("_ctypes"),
    "one process more": _has_processes(1),
    "two processes more": _has_processes(2),
    "three processes more": _has_processes(3),
}


@pytest.mark.parametrize(("moment", "name"), [*((moment, "TERM") for moment in MOMENTS), ("modules are imported", "HUP")])
def test_signal_while_we_start(both: Pair, moment: str, name: str) -> None:
    """At whatever moment it comes: the caller sees that signal, no text of ours, and nothing is left."""
    number = signal.Signals[f"SIG{name}"]

    def look(caller: Caller) -> Any:
        process = caller.start("cat")
        if caller.is_wrapped:
            reached = MOMENTS[moment]
            wait_for(lambda: reached(process), moment)
        os.kill(process.pid, number)
        status = process.wait(DEADLINE_S)
        wait_until_nothing_is_left(process.pid)
        return status, caller.finish(process)

    assert both.see(look) == (-number, (-number, b"", b""))


# ---- stopping and continuing


def _start_stoppable(caller: Caller, *command: str) -> subprocess.Popen[bytes]:
    """Start a command in a group that the kernel lets stop: its parent is in another group of the same session."""
    return caller.start(*command, start_new_session=False, preexec_fn=os.setpgrp)


def _state(pid: int) -> str:
    return str(psutil.Process(pid).status())


def _wait_for_state(pid: int, is_stopped: bool) -> None:
    wait_for(lambda: (_state(pid) == psutil.STATUS_STOPPED) == is_stopped, f"{pid} stopped: {is_stopped}")


@pytest.mark.parametrize("name", ["TSTP", "TTIN", "TTOU"])
def test_stop_and_continue_from_outside(both: Pair, name: str) -> None:
    """The caller sees the stop by this very signal; the child stops as well; SIGCONT continues both."""

    def look(caller: Caller) -> Any:
        process = _start_stoppable(caller, "sh", "-c", "echo $$; read line; echo $line; exit 3")
        assert process.stdout
        child = int(read_until(process.stdout, b"\n"))
        os.kill(process.pid, signal.Signals[f"SIG{name}"])
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        _wait_for_state(child, is_stopped=True)
        os.kill(process.pid, signal.SIGCONT)
        _, continued = os.waitpid(process.pid, os.WCONTINUED)
        _wait_for_state(child, is_stopped=False)
        return os.WSTOPSIG(status), os.WIFCONTINUED(continued), caller.finish(process, b"on\n")

    assert both.see(look) == (int(signal.Signals[f"SIG{name}"]), True, (3, b"on\n", b""))


def test_request_to_end_while_stopped(both: Pair) -> None:
    """A signal that comes while all is stopped acts when it is continued."""

    def look(caller: Caller) -> Any:
        process = _start_stoppable(caller, "sh", "-c", "echo $$; exec sleep 1000")
        assert process.stdout
        child = int(read_until(process.stdout, b"\n"))
        os.kill(process.pid, signal.SIGTSTP)
        os.waitpid(process.pid, os.WUNTRACED)
        _wait_for_state(child, is_stopped=True)
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        return caller.finish(process)

    assert both.see(look) == (-15, b"", b"")


@pytest.mark.parametrize("name", ["STOP", "TSTP"])
def test_child_that_stops_itself(both: Pair, name: str) -> None:
    """Our caller sees us stopped, with all that was printed before, and continues the child through us."""

    def look(caller: Caller) -> Any:
        script = f"echo before; kill -{name} $$; echo after; exit 4"
        process = _start_stoppable(caller, "sh", "-c", script)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        _wait_for_line(process, b"before")
        os.kill(process.pid, signal.SIGCONT)
        return os.WSTOPSIG(status), caller.finish(process)

    assert both.see(look) == (int(signal.Signals[f"SIG{name}"]), (4, b"after\n", b""))


def test_group_that_is_stopped_and_continued(both: Pair) -> None:
    """SIGTSTP and SIGCONT to the whole group; a handler for SIGCONT runs once."""

    def look(caller: Caller) -> Any:
        process = _start_stoppable(caller, *snippet(TELL), "CONT")
        _wait_for_line(process, b"ready")
        os.killpg(process.pid, signal.SIGTSTP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        for pid in tree(process.pid)[1:2]:
            _wait_for_state(pid, is_stopped=True)
        os.killpg(process.pid, signal.SIGCONT)
        _wait_for_line(process, b"SIGCONT")
        wait_until_taken(process.pid, signal.SIGCONT)
        os.kill(process.pid, SENTINEL)
        return os.WSTOPSIG(status), caller.finish(process)

    assert both.see(look) == (int(signal.SIGTSTP), (7, b"", b""))


# ---- the terminal goes away


def test_terminal_that_is_closed(both: Pair) -> None:
    """The leader of the session gets SIGHUP, once; its clean-up runs to the end and its exit code is ours."""
    code = f"""{HANDLE}
def note(number, frame):
    with open("heard", "a") as heard: heard.write(signal.Signals(number).name + "\\n")
signal.signal(signal.SIGHUP, note)
signal.signal(signal.SIGRTMIN + 5, lambda *_: sys.exit(7))
say("ready")
wait()
"""

    def look(caller: Caller) -> Any:
        ours, theirs = os.openpty()
        process = caller.start(
            *snippet(code), stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        )
        os.close(theirs)
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            read_until(terminal, b"ready\r\n")
        heard = caller.directory / "heard"
        wait_for(lambda: heard.exists() and heard.read_text(), "the child's note")
        wait_until_taken(process.pid, signal.SIGHUP)
        os.kill(process.pid, SENTINEL)
        return process.wait(DEADLINE_S), heard.read_text()

    assert both.see(look) == (7, "SIGHUP\n")


def test_terminal_closed_on_a_child_without_handler(both: Pair) -> None:
    """It dies of SIGHUP, so do we, and nothing is left."""

    def look(caller: Caller) -> Any:
        ours, theirs = os.openpty()
        process = caller.start(
            "sh", "-c", "echo ready; while :; do sleep 1000; done", stdin=theirs, stdout=theirs, stderr=theirs,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        with os.fdopen(ours, "rb", buffering=0) as terminal:
            read_until(terminal, b"ready\r\n")
        status = process.wait(DEADLINE_S)
        wait_until_nothing_is_left(process.pid)
        return status

    assert both.see(look) == -1


@pytest.mark.parametrize(
    ("command", "code"),
    [("./plain/below", 126), ("./binary", 126)],
    ids=["file as a folder", "no program"],
)
def test_files_that_are_no_programs(both: Pair, command: str, code: int) -> None:
    """Status as bash has it; nothing on stdout."""

    def look(caller: Caller) -> tuple[int, bytes]:
        (caller.directory / "plain").write_text("text")
        (caller.directory / "binary").write_bytes(b"\x7fELF\2\1\1" + bytes(64))
        (caller.directory / "binary").chmod(0o755)
        return caller.shell(f"$WITH {command}; exit $?")[:2]

    assert both.see(look) == (code, b"")


def test_signal_that_the_caller_sent_to_itself_before_exec(both: Pair) -> None:
    """A blocked signal that waits across exec(2) waits in the child, whoever sent it."""
    code = "import signal; print(signal.sigwait({signal.SIGTERM, signal.SIGUSR1}).name)"

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGUSR1))
        os.kill(os.getpid(), signal.SIGUSR1)

    assert both.see(lambda caller: caller.run(*snippet(code), preexec_fn=prepare)) == (0, b"SIGUSR1\n", b"")


@pytest.mark.parametrize("name", ["WINCH", "CHLD"])
def test_signals_that_mean_something_to_us_too(both: Pair, name: str) -> None:
    """`kill -WINCH`, as some servers take it, and `kill -CHLD` reach the child's handler."""

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(TELL), name)
        _wait_for_line(process, b"ready")
        os.kill(process.pid, signal.Signals[f"SIG{name}"])
        wait_until_taken(process.pid, signal.Signals[f"SIG{name}"])
        os.kill(process.pid, SENTINEL)
        return caller.finish(process)

    assert both.see(look) == (7, b"SIG" + name.encode() + b"\n", b"")


def test_group_signal_and_then_one_to_us(both: Pair) -> None:
    """A signal to the group and, when it was handled, the same to what was started are two."""

    def look(caller: Caller) -> Any:
        process = caller.start(*snippet(TELL), "TERM")
        _wait_for_line(process, b"ready")
        _signal_and_wait(process, os.killpg, "TERM")
        os.kill(process.pid, signal.SIGTERM)
        wait_until_taken(process.pid, signal.SIGTERM)
        os.kill(process.pid, SENTINEL)
        return caller.finish(process)

    assert both.see(look) == (7, b"SIGTERM\n", b"")


@pytest.mark.parametrize("library", ["_ctypes", "_json"])
def test_interrupt_while_we_start(both: Pair, library: str) -> None:
    """SIGINT while our modules are loaded: the caller sees the signal and no traceback."""

    def look(caller: Caller) -> Any:
        process = caller.start("cat")
        if caller.is_wrapped:
            wait_for(lambda: library in Path(f"/proc/{process.pid}/maps").read_text(), library)
        os.kill(process.pid, signal.SIGINT)
        return process.wait(DEADLINE_S), caller.finish(process)

    assert both.see(look) == (-2, (-2, b"", b""))


@pytest.mark.parametrize("handling", ["trap '' PIPE", ":"], ids=["ignored", "default"])
def test_broken_pipe_signal_as_the_shell_has_it(both: Pair, handling: str) -> None:
    """What a shell ignores by `trap ''` is ignored in the child, though Python has overwritten it in us."""
    status, line, stderr = both.see(lambda caller: caller.shell(f"{handling}; $WITH grep SigIgn /proc/self/status; true"))
    is_ignored = bool(int(line.split()[1], 16) >> signal.SIGPIPE - 1 & 1)
    assert (status, is_ignored, stderr) == (0, "PIPE" in handling, b"")
