"""The machine's accelerators and which the child may see: NVIDIA's by its library, others by their vendors' tools.

A tool that the child's PATH has can hang with its driver: each has a deadline. A library that hangs costs all of this probe.
"""

from __future__ import annotations

import csv
import glob
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from swanlab_cli.environment.nvidia import NvidiaError, NvidiaMissing, Nvml
from swanlab_cli.environment.program import ask, find_program
from swanlab_cli.environment.target import Facts, ProbeError, Target
from swanlab_cli.environment.visible_gpus import visible_uuids

# That choose devices.
_CHOOSING = (
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
    *("GPU_DEVICE_ORDINAL", "ASCEND_RT_VISIBLE_DEVICES", "ASCEND_VISIBLE_DEVICES", "ZE_AFFINITY_MASK", "ONEAPI_DEVICE_SELECTOR"),
    *("MUSA_VISIBLE_DEVICES", "MTHREADS_VISIBLE_DEVICES", "MLU_VISIBLE_DEVICES", "XPU_VISIBLE_DEVICES", "HABANA_VISIBLE_DEVICES"),
    *("HABANA_VISIBLE_MODULES", "TPU_VISIBLE_CHIPS", "TPU_VISIBLE_DEVICES", "CUDA_MPS_PIPE_DIRECTORY"),
)
_TOOL_MAY_TAKE_S = 5.0
_MIB = 1 << 20
_QUERY = "--query-gpu=index,name,memory.total,driver_version,uuid"
_CSV = "--format=csv,noheader,nounits"


class _Tool(NamedTuple):
    vendor: str
    command: tuple[str, ...]
    parse: Callable[[str], Iterable[Facts]]
    """What it prints to devices; ValueError, KeyError, IndexError or TypeError where it is not what we know."""


def read_accelerators(target: Target, ends_at: float, root: str = "/") -> Facts:
    """`devices`: {"vendor", "index", "name", "memory_bytes", "driver", "uuid"}, None where not told, in the tools' order.

    NVIDIA's have more where its library answers: environment/nvidia.py. `visible`: the variables that choose devices, as the
    child has them; `visible_uuids`: of NVIDIA's, those that it sees, in its order, or None; `not_sampled`: why there are no
    samples of NVIDIA's that are there, or None. `ends_at` is on the monotonic clock.

    Raises:
        ProbeError: a tool or library is there but does not answer as its vendor documents; the facts are those of the others.
    """
    devices, failures, missing = _ask_library()
    facts: Facts = {
        "devices": devices,
        "visible": {name: target.environ[name] for name in _CHOOSING if name in target.environ},
        "visible_uuids": visible_uuids(devices, target.environ) if devices and not failures else None,
        "not_sampled": None,
    }
    by_tools, whys = _ask_tools(target, ends_at, without="nvidia" if devices else None)
    devices += by_tools
    devices += _tpus(target, root)
    if any(device["vendor"] == "nvidia" for device in by_tools):
        facts["not_sampled"] = failures[0] if failures else missing
    if failures or whys:
        raise ProbeError("; ".join([*failures, *whys]), facts)
    return facts


def _ask_library() -> tuple[list[Facts], list[str], str | None]:
    """NVIDIA's devices, what has failed, and what is missing where it cannot even be asked."""
    try:
        devices, failures = Nvml().devices()
    except NvidiaMissing as error:
        return [], [], str(error)
    except NvidiaError as error:
        return [], [str(error)], None
    return devices, [f"NVML: GPU {index}: {why}" for index, why in failures.items()], None


def _ask_tools(target: Target, ends_at: float, without: str | None) -> tuple[list[Facts], list[str]]:
    """The devices of all vendors but one, and what has failed."""
    devices: list[Facts] = []
    failures: dict[str, str | None] = {}
    for tool in _TOOLS:
        program = find_program(tool.command[0], target.environ, target.cwd)
        # Two makers' tools have one name: the second is asked where the first has not understood.
        if program is None or tool.vendor == without or failures.get(program, "not asked") is None:
            continue
        try:
            devices += _ask(tool, program, target, min(ends_at, time.monotonic() + _TOOL_MAY_TAKE_S))
            failures[program] = None
        except ProbeError as failure:
            failures.setdefault(program, failure.why)
    return devices, [why for why in failures.values() if why]


def _ask(tool: _Tool, program: str, target: Target, ends_at: float) -> list[Facts]:
    environ = {name: value for name, value in target.environ.items() if name != "LD_PRELOAD"} | {"LC_ALL": "C"}
    answer = ask((program, *tool.command[1:]), "/", environ, ends_at)
    if answer.exit_code:
        said = (answer.errors or answer.output).decode(errors="replace").strip().splitlines()
        raise ProbeError(f"{program}: {said[0] if said else 'no word'} (exit code {answer.exit_code})")
    empty: Facts = {"vendor": tool.vendor, "index": None, "name": None, "memory_bytes": None, "driver": None, "uuid": None}
    try:
        return [empty | device for device in tool.parse(answer.output.decode(errors="replace"))]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ProbeError(f"{program} answers in a format that we do not know: {error!r}") from error


def _parse_csv(text: str) -> Iterator[Facts]:
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        index, name, memory, driver, uuid = row
        size = re.match(r"\d+", memory)  # "[N/A]" where memory is the machine's own
        yield {
            "index": int(index),
            "name": name,
            "memory_bytes": int(size[0]) * _MIB if size else None,
            "driver": driver,
            "uuid": uuid,
        }


def _parse_rocm(text: str) -> Iterator[Facts]:
    # Warnings may come first. Names of fields changed their case with version 6.
    cards = json.loads(text[text.index("{") :])
    driver = cards.get("system", {}).get("Driver version")
    for card, fields in cards.items():
        if card.startswith("card"):
            known = {name.lower(): value for name, value in fields.items()}
            size = known.get("vram total memory (b)")
            yield {
                "index": int(card.removeprefix("card")),
                "name": known.get("card series") or known.get("card model"),
                "memory_bytes": int(size) if size else None,
                "driver": driver or known.get("driver version"),
                "uuid": known.get("unique id"),
            }


def _parse_hygon(text: str) -> Iterator[Facts]:
    cards = json.loads(text[text.index("{") :])
    for card, fields in cards.items():
        if card.startswith("card"):
            size = fields.get("vram Total Memory (MiB)") or fields.get("Available memory size (MiB)")
            driver = cards.get("system", {}).get("Driver Version")
            memory_bytes = int(size) * _MIB if size else None
            name = fields["Card Series"]
            yield {"index": int(card.removeprefix("card")), "name": name, "memory_bytes": memory_bytes, "driver": driver}


def _parse_ascend(text: str) -> Iterator[Facts]:
    version = re.search(r"npu-smi\s+\S+\s+Version:\s*(\S+)", text)
    rows = [[cell.split() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    name = None
    for cells in rows:
        # Two lines for each chip: "NPU Name | Health | ...", then "Chip | Bus-Id | ... HBM-Usage(MB)".
        if len(cells) == 3 and len(cells[0]) >= 2 and cells[0][0].isdigit() and not _is_bus(cells[1]):
            name = " ".join(cells[0][1:])
        elif len(cells) == 3 and name is not None and cells[0] and cells[0][0].isdigit() and _is_bus(cells[1]):
            sizes = [int(total) for total in re.findall(r"/\s*(\d+)", " ".join(cells[2]))]
            # The last is that of its own memory, where it has some.
            size = next((size for size in reversed(sizes) if size), None)
            driver = version[1] if version else None
            index = int(cells[0][-1])
            yield {"index": index, "name": name, "memory_bytes": size * _MIB if size else None, "driver": driver}


def _is_bus(cell: list[str]) -> bool:
    return len(cell) == 1 and re.fullmatch(r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d|NA", cell[0]) is not None


def _parse_intel(text: str) -> Iterator[Facts]:
    for device in json.loads(text)["device_list"]:
        size = device.get("memory_physical_size_byte")
        yield {
            "index": device["device_id"],
            "name": device["device_name"],
            "memory_bytes": int(size) if size else None,
            "driver": device.get("driver_version"),
            "uuid": device.get("uuid"),
        }


def _parse_kunlunxin(text: str) -> Iterator[Facts]:
    for line in text.splitlines():
        words = line.split()
        name = re.search(r'"([^"]+)"', line)
        yield {"index": int(words[1]), "memory_bytes": int(words[18]) * _MIB, "name": name[1] if name else None}


def _parse_moore_threads(text: str) -> Iterator[Facts]:
    told = json.loads(text)
    for device in told["GPU"]:
        size = device["FB Memory Usage"]["Total"]
        unit = 1024 * _MIB if size.endswith("GiB") else _MIB
        yield {
            "index": int(device["Index"]),
            "name": device["Product Name"],
            "memory_bytes": int(size[:-3]) * unit,
            "driver": told.get("Driver Version"),
            "uuid": device.get("GPU UUID"),
        }


def _parse_cambricon(text: str) -> Iterator[Facts]:
    for card in re.split(r"^Card\s*:?\s*", text, flags=re.MULTILINE)[1:]:
        fields: dict[str, str] = {}
        for line in card.splitlines()[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())  # "Total" of physical memory comes before that of others
        size = fields.get("Total", "").split()
        yield {
            "index": int(card.split()[0]),
            "name": fields["Product Name"],
            "memory_bytes": int(size[0]) * _MIB if size else None,
            "driver": fields.get("Driver Version") or fields.get("Driver"),
            "uuid": fields.get("UUID"),
        }


def _parse_metax(text: str) -> Iterator[Facts]:
    found = re.search(r"Kernel Mode Driver Version:\s*(\S+)", text) or re.search(r"mx-smi\s+version:\s*(\S+)", text)
    name: re.Match[str] | None = None
    for line in text.splitlines():
        name = re.match(r"\|\s*(\d+)\s+(MetaX \S+|MX\S+)", line) or name
        size = re.search(r"\d+/(\d+)\s*MiB", line)
        if name is not None and size:
            driver = found[1] if found else None
            yield {"index": int(name[1]), "name": name[2], "memory_bytes": int(size[1]) * _MIB, "driver": driver}
            name = None


def _tpus(target: Target, root: str) -> Iterator[Facts]:
    """Google's have no tool, only device files, and a name in the machine's environment."""
    for path in sorted(glob.glob(os.path.join(root, "dev/accel[0-9]*"))):
        name = target.environ.get("TPU_ACCELERATOR_TYPE")
        index = int(re.sub(r"\D", "", os.path.basename(path)))
        yield {"vendor": "google", "index": index, "name": name, "memory_bytes": None, "driver": None, "uuid": None}


_ROCM = ("--showproductname", "--showmeminfo", "vram", "--showdriverversion", "--showuniqueid", "--json")
_TOOLS = (
    _Tool("nvidia", ("nvidia-smi", _QUERY, _CSV), _parse_csv),
    _Tool("amd", ("rocm-smi", *_ROCM), _parse_rocm),
    _Tool("ascend", ("npu-smi", "info"), _parse_ascend),
    _Tool("intel", ("xpu-smi", "discovery", "-j"), _parse_intel),
    _Tool("kunlunxin", ("xpu-smi", "-m"), _parse_kunlunxin),
    _Tool("kunlunxin", ("xpu_smi", "-m"), _parse_kunlunxin),
    _Tool("moore-threads", ("mthreads-gmi", "-q", "--json"), _parse_moore_threads),
    _Tool("cambricon", ("cnmon", "info"), _parse_cambricon),
    _Tool("metax", ("mx-smi",), _parse_metax),
    _Tool("hygon", ("hy-smi", "--showproductname", "--showmemavailable", "--showdriverversion", "--json"), _parse_hygon),
    _Tool("iluvatar", ("ixsmi", _QUERY, _CSV), _parse_csv),
    _Tool("habana", ("hl-smi", "-Q", "index,name,memory.total,driver_version,uuid", "-f", "csv,noheader,nounits"), _parse_csv),
)
