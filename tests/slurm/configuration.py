"""The configuration files of the tests' Slurm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

KILL_WAIT_S = 5
GRACE_S = 10


def configuration(directory: Path, tracking: str, hosts: Sequence[str], ports: Sequence[int]) -> str:
    """slurm.conf for a controller and nodes, all on 127.0.0.1, with a port each; `tracking` is `cgroup` or `pgid`."""
    nodes = zip(hosts[1:], ports[1:], strict=True)
    settings = {
        "ClusterName": "swanlab",
        "SlurmctldHost": f"{hosts[0]}(127.0.0.1)",
        "SlurmctldPort": ports[0],
        **_daemons(directory),
        **_tracking(tracking),
        **_scheduling(),
    }
    return "\n".join(
        [
            *(f"{name}={value}" for name, value in settings.items()),
            "NodeName=DEFAULT CPUs=8 RealMemory=8000",
            *(f"NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port}" for name, port in nodes),
            "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=5 PreemptMode=OFF",
            "PartitionName=low Nodes=ALL MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE",
            f"PartitionName=grace Nodes=ALL MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime={GRACE_S}",
            "PartitionName=gone Nodes=ALL MaxTime=INFINITE PriorityTier=1 PreemptMode=CANCEL",
            "PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF",
            "",
        ]
    )


def _daemons(directory: Path) -> dict[str, object]:
    return {
        "SlurmUser": "root",
        "AuthType": "auth/munge",
        "CredType": "cred/munge",
        # The second is also how long a requeued job waits.
        "AuthInfo": f"socket={directory / 'munge.socket'},cred_expire=10",
        "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
        "StateSaveLocation": directory / "controller",
        "SlurmdSpoolDir": directory / "spool-%n",
        "SlurmctldPidFile": directory / "slurmctld.pid",
        "SlurmdPidFile": directory / "slurmd-%n.pid",
        "SlurmctldLogFile": directory / "slurmctld.log",
        "SlurmdLogFile": directory / "slurmd-%n.log",
        "JobCompType": "jobcomp/filetxt",
        "JobCompLoc": directory / "jobcomp.txt",
        "AccountingStorageType": "accounting_storage/none",
        "MailProg": "/bin/true",
        "ReturnToService": 2,
        "SlurmdParameters": "config_overrides",  # nodes claim more processors than there are
    }


def _tracking(tracking: str) -> dict[str, object]:
    return {
        "ProctrackType": f"proctrack/{tracking}",
        "TaskPlugin": "task/cgroup" if tracking == "cgroup" else "task/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "MpiDefault": "none",
        "SwitchType": "switch/none",
    }


def _scheduling() -> dict[str, object]:
    return {
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_CPU_Memory",
        "DefMemPerCPU": 500,
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "bf_interval=1,sched_interval=2,batch_sched_delay=0,sched_min_interval=100000",
        "PriorityType": "priority/basic",
        "PreemptType": "preempt/partition_prio",
        "PreemptMode": "REQUEUE",
        "KillWait": KILL_WAIT_S,
        "InactiveLimit": 0,
        "MinJobAge": 3600,
        "SlurmdTimeout": 300,
    }


def cgroup_configuration() -> str:
    """cgroup.conf: jobs that ask for memory get no more than that."""
    settings = {
        "CgroupPlugin": "cgroup/v1",
        "CgroupMountpoint": "/sys/fs/cgroup",
        "ConstrainCores": "no",
        "ConstrainDevices": "no",
        "ConstrainRAMSpace": "yes",
        "ConstrainSwapSpace": "no",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
