"""Runs the yardsticks of the folder ../shared against the installed command and the thresholds beside this file.

Usage: run.py SHARED. Exits 1 when a figure is worse than its threshold; thresholds only ever rise.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
SWANLAB = Path(sys.executable).parent / "swanlab"
ADAPTER = 'exec "$0" parse --parse {} --json "$1"'
SUITE_MAY_TAKE_S = 900


def _pytest(suite: Path, options: str, allowed: str, selected: Iterable[str]) -> set[str]:
    """The names of the cases that fail, of the selected or, when there are none, of all."""
    environ = {
        **os.environ,
        "WRAP": f"{SWANLAB} run -q {options} --logdir {suite.parent / 'logs'} --",
        "WRAP_ENV_ALLOW": rf"SWANLAB_\w+|PYTHONPATH{allowed}",
        "WRAP_TRUST_WANT": "1",
    }
    names = [f"{suite}::{name}" for name in selected]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:randomly", "-p", "no:cacheprovider", "-c", os.devnull,
               "--rootdir", str(suite.parent), "--tb=no", *(names or [str(suite)])]  # fmt: skip
    result = subprocess.run(
        command, cwd=suite.parent, env=environ, capture_output=True, text=True, timeout=SUITE_MAY_TAKE_S, check=False
    )
    if result.returncode not in (0, 1):
        sys.exit(f"the suite did not run: {result.stdout}{result.stderr}")
    print(f"transparency {options}: {result.stdout.splitlines()[-1]}")
    bad = re.compile(r"^(?:FAILED|ERROR) \S*?::(\S+?(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)
    return {match[1] for match in bad.finditer(result.stdout)}


def check_transparency(shared: Path, options: str, allowed: str, known: set[str]) -> list[str]:
    """Cases that fail twice though they are no known difference: the machine's other load is no reason to fail twice."""
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "test_transparency.py"
        shutil.copy(shared / "transparency" / "test_transparency.py", suite)
        new = _pytest(suite, options, allowed, ()) - known
        return sorted(_pytest(suite, options, allowed, sorted(new)) if new else ())


def check_corpus(shared: Path, macro_f1: float, required_missed: int) -> list[str]:
    """What is worse than it was on the samples of plain `key=value` output."""
    with tempfile.NamedTemporaryFile(suffix=".json") as scores:
        command = [sys.executable, str(shared / "corpus" / "score.py"), "--only", "kv-*", "--json", scores.name, "--",
                   "sh", "-c", ADAPTER.format("kv"), str(SWANLAB), "{}"]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        result = json.load(scores)
    f1 = result["macro_contract"][2]
    missed = sum(row["req"] - row["tp"] for row in result["rows"])
    print(f"corpus, contract samples: macro F1 {f1:.3f}, required records missed {missed}")
    wrong = [f"macro F1 {f1:.3f} < {macro_f1}"] if f1 < macro_f1 else []
    return wrong + ([f"{missed} records missed > {required_missed}"] if missed > required_missed else [])


def check_auto(shared: Path, macro_f1: float, micro_f1: float, step_accuracy: float, false_per_1000: float) -> list[str]:
    """What is worse than it was on all samples with `--parse auto`."""
    with tempfile.NamedTemporaryFile(suffix=".json") as scores:
        command = [sys.executable, str(shared / "corpus" / "score.py"), "--json", scores.name, "--",
                   "sh", "-c", ADAPTER.format("auto"), str(SWANLAB), "{}"]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        result = json.load(scores)
    dialects = [row for row in result["rows"] if row["kind"] == "dialect"]
    negatives = [row for row in result["rows"] if row["kind"] == "negative"]
    found, false, asked = (sum(row[name] for row in dialects) for name in ("tp", "fp", "req"))
    figures = {
        "macro F1": (result["macro_dialect"][2], macro_f1),
        "micro F1": (2 * found / (found + false + asked), micro_f1),
        "step accuracy": (sum(row["step_ok"] for row in dialects) / sum(row["step_den"] for row in dialects), step_accuracy),
    }
    false_points = 1000 * sum(row["fp"] for row in negatives) / sum(row["lines"] for row in negatives)
    told = ", ".join(f"{name} {figure:.3f}" for name, (figure, _) in figures.items())
    print(f"corpus, dialects: {told}; negatives: {false_points:.1f} false points per 1000 lines")
    wrong = [f"dialects: {name} {figure:.3f} < {least}" for name, (figure, least) in figures.items() if figure < least]
    return wrong + ([f"negatives: {false_points:.1f} > {false_per_1000}"] if false_points > false_per_1000 else [])


def main() -> None:
    """Run all and say what is worse."""
    shared = Path(sys.argv[1]).resolve()
    thresholds = json.loads((HERE / "thresholds.json").read_text())
    wrong = check_corpus(shared, **thresholds["corpus, contract samples"])
    wrong += check_auto(shared, **thresholds["corpus, auto"])
    for options, allowed in (("--no-pty", ""), ("", "|PAGER|GIT_PAGER|TERM")):
        known = set(thresholds[f"transparency {options}".strip()]["known_differences"])
        wrong += check_transparency(shared, options, allowed, known)
    if wrong:
        sys.exit("worse than the thresholds:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
