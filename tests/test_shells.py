"""Which command lines start a shell that takes the terminal over."""

from __future__ import annotations

import pytest

from swanlab_cli.process.shells import is_interactive_shell


@pytest.mark.parametrize(
    "line",
    [
        "bash", "-bash", "/bin/bash", "bash -i", "bash --norc", "bash --rcfile my.rc", "bash --noprofile -i", "bash -l",
        "bash -o vi", "bash +O extglob", "bash -O extglob -i script", "bash -ic ls", "bash -c -i", "sh", "dash -i", "zsh -f",
        "fish", "zsh", "bash -", "tcsh -f", "bash -s", "bash --",
    ],
)  # fmt: skip
def test_interactive(line: str) -> None:
    """Without a script or command, or with -i."""
    assert is_interactive_shell([word.encode() for word in line.split()])


@pytest.mark.parametrize(
    "line",
    [
        "bash script.sh", "bash -c ls", "bash -xc ls", "sh -e train.sh", "bash --norc script.sh", "bash -o pipefail train.sh",
        "bash --version", "zsh --help", "bash -- script.sh", "python", "basher", "fish --command=ls", "bash - script.sh",
    ],
)  # fmt: skip
def test_not_interactive(line: str) -> None:
    """With a script or a command to run, or no shell at all."""
    assert not is_interactive_shell([word.encode() for word in line.split()])
