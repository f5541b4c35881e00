"""`swanlab show --audit`: what was missed when secrets were masked."""

from __future__ import annotations

import json
import os
import sys

from ..environment.redaction import redactor_for
from ..errors import StoreError
from ..recorder.audit import audit
from ..store.reader import find_run, read_header
from .text import table


def print_audit(logdir: str, name: str, as_json: bool) -> bool:
    """Print what looks like a secret in a run's files, by what secrets look like and by the values in our environment.

    Whether anything was found.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    directory = find_run(logdir, name)
    header = read_header(directory)
    redactor = redactor_for((), os.environ, {})
    try:
        findings = list(audit(directory, redactor))
    except OSError as error:
        raise StoreError(f"cannot read the run in '{directory}': {error.strerror} ('{error.filename}')") from error
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    elif findings:
        rows = [(finding.file, str(finding.line), finding.kind, finding.shown) for finding in findings]
        print(table(("FILE", "LINE", "KIND", "BEGINS WITH"), rows))
    if not as_json:
        count = len(findings)
        said = f"{count} places look like secrets" if count else "nothing looks like a secret"
        print(f"swanlab: run '{header.id}': {said}", file=sys.stderr)
    return bool(findings)
