"""`swanlab run --answer`: prompts of real programs answered on a terminal of the child's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pexpect
import pytest

from swanlab_cli.process.prompts import _last_line, parse_rule

from .conftest import DEADLINE_S, SWANLAB, Workplace, python, wait_for

ASKS = {
    "input": (python("print('got', input('name? '))"), "name? "),
    "prompt with a newline": (python("print('Your name?'); print('got', input())"), "Your name?"),
    "coloured prompt": (python("print('got', input('\\x1b[1;32mname? \\x1b[0m'))"), "name? "),
    "repainted prompt": (python("print('got', input('wait...\\rname?   '))"), "name?   "),
    "bash": (("bash", "-c", "read -p 'name? ' x; echo got $x"), "name? "),
    "on the terminal itself": (("sh", "-c", "printf 'name? ' >/dev/tty; read x </dev/tty; echo got $x"), "name? "),
    "grandchild": (("sh", "-c", "echo begin; bash -c 'read -p \"name? \" x; echo got $x'; echo end"), "name? "),
}


def _answers(work: Workplace) -> list[tuple[str, str | None]]:
    return [(answer["prompt"], answer["text"]) for answer in work.show()["answers"]]


@pytest.mark.parametrize("mode", ["--pty", "--no-pty"])
@pytest.mark.parametrize("way", ASKS)
def test_prompt_is_answered_once(work: Workplace, way: str, mode: str) -> None:
    """An unattended job, with nothing on stdin, gets the reply; prompt and reply are in the record."""
    command, prompt = ASKS[way]
    result = work.swanlab("run", "-q", mode, "--answer", r"name\?=bob", *command)
    assert (result.returncode, result.stdout.count(b"got bob\n")) == (0, 1), result.stderr
    assert _answers(work) == [(prompt, "bob")]


def test_line_editor_is_answered(work: Workplace) -> None:
    """A program that turns the terminal's echo off and shows the keys itself gets its reply; only its own output keeps it."""
    result = work.swanlab("run", "-q", "--answer", r"name\?=bob", *python("import readline; print('got', input('name? '))"))
    assert result.stdout.endswith(b"name? bob\ngot bob\n")
    assert _answers(work) == [("name? ", None)]


def test_prompts_are_answered_in_any_order_and_again(work: Workplace) -> None:
    """Each prompt gets the reply of the rule that it matches, as often as it comes; an empty reply is Enter alone."""
    code = "print([input(f'{q}? ') for q in ('again', 'name', 'again', 'ok', 'again')])"
    rules = ("--answer", "name=bob=b", "--answer", "again=yes", "--answer", "^ok=")
    assert work.swanlab("run", "-q", *rules, *python(code)).stdout.endswith(b"['yes', 'bob=b', 'yes', '', 'yes']\n")
    assert _answers(work) == [("again? ", "yes"), ("name? ", "bob=b"), ("again? ", "yes"), ("ok? ", ""), ("again? ", "yes")]


@pytest.mark.parametrize(
    "command",
    [python("import getpass; print(len(getpass.getpass()))"), ("bash", "-c", "read -s -p 'Password: ' x; echo ${#x}")],
    ids=["getpass", "read -s"],
)
def test_password_is_typed_and_kept_nowhere(work: Workplace, command: Sequence[str]) -> None:
    """What the terminal does not echo is in no file of the run."""
    result = work.swanlab("run", "-q", "--answer", "(?i)password: =s3cret", *command)
    assert result.stdout.splitlines()[-1] == b"6"
    assert _answers(work) == [("Password: ", None)]
    assert not [path for path in work.run_directory().iterdir() if b"s3cret" in path.read_bytes()]
    assert b"s3cret" not in result.stdout + result.stderr


def test_prompt_without_a_rule_gets_the_end_of_input(work: Workplace) -> None:
    """A job that nobody can answer fails at once, as with nothing on stdin, instead of hanging."""
    result = work.swanlab("run", "-q", "--answer", "other=x", *python("input('name? ')"))
    assert result.returncode == 1
    assert b"EOFError" in result.stderr
    assert _answers(work) == []


def test_program_without_prompts_is_as_ever(work: Workplace) -> None:
    """Output streams stay apart and exact, exit status and reading to the end as well."""
    code = "import os, sys; os.write(1, bytes(range(256))); os.write(2, b'e\\n'); sys.exit(len(sys.stdin.read()) + 3)"
    result = work.swanlab("run", "-q", "--answer", "never asked=y", *python(code))
    assert (result.returncode, result.stdout, result.stderr) == (3, bytes(range(256)), b"e\n")


def test_piped_lines_reach_the_child_between_answers(work: Workplace) -> None:
    """What is piped in is read by whom it was meant for, and so is its end."""
    code = "import sys; print([input('a? '), input('sure? '), input('b? '), sys.stdin.read()])"
    result = work.swanlab("run", "-q", "--answer", "sure=yes", *python(code), stdin=b"one\ntwo\nrest without newline")
    assert result.stdout.endswith(b"['one', 'yes', 'two', 'rest without newline']\n")


def test_busy_program_is_not_typed_at(work: Workplace) -> None:
    """A line that looks like the prompt is not enough: the reply waits until the child reads."""
    code = (
        "import os, sys, termios, fcntl\nprint('sure?', flush=True)\n"
        "for _ in range(300): os.sched_yield(); sum(range(20000))\n"
        "print(int.from_bytes(fcntl.ioctl(0, termios.FIONREAD, bytes(4)), 'little'), flush=True)\n"
        "print('sure?', flush=True); print('got', input())"
    )
    result = work.swanlab("run", "-q", "--answer", "sure=yes", *python(code))
    assert b"\n0\n" in result.stdout
    assert result.stdout.endswith(b"got yes\n")
    assert len(_answers(work)) == 1


def test_user_at_the_terminal_types_the_rest(work: Workplace) -> None:
    """On a real terminal a rule answers its prompt and the user all others, with echo, ^C and the terminal's modes as ever."""
    code = "print('both', input('name? '), input('colour? ')); input('last? ')"
    terminal = pexpect.spawn(
        SWANLAB, ["run", "-q", "--answer", "name=bob", sys.executable, "-c", code], cwd=str(work.directory), env=work.environ,
        encoding="utf-8", timeout=DEADLINE_S,
    )  # fmt: skip
    terminal.expect_exact("colour? ")
    terminal.sendline("red")
    terminal.expect_exact("red\r\nboth bob red\r\n")
    terminal.expect_exact("last? ")
    terminal.sendintr()
    terminal.expect("KeyboardInterrupt")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.signalstatus == 2
    wait_for(lambda: work.show()["signal"] == "SIGINT", "the end in the record")
    assert work.output("--raw").startswith(b"name? bob\r\ncolour? red\r\nboth bob red\r\nlast? ")


def test_rule_from_the_environment(work: Workplace) -> None:
    """SWANLAB_ANSWER holds one rule, commas and all."""
    result = work.swanlab("run", "-q", *python("print(input('a, b? '))"), environ={"SWANLAB_ANSWER": "a, b=c, d"})
    assert result.stdout.endswith(b"c, d\n")


@pytest.mark.parametrize(
    ("text", "pattern", "reply"),
    [
        ("name=bob", "name", "bob"),
        ("name==", "name", "="),
        ("name=", "name", ""),
        (r"a\=b=c", r"a\=b", "c"),
        ("a(?=b)=c", "a(?=b)", "c"),
        ("(?<=a)b=c=d", "(?<=a)b", "c=d"),
        ("(?P<x>a)(?P=x)=c", "(?P<x>a)(?P=x)", "c"),
    ],
)
def test_rule_is_split_at_its_first_plain_equals_sign(text: str, pattern: str, reply: str) -> None:
    """The regular expression keeps an escaped sign and those of its own syntax."""
    rule = parse_rule(text)
    assert (rule.pattern.pattern, rule.reply) == (pattern, reply)


@pytest.mark.parametrize("text", ["", "=", "=yes", "sure", "(=x"])
def test_rule_that_cannot_be_understood(work: Workplace, text: str) -> None:
    """It is a usage error that names the option and the text, and nothing is started."""
    result = work.swanlab("run", "--answer", text, "true")
    assert result.returncode == 2
    assert b"option '--answer'" in result.stderr
    assert not work.logdir.exists()


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"", ""),
        (b"\r\n\n", ""),
        (b"one\ntwo? ", "two? "),
        (b"one\r\ntwo?\r\n\r\n", "two?"),
        (b" 10%\r 20%\rgo on? ", "go on? "),
        (b"\x1b[31mred?\x1b[0m \x1b]0;title\x07", "red? "),
        ("größe? ".encode(), "größe? "),
    ],
)
def test_last_line_of_output(output: bytes, line: str) -> None:
    """The last line with something in it, as it stands on a terminal."""
    assert _last_line(output) == line
