"""The embedded provider: a real control plane on this machine by kwokctl's binary runtime; its nodes are simulated."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kitlib.cluster import identity, record
from kitlib.cluster.base import Cluster
from kitlib.cluster.bootstrap import Wire
from kitlib.cluster.embedded import controlplane, logs
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError, UsageError
from kitlib.files import write_private
from kitlib.machine import paths, processes, resources
from kitlib.machine.lock import FileLock
from kitlib.machine.programs.find import Programs, programs
from kitlib.machine.versions import Release, release
from kitlib.progress import Progress

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
DEADLINE = 120.0
"""Seconds until a control plane must serve; a loaded machine with two processors needs 20."""
NODES = 3
DISK = resources.GIB // 3
"""What a cluster takes: etcd alone sets 128 MB aside."""


class Embedded:
    """etcd, API server, controllers and scheduler as processes of this user; nodes and kubelets simulated by kwok."""

    name = "embedded"
    runs_containers = False

    def available(self) -> tuple[bool, str]:
        """Say that it runs everywhere."""
        return True, "it needs no container engine"

    def up(self, version: str, progress: bool = True) -> Cluster:
        """Bring up the cluster, or find it running; whatever a broken run left is removed first."""
        wanted = release(version)
        name = f"embedded-{wanted.label}"
        home = paths.home(name)
        with _lock(home, f"bring up {name}", progress):
            why = self._unfit(name, wanted)
            if why is None:
                return record.require(name)
            chosen = programs(wanted, progress)
            if why and progress:
                print(f"{name} is made anew: {why}", file=sys.stderr, flush=True)
            with Progress(f"bring up {name}", quiet=not progress) as bar:
                for left in (2, 1, 0):
                    self._remove(home)
                    try:
                        return self._make(name, home, wanted, chosen, bar)
                    except BaseException as error:
                        snatched = "address already in use" in str(error) and "KITLIB_PORT" not in os.environ
                        self._remove(home)
                        if not (isinstance(error, ClusterError) and snatched and left):
                            raise
        raise AssertionError

    def _unfit(self, name: str, wanted: Release) -> str | None:
        """Say why what there is of a cluster can't be used; None if it can, "" if there is nothing."""
        home = paths.home(name)
        found = record.load(name)
        if found is None:
            return "the last `up` did not end" if home.exists() else ""
        dead = [part for part, state in self._parts(home, name).items() if state != "alive"]
        if dead:
            return f"{', '.join(dead)} had ended"
        if found[1].get("configuration") != _digest(wanted):
            return "it was configured by another version of kitlib"
        try:
            found[0].verify()
        except ClusterError as error:
            return error.message
        return None

    def _make(self, name: str, home: Path, wanted: Release, chosen: Programs, bar: Progress) -> Cluster:
        until = time.monotonic() + DEADLINE
        resources.need_disk({home: DISK}, "bring up the cluster", ClusterError)
        wanted_port = os.environ.get("KITLIB_PORT")
        picked = controlplane.free_ports(3, _port(wanted_port) if wanted_port else None)
        ports = {"kubeApiserverPort": picked[0], "etcdPort": picked[1], "etcdPeerPort": picked[2]}
        server = f"https://{controlplane.LOOPBACK}:{ports['kubeApiserverPort']}"
        for folder in (home, home / "log", home / "bin", home / "kwokctl"):
            folder.mkdir(mode=0o700)
        for program, path in chosen.paths.items():
            (home / "bin" / program).symlink_to(path)
        pki = _work(home, name) / "pki"
        for path, text in controlplane.settings(wanted, home).items():
            write_private(path, text)
        write_private(home / "kwokctl" / "config.yaml", controlplane.configuration(wanted, pki, ports, home))

        def check() -> None:
            bar.update("etcd, API server, controllers, scheduler")
            dead = [part for part, state in self._parts(home, name).items() if state != "alive"]
            if dead == ["kube-controller-manager"] and self._impatient(name, home):
                self._start_anew(dead[0], name, home, wanted, until)
            elif dead:
                raise ClusterError(f"{dead[0]} ended while the cluster came up.")

        try:
            self._start(name, home, wanted, until)
            with Wire(server, pki / "ca.crt", pki / "admin.crt", pki / "admin.key") as wire:
                readiness = Readiness(wire, until, check)
                readiness.accepted("GET", "/version")
                # kwok asks for it after 1 s, 3 s, 7 s, 15 s, and would sleep on
                self._start_anew("kwok-controller", name, home, wanted, until)
                readiness.nodes(NODES)
                readiness.admission()
                if wanted.past:
                    readiness.token()
                readiness.accepted("GET", "/readyz")
                check()
                uid = wire.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
                served = wire.get("/version")["gitVersion"]
        except ClusterError as error:
            reasons = logs.complaints([*sorted((_work(home, name) / "logs").glob("*.log")), home / "log/kwokctl.log"])
            raise ClusterError(
                "\n  ".join([error.message, *reasons]),
                step="bring up the cluster",
                object=name,
                next="run `kitlib up` again; `kitlib doctor` tells about this machine",
            ) from error
        write_private(home / "kubeconfig", controlplane.kubeconfig(name, server, pki))
        cluster = Cluster(
            name=name,
            provider=self.name,
            version=wanted.minor,
            release=served,
            kubeconfig=home / "kubeconfig",
            context=name,
            runs_containers=False,
            node_count=NODES,
            made_by_kitlib=True,
            writable=True,
            home=home,
        )
        record.save(
            cluster,
            server=server,
            ca=identity.fingerprint((pki / "ca.crt").read_bytes()),
            uid=uid,
            configuration=_digest(wanted),
            programs=chosen.sources,
        )
        return cluster

    def _start(self, name: str, home: Path, wanted: Release, until: float) -> None:
        """Let kwokctl make certificates and start all components.

        To learn whether the API server serves, kwokctl would start kubectl five times a second, which costs more than
        the answer is worth while everything else starts: it is given a `kubectl` that says yes, and `Readiness` asks.
        """
        arguments = ["--runtime", "binary", "--config", str(home / "kwokctl" / "config.yaml"), "--kubeconfig", ""]
        for program in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            arguments += [f"--{program}-binary", str(home / "bin" / program)]
        arguments += ["--kwok-controller-binary", str(home / "bin" / "kwok")]
        (home / "kwokctl" / "kubectl").symlink_to(shutil.which("true") or "/usr/bin/true")
        (home / "log" / "kwokctl.log").touch(mode=0o600)
        self._kwokctl(["create", "cluster", *arguments], name, home, wanted, until)

    def _start_anew(self, part: str, name: str, home: Path, wanted: Release, until: float) -> None:
        """Start one component anew, whether it lives or not."""
        path = _work(home, name) / "bin" / part
        processes.end([pid for pid, program in processes.below(path.parent).items() if program == str(path)])
        (_work(home, name) / "pids" / f"{part}.pid").unlink(missing_ok=True)  # or its zombie counts as running
        self._kwokctl(["start", "cluster"], name, home, wanted, until)

    def _impatient(self, name: str, home: Path) -> bool:
        """Say whether the controller manager gave up on the API server: in 2020 it waited for 10 s, and no longer."""
        log = _work(home, name) / "logs" / "kube-controller-manager.log"
        return any("failed to wait for apiserver being healthy" in reason for reason in logs.complaints([log]))

    def _kwokctl(self, arguments: list[str], name: str, home: Path, wanted: Release, until: float) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("KWOK_")}
        environment |= {
            "KWOK_WORKDIR": str(home / "kwok"),
            "KWOK_KUBE_VERSION": f"v{wanted.kubernetes}",
            "KWOK_ETCD_VERSION": wanted.etcd,
            "PATH": f"{home / 'kwokctl'}{os.pathsep}{environment.get('PATH', os.defpath)}",
            "KUBECONFIG": os.devnull,
        }
        with (home / "log" / "kwokctl.log").open("ab") as out:
            child = subprocess.Popen(
                [str(home / "bin" / "kwokctl"), *arguments, "--name", name],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                umask=0o077,
            )
            try:
                code = child.wait(until - time.monotonic())
            except subprocess.TimeoutExpired as error:
                raise ClusterError("kwokctl did not end in time.") from error
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
        if code:
            raise ClusterError(f"kwokctl ended with {code}.")

    def _parts(self, home: Path, name: str) -> dict[str, str]:
        """Tell of each component whether it is "alive", "dead" or "absent" (not started)."""
        parts = {}
        for part in COMPONENTS:
            work = _work(home, name)
            try:
                pid = int((work / "pids" / f"{part}.pid").read_text())
            except (OSError, ValueError):
                parts[part] = "absent"
                continue
            parts[part] = "alive" if processes.running(pid, work / "bin" / part) else "dead"
        return parts

    def running(self, name: str) -> bool:
        """Say whether all components live."""
        return set(self._parts(paths.home(name), name).values()) == {"alive"}

    def status(self, name: str) -> dict[str, Any]:
        """Tell about each component, and where programs and logs are."""
        home = paths.home(name)
        cluster = record.load(name)
        return {
            "name": name,
            "running": self.running(name),
            "whole": cluster is not None,
            "components": self._parts(home, name),
            "programs": cluster[1].get("programs", {}) if cluster else {},
            "server": cluster[1].get("server") if cluster else None,
            "release": cluster[0].release if cluster else None,
            "logs": str(_work(home, name) / "logs"),
        }

    def down(self, name: str) -> None:
        """End all processes and remove all files; also of a cluster that is broken or half-made."""
        home = paths.home(name)
        with _lock(home, f"take down {name}"):
            self._remove(home)

    def _remove(self, home: Path) -> None:
        """End every process whose program lies in the cluster's folder, and remove the folder."""
        while pids := processes.below(home):  # a kwokctl that lives on may just have started one more
            if left := processes.end(list(pids)):
                raise ClusterError(
                    f"processes {', '.join(map(str, left))} don't end.", step="take down the cluster", object=home.name
                )
        (home / "cluster.json").unlink(missing_ok=True)  # first: what remains is not a cluster
        if home.exists():
            shutil.rmtree(home)

    def scale_nodes(self, cluster: Cluster, count: int) -> Cluster:
        """Have `count` simulated nodes, and wait until they are Ready."""
        until = time.monotonic() + DEADLINE
        with Wire.from_kubeconfig(cluster.kubeconfig, cluster.context) as wire:
            names = [item["metadata"]["name"] for item in wire.get("/api/v1/nodes")["items"]]
            for name in names:
                if name.startswith("node-") and int(name[5:]) > count:
                    wire.request("DELETE", f"/api/v1/nodes/{name}")
            Readiness(wire, until).nodes(count)
        found = record.load(cluster.name)
        changed = dataclasses.replace(cluster, node_count=count)
        if found:
            record.save(changed, **{key: value for key, value in found[1].items() if key not in changed.to_dict()})
        return changed

    def node(self, cluster: Cluster, node: str, act: str) -> None:
        """Refuse: a simulated node can't be lost."""
        raise UsageError(
            "its nodes are simulated.",
            step=f"{act} a node",
            object=f"{cluster.name}/{node}",
            next="use a cluster whose nodes are real: `kitlib up --provider kind`",
        )

    def mend(self, cluster: Cluster) -> None:
        """Do nothing: a simulated node can't be lost."""


def _lock(home: Path, step: str, progress: bool = True) -> FileLock:
    return FileLock(home.with_name(f".{home.name}.lock"), step, progress)


def _port(text: str) -> dict[str, int]:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(
            f"KITLIB_PORT={text!r} is not a port.", step="choose a port", next="use a number from 1 to 65535"
        )
    return {"the API server (KITLIB_PORT)": int(text)}


def _work(home: Path, name: str) -> Path:
    return home / "kwok" / "clusters" / name


def _digest(wanted: Release) -> str:
    """Return what tells whether a running cluster was configured as this kitlib would do it."""
    text = controlplane.configuration(wanted, Path("pki"), dict.fromkeys(controlplane.PORTS, 0))
    text += "".join(controlplane.settings(wanted, Path("home")).values())
    return hashlib.sha256(text.encode()).hexdigest()[:16]
