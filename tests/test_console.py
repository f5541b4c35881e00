"""An interactive shell as the command: it gets a terminal of its own, and its user cannot tell."""

from __future__ import annotations

import os
import signal
import termios
from pathlib import Path

import pexpect
import psutil
import pytest

from .conftest import DEADLINE_S, SWANLAB, Workplace, wait_for

BASH = ("bash", "--norc", "--noprofile", "--noediting", "-i")
PROMPT = "PR0MPT> "
WRAPPED = (SWANLAB, "run", "-q")


def _spawn(work: Workplace, *command: str) -> pexpect.spawn[str]:
    """A command on a terminal of 30 rows and 90 columns; shells in it have PROMPT."""
    environ = {**work.environ, "PS1": PROMPT}
    terminal = pexpect.spawn(
        command[0], list(command[1:]), cwd=str(work.directory), env=environ, encoding="utf-8", timeout=DEADLINE_S,
        dimensions=(30, 90),
    )  # fmt: skip
    terminal.delaybeforesend = None
    return terminal


def _shell(work: Workplace, *wrapper: str) -> pexpect.spawn[str]:
    shell = _spawn(work, *wrapper, *BASH)
    shell.expect_exact(PROMPT)
    return shell


def _say(shell: pexpect.spawn[str], line: str) -> str:
    """What the shell prints between this line and its next prompt."""
    shell.sendline(line)
    shell.expect_exact(PROMPT)
    return str(shell.before)


def _job_control(shell: pexpect.spawn[str]) -> list[str]:
    """What a user sees who starts, stops, lists, continues and ends jobs."""
    seen = [_say(shell, "sleep 87 & echo $((1+1))"), _say(shell, "jobs")]
    shell.sendline("fg")
    shell.expect_exact("sleep 87")
    wait_for(lambda: _foreground_name(shell) == "sleep", "sleep in the foreground")
    shell.sendcontrol("z")
    shell.expect_exact(PROMPT)
    seen.append(str(shell.before))
    seen += [_say(shell, "bg"), _say(shell, "kill %1; wait %1; echo rc=$?")]
    return [text.partition("] ")[2] if "[1] " in text.splitlines()[1] else text for text in seen]


def _foreground_name(shell: pexpect.spawn[str]) -> str:
    """The name of the program in the foreground of the innermost terminal below `shell`."""
    for process in psutil.Process(shell.pid).children(recursive=True):
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == int(fields[5]) == process.pid and process.name() == "sleep":  # pgrp, tpgid: proc(5)
                return process.name()
        except (OSError, psutil.NoSuchProcess):
            continue
    return ""


@pytest.mark.parametrize("mode", ["--pty", "--no-pty"])
def test_bash_has_job_control(work: Workplace, mode: str) -> None:
    """Background, ^Z, jobs, fg and bg as without us, and not a word about missing job control."""
    bare, wrapped = _shell(work), _shell(work, *WRAPPED, mode)
    expected, found = _job_control(bare), _job_control(wrapped)
    bare.close()
    wrapped.close()
    assert [_without_pids(text) for text in found] == [_without_pids(text) for text in expected]


def test_bash_has_job_control_with_its_streams_apart(work: Workplace) -> None:
    """With --split the shell's stderr is the console; stdout, on a pty of its own, may come a moment earlier or later."""
    shell = _spawn(work, *WRAPPED, "--split", *BASH)
    shell.sendline("sleep 87 & jobs")
    shell.expect("Running +sleep 87")
    shell.sendline("kill %1; test -t 1 -a -t 2 && exit 5")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 5
    assert b"Running" in work.output("--raw", "--stream", "stdout")
    assert PROMPT.encode() in work.output("--raw", "--stream", "stderr")


def _without_pids(text: str) -> str:
    return " ".join("PID" if word.isdigit() and len(word) > 2 else word for word in text.split())


def test_exit_status_and_record_of_a_shell(work: Workplace) -> None:
    """`exit 7` is our exit status, and the record has what was on the screen."""
    shell = _shell(work, *WRAPPED)
    assert _say(shell, "echo he''llo") == "echo he''llo\r\nhello\r\n"
    shell.sendline("exit 7")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 7
    assert work.output("--raw") == b"PR0MPT> echo he''llo\r\nhello\r\nPR0MPT> exit 7\r\nexit\r\n"


def test_modes_and_size_inside_are_the_users(work: Workplace) -> None:
    """`stty` and all three streams say the same inside as outside, and a resize is seen inside."""
    outer = _shell(work)
    expected = _say(outer, "stty -a; stty size </dev/tty; test -t 0 -a -t 1 -a -t 2; echo $?")
    outer.sendline(" ".join(("swanlab run -q", *BASH)))
    outer.expect_exact(PROMPT)
    assert _say(outer, "stty -a; stty size </dev/tty; test -t 0 -a -t 1 -a -t 2; echo $?") == expected
    outer.setwinsize(41, 123)
    wait_for(lambda: "41 123" in _say(outer, "stty size"), "the new size inside")
    outer.sendline("exit")
    outer.expect_exact(PROMPT)
    assert "stty -a" in _say(outer, "stty -a; stty size </dev/tty; test -t 0 -a -t 1 -a -t 2; echo $?")
    outer.close()


def test_keys_of_the_terminal_act_inside(work: Workplace) -> None:
    """^C interrupts what runs inside and neither the shell nor us; ^D ends the shell."""
    shell = _shell(work, *WRAPPED)
    shell.sendline("sleep 87")
    wait_for(lambda: _foreground_name(shell) == "sleep", "sleep in the foreground")
    shell.sendintr()
    shell.expect_exact(PROMPT)
    assert "rc=130" in _say(shell, "echo rc=$?")
    shell.sendeof()
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_suspend_gives_the_terminal_back(work: Workplace) -> None:
    """`suspend` inside stops the whole job; the outer shell has its modes; `fg` goes on inside."""
    outer = _shell(work)
    modes = _say(outer, "stty -g").splitlines()[1]
    outer.sendline(" ".join(("swanlab run -q", *BASH)))
    outer.expect_exact(PROMPT)
    _say(outer, "inside=yes")
    outer.sendline("suspend")
    outer.expect("Stopped.*" + PROMPT)
    assert _say(outer, "stty -g; echo [$inside]").splitlines()[1:] == [modes, "[]"]
    outer.sendline("fg")
    outer.expect_exact("--noediting -i\r\n")
    outer.sendline("echo [$inside]")
    outer.expect_exact("[yes]")
    outer.close()


def test_shell_in_the_background_waits_for_fg(work: Workplace) -> None:
    """`bash &` is stopped, as without us, leaves the keys to the shell, and `fg` brings it."""
    outer = _shell(work)
    _say(outer, " ".join(("swanlab run -q", *BASH, "&")))
    wait_for(lambda: "Stopped" in _say(outer, "jobs"), "the job to be stopped")
    outer.sendline("fg")
    outer.expect_exact("--noediting -i\r\n")
    outer.expect_exact(PROMPT)
    assert "in" in _say(outer, "echo i''n")
    outer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP], ids=lambda number: number.name)
def test_terminal_is_left_as_it_was(work: Workplace, number: signal.Signals) -> None:
    """However we are ended, the user's terminal has its modes back."""
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    process = work.start("run", "-q", "sh", "-i", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                         preexec_fn=_take_terminal)  # fmt: skip
    wait_for(lambda: termios.tcgetattr(theirs) != before, "raw mode")
    children = wait_for(lambda: psutil.Process(process.pid).children(recursive=True), "the shell")
    process.send_signal(signal.SIGHUP if number == signal.SIGTERM else number)  # an interactive shell ignores SIGTERM
    process.wait(DEADLINE_S)
    wait_for(lambda: termios.tcgetattr(theirs) == before, "the modes of before")
    wait_for(lambda: not any(map(psutil.Process.is_running, children)), "the end of all")
    os.close(ours)
    os.close(theirs)


def _take_terminal() -> None:
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_command_of_a_shell_stays_on_the_users_terminal(work: Workplace) -> None:
    """`bash -c` and scripts are no interactive shells: they keep the session and terminal of the user."""
    terminal = _spawn(work, SWANLAB, "run", "-q", "bash", "-c", "tty; ps -o sid= -p $$")
    terminal.expect(pexpect.EOF)
    path, session = str(terminal.before).split()
    terminal.close()
    assert path.startswith("/dev/pts/")
    assert int(session) == terminal.pid


def test_shell_with_redirected_output_is_no_terminal_user(work: Workplace) -> None:
    """A shell that reads its commands from a pipe runs as any command does."""
    assert work.swanlab("run", "-q", "--no-pty", "bash", stdin=b"echo piped; exit 4\n").returncode == 4
    assert work.output("--raw") == b"piped\n"


def test_nested_shells(work: Workplace) -> None:
    """A wrapped shell in a wrapped shell has job control too."""
    shell = _shell(work, *WRAPPED)
    shell.sendline(" ".join(("swanlab run -q", *BASH)))
    shell.expect_exact(PROMPT)
    assert _without_pids(_say(shell, "sleep 87 & jobs")).endswith("Running sleep 87 &")
    _say(shell, "kill %1")
    shell.close()
