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

from swanlab_cli.parser.lines import Repaint
from swanlab_cli.parser.values import ALONE, KEY_CHARACTERS, PLAIN, read_number

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
    """Finds pairs; see the table above."""

    rule = "pair"
    finds_steps = False

    def find(self, repaint: Repaint) -> list[tuple[str, float, int | None]]:
        """The pairs in print order: (key, value, None)."""
        text = repaint.text
        if "=" not in text:
            return []
        if text[0] in " \t":
            block = _BLOCK_LINE.match(text)
            if block:
                return [(block[1], float(block[2].replace(",", "")), None)]
        if "://" in text:
            text = _ADDRESS.sub("", text)
        if text.startswith(_HEAD_STARTS):
            head = _HEAD.match(text)
            text = text[head.end() :] if head else text
        found: list[tuple[str, float, int | None]] = []
        for key, number, rest in _candidates(text):
            value = float(number) if number else read_number(rest)
            if value is None or "//" in key:
                continue
            name = key if key[0] not in "\"'" else key[1:-1].strip()
            if name:
                found.append((name, value, None))
        return found


def _candidates(text: str) -> list[tuple[str, str, str]]:
    """The (key, plain number, else what follows the equals sign) of all pairs that are not arguments of a call."""
    if "(" not in text:
        return _PAIR.findall(text)
    candidates = []
    calls = iter(_calls(text))
    start, end = next(calls, (len(text), len(text)))
    for match in _PAIR.finditer(text):
        while match.start() > end:
            start, end = next(calls, (len(text), len(text)))
        if match.start() < start:
            candidates.append((match[1], match[2] or "", match[3] or ""))
    return candidates


def _calls(text: str) -> list[tuple[int, int]]:
    """The (start, end) of the argument lists of the outermost calls; one that is never closed ends with the text."""
    calls: list[tuple[int, int]] = []
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
