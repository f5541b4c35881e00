"""Facts: seconds from the start of a run until the last fact is written, with 400 packages and a dirty repository.

Run: python tests/bench/bench_facts.py [ROUNDS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SWANLAB = str(Path(sys.executable).parent / "swanlab")
PACKAGES, FILES = 400, 400
CHILD = "import time; time.sleep(6)"


def make_environment(folder: Path) -> Path:
    """A virtual environment with many packages; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for number in range(PACKAGES):
        metadata = packages / f"package_{number}-1.{number}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.{number}\n\n" + "text\n" * 200
        )
        (metadata / "RECORD").write_text("a.py,,\n" * 100)
    return folder / "bin" / "python"


def make_repository(folder: Path) -> None:
    """A repository with changed, deleted and untracked files."""
    folder.mkdir()
    for number in range(FILES):
        (folder / f"module_{number}.py").write_text("".join(f"value_{line} = {line}\n" for line in range(200)))
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    for number in range(FILES // 2):
        (folder / f"module_{number}.py").write_text("".join(f"value_{line} = {line + 1}\n" for line in range(200)))
    (folder / "new.py").write_text("new = 1\n")


def facts_after_s(python: Path, repository: Path, logdir: Path) -> tuple[float, str]:
    """Seconds until the last fact of the environment of one run, and which it is."""
    started = time.time()
    command = [SWANLAB, "run", "-q", "--logdir", str(logdir), str(python), "-c", CHILD]
    subprocess.run(command, cwd=repository, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    path = max(logdir.glob("run-*/a0-r0.environment.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    last = max(lines, key=lambda line: float(line["time"]))
    return last["time"] - started, ", ".join(last["facts"])


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        python = make_environment(Path(folder, "venv"))
        make_repository(Path(folder, "repository"))
        print(f"{PACKAGES} packages, {FILES // 2} changed files; load {os.getloadavg()[0]:.1f}")
        for number in range(rounds):
            seconds, name = facts_after_s(python, Path(folder, "repository"), Path(folder, "runs"))
            print(f"round {number + 1}: the last, {name}, after {seconds:.2f} s")


main()
