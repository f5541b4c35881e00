"""Ids and names for runs whose user chose none."""

from __future__ import annotations

import os

_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH = 8
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


def new_id() -> str:
    """Eight random letters and digits."""
    return "".join(_ID_ALPHABET[byte % len(_ID_ALPHABET)] for byte in os.urandom(_ID_LENGTH))


def new_job_id(number: str) -> str:
    """The number of a scheduler's job and four random letters and digits: `swanlab show NUMBER` finds it."""
    return f"{number}-{new_id()[:4]}"


def new_name() -> str:
    """A name such as `swift-otter-217`."""
    first, second, *number = os.urandom(4)
    return f"{_ADJECTIVES[first % len(_ADJECTIVES)]}-{_ANIMALS[second % len(_ANIMALS)]}-{int.from_bytes(number, 'big') % 1000}"
