"""Recording one run: the order of things from the first blocked signal to the end record."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from .. import __version__
from ..documents import read_document
from ..environment.target import Target
from ..environment.tree import resident_bytes
from ..errors import CommandNotStarted, StoreError, UsageError
from ..process.child import (
    Command,
    SpawnFailure,
    executable_of,
    find_command,
    fork_child,
    read_exec_failure,
    replace_process,
)
from ..process.console import Console, wait_for_foreground
from ..process.flight import Flight
from ..process.pump import Outcome, Pump
from ..process.shells import is_interactive_shell
from ..process.signals import SignalMask, SignalSource, signal_name
from ..process.streams import Stream, is_one_terminal, open_streams, reserve_closed
from ..process.terminal import Terminal
from ..process.witness import Witness
from ..records import End, Event, Header, Lane
from ..settings import RunSettings
from ..store import layout
from ..store.state import host_identity, process_started
from ..store.writer import OutputWriter, append_event, append_to_inbox, write_end
from .assistant import Assignment, Assistant
from .inheritance import as_mapping, check_descriptors, inherited_descriptors, let_go, own_environment, with_variables
from .joining import LANE, Joined, job_number, join, lane_event
from .naming import new_id, new_job_id, new_name
from .placement import Placement, find_placement, rank_variables

if TYPE_CHECKING:  # imported where there are rules
    from ..process.prompts import Prompts, Reply, Rule

# How long we stay after the child for the last points to be counted; longer and a user would wait for us.
_PATIENCE_S = 0.06
_NO_PAGING = {b"PAGER": b"cat", b"GIT_PAGER": b"cat", b"TERM": b"dumb"}
_LONGEST_ID = 64


class Ending(NamedTuple):
    """What `record` has to say when the child has ended."""

    run_id: str
    directory: str
    lane: Lane
    end: End
    exit_code: int
    """What to exit with, unless `signal_number`."""
    signal_number: int | None
    """What to die of."""
    counts: Mapping[str, Any]
    """`points` and `dropped`, empty while they are still being derived."""
    warnings: Sequence[str]


class Talk(NamedTuple):
    """How the recorder speaks to the user; only the command line prints."""

    started: Callable[[str, str], None]
    """Called with run id and directory before the child starts."""
    untracked: Callable[[str], None]
    """Called with the reason when the command will run without being recorded."""


def record(arguments: Sequence[str], settings: RunSettings, talk: Talk) -> Ending:
    """Run the command to its end and record it.

    Blocks all signals of the calling process, and may replace it by the command: where no run can be created, the
    command runs as if `swanlab run` were not there.

    Raises:
        SettingsError, UsageError: the settings cannot be used; nothing was started.
        CommandNotStarted: the command cannot be executed, and no run could be created to say so.
    """
    closed = reserve_closed()
    mask = SignalMask()
    environment = own_environment()
    _check_patterns(settings)
    rules = _rules(settings)
    placement = find_placement(os.environ)
    header = _header(arguments, settings, placement)
    try:
        check_descriptors()
        not_ours = inherited_descriptors()
        joined = join(settings, header, placement)
        directory, lane, header = joined.directory, joined.lane, joined.header
        _note_lane(joined, placement)
        output = OutputWriter(directory, lane)
        flight, signals = Flight(), SignalSource()
        needs_console = bool(rules) or _is_shell_on_terminal(arguments, closed)
        streams = open_streams(closed, settings.pty, settings.split, needs_console)
        console = Console(streams) if needs_console else None
    except (StoreError, OSError) as error:
        talk.untracked(str(error))
        _run_untracked(arguments, environment, mask)
    additions = {**_additions(directory, lane, environment), **_no_paging(settings, streams)}
    environment = with_variables(environment, additions)
    command = find_command(_encode(arguments), environment)
    if lane.rank == 0:
        talk.started(header.id, directory)
    if console is not None:
        console.begin()
    started, memory_at_fork = time.monotonic(), resident_bytes(os.getpid())
    child_pid, exec_failure = fork_child(command, streams, mask)
    witness = Witness(console)
    target = _target(command, header, environment, child_pid)
    assistant = Assistant(_assign(directory, lane, header, target, flight, streams, output, settings))
    prompts = _prompts(rules, console, streams, output, directory, lane) if rules and console else None
    let_go(not_ours)
    terminal = console or Terminal(streams, child_pid)
    pump = Pump(child_pid, streams, signals, flight, prompts or output, witness, assistant, terminal, prompts)
    outcome = pump.run()
    failure = read_exec_failure(exec_failure, command)
    end = _end(outcome, failure, time.monotonic() - started, memory_at_fork, output)
    warnings = _write_end(directory, lane, end, output)
    counts = assistant.end(_PATIENCE_S)
    if pump.is_output_held() and os.fork() == 0:
        pump.relay()
        os._exit(0)
    return _ending(header.id, directory, lane, end, outcome, counts, warnings, pump.sink_failure())


def _assign(
    directory: str,
    lane: Lane,
    header: Header,
    target: Target,
    flight: Flight,
    streams: Sequence[Stream],
    output: OutputWriter,
    settings: RunSettings,
) -> Assignment:
    names, sources = [stream.name for stream in streams], [stream.source for stream in streams]
    return Assignment(directory, lane, header, target, flight, names, sources, output, settings)


def _header(arguments: Sequence[str], settings: RunSettings, placement: Placement | None) -> Header:
    """What is known before the child starts."""
    cwd = working_directory()
    host, boot_id, pid_namespace = host_identity()
    chosen = tuple(
        name for name in ("project", "name", "notes", "group", "job_type") if getattr(settings, name) is not None
    )
    file_config = read_document(settings.config_file) if settings.config_file else {}
    return Header(
        id=_check_id(settings.id) if settings.id else new_job_id(number) if (number := _job_number(placement)) else new_id(),
        project=settings.project or os.path.basename(cwd) or "default",
        name=settings.name or new_name(),
        chosen=chosen,
        tags=settings.tags,
        group=settings.group,
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
        job=placement.job if placement else None,
    )


def _job_number(placement: Placement | None) -> str | None:
    return job_number(placement.job) if placement else None


def _check_id(run_id: str) -> str:
    allowed = all(character.isalnum() or character in "-_.+" for character in run_id)
    if not allowed or not run_id[0].isalnum() or len(run_id) > _LONGEST_ID:
        raise UsageError(
            f"the run id '{run_id}' cannot be used",
            f"an id has at most {_LONGEST_ID} letters, digits, '-', '_', '.' or '+' and begins with a letter or digit",
        )
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


def _rules(settings: RunSettings) -> list[Rule]:
    """The rules for answering prompts.

    Raises:
        UsageError: one cannot be understood.
    """
    if not settings.answers:
        return []
    from ..process.prompts import parse_rule  # it imports pexpect

    try:
        return [parse_rule(text) for text in settings.answers]
    except ValueError as error:
        raise UsageError(f"option '--answer': {error}", "for example --answer 'Continue\\? =yes'") from error


def _is_shell_on_terminal(arguments: Sequence[str], closed: frozenset[int]) -> bool:
    """Whether the command is an interactive shell that has a whole terminal to itself, now that we are in its foreground."""
    if closed or not is_one_terminal((0, 1, 2)) or not is_interactive_shell(_encode(arguments)):
        return False
    return wait_for_foreground()


def _prompts(
    rules: Sequence[Rule], console: Console, streams: Sequence[Stream], output: OutputWriter, directory: str, lane: Lane
) -> Prompts:
    from ..process.prompts import Prompts

    stream = next(stream for stream in streams if stream.is_console)

    def note(reply: Reply) -> None:
        try:
            append_to_inbox(directory, lane, "answer", reply._asdict())
        except OSError:  # the disk is full: the answer counts, and what is missing is counted by the output's record
            pass

    return Prompts(rules, console, stream, output, note)


def _note_lane(joined: Joined, placement: Placement | None) -> None:
    """Say who records this lane, where that is not what run.json says of the run."""
    if not joined.is_alone or placement is not None:
        event = Event(time.time(), LANE, lane_event(joined.header, placement))
        append_event(joined.directory, joined.lane, event)


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


def _additions(directory: str, lane: Lane, environment: Sequence[bytes]) -> dict[bytes, bytes]:
    """What the child gets besides its environment; `directory` is empty where nothing is recorded."""
    shim = os.fsencode(layout.shim_directory())
    given = as_mapping(environment).get(b"PYTHONPATH", b"")
    path = [entry for entry in given.split(b":") if entry != shim] if given else []  # an empty entry means the working directory
    return {
        b"PYTHONPATH": b":".join([shim, *path]),
        b"SWANLAB_CLI_RUN_DIR": os.fsencode(directory),
        b"SWANLAB_CLI_RANKS": ",".join(rank_variables(os.environ)).encode(),
        b"SWANLAB_CLI_INBOX": os.fsencode(layout.inbox_prefix(directory, lane)) if directory else b"",
    }


def _no_paging(settings: RunSettings, streams: Sequence[Stream]) -> dict[bytes, bytes]:
    """Variables that keep programs from paging and animating into a pty behind which nobody sits."""
    stdout = next((stream for stream in streams if 1 in stream.numbers), None)
    return _NO_PAGING if settings.pty and stdout is not None and not stdout.is_terminal else {}


def _run_untracked(arguments: Sequence[str], environment: Sequence[bytes], mask: SignalMask) -> NoReturn:
    """Become the command; a script that imports `swanlab` still finds it, and logs to nowhere.

    Raises:
        CommandNotStarted: the command cannot be executed.
    """
    command = find_command(_encode(arguments), with_variables(environment, _additions("", Lane(), environment)))
    failure = replace_process(command, mask)
    raise CommandNotStarted(failure.reason, failure.exit_code)


def _encode(arguments: Sequence[str]) -> list[bytes]:
    return [os.fsencode(argument) for argument in arguments]


def _target(command: Command, header: Header, environment: Sequence[bytes], child_pid: int) -> Target:
    executable = executable_of(command)
    return Target(
        command=header.command,
        executable=os.fsdecode(executable) if executable else None,
        cwd=header.cwd,
        environ={os.fsdecode(name): os.fsdecode(value) for name, value in as_mapping(environment).items()},
        pid=child_pid,
    )


def _end(
    outcome: Outcome, failure: SpawnFailure | None, duration_s: float, memory_at_fork: int, output: OutputWriter
) -> End:
    """The end record; the kernel counts our own `memory_at_fork` (bytes) as the child's, so less than that is unknown."""
    childs_memory = outcome.usage.ru_maxrss * 1024
    own = resource.getrusage(resource.RUSAGE_SELF)
    return End(
        ended_at=time.time(),
        duration_s=duration_s,
        exit_code=failure.exit_code if failure else outcome.exit_code,
        signal=signal_name(outcome.signal) if outcome.signal else None,
        error=failure.reason if failure else None,
        signals=outcome.signals,
        cpu_s=outcome.usage.ru_utime + outcome.usage.ru_stime,
        max_process_memory_bytes=childs_memory if childs_memory > 1.1 * memory_at_fork else None,
        output_bytes=output.offset,
        lost_bytes=output.lost_bytes,
        overhead={"cpu_s": own.ru_utime + own.ru_stime, "max_memory_bytes": _own_peak_memory_bytes()},
    )


def _own_peak_memory_bytes() -> int:
    """Our largest resident set; getrusage(2) would count what our caller's process had when it forked us."""
    with open("/proc/self/status", "rb") as status:
        lines = (line.split() for line in status)
        return next((int(words[1]) * 1024 for words in lines if words[0] == b"VmHWM:"), 0)


def _write_end(directory: str, lane: Lane, end: End, output: OutputWriter) -> list[str]:
    """Write the end record; what went wrong with the record as a whole, in one line or none."""
    failure = output.failure
    try:
        write_end(directory, lane, end)
    except OSError as error:
        failure = failure or error
    if failure is None:
        return []
    return [f"the record is incomplete: {failure.strerror} ({end.lost_bytes} bytes of output are missing) in '{directory}'"]


def _ending(
    run_id: str,
    directory: str,
    lane: Lane,
    end: End,
    outcome: Outcome,
    counts: Mapping[str, Any],
    warnings: list[str],
    sink_failure: OSError | None,
) -> Ending:
    exit_code = end.exit_code or 0
    if end.error is not None:
        warnings = [end.error, *warnings]
    elif sink_failure is not None and end.exit_code == 0:
        # The command wrote to our pty and believes that all went well; bare, it would have been told.
        exit_code = 1
        warnings = [f"cannot pass the output on: {sink_failure.strerror}", *warnings]
    return Ending(run_id, directory, lane, end, exit_code, outcome.signal, counts, warnings)
