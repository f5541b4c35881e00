"""Frameworks of the field log into the run: metrics at their steps, the run's name and inputs, and nothing else changes.

Each script is a real training in miniature, run by the Python of an environment that has the framework and nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..conftest import Workplace

SCRIPTS = Path(__file__).parent / "scripts"
PYTHON = Path(sys.prefix) / "frameworks" / "bin" / "python"
# Frameworks ask the network for newer versions and models, unless they are told that there is none.
QUIET = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "KERAS_BACKEND": "torch",
    "MPLBACKEND": "agg",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "offline",
}

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="the frameworks are not installed: `make test-frameworks` does that")


class Training(NamedTuple):
    """What must be in the record of a script."""

    steps: Mapping[str, list[int]]
    """Of each metric that is named; others may be there."""
    name: str | None = None
    project: str | None = None
    config: Mapping[str, Any] = {}
    """Some of the inputs."""
    dropped: frozenset[str] = frozenset()
    """Metrics that the framework logs twice at one step."""


FOUR, FIVE, THREE = list(range(4)), list(range(5)), list(range(3))
TRAININGS = {
    "transformers_report_to": Training(
        {
            "train/loss": [2, 4, 6, 8],
            "train/learning_rate": [2, 4, 6, 8],
            "eval/loss": [4, 8],
            "single_value/train_loss": [8],
        },
        name="tiny gpt",
        config={"num_train_epochs": 2, "n_embd": 8, "FRAMEWORK": "🤗transformers"},
        dropped=frozenset(("train/epoch", "train/global_step")),
    ),
    "transformers_callback": Training(
        {"train/loss": [2, 4, 6, 8], "eval/loss": [4, 8], "single_value/train_loss": [8]},
        name="tiny gpt",
        project="language",
        config={"num_train_epochs": 2, "n_embd": 8, "note": "done"},
    ),
    "lightning_logger": Training(
        {"train/loss": list(range(8)), "val/loss": [3, 7]},
        name="linear",
        project="lines",
        config={"rate": 0.1},
        dropped=frozenset(("epoch",)),
    ),
    "keras_logger": Training(
        {"epoch/loss": [0, 1], "epoch/val_mae": [0, 1], "batch/loss": [1, 3]},
        name="one layer",
        project="dense",
        config={"units": 1, "FRAMEWORK": "keras"},
        # A second fit() counts its epochs anew.
        dropped=frozenset(("epoch/epoch", "epoch/learning_rate", "epoch/loss", "epoch/mae")),
    ),
    "xgboost_callback": Training(
        {"train-logloss": FIVE, "test-logloss-mean": THREE, "best_score": [0]},
        project="trees",
        config={"seed": 0},
        dropped=frozenset(("epoch",)),
    ),
    "lightgbm_callback": Training(
        {"train_l2": FIVE, "valid_l2-mean": THREE}, config={"num_leaves": 4}, dropped=frozenset(("iteration",))
    ),
    "catboost_callback": Training({"learn_RMSE": [1, 2, 3, 4, 5], "validation_RMSE": [1, 2, 3, 4, 5]}, config={"depth": 2}),
    "sb3_callback": Training(
        {"rollout/ep_rew_mean": [50, 100], "time/iterations": [50, 100]}, name="a2c", project="guesses", config={"n_steps": 5}
    ),
    "accelerate_log_with": Training({"loss": THREE}, name="own", project="loops", config={"rate": 0.1}),
    "accelerate_tracker": Training({"loss": THREE}, name="tracked", project="loops", config={"rate": 0.1}),
    "wandb_sync": Training(
        {"loss": THREE, "acc": THREE, "inner/a": THREE, "late": [10]},
        name="honey",
        project="bees",
        config={"rate": 0.1, "batch": 8, "seed": 0, "depth": 2},
    ),
    "mlflow_sync": Training(
        {"loss": [0, 1], "acc": [0, 1], "second/loss": [0, 1]}, name="first", project="flows", config={"rate": 0.1}
    ),
    "tensorboard_torch_sync": Training({"loss": [0, 10, 20]}),
    "tensorboardx_sync": Training({"loss": THREE, "val/loss": THREE, "rates/a": THREE}),
    "torch_media": Training({"loss": [0], "norm": [0], "half": [0]}, project="pictures"),
    "torch_workers": Training(
        {
            **{f"loaded/{method}": list(range(12)) for method in ("fork", "spawn", "forkserver")},
            **{f"sum/{method}": FOUR for method in ("fork", "spawn", "forkserver")},
        },
        project="workers",
    ),
}


def train(work: Workplace, script: str) -> dict[str, Any]:
    """Run a script to its good end; what `swanlab show --json` has of it."""
    # What is on PYTHONPATH or belongs to a user's site would come before the environment of the frameworks.
    environ = {**QUIET, "PYTHONNOUSERSITE": "1", "MPLCONFIGDIR": str(work.directory)}
    result = work.swanlab("run", "-q", str(PYTHON), str(SCRIPTS / f"{script}.py"), environ=environ, timeout_s=300)
    assert result.returncode == 0, result.stderr.decode()[-3000:]
    return work.show()


@pytest.mark.parametrize("script", TRAININGS)
def test_training(work: Workplace, script: str) -> None:
    """The run has the framework's metrics at its steps, its name, project and inputs, and no complaint."""
    expected = TRAININGS[script]
    run = train(work, script)
    assert {key: [step for step, _ in work.series(key)] for key in expected.steps} == expected.steps
    assert {key: run["config"].get(key) for key in expected.config} == expected.config
    assert expected.name in (None, run["name"])
    assert expected.project in (None, run["project"])
    assert run["warnings"] == []
    assert set(run["dropped"]) == expected.dropped


def test_every_script_is_tried() -> None:
    """A script that is forgotten here would be tried by nobody."""
    assert {path.stem for path in SCRIPTS.glob("*.py")} == {*TRAININGS, "openai_autolog", "without_init"}


def test_what_frameworks_look_for(work: Workplace) -> None:
    """They ask for the module's place and for the package's version before they use it."""
    run = work.swanlab("run", "-q", str(PYTHON), str(SCRIPTS / "without_init.py"))
    module, origin, versions = run.stdout.decode().splitlines()
    assert module == origin
    assert versions.split() == ["0.10.3+cli", "0.10.3+cli"]
    assert os.path.basename(os.path.dirname(module)) == "swanlab"


def test_media_of_torch(work: Workplace) -> None:
    """Tensors become pictures and sound; floats and bytes of the same content are not the same picture here."""
    media = train(work, "torch_media")["media"]
    assert {key: (entry["type"], len(entry["last"])) for key, entry in media.items()} == {
        "floats": ("image", 1), "bytes": ("image", 1), "batch": ("image", 4), "sound": ("audio", 1)
    }  # fmt: skip
    assert [item["caption"] for item in media["batch"]["last"]] == ["0", "1", "2", "3"]
    for entry in media.values():
        for item in entry["last"]:
            path = work.run_directory() / item["file"]
            assert path.stat().st_size == item["bytes"]
            assert path.read_bytes()[:4] == (b"RIFF" if entry["type"] == "audio" else b"\x89PNG")


class _Oracle(BaseHTTPRequestHandler):
    """Answers chat completions as OpenAI's server does, whole or in one piece of a stream."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {"id": "c1", "object": "chat.completion", "created": 1, "model": request["model"]}
        if request.get("stream"):
            answer["choices"] = [{"index": 0, "delta": {"content": "four, in pieces"}, "finish_reason": None}]
            body, kind = f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n".encode(), "text/event-stream"
        else:
            answer["choices"] = [{"index": 0, "message": {"role": "assistant", "content": "four"}, "finish_reason": "stop"}]
            answer["usage"] = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
            body, kind = json.dumps(answer).encode(), "application/json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Nothing: the test looks at what arrived elsewhere."""


def test_openai_autolog(work: Workplace) -> None:
    """A completion is recorded with its texts, tokens and time; a stream passes; after disable() nothing is recorded."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Oracle) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environ = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1"}
        result = work.swanlab("run", "-q", str(PYTHON), str(SCRIPTS / "openai_autolog.py"), environ=environ)
        server.shutdown()
    assert (result.returncode, result.stdout) == (0, b"four\nfour, in pieces\nfour\n"), result.stderr.decode()
    run = work.show()
    assert (run["project"], run["name"], run["warnings"]) == ("chats", "hello", [])
    assert work.series("usage/total_tokens") == [(0, 6.0)]
    assert [item["caption"] for item in run["media"]["result"]["last"]] == ["request", "response"]
