"""How far a program says that it is: the bar or the counter on one line of output, whoever drew it. Never a metric.

A share (`45%`) or a fraction (`450/1000`) counts where something beside it says that it is progress: a drawing, a
time that is left, a rate, a word such as `step`. What stands to the left of it is its description, in which an outer
counter may be found in the same way: `Epoch 3/10:  45%|####      | 18/40 [00:10<00:12]`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from swanlab_cli.parser.spans import Share, Spans, find_spans, read_rate, seconds_of

_MOST_CHARACTERS = 600
_LONGEST_DESCRIPTION = 80


class Progress(NamedTuple):
    """What one bar or counter shows."""

    fraction: float | None
    """From 0 to 1; None where no total is known."""
    done: float | None = None
    """As printed, scales such as `k` and `Mi` resolved; None where only a share is printed."""
    total: float | None = None
    unit: str | None = None
    """Of `done`, `total` and `rate`, as printed, without its scale: `it`, `B`, `epoch`."""
    rate: float | None = None
    """Units per second."""
    elapsed_s: float | None = None
    eta_s: float | None = None
    """What is left, as printed."""
    description: str = ""
    """What stands beside it, 80 characters at most."""


_CANDIDATE = re.compile(rb"%|\d\s*/\s*(?:\d|\?|Unknown)|\d of +\d|\w \[\d+:\d|[Ee][Tt][Aa]\b|:\d\d  ?\d?\d:\d\d|-:--")
_COUNTERS = (
    r"epochs?|steps?|iter(?:ation)?s?|it|batch(?:es)?|minibatch|updates?|rounds?|episodes?|trials?|folds?|frames?|files?|tasks?"
    r"|samples?|shards?|chunks?|parts?|stages?|phases?|items?|jobs?|games?|generations?|gen|examples?|images?|layers?|ep|cycles?"
    r"|runs?|passes|pass|global_step"
)
_COUNT = r"\d[\d,]{0,18}(?:\.\d{1,18})?"
# `Epoch 3/10`, `Epoch [3/10]`, `step=10/10000`, `step 5 of 20`, `iteration       10/ 1716613`.
_LABELLED = re.compile(
    rf"(?<![A-Za-z0-9./])({_COUNTERS})\b['\"]?\s*(?:\(\w+\)\s*)?[:=#]?\s*[\[(]?\s*"
    rf"({_COUNT})\s*(?:/|\ of\ )\s*({_COUNT})(?![\w./%]|\s*%)",
    re.IGNORECASE,
)
# `Test: [ 1/12]`, `Epoch(train)  [1][10/32]`, and at the head of a line `[12/345] Building`.
_BRACKETED = re.compile(
    r"^(?:[A-Za-z][\w ():-]{0,30}(?:\[\d+\]\s*)?|\#\d+\s|\s*)"
    rf"\[\s*({_COUNT})\s*/\s*({_COUNT})\s*(?:\(\s*[\d.]+%\)\s*)?\](?=\s|$)"
)
_PERCENT_AT_EDGE = re.compile(r"^\s*\[\s*(\d{1,3})%\]\s|\[\s*(\d{1,3})%\]\s*$")
_SHARE_IN_WORDS = re.compile(
    r"(?:^|[\s(\[])(\d{1,3}(?:\.\d+)?)\s?%\s*\)?\s*(?:complete|completed|done|finished|processed|downloaded)\b"
    r"|\b(?:[Pp]rogress|PROGRESS|\w+(?<![Tt]ra)ing\b[\w ./-]{0,40})\s?(?:\.\.\.|…|[:=])?\s*\[?\s*"
    r"(?<![\d.])(\d{1,3}(?:\.\d+)?)\s?%(?!\w)"
)
# A share of these is a result or a state, and a fraction of them a count of successes.
_NOT_PROGRESS = re.compile(
    r"accura|\b(?:acc\d*|correct|loss|score|errors?|err|precision|recall|pass(?:ed)?|fail(?:ed|ures?)?|coverage|map|f1|iou|auc"
    r"|util\w*|usage|used|mem\w*|disk|cpu|gpu|battery|patience|top\d?|wer|cer|ratio|rank|gpus?|page|version|retry|attempt"
    r"|tests?\ passed|confidence|probability|sparsity|dropout|win|success)\b|@\d",
    re.IGNORECASE,
)
# Times and places that log lines begin with; the dates among them look like fractions.
_HEAD = re.compile(
    r"^(?:\s*(?:\[?\d{1,4}[-/.]\d\d(?:[-/.]\d{2,4})?[ T]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?Z?\]?|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?"
    r"|\([A-Za-z_ ]+pid=\d+[^()]{0,40}\)|\[?(?:rank|Rank|RANK)?\s?\d+\]?:(?=\s)|\[?(?:DEBUG|INFO|WARNING|WARN|ERROR)\]?(?=[\s:|])"
    r"|-\s\w+\s-|[|:-])\s*)+"
)
_CURL = re.compile(
    r"^\s*(\d{1,3})\s+([\d.]+)([kMGTP]?)\s+\d{1,3}\s+([\d.]+)([kMGTP]?)\s+\d+\s+\S+\s+([\d.]+)([kMGTP]?)\s+\S+\s+"
    r"([\d:-]{7,9})\s+([\d:-]{7,9})\s+([\d:-]{7,9})\s+[\d.]+[kMGTP]?\s*$"
)
_BYTES = ("B", "b", "iB")
_BINARY = {"": 1.0, "k": 1024.0, "M": 1024.0**2, "G": 1024.0**3, "T": 1024.0**4, "P": 1024.0**5}
_ITER_ALONE = re.compile(rf"\b({_COUNTERS})\b\s*[:=]?\s*\[?({_COUNT})\]?(?![\w./%])", re.IGNORECASE)
_SPINNER = re.compile(r"^[^\w<>\[(]+")
_EDGES = " \t:|-–—=[(•,;>"


def may_be_progress(stretch: bytes) -> bool:
    """Whether there may be a bar or a counter in some output: the cheap test before `read_progress`."""
    has_mark = b"%" in stretch or b"/" in stretch or b" of " in stretch or b" [" in stretch or b"--:" in stretch
    has_mark = has_mark or b"eta" in stretch or b"ETA" in stretch or b"Eta" in stretch or b" 0:" in stretch
    return has_mark and _CANDIDATE.search(stretch) is not None


def read_progress(text: str) -> Progress | None:
    """The finest progress that a line without control sequences shows, or None: it shows none."""
    text = text[:_MOST_CHARACTERS]
    head = _HEAD.match(text)
    if head:
        text = text[head.end() :]
    spans = find_spans(text)
    found = _read_bar(text, spans) or _read_curl(text) or _read_counter(text, spans)
    return found or _read_share(text, spans) or _read_left(text, spans)


def outer_of(progress: Progress) -> Progress | None:
    """The counter in which a bar is nested, as its description tells: `Epoch 3/10`."""
    if not progress.description:
        return None
    # A bar of Ultralytics begins with the bare fraction of its epochs.
    bare = re.match(rf"\s*({_COUNT})/({_COUNT})\s+\S", progress.description)
    if bare:
        return _made(bare[1], bare[2], unit="epoch")
    return _read_counter(progress.description, find_spans(progress.description))


def _read_bar(text: str, spans: Spans) -> Progress | None:
    """A share or fraction with a drawing, a timing or a rate beside it."""
    if not (spans.has_evidence and (spans.share or spans.fractions or spans.lone)):
        return None
    share = spans.share
    chosen = spans.fraction_of(share)
    if chosen is None and share is None and spans.lone is None:
        return None
    anchor = spans.start(share, chosen)
    description = _described(text, anchor)
    if _NOT_PROGRESS.search(description) and not spans.is_certain:
        return None
    done = total = unit = None
    if chosen is not None:
        done, total, unit = chosen.done, chosen.total, chosen.unit
    elif share is None and spans.lone is not None:
        done, unit = spans.lone.done, spans.lone.unit
    fraction = done / total if done is not None and total else share.value if share else None
    rate, of = read_rate(text, anchor)
    if of in _BYTES and chosen is not None and unit is None and not spans.timing:
        rate, of = None, None  # git counts objects and tells bytes per second
    elapsed_s, eta_s = spans.times(is_over=fraction is not None and fraction >= 1)
    return Progress(fraction, done, total, unit or of, rate, elapsed_s, eta_s, description)


def _read_counter(text: str, spans: Spans) -> Progress | None:
    """A fraction that a word or brackets say to be a counter, the last and so the finest on the line."""
    if "/" not in text and " of " not in text:
        return None
    found = list(_LABELLED.finditer(text))
    if found:
        last = found[-1]
        place, unit, done, total = last.start(), last[1].lower().rstrip("s"), last[2], last[3]
    else:
        bracketed = _BRACKETED.match(text)
        if bracketed is None:
            return None
        place, unit, done, total = bracketed.start(1), None, bracketed[1], bracketed[2]
    description = _described(text, place)
    if _NOT_PROGRESS.search(description[-24:]):
        return None
    rate, of = read_rate(text, place)
    is_of_counter = rate is not None and (unit is None or of in (unit, "it", "iter", "step", None))
    elapsed_s, eta_s = spans.times(is_over=False)
    progress = _made(done, total, unit)
    if progress is None:
        return None
    return progress._replace(
        rate=rate if is_of_counter else None,
        elapsed_s=elapsed_s if eta_s is not None else None,
        eta_s=eta_s,
        description=description,
    )


def _made(done: str, total: str, unit: str | None) -> Progress | None:
    """The progress of a counter, unless it is no progress: more done than there is."""
    of, count = float(total.replace(",", "")), float(done.replace(",", ""))
    return Progress(count / of, count, of, unit) if of > 0 and count <= of else None


def _read_share(text: str, spans: Spans) -> Progress | None:
    """A share alone that words or brackets say to be progress."""
    if spans.share is None:
        return None
    match = _PERCENT_AT_EDGE.search(text)
    if match and match[1]:
        return _share(spans, spans.share, text[match.end() :])
    match = match or _SHARE_IN_WORDS.search(text)
    if match is None or _NOT_PROGRESS.search(text[: match.end()]):
        return None
    return _share(spans, spans.share, text[: match.start(1) if match[1] else match.start(2)])


def _share(spans: Spans, share: Share, beside: str) -> Progress:
    count = spans.fraction_of(share)
    description = _described(beside, len(beside))
    if count is None or not count.total:
        return Progress(share.value, description=description)
    return Progress(count.done / count.total, count.done, count.total, count.unit, description=description)


def _read_curl(text: str) -> Progress | None:
    """The table that curl repaints, whose columns have no names on that line."""
    match = _CURL.match(text)
    if match is None:
        return None
    total, done, rate = (float(match[at]) * _BINARY[match[at + 1]] for at in (2, 4, 6))
    if not total:
        return None
    return Progress(min(done / total, 1.0), done, total, "B", rate, seconds_of(match[9]), seconds_of(match[10]))


def _read_left(text: str, spans: Spans) -> Progress | None:
    """A time left without a total beside it: `eta: 0:01:23  iter: 19`."""
    eta_s = spans.times(is_over=False)[1]
    if eta_s is None or not (spans.eta or spans.timing):
        return None
    counter = _ITER_ALONE.search(text)
    if counter is None:
        return None
    return Progress(None, float(counter[2].replace(",", "")), None, counter[1].lower().rstrip("s"), None, None, eta_s)


def _described(text: str, end: int) -> str:
    """What stands to the left of `end`, without marks at its edges and spinners."""
    words = " ".join(_SPINNER.sub("", text[:end]).split())
    return words.strip(_EDGES)[:_LONGEST_DESCRIPTION].strip(_EDGES)
