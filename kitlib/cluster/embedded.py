"""The embedded provider: a real control plane on this machine by kwokctl's binary runtime; its nodes are simulated."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kitlib.cluster import controlplane, places, processes, record
from kitlib.cluster.base import Cluster
from kitlib.cluster.binaries import Programs, programs
from kitlib.cluster.lock import FileLock
from kitlib.cluster.shown import shown
from kitlib.cluster.versions import Release, release
from kitlib.cluster.wire import Wire
from kitlib.errors import ClusterError, UsageError
from kitlib.progress import Progress

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")
DEADLINE = 120.0
"""Seconds until a control plane must serve; a loaded machine with two processors needs 20."""
NODES = 3


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
        name = f"embedded-{wanted.minor}"
        home = places.home(name)
        with _lock(home, f"bring up {name}", progress):
            why = self._unfit(name)
            if why is None:
                return record.require(name)
            chosen = programs(wanted, progress)
            if why and progress:
                print(f"{name} is made anew: {why}", file=sys.stderr, flush=True)
            with shown(f"bring up {name}", progress) as bar:
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

    def _unfit(self, name: str) -> str | None:
        """Say why what there is of a cluster can't be used; None if it can, "" if there is nothing."""
        home = places.home(name)
        found = record.load(name)
        if found is None:
            return "the last `up` did not end" if home.exists() else ""
        dead = [part for part, state in self._parts(home, name).items() if state != "alive"]
        if dead:
            return f"{', '.join(dead)} had ended"
        if found[1].get("configuration") != _digest():
            return "it was configured by another version of kitlib"
        try:
            found[0].verify()
        except ClusterError as error:
            return error.message
        return None

    def _make(self, name: str, home: Path, wanted: Release, chosen: Programs, bar: Progress) -> Cluster:
        until = time.monotonic() + DEADLINE
        home.mkdir(mode=0o700)
        (home / "log").mkdir(mode=0o700)
        (home / "bin").mkdir(mode=0o700)
        for program, path in chosen.paths.items():
            (home / "bin" / program).symlink_to(path)
        wanted_port = os.environ.get("KITLIB_PORT")
        picked = controlplane.free_ports(3, _port(wanted_port) if wanted_port else None)
        ports = {"kubeApiserverPort": picked[0], "etcdPort": picked[1], "etcdPeerPort": picked[2]}
        work = _work(home, name)
        record.write_private(home / "kwokctl.yaml", controlplane.configuration(work / "pki", ports))
        self._create(name, home, wanted, until, bar)
        server = f"https://{controlplane.LOOPBACK}:{ports['kubeApiserverPort']}"
        pki = work / "pki"
        with Wire(server, pki / "ca.crt", pki / "admin.crt", pki / "admin.key") as wire:
            try:
                uid = _wait_ready(wire, NODES, until)
            except ClusterError as error:
                raise _failed(error.message, home, name) from error
            git = wire.get("/version")["gitVersion"]
        record.write_private(home / "kubeconfig", _kubeconfig(name, server, pki))
        cluster = Cluster(
            name=name,
            provider=self.name,
            version=wanted.minor,
            release=git,
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
            ca=record.fingerprint((pki / "ca.crt").read_bytes()),
            uid=uid,
            configuration=_digest(),
            programs=chosen.sources,
        )
        return cluster

    def _create(self, name: str, home: Path, wanted: Release, until: float, bar: Progress) -> None:
        """Run kwokctl; it returns when the API server answers."""
        command = [str(home / "bin" / "kwokctl"), "create", "cluster", "--name", name, "--runtime", "binary"]
        command += ["--config", str(home / "kwokctl.yaml"), "--kubeconfig", ""]
        for program in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
            command += [f"--{program}-binary", str(home / "bin" / program)]
        command += ["--kwok-controller-binary", str(home / "bin" / "kwok")]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("KWOK_")}
        environment |= {
            "KWOK_WORKDIR": str(home / "kwok"),
            "KWOK_KUBE_VERSION": f"v{wanted.kubernetes}",
            "KWOK_ETCD_VERSION": wanted.etcd,
            "PATH": f"{home / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}",
            "KUBECONFIG": os.devnull,
        }
        log = home / "log" / "kwokctl.log"
        with log.open("wb") as out:
            child = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                umask=0o077,
            )
            try:
                while True:
                    try:
                        code = child.wait(0.2)
                        break
                    except subprocess.TimeoutExpired:
                        dead = [part for part, state in self._parts(home, name).items() if state == "dead"]
                        if dead:
                            raise _failed(f"{dead[0]} ended while the cluster came up.", home, name) from None
                        if time.monotonic() > until:
                            raise _failed(f"it does not serve after {DEADLINE:.0f} s.", home, name) from None
                        bar.update("etcd, API server, controllers, scheduler")
            finally:
                if child.poll() is None:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
        if code:
            raise _failed(f"kwokctl ended with {code}.", home, name)

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
        return set(self._parts(places.home(name), name).values()) == {"alive"}

    def status(self, name: str) -> dict[str, Any]:
        """Tell about each component, and where programs and logs are."""
        home = places.home(name)
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
        home = places.home(name)
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
            _make_nodes(wire, count, until)
            _wait_nodes(wire, count, until)
        found = record.load(cluster.name)
        changed = dataclasses.replace(cluster, node_count=count)
        if found:
            record.save(changed, **{key: value for key, value in found[1].items() if key not in changed.to_dict()})
        return changed


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


def _digest() -> str:
    """Return what tells whether a running cluster was configured as this kitlib would do it."""
    text = controlplane.configuration(Path("pki"), dict.fromkeys(controlplane.PORTS, 0))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _wait_ready(wire: Wire, nodes: int, until: float) -> str:
    """Make the nodes, and wait until Pods can be made and run; return the uid of kube-system."""
    _make_nodes(wire, nodes, until)
    _wait_nodes(wire, nodes, until)
    path = "/api/v1/namespaces/default/serviceaccounts?fieldSelector=metadata.name%3Ddefault"
    if next(wire.watch(path, until), None) is None:
        raise ClusterError("the controllers made no ServiceAccount in time.")
    _until_ok(wire, "GET", "/readyz", None, until)
    uid: str = wire.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    return uid


def _make_nodes(wire: Wire, count: int, until: float) -> None:
    for number in range(1, count + 1):
        _until_ok(wire, "POST", "/api/v1/nodes", controlplane.node(number), until)


def _until_ok(wire: Wire, method: str, path: str, body: object, until: float) -> None:
    """Repeat a request until the API server takes it: it answers before it is ready for all."""
    pause = 0.02
    while True:
        try:
            status, answer = wire.request(method, path, body)
            if status in (200, 201, 409):
                return
            reason = f"answers {status} to {method} {path}: {answer[:300].decode(errors='replace')}"
        except (OSError, http.client.HTTPException) as error:
            reason = str(error)
        if time.monotonic() + pause > until:
            raise ClusterError(f"the API server {reason}")
        time.sleep(pause)  # there is nothing to watch before it serves
        pause = min(pause * 1.5, 0.5)


def _wait_nodes(wire: Wire, count: int, until: float) -> None:
    ready = set()
    for item in wire.watch("/api/v1/nodes", until):
        conditions = item.get("status", {}).get("conditions") or []
        if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
            ready.add(item["metadata"]["name"])
        if len(ready) >= count:
            return
    raise ClusterError(f"{len(ready)} of {count} nodes are Ready.")


def _kubeconfig(name: str, server: str, pki: Path) -> str:
    ca, certificate, key = (
        base64.b64encode((pki / file).read_bytes()).decode() for file in ("ca.crt", "admin.crt", "admin.key")
    )
    return f"""\
# kitlib made this file; it is removed with the cluster. Use it with: kubectl --kubeconfig THIS_FILE …
apiVersion: v1
kind: Config
current-context: {name}
contexts:
- name: {name}
  context: {{cluster: {name}, user: {name}}}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
"""


def _failed(message: str, home: Path, name: str) -> ClusterError:
    """Make the error for a cluster that does not come up, with what the components' logs say."""
    reasons = []
    for log in [*sorted((_work(home, name) / "logs").glob("*.log")), home / "log" / "kwokctl.log"]:
        with contextlib.suppress(OSError):
            lines = log.read_text(errors="replace").splitlines()[-200:]
            bad = [line for line in lines if _is_bad(line)]
            if bad:
                reasons.append(f"{log.stem}: {_short(bad[-1])}")
    detail = "".join(f"\n  {reason}" for reason in reasons)
    return ClusterError(
        f"{message}{detail}",
        step="bring up the cluster",
        object=name,
        next="try `kitlib up` again, and `kitlib doctor`",
    )


def _is_bad(line: str) -> bool:
    return line.startswith(("E1", "F1", "E0", "F0", "Error", "error", "panic")) or (
        '"level":"' in line and any(f'"level":"{level}"' in line for level in ("error", "fatal", "panic", "ERROR"))
    )


def _short(line: str) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        entry = json.loads(line)
        return " ".join(str(entry[key]) for key in ("msg", "error", "err") if key in entry)[:300]
    return line[:300]
