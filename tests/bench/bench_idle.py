"""Memory and idle CPU of pump and scribe together while a quiet child sleeps.

Run: python tests/bench/bench_idle.py [SECONDS]. PSS is the sum over our processes, the child left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SWANLAB = str(Path(sys.executable).parent / "swanlab")
SETTLED_S = 6.0


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    with tempfile.TemporaryDirectory() as folder:
        child = ["sleep", str(seconds + SETTLED_S + 5)]
        process = subprocess.Popen([SWANLAB, "run", "-q", "--logdir", folder, *child], stdout=subprocess.DEVNULL)
        time.sleep(SETTLED_S)  # measuring begins when the probes are gone
        pump = psutil.Process(process.pid)
        ours = [pump, *(other for other in pump.children(recursive=True) if other.name() != "sleep")]
        before = sum(sum(other.cpu_times()[:2]) for other in ours)
        time.sleep(seconds)  # the time over which is measured
        used = sum(sum(other.cpu_times()[:2]) for other in ours) - before
        pss = sum(other.memory_full_info().pss for other in ours)
        print(f"{len(ours)} processes, PSS {pss / 1e6:.1f} MB, CPU {100 * used / seconds:.3f} % of a core over {seconds:.0f} s")
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
