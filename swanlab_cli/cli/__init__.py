"""The door: flags in, text out, exit status. The only room that prints.

Commands are imported inside `main`, so that `run` starts its child without waiting for what only the others need.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line in sys.argv; ends the process with its exit status."""
    if sys.argv[1:2] == ["run"]:
        import signal

        # Until the recorder blocks it, Ctrl-C ends us as it ends any program, not by a traceback out of an import.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from .run import run

        run(sys.argv[2:])
    else:
        from .app import run_app

        run_app()
