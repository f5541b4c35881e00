"""process.witness: which signals went to the whole group, also where the witness gets no processor for a while."""

from __future__ import annotations

import subprocess

from .conftest import DEADLINE_S, python

_PRELUDE = """
import os, signal, threading
from swanlab_cli.process.witness import Witness
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
witness = Witness()
"""


def outcome(*lines: str) -> str:
    """What these lines print, with a witness that is ready."""
    result = subprocess.run(python(_PRELUDE + "\n".join(lines)), capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    return result.stdout.strip()


def test_signal_is_taken_once() -> None:
    """What is pending in the witness is; afterwards it no longer is, and others never were."""
    lines = ("os.kill(witness.pid, 10)", "print(witness.take(12), witness.take(10), witness.take(10))")
    assert outcome(*lines) == "False True False"


def test_witness_without_a_processor_is_waited_for() -> None:
    """A machine so busy that it stands still for a fifth of a second loses nothing and mixes no answers up."""
    lines = (
        "os.kill(witness.pid, signal.SIGSTOP); os.kill(witness.pid, 10); os.kill(witness.pid, 12)",
        "threading.Timer(0.2, os.kill, (witness.pid, signal.SIGCONT)).start()",
        "print(witness.take(10), witness.take(10), witness.take(12), witness.take(12))",
    )
    assert outcome(*lines) == "True False True False"


def test_nothing_is_waited_for_where_nothing_is_pending() -> None:
    """A witness that stands still is not asked."""
    lines = ("os.kill(witness.pid, signal.SIGSTOP)", "print(witness.take(10))", "os.kill(witness.pid, signal.SIGCONT)")
    assert outcome(*lines) == "False"


def test_witness_that_was_killed() -> None:
    """From then on every signal counts as ours alone."""
    assert (
        outcome("os.kill(witness.pid, 9)", "os.waitid(os.P_PID, witness.pid, os.WEXITED | os.WNOWAIT)", "print(witness.take(10))")
        == "False"
    )
