"""Descriptors that a fork of ours must not hold: others wait for the end of what is behind them."""

from __future__ import annotations

import os


def keep_only(needed: set[int]) -> None:
    """Close what the child's caller might wait for the end of; 0, 1 and 2 become /dev/null."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number > 2 and number not in needed:
            try:
                os.close(number)
            except OSError:  # the listing's own descriptor
                continue
