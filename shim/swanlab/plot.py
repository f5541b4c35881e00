"""Curves and tables as ECharts options, computed here: they need neither scikit-learn nor pyecharts.

Source of the options: https://echarts.apache.org/en/option.html.
"""

import json

from .configuration import plain

__all__ = ["Chart", "Table", "confusion_matrix", "pr_curve", "roc_curve"]


class Chart:
    """Options of one chart, which `swanlab.log` takes."""

    def __init__(self, options):
        self.options = options

    def dump_options(self):
        """Give back the options as JSON."""
        return json.dumps(self.options)


class Table:
    """A table of text and numbers."""

    def __init__(self, *_ignored, **_others):
        self.headers = []
        self.rows = []

    def add(self, headers, rows, *_ignored, **_others):
        """Set the names of the columns and a list of rows; gives back the table."""
        self.headers = [str(header) for header in headers]
        self.rows = [[_cell(value) for value in row] for row in rows]
        return self

    def dump_options(self):
        """Give back columns and rows as JSON."""
        columns = [{"field": header, "headerName": header} for header in self.headers]
        return json.dumps({"colDefs": columns, "rowData": [dict(zip(self.headers, row)) for row in self.rows]})


def roc_curve(ground_truth, predictions, title=None):
    """Give back the receiver operating characteristic of scores for labels 0 and 1, with its area.

    Raises: ValueError where lengths differ or only one of the two labels is there.
    """
    points = [(0.0, 0.0)]
    positives, negatives, counts = _counted(ground_truth, predictions)
    if not positives or not negatives:
        raise ValueError("roc_curve() needs labels 0 and labels 1; there is only one kind")
    points += [(false / negatives, true / positives) for true, false in counts]
    title = title or "ROC Curve (AUC = %.4f)" % _area(points)
    return _line(title, "False Positive Rate", "True Positive Rate", points)


def pr_curve(ground_truth, predictions, title=None):
    """Give back precision over recall of scores for labels 0 and 1, with the area under it.

    Raises: ValueError where lengths differ or no label is 1.
    """
    positives, _, counts = _counted(ground_truth, predictions)
    if not positives:
        raise ValueError("pr_curve() needs labels 1; there is none")
    points = [(0.0, 1.0)] + [(true / positives, true / (true + false)) for true, false in counts]
    title = title or "PR Curve (AUC = %.4f)" % _area(points)
    return _line(title, "Recall", "Precision", points)


def confusion_matrix(ground_truth, predictions, class_names, title=None):
    """Give back what part of each true class was taken for which; `class_names` are of the classes 0, 1, ...

    Raises: ValueError where lengths differ or a class has no name.
    """
    truths, guesses = [[int(value) for value in _listed(values)] for values in (ground_truth, predictions)]
    names = [str(name) for name in class_names]
    if len(truths) != len(guesses):
        raise ValueError("confusion_matrix() has %d labels for %d predictions" % (len(truths), len(guesses)))
    if any(not 0 <= value < len(names) for value in truths + guesses):
        raise ValueError("confusion_matrix() has %d class names, and labels beyond them" % len(names))
    counts = [[0] * len(names) for _ in names]
    for truth, guess in zip(truths, guesses):
        counts[truth][guess] += 1
    cells = [
        [guess, truth, count / (sum(row) or 1)] for truth, row in enumerate(counts) for guess, count in enumerate(row)
    ]
    return Chart(
        {
            "title": {"text": title or "Confusion Matrix"},
            "tooltip": {},
            "xAxis": {"type": "category", "name": "Predicted", "data": names},
            "yAxis": {"type": "category", "name": "Actual", "data": names},
            "visualMap": {"min": 0, "max": 1, "calculable": True},
            "series": [{"type": "heatmap", "data": cells, "label": {"show": True}}],
        }
    )


def _counted(labels, scores):
    """Give back how many labels are 1 and 0, and a list of (true, false) positives at each threshold, downwards."""
    labels, scores = _listed(labels), _listed(scores)
    if len(labels) != len(scores):
        raise ValueError("%d labels for %d scores" % (len(labels), len(scores)))
    counts, true, false, last = [], 0, 0, None
    for score, label in sorted(zip(scores, labels), key=lambda pair: -pair[0]):
        if last is not None and score != last:
            counts.append((true, false))
        true, false, last = true + (label == 1), false + (label != 1), score
    counts.append((true, false))
    return true, false, counts


def _listed(values):
    """Give back a list of the numbers in an array, tensor or anything that can be iterated over."""
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _area(points):
    return sum((x - points[n][0]) * (y + points[n][1]) / 2 for n, (x, y) in enumerate(points[1:]))


def _line(title, across, up, points):
    axis = {"type": "value", "min": 0, "max": 1}
    return Chart(
        {
            "title": {"text": title},
            "tooltip": {"trigger": "axis"},
            "xAxis": dict(axis, name=across),
            "yAxis": dict(axis, name=up),
            "series": [{"type": "line", "showSymbol": False, "data": [list(point) for point in points]}],
        }
    )


def _cell(value):
    value = plain(value)
    return None if value == "NaN" else value
