"""Following what the shim writes: one file for each host, records framed by newlines. ARCHITECTURE.md has the format."""

from __future__ import annotations

import binascii
import struct
from itertools import zip_longest
from typing import Any, NamedTuple

from ..records import Json, decode_line, decode_value
from .reader import moment_of, read_lines


class InboxRecord(NamedTuple):
    """One record that the shim wrote."""

    time: float
    type: str
    """`log`, or another type of ARCHITECTURE.md; compact lines come out as `log`."""
    fields: Json
    """For `log`: `values` (name to float) and `step`; for `media` likewise (name to list of items).

    `rank` where the worker that logged has one of its own.
    """


class InboxTail:
    """Follows one host's inbox from its beginning."""

    def __init__(self, path: str) -> None:
        self.offset = 0
        """Bytes handed out so far."""
        self._path = path
        self._keys: dict[bytes, tuple[list[str], struct.Struct, Json]] = {}

    def read(self) -> list[InboxRecord]:
        """The next records; empty when there is nothing new."""
        lines, self.offset = read_lines(self._path, self.offset)
        # Each record begins and ends with a newline: one that is followed by no empty line was torn.
        whole = (line for line, following in zip_longest(lines, lines[1:], fillvalue=b"") if line and not following)
        records = (self._decode(line) for line in whole)
        return [record for record in records if record is not None]

    def _decode(self, line: bytes) -> InboxRecord | None:
        if line.startswith(b"#"):
            return self._decode_compact(line)
        fields = decode_line(line)
        if fields is None or not isinstance(fields.get("type"), str):
            return None
        if fields["type"] == "keys":
            self._learn_keys(fields)
            return None
        if fields["type"] == "log":
            fields["values"] = _decode_values(fields.get("values"))
        elif fields["type"] == "media":
            fields["values"] = _decode_media(fields.get("values"))
        return InboxRecord(moment_of(fields), fields["type"], fields)

    def _learn_keys(self, fields: Json) -> None:
        name, keys = fields.get("id"), fields.get("keys")
        if isinstance(name, str) and isinstance(keys, list):
            tag = {"rank": fields["rank"]} if "rank" in fields else {}
            self._keys[name.encode()] = ([str(key) for key in keys], struct.Struct(f">{1 + len(keys)}d"), tag)

    def _decode_compact(self, line: bytes) -> InboxRecord | None:
        words = line[1:].split(b" ")
        known = self._keys.get(words[0])
        if known is None or len(words) not in (2, 3):
            return None
        keys, layout_of_doubles, tag = known
        try:
            moment, *values = layout_of_doubles.unpack(binascii.unhexlify(words[1]))
            step = int(words[2][1:]) if len(words) == 3 else None
        except (binascii.Error, struct.error, ValueError):
            return None
        return InboxRecord(moment, "log", {"values": dict(zip(keys, values, strict=True)), "step": step, **tag})


def _decode_values(values: Any) -> dict[str, float]:
    """The values of a JSON `log` record that are values."""
    if not isinstance(values, dict):
        return {}
    decoded = {}
    for key, value in values.items():
        try:
            decoded[key] = decode_value(value)
        except (TypeError, ValueError, OverflowError):
            continue
    return decoded


def _decode_media(values: Any) -> dict[str, list[Json]]:
    """The items of a `media` record, of those keys that have any."""
    lists = {key: items for key, items in values.items() if isinstance(items, list)} if isinstance(values, dict) else {}
    kept = {key: [item for item in items if isinstance(item, dict)] for key, items in lists.items()}
    return {key: items for key, items in kept.items() if items}
