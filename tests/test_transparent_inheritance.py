"""What a process inherits and leaves behind, locales, nesting and numbers: the same as for the bare command."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .comparison import PIPE, PTY, PYTHON, Seen, Side, in_both_modes, seen_alike, wait_until_empty
from .conftest import DEADLINE_S, Workplace, wait_for

_libc = ctypes.CDLL(None)
_PR_SET_TIMERSLACK, _PR_SET_NO_NEW_PRIVS, _PR_SET_THP_DISABLE = 29, 38, 41
# What `swanlab run` may add, and what it may change besides where stdout is no terminal and a pty stands in for it.
_ADDED = ("PYTHONPATH", "SWANLAB_CLI_")
_NO_PAGING = ("PAGER", "GIT_PAGER", "TERM")



@pytest.mark.parametrize(
    ("mode", "held"), [(PTY, "1"), (PTY, "2"), (PTY, "1 and 2"), (PTY, "none"), (PIPE, "1 and 2")]
)
def test_the_caller_waits_for_the_program_alone(work: Workplace, mode: str, held: str) -> None:
    """The run ends while a grandchild holds outputs; the grandchild lives, is adopted by the same process, and prints."""
    kept = {"1": "2>/dev/null", "2": ">/dev/null", "1 and 2": "", "none": ">/dev/null 2>&1"}[held]
    grandchild = "echo $$ >told; read a <go; echo late; echo late >&2; read b c d e f </proc/$$/stat; echo $e >told"

    def observe(side: Side) -> tuple[int, str, bytes, bytes]:
        with side.channel("told") as told, side.channel("go") as go:
            script = f"sh -c '{grandchild}' {kept} & echo first; echo first >&2; read a <told; exit 5"
            process = side.popen("sh", "-c", script, start_new_session=True)
            exit_code = process.wait(DEADLINE_S)
            go.tell()
            parent = told.line()
            output = process.communicate(timeout=DEADLINE_S)
            wait_until_empty(process.pid)
            return exit_code, parent, *output

    late = b"first\nlate\n"
    assert seen_alike(work, mode, observe)[2] == (late if "1" in held else b"first\n")


def test_a_grandchild_prints_on_the_terminal_after_the_end(work: Workplace) -> None:
    """It is not hung up, and its line appears at the shell's prompt without a staircase."""

    def observe(side: Side) -> str:
        with side.channel("told") as told, side.channel("go") as go, side.open_shell() as shell:
            shell.run("$W sh -c '(echo on >told; read a <go; printf \"late\\nlater\\n\"; echo end >told) & read a <told'")
            shell.run("stty -a; echo us''able")
            go.tell()
            told.line()
            shell.expect("late\r\nlater\r\n")
            shell.run("echo back")
            return shell.sent()

    seen_alike(work, PTY, observe)


_DAEMON = """
import os, sys
if os.fork(): os._exit(3)
os.setsid()
if os.fork(): os._exit(0)
null = os.open('/dev/null', os.O_RDWR)
for number in range(3): os.dup2(null, number)
told = open('told', 'w', buffering=1)
print(os.getpid(), file=told)
line = open('go').readline().strip()
print(line, os.getppid(), os.getsid(0) != os.getpid(), sorted(os.listdir('/proc/self/fd')), file=told)
"""


@in_both_modes
def test_a_daemon_is_let_go(work: Workplace, mode: str) -> None:
    """A daemon's parent ends at once with its own exit code and output; the daemon goes on, held by nothing of ours."""

    def observe(side: Side) -> tuple[Seen, str, bool]:
        (side.directory / "daemon.py").write_text(_DAEMON)
        with side.channel("told") as told, side.channel("go") as go:
            done = side.run(*PYTHON, "daemon.py")
            pid = int(told.line())
            go.tell("still\n")
            line = told.line()
            return done, line, wait_for(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), "the daemon's end")

    assert seen_alike(work, mode, observe)[0] == Seen(3, b"", b"")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


_TREE = """
import os
def attempt(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return error.errno
print(os.getpgrp() == int(os.environ['LEADER']), os.getsid(0) == int(os.environ['LEADER']), attempt(os.wait))
print(open('/proc/self/comm').read(), open('/proc/self/cgroup').read(), os.readlink('/proc/self/root'))
print([os.readlink('/proc/self/ns/' + name) for name in sorted(os.listdir('/proc/self/ns'))])
print(open('/proc/self/task/%d/children' % os.getpid()).read())
"""


@in_both_modes
def test_the_program_has_the_callers_session_and_no_strange_children(work: Workplace, mode: str) -> None:
    """Process group, session, cgroup, namespaces and name are the bare ones; wait(2) finds no child."""

    def observe(side: Side) -> Seen:
        (side.directory / "job.py").write_text(_TREE)
        starting = ("sh", "-c", 'LEADER=$$ exec "$@"', "sh")
        return side.run(*PYTHON, "job.py", before=starting, start_new_session=True)

    assert seen_alike(work, mode, observe).stdout.startswith(b"True True 10\n")


@pytest.mark.parametrize(("mode", "name"), [(PTY, "TERM"), (PIPE, "TERM"), (PTY, "KILL")])
def test_a_program_may_signal_its_own_group(work: Workplace, mode: str, name: str) -> None:
    """`kill -NAME 0` in the child ends the whole job as it does without us, and nobody is left."""

    def observe(side: Side) -> tuple[int, bytes, bool]:
        process = side.popen("sh", "-c", f"sleep 1000 & echo first; kill -{name} 0; echo never", start_new_session=True)
        output, _ = process.communicate(timeout=DEADLINE_S)
        return process.returncode, output, wait_until_empty(process.pid)

    number = int(getattr(signal, f"SIG{name}"))
    if name == "KILL":  # which of the processes dies first decides whether the line that was printed still comes through
        assert seen_alike(work, mode, lambda side: observe(side)[::2]) == (-number, True)
    else:
        assert seen_alike(work, mode, observe) == (-number, b"first\n", True)


@in_both_modes
def test_nobody_is_left_after_the_end(work: Workplace, mode: str) -> None:
    """When the run is over and has been read, its session is empty."""

    def observe(side: Side) -> tuple[int, bool]:
        process = side.popen("sh", "-c", "seq 1000; exit 4", start_new_session=True)
        process.communicate(timeout=DEADLINE_S)
        return process.returncode, wait_until_empty(process.pid)

    assert seen_alike(work, mode, observe) == (4, True)



_DESCRIPTORS = """
import fcntl, os
with open('told', 'w') as told:
    for number in range(256):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        if number == told.fileno():
            continue
        same = (status.st_dev, status.st_ino, fcntl.fcntl(number, fcntl.F_GETFL), os.lseek(number, 0, 1) if number > 2 else 0)
        print(number, fcntl.fcntl(number, fcntl.F_GETFD), *(same if number not in (1, 2) else ()), file=told)
"""


def _told(side: Side) -> str:
    text = (side.directory / "told").read_text()
    (side.directory / "told").unlink()
    return text


@in_both_modes
@pytest.mark.parametrize("passed", [(), (3, 4, 5), (7, 100, 255)], ids=str)
def test_the_program_has_exactly_the_descriptors_that_were_passed(work: Workplace, mode: str, passed: tuple[int, ...]) -> None:
    """0, 1, 2 and those that the caller passed, with their numbers, flags and positions; stdin is the very same file."""
    file = work.directory / "file"
    file.write_text("0123456789")

    def observe(side: Side) -> tuple[Seen, str]:
        (side.directory / "job.py").write_text(_DESCRIPTORS)
        opened = "".join(f" {number}<>../file; read -n {number % 7} -u {number} x; exec" for number in passed)
        return side.bash(f"exec {opened} $W $P job.py <../file"), _told(side)

    seen, told = seen_alike(work, mode, observe)
    assert seen == Seen(0, b"", b"")
    assert [int(line.split()[0]) for line in told.splitlines()] == [0, 1, 2, *passed]


@pytest.mark.parametrize(
    ("mode", "closed"),
    [*((PIPE, closed) for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-")),
     *((PTY, closed) for closed in (">&-", "2>&-", "<&- >&- 2>&-"))],
)  # fmt: skip
def test_closed_streams_stay_closed(work: Workplace, mode: str, closed: str) -> None:
    """A program that is started without some of the three streams sees them closed; the others work, and its exit code comes."""
    writing = "for number in (1, 2):\n    try: os.write(number, b'%d\\n' % number)\n    except OSError: pass\nos._exit(6)\n"

    def observe(side: Side) -> tuple[Seen, str]:
        (side.directory / "job.py").write_text(_DESCRIPTORS + writing)
        return side.bash(f"$W $P job.py {closed}"), _told(side)

    assert seen_alike(work, mode, observe)[0].exit_code == 6


@pytest.mark.parametrize(
    "script",
    [
        "$W sh -c 'echo hi >&3' 3>three; cat three",
        "$W cat <(echo one) <(echo two)",
        "$W sh -c 'echo hi >&9' 9> >(tr a-z A-Z) | cat",
        "exec 5< <(printf 'a\\nb\\nc\\n'); read x <&5; $W sh -c 'read y <&5; echo $y'; read z <&5; echo $x $z",
        "exec 6>>log; $W sh -c 'echo in >&6'; echo out >&6; cat log",
        "printf 'all: a b\\na b:\\n\\t@echo $@\\n' >Makefile; $W make -j2 | sort; $W make -s -j2 -C . | sort",
        "printf 'all:\\n\\t+@$(W) $(MAKE) -s inner | sort\\ninner: a b\\na b:\\n\\t@echo $@\\n' >Makefile; make -s -j2 W=\"$W\"",
        "coproc $W cat; echo talk >&${COPROC[1]}; read x <&${COPROC[0]}; exec {COPROC[1]}>&-; wait; echo $x",
        "(flock 8; echo locked; $W sh -c 'flock -n 8 && echo shared') 8>lock",
    ],
    ids=["file", "substitutions", "into substitution", "shared position", "append", "make", "jobserver", "coprocess", "lock"],
)
def test_descriptors_of_scripts(work: Workplace, script: str) -> None:
    """Redirections, process substitutions, coprocesses, make's job server: output and statuses as without us."""
    seen = seen_alike(work, PTY, lambda side: side.bash(f"{script}; echo $?"))
    assert (seen.stderr, seen.stdout.endswith(b"0\n")) == (b"", True)




def _environment(text: bytes, mode: str, ends_with: bytes = b"\n") -> dict[bytes, bytes]:
    """A printed environment without the variables that may differ."""
    entries = dict(entry.partition(b"=")[::2] for entry in text.split(ends_with) if entry)
    allowed = (*_ADDED, *(_NO_PAGING if mode == PTY else ()))
    return {name: value for name, value in entries.items() if not name.startswith(tuple(map(str.encode, allowed)))}


_MANY = {
    "EMPTY": "", "SPACES": " a  b ", "NEW\nLINE": "a\nb=c", "EQUALS": "=a=b=", "UNI": "中文", "lower-case.name": "x",
    "BIG": "x" * 100_000, "LD_LIBRARY_PATH": "/nowhere", "CUDA_VISIBLE_DEVICES": "", "SLURM_JOB_ID": "12",
    "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PAGER": "less -R",
    "GIT_PAGER": "", "COLUMNS": "33", "LINES": "11",
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "changes"),
    [
        (PTY, {}), (PTY, {"LANG": "C"}), (PTY, {"LC_ALL": "C", "LC_CTYPE": "POSIX"}), (PTY, {"LC_CTYPE": ""}),
        (PTY, _MANY), (PIPE, _MANY),
    ],
    ids=["as it is", "C", "C and POSIX", "empty locale", "many", "many, pipe"],
)  # fmt: skip
def test_the_environment_is_the_callers(work: Workplace, mode: str, changes: dict[str, str]) -> None:
    """Every variable, byte for byte, but for those that the contract names."""

    def observe(side: Side) -> tuple[int, dict[bytes, bytes], bytes]:
        side.environ.pop("LANG", None)
        seen = side.run("env", "-0", env={**side.environ, **changes})
        return seen.exit_code, _environment(seen.stdout, mode, b"\0"), seen.stderr

    seen_alike(work, mode, observe)


@in_both_modes
def test_raw_bytes_in_the_environment(work: Workplace, mode: str) -> None:
    """Names and values that are no UTF-8."""

    def observe(side: Side) -> dict[bytes, bytes]:
        environ = {os.fsencode(name): os.fsencode(value) for name, value in side.environ.items()}
        return _environment(side.run("env", "-0", env={**environ, b"RAW\xff": b"\xfe\x80\n\xc3("}).stdout, mode, b"\0")

    assert seen_alike(work, mode, observe)[b"RAW\xff"] == b"\xfe\x80\n\xc3("


@in_both_modes
def test_an_empty_environment_stays_empty(work: Workplace, mode: str) -> None:
    """`env -i`: the program has no variable but ours, and its exit code comes back."""

    def observe(side: Side) -> tuple[int, dict[bytes, bytes], bytes]:
        seen = side.run("/usr/bin/env", before=("env", "-i"))
        return seen.exit_code, _environment(seen.stdout, mode), seen.stderr

    assert seen_alike(work, mode, observe) == (0, {}, b"")


@pytest.mark.parametrize("home", ["/nonexistent/home", "/proc", "", None], ids=["missing", "read-only", "empty", "unset"])
def test_no_home_is_needed(work: Workplace, home: str | None) -> None:
    """Without a home directory, or with one where nothing can be written, output, messages and exit code are the same."""

    def observe(side: Side) -> Seen:
        side.environ.pop("HOME")
        given = {} if home is None else {"HOME": home}
        return side.run("sh", "-c", "echo ${HOME-unset}; exit 3", env={**side.environ, **given})

    expected = b"unset" if home is None else home.encode()
    assert seen_alike(work, PTY, observe) == Seen(3, expected + b"\n", b"")




@pytest.mark.parametrize("name", ["with space", "中文 é", "new\nline", "-dash", b"raw\xff\xfe", "link"], ids=ascii)
def test_the_working_directory_is_the_callers(work: Workplace, name: str | bytes) -> None:
    """Of any name, raw bytes and a symbolic link (with PWD) included; relative paths are found from it."""

    def observe(side: Side) -> Seen:
        folder = os.path.join(os.fsencode(side.directory), os.fsencode(name))
        if name == "link":
            (side.directory / "real").mkdir()
            os.symlink("real", folder)
        else:
            os.mkdir(folder)
        with open(os.path.join(folder, b"here"), "w") as file:
            file.write("found\n")
        environ = {**{os.fsencode(key): os.fsencode(value) for key, value in side.environ.items()}, b"PWD": folder}
        return side.run("sh", "-c", "pwd; /bin/pwd; cat here; ls", cwd=folder, env=environ)

    assert seen_alike(work, PTY, observe).stdout.endswith(b"found\nhere\n")


@in_both_modes
def test_a_deleted_working_directory_does_not_matter(work: Workplace, mode: str) -> None:
    """The program runs where nothing can be found any more."""

    def observe(side: Side) -> Seen:
        return side.bash("mkdir gone; cd gone; rmdir ../gone; $W readlink /proc/self/cwd; $W sh -c 'echo $PWD >&2; exit 3' 2>&1")

    assert seen_alike(work, mode, observe).exit_code == 3




# What `cat` shows of these is what execve(2) kept; Python would have changed some of it.
_SHOWN_FILES = "status limits oom_score_adj coredump_filter loginuid sessionid cgroup personality".split()
_SHOWN_STATUS = "Umask Uid Gid Groups NoNewPrivs Seccomp TracerPid Cpus_allowed Mems_allowed CoreDumping Sig Shd Cap".split()
_SHOWN_BY_CALLS = (
    "import ctypes, os; libc = ctypes.CDLL(None)\n"
    "print(os.sched_getscheduler(0), os.nice(0), os.sched_getaffinity(0), libc.prctl(30, 0, 0, 0, 0), libc.prctl(42, 0, 0, 0, 0))"
)  # 30 is PR_GET_TIMERSLACK, 42 PR_GET_THP_DISABLE


def _restrict() -> None:
    """Change what an unprivileged caller may change."""
    os.umask(0o037)
    os.nice(7)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _libc.personality(0x0040000)  # ADDR_NO_RANDOMIZE, as `setarch -R`
    for option, value in ((_PR_SET_TIMERSLACK, 123_456), (_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_THP_DISABLE, 1)):
        _libc.prctl(option, value, 0, 0, 0)
    for name, text in (("oom_score_adj", "777"), ("coredump_filter", "0x11")):
        Path(f"/proc/self/{name}").write_text(text)


def _limit() -> None:
    """Lower most limits."""
    limits = {
        resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 64, resource.RLIMIT_STACK: 512 * 1024, resource.RLIMIT_AS: 1 << 30,
        resource.RLIMIT_CPU: 77, resource.RLIMIT_FSIZE: 1 << 20, resource.RLIMIT_MEMLOCK: 4096,
    }  # fmt: skip
    for number, limit in limits.items():
        resource.setrlimit(number, (limit, min(limit * 2, limit + 4096)))


def _ignore_signals() -> None:
    """Ignore all signals but the two that CPython ignores itself, so that nobody can tell its "ignore" from the caller's."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}:
        signal.signal(number, signal.SIG_IGN)


_PREPARATIONS: Mapping[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "restricted": _restrict,
    "limits": _limit,
    "ignored signals": _ignore_signals,
    "blocked signals": lambda: signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals()),
    "umask 777": lambda: os.umask(0o777),
    "batch": lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)),
}


@pytest.mark.parametrize("name", _PREPARATIONS)
def test_attributes_are_inherited(work: Workplace, name: str) -> None:
    """Limits, masks, priorities, ids and all that execve(2) keeps are the caller's in the program."""

    def observe(side: Side) -> tuple[int, list[str], bytes]:
        shown = side.run("cat", *(f"/proc/self/{file}" for file in _SHOWN_FILES), preexec_fn=_PREPARATIONS[name])
        status, limits, rest = shown.stdout.decode().partition("Limit ")
        lines = [line for line in status.splitlines() if line.startswith(tuple(_SHOWN_STATUS)) and not line.startswith("SigQ")]
        called = side.run(*PYTHON, "-c", _SHOWN_BY_CALLS, preexec_fn=_PREPARATIONS[name])
        return shown.exit_code, [*lines, limits, rest, called.stdout.decode()], shown.stderr + called.stderr

    assert seen_alike(work, PTY, observe)[::2] == (0, b"")


@in_both_modes
def test_an_alarm_of_the_caller_reaches_the_program(work: Workplace, mode: str) -> None:
    """A timer that was set before exec, the idiom `perl -e 'alarm shift; exec @ARGV'`, ends a program by SIGALRM."""
    code = "import os, signal, sys; signal.setitimer(signal.ITIMER_REAL, 0.7); os.execvp(sys.argv[1], sys.argv[1:])"

    def observe(side: Side) -> Seen:
        return side.run("sleep", "1000", before=(*PYTHON, "-c", code))

    assert seen_alike(work, mode, observe) == Seen(-signal.SIGALRM, b"", b"")



_ODD = ["", " ", "a b", "'", '"', "\\", "$HOME", "`id`", "*", "--", "-", "-q", "--help", "--pty", "\t", "new\nline", "中"]
_SHOW = "import os; print(open('/proc/self/cmdline', 'rb').read().split(b'\\0')[4:])"


@pytest.mark.parametrize(
    "arguments",
    [_ODD, [b"\xff\xfe", b"\xe9t\xe9", b"\xc3"], ["x" * 100_000], ["y"] * 5000],
    ids=["odd", "raw bytes", "100 kB", "many"],
)
def test_arguments_are_unchanged(work: Workplace, arguments: list[str | bytes]) -> None:
    """Every byte of every argument, in any locale."""

    def observe(side: Side) -> list[Seen]:
        environs = (side.environ, {**side.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
        return [side.run(*PYTHON, "-c", _SHOW, *arguments, env=environ) for environ in environs]

    seen = seen_alike(work, PTY, observe)
    assert seen[0].stdout == seen[1].stdout == repr([*map(os.fsencode, arguments), b""]).encode() + b"\n"


_TOOL = "mkdir -p one two; printf '#!/bin/sh\\necho two $0\\n' >two/tool; chmod +x two/tool; PATH=$PWD/one:$PWD/two:$PATH"
_MODULE = "mkdir s; echo 'import sys; print(sys.argv, sys.path[0], sys.flags)' >s/a.py"


@pytest.mark.parametrize(
    "script",
    [
        "$W cat /proc/self/cmdline; $W /bin/../bin/cat /proc/self/cmdline",
        "printf '#!/bin/sh\\necho $0 $*\\n' >tool; chmod +x tool; $W ./tool -x; PATH=.:$PATH; cd /; $W $OLDPWD/tool --help",
        "echo 'echo $0 no interpreter line' >tool; chmod +x tool; $W env ./tool; PATH=$PATH: $W env tool",
        "printf '#!/usr/bin/env -S %s -u\\nimport sys\\nprint(sys.argv, sys.path[0])\\n' \"$P\" >t; chmod +x t; $W ./t -a",
        f"{_MODULE}; $W $P s/a.py -c; cd s; $W $P a.py; $W $P -m a --x",
        "$W $P -c 'import sys; print(sys.argv, repr(sys.path[0]), sys.executable, sys.orig_argv)' -c --",
        "echo 'import sys; print(sys.argv, repr(sys.path[0]))' | $W $P - a b",
        f"{_TOOL}; echo no >one/tool; $W tool; rm one/tool; mkdir one/tool; $W tool",
        "printf '#!/bin/sh\\necho dashed $0\\n' >-tool; chmod +x -- -tool; $W ./-tool; PATH=$PWD:$PATH; $W env -- -tool",
        "ln -s /bin/echo other; $W ./other hi; $W sh -c 'echo $0 $1; readlink /proc/self/exe; cat /proc/$$/comm' -- x",
    ],
    ids=["name and path", "script", "no interpreter line", "env -S", "module", "code", "stdin", "search", "dash", "symlink"],
)
def test_the_program_is_found_and_named_as_ever(work: Workplace, script: str) -> None:
    """argv[0], sys.path[0] and the search on the PATH."""
    seen = seen_alike(work, PIPE, lambda side: side.bash(f"{script}; echo $?"))
    assert (seen.stdout.endswith(b"0\n"), seen.stderr) == (True, b"")



_ENCODINGS = """
import locale, os, sys
print(sys.stdin.encoding, sys.stdout.encoding, sys.stdout.errors, sys.stderr.encoding, sys.getfilesystemencoding())
print(locale.getpreferredencoding(), sys.flags.utf8_mode, locale.setlocale(locale.LC_CTYPE), ascii(sys.argv[1:]))
sys.stdout.flush()
os.write(1, b'\\xe4\\xb8\\xad \\xe9\\n'); os.write(2, b'\\xff\\n')
"""


@pytest.mark.parametrize(
    "locale",
    [
        {"LANG": "C"}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"},
        {"LC_ALL": "en_US.ISO-8859-1"}, {"LC_CTYPE": "C", "LANG": "C.UTF-8", "PYTHONIOENCODING": "latin-1:replace"}, {},
    ],
    ids=["C", "POSIX", "UTF-8", "not installed", "encoding", "unset"],
)  # fmt: skip
def test_encodings_are_the_programs_own(work: Workplace, locale: dict[str, str]) -> None:
    """A Python program computes the same encodings and gets the same arguments, and its bytes pass, in any locale."""

    def observe(side: Side) -> Seen:
        kept = {name: value for name, value in side.environ.items() if not name.startswith(("LC_", "LANG"))}
        return side.run(*PYTHON, "-c", _ENCODINGS, "中".encode(), b"\xe9", env={**kept, **locale})

    assert seen_alike(work, PTY, observe).exit_code == 0




def _nested(side: Side, *command: str) -> list[str]:
    """The command behind two wrappers."""
    return [*side.prefix, *command]


def test_nested_runs_pass_everything_on(work: Workplace) -> None:
    """Behind three wrappers: stdin, both streams, exit code, environment and descriptors."""
    code = "import os, sys; data = sys.stdin.buffer.read(); os.write(1, data); os.write(2, data[::-1]); sys.exit(len(data))"

    def observe(side: Side) -> tuple[Seen, dict[bytes, bytes]]:
        deep = _nested(side, *_nested(side, *PYTHON, "-c", code))
        seen = side.run(*deep, input=b"a\r\n\x00\xff\x04z")
        environment = side.run(*_nested(side, *_nested(side, "env", "-0"))).stdout
        return seen, _environment(environment, PTY, b"\0")

    assert seen_alike(work, PTY, observe)[0] == Seen(7, b"a\r\n\x00\xff\x04z", b"z\x04\xff\x00\n\ra")


def test_nested_runs_do_not_lengthen_pythonpath(work: Workplace) -> None:
    """The inner run finds our folder on the path already, and adds it once."""

    def observe(side: Side) -> int:
        seen = side.run(*_nested(side, "sh", "-c", 'echo "$PYTHONPATH"'), env={**side.environ, "PYTHONPATH": "/a"})
        return seen.stdout.count(b":") - bool(side.prefix)

    assert seen_alike(work, PTY, observe) == 0


def test_nested_runs_on_a_terminal(work: Workplace) -> None:
    """Size, prompt, Ctrl-Z and `fg`, Ctrl-C once, and the exit code through two wrappers."""
    code = (
        "import os, select, signal, sys\n"
        "woken, waking = os.pipe2(os.O_NONBLOCK)\n"
        "signal.set_wakeup_fd(waking); signal.signal(signal.SIGINT, lambda *_: None)\n"
        "print([os.isatty(n) for n in range(3)], *os.get_terminal_size(1), flush=True)\n"
        "name = input('name? '); print('hello', name, flush=True)\n"
        "select.select([woken], [], []); print(len(os.read(woken, 9)), 'interrupt', flush=True)\n"
        "sys.exit(int(input('code? ')))\n"
    )

    def observe(side: Side) -> str:
        (side.directory / "job.py").write_text(code)
        with side.open_shell() as shell:
            shell.enter("$W $W $P job.py; echo $?")
            shell.expect("name? ")
            shell.suspend()
            shell.enter("fg")
            shell.expect("job.py\r\n")
            shell.send("bob\n")
            shell.dialogue(("hello bob\r\n", "\x03"), ("1 interrupt\r\n", ""), ("code? ", "9\n"))
            shell.prompt()
            shell.run("stty -a")
            return shell.sent()

    seen_alike(work, PTY, observe)


@in_both_modes
@pytest.mark.parametrize("target", ["process", "group"])
def test_nested_runs_share_signals_once(work: Workplace, mode: str, target: str) -> None:
    """A signal to the outermost process or to the group is handled once by the innermost program, three times in a row."""
    code = (
        "import os, select, signal, sys\n"
        "woken, waking = os.pipe2(os.O_NONBLOCK)\n"
        "signal.set_wakeup_fd(waking); signal.signal(signal.SIGTERM, lambda *_: None); os.write(1, b'ready\\n')\n"
        "for _ in range(3): select.select([woken], [], []); os.write(1, b'%d\\n' % len(os.read(woken, 9)))\n"
        "sys.stdin.read(); sys.exit(8 + len(select.select([woken], [], [], 0)[0]))\n"
    )

    def observe(side: Side) -> tuple[list[bytes], int]:
        command = _nested(side, *PYTHON, "-c", code)
        with side.popen(*command, stdin=subprocess.PIPE, start_new_session=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            for _ in range(3):
                (os.kill if target == "process" else os.killpg)(process.pid, signal.SIGTERM)
                lines.append(process.stdout.readline())
            process.communicate(timeout=DEADLINE_S)
            return lines, process.returncode

    assert seen_alike(work, mode, observe) == ([b"ready\n", b"1\n", b"1\n", b"1\n"], 8)


def test_nothing_of_nested_runs_is_left_when_the_outermost_is_killed(work: Workplace) -> None:
    """SIGKILL of the outer wrapper ends the inner one and the program."""

    def observe(side: Side) -> tuple[bytes, int, bool]:
        with side.channel("go"):
            process = side.popen(*_nested(side, "sh", "-c", "echo ready; read a <go"), start_new_session=True)
            assert process.stdout is not None
            line = process.stdout.readline()
            process.kill()
            process.communicate(timeout=DEADLINE_S)
            return line, process.returncode, wait_until_empty(process.pid)

    assert seen_alike(work, PTY, observe) == (b"ready\n", -signal.SIGKILL, True)


def test_a_wrapped_script_that_wraps_its_own_commands(work: Workplace) -> None:
    """A script behind a wrapper runs others behind wrappers, in a pipeline, a substitution, a loop and the background."""
    inner = (
        'set -o pipefail; echo a; x=$($W echo b); echo $x; printf "1\\n2\\n3\\n" | while read n; do $W echo n$n; done; '
        '$W seq 1000 | $W tail -n 1 | $W cat; $W sh -c "exit 3" & wait $!; echo $?; $W sh -c "exit 5" | cat; exit $?'
    )
    script = f"export W; $W bash -c '{inner}'; echo $?"
    seen = seen_alike(work, PTY, lambda side: side.bash(script))
    assert seen == Seen(0, b"a\nb\nn1\nn2\nn3\n1000\n3\n5\n", b"")


@in_both_modes
def test_twenty_at_once(work: Workplace, mode: str) -> None:
    """Twenty programs that all run at the same time: each one's output and exit code, nothing mixed or lost."""
    script = "echo on >told; read a <go; i=0; while [ $i -lt 300 ]; do echo $0 $i; echo $0 >&2; i=$((i + 1)); done; exit $0"

    def observe(side: Side) -> list[tuple[int, bytes, bytes]]:
        with side.channel("told") as told, side.channel("go") as go:
            processes = [side.popen("sh", "-c", script, str(number)) for number in range(20)]
            for _ in processes:
                told.line()
            go.tell("go\n" * 20)
            outputs = [process.communicate(timeout=2 * DEADLINE_S) for process in processes]
            return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]

    expected = [
        (number, b"".join(b"%d %d\n" % (number, line) for line in range(300)), b"%d\n" % number * 300) for number in range(20)
    ]
    assert seen_alike(work, mode, observe) == expected


def test_eight_jobs_on_one_terminal(work: Workplace) -> None:
    """Background jobs that print whole lines at once keep the lines whole, and `wait` finds every exit code."""

    def observe(side: Side) -> tuple[list[str], str, str]:
        script = "echo on >told; read a <go; for i in 1 2 3 4 5 6 7 8 9; do echo $0 $i $0 $i $0 $i; done; exit $0"
        (side.directory / "job.sh").write_text(script)
        with side.channel("told") as told, side.channel("go") as go, side.open_shell() as shell:
            shell.run("for n in 1 2 3 4 5 6 7 8; do $W sh -c \"$(cat job.sh)\" $n & pids=\"$pids $!\"; done")
            for _ in range(8):
                told.line()
            shell.enter("for pid in $pids; do wait $pid; codes=$codes$?; done; echo us''able")
            go.tell("go\n" * 8)
            lines = sorted(line for line in shell.prompt().splitlines() if line[:1].isdigit())
            return lines, shell.run("echo $codes"), shell.run("stty -a")

    lines, codes, _ = seen_alike(work, PTY, observe)
    assert (lines, codes) == (sorted(f"{n} {i} {n} {i} {n} {i}" for n in range(1, 9) for i in range(1, 10)), "12345678\r\n")


@in_both_modes
@pytest.mark.parametrize("value", ["/nowhere:", ":/nowhere", "/a::/b", ":"])
def test_an_empty_entry_of_pythonpath_is_the_working_directory(work: Workplace, mode: str, value: str) -> None:
    """`export PYTHONPATH=/x:$PYTHONPATH` with nothing before it: modules beside the caller are found as ever."""

    def observe(side: Side) -> Seen:
        (side.directory / "mine.py").write_text("print('found')")
        (side.directory / "scripts").mkdir()
        (side.directory / "scripts" / "job.py").write_text("import sys; sys.dont_write_bytecode = True; import mine")
        return side.run(*PYTHON, "scripts/job.py", env={**side.environ, "PYTHONPATH": value})

    assert seen_alike(work, mode, observe).stdout == b"found\n"


@in_both_modes
@pytest.mark.parametrize("limit", [16, 14, 13, 12, 11, 10, 9, 8])
def test_few_descriptors_never_stop_the_command(work: Workplace, mode: str, limit: int) -> None:
    """Where we cannot open what we need, the command runs unrecorded, whatever is the first thing to fail."""
    seen = seen_alike(work, mode, lambda side: side.bash(f"ulimit -n {limit}; $W sh -c 'echo hi; exit 3' 2>/dev/null; echo $?"))
    assert seen == Seen(0, b"hi\n3\n", b"")


@in_both_modes
def test_a_limit_of_file_sizes_does_not_kill_the_command(work: Workplace, mode: str) -> None:
    """With `ulimit -f 0` no run can be created: the command must run as if nothing had happened."""
    script = "ulimit -f 0; $W sh -c 'echo hi; exit 3' 2>/dev/null | cat; echo ${PIPESTATUS[0]}"
    seen = seen_alike(work, mode, lambda side: side.bash(script))
    assert seen.stdout == b"hi\n3\n"


_RAW_ENVIRON = r"""
#include <unistd.h>
int main(int argc, char **argv) {
    char *environment[] = {"B=1", "A=1", "no equals sign", "A=2", "=x", 0};
    execve(argv[1], argv + 1, environment);
    return 1;
}
"""


def test_an_odd_environment_is_kept_entry_by_entry(work: Workplace) -> None:
    """Entries that are twice there or have no `=` are passed on in their order."""
    (work.directory / "odd.c").write_text(_RAW_ENVIRON)
    subprocess.run(["gcc", "-o", work.directory / "odd", work.directory / "odd.c"], check=True)

    def observe(side: Side) -> list[bytes]:
        seen = side.run("/bin/cat", "/proc/self/environ", before=[str(work.directory / "odd")])
        return [entry for entry in seen.stdout.split(b"\0") if not entry.startswith((b"PYTHONPATH=", b"SWANLAB_CLI_"))]

    assert b"no equals sign" in seen_alike(work, PIPE, observe)
