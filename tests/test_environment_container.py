"""environment.container: what containers and virtual machines leave to be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from swanlab_cli.environment.container import read_container
from swanlab_cli.environment.target import Facts, Target
from tests.test_environment_limits import write_tree

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
NOTHING: Facts = {"kind": None, "id": None, "image": None, "machine": None}
CPUINFO = "processor\t: 0\nflags\t\t: fpu vme {}lahf_lm\n\n"
CASES: dict[str, tuple[dict[str, str], dict[str, str], Facts]] = {
    "the metal": ({"proc/cpuinfo": CPUINFO.format("")}, {}, {}),
    "docker": (
        {".dockerenv": "", "proc/self/cgroup": f"4:memory:/docker/{ID}\n"},
        {},
        {"kind": "docker", "id": ID},
    ),
    "docker with version 2": (
        {
            ".dockerenv": "",
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": f"1 0 8:1 /var/lib/docker/overlay2/{OTHER}/merged / rw - ext4 /dev/sda1 rw\n"
            f"9 1 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n",
        },
        {},
        {"kind": "docker", "id": ID},
    ),
    "the host of containers": ({"proc/self/mountinfo": f"9 1 8:1 /docker/{ID}/hostname /etc/hostname rw - ext4 a rw\n"}, {}, {}),
    "podman": ({"run/.containerenv": 'engine="podman-4.9"\n'}, {}, {"kind": "podman"}),
    "kubernetes": (
        {"proc/self/cgroup": f"0::/kubepods/besteffort/pod1/{ID}\n"},
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
        {"kind": "kubernetes", "id": ID},
    ),
    "apptainer": (
        {".singularity.d/runscript": ""},
        {"APPTAINER_NAME": "torch.sif", "APPTAINER_CONTAINER": "/images/torch.sif"},
        {"kind": "apptainer", "image": "/images/torch.sif"},
    ),
    "singularity": ({}, {"SINGULARITY_NAME": "a.sif"}, {"kind": "singularity"}),
    "lxc": ({}, {"container": "lxc"}, {"kind": "lxc"}),
    "systemd-nspawn": ({"run/systemd/container": "systemd-nspawn\n"}, {}, {"kind": "systemd-nspawn"}),
    "wsl": ({"proc/sys/kernel/osrelease": "5.15.90.1-microsoft-standard-WSL2\n"}, {}, {"machine": "wsl"}),
    "kvm": (
        {"sys/class/dmi/id/product_name": "KVM Virtual Machine\n", "sys/class/dmi/id/sys_vendor": "QEMU\n"},
        {},
        {"machine": "kvm"},
    ),
    "amazon": ({"sys/class/dmi/id/sys_vendor": "Amazon EC2\n"}, {}, {"machine": "amazon"}),
    "xen": ({"sys/hypervisor/type": "xen\n"}, {}, {"machine": "xen"}),
    "only the processor tells": ({"proc/cpuinfo": CPUINFO.format("hypervisor ")}, {}, {"machine": "unknown"}),
}


@pytest.mark.parametrize(("files", "environ", "expected"), CASES.values(), ids=CASES)
def test_container_and_machine(tmp_path: Path, files: dict[str, str], environ: dict[str, str], expected: Facts) -> None:
    """Each engine is known by what it leaves, and an identifier is told only inside its container."""
    write_tree(tmp_path, files)
    target = Target(("true",), "/bin/true", "/", environ, 2**22 + 1)
    assert NOTHING | expected == read_container(target, str(tmp_path))
