"""recorder.interpreters and environment.sightings: every Python of a run, by real runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from swanlab_cli.environment.sightings import Sightings

SWANLAB = str(Path(sys.executable).parent / "swanlab")
DEADLINE_S = 60.0
# Goes on when the record names its own interpreter, as whoever runs it may starve us for seconds.
UNTIL_SEEN = """
import glob, os, sys, time
path, ends_at = os.environ["SWANLAB_CLI_RUN_DIR"] + "/a0-r0.environment.jsonl", time.time() + 40
while time.time() < ends_at:
    if os.path.exists(path) and any('"interpreters"' in line and sys.prefix in line for line in open(path)):
        sys.exit(0)
    time.sleep(0.05)
sys.exit(1)
"""


def test_script_that_runs_three_pythons(tmp_path: Path) -> None:
    """Each is told with its prefix, though all are one program, and the third starts when the first have ended."""
    for name in ("a", "b", "c"):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / name)], check=True)
    (tmp_path / "wait.py").write_text(UNTIL_SEEN)
    lines = ["a/bin/python wait.py", ". b/bin/activate; python wait.py; deactivate", "c/bin/python wait.py"]
    (tmp_path / "go.sh").write_text("set -e\n" + "\n".join(lines) + "\n")
    subprocess.run([SWANLAB, "run", "-q", "bash", "go.sh"], cwd=tmp_path, timeout=DEADLINE_S * 3, check=True)
    facts = next(tmp_path.glob("swanlog/run-*/a0-r0.environment.jsonl")).read_text().splitlines()
    found = [json.loads(line)["facts"]["interpreters"] for line in facts if "interpreters" in json.loads(line)["facts"]][-1]
    assert [str(tmp_path / name) for name in "abc"] == [python["virtual_env"] for python in found]
    version = "{}.{}.{}".format(*sys.version_info[:3])
    assert [(version, "cpython", 0)] * 3 == [
        (python["version"], python["implementation"], python["packages"]) for python in found
    ]


def test_workers_are_one_python(tmp_path: Path) -> None:
    """Processes of the same interpreter are seen once."""
    code = "import sys; sys.stdin.read()"
    shell = f"exec 3<&0; for i in 1 2 3; do {sys.executable} -c '{code}' <&3 & done; echo started; read line"
    with subprocess.Popen(["sh", "-c", shell], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        sightings = Sightings(parent.pid)
        ends_at = time.monotonic() + DEADLINE_S
        found: list[int] = []
        while time.monotonic() < ends_at and not found:
            found = sightings.look()
        assert len(found) == 1
        assert os.path.samefile(f"/proc/{found[0]}/exe", sys.executable)
        for _ in range(1000):
            assert sightings.look() == []
        parent.kill()
