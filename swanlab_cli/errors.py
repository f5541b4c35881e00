"""The error tree: what goes wrong in words that a user can act on.

SwanlabError (exit status 1)
├── UsageError (2)       what was typed cannot be understood
├── SettingsError (2)    a settings file or variable cannot be used
├── RunNotFound (1)      no run, or more than one, answers to the given name
├── StoreError (1)       a run directory cannot be created or read
└── CommandNotStarted    the command cannot be executed (126) or found (127)
"""

from __future__ import annotations


class SwanlabError(Exception):
    """Something failed: `message` says what was tried, on what and why it failed, `hint` what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SwanlabError):
    """The command line cannot be understood."""

    exit_code = 2


class SettingsError(SwanlabError):
    """A settings file or an environment variable holds something that cannot be used."""

    exit_code = 2


class RunNotFound(SwanlabError):
    """No run, or more than one, answers to what the user typed."""


class StoreError(SwanlabError):
    """A run directory cannot be created, written or read."""


class CommandNotStarted(SwanlabError):
    """The command cannot be executed; `exit_code` is what a shell would exit with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
