"""How the progress of a run looks as text: `45 % (450/1000), 3.2 it/s, 2 min 0 s left`."""

from __future__ import annotations

import re

from ..records import Json
from .text import duration, size

_BYTES = ("B", "bytes", "Bytes", "byte")


def progress_text(progress: Json | None) -> str:
    """A progress in words, as far as it is known; empty where there is none."""
    if progress is None:
        return ""
    left = progress["eta_s"]
    parts = (_share_and_count(progress), _rate(progress), f"{time_text(left)} left" if left is not None else "")
    return ", ".join(part for part in parts if part)


def share_text(progress: Json | None) -> str:
    """The share and the time left only: `45 %, 2 min`."""
    if progress is None or progress["fraction"] is None:
        return ""
    left = progress["eta_s"]
    return f"{_percent(progress)}, {time_text(left)}" if left else _percent(progress)


def time_text(seconds: float) -> str:
    """A duration that is known roughly: `45 s`, `2 min`, `3 h 5 min`."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    return re.sub(r"( min) \d+ s$", r"\1", duration(seconds)) if seconds >= 600 else duration(seconds).replace(" 0 s", "")


def _percent(progress: Json) -> str:
    # 99.9 % is not all.
    return f"{int(100 * progress['fraction'] + 1e-6)} %"


def _share_and_count(progress: Json) -> str:
    done, total, unit = progress["done"], progress["total"], progress["unit"]
    count = ""
    if done is not None:
        shown = [_count(number, unit) for number in (done, total) if number is not None]
        count = "/".join(shown)
        if unit == "epoch":
            count = f"epoch {count}"
        elif total is None and unit and unit not in _BYTES:
            count += f" {unit}"
    if progress["fraction"] is None:
        return count
    return f"{_percent(progress)} ({count})" if count else _percent(progress)


def _count(number: float, unit: str | None) -> str:
    return size(int(number)) if unit in _BYTES else f"{number:.15g}"


def _rate(progress: Json) -> str:
    rate, unit = progress["rate"], progress["unit"]
    if not rate:
        return ""
    if unit in _BYTES:
        return f"{size(int(rate))}/s"
    if rate >= 1 or unit is None:
        return f"{rate:.3g} {unit}/s" if unit else f"{rate:.3g}/s"
    return f"{time_text(1 / rate) if rate < 1 / 60 else f'{1 / rate:.2g} s'}/{unit}"
