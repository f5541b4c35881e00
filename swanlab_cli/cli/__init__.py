"""The door: flags in, text out, exit status. The only room that prints.

Commands are imported inside `main`, so that `run` starts its child without waiting for what only the others need.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line in sys.argv; ends the process with its exit status."""
    if sys.argv[1:2] == ["run"]:
        from .run import run

        run(sys.argv[2:])
    else:
        from .app import run_app

        run_app()
