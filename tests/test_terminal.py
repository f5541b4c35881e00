"""A user at a real terminal: pexpect and tmux drive shells and full-screen programs behind `swanlab run`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from .conftest import DEADLINE_S, SWANLAB, Workplace, wait_for

PROMPT = "PR0MPT> "


def _spawn(work: Workplace, *arguments: str) -> pexpect.spawn[str]:
    """`swanlab ARGUMENTS` on a terminal of 30 rows and 90 columns."""
    return pexpect.spawn(
        SWANLAB, list(arguments), cwd=str(work.directory), env=work.environ,
        encoding="utf-8", timeout=DEADLINE_S, dimensions=(30, 90),
    )  # fmt: skip


def _shell(work: Workplace) -> pexpect.spawn[str]:
    """An interactive bash with job control."""
    environ = {**work.environ, "PS1": PROMPT}
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "--noediting", "-i"], cwd=str(work.directory), env=environ,
        encoding="utf-8", timeout=DEADLINE_S,
    )  # fmt: skip
    shell.expect_exact(PROMPT)
    return shell


def _run_in(shell: pexpect.spawn[str], line: str) -> str:
    """What the shell prints between this line and its next prompt."""
    shell.sendline(line)
    shell.expect_exact(PROMPT)
    return str(shell.before)


def test_all_streams_are_terminals_of_the_users_size(work: Workplace) -> None:
    """As without us: isatty and size, and nothing doubled on the screen."""
    code = "import os; print([os.isatty(n) for n in range(3)], [tuple(os.get_terminal_size(n)) for n in range(3)])"
    terminal = _spawn(work, "run", "-q", sys.executable, "-c", code)
    terminal.expect(pexpect.EOF)
    assert terminal.before == "[True, True, True] [(90, 30), (90, 30), (90, 30)]\r\n"
    assert work.output("--raw") == b"[True, True, True] [(90, 30), (90, 30), (90, 30)]\n"


def test_a_prompt_is_answered_with_one_echo(work: Workplace) -> None:
    """input() works, the answer is seen once and is not in the record, which holds what the child printed."""
    terminal = _spawn(work, "run", "-q", sys.executable, "-c", "print('hello', input('name? '))")
    terminal.expect_exact("name? ")
    terminal.sendline("bob")
    terminal.expect(pexpect.EOF)
    assert terminal.before == "bob\r\nhello bob\r\n"
    assert work.output("--raw") == b"name? hello bob\n"


def test_resize_reaches_the_program(work: Workplace) -> None:
    """SIGWINCH arrives and the side pty has the new size by then."""
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'size %d %d\\n' % os.get_terminal_size(1)))\n"
        "print('ready', flush=True)\nwhile input() != 'end': pass"
    )
    terminal = _spawn(work, "run", "-q", sys.executable, "-c", code)
    terminal.expect_exact("ready")
    terminal.setwinsize(40, 100)
    terminal.expect_exact("size 100 40")
    terminal.sendline("end")
    terminal.expect(pexpect.EOF)


def test_interactive_python(work: Workplace) -> None:
    """The REPL edits lines, is interrupted, and ends by Ctrl-D."""
    terminal = _spawn(work, "run", "-q", sys.executable, "-i", "-q")
    terminal.expect_exact(">>> ")
    terminal.sendline("6 * 7")
    terminal.expect_exact("42\r\n")
    terminal.expect_exact(">>> ")
    terminal.sendintr()
    terminal.expect_exact("KeyboardInterrupt")
    terminal.expect_exact(">>> ")
    terminal.send("\x1b[A\r")
    terminal.expect_exact("42\r\n")
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_less_gets_its_keys(work: Workplace) -> None:
    """A pager reads keys, shows the end of the file, quits, and leaves the terminal as it was."""
    (work.directory / "rows").write_text("".join(f"row {number}\n" for number in range(300)))
    shell = _shell(work)
    modes = _run_in(shell, "stty -g")
    shell.sendline("swanlab run -q less rows")
    shell.expect_exact("row 20")
    shell.send("G")
    shell.expect_exact("row 299")
    shell.send("q")
    shell.expect_exact(PROMPT)
    assert _run_in(shell, "stty -g") == modes
    shell.close()


def test_stop_and_continue(work: Workplace) -> None:
    """Ctrl-Z stops the job, the shell says so, `fg` continues it, and its status comes through."""
    shell = _shell(work)
    shell.sendline("swanlab run -q sh -c 'echo be''gun; read line; echo got $line; exit 9'")
    shell.expect_exact("begun")
    shell.sendcontrol("z")
    shell.expect("Stopped")
    shell.expect_exact(PROMPT)
    shell.sendline("fg")
    shell.expect_exact("exit 9'")
    shell.sendline("on")
    shell.expect_exact("got on")
    shell.expect_exact(PROMPT)
    assert "rc=9" in _run_in(shell, "echo rc=$?")
    shell.close()


def test_stop_while_starting(work: Workplace) -> None:
    """Ctrl-Z while the child is about to exec stops the job, and `fg` lets it go on."""
    shell = _shell(work)
    shell.delaybeforesend = None
    for count in range(5):
        shell.sendline("swanlab run -q sh -c 'read line; echo go''t $line'")
        wait_for(lambda: len(list(work.logdir.glob("run-*"))) > count, "the run's directory")  # noqa: B023  # called in this turn
        shell.sendcontrol("z")
        shell.expect("Stopped")
        shell.expect_exact(PROMPT)
        shell.sendline("fg")
        shell.expect("sh -c")  # the shell has given the terminal to the job
        shell.sendline("on")
        shell.expect_exact("got on")
        shell.expect_exact(PROMPT)
    shell.close()


def test_interrupt_ends_a_shell_loop(work: Workplace) -> None:
    """Ctrl-C kills the child by SIGINT, we die of it too, and the shell's loop stops."""
    shell = _shell(work)
    shell.sendline("for i in 1 2 3; do swanlab run -q sh -c 'echo turn $0; read line' $i; done; echo lo''op over")
    shell.expect("turn 1\r\n")
    shell.sendintr()
    shell.expect_exact(PROMPT)
    assert not re.search("turn 2|loop over", str(shell.before))
    shell.close()
    assert (work.show()["state"], work.show()["signal"]) == ("aborted", "SIGINT")


def test_two_interrupts_are_two(work: Workplace) -> None:
    """A handler runs once for each Ctrl-C."""
    code = (
        "import os, signal, sys\ncount = 0\n"  # os.write: print() may not be entered again by a second signal
        "def handle(*_):\n"
        "    global count\n    count += 1\n    os.write(1, b'interrupt %d\\n' % count)\n    if count == 2: sys.exit(33)\n"
        "signal.signal(signal.SIGINT, handle)\nprint('ready', flush=True)\nwhile True: signal.pause()"
    )
    terminal = _spawn(work, "run", "-q", sys.executable, "-c", code)
    terminal.expect_exact("ready")
    terminal.sendintr()
    terminal.expect_exact("interrupt 1")
    terminal.sendintr()
    terminal.expect_exact("interrupt 2")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 33
    assert "interrupt 3" not in str(terminal.before)


class Tmux:
    """A tmux server of its own with one window of 80 columns and 24 rows."""

    def __init__(self, work: Workplace) -> None:
        self._socket = str(work.directory / "tmux")
        self._environ = {**work.environ, "LANG": "C.UTF-8"}
        shell = f"PS1='{PROMPT}' exec bash --norc --noprofile -i"  # the shell that runs this line forgets an inherited PS1
        self._run("new-session", "-d", "-x", "80", "-y", "24", "-c", str(work.directory), shell)
        self.wait(PROMPT.strip())

    def _run(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, env=self._environ, check=True, capture_output=True, text=True, timeout=DEADLINE_S).stdout

    def type(self, *keys: str) -> None:
        """Send keys, by tmux's names, one after the other."""
        self._run("send-keys", *keys)

    def screen(self, *options: str) -> str:
        """What is on the screen; with `-e` and its colours."""
        return self._run("capture-pane", "-p", *options)

    def wait(self, pattern: str) -> str:
        """The screen as soon as the regular expression is found on it."""
        shown = re.compile(pattern, re.MULTILINE)
        return wait_for(lambda: screen if shown.search(screen := self.screen()) else "", f"{pattern!r} on the screen")

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def close(self) -> None:
        """End the server and all that runs in it."""
        self._run("kill-server")


@pytest.fixture
def tmux(work: Workplace) -> Iterator[Tmux]:
    """A terminal multiplexer with a shell in it."""
    server = Tmux(work)
    yield server
    server.close()


def test_vim_edits_a_file(work: Workplace, tmux: Tmux) -> None:
    """A full-screen editor draws, takes keys, writes the file and restores the screen."""
    tmux.type("swanlab run -q vim -u NONE -i NONE note.txt", "Enter")
    tmux.wait("^~")
    tmux.type("i", "written behind the wrapper", "Escape")
    tmux.type(":wq", "Enter")
    wait_for((work.directory / "note.txt").exists, "the file that vim writes")
    tmux.wait(rf"^{PROMPT.strip()}$")
    assert (work.directory / "note.txt").read_text() == "written behind the wrapper\n"


def test_curses_program_follows_the_window(work: Workplace, tmux: Tmux) -> None:
    """Modes set through stdout reach the real terminal; a resize is drawn; the shell is usable afterwards."""
    code = (
        "import curses\n"
        "def main(s):\n"
        "    while True:\n"
        "        s.clear(); s.addstr(0, 0, 'size %d %d' % s.getmaxyx()); s.refresh()\n"
        "        if s.getch() == ord('q'): return\n"
        "curses.wrapper(main)\nprint('bye')\n"
    )
    Path(work.directory / "screen.py").write_text(code)
    tmux.type(f"swanlab run -q {sys.executable} screen.py", "Enter")
    tmux.wait("^size 24 80")
    tmux.resize(100, 30)
    tmux.wait("^size 30 100")
    tmux.type("q")
    tmux.wait("^bye")
    tmux.type("echo us''able", "Enter")
    tmux.wait("^usable")


def test_two_lines_of_talk_frame_the_childs(tmux: Tmux) -> None:
    """On a terminal: our line, the child's lines, our line."""
    tmux.type("clear; swanlab run sh -c 'echo FIRST; echo SECOND >&2'", "Enter")
    joined = tmux.wait("^swanlab: finished")
    order = [joined.index(text) for text in ("swanlab: recording run", "FIRST", "SECOND", "swanlab: finished")]
    assert order == sorted(order)


def test_split_gives_each_stream_a_terminal_of_its_own(work: Workplace) -> None:
    """Both are terminals of the user's size, both go to the screen, and the record tells them apart."""
    code = (
        "import os, sys; print([os.isatty(n) for n in range(3)], *os.get_terminal_size(1), *os.get_terminal_size(2)); "
        "print('to stderr', file=sys.stderr); print(os.ttyname(1) != os.ttyname(2))"
    )
    terminal = _spawn(work, "run", "-q", "--split", sys.executable, "-c", code)
    terminal.expect(pexpect.EOF)
    # The two terminals are read one after the other, and a line that is half there may be parted by one of the other.
    expected = "True\r\n[True, True, True] 90 30 90 30\r\nto stderr\r\n"
    assert sorted(str(terminal.before)) == sorted(expected)
    assert work.output("--raw", "--stream", "stderr") == b"to stderr\n"
    assert work.output("--raw", "--stream", "stdout") == b"[True, True, True] 90 30 90 30\nTrue\n"


@pytest.mark.parametrize("line", ["swanlab run -q more rows", "cat rows | swanlab run -q more"], ids=["file", "pipe"])
def test_more_gets_its_keys(work: Workplace, line: str) -> None:
    """A pager that reads keys from its stderr pages on, quits, and leaves the terminal as it was."""
    (work.directory / "rows").write_text("".join(f"row {number}\n" for number in range(300)))
    shell = _shell(work)
    modes = _run_in(shell, "stty -g")
    shell.sendline(line)
    shell.expect_exact("row 20")
    shell.expect_exact("More")
    shell.send(" ")
    shell.expect_exact("row 40")
    shell.expect_exact("More")
    shell.send("q")
    shell.expect_exact(PROMPT)
    assert _run_in(shell, "stty -g") == modes
    shell.close()


def test_modes_set_through_one_stream_show_in_the_others(work: Workplace) -> None:
    """What a program sets through stdin is seen through stdout soon, and what it sets there acts on the user's terminal."""
    code = (
        "import termios\n"
        "def echo(n, value=None):\n"
        "    modes = termios.tcgetattr(n)\n"
        "    if value is not None:\n"
        "        modes[3] = modes[3] & ~termios.ECHO | value; termios.tcsetattr(n, termios.TCSANOW, modes)\n"
        "    return modes[3] & termios.ECHO\n"
        "echo(0, 0)\nwhile echo(1): pass\nprint('off', flush=True)\n"
        "echo(1, termios.ECHO)\nwhile not echo(0): pass\nprint('on', flush=True)\n"
    )
    terminal = _spawn(work, "run", "-q", sys.executable, "-c", code)
    terminal.expect_exact("off\r\non\r\n")
    terminal.expect(pexpect.EOF)


def test_resize_reaches_a_group_in_the_foreground(work: Workplace) -> None:
    """A descendant that leads the terminal's foreground group hears of the size that its stdout has by then."""
    code = (
        "import os, signal\nos.setpgid(0, 0)\nsignal.signal(signal.SIGTTOU, signal.SIG_IGN)\nos.tcsetpgrp(0, os.getpid())\n"
        "signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'size %d %d\\n' % os.get_terminal_size(1)))\n"
        "print('ready', flush=True)\nwhile input() != 'end': pass"
    )
    (work.directory / "leader.py").write_text(code)
    terminal = _spawn(work, "run", "-q", "sh", "-c", f"{sys.executable} leader.py")
    terminal.expect_exact("ready")
    terminal.setwinsize(40, 100)
    terminal.expect_exact("size 100 40")
    terminal.sendline("end")
    terminal.expect(pexpect.EOF)
