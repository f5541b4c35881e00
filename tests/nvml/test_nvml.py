"""environment.nvidia and what goes with it, on the fake driver; each question in a process of its own, as in a run."""

from __future__ import annotations

import ctypes.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swanlab_cli.environment.visible_gpus import visible_uuids

from .fake import FakeDriver, build_library

GIB = 1 << 30
DEVICES = "import json; from swanlab_cli.environment.nvidia import Nvml; print(json.dumps(Nvml().devices()))"
USES = """
import json
from swanlab_cli.environment.nvidia import Nvml
print(json.dumps([use._asdict() for use in Nvml().read({pids})[0]]))
"""
FACTS = """
import json, time
from swanlab_cli.environment.accelerators import read_accelerators
from swanlab_cli.environment.target import ProbeError, Target
target = Target(("true",), None, "/", {environ!r}, 0)
try:
    print(json.dumps([read_accelerators(target, time.monotonic() + 20, "/nowhere"), None]))
except ProbeError as error:
    print(json.dumps([error.facts, error.why]))
"""


def uses(driver: FakeDriver, *pids: int) -> list[dict[str, Any]]:
    """What is used of each GPU where these are the run's processes."""
    found: list[dict[str, Any]] = json.loads(driver.python(USES.format(pids=list(pids))))
    return found


def facts(driver: FakeDriver, before: str = "", **environ: str) -> tuple[dict[str, Any], str | None]:
    """The facts about accelerators, and what has failed."""
    found, why = json.loads(driver.python(before + FACTS.format(environ=environ)))
    return found, why


def uuid(gpu: int) -> str:
    """Of one of the fake's GPUs."""
    return f"GPU-{0xA0 + gpu:08x}-0000-4000-8000-000000000000"


def mig_uuid(gpu: int, mig: int) -> str:
    """Of one of the MIG devices on it."""
    return f"MIG-{0xA0 + gpu:08x}-0000-4000-8000-00000000000{mig}"


def test_eight_gpus(driver: FakeDriver) -> None:
    """Each with what the library tells of it."""
    devices, failures = json.loads(driver.python(DEVICES))
    assert failures == {}
    assert devices == [
        {
            "vendor": "nvidia", "index": index, "name": "NVIDIA H100 80GB HBM3", "memory_bytes": 80 * GIB, "uuid": uuid(index),
            "driver": "550.54.15", "cuda": "12.4", "compute_capability": "9.0", "power_limit_w": 700.0, "mig": None,
        }
        for index in range(8)
    ]  # fmt: skip


def test_mig_devices(driver: FakeDriver) -> None:
    """They are told with the GPU that they are parts of, and used on their own."""
    driver.set("mig-2", 2)
    driver.set("mig-3", 0)
    driver.set("processes", "2 1 77 1000 0")
    devices = json.loads(driver.python(DEVICES))[0]
    assert [device["mig"] for device in devices[3:]] == [[], None, None, None, None]
    name = "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    expected = [{"index": mig, "name": name, "uuid": mig_uuid(2, mig), "memory_bytes": 10 * GIB} for mig in (0, 1)]
    assert devices[2]["mig"] == expected
    held = [(use["gpu"], use["mig"], use["run_memory_bytes"]) for use in uses(driver, 77) if use["is_held"]]
    assert held == [(2, 1, 1000)]
    (whole,) = (use for use in uses(driver, 77) if (use["gpu"], use["mig"]) == (2, None))
    assert (whole["utilization_pct"], whole["power_w"]) == (None, 300.0)


def test_use_by_the_run_and_by_others(driver: FakeDriver) -> None:
    """A GPU is told as a whole and as far as the run's processes use it."""
    driver.set("processes", f"0 -1 77 {4 * GIB} 30\n0 -1 78 {GIB} 20\n0 -1 5 {2 * GIB} 40\n1 -1 5 {GIB} 10\n")
    first, second, third, *_ = uses(driver, 77, 78)
    assert (first["run_memory_bytes"], first["run_utilization_pct"], first["utilization_pct"]) == (5 * GIB, 50.0, 90.0)
    assert first["memory_bytes"] == 7 * GIB + GIB // 2  # the driver's own, but not what it has reserved
    assert (second["is_held"], second["run_memory_bytes"], second["run_utilization_pct"]) == (False, 0, 0.0)
    assert (second["utilization_pct"], second["power_w"], second["temperature_c"]) == (10.0, 200.0, 41)
    assert (third["is_held"], third["utilization_pct"]) == (False, 0.0)


def test_driver_of_before(tmp_path: Path) -> None:
    """Older functions tell the same, but for reserved memory, which counts as used."""
    driver = FakeDriver(build_library(tmp_path / "old", "-DOLD"), tmp_path / "gpus")
    driver.set("processes", f"0 -1 77 {GIB} 30")
    first = uses(driver, 77)[0]
    assert (first["is_held"], first["run_memory_bytes"], first["memory_bytes"]) == (True, GIB, 2 * GIB + GIB // 2)


def test_energy_that_is_not_counted(driver: FakeDriver) -> None:
    """It is not known; all else is."""
    driver.set("no-energy")
    assert {(use["energy_j"], use["power_w"]) for use in uses(driver)} == {(None, 100.0 * (index + 1)) for index in range(8)}


def test_gpus_lost_and_denied(driver: FakeDriver) -> None:
    """One that fell off the bus is told as such, one that belongs to another job not at all, and others as ever."""
    driver.set("lost-3")
    driver.set("denied-5")
    devices, failures = json.loads(driver.python(DEVICES))
    assert [device["index"] for device in devices] == [0, 1, 2, 4, 6, 7]
    assert failures == {"3": "GPU is lost"}
    assert [use["gpu"] for use in uses(driver)] == [0, 1, 2, 4, 6, 7]
    found, why = facts(driver)
    assert why == "NVML: GPU 3: GPU is lost"
    assert (len(found["devices"]), found["visible_uuids"]) == (6, None)


def test_library_that_does_not_start(driver: FakeDriver) -> None:
    """The record says why, in the library's words."""
    driver.set("init-error", 9)
    found, why = facts(driver)
    assert (found["devices"], why) == ([], "NVML: Driver Not Loaded")


def test_library_is_asked_rather_than_the_tool(driver: FakeDriver, tmp_path: Path) -> None:
    """Where the library answers, nvidia-smi is not started."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n: > {tmp_path}/started\necho '0, Tesla T4, 15360, 535.1, GPU-1'\n")
    tool.chmod(0o755)
    found, why = facts(driver, PATH=str(tmp_path), CUDA_VISIBLE_DEVICES="2")
    assert (len(found["devices"]), why, found["not_sampled"], found["visible_uuids"]) == (8, None, None, [uuid(2)])
    assert not (tmp_path / "started").exists()
    found, why = facts(driver, "import sys; sys.modules['pynvml'] = None\n", PATH=str(tmp_path))
    assert (tmp_path / "started").exists()
    assert [device["name"] for device in found["devices"]] == ["Tesla T4"]
    assert why is None
    assert found["not_sampled"] == "the package nvidia-ml-py is missing: pip install 'swanlab-cli[nvidia]'"


def test_process_numbers_of_another_namespace(driver: FakeDriver) -> None:
    """In a container the numbers that an older driver tells are the host's: whoever holds its GPUs is taken for the run."""
    driver.set("processes", "1 -1 4194303 1000 10")  # none that there is
    questions = (
        "import json; from swanlab_cli.environment import nvidia; nvidia._is_first_pid_namespace = lambda: {}\n"
        "uses = [use for use in nvidia.Nvml().read([77])[0] if use.is_held]\n"
        "print(json.dumps([(use.gpu, use.run_memory_bytes, use.run_utilization_pct) for use in uses]))"
    )
    assert json.loads(driver.python(questions.format(False))) == [[1, None, None]]
    assert json.loads(driver.python(questions.format(True))) == []


H100S: list[dict[str, Any]] = [{"index": index, "uuid": uuid(index), "name": "H100", "mig": None} for index in range(4)]
MIXED = [{**device, "name": f"model {device['index']}"} for device in H100S]
PARTED = [*H100S[:1], {**H100S[1], "mig": [{"uuid": mig_uuid(1, 0)}, {"uuid": mig_uuid(1, 1)}]}]


@pytest.mark.parametrize(
    ("devices", "environ", "expected"),
    [
        pytest.param(H100S, {}, [0, 1, 2, 3], id="unset"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": ""}, [], id="empty"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": "-1"}, [], id="minus-one"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": "2, 0"}, [2, 0], id="in-the-order-given"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": "1,9,0"}, [1], id="nothing-after-one-that-is-not-there"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": uuid(3)}, [3], id="uuid"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": "GPU-000000a1,GPU-000000a0"}, [1, 0], id="beginnings-of-uuids"),
        pytest.param(H100S, {"CUDA_VISIBLE_DEVICES": "GPU-0"}, [], id="beginning-of-several"),
        pytest.param(MIXED, {}, None, id="models-in-an-order-of-CUDAs-own"),
        pytest.param(MIXED, {"CUDA_VISIBLE_DEVICES": "1"}, None, id="number-in-an-order-of-CUDAs-own"),
        pytest.param(MIXED, {"CUDA_VISIBLE_DEVICES": uuid(1)}, [1], id="uuid-among-models"),
        pytest.param(MIXED, {"CUDA_VISIBLE_DEVICES": ""}, [], id="none-among-models"),
        pytest.param(MIXED, {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, [1], id="order-of-the-bus"),
        pytest.param(PARTED, {}, None, id="MIG-of-CUDAs-choice"),
    ],
)
def test_what_a_program_sees(devices: list[dict[str, Any]], environ: dict[str, str], expected: list[int] | None) -> None:
    """As CUDA reads its variables."""
    assert visible_uuids(devices, environ) == (None if expected is None else [uuid(index) for index in expected])


def test_mig_device_by_name() -> None:
    """It can only be named."""
    assert visible_uuids(PARTED, {"CUDA_VISIBLE_DEVICES": mig_uuid(1, 1)}) == [mig_uuid(1, 1)]


@pytest.mark.skipif(ctypes.util.find_library("nvidia-ml") is None, reason="no driver of NVIDIA's")
def test_real_driver() -> None:
    """Where there is one, what it tells is whole."""
    answer = subprocess.run([sys.executable, "-c", DEVICES], stdout=subprocess.PIPE, check=True)
    devices, _ = json.loads(answer.stdout)
    assert all(device["name"] and device["memory_bytes"] > 0 and device["uuid"].startswith("GPU-") for device in devices)
