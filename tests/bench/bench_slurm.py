"""Job steps under `swanlab run` on a real Slurm of two nodes: what it adds to a step, to one of 64 ranks, and whether all join.

Run as root: python tests/bench/bench_slurm.py [ROUNDS]. Bare and recorded steps take turns; read the medians and the ratio.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the tests' own Slurm

from tests.slurm.cluster import Cluster, has_freezer, why_not

RANKS = 64
# Half a minute of waiting, as for a network or a GPU: 64 busy processes on two processors would measure the scheduler.
WORK = "import time\nfor s in range(30): print(f'step={s} loss={1 / (s + 1)}', flush=True); time.sleep(1)\n"
MANY = ("--nodes=2", f"--ntasks={RANKS}", "--overcommit", "--mem=4000")


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    reason = why_not()
    if reason is not None:
        raise SystemExit(f"no Slurm: {reason}")
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        cluster = Cluster(Path(folder), "cgroup" if has_freezer() else "pgid")
        try:
            _steps(cluster, Path(folder), rounds)
            _signals(cluster, Path(folder), 10 * rounds)
            _all_join(cluster, Path(folder), 2 * rounds)
            _many(cluster, Path(folder), max(rounds // 3, 1))
        finally:
            cluster.stop()


def _steps(cluster: Cluster, folder: Path, rounds: int) -> None:
    times: dict[str, list[float]] = {"bare": [], "swanlab run": []}
    for _ in range(rounds):
        times["bare"].append(_wall_s(cluster, folder, ["srun", "-n1", "true"]))
        times["swanlab run"].append(_wall_s(cluster, folder, ["srun", "-n1", "swanlab", "run", "-q", "true"]))
    bare, ours = (statistics.median(times[name]) for name in ("bare", "swanlab run"))
    print(f"a step of one task: bare {bare:.3f} s, swanlab run {ours:.3f} s: {ours - bare:+.3f} s (asked: 0.3)")


def _signals(cluster: Cluster, folder: Path, count: int) -> None:
    """One after the other to a step of two ranks, each when both have had the one before."""
    code = (
        "import signal\nn = 0\n"
        "def take(*_):\n    global n; n += 1; print(f'taken={n}', flush=True)\n"
        "signal.signal(signal.SIGUSR1, take)\nprint('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    (folder / "count.py").write_text(code)
    script = "srun -n2 swanlab run -q python3 count.py"
    job = cluster.submit(script, "--ntasks=2", environ=_environ(), cwd=folder)
    output = folder / f"{job}.out"
    _wait_for(output, "ready", 2)
    for number in range(count):
        cluster.run("scancel", "--signal=USR1", job)
        _wait_for(output, f"taken={number + 1}\n", 2)
    cluster.run("scancel", job)
    cluster.wait_for(job)
    exact = output.read_text().count("taken=") == 2 * count
    print(f"signals that came exactly once: {count if exact else 'not all'} of {count}, to each of two ranks")


def _wait_for(output: Path, text: str, times: int) -> None:
    ends_at = time.monotonic() + 60
    while not output.exists() or output.read_text().count(text) < times:
        assert time.monotonic() < ends_at, f"'{text}' does not come: {output.read_text()}"
        time.sleep(0.01)  # a file cannot be waited for


def _all_join(cluster: Cluster, folder: Path, rounds: int) -> None:
    whole = 0
    for _ in range(rounds):
        _wall_s(cluster, folder, ["srun", *MANY, "swanlab", "run", "-q", "sh", "-c", "echo loss=$SLURM_PROCID"])
        shown = json.loads(cluster.attempt("swanlab", "show", "last", "--json", environ=_environ(), cwd=folder).stdout)
        lines = cluster.attempt("swanlab", "metrics", "last", "loss", "--ranks", "all", "--json", environ=_environ(), cwd=folder)
        ranks = sorted(json.loads(line)["value"] for line in lines.stdout.splitlines())
        whole += (shown["ranks"], shown["state"], ranks) == (RANKS, "finished", [float(rank) for rank in range(RANKS)])
    print(f"{RANKS} of {RANKS} ranks joined, with all their points, in {whole} of {rounds} steps")


def _many(cluster: Cluster, folder: Path, rounds: int) -> None:
    child = folder / "work.py"
    child.write_text(WORK)
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(_wall_s(cluster, folder, ["srun", *MANY, "python3", str(child)]))
        ours.append(_wall_s(cluster, folder, ["srun", *MANY, "swanlab", "run", "-q", "python3", str(child)]))
    bare_s, ours_s = statistics.median(bare), statistics.median(ours)
    ratio = f"{ours_s / bare_s:.3f} x (asked: 1.05)"
    print(f"a step of {RANKS} ranks: bare {bare_s:.2f} s, swanlab run {ours_s:.2f} s: {ratio}")


def _wall_s(cluster: Cluster, folder: Path, command: Sequence[str]) -> float:
    began = time.perf_counter()
    done = cluster.attempt(*command, environ=_environ(), cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return time.perf_counter() - began


def _environ() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


if __name__ == "__main__":
    main()
