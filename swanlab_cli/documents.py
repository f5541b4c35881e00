"""A user's TOML, JSON or YAML file as a dict; the format is told by the file's ending."""

from __future__ import annotations

import os
import sys
from typing import Any

from .errors import SettingsError
from .records import Json, encode_value


def read_document(path: str) -> Json:
    """The mapping in the file.

    Raises:
        SettingsError: it cannot be read or understood, or holds no mapping.
    """
    try:
        with open(path, "rb") as file:
            text = file.read().decode()
        content = plain(_decode(text, os.path.splitext(path)[1].lower(), path))
    except OSError as error:
        raise SettingsError(f"cannot read '{path}': {error.strerror}") from error
    except ValueError as error:  # the errors of all three decoders and of UTF-8
        raise SettingsError(f"cannot read '{path}': {error}") from error
    except RecursionError as error:
        raise SettingsError(f"cannot read '{path}': it is nested too deeply") from error
    if not isinstance(content, dict):
        raise SettingsError(f"cannot read '{path}': expected a mapping, found {type(content).__name__}")
    return content


def plain(value: object) -> Any:
    """The value in what JSON has words for: other keys and values as text, infinities as in metrics."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return encode_value(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# The decoders are imported where they are used: `swanlab run` without such a file must not wait for them.
def _decode(text: str, ending: str, path: str) -> object:
    if ending == ".toml":
        return _decode_toml(text)
    if ending == ".json":
        import json

        return json.loads(text)
    if ending in (".yaml", ".yml"):
        return _decode_yaml(text, path)
    raise SettingsError(f"cannot read '{path}': its name ends in neither .toml, .json, .yaml nor .yml")


def _decode_toml(text: str) -> object:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _decode_yaml(text: str, path: str) -> object:
    try:
        import yaml
    except ImportError as error:
        raise SettingsError(
            f"cannot read '{path}': the YAML reader is not installed", "pip install 'swanlab-cli[yaml]'"
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
