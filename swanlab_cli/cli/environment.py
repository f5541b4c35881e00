"""The facts about a run's environment as a person reads them; what a probe has not told is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..recorder.comparison import recorded_text, recorded_variables
from ..records import Json
from .sections import Field
from .text import duration, size

# Shown by name beside the number of packages, in this order.
_KNOWN_PACKAGES = (
    *("torch", "tensorflow", "jax", "paddlepaddle", "mindspore", "lightning", "pytorch-lightning", "transformers", "accelerate"),
    *("deepspeed", "datasets", "numpy", "pandas", "scikit-learn", "scipy", "xgboost", "lightgbm", "keras"),
)
_MOST_PACKAGES = 6
# What other rows, sections or views show.
_SHOWN_ELSEWHERE = (
    *("os", "host", "cpu", "memory", "disks", "python", "interpreters", "git", "diff", "script", "variables", "failed"),
    "accelerators",
)
_LONG = ("text", "content", "requirements", "packages", "values", "failed")
_MOST_ITEMS = 8


def environment_fields(environment: Json) -> Iterator[Field]:
    """A field for each group of facts; `--json` has them all."""
    os, host, cpu, memory = (_facts(environment, probe) for probe in ("os", "host", "cpu", "memory"))
    kernel = f"kernel {os['kernel']}" if os.get("kernel") else None
    yield Field("host", join(host.get("name"), os.get("name"), kernel, os.get("architecture"), os.get("libc")))
    usable = None if cpu.get("usable") is None else f"{cpu['usable']} usable"
    yield Field("cpu", join(cpu.get("model"), _counted(cpu, "sockets"), _counted(cpu, "cores"), usable,
                            _rest(cpu, ("model", "sockets", "cores", "usable", "threads"))))  # fmt: skip
    total = memory.get("total_bytes")
    yield Field("memory", join(size(total) if total else None, _rest(memory, ("total_bytes", "swap_bytes"))))
    yield from _disk_fields(_facts(environment, "disks").get("disks") or ())
    yield from _accelerator_fields(_facts(environment, "accelerators"))
    for probe, facts in environment.items():
        if probe not in _SHOWN_ELSEWHERE:
            yield from _probe_fields(probe, facts)
    yield from _python_fields(_facts(environment, "python"))
    first = _facts(environment, "python").get("executable")
    others = [one for one in environment.get("interpreters") or () if one["executable"] != first]
    for one in others:
        yield Field("also ran", join(one.get("version"), one["executable"]))
    yield Field("git", _git(_facts(environment, "git"), _facts(environment, "diff")))
    script = _facts(environment, "script")
    is_whole = not script.get("left_out_bytes")
    yield Field("script", join(script.get("path"), _rest(script, ("path", "sha256", *(("left_out_bytes",) if is_whole else ())))))
    variables = recorded_variables(environment)
    yield Field("variables", f"{len(variables)} recorded (show --env)" if variables else None)
    for failure in environment.get("failed", ()):
        yield Field(str(failure.get("probe")), f"not known: {failure.get('why')}", "warning")


def requirements(environment: Json) -> str | None:
    """The child's packages as a requirements.txt."""
    facts = _facts(environment, "python")
    if isinstance(facts.get("requirements"), str):
        return str(facts["requirements"])
    packages = facts.get("packages")
    return "".join(f"{name}=={version}\n" for name, version in packages.items()) if isinstance(packages, dict) else None


def _facts(environment: Json, probe: str) -> Json:
    facts = environment.get(probe)
    return facts if isinstance(facts, dict) else {}


def _counted(facts: Json, name: str) -> str | None:
    count = facts.get(name)
    return None if count is None else counted(count, name.removesuffix("s"))


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _disk_fields(disks: Iterable[Json]) -> Iterator[Field]:
    for disk in disks:
        place = f"{disk['type']} on {disk['mount']}" + (", over the network" if disk.get("network") else "")
        room = f"{size(disk['free_bytes'])} free of {size(disk['total_bytes'])}"
        yield Field("disk", f"{room} ({place}), for {', '.join(disk['used_for'])}")


def _accelerator_fields(facts: Json) -> Iterator[Field]:
    """Devices that differ in nothing but their number and UUID share a field."""
    devices = facts.get("devices") or ()
    alike: dict[str, list[Json]] = {}
    for device in devices:
        alike.setdefault(_device_text(device), []).append(device)
    for text, group in alike.items():
        numbers = ", ".join(str(device["index"]) for device in group if device.get("index") is not None)
        count = f"{len(group)} x " if len(group) > 1 else ""
        yield Field("accelerator", join(count + text, f"number {numbers}" if numbers else None))
    visible = (f"{name}={value}" for name, value in (facts.get("visible") or {}).items())
    uuids = facts.get("visible_uuids")
    yield Field("accelerators", _rest(facts, ("devices", "visible", "visible_uuids", "not_sampled")))
    yield Field("visible", join(*visible, None if uuids is None else f"{len(uuids)} devices"))
    yield Field("gpu samples", f"none: {facts['not_sampled']}" if facts.get("not_sampled") else None, "warning")


def _device_text(device: Json) -> str:
    name, vendor = str(device.get("name") or ""), device.get("vendor")
    known = ("name", "index", "uuid", "mig", *(("vendor",) if vendor and vendor in name.lower() else ()))
    migs = [f"{one.get('name')} ({size(one['memory_bytes'])})" for one in device.get("mig") or ()]
    mode = None if device.get("mig") is None else f"in MIG mode: {'; '.join(migs) or 'no devices'}"
    return join(name, _rest(device, known), mode)


def _python_fields(python: Json) -> Iterator[Field]:
    if not python.get("executable"):
        return
    implementation = python.get("implementation")
    other = implementation if implementation != "cpython" else None
    yield Field("python", join(python.get("version"), other, python["executable"]))
    packages = python.get("packages")
    if isinstance(packages, dict) and packages:
        known = [f"{name} {packages[name]}" for name in _KNOWN_PACKAGES if name in packages][:_MOST_PACKAGES]
        yield Field("packages", join(*known, f"{len(packages)} in all (show --requirements)"))


def _git(git: Json, diff: Json) -> str | None:
    if not git.get("root"):
        return None
    untracked = git.get("untracked")
    count = len(untracked) if isinstance(untracked, (list, dict)) else untracked
    return join(
        (git.get("commit") or "no commit")[:10],
        git.get("branch") or "detached head",
        "with uncommitted changes" if git.get("dirty") else None,
        _diff_size(diff),
        f"{count} untracked" if count else None,
        git.get("remote"),
    )


def _diff_size(diff: Json) -> str | None:
    text = recorded_text({"diff": diff}, "diff")
    if not text:
        return None
    left_out = f", {counted(diff['left_out_count'], 'file')} left out" if diff.get("left_out_count") else ""
    return f"diff of {size(len(text.encode('utf-8', 'replace')))} (show --diff){left_out}"


def _probe_fields(probe: str, facts: Any) -> Iterator[Field]:
    """What a probe has told, one field for each of a list of things such as accelerators."""
    if isinstance(facts, dict):
        for name, value in facts.items():
            if name not in _LONG and isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                yield from (Field(f"{probe} {place}", fact_text(item)) for place, item in enumerate(value))
                facts = {other: facts[other] for other in facts if other != name}
    yield Field(probe, fact_text(facts))


def _rest(facts: Mapping[str, Any], known: tuple[str, ...]) -> str:
    return fact_text({name: value for name, value in facts.items() if name not in known})


def fact_text(value: Any, name: str = "") -> str:
    """A fact of any shape in words, with the unit that the end of its name tells; empty where there is nothing to tell."""
    if value is None or value is False or value in ("", [], {}):
        return ""
    if isinstance(value, dict):
        told = ((key, fact_text(value[key], key)) for key in value if key not in _LONG)
        return ", ".join(_labelled(key, text) for key, text in told if text)
    if isinstance(value, list):
        items = [text for text in (fact_text(item) for item in value) if text]
        more = [f"{len(items) - _MOST_ITEMS} more"] if len(items) > _MOST_ITEMS else []
        return "; ".join([*items[:_MOST_ITEMS], *more])
    return "yes" if value is True else with_unit(name, value)


def with_unit(name: str, value: Any) -> str:
    """A single value with the unit that the end of its name tells: `_bytes`, `_s`, `_pct`, `_j`, `_w`, `_mhz`."""
    if not isinstance(value, (int, float)):
        return str(value)
    if f"_{name}".endswith("_bytes"):
        return size(int(value))
    if name.endswith("_s"):
        return duration(float(value))
    units = {"_pct": " %", "_j": " J", "_w": " W", "_mhz": " MHz"}
    return f"{value:.6g}" + next((unit for ending, unit in units.items() if name.endswith(ending)), "")


def _labelled(name: str, text: str) -> str:
    """A fact with its name in words; names such as `name` and `model` go without saying."""
    words = name
    for ending in ("_bytes", "_s", "_pct", "_j", "_w", "_mhz"):
        words = words.removesuffix(ending)
    words = words.replace("_", " ")
    if name in ("name", "model", "kind", "id", "bytes"):
        return text
    return words if text == "yes" else f"{words} {text}"


def join(*parts: str | None) -> str:
    """Those parts that there are, with commas."""
    return ", ".join(part for part in parts if part)
