"""environment.python and environment.packages: real virtual environments with packages written by hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from swanlab_cli.environment.packages import list_packages
from swanlab_cli.environment.python import read_python
from swanlab_cli.environment.target import Facts, ProbeError, Target
from swanlab_cli.store import layout

DEADLINE_S = 30.0
INJECTED = {"PYTHONPATH": layout.shim_directory(), "SWANLAB_CLI_RUN_DIR": "/"}


def neighbours() -> list[Path]:
    """Pythons of other versions that a version manager has put beside ours, and ours."""
    found = {Path(sys.base_prefix, "bin", "python3")}
    for path in Path(sys.base_prefix).parent.glob("*/bin/python3"):
        version = re.match(r"(\d+)\.(\d+)", path.parent.parent.name)
        if version and (int(version[1]), int(version[2])) >= (3, 6):
            found.add(path)
    return sorted(found)


def make_venv(folder: Path, python: Path | str = sys.executable) -> Path:
    """A virtual environment without packages; gives back its site-packages."""
    command = [python, "-m", "venv", "--without-pip", folder]
    subprocess.run(command, check=True, timeout=DEADLINE_S, env={}, capture_output=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    return site_packages


def add_package(folder: Path, name: str, version: str) -> None:
    """An installed package, as far as its metadata go."""
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n")


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with one package; tests add nothing to it."""
    folder = tmp_path_factory.mktemp("home") / "venv"
    add_package(make_venv(folder), "Some_Model.Zoo", "1.0+cu121")
    return folder


def read(executable: Path | str, *arguments: str, cwd: Path | str = "/", **environ: str) -> Facts:
    """The facts about a command that is Python or a script, started as `swanlab run` does it."""
    path = ":".join([INJECTED["PYTHONPATH"], *filter(None, [environ.get("PYTHONPATH")])])
    environ = {**environ, **INJECTED, "PYTHONPATH": path}
    target = Target((str(executable), *arguments), str(executable), str(cwd), environ, 0)
    return read_python(target, time.monotonic() + DEADLINE_S, ())


def test_virtual_environment_is_recognised(venv: Path) -> None:
    """Its own interpreter, folder and packages are told, and not those of the Python that it was made from."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    assert {
        "executable": f"{venv}/bin/python",
        "script": f"{venv}/train.py",
        "module": None,
        "not_injected": None,
        "version": version,
        "implementation": "cpython",
        "prefix": str(venv),
        "virtual_env": str(venv),
        "packages": {"some-model-zoo": "1.0+cu121"},
        "direct_urls": {},
    } == read("bin/python", "-u", "train.py", cwd=venv)


@pytest.mark.parametrize("python", neighbours(), ids=lambda path: path.parent.parent.name)
def test_other_versions_of_python(tmp_path: Path, python: Path) -> None:
    """The question is understood by every Python from 3.6 on, with and without a virtual environment."""
    said = subprocess.run(
        [python, "-c", "import sys; print(sys.version.split()[0], sys.prefix)"],
        capture_output=True, text=True, timeout=DEADLINE_S, check=True, env={},
    ).stdout.split()  # fmt: skip
    facts = read(python, "-m", "train")
    assert [facts["version"], facts["prefix"]] == said
    assert (facts["virtual_env"], facts["module"], "pip" in facts["packages"]) == (None, "train", True)
    add_package(make_venv(tmp_path / "venv", python), "zoo", "2")
    facts = read(tmp_path / "venv" / "bin" / "python")
    assert (str(tmp_path / "venv"), {"zoo": "2"}) == (facts["virtual_env"], facts["packages"])


def test_console_script_names_its_script(venv: Path, tmp_path: Path) -> None:
    """The script is what Python was given, not the word that was typed."""
    script = tmp_path / "train"
    script.write_text(f"#!{venv}/bin/python\n")
    script.chmod(0o755)
    facts = read(script)
    assert (f"{venv}/bin/python", str(script), str(venv)) == (
        facts["executable"], facts["script"], facts["virtual_env"]
    )  # fmt: skip


def test_python_path_comes_first(venv: Path, tmp_path: Path) -> None:
    """Packages in the child's PYTHONPATH count before installed ones; relative entries are of its directory."""
    add_package(tmp_path / "mine", "some-model-zoo", "9")
    add_package(tmp_path / "yours", "other", "1")
    facts = read(venv / "bin" / "python", cwd=tmp_path, PYTHONPATH=f"mine::{tmp_path}/yours:/nonexistent")
    assert facts["packages"] == {"other": "1", "some-model-zoo": "9"}


def test_our_shim_is_not_installed(venv: Path, tmp_path: Path) -> None:
    """What the recorder puts on the PYTHONPATH is not a package of the user's; his own folder of that name is."""
    (tmp_path / "shim" / "swanlab").mkdir(parents=True)
    add_package(tmp_path / "shim", "swanlab", "0")
    add_package(tmp_path / "other" / "shim", "zoo", "1")
    facts = read(venv / "bin" / "python", PYTHONPATH=f"{tmp_path}/shim/:{tmp_path}/other/shim")
    assert facts["packages"] == {"some-model-zoo": "1.0+cu121", "zoo": "1"}


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ((), {"mine", "user", "zoo"}),
        (("-E",), {"user", "zoo"}),
        (("-s",), {"mine", "zoo"}),
        (("-I",), {"zoo"}),
        (("-Iu",), {"zoo"}),
    ],
)
def test_flags_of_python_count(tmp_path: Path, flags: tuple[str, ...], names: set[str]) -> None:
    """Whoever told Python to ignore PYTHONPATH or the user's packages does not see them."""
    site_packages = make_venv(tmp_path / "venv")
    config = tmp_path / "venv" / "pyvenv.cfg"
    config.write_text(config.read_text().replace("packages = false", "packages = true"))
    add_package(site_packages, "zoo", "1")
    add_package(tmp_path / "path", "mine", "1")
    version = "python{}.{}".format(*sys.version_info)
    add_package(tmp_path / ".local" / "lib" / version / "site-packages", "user", "1")
    facts = read(tmp_path / "venv" / "bin" / "python", *flags, "a.py", HOME=str(tmp_path), PYTHONPATH=f"{tmp_path}/path")
    assert names == set(facts["packages"]) & {"mine", "user", "zoo"}


def test_no_code_of_the_users_runs(tmp_path: Path) -> None:
    """Neither customisation modules nor code in .pth files nor modules that shadow the library; but their folders count."""
    site_packages = make_venv(tmp_path / "venv")
    ran = tmp_path / "ran"
    code = f"import io; io.open({str(ran)!r}, 'w')\n"
    for name in ("sitecustomize", "usercustomize", "json", "site", "re", "encodings/__init__"):
        path = tmp_path / "mine" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    (site_packages / "sitecustomize.py").write_text(code)
    add_package(tmp_path / "linked", "linked", "1")
    (site_packages / "a.pth").write_text(f"{code}{tmp_path}/linked\n")
    before = sorted(tmp_path.rglob("*"))
    facts = read(
        tmp_path / "venv" / "bin" / "python",
        cwd=tmp_path / "mine",
        PYTHONPATH=f"{tmp_path}/mine",
        PYTHONSTARTUP=f"{tmp_path}/mine/json.py",
        PYTHONINSPECT="1",
        PYTHONWARNINGS="error::json.Warning",
        PYTHONPROFILEIMPORTTIME="1",
    )
    assert facts["packages"] == {"linked": "1"}
    assert before == sorted(tmp_path.rglob("*"))


def test_environment_and_directory_may_be_missing(venv: Path, tmp_path: Path) -> None:
    """An empty environment and a working directory that is gone change nothing."""
    assert read(venv / "bin" / "python", cwd=tmp_path / "gone")["packages"] == {"some-model-zoo": "1.0+cu121"}


def test_command_without_python() -> None:
    """A program that is no Python and starts none is no failure."""
    assert read("/bin/true") == {"executable": None, "not_injected": None}


def test_interpreter_that_does_not_start(tmp_path: Path) -> None:
    """What is known without it is told together with its own words."""
    python = tmp_path / "python"
    shutil.copy("/bin/false", python)
    target = Target(("python", "a.py"), str(python), str(tmp_path), INJECTED, 0)
    with pytest.raises(ProbeError) as failure:
        read_python(target, time.monotonic() + DEADLINE_S, ())
    assert failure.value.facts == {"executable": str(python), "script": f"{tmp_path}/a.py", "module": None, "not_injected": None}
    assert failure.value.why == f"{python}: it said nothing that we understand (exit code 1)"


def test_interpreter_that_hangs(tmp_path: Path) -> None:
    """It is cut at the deadline; what is known without it is told."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    os.mkfifo(tmp_path / "pyvenv.cfg")  # which Python reads first
    target = Target(("python", "-m", "a"), str(python), str(tmp_path), INJECTED, 0)
    with pytest.raises(ProbeError, match=r"python did not answer within 0\.\d s and was killed") as failure:
        read_python(target, time.monotonic() + 0.5, ())
    assert failure.value.facts == {"executable": str(python), "script": None, "module": "a", "not_injected": None}


def test_packages_of_every_kind(tmp_path: Path) -> None:
    """Names are normalised and sorted, versions are as installed, remains of removed packages are nothing."""
    for name in (
        "PyYAML-6.0.1.dist-info", "zope.interface-5.4.0-py3.9.egg-info", "old_style-1.2-py2.7-linux-x86_64.egg-info",
        "foo-2bar-1.0.dist-info", "~ip-23.0.dist-info", "torch-2.1.0+cu118.dist-info", "empty.dist-info", "epoch-1!2.0.dist-info",
    ):  # fmt: skip
        (tmp_path / name).mkdir()
    (tmp_path / "plain-3.0.egg-info").write_text("")
    (tmp_path / "nothing.egg-info").write_text("")
    developed = tmp_path / "developed.egg-info"
    developed.mkdir()
    (developed / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: De_Veloped\nVersion: 0.1.dev3\n\nVersion: 9\n")
    assert list(list_packages([str(tmp_path), "/nonexistent", "/nonexistent/zipped-1.0-py3.9.egg"]).items()) == [
        ("de-veloped", "0.1.dev3"),
        ("epoch", "1!2.0"),
        ("foo-2bar", "1.0"),
        ("old-style", "1.2"),
        ("plain", "3.0"),
        ("pyyaml", "6.0.1"),
        ("torch", "2.1.0+cu118"),
        ("zipped", "1.0"),
        ("zope-interface", "5.4.0"),
    ]


def test_first_on_the_path_wins(tmp_path: Path) -> None:
    """A package that is there twice has the version that would be imported."""
    add_package(tmp_path / "a", "Zoo", "1")
    add_package(tmp_path / "b", "zoo", "2")
    assert list_packages([str(tmp_path / "b"), str(tmp_path / "a")]) == {"zoo": "2"}
