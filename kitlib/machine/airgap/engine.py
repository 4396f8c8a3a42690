"""An engine for machines that have none: Debian's dockerd in namespaces of its own, private to kitlib.

Its processes, mounts and network are of namespaces that the kernel takes away as soon as their first process ends; so
there is nothing of them to be cleaned up, in whatever way it ended. From its network there is no way to any other. What
is shared with the machine, and therefore put back, are control groups and those kernel settings that know no namespace.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kitlib.errors import BuildError, ClusterError
from kitlib.files import write_private
from kitlib.machine import folders, paths, processes, proxies, resources, subprocesses
from kitlib.machine.airgap import debian, enginedata, sysctls
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import nodeprograms
from kitlib.progress import Progress, message

STEP = "start the container engine"
DEADLINE = 60.0
"""Seconds until dockerd must answer."""
PATIENCE = 20.0
"""Seconds that it may take to end."""
NAMES = "198.51.100.53"
"""Where names are answered, in the engine's own network: with "no such name". Nobody has that address (RFC 5737)."""
BRIDGE = "172.29.0.1/24"
SIZE = 2 * resources.GIB
"""What the engine's data take on the disk: the node image, and what three nodes write."""
FOR_CLUSTERS = "for-clusters"
GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Own:
    """An engine of kitlib's that was started.

    Parameters
    ----------
    home : Path
        Its folder below the state folder.
    ident : str
        What names it on this machine.
    pid : int
        Its outermost process.
    data : Path
        Where images and containers are: a folder of the cache, which outlives it.
    """

    home: Path
    ident: str
    pid: int
    data: Path

    @property
    def socket(self) -> str:
        """Where it listens, as docker's clients take it in DOCKER_HOST."""
        return f"unix://{self.home / 'docker.sock'}"

    def environment(self) -> dict[str, str]:
        """Return the environment in which docker's client, and kind, talk to it."""
        dropped = ("DOCKER_", "KIND_EXPERIMENTAL")
        kept = {key: value for key, value in proxies.for_containers().items() if not key.startswith(dropped)}
        return kept | {
            "DOCKER_HOST": self.socket,
            "DOCKER_CONFIG": str(self.home / "client"),
            "PATH": f"{os.environ.get('PATH', '')}{os.pathsep}{subprocesses.PATH}",
        }


def home() -> Path:
    """Return the engine's folder; it need not exist."""
    return paths.state() / "engine"


def find() -> Own | None:
    """Return the engine if it was started and lives."""
    try:
        notes = json.loads((home() / "engine.json").read_text(encoding="utf-8"))
        own = Own(home(), notes["ident"], notes["pid"], Path(notes["data"]))
    except (OSError, ValueError, KeyError):
        return None
    return own if processes.running(own.pid, own.home / "bin" / "engine") else None


def up(progress: bool = True, for_clusters: bool = False) -> Own:
    """Start the engine, or find it running; what a broken one left is removed first.

    Parameters
    ----------
    progress : bool
    for_clusters : bool
        It was not asked for, but a cluster needs it: it goes with the last one.

    Raises
    ------
    BuildError
        This is not Debian, you are not root, or its packages or programs can't be had.
    ClusterError
        It does not start; the message has its last words.
    """
    with _lock(STEP, progress):
        if (own := find()) and answers(own):
            if not for_clusters:
                (own.home / FOR_CLUSTERS).unlink(missing_ok=True)
            return own
        if home().exists():
            _remove()
        debian.require(STEP)
        installed = debian.install(debian.ENGINE, STEP, progress)
        if installed and progress:
            message(f"installed for the engine: {', '.join(installed)}")
        built = nodeprograms.make(progress)
        with Progress(STEP, quiet=not progress) as bar:
            try:
                own = _start(built, bar.update)
                if for_clusters:
                    (own.home / FOR_CLUSTERS).touch()
                return own
            except BaseException:
                _remove()
                raise


def _start(built: Path, tick: subprocesses.Tell) -> Own:
    ident = f"kitlib-{secrets.token_hex(3)}"
    base = home()
    base.mkdir(mode=0o700)
    for folder in ("bin", "client", "exec", "log"):
        (base / folder).mkdir(mode=0o700)
    for name in ("engine", *nodeprograms.ENGINE):
        (base / "bin" / name).symlink_to(built / "engine")
    with enginedata.taken() as (data, lock):
        resources.need_disk({data: SIZE}, STEP, ClusterError)
        (data / "whole").unlink(missing_ok=True)
        # noted before anything is changed: whatever happens now, `down` knows what to put back
        notes = {"ident": ident, "pid": 0, "data": str(data)}
        write_private(base / "engine.json", json.dumps(notes))
        sysctls.hold(ident)
        with (base / "log" / "dockerd.log").open("ab") as out:
            child = subprocess.Popen(
                [str(base / "bin" / "engine"), "run", str(base), NAMES, *_dockerd(base, data, ident)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                env={"PATH": subprocesses.PATH, "HOME": str(base), "DOCKER_RAMDISK": ""},
                start_new_session=True,
                pass_fds=(lock,),
            )
        write_private(base / "engine.json", json.dumps(notes | {"pid": child.pid}))
    own = Own(base, ident, child.pid, data)
    _await(own, child, tick)
    _forget_containers(own)
    return own


def _dockerd(base: Path, data: Path, ident: str) -> list[str]:
    command = [
        "dockerd",
        f"--host=unix://{base / 'docker.sock'}",
        f"--data-root={data}",
        f"--exec-root={base / 'exec'}",
    ]
    command += [f"--pidfile={base / 'dockerd.pid'}", "--group=0", "--storage-driver=overlay2"]
    command += ["--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent=/{ident}", "--log-opt=max-size=10m"]
    command += [f"--bip={BRIDGE}", f"--dns={NAMES}", f"--userland-proxy-path={base / 'bin' / 'docker-proxy'}"]
    if not sysctls.can_raise_limits():
        command += [f"--add-runtime=modest={base / 'bin' / 'oci-runtime'}", "--default-runtime=modest"]
    return command


def _await(own: Own, child: subprocess.Popen[bytes], tick: subprocesses.Tell) -> None:
    """Wait until dockerd answers: it makes its socket late, and says nothing else."""
    until = time.monotonic() + DEADLINE
    while not answers(own):
        tick("dockerd")
        if child.poll() is not None or time.monotonic() > until:
            log = (own.home / "log" / "dockerd.log").read_text(errors="replace", encoding="utf-8").splitlines()
            said = [line for line in log if "level=info" not in line and "level=warning" not in line][-3:]
            what = "it does not answer" if child.poll() is None else "it ended"
            raise ClusterError(
                "\n  ".join([f"{what}.", *(line[:300] for line in said or log[-3:])]),
                step=STEP,
                object="dockerd",
                next="try again; `kitlib doctor` tells about this machine",
            )
        time.sleep(0.05)


def answers(own: Own, patience: float = 5.0) -> bool:
    """Say whether the engine answers."""
    if not (own.home / "docker.sock").exists():
        return False
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocesses.said(command, patience, own.environment()) is not None


def docker(own: Own, *arguments: str, step: str = STEP) -> str:
    """Run docker's client against the engine, and return what it says; BuildError if it fails."""
    return subprocesses.output(["docker", *arguments], step, own.environment())


def _forget_containers(own: Own) -> None:
    """Remove all containers and networks: at the start what a crash left, at the end what there is."""
    if there := docker(own, "ps", "--all", "--quiet").split():
        docker(own, "rm", "--force", "--volumes", *there)
    docker(own, "network", "prune", "--force")
    if volumes := docker(own, "volume", "ls", "--quiet").split():
        docker(own, "volume", "rm", "--force", *volumes)


def down(progress: bool = True, only_for_clusters: bool = False) -> bool:
    """End the engine and take away all that belongs to it; images stay in the cache. Say whether there was one.

    Parameters
    ----------
    progress : bool
    only_for_clusters : bool
        Leave one that was asked for by itself.

    Raises
    ------
    ClusterError
        Its processes don't end.
    """
    with _lock("take down the container engine", progress):
        if not home().exists() or (only_for_clusters and find() and not (home() / FOR_CLUSTERS).exists()):
            return False
        _remove()
        return True


def _remove() -> None:
    base = home()
    own = find()
    try:
        notes = json.loads((base / "engine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        notes = {}
    if own:
        orderly = _end(own)
        if orderly:
            (own.data / "whole").touch(mode=0o600)
    while left := processes.below(base / "bin"):
        if stuck := processes.end(list(left), PATIENCE):
            raise ClusterError(
                f"processes {', '.join(map(str, stuck))} don't end.", step="take down the container engine"
            )
    if notes:
        _remove_groups(notes["ident"])
        sysctls.release(notes["ident"])
        data = Path(notes["data"])
        if data.exists() and not (data / "whole").exists():
            folders.remove(data)
    folders.remove(base)


def _end(own: Own) -> bool:
    """End an engine; say whether it went in good order."""
    orderly = True
    try:
        if answers(own):
            _forget_containers(own)
        else:
            orderly = False
    except BuildError:
        orderly = False
    if orderly:
        return processes.end_gently(own.pid, PATIENCE)
    processes.end([own.pid], PATIENCE)
    return False


def _remove_groups(ident: str) -> None:
    """Remove the engine's control groups, when the last process in them has ended: the kernel tells nobody of that."""
    until = time.monotonic() + PATIENCE
    for group in (root / ident for root in (GROUPS, *GROUPS.iterdir())):
        while group.is_dir():
            for path in sorted((each for each in group.rglob("*") if each.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
            try:
                group.rmdir()
            except FileNotFoundError:
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise ClusterError(
                        f"processes in it don't end ({error.strerror}).",
                        step="take down the container engine",
                        object=str(group),
                        next="`kitlib down` again",
                    ) from error
                time.sleep(0.05)


def _lock(step: str, progress: bool) -> FileLock:
    return FileLock(home().with_name(".engine.lock"), step, progress)
