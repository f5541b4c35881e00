"""recorder/tracebacks.py: what failing programs print last."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from swanlab_cli.recorder.tracebacks import Frame, Traceback, last_traceback, last_words

PLAIN = """\
Traceback (most recent call last):
  File "/home/ana/train.py", line 12, in <module>
    main()
  File "/home/ana/train.py", line 7, in main
    raise ValueError("bad: batch")
ValueError: bad: batch
"""
LIBRARY = """\
Traceback (most recent call last):
  File "train.py", line 3, in step
    loss.backward()
    ~~~~~~~~~~~~~^^
  File "/opt/venv/lib/python3.11/site-packages/torch/_tensor.py", line 522, in backward
    torch.autograd.backward(
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB
"""
CHAINED = """\
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 5, in g
RuntimeError
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "g.py", line 9, in <module>
  |     raise ExceptionGroup("several", errors)
  | ExceptionGroup: several (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "g.py", line 4, in one
    | ValueError: one
    +---------------- 2 ----------------
    | ValueError: two
    +------------------------------------
"""
SYNTAX = """\
  File "/home/ana/train.py", line 3
    foo(
       ^
SyntaxError: '(' was never closed
"""
RICH = """\
╭─────────────────────────────── Traceback (most recent call last) ────────────────────────────────╮
│ /home/ana/train.py:9 in <module>                                                                 │
│                                                                                                  │
│   6 def f(x):                                                                                    │
│ ❱ 9 f(0)                                                                                         │
│                                                                                                  │
│ /home/ana/train.py:7 in f                                                                        │
╰──────────────────────────────────────────────────────────────────────────────────────────────────╯
ZeroDivisionError: division by zero
"""
ELASTIC = """\
[rank1]: Traceback (most recent call last):
[rank1]:   File "/home/ana/train.py", line 20, in <module>
[rank0]: going on
[rank1]: IndexError: list index out of range
E1125 10:00:00.000000 140 torch/distributed/elastic/multiprocessing/api.py:833] failed (exitcode: 1)
Traceback (most recent call last):
  File "/opt/venv/bin/torchrun", line 8, in <module>
    sys.exit(main())
  File "/opt/venv/lib/python3.11/site-packages/torch/distributed/launcher/api.py", line 264, in launch_agent
    raise ChildFailedError(
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
"""


Place = tuple[str, int, "str | None"]
"""File, line and function."""
BAD = ("ValueError", "bad: batch", ("/home/ana/train.py", 7, "main"), None)
COLOURED = PLAIN.replace("ValueError:", "\x1b[1;35mValueError\x1b[0m:").replace("File", "\x1b[35mFile\x1b[0m")
BEGIN = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(None, BEGIN, id="cut-off"),
        pytest.param(BAD, PLAIN, id="plain"),
        pytest.param(BAD, PLAIN.replace("\n", "\r\n"), id="crlf"),
        pytest.param(
            ("torch.cuda.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB",
             ("/opt/venv/lib/python3.11/site-packages/torch/_tensor.py", 522, "backward"), ("train.py", 3, "step")),
            LIBRARY, id="in-a-package",
        ),
        pytest.param(("RuntimeError", "", ("a.py", 5, "g"), None), CHAINED, id="chained"),
        pytest.param(("ExceptionGroup", "several (2 sub-exceptions)", ("g.py", 9, "<module>"), None), GROUP, id="group"),
        pytest.param(("SyntaxError", "'(' was never closed", ("/home/ana/train.py", 3, None), None), SYNTAX, id="syntax"),
        pytest.param(("ZeroDivisionError", "division by zero", ("/home/ana/train.py", 7, "f"), None), RICH, id="rich"),
        pytest.param(
            ("IndexError", "list index out of range", ("/home/ana/train.py", 20, "<module>"), None), ELASTIC, id="torchrun"
        ),
        pytest.param(BAD, "".join(f"3: {line}\n" for line in PLAIN.splitlines()), id="srun-label"),
        pytest.param(BAD, PLAIN + "Exception ignored in: <function f>\nbye\n", id="words-behind"),
        pytest.param(BAD, COLOURED, id="coloured"),
        pytest.param(BAD, " 12%|█▏        | 12/100" + PLAIN, id="behind-a-bar"),
        pytest.param(("KeyboardInterrupt", "", ("a.py", 1, "f"), None), BEGIN + "KeyboardInterrupt\n", id="interrupt"),
        pytest.param(("ValueError", "x" * 500, ("a.py", 1, "f"), None), BEGIN + "ValueError: " + "x" * 9999 + "\n", id="long"),
    ],
)  # fmt: skip
def test_last_traceback(
    expected: tuple[str, str, tuple[str, int, str | None], tuple[str, int, str] | None] | None, text: str
) -> None:
    """Its exception, message, innermost frame, and the innermost of the user's own."""
    if expected is None:
        assert last_traceback(text) is None
        return
    exception, message, innermost, own = expected
    assert last_traceback(text) == Traceback(exception, message, Frame(*innermost), Frame(*(own or innermost)))


SCRIPTS = {
    "raise": "def f():\n    raise KeyError('no')\nf()\n",
    "recursion": "def f(n): return f(n + 1)\nf(0)\n",
    "cause": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise OSError(2, 'gone') from error\n",
    "library": "import json\njson.loads('{')\n",
    "group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])\n",
    "syntax": "x = = 1\n",
    "exit": "raise SystemExit('sorry')\n",
}
EXPECTED = {
    "raise": ("KeyError", "'no'", 2),
    "recursion": ("RecursionError", "maximum recursion depth exceeded", 1),
    "cause": ("FileNotFoundError", "[Errno 2] gone", 4),
    "library": ("json.decoder.JSONDecodeError", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)", 2),
    "group": ("ExceptionGroup", "g (2 sub-exceptions)", 1),
    "syntax": ("SyntaxError", "invalid syntax", 1),
    "exit": None,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_this_python_prints(tmp_path: Path, name: str) -> None:
    """Exception, message and the user's line, as the interpreter prints them now."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPTS[name])
    printed = subprocess.run([sys.executable, str(script)], capture_output=True, check=False).stderr.decode()
    found = last_traceback(printed)
    seen = found and (found.exception, found.message, found.user_frame and found.user_frame.line)
    assert seen == EXPECTED[name]


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (None, "all is well\nerror rate=0.5\n"),
        ("Fatal Python error: Segmentation fault", "x\nFatal Python error: Segmentation fault\n\nCurrent thread 0x1:\n"),
        ("terminate called after throwing an instance of 'std::bad_alloc'",
         "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n"),
        ("a.out: a.c:5: main: Assertion `x > 0' failed.", "a.out: a.c:5: main: Assertion `x > 0' failed.\n"),
        ("panic: runtime error: index out of range", "panic: runtime error: index out of range\n\ngoroutine 1:\n"),
        ("thread 'main' panicked at src/main.rs:2:5:", "\x1b[31mthread 'main' panicked at src/main.rs:2:5:\x1b[0m\nboom\n"),
    ],
)  # fmt: skip
def test_last_words_of_others(expected: str | None, text: str) -> None:
    """Only what is certain."""
    assert last_words(text) == expected
