"""The shim wherever Python runs: every point is in the record once, whoever logged it and however that was started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipapp
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .conftest import CHILDREN, DEADLINE_S, Workplace, wait_for
from .test_crash import Victim

SCRIPT = str(CHILDREN / "everywhere.py")
WRITERS, CALLS = 4, 25
WAYS = [
    "plain",
    "threads",
    "fork",
    "fork, exec",
    "subprocess",
    "process by fork",
    "process by spawn",
    "process by forkserver",
    "pool by fork",
    "pool by spawn",
    "pool by forkserver",
    "thread pool",
    "process pool",
    "asyncio tasks",
    "asyncio to_thread",
    "signal handler",
    "atexit",
    "chdir",
    "close_fds",
    "daemon",
    "few files",
    "no stderr",
]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


@pytest.fixture(params=["cpython", "pypy3"])
def interpreter(request: pytest.FixtureRequest) -> str:
    """A Python that is to log."""
    if request.param == "cpython":
        return sys.executable
    path = shutil.which("pypy3")
    if path is None:
        pytest.skip("there is no pypy3 on the PATH")
    return path


def check(work: Workplace, command: Sequence[str], environ: dict[str, str] | None = None, stdout: bytes = b"") -> None:
    """Run a command that logs everybody's points; it must succeed and say nothing, and each point be there once."""
    result = work.swanlab("run", "-q", *command, environ=environ)
    assert (result.returncode, result.stdout, result.stderr) == (0, stdout, b"")
    check_record(work)


def check_record(work: Workplace) -> None:
    """Each writer's points are recorded once, no record is torn, and nobody complained."""
    expected = [(f"writer/{writer}", call, float(call)) for writer in range(WRITERS) for call in range(CALLS)]
    assert expected == [(point["key"], point["step"], point["value"]) for point in work.points()]
    run = work.show()
    assert (run["dropped"], run["warnings"]) == ({}, [])
    assert torn_lines(work.run_directory()) == []


def torn_lines(run_directory: Path) -> list[bytes]:
    """Lines of the inboxes that are no whole record: every record is followed by an empty line or the end of the file."""
    torn = []
    for path in run_directory.glob("*.inbox-*"):
        lines = path.read_bytes().split(b"\n")
        for line, follower in zip(lines, [*lines[1:], b""], strict=True):
            if line and (follower or not line.startswith((b"{", b"#"))):
                torn.append(line)
    return torn


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("signal handler", "no stderr")])
def test_every_way_to_log(work: Workplace, interpreter: str, way: str) -> None:
    """Threads, processes of every kind, tasks, handlers, daemons."""
    check(work, [interpreter, SCRIPT, way])


def test_signal_handler_that_logs(work: Workplace, interpreter: str) -> None:
    """It interrupts a program that logs all the time; both lose nothing."""
    result = work.swanlab("run", "-q", interpreter, SCRIPT, "signal handler")
    assert (result.returncode, result.stderr) == (0, b"")
    busy = int(result.stdout)
    assert [(step, float(step)) for step in range(busy)] == work.series("busy")
    for writer in range(WRITERS):
        assert [(call, float(call)) for call in range(CALLS)] == work.series(f"writer/{writer}")
    assert (work.show()["dropped"], torn_lines(work.run_directory())) == ({}, [])


def test_program_without_stderr(work: Workplace, interpreter: str) -> None:
    """What would be said is in the record alone, and nobody's descriptor 2 is written to."""
    result = work.swanlab("run", "-q", interpreter, SCRIPT, "no stderr")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert len(work.points()) == WRITERS * CALLS
    (warning,) = work.show()["warnings"]
    assert "'bad'" in warning


def test_stderr_that_is_closed_from_the_start(work: Workplace, interpreter: str) -> None:
    """Python then has no sys.stderr at all, and the first file it opens gets descriptor 2."""
    check(work, ["sh", "-c", 'exec "$@" 2>&-', "sh", interpreter, SCRIPT, "plain"])


@pytest.mark.parametrize("option", ["-S", "-s", "-B", "-OO", "-u", "-W error", "-X dev"])
def test_options_of_python(work: Workplace, interpreter: str, option: str) -> None:
    """None of them keeps the module from being found, and nothing warns."""
    check(work, [interpreter, *option.split(), SCRIPT, "plain"])


@pytest.mark.parametrize("home", [None, "/proc", "/nonexistent"], ids=["unset", "read-only", "missing"])
def test_home_that_cannot_be_written(work: Workplace, interpreter: str, home: str | None) -> None:
    """Nothing of ours lies there."""
    if home is None:
        del work.environ["HOME"]
    else:
        work.environ["HOME"] = home
    check(work, [interpreter, SCRIPT, "plain"])


def test_virtual_environment(work: Workplace, interpreter: str) -> None:
    """One that has nothing installed."""
    command = [interpreter, "-m", "venv", "--without-pip", str(work.directory / "venv")]
    made = subprocess.run(command, capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
    if made.returncode != 0:
        pytest.skip(f"{interpreter} cannot make virtual environments: {made.stderr.strip()}")
    check(work, [str(work.directory / "venv/bin/python"), SCRIPT, "subprocess"])


def test_conda_like_prefix(work: Workplace) -> None:
    """A Python with its library in a folder of its own, activated as conda does it."""
    prefix = work.directory / "envs" / "train"
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    original = os.path.realpath(sys.executable)
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib").mkdir()
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta/history").write_text("")
    shutil.copy(original, prefix / "bin" / version)
    (prefix / "bin/python").symlink_to(version)
    (prefix / "lib" / version).symlink_to(sysconfig.get_path("stdlib"))
    for library in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython*"):
        (prefix / "lib" / library.name).symlink_to(library)
    environ = {
        "CONDA_PREFIX": str(prefix),
        "CONDA_DEFAULT_ENV": "train",
        "PATH": f"{prefix}/bin:{work.environ['PATH'].split(':', 1)[1]}",
    }
    where = work.swanlab("run", "-q", "--id", "where", f"{prefix}/bin/python", "-c", "import sys; print(sys.prefix)")
    assert where.stdout.decode().strip() == str(prefix), where.stderr
    shutil.rmtree(work.logdir)
    # `swanlab` is the one that was on the PATH before, `python` that of the prefix.
    check(work, ["python", SCRIPT, "subprocess"], environ=environ)
    assert work.show()["environment"]["python"]["executable"] == f"{prefix}/bin/python"


def test_zipapp(work: Workplace, interpreter: str) -> None:
    """A program in one file, run by its first line."""
    folder = work.directory / "app"
    folder.mkdir()
    shutil.copy(SCRIPT, folder / "everywhere.py")
    (folder / "__main__.py").write_text("import everywhere\neverywhere.in_threads()\n")
    zipapp.create_archive(folder, work.directory / "app.pyz", interpreter)
    check(work, ["./app.pyz"])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_module_of_a_package(work: Workplace, interpreter: str, method: str) -> None:
    """`python -m package`, whose workers import it again."""
    package = work.directory / "package"
    package.mkdir()
    shutil.copy(SCRIPT, package / "everywhere.py")
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        f"from . import everywhere\nif __name__ == '__main__':\n    everywhere.in_processes({method!r})\n"
    )
    check(work, [interpreter, "-m", "package"])


def test_module_called_swanlab_in_the_working_directory(work: Workplace) -> None:
    """A script's own folder comes first on its path, with us as without us: what the user put there is the user's."""
    (work.directory / "swanlab.py").write_text("theirs = True\n")
    (work.directory / "train.py").write_text("import swanlab; print(swanlab.theirs)")
    assert work.swanlab("run", "-q", sys.executable, "train.py").stdout == b"True\n"


def test_log_directory_deleted_in_mid_run(work: Workplace, interpreter: str) -> None:
    """Output and status are unchanged, and one line says what happened."""
    code = (
        "import os, shutil, sys, swanlab\n"
        "print(swanlab.log({'a': 1.0}))\n"
        "shutil.rmtree(os.path.dirname(os.environ['SWANLAB_CLI_RUN_DIR']))\n"
        "for number in range(100): result = swanlab.log({'a': float(number)})\n"
        "print(result); sys.exit(3)"
    )
    result = work.swanlab("run", "-q", interpreter, "-c", code)
    assert (result.returncode, result.stdout) == (3, b"{'a': 1.0}\n{'a': 99.0}\n")
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("swanlab: ")
    assert str(work.logdir) in line


_LOG_IF_FOUND = (
    "import importlib.util as u, sys\n"
    "if u.find_spec('swanlab'): import swanlab; print(swanlab.__version__)\n"
    "else: print('none')\n"
    "sys.stdout.flush(); sys.stdin.read()"  # it lives until it was seen among the child's processes
)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("python -I", "python -I ignores PYTHONPATH"),
        ("python -E", "python -E ignores PYTHONPATH"),
        ("env -i PYTHON", "without the environment of the run"),
        ("env PYTHONPATH=/nowhere python", "another PYTHONPATH"),
        pytest.param("sudo PYTHON", "without the environment of the run", marks=needs_root),
    ],
)
def test_python_that_does_not_get_the_shim(work: Workplace, command: str, reason: str) -> None:
    """It runs as it would without us; the record, and nobody's screen, says that metrics may be missing."""
    words = command.replace("PYTHON", sys.executable, command.endswith("PYTHON")).split()
    with work.start("run", "-q", *words, "-c", _LOG_IF_FOUND, stdin=subprocess.PIPE) as run:
        wait_for(lambda: list(work.logdir.glob("run-*/run.json")), "the run's header")
        (warning,) = wait_for(lambda: work.show()["warnings"], "the warning")
        stdout, stderr = run.communicate(timeout=DEADLINE_S)
    assert (run.returncode, stdout, stderr) == (0, b"none\n", b"")
    assert [warning] == work.show()["warnings"]
    assert reason in warning
    assert "is not in this run" in warning
    assert warning in work.swanlab("show", "last").stdout.decode()


def test_sudo_whose_program_was_not_seen(work: Workplace) -> None:
    """Nothing can be known then, and that is said."""
    program = work.directory / "sudo"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    assert work.swanlab("run", "-q", "./sudo", "python", "train.py").returncode == 3
    (warning,) = work.show()["warnings"]
    assert warning.startswith("sudo passes PYTHONPATH on only where its rules say so")


@pytest.mark.parametrize("version", ["0.10.3", "0.7.20"])
def test_real_sdk_is_found_where_the_shim_is_not(work: Workplace, version: str) -> None:
    """Under -I it is the installed package that is imported, as without us; otherwise it is the shim."""
    python = Path(sys.prefix, f"sdk-{version}", "bin", "python")
    if not python.exists():
        pytest.skip(f"swanlab {version} is not installed for the tests")
    assert work.swanlab("run", "-q", "--id", "isolated", str(python), "-I", "-c", _LOG_IF_FOUND).stdout.decode() == f"{version}\n"
    assert "-I ignores PYTHONPATH" in work.show("isolated")["warnings"][0]
    assert work.swanlab("run", "-q", "--id", "usual", str(python), "-c", _LOG_IF_FOUND).stdout.decode().endswith("+cli\n")
    assert work.show("usual")["warnings"] == []


@pytest.fixture
def small_disk(work: Workplace) -> Iterator[Path]:
    """A file system of 128 KiB."""
    work.logdir.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(work.logdir)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield work.logdir
    subprocess.run(["umount", "-l", str(work.logdir)], check=True)


@needs_root
def test_full_disk(work: Workplace, small_disk: Path, interpreter: str) -> None:
    """Output and status are unchanged; recorder and program say one line each; what fitted can be read, in order."""
    code = (
        "import sys, swanlab\nfor number in range(5000): result = swanlab.log({'a': float(number)})\nprint(result); sys.exit(3)"
    )
    result = work.swanlab("run", "-q", interpreter, "-c", code)
    assert (result.returncode, result.stdout.decode().splitlines()[0]) == (3, "{'a': 4999.0}")
    lines = result.stderr.decode().splitlines()
    assert 1 <= len(lines) <= 2
    assert all(line.startswith("swanlab: ") for line in lines)
    assert any("No space left on device" in line for line in lines)
    series = work.series("a")
    assert 100 < len(series) < 5000
    assert [(step, float(step)) for step in range(len(series))] == series


@pytest.mark.parametrize("pause_s", ["0", "0.01"], ids=["full speed", "100 a second"])
@pytest.mark.parametrize("writers", [1, 8])
@pytest.mark.parametrize("calls", [1, 50, 200])
def test_all_killed_right_after_a_call(work: Workplace, writers: int, calls: int, pause_s: str) -> None:
    """SIGKILL of the whole tree when everybody's last call has returned: the point of each call is there, once."""
    victim = Victim(work, sys.executable, str(CHILDREN / "survivors.py"), str(writers), str(calls), pause_s)
    victim.wait_for_progress(writers)
    os.killpg(victim.process.pid, signal.SIGKILL)
    victim.last_told()
    victim.wait_until_gone()
    series: dict[str, list[tuple[int, float]]] = {f"writer/{writer}": [] for writer in range(writers)}
    for point in work.points():
        series[point["key"]].append((point["step"], point["value"]))
    for points in series.values():
        assert [(step, float(step)) for step in range(len(points))] == points
        assert len(points) >= calls
