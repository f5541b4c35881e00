"""Names and colours for runs."""

from random import SystemRandom

__all__ = ["generate_color", "generate_id", "generate_name"]

COLOURS = ("#2E6AFF", "#16A37B", "#E5484D", "#C2660C", "#7B61D1", "#0F8FB3", "#B3367C", "#5F7A12")
MANNERS = ("amber", "brisk", "calm", "deft", "early", "fair", "keen", "lucid")
BIRDS = ("finch", "heron", "ibis", "lark", "owl", "swan", "tern", "wren")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def generate_color(*_ignored, **_others):
    """Give back a colour as `#RRGGBB`."""
    return SystemRandom().choice(COLOURS)


def generate_id(length=8, **_others):
    """Give back random lower-case letters and digits."""
    return "".join(SystemRandom().choice(CHARACTERS) for _ in range(length))


def generate_name(*_ignored, **_others):
    """Give back a name such as `keen-heron-42`."""
    chance = SystemRandom()
    return "%s-%s-%d" % (chance.choice(MANNERS), chance.choice(BIRDS), chance.randrange(1000))
