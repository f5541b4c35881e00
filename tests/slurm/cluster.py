"""A real Slurm for tests: one controller and two nodes on this machine, reachable from this machine only.

Each host of the cluster is a bash with a UTS, a mount and a PID namespace of its own, to which we write what it is to do. When
our end of that pipe closes, by `stop` or because pytest was killed, that bash ends, and all processes of its namespace with it.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.slurm.configuration import cgroup_configuration, configuration

DEADLINE_S = 60.0
_OVER = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")
_INTERVAL_S = 0.05
_NAMESPACES = ("--uts", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child=KILL")
_FREEZER = Path("/sys/fs/cgroup/freezer")


def why_not() -> str | None:
    """Why no Slurm can be brought up here; None if it can."""
    for path in ("/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged", "/usr/bin/sbatch"):
        if not os.access(path, os.X_OK):
            return f"{path} is not there: make test installs it"
    if os.geteuid() != 0:
        return "only root can bring up a Slurm: it makes namespaces, and starts jobs as their owners"
    trial = subprocess.run(["unshare", *_NAMESPACES, "true"], capture_output=True, text=True)
    return f"cannot make namespaces: {trial.stderr.strip()}" if trial.returncode else None


def has_freezer() -> bool:
    """Whether Slurm can keep track of a job's processes by cgroup, as clusters do."""
    return os.access(_FREEZER / "tasks", os.W_OK)


class Host:
    """One machine of the cluster."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        with (directory / f"{name}.out").open("ab") as said:
            self._shell = subprocess.Popen(
                ["unshare", *_NAMESPACES, "bash", "--norc"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                cwd="/",
                start_new_session=True,
                bufsize=0,
            )
        self.do(f"mount --bind {shlex.quote(str(directory / 'hosts'))} /etc/hosts && hostname {name}")

    def do(self, command: str) -> None:
        """Have the host's shell execute a command line; a daemon's ends in `&`."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{command}\n".encode())

    @property
    def pid(self) -> int:
        """Of the host's first process, whose namespaces are the host's."""
        children = Path(f"/proc/{self._shell.pid}/task/{self._shell.pid}/children").read_text().split()
        return int(children[0])

    def stop(self) -> None:
        """Switch it off: all its processes are gone afterwards, without any warning to them."""
        with self._shell:
            self._shell.kill()


class Cluster:
    """A running Slurm."""

    def __init__(self, directory: Path, tracking: str) -> None:
        """Start it in an empty `directory`; `tracking` is `cgroup` or `pgid`: how Slurm finds the processes of a job."""
        self.directory = directory
        self.tracking = tracking
        ports = _free_ports(3)
        # Cgroups are named after nodes: with names of their own, clusters of other workers and checkouts are not in the way.
        names = [f"c{ports[0]}", f"n{ports[0]}a", f"n{ports[0]}b"]
        self._conf = directory / "slurm.conf"
        self._conf.write_text(configuration(directory, tracking, names, ports))
        (directory / "cgroup.conf").write_text(cgroup_configuration())
        (directory / "hosts").write_text("127.0.0.1 " + " ".join(names) + " localhost\n")
        (directory / "munge.key").write_bytes(os.urandom(1024))
        (directory / "munge.key").chmod(0o600)
        (directory / "jobcomp.txt").touch()
        directory.chmod(0o755)
        self.nodes = tuple(names[1:])
        self._login = Host(names[0], directory)
        self._hosts = {names[0]: self._login}
        try:
            self._login.do(_munged(directory))
            _wait_for_file(directory / "munge.socket")
            self._login.do(f"slurmctld -D -f {self._conf} </dev/null &")
            for name in self.nodes:
                self.start_node(name)
            self._wait_for_nodes()
        except BaseException:  # what was started must not outlive an interrupted start
            self.stop()
            raise

    def stop(self) -> None:
        """End all its processes; what it has written stays."""
        for host in reversed(self._hosts.values()):
            host.stop()
        for folder in ("freezer", "memory"):
            for name in self.nodes:
                _remove_groups(_FREEZER.parent / folder / f"slurm_{name}")

    # Nodes

    def start_node(self, name: str) -> None:
        """Switch a node on."""
        host = self._hosts[name] = Host(name, self.directory)
        host.do(f"slurmd -D -f {self._conf} -N {name} </dev/null &")

    def fail_node(self, name: str) -> None:
        """Switch a node off, and have the controller notice at once what it would notice by itself after a minute."""
        self._hosts[name].stop()
        self.run("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=switched off")

    def repair_node(self, name: str) -> None:
        """Switch on a node that has failed, and wait until it takes jobs."""
        self.start_node(name)
        self._wait_for_nodes()

    def _wait_for_nodes(self) -> None:
        ends_at = time.monotonic() + DEADLINE_S
        said, states = "", [""]
        while time.monotonic() < ends_at:
            answer = self.attempt("sinfo", "-h", "-N", "-p", "main", "-o", "%T")
            said, states = answer.stderr.decode(), answer.stdout.decode().split()
            if len(states) == len(self.nodes) and set(states) <= {"idle", "mixed", "allocated"}:
                return
            if "down" in states:
                for name in self.nodes:
                    self.attempt("scontrol", "update", f"NodeName={name}", "State=RESUME")
            time.sleep(_INTERVAL_S)
        logs = "\n".join(path.read_text()[-2000:] for path in self.directory.glob("*.out"))
        raise AssertionError(f"the nodes are not ready: {states} {said}\n{logs}")

    # Commands, as on a login node

    def command(self, *arguments: str, cwd: Path = Path("/")) -> list[str]:
        """The command line that does in `cwd` on the cluster's login node what `arguments` do."""
        # nsenter goes to the root of the other mount namespace.
        there = ["nsenter", f"--target={self._login.pid}", "--uts", "--mount", "--pid", "--"]
        return [*there, "env", f"--chdir={cwd}", f"SLURM_CONF={self._conf}", *arguments]

    def attempt(
        self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None, cwd: Path = Path("/")
    ) -> subprocess.CompletedProcess[bytes]:
        """Do something on the login node, in this environment and folder."""
        return subprocess.run(
            self.command(*arguments, cwd=cwd),
            env=_without_slurm(os.environ if environ is None else environ),
            input=stdin,
            capture_output=True,
            timeout=2 * DEADLINE_S,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        """The output of a command that must not fail."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"{shlex.join(arguments)}: {done.stderr.decode()}"
        return done.stdout.decode()

    # Jobs

    def submit(self, script: str, *options: str, environ: Mapping[str, str], cwd: Path) -> str:
        """The id of a new job; its output goes to `JOB.out` in `cwd`, unless `options` say otherwise."""
        options = ("--parsable", "--output=%j.out", "--ntasks=1", "--time=10", *options)
        done = self.attempt("sbatch", *options, stdin=f"#!/bin/bash\n{script}\n".encode(), environ=environ, cwd=cwd)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def job(self, job: str) -> dict[str, str]:
        """What `scontrol show job` says: field by field."""
        text = self.run("scontrol", "show", "job", "-o", job)
        return dict(re.findall(r"(\S+?)=(.*?)(?= \S+?=|$)", text.splitlines()[0]))

    def wait_for(self, job: str, *states: str) -> dict[str, str]:
        """The job's fields once it is in one of these states, or in any that is final if none is given."""
        ends_at = time.monotonic() + DEADLINE_S
        fields = self.job(job)
        while fields["JobState"] not in (states or _OVER):
            assert time.monotonic() < ends_at, f"job {job} is {fields['JobState']}, not {' or '.join(states) or 'over'}"
            time.sleep(_INTERVAL_S)
            fields = self.job(job)
        return fields

    def end_time_limit(self, job: str) -> None:
        """Let the time limit of a running job be over in a moment; Slurm itself looks twice a minute."""
        self.run("scontrol", "update", f"JobId={job}", "EndTime=now+1seconds")

    def start_again(self, job: str) -> None:
        """Start a requeued job without the usual wait, once it is back in the queue."""
        self.wait_for(job, "PENDING")
        # A credential made in the second in which the one before was revoked would count as revoked too.
        self.run("scontrol", "update", f"JobId={job}", "StartTime=now+2seconds")


def _munged(directory: Path) -> str:
    names = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log",
             "seed-file": "munge.seed"}  # fmt: skip
    options = " ".join(f"--{option}={directory / name}" for option, name in names.items())
    return f"munged --foreground --num-threads=2 {options} </dev/null &"


def _wait_for_file(path: Path) -> None:
    ends_at = time.monotonic() + DEADLINE_S
    while not path.exists():
        assert time.monotonic() < ends_at, f"{path} does not appear"
        time.sleep(_INTERVAL_S)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, of those that no connection is given of itself (ip(7), ip_local_port_range)."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(10000, 32000)  # not the generator that all workers seed alike
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports


def _without_slurm(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in environ if not name.startswith(("SLURM", "SBATCH_"))}


def _remove_groups(folder: Path) -> None:
    """Remove the cgroups of a node; its processes are being killed."""
    ends_at = time.monotonic() + 5.0
    for group in [*sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True), folder]:
        while group.exists() and time.monotonic() < ends_at:
            try:
                group.rmdir()
            except OSError:
                time.sleep(_INTERVAL_S)
