"""How often ordinary text is masked, and what masking costs: over the standard library's sources and, if given, saved logs.

python tests/bench/bench_secrets.py [FOLDER OF LOGS]...
"""

from __future__ import annotations

import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from swanlab_cli.environment.secrets import Redactor

_MOST_LINES = 400_000


def main() -> None:
    """Print masked lines, and their share of all."""
    redactor = Redactor()
    folders = [Path(sysconfig.get_paths()["stdlib"]), *map(Path, sys.argv[1:])]
    for folder in folders:
        count, masked, size, began = 0, [], 0, time.process_time()
        for line in _lines(folder):
            count += 1
            size += len(line)
            if redactor.text(line) != line:
                masked.append(line.strip()[:150])
        spent_s = time.process_time() - began
        share, speed = 1e4 * len(masked) / max(count, 1), size / spent_s / 1e6
        print(f"{folder}: {len(masked)} of {count} lines masked ({share:.2f} in 10 000); {speed:.1f} MB/s")
        for line in masked[:20]:
            print("   ", line)


def _lines(folder: Path) -> Iterator[str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".pyc", ".so", ".gz", ".exe"))
    number = 0
    for path in paths:
        if "site-packages" in path.parts:
            continue
        for line in path.read_text(errors="replace").splitlines():
            yield line
            number += 1
            if number >= _MOST_LINES:
                return


if __name__ == "__main__":
    main()
