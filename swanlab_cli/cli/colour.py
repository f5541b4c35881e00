"""Colours of the terminal, where one is written to that has them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple

_CODES = {
    "heading": "1", "label": "2", "good": "32", "bad": "31", "warning": "33", "busy": "36", "added": "32", "removed": "31",
}  # fmt: skip
STATE_STYLES = {"running": "busy", "finished": "good", "crashed": "bad", "aborted": "warning", "lost": "warning"}


class Paper(NamedTuple):
    """What is written on."""

    width: int | None = None
    """Columns; None where lines may be of any length, as in a file or pipe."""
    has_colours: bool = False

    def paint(self, style: str, text: str) -> str:
        """The text in the colour of a style (`heading`, `label`, `good`, ...); as it is where there are no colours."""
        code = _CODES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colours and code and text else text


def stdout_paper(colours: bool | None = None) -> Paper:
    """What our stdout is: `colours` are forced on or off, or, with None, as a terminal, NO_COLOR and TERM=dumb say."""
    is_terminal = sys.stdout.isatty()
    if colours is None:
        colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Paper(shutil.get_terminal_size().columns if is_terminal else None, colours)
