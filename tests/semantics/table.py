"""The rules for `swanlab.log` and what stands around it, one row a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .differences import SAME, Difference

D = Difference
INF = float("inf")
NAN = float("nan")
Points = Mapping[str, Sequence[tuple[int, float]]]


class Row(NamedTuple):
    """A claim, the script that shows it, and what must be seen."""

    topic: str
    claim: str
    script: str
    points: Points
    """Metric to (step, value), as recorded."""
    raised: str | None
    """Name of the exception that ends the script."""
    told: tuple[str, ...]
    """The calls of `tell(...)`: what scripts find out, as text."""
    stdout: str
    """With the shim; the SDKs print more."""
    stderr: str
    """A word that the shim says; empty where it is silent."""
    starts: bool
    """Whether `swanlab.init()` comes first."""
    new: Difference
    """From 0.10.3."""
    old: Difference
    """From 0.7.20."""

    @property
    def id(self) -> str:
        """The row's name in reports."""
        return f"{self.topic}: {self.claim}"


def row(
    claim: str,
    script: str,
    points: Points | None = None,
    *,
    raised: str | None = None,
    told: tuple[str, ...] = (),
    stdout: str = "",
    stderr: str = "",
    starts: bool = True,
    new: Difference = SAME,
    old: Difference = SAME,
) -> Row:
    """A row whose topic is still to be named."""
    return Row("", claim, script, points or {}, raised, told, stdout, stderr, starts, new, old)


def value(claim: str, text: str, number: float | None, new: Difference = SAME, old: Difference = SAME, stderr: str = "") -> Row:
    """A value that counts as `number`, or is refused; the other metric of its call, and its own next point, are kept."""
    script = f"swanlab.log({{'x': {text}, 'y': 0.5}}, step=0)\nswanlab.log({{'x': 2.0}}, step=1)"
    first = [] if number is None else [(0, number)]
    points = {"x": [*first, (1, 2.0)], "y": [(0, 0.5)]}
    return row(claim, script, points, stderr=stderr or ("" if number is not None else "metric 'x' dropped"), new=new, old=old)


def step(claim: str, text: str, index: int | None, new: Difference = SAME, old: Difference = SAME) -> Row:
    """A step that counts as `index`, or is replaced by the automatic one, which is 1."""
    script = f"swanlab.log({{'x': 0.5}})\nswanlab.log({{'x': 1.0}}, step={text})"
    points = {"x": [(0, 0.5), (1 if index is None else index, 1.0)]}
    return row(claim, script, points, stderr="" if index is not None else "automatic step", new=new, old=old)


def name(claim: str, text: str, metric: str | None, new: Difference = SAME, old: Difference = SAME, stderr: str = "") -> Row:
    """A metric's name that is recorded as `metric`, or refused; the other metric of the call is kept."""
    points = {"good": [(0, 2.0)]} if metric is None else {metric: [(0, 1.0)], "good": [(0, 2.0)]}
    script = f"swanlab.log({{{text}: 1.0, 'good': 2.0}})"
    return row(claim, script, points, stderr=stderr or ("" if metric is not None else "dropped"), new=new, old=old)


AUTO_STEPS = (
    row("the first is 0", "swanlab.log({'x': 1})", {"x": [(0, 1)]}),
    row("then one more each time", "for i in range(4): swanlab.log({'x': i})", {"x": [(i, i) for i in range(4)]}),
    row(
        "the three calls of the seed page",
        "swanlab.log({'loss': 0.1})\nswanlab.log({'loss': 0.2, 'iter': 1})\nswanlab.log({'loss': 0.3, 'iter': 2})",
        {"loss": [(0, 0.1), (1, 0.2), (2, 0.3)], "iter": [(0, 1), (1, 2)]},
        new=D.STEP_OF_EACH_METRIC,
    ),
    row(
        "metrics count by themselves",
        "for k in 'abab': swanlab.log({k: 1})",
        {k: [(0, 1), (1, 1)] for k in "ab"},
        new=D.STEP_OF_EACH_METRIC,
    ),
    row(
        "metrics of one call share a step",
        "for _ in 'ab': swanlab.log({'a': 1, 'b': 2})",
        {"a": [(0, 1), (1, 1)], "b": [(0, 2), (1, 2)]},
    ),
    row(
        "after an explicit one the highest counts",
        "swanlab.log({'x': 1}, step=7)\nswanlab.log({'x': 2})",
        {"x": [(7, 1), (8, 2)]},
    ),
    row(
        "not the last but the highest counts",
        "swanlab.log({'x': 1}, step=7)\nswanlab.log({'x': 2}, step=3)\nswanlab.log({'x': 3})",
        {"x": [(7, 1), (3, 2), (8, 3)]},
    ),
    row(
        "another metric's explicit step does not count",
        "swanlab.log({'x': 1}, step=7)\nswanlab.log({'y': 2})",
        {"x": [(7, 1)], "y": [(0, 2)]},
        new=D.STEP_OF_EACH_METRIC,
    ),
    row("an empty dict uses none", "swanlab.log({'x': 1})\nswanlab.log({})\nswanlab.log({'x': 2})", {"x": [(0, 1), (1, 2)]}),
    row(
        "an empty inner dict uses none",
        "swanlab.log({'x': 1})\nswanlab.log({'x': {}})\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        new=D.STEP_OF_EACH_METRIC,
    ),
    row(
        "a refused value uses none",
        "swanlab.log({'x': 1})\nswanlab.log({'x': None})\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        stderr="dropped",
        new=D.STEP_OF_EACH_METRIC,
    ),
    row(
        "a refused call uses none",
        "swanlab.log({'x': 1})\nswanlab.log(5)\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        stderr="takes a dict",
    ),
    row("NaN uses one", "swanlab.log({'x': float('nan')})\nswanlab.log({'x': 2})", {"x": [(0, NAN), (1, 2)]}),
    row("step=None is none", "swanlab.log({'x': 1}, step=None)\nswanlab.log({'x': 2}, None)", {"x": [(0, 1), (1, 2)]}),
    row(
        "nested metrics count by themselves",
        "swanlab.log({'t': {'a': 1}})\nswanlab.log({'t': {'b': 1}})",
        {"t/a": [(0, 1)], "t/b": [(0, 1)]},
        new=D.STEP_OF_EACH_METRIC,
        old=D.SLASH_JOINS,
    ),
    row("Run.log counts with swanlab.log", "swanlab.log({'x': 1})\nswanlab.get_run().log({'x': 2})", {"x": [(0, 1), (1, 2)]}),
    row("a trimmed name counts with the plain one", "swanlab.log({'x': 1})\nswanlab.log({' x ': 2})", {"x": [(0, 1), (1, 2)]}),
)

EXPLICIT_STEPS = (
    row("zero", "swanlab.log({'x': 1}, step=0)", {"x": [(0, 1)]}),
    row("any number to begin with", "swanlab.log({'x': 1}, step=100)", {"x": [(100, 1)]}),
    row("as second argument", "swanlab.log({'x': 1}, 5)", {"x": [(5, 1)]}),
    row("gaps stay", "for i in (0, 10, 20): swanlab.log({'x': i}, step=i)", {"x": [(0, 0), (10, 10), (20, 20)]}),
    row("any order", "for i in (5, 1, 3): swanlab.log({'x': i}, step=i)", {"x": [(5, 5), (1, 1), (3, 3)]}),
    row("one for all metrics of the call", "swanlab.log({'a': 1, 'b': 2}, step=4)", {"a": [(4, 1)], "b": [(4, 2)]}),
    row(
        "different ones for different metrics",
        "swanlab.log({'a': 1}, step=4)\nswanlab.log({'b': 2}, step=2)",
        {"a": [(4, 1)], "b": [(2, 2)]},
    ),
    row(
        "the same for two metrics in two calls",
        "swanlab.log({'a': 1}, step=4)\nswanlab.log({'b': 2}, step=4)",
        {"a": [(4, 1)], "b": [(4, 2)]},
    ),
    row("2**31", "swanlab.log({'x': 1}, step=2 ** 31)", {"x": [(2**31, 1)]}),
    row("2**48", "swanlab.log({'x': 1}, step=2 ** 48)", {"x": [(2**48, 1)]}),
    row("2**53 + 1", "swanlab.log({'x': 1}, step=2 ** 53 + 1)", {"x": [(2**53 + 1, 1)]}, new=D.ANY_STEP),
    row("for nested metrics", "swanlab.log({'t': {'a': 1}}, step=3)", {"t/a": [(3, 1)]}, old=D.SLASH_JOINS),
    row(
        "a huge one does not break another metric",
        "swanlab.log({'x': 1}, step=2 ** 50)\nswanlab.log({'y': 1})",
        {"x": [(2**50, 1)], "y": [(0, 1)]},
        new=D.ANY_STEP,
    ),
    row("Run.log takes them", "swanlab.get_run().log({'x': 1}, step=9)", {"x": [(9, 1)]}),
)

ODD_STEPS = (
    step("True is 1", "True", 1),
    step("a whole float is an integer", "2.0", 2, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("a text of digits is an integer", "'3'", 3, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("a text of a whole float is an integer", "' 4.0 '", 4, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("a whole Decimal is an integer", "Decimal(8)", 8, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("a whole Fraction is an integer", "Fraction(6, 2)", 3, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("what has __index__ is an integer", "Index()", 7, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("what has item() is an integer", "Array(5)", 5, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
    step("negative: the automatic one", "-1", None, new=D.BAD_STEP_KEEPS_POINT),
    step("a fraction: the automatic one", "2.5", None, new=D.BAD_STEP_KEEPS_POINT),
    step("NaN: the automatic one", "float('nan')", None, new=D.BAD_STEP_KEEPS_POINT),
    step("infinity: the automatic one", "float('inf')", None, new=D.BAD_STEP_KEEPS_POINT),
    step("a word: the automatic one", "'ten'", None, new=D.BAD_STEP_KEEPS_POINT),
    step("empty text: the automatic one", "''", None, new=D.BAD_STEP_KEEPS_POINT),
    step("a list: the automatic one", "[1]", None, new=D.BAD_STEP_KEEPS_POINT),
    step("a dict: the automatic one", "{'step': 1}", None, new=D.BAD_STEP_KEEPS_POINT),
    step("bytes: the automatic one", "b'3'", None, new=D.BAD_STEP_KEEPS_POINT),
    step("complex: the automatic one", "3j", None, new=D.BAD_STEP_KEEPS_POINT),
    step("an object: the automatic one", "object()", None, new=D.BAD_STEP_KEEPS_POINT),
    step("what refuses: the automatic one", "Refuses()", None, new=D.BAD_STEP_KEEPS_POINT),
    step("2**63: the automatic one", "2 ** 63", None, new=D.BAD_STEP_KEEPS_POINT, old=D.ANY_STEP),
    row(
        "two bad ones are two points, and one line",
        "for _ in 'ab': swanlab.log({'x': 1}, step=-1)",
        {"x": [(0, 1), (1, 1)]},
        stderr="automatic step",
        new=D.BAD_STEP_KEEPS_POINT,
    ),
    row(
        "a bad one costs no metric of the call",
        "swanlab.log({'a': 1, 'b': 2}, step='x')",
        {"a": [(0, 1)], "b": [(0, 2)]},
        stderr="automatic step",
        new=D.BAD_STEP_KEEPS_POINT,
    ),
)

DUPLICATES = (
    row("the first is kept", "swanlab.log({'x': 1}, step=3)\nswanlab.log({'x': 2}, step=3)", {"x": [(3, 1)]}),
    row(
        "the other metrics of the call are kept",
        "swanlab.log({'x': 1}, step=3)\nswanlab.log({'x': 2, 'y': 2}, step=3)",
        {"x": [(3, 1)], "y": [(3, 2)]},
    ),
    row(
        "an automatic step may be taken by an explicit one",
        "swanlab.log({'x': 1})\nswanlab.log({'x': 2}, step=0)",
        {"x": [(0, 1)]},
    ),
    row("the same value is a duplicate too", "for _ in 'ab': swanlab.log({'x': 1}, step=0)", {"x": [(0, 1)]}),
    row(
        "does not move the automatic step",
        "for s in (3, 3): swanlab.log({'x': 1}, step=s)\nswanlab.log({'x': 2})",
        {"x": [(3, 1), (4, 2)]},
    ),
    row("out of order ones are seen", "for s in (5, 2, 5, 2): swanlab.log({'x': s}, step=s)", {"x": [(5, 5), (2, 2)]}),
    row(
        "a refused value does not take the step",
        "swanlab.log({'x': None}, step=3)\nswanlab.log({'x': 2}, step=3)",
        {"x": [(3, 2)]},
        stderr="dropped",
        old=D.BAD_VALUE_COSTS_ITSELF,
    ),
    row("NaN takes the step", "swanlab.log({'x': float('nan')}, step=3)\nswanlab.log({'x': 2}, step=3)", {"x": [(3, NAN)]}),
    row(
        "one that is equal by value is one",
        "swanlab.log({'x': 1}, step=3)\nswanlab.log({'x': 2}, step=3.0)",
        {"x": [(3, 1)]},
        old=D.STEP_BY_VALUE,
    ),
    row(
        "names that come to the same are the same",
        "swanlab.log({'x': 1}, step=3)\nswanlab.log({'x ': 2}, step=3)",
        {"x": [(3, 1)]},
    ),
)

VALUES = (
    value("int", "3", 3),
    value("negative int", "-3", -3),
    value("zero", "0", 0),
    value("int above 2**53 becomes the nearest float", "2 ** 60 + 1", float(2**60)),
    value("int of 300 digits", "10 ** 300", 1e300),
    value("int too large for a float is refused", "10 ** 400", None, old=D.NEVER_RAISES),
    value("float", "0.1", 0.1),
    value("negative zero keeps its sign", "-0.0", -0.0),
    value("smallest float", "5e-324", 5e-324),
    value("largest float", "1.7976931348623157e308", 1.7976931348623157e308),
    value("True is 1", "True", 1),
    value("False is 0", "False", 0),
    value("NaN", "float('nan')", NAN),
    value("infinity", "float('inf')", INF),
    value("minus infinity", "-float('inf')", -INF, old=D.KINDS_OF_INFINITY),
    value("text of a number", "'0.25'", 0.25),
    value("text with blanks and exponent", "' 1e-3 '", 0.001),
    value("text with underscores", "'1_000'", 1000),
    value("text of an int", "'7'", 7),
    value("text nan", "'nan'", NAN),
    value("text NaN", "'NaN'", NAN),
    value("text inf", "'inf'", INF, new=D.KINDS_OF_INFINITY),
    value("text -inf", "'-inf'", -INF, new=D.KINDS_OF_INFINITY, old=D.KINDS_OF_INFINITY),
    value("text Infinity", "'Infinity'", INF, new=D.KINDS_OF_INFINITY),
    value("text that overflows is infinity", "'1e999'", INF, new=D.KINDS_OF_INFINITY),
    value("a word is refused", "'hello'", None, stderr="'hello' of type str", old=D.BAD_VALUE_COSTS_ITSELF),
    value("empty text is refused", "''", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("hexadecimal text is refused", "'0x10'", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("text with a comma is refused", "'1,5'", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("text with a per cent sign is refused", "'50%'", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("text True is refused", "'True'", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("None is refused", "None", None, stderr="NoneType", old=D.BAD_VALUE_COSTS_ITSELF),
    value("complex is refused", "1j", None, stderr="complex", old=D.BAD_VALUE_COSTS_ITSELF),
    value("bytes are refused", "b'1.5'", None, stderr="bytes", old=D.NOT_BY_ACCIDENT),
    value("bytearray is refused", "bytearray(b'1.5')", None, stderr="bytearray", old=D.NOT_BY_ACCIDENT),
    value("list is refused", "[0.5]", None, stderr="list", old=D.BAD_VALUE_COSTS_ITSELF),
    value("empty list is refused", "[]", None, stderr="list", old=D.BAD_VALUE_COSTS_ITSELF),
    value("tuple is refused", "(0.5,)", None, stderr="tuple", old=D.BAD_VALUE_COSTS_ITSELF),
    value("set is refused", "{1}", None, stderr="set", old=D.BAD_VALUE_COSTS_ITSELF),
    value("range is refused", "range(1)", None, stderr="range", old=D.BAD_VALUE_COSTS_ITSELF),
    value("object is refused", "object()", None, stderr="object", old=D.BAD_VALUE_COSTS_ITSELF),
    value("type is refused", "float", None, stderr="type", old=D.BAD_VALUE_COSTS_ITSELF),
    value("function is refused", "len", None, stderr="builtin", old=D.BAD_VALUE_COSTS_ITSELF),
    value("generator is refused", "(i for i in [1])", None, stderr="generator", old=D.BAD_VALUE_COSTS_ITSELF),
    value("Decimal", "Decimal('0.1')", 0.1, new=D.NUMBERS_OF_ALL_KINDS),
    value("Decimal NaN", "Decimal('NaN')", NAN, new=D.NUMBERS_OF_ALL_KINDS),
    value("signalling Decimal is refused", "Decimal('sNaN')", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("Fraction", "Fraction(1, 4)", 0.25, new=D.NUMBERS_OF_ALL_KINDS),
    value("object with __float__", "Float()", 0.25, new=D.NUMBERS_OF_ALL_KINDS),
    value("object with __index__", "Index()", 7, new=D.NUMBERS_OF_ALL_KINDS),
    value("object with item()", "Array(3.5)", 3.5),
    value("object whose item() has an item()", "Array(Array(3.5))", 3.5, new=D.NUMBERS_OF_ALL_KINDS),
    value("array of two elements is refused", "Array(1, 2)", None, stderr="Array", old=D.BAD_VALUE_COSTS_ITSELF),
    value("array of none is refused", "Array()", None, stderr="Array", old=D.BAD_VALUE_COSTS_ITSELF),
    value("object whose __float__ raises is refused", "Refuses()", None, stderr="Refuses", old=D.NEVER_RAISES),
    value("int enum", "enum.IntEnum('E', 'A B').B", 2),
    value("enum of another kind is refused", "enum.Enum('E', 'A B').B", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("text enum that is no number is refused", "Colour.RED", None, old=D.BAD_VALUE_COSTS_ITSELF),
    value("subclass of float", "type('F', (float,), {})(0.5)", 0.5),
    value("subclass of int", "type('I', (int,), {})(5)", 5),
    value("subclass of str", "type('S', (str,), {})('5')", 5),
    row(
        "a bad value is said once",
        "for _ in range(3): swanlab.log({'x': None, 'y': 1}, step=_)",
        {"y": [(0, 1), (1, 1), (2, 1)]},
        stderr="'x' dropped",
    ),
    row(
        "a bad value after a good one costs itself",
        "for i, v in enumerate((1, 'bad', 2)): swanlab.log({'x': v}, step=i)",
        {"x": [(0, 1), (2, 2)]},
        stderr="'bad'",
    ),
)

NUMPY_VALUES = tuple(
    entry._replace(script="import numpy as np\n" + entry.script)
    for entry in (
        value("np.float64", "np.float64(0.1)", 0.1),
        value("np.float32", "np.float32(0.5)", 0.5),
        value("np.float16", "np.float16(0.5)", 0.5),
        value("np.int64", "np.int64(3)", 3),
        value("np.uint8", "np.uint8(255)", 255),
        value("np.bool_", "np.bool_(True)", 1),
        value("np.nan", "np.nan", NAN),
        value("np.float32 infinity", "np.float32('-inf')", -INF, old=D.KINDS_OF_INFINITY),
        value("array without dimensions", "np.array(3.5)", 3.5),
        value("array of one element", "np.array([3.5])", 3.5),
        value("array of one row and column", "np.array([[3]])", 3),
        value("array of one bool", "np.array([True])", 1),
        value("array of two elements is refused", "np.array([1, 2])", None, stderr="numpy.ndarray", old=D.BAD_VALUE_COSTS_ITSELF),
        value("empty array is refused", "np.array([])", None, stderr="numpy.ndarray", old=D.BAD_VALUE_COSTS_ITSELF),
        value("np.complex128 is refused", "np.complex128(1j)", None, old=D.NOT_BY_ACCIDENT),
        value("array of one text that is a number", "np.array('2.5')", 2.5),
        value("np.str_ that is a number", "np.str_('2.5')", 2.5),
        value("array of one object", "np.array([None], dtype=object)", None, old=D.BAD_VALUE_COSTS_ITSELF),
        value("np.longdouble", "np.longdouble(0.5)", 0.5, new=D.NUMBERS_OF_ALL_KINDS),
        step("np.int64 as step", "np.int64(3)", 3, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
        step("np.uint8 as step", "np.uint8(3)", 3, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
        step("whole np.float32 as step", "np.float32(3)", 3, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
        step("array without dimensions as step", "np.array(3)", 3, new=D.STEP_BY_VALUE, old=D.STEP_BY_VALUE),
        step("negative np.int64 as step: the automatic one", "np.int64(-3)", None, new=D.BAD_STEP_KEEPS_POINT),
        name("np.str_ as name", "np.str_('x')", "x"),
        name("np.int64 as name", "np.int64(5)", "5", old=D.NAME_BY_STR),
    )
)

NESTED = (
    row("joined with slashes", "swanlab.log({'a': {'b': {'c': 1}}})", {"a/b/c": [(0, 1)]}, old=D.SLASH_JOINS),
    row("beside plain ones", "swanlab.log({'a': {'b': 1}, 'c': 2})", {"a/b": [(0, 1)], "c": [(0, 2)]}, old=D.SLASH_JOINS),
    row("other types as names", "swanlab.log({'a': {1: 1, None: 2}})", {"a/1": [(0, 1)], "a/None": [(0, 2)]}, old=D.SLASH_JOINS),
    row("an empty one is nothing", "swanlab.log({'a': {}, 'b': 1})", {"b": [(0, 1)]}),
    row(
        "a bad value inside costs itself",
        "swanlab.log({'a': {'b': None, 'c': 1}})",
        {"a/c": [(0, 1)]},
        stderr="'a/b' dropped",
        old=D.SLASH_JOINS,
    ),
    row("any mapping inside", "swanlab.log({'a': UserDict(b=1)})", {"a/b": [(0, 1)]}, old=D.ANY_MAPPING),
    row("any mapping outside", "swanlab.log(UserDict(a=1))", {"a": [(0, 1)]}, old=D.ANY_MAPPING),
    row("OrderedDict", "swanlab.log(OrderedDict(a=1))", {"a": [(0, 1)]}),
    row(
        "two that come to the same name",
        "swanlab.log({'a/b': 1, 'a': {'b': 2}})",
        {"a/b": [(0, 2)]},
        stderr="twice",
        old=D.SLASH_JOINS,
    ),
    row("slashes inside names stay", "swanlab.log({'a/b': {'c/d': 1}})", {"a/b/c/d": [(0, 1)]}, old=D.SLASH_JOINS),
    row(
        "ten deep",
        "data = 1\nfor k in 'abcdefghij': data = {k: data}\nswanlab.log(data)",
        {"j/i/h/g/f/e/d/c/b/a": [(0, 1)]},
        old=D.SLASH_JOINS,
    ),
    row(
        "one that holds itself",
        "data = {}\ndata['me'] = data\nswanlab.log(data)\ntell('lives')",
        None,
        told=("'lives'",),
        stderr="cannot be used",
        old=D.NEVER_RAISES,
    ),
    row("nested within list is refused", "swanlab.log({'a': [{'b': 1}], 'c': 2})", {"c": [(0, 2)]}, stderr="list"),
)

DATA = (
    row("a list is refused", "swanlab.log([('a', 1)])", stderr="takes a dict"),
    row("None is refused", "swanlab.log(None)", stderr="takes a dict"),
    row("text is refused", "swanlab.log('loss')", stderr="takes a dict"),
    row("a number is refused", "swanlab.log(0.5)", stderr="takes a dict"),
    row("a set is refused", "swanlab.log({'loss'})", stderr="takes a dict"),
    row(
        "a mapping that breaks is read as far as it goes",
        "swanlab.log(Broken())",
        {"good": [(0, 1)]},
        stderr="cannot be read",
        new=D.ANY_MAPPING,
        old=D.ANY_MAPPING,
    ),
    row("data= by name", "swanlab.log(data={'x': 1}, step=2)", {"x": [(2, 1)]}),
    row("without an argument: TypeError", "swanlab.log()", raised="TypeError"),
    row(
        "the dict is not changed",
        "data = {'x': 1, 'y': None}\nswanlab.log(data)\ntell(data)",
        {"x": [(0, 1)]},
        told=("{'x': 1, 'y': None}",),
        stderr="dropped",
    ),
    row(
        "a dict that is changed later does not change what was logged",
        "data = {'x': 1}\nswanlab.log(data)\ndata['x'] = 2\nswanlab.log(data)",
        {"x": [(0, 1), (1, 2)]},
    ),
    row("many metrics", "swanlab.log({'k%d' % i: i for i in range(600)})", {f"k{i}": [(0, i)] for i in range(600)}),
)

NAMES = (
    name("plain", "'x'", "x"),
    name("with a section", "'train/loss'", "train/loss"),
    name("Chinese", "'损失'", "损失"),
    name("emoji", "'🦢'", "🦢"),
    name("blanks inside", "'a b'", "a b"),
    name("quotes and backslash", "'say \"hi\" \\\\ there'", 'say "hi" \\ there'),
    name("what file systems dislike", "'a:*?<>|b'", "a:*?<>|b"),
    row("upper case is another name", "swanlab.log({'X': 1, 'x': 2})", {"X": [(0, 1)], "x": [(0, 2)]}),
    name("dots inside", "'a.b'", "a.b"),
    name("two slashes", "'a//b'", "a//b"),
    name("per cent", "'acc (%)'", "acc (%)"),
    name("one character", "'1'", "1"),
    name("int", "5", "5", old=D.NAME_BY_STR),
    name("float", "0.5", "0.5", old=D.NAME_BY_STR),
    name("None", "None", "None", old=D.NAME_BY_STR),
    name("bool", "True", "True", old=D.NAME_BY_STR),
    name("tuple", "('a', 1)", "('a', 1)", old=D.NAME_BY_STR),
    name("text enum", "Colour.RED", "red", new=D.NAME_BY_STR),
    name("bytes", "b'ab'", "b'ab'", old=D.NAME_BY_STR),
    name("empty: dropped", "''", None, old=D.NEVER_RAISES),
    name("blank: dropped", "'   '", None, old=D.NEVER_RAISES),
    name("only slashes and dots: dropped", "'./.'", None, old=D.NEVER_RAISES),
    name("only control characters: dropped", "'\\n\\t'", None, old=D.NEVER_RAISES),
    name("without text: dropped", "Nameless()", None, new=D.BAD_VALUE_COSTS_ITSELF, old=D.NEVER_RAISES),
    name("leading and trailing blanks", "'  x '", "x"),
    name("leading slash", "'/x'", "x", old=D.NAME_IS_CLEANED),
    name("trailing slash", "'x/'", "x", old=D.NAME_IS_CLEANED),
    name("leading dot", "'.x'", "x", old=D.NAME_IS_CLEANED),
    name("trailing dot", "'x.'", "x", old=D.NAME_IS_CLEANED),
    name("all of them", "' ./a b/. '", "a b", old=D.NAME_IS_CLEANED),
    name("newline is removed", "'a\\nb'", "ab", new=D.NAME_IS_CLEANED, old=D.NAME_IS_CLEANED),
    name("tab is removed", "'a\\tb'", "ab", new=D.NAME_IS_CLEANED, old=D.NAME_IS_CLEANED),
    name("NUL and DEL are removed", "'a\\x00b\\x7f'", "ab", new=D.NAME_IS_CLEANED, old=D.NAME_IS_CLEANED),
    name("half a surrogate pair", "'half\\udc80'", "half?", new=D.NAME_IS_CLEANED, old=D.NAME_IS_CLEANED),
    name("of 512 characters", "'k' * 512", "k" * 512),
    name("of 513 characters is cut", "'k' * 513", "k" * 512, stderr="cut at 512"),
    name("of 5000 characters is cut", "'k' * 5000", "k" * 512, stderr="cut at 512"),
    name("of 512 Chinese characters", "'损' * 512", "损" * 512),
    name("like the SDK's own: dot", "'__swanlab__.x'", "__swanlab__.x", new=D.NO_RESERVED_NAMES),
    name("like the SDK's own: slash", "'__swanlab__/x'", "__swanlab__/x"),
)

RETURNS = (
    row(
        "the accepted values as floats",
        "tell(swanlab.log({'acc': 0.9, 'n': 2}))",
        {"acc": [(0, 0.9)], "n": [(0, 2)]},
        told=("{'acc': 0.9, 'n': 2.0}",),
        new=D.RETURNS_VALUES,
    ),
    row("print shows them", "print(swanlab.log({'acc': 0.9}))", {"acc": [(0, 0.9)]}, stdout="{'acc': 0.9}\n"),
    row(
        "without what was refused",
        "tell(swanlab.log({'acc': 0.9, 'x': None}))",
        {"acc": [(0, 0.9)]},
        told=("{'acc': 0.9}",),
        stderr="dropped",
        new=D.RETURNS_VALUES,
        old=D.RETURNS_VALUES,
    ),
    row(
        "with nested names",
        "tell(swanlab.log({'a': {'b': 1}}))",
        {"a/b": [(0, 1)]},
        told=("{'a/b': 1.0}",),
        new=D.RETURNS_VALUES,
        old=D.SLASH_JOINS,
    ),
    row("empty for an empty dict", "tell(swanlab.log({}))", told=("{}",), new=D.RETURNS_VALUES),
    row(
        "empty for what is no dict",
        "tell(swanlab.log(5))",
        told=("{}",),
        stderr="takes a dict",
        new=D.RETURNS_VALUES,
        old=D.RETURNS_VALUES,
    ),
    row(
        "with NaN",
        "tell(swanlab.log({'x': 'nan'}))",
        {"x": [(0, NAN)]},
        told=("{'x': nan}",),
        new=D.RETURNS_VALUES,
        old=D.RETURNS_VALUES,
    ),
    row(
        "print_to_console prints them",
        "swanlab.log({'acc': 0.9}, print_to_console=True)",
        {"acc": [(0, 0.9)]},
        stdout="{'acc': 0.9}\n",
        new=D.PRINTS,
    ),
    row(
        "print_to_console as third argument",
        "swanlab.log({'acc': 0.9}, 3, True)",
        {"acc": [(3, 0.9)]},
        stdout="{'acc': 0.9}\n",
        new=D.PRINTS,
    ),
    row(
        "print_to_console=False prints nothing",
        "swanlab.log({'acc': 0.9}, print_to_console=False)",
        {"acc": [(0, 0.9)]},
        new=D.PRINTS,
    ),
    row(
        "unknown keywords are ignored",
        "swanlab.log({'x': 1}, commit=False)",
        {"x": [(0, 1)]},
        new=D.ACCEPTS_ANYTHING_NAMED,
        old=D.ACCEPTS_ANYTHING_NAMED,
    ),
)

LIFECYCLE = (
    row(
        "log before init",
        "swanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
        new=D.RUN_IS_THERE_ALREADY,
        old=D.RUN_IS_THERE_ALREADY,
    ),
    row(
        "log before and after init is one series",
        "swanlab.log({'x': 1})\nswanlab.init()\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        starts=False,
        new=D.RUN_IS_THERE_ALREADY,
        old=D.RUN_IS_THERE_ALREADY,
    ),
    row(
        "has_run before init",
        "tell(swanlab.has_run())",
        told=("False",),
        starts=False,
        old=D.NAMES_OF_BOTH,
    ),
    row("has_run after init", "tell(swanlab.has_run())", told=("True",), old=D.NAMES_OF_BOTH),
    row("has_run after finish", "swanlab.finish()\ntell(swanlab.has_run())", told=("False",), old=D.NAMES_OF_BOTH),
    row("init gives back the run", "tell(swanlab.init() is swanlab.get_run())", told=("True",), starts=False),
    row(
        "get_run before init is None",
        "tell(swanlab.get_run() is None)",
        told=("True",),
        starts=False,
        new=D.NEVER_RAISES,
    ),
    row("get_run after finish is None", "swanlab.finish()\ntell(swanlab.get_run() is None)", told=("True",), new=D.NEVER_RAISES),
    row(
        "log after finish raises",
        "swanlab.log({'x': 1})\nswanlab.finish()\nswanlab.log({'x': 2})",
        {"x": [(0, 1)]},
        raised="RuntimeError",
    ),
    row(
        "Run.log after finish raises",
        "run = swanlab.get_run()\nrun.log({'x': 1})\nrun.finish()\nrun.log({'x': 2})",
        {"x": [(0, 1)]},
        raised="RuntimeError",
    ),
    row("log of nothing after finish raises", "swanlab.finish()\nswanlab.log({})", raised="RuntimeError"),
    row("log of no dict after finish raises", "swanlab.finish()\nswanlab.log(5)", raised="RuntimeError"),
    row("finish before init", "swanlab.finish()\ntell('lives')", told=("'lives'",), starts=False, old=D.RUN_IS_THERE_ALREADY),
    row("finish twice", "swanlab.finish()\nswanlab.finish()\ntell('lives')", told=("'lives'",), stderr="already"),
    row(
        "Run.finish twice",
        "run = swanlab.get_run()\nrun.finish()\nrun.finish()\ntell('lives')",
        told=("'lives'",),
        stderr="already",
    ),
    row(
        "finish with an unknown state leaves the run open",
        "swanlab.finish('done')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        stderr="states",
        old=D.NAMES_OF_BOTH,
    ),
    row(
        "finish as crashed",
        "swanlab.log({'x': 1})\nswanlab.finish('crashed', error='oom')\ntell(swanlab.has_run())",
        {"x": [(0, 1)]},
        told=("False",),
        old=D.NAMES_OF_BOTH,
    ),
    row(
        "finish as crashed without an error",
        "swanlab.finish('crashed')\ntell(swanlab.has_run())",
        told=("False",),
        old=D.NAMES_OF_BOTH,
    ),
    row("finish as aborted", "swanlab.finish('aborted')\ntell(swanlab.has_run())", told=("False",), old=D.NAMES_OF_BOTH),
    row("init twice", "swanlab.log({'x': 1})\nswanlab.init()\nswanlab.log({'x': 2})", {"x": [(0, 1), (1, 2)]}, new=D.ONE_RUN),
    row(
        "init with reinit",
        "swanlab.log({'x': 1})\nswanlab.init(reinit=True)\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        new=D.ONE_RUN,
        old=D.ONE_RUN,
    ),
    row(
        "init after finish goes on",
        "swanlab.log({'x': 1})\nswanlab.finish()\nswanlab.init()\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        new=D.ONE_RUN,
        old=D.ONE_RUN,
    ),
    row(
        "init with a positional project",
        "swanlab.init('mnist')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
        new=D.ACCEPTS_ANYTHING_NAMED,
    ),
    row(
        "init with keywords of 0.10.3",
        "swanlab.init(project='p', name='n', log_dir='l', job_type='j', group='g', tags=['t'])\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
    ),
    row(
        "init with keywords of 0.7.20",
        "swanlab.init(project='p', experiment_name='n', logdir='l', description='d')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
    ),
    row(
        "init with an unknown keyword",
        "swanlab.init(colour='red', nonsense=1)\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
    ),
    row(
        "init with a project name that no server takes",
        "swanlab.init(project='my project!')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
        new=D.NOTHING_TO_CHECK,
        old=D.NOTHING_TO_CHECK,
    ),
    row(
        "init with a colour's name",
        "swanlab.init(color='green')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
        new=D.NOTHING_TO_CHECK,
    ),
    row(
        "init with an unknown mode",
        "swanlab.init(mode='remote')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        starts=False,
        new=D.NOTHING_TO_CHECK,
        old=D.NOTHING_TO_CHECK,
    ),
    row(
        "init with mode disabled",
        "swanlab.init(mode='disabled')\nswanlab.log({'x': 1})\ntell('lives')",
        {"x": [(0, 1)]},
        told=("'lives'",),
        starts=False,
        new=D.COMMAND_LINE_DECIDES,
        old=D.COMMAND_LINE_DECIDES,
    ),
    row(
        "init in a with statement",
        "with swanlab.init() as run: run.log({'x': 1})\ntell(swanlab.has_run())",
        {"x": [(0, 1)]},
        told=("False",),
        starts=False,
        old=D.NAMES_OF_BOTH,
    ),
    row(
        "an exception passes the with statement",
        "with swanlab.init() as run:\n    run.log({'x': 1})\n    raise KeyError('k')",
        {"x": [(0, 1)]},
        raised="KeyError",
        starts=False,
        old=D.NAMES_OF_BOTH,
    ),
    row(
        "login",
        "tell(bool(swanlab.login(api_key='x')))",
        told=("True",),
        starts=False,
        new=D.NOTHING_TO_CHECK,
        old=D.NOTHING_TO_CHECK,
    ),
    row("Run.log_scalar", "swanlab.get_run().log_scalar(key='x', value=1)", {"x": [(0, 1)]}, old=D.NAMES_OF_BOTH),
)

CONFIG = (
    row("by item", "swanlab.config['lr'] = 0.1\ntell(swanlab.config['lr'])", told=("0.1",)),
    row("by attribute", "swanlab.config.lr = 0.1\ntell(swanlab.config.lr)", told=("0.1",)),
    row("item and attribute are one", "swanlab.config.lr = 0.1\ntell(swanlab.config['lr'])", told=("0.1",)),
    row("from init", "swanlab.init(config={'lr': 0.1})\ntell(swanlab.config.lr)", told=("0.1",), starts=False),
    row("before init", "swanlab.config.lr = 0.1\nswanlab.init()\ntell(swanlab.config.lr)", told=("0.1",), starts=False),
    row("update with a dict", "swanlab.config.update({'a': 1})\ntell(swanlab.config.a)", told=("1",)),
    row("update with a namespace", "swanlab.config.update(argparse.Namespace(a=1))\ntell(swanlab.config.a)", told=("1",)),
    row("update with keywords", "swanlab.config.update(a=1)\ntell(swanlab.config.a)", told=("1",)),
    row("missing item", "swanlab.config['nope']", raised="KeyError"),
    row("missing attribute", "swanlab.config.nope", raised="AttributeError"),
    row("get with a default", "tell(swanlab.config.get('nope', 5))", told=("5",)),
    row("in", "swanlab.config.a = 1\ntell('a' in swanlab.config, 'b' in swanlab.config)", told=("True False",)),
    row("delete an item", "swanlab.config.a = 1\ndel swanlab.config['a']\ntell('a' in swanlab.config)", told=("False",)),
    row("delete an attribute", "swanlab.config.a = 1\ndel swanlab.config.a\ntell('a' in swanlab.config)", told=("False",)),
    row(
        "len and order",
        "swanlab.config.update({'b': 1, 'a': 2})\ntell(len(swanlab.config), list(swanlab.config))",
        told=("2 ['b', 'a']",),
    ),
    row(
        "NaN is given back", "swanlab.config.x = float('nan')\ntell(swanlab.config.x)", told=("nan",), old=D.CONFIG_KEEPS_OBJECTS
    ),
    row(
        "None is given back",
        "swanlab.config.x = None\ntell(swanlab.config.x)",
        told=("None",),
        new=D.CONFIG_KEEPS_OBJECTS,
        old=D.CONFIG_KEEPS_OBJECTS,
    ),
    row("a list is given back", "swanlab.config.x = [1, 'a']\ntell(swanlab.config.x)", told=("[1, 'a']",)),
    row("an inner dict is given back", "swanlab.config.x = {'y': 1}\ntell(swanlab.config.x['y'])", told=("1",)),
    row(
        "an object is given back",
        "swanlab.config.x = path = Path('/data')\ntell(swanlab.config.x is path)",
        told=("True",),
        new=D.CONFIG_KEEPS_OBJECTS,
        old=D.CONFIG_KEEPS_OBJECTS,
    ),
    row(
        "a tuple is given back",
        "swanlab.config.x = (1, 2)\ntell(swanlab.config.x)",
        told=("(1, 2)",),
        new=D.CONFIG_KEEPS_OBJECTS,
        old=D.CONFIG_KEEPS_OBJECTS,
    ),
    row(
        "other types as keys",
        "swanlab.config[5] = 1\ntell(swanlab.config[5])",
        told=("1",),
        new=D.CONFIG_TAKES_OBJECTS,
        old=D.CONFIG_TAKES_OBJECTS,
    ),
    row(
        "an attribute with an underscore",
        "swanlab.config._x = 1\ntell(swanlab.config._x)",
        told=("1",),
        new=D.CONFIG_TAKES_OBJECTS,
    ),
    row("the run's is the module's", "swanlab.config.a = 1\ntell(swanlab.get_run().config.a)", told=("1",)),
    row(
        "survives finish",
        "swanlab.config.a = 1\nswanlab.finish()\ntell(swanlab.config.get('a'))",
        told=("1",),
        new=D.CONFIG_KEEPS_OBJECTS,
        old=D.CONFIG_KEEPS_OBJECTS,
    ),
    row(
        "an unusable one is no exception",
        "swanlab.init(config=5)\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        stderr="config",
        starts=False,
        new=D.NEVER_RAISES,
        old=D.NEVER_RAISES,
    ),
    row(
        "a missing file is no exception",
        "swanlab.init(config='none.json')\nswanlab.log({'x': 1})",
        {"x": [(0, 1)]},
        stderr="config",
        starts=False,
        new=D.NEVER_RAISES,
        old=D.NEVER_RAISES,
    ),
    row(
        "of a JSON file",
        "Path('c.json').write_text('{\"a\": 1}')\nswanlab.init(config='c.json')\ntell(swanlab.config.a)",
        told=("1",),
        starts=False,
    ),
    row(
        "of a namespace",
        "swanlab.init(config=argparse.Namespace(a=1))\ntell(swanlab.config.a)",
        told=("1",),
        starts=False,
        new=D.CONFIG_TAKES_OBJECTS,
    ),
)

_IN_THREADS = """
def work(number):
    for call in range(50): swanlab.log({KEY: call}, step=STEP)
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
_IN_FORKS = """
for number in range(2):
    child = os.fork()
    if not child:
        try:
            swanlab.log({'c%d' % number: number})
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""

PROCESSES = (
    row(
        "threads with a metric each",
        _IN_THREADS.replace("KEY", "'t%d' % number").replace("STEP", "call"),
        {f"t{number}": [(call, call) for call in range(50)] for number in range(4)},
    ),
    row(
        "threads with a metric each and automatic steps",
        _IN_THREADS.replace("KEY", "'t%d' % number").replace("STEP", "None"),
        {f"t{number}": [(call, call) for call in range(50)] for number in range(4)},
        new=D.STEP_OF_EACH_METRIC,
    ),
    row(
        "threads with one metric",
        _IN_THREADS.replace("KEY: call", "'x': 1").replace("STEP", "number * 50 + call"),
        {"x": [(index, 1) for index in range(200)]},
    ),
    row(
        "threads with one metric and automatic steps",
        _IN_THREADS.replace("KEY: call", "'x': 1").replace("STEP", "None"),
        {"x": [(index, 1) for index in range(200)]},
        old=D.BY_CHANCE,
    ),
    row(
        "forked children log",
        _IN_FORKS + "swanlab.log({'p': 1})",
        {"c0": [(0, 0)], "c1": [(0, 1)], "p": [(0, 1)]},
        new=D.ALL_PROCESSES_LOG,
        old=D.ALL_PROCESSES_LOG,
    ),
    row(
        "forked children log without init",
        _IN_FORKS,
        {"c0": [(0, 0)], "c1": [(0, 1)]},
        starts=False,
        new=D.ALL_PROCESSES_LOG,
        old=D.ALL_PROCESSES_LOG,
    ),
    row(
        "forked children go on where the parent is",
        "swanlab.log({'x': 5})\n" + _IN_FORKS.replace("'c%d' % number", "'x'"),
        {"x": [(0, 5), (1, 0), (2, 1)]},
        new=D.ALL_PROCESSES_LOG,
        old=D.ALL_PROCESSES_LOG,
    ),
    row(
        "the parent goes on where forked children are",
        _IN_FORKS.replace("'c%d' % number", "'x'") + "swanlab.log({'x': 5})",
        {"x": [(0, 0), (1, 1), (2, 5)]},
        new=D.ALL_PROCESSES_LOG,
        old=D.ALL_PROCESSES_LOG,
    ),
    row(
        "a forked child's finish ends its own logging",
        "child = os.fork()\nif not child:\n    swanlab.log({'x': 1})\n    swanlab.finish()\n    os._exit(0)\n"
        "os.waitpid(child, 0)\nswanlab.log({'x': 2})",
        {"x": [(0, 1), (1, 2)]},
        new=D.ALL_PROCESSES_LOG,
        old=D.ALL_PROCESSES_LOG,
    ),
    row("after chdir", "os.mkdir('d')\nos.chdir('d')\nswanlab.log({'x': 1})\nos.chdir('..')", {"x": [(0, 1)]}),
)

TOPICS = {
    "auto steps": AUTO_STEPS,
    "explicit steps": EXPLICIT_STEPS,
    "odd steps": ODD_STEPS,
    "duplicates": DUPLICATES,
    "values": VALUES,
    "numpy": NUMPY_VALUES,
    "nested dicts": NESTED,
    "data": DATA,
    "names": NAMES,
    "what log gives back": RETURNS,
    "lifecycle": LIFECYCLE,
    "config": CONFIG,
    "threads and processes": PROCESSES,
}
TABLE = tuple(entry._replace(topic=topic) for topic, entries in TOPICS.items() for entry in entries)
