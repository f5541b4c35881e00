"""Recording one run: the order of things from the first blocked signal to the end record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ..environment.allocation import is_in_step
from ..environment.redaction import redact_end, redact_header, rules_for_shim
from ..environment.secrets import Redactor
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
from ..process.masking import MaskedRecord, OutputMask
from ..process.pump import Outcome, Pump
from ..process.shells import is_interactive_shell
from ..process.signals import SignalMask, SignalSource, signal_name
from ..process.streams import Record, Stream, is_one_terminal, open_streams, reserve_closed
from ..process.terminal import Terminal
from ..process.witness import Witness
from ..records import End, Event, Header, Json, Lane
from ..settings import RunSettings
from ..store import layout
from ..store.writer import OutputWriter, append_event, append_to_inbox, create_run, write_end
from .assistant import Assignment, Assistant
from .header import make_header
from .inheritance import as_mapping, check_descriptors, inherited_descriptors, let_go, own_environment, with_variables
from .masks import choose_redactor, output_mask
from .overhead import pump_overhead
from .placement import Placement, find_placement, rank_variables

if TYPE_CHECKING:  # imported where there are rules
    from ..process.prompts import Prompts, Reply, Rule

# How long we stay after the child for the last points to be counted; longer and a user would wait for us.
_PATIENCE_S = 0.06
# In a step of Slurm's we stay until all is recorded: for a fiftieth of the time that the command took, within these bounds.
_SHARE_IN_STEP, _LEAST_IN_STEP_S, _MOST_IN_STEP_S = 0.02, 0.05, 5.0
_NOTIFY_IN_STEP_S = 10.0
_NO_PAGING = {b"PAGER": b"cat", b"GIT_PAGER": b"cat", b"TERM": b"dumb"}


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
    _check_notify(settings)
    rules = _rules(settings)
    placement = find_placement(os.environ)
    header = make_header(arguments, settings)
    redactor = choose_redactor(header, _as_text(environment), settings, rules)
    try:
        check_descriptors()
        not_ours = inherited_descriptors()
        directory, lane, header = _enter(settings, header, redactor, placement)
        output = OutputWriter(directory, lane)
        flight, signals = Flight(), SignalSource()
        needs_console = bool(rules) or _is_shell_on_terminal(arguments, closed)
        streams = open_streams(closed, settings.pty, settings.split, needs_console)
        console = Console(streams) if needs_console else None
    except (StoreError, OSError) as error:
        talk.untracked(str(error))
        _run_untracked(arguments, environment, mask)
    additions = {**_additions(directory, lane, environment, redactor), **_no_paging(settings, streams)}
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
    mask_of_output = output_mask(redactor)
    assistant = Assistant(
        _assign(directory, lane, header, target, flight, streams, output, mask_of_output, redactor, settings, placement)
    )
    masked = MaskedRecord(output, mask_of_output, flight) if mask_of_output else output
    prompts = _prompts(rules, console, streams, masked, directory, lane, redactor) if rules and console else None
    let_go(not_ours)
    terminal = console or Terminal(streams, child_pid)
    pump = Pump(child_pid, streams, signals, flight, prompts or masked, witness, assistant, terminal, prompts)
    outcome = pump.run()
    failure, lasted_s = read_exec_failure(exec_failure, command), time.monotonic() - started
    end = _end(outcome, failure, lasted_s, memory_at_fork, output, pump_overhead(directory, lane, output, streams))
    warnings = _write_end(directory, lane, redact_end(end, redactor) if redactor else end, output)
    counts = assistant.end(_PATIENCE_S)
    _leave_nobody(assistant, witness, header, settings, lasted_s)
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
    mask: OutputMask,
    redactor: Redactor | None,
    settings: RunSettings,
    placement: Placement | None,
) -> Assignment:
    names, sources = [stream.name for stream in streams], [stream.source for stream in streams]
    is_first = placement is None or placement.local_rank == 0
    return Assignment(directory, lane, header, target, flight, names, sources, output, mask, redactor, settings, is_first)


def _check_notify(settings: RunSettings) -> None:
    """Refuse an address to which nothing can be sent, without repeating it.

    Raises:
        UsageError: it is one.
    """
    if settings.notify is None:
        return
    from ..cloud.webhooks import why_unusable  # only those who want messages wait for it

    why = why_unusable(settings.notify)
    if why is not None:
        raise UsageError(f"option '--notify': the address cannot be used: {why}", "for example --notify https://example.com/hook")


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
    rules: Sequence[Rule],
    console: Console,
    streams: Sequence[Stream],
    record: Record,
    directory: str,
    lane: Lane,
    redactor: Redactor | None,
) -> Prompts:
    from ..process.prompts import Prompts

    stream = next(stream for stream in streams if stream.is_console)

    def note(reply: Reply) -> None:
        try:
            fields = reply._asdict()
            append_to_inbox(directory, lane, "answer", redactor.data(fields) if redactor else fields)
        except OSError:  # the disk is full: the answer counts, and what is missing is counted by the output's record
            pass

    return Prompts(rules, console, stream, record, note)


def _enter(
    settings: RunSettings, header: Header, redactor: Redactor | None, placement: Placement | None
) -> tuple[str, Lane, Header]:
    """The directory of a new run, or of one that there is, our lane in it, and our header with what the run is called.

    The lane says who records it where run.json does not.

    Raises:
        UsageError: --id and --resume contradict what is there.
        StoreError, OSError: it cannot be written.
    """
    recorded = redact_header(header, redactor) if redactor else header
    if placement is None and settings.id is None and settings.resume != "must":
        return create_run(settings.logdir, recorded), Lane(), header
    from .joining import join, lane_event  # who starts a run of its own does not wait for these
    from .lanes import LANE

    joined = join(settings, recorded, placement)
    if not joined.is_alone or placement is not None:
        event = Event(time.time(), LANE, lane_event(joined.header, placement))
        append_event(joined.directory, joined.lane, event)
    known = joined.header
    return joined.directory, joined.lane, header._replace(id=known.id, name=known.name, project=known.project)


def _leave_nobody(assistant: Assistant, witness: Witness, header: Header, settings: RunSettings, lasted_s: float) -> None:
    """In a step of Slurm's, end all that we have started: slurmstepd would kill it, and take a second for that."""
    if not is_in_step(header.slurm):
        return
    patience_s = min(max(_SHARE_IN_STEP * lasted_s, _LEAST_IN_STEP_S), _MOST_IN_STEP_S)
    assistant.outlast(max(patience_s, _NOTIFY_IN_STEP_S) if settings.notify else patience_s)
    witness.end()


def _additions(directory: str, lane: Lane, environment: Sequence[bytes], redactor: Redactor | None = None) -> dict[bytes, bytes]:
    """What the child gets besides its environment; `directory` is empty where nothing is recorded."""
    redact = {b"SWANLAB_CLI_REDACT": rules_for_shim(redactor.patterns).encode()} if redactor else {}
    shim = os.fsencode(layout.shim_directory())
    given = as_mapping(environment).get(b"PYTHONPATH", b"")
    path = [entry for entry in given.split(b":") if entry != shim] if given else []  # an empty entry means the working directory
    return {
        b"PYTHONPATH": b":".join([shim, *path]),
        b"SWANLAB_CLI_RUN_DIR": os.fsencode(directory),
        b"SWANLAB_CLI_RANKS": ",".join(rank_variables(os.environ)).encode(),
        b"SWANLAB_CLI_INBOX": os.fsencode(layout.inbox_prefix(directory, lane)) if directory else b"",
        **redact,
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
        environ=_as_text(environment),
        pid=child_pid,
    )


def _as_text(environment: Sequence[bytes]) -> dict[str, str]:
    """Variables by name."""
    return {os.fsdecode(name): os.fsdecode(value) for name, value in as_mapping(environment).items()}


def _end(
    outcome: Outcome,
    failure: SpawnFailure | None,
    duration_s: float,
    memory_at_fork: int,
    output: OutputWriter,
    overhead: Json,
) -> End:
    """The end record; the kernel counts our own `memory_at_fork` (bytes) as the child's, so less than that is unknown."""
    childs_memory = outcome.usage.ru_maxrss * 1024
    return End(
        ended_at=time.time(),
        duration_s=duration_s,
        exit_code=failure.exit_code if failure else outcome.exit_code,
        signal=signal_name(outcome.signal) if outcome.signal else None,
        error=failure.reason if failure else None,
        signals=outcome.signals,
        senders=outcome.senders,
        cpu_s=outcome.usage.ru_utime + outcome.usage.ru_stime,
        max_process_memory_bytes=childs_memory if childs_memory > 1.1 * memory_at_fork else None,
        output_bytes=output.offset,
        lost_bytes=output.lost_bytes,
        overhead=overhead,
    )


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
