"""Secrets planted everywhere in real runs: none may be in any file, clear, escaped or encoded; and what finds those that are."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Workplace, python, wait_for

SCRIPT = """
import json, os, sys, swanlab
planted = json.load(open("planted.json"))
secrets = lambda place: planted[place]
a, b, c, d, e, f = secrets("script config")
swanlab.init(config={"api_key": a, "deep": [{"password": b}], "note": "Bearer " + c}, description="token=" + d)
swanlab.config["client_secret"] = e
swanlab.config.update({"url": "https://u:%s@host/" % f})
for number, secret in enumerate(secrets("text media")):
    swanlab.log({"text%d" % number: swanlab.Text("api_key=%s %s" % (secret, "long " * (4000 * (number % 2)))), "loss": number})
for secret in secrets("caption"):
    swanlab.log({"captioned": swanlab.Text("x", caption="password: " + secret)})
for secret in secrets("page"):
    swanlab.log({"page": swanlab.Html("<p>access_token=" + secret)})
for secret in secrets("definition"):
    swanlab.define_metric("loss", section_name="token=" + secret)
for name in os.environ:
    if name.startswith("PLANTED_") and name.endswith(("_TOKEN", "_PASSWORD")):
        value = os.environ[name]
        print("stdout has", value, "loss=0.5", flush=True)
        print("stderr has", json.dumps(value), file=sys.stderr, flush=True)
        swanlab.config["from_" + name.lower()[:9]] = value
for secret in sys.argv[sys.argv.index("--token") + 1 :: 2][:1]:
    print(f" 50%|#####     | 5/10 [00:05<00:05, {secret}]", flush=True)
print("got", input("Password: "), flush=True)
raise ValueError("no login with " + os.environ["PLANTED_0_TOKEN"])
"""

PLACES = {
    "environment": 8, "flag": 4, "flag=": 4, "URL": 4, "query": 4, "word": 4, "shell": 4, "option": 4, "config file": 5,
    "script config": 6, "text media": 4, "caption": 2, "page": 2, "definition": 2, "notes": 2, "tag": 2, "remote": 1, "answer": 1,
    "diff": 3,
}  # fmt: skip


def _planted() -> dict[str, list[str]]:
    """Secrets by place, each 20 characters drawn by nobody, and all different."""
    numbers = iter(range(256))

    def secret() -> str:
        return base64.b32encode(hashlib.sha256(bytes([next(numbers)])).digest())[:19].decode().lower() + "9"

    return {place: [secret() for _ in range(count)] for place, count in PLACES.items()}


def _command(planted: dict[str, list[str]]) -> list[str]:
    words = ["train.py"]
    for secret in planted["flag"]:
        words += ["--token", secret]
    words += [f"--password={secret}" for secret in planted["flag="]]
    words += [f"https://me:{secret}@host/x" for secret in planted["URL"]]
    words += [f"https://host/x?a=1&token={secret}" for secret in planted["query"]]
    words += [f"X_API_KEY={secret}" for secret in planted["word"]]
    return words + [f"export DB_PASSWORD={secret}; run" for secret in planted["shell"]]


def _repository(folder: Path, planted: dict[str, list[str]]) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    remote = f"https://me:{planted['remote'][0]}@example.com/x.git"
    subprocess.run([*git, "remote", "add", "origin", remote], cwd=folder, check=True)
    with open(folder / "train.py", "a") as script:
        script.writelines(f"# api_key = '{secret}'\n" for secret in planted["diff"])


def _files(directory: str) -> Iterator[tuple[str, bytes]]:
    for folder, _, names in os.walk(directory):
        for name in names:
            yield name, Path(folder, name).read_bytes()


def _forms(secret: str) -> Iterator[bytes]:
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret.encode())
        yield text[(0, 2, 3)[before] : (before + len(secret)) * 8 // 6]


def _clear(directory: str, planted: dict[str, list[str]]) -> list[tuple[str, str]]:
    """(place, file) of all that can be read."""
    files = list(_files(directory))
    return [
        (place, name)
        for place, secrets in planted.items()
        for secret in secrets
        for name, data in files
        if any(form in data for form in _forms(secret))
    ]


def _is_complete(work: Workplace) -> bool:
    events = Path(work.show()["directory"], "a0-r0.events.jsonl").read_text()
    return '"complete"' in events


def _run_planted(work: Workplace, planted: dict[str, list[str]], *more: str) -> str:
    """Record the script with all that is planted: the run's directory, complete."""
    folder = work.directory
    (folder / "train.py").write_text(SCRIPT)
    (folder / "config.json").write_text(json.dumps({f"c{n}_api_key": secret for n, secret in enumerate(planted["config file"])}))
    (folder / ".gitignore").write_text("planted.json\nconfig.json\nswanlog\n")
    _repository(folder, planted)
    (folder / "planted.json").write_text(json.dumps(planted))
    options = [f"-cm{n}.password={secret}" for n, secret in enumerate(planted["option"])]
    notes = " and ".join(f"token={secret}" for secret in planted["notes"])
    options += ["--notes", notes, *(f"--tag=password={secret}" for secret in planted["tag"])]
    options += ["--config-file", "config.json", "--answer", f"Password: ={planted['answer'][0]}"]
    result = work.swanlab("run", "-q", *more, *options, python("")[0], *_command(planted), environ=_environ(planted))
    assert (result.returncode, planted["environment"][0].encode() in result.stdout) == (1, True), result.stderr
    wait_for(lambda: _is_complete(work), "the scribe")
    return str(work.show()["directory"])


def _environ(planted: dict[str, list[str]]) -> dict[str, str]:
    names = ("TOKEN", "PASSWORD", "API_KEY", "SECRET")
    return {f"PLANTED_{n}_{names[n % 4]}": secret for n, secret in enumerate(planted["environment"])}


def test_no_planted_secret_reaches_the_disk(work: Workplace) -> None:
    """At least 60 secrets in at least 12 places of one run: no byte under its directory gives one away; the terminal has them."""
    planted = _planted()
    assert (len(planted) >= 12, sum(map(len, planted.values())) >= 60) == (True, True)
    assert _clear(_run_planted(work, planted), planted) == []
    assert work.swanlab("show", "--audit", "last", environ=_environ(planted)).returncode == 0


def test_the_planted_secrets_would_reach_the_disk(work: Workplace) -> None:
    """Without masking those of each place are in a file: else the test above would say nothing."""
    planted = _planted()
    reached = {place for place, _ in _clear(_run_planted(work, planted, "--no-redact"), planted)}
    assert set(planted) - reached == {"remote"}  # of which credentials are cut off in any case
    assert work.swanlab("show", "--audit", "last", environ=_environ(planted)).returncode == 1


def test_without_masking_the_audit_finds_them(work: Workplace) -> None:
    """--no-redact records in clear; the audit says where, shows only a beginning and exits with 1."""
    environ = {"MY_TOKEN": "plainvalue123"}
    code = "import os; print('a\\x1b[31m', os.environ['MY_TOKEN'][:5] + '\\x1b[1m' + os.environ['MY_TOKEN'][5:])"
    work.swanlab("run", "-q", "--no-redact", *python(code), "--password", "hunter2x", environ=environ)
    wait_for(lambda: _is_complete(work), "the scribe")
    result = work.swanlab("show", "--audit", "--json", "last", environ=environ)
    found = [finding for finding in json.loads(result.stdout) if finding["file"] == "a0-r0.output"]
    assert [(one["line"], one["kind"]) for one in found] == [(1, "known value")]
    assert (result.returncode, b"plainvalue123" in result.stdout) == (1, False)
    assert json.loads(Path(work.show()["directory"], "run.json").read_text())["command"][-1] == "hunter2x"


def test_a_bad_pattern_starts_nothing(work: Workplace) -> None:
    """The message names the option and the pattern."""
    result = work.swanlab("run", "--redact-pattern", "(", "touch", "started")
    assert (result.returncode, (work.directory / "started").exists()) == (2, False)
    assert b"option '--redact-pattern': '(' is not a regular expression" in result.stderr


def test_a_pattern_of_the_users_masks_the_record(work: Workplace) -> None:
    """In command, notes and output alike; a metrics pattern that it masks still finds what it found."""
    options = ["--redact-pattern", r"patient-\d+", "--notes", "of patient-17", "--pattern", r"patient-17 score (?P<score>\d+)"]
    work.swanlab("run", "-q", *options, *python("print('patient-17 score 5')"), "patient-17")
    wait_for(lambda: _is_complete(work), "the scribe")
    shown = work.show()
    assert (shown["notes"], shown["command"][-1]) == ("of **********", "**********")
    assert [name for name, data in _files(shown["directory"]) if b"patient-17" in data] == []


@pytest.mark.parametrize("mask", [0o022, 0o077], ids=oct)
def test_the_run_directory_follows_the_umask(work: Workplace, mask: int) -> None:
    """Whoever wants others kept out says so by the umask, as with every other file."""
    script = (
        f'umask {mask:03o}; exec swanlab run -q python3 -c \'import swanlab; swanlab.log({{"t": swanlab.Text("x" * 20000)}})\''
    )
    assert work.shell(script).returncode == 0
    wait_for(lambda: _is_complete(work), "the scribe")
    directory = work.show()["directory"]
    for folder, _, names in os.walk(directory):
        for path in [folder, *(os.path.join(folder, name) for name in names)]:
            mode = stat.S_IMODE(os.stat(path).st_mode)
            assert mode == (0o777 if os.path.isdir(path) else 0o666) & ~mask, path
