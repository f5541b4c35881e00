"""The commands besides `run`, and the list of all of them that `swanlab --help` shows."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import SwanlabError
from ..recorder.options import ParseOptions
from ..settings import logdir_setting
from . import reading
from .audit import print_audit
from .compare import compare_runs, diff_runs
from .importing import import_files
from .logs import LogChoice, print_logs
from .parse import ParseChoice, parse_file
from .reparse import reparse_runs
from .run import run
from .show import DIFF, REQUIREMENTS, SCRIPT, STACKS, VARIABLES, print_recorded, print_run
from .top import Looks, print_top

Logdir = Annotated[str | None, typer.Option("--logdir", metavar="DIR", help="Where runs are kept; default: ./swanlog")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Colours = Annotated[
    bool | None, typer.Option("--color/--no-color", help="With colours or without; default: on a terminal.", show_default=False)
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run id, a unique beginning of one, or `last`.")]

# What the `swanlab` of the SwanLab SDK, 0.7.20 or 0.10.3, takes: in one environment the two are easily mixed up.
_SDK_COMMANDS = frozenset("api convert disabled local login logout offline online ping sync verify watch".split())


class _Commands(TyperGroup):
    """The commands; one that only the SDK has is told where that is."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in _SDK_COMMANDS and self.get_command(ctx, args[0]) is None:
            ctx.fail(
                f"No such command '{args[0]}'. This is swanlab-cli {__version__}; "
                f"the command of the SwanLab SDK is `python -m swanlab {args[0]}`."
            )
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="swanlab",
    cls=_Commands,
    help="An experiment tracker in front of any command: swanlab run python train.py",
    epilog="This is swanlab-cli, also installed as `swanlab-cli`. The command of the SwanLab SDK is `python -m swanlab`.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def run_app() -> NoReturn:
    """Run the command line; errors of ours become one line on stderr and their exit status."""
    try:
        app()
    except SwanlabError as error:
        print(f"swanlab: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"swanlab: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `swanlab logs last | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    sys.exit(0)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"swanlab-cli {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool, typer.Option("--version", "-v", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """An experiment tracker in front of any command: swanlab run python train.py."""


@app.command("run", context_settings={"ignore_unknown_options": True, "help_option_names": []})
def _run(arguments: Annotated[list[str] | None, typer.Argument(metavar="[OPTIONS] COMMAND [ARG]...")] = None) -> None:
    """Run a command unchanged and record everything about it."""
    run(arguments or [])  # reached only as `swanlab --flag run`; main() goes there at once


@app.command("ls")
def _ls(logdir: Logdir = None, as_json: AsJson = False) -> None:
    """List the runs, newest last."""
    reading.print_runs(_logdir(logdir), as_json)


@app.command("show")
def _show(
    run_name: RunName,
    diff: Annotated[bool, typer.Option("--diff", help="Print the recorded git diff.")] = False,
    requirements: Annotated[bool, typer.Option("--requirements", help="Print its packages as a requirements.txt.")] = False,
    script: Annotated[bool, typer.Option("--script", help="Print the script as it was.")] = False,
    variables: Annotated[bool, typer.Option("--env", help="Print the recorded environment variables.")] = False,
    stacks: Annotated[bool, typer.Option("--stacks", help="Print where it stood when it stalled (run --stall-dump).")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Look for secrets that were not masked; exit status 1 if any.")] = False,
    colours: Colours = None,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: how it ended, its config, metrics, environment and cost."""
    if audit:
        raise typer.Exit(int(print_audit(_logdir(logdir), run_name, as_json)))
    wanted = {DIFF: diff, REQUIREMENTS: requirements, SCRIPT: script, VARIABLES: variables, STACKS: stacks}
    if texts := [name for name, is_wanted in wanted.items() if is_wanted]:
        print_recorded(_logdir(logdir), run_name, [*texts, "json"] if as_json else texts)
    else:
        print_run(_logdir(logdir), run_name, as_json, colours)


@app.command("gc")
def _gc(
    run_names: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Run ids; to pack, by default all that have ended.")
    ] = None,
    pack: Annotated[bool, typer.Option("--pack", help="Make one file of each run, which all commands read.")] = False,
    unpack: Annotated[bool, typer.Option("--unpack", help="Make a directory of it again.")] = False,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Let runs that have ended take less space and fewer files."""
    from .gc import collect_garbage  # no other command waits for what makes archives

    raise typer.Exit(collect_garbage(_logdir(logdir), run_names or [], pack, unpack, as_json))


@app.command("compare")
def _compare(
    run_names: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Run ids, unique beginnings of them, or `last`.")],
    show_all: Annotated[bool, typer.Option("--all", help="Also what is equal.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="How the recorded git diffs and scripts of two runs differ.")] = False,
    colours: Colours = None,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs: config, metrics, ending, resources, environment, packages, git; differences first."""
    if diff:
        diff_runs(_logdir(logdir), run_names, colours)
    else:
        compare_runs(_logdir(logdir), run_names, as_json, show_all, colours)


@app.command("metrics")
def _metrics(
    run_name: RunName,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Only these metrics.")] = None,
    ranks: Annotated[
        str | None, typer.Option("--ranks", metavar="N,...|all", help="Of these ranks, or of all; default: 0.")
    ] = None,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Print the points of a run, by metric then step."""
    reading.print_points(_logdir(logdir), run_name, keys or [], ranks, as_json)


@app.command("logs")
def _logs(
    run_name: RunName,
    raw: Annotated[bool, typer.Option("--raw", help="The exact bytes, as the command wrote them.")] = False,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run ends.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", min=0, metavar="N", help="Only the last N lines.")] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="stdout|stderr|both", help="Only what this stream wrote.")
    ] = None,
    grep: Annotated[str | None, typer.Option("--grep", metavar="REGEX", help="Only lines in which this is found.")] = None,
    rank: Annotated[str | None, typer.Option("--rank", metavar="N|all", help="Of this rank, or of all; default: 0.")] = None,
    attempt: Annotated[int | None, typer.Option("--attempt", metavar="N", help="Of this attempt; default: the newest.")] = None,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Print the output of a run: as text with progress bars collapsed, or raw."""
    print_logs(_logdir(logdir), run_name, LogChoice(raw, follow, tail, stream, grep, as_json, rank, attempt))


@app.command("parse")
def _parse(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Saved output; - or nothing: stdin.")] = "-",
    mode: Annotated[str, typer.Option("--parse", metavar="auto|kv|none", help="What is read from the output.")] = "auto",
    patterns: Annotated[
        list[str] | None, typer.Option("--pattern", metavar="REGEX", help="Named groups are metrics; may be repeated.")
    ] = None,
    step_key: Annotated[
        str | None, typer.Option("--step-key", metavar="NAME", help="The key that states the step of a line.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of every number which rule took it, or why none did.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the metrics found in saved output."""
    parse_file(file, ParseChoice(mode, patterns or [], step_key, explain, as_json))


@app.command("top")
def _top(
    interval_s: Annotated[float, typer.Option("--interval", metavar="SECONDS", help="Time between two looks.")] = 2.0,
    looks: Annotated[
        int | None, typer.Option("-n", "--iterations", min=0, metavar="N", help="Look N times, 0: until ended.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one table, as with -n 1.")] = False,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Watch the running runs: progress, time left, CPU, memory, last values; q quits."""
    print_top(_logdir(logdir), Looks(interval_s, 1 if once else looks), as_json)


@app.command("import")
def _import(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Saved output, also .gz, .bz2 and .xz; - is stdin.")],
    project: Annotated[str | None, typer.Option("--project", "-p", metavar="NAME", help="Project of the run.")] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="Its name; default: the first file's.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag; may be repeated.")] = None,
    group: Annotated[str | None, typer.Option("--group", "-g", metavar="NAME", help="Group of the run.")] = None,
    job_type: Annotated[str | None, typer.Option("--job-type", metavar="NAME", help="What it does in its group.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", metavar="TEXT", help="A sentence for later.")] = None,
    config: Annotated[list[str] | None, typer.Option("--config", "-c", metavar="KEY=VALUE", help="An input of the run.")] = None,
    mode: Annotated[str | None, typer.Option("--parse", metavar="auto|kv|none", help="What is read from the output.")] = None,
    patterns: Annotated[
        list[str] | None, typer.Option("--pattern", metavar="REGEX", help="Named groups are metrics; may be repeated.")
    ] = None,
    step_key: Annotated[
        str | None, typer.Option("--step-key", metavar="NAME", help="The key that states the step of a line.")
    ] = None,
    utc: Annotated[bool, typer.Option("--utc", help="Times without a zone are UTC; default: local time.")] = False,
    ranks: Annotated[
        bool | None, typer.Option("--ranks/--no-ranks", help="Lines begin with a rank (srun --label); default: if they look so.")
    ] = None,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Make a run of saved output; several files are its ranks, a pair of .out and .err one rank's streams."""
    texts = {"project": project, "name": name, "group": group, "job_type": job_type, "notes": notes, "logdir": logdir}
    lists = {"tags": tags, "config": config, "patterns": patterns}
    flags = {**texts, **lists, "parse": mode, "step_key": step_key}
    import_files(files, {name: value for name, value in flags.items() if value is not None}, utc, ranks, as_json)


@app.command("reparse")
def _reparse(
    run_names: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, unique beginnings of them, or `last`.")],
    mode: Annotated[str | None, typer.Option("--parse", metavar="auto|kv|none", help="Read the output so from now on.")] = None,
    patterns: Annotated[
        list[str] | None, typer.Option("--pattern", metavar="REGEX", help="Instead of the run's patterns; '' for none.")
    ] = None,
    step_key: Annotated[
        str | None, typer.Option("--step-key", metavar="NAME", help="Instead of the run's step key; '' for none.")
    ] = None,
    logdir: Logdir = None,
    as_json: AsJson = False,
) -> None:
    """Derive the metrics of runs again from their recorded output, as it was read last or with other options."""
    options = ParseOptions(mode, None if patterns is None else tuple(patterns), step_key)
    raise typer.Exit(reparse_runs(_logdir(logdir), run_names, options, as_json))


def _logdir(flag: str | None) -> str:
    return logdir_setting(flag, os.environ, os.getcwd())
