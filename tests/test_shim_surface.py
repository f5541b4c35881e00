"""The names of SwanLab's Python interface, of 0.10.3 and 0.7.20 together: they are there, and do what they say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from .conftest import Workplace, python

NEWER = """merge_callbacks merge_settings require init finish login log log_text log_image log_audio log_video
log_echarts log_html log_object3d log_molecule define_metric save async_log sync run Run has_run get_run config Text
Audio ECharts Html Image Molecule Object3D Video plot echarts utils Settings Callback Api roc_curve pr_curve
confusion_matrix register_callbacks sync_wandb sync_tensorboardX sync_tensorboard_torch sync_mlflow define_scalar
log_scalar""".split()
OLDER = """login Settings merge_settings init log save register_callbacks finish Audio Image echarts Object3D Molecule
Text Video Run State get_run get_config config OpenApi Api sync_wandb sync_mlflow sync_tensorboardX
sync_tensorboard_torch sync __version__ get_url get_project_url get_package_version roc_curve pr_curve
confusion_matrix""".split()
INIT = """project workspace experiment_name description job_type group tags config logdir mode load public callbacks
settings id resume parallel reinit color log_dir name notes something_new""".split()


def run_script(work: Workplace, *lines: str, status: int = 0) -> str:
    """What these lines of Python, run under `swanlab run`, print; they must end with this status."""
    result = work.swanlab("run", "-q", *python("import swanlab\n" + "\n".join(lines)))
    assert (result.returncode, result.stderr) == (status, result.stderr if status else b"")
    return result.stdout.decode()


def test_every_name_of_both_sdks_is_there(work: Workplace) -> None:
    """As attribute, in `__all__` and in `dir()`."""
    names = sorted({*NEWER, *OLDER})
    output = run_script(
        work,
        f"names = {names}",
        "print([name for name in names if not hasattr(swanlab, name)])",
        "print([name for name in names if name not in swanlab.__all__ and name != '__version__'])",
        "print([name for name in swanlab.__all__ if name not in dir(swanlab)])",
        "from swanlab import *",
        "print(Image is swanlab.Image, callable(log), issubclass(LarkCallback, Callback))".replace(
            "LarkCallback", "plugin.LarkCallback"
        ),
    )
    assert output.splitlines() == ["[]", "[]", "[]", "True True True"]


@pytest.mark.parametrize(
    "statement",
    [
        "from swanlab.plugin.notification import LarkCallback, DingTalkCallback, WXWorkCallback, WeComCallback, DiscordCallback",
        "from swanlab.plugin.notification import SlackCallback, TelegramCallback, EmailCallback, BarkCallback, PrintCallback",
        "from swanlab.plugin.writer import CSVWriter, LogdirFileWriter",
        "from swanlab.toolkit import SwanKitCallback",
        "import swanlab.integration, swanlab.utils, swanlab.plot, swanlab.echarts",
        "swanlab.plugin.notification.LarkCallback; swanlab.utils.generate_name(); swanlab.echarts.Table",
        "import importlib.metadata; assert importlib.metadata.version('swanlab') == swanlab.__version__",
        "import importlib.util; assert importlib.util.find_spec('swanlab').name == 'swanlab'",
        "assert swanlab.get_package_version() == swanlab.__version__",
    ],
)
def test_what_frameworks_import(work: Workplace, statement: str) -> None:
    """The places where both SDKs keep things."""
    run_script(work, statement)


def test_init_takes_every_parameter_of_both_sdks(work: Workplace) -> None:
    """By name, and in the order of 0.7 by position; what is not known means nothing."""
    run_script(work, f"swanlab.init(**dict.fromkeys({INIT}))")
    order = ["'p', 'w', 'n', 'about', 'train', 'g', ['t'], {'lr': 1}, '/nowhere', 'cloud', None, True"]
    run_script(work, f"run = swanlab.init({order[0]}); print(run.name)")
    run = work.show()
    shown = {key: run[key] for key in ("project", "name", "notes", "job_type", "group", "tags", "config")}
    assert list(shown.values()) == ["p", "n", "about", "train", "g", ["t"], {"lr": 1}]


def test_init_loads_its_arguments_from_a_file(work: Workplace) -> None:
    """What is given in the call wins; names of either SDK are understood."""
    (work.directory / "init.json").write_text(
        json.dumps({"project": "p", "experiment_name": "n", "description": "d", "config": {"a": 1}})
    )
    run_script(work, "swanlab.init(load='init.json', project='mine')")
    run = work.show()
    assert (run["project"], run["name"], run["notes"], run["config"]) == ("mine", "n", "d", {"a": 1})


def test_run_shows_what_callbacks_and_loggers_ask_for(work: Workplace) -> None:
    """Attributes of both SDKs' runs."""
    output = run_script(
        work,
        "run = swanlab.init('p', experiment_name='n', description='d', tags=['a'])",
        "print(run.name, run.description, run.project, run.path == '/p/' + run.id, run.alive, run.state)",
        "print(run.settings.experiment.name, run.public.project_name, run.settings.run.id == run.id, swanlab.run is run)",
    )
    assert output.splitlines() == ["n d p True True running", "n p True True"]


@pytest.mark.parametrize(
    ("call", "kind", "count"),
    [
        ("log_text('x', 'a', caption='c')", "text", 1),
        ("log_text(key='x', data=['a', 'b'], caption=['c', 'd'], step=0)", "text", 2),
        ("log_html('x', '<b>')", "html", 1),
        ("log_echarts('x', {'series': []})", "echarts", 1),
        ("log_molecule('x', 'CCO')", "molecule", 1),
        ("log_image('x', [[[0, 1], [2, 3]]], file_type='png')", "image", 1),
        ("log_audio('x', [[0.0, 1.0]], sample_rate=8000)", "audio", 1),
        ("log_object3d('x', [[[1, 2, 3]]])", "object3d", 1),
        ("log_video('x', 'film.gif')", "video", 1),
        ("init().log_text('x', 'a')", "text", 1),
    ],
)
def test_calls_for_one_kind_of_media(work: Workplace, call: str, kind: str, count: int) -> None:
    """One thing or a list of them, with one caption or one for each."""
    (work.directory / "film.gif").write_bytes(b"GIF89a")
    run_script(work, f"swanlab.{call}")
    media = work.show()["media"]["x"]
    assert (media["type"], media["count"], media["last_step"]) == (kind, count, 0)


def test_captions_must_be_as_many_as_items(work: Workplace) -> None:
    """Nothing is raised and nothing recorded."""
    result = work.swanlab("run", "-q", *python("import swanlab; print(swanlab.log_text('x', ['a', 'b'], caption=['c']))"))
    assert (result.returncode, result.stdout, work.show()["media"]) == (0, b"{}\n", {})
    assert b"1 captions for 2 items" in result.stderr


def test_log_scalar_is_log(work: Workplace) -> None:
    """As a function and as a method with names for its arguments."""
    run_script(work, "swanlab.log_scalar('loss', 0.5); swanlab.init().log_scalar(key='loss', value=1, step=7)")
    assert work.series("loss") == [(0, 0.5), (7, 1.0)]


@pytest.mark.parametrize("name", ["define_metric", "define_scalar"])
def test_definitions_are_recorded(work: Workplace, name: str) -> None:
    """The later of two for one metric counts."""
    run_script(work, f"swanlab.{name}('loss', hidden=True); swanlab.{name}('loss', x_axis='epoch', section_name='train', new=1)")
    assert work.show()["definitions"] == {"loss": {"x_axis": "epoch", "section_name": "train", "new": 1}}


@pytest.mark.parametrize("mode", ["threading", "asyncio", "spawn"])
def test_async_log_records_what_the_function_gives_back(work: Workplace, mode: str) -> None:
    """finish() waits for it, and the future has the value."""
    function = "async def" if mode == "asyncio" else "def"
    (work.directory / "script.py").write_text(
        f"import swanlab\n{function} measure(a, b=0): return {{'loss': a + b}}\n"
        "if __name__ == '__main__':\n"
        f"    future = swanlab.async_log(measure, 1, b=2, step=5, mode='{mode}')\n"
        "    swanlab.finish(); print(future.result())\n"
    )
    result = work.swanlab("run", "-q", "python", "script.py")
    assert (result.returncode, result.stdout, result.stderr, work.series("loss")) == (0, b"{'loss': 3}\n", b"", [(5, 3.0)])


def test_async_log_in_a_running_loop(work: Workplace) -> None:
    """The coroutine runs in the program's own loop."""
    run_script(
        work,
        "import asyncio, threading",
        "async def measure(): return {'same thread': threading.current_thread() is threading.main_thread()}",
        "async def main(): await asyncio.wrap_future(swanlab.async_log(measure, mode='asyncio'))",
        "asyncio.run(main())",
    )
    assert work.series("same thread") == [(0, 1.0)]


def test_failure_of_an_async_function_is_reported(work: Workplace) -> None:
    """One line; the training goes on."""
    code = "import swanlab\ndef fail(): raise ValueError('no data')\nfor _ in range(2): swanlab.async_log(fail)\nswanlab.finish()"
    result = work.swanlab("run", "-q", *python(code))
    assert (result.returncode, result.stderr.count(b"ValueError: no data"), result.stderr.count(b"\n")) == (0, 1, 1)


def test_save_copies_files_into_the_run(work: Workplace) -> None:
    """With their paths below the working directory, or below the base that is given."""
    (work.directory / "out" / "deep").mkdir(parents=True)
    (work.directory / "out" / "a.txt").write_text("a")
    (work.directory / "out" / "deep" / "b.txt").write_text("b")
    output = run_script(
        work,
        "import os",
        "print(swanlab.save('out/**/*.txt', policy='now'), swanlab.save('out/deep/*', base_path='out'))",
        "print(swanlab.save(os.path.abspath('out/deep/b.txt')))",
    )
    assert output.splitlines() == ["['out/a.txt', 'out/deep/b.txt'] ['deep/b.txt']", "['b.txt']"]
    files = work.run_directory() / "files"
    found = {str(path.relative_to(files)): path.read_text() for path in files.rglob("*") if path.is_file()}
    assert found == {"out/a.txt": "a", "out/deep/b.txt": "b", "deep/b.txt": "b", "b.txt": "b"}


def test_saving_too_many_files_is_refused(work: Workplace) -> None:
    """As the SDK does."""
    for number in range(101):
        (work.directory / f"{number}.txt").touch()
    output = run_script(work, "try: swanlab.save('*.txt')", "except ValueError as error: print(error)")
    assert "101 files" in output


@pytest.mark.parametrize(
    "use", ["swanlab.Api(api_key='x').runs('p')", "swanlab.OpenApi().list_projects()", "swanlab.sync('dir')"]
)
def test_what_needs_the_cloud_says_so(work: Workplace, use: str) -> None:
    """RuntimeError at the use, with words of what to do; making the object is no use yet."""
    output = run_script(work, f"try: {use}", "except RuntimeError as error: print(error)")
    assert "cloud" in output


@pytest.mark.parametrize(
    ("given", "recorded"), [("swanlab.State.SUCCESS", "success"), ("swanlab.State.CRASHED", "crashed"), ("'Aborted'", "aborted")]
)
def test_states_of_finish(work: Workplace, given: str, recorded: str) -> None:
    """The enum of the older SDK, and text in any case."""
    assert run_script(work, f"swanlab.finish({given}); print(swanlab._run.state)") == f"{recorded}\n"


CALLBACK = """
class Noting(swanlab.SwanKitCallback):
    def __getattribute__(self, name):
        if name.startswith(("on_", "before_")):
            def note(*args, **kwargs): print(name, args[:1] if name == "on_log" else "")
            return note
        return object.__getattribute__(self, name)
noting = Noting()
"""


@pytest.mark.parametrize(
    "registration",
    ["swanlab.init('p', callbacks=[noting])", "swanlab.merge_callbacks(noting); swanlab.init('p', callbacks=noting)"],
)
def test_callbacks_of_the_older_kind_are_called(work: Workplace, registration: str) -> None:
    """Each hook once in its place, however often a callback is registered."""
    script = CALLBACK + registration
    output = run_script(work, script, "swanlab.log({'loss': 1}); swanlab.log({'loss': 2}, step=7)", "swanlab.finish()")
    hooks = [line.split()[0] for line in output.splitlines()]
    assert [hook for hook in hooks if hook != "on_scalar_flush" and not hook.startswith("on_run_")] == [
        "on_init", "before_run", "before_init_experiment", "on_run", "on_log", "on_log", "on_stop"
    ]  # fmt: skip
    assert "on_log ({'loss': 1.0},)" in output
    assert work.series("loss") == [(0, 1.0), (7, 2.0)]


@pytest.mark.parametrize(
    ("ending", "status", "state"),
    [
        ("swanlab.finish()", 0, "success None"),
        ("swanlab.finish('crashed', error='why')", 0, "crashed why"),
        ("pass", 0, "success None"),
        ("raise ValueError('bad')", 1, "crashed ValueError: bad"),
        ("raise KeyboardInterrupt", -2, "aborted KeyboardInterrupt: "),
        ("import os; pid = os.fork(); pid and os.waitpid(pid, 0)", 0, "success None"),
    ],
)
def test_callbacks_of_the_newer_kind_hear_of_the_end(work: Workplace, ending: str, status: int, state: str) -> None:
    """Once, by the process that began the run, also where the script ends without `finish()`."""
    output = run_script(
        work,
        "class Mine(swanlab.Callback):",
        "    def on_run_initialized(self, run_dir, path, settings, **_): print('begun', path.count('/'), settings.project.name)",
        "    def on_scalar_flush(self, scalar_records, **_): print([(r.key, r.value, r.step) for r in scalar_records])",
        "    def on_run_finished(self, state, error=None, **_): print('ended', state, error, flush=True)",
        "swanlab.init('p', callbacks=[Mine()])",
        "swanlab.log({'loss': 1, 'acc': 2}, step=3)",
        ending,
        status=status,
    )
    lines = output.splitlines()
    assert lines[:2] == ["begun 2 p", "[('loss', 1.0, 3), ('acc', 2.0, 3)]"]
    assert [line for line in lines if line.startswith("ended")] == [f"ended {state}"]


def test_callback_that_fails_is_reported_once(work: Workplace) -> None:
    """The call goes on to the others and to the training."""
    code = """
import swanlab
class Bad(swanlab.Callback):
    def on_scalar_flush(self, scalar_records, **_): raise OSError("no more")
class Good(swanlab.Callback):
    def on_scalar_flush(self, scalar_records, **_): print("good")
swanlab.init(callbacks=[Bad(), Good()])
swanlab.log({"loss": 1}); swanlab.log({"loss": 2})
"""
    result = work.swanlab("run", "-q", *python(code))
    assert (result.returncode, result.stdout, work.series("loss")) == (0, b"good\ngood\n", [(0, 1.0), (1, 2.0)])
    assert (result.stderr.count(b"OSError: no more"), result.stderr.count(b"\n")) == (1, 1)


class Receiver:
    """A web server that keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, json.loads(body)))
                self.send_response(500 if self.path.startswith("/broken") else 200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on loopback."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.mark.parametrize(
    ("made", "text_of", "path"),
    [
        ("LarkCallback(url + '/x', language='en')", lambda sent: sent["content"]["text"], "/x"),
        ("SlackCallback(url + '/x', language='en')", lambda sent: sent["text"], "/x"),
        ("DiscordCallback(url + '/x', language='en')", lambda sent: sent["content"], "/x"),
        ("WXWorkCallback(url + '/x', language='en')", lambda sent: sent["text"]["content"], "/x"),
        (
            "DingTalkCallback(url + '/x?token=1', 'SEC1', language='en')",
            lambda sent: sent["text"]["content"],
            "/x?token=1&timestamp=",
        ),
        ("TelegramCallback('12:ab', '34', language='en', api_url=url)", lambda sent: sent["text"], "/bot12:ab/sendMessage"),
        ("BarkCallback(url, key='k', language='en')", lambda sent: sent["body"], "/k"),
    ],
)
def test_notifications_arrive(work: Workplace, receiver: Receiver, made: str, text_of: Any, path: str) -> None:
    """At the end of the run, with its name, project and error, in the form that each place takes."""
    run_script(
        work,
        "from swanlab.plugin.notification import *",
        f"url = {receiver.url!r}",
        f"swanlab.init('p', experiment_name='n', callbacks=[{made}])",
        "swanlab.finish('crashed', error='out of memory')",
    )
    ((sent_to, sent),) = receiver.requests
    assert sent_to.startswith(path)
    assert text_of(sent) == "SwanLab\nRun n of project p crashed\nout of memory"


@pytest.mark.parametrize("url", ["{url}/broken", "http://127.0.0.1:1/", "nonsense"])
def test_notification_that_cannot_be_sent_is_reported(work: Workplace, receiver: Receiver, url: str) -> None:
    """One line, and the status is the script's."""
    made = f"swanlab.plugin.SlackCallback({url.format(url=receiver.url)!r})"
    result = work.swanlab("run", "-q", *python(f"import swanlab; swanlab.init(callbacks={made}); swanlab.finish()"))
    assert (result.returncode, result.stderr.count(b"\n")) == (0, 1)
    assert b"SlackCallback.on_run_finished failed" in result.stderr


def test_csv_writer_keeps_a_row_for_each_run(work: Workplace) -> None:
    """With config and last values; a new metric adds a column."""
    for metric in ("loss", "acc"):
        run_script(
            work,
            "from swanlab.plugin.writer import CSVWriter",
            "swanlab.init('p', experiment_name='n', config={'lr': 0.1}, callbacks=[CSVWriter(dir='.', filename='runs.csv')])",
            f"swanlab.log({{'{metric}': 1}}); swanlab.log({{'{metric}': 2}})",
        )
    header, first, second = (work.directory / "runs.csv").read_text().splitlines()
    assert header.split(",")[-3:] == ["config/lr", "loss", "acc"]
    assert (first.split(",")[-3:], second.split(",")[-3:]) == (["0.1", "2.0", ""], ["0.1", "", "2.0"])


CURVES = "[0, 0, 1, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.8, 0.5]"


@pytest.mark.parametrize(
    ("call", "title", "data"),
    [
        (
            f"roc_curve({CURVES})",
            "ROC Curve (AUC = 0.7778)",
            [[0, 0], [0, 2 / 3], [1 / 3, 2 / 3], [2 / 3, 2 / 3], [2 / 3, 1], [1, 1]],
        ),
        (f"pr_curve({CURVES}, title='mine')", "mine", [[0, 1], [2 / 3, 1], [2 / 3, 2 / 3], [2 / 3, 0.5], [1, 0.6], [1, 0.5]]),
        (
            "confusion_matrix([0, 0, 1], [0, 1, 1], ['a', 'b'])",
            "Confusion Matrix",
            [[0, 0, 0.5], [1, 0, 0.5], [0, 1, 0], [1, 1, 1]],
        ),
    ],
)
def test_curves_and_tables_without_any_library(work: Workplace, call: str, title: str, data: list[list[float]]) -> None:
    """Numbers computed by hand; loggable at once from each of the three places where they are."""
    run_script(work, *(f"swanlab.log({{'x': swanlab.{place}{call}}})" for place in ("", "plot.", "echarts.")))
    media = work.show()["media"]["x"]
    assert (media["type"], media["count"]) == ("echarts", 3)
    options = json.loads((work.run_directory() / media["last"][0]["file"]).read_text())
    assert options["title"]["text"] == title
    assert options["series"][0]["data"] == [pytest.approx(point) for point in data]


@pytest.mark.parametrize(
    "call",
    [
        "roc_curve([1, 1], [0.5, 0.6])",
        "pr_curve([0], [1])",
        "roc_curve([0, 1], [1])",
        "confusion_matrix([2], [0], ['a'])",
        "echarts.Bar()",
    ],
)
def test_what_cannot_be_drawn_says_why(work: Workplace, call: str) -> None:
    """ValueError for data, ImportError for a library that is missing."""
    output = run_script(work, f"try: swanlab.{call}", "except (ValueError, ImportError) as error: print(error)")
    assert len(output) > 20


def test_table(work: Workplace) -> None:
    """Columns and rows; NaN is empty."""
    run_script(work, "swanlab.log({'x': swanlab.echarts.Table().add(['a', 'b'], [[1, float('nan')], ['t', None]])})")
    item = work.show()["media"]["x"]["last"][0]
    table = json.loads(Path(work.run_directory(), item["file"]).read_text())
    assert [column["field"] for column in table["colDefs"]] == ["a", "b"]
    assert table["rowData"] == [{"a": 1, "b": None}, {"a": "t", "b": None}]
