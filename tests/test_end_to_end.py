"""The installed command on real children: what it passes on, what it records, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import CHILDREN, SWANLAB, Workplace, python, wait_for

ALL_BYTES = bytes(range(256)) * 16


@pytest.mark.parametrize("mode", ["--pty", "--no-pty"])
def test_output_arrives_unchanged_and_is_recorded_unchanged(work: Workplace, mode: str) -> None:
    """Every byte value on both streams, outside and in the record."""
    code = f"import os; os.write(1, {ALL_BYTES!r}); os.write(2, {ALL_BYTES[::-1]!r})"
    result = work.swanlab("run", "-q", mode, *python(code))
    assert (result.returncode, result.stdout, result.stderr) == (0, ALL_BYTES, ALL_BYTES[::-1])
    assert work.output("--raw", "--stream", "stdout") == ALL_BYTES
    assert work.output("--raw", "--stream", "stderr") == ALL_BYTES[::-1]


def test_order_is_kept_where_both_streams_are_one_file(work: Workplace) -> None:
    """`2>&1` keeps the order of alternating writes, outside and in the record."""
    code = "import os\nfor i in range(500): os.write(1 + i % 2, b'%d\\n' % i)"
    (work.directory / "child.py").write_text(code)
    result = work.shell(f"swanlab run -q {sys.executable} child.py 2>&1")
    expected = b"".join(b"%d\n" % number for number in range(500))
    assert result.stdout == expected
    assert work.output("--raw") == work.output("--raw", "--stream", "both") == expected


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_exit_code_of_child_is_ours(work: Workplace, code: int) -> None:
    """We exit as the child did, and the record says so."""
    assert work.swanlab("run", "-q", "sh", "-c", f"exit {code}").returncode == code
    run = work.show()
    assert (run["exit_code"], run["signal"], run["state"]) == (code, None, "finished" if code == 0 else "crashed")


@pytest.mark.parametrize(("name", "state"), [("KILL", "crashed"), ("SEGV", "crashed"), ("TERM", "aborted"), ("INT", "aborted")])
def test_signal_that_ended_the_child_ends_us(work: Workplace, name: str, state: str) -> None:
    """Our caller sees the same wait status."""
    assert work.swanlab("run", "-q", "sh", "-c", f"kill -{name} $$").returncode == -getattr(signal, f"SIG{name}")
    run = work.show()
    assert (run["exit_code"], run["signal"], run["state"]) == (None, f"SIG{name}", state)


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (["no-such-command-xyz"], 127, b"command not found"),
        (["./missing"], 127, b"no such file"),
        (["./plain"], 126, b"permission denied"),
        (["./folder"], 126, b"it is a directory"),
    ],
    ids=["not on PATH", "no such file", "not executable", "directory"],
)
def test_command_that_cannot_run(work: Workplace, command: list[str], code: int, text: bytes) -> None:
    """Exit status as a shell's, one line that says why, and a run that says so too."""
    (work.directory / "plain").write_text("data")
    (work.directory / "folder").mkdir()
    result = work.swanlab("run", "-q", *command)
    assert (result.returncode, result.stdout) == (code, b"")
    assert text in result.stderr
    assert result.stderr.count(b"\n") == 1
    run = work.show()
    assert (run["state"], run["exit_code"]) == ("crashed", code)
    assert text.decode() in run["end_reason"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--projct", "x", "true"], b"unknown option '--projct' before the command"),
        (["-z", "true"], b"unknown option '-z'"),
        ([], b"no command"),
        (["--project"], b"needs a value"),
        (["--parse", "magic", "true"], b"not one of auto, kv, none"),
        (["-c", "lr", "true"], b"not KEY=VALUE"),
        (["--pattern", "(", "true"], b"("),
        (["--config-file", "missing.json", "true"], b"missing.json"),
        (["--id", "../up", "true"], b"../up"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors_exit_with_2_and_start_nothing(work: Workplace, arguments: list[str], text: bytes) -> None:
    """A wrong flag is named, and no run appears."""
    result = work.swanlab("run", *arguments)
    assert result.returncode == 2
    assert text in result.stderr
    assert b"Traceback" not in result.stderr
    assert not work.logdir.exists()


def test_everything_after_the_command_is_the_childs(work: Workplace) -> None:
    """Flags that look like ours, `--`, odd and empty words."""
    words = ["-q", "--help", "--", "", "a b", "--project=x", "*", "new\nline", "中文"]
    result = work.swanlab("run", "-q", *python("import sys; print(ascii(sys.argv[1:]))"), *words)
    assert result.stdout.decode().strip() == ascii(words)
    assert work.show()["command"][-len(words) :] == words


def test_talk_is_two_lines_on_stderr(work: Workplace) -> None:
    """One line at the start, one at the end, and none with -q."""
    loud = work.swanlab("run", "echo", "step=1 loss=2")
    assert loud.stdout == b"step=1 loss=2\n"
    first, last = loud.stderr.decode().splitlines()
    assert first.startswith("swanlab: recording run ")
    assert last.startswith("swanlab: finished in ")
    assert work.swanlab("run", "-q", "true").stderr == b""


def test_environment_of_the_child(work: Workplace) -> None:
    """Only what the contract names is added, and nothing else changes."""
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    bare = json.loads(subprocess.run(python(code), env=work.environ, capture_output=True, check=True, cwd=work.directory).stdout)
    wrapped = json.loads(work.swanlab("run", "-q", "--no-pty", *python(code)).stdout)
    changed = {name for name in wrapped.keys() | bare.keys() if wrapped.get(name) != bare.get(name)}
    assert {name for name in changed if not name.startswith("SWANLAB_CLI_")} == {"PYTHONPATH"}
    with_pty = json.loads(work.swanlab("run", "-q", *python(code)).stdout)
    assert (with_pty["PAGER"], with_pty["GIT_PAGER"], with_pty["TERM"]) == ("cat", "cat", "dumb")


def test_pythonpath_folder_holds_the_shim_alone(work: Workplace) -> None:
    """The folder that the child gets has exactly one importable package."""
    code = "import os; print(os.environ['PYTHONPATH'])"
    first, *rest = work.swanlab("run", "-q", *python(code), environ={"PYTHONPATH": "/a:/b"}).stdout.decode().strip().split(":")
    assert rest == ["/a", "/b"]
    packages = {path.name for path in Path(first).iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
    assert packages - {"__pycache__"} == {"swanlab"}


def test_three_calls_of_swanlabs_page(work: Workplace) -> None:
    """SwanLab's documentation on logging metrics: steps are counted per metric."""
    calls = ("{'loss': .5, 'acc': .1}", "{'loss': .4, 'iter': 1}", "{'loss': .3, 'iter': 2}")
    code = "import swanlab; " + "; ".join(f"swanlab.log({call})" for call in calls)
    assert work.swanlab("run", "-q", *python(code)).returncode == 0
    assert [step for step, _ in work.series("loss")] == [0, 1, 2]
    assert [step for step, _ in work.series("acc")] == [0]
    assert [step for step, _ in work.series("iter")] == [0, 1]
    assert {point["source"] for point in work.points()} == {"api"}


def test_what_a_script_logs_itself_is_not_read_from_its_output(work: Workplace) -> None:
    """Printed and logged under one name: the API's points alone are shown."""
    code = "import swanlab\nfor i in range(3): print(f'loss={i} other={i}', flush=True); swanlab.log({'loss': i / 10})"
    work.swanlab("run", "-q", *python(code))
    assert work.series("loss") == [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert work.series("other") == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_workers_that_all_log(work: Workplace) -> None:
    """Eight forked workers, every point once."""
    result = work.swanlab("run", "-q", sys.executable, str(CHILDREN / "workers.py"), "8", "200")
    assert result.returncode == 0, result.stderr
    assert len(work.series("shared")) == 1600
    for worker in range(8):
        assert work.series(f"worker/{worker}") == [(worker * 200 + call, float(call)) for call in range(200)]
    assert work.show()["config"] == {"workers": 8}


def test_bar_on_stderr_and_prints_on_stdout(work: Workplace) -> None:
    """Both streams are read, repaints one by one, and the text view collapses the bar."""
    result = work.swanlab("run", "-q", sys.executable, str(CHILDREN / "bar.py"))
    assert result.stdout.count(b"loss=") == 20
    assert work.series("loss") == [(step, pytest.approx(1 / (step + 1), abs=1e-3)) for step in range(20)]
    assert [value for _, value in work.series("speed")] == [10.0 + step for step in range(20)]
    text = work.output("--stream", "stderr").decode()
    assert text.count("\n") == 1
    assert "speed=29.0" in text


def test_compiled_program_is_line_buffered_by_the_pty(work: Workplace) -> None:
    """A C program that never flushes is seen line by line, and its values are read."""
    program = work.directory / "loop"
    subprocess.run(["gcc", "-o", program, CHILDREN / "loop.c"], check=True)
    work.swanlab("run", "-q", str(program))
    energies = work.series("energy")
    assert [step for step, _ in energies] == list(range(1000))
    assert energies[0][1] == 0.99
    assert len(work.series("residual")) == 1000


def test_bash_script_with_a_pipeline(work: Workplace) -> None:
    """Output of every program of the script is recorded; the script's status is ours."""
    (work.directory / "job.sh").write_text("set -o pipefail\nseq 3 | sed 's/^/step=/; s/$/ loss=0.5/'\nfalse | cat\n")
    result = work.swanlab("run", "-q", "bash", "job.sh")
    assert (result.returncode, result.stdout) == (1, b"step=1 loss=0.5\nstep=2 loss=0.5\nstep=3 loss=0.5\n")
    assert work.series("loss") == [(1, 0.5), (2, 0.5), (3, 0.5)]


def test_hundred_megabytes(work: Workplace) -> None:
    """100 MB of lines arrive and are recorded, byte for byte."""
    code = "import os\nblock = b''.join(b'%079d\\n' % i for i in range(13107))\nfor _ in range(96): os.write(1, block)"
    block = b"".join(b"%079d\n" % number for number in range(13107))
    expected = hashlib.sha256(block * 96).hexdigest()
    assert hashlib.sha256(work.swanlab("run", "-q", "--no-pty", *python(code)).stdout).hexdigest() == expected
    assert hashlib.sha256((work.run_directory() / "a0-r0.output").read_bytes()).hexdigest() == expected


def test_in_a_pipeline_and_in_a_substitution(work: Workplace) -> None:
    """`| head`, `$(...)`: statuses and bytes as without us."""
    assert work.shell("swanlab run -q --no-pty yes | head -n 1; echo ${PIPESTATUS[*]}").stdout == b"y\n141 0\n"
    assert work.shell("swanlab run -q yes | head -n 1; echo ${PIPESTATUS[*]}").stdout == b"y\n141 0\n"
    assert work.shell("printf '<%s>' \"$(swanlab run -q echo a)\"").stdout == b"<a>"


def test_under_nohup_and_in_the_background(work: Workplace) -> None:
    """A hang-up does not end it; output goes on to the file."""
    with (work.directory / "out").open("wb") as out:
        process = subprocess.Popen(
            ["nohup", SWANLAB, "run", "-q", "sh", "-c", "echo ready; read line; echo $line"],
            cwd=work.directory, env=work.environ, stdin=subprocess.PIPE, stdout=out, stderr=out,
        )  # fmt: skip
    wait_for(lambda: b"ready" in (work.directory / "out").read_bytes(), "the child's first line")
    process.send_signal(signal.SIGHUP)
    process.communicate(b"still here\n", timeout=30)
    assert process.returncode == 0
    assert (work.directory / "out").read_bytes().endswith(b"still here\n")
    assert work.show()["state"] == "finished"


def test_descendant_that_outlives_the_child(work: Workplace) -> None:
    """We end with the child; what a descendant writes later still arrives and is recorded."""
    fifo = work.directory / "go"
    os.mkfifo(fifo)
    process = work.start("run", "-q", "sh", "-c", f"(read line < {fifo}; echo late) & echo first; exit 4")
    assert process.wait(30) == 4
    fifo.write_text("now\n")
    assert process.stdout is not None
    assert process.stdout.read() == b"first\nlate\n"
    process.communicate()
    assert work.output("--raw") == b"first\nlate\n"


def test_unwritable_log_directory(work: Workplace) -> None:
    """The child runs as without us, one warning says why nothing is recorded, and `swanlab.log` still works."""
    (work.directory / "blocked").write_text("a file where a folder should be")
    code = "import swanlab, sys; print(swanlab.log({'acc': 0.9})); sys.exit(5)"
    result = work.swanlab("run", "-q", "--logdir", "blocked/logs", *python(code))
    assert (result.returncode, result.stdout) == (5, b"{'acc': 0.9}\n")
    assert result.stderr.count(b"\n") == 1
    assert b"blocked/logs" in result.stderr


def test_full_disk(work: Workplace) -> None:
    """The output goes on, one warning, the right status; what was recorded before stays readable."""
    code = "import os\nfor i in range(400): os.write(1, b'%09d\\n' % i * 100)"
    limit = "ulimit -f 64; trap '' XFSZ"  # a limit on the size of files fails as a full disk does
    result = work.shell(f"{limit}; swanlab run -q --no-pty {sys.executable} -c \"{code}\" | wc -c; echo ${{PIPESTATUS[0]}}")
    assert result.stdout.split() == [b"400000", b"0"]
    assert result.stderr.count(b"\n") == 1
    assert b"the record is incomplete" in result.stderr
    run = work.show()
    assert (run["state"], run["lost_bytes"]) == ("finished", 400000 - run["output_bytes"])
    assert work.output("--raw").startswith(b"000000000\n")


def test_output_that_cannot_be_passed_on_is_not_success(work: Workplace) -> None:
    """A full disk behind stdout: the child was not told, the caller is."""
    result = work.shell("swanlab run -q echo hello > /dev/full; echo $?")
    assert result.stdout == b"1\n"
    assert b"No space left on device" in result.stderr


def test_settings_come_from_flag_variable_and_file(work: Workplace) -> None:
    """A flag wins over a variable, a variable over swanlab.toml, that over the user's file; configs are merged."""
    (work.directory / "swanlab.toml").write_text('project = "from-file"\ngroup = "g"\ntags = ["x"]\n[config]\nlr = 1\nseed = 7\n')
    user = work.directory / ".config" / "swanlab"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('job_type = "train"\ngroup = "never"\n')
    (work.directory / "more.json").write_text('{"depth": 3, "lr": 2}')
    environ = {"SWANLAB_PROJ_NAME": "from-variable", "SWANLAB_TAGS": "a,b"}
    work.swanlab("run", "-q", "-n", "mine", "-c", "lr=0.5", "--config-file", "more.json", "true", environ=environ)
    run = work.show()
    assert (run["project"], run["name"], run["group"], run["job_type"]) == ("from-variable", "mine", "g", "train")
    assert run["tags"] == ["a", "b"]
    assert run["config"] == {"lr": 0.5, "seed": 7, "depth": 3}


def test_names_of_a_script_do_not_override_flags(work: Workplace) -> None:
    """`init()` joins the run: it fills what the user left open."""
    code = "import swanlab; swanlab.init(project='theirs', experiment_name='theirs', tags=['s'], config={'lr': 9, 'wd': 1})"
    work.swanlab("run", "-q", "-p", "ours", "-t", "t", "-c", "lr=0.1", *python(code))
    run = work.show()
    assert (run["project"], run["name"], run["tags"], run["config"]) == ("ours", "theirs", ["t", "s"], {"lr": 0.1, "wd": 1})


def test_pattern_and_step_key(work: Workplace) -> None:
    """Named groups are metrics; a key of the user's choice states the step."""
    work.swanlab("run", "-q", "--pattern", r"loss is (?P<loss>\S+) at (?P<step>\d+)", "--step-key", "tick", "printf",
                 "loss is 0.5 at 7\\ntick=3 acc=0.25\\n")  # fmt: skip
    assert work.series("loss") == [(7, 0.5)]
    assert work.series("acc") == [(3, 0.25)]


def test_environment_is_recorded(work: Workplace) -> None:
    """Machine, the child's own interpreter and packages, resources."""
    work.swanlab("run", "-q", *python("x = bytearray(50_000_000)"))
    run = work.show()
    environment = run["environment"]
    assert environment["os"]["kernel"] == os.uname().release
    assert environment["host"]["name"] == os.uname().nodename
    assert environment["python"]["executable"] == sys.executable
    assert "pytest" in environment["python"]["packages"]
    assert run["peak_memory_bytes"] > 50_000_000
    assert run["cpu_s"] > 0
    assert run["cwd"] == str(work.directory)
    assert run["started_at"].endswith("Z")
    assert run["duration_s"] > 0


def test_number_of_files_is_small(work: Workplace) -> None:
    """A run of many metrics and processes has at most a dozen files."""
    work.swanlab("run", "-q", sys.executable, str(CHILDREN / "workers.py"), "20", "5")
    assert len(list(work.run_directory().iterdir())) <= 12


def test_split_labels_both_streams_of_one_terminal(work: Workplace) -> None:
    """`--split` records stdout and stderr apart where both are one file outside."""
    result = work.shell("swanlab run -q --split sh -c 'echo out; echo err >&2' 2>&1")
    assert sorted(result.stdout.split()) == [b"err", b"out"]
    assert work.output("--raw", "--stream", "stdout") == b"out\n"
    assert work.output("--raw", "--stream", "stderr") == b"err\n"
