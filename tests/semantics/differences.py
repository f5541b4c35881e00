"""The ways in which `swanlab run` means to differ from an SDK, each with the reason."""

from __future__ import annotations

import enum


class Difference(enum.Enum):
    """How a row differs from an SDK; the value says why."""

    SAME = "it does not"
    STEP_OF_EACH_METRIC = "a metric's automatic steps have no gaps, whatever else is logged; 0.10.3 has one counter for all"
    STEP_BY_VALUE = "what stands for an integer is that step; 0.10.3 drops the call, 0.7.20 takes the automatic step"
    BAD_STEP_KEEPS_POINT = "a value is worth more than its step: it gets the automatic one; 0.10.3 drops the whole call"
    ANY_STEP = "steps go up to 2**63 - 1: 0.10.3 ends at 2**48, and 0.7.20 writes what no 64 bits hold"
    RETURNS_VALUES = "`log` gives back what was accepted, as a dict of floats; 0.10.3 nothing, 0.7.20 also what it refused"
    PRINTS = "`print_to_console` is of 0.7.20 and in scripts; 0.10.3 raises TypeError"
    ACCEPTS_ANYTHING_NAMED = "an argument that one version knows, or none, must not end a training"
    BAD_VALUE_COSTS_ITSELF = "0.7.20 refuses the metric for the rest of the run; 0.10.3 a whole call for a name without text"
    NUMBERS_OF_ALL_KINDS = "whatever float() or item() makes a number is one"
    KINDS_OF_INFINITY = "minus infinity is another thing than infinity, and infinity another than NaN"
    NOT_BY_ACCIDENT = "what float() takes by accident, as bytes and half of a complex number, is more likely a mistake"
    NEVER_RAISES = "tracking must not end a training"
    SLASH_JOINS = "nested names are joined with the slash that makes sections, as in 0.10.3; 0.7.20 takes a dot"
    ANY_MAPPING = "any mapping is as good as a dict, and is read as far as it can be"
    NAME_BY_STR = "what is no text becomes it by str(); what is text, as a member of a text enum, is taken as it is"
    NAME_IS_CLEANED = "a name that can be mended is mended, and its point kept"
    NO_RESERVED_NAMES = "no metric name is reserved"
    RUN_IS_THERE_ALREADY = "inside `swanlab run` there is a run from the start, so `init` is not needed"
    ONE_RUN = "a command is one run: `init` joins it, again and after `finish`"
    COMMAND_LINE_DECIDES = "who starts a script with `swanlab run` wants it recorded, whatever its mode"
    ALL_PROCESSES_LOG = "forked workers log into the same run"
    CONFIG_KEEPS_OBJECTS = "`config` gives back what was stored in it, the object itself, to the end of the script"
    CONFIG_TAKES_OBJECTS = "inputs come as mappings, namespaces, data classes, objects and files, under any name"
    NOTHING_TO_CHECK = "project names, colours and keys are text; there is no server to refuse them"
    NAMES_OF_BOTH = "names, methods and states that only one of the SDKs has are there"
    BY_CHANCE = "what the SDK does depends on which thread is faster"


SAME = Difference.SAME
