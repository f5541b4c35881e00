"""Ids and names for runs whose user chose none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH, _LENGTH_AFTER_PREFIX = 8, 4
_ADJECTIVES = (
    "amber agile ample azure brave brisk calm candid clear clever coral cosmic crisp daring deft eager early fair fleet fond "
    "frank free fresh gentle glad golden grand green happy hardy honest humble jolly keen kind lively loyal lucid lucky "
    "mellow merry mild misty modest neat noble olive patient placid plain polite proud quick quiet rapid ready royal rustic "
    "sandy serene sharp shiny silent silver simple sleek smart smooth snowy solid spry stable steady still stout strong "
    "subtle sunny swift tidy tough true upbeat velvet vivid warm wise witty young zesty"
).split()
_ANIMALS = (
    "alpaca badger beaver bison bobcat buffalo camel caribou cheetah cicada condor cougar coyote crane cricket curlew deer "
    "dingo dolphin donkey dove eagle egret falcon ferret finch fox gazelle gecko gibbon goose grouse gull hare hawk heron "
    "horse ibex ibis iguana jackal jaguar jay kestrel kite koala lark lemur leopard lizard llama lynx macaw magpie marlin "
    "marmot marten mole moose moth newt ocelot octopus orca oriole osprey otter owl panda panther parrot pelican penguin "
    "pigeon plover puffin puma quail rabbit raven robin salmon seal shrew skunk sloth snail sparrow stork swallow swan tapir "
    "tern thrush tiger toad toucan trout turtle viper walrus weasel whale wolf wombat wren yak zebra"
).split()


def new_id(prefix: str = "") -> str:
    """Eight random letters and digits; after a prefix, such as that of a job, four."""
    length = _LENGTH_AFTER_PREFIX if prefix else _ID_LENGTH
    return prefix + "".join(_ID_ALPHABET[byte % len(_ID_ALPHABET)] for byte in os.urandom(length))


def job_prefix(slurm: Mapping[str, Any] | None) -> str:
    """What the ids of a Slurm job's runs begin with, so that `swanlab show NUMBER` finds it; empty outside of jobs."""
    return f"{slurm['job_id']}-" if slurm else ""


def new_name() -> str:
    """A name such as `swift-otter-217`."""
    first, second, *number = os.urandom(4)
    return f"{_ADJECTIVES[first % len(_ADJECTIVES)]}-{_ANIMALS[second % len(_ANIMALS)]}-{int.from_bytes(number, 'big') % 1000}"
