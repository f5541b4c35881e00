"""`swanlab.echarts`: the charts of the program's own pyecharts, and those of `plot`, which need no library."""

from .plot import Table, confusion_matrix, pr_curve, roc_curve

__all__ = ["Table", "confusion_matrix", "pr_curve", "roc_curve"]


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    from importlib import import_module

    try:
        charts = import_module("pyecharts.charts")
    except ImportError:
        text = "swanlab.echarts.%s is a chart of pyecharts, which is not installed (pip install pyecharts)"
        raise ImportError(text % name) from None
    if name in ("options", "opts"):
        return import_module("pyecharts.options")
    return getattr(charts, name)
