"""recorder.naming: ids and names that nobody chose."""

from __future__ import annotations

import re

from swanlab_cli.recorder.naming import new_id, new_name
from swanlab_cli.store.layout import directory_name, run_id_of


def test_ids_are_eight_letters_and_digits() -> None:
    """Lower case, so that they are easy to type and differ on every file system."""
    assert [run_id for run_id in (new_id() for _ in range(1000)) if not re.fullmatch("[a-z0-9]{8}", run_id)] == []


def test_ids_differ() -> None:
    """Ten thousand ids: all different, and every character is used in every place."""
    ids = {new_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert {36} == {len({run_id[place] for run_id in ids}) for place in range(8)}


def test_ids_fit_into_directory_names() -> None:
    """The id comes back from the name of the directory."""
    run_id = new_id()
    assert run_id == run_id_of(directory_name(run_id, 0.0))


def test_names_are_adjective_animal_number() -> None:
    """Easy to say, never with a leading zero."""
    pattern = "[a-z]+-[a-z]+-(0|[1-9][0-9]{0,2})"
    assert [name for name in (new_name() for _ in range(1000)) if not re.fullmatch(pattern, name)] == []


def test_names_vary() -> None:
    """A thousand names use most of their words, and hardly two are the same."""
    names = [new_name() for _ in range(1000)]
    adjectives, animals, _ = (set(column) for column in zip(*(name.split("-") for name in names), strict=True))
    assert len(adjectives) > 50
    assert len(animals) > 60
    assert len(set(names)) > 990
