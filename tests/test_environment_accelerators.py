"""environment.accelerators: tools that print what their vendors document, and tools that fail."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from swanlab_cli.environment.accelerators import read_accelerators
from swanlab_cli.environment.nvidia import NOT_INSTALLED
from swanlab_cli.environment.target import Facts, ProbeError, Target

DEADLINE_S = 20.0
MIB = 1 << 20
NO_LIBRARY = {"visible_uuids": None, "not_sampled": None}
ROCM_5 = (
    '{"card0": {"Unique ID": "0x1", "VRAM Total Memory (B)": "68702699520", "Card series": "MI210"},'
    ' "system": {"Driver version": "5.1"}}'
)
ROCM_6 = (
    'WARNING: low power\n{"card1": {"Card Series": "MI300X", "Card Model": "0x74a1", "VRAM Total Memory (B)": "206141652992"}}'
)
ASCEND = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.rc2                 Version: 23.0.rc2                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B3               | OK            | 93.6        40                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3161 / 65536         |
+===========================+===============+====================================================+
| 1     910B3               | OK            | 90.1        41                0    / 0             |
| 0     1                   | 0000:01:00.0  | 0           1500 / 15137      0    / 32768         |
+===========================+===============+====================================================+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| No running processes found in NPU 0                                                            |
"""
INTEL = (
    '{"device_list": [{"device_id": 0, "device_name": "Intel(R) Data Center GPU Max 1550", "uuid": "u-0", "device_type": "GPU"}]}'
)
MOORE = (
    '{"Driver Version": "2.7.0", "GPU": [{"Index": "0", "Product Name": "MTT S4000", "FB Memory Usage": {"Total": "49152MiB"}}]}'
)
CAMBRICON = """\
Mon Mar 27 12:00:00 2023
Card 0
    Product Name                   : MLU370-X8
    UUID                           : 6f3a
    Driver Version                 : v5.10.10
    Physical Memory Usage          :
        Total                      : 49152 MiB
        Used                       : 0 MiB
    Channel Memory Usage           :
        Total                      : 1 MiB
"""
METAX = """\
mx-smi  version: 2.1.12
=================== MetaX System Management Interface Log ===================
| MX-SMI 2.1.12                        Kernel Mode Driver Version: 2.12.6    |
| MACA Version: 2.31.0.4               BIOS Version: 1.20.3.0                |
| 0           MetaX C500 Off           | 0000:0e:00.0             | 0%       |
| 36C         70W / 350W               | 858/65536 MiB            |          |
| 1           MetaX C500 Off           | 0000:0f:00.0             | 0%       |
| 37C         71W / 350W               | 858/65536 MiB            |          |
"""
HYGON = '{"card0": {"Card Series": "K100_AI", "Available memory size (MiB)": "65520"}, "system": {"Driver Version": "6.2.28"}}'
KUNLUN = '0000:3b:00.0 0 0 0 35 0 0 0 90 0 0 0 0 0 0 0 0 0 98304 0 0 "P800 OAM"'


@pytest.fixture(autouse=True)
def _without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed, whatever this machine has; tests/nvml is about the library."""
    monkeypatch.setitem(sys.modules, "pynvml", None)


def device(
    vendor: str, index: int, name: str | None, memory_bytes: int | None, driver: str | None = None, uuid: str | None = None
) -> Facts:
    """One of the devices."""
    return {"vendor": vendor, "index": index, "name": name, "memory_bytes": memory_bytes, "driver": driver, "uuid": uuid}


def read(folder: Path, root: str = "/nowhere", variables: dict[str, str] | None = None) -> Facts:
    """The facts where PATH is one folder."""
    target = Target(("true",), None, "/", {"PATH": str(folder), **(variables or {})}, 0)
    return read_accelerators(target, time.monotonic() + DEADLINE_S, root)


def write_tool(folder: Path, name: str, text: str, condition: str = "true") -> None:
    """A program that prints a text where a shell's condition about its arguments holds, else fails."""
    (folder / f"{name}.txt").write_text(text.rstrip("\n") + "\n")
    (folder / name).write_text(
        f"#!/bin/sh\nif {condition}; then while IFS= read -r line; do printf '%s\\n' \"$line\"; done < {folder}/{name}.txt\n"
        "else echo 'unknown option' >&2; exit 3; fi\n"
    )
    (folder / name).chmod(0o755)


CASES: dict[str, tuple[str, str, str, list[Facts]]] = {
    "nvidia": (
        "nvidia-smi",
        "0, NVIDIA H100 80GB HBM3, 81559, 535.104.05, GPU-1\n1, NVIDIA GB10, [N/A], 580.1, GPU-2\n",
        "true",
        [
            device("nvidia", 0, "NVIDIA H100 80GB HBM3", 81559 * MIB, "535.104.05", "GPU-1"),
            device("nvidia", 1, "NVIDIA GB10", None, "580.1", "GPU-2"),
        ],
    ),
    "amd, ROCm 5": ("rocm-smi", ROCM_5, "true", [device("amd", 0, "MI210", 68702699520, "5.1", "0x1")]),
    "amd, ROCm 6": ("rocm-smi", ROCM_6, "true", [device("amd", 1, "MI300X", 206141652992)]),
    "ascend": (
        "npu-smi",
        ASCEND,
        'test "$1" = info',
        [device("ascend", 0, "910B3", 65536 * MIB, "23.0.rc2"), device("ascend", 1, "910B3", 32768 * MIB, "23.0.rc2")],
    ),
    "intel": (
        "xpu-smi",
        INTEL,
        'test "$1" = discovery',
        [device("intel", 0, "Intel(R) Data Center GPU Max 1550", None, None, "u-0")],
    ),
    "kunlunxin": ("xpu-smi", KUNLUN, 'test "$1" = -m', [device("kunlunxin", 0, "P800 OAM", 98304 * MIB)]),
    "moore threads": ("mthreads-gmi", MOORE, "true", [device("moore-threads", 0, "MTT S4000", 49152 * MIB, "2.7.0")]),
    "cambricon": ("cnmon", CAMBRICON, "true", [device("cambricon", 0, "MLU370-X8", 49152 * MIB, "v5.10.10", "6f3a")]),
    "metax": (
        "mx-smi",
        METAX,
        "true",
        [device("metax", index, "MetaX C500", 65536 * MIB, "2.12.6") for index in (0, 1)],
    ),
    "hygon": ("hy-smi", HYGON, "true", [device("hygon", 0, "K100_AI", 65520 * MIB, "6.2.28")]),
    "iluvatar": (
        "ixsmi",
        "0, Iluvatar BI-V100, 32768, 3.1.0, GPU-9\n",
        "true",
        [device("iluvatar", 0, "Iluvatar BI-V100", 32768 * MIB, "3.1.0", "GPU-9")],
    ),
    "habana": (
        "hl-smi",
        "0, HL-225, 98304 MiB, 1.14.0-9e8ecf8, 01P0\n",
        "true",
        [device("habana", 0, "HL-225", 98304 * MIB, "1.14.0-9e8ecf8", "01P0")],
    ),
}


@pytest.mark.parametrize(("name", "text", "condition", "expected"), CASES.values(), ids=CASES)
def test_devices_of_a_vendor(tmp_path: Path, name: str, text: str, condition: str, expected: list[Facts]) -> None:
    """What each vendor's tool prints is understood."""
    write_tool(tmp_path, name, text, condition)
    not_sampled = NOT_INSTALLED if expected[0]["vendor"] == "nvidia" else None
    assert {"devices": expected, "visible": {}, "visible_uuids": None, "not_sampled": not_sampled} == read(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    """No tool, no device; the variables that choose devices are told nevertheless."""
    visible = {"CUDA_VISIBLE_DEVICES": "", "ASCEND_RT_VISIBLE_DEVICES": "0,1"}
    assert {"devices": [], "visible": visible, **NO_LIBRARY} == read(tmp_path, variables=visible)


def test_tpus_are_device_files(tmp_path: Path) -> None:
    """They have no tool."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "accel0").touch()
    found = read(tmp_path, str(tmp_path), {"TPU_ACCELERATOR_TYPE": "v4-8"})
    assert [device("google", 0, "v4-8", None)] == found["devices"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'cannot talk to the driver' >&2; exit 9", "cannot talk to the driver (exit code 9)"),
        ("echo nonsense", "answers in a format that we do not know"),
        ("while :; do :; done", "did not answer within"),
    ],
    ids=["fails", "says something else", "hangs"],
)
def test_tool_that_fails_does_not_hide_others(tmp_path: Path, script: str, why: str) -> None:
    """It is told why, and the others' devices are there."""
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    write_tool(tmp_path, "rocm-smi", ROCM_5)
    with pytest.raises(ProbeError, match=r"nvidia-smi") as raised:
        read(tmp_path)
    assert why in raised.value.why
    devices = [device("amd", 0, "MI210", 68702699520, "5.1", "0x1")]
    assert raised.value.facts == {"devices": devices, "visible": {}, **NO_LIBRARY}
