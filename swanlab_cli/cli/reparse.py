"""`reparse`: the points of runs derived again, and what that has changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ..errors import SwanlabError, UsageError
from ..recorder.options import ParseOptions
from ..recorder.reparse import Reparsed, reparse
from ..records import Json
from ..store.reader import find_run


def reparse_runs(logdir: str, names: Sequence[str], options: ParseOptions, as_json: bool) -> int:
    """Reparse each run and say what has changed: the exit status, 1 where a run could not be reparsed.

    Raises:
        UsageError: the options cannot be used.
    """
    exit_status = 0
    for name in names:
        try:
            result = reparse(find_run(logdir, name), options)
        except UsageError:
            raise
        except SwanlabError as error:  # the other runs are none the worse for it
            print(f"swanlab: {error.message}", *([f"swanlab: {error.hint}"] if error.hint else []), sep="\n", file=sys.stderr)
            exit_status = 1
            continue
        if as_json:
            print(json.dumps(_result_json(result), ensure_ascii=False), flush=True)
        else:
            print(f"swanlab: {_describe(result)}", file=sys.stderr)
    return exit_status


def _changes(result: Reparsed) -> tuple[dict[str, int], dict[str, int], dict[str, list[int]]]:
    """Metrics that appeared and that vanished, with their points, and those with another number of points: before, after."""
    before, after = result.before, result.after
    appeared = {metric: count for metric, count in after.items() if metric not in before}
    vanished = {metric: count for metric, count in before.items() if metric not in after}
    changed = {metric: [before[metric], count] for metric, count in after.items() if before.get(metric, count) != count}
    return appeared, vanished, changed


def _result_json(result: Reparsed) -> Json:
    appeared, vanished, changed = _changes(result)
    return {
        "id": result.run_id,
        "directory": result.directory,
        "points_before": sum(result.before.values()),
        "points_after": sum(result.after.values()),
        "appeared": appeared,
        "vanished": vanished,
        "changed": changed,
    }


def _describe(result: Reparsed) -> str:
    appeared, vanished, changed = _changes(result)
    parts = [f"{result.run_id}: {sum(result.before.values())} points before, {sum(result.after.values())} after"]
    if appeared:
        parts.append("appeared: " + ", ".join(f"{metric} ({count})" for metric, count in appeared.items()))
    if vanished:
        parts.append("vanished: " + ", ".join(f"{metric} ({count})" for metric, count in vanished.items()))
    if changed:
        parts.append("changed: " + ", ".join(f"{metric} ({old} to {new})" for metric, (old, new) in changed.items()))
    return "; ".join(parts)
