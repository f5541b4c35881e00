"""`save`: copies of the program's own files in the run's folder."""

import os

FILES_LIMIT = 100


def save_files(run, pattern, base_path=None):
    """Copy the files that match a glob; give back their paths below the folder `files`, or an empty list without a run.

    They keep their paths below `base_path`, by default the working directory, or the longest part of an absolute
    pattern that no wildcard is in.

    Raises: ValueError for more files than the limit.
    """
    from glob import glob

    pattern = os.fsdecode(pattern)
    found = sorted(path for path in glob(pattern, recursive=True) if os.path.isfile(path))
    if len(found) > FILES_LIMIT:
        raise ValueError("save(%r) matches %d files, more than %d" % (pattern, len(found), FILES_LIMIT))
    if not found:
        run.report(("save", pattern), "save(%r) matches no file" % pattern)
    if not run.dir:
        return []
    base = os.path.abspath(os.fsdecode(base_path) if base_path is not None else _base_of(pattern))
    saved = []
    for path in found:
        name = os.path.relpath(os.path.abspath(path), base)
        if name.startswith(os.pardir):
            name = os.path.basename(path)
        try:
            _copy(path, os.path.join(run.dir, "files", name))
            saved.append(name)
        except OSError as error:  # the training goes on
            run.report(("save", path), "save(): %r cannot be copied: %s" % (path, error))
    return saved


def _base_of(pattern):
    if not os.path.isabs(pattern):
        return os.getcwd()
    parts = pattern.split(os.sep)
    plain = next((place for place, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts) - 1)
    return os.sep.join(parts[:plain]) or os.sep


def _copy(source, target):
    """Copy a file so that its copy is there complete or not at all."""
    import shutil

    os.makedirs(os.path.dirname(target), exist_ok=True)
    unfinished = "%s.%d.tmp" % (target, os.getpid())
    shutil.copyfile(source, unfinished)
    os.rename(unfinished, target)
