"""The terminal: size, modes, keys, prompts and control are those of the bare command, whatever the streams are."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .comparison import PIPE, PTY, PYTHON, Side, Terminal, in_both_modes, seen_alike, wait_until_empty
from .conftest import Workplace, wait_for
from .test_terminal import PROMPT, Tmux

_REDIRECTIONS = [
    "", "<rows", ">out", "2>err", ">out 2>&1", ">out 2>err", "<rows >out 2>err",
    "| cat >piped", "2>&1 | cat >piped", "<rows | cat >piped",
]  # fmt: skip


@pytest.mark.parametrize("redirection", _REDIRECTIONS)
@in_both_modes
def test_terminal_and_files_get_the_same_bytes(work: Workplace, mode: str, redirection: str) -> None:
    """However streams are redirected: no carriage return comes or goes, and isatty(3) is true of the same (with --no-pty)."""
    code = (
        "import os, sys\n"
        "print([os.isatty(number) for number in range(3)], file=open('told', 'w'))\n"
        "os.write(1, b'a\\n\\r\\n\\rb\\tc\\x00\\xff\\n'); os.write(2, b'd\\r\\ne\\n'); sys.exit(len(sys.stdin.readline()))\n"
    )

    def observe(side: Side) -> tuple[str, dict[str, bytes]]:
        (side.directory / "rows").write_text("row\n")
        (side.directory / "job.py").write_text(code)
        with side.open_shell() as shell:
            shell.enter(f"$W $P job.py {redirection}; echo ${{PIPESTATUS[*]}}")
            # What is typed shows at once: what was printed before must have arrived by then.
            if redirection in ("", "<rows", "2>err"):
                shell.expect("\xff\r\n")
            if "2>" not in redirection:
                shell.expect("e\r\n")
            if "<" not in redirection:
                shell.send("12\n")
            shell.prompt()
            hidden = () if mode == PIPE else ("told",)
            files = {path.name: path.read_bytes() for path in side.directory.iterdir() if path.name not in hidden}
            return shell.sent(), files

    seen_alike(work, mode, observe)


@pytest.mark.parametrize("modes", ["sane", "-opost", "-onlcr", "-echo -icanon -isig", "-onlcr ocrnl onlret tab3"])
def test_the_terminals_own_translation_stays(work: Workplace, modes: str) -> None:
    """Whatever the user had set before, the terminal is sent the same bytes, and its modes are unchanged."""
    code = "import os; os.write(1, b'a\\n\\r\\n\\rb\\tc\\x07\\xff\\n'); os.write(2, b'd\\r\\n\\te\\n')"

    def observe(side: Side) -> str:
        script = f"stty {modes}; stty -g; \"$@\"; echo $?; stty -g"
        with side.spawn(*PYTHON, "-c", code, before=("sh", "-c", script, "sh")) as terminal:
            terminal.finish()
            return terminal.sent()

    seen_alike(work, PTY, observe)


def test_modes_on_every_stream_are_the_users(work: Workplace) -> None:
    """tcgetattr(3) of stdin gives all that the user had set; stdout and stderr differ in OPOST at most."""
    code = (
        "import termios\n"
        "for number in range(3):\n"
        "    modes = termios.tcgetattr(number)\n"
        "    if number: modes[1] &= ~termios.OPOST\n"
        "    print(modes)\n"
    )
    changes = "intr ^K eof ^A -ixon iutf8 -echoctl -echoe time 7 min 3 istrip parenb -icrnl"

    def observe(side: Side) -> str:
        with side.spawn(*PYTHON, "-c", code, before=("sh", "-c", f'stty {changes}; exec "$@"', "sh")) as terminal:
            terminal.finish()
            return terminal.sent()

    assert seen_alike(work, PTY, observe).count("[") == 6


def test_the_users_own_interrupt_key_works(work: Workplace) -> None:
    """With another key for SIGINT, Ctrl-C is data and that key interrupts."""

    def observe(side: Side) -> tuple[int, str]:
        code = "import sys\nprint('ready', flush=True)\nprint(ascii(sys.stdin.readline()), flush=True)\nsys.stdin.readline()"
        with side.spawn(*PYTHON, "-c", code, before=("sh", "-c", 'stty intr ^K; exec "$@"', "sh")) as terminal:
            terminal.dialogue(("ready\r\n", "a\x03b\n"), ("'a\\x03b\\n'\r\n", "\x0b"))
            return terminal.finish(), terminal.sent()

    assert seen_alike(work, PTY, observe)[0] == -signal.SIGINT


def _set_size(terminal: Terminal, *size: int) -> None:
    """Set rows, columns, and width and height in pixels."""
    fcntl.ioctl(terminal.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", *size))


_SIZES = "import fcntl, struct\ndef size(number): return struct.unpack('HHHH', fcntl.ioctl(number, 0x5413, bytes(8)))\n"


@pytest.mark.parametrize("size", [(31, 97, 970, 620), (0, 0, 0, 0), (1, 1, 1, 1), (65535, 65535, 65535, 65535)], ids=str)
def test_the_size_is_the_same_on_all_streams(work: Workplace, size: tuple[int, int, int, int]) -> None:
    """Rows, columns and both sizes in pixels, also of a terminal that has none."""

    def observe(side: Side) -> str:
        (side.directory / "job.py").write_text(_SIZES + "for number in range(3): print(size(number))")
        with side.open_shell() as shell:
            _set_size(shell, *size)
            return shell.run("$W $P job.py")

    assert seen_alike(work, PTY, observe) == f"{size}\r\n" * 3


@pytest.mark.parametrize(
    ("mode", "redirection", "left"),
    [(PTY, ">out", (0, 2)), (PTY, "2>err", (0, 1)), (PTY, "<rows", (1, 2)), (PIPE, "| cat", (0, 2)), (PIPE, ">out 2>&1", (0,))],
)
def test_the_size_is_seen_on_the_streams_that_are_left(
    work: Workplace, mode: str, redirection: str, left: tuple[int, ...]
) -> None:
    """With some streams redirected, the others tell the terminal's size."""

    def observe(side: Side) -> str:
        (side.directory / "rows").write_text("")
        (side.directory / "job.py").write_text(_SIZES + f"print([size(n) for n in {left}], file=open('told', 'w'))")
        with side.open_shell() as shell:
            _set_size(shell, 41, 77, 5, 6)
            shell.run(f"$W $P job.py {redirection}")
            return (side.directory / "told").read_text()

    assert seen_alike(work, mode, observe) == f"{[(41, 77, 5, 6) for _ in left]}\n"


# Tells when all the streams named by its arguments have the size that it reads on the FIFO, looking at each SIGWINCH.
_RESIZED = (
    _SIZES
    + """
import os, select, signal, sys
woken, waking = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(waking)
signal.signal(signal.SIGWINCH, lambda *_: None)
go, told = open('go'), open('told', 'w', buffering=1)
terminals = [int(number) for number in sys.argv[1]]
print('ready', file=told)
for line in go:
    wanted = eval(line)
    while any(size(number)[:2] != wanted for number in terminals):
        select.select([woken], [], [])
        os.read(woken, 100)
    print(wanted, file=told)
"""
)


@pytest.mark.parametrize(
    ("mode", "redirection", "left"),
    [(PTY, "", "012"), (PIPE, "| cat", "02"), (PTY, "2>err", "01"), (PTY, ">out", "02"), (PTY, ">out 2>&1", "0")],
)
def test_a_new_size_is_told(work: Workplace, mode: str, redirection: str, left: str) -> None:
    """After each SIGWINCH of a slow drag, and after a burst, the program finds the last size on every terminal."""

    def observe(side: Side) -> list[str]:
        (side.directory / "job.py").write_text(_RESIZED)
        with side.channel("go") as go, side.channel("told") as told, side.open_shell() as shell:
            shell.enter(f"$W $P job.py {left} {redirection}")
            seen = [told.line()]
            for columns in (50, 120):
                _set_size(shell, 33, columns, 0, 0)
                go.tell(f"(33, {columns})\n")
                seen.append(told.line())
            for rows in range(10, 60):
                _set_size(shell, rows, 2 * rows, 0, 0)
            go.tell("(59, 118)\n")
            seen.append(told.line())
            shell.send("\x03")
            shell.prompt()
            return seen

    assert seen_alike(work, mode, observe)[1:] == ["(33, 50)", "(33, 120)", "(59, 118)"]


def test_a_size_set_while_stopped_is_there_after_fg(work: Workplace) -> None:
    """A window that was resized while the job was stopped has its new size on every stream soon after the program goes on."""
    code = "print('ready', flush=True)\nwhile input() != 'end': print(size(0), size(1), size(2))"

    def observe(side: Side) -> str:
        (side.directory / "job.py").write_text(_SIZES + code)
        with side.open_shell() as shell:
            shell.enter("$W $P job.py")
            shell.dialogue(("ready\r\n", "look\n"), ("(30, 90, 0, 0)\r\n", ""))
            shell.suspend()
            _set_size(shell, 20, 66, 7, 8)
            shell.enter("fg")
            shell.expect("job.py\r\n")
            wait_for(lambda: _sizes(shell) == "(20, 66, 7, 8) (20, 66, 7, 8) (20, 66, 7, 8)", "the new size on all streams")
            shell.send("end\n")
            return shell.prompt()

    seen_alike(work, PTY, observe)


def _sizes(shell: Terminal) -> str:
    """What the program prints when it is asked to look."""
    shell.send("look\n")
    shell.expect("look\r\n")
    shell.expect("\r\n")
    return str(shell.program.before)


def test_a_program_that_sets_the_size_sets_the_terminals(work: Workplace) -> None:
    """`stty rows 50 columns 60` in the child resizes the real terminal, and the program finds that size afterwards."""

    def observe(side: Side) -> str:
        with side.open_shell() as shell:
            shell.run("$W sh -c 'stty rows 50 columns 60; stty size'")
            return shell.run("stty size")

    assert seen_alike(work, PTY, observe) == "50 60\r\n"


@pytest.mark.parametrize("streams", ["", ">out", "2>err", ">out 2>&1", "<rows"])
def test_modes_never_change_while_a_plain_program_runs(work: Workplace, streams: str) -> None:
    """While it computes, prints and after it has ended, the terminal's modes are as they were."""

    def observe(side: Side) -> bool:
        (side.directory / "rows").write_text("")
        script = "echo start >told; read a <go; echo printed; echo printed >&2; echo more >told; read a <go; echo $a >told"
        holding = ("sh", "-c", f'"$@" {streams}; echo over >told; read line', "sh")
        with (
            side.channel("go") as go, side.channel("told") as told,
            side.spawn("sh", "-c", script, before=holding) as terminal,
        ):  # fmt: skip
            modes = [terminal.modes()]
            for _ in range(4):
                told.line()
                modes.append(terminal.modes())
                go.tell()
            return all(mode == modes[0] for mode in modes)

    assert seen_alike(work, PTY, observe)


_LEAVING = """
import os, signal, sys, termios, tty
kind, number, ending = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if kind == 'noecho':
    modes = termios.tcgetattr(number)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSANOW, modes)
elif kind == 'restored':
    modes = termios.tcgetattr(number)
    tty.setcbreak(number)
    termios.tcsetattr(number, termios.TCSANOW, modes)
else:
    getattr(tty, 'set' + kind)(number)
if ending == 'exit':
    sys.exit(3)
os.kill(os.getpid(), getattr(signal, ending))
"""


@pytest.mark.parametrize(
    ("kind", "number", "ending"),
    [
        ("raw", 0, "exit"), ("raw", 0, "SIGKILL"), ("cbreak", 1, "exit"), ("cbreak", 1, "SIGTERM"), ("noecho", 2, "SIGKILL"),
        ("restored", 1, "SIGTERM"),
    ],
)  # fmt: skip
def test_modes_that_a_program_leaves_behind_are_left_behind(work: Workplace, kind: str, number: int, ending: str) -> None:
    """The terminal is in the same modes after a program that set them on any stream and ended in any way."""

    def observe(side: Side) -> list[object]:
        (side.directory / "job.py").write_text(_LEAVING)
        holding = ("sh", "-c", '"$@" 2>&2; echo over $?; read line', "sh")
        with side.spawn(*PYTHON, "job.py", kind, str(number), ending, before=holding) as terminal:
            terminal.expect("over")
            return terminal.modes()

    seen_alike(work, PTY, observe)


@pytest.mark.parametrize(
    ("kind", "name"), [("raw", "SIGTERM"), ("raw", "SIGHUP"), ("raw", "SIGINT"), ("raw", "SIGKILL"), ("plain", "SIGKILL")]
)
def test_modes_after_a_kill_from_outside(work: Workplace, kind: str, name: str) -> None:
    """A signal to the process that the user started leaves the terminal as it leaves it for the bare program."""
    code = (
        "import os, signal, sys, tty\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "if sys.argv[1] == 'raw': tty.setraw(0)\n"
        "open('told', 'w').write('on\\n'); os.read(0, 1)\n"
    )
    holding = ("sh", "-c", '"$@"; echo over $?; read line', "sh", "sh", "-c", 'echo $$ >told; exec "$@"', "sh")

    def observe(side: Side) -> list[object]:
        with side.channel("told") as told, side.spawn(*PYTHON, "-c", code, kind, before=holding) as terminal:
            pid = int(told.line())
            assert told.line() == "on"
            os.kill(pid, getattr(signal, name))
            terminal.expect(f"over {128 + getattr(signal, name)}")
            return terminal.modes()

    seen_alike(work, PTY, observe)


def test_flow_control_holds_the_output_back(work: Workplace) -> None:
    """After Ctrl-S nothing more is shown however much is printed; after Ctrl-Q everything is, in order."""
    code = "import os\nopen('told', 'w').write(open('go').readline())\nfor i in range(3000): os.write(1, b'line %d\\n' % i)"

    def observe(side: Side) -> tuple[bool, int, str]:
        with side.channel("go") as go, side.channel("told") as told, side.spawn(*PYTHON, "-c", code) as terminal:
            terminal.send("\x13")
            go.tell()
            told.line()
            is_held = not select.select([terminal.descriptor], [], [], 0.3)[0]  # a time to look, not one to wait for
            terminal.send("\x11")
            return is_held, terminal.finish(), terminal.sent()

    is_held, code_seen, sent = seen_alike(work, PTY, observe)
    assert (is_held, code_seen, sent) == (True, 0, "".join(f"line {number}\r\n" for number in range(3000)))


@pytest.mark.parametrize("source", ["0", "1", "2", "os.open('/dev/tty', 2)"], ids=["stdin", "stdout", "stderr", "dev tty"])
@pytest.mark.parametrize("kind", ["cbreak", "raw"])
def test_single_keys_are_read(work: Workplace, source: str, kind: str) -> None:
    """With modes set on any stream or /dev/tty a key arrives without Enter and without an echo; in raw mode every key is data."""
    code = (
        "import os, sys, termios, tty\n"
        f"number = {source}\n"
        f"modes = termios.tcgetattr(number); tty.set{kind}(number); os.write(1, b'ready')\n"
        "keys = b''\nwhile not keys.endswith(b'q'): keys += os.read(0, 1); os.write(1, b'.')\n"
        "termios.tcsetattr(number, termios.TCSADRAIN, modes)\nos.write(1, b'%r' % keys)\n"
    )
    keys = "a\x1b[Aq" if kind == "cbreak" else "a\x03\x1a\x1c\x13\x11\x04\r\x7f\xe9q"

    def observe(side: Side) -> tuple[int, str]:
        with side.spawn(*PYTHON, "-c", code) as terminal:
            terminal.expect("ready")
            terminal.program.ptyproc.write(keys.encode("latin-1"))
            return terminal.finish(), terminal.sent()

    assert seen_alike(work, PTY, observe)[0] == 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_stty_on_any_stream_hides_and_shows_what_is_typed(work: Workplace, number: int) -> None:
    """`stty -echo` and `stty echo` through any of the three streams act on the keyboard."""
    script = f"stty -echo <&{number}; echo R1; read a; stty echo <&{number}; echo R2; read b; echo $a $b"

    def observe(side: Side) -> str:
        with side.spawn("sh", "-c", script) as terminal:
            terminal.dialogue(("R1\r\n", "hidden\n"), ("R2\r\n", "shown\n"))
            terminal.finish()
            return terminal.sent()

    assert seen_alike(work, PTY, observe) == "R1\r\nR2\r\nshown\r\nhidden shown\r\n"


@pytest.mark.parametrize(
    ("mode", "redirection"),
    [(PTY, ""), (PTY, "<rows"), (PTY, "<rows >out 2>err"), (PIPE, "<rows >out 2>err"), (PIPE, "<rows 2>&1 | cat")],
)
def test_a_password_is_asked_on_the_terminal(work: Workplace, mode: str, redirection: str) -> None:
    """A prompt of getpass is shown, hides the answer and restores the echo, however the streams are redirected."""
    code = "import getpass\nprint(*(getpass.getpass(word) for word in ('first? ', 'second? ')), file=open('told', 'w'))"

    def observe(side: Side) -> tuple[str, str]:
        (side.directory / "rows").write_text("not this\n")
        (side.directory / "job.py").write_text(code)
        with side.open_shell() as shell:
            shell.enter(f"$W $P job.py {redirection}")
            shell.dialogue(("first? ", "secret\n"), ("second? ", "hidden\n"))
            shell.prompt()
            shell.run("stty -a")
            return shell.sent(), (side.directory / "told").read_text()

    sent, told = seen_alike(work, mode, observe)
    assert ("secret" in sent, told) == (False, "secret hidden\n")


def test_interrupt_at_a_password_restores_the_echo(work: Workplace) -> None:
    """Ctrl-C while the answer is hidden ends the program, and the terminal echoes again."""

    def observe(side: Side) -> tuple[str, list[object]]:
        (side.directory / "job.py").write_text("import getpass; getpass.getpass('word? ')")
        with side.open_shell() as shell:
            shell.enter("$W $P job.py 2>err")
            shell.dialogue(("word? ", "\x03"))
            shell.prompt()
            shell.run("echo $?")
            return shell.sent(), shell.modes()

    seen_alike(work, PTY, observe)


@pytest.mark.parametrize(
    ("script", "keys"),
    [
        ("read -s -p 'word? ' a; echo; echo $a", "hidden\n"),
        ("read -n 1 -p 'word? ' a; echo; echo $a", "y"),
        ("read -e -p 'word? ' a; echo $a", "ab\x01X\x05Y\n"),
        ("read -d . -p 'word? ' a; echo; echo $a", "a\nb."),
        ("PS3='word? '; select a in one two; do echo $a; break; done", "2\n"),
        ("printf 'word? '; head -c 4 | od -c", "ab\x16\x03\n"),
        ("printf 'word? '; cat", "one\x04\x04"),
        ("printf 'word? ' >/dev/tty; read a </dev/tty; echo $a >/dev/tty", "typed\n"),
    ],
    ids=["hidden", "one key", "readline", "delimiter", "select", "quoted key", "end of file", "dev tty"],
)
def test_dialogues_of_a_script(work: Workplace, script: str, keys: str) -> None:
    """What bash can ask for: every character on the terminal is the same."""

    def observe(side: Side) -> tuple[int, str]:
        with side.spawn("bash", "--norc", "-c", script) as terminal:
            terminal.dialogue(("word? ", keys))
            return terminal.finish(), terminal.sent()

    assert seen_alike(work, PTY, observe)[0] == 0


_CONTROL = """
import os, termios
fields = open('/proc/self/stat').read().rpartition(')')[2].split()
print(os.tcgetpgrp(0) == os.getpgrp(), int(fields[5]) == os.getpgrp(), os.ttyname(0), termios.tcgetattr(0)[4:6])
print(os.stat(os.ttyname(0)).st_rdev == int(fields[4]))
terminal = os.open('/dev/tty', os.O_RDWR)
print(os.tcgetpgrp(terminal) == os.getpgrp(), os.ctermid())
"""


def test_the_program_is_in_the_foreground_of_the_users_terminal(work: Workplace) -> None:
    """tcgetpgrp(3), ttyname(3) of stdin, and the controlling terminal are those of the user's terminal."""

    def observe(side: Side) -> str:
        (side.directory / "job.py").write_text(_CONTROL)
        with side.open_shell() as shell:
            name = shell.run("tty").strip()
            return (shell.run("$W $P job.py") + shell.run("$W tty; $W stty size; $W stty -a")).replace(name, "TTY")

    assert "True True TTY" in seen_alike(work, PTY, observe)


_NO_CONTROL = """
import os, sys
def attempt(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return error.errno
fields = open('/proc/self/stat').read().rpartition(')')[2].split()
found = attempt(os.open, '/dev/tty', os.O_RDWR), attempt(os.tcgetpgrp, 0), attempt(os.ttyname, 0)
print(fields[4:6], *found, file=open('told', 'w'))
print('out')
print('err', file=sys.stderr)
"""


@contextmanager
def _stray_terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal that controls nobody."""
    ends = os.openpty()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


@in_both_modes
@pytest.mark.parametrize("stdin", ["null", "terminal"])
def test_without_a_controlling_terminal_there_is_none(work: Workplace, mode: str, stdin: str) -> None:
    """In a session of its own, as under cron or Slurm, the same errors come back, also where stdin is a terminal."""

    def observe(side: Side) -> tuple[str, int, bytes, bytes]:
        (side.directory / "job.py").write_text(_NO_CONTROL)
        with _stray_terminal() as (_, end):
            given = end if stdin == "terminal" else subprocess.DEVNULL
            done = side.run(*PYTHON, "job.py", start_new_session=True, stdin=given)
            return (side.directory / "told").read_text().replace(os.ttyname(end), "TTY"), *done

    assert seen_alike(work, mode, observe)[0].startswith("['0', '-1'] 6 25")


def test_terminals_without_control_stay_so(work: Workplace) -> None:
    """Where all streams are a terminal that controls nobody, it does not become the controlling one by our opening it."""

    def observe(side: Side) -> tuple[str, bytes]:
        (side.directory / "job.py").write_text(_NO_CONTROL)
        with _stray_terminal() as (master, end):
            process = side.popen(*PYTHON, "job.py", stdin=end, stdout=end, stderr=end, start_new_session=True)
            process.wait(30)
            wait_until_empty(process.pid)
            return (side.directory / "told").read_text().replace(os.ttyname(end), "TTY"), os.read(master, 1000)

    assert seen_alike(work, PTY, observe) == ("['0', '-1'] 6 25 TTY\n", b"out\r\nerr\r\n")


def test_two_terminals_keep_their_own_sizes_and_modes(work: Workplace) -> None:
    """Where stdout and stderr are different terminals, each tells its own size and gets its own bytes."""

    def observe(side: Side) -> tuple[str, bytes]:
        (side.directory / "job.py").write_text(
            _SIZES + "import sys\nprint(size(0), size(1), size(2))\nprint('second', file=sys.stderr)"
        )
        with _stray_terminal() as (master, end), side.open_shell() as shell:
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 11, 22, 33, 44))
            shell.run(f"T={os.ttyname(end)}")
            return shell.run("$W $P job.py 2>$T"), os.read(master, 1000)

    assert seen_alike(work, PTY, observe) == ("(30, 90, 0, 0) (30, 90, 0, 0) (11, 22, 33, 44)\r\n", b"second\r\n")


_COLOURS = """
import curses
def main(screen):
    curses.use_default_colors(); curses.start_color(); curses.init_pair(1, curses.COLOR_RED, -1)
    curses.curs_set(0)
    window = screen.subwin(5, 30, 4, 10); window.box(); window.addstr(2, 3, 'boxed', curses.color_pair(1) | curses.A_BOLD)
    screen.addstr(0, 0, f'{curses.LINES}x{curses.COLS} {curses.baudrate()} {curses.termname()}', curses.A_REVERSE)
    screen.refresh()
    keys = []
    curses.noecho(); curses.nonl()
    while True:
        keys.append(screen.getch())
        screen.addstr(12, 0, f'keys {keys}'); screen.refresh()
        if keys[-1] == ord('!'): curses.endwin(); print('outside', flush=True); input('Enter? '); screen.refresh()
        if keys[-1] == ord('q'): return
curses.wrapper(main)
print('bye')
"""


def test_curses_draws_the_same_screens(work: Workplace) -> None:
    """Box, colours, keys, a line typed outside of curses mode, and the shell's screen afterwards, attributes included."""

    def observe(side: Side) -> list[str]:
        (side.directory / "job.py").write_text(_COLOURS)
        (side.directory / "start").write_text(side.variables())
        tmux = Tmux(side)
        try:
            tmux.type(". ./start; clear", "Enter")
            tmux.wait(rf"\A{PROMPT.strip()}\s*\Z")
            tmux.type(f"$W {sys.executable} job.py", "Enter")
            tmux.wait("boxed")
            tmux.type("a", "Up", "Enter", "F5", "C-l")
            seen = [tmux.wait(r"keys \[97, 259, 13, 269, 12\]")]
            tmux.type("!")
            tmux.wait("Enter\\?")
            tmux.type("line", "Enter", "b")
            seen.append(tmux.wait(r"33, 98\]"))
            tmux.type("q")
            tmux.wait(rf"^bye\n{PROMPT.strip()}$")
            tmux.type("stty -a; echo ov''er", "Enter")
            return [*seen, tmux.wait(rf"^over\n{PROMPT.strip()}")]
        finally:
            tmux.close()

    seen_alike(work, PTY, observe)


def test_a_background_job_on_a_terminal_never_touches_its_modes(work: Workplace) -> None:
    """A wrapped job that prints in the background while the foreground reads single keys leaves that mode alone."""

    def observe(side: Side) -> list[str]:
        with side.channel("go") as go, side.channel("told") as told, side.open_shell() as shell:
            shell.run("$W sh -c 'echo on >told; read a <go; echo printed; echo over >told' &")
            told.line()
            shell.enter("stty -icanon -echo; printf 'keys? '; head -c 2 | od -c; stty sane; wait; echo rea''dy")
            shell.expect("keys? ")
            before = shell.modes()
            go.tell()
            told.line()
            shell.expect("printed\r\n")
            wait_for(lambda: shell.modes() == before, "the modes of the foreground")
            shell.send("xy")
            shell.expect("ready\r\n")
            return [shell.prompt()]

    seen_alike(work, PTY, observe)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_modes_set_again_after_fg_are_set(work: Workplace, number: int) -> None:
    """A program that sets the same modes again on SIGCONT, after the shell had set its own, reads single keys again."""
    code = (
        "import os, signal, termios, tty\n"
        f"modes = termios.tcgetattr({number}); tty.setcbreak({number}); wanted = termios.tcgetattr({number})\n"
        "def again(*_):\n"
        f"    termios.tcsetattr({number}, termios.TCSANOW, wanted); os.write(1, b'again\\n')\n"
        "signal.signal(signal.SIGCONT, again)\n"
        "os.write(1, b'ready\\n'); os.write(1, b'got %r\\n' % os.read(0, 1))\n"
        f"termios.tcsetattr({number}, termios.TCSANOW, modes)\n"
    )

    def observe(side: Side) -> str:
        (side.directory / "job.py").write_text(code)
        with side.open_shell() as shell:
            shell.enter("$W $P job.py")
            shell.expect("ready\r\n")
            shell.suspend()
            shell.enter("fg")
            shell.expect("again\r\n")
            shell.send("k")
            shell.expect("got b'k'\r\n")
            return shell.prompt()

    seen_alike(work, PTY, observe)


def test_a_resize_keeps_two_terminals_apart(work: Workplace) -> None:
    """Where stdout and stderr are different terminals, the new size of one is not told of the other."""
    code = (
        "import os, signal\nprint(*os.get_terminal_size(1), *os.get_terminal_size(2), flush=True)\n"
        "while input() != 'end': print(*os.get_terminal_size(1), *os.get_terminal_size(2), flush=True)"
    )

    def observe(side: Side) -> str:
        (side.directory / "job.py").write_text(code)
        master, end = os.openpty()
        try:
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 11, 22, 0, 0))
            with side.open_shell() as shell:
                shell.run(f"T={os.ttyname(end)}")
                shell.enter("$W $P job.py 2>$T")
                shell.expect("90 30 22 11\r\n")
                shell.program.setwinsize(40, 80)
                said = ""
                while "80 40" not in said:
                    shell.send("look\n")
                    shell.expect("look\r\n")
                    shell.expect("\r\n")
                    said = str(shell.program.before)
                shell.send("end\n")
                shell.prompt()
                return said
        finally:
            os.close(master)
            os.close(end)

    assert seen_alike(work, PTY, observe) == "80 40 22 11"
