"""The one place that tells secrets from other text, and masks them: each character of one becomes a `*`.

What secrets look like is data, in `formats`. Expressions are compiled when a word that they need is in a text, because the start
of a child waits for none that its command does not call for. The shim loads this package by its path in the user's interpreter:
Python 3.7, the standard library, and nothing else of ours.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import formats

_MASK = "*"
_DEEPEST = 40
_LONGEST_COMMON = 16
_LONGEST_NAME = 100
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


class Span(NamedTuple):
    """A secret in a text."""

    start: int
    end: int
    kind: str


class Redactor(NamedTuple):
    """Masks what is known to be secret and what looks so; lengths stay."""

    values: tuple[str, ...] = ()
    """Secrets wherever they appear, in each form in which they may be written."""
    patterns: tuple[str, ...] = ()
    """The user's regular expressions."""

    def text(self, text: str) -> str:
        """A text less its secrets; newlines stay."""
        return _masked(text, self.spans(text))

    def spans(self, text: str) -> list[Span]:
        """The secrets in a text; they may overlap."""
        found = [Span(start, start + len(value), "known value") for value in self.values for start in _places(text, value)]
        for pattern in self.patterns:
            found.extend(Span(*match.span(), "your pattern") for match in re.finditer(pattern, text))
        found.extend(_formatted(text))
        found.extend(_assigned(text, is_command=False))
        return [span for span in found if span.end > span.start]

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words of a command line less their secrets, also those that only a flag before them makes one."""
        secret = _command_secrets(words)
        return tuple(self._word(word, secret.get(place)) for place, word in enumerate(words))

    def data(self, value: Any, depth: int = 0) -> Any:
        """What JSON can hold less its secrets: texts, and what stands under a secret's name."""
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEEPEST:
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._entry(str(key), item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item, depth + 1) for item in value]
        return value

    def expression(self, pattern: str) -> str:
        """A regular expression less its secrets that still matches what it did: `.` for each of their characters."""
        masked = self.text(pattern)
        return "".join("." if new != old else old for new, old in zip(masked, pattern))

    def _word(self, word: str, secret: tuple[int, int] | None) -> str:
        spans = [*self.spans(word), *_assigned(word, is_command=True)]
        return _masked(word, [*spans, Span(*secret, "flag")] if secret else spans)

    def _entry(self, name: str, value: Any, depth: int) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._entry(name, item, depth + 1) for item in value] if depth < _DEEPEST else value
        is_text = isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
        if is_text and is_secret(name, str(value)):
            return _MASK * len(str(value))
        return self.data(value, depth)


def check_patterns(patterns: Iterable[str]) -> None:
    """Refuse what is no regular expression.

    Raises:
        ValueError: there is one; the message names it.
    """
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error


def is_secret(name: str, value: str) -> bool:
    """Whether a variable, config entry or flag of this name holds a secret in this value."""
    strength = name_strength(name)
    # Paths first, such as that of PWD, which all environments have: what is ordinary takes an expression to be compiled.
    if strength == 0 or (value[:1] in "/~." and _exists(value)) or _is_ordinary(value):
        return False
    if strength == 3:
        return True
    return re.fullmatch(formats.LIKELY if strength == 2 else formats.RANDOM, value) is not None


def name_strength(name: str) -> int:
    """What a name says of the value beside it.

    3: it is a secret unless it is ordinary; 2, 1: it is one if it looks like one, the lower, the more; 0: nothing.
    """
    lower = name.lower()
    if len(name) > _LONGEST_NAME or not any(word in lower for word in formats.WORDS):
        return 0
    words = [word.lower() for word in re.findall(formats.WORD_OF_NAME, name)]
    if not words or words[0] in formats.NOT_ASKED.split():
        return 0
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        if _names_secret(before, word) and (place + 1 == len(words) or words[place + 1] not in formats.NOT_ABOUT.split()):
            return 3
    if words == ["token"] and name.isupper():
        return 3
    if words[-1] in formats.TOKEN_WORDS.split():
        return 0 if len(words) > 1 and words[-2] in formats.NOT_TOKENS.split() else 2
    return 1 if words[-1] in formats.KEY_WORDS.split() else 0


def _names_secret(before: str, word: str) -> bool:
    owners = formats.OWNERS.get(word) or formats.OWNERS.get(word[:-1] if word.endswith("s") else word, "")
    return word in formats.SECRET_WORDS.split() or before in owners.split()


def _is_ordinary(value: str) -> bool:
    plain = value.strip().lower()
    return plain in formats.ORDINARY_WORDS.split() or re.fullmatch(formats.ORDINARY, plain) is not None


def known_values(
    command: Sequence[str],
    environ: Mapping[str, str],
    config: Mapping[str, Any],
    answers: Iterable[tuple[str, str]] = (),
) -> tuple[str, ...]:
    """The secrets that must not appear anywhere, in all their forms, longest first; `answers` are (prompt, reply).

    What could be an ordinary word, number or path is not among them.
    """
    values = [value for name, value in environ.items() if is_secret(name, value)]
    values += [word[slice(*place)] for word, place in _flagged(command)]
    everything = "\n".join((*command, *environ.values()))
    values += [everything[span.start : span.end] for span in _formatted(everything)]
    values += _secrets_of(config)
    values += [reply for prompt, reply in answers if any(word in prompt.lower() for word in formats.WORDS)]
    distinctive = {value for value in values if is_distinctive(value)}
    return tuple(sorted({form for value in distinctive for form in _forms(value)}, key=lambda form: (-len(form), form)))


def is_distinctive(value: str) -> bool:
    """Whether a secret is so unlike ordinary text that it may be masked wherever it appears."""
    if len(value) < 6 or _is_ordinary(value) or _exists(value):
        return False
    if value.isdigit():
        return len(value) >= 10
    if value.isalpha() and (value.islower() or value.isupper() or value.istitle()):
        return len(value) >= _LONGEST_COMMON
    return len(value) >= 8 or sum((any(map(str.isdigit, value)), any(map(str.isalpha, value)), not value.isalnum())) > 1


def _forms(value: str) -> Iterator[str]:
    """A secret as it is, in JSON, in a URL, and in base64 whatever stands before it."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    import binascii  # only where there is a secret does a child wait for it

    encoded = value.encode(errors="surrogateescape")
    yield "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in encoded)
    for line in value.splitlines() if "\n" in value else ():
        if len(line) >= _LONGEST_COMMON and not line.startswith("-----"):
            yield line
    for shift in range(3) if len(encoded) >= 8 else ():
        text = binascii.b2a_base64(b"\0" * shift + encoded, newline=False).decode()
        # Characters that share bits with what stands beside the secret are left out.
        core = text[(0, 2, 3)[shift] : (shift + len(encoded)) * 8 // 6]
        yield core
        yield core.translate({43: "-", 47: "_"})


def _secrets_of(config: Any, name: str = "", depth: int = 0) -> list[str]:
    """The texts in a config that its names or their look call secret."""
    if depth > _DEEPEST:
        return []
    if isinstance(config, Mapping):
        return [found for key, item in config.items() for found in _secrets_of(item, str(key), depth + 1)]
    if isinstance(config, (list, tuple)):
        return [found for item in config for found in _secrets_of(item, name, depth + 1)]
    if isinstance(config, bool) or not isinstance(config, (str, int)):
        return []
    text = str(config)
    return [text] if is_secret(name, text) else [text[span.start : span.end] for span in _formatted(text)]


def _formatted(text: str) -> Iterator[Span]:
    """What has the format of a well-known key."""
    for kind, needed, expression in formats.FORMATS:
        if needed in text:
            for match in re.finditer(expression, text):
                yield Span(*match.span(match.re.groups), kind)


def _assigned(text: str, is_command: bool) -> Iterator[Span]:
    """Values beside names: in a command each is meant as it stands, elsewhere it may be an expression or a word of prose."""
    lower = text.lower()
    if not any(word in lower for word in formats.WORDS):
        return
    for match in re.finditer(formats.ASSIGNMENT, text):
        group = match.lastindex or 0
        if is_secret(match[1], match[group]) and (is_command or _is_literal(match[group], match[1])):
            yield Span(*match.span(group), "named value")
    for match in re.finditer(formats.FLAG, text) if " -" in text or is_command else ():
        if is_secret(match[1], match[2]) and (is_command or _is_literal(match[2], match[1])):
            yield Span(*match.span(2), "flag")


def _is_literal(value: str, name: str) -> bool:
    return re.fullmatch(formats.LITERAL, value) is not None and value not in name


def _flagged(words: Sequence[str]) -> list[tuple[str, tuple[int, int]]]:
    """Words of a command and where in each the secret is that a flag or a name calls one."""
    found = [(words[place], span) for place, span in _command_secrets(words).items()]
    return found + [(word, (span.start, span.end)) for word in words for span in _assigned(word, is_command=True)]


def _command_secrets(words: Sequence[str]) -> dict[int, tuple[int, int]]:
    """Where secrets are in words that only a flag calls so, by the word's place."""
    found = {}
    program = ""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        following = words[place + 1] if place + 1 < len(words) else ""
        if equals and "://" not in name and not name.strip("-").partition(" ")[1] and is_secret(name, value):
            found[place] = (len(name) + 1, len(word))
        elif word.startswith("-") and not equals and not following.startswith("--") and is_secret(word, following):
            found[place + 1] = (0, len(following))
        program = os.path.basename(word) if os.path.basename(word) in formats.SHORT_FLAGS else program
        secret = _short_flag(formats.SHORT_FLAGS[program], place, word, following) if program else {}
        if secret:
            found.update(secret)
            program = ""  # what follows may be another program with flags of its own
    return found


def _short_flag(rule: tuple[str, bool, bool], place: int, word: str, following: str) -> dict[int, tuple[int, int]]:
    flag, is_attached, has_user = rule
    if not has_user and word.startswith(flag) and len(word) > len(flag):
        return {place: (len(flag), len(word))}
    if word != flag or is_attached:
        return {}
    start = following.find(":") + 1 if has_user else 0
    return {place + 1: (start, len(following))} if start or not has_user else {}


def _masked(text: str, spans: Sequence[Span]) -> str:
    parts, done = [], 0
    for start, end, _ in sorted(spans):
        start = max(start, done)
        if end > start:
            parts += [text[done:start], "".join(one if one in "\r\n" else _MASK for one in text[start:end])]
            done = end
    return "".join([*parts, text[done:]])


def _places(text: str, value: str) -> Iterator[int]:
    start = text.find(value)
    while start >= 0:
        yield start
        start = text.find(value, start + 1)


def _exists(path: str) -> bool:
    return len(path) < 4096 and "\0" not in path and ("/" in path or "." in path) and os.path.lexists(os.path.expanduser(path))
