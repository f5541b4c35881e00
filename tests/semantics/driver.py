"""Runs rows of the table, each in a forked process with a run of its own, and prints what was seen of each as a line of JSON.

`python driver.py WHICH DIRECTORY < ROWS`: WHICH is `shim` or a version of the SDK, which this interpreter must then have.
It runs in the SDK's environment as well, so it imports nothing of the project.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

AT_ONCE = 32
PRELUDE = "import argparse, enum, os, threading\nfrom shim_ducks import *"


def main(which: str, directory: Path) -> None:
    """Run the rows of stdin, some at a time."""
    rows = json.load(sys.stdin)
    sys.path.insert(0, str(Path(__file__).parents[1] / "children"))
    if which != "shim":  # the shim is quickly imported, and looks at its environment when it is
        importlib.import_module("swanlab")
    running: dict[int, Path] = {}
    for number, row in enumerate(rows):
        if len(running) == AT_ONCE:
            report(running)
        place = directory / str(number)
        place.mkdir()
        child = os.fork()
        if not child:
            run(which, row, place)
        running[child] = place
    while running:
        report(running)


def report(running: dict[int, Path]) -> None:
    """Wait for a row to end and print what it left."""
    child, status = os.wait()
    place = running.pop(child)
    seen: dict[str, Any] = {"raised": "nothing: it never got to its end", "told": [], "points": []}
    if (place / "seen.json").exists():
        seen = json.loads((place / "seen.json").read_text())
    seen.update(
        number=int(place.name), status=status, stdout=(place / "stdout").read_text(), stderr=(place / "stderr").read_text()
    )
    print(json.dumps(seen), flush=True)


def run(which: str, row: dict[str, Any], place: Path) -> None:
    """Be the process of a row, to its end."""
    try:
        os.chdir(place)
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
        os.environ["HOME"] = str(place)
        if which == "shim":
            os.environ.update(SWANLAB_CLI_RUN_DIR=str(place), SWANLAB_CLI_INBOX=f"{place}/inbox-")
        seen = observe(which, row, place)
        sys.stdout.flush()
        sys.stderr.flush()
        Path("seen.json").write_text(json.dumps(seen))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def observe(which: str, row: dict[str, Any], place: Path) -> dict[str, Any]:
    """Run a row's script; say what it raised, what it told, and what is recorded."""
    swanlab = importlib.import_module("swanlab")
    told: list[str] = []
    names: dict[str, Any] = {"swanlab": swanlab, "tell": lambda *values: told.append(" ".join(map(repr, values)))}
    exec(PRELUDE, names)
    if which == "0.7.20":
        quiet = swanlab.Settings(
            metadata_collect=False, requirements_collect=False, hardware_monitor=False, log_proxy_type="none"
        )
        swanlab.merge_settings(quiet)
    raised = None
    try:
        if row["starts"]:
            swanlab.init()
        exec(row["script"], names)
    except Exception as error:
        raised = type(error).__name__
        if which != "shim":
            traceback.print_exc()
    if which != "shim":
        try:
            swanlab.finish()
        except RuntimeError:  # there is no run to finish
            pass
    points = [] if which == "shim" else recorded(which, place)
    return {"raised": raised, "told": told, "points": points}


def recorded(which: str, place: Path) -> list[tuple[str, int, str]]:
    """The points that an SDK stored, in order."""
    read = read_new if which == "0.10.3" else read_old
    paths = sorted(place.rglob("*.swanlab"))
    return [
        (metric, step, repr(value))
        for path in paths
        if path.is_file() and path.stat().st_size
        for metric, step, value in read(path)
    ]


def read_new(path: Path) -> Iterator[tuple[str, int, float]]:
    """The points of a record file, by the SDK's own reader."""
    reader = importlib.import_module("swanlab.sdk.internal.core_python.store").DataStoreReader()
    record_class = importlib.import_module("swanlab.proto.swanlab.record.v1.record_pb2").Record
    reader.open(path)
    for content in reader:
        record = record_class()
        record.ParseFromString(content)
        if record.HasField("scalar"):
            yield record.scalar.key, record.scalar.step, record.scalar.value.number


def read_old(path: Path) -> Iterator[tuple[str, int, float]]:
    """The points of a backup file, by the SDK's own reader."""
    store = importlib.import_module("swanlab.data.porter.datastore").DataStore()
    store.open_for_scan(str(path))
    words = {"NaN": math.nan, "INF": math.inf, "-INF": -math.inf}
    for line in store:
        record = json.loads(line)
        if record["model_type"] == "Scalar":
            value = record["data"]["metric"]["data"]
            yield record["data"]["key"], record["data"]["step"], float(words.get(value, value))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
