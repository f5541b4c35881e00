"""Which GPUs CUDA shows to a program: https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swanlab_cli.environment.target import Facts


def visible_uuids(devices: Sequence[Facts], environ: Mapping[str, str]) -> list[str] | None:
    """The UUIDs of the devices that a program with this environment sees, in the order in which it counts them.

    `devices` as environment/nvidia.py describes them, all that it may use. None where it cannot be told from outside: numbers
    count in an order that CUDA chooses by speed, which between different models nobody else knows; and of GPUs in MIG mode
    it takes one device of its own choice, unless they are named.
    """
    chosen = environ.get("CUDA_VISIBLE_DEVICES")
    names = None if chosen is None else [name.strip() for name in chosen.split(",")]
    if names is not None and all(name.startswith(("GPU-", "MIG-")) for name in names):
        return _until_unknown([_named(name, devices) for name in names])
    if any(device.get("mig") for device in devices):
        return None
    if names is None:
        return [device["uuid"] for device in devices] if _order_is_known(devices, environ) else None
    if not _order_is_known(devices, environ) and any(name.isdigit() for name in names):
        return None
    return _until_unknown([_named(name, devices) for name in names])


def _order_is_known(devices: Sequence[Facts], environ: Mapping[str, str]) -> bool:
    """NVML counts by place on the bus, and so does CUDA among GPUs of one model or where it is told to."""
    return environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({device["name"] for device in devices}) <= 1


def _named(name: str, devices: Sequence[Facts]) -> str | None:
    """The UUID that is meant by a number, or by the beginning of a UUID that only one has; None where none is."""
    if name.isdigit():
        return devices[int(name)]["uuid"] if int(name) < len(devices) else None
    uuids = [device["uuid"] for device in devices]
    uuids += [mig["uuid"] for device in devices for mig in device.get("mig") or ()]
    matching = [uuid for uuid in uuids if uuid and name.startswith(("GPU-", "MIG-")) and uuid.startswith(name)]
    return matching[0] if len(matching) == 1 else None


def _until_unknown(uuids: Sequence[str | None]) -> list[str]:
    """What follows a device that is not there is not visible either."""
    seen: list[str] = []
    for uuid in uuids:
        if uuid is None:
            break
        seen.append(uuid)
    return seen
