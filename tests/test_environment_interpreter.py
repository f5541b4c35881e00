"""environment.interpreter: which Python a command means, by its files and by its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swanlab_cli.environment.interpreter import Interpreter, Invocation, find_interpreter, read_arguments
from swanlab_cli.environment.target import Target

# Many short looks: the tests' own deadline is that they all have passed.
PAUSES_S = (0.05,) * 400
# Says that it runs, and does so until it is ended.
WAITING = "import os, sys; os.write(1, b'x'); sys.stdin.read()"


def write_script(path: Path, text: str) -> Path:
    """An executable file."""
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A link to this Python, alone in a folder `bin`."""
    path = tmp_path / "bin" / "python3"
    path.parent.mkdir()
    path.symlink_to(sys.executable)
    return path


def find(
    executable: Path | str, *arguments: str, cwd: Path | str = "/", pid: int = 0, environ: dict[str, str] | None = None
) -> Interpreter | None:
    """What is found for a command; pid 0 is nobody's."""
    target = Target((str(executable), *arguments), str(executable), str(cwd), environ or {}, pid)
    return find_interpreter(target, PAUSES_S)


@pytest.mark.parametrize("name", ["python", "python3", "python3.11", "python3.13t", "python3.12-dbg", "pypy3.9", "pypy"])
def test_command_that_is_python(tmp_path: Path, name: str) -> None:
    """It is known by its name, and its symbolic link is not resolved."""
    (tmp_path / name).symlink_to(sys.executable)
    expected = Interpreter(f"{tmp_path}/{name}", ("-u", "train.py"), str(tmp_path), {"A": "b"})
    assert expected == find(tmp_path / name, "-u", "train.py", cwd=tmp_path, environ={"A": "b"})


def test_relative_path_is_of_the_working_directory(python: Path) -> None:
    """`bin/python3 train.py` means the file in the child's working directory."""
    found = find("bin/python3", "train.py", cwd=python.parent.parent)
    assert found is not None
    assert str(python) == found.executable


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("{python}", ()),
        (" {python} -u ", ("-u",)),
        ("{python}\t-X dev -u", ("-X dev -u",)),
        ("/usr/bin/env python3", ()),
        ("/usr/bin/env -S python3 -u -W 'a b'", ("-u", "-W", "a b")),
        ("/usr/bin/env -iS A=b -u HOME python3 -u", ("-u",)),
        ("/usr/bin/env --split-string=python3 -O", ("-O",)),
        ("/usr/bin/env {python}", ()),
    ],
)
def test_script_that_names_python(tmp_path: Path, python: Path, line: str, arguments: tuple[str, ...]) -> None:
    """A console script's first line says which Python it is and how it is called."""
    script = write_script(tmp_path / "train", f"#!{line.format(python=python)}\nimport sys\n")
    environ = {"PATH": f"/nonexistent:{python.parent}"}
    expected = Interpreter(str(python), (*arguments, str(script), "--lr", "1"), "/", environ)
    assert expected == find(script, "--lr", "1", environ=environ)


def test_script_that_names_a_script(tmp_path: Path, python: Path) -> None:
    """The kernel follows a first line to another script, and so do we."""
    inner = write_script(tmp_path / "inner", f"#!{python} -u\n")
    outer = write_script(tmp_path / "outer", f"#!{inner}\n")
    assert Interpreter(str(python), ("-u", str(inner), str(outer), "1"), "/", {}) == find(outer, "1")


@pytest.mark.parametrize(
    "text",
    [
        "#!\n",
        "#!/bin/sh\n",
        "#!/usr/bin/env\n",
        "#!/usr/bin/env -S 'python3\n",
        "#!/usr/bin/env python3 -u\n",
        "#!/usr/bin/env absent\n",
        "echo\n",
        "",
    ],
)
def test_script_that_names_no_python(tmp_path: Path, python: Path, text: str) -> None:
    """Such a file does not run or is something else, whatever it is called."""
    script = write_script(tmp_path / "train", text)
    assert find(script, environ={"PATH": str(python.parent)}) is None


def test_script_that_names_itself(tmp_path: Path) -> None:
    """It ends, as it does in the kernel."""
    script = tmp_path / "train"
    assert find(write_script(script, f"#!{script}\n")) is None


@pytest.mark.parametrize("executable", [None, "/nonexistent/train"])
def test_command_that_is_gone(executable: str | None) -> None:
    """Nothing is known and nothing raised; nobody waits for a child that is gone."""
    assert find_interpreter(Target(("train",), executable, "/", {}, 0), PAUSES_S) is None


@contextmanager
def started(*command: str | Path, cwd: Path, **environ: str) -> Iterator[int]:
    """A child that has said something; it and its descendants end with the block."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=cwd, env=environ, stdin=pipe, stdout=pipe, start_new_session=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.read(1) == b"x"
            yield child.pid
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def test_shell_script_that_starts_python(tmp_path: Path, python: Path) -> None:
    """The descendant counts, with its own arguments, directory and environment, as it was found on its own PATH."""
    work = tmp_path / "work"
    work.mkdir()
    script = write_script(
        tmp_path / "train.sh", f"#!/bin/bash\ncd work\nexport PATH={python.parent}:$PATH A=b\npython3 -c \"{WAITING}\"\n:\n"
    )
    with started(script, cwd=tmp_path, PATH="/usr/bin:/bin") as pid:
        found = find(script, cwd=tmp_path, pid=pid)
    assert found is not None
    expected = Interpreter(str(python), ("-c", WAITING), str(work), {"A": "b", "PATH": f"{python.parent}:/usr/bin:/bin"})
    assert expected == found._replace(environ={name: found.environ[name] for name in ("A", "PATH")})


def test_child_that_becomes_python(tmp_path: Path, python: Path) -> None:
    """A script called python that chooses the interpreter to exec, as version managers put on the PATH, is none itself."""
    wrapper = write_script(tmp_path / "python", f'#!/bin/bash\nexec {python} "$@"\n')
    with started(wrapper, "-c", WAITING, cwd=tmp_path) as pid:
        found = find(wrapper, "-c", WAITING, cwd=tmp_path, pid=pid)
    assert found is not None
    assert (str(python), ("-c", WAITING)) == (found.executable, found.arguments)


def test_name_that_a_process_gives_itself_is_not_believed(tmp_path: Path) -> None:
    """Its argv may hold anything; what the kernel runs counts."""
    (tmp_path / "python3").symlink_to("/bin/true")
    with started("/bin/bash", "-c", f"exec -a {tmp_path}/python3 {sys.executable} -c \"{WAITING}\"", cwd=tmp_path) as pid:
        found = find("/bin/bash", cwd=tmp_path, pid=pid)
    assert found is not None
    assert os.path.realpath(sys.executable) == found.executable


def test_python_that_appears_late(tmp_path: Path, python: Path) -> None:
    """The tree is looked at again after each pause."""
    os.mkfifo(tmp_path / "start")
    os.mkfifo(tmp_path / "started")
    script = write_script(
        tmp_path / "train.sh",
        f"#!/bin/bash\necho -n x\nread line < start\n{python} -c \"open('started').read(); {WAITING}\"\n:\n",
    )

    def pauses() -> Iterator[float]:
        yield 0.0
        # The first look has found nothing. The second opening waits for the Python that reads.
        (tmp_path / "start").write_text("go on\n")
        (tmp_path / "started").write_text("")
        yield 0.0

    with started(script, cwd=tmp_path) as pid:
        found = find_interpreter(Target((str(script),), str(script), str(tmp_path), {}, pid), pauses())
    assert found is not None
    assert str(python) == found.executable


def test_search_ends_with_the_child(tmp_path: Path) -> None:
    """Once the child is a zombie no further pause is begun."""
    child = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    pauses = iter((0.0, 0.0))
    assert find_interpreter(Target(("true",), "/bin/true", "/", {}, child.pid), pauses) is None
    assert list(pauses) == [0.0]
    child.wait(timeout=20)


def test_launcher_is_not_what_it_launches(tmp_path: Path, python: Path) -> None:
    """`poetry run` is a Python script, but the run's Python is the one that it starts; until then it is all there is."""
    other = tmp_path / "venv" / "python"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    poetry = write_script(
        tmp_path / "poetry", f"#!{python}\nimport subprocess, sys\nsubprocess.run([{str(other)!r}, *sys.argv[1:]])\n"
    )
    with started(poetry, "-c", WAITING, cwd=tmp_path) as pid:
        found = find(poetry, "-c", WAITING, cwd=tmp_path, pid=pid)
    assert found is not None
    assert (str(other), ("-c", WAITING)) == (found.executable, found.arguments)
    assert Interpreter(str(python), (str(poetry), "install"), "/", {}) == find(poetry, "install")


def test_what_a_launcher_asks_is_not_the_program(tmp_path: Path, python: Path) -> None:
    """Poetry asks each Python that it finds about itself, by `-I -c` or a script of its own, before it runs one."""
    other = tmp_path / "venv" / "python"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    script = tmp_path / "lib" / "site-packages" / "ask.py"
    script.parent.mkdir(parents=True)
    script.write_text(WAITING)
    poetry = write_script(
        tmp_path / "poetry",
        f"#!{python}\nimport subprocess, sys\n"
        f"for how in (['-I', '-c', {WAITING!r}], [{str(script)!r}]): subprocess.Popen([{str(other)!r}, *how])\n"
        f"subprocess.run([{str(other)!r}, *sys.argv[1:]])\n",
    )
    with started(poetry, "-c", WAITING, cwd=tmp_path) as pid:
        found = find(poetry, "-c", WAITING, cwd=tmp_path, pid=pid)
    assert found is not None
    assert found.arguments == ("-c", WAITING)


def test_copy_of_the_recorder_is_no_python_of_the_child(tmp_path: Path) -> None:
    """A child that has not come to its exec is still the recorder's process, with the recorder's command line."""
    reader, writer = os.pipe()
    code = (
        "import os, sys; from swanlab_cli.environment.interpreter import *; from swanlab_cli.environment.target import *\n"
        "pid = os.fork()\n"
        f"if pid == 0: os.read({reader}, 1); os._exit(0)\n"
        "print(find_interpreter(Target(('bash',), '/bin/bash', '/', {}, pid), (0.01,) * 3))\n"
        f"os.write({writer}, b'x')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], pass_fds=(reader, writer), capture_output=True, text=True, timeout=20, check=True
    )
    os.close(reader)
    os.close(writer)
    assert ended.stdout == "None\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Invocation(frozenset(), None, None)),
        (["train.py", "-m", "x"], Invocation(frozenset(), "train.py", None)),
        (["-u", "-OO", "train.py"], Invocation(frozenset("uO"), "train.py", None)),
        (["-W", "ignore", "-Xdev", "train.py"], Invocation(frozenset(), "train.py", None)),
        (["-uWignore", "-X", "dev", "a"], Invocation(frozenset("u"), "a", None)),
        (["-m", "pkg.train", "a"], Invocation(frozenset(), None, "pkg.train")),
        (["-um", "pkg"], Invocation(frozenset("u"), None, "pkg")),
        (["-mpkg"], Invocation(frozenset(), None, "pkg")),
        (["-m pkg"], Invocation(frozenset(), None, "pkg")),
        (["-Ic", "print()", "a"], Invocation(frozenset("I"), None, None)),
        (["-", "a"], Invocation(frozenset(), None, None)),
        (["--check-hash-based-pycs", "never", "a"], Invocation(frozenset(), "a", None)),
        (["--version"], Invocation(frozenset(), None, None)),
        (["-m"], Invocation(frozenset(), None, None)),
    ],
)
def test_arguments_of_python(arguments: list[str], expected: Invocation) -> None:
    """Options that take a value take the next word; the first word that is none is the script."""
    assert expected == read_arguments(arguments)
