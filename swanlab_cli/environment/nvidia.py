"""NVIDIA's GPUs, as the library of their driver tells of them: NVML, https://docs.nvidia.com/deploy/nvml-api/.

The only module that imports `pynvml`, which comes with the extra `nvidia`. The library can hang or crash with its driver: it is
for processes that may be killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple, TypeVar

from swanlab_cli.environment.target import Facts

NVIDIA_DRIVER = "/proc/driver/nvidia"
"""Is there where the driver is loaded."""
NOT_INSTALLED = "the package nvidia-ml-py is missing: pip install 'swanlab-cli[nvidia]'"
_MIB = 1 << 20
# Of the first process namespace of a Linux system: PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h.
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
T = TypeVar("T")


class NvidiaError(Exception):
    """NVML cannot be used: why, in words."""


class NvidiaMissing(NvidiaError):
    """There is nothing of NVIDIA's on this machine, or not the package that asks it."""


class GpuUse(NamedTuple):
    """What is used of a GPU, or of a MIG device on one, at one moment; None is what it does not tell."""

    gpu: int
    """Its number as NVML and nvidia-smi count."""
    mig: int | None
    """Number of the MIG device on that GPU; None for a whole GPU."""
    uuid: str
    memory_total_bytes: int
    memory_bytes: int
    """Used by everybody, as is `utilization_pct`."""
    utilization_pct: float | None
    power_w: float | None
    temperature_c: float | None
    energy_j: float | None
    """Since the driver was loaded."""
    is_held: bool
    """Whether one of the run's processes holds it."""
    run_memory_bytes: int | None
    """Used by the run's processes, as is `run_utilization_pct`; None where the driver does not say whose."""
    run_utilization_pct: float | None


class Nvml:
    """The library, initialised for as long as this process lives.

    Raises:
        NvidiaMissing: there is no such library or no `pynvml`.
        NvidiaError: the library says that it cannot be used.
    """

    def __init__(self) -> None:
        try:
            import pynvml
        except ImportError as error:
            raise NvidiaMissing(NOT_INSTALLED) from error
        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError_LibraryNotFound as error:
            raise NvidiaMissing("there is no libnvidia-ml.so.1") from error
        except pynvml.NVMLError as error:
            raise NvidiaError(f"NVML: {error}") from error
        self._namespace_is_ours = _is_first_pid_namespace()
        self._seen_until: dict[str, int] = {}
        """NVML's time of the newest utilisation of processes that was read, by UUID."""

    def devices(self) -> tuple[list[Facts], dict[int, str]]:
        """All GPUs that we may use, in NVML's order, and why those that do not answer do not, by index.

        Each: `vendor`, `index`, `name`, `memory_bytes`, `driver`, `uuid`, `cuda` (the newest version that the driver can,
        "12.4"), `compute_capability` ("9.0"), `power_limit_w` and `mig`: its MIG devices, each `index`, `name`, `uuid`,
        `memory_bytes`; None where it is not in that mode.

        Raises:
            NvidiaError: the library fails as a whole.
        """
        driver = self._told(self._nvml.nvmlSystemGetDriverVersion)
        cuda = self._told(self._nvml.nvmlSystemGetCudaDriverVersion_v2)
        shared = {"driver": driver, "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None}
        return self._of_each(lambda index, handle: {**self._describe(index, handle), **shared})

    def read(self, run: Collection[int], uuids: Collection[str] | None = None) -> tuple[list[GpuUse], dict[int, str]]:
        """What is used of the GPUs with these UUIDs, or of all, and which do not answer; `run`: the run's processes.

        Raises:
            NvidiaError: the library fails as a whole.
        """
        uses, failures = self._of_each(lambda index, handle: list(self._read_gpu(index, handle, set(run), uuids)))
        return [use for of_gpu in uses for use in of_gpu], failures

    def _of_each(self, look: Callable[[int, Any], T]) -> tuple[list[T], dict[int, str]]:
        seen: list[T] = []
        failures: dict[int, str] = {}
        try:
            count = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            raise NvidiaError(f"NVML: {error}") from error
        for index in range(count):
            try:
                seen.append(look(index, self._nvml.nvmlDeviceGetHandleByIndex(index)))
            except self._nvml.NVMLError_NoPermission:
                continue  # it belongs to another job or container
            except self._nvml.NVMLError as error:
                failures[index] = str(error)
        return seen, failures

    def _told(self, question: Callable[..., T], *arguments: Any) -> T | None:
        """The answer; None where this GPU or this driver does not have one."""
        nvml = self._nvml
        try:
            return question(*arguments)
        except (nvml.NVMLError_GpuIsLost, nvml.NVMLError_ResetRequired):
            raise
        except nvml.NVMLError:
            return None

    def _describe(self, index: int, handle: Any) -> Facts:
        nvml = self._nvml
        capability = self._told(nvml.nvmlDeviceGetCudaComputeCapability, handle)
        limit_mw = self._told(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
        return {
            "vendor": "nvidia",
            "index": index,
            "name": nvml.nvmlDeviceGetName(handle),
            "memory_bytes": int(self._memory(handle).total),
            "uuid": nvml.nvmlDeviceGetUUID(handle),
            "compute_capability": capability and ".".join(map(str, capability)),
            "power_limit_w": None if limit_mw is None else limit_mw / 1000,
            "mig": self._describe_migs(handle) if self._is_mig(handle) else None,
        }

    def _describe_migs(self, handle: Any) -> list[Facts]:
        return [self._describe_mig(number, mig) for number, mig in self._mig_devices(handle)]

    def _describe_mig(self, number: int, handle: Any) -> Facts:
        name, uuid = (self._told(ask, handle) for ask in (self._nvml.nvmlDeviceGetName, self._nvml.nvmlDeviceGetUUID))
        return {"index": number, "name": name, "uuid": uuid, "memory_bytes": int(self._memory(handle).total)}

    def _is_mig(self, handle: Any) -> bool:
        mode = self._told(self._nvml.nvmlDeviceGetMigMode, handle)
        return mode is not None and mode[0] == self._nvml.NVML_DEVICE_MIG_ENABLE

    def _mig_devices(self, handle: Any) -> Iterator[tuple[int, Any]]:
        """They may come and go; between them are numbers that none has."""
        for number in range(self._told(self._nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
            mig = self._told(self._nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
            if mig is not None:
                yield number, mig

    def _memory(self, handle: Any) -> Any:
        nvml = self._nvml
        try:
            return nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
        except (nvml.NVMLError_FunctionNotFound, nvml.NVMLError_NotSupported):
            # A driver before 510, or a device that only has this one; what the driver has reserved counts as used.
            return nvml.nvmlDeviceGetMemoryInfo(handle)

    def _read_gpu(self, index: int, handle: Any, run: set[int], uuids: Collection[str] | None) -> Iterator[GpuUse]:
        migs = list(self._mig_devices(handle)) if self._is_mig(handle) else []
        for number, device in [(None, handle), *migs]:
            uuid = self._nvml.nvmlDeviceGetUUID(device)
            if uuids is None or uuid in uuids:
                yield self._read_use(index, number, uuid, device, run)

    def _read_use(self, gpu: int, mig: int | None, uuid: str, handle: Any, run: set[int]) -> GpuUse:
        nvml, told = self._nvml, self._told
        memory = self._memory(handle)
        rates = told(nvml.nvmlDeviceGetUtilizationRates, handle)
        power_mw = told(nvml.nvmlDeviceGetPowerUsage, handle)
        energy_mj = told(nvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        processes = self._processes(handle)
        of_run = {pid: used for pid, used in processes.items() if pid in run}
        is_held_unseen = not of_run and self._is_held_unseen(processes)
        is_told = not is_held_unseen and None not in of_run.values()
        return GpuUse(
            gpu=gpu,
            mig=mig,
            uuid=uuid,
            memory_total_bytes=int(memory.total),
            memory_bytes=int(memory.used),
            utilization_pct=rates and float(rates.gpu),
            power_w=None if power_mw is None else power_mw / 1000,
            temperature_c=told(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            energy_j=None if energy_mj is None else energy_mj / 1000,
            is_held=bool(of_run) or is_held_unseen,
            run_memory_bytes=sum(used or 0 for used in of_run.values()) if is_told else None,
            run_utilization_pct=None if is_held_unseen else self._run_utilization(uuid, handle, of_run),
        )

    def _processes(self, handle: Any) -> dict[int, int | None]:
        """The bytes that each process uses of it, by pid; None where the driver does not say."""
        nvml = self._nvml
        found: dict[int, int | None] = {}
        for kind in ("Compute", "Graphics", "MPSCompute"):
            for version in ("v3", "v2"):  # v3 came with driver 510
                question = getattr(nvml, f"nvmlDeviceGet{kind}RunningProcesses_{version}", None)
                told = None if question is None else self._told(question, handle)
                if told is not None:
                    for process in told:
                        used = process.usedGpuMemory
                        known = found.get(process.pid)
                        found[process.pid] = used if known is None else max(known, used or 0)
                    break
        return found

    def _is_held_unseen(self, processes: Collection[int]) -> bool:
        """Whether it is held by processes that are likely the run's, but are told by numbers of another namespace.

        Older drivers tell a container the host's numbers, which it cannot compare with its own.
        """
        return not self._namespace_is_ours and any(not os.path.exists(f"/proc/{pid}") for pid in processes)

    def _run_utilization(self, uuid: str, handle: Any, of_run: Collection[int]) -> float | None:
        """Of its compute units, by these processes, since the call before; 0 where nobody has used them."""
        nvml = self._nvml
        since = self._seen_until.get(uuid, 0)
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(handle, since)
        except nvml.NVMLError as error:
            # Success is raised as well: of no samples.
            return 0.0 if error.value in (nvml.NVML_SUCCESS, nvml.NVML_ERROR_NOT_FOUND) else None
        unseen = sorted((sample for sample in samples if sample.timeStamp > since), key=lambda sample: sample.timeStamp)
        newest = {sample.pid: sample for sample in unseen}
        self._seen_until[uuid] = max([since, *(sample.timeStamp for sample in newest.values())])
        return float(min(sum(sample.smUtil for pid, sample in newest.items() if pid in of_run), 100))


def _is_first_pid_namespace() -> bool:
    try:
        return os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE
    except OSError:
        return True
