"""The ways in which `swanlab run` means to differ from an SDK, each with the reason."""

from __future__ import annotations

import enum


class Difference(enum.Enum):
    """How a row differs from an SDK; the value says why."""

    SAME = "it does not"
    STEP_OF_EACH_METRIC = "a metric's automatic steps have no gaps, whatever else is logged; 0.10.3 has one counter for all"
    STEP_BY_VALUE = "what stands for an integer is that step; an SDK drops the call, or takes the automatic step"
    BAD_STEP_KEEPS_POINT = "a value is worth more than its step: it gets the automatic one; 0.10.3 drops the whole call"
    ANY_STEP = "steps go up to 2**63 - 1; 0.10.3 ends at 2**48"
    RETURNS_VALUES = "`log` gives back what was accepted, as a dict of floats, for `print` and for tests"
    PRINTS = "`print_to_console` is on SwanLab's page and in scripts; 0.10.3 raises TypeError"
    ACCEPTS_ANYTHING_NAMED = "an argument that one version knows must not end a training written for another"
    BAD_VALUE_COSTS_ITSELF = "later good values of the metric are accepted; 0.7.20 refuses the metric for the rest of the run"
    NUMBERS_OF_ALL_KINDS = "whatever float() or item() makes a number is one"
    SIGN_OF_INFINITY = "minus infinity is another thing than infinity, or than NaN"
    BYTES_ARE_NO_NUMBER = "bytes that float() takes by accident are more likely a mistake"
    NEVER_RAISES = "tracking must not end a training"
    SLASH_JOINS = "nested names are joined with the slash that makes sections; 0.7.20 takes a dot"
    ANY_MAPPING = "any mapping is as good as a dict"
    NAME_BY_STR = "names are converted with str(), not refused"
    NAME_IS_CLEANED = "a name that can be mended is mended, and its point kept"
    NO_RESERVED_NAMES = "no metric name is reserved"
    LATER_VALUE_WINS = "of two values that come to the same name in one call the later is taken"
    RUN_IS_THERE_ALREADY = "inside `swanlab run` there is a run from the start, so `init` is not needed"
    ONE_RUN = "a command is one run: `init` joins it, again and after `finish`"
    UNKNOWN_STATE_IS_SAID = "a state that does not exist leaves the run open"
    FINISH_IS_HARMLESS = "a `finish` too many is a line, not an exception"
    ALL_PROCESSES_LOG = "forked workers log into the same run"
    CONFIG_KEEPS_OBJECTS = "`config` gives back what was stored in it, the object itself"
    CONFIG_TAKES_OBJECTS = "inputs come as mappings, namespaces, data classes, objects and files"
    NOTHING_TO_CHECK = "project names and the like are text; there is no server to refuse them"
    DEPRECATED_NAMES = "names that only one of the SDKs has are there"


SAME = Difference.SAME
