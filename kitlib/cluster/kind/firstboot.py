"""What is on nodes of several control planes before kubeadm runs there: static Pods, an image, and one shared name.

On other machines cloud-init puts such files in place. A node in a container has none: manifests are mounted into it,
and containerd's unit does the rest when it starts for the first time. kubelet's unit waits for that, however soon
kubeadm is called. Nothing is between the control planes and who asks them, no load balancer either.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from kitlib.machine.airgap import parts
from kitlib.machine.airgap.parts import Made

NAME = "api.kitlib"
"""Under which nodes ask for the API server, whichever node answers: kubeadm's controlPlaneEndpoint."""
PORT = 6443
ENDPOINT = f"{NAME}:{PORT}"
LAST = 200
"""The last part of the address that the name stands for."""
PART = "vip"
SOURCE = Path(__file__).parent / "first_boot"
WITHIN = "/kitlib/first-boot"
"""Where it is seen within a node."""
MANIFESTS = "/etc/kubernetes/manifests"
UNITS = "/etc/systemd/system"
MARK = "/var/lib/kitlib-first-boot"
DROP_INS = {
    "containerd": f"[Service]\nExecStartPost=/bin/sh {WITHIN}/boot.sh\n",
    "kubelet": f"[Service]\nExecStartPre=/bin/sh -c 'until [ -e {MARK} ]; do sleep 0.1; done'\n",
}
"""What is added to units: kubelet finds the image that its first static Pods need. With control groups of version 1
kind calls kubeadm before a node's systemd has started anything."""


class Mount(NamedTuple):
    """What of this machine is seen within nodes, where, and whether within those with a control plane alone."""

    source: Path
    target: str
    planes: bool = False


def image(progress: bool = True) -> Made:
    """Have the program that holds the address; raises BuildError where it can't be made."""
    return parts.make(parts.find(PART), progress)


def prepare(folder: Path, made: Made) -> list[Mount]:
    """Write what nodes need into a folder, and return what is to be mounted into them.

    Parameters
    ----------
    folder : Path
        That is made.
    made : Made
        See `image`.
    """
    folder.mkdir(parents=True)
    boot = (SOURCE / "boot.sh").read_text(encoding="utf-8").replace("NAME", NAME).replace("LAST", str(LAST))
    (folder / "boot.sh").write_text(boot, encoding="utf-8")
    shutil.copyfile(made.archive, folder / "image.tar")  # the cache may be emptied while the cluster lives
    mounts = [Mount(folder, WITHIN)]
    for unit, text in DROP_INS.items():
        path = folder / f"{unit}.conf"
        path.write_text(text, encoding="utf-8")
        mounts.append(Mount(path, f"{UNITS}/{unit}.service.d/20-kitlib.conf"))
    for source in sorted(SOURCE.glob("*.yaml")):
        text = source.read_text(encoding="utf-8").replace("IMAGE", made.image).replace("LAST", str(LAST))
        path = folder / source.name
        path.write_text(text, encoding="utf-8")
        mounts.append(Mount(path, f"{MANIFESTS}/{source.name}", planes=True))
    return mounts


__all__ = ["ENDPOINT", "LAST", "NAME", "PORT", "Mount", "image", "prepare"]
