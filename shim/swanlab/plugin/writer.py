"""A table of runs in a file, and copies of files in the run's folder."""

import os
import time

from ..callbacks import Callback

FACTS = ("run_id", "experiment_name", "description", "project", "workspace", "timestamp", "logdir", "url")


class CSVWriter(Callback):
    """Keeps a row for each run: what it is called, its config, and the last value of each metric."""

    def __init__(self, dir=".", filename="swanlab_runs.csv"):
        self.path = os.path.join(os.path.abspath(dir or "."), filename)
        self._facts = {}
        self._last = {}

    def on_run_initialized(self, run_dir, path, settings, *args, **kwargs):
        """Remember what the run is called."""
        self._last = {}
        self._facts = {
            "run_id": settings.run.id,
            "experiment_name": settings.experiment.name,
            "description": settings.experiment.description,
            "project": settings.project.name,
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S"),
            "logdir": run_dir,
        }

    def on_scalar_flush(self, scalar_records, *args, **kwargs):
        """Remember last values."""
        self._last.update((record.key, record.value) for record in scalar_records)

    def on_run_finished(self, state, error=None, *args, **kwargs):
        """Write the row."""
        from .. import config

        row = {name: self._facts.get(name) or "" for name in FACTS}
        row.update(("config/%s" % key, value) for key, value in config.items())
        row.update(self._last)
        self._append(row)

    def _append(self, row):
        """Add the row; the file is replaced as a whole, since a new metric adds a column to all of them."""
        import csv

        rows = []
        if os.path.exists(self.path):
            with open(self.path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        columns = list(rows[0]) if rows else []
        columns += [name for name in row if name not in columns]
        unfinished = "%s.%d.tmp" % (self.path, os.getpid())
        with open(unfinished, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows + [row])
        os.rename(unfinished, self.path)


class LogdirFileWriter(Callback):
    """Copies files into the run's folder `files`, below `sub_dir`, when the run begins."""

    def __init__(self, sub_dir=None, file_path=None):
        self.sub_dir = sub_dir or "."
        self.paths = [file_path] if isinstance(file_path, str) else list(file_path or ())

    def on_run_initialized(self, run_dir, path, settings, *args, **kwargs):
        """Copy the files."""
        import shutil

        if run_dir is not None:
            folder = os.path.join(run_dir, "files", self.sub_dir)
            os.makedirs(folder, exist_ok=True)
            for source in self.paths:
                shutil.copy(source, folder)
