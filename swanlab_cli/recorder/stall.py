"""Stalls: a command that says nothing, logs nothing and computes nothing for longer than is usual for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..environment.processes import TreeUse
from ..process.waiting import READ, input_wait
from ..records import Event, Json

STALL = "stall"
"""Type of the event that `StallWatch.look` and `StallWatch.goes_on` give the data of."""
STALL_DUMP = "stall_dump"
"""Of the event that has what `stall_dump.dump` gives."""
_TIMES_USUAL = 10
_BUSY_SHARE = 0.01
# Processor time is counted in ticks of 10 ms: what a look at a process costs it must not make it look busy.
_ROUNDING_S = 0.02
_LOOKS, _SHORTEST_PAUSE_S = 10, 0.1
# We sleep half a second at most: what kept us from looking for longer, as a job's suspension, kept the command as well.
_ABSENT_S = 5.0
_HALF_LIFE = 10


class StallWatch:
    """Watches one child for stalls.

    The usual interval is the pause between two sightings of output or log() that one is in at a moment taken at random: the
    mean of the pauses weighted by their lengths, so that the short ones of a burst do not hide the long ones between bursts.
    What happened `10 * after_s` ago counts half. A stall is no usual pause, unless it comes right after another one.
    """

    def __init__(self, pid: int, after_s: float, look: Callable[[], TreeUse | None], now: float) -> None:
        """`after_s` 0: never; `look` looks at the child's processes; `now` is on the monotonic clock, as everywhere here."""
        self._pid, self._after_s, self._look = pid, after_s, look
        self._last_sign = self._quiet_since = self._last_look = now
        self._weight, self._weighted = 0.0, 0.0
        self._cpu_s: float | None = None
        self._stall: _Stall | None = None
        self._was_stalled = False

    def goes_on(self, now: float) -> Json | None:
        """Note a sign of life at `now` of the monotonic clock; the data of an event where it ends a stall."""
        self._learn(now - self._last_sign)
        self._last_sign = now
        return self._restart(now)

    def look_now(self, now: float) -> Json | None:
        """Look, if the silence has lasted long enough to look; the data of an event where a stall has begun or ended."""
        pause_s = max(self._after_s / _LOOKS, _SHORTEST_PAUSE_S)
        if not self._after_s or now - max(self._last_look, self._quiet_since) < pause_s:
            return None
        since_look_s, self._last_look = now - self._last_look, now
        use, before = self._look(), self._cpu_s
        if use is None or use.stopped:
            return self._restart(now)
        self._cpu_s = use.cpu_s
        was_absent = since_look_s > pause_s + _ABSENT_S and now - self._quiet_since > pause_s + _ABSENT_S
        if was_absent or before is None or use.cpu_s - before > _BUSY_SHARE * since_look_s + _ROUNDING_S:
            # The first look has nothing to compare with: it says nothing against the silence so far.
            return self._restart(now) if was_absent or before is not None else None
        return self._begin(now) if self._stall is None and now - self._quiet_since >= self.threshold_s() else None

    def usual_interval_s(self) -> float | None:
        """As the class has it; None before there was any."""
        return self._weighted / self._weight if self._weight else None

    def threshold_s(self) -> float:
        """How long a silence is a stall now."""
        return max(self._after_s, _TIMES_USUAL * (self.usual_interval_s() or 0.0))

    def _begin(self, now: float) -> Json:
        silent_s = now - self._quiet_since
        self._stall = _Stall(time.time() - silent_s, self._quiet_since, self.usual_interval_s(), _waits_for_input(self._pid))
        return self._stall.data(now, is_over=False)

    def _restart(self, now: float) -> Json | None:
        """Let a new silence begin."""
        stall, self._stall = self._stall, None
        self._quiet_since, self._cpu_s = now, None
        return stall.data(now, is_over=True) if stall else None

    def _learn(self, pause_s: float) -> None:
        was_stalled, self._was_stalled = self._was_stalled, self._stall is not None
        if not self._after_s or (self._stall is not None and not was_stalled):
            return
        kept = 0.5 ** (pause_s / (_HALF_LIFE * self._after_s))
        self._weight = kept * self._weight + pause_s
        self._weighted = kept * self._weighted + pause_s * pause_s


class _Stall(NamedTuple):
    since: float
    began: float
    """On the monotonic clock."""
    usual_interval_s: float | None
    waits_for_input: bool

    def data(self, now: float, is_over: bool) -> Json:
        usual_s = self.usual_interval_s
        return {
            "since": self.since,
            "silent_s": round(now - self.began, 3),
            "usual_interval_s": None if usual_s is None else round(usual_s, 3),
            "waits_for_input": self.waits_for_input,
            "is_over": is_over,
        }


def list_stalls(events: Iterable[Event]) -> list[Json]:
    """Each stall of a run: `since` (Unix seconds), `silent_s` (so far, where it is not over), `usual_interval_s`,
    `waits_for_input`, `is_over`, and `dump`: `processes` and `error` as `stall_dump.dump` gives them, or None.
    """  # fmt: skip
    stalls: dict[float, Json] = {}
    for event in events:
        since = event.data.get("since")
        if event.type == STALL and since is not None:
            stalls[since] = {"dump": None, **stalls.get(since, {}), **event.data}
        elif event.type == STALL_DUMP and since in stalls:
            stalls[since]["dump"] = {name: event.data.get(name) for name in ("processes", "error")}
    return list(stalls.values())


def describe_stall(stall: Json) -> str:
    """One line for people, of the data of a stall that has begun."""
    since = time.strftime("%H:%M:%S", time.gmtime(stall["since"]))
    usual_s = stall["usual_interval_s"]
    usual = f"; before, something came every {usual_s:.3g} s" if usual_s and usual_s >= 1 else ""
    waits = "; it waits for input" if stall["waits_for_input"] else ""
    return f"stalled: no output, no metric and no processor time for {stall['silent_s']:.0f} s (since {since} UTC){usual}{waits}"


def _waits_for_input(pid: int) -> bool:
    try:
        path = os.readlink(f"/proc/{pid}/fd/0")
    except OSError:
        return False
    return path.startswith(("/dev/pts/", "/dev/tty")) and input_wait(pid, (path,)) == READ
