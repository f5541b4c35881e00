"""`show`: one run as a page for a person, as JSON, or one of the texts that were recorded with it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ..errors import RunNotFound, UsageError
from ..recorder.comparison import recorded_text, recorded_variables
from ..recorder.view import describe, media_of, open_run, points_of
from ..records import Json
from ..store.reader import MONITOR, find_run
from ..store.state import RUNNING
from .colour import STATE_STYLES, Paper, stdout_paper
from .environment import counted, environment_fields, requirements
from .fitting import cut, printable
from .progress import progress_text
from .sections import Field, section, table_section
from .text import duration, size

DIFF, REQUIREMENTS, SCRIPT, VARIABLES, STACKS = "diff", "requirements", "script", "env", "stacks"
_NOT_RECORDED = {
    DIFF: "no diff: it was no git repository, nothing had been changed, or the run is older than the recording of diffs",
    REQUIREMENTS: "no packages: its Python was not found",
    SCRIPT: "no script",
    VARIABLES: "no environment variables",
    STACKS: "no stacks: --stall-dump records those of Python processes when they stall",
}


def print_run(logdir: str, name: str, as_json: bool, colours: bool | None = None) -> None:
    """Print one run with its environment."""
    view = open_run(find_run(logdir, name), patient=True, ask_slurm=True)
    points = points_of(view)
    facts = describe(view, points, media_of(view))
    if as_json:
        print(json.dumps(facts, indent=1))
    else:
        monitored = {point.metric for point in points if point.source == MONITOR}
        print(page(facts, monitored, stdout_paper(colours)))


def print_recorded(logdir: str, name: str, wanted: Sequence[str]) -> None:
    """Print one of the texts that were recorded with a run, to the byte.

    Raises:
        UsageError: more than one is wanted.
        RunNotFound: the run has none.
    """
    if len(wanted) > 1:
        raise UsageError(f"--{wanted[0]} and --{wanted[1]} cannot be printed together", "choose one of them")
    view = open_run(find_run(logdir, name), patient=True)
    facts = describe(view, ())
    environment = facts["environment"]
    text = _stacks(facts["stalls"]) if wanted[0] == STACKS else _recorded(environment, wanted[0])
    if text is None:
        raise RunNotFound(f"run '{view.header.id}' has {_NOT_RECORDED[wanted[0]]}", f"see: swanlab show {view.header.id}")
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    if left_out := _left_out(environment, wanted[0]):
        print(f"swanlab: not all was recorded: {left_out} left out", file=sys.stderr)


def _recorded(environment: Json, wanted: str) -> str | None:
    if wanted == REQUIREMENTS:
        return requirements(environment)
    if wanted == VARIABLES:
        variables = recorded_variables(environment)
        return "".join(f"{name}={value}\n" for name, value in sorted(variables.items())) or None
    return recorded_text(environment, wanted)


def _stacks(stalls: Sequence[Json]) -> str | None:
    """Of every process at each stall, as py-spy prints them, or why it did not."""
    parts = []
    for stall in stalls:
        for process in (stall["dump"] or {}).get("processes", ()):
            text = process.get("stack") or f"Process {process['pid']}: {process['error']}\n"
            parts.append(f"Stalled since {stall['since']}\n{text}")
    return "\n".join(parts) or None


def _left_out(environment: Json, wanted: str) -> str:
    """What of a recorded text was too large to be kept."""
    facts = environment.get(wanted) or {}
    if wanted == DIFF and facts.get("left_out_count"):
        return counted(facts["left_out_count"], "file")
    return size(facts["left_out_bytes"]) if wanted == SCRIPT and facts.get("left_out_bytes") else ""


def page(facts: Json, monitored: Collection[str], paper: Paper) -> str:
    """The run as a page; `monitored` are the metrics that are samples of the machine, `facts` as `describe` gives them."""
    summary = facts["summary"]
    metrics = {metric: entry for metric, entry in summary.items() if metric not in monitored}
    system = {metric: entry for metric, entry in summary.items() if metric in monitored}
    parts = [
        section("", _run_fields(facts), paper),
        table_section("Ranks", ("rank", "host", "state", "why", "duration", "last step"), _rank_rows(facts["by_rank"]), paper),
        section("Ending", _ending_fields(facts.get("ending") or {}), paper),
        section("Config", (Field(key, json.dumps(value, ensure_ascii=False)) for key, value in facts["config"].items()), paper),
        table_section("Metrics", ("metric", "last", "min", "max", "points", "last step"), _metric_rows(metrics), paper),
        table_section("System", ("metric", "last", "min", "max", "samples"), _system_rows(system), paper),
        table_section("Media", ("metric", "type", "items", "last step", "last"), _media_rows(facts["media"]), paper),
        section("Environment", environment_fields(facts["environment"]), paper),
        section("Resources", _resource_fields(facts), paper),
        section("Overhead", [Field("of recording", overhead_text(facts["overhead"] or {}))], paper),
        section("Warnings", _warning_fields(facts), paper),
    ]
    return "\n\n".join(part for part in parts if part)


def _run_fields(facts: Json) -> Iterator[Field]:
    has_ended = facts["end_reason"] is not None
    yield Field("run", f"{facts['id']}  {facts['name']}")
    yield Field("project", facts["project"])
    state = facts["state"]
    yield Field("state", f"{state} ({facts['end_reason']})" if has_ended else state, STATE_STYLES.get(state, ""))
    yield Field("progress", progress_text(facts["progress"]))
    yield Field("command", command_text(facts["command"]))
    yield Field("directory", facts["directory"], is_whole=True)
    yield Field("working dir", facts["cwd"])
    yield Field("started", facts["started_at"] or "-")
    yield Field("finished", facts["finished_at"] or ("-" if has_ended else None))
    yield Field("duration", None if facts["duration_s"] is None else duration(facts["duration_s"]))
    yield from _import_fields(facts["imported"])
    yield Field("parse", _parse_text(**facts["parse"]))
    yield from (Field(name, str(facts[name])) for name in ("attempts", "ranks") if facts[name] > 1)
    yield Field("stragglers", stragglers(facts["by_rank"]), "warning")
    yield from (Field(name.replace("_", " "), facts[name]) for name in ("group", "job_type", "notes"))
    yield Field("tags", ", ".join(facts["tags"]))
    for answer in facts["answers"]:
        yield Field("answered", f"{answer['prompt']}{answer['text'] or '(not echoed, not kept)'}")


def command_text(command: Sequence[str]) -> str:
    """A command as it was typed, on one line."""
    return printable(" ".join(command))


def _import_fields(imported: Json | None) -> Iterator[Field]:
    """When a run was imported, and each of the files that it was imported from."""
    if imported is not None:
        yield Field("imported", imported["at"])
        for file in imported["files"]:
            yield Field(f"rank {file['rank']}", f"{printable(file['file'])} ({file['stream']}, {size(file['bytes'])})")


def _parse_text(mode: str, patterns: Sequence[str], step_key: str | None) -> str | None:
    """What of the output is read, in the words of the flags; None where it is the default."""
    flags = [f"--pattern {shlex.quote(pattern)}" for pattern in patterns]
    flags += [f"--step-key {shlex.quote(step_key)}"] if step_key else []
    return None if mode == "auto" and not flags else " ".join([mode, *flags])


def _ending_fields(ending: Json) -> Iterator[Field]:
    """What is known of the end beside its reason, which the state tells."""
    traceback = ending.get("traceback") or {}
    if traceback:
        yield Field("exception", ": ".join(traceback[name] for name in ("exception", "message") if traceback[name]), "bad")
        places = {"raised at": traceback["frame"], "your line": traceback["user_frame"]}
        is_same = traceback["frame"] == traceback["user_frame"]
        yield from (Field(name, _frame_text(frame)) for name, frame in places.items() if not is_same or name == "your line")
    yield Field("last words", ending.get("last_words"), "bad")
    sender = ending.get("sender") or {}
    if sender.get("pid"):
        who = sender["command"] or sender["name"] or "a process that was gone"
        yield Field("sent by", f"{who} (pid {sender['pid']}, uid {sender['uid']})")
    lost = ending.get("not_a_number")
    if lost:
        before = "" if lost["last_finite"] is None else f", before that {short(lost['last_finite'])}"
        yield Field("not a number", f"{lost['metric']} was {lost['value']} from step {lost['step']} on{before}", "bad")
    for process in (ending.get("memory") or {}).get("processes", ()):
        yield Field("out of memory", f"the kernel killed {process['name']} (pid {process['pid']})", "bad")


def _frame_text(frame: Json | None) -> str | None:
    if frame is None:
        return None
    function = f" in {frame['function']}" if frame["function"] else ""
    return f"{frame['file']}:{frame['line']}{function}"


def _metric_rows(summary: Mapping[str, Json]) -> list[tuple[str, ...]]:
    names = ("last", "min", "max", "count", "last_step")
    return [(metric, *(short(entry[name]) for name in names)) for metric, entry in summary.items()]


def short(value: float | str | None) -> str:
    """A value of a metric with six digits."""
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _system_rows(summary: Mapping[str, Json]) -> list[tuple[str, ...]]:
    rows = []
    for metric, entry in summary.items():
        shown = (sample_text(metric, entry[name]) for name in ("last", "min", "max"))
        rows.append((metric, *shown, str(entry["count"])))
    return rows


def sample_text(metric: str, value: float | str | None) -> str:
    """A sample in the unit that its metric's name has in brackets at its end."""
    if value is None or isinstance(value, str):
        return short(value)
    unit = metric[metric.rfind("(") + 1 : -1] if metric.endswith(")") else ""
    if unit in ("bytes", "bytes/s"):
        return size(int(value)) + unit.removeprefix("bytes")
    return duration(value) if unit == "s" else f"{value:.6g} {unit}".rstrip()


def _rank_rows(ranks: Sequence[Json]) -> list[tuple[str, ...]]:
    """A row for each rank; those that are alike share one, with the longest duration."""
    alike: dict[tuple[str, ...], list[Json]] = {}
    for one in ranks:
        told = (one["host"], one["state"], one["end_reason"], one["last_step"])
        alike.setdefault(tuple("-" if cell is None else str(cell) for cell in told), []).append(one)
    return [
        (number_ranges([one["rank"] for one in group]), *told[:3], _longest(group), told[3]) for told, group in alike.items()
    ]


def _longest(ranks: Sequence[Json]) -> str:
    known = [one["duration_s"] for one in ranks if one["duration_s"] is not None]
    return duration(max(known)) if known else "-"


def stragglers(ranks: Sequence[Json]) -> str | None:
    """The ranks that still run when at least half have ended, or have gone less than half of what is usual for the others."""
    running = [one["rank"] for one in ranks if one["state"] == RUNNING]
    if running and 2 * len(running) <= len(ranks):
        return f"rank {number_ranges(running)} still runs; {len(ranks) - len(running)} of {len(ranks)} ranks have ended"
    steps = sorted(one["last_step"] for one in ranks if one["last_step"] is not None)
    usual = steps[len(steps) // 2] if steps else 0
    behind = [one for one in ranks if one["state"] == RUNNING and one["last_step"] is not None and 2 * one["last_step"] < usual]
    if not behind:
        return None
    last = min(one["last_step"] for one in behind)
    return f"rank {number_ranges([one['rank'] for one in behind])} is at step {last}; usual is {usual}"


def number_ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as people write them: `0-3,7`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def _media_rows(summary: Mapping[str, Json]) -> list[tuple[str, ...]]:
    return [
        (metric, str(entry["type"]), str(entry["count"]), str(entry["last_step"]), _item_text(entry["last"][-1]))
        for metric, entry in summary.items()
    ]


def _item_text(item: Json) -> str:
    """Where an item is, or its text, on one line."""
    return cut(printable(" ".join(str(item.get("file") or item.get("text") or "").split())), 60)


def _resource_fields(facts: Json) -> Iterator[Field]:
    used = {name: value for name, value in (facts.get("resources") or {}).items() if value is not None}
    cpu_s = used.get("cpu_s", facts["cpu_s"])
    yield Field("cpu time", None if cpu_s is None else duration(cpu_s))
    memory = [f"{size(facts['peak_memory_bytes'])}" if facts["peak_memory_bytes"] is not None else ""]
    memory += [f"{size(used['peak_pss_bytes'])} PSS" if "peak_pss_bytes" in used else ""]
    yield Field("peak memory", ", ".join(part for part in memory if part))
    moved = (f"{word} {size(used[f'{word}_bytes'])}" for word in ("read", "written") if f"{word}_bytes" in used)
    yield Field("I/O", ", ".join(moved))
    yield Field("gpu memory", f"{size(used['peak_gpu_memory_bytes'])} at once" if "peak_gpu_memory_bytes" in used else None)
    yield Field("gpu time", duration(used["gpu_s"]) if used.get("gpu_s") else None)
    yield Field("energy", energy_text(used["energy_j"]) if used.get("energy_j") else None)
    yield Field("output", None if facts["output_bytes"] is None else size(facts["output_bytes"]))


def energy_text(joules: float) -> str:
    """An energy as people say it: `800 J`, `12.5 Wh`, `1.2 kWh`."""
    if joules < 3600:
        return f"{joules:.3g} J"
    hours = joules / 3600
    return f"{hours:.3g} Wh" if hours < 1000 else f"{hours / 1000:.3g} kWh"


def overhead_text(overhead: Json) -> str:
    """What recording has cost, in one line."""
    said: Mapping[str, Callable[[Any], str]] = {
        "cpu_s": lambda value: f"CPU {duration(value)}",
        "max_memory_bytes": lambda value: f"memory {size(value)}",
        "bytes_written": lambda value: f"{size(value)} written",
        "longest_write_s": lambda value: f"longest write {1000 * value:.1f} ms",
        "longest_pause_s": lambda value: f"longest pause of the output {1000 * value:.1f} ms",
        "records_dropped": lambda value: f"{value} records dropped",
    }
    return ", ".join(say(overhead[name]) for name, say in said.items() if overhead.get(name) is not None)


def _warning_fields(facts: Json) -> Iterator[Field]:
    yield from (Field("warning", text, "warning") for text in facts["warnings"])
    dumped = sum(len((stall["dump"] or {}).get("processes", ())) for stall in facts["stalls"])
    yield Field("stacks", f"of {counted(dumped, 'stalled process')} (show --stacks)" if dumped else None)
    for metric, count in facts["dropped"].items():
        yield Field("dropped", f"{count} points of {metric}: step taken", "warning")
    if facts["lost_bytes"]:
        yield Field("lost", f"{facts['lost_bytes']} bytes of output could not be recorded", "warning")
