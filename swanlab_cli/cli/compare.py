"""`compare`: runs side by side, their differences first."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import UsageError
from ..recorder.comparison import MISSING, Row, compare, recorded_text
from ..recorder.view import describe, media_of, open_run, points_of
from ..records import Json
from ..store.reader import find_run
from .colour import Paper, stdout_paper
from .environment import with_unit
from .fitting import cut, pad, printable, text_width, wrap
from .show import sample_text, short

# Of a cell, where nothing tells the width of the terminal.
_WIDEST = 60
_NARROWEST = 8
_MOST_LINES = 6
_MOST_ONE_SIDED = 8  # rows of a section that one of the runs does not have at all
_JSON_SECTIONS = ("config",)  # whose strings are quoted, so that "1" is not taken for 1
_NOISE = ("system",)  # always another: shown only with --all
_HEADINGS = {"run": "Run", "config": "Config", "summary": "Metrics", "ending": "Ending", "resources": "Resources",
             "environment": "Environment", "packages": "Packages", "variables": "Variables", "command": "Command", "git": "Git",
             "code": "Code", "system": "System"}  # fmt: skip


def compare_runs(logdir: str, names: Sequence[str], as_json: bool, show_all: bool, colours: bool | None) -> None:
    """Print what the runs have differently, and how much they have alike.

    Raises:
        UsageError: there is but one.
    """
    runs = _describe(logdir, names)
    sections = compare(runs)
    if as_json:
        print(json.dumps(comparison_json(runs, sections, show_all), indent=1))
    else:
        print(comparison_page(runs, sections, show_all, stdout_paper(colours)))


def diff_runs(logdir: str, names: Sequence[str], colours: bool | None) -> None:
    """Print how the recorded git diffs and scripts of two runs differ, as unified diffs.

    Raises:
        UsageError: they are not two.
    """
    if len(names) > 2:
        raise UsageError("--diff compares two runs", "name two")
    first, second = _describe(logdir, names)
    paper = stdout_paper(colours)
    for line in _unified(first, second):
        style = {"+": "added", "-": "removed", "@": "label"}.get(line[:1], "")
        print(paper.paint(style, line))


def _describe(logdir: str, names: Sequence[str]) -> list[Json]:
    if len(names) < 2:
        raise UsageError("there is nothing to compare one run with", "name another, for example: swanlab compare RUN last")
    views = [open_run(directory, patient=True) for directory in [find_run(logdir, name) for name in names]]
    return [describe(view, points_of(view), media_of(view)) for view in views]


def _unified(first: Json, second: Json) -> Iterator[str]:
    for probe in ("diff", "script"):
        old, new = ((recorded_text(run["environment"], probe) or "").splitlines() for run in (first, second))
        yield from difflib.unified_diff(old, new, f"{first['id']}/{probe}", f"{second['id']}/{probe}", lineterm="")


def comparison_json(runs: Sequence[Json], sections: Mapping[str, Sequence[Row]], show_all: bool) -> Json:
    """`runs`, their ids; by section, `{key: [value of each run]}` of the keys that differ, or of all.

    A run without the key has null there, and its place is in `missing`: `{section: {key: [places]}}`. `equal` counts by section
    the keys that all have alike.
    """
    shown = {name: [row for row in rows if show_all or not row.is_equal] for name, rows in sections.items()}
    values = {
        name: {row.key: [None if value is MISSING else value for value in row.values] for row in rows}
        for name, rows in shown.items()
    }
    missing: dict[str, dict[str, list[int]]] = {}
    for name, rows in shown.items():
        for row in rows:
            if places := [place for place, value in enumerate(row.values) if value is MISSING]:
                missing.setdefault(name, {})[row.key] = places
    equal = {name: sum(row.is_equal for row in rows) for name, rows in sections.items()}
    return {"runs": [run["id"] for run in runs], **values, "missing": missing, "equal": equal}


def comparison_page(runs: Sequence[Json], sections: Mapping[str, Sequence[Row]], show_all: bool, paper: Paper) -> str:
    """The runs in columns: sections with what differs, then how much is equal, or with all of it."""
    tables = [("", [("run", *(run["id"] for run in runs), ""), ("name", *(run["name"] for run in runs), "")])]
    for name, rows in sections.items():
        shown = list(rows) if show_all else [row for row in _news(rows) if not row.is_equal and name not in _NOISE]
        if shown:
            cells = [_cells(name, row) for row in shown]
            tables.append((_HEADINGS[name], cells if show_all else _without_one_sided(shown, cells)))
    widths = _fitted([row for _, rows in tables for row in rows], paper.width)
    parts = [_table_text(heading, rows, widths, paper) for heading, rows in tables]
    if len(tables) == 1:
        parts.append("No differences.")
    left_out = "" if show_all else _left_out(sections)
    parts += ["\n".join(wrap(left_out, paper.width or len(left_out), _MOST_LINES))] if left_out else []
    return "\n\n".join(parts)


def _without_one_sided(rows: Sequence[Row], cells: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows as cells, or, where a run has none of many, such as no packages at all, how many each run has."""
    counts = [sum(value is not MISSING for value in values) for values in zip(*(row.values for row in rows), strict=True)]
    if len(rows) <= _MOST_ONE_SIDED or min(counts) > 0:
        return cells
    return [("all (--all)", *(f"{count} recorded" if count else "-" for count in counts), "")]


def _news(rows: Sequence[Row]) -> list[Row]:
    """The rows without a metric's minimum and maximum where they are its last value in all runs."""
    lasts = {row.key.removesuffix(" last"): row.values for row in rows if row.key.endswith(" last")}
    return [row for row in rows if not row.key.endswith((" min", " max")) or lasts.get(row.key[:-4]) != row.values]


def _cells(section: str, row: Row) -> tuple[str, ...]:
    """The key, each run's value, and of two numbers how they differ."""
    values = (_value_text(section, row.key, value) for value in row.values)
    return row.key, *(printable(value) for value in values), _change(row)


def _value_text(section: str, key: str, value: Any) -> str:
    if value is MISSING:
        return "-"
    if value is None:
        return "null"
    if section == "summary":
        return short(value)
    if section == "system":
        return sample_text(key.rpartition(" ")[0], value)
    if section == "code":
        return str(value)[:10]
    if isinstance(value, str) and section not in _JSON_SECTIONS:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or section in _JSON_SECTIONS:
        return json.dumps(value, ensure_ascii=False)
    return with_unit(key, value)


def _change(row: Row) -> str:
    """By how much the second of two numbers is larger than the first, in percent."""
    numbers = [value for value in row.values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    is_amount = row.key != "exit_code"
    if not is_amount or len(row.values) != 2 or len(numbers) != 2 or not numbers[0] or numbers[0] == numbers[1]:
        return ""
    return f"{100 * (numbers[1] - numbers[0]) / abs(numbers[0]):+.3g} %"


def _fitted(rows: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """Widths of the columns, of which the widest become narrower until all fit."""
    widths = [min(max(map(text_width, column)), _WIDEST) for column in zip(*rows, strict=True)]
    room = None if width is None else width - 2 * len(widths)
    while room is not None and sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _table_text(heading: str, rows: Sequence[Sequence[str]], widths: Sequence[int], paper: Paper) -> str:
    lines = [paper.paint("heading", heading)] if heading else []
    for key, *values in rows:
        label = paper.paint("label", pad(cut(key, widths[0]), widths[0]))
        cells = (pad(cut(value, size), size) for value, size in zip(values, widths[1:], strict=True))
        lines.append(f"  {label}  {'  '.join(cells)}".rstrip())
    return "\n".join(lines)


def _left_out(sections: Mapping[str, Sequence[Row]]) -> str:
    """How much is not shown."""
    equal = {name: sum(row.is_equal for row in rows) for name, rows in sections.items() if name not in _NOISE}
    parts = [f"{count} of {_HEADINGS[name].lower()}" for name, count in equal.items() if count]
    noise = sum(len(sections[name]) for name in _NOISE)
    said = [f"equal: {', '.join(parts)}"] if parts else []
    said += [f"{noise} figures of the system"] if noise else []
    return f"Not shown: {'; '.join(said)} (--all)" if said else ""
