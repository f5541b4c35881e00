"""Messages to webhooks: a real server, real runs that tell it of their end, and addresses that stay secret."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from swanlab_cli.cloud.notify import send
from swanlab_cli.cloud.webhooks import payload_for, refusal_in, why_unusable

from .conftest import Workplace, python, wait_for

HANG = 0


class Hook:
    """A server that answers each post with the next of `statuses`, the last for ever; HANG is no answer at all."""

    def __init__(self, statuses: Sequence[int], answer: bytes = b"ok") -> None:
        self.received: list[dict[str, Any]] = []
        self.closing = threading.Event()
        hook, left = self, list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Keep what was posted and answer."""
                hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status = left.pop(0) if len(left) > 1 else left[0]
                if status == HANG:
                    hook.closing.wait()
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook-s3cr3t-path"

    def close(self) -> None:
        """Let go of those that hang, and of the port."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook(request: pytest.FixtureRequest) -> Iterator[Hook]:
    """A server with the statuses of the test's parameter, 200 without."""
    server = Hook(getattr(request, "param", [200]))
    yield server
    server.close()


def refusing_url() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/hook-s3cr3t-path"


def events_of(work: Workplace, kind: str) -> list[dict[str, Any]]:
    """The data of the run's events of this type, as far as they are written."""
    found = []
    for path in work.logdir.glob("run-*/*events.jsonl"):
        lines = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
        found += [event["data"] for event in lines if event["type"] == kind]
    return found


def completed(work: Workplace) -> None:
    """Wait until the scribe has left."""
    wait_for(lambda: events_of(work, "complete"), "the scribe's last event")


def in_clear(work: Workplace, secret: str) -> list[str]:
    """Files of the log directory that hold `secret`."""
    return [str(path) for path in work.logdir.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("hook", "expected", "posts"),
    [
        pytest.param([200], None, 1, id="taken"),
        pytest.param([204], None, 1, id="no-content"),
        pytest.param([500, 200], None, 2, id="fails-once"),
        pytest.param([429, 503, 200], None, 3, id="overloaded-twice"),
        pytest.param([500], "HTTP status 500", 3, id="fails"),
        pytest.param([404], "HTTP status 404", 1, id="unknown"),
        pytest.param([302], "HTTP status 302", 1, id="redirects"),
    ],
    indirect=["hook"],
)
def test_answers_of_a_server(hook: Hook, expected: str | None, posts: int) -> None:
    """What another try may help is tried three times."""
    assert (send(hook.url, "hello", {"id": "x"}), len(hook.received)) == (expected, posts)
    assert hook.received[0] == {"text": "hello", "content": "hello", "id": "x"}


def test_server_that_is_not_there() -> None:
    """Said without its address."""
    assert send(refusing_url(), "hello", {}) == "it cannot be reached"


TEXT_ONLY = {"text": {"content": "hi"}, "msgtype": "text"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://hooks.slack.com/services/T/B/x", {"text": "hi"}, id="slack"),
        pytest.param("https://discord.com/api/webhooks/1/x", {"content": "hi", "allowed_mentions": {"parse": []}}, id="discord"),
        pytest.param(
            "https://open.feishu.cn/open-apis/bot/v2/hook/x", {"msg_type": "text", "content": {"text": "hi"}}, id="feishu"
        ),
        pytest.param("https://open.larksuite.com/hook/x", {"msg_type": "text", "content": {"text": "hi"}}, id="lark"),
        pytest.param("https://oapi.dingtalk.com/robot/send?access_token=x", TEXT_ONLY, id="dingtalk"),
        pytest.param("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x", TEXT_ONLY, id="wecom"),
        pytest.param("https://notdiscord.com/x", {"text": "hi", "content": "hi", "id": 1}, id="another"),
    ],
)
def test_shapes(url: str, expected: dict[str, Any]) -> None:
    """Each service gets what it understands."""
    assert payload_for(url, "hi", {"id": 1}) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"errcode": 310000, "errmsg": "no keyword"}, "error 310000", id="dingtalk"),
        pytest.param({"code": 19024, "msg": "no keyword"}, "error 19024", id="feishu"),
        pytest.param({"code": 0}, None, id="well"),
        pytest.param({"id": 5}, None, id="another"),
    ],
)
def test_refusals_under_status_200(answer: dict[str, Any], expected: str | None) -> None:
    """Some services refuse with a number in the body."""
    assert refusal_in(answer) == expected


@pytest.mark.parametrize(
    "url", ["", "example.com/x", "ftp://example.com/x", "http://", "http:///x", "http://h:99999/x", "http://h /x"]
)
def test_address_that_cannot_be_used(work: Workplace, url: str) -> None:
    """A usage error before anything starts, without the address."""
    result = work.swanlab("run", "--notify", url, "touch", "started")
    assert (result.returncode, work.logdir.exists(), (work.directory / "started").exists()) == (2, False, False)
    assert b"--notify" in result.stderr
    assert why_unusable(url) is not None


def test_end_is_told(work: Workplace, hook: Hook) -> None:
    """With state, reason and last values; and the address is nowhere in the record, though the command prints it."""
    code = "print('loss=0.5'); print('loss=nan'); print(input()); raise SystemExit(3)"
    work.swanlab("run", "-q", "-n", "fox", "-p", "den", "--notify", hook.url, *python(code), stdin=hook.url.encode())
    (message,) = wait_for(lambda: hook.received, "a message")
    shown = work.show()
    assert {**message, "text": "", "content": "", "duration_s": 0, "host": ""} == {
        "text": "", "content": "", "id": shown["id"], "name": "fox", "project": "den", "state": "crashed",
        "end_reason": shown["end_reason"], "duration_s": 0, "host": "", "directory": str(work.run_directory()),
        "metrics": {"loss": "NaN"},
    }  # fmt: skip
    assert message["text"].startswith(f"den/fox ({shown['id']}) on ")
    assert message["text"].endswith(" crashed: exit code 3; loss was NaN from step 1 on")
    completed(work)
    assert in_clear(work, "hook-s3cr3t-path") == []
    assert shown["warnings"] == []


def test_address_in_a_variable_is_not_recorded(work: Workplace, hook: Hook) -> None:
    """Neither among the variables nor in the output of env(1)."""
    work.swanlab("run", "-q", "env", environ={"SWANLAB_NOTIFY": hook.url})
    wait_for(lambda: hook.received, "a message")
    completed(work)
    assert in_clear(work, "hook-s3cr3t-path") == []


def test_child_gets_nothing_of_the_address(work: Workplace, hook: Hook) -> None:
    """A flag is ours alone."""
    assert b"hook-s3cr3t-path" not in work.swanlab("run", "-q", "--notify", hook.url, "env").stdout


@pytest.mark.parametrize("hook", [[HANG]], indirect=True)
def test_server_that_hangs_keeps_nobody(work: Workplace, hook: Hook) -> None:
    """`swanlab run` has exited while the message is still on its way; the record says in the end that it was not taken."""
    result = work.swanlab("run", "-q", "--notify", hook.url, "true")
    wait_for(lambda: hook.received, "a message")
    assert (result.returncode, events_of(work, "complete")) == (0, [])
    completed(work)
    (warning,) = events_of(work, "warning")
    assert warning["text"].startswith("--notify: the message could not be delivered: ")
    assert in_clear(work, "hook-s3cr3t-path") == []


def test_failure_is_a_warning_without_the_address(work: Workplace) -> None:
    """And the exit status is the command's."""
    assert work.swanlab("run", "-q", "--notify", refusing_url(), "sh", "-c", "exit 4").returncode == 4
    completed(work)
    assert events_of(work, "warning") == [{"text": "--notify: the message could not be delivered: it cannot be reached"}]
    assert in_clear(work, "hook-s3cr3t-path") == []
