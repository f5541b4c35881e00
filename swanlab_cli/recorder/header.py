"""What is known of a run before its command starts, from settings, arguments and the process that we are."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from .. import __version__
from ..documents import read_document
from ..environment.allocation import slurm_job
from ..errors import UsageError
from ..records import Header, Json
from ..settings import RunSettings
from ..store.files import SUFFIX
from ..store.state import host_identity, process_started
from .naming import job_prefix, new_id, new_name

_LONGEST_ID = 64


def make_header(arguments: Sequence[str], settings: RunSettings) -> Header:
    """The header of a run that begins now.

    Raises:
        UsageError: the id or a pattern cannot be used.
        SettingsError: the file with the inputs cannot be read.
    """
    _check_patterns(settings)
    cwd = working_directory()
    host, boot_id, pid_namespace = host_identity()
    chosen = tuple(
        name for name in ("project", "name", "notes", "group", "job_type") if getattr(settings, name) is not None
    )
    slurm = slurm_job(os.environ)
    file_config = read_document(settings.config_file) if settings.config_file else {}
    return Header(
        id=_check_id(settings.id) if settings.id else new_id(job_prefix(slurm)),
        project=settings.project or os.path.basename(cwd) or "default",
        name=settings.name or new_name(),
        chosen=chosen,
        tags=settings.tags,
        group=settings.group or _array_group(slurm),
        job_type=settings.job_type,
        notes=settings.notes,
        config={**file_config, **settings.config},
        command=tuple(arguments),
        cwd=cwd,
        user=_user(),
        host=host,
        boot_id=boot_id,
        pid_namespace=pid_namespace,
        pid=os.getpid(),
        pid_started=process_started(os.getpid()),
        started_at=time.time(),
        parse=settings.parse,
        patterns=settings.patterns,
        step_key=settings.step_key,
        version=__version__,
        slurm=slurm,
    )


def _array_group(slurm: Json | None) -> str | None:
    """What the tasks of a job array have in common, unless the user has said it."""
    return f"array-{slurm['array_job_id']}" if slurm and slurm["array_job_id"] is not None else None


def _check_id(run_id: str) -> str:
    allowed = all(character.isalnum() or character in "-_.+" for character in run_id)
    if not allowed or not run_id[0].isalnum() or len(run_id) > _LONGEST_ID or run_id.endswith(SUFFIX):
        rule = f"an id has at most {_LONGEST_ID} letters, digits, '-', '_', '.' or '+', begins with a letter or digit"
        raise UsageError(f"the run id '{run_id}' cannot be used", f"{rule} and does not end in {SUFFIX}")
    return run_id


def _check_patterns(settings: RunSettings) -> None:
    """Refuse regular expressions that cannot be used, before anything is started.

    Raises:
        UsageError: there is one.
    """
    if not settings.patterns:
        return
    from ..parser import Parser  # only those who give patterns wait for it

    try:
        Parser(settings.parse, settings.patterns, settings.step_key)
    except ValueError as error:
        raise UsageError(str(error)) from error


def working_directory() -> str:
    """Where we are, even if that folder was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted; the child does not mind
        return os.environ.get("PWD", "")


def _user() -> str:
    """The user's name, from the environment if it tells: a name service may be slow."""
    name = os.environ.get("LOGNAME") or os.environ.get("USER")
    if name:
        return name
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
