"""Whether the child runs in a container, in a virtual machine, or on the metal. Reads files only."""

from __future__ import annotations

import os
import re

from swanlab_cli.environment.kernel import read_text
from swanlab_cli.environment.target import Facts, Target

# Of files that an engine leaves in its containers; the first that is there counts.
_MARKS = (
    ("/.dockerenv", "docker"),
    ("/run/.containerenv", "podman"),
    ("/.singularity.d", "apptainer"),
    ("/proc/vz/veinfo", "openvz"),
)
_VARIABLES = (("APPTAINER_NAME", "apptainer"), ("APPTAINER_CONTAINER", "apptainer"), ("SINGULARITY_NAME", "singularity"))
# Words in the names of control groups.
_WORDS = (("kubepods", "kubernetes"), ("libpod", "podman"), ("docker", "docker"), ("lxc", "lxc"), ("containerd", "containerd"))
_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io"
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# What the firmware says of itself: systemd-detect-virt(1) knows the same words.
_MACHINES = (
    *(("Amazon EC2", "amazon"), ("Google Compute Engine", "google"), ("Alibaba Cloud", "alibaba"), ("OpenStack", "openstack")),
    *(("KVM", "kvm"), ("QEMU", "qemu"), ("VMware", "vmware"), ("VirtualBox", "virtualbox"), ("innotek", "virtualbox")),
    *(("Xen", "xen"), ("Virtual Machine", "microsoft"), ("Parallels", "parallels"), ("BHYVE", "bhyve"), ("Tencent", "tencent")),
)


def read_container(target: Target, root: str = "/") -> Facts:
    """`kind` of container ("docker", "kubernetes", ...) or None, its `id` where the kernel tells, `image` where named.

    `machine` is the virtual machine's kind ("kvm", "wsl", ..., "unknown" where only the processor says so), None on the
    metal.
    """
    groups = _read_below(root, f"proc/{target.pid}/cgroup") or _read_below(root, "proc/self/cgroup")
    mounts = _read_below(root, "proc/self/mountinfo")
    kind = _container(target, groups, root)
    # Other containers' identifiers can be seen from the host, too, where an engine mounts them.
    found = (_ID.search(groups) or _ID.search(_own_mounts(mounts))) if kind else None
    image = target.environ.get("APPTAINER_CONTAINER") or target.environ.get("SINGULARITY_CONTAINER")
    return {"kind": kind, "id": found[0] if found else None, "image": image, "machine": _machine(root)}


def _container(target: Target, groups: str, root: str) -> str | None:
    if "KUBERNETES_SERVICE_HOST" in target.environ or os.path.exists(root + _SERVICE_ACCOUNT):
        return "kubernetes"
    for name, kind in _VARIABLES:
        if name in target.environ:
            return kind
    for path, kind in _MARKS:
        if os.path.exists(root + path):
            return kind
    # https://systemd.io/CONTAINER_INTERFACE
    told = _read_below(root, "run/systemd/container").strip() or target.environ.get("container", "")
    if told:
        return told
    return next((kind for word, kind in _WORDS if word in groups), None)


def _own_mounts(mounts: str) -> str:
    """The lines of the files that an engine mounts into each of its containers: their sources lie in its folder."""
    files = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
    return "\n".join(line for line in mounts.splitlines() if any(f" {path} " in line for path in files))


def _machine(root: str) -> str | None:
    if "microsoft" in _read_below(root, "proc/sys/kernel/osrelease").lower():
        return "wsl"
    firmware = " ".join(_read_below(root, f"sys/class/dmi/id/{name}") for name in ("product_name", "sys_vendor", "bios_vendor"))
    for word, kind in _MACHINES:
        if word in firmware:
            return kind
    hypervisor = _read_below(root, "sys/hypervisor/type").strip()
    if hypervisor:
        return hypervisor
    # The first processor is enough, and asking for all interrupts each of them.
    return "unknown" if re.search(r"^flags\s*:.*\bhypervisor\b", _read_below(root, "proc/cpuinfo", 4096), re.MULTILINE) else None


def _read_below(root: str, path: str, size: int | None = None) -> str:
    return read_text(os.path.join(root, path), size)
