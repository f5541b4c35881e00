"""What fits into how many columns of a terminal. Apart from `text`, since `run` must not wait for the parser's widths."""

from __future__ import annotations

from ..parser.cells import width


def text_width(text: str) -> int:
    """Columns that a printable text takes."""
    return len(text) if text.isascii() else sum(map(width, text))


def pad(text: str, columns: int) -> str:
    """The text, followed by blanks up to so many columns."""
    return text + " " * (columns - text_width(text))


def cut(text: str, columns: int) -> str:
    """The text, or its beginning and an ellipsis where it takes more columns."""
    if text_width(text) <= columns:
        return text
    end, room = 0, columns - 1
    while end < len(text) and (room := room - width(text[end])) >= 0:
        end += 1
    return text[:end] + "…"


def wrap(text: str, columns: int, most_lines: int) -> list[str]:
    """The text in lines of so many columns, broken at blanks where they have some; the last one is cut where there is more."""
    lines: list[str] = []
    while len(lines) < most_lines - 1 and text_width(text) > columns:
        piece = cut(text, columns + 1)[:-1]
        blank = piece.rfind(" ") if text[len(piece)] != " " else len(piece)
        end = blank if blank > 0 else len(piece)
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, cut(text, columns)]


def printable(text: str) -> str:
    """The text without what a terminal would act on."""
    return "".join(character if character.isprintable() else "?" for character in text)
