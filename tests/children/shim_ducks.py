"""Stand-ins for what NumPy, PyTorch, OmegaConf and careless people hand to a logger."""

import enum
from collections import OrderedDict, UserDict  # noqa: F401 - for the scripts that import everything from here
from decimal import Decimal  # noqa: F401
from fractions import Fraction  # noqa: F401
from pathlib import Path  # noqa: F401


class Array:
    def __init__(self, *elements):
        self.elements = elements

    def item(self):
        if len(self.elements) != 1:
            raise ValueError("only arrays of one element have an item")
        return self.elements[0]

    def __float__(self):
        return float(self.item())


class Float:
    def __float__(self):
        return 0.25


class Index:
    def __index__(self):
        return 7


class Refuses:
    def __float__(self):
        raise RuntimeError("not today")


class Nameless:
    def __str__(self):
        raise RuntimeError("no name")

    __repr__ = __str__


class Colour(str, enum.Enum):
    RED = "red"


class Broken(UserDict):
    def __iter__(self):
        yield "good"
        yield "bad"
        raise RuntimeError("torn page")

    def __getitem__(self, key):
        if key == "bad":
            raise RuntimeError("torn value")
        return 1.0
