"""A GpuWatch whose driver hangs and recovers, on a clock of its own; prints what came of each question."""

import json
import os
import select

from swanlab_cli.recorder.gpus import GpuWatch

folder = os.environ["FAKE_NVML"]
samples: list[int] = []
warnings: list[str] = []
watch = GpuWatch({}, lambda _moment, step, _values: samples.append(step), warnings.append)


def outcome(now: float, step: int, patience_s: float) -> str:
    """What comes of a question: `patience_s` of real time for an answer, then eleven seconds on the watch's own clock."""
    watch.ask(now, [], step)
    if watch.pipe is None:
        return "nothing"
    if select.select([watch.pipe], [], [], patience_s)[0]:
        watch.take(now)
    watch.look(now + 11)
    return "answer" if step in samples else "killed" if watch.pipe is None else "open"


asked = [outcome(0, 0, 30)]
with open(os.path.join(folder, "hang"), "w"):
    asked.append(outcome(20, 1, 1))
os.unlink(os.path.join(folder, "hang"))
asked += [outcome(40, 2, 30), outcome(100, 3, 30)]
print(json.dumps({"asked": asked, "warnings": warnings}))
