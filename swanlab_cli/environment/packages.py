"""The packages in the folders of an import path, read off the names of their metadata: one listing a folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence

from swanlab_cli.environment.repository import without_credentials

# NAME-VERSION.dist-info, NAME-VERSION[-pyX.Y[-PLATFORM]].egg-info and the folder or archive NAME-VERSION-pyX.Y.egg
_NAMED = re.compile(r"(?P<name>[^~]+?)-(?P<version>\d[^-]*)(-py\d.*)?\.(dist-info|egg-info|egg)", re.IGNORECASE)
_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}


def list_packages(folders: Sequence[str]) -> dict[str, str]:
    """Version of each package by its normalised name, sorted; of several with one name the first on the path counts."""
    packages: dict[str, str] = {}
    for folder in dict.fromkeys(folders):
        for name, version in _packages_in(folder):
            packages.setdefault(_normalise(name), version)
    return dict(sorted(packages.items()))


def list_direct_urls(folders: Sequence[str]) -> dict[str, dict[str, str | bool | None]]:
    """Of packages that came from no index: {normalised name: {"url", "commit", "editable"}}, sorted.

    `url` is as in requirements.txt, less credentials ("git+https://host/a.git", "file:///home/a/b"). `commit` is None where it
    is no repository's. https://packaging.python.org/specifications/direct-url/
    """
    found: dict[str, dict[str, str | bool | None]] = {}
    for folder in dict.fromkeys(folders):
        for entry in _entries(folder):
            named = _NAMED.fullmatch(entry)
            if named and entry.endswith(".dist-info"):
                origin = _origin(os.path.join(folder, entry, "direct_url.json"))
                if origin is not None:
                    found.setdefault(_normalise(named["name"]), origin)
    return dict(sorted(found.items()))


def _origin(path: str) -> dict[str, str | bool | None] | None:
    try:
        with open(path, encoding="utf-8") as stream:
            told = json.load(stream)
        url, repository = without_credentials(told["url"]), told.get("vcs_info")
        editable = bool(told.get("dir_info", {}).get("editable"))
        commit = repository["commit_id"] if repository else None
        return {"url": f"{repository['vcs']}+{url}" if repository else url, "commit": commit, "editable": editable}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not there, or not what the standard says
        return None


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []  # not there, or an archive


def _packages_in(folder: str) -> Iterator[tuple[str, str]]:
    egg = _NAMED.fullmatch(os.path.basename(folder))
    if egg:
        yield egg["name"], egg["version"]
    for entry in _entries(folder):
        metadata = _METADATA.get(os.path.splitext(entry)[1])
        if metadata is None:
            continue
        named = _NAMED.fullmatch(entry)
        if named:
            yield named["name"], named["version"]
        elif not entry.startswith("~"):  # what pip leaves of a package that it could not remove
            yield from _stated_in(os.path.join(folder, entry, metadata))


def _stated_in(path: str) -> Iterator[tuple[str, str]]:
    """Name and version as a metadata file states them: a folder made by `pip install -e` need not hold the version."""
    headers = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if line == "\n":
                    break
                key, _, value = line.partition(":")
                headers[key] = value.strip()
    except OSError:
        return
    if headers.get("Name") and headers.get("Version"):
        yield headers["Name"], headers["Version"]


def _normalise(name: str) -> str:
    # https://packaging.python.org/specifications/name-normalization/
    return re.sub(r"[-_.]+", "-", name).lower()
