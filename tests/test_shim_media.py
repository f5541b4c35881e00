"""Media in real runs: what objects of many kinds become in the run's folder, read back with readers of their own."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from swanlab_cli.recorder.view import media_of, open_run

from .conftest import SWANLAB, Workplace, python, wait_for

PREPARED = """
import swanlab, io, os, pathlib
import numpy as np
"""
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(100)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(100)


class Logged:
    """What a script logged."""

    def __init__(self, work: Workplace, said: str) -> None:
        self.run_dir = work.run_directory()
        self.media = media_of(open_run(str(self.run_dir), patient=True))
        self.said = said

    def item(self, metric: str = "x") -> dict[str, Any]:
        """The one item of a metric."""
        (item,) = [item for point in self.media if point.metric == metric for item in point.items]
        return item

    def file(self, metric: str = "x") -> Path:
        """The file of a metric's one item, whose name must be its content's."""
        path: Path = self.run_dir / self.item(metric)["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.name.split(".")[0])
        assert self.item(metric)["bytes"] == path.stat().st_size
        return path

    def pixels(self, metric: str = "x") -> np.ndarray[Any, Any]:
        """An image as Pillow reads it."""
        with PIL.Image.open(self.file(metric)) as picture:
            return np.asarray(picture)


def run_script(work: Workplace, *lines: str) -> Logged:
    """Run these lines of Python under `swanlab run`; they must succeed."""
    result = work.swanlab("run", "-q", *python(PREPARED + "\n".join(lines)))
    assert result.returncode == 0, result.stderr
    return Logged(work, result.stderr.decode())


@pytest.fixture(scope="session")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where matplotlib has its list of fonts: it says so when making one takes it long."""
    folder = str(tmp_path_factory.mktemp("fonts"))
    subprocess.run(python("import matplotlib.font_manager"), env={**os.environ, "MPLCONFIGDIR": folder}, check=True)
    return folder


GREY = [[0, 128], [255, 3]]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("np.array([[0, 128], [255, 3]], 'uint8')", GREY),
        ("np.array([[0, 128], [255, 3]])", GREY),
        ("np.array([[0.0, 128.0], [255.0, 3.0]])", GREY),
        ("np.array([[0, 128], [255, 3]]) / 255", GREY),
        ("(np.array([[0, 128], [255, 3]]) / 255).astype('float32')", GREY),
        ("np.array([[0, 128], [255, 3]], 'uint8')[:, :, None]", GREY),
        ("np.array([[0, 128], [255, 3]], 'uint8').T.copy().T", GREY),
        ("np.array([[True, False], [False, True]])", [[255, 0], [0, 255]]),
        ("np.array([[0, 1], [1, 0]])", [[0, 1], [1, 0]]),
        ("np.array([[0.0, 1.0], [0.5, 0.25]])", [[0, 255], [128, 64]]),
        ("np.array([[-1.0, 1.0], [0.0, -1.0]])", [[0, 255], [128, 0]]),
        ("np.array([[0, 65535], [0, 0]], 'uint16')", [[0, 255], [0, 0]]),
        ("np.array([[np.nan, 1.0], [0.0, 0.5]])", [[0, 255], [0, 128]]),
        ("[[0, 128], [255, 3]]", GREY),
        ("swanlab.Image(np.array([[0, 128], [255, 3]], 'uint8'))", GREY),
    ],
)
def test_array_of_grey_values(work: Workplace, made: str, expected: list[list[int]]) -> None:
    """Integers and floats up to 255 are taken as they are, floats up to 1 as such, and what exceeds both is scaled."""
    assert run_script(work, f"swanlab.log({{'x': swanlab.Image({made})}})").pixels().tolist() == expected


@pytest.mark.parametrize("shape", [(4, 5, 3), (4, 5, 4), (3, 4, 5), (1, 4, 5), (4, 9, 2), (1, 4, 5, 3), (3, 3, 3)])
def test_arrangement_of_channels(work: Workplace, shape: tuple[int, ...]) -> None:
    """Channels last or first; where both could be, last."""
    count = int(np.prod(shape))
    logged = run_script(work, f"swanlab.log({{'x': swanlab.Image(np.arange({count}, dtype='uint8').reshape({shape}))}})")
    array = np.arange(count, dtype="uint8").reshape(shape).squeeze()
    expected = array.transpose(1, 2, 0) if shape == (3, 4, 5) else array
    assert np.array_equal(expected, logged.pixels())


@pytest.mark.parametrize(
    ("made", "extension", "size"),
    [
        ("PIL.new('RGB', (6, 4), 'red')", "png", (6, 4)),
        ("PIL.new('CMYK', (6, 4))", "png", (6, 4)),
        ("PIL.new('RGBA', (6, 4)), file_type='jpg'", "jpg", (6, 4)),
        ("PIL.new('L', (6, 4)), size=3", "png", (3, 2)),
        ("PIL.new('L', (6, 4)), size=(3, None)", "png", (3, 4)),
        ("PIL.new('RGB', (6, 4)), mode='L'", "png", (6, 4)),
        ("saved('BMP')", "bmp", (6, 4)),
        ("saved('JPEG')", "jpg", (6, 4)),
        ("saved('WEBP')", "webp", (6, 4)),
        ("io.BytesIO(saved('GIF'))", "gif", (6, 4)),
        ("pathlib.Path('file.png')", "png", (6, 4)),
        ("'file.png'", "png", (6, 4)),
        ("'file.png', file_type='bmp'", "bmp", (6, 4)),
        ("figure", "png", (100, 50)),
        ("np.zeros((8, 16)), size=8", "png", (8, 4)),
    ],
)
def test_image_of_other_kinds(work: Workplace, fonts: str, made: str, extension: str, size: tuple[int, int]) -> None:
    """PIL images, bytes, open files, paths and figures, converted only where it is asked for."""
    work.environ["MPLCONFIGDIR"] = fonts
    logged = run_script(
        work,
        "import PIL.Image as PIL, matplotlib.figure",
        "def saved(format):",
        "    out = io.BytesIO(); PIL.new('RGB', (6, 4), 'red').save(out, format=format); return out.getvalue()",
        "pathlib.Path('file.png').write_bytes(saved('PNG'))",
        "figure = matplotlib.figure.Figure(figsize=(1, 0.5), dpi=100)",
        f"swanlab.log({{'x': swanlab.Image({made}, caption='a caption')}})",
    )
    assert logged.file().suffix == f".{extension}"
    with PIL.Image.open(logged.file()) as picture:
        assert picture.size == size
    assert (logged.item()["type"], logged.item()["caption"], logged.said) == ("image", "a caption", "")


@pytest.mark.parametrize(
    ("made", "channels", "width", "samples"),
    [
        ("np.array([0.0, 1.0, -1.0, 2.0])", 1, 2, [0, 32767, -32767, 32767]),
        ("np.array([1, -2, 3], 'int16')", 1, 2, [1, -2, 3]),
        ("np.array([[1, 2, 3], [4, 5, 6]], 'int16')", 2, 2, [1, 4, 2, 5, 3, 6]),
        ("np.array([[1, 4], [2, 5], [3, 6]], 'int16')", 2, 2, [1, 4, 2, 5, 3, 6]),
        ("np.array([70000, -5], '>i4')", 1, 4, [70000, -5]),
    ],
)
def test_array_of_sound(work: Workplace, made: str, channels: int, width: int, samples: list[int]) -> None:
    """WAV with the array's samples, frame by frame."""
    logged = run_script(work, f"swanlab.log({{'x': swanlab.Audio({made}, sample_rate=8000)}})")
    with wave.open(str(logged.file()), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (channels, width, 8000)
        assert np.frombuffer(file.readframes(100), f"<i{width}").tolist() == samples


@pytest.mark.parametrize(
    ("made", "name", "content"),
    [
        ("swanlab.Video('film.gif')", "gif", GIF),
        ("swanlab.Video('film.mp4')", "mp4", MP4),
        ("swanlab.Video(open('film.mp4', 'rb'))", "mp4", MP4),
        ("swanlab.Video(open('film.gif', 'rb').read())", "gif", GIF),
        ("swanlab.Html('<b>bold</b>')", "html", b"<b>bold</b>"),
        ("swanlab.Html(open('page.html'))", "html", b"<i>page</i>"),
        ("swanlab.Html('page.html')", "html", b"<i>page</i>"),
        ("swanlab.Text('long ' * 10000)", "txt", b"long " * 10000),
        ("swanlab.Molecule('water.pdb')", "pdb", b"ATOM"),
        ("swanlab.Molecule.from_smiles('CCO')", "smi", b"CCO"),
        ("swanlab.ECharts({'series': []})", "json", b'{"series": []}'),
        ("Chart()", "json", b'{"made": "by a library"}'),
        ("swanlab.Object3D('model.glb')", "glb", b"glTF"),
    ],
)
def test_content_is_kept_as_it_is(work: Workplace, made: str, name: str, content: bytes) -> None:
    """Films, pages, texts, molecules, charts and models."""
    films = {"film.gif": GIF, "film.mp4": MP4}
    for file, written in {**films, "page.html": b"<i>page</i>", "water.pdb": b"ATOM", "model.glb": b"glTF"}.items():
        (work.directory / file).write_bytes(written)
    chart = 'class Chart:\n    def dump_options(self): return \'{"made": "by a library"}\''
    logged = run_script(work, chart, f"swanlab.log({{'x': {made}}})")
    assert (logged.file().suffix, logged.file().read_bytes()) == (f".{name}", content)


def test_short_text_is_in_the_record(work: Workplace) -> None:
    """Thousands of short texts must not become thousands of files."""
    logged = run_script(work, "swanlab.log({'x': swanlab.Text('# Grüße', caption=5)})")
    assert logged.item() == {"type": "text", "caption": "5", "text": "# Grüße"}
    assert not (logged.run_dir / "media").exists()


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ("[[1, 2, 3]]", [1, 2, 3]),
        ("np.array([[1.5, 2, 3, 7]])", [1.5, 2, 3]),
        ("np.array([[1, 2, 3, 255, 0, 9]])", [1, 2, 3, 255, 0, 9]),
    ],
)
def test_cloud_of_points(work: Workplace, points: str, expected: list[float]) -> None:
    """x, y, z with a colour that was given, or one that its class has."""
    logged = run_script(work, f"swanlab.log({{'x': swanlab.Object3D.from_point_data({points}, boxes=[{{'label': 'car'}}])}})")
    cloud = json.loads(logged.file().read_text())
    assert (len(cloud["points"][0]), cloud["points"][0][: len(expected)], cloud["boxes"]) == (6, expected, [{"label": "car"}])


def test_lists_steps_and_numbers_beside(work: Workplace) -> None:
    """A list is one point; media count steps by themselves for each metric; numbers of the same call are kept too."""
    logged = run_script(
        work,
        "one, two = (swanlab.Image(np.full((2, 2), value, 'uint8')) for value in (1, 2))",
        "swanlab.log({'x': [one, two], 'loss': 0.5})",
        "swanlab.log({'x': one}, step=10)",
        "swanlab.log({'nested': {'y': (two,)}, 'x': two})",
        "swanlab.log({'x': two}, step=10)",
    )
    steps = [(point.metric, point.step, len(point.items)) for point in logged.media]
    assert steps == [("nested/y", 0, 1), ("x", 0, 2), ("x", 10, 1), ("x", 11, 1)]
    assert len(list((logged.run_dir / "media").iterdir())) == 2
    shown = work.show()
    assert (shown["media"]["x"]["count"], shown["media"]["x"]["last_step"]) == (4, 11)
    assert (shown["summary"]["loss"]["last"], shown["dropped"]) == (0.5, {"x": 1})


def test_log_gives_back_what_was_accepted(work: Workplace) -> None:
    """Media as they were given, without those that cannot be used."""
    run_script(
        work,
        "image = swanlab.Image(np.zeros((2, 2)))",
        "assert swanlab.log({'x': image, 'y': [image, image], 'z': swanlab.Image('missing.png'), 'n': 1}) == "
        "{'x': image, 'y': [image, image], 'n': 1.0}",
    )


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("swanlab.Image('missing.png')", "No such file"),
        ("swanlab.Image('page.html')", "no image file"),
        ("swanlab.Image(np.zeros((5, 5, 7)))", "(5, 5, 7)"),
        ("swanlab.Image(np.zeros((0, 2)))", "(0, 2)"),
        ("swanlab.Image(object())", "object"),
        ("swanlab.Image(np.array(['a']))", "numbers"),
        ("swanlab.Image('page.html', file_type='xcf')", "xcf"),
        ("swanlab.Audio(np.zeros((20, 30)))", "(20, 30)"),
        ("swanlab.Audio('page.html')", "sound"),
        ("swanlab.Video(b'nothing')", "film"),
        ("swanlab.Video(3)", "int"),
        ("swanlab.Object3D(np.zeros((5, 9)))", "(5, 9)"),
        ("swanlab.Molecule(3)", "int"),
        ("swanlab.ECharts(3)", "int"),
        ("[swanlab.Text('a'), 3]", "list"),
    ],
)
def test_what_cannot_be_used_is_said_once(work: Workplace, made: str, why: str) -> None:
    """One line that names metric and reason, whatever the number of calls; the other keys are kept, nothing is raised."""
    (work.directory / "page.html").write_text("page")
    logged = run_script(work, f"for _ in range(3): swanlab.log({{'bad': {made}, 'good': swanlab.Text('kept')}})")
    assert [point.metric for point in logged.media] == ["good"] * 3
    (line,) = logged.said.splitlines()
    assert "'bad'" in line
    assert why in line


def test_content_is_taken_when_the_object_is_made(work: Workplace) -> None:
    """What happens to array and file afterwards does not matter."""
    logged = run_script(
        work,
        "array = np.full((2, 2), 7, 'uint8'); pathlib.Path('film.gif').write_bytes(b'GIF89a')",
        "media = {'x': swanlab.Image(array), 'film': swanlab.Video('film.gif')}",
        "array[:] = 0; os.unlink('film.gif')",
        "swanlab.log(media)",
    )
    assert logged.pixels().tolist() == [[7, 7], [7, 7]]
    assert logged.file("film").read_bytes() == b"GIF89a"


def test_paths_work_without_any_library(work: Workplace) -> None:
    """`python -S` has neither NumPy nor Pillow: files are kept as they are, and what needs them says so."""
    picture = work.directory / "a.png"
    PIL.Image.new("L", (3, 3)).save(picture)
    made = "{'x': swanlab.Image('a.png', size=2), 'y': swanlab.Image([[1]]), 'z': swanlab.Audio('b.wav')}"
    code = f"import swanlab; swanlab.log({made})"
    (work.directory / "b.wav").write_bytes(b"RIFF")
    result = work.swanlab("run", "-q", sys.executable, "-S", "-c", code)
    logged = Logged(work, result.stderr.decode())
    assert (result.returncode, logged.file("x").read_bytes(), logged.file("z").read_bytes()) == (0, picture.read_bytes(), b"RIFF")
    assert "Pillow" in logged.said
    assert "numpy" in logged.said


def test_media_without_a_run_are_harmless(work: Workplace) -> None:
    """The shim alone, as in a process whose environment lost the run: objects are made, nothing is written."""
    code = "import swanlab; print(swanlab.log({'x': swanlab.Text('a'), 'y': swanlab.Html('b')}))"
    shim = str(Path(__file__).parents[1] / "shim")
    result = subprocess.run(python(code), env={"PYTHONPATH": shim}, cwd=work.directory, capture_output=True, check=True)
    assert (result.stderr, [path.name for path in work.directory.iterdir()]) == (b"", [])


def test_media_survive_the_kill_of_everything(work: Workplace) -> None:
    """What `log` has returned for is on disk: child, pump and scribe die at once, and readers derive the rest."""
    lines = (
        "import sys, threading",
        "for n in range(20): swanlab.log({'x': swanlab.Image(np.full((2, 2), n, 'uint8'))})",
        "pathlib.Path('ready').touch(); threading.Event().wait()",
    )
    command = [SWANLAB, "run", "-q", *python(PREPARED + "\n".join(lines))]
    process = subprocess.Popen(command, cwd=work.directory, env=work.environ, start_new_session=True)
    wait_for(lambda: (work.directory / "ready").exists(), "twenty images")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    shown = work.show()
    assert (shown["media"]["x"]["count"], shown["media"]["x"]["last_step"]) == (20, 19)
    run_dir = Path(shown["directory"])
    assert (run_dir / shown["media"]["x"]["last"][0]["file"]).is_file()
    assert len(list((run_dir / "media").iterdir())) == 20


def test_many_processes_keep_the_same_content(work: Workplace) -> None:
    """Writers of one content do not hinder each other, and nothing unfinished stays."""
    logged = run_script(
        work,
        "pids = []",
        "for _ in range(8):",
        "    pids.append(os.fork())",
        "    if pids[-1] == 0:",
        "        for n in range(25): swanlab.log({'x': swanlab.Image(np.full((50, 50), n, 'uint8'))})",
        "        os._exit(0)",
        "for pid in pids: os.waitpid(pid, 0)",
    )
    assert logged.said == ""
    assert sorted(point.step for point in logged.media) == list(range(200))
    assert len(list((logged.run_dir / "media").iterdir())) == 25
