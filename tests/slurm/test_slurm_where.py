"""`swanlab run` wherever people put it in a Slurm job: the output is whole and the exit status that of the command."""

from __future__ import annotations

import sys

import pexpect
import pytest

from tests.conftest import DEADLINE_S
from tests.slurm.conftest import JobPlace

_CHILD = "for i in 1 2 3; do echo step=$i loss=0.$i; done; echo oops >&2; exit 7"
_WHOLE = "step=1 loss=0.1\nstep=2 loss=0.2\nstep=3 loss=0.3\noops\n"
_LOSS = [(1, 0.1), (2, 0.2), (3, 0.3)]


@pytest.mark.parametrize("prefix", ["", "exec ", "srun -n1 ", "exec srun -n1 "], ids=["plain", "exec", "srun", "exec-srun"])
def test_a_batch_script_is_recorded(jobs: JobPlace, prefix: str) -> None:
    """Output and metrics are whole, and the job fails with the command's code."""
    (jobs.directory / "child").write_text(_CHILD)
    job = jobs.submit(f"{prefix}swanlab run bash child")
    fields = jobs.cluster.wait_for(job)
    assert (fields["JobState"], fields["ExitCode"]) == ("FAILED", "7:0")
    assert sorted(jobs.result(job).splitlines()[:4]) == sorted(_WHOLE.splitlines())
    shown = jobs.show()
    assert (shown["state"], shown["exit_code"], shown["cwd"]) == ("crashed", 7, str(jobs.directory))
    assert jobs.series("loss") == _LOSS


def test_wrapped_commands_are_recorded(jobs: JobPlace) -> None:
    """`sbatch --wrap` needs no script."""
    done = jobs.there("sbatch", "--parsable", "--output=%j.out", "--wrap", "swanlab run echo loss=0.5")
    job = done.stdout.decode().strip()
    assert jobs.cluster.wait_for(job)["JobState"] == "COMPLETED"
    assert jobs.result(job) == "loss=0.5\n"
    assert jobs.series("loss") == [(0, 0.5)]


@pytest.mark.parametrize("launcher", [("srun", "-n1"), ("salloc", "-n1"), ("salloc", "-n1", "srun")], ids=" ".join)
def test_at_once_on_the_command_line(jobs: JobPlace, launcher: tuple[str, ...]) -> None:
    """What runs without a batch script shows the same output on the same streams, and has the same exit status."""
    (jobs.directory / "child").write_text(_CHILD)
    done = jobs.there(*launcher, "swanlab", "run", "-q", "--split", "bash", "child")
    said = [line for line in done.stderr.decode().splitlines() if not line.startswith(("srun: ", "salloc: "))]
    assert (done.returncode, done.stdout.decode(), said) == (7, _WHOLE.removesuffix("oops\n"), ["oops"])
    assert jobs.series("loss") == _LOSS


def test_input_reaches_the_command(jobs: JobPlace) -> None:
    """What srun reads, the command reads."""
    done = jobs.there("srun", "-n1", "swanlab", "run", "-q", "tr", "a-z", "A-Z", stdin=b"one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, b"ONE\nTWO\n")


def test_a_prompt_on_a_pseudo_terminal(jobs: JobPlace) -> None:
    """`srun --pty` gives the command a terminal, through which it asks and is answered."""
    code = "import sys; print('tty', sys.stdout.isatty()); print('hello', input('name? ')); sys.exit(3)"
    command = jobs.cluster.command("srun", "-n1", "--pty", "swanlab", "run", "-q", sys.executable, "-c", code, cwd=jobs.directory)
    terminal = pexpect.spawn(command[0], command[1:], env=jobs.environ, timeout=DEADLINE_S, encoding="utf-8")
    terminal.expect_exact("tty True")
    terminal.expect_exact("name? ")
    terminal.sendline("Slurm")
    terminal.expect_exact("hello Slurm")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 3
    assert b"hello Slurm" in jobs.output()
