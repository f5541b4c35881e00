"""Which commands are shells that will take the terminal over: interactive ones, started with all three streams on it."""

from __future__ import annotations

import os
from collections.abc import Sequence

_SHELLS = frozenset((b"bash", b"rbash", b"sh", b"dash", b"ash", b"zsh", b"rzsh", b"ksh", b"ksh93", b"mksh", b"oksh", b"yash",
                     b"fish", b"csh", b"tcsh"))  # fmt: skip
# Options whose value is the next word; that word is no script.
_WITH_VALUE = (b"--rcfile", b"--init-file", b"-o", b"+o", b"-O", b"+O", b"-C", b"--init-command")
_COMMAND_OPTIONS = (b"--command", b"--help", b"--version")


def is_interactive_shell(arguments: Sequence[bytes]) -> bool:
    """Whether this command line starts a shell that reads its commands from the user.

    So it is with `-i`, and without a script and `-c`: "An interactive shell is one started without non-option arguments
    [...] whose standard input and error are both connected to terminals" (bash(1)); other shells take the same options.
    """
    if os.path.basename(arguments[0]).lstrip(b"-") not in _SHELLS:
        return False
    words = list(arguments[1:])
    while words and words[0][:1] in (b"-", b"+") and words[0] not in (b"-", b"--"):
        word = words.pop(0)
        if word.startswith(_COMMAND_OPTIONS):
            return False
        if word[:1] == b"-" and word[:2] != b"--" and b"i" in word[1:]:
            return True
        if word[:1] == b"-" and word[:2] != b"--" and b"c" in word[1:]:
            return b"-i" in words[:1]
        if word in _WITH_VALUE and words:
            words.pop(0)
    return not words or words == [b"-"] or words == [b"--"]
