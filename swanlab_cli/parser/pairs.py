r"""The pair rule: `key=value` where the value is a number.

| on the line | found | because |
|---|---|---|
| `step=3 train-rmse=0.5, Acc@1=9e-1` | `step` 3, `train-rmse` 0.5, `Acc@1` 0.9 | keys are verbatim |
| `loss = 0.5`, `'loss'=0.5`, `loss="0.5"` | `loss` 0.5 | blanks and quotes are not part of it |
| `Memory (MB)=1,218` | `Memory (MB)` 1218 | a unit in brackets belongs to the key; thousands lose their commas |
| an indented line that is only `  Peak Memory=3` | `Peak Memory` 3 | else a key is one word |
| `acc=36.5%`, `time=3ms`, `tps=25k` | 36.5, 3, 25 | the number as printed; units do not scale it |
| `lr=[0.1, 0.2]`, `loss=tensor(0.5)`, `x=np.float32(0.5)` | 0.1, 0.5, 0.5 | the number inside, the first of several |
| `loss=nan`, `loss=-inf` | nan, -inf | they are values |
| `n=1/5`, `v=1.2.3`, `d=2024-01-02`, `t=12:30`, `x=0x1f`, `ids=1,2` | nothing | no number |
| `a==1`, `a!=1`, `a<=1`, `a:=1`, `a+=1`, `a=b=1` | nothing | other operators |
| `Namespace(lr=0.1)`, `Linear(in_features=10)` | nothing | arguments of a call are configuration |
| `--lr=0.1`, `/runs/lr=0.1`, `http://x/?a=1;b=2` | nothing | an option, a path, an address |
"""

from __future__ import annotations

import re
from collections import deque

from swanlab_cli.parser.found import Analysis, Number
from swanlab_cli.parser.steps import Steps
from swanlab_cli.parser.values import ALONE, KEY_CHARACTERS, PLAIN, locate_number

RULE = "pair"

# Every repetition is bounded or can be entered at one place only, so that a match stays linear in the text.
_NAME = rf"(?:[^\W\d_]|[\d_.%\#@][\d_.%\#@-]{{0,99}}[^\W\d_])(?:{KEY_CHARACTERS}{{0,199}}[\w%\#])?"
_PAIR = re.compile(
    rf"""
    (?<![^\s,;|(\[{{)\]}}"'，；、：（）【】])
    ({_NAME}(?:[ ]?[\[(][^\s\[\]()=]{{1,32}}[\])])? | "[^"=]{{1,99}}" | '[^'=]{{1,99}}')
    \s*=\s*
    (?: {PLAIN} | (?=([^\s=].{{0,99}})) )
    """,
    re.VERBOSE,
)

_WORD = r"(?:[^\W\d_](?:[\w./@:%\#+*-]{0,99}[\w%\#])?|\([^\s()=]{1,32}\))"
_BLOCK_LINE = re.compile(rf"\s+({_WORD}(?:[ ]{_WORD}){{1,4}})\s*=\s*{ALONE}", re.VERBOSE)

_ADDRESS = re.compile(r"\b\w{1,32}://\S*")
# Heads that logging.basicConfig() of the standard library ("INFO:root:") and Ray ("(train pid=12, ip=10.0.0.1)") put
# before what a program prints.
_HEAD_STARTS = ("DEBUG:", "INFO:", "WARNING:", "ERROR:", "CRITICAL:", "(")
_HEAD = re.compile(r"[A-Z]+:[\w.]+:|\([^()=]{1,99} pid=[0-9]+(?:, ip=[0-9a-f.:]+)?\)")
_PARENTHESIS = re.compile(r"\b[^\W\d]\w{0,99}\(|[()]")


class Pairs:
    """Reads lines by the pair rule; nothing of the lines before bears on the next."""

    context = None
    valid_until = float("inf")

    def __init__(self, step_key: str | None = None) -> None:
        self._steps = Steps(step_key)

    def expire(self) -> None:
        """Nothing expires."""

    def renew(self, line: int) -> None:
        """There is nothing to renew."""

    def analyse(self, text: str, _line: int) -> Analysis:
        """The pairs of a line and the step that it states."""
        numbers = read_pairs(text)
        return Analysis(numbers, self._steps.locate(text) if numbers else None)


def read_pairs(text: str) -> list[Number]:
    """The pairs of a line in print order, those refused too."""
    if "=" not in text:
        return []
    if text[0] in " \t":
        block = _BLOCK_LINE.match(text)
        if block:
            return [Number(*block.span(2), block[1], RULE)]
    # What does not count is blanked, not cut out: places in the text stay what they are.
    if "://" in text:
        text = _ADDRESS.sub(lambda match: " " * len(match[0]), text)
    if text.startswith(_HEAD_STARTS):
        head = _HEAD.match(text)
        text = " " * head.end() + text[head.end() :] if head else text
    numbers = []
    calls = _calls(text) if "(" in text else deque()
    for match in _PAIR.finditer(text):
        number = _number_in(match)
        if number is not None:
            while calls and match.start() > calls[0][1]:
                calls.popleft()
            is_argument = bool(calls) and match.start() >= calls[0][0]
            numbers.append(number._replace(reason="an argument of a call") if is_argument else number)
    return numbers


def _number_in(match: re.Match[str]) -> Number | None:
    """The pair that `_PAIR` has matched, if its value is a number."""
    key = match[1]
    span = match.span(2) if match[2] else _located(match)
    name = key if key[0] not in "\"'" else key[1:-1].strip()
    return Number(*span, name, RULE) if span is not None and name and "//" not in key else None


def _located(match: re.Match[str]) -> tuple[int, int] | None:
    found = locate_number(match[3])
    return (match.start(3) + found[0], match.start(3) + found[1]) if found else None


def _calls(text: str) -> deque[tuple[int, int]]:
    """The (start, end) of the argument lists of the outermost calls; one that is never closed ends with the text."""
    calls: deque[tuple[int, int]] = deque()
    depth = start = 0
    for match in _PARENTHESIS.finditer(text):
        token = match[0]
        if token == ")":
            depth = max(depth - 1, 0)
            if depth == 0 and start:
                calls.append((start, match.start()))
                start = 0
        elif start:
            depth += 1
        elif token != "(":
            start, depth = match.end() - 1, 1
    if start:
        calls.append((start, len(text)))
    return calls
