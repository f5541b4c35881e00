"""Job control: an interactive shell handles `swanlab run -q COMMAND` exactly as it handles COMMAND."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .comparison import PTY, PYTHON, Side, in_both_modes, seen_alike, state_of, wait_until_empty
from .conftest import DEADLINE_S, Workplace, wait_for
from .sidebyside import read_until
from .test_terminal import PROMPT, Tmux

# Tells each signal that it handles, and ends with the code that it reads. The wake-up descriptor gets a byte for each run of
# a handler, also for one that comes just before the program waits.
_COUNTING = """
import os, select, signal, sys
count = {}
woken, waking = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(waking)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), lambda *_: None)
os.write(1, b'ready\\n')
while True:
    ready = select.select([0, woken], [], [])[0]
    for number in os.read(woken, 100) if woken in ready else b'':
        count[number] = count.get(number, 0) + 1
        os.write(1, b'%s %d\\n' % (signal.Signals(number).name.encode(), count[number]))
    if 0 in ready:
        sys.exit(int(os.read(0, 100)))
"""


def _stopped_job(jobs: str) -> str:
    """The line of the stopped job, or nothing: bash may tell of its stop right behind a list that has it running."""
    return next((line for line in reversed(jobs.splitlines()) if "Stopped" in line), "")



def _write(side: Side, name: str, code: str) -> None:
    (side.directory / name).write_text(code)


def test_a_job_is_stopped_listed_and_continued(work: Workplace) -> None:
    """Every character on the terminal from Ctrl-Z over `jobs` and `fg` to the exit code is the same."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            shell.enter("$W sh -c 'echo be''gun; read a; echo got $a; exit 9'")
            shell.expect("begun\r\n")
            shell.suspend()
            shell.run("jobs; jobs -r; jobs -s")
            shell.enter("fg")
            shell.expect("exit 9'\r\n")
            shell.send("on\n")
            shell.prompt()
            shell.run("echo $?; jobs")
            return shell.sent()

    assert "Stopped" in seen_alike(work, PTY, observe)


def test_a_stopped_job_goes_on_in_the_background(work: Workplace) -> None:
    """`bg` continues it, its output comes, and the shell reports its exit code."""

    def observe(side: Side) -> list[str]:
        with side.open_shell() as shell, side.channel("go"):
            shell.enter("$W sh -c 'echo be''gun; read a <go; exit 6'")
            shell.expect("begun\r\n")
            seen = [shell.suspend(), shell.run("bg"), shell.run("jobs")]
            return [*seen, shell.run("echo on >go; wait %1; echo $?"), shell.run("jobs")]

    assert "Running" in seen_alike(work, PTY, observe)[2]


@pytest.mark.parametrize("name", ["INT", "TERM", "KILL", "USR1"])
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_kill_of_a_job_ends_it(work: Workplace, name: str, state: str) -> None:
    """`kill -NAME %1` ends a background or stopped job with the same status and message."""

    def observe(side: Side) -> list[str]:
        with side.open_shell() as shell, side.channel("told") as told, side.channel("go"):
            line = "$W sh -c 'echo $$ >told; read a <go'"
            if state == "running":
                shell.run(f"{line} &")
                told.line()
            else:
                shell.enter(line)
                told.line()
                shell.suspend()
            continuing = "; kill -CONT %1" if state == "stopped" else ""
            seen = [shell.run(f"kill -{name} %1{continuing}; wait %1; echo $?"), shell.run("jobs")]
            shell.program.sendline("exit")
            shell.finish()
            wait_until_empty(shell.pid)
            return seen

    assert str(128 + getattr(signal, f"SIG{name}")) in "".join(seen_alike(work, PTY, observe))


def test_keys_belong_to_the_shell_while_a_job_is_in_the_background(work: Workplace) -> None:
    """What is typed is echoed once and goes to the shell, and the job is neither stopped nor disturbed."""

    def observe(side: Side) -> list[str]:
        with side.open_shell() as shell, side.channel("told") as told, side.channel("go") as go:
            shell.run("$W sh -c 'echo on >told; read a <go; echo $a >told; exit 4' &")
            told.line()
            seen = [shell.run(f"echo k{number}$(({number}*{number}))") for number in range(8)]
            seen.append(shell.run("jobs"))
            go.tell("late\n")
            return [*seen, told.line(), shell.run("wait %1; echo $?")]

    assert "k749\r\n" in seen_alike(work, PTY, observe)


def test_a_background_job_prints_while_the_shell_waits_for_keys(work: Workplace) -> None:
    """Its lines come without a staircase and what has been typed meanwhile is still executed."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell, side.channel("go") as go:
            shell.run("$W sh -c 'read a <go; printf \"one\\ntwo\\n\"; echo three >&2' &")
            shell.send("echo ty")
            shell.expect("echo ty")
            go.tell()
            shell.expect("one\r\ntwo\r\nthree\r\n")
            shell.send("ped\n")
            shell.prompt()
            shell.run("wait")
            return shell.sent().partition("\r\ntyped\r\n")[0]  # what follows depends on when the shell looks for ended jobs

    assert seen_alike(work, PTY, observe).endswith("echo tyone\r\ntwo\r\nthree\r\nped")


@pytest.mark.parametrize(
    "command",
    ["cat", "$P -c 'print(open(\"/dev/tty\").readline())'", "sh -c 'read a; echo got $a'"],
    ids=["cat", "dev tty", "shell"],
)
def test_a_background_reader_is_stopped_and_reads_after_fg(work: Workplace, command: str) -> None:
    """SIGTTIN stops it as soon as it reads; `fg` gives it the keys."""

    def observe(side: Side) -> list[str]:
        with side.open_shell() as shell:
            shell.run(f"$W {command} &")
            stopped = wait_for(lambda: _stopped_job(shell.run("jobs")), "a stopped job")
            shell.enter("fg")
            shell.expect(command[-4:] + "\r\n")
            shell.send("typed\n")
            shell.expect("typed\r\n")
            if command == "cat":
                shell.expect("typed\r\n")
                shell.send("\x04")
            return [stopped, shell.prompt(), shell.run("echo $?; jobs")]

    seen_alike(work, PTY, observe)


def test_a_background_job_that_sets_modes_is_stopped(work: Workplace) -> None:
    """SIGTTOU stops `stty` in the background, and the terminal keeps its modes until `fg`."""

    def observe(side: Side) -> list[str]:
        with side.open_shell() as shell:
            before = shell.run("stty -a")
            shell.run("$W sh -c 'stty -ixon; stty -a; exit 4' &")
            stopped = wait_for(lambda: _stopped_job(shell.run("jobs")), "a stopped job")
            return [before, stopped, shell.run("stty -a"), shell.run("fg"), shell.run("echo $?")]

    before, _, during, continued, code = seen_alike(work, PTY, observe)
    assert (during == before, " -ixon " in continued, code) == (True, True, "4\r\n")


def test_a_handler_of_the_stop_key_runs_before_the_stop(work: Workplace) -> None:
    """A program that cleans up on SIGTSTP, stops itself and draws again on SIGCONT does each exactly once a turn."""
    code = (
        "import os, signal, sys\n"
        "def stop(number, _):\n"
        "    os.write(1, b'leaving\\n'); signal.signal(number, signal.SIG_DFL)\n"
        "    os.kill(os.getpid(), number); signal.signal(number, stop)\n"
        "signal.signal(signal.SIGTSTP, stop); signal.signal(signal.SIGCONT, lambda *_: os.write(1, b'back\\n'))\n"
        "os.write(1, b'ready\\n'); sys.exit(int(sys.stdin.readline()))\n"
    )

    def observe(side: Side) -> str:
        _write(side, "job.py", code)
        with side.open_shell() as shell:
            shell.enter("$W $P job.py")
            shell.expect("ready\r\n")
            for _ in range(3):
                shell.suspend()
                shell.enter("fg")
                shell.expect("back\r\n")
            shell.send("7\n")
            shell.prompt()
            shell.run("echo $?")
            return shell.sent()

    sent = seen_alike(work, PTY, observe)
    assert (sent.count("leaving"), sent.count("back\r\n"), sent.count("Stopped")) == (3, 3, 3)


def test_an_ignored_stop_key_stops_nobody(work: Workplace) -> None:
    """A program that ignores SIGTSTP goes on reading after Ctrl-Z, and so does the shell's wait for it."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            shell.enter("$W sh -c \"trap '' TSTP; echo ready; read a; echo got \\$a; exit 8\"")
            shell.expect("ready\r\n")
            shell.send("\x1a")
            shell.expect("^Z")
            shell.send("on\n")
            shell.prompt()
            shell.run("echo $?; jobs")
            return shell.sent()

    assert "got on" in seen_alike(work, PTY, observe)


@pytest.mark.parametrize(("key", "name"), [("\x03", "SIGINT"), ("\x1c", "SIGQUIT"), ("\x1a", "SIGTSTP")], ids=["^C", "^\\", "^Z"])
def test_a_handled_key_counts_once(work: Workplace, key: str, name: str) -> None:
    """Each press of a signal key runs a program's handler once, and the exit code is the program's."""

    def observe(side: Side) -> str:
        _write(side, "job.py", _COUNTING)
        with side.open_shell() as shell:
            shell.enter(f"$W $P job.py {name}")
            shell.expect("ready\r\n")
            for count in (1, 2, 3):
                shell.send(key)
                shell.expect(f"{name} {count}\r\n")
            shell.send("5\n")
            shell.prompt()
            shell.run("echo $?")
            return shell.sent()

    sent = seen_alike(work, PTY, observe)
    assert sent.count(name) == 4


@pytest.mark.parametrize("key", ["\x03", "\x1c"], ids=["^C", "^\\"])
@pytest.mark.parametrize(
    "script", ["{job}", "{job}; echo next", "bash -c '{job}; echo inner'; echo outer"], ids=["alone", "list", "script"]
)
def test_a_key_that_kills_is_reported_as_ever(work: Workplace, key: str, script: str) -> None:
    """The shell's message, what it does with the rest of the line, and `$?`."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            shell.run("export W P")
            shell.enter(script.format(job='$W sh -c "echo rea""dy; read a"'))
            shell.expect("ready\r\n")
            shell.send(key)
            shell.prompt()
            shell.run("echo $?")
            return shell.sent()

    seen_alike(work, PTY, observe)


def test_an_ignored_interrupt_key_leaves_the_program_alone(work: Workplace) -> None:
    """A program that ignores SIGINT and SIGQUIT answers after the keys and ends in its own way."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            shell.enter("$W sh -c \"trap '' INT QUIT; echo ready; read a; echo got \\$a; exit 8\"")
            shell.expect("ready\r\n")
            for key, echo in (("\x03", "^C"), ("\x1c", "^\\"), ("\x03", "^C")):
                shell.send(key)
                shell.expect(echo)
            shell.send("on\n")
            shell.prompt()
            shell.run("echo $?")
            return shell.sent()

    assert "got on" in seen_alike(work, PTY, observe)


def test_a_handled_interrupt_lets_the_callers_script_go_on(work: Workplace) -> None:
    """The script's trap runs, then its next command, since the program exited by itself."""

    def observe(side: Side) -> str:
        script = "trap 'echo caller' INT; $W sh -c 'trap \"echo child; exit 5\" INT; echo ready; read a'; echo $?\n"
        _write(side, "job.sh", script)
        with side.open_shell() as shell:
            shell.run("export W")
            shell.enter("bash job.sh")
            shell.expect("ready\r\n")
            shell.send("\x03")
            shell.prompt()
            return shell.sent()

    assert "child\r\ncaller\r\n5\r\n" in seen_alike(work, PTY, observe)


@in_both_modes
def test_interrupt_in_a_pipeline_keeps_the_last_words(work: Workplace, mode: str) -> None:
    """Ctrl-C reaches a program whose output is a pipe once; what it says in its handler comes through."""

    def observe(side: Side) -> str:
        _write(side, "job.py", _COUNTING)
        with side.open_shell() as shell, side.channel("go") as go:
            shell.enter("$W $P job.py SIGINT <go | (trap '' INT; cat); echo ${PIPESTATUS[*]}")
            shell.expect("ready\r\n")
            shell.send("\x03")
            shell.expect("SIGINT 1\r\n")
            go.tell("3\n")
            shell.prompt()
            return shell.sent()

    assert "3 0\r\n" in seen_alike(work, mode, observe)


@in_both_modes
def test_interrupt_ends_a_whole_pipeline(work: Workplace, mode: str) -> None:
    """Without handlers Ctrl-C kills program and `cat`, and both statuses say so."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            shell.enter("$W sh -c 'echo rea''dy; read a' | cat")
            shell.expect("ready\r\n")
            shell.send("\x03")
            shell.prompt()
            shell.run("echo ${PIPESTATUS[*]}")
            return shell.sent()

    assert "130 130" in seen_alike(work, mode, observe)


@in_both_modes
def test_two_wrapped_programs_in_one_pipeline_share_each_signal(work: Workplace, mode: str) -> None:
    """Ctrl-C runs the handlers of both ends once; Ctrl-Z stops both, and `fg` continues both."""

    def observe(side: Side) -> list[str]:
        _write(side, "job.py", _COUNTING.replace("os.write(1,", "os.write(2,"))
        with side.open_shell() as shell, side.channel("go") as go, side.channel("a") as first, side.channel("b") as second:
            shell.enter("$W $P job.py SIGINT SIGCONT 2>a <go | $W $P job.py SIGINT SIGCONT 2>b; echo ${PIPESTATUS[*]}")
            seen = [first.line(), second.line()]
            shell.send("\x03")
            seen += [first.line(), second.line()]
            shell.send("\x1a")
            shell.expect("Stopped")
            shell.prompt()
            shell.enter("fg")
            seen += [first.line(), second.line()]
            shell.send("\x03")
            seen += [first.line(), second.line()]
            go.tell("0\n")
            second_ends = shell.prompt()
            return [*seen, second_ends]

    assert seen_alike(work, mode, observe)[:8] == [
        "ready", "ready", "SIGINT 1", "SIGINT 1", "SIGCONT 1", "SIGCONT 1", "SIGINT 2", "SIGINT 2",
    ]  # fmt: skip


def test_one_of_two_stopped_jobs_is_continued(work: Workplace) -> None:
    """`fg %1` and `fg %-` find the right job among several."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            for name in ("first", "second"):
                shell.enter(f"$W sh -c 'echo re''ady; read a; echo {name} $a'")
                shell.expect("ready\r\n")
                shell.suspend()
            for job in ("%1", "%2"):
                shell.enter(f"fg {job}")
                shell.expect("$a'\r\n")
                shell.send(f"{job}\n")
                shell.prompt()
            shell.run("jobs")
            return shell.sent()

    sent = seen_alike(work, PTY, observe)
    assert ("first %1" in sent, "second %2" in sent) == (True, True)


def _lead_a_group() -> None:
    """Become a process group of its own, as the shell makes one for a job."""
    os.setpgid(0, 0)


def _wait_status(pid: int) -> tuple[str, int]:
    """How the next state of a child is reported to its parent, as waitpid(2) tells it."""
    (status,) = wait_for(lambda: _changed(pid), "another state of the job")
    if os.WIFSTOPPED(status):
        return "stopped", os.WSTOPSIG(status)
    if os.WIFCONTINUED(status):
        return "continued", 0
    return ("killed", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else ("exited", os.WEXITSTATUS(status))


def _changed(pid: int) -> tuple[int, ...]:
    found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
    return (status,) if found else ()


@in_both_modes
@pytest.mark.parametrize(
    ("name", "target"), [("TSTP", "process"), ("TSTP", "group"), ("TTIN", "process"), ("TTOU", "group"), ("STOP", "group")]
)
def test_a_stop_signal_is_reported_to_the_parent(work: Workplace, mode: str, name: str, target: str) -> None:
    """Kill -TSTP and -CONT, to the process or its group: the program stops, the parent is told, SIGCONT is handled once."""

    def observe(side: Side) -> list[tuple[str, int] | str]:
        _write(side, "job.py", _COUNTING)
        process = side.popen(*PYTHON, "job.py", "SIGCONT", "SIGUSR1", stdin=subprocess.PIPE, preexec_fn=_lead_a_group)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        send = os.kill if target == "process" else os.killpg
        (worker,) = _workers(process.pid)
        send(process.pid, getattr(signal, f"SIG{name}"))
        seen: list[tuple[str, int] | str] = [_wait_status(process.pid)]
        wait_for(lambda: state_of(worker) == "T", "the program stopped")  # of a group not all stop at the same time
        send(process.pid, signal.SIGCONT)
        seen += [_wait_status(process.pid), process.stdout.readline().decode()]
        send(process.pid, signal.SIGUSR1)
        seen.append(process.stdout.readline().decode())
        process.stdin.write(b"3\n")
        process.stdin.flush()
        seen.append(_wait_status(process.pid))
        process.returncode = 0  # waited for already
        seen.append(process.communicate()[0].decode())
        return seen

    number = int(getattr(signal, f"SIG{name}"))
    expected = [("stopped", number), ("continued", 0), "SIGCONT 1\n", "SIGUSR1 1\n", ("exited", 3), ""]
    assert seen_alike(work, mode, observe) == expected


def _workers(pid: int) -> list[int]:
    """The process that runs job.py, which is `pid` or a child of it."""
    candidates = [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return [number for number in candidates if Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[2:3] == [b"job.py"]]


@in_both_modes
def test_a_program_that_stops_itself_stops_the_job(work: Workplace, mode: str) -> None:
    """SIGSTOP raised by the program shows as SIGSTOP to the parent, after the program's last words, any number of times."""

    def observe(side: Side) -> list[tuple[str, int] | bytes]:
        script = "for i in 1 2 3; do echo turn $i; kill -STOP $$; read go; done; exit 6"
        process = side.popen("sh", "-c", script, stdin=subprocess.PIPE, preexec_fn=_lead_a_group)
        assert process.stdin is not None
        assert process.stdout is not None
        seen: list[tuple[str, int] | bytes] = []
        for _ in range(3):
            seen += [_wait_status(process.pid), process.stdout.readline()]
            os.kill(process.pid, signal.SIGCONT)
            seen.append(_wait_status(process.pid))
            process.stdin.write(b"on\n")
            process.stdin.flush()
        seen.append(_wait_status(process.pid))
        process.returncode = 0
        process.communicate()
        return seen

    assert seen_alike(work, mode, observe)[-1] == ("exited", 6)


@in_both_modes
def test_a_program_is_stopped_and_continued_by_its_own_number(work: Workplace, mode: str) -> None:
    """As a supervisor may do that has looked it up: its parent is told as ever, and its output comes."""

    def observe(side: Side) -> list[tuple[str, int] | str]:
        with _counting(side) as (process, worker, say, hear):
            seen: list[tuple[str, int] | str] = []
            for _ in range(2):
                os.kill(worker, signal.SIGSTOP)
                seen.append(_wait_status(process.pid))
                os.kill(worker, signal.SIGCONT)
                seen += [_wait_status(process.pid), hear()]
            say(b"3\n")
            return [*seen, _wait_status(process.pid)]

    turns = [("stopped", int(signal.SIGSTOP)), ("continued", 0)]
    assert seen_alike(work, mode, observe) == [*turns, "SIGCONT 1\n", *turns, "SIGCONT 2\n", ("exited", 3)]


@in_both_modes
def test_a_stopped_program_is_killed_by_its_own_number(work: Workplace, mode: str) -> None:
    """Its parent, which is told that it was killed, does not wait for anybody to continue us."""

    def observe(side: Side) -> list[tuple[str, int]]:
        with _counting(side) as (process, worker, _, _):
            os.kill(worker, signal.SIGSTOP)
            seen = [_wait_status(process.pid)]
            os.kill(worker, signal.SIGKILL)
            seen.append(_wait_status(process.pid))
            # We go on before we end; of that only those are told who ask.
            return seen if seen[-1] != ("continued", 0) else [seen[0], _wait_status(process.pid)]

    assert seen_alike(work, mode, observe) == [("stopped", int(signal.SIGSTOP)), ("killed", int(signal.SIGKILL))]


@contextmanager
def _counting(
    side: Side,
) -> Iterator[tuple[subprocess.Popen[bytes], int, Callable[[bytes], object], Callable[[], str]]]:
    """A job that counts SIGCONT: the process started, the program's number, what writes to it, what reads a line of it."""
    _write(side, "job.py", _COUNTING)
    process = side.popen(*PYTHON, "job.py", "SIGCONT", stdin=subprocess.PIPE, preexec_fn=_lead_a_group, bufsize=0)
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout
    assert read_until(stdout, b"\n") == b"ready\n"
    (worker,) = _workers(process.pid)
    yield process, worker, stdin.write, lambda: read_until(stdout, b"\n").decode()
    process.returncode = 0  # waited for already
    process.communicate()


@in_both_modes
def test_a_stop_key_means_nothing_to_an_orphaned_group(work: Workplace, mode: str) -> None:
    """In a session of its own, as under cron, SIGTSTP is ignored by the kernel and nobody hangs."""

    def observe(side: Side) -> tuple[list[bytes], int, bytes]:
        _write(side, "job.py", _COUNTING)
        process = side.popen(*PYTHON, "job.py", "SIGUSR1", stdin=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        process.send_signal(signal.SIGTSTP)
        process.send_signal(signal.SIGUSR1)
        lines.append(process.stdout.readline())
        rest, _ = process.communicate(b"4\n", timeout=DEADLINE_S)
        return lines, process.returncode, rest

    assert seen_alike(work, mode, observe) == ([b"ready\n", b"SIGUSR1 1\n"], 4, b"")


@pytest.mark.parametrize("language", ["bash", "dash"])
@pytest.mark.parametrize("ending", ["", "; wait"], ids=["left behind", "waited for"])
def test_a_background_job_of_a_script_leaves_the_terminal_usable(work: Workplace, language: str, ending: str) -> None:
    """While it runs and after it has ended: the modes, the echo and the keys are the shell's."""

    def observe(side: Side) -> list[str]:
        _write(side, "job.sh", "$W sh -c 'echo on >told; read a <go; echo done; echo $a >told' &\nread b <told; echo $b" + ending)
        with side.open_shell() as shell, side.channel("told") as told, side.channel("go") as go:
            shell.run("export W")
            seen = [shell.run("stty -a")]
            shell.enter(f"{language} job.sh")
            shell.expect("on\r\n")
            if ending:
                go.tell("over\n")
                seen += [told.line(), shell.prompt()]
            else:
                seen += [shell.prompt(), shell.run("stty -a"), shell.run("echo us''able")]
                go.tell("over\n")
                seen.append(told.line())
                shell.expect("done\r\n")
            return [*seen, shell.run("stty -a"), shell.run("echo us''able; jobs")]

    seen = seen_alike(work, PTY, observe)
    assert seen[-2] == seen[0]


_HANGING_UP = """
import errno, os, select, signal, sys
told = open('told', 'w', buffering=1)
woken, waking = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(waking)
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == 'ignore' else lambda *_: None)
print('ready', flush=True)
if sys.argv[1] == 'handle':
    select.select([woken], [], [])
    print('hung up', len(os.read(woken, 100)), file=told)
try:
    data = os.read(0, 100)
except OSError as error:  # EIO while it waits in read(2), an end of file when it comes later
    data = b'' if error.errno == errno.EIO else error
print('read', data, file=told)
"""


@pytest.mark.parametrize("way", ["handle", "ignore"])
def test_a_closed_terminal_hangs_up(work: Workplace, way: str) -> None:
    """The program's handler of SIGHUP runs once; one that ignores it reads the end of the terminal."""

    def observe(side: Side) -> list[str]:
        _write(side, "job.py", _HANGING_UP)
        with side.channel("told") as told, side.spawn(*PYTHON, "job.py", way) as terminal:
            terminal.expect("ready\r\n")
            terminal.hang_up()
            lines = [told.line() for _ in range(2 if way == "handle" else 1)]
            wait_until_empty(terminal.pid)
            return lines

    assert seen_alike(work, PTY, observe)[-1] == "read b''"


def test_a_closed_terminal_ends_every_job_of_its_shell(work: Workplace) -> None:
    """Running, stopped and foreground jobs: nobody is left when the terminal is closed."""

    def observe(side: Side) -> bool:
        with side.channel("told") as told, side.channel("go"), side.open_shell() as shell:
            shell.run("$W sh -c 'echo on >told; read a <go' &")
            told.line()
            shell.enter("$W sh -c 'echo on >told; read a'")
            told.line()
            shell.suspend()
            shell.enter("$W sh -c 'echo on >told; read a'")
            told.line()
            shell.hang_up()
            return wait_until_empty(shell.pid)

    assert seen_alike(work, PTY, observe)


def test_a_disowned_job_outlives_its_shell_and_terminal(work: Workplace) -> None:
    """`disown` and `exit`: the program goes on and ends by itself."""

    def observe(side: Side) -> list[str]:
        with side.channel("told") as told, side.channel("go") as go:
            with side.open_shell() as shell:
                shell.run("$W sh -c 'echo on >told; read a <go; echo $a >told' </dev/null >log 2>&1 & disown")
                seen = [told.line()]
                shell.program.sendline("exit")
                seen.append(str(shell.finish()))
                go.tell("late\n")
                seen.append(told.line())
                wait_until_empty(shell.pid)
            return seen

    assert seen_alike(work, PTY, observe) == ["on", "0", "late"]


def test_nohup_on_a_terminal_writes_its_file(work: Workplace) -> None:
    """`nohup WRAPPED &` makes nohup.out, says so, and survives the terminal."""

    def observe(side: Side) -> list[str]:
        with side.channel("told") as told, side.channel("go") as go:
            with side.open_shell() as shell:
                shell.run("nohup $W sh -c 'echo first; echo on >told; read a <go; echo second; echo over >told' 2>said &")
                seen = [told.line()]
                shell.hang_up()
                go.tell()
                seen.append(told.line())
                wait_until_empty(shell.pid)
            return [*seen, (side.directory / "nohup.out").read_text(), (side.directory / "said").read_text()]

    assert seen_alike(work, PTY, observe)[2] == "first\nsecond\n"


_SCREEN = """
import curses
def main(screen):
    keys = []
    while True:
        screen.erase()
        screen.addstr(0, 0, f'size {screen.getmaxyx()} keys {keys}')
        screen.refresh()
        key = screen.getch()
        if key == ord('q'):
            return
        if key != curses.KEY_RESIZE:
            keys.append(key)
curses.wrapper(main)
print('bye')
"""


@pytest.mark.parametrize(
    ("command", "shown", "keys", "shown_then", "quit_keys"),
    [
        ("$W less rows", r"^row 22", ("G",), r"^row 299", ("q",)),
        ("$W vim -u NONE -i NONE -N -n rows", r"^row 22", ("G", "i", "x", "Escape"), r"^xrow 299", (":q!", "Enter")),
        (f"$W {sys.executable} screen.py", r"keys \[\]", ("a", "Up"), r"keys \[97, 259\]", ("q",)),
        ("$W cat rows | less", r"^row 22", ("G",), r"^row 299", ("q",)),
        ("$W sh -c 'cat rows; echo end >&2' 2>&1 | less", r"^row 22", ("G",), r"^end", ("q",)),
        ("$W yes row | less", r"^row", ("Space", "g"), r"^row", ("q",)),
    ],
    ids=["less", "vim", "curses", "into less", "both into less", "endless into less"],
)
def test_a_full_screen_program_is_stopped_and_continued(
    work: Workplace, command: str, shown: str, keys: tuple[str, ...], shown_then: str, quit_keys: tuple[str, ...]
) -> None:
    """The screens before Ctrl-Z, at the shell's prompt, after `fg` and after the end are the same."""

    def observe(side: Side) -> list[str]:
        (side.directory / "rows").write_text("".join(f"row {number}\n" for number in range(300)))
        _write(side, "screen.py", _SCREEN)
        (side.directory / "start").write_text(side.variables())
        tmux = Tmux(side)
        try:
            tmux.type(". ./start; clear", "Enter")
            tmux.wait(rf"\A{PROMPT.strip()}\s*\Z")
            tmux.type(command, "Enter")
            tmux.wait(shown)
            tmux.type(*keys)
            seen = [tmux.wait(shown_then)]
            tmux.type("C-z")
            tmux.wait("Stopped")
            tmux.type("clear; stty -a; echo back", "Enter")
            seen.append(tmux.wait(rf"^back\n{PROMPT.strip()}"))
            tmux.type("fg", "Enter")
            tmux.wait(shown_then)
            tmux.type(*quit_keys)
            tmux.wait(rf"^{PROMPT.strip()}\s*\Z")
            tmux.type("clear; echo ${PIPESTATUS[*]}; stty -a; echo over", "Enter")
            seen.append(tmux.wait(rf"^over\n{PROMPT.strip()}"))
            return seen
        finally:
            tmux.close()

    seen_alike(work, PTY, observe)
