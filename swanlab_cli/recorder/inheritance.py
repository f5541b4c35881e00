"""What the child inherits: the environment as we got it, and descriptors that are none of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

_DESCRIPTORS_NEEDED = 32


def own_environment() -> list[bytes]:
    """The environment as we got it, entry by entry: CPython adds LC_CTYPE to its own under LANG=C (PEP 538)."""
    try:
        with open("/proc/self/environ", "rb") as environ:
            return environ.read().split(b"\0")[:-1]
    except OSError:
        return [name + b"=" + value for name, value in os.environb.items()]


def as_mapping(environment: Sequence[bytes]) -> dict[bytes, bytes]:
    """The variables in an environment; of one that is there twice the first, as getenv(3) has it."""
    return dict(entry.partition(b"=")[::2] for entry in reversed(environment) if b"=" in entry)


def with_variables(environment: Sequence[bytes], additions: Mapping[bytes, bytes]) -> list[bytes]:
    """The environment with these variables, each in the place where it was, or at the end."""
    missing = dict(additions)
    entries = []
    for entry in environment:
        name = entry.partition(b"=")[0]
        if name not in additions:
            entries.append(entry)
        elif name in missing:
            entries.append(name + b"=" + missing.pop(name))
    return entries + [name + b"=" + value for name, value in missing.items()]


def check_descriptors() -> None:
    """See that we can open all that a run needs before there is anything of it.

    Raises:
        OSError: too few are left (ulimit -n).
    """
    reserved: list[int] = []
    try:
        while len(reserved) < _DESCRIPTORS_NEEDED:
            reserved.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for descriptor in reserved:
            os.close(descriptor)


def inherited_descriptors() -> list[int]:
    """Descriptors that are the child's and that we have no use for."""
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    return [number for number in numbers if number > 2 and _is_open(number)]  # the listing's own is closed by now


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def let_go(inherited: Sequence[int]) -> None:
    """Close our copies of what the child inherited, since others wait for the end of it; keep a terminal, for its keys."""
    for descriptor in inherited:
        os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # outputs have copies of their own; 2 is for what we say at the end
        if not os.isatty(descriptor):
            os.dup2(nothing, descriptor)
    if nothing > 2:
        os.close(nothing)
