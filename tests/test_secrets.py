"""environment/secrets: what is a secret and what is not, and that none of a run reaches the disk in clear."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import stat
import string
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swanlab_cli.environment.secrets import Redactor, is_secret, known_values

from .conftest import Workplace

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def key(alphabet: str, length: int, seed: int = 1) -> str:
    """Random characters, the same each time; with a digit and both cases where there are such."""
    made = "".join(random.Random(f"{alphabet}{length}{seed}").choices(alphabet, k=length - 3))
    return made + ("aB7" if alphabet == LETTERS else "0a7" if alphabet == HEX else "A7B")


FORMATS: dict[str, Callable[[int], str]] = {
    "AWS key id": lambda n: "AKIA" + key(string.ascii_uppercase + string.digits, 16, n),
    "Google": lambda n: "AIza" + key(LETTERS, 35, n),
    "OpenAI": lambda n: "sk-" + key(LETTERS, 48, n),
    "OpenAI project": lambda n: "sk-proj-" + key(LETTERS, 48, n),
    "Anthropic": lambda n: "sk-ant-api03-" + key(LETTERS, 90, n) + "AA",
    "Hugging Face": lambda n: "hf_" + key(LETTERS, 34, n),
    "GitHub": lambda n: "ghp_" + key(LETTERS, 36, n),
    "GitHub server": lambda n: "ghs_" + key(LETTERS, 36, n),
    "GitHub fine-grained": lambda n: "github_pat_" + key(LETTERS, 22, n) + "_" + key(LETTERS, 59, n),
    "GitLab": lambda n: "glpat-" + key(LETTERS, 20, n),
    "Slack": lambda n: "xoxb-1234567890-" + key(LETTERS, 24, n),
    "JWT": lambda n: ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", key(LETTERS, 43, n))),
    "Stripe": lambda n: "sk_live_" + key(LETTERS, 24, n),
    "SendGrid": lambda n: f"SG.{key(LETTERS, 22, n)}.{key(LETTERS, 43, n)}",
    "npm": lambda n: "npm_" + key(LETTERS, 36, n),
    "PyPI": lambda n: "pypi-AgEIcHlwaS5vcmc" + key(LETTERS, 60, n),
    "Databricks": lambda n: "dapi" + key(HEX, 32, n),
    "Groq": lambda n: "gsk_" + key(LETTERS, 52, n),
    "Telegram": lambda n: "110201543:AA" + key(LETTERS, 33, n),
    "NVIDIA": lambda n: "nvapi-" + key(LETTERS, 64, n),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_masked_wherever_they_are(name: str) -> None:
    """Between words, in quotes, in JSON; the text around stays, and its length."""
    secret = FORMATS[name](3)
    for text in (f"here {secret} there", f'{{"a": "{secret}"}}', f"x='{secret}'", secret):
        assert Redactor().text(text) == text.replace(secret, "*" * len(secret))


PRIVATE_KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(key(LETTERS, 64, n) for n in range(4)) + "\n-----END RSA PRIVATE KEY-----"
)


def test_private_key_keeps_its_lines() -> None:
    """Only what is between its marks is masked."""
    masked = Redactor().text(f"before\n{PRIVATE_KEY}\nafter").splitlines()
    assert [set(line) == {"*"} for line in masked] == [False, False, True, True, True, True, False, False]


PASSWORD = "Tr0ub4dor&3x"


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("train --api-key §", "train --api-key s3cr3tValue99"),
        ("train --token=§", "train --token=s3cr3tValue99"),
        ("train --password § --lr 0.1", "train --password s3cr3tValue99 --lr 0.1"),
        ("train --hf_token §", "train --hf_token s3cr3tValue99"),
        ("env OPENAI_API_KEY=§ python train.py", "env OPENAI_API_KEY=s3cr3tValue99 python train.py"),
        ("mysql -p§ -u root", "mysql -ps3cr3tValue99 -u root"),
        ("sshpass -p § ssh -p 22 host", "sshpass -p s3cr3tValue99 ssh -p 22 host"),
        ("curl -u ana:§ http://h/", "curl -u ana:s3cr3tValue99 http://h/"),
        ("git clone https://ana:§@host/r.git", "git clone https://ana:s3cr3tValue99@host/r.git"),
        ("wget http://host/?token=§&x=1", "wget http://host/?token=s3cr3tValue99&x=1"),
        ("train wandb.api_key=§ lr=0.1", "train wandb.api_key=s3cr3tValue99 lr=0.1"),
        ("train --max-tokens 4096 --pad_token <pad>", "train --max-tokens 4096 --pad_token <pad>"),
        ("train --tokenizer bert-base-uncased", "train --tokenizer bert-base-uncased"),
        ("train --key-dim 64 --num_keys 12", "train --key-dim 64 --num_keys 12"),
    ],
)
def test_command_lines(expected: str, words: str) -> None:
    """Flags, assignments, URLs; hyper-parameters stay."""
    masked = Redactor().command(words.split(" "))
    assert " ".join(masked) == expected.replace("§", "*" * 13)


def test_words_of_a_shell() -> None:
    """What is exported in a line for a shell."""
    (_, _, masked) = Redactor().command(["bash", "-c", f"export DB_PASSWORD='{PASSWORD}'; python train.py"])
    assert masked == f"export DB_PASSWORD='{'*' * len(PASSWORD)}'; python train.py"


SECRET_NAMES = (
    "OPENAI_API_KEY HF_TOKEN GITHUB_TOKEN AWS_SECRET_ACCESS_KEY DB_PASSWORD MYSQL_PWD secret client_secret SECRET_KEY apiKey"
    " openai.api_key WANDB_API_KEY SWANLAB_API_KEY SLACK_BOT_TOKEN private_key passphrase access_token password PASSWD auth_token"
    " AZURE_CLIENT_SECRET DJANGO_SECRET_KEY credentials bearerToken NPM_TOKEN TOKEN"
).split()
OTHER_NAMES = (
    "TOKENIZERS_PARALLELISM MAX_TOKENS num_tokens token_count pad_token_id eos_token KEYBOARD MONKEY num_keys key_dim sort_key"
    " primary_keys keys author authors AUTHORITY key_padding_mask SSH_AUTH_SOCK XAUTHORITY keyword passes bypass compass"
    " n_tokens total_tokens tokens_per_second tokenizer token_type password_min_length secretary monkey_patch hotkey turkey"
    " max_new_tokens image_token_len image_token stop_token key_value_heads num_key_value_heads pass_at_1 passrate signature_dim"
    " use_auth_token enable_password require_password key_type public_key_path TOKEN_PATH PASSWORD_FILE api_key_name"
).split()


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    """In every spelling."""
    assert is_secret(name, "Xk29sLq8Zm4T")
    assert Redactor().data({name: "Xk29sLq8Zm4T"}) == {name: "*" * 12}


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_names_of_other_things(name: str) -> None:
    """Words that only look alike, and what is about a secret without being one."""
    assert not is_secret(name, "4096")
    assert Redactor().data({name: 4096, "x": {name: True}}) == {name: 4096, "x": {name: True}}


ORDINARY = (
    "true false none null 0 1 0.1 <pad> </s> changeme **** your-api-key-here ${TOKEN} $TOKEN [MASK] {{token}} optional"
    " default prompt /run/secrets/db_password ~/.ssh/id_rsa key.pem"
).split()


@pytest.mark.parametrize("value", ORDINARY)
def test_values_that_are_none(value: str) -> None:
    """Beside whatever name."""
    assert Redactor().data({"api_key": value, "password": value}) == {"api_key": value, "password": value}


LINES = (
    "epoch 3 loss=0.25 acc=0.9 tokens=4096 tok/s=1234.5",
    "step 100/1000 | loss 2.345 | lr 3.00e-04 | tokens per second: 45678 | grad norm 1.23",
    "Loading checkpoint shards: 100%|██████████| 4/4 [00:12<00:00,  3.05s/it]",
    "Setting `pad_token_id` to `eos_token_id`:50256 for open-end generation.",
    "tokenizer = AutoTokenizer.from_pretrained('meta-llama/Llama-2-7b-hf')",
    "special_tokens_map={'bos_token': '<s>', 'eos_token': '</s>', 'unk_token': '<unk>', 'pad_token': '<pad>'}",
    "{'loss': '4.06', 'grad_norm': '1.7', 'learning_rate': '5e-05', 'epoch': '0.25'}",
    "missing keys: ['classifier.weight', 'classifier.bias'], unexpected keys: ['pooler.dense.weight']",
    "key: loss value: 0.25 key: accuracy value: 0.9",
    "KeyError: 'model.layers.0.self_attn.k_proj.weight'",
    "query_key_value.weight torch.Size([3072, 1024])",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 model.safetensors",
    "commit 82ca84799b39d9e28cd302136e5d6c77755cae51",
    "run id: 550e8400-e29b-41d4-a716-446655440000",
    "https://huggingface.co/datasets/squad/resolve/main/data?download=true&page=2",
    "git+https://github.com/huggingface/transformers.git@v4.40.0#egg=transformers",
    "wandb: Currently logged in as: ana. Use `wandb login --relogin` to force relogin",
    "the password is asked for at the prompt; a token is needed",
    "Please provide your API key as --api-key or in the variable OPENAI_API_KEY",
    "def forward(self, query, key, value, key_padding_mask=None, need_weights=True):",
    "for key, value in config.items(): print(key, value)",
    "auth = None; token = os.environ.get('HF_TOKEN'); password = getpass.getpass()",
    "authorization: disabled, authentication by proxy",
    "if token is None: raise ValueError('token is required')",
    "key_frames=12 monkey=3 turkey=4 donkey=5",
    "2026-01-01 00:00:00,123 INFO [trainer.py:88] task-1234567890 secret santa list has 12 names",
    "sort_key=name primary_key=id foreign_key=user_id unique_key=true",
    "loss_key='val_loss' metric_key=accuracy key_func=len",
    "bearer of bad news: loss=nan",
    "basic training finished, Basic understanding needed",
    "risk-sk-learn ask-me sk-learn-extra task-sk-1",
    "eyJoke eyJ is a prefix",
    "hf_hub_download hf_transfer hf_xet ghp_ gho_ xoxb- AKIA ASIA AIza",
    "Compiling npm_config_cache pypi-simple glpat",
    "password_hash = bcrypt.hashpw(password.encode(), bcrypt.gensalt())",
    "SELECT * FROM tokens WHERE token_id = 42 AND key = 'x'",
    "chr1\t12345\t.\tA\tG\t50\tPASS\tDP=100",
    "passed=12 failed=0 bypass=1 compass=north passphrase_required=false",
    "secrets.token_hex(16) secrets.choice(range(10))",
    "--max_new_tokens 512 --top_p 0.9 --num_key_value_heads 8",
    '{"token": "<unk>", "id": 3, "key": "a", "signature": "v1"}',
    "Signature: f(x, /) -> float; signature=(int, str)",
    "pwd=/home/ana/work cwd=/home/ana/work",
    "user:password@host is how URLs hold them",
    "ssh://git@github.com/ana/repo.git git@github.com:ana/repo.git",
    "cookie jar: 12 cookies, session cookie set",
    "webhook called in 12 ms",
    "salt=16 pepper=3 nonce=0 otp=off",
    "3f2a9c key=value a=b c=d",
    "Total params: 124,439,808 | Trainable: 124,439,808",
)


@pytest.mark.parametrize("line", LINES)
def test_lines_of_training_stay(line: str) -> None:
    """Nothing in them is a secret."""
    assert Redactor().text(line) == line


def test_sources_stay() -> None:
    """Of ten thousand lines of programs that are not about passwords, at most one."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    names = (
        "argparse.py",
        "asyncio/tasks.py",
        "datetime.py",
        "decimal.py",
        "inspect.py",
        "pathlib.py",
        "tarfile.py",
        "typing.py",
        "turtle.py",
    )
    lines = [line for name in names if (folder / name).exists() for line in (folder / name).read_text().splitlines()]
    lines += [line for path in sorted((folder / "json").glob("*.py")) for line in path.read_text().splitlines()]
    assert len(lines) > 10_000
    assert len([line for line in lines if Redactor().text(line) != line]) <= 1


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (False, "abc"), (False, "true"), (False, "training"), (False, "12345678"),
        (True, "1234567890123"), (True, "x9!kQ2"), (True, "correct-horse-battery"),
    ],
)  # fmt: skip
def test_values_that_are_masked_everywhere(expected: bool, value: str) -> None:
    """Not those that could be an ordinary word or number."""
    assert (value in known_values((), {"DB_PASSWORD": value}, {})) is expected


def test_value_that_is_a_path_stays(tmp_path: Path) -> None:
    """A file that is there is no secret itself."""
    path = tmp_path / "id_rsa"
    path.write_text("x")
    assert known_values((), {"SSH_PRIVATE_KEY": str(path)}, {}) == ()


# ---------------------------------------------------------------------------------------------------------------------------

SCRIPT = """\
import os, sys, swanlab
inside = os.environ["PLANTED"].split(" ")
os.environ["LATE_API_KEY"] = inside[0]
config = {"api_key": inside[1], "nested": {"list": [{"password": inside[2]}]}, "note": inside[3]}
swanlab.init(config=config, notes="uses " + inside[4])
swanlab.config.update({"url": "https://u:" + inside[5] + "@host/", "client_secret": inside[6]})
swanlab.log({"text": swanlab.Text("said " + inside[7]), "long": swanlab.Text(("word " * 5000) + inside[8])})
swanlab.log({"page": swanlab.Html("<b>" + inside[9] + "</b>")})
for name in sorted(os.environ):
    if name.startswith("SHOWN_"):
        print("out", os.environ[name], flush=True)
        print("err", os.environ[name], file=sys.stderr, flush=True)
        half = ("half " + os.environ[name] + "\\n").encode()
        os.write(1, half[:20])
        os.write(1, half[20:])
raise RuntimeError("cannot log in with " + os.environ["SHOWN_0_TOKEN"])
"""


class Planted:
    """Secrets of all formats, and where they were put."""

    def __init__(self) -> None:
        self.by_place: dict[str, list[str]] = {}
        self._number = 100

    def put(self, place: str) -> str:
        """A new secret for a place."""
        self._number += 1
        makers = list(FORMATS.values())
        secret = makers[self._number % len(makers)](self._number)
        self.by_place.setdefault(place, []).append(secret)
        return secret

    def password(self, place: str) -> str:
        """A new secret that only its name, flag or place tells from other text."""
        self._number += 1
        secret = key(LETTERS, 18, self._number)
        self.by_place.setdefault(place, []).append(secret)
        return secret

    def all(self) -> Iterator[tuple[str, str]]:
        """(place, secret)."""
        for place, secrets in self.by_place.items():
            for secret in secrets:
                yield place, secret


def _repository(folder: Path, planted: Planted) -> None:
    (folder / "train.py").write_text(SCRIPT)
    (folder / "settings.py").write_text("a = 1\n")
    git = ["git", "-c", "user.email=a@b", "-c", "user.name=a"]
    subprocess.run([*git, "init", "-q", "."], cwd=folder, check=True)
    subprocess.run([*git, "add", "train.py", "settings.py"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], cwd=folder, check=True)
    remote = f"https://ana:{planted.password('git remote')}@git.example.org/r.git"
    subprocess.run([*git, "remote", "add", "origin", remote], cwd=folder, check=True)
    lines = [
        f'API_KEY = "{planted.password("diff")}"',
        f"x = '{planted.put('diff')}'",
        f'PASSWORD = "{planted.password("diff")}"',
    ]
    lines += [f"# {planted.put('diff')}" for _ in range(5)]
    (folder / "settings.py").write_text("\n".join([*lines, PRIVATE_KEY, ""]))
    with (folder / "train.py").open("a") as script:
        script.write(f"# {planted.put('script')}\nDB_PASSWORD = '{planted.password('script')}'\n")


def test_planted_secrets_never_reach_the_disk(work: Workplace) -> None:
    """Sixty and more in twelve places and more: none is in the run's files, as it is, in JSON or in base64."""
    planted = Planted()
    _repository(work.directory, planted)
    config_file = {"token_of_file": planted.put("config file"), "db": {"password": planted.password("config file")}}
    (work.directory / "config.json").write_text(json.dumps(config_file))
    inside = [planted.put("shim") if number in (3, 4, 7, 8, 9) else planted.password("shim") for number in range(10)]
    shown = {f"SHOWN_{number}_TOKEN": planted.password("output") for number in range(6)}
    variables = {f"V{n}_API_KEY": planted.password("environment") for n in range(6)} | {
        f"HF_V{n}": planted.put("environment") for n in range(6)
    }
    options = ["--config-file", "config.json", "--notify", f"http://127.0.0.1:9/{planted.password('webhook')}"]
    options += ["-c", f"api_key={planted.password('config')}", "-c", f"other={planted.put('config')}"]
    options += ["--notes", f"with {planted.put('notes')}", "-t", planted.put("tag"), "-g", planted.put("group")]
    options += ["-n", planted.put("name"), "--pattern", f"x(?P<a>{planted.put('pattern')})"]
    flags = [planted.password("flag") for _ in range(3)]
    arguments = ["--api-key", flags[0], f"--token={flags[1]}", "--password", flags[2], "--hf-token", planted.put("flag")]
    arguments += [f"https://ana:{planted.password('argument URL')}@host/"]
    arguments += [f"http://h/?access_token={planted.password('argument URL')}"]
    arguments += [f"DB_PASSWORD={planted.password('argument')}", f"model.secret_key={planted.password('argument')}"]
    arguments += [planted.put("argument"), f"--pw={planted.put('argument')}"]
    arguments += ["-H", f"Authorization: Bearer {planted.password('header')}"]
    environ = {**shown, **variables, "PLANTED": " ".join(inside)}
    result = work.swanlab("run", *options, sys.executable, "train.py", *arguments, environ=environ)
    assert result.returncode == 1
    for secret in shown.values():
        assert result.stdout.count(secret.encode()) == 2, "what comes out is untouched"
    run = work.show()  # waits for the scribe
    directory = work.run_directory()
    assert {"diff", "script", "git", "variables"} <= run["environment"].keys(), run["environment"].get("failed")
    assert len(list(planted.all())) >= 60
    assert len(planted.by_place) >= 12
    recorded = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    leaks = [
        (place, path.name, secret[:6])
        for place, secret in planted.all()
        for form in _forms(secret)
        for path, data in recorded.items()
        if form in data
    ]
    assert leaks == []
    assert all(line not in data for line in PRIVATE_KEY.encode().splitlines()[1:-1] for data in recorded.values())
    assert work.swanlab("show", "last", "--audit", environ=environ).returncode == 0


def _forms(secret: str) -> Iterator[bytes]:
    """As it is, in JSON, and in base64 whatever stands before it, less what shares bits with that."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode())
        yield encoded[4 if shift else 0 : len(encoded) - 4]


def test_output_shows_where_something_was(work: Workplace) -> None:
    """As many stars; the rest of the line, its metrics and its length stay."""
    work.swanlab("run", "-q", "sh", "-c", 'echo "loss=0.5 key $MY_TOKEN end"', environ={"MY_TOKEN": "Xk29sLq8Zm4T"})
    assert work.output("--raw").strip() == b"loss=0.5 key ************ end"
    assert work.series("loss") == [(0, 0.5)]


def test_users_patterns(work: Workplace) -> None:
    """They mask in every text; one that is no expression is refused before anything starts."""
    command = ("run", "-q", "--redact-pattern", r"patient-\d+", "-n", "patient-17", "echo", "patient-42 is well")
    work.swanlab(*command)
    run = work.show()
    assert (run["name"], run["command"], work.output("--raw").strip()) == (
        "**********",
        ["echo", "********** is well"],
        b"********** is well",
    )
    refused = work.swanlab("run", "--redact-pattern", "(", "true")
    assert (refused.returncode, b"'(' is not a regular expression" in refused.stderr) == (2, True)


def test_no_redact_records_all(work: Workplace) -> None:
    """In the child too."""
    code = "import swanlab; swanlab.config.update({'api_key': 'Xk29sLq8Zm4T'}); print('Xk29sLq8Zm4T')"
    work.swanlab("run", "-q", "--no-redact", sys.executable, "-c", code, environ={"MY_TOKEN": "Xk29sLq8Zm4T"})
    run = work.show()
    assert run["config"] == {"api_key": "Xk29sLq8Zm4T"}
    assert work.output("--raw").strip() == b"Xk29sLq8Zm4T"
    audited = work.swanlab("show", "last", "--audit", "--json", environ={"MY_TOKEN": "Xk29sLq8Zm4T"})
    found = json.loads(audited.stdout)
    assert audited.returncode == 1
    assert {finding["file"] for finding in found} >= {"a0-r0.output", "run.json"}
    assert all(re.fullmatch(r"[^*]{4}\*+", finding["shown"]) for finding in found)


def test_audit_finds_what_was_printed(work: Workplace) -> None:
    """A key that no variable held, with its file and line; the table does not show it."""
    secret = FORMATS["Hugging Face"](9)
    work.swanlab("run", "-q", "sh", "-c", f"echo one; tr a-zA-Z n-za-mN-ZA-M <<'E'\n{_rot13(secret)}\nE")
    audited = work.swanlab("show", "last", "--audit")
    assert audited.returncode == 1
    (line,) = [line.split() for line in audited.stdout.decode().splitlines() if "output" in line]
    assert line == ["a0-r0.output", "2", "Hugging", "Face", "token", "hf_" + secret[3] + "*" * 16]


def _rot13(text: str) -> str:
    turned = string.ascii_lowercase[13:] + string.ascii_lowercase[:13]
    return text.translate(str.maketrans(string.ascii_letters, turned + turned.upper()))


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_follow_the_umask(work: Workplace, umask: int) -> None:
    """Others see what the user's umask lets them see."""
    subprocess.run(["sh", "-c", f"umask {umask:o}; swanlab run -q true"], cwd=work.directory, env=work.environ, check=True)
    directory = work.run_directory()
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o777 & ~umask
    assert stat.S_IMODE(os.stat(directory / "run.json").st_mode) == 0o666 & ~umask
