"""recorder.overhead: each run says what recording it has cost."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.recorder.overhead import merge_overhead
from swanlab_cli.records import Event

from .conftest import Workplace, python, wait_for

NAMES = {
    "cpu_s", "max_memory_bytes", "bytes_written", "longest_write_s", "longest_pause_s", "records_dropped", "lost_bytes"
}  # fmt: skip
PUMP = {"cpu_s": 1.0, "max_memory_bytes": 10, "bytes_written": 100, "longest_write_s": 0.5}
SCRIBE = {"cpu_s": 0.5, "max_memory_bytes": 5, "bytes_written": 7}


def finished(work: Workplace) -> dict[str, Any]:
    """The only run once its scribe is through."""
    events = work.run_directory() / "a0-r0.events.jsonl"
    wait_for(lambda: events.exists() and '"complete"' in events.read_text(), "the scribe's end")
    return work.show()


@pytest.mark.parametrize(
    ("pump", "scribes", "expected"),
    [
        (PUMP, [SCRIBE], {"cpu_s": 1.5, "max_memory_bytes": 15, "bytes_written": 107, "longest_write_s": 0.5}),
        (PUMP, [], PUMP),
        (PUMP, [SCRIBE, {"cpu_s": None, "more": 1}], {**PUMP, "cpu_s": 1.5, "max_memory_bytes": 15, "bytes_written": 107}),
        (None, [SCRIBE], SCRIBE),
        (None, [], None),
        ({"cpu_s": 1.0, "max_memory_bytes": 10}, [], {"cpu_s": 1.0, "max_memory_bytes": 10}),
    ],
    ids=["both", "no scribe", "odd fields", "no pump", "nobody", "older run"],
)
def test_parts_are_added_up(
    pump: Mapping[str, object] | None, scribes: Sequence[Mapping[str, object]], expected: Mapping[str, object] | None
) -> None:
    """What both spend is summed, what the pump alone knows stays, what nobody knows is not made up."""
    events = [Event(0.0, "note", {"cpu_s": 9.0}), *(Event(0.0, "overhead", dict(data)) for data in scribes)]
    assert expected == merge_overhead(pump, events)


def test_receipt_of_a_run(work: Workplace) -> None:
    """Every figure is there; the bytes are those of the files that pump and scribe append to, up to their last words."""
    work.swanlab("run", "-q", "echo", "loss=0.5")
    overhead = finished(work)["overhead"]
    assert set(overhead) == NAMES
    assert (overhead["records_dropped"], overhead["lost_bytes"]) == (0, 0)
    assert all(overhead[name] > 0 for name in NAMES - {"records_dropped", "lost_bytes"})
    assert overhead["longest_write_s"] <= overhead["longest_pause_s"]
    events = (work.run_directory() / "a0-r0.events.jsonl").read_bytes()
    last_words = len(events) - events.index(b'{"time"', events.rindex(b"\n", 0, events.index(b'"overhead"')))
    names = ("output", "output.index", "metrics.jsonl", "environment.jsonl", "samples.jsonl")
    files = [path for path in (work.run_directory() / f"a0-r0.{name}" for name in names) if path.exists()]
    written = sum(path.stat().st_size for path in [*files, work.run_directory() / "run.json"]) + len(events) - last_words
    assert written == overhead["bytes_written"]


def test_receipt_of_a_run_on_a_full_disk(work: Workplace) -> None:
    """What could not be recorded is counted, in pieces and in bytes."""
    code = "import os\nfor i in range(400): os.write(1, b'%09d\\n' % i * 100)"
    work.shell(f"ulimit -f 64; trap '' XFSZ; swanlab run -q --no-pty {sys.executable} -c \"{code}\" | wc -c")
    run = work.show()
    overhead = run["overhead"]
    assert overhead["lost_bytes"] == run["lost_bytes"] == 400000 - run["output_bytes"]
    assert 0 < overhead["records_dropped"] <= overhead["lost_bytes"]


def test_receipt_has_what_a_killed_pump_could_not_tell(work: Workplace, tmp_path: Path) -> None:
    """Its scribe's part is all that is known."""
    result = work.swanlab("run", "-q", *python("import os, signal; os.kill(os.getppid(), signal.SIGKILL); os.read(0, 1)"))
    assert result.returncode != 0
    assert set(finished(work)["overhead"]) == {"cpu_s", "max_memory_bytes", "bytes_written"}
    assert json.loads((work.run_directory() / "run.json").read_text())["format"] == 1
