"""Put a node image together: run as a program in a mount namespace of its own, so that its mounts go with it.

It lays a writable layer over the root file system, adds kind's files, the programs and the container images, and writes
all of it as one tar. Each line that it prints is a step.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from kitlib.machine.airgap import images, oci
from kitlib.machine.programs import modules, nodeprograms

FILES, IMAGES, IMPORT, LAYER = "kind's files and programs", "container images", "import of images", "the layer"
PHASES = {FILES: 0.01, IMAGES: 0.15, IMPORT: 0.4, LAYER: 0.6}
"""What it says, and how far it is then."""
UNITS = "lib/systemd/system"
WANTED_AWAY = (
    f"{UNITS}/sysinit.target.wants/systemd-tmpfiles-setup.service",
    f"{UNITS}/multi-user.target.wants/*",
    f"{UNITS}/local-fs.target.wants/*",
    f"{UNITS}/basic.target.wants/*",
    f"{UNITS}/sockets.target.wants/*udev*",
    f"{UNITS}/sockets.target.wants/*initctl*",
    "etc/systemd/system/*.wants/*",
    "usr/lib/sysctl.d/*",  # systemd would change the host's: fs.protected_regular and others know no namespaces
    "etc/apt/sources.list*",
)
MASKED = ("systemd-binfmt", "systemd-udevd", "systemd-resolved", "systemd-timesyncd")
ENABLED = ("containerd", "kubelet", "undo-mount-hacks")
CONTENT = "kind/content"
"""Where images' layers are, outside /var: that is a volume, which an engine would copy for each node."""
CHANGES = {
    "etc/containerd/config.toml": (
        (r"SystemdCgroup = true", "SystemdCgroup = false"),  # works on cgroup v1, where a node's systemd has no slices
        (r"restrict_oom_score_adj = false", "restrict_oom_score_adj = true"),  # negative ones need CAP_SYS_RESOURCE
        (r"discard_unpacked_layers = true", "discard_unpacked_layers = false"),  # they are part of the node image
        (r'^\[proxy_plugins\]\n(?s:.*?)fuse-overlayfs\.sock"\n', ""),
    ),
    "etc/systemd/system/containerd.service": ((r"^OOMScoreAdjust=.*\n", ""),),
}
"""What is different from kind's own node image: pattern and text. Each must match, or a new kind needs a new look."""
PATIENCE = 30.0


def say(text: str) -> None:
    """Tell of a step."""
    print(text, flush=True)


def main() -> None:
    """Put the image together; the arguments are the paths, as JSON."""
    told = json.loads(sys.argv[1])
    work, built, rootfs = Path(told["work"]), Path(told["programs"]), Path(told["rootfs"])
    root = work / "root"
    for folder in ("upper", "inner", "root"):
        (work / folder).mkdir()
    layers = f"lowerdir={rootfs},upperdir={work / 'upper'},workdir={work / 'inner'}"
    run("mount", "-t", "overlay", "overlay", "-o", layers, str(root))
    say(FILES)
    kind_files(built / nodeprograms.KIND_FILES, root)
    install(built, Path(told["manifests"]), told["release"], root)
    trim(root)
    shipped = root / "usr/share/kitlib"
    shipped.mkdir()
    run("install", "-m", "644", told["sbom"], str(shipped / "sbom.cdx.json"))
    unpack(built / modules.LICENCES, shipped / "licences")
    say(IMAGES)
    names = images.official(
        built, told["release"], images.sandbox_image((root / "etc/containerd/config.toml").read_text())
    )
    layout = oci.Layout(work / "layout", told["architecture"])
    images.make(layout, built, rootfs, Path(told["probe"]), names)
    (work / "out" / "images.json").write_text(images.listed(layout))
    preload(root, layout, work / "containerd.log")
    layout.remove()
    say(LAYER)
    size, digest = write_layer(root, work / "out" / "layer.tar")
    (work / "out" / "layer.json").write_text(json.dumps({"size": size, "digest": digest}))


def run(*command: str) -> str:
    """Run a program, or end with what it said."""
    answer = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if answer.returncode:
        sys.exit(f"error: {' '.join(command)}: {answer.stderr.strip() or answer.returncode}")
    return answer.stdout


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive of plain files."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def kind_files(archive: Path, root: Path) -> None:
    """Unpack what kind puts into each node, and change what must be different here."""
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="tar")
    for name, changes in CHANGES.items():
        path = root / name
        text = path.read_text()
        for pattern, new in changes:
            text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
            if not count:
                sys.exit(f"error: {name} of this kind has nothing like {pattern!r}: look at what became of it")
        path.write_text(text)


def install(built: Path, manifests: Path, release: str, root: Path) -> None:
    """Install the programs, and the manifests that kind applies."""
    for folder in ("opt/cni/bin", "etc/cni/net.d", "etc/kubernetes/manifests", "kind/manifests", CONTENT):
        (root / folder).mkdir(parents=True, exist_ok=True)
    places = {"kube": "usr/bin"} | dict.fromkeys(nodeprograms.CONTAINERD, "usr/local/bin")
    for name, folder in (places | dict.fromkeys(nodeprograms.CNI, "opt/cni/bin")).items():
        run("install", "-m", "755", str(built / name), str(root / folder / name))
    for name in ("kubelet", "kubeadm", "kubectl"):
        (root / "usr/bin" / name).symlink_to("kube")
    for path in manifests.glob("default-*.yaml"):
        run("install", "-m", "644", str(path), str(root / "kind/manifests" / path.name))
    (root / "kind/version").write_text(release)


def trim(root: Path) -> None:
    """Leave of systemd what a node needs, and take out what would reach beyond it."""
    for pattern in WANTED_AWAY:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                run("rm", "-rf", str(path))
            else:
                path.unlink()
    units = root / "etc/systemd/system"
    (units / "multi-user.target.wants").mkdir(parents=True, exist_ok=True)
    for name in ENABLED:
        (units / "multi-user.target.wants" / f"{name}.service").symlink_to(f"/etc/systemd/system/{name}.service")
    for name in MASKED:
        (units / f"{name}.service").unlink(missing_ok=True)
        (units / f"{name}.service").symlink_to("/dev/null")
    with (root / "etc/systemd/journald.conf").open("a") as file:
        file.write("ReadKMsg=no\n")  # the kernel's log is the host's
    (root / "sbin/init").unlink(missing_ok=True)
    (root / "sbin/init").symlink_to("/usr/lib/systemd/systemd")
    run("rm", "-rf", *(str(root / each) for each in ("var/cache/apt", "var/lib/apt/lists", "var/log/apt")))
    base = json.loads(run("chroot", str(root), "ctr", "oci", "spec"))
    base["process"].pop("rlimits", None)  # raising them needs CAP_SYS_RESOURCE
    base.setdefault("hooks", {})["createContainer"] = [{"path": "/kind/bin/mount-product-files.sh"}]
    (root / "etc/containerd/cri-base.json").write_text(json.dumps(base))


def preload(root: Path, layout: oci.Layout, log: Path) -> None:
    """Import the images into the node's containerd, packed: each node unpacks what it runs."""
    (root / "var/lib/containerd").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/containerd/io.containerd.content.v1.content").symlink_to(f"/{CONTENT}")
    for kind, place in (("proc", "proc"), ("tmpfs", "run"), ("tmpfs", "tmp")):
        run("mount", "-t", kind, kind, str(root / place))
    inside = ("chroot", str(root))
    with log.open("wb") as out:
        server = subprocess.Popen([*inside, "containerd"], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while subprocess.run([*inside, "ctr", "version"], capture_output=True, check=False).returncode:
            if server.poll() is not None or time.monotonic() > until:
                sys.exit(f"error: containerd does not start: {log.read_text(errors='replace')[-600:]}")
            time.sleep(0.1)  # it tells nobody when it serves
        say(IMPORT)
        command = [*inside, "ctr", "-n", "k8s.io", "images", "import", "--no-unpack", "--all-platforms", "-"]
        importer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert importer.stdin is not None
        try:
            layout.stream(importer.stdin)
        except BrokenPipeError:
            pass
        _, complaint = importer.communicate()
        if importer.returncode:
            sys.exit(f"error: ctr images import: {complaint.decode(errors='replace')[-600:]}")
        there = set(run(*inside, "ctr", "-n", "k8s.io", "images", "ls", "-q").split())
        if missing := set(layout.images) - there:
            sys.exit(f"error: {', '.join(sorted(missing))} did not arrive in containerd")
    finally:
        server.terminate()
        server.wait(PATIENCE)
    for place in ("proc", "run", "tmp"):
        run("umount", str(root / place))


def write_layer(root: Path, out: Path) -> tuple[int, str]:
    """Write everything below a folder as a tar, and return its size and digest."""
    tar = subprocess.Popen(["tar", "-C", str(root), "--numeric-owner", "-c", "."], stdout=subprocess.PIPE)
    assert tar.stdout is not None
    with out.open("wb") as file:
        hashed = oci.Hashed(file)
        while data := tar.stdout.read(1 << 20):
            hashed.write(data)
    if tar.wait():
        sys.exit("error: tar failed")
    return hashed.size, hashed.digest


if __name__ == "__main__":
    os.umask(0o022)
    main()
