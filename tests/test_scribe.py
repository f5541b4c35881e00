"""recorder.scribe: a scribe that is slow to look must not take the end of its pump for the pump's death."""

from __future__ import annotations

import json
import os
from pathlib import Path

from swanlab_cli.environment.target import Target
from swanlab_cli.process.flight import Flight
from swanlab_cli.process.masking import OutputMask
from swanlab_cli.recorder.assistant import END, Assignment
from swanlab_cli.recorder.scribe import Scribe
from swanlab_cli.settings import resolve_run_settings
from swanlab_cli.store.writer import OutputWriter, create_run

from .handmade import HEADER, LANE


class _SlowScribe(Scribe):
    """One during whose look at the child's memory the pump says its last word and ends."""

    def __init__(self, assignment: Assignment, orders: tuple[int, int], answer: int) -> None:
        gone = os.spawnlp(os.P_WAIT, "true", "true")  # any number but our parent's
        super().__init__(assignment, orders[0], answer, gone, is_restart=True)
        self._orders = orders[1]

    def _sample(self) -> None:
        os.write(self._orders, bytes([END]))


def test_pump_that_ends_while_the_scribe_looks_elsewhere(tmp_path: Path) -> None:
    """Nothing was killed, so nothing says so."""
    directory = create_run(str(tmp_path), HEADER)
    target = Target(HEADER.command, None, "/", {}, 0)
    settings = resolve_run_settings({}, {}, str(tmp_path))
    output = OutputWriter(directory, LANE)
    assignment = Assignment(directory, LANE, HEADER, target, Flight(), (), (), output, OutputMask(()), None, settings)
    answer_reader, answer = os.pipe()
    pid = os.fork()  # it changes its priority and closes descriptors
    if pid == 0:
        try:
            _SlowScribe(assignment, os.pipe(), answer).work()
        finally:
            os._exit(0)
    os.close(answer)
    os.waitpid(pid, 0)
    assert json.loads(os.read(answer_reader, 4096)) == {"points": 0, "dropped": 0}
    os.close(answer_reader)
    events = [json.loads(line) for line in (Path(directory) / "a0-r0.events.jsonl").read_text().splitlines()]
    assert [event["type"] for event in events] == ["scribe", "reset", "overhead", "complete"]
