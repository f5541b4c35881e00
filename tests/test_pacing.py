"""When reads from a pty are spaced out."""

from __future__ import annotations

from collections.abc import Iterator

from swanlab_cli.process.pacing import Pacing


def _naps(pacing: Pacing, reads: Iterator[tuple[float, int]]) -> list[bool]:
    """Whether each read of (seconds since the one before, bytes) is followed by a nap; a nap delays the next read."""
    now, naps = 100.0, []
    for gap_s, length in reads:
        now += gap_s
        nap_s = pacing.nap_s(length, now)
        now += nap_s
        naps.append(nap_s > 0)
    return naps


def test_slow_lines_are_never_delayed() -> None:
    """A training loop that prints every few milliseconds is passed on line by line."""
    assert not any(_naps(Pacing(), iter([(0.003, 120)] * 500)))


def test_large_reads_are_never_delayed() -> None:
    """A writer of large blocks fills the pty without naps."""
    assert not any(_naps(Pacing(), iter([(0.0002, 60000)] * 500)))


def test_flood_of_lines_is_gathered() -> None:
    """After a few reads in a row naps begin, and go on while each makes the next read larger."""
    reads = [(0.00005, 400)] * 16 + [(0.00005, 8000)] * 100
    assert _naps(Pacing(), iter(reads)) == [False] * 16 + [True] * 100


def test_naps_end_with_the_flood() -> None:
    """The first read after a pause is passed on at once, and so are those of ordinary output."""
    pacing = Pacing()
    _naps(pacing, iter([(0.00005, 400)] * 16 + [(0.00005, 8000)] * 10))
    assert not any(_naps(pacing, iter([(0.01, 80)] * 100)))


def test_dialogue_is_tried_ever_less_often() -> None:
    """Where a nap brings no more than one message, tries become rare: 16, 32, 64, ... reads apart."""
    naps = _naps(Pacing(), iter([(0.0001, 50)] * 10000))
    tries = [number for number, is_nap in enumerate(naps) if is_nap]
    assert tries[:3] == [16, 49, 114]
    assert len(tries) <= 10
