"""Runs built by hand with everything that a page about a run shows, for `show` and `compare`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .handmade import END, HEADER, START, HandmadeRun

DIFF = "diff --git a/train.py b/train.py\n-lr = 0.1\n+lr = 0.2\n"
SCRIPT = 'print("loss=0.5")  # \u00e9\n'
FACTS: Mapping[str, Any] = {
    "os": {"name": "Debian 12", "kernel": "6.1.0", "architecture": "x86_64", "libc": "glibc 2.36"},
    "host": {"name": "node17", "user": "user"},
    "cpu": {"model": "EPYC", "sockets": 1, "cores": 8, "threads": 16, "usable": 4},
    "memory": {"total_bytes": 64 << 30, "available_bytes": 60 << 30, "swap_bytes": 0},
    "container": {"kind": "docker", "id": None, "image": None, "machine": "kvm"},
    "cgroup": {"version": 2, "memory_limit_bytes": 8 << 30, "cpu_quota": 1.5, "pids_limit": None},
    "accelerators": {"driver": "550.1", "devices": [{"name": "H100", "memory_bytes": 80 << 30}, {"name": "H100"}]},
    "python": {
        "executable": "/opt/py/bin/python", "version": "3.11.7", "implementation": "cpython", "not_injected": None,
        "packages": {"numpy": "1.26.4", "rich": "13.7", "torch": "2.3.0"},
    },
    "git": {
        "root": "/repo", "commit": "0123456789abcdef", "branch": "main", "remote": "https://x/y", "dirty": True, "untracked": 2,
    },
    "diff": {"text": DIFF},
    "script": {"path": "/repo/train.py", "content": SCRIPT, "sha256": "ab12", "bytes": 22, "left_out_bytes": 0},
    "variables": {"CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "4"},
    "scheduler": {"kind": "slurm", "job_id": 77, "time_limit_s": 7200},
}  # fmt: skip
RECEIPT = {"cpu_s": 0.25, "max_memory_bytes": 20 << 20, "bytes_written": 2048, "longest_write_s": 0.0015,
           "longest_pause_s": 0.002, "records_dropped": 0, "lost_bytes": 0}  # fmt: skip


def build(logdir: Path, run_id: str = "abcd1234", loss: float = 0.5, **changes: Any) -> HandmadeRun:
    """A finished run with a metric, samples and facts; `changes` replace the facts of whole probes."""
    run = HandmadeRun(logdir, HEADER._replace(id=run_id, config=changes.pop("config", HEADER.config)))
    run.add_output("stdout", b"")
    run.add(
        "metrics.jsonl",
        {"metric": "loss", "step": 0, "value": 0.75, "time": START, "source": "api"},
        {"metric": "loss", "step": 1, "value": loss, "time": START, "source": "api"},
        {"cursor": {"output": 0, "inbox": {}, "is_final": True}},
    )
    values = {"system/memory rss (bytes)": 1 << 20, "system/cpu (%)": 50.0}
    run.add("samples.jsonl", {"time": START, "step": 0, "values": values})
    facts = {**FACTS, **changes}
    run.add(
        "environment.jsonl", *({"time": START, "facts": {probe: facts[probe]}} for probe in facts if facts[probe] is not None)
    )
    run.add("environment.jsonl", {"time": START, "facts": {"failed": {"probe": "conda", "why": "timed out"}}})
    run.add(
        "events.jsonl",
        {"time": START, "type": "warning", "data": {"text": "careful"}},
        {"time": START, "type": "dropped", "data": {"metric": "loss", "count": 3}},
        {"time": START, "type": "overhead", "data": {"cpu_s": 0.25, "max_memory_bytes": 1 << 20, "bytes_written": 1024}},
        {"time": START, "type": "complete", "data": {}},
    )
    run.end(END._replace(overhead=RECEIPT, lost_bytes=0))
    return run
