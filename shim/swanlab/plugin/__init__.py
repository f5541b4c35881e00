"""Callbacks that are ready to use: `notification` tells of a run's end, `writer` keeps a table of runs."""

from .notification import (
    BarkCallback,
    DingTalkCallback,
    DiscordCallback,
    EmailCallback,
    LarkCallback,
    PrintCallback,
    SlackCallback,
    TelegramCallback,
    WeComCallback,
    WXWorkCallback,
)
from .writer import CSVWriter, LogdirFileWriter

__all__ = [
    "BarkCallback",
    "CSVWriter",
    "DingTalkCallback",
    "DiscordCallback",
    "EmailCallback",
    "LarkCallback",
    "LogdirFileWriter",
    "PrintCallback",
    "SlackCallback",
    "TelegramCallback",
    "WXWorkCallback",
    "WeComCallback",
]
