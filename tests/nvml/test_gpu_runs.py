"""GPUs of real runs on the fake driver: samples, totals, and a driver that fails while a run goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.environment.nvidia import GpuUse
from swanlab_cli.recorder.gpus import GpuTotals
from swanlab_cli.records import Lane
from swanlab_cli.store.reader import count_samples, read_samples
from tests.conftest import Workplace, wait_for

from .fake import FakeDriver

GIB = 1 << 30
RESTARTS = Path(__file__).with_name("restarts.py")


class GpuRun:
    """A run in progress whose child waits for its input to end."""

    def __init__(self, work: Workplace, driver: FakeDriver, run: subprocess.Popen[bytes], directory: str, pid: int) -> None:
        self._work, self.driver, self.run, self.directory, self.pid = work, driver, run, directory, pid

    def values(self, metric: str) -> list[float]:
        """What was sampled of it until now."""
        return [point.value for point in read_samples(self.directory, Lane()) if point.metric == metric]

    def wait_for(self, metric: str, more: int = 1) -> float:
        """The newest value, when there are so many more than now."""
        before = len(self.values(metric))
        return wait_for(lambda: self.values(metric)[before + more - 1 :], f"{more} more of {metric}")[-1]

    def hold(self, gpu: int, used_bytes: int, percent: int, mig: int = -1) -> None:
        """From now on the child holds this GPU."""
        self.driver.set("processes", f"{gpu} {mig} {self.pid} {used_bytes} {percent}")

    def warning(self) -> str:
        """The only warning, when it is there."""
        (text,) = wait_for(lambda: self._work.show()["warnings"], "a warning")
        return str(text)

    def end(self) -> dict[str, Any]:
        """Let the child end, and the run as `show` has it."""
        stdout, stderr = self.run.communicate(b"\n", timeout=60)
        assert (self.run.returncode, stdout, stderr) == (0, f"{self.pid}\n".encode(), b"")
        return self._work.show()


@contextmanager
def running(work: Workplace, driver: FakeDriver, **environ: str) -> Iterator[GpuRun]:
    """A run that samples every second."""
    work.environ.update(driver.environ, **environ)
    code = "import os; print(os.getpid(), flush=True); input()"
    command = ("run", "-q", "--monitor-interval", "1", "--no-pty", sys.executable, "-c", code)
    with work.start(*command, stdin=subprocess.PIPE) as run:
        try:
            header = wait_for(lambda: list(work.logdir.glob("run-*/run.json")), "the run's header")[0]
            line = wait_for(lambda: work.output("--raw").strip(), "the child's number")
            yield GpuRun(work, driver, run, str(header.parent), int(line))
        finally:
            run.kill()


def test_samples_and_totals(work: Workplace, driver: FakeDriver) -> None:
    """What the run and everybody use of the GPUs that it sees; seconds and joules of that which it holds."""
    with running(work, driver, CUDA_VISIBLE_DEVICES="1,2") as run:
        run.wait_for("system/host/gpu1/power (W)")
        run.hold(2, 4 * GIB, 60)
        assert run.wait_for("system/gpu2/memory (bytes)", 3) == 4 * GIB
        shown = run.end()
    assert {name for name in shown["summary"] if "gpu" in name} == {
        f"system/{name} ({unit})"
        for gpu in ("gpu1", "gpu2")
        for name, unit in [
            (f"{gpu}/memory", "bytes"), (f"{gpu}/utilization", "%"), (f"host/{gpu}/memory", "bytes"),
            (f"host/{gpu}/memory of total", "%"), (f"host/{gpu}/utilization", "%"), (f"host/{gpu}/power", "W"),
            (f"host/{gpu}/temperature", "C"),
        ]
    }  # fmt: skip
    assert shown["summary"]["system/gpu2/utilization (%)"]["last"] == 60.0
    assert shown["summary"]["system/gpu1/memory (bytes)"]["max"] == 0.0
    resources = shown["resources"]
    assert resources["peak_gpu_memory_bytes"] == 4 * GIB
    assert 1.0 < resources["gpu_s"] < shown["duration_s"]
    assert resources["energy_j"] == pytest.approx(300.0 * resources["gpu_s"], rel=0.05)  # it takes 300 watts all the time
    assert shown["environment"]["accelerators"]["visible_uuids"] == [
        f"GPU-000000a{gpu}-0000-4000-8000-000000000000" for gpu in (1, 2)
    ]
    page = work.swanlab("show", "last").stdout.decode()
    assert "8 x NVIDIA H100 80GB HBM3, memory 80.0 GiB" in page
    assert "gpu memory   4.0 GiB at once" in page
    steps = [point.step for point in read_samples(run.directory, Lane()) if point.metric == "system/gpu2/memory (bytes)"]
    assert steps == sorted(set(steps))


def test_mig_device_of_a_run(work: Workplace, driver: FakeDriver) -> None:
    """It is sampled as a part of its GPU; nobody knows what energy a part has taken."""
    driver.set("gpus", 1)
    driver.set("mig-0", 2)
    with running(work, driver, CUDA_VISIBLE_DEVICES="MIG-000000a0-0000-4000-8000-000000000001") as run:
        run.wait_for("system/gpu0/mig1/memory (bytes)")
        run.hold(0, GIB, 0, mig=1)
        assert run.wait_for("system/gpu0/mig1/memory (bytes)", 2) == GIB
        shown = run.end()
    assert "system/gpu0/mig0/memory (bytes)" not in shown["summary"]
    assert shown["resources"]["gpu_s"] > 0
    assert shown["resources"]["energy_j"] is None


def test_gpu_that_falls_off(work: Workplace, driver: FakeDriver) -> None:
    """One warning tells of it; the others are sampled as before."""
    with running(work, driver) as run:
        run.wait_for("system/host/gpu3/power (W)")
        driver.set("lost-3")
        run.wait_for("system/host/gpu4/power (W)", 3)
        assert run.warning() == "GPU 3 does not answer: GPU is lost"
        run.wait_for("system/host/gpu4/power (W)")
        shown = run.end()
    assert shown["warnings"] == ["GPU 3 does not answer: GPU is lost"]


@pytest.mark.parametrize(
    ("how", "said"), [("hang", "it does not answer"), ("crash", "SIGSEGV"), ("gpus", None)], ids=["hangs", "crashes", "is-there"]
)
def test_driver_that_fails(work: Workplace, driver: FakeDriver, how: str, said: str | None) -> None:
    """The command, the other samples and the end of the run are as ever; what is missing is said."""
    with running(work, driver) as run:
        run.wait_for("system/host/gpu0/power (W)")
        driver.set(how, 8)
        if said is not None:
            assert f"NVIDIA's library has failed: {said}" in run.warning()
        run.wait_for("system/processes", 2)
        shown = run.end()
    assert len(shown["warnings"]) == (said is not None)
    assert shown["state"] == "finished"
    assert shown["resources"]["samples"] >= 3


def test_driver_that_hangs_at_the_start(work: Workplace, driver: FakeDriver) -> None:
    """The facts are the others', and the end of the run does not wait."""
    driver.set("hang")
    with running(work, driver) as run:
        run.wait_for("system/processes", 2)
        shown = run.end()
    assert shown["state"] == "finished"
    (failure,) = wait_for(lambda: work.show()["environment"].get("failed"), "the probe's failure")
    assert failure == {"probe": "accelerators", "why": "did not answer in time and was killed"}


def test_scribe_that_is_replaced_goes_on_sampling(work: Workplace, driver: FakeDriver) -> None:
    """It knows from the record that there are GPUs."""
    with running(work, driver) as run:
        run.wait_for("system/host/gpu0/power (W)")
        events = Path(run.directory, "a0-r0.events.jsonl").read_text().splitlines()
        os.kill(next(json.loads(line)["data"]["pid"] for line in events if '"scribe"' in line), signal.SIGKILL)
        kept = count_samples(run.directory, Lane())
        wait_for(lambda: count_samples(run.directory, Lane()) > kept + 1, "two more samples")
        run.wait_for("system/host/gpu0/power (W)")
        run.end()


def test_failed_sampler_is_started_anew(driver: FakeDriver) -> None:
    """Some time after it has failed, with ever longer pauses; what it cannot see it does not count."""
    seen = json.loads(driver.python(RESTARTS.read_text()))
    assert seen["asked"] == ["answer", "killed", "nothing", "answer"]
    (warning,) = seen["warnings"]
    assert "NVIDIA's library has failed: it does not answer" in warning


def use(is_held: bool = True, energy_j: float | None = 0.0, gpu: int = 0, mig: int | None = None, run_bytes: int = 0) -> GpuUse:
    """Of a GPU, as far as totals look at it."""
    return GpuUse(gpu, mig, f"{gpu}/{mig}", GIB, 0, None, None, None, energy_j, is_held, run_bytes, None)


@pytest.mark.parametrize(
    ("seen", "gpu_s", "energy_j"),
    [
        pytest.param([], None, None, id="nothing"),
        pytest.param([[use()], [use(energy_j=50.0)]], 10.0, 50.0, id="held"),
        pytest.param([[use(False)], [use(False, 50.0)]], None, None, id="not-held"),
        pytest.param([[use(False)], [use(True, 50.0)], [use(True, 60.0)]], 15.0, 35.0, id="taken-between-two-looks"),
        pytest.param([[use()], [use(energy_j=5.0)], [use(energy_j=2.0)]], 20.0, 5.0, id="driver-loaded-anew"),
        pytest.param([[use(energy_j=None)], [use(energy_j=None)]], 10.0, None, id="energy-not-told"),
        pytest.param([[use(), use(gpu=1)], [use(energy_j=5.0), use(gpu=1, energy_j=7.0)]], 20.0, 12.0, id="two"),
        pytest.param([[use(), use(gpu=1)], [use(energy_j=5.0)]], 10.0, 5.0, id="one-falls-off"),
        pytest.param(
            [[use(), use(mig=0), use(False, mig=1)], [use(energy_j=9.0), use(mig=0, energy_j=9.0), use(False, mig=1)]],
            10.0, None, id="MIG",
        ),
    ],
)  # fmt: skip
def test_totals_of_gpus(seen: list[list[GpuUse]], gpu_s: float | None, energy_j: float | None) -> None:
    """Every ten seconds a look."""
    totals = GpuTotals()
    for number, uses in enumerate(seen):
        totals.add(10.0 * number, uses)
    assert totals.as_json() == {"gpu_s": gpu_s, "energy_j": energy_j, "peak_gpu_memory_bytes": None}


def test_last_look_and_gap() -> None:
    """What was held until the processes ended was held until then; while nobody looked, nothing is counted."""
    totals = GpuTotals()
    totals.add(0.0, [use(run_bytes=5)])
    totals.interrupt()
    totals.add(100.0, [use(run_bytes=3), use(gpu=1, run_bytes=3)])
    totals.add(104.0, [use(False, 8.0)], is_last=True)
    assert totals.as_json() == {"gpu_s": 4.0, "energy_j": 8.0, "peak_gpu_memory_bytes": 6}
