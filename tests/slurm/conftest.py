"""The Slurm that the tests of this folder share: brought up when the first of them needs it."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Workplace
from tests.slurm.cluster import Cluster, has_freezer, why_not


def _bring_up(tracking: str) -> Iterator[Cluster]:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"no Slurm: {reason}")
    # munged wants a folder that others may enter, which pytest's are not, and sockets want a short path.
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as directory:
        cluster = Cluster(Path(directory), tracking)
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    """A Slurm that finds a job's processes by cgroup where that is possible, as clusters do."""
    yield from _bring_up("cgroup" if has_freezer() else "pgid")


@pytest.fixture(scope="session")
def slurm_by_groups() -> Iterator[Cluster]:
    """A Slurm that finds a job's processes by process group."""
    yield from _bring_up("pgid")


class JobPlace(Workplace):
    """A directory that all hosts of the cluster share, from which jobs are submitted, and `swanlab` on its login node."""

    def __init__(self, directory: Path, cluster: Cluster) -> None:
        super().__init__(directory)
        self.cluster = cluster

    def submit(self, script: str, *options: str) -> str:
        """The id of a new batch job; its output goes to `JOB.out`, unless `options` say otherwise."""
        return self.cluster.submit(script, *options, environ=self.environ, cwd=self.directory)

    def there(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """What a command line does on the login node, as `srun ARGUMENTS`."""
        return self.cluster.attempt(*arguments, stdin=stdin, environ=self.environ, cwd=self.directory)

    def show(self, run: str = "last") -> dict[str, Any]:
        """What `swanlab show RUN --json` prints on the login node."""
        done = self.there("swanlab", "show", run, "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def result(self, job: str) -> str:
        """What the job's output file holds, without what `swanlab run` says of itself."""
        lines = (self.directory / f"{job}.out").read_text().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("swanlab: "))

    def child(self, name: str, code: str) -> str:
        """The command line, quoted for bash, of a new Python script."""
        script = self.directory / name
        script.write_text(code)
        return shlex.join(["python3", str(script)])


@pytest.fixture
def jobs(tmp_path: Path, slurm: Cluster) -> JobPlace:
    """A directory of its own and the cluster."""
    return JobPlace(tmp_path, slurm)


@pytest.fixture
def jobs_by_groups(tmp_path: Path, slurm_by_groups: Cluster) -> JobPlace:
    """The same on a Slurm that finds a job's processes by process group."""
    return JobPlace(tmp_path, slurm_by_groups)
