"""The times that begin lines of output, or stand in JSON lines. Only whole dates count: a missing year would be invented."""

from __future__ import annotations

import calendar
import json
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

JSON_FIELDS = ("time", "timestamp", "ts", "asctime", "@timestamp")
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_EPOCH_S = (1e9, 4.2e9)  # 2001 to 2103: a smaller number in a field `time` is a duration
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What may stand before a time: colours, brackets, a rank, a level with its place in the code. No two alternatives begin alike and
# blanks go to one place, so that no line can be tried in exponentially many ways.
_BEFORE = rb"""[ ]{0,5}(?:
      \x1b\[[\d;]*m | \[rank\d{1,5}\]:?[ ]? | [\[(<] | \d{1,5}:[ ]
    | (?i:trace|debug|info|notice|warn(?:ing)?|error|critical|fatal|success)(?:[|:][^\]\s]{1,80})?[\]:]?[ \t]+
    | Log[ ]file[ ]created[ ]at:[ ]
){0,6}"""
_STAMP = rb"""(?:
      (?: (?P<iso>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d) | [IWEFD](?P<glog>\d{4}(?:\d{4})?[ ]\d\d:\d\d) )
      :(?P<second>[0-6]\d)(?:[.,](?P<fraction>\d{1,9}))?(?!\d)(?:[ ]?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d(?![\d.])))?
    | (?P<day>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ][A-Z][a-z]{2}[ ]{1,2}\d{1,2}[ ]\d\d:\d\d)
      :(?P<day_second>[0-6]\d)[ ](?:(?P<day_zone>UTC|GMT)[ ])?(?P<year>\d{4})(?!\d)
)"""
# The newline in front is what a regular expression finds fastest.
_AT_LINE = re.compile(rb"\n(?:" + _BEFORE + _STAMP + rb"|(?P<json>\{[ ]?\"[^\n]*))", re.VERBOSE)
_ALONE = re.compile(_BEFORE + _STAMP, re.VERBOSE)


class Timestamps:
    """Reads the times of one file's lines, from its beginning on."""

    def __init__(self, is_utc: bool = False) -> None:
        """Times without a zone are UTC if `is_utc`, else local."""
        self._is_utc = is_utc
        self._minutes: dict[tuple[bytes, bytes | None], float | None] = {}
        self._created: tuple[int, int] | None = None
        """Year and month in a glog file's head, whose lines have months and days alone."""

    def find(self, lines: bytes, is_line_start: bool = True) -> Iterator[tuple[int, float]]:
        """(offset, Unix seconds) of each line that tells a time, ascending; `is_line_start`: whether `lines` begins one."""
        front = b"\n" if is_line_start else b""
        for match in _AT_LINE.finditer(front + lines):
            moment = self._of_json(match["json"]) if match["json"] else self._of_match(match)
            if moment is not None:
                yield match.start() + 1 - len(front), moment

    def _of_match(self, match: re.Match[bytes]) -> float | None:
        if match["day"] is not None:
            return self._add(self._minute(match["day"] + b" " + match["year"], match["day_zone"]), match["day_second"], None)
        digits = match["iso"] or match["glog"]
        minute = self._minute(digits, match["zone"])
        if b"Log file created" in match[0]:
            self._created = int(digits[:4]), int(digits[5:7])
        return self._add(minute, match["second"], match["fraction"])

    @staticmethod
    def _add(minute: float | None, second: bytes, fraction: bytes | None) -> float | None:
        if minute is None:
            return None
        return minute + int(second) + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)

    def _minute(self, digits: bytes, zone: bytes | None) -> float | None:
        """Unix seconds of the minute; the last ones are kept, since lines of one minute come together."""
        key = digits, zone
        if key not in self._minutes:
            if len(self._minutes) > 1000:
                self._minutes.clear()
            self._minutes[key] = self._read_minute(digits.decode(), zone)
        return self._minutes[key]

    def _read_minute(self, digits: str, zone: bytes | None) -> float | None:
        try:
            moment = self._date(digits)
            return None if moment is None else self._seconds(moment, zone)
        except (ValueError, OverflowError):  # the 30th of February
            return None

    def _date(self, digits: str) -> datetime | None:
        if digits[0].isalpha():
            _, name, day, clock, year = digits.split()
            return datetime(int(year), _MONTHS.index(name) + 1, int(day), int(clock[:2]), int(clock[3:]))
        hour, minute = int(digits[-5:-3]), int(digits[-2:])
        if digits[4] in "-/":
            return datetime(int(digits[:4]), int(digits[5:7]), int(digits[8:10]), hour, minute)
        if len(digits) == len("YYYYMMDD HH:MM"):
            return datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:8]), hour, minute)
        if self._created is None:
            return None
        month = int(digits[:2])
        return datetime(self._created[0] + (month < self._created[1]), month, int(digits[2:4]), hour, minute)

    def _seconds(self, moment: datetime, zone: bytes | None) -> float | None:
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return None
        if zone is None and not self._is_utc:
            return time.mktime(moment.timetuple())
        if zone is not None and zone[:1] in b"+-":
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            moment -= timedelta(hours=hours, minutes=minutes) * (-1 if zone[:1] == b"-" else 1)
        return calendar.timegm(moment.timetuple())

    def _of_json(self, line: bytes) -> float | None:
        """The time in a line that is a JSON object; the first of the fields that are usual for it counts."""
        if not any(f'"{name}"'.encode() in line for name in JSON_FIELDS):
            return None
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            return None
        moments = (self._of_value(fields[name]) for name in JSON_FIELDS if name in fields)
        return next((moment for moment in moments if moment is not None), None)

    def _of_value(self, value: Any) -> float | None:
        """A time as text, or Unix time in seconds or milliseconds."""
        if isinstance(value, str):
            match = _ALONE.match(value.encode(errors="replace"))
            return self._of_match(match) if match else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        seconds = value / 1000 if value >= _EPOCH_S[0] * 1000 else value
        return float(seconds) if _EPOCH_S[0] <= seconds <= _EPOCH_S[1] else None
