"""The embedded provider: a real control plane on this machine by kwokctl's binary runtime; its nodes are simulated."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from pathlib import Path
from typing import Any

from kitlib.cluster import record
from kitlib.cluster.base import Cluster
from kitlib.cluster.embedded.creation import DEADLINE, create, digest, nodes
from kitlib.cluster.embedded.kwokctl import Plane
from kitlib.cluster.readiness import Readiness
from kitlib.errors import ClusterError, ServerError, UsageError
from kitlib.machine import paths, processes
from kitlib.machine.airgap.parts import Part
from kitlib.machine.lock import FileLock
from kitlib.machine.programs.find import programs
from kitlib.machine.versions import Release, release
from kitlib.progress import Progress, message


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
                message(f"{name} is made anew: {why}")
            with Progress(f"bring up {name}", quiet=not progress) as bar:
                for left in (2, 1, 0):
                    self._remove(home)
                    try:
                        return create(Plane(home, name), wanted, chosen, bar)
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
        dead = Plane(home, name).not_alive()
        if dead:
            return f"{', '.join(dead)} had ended"
        if found[1].get("configuration") != digest(wanted):
            return "it was configured by another version of kitlib"
        try:
            found[0].verify()
        except (ClusterError, ServerError) as error:
            return error.message
        return None

    def running(self, name: str) -> bool:
        """Say whether all components live."""
        return not Plane(paths.home(name), name).not_alive()

    def status(self, name: str) -> dict[str, Any]:
        """Tell about each component, and where programs and logs are."""
        home = paths.home(name)
        cluster = record.load(name)
        return {
            "name": name,
            "running": self.running(name),
            "whole": cluster is not None,
            "components": Plane(home, name).parts(),
            "programs": cluster[1].get("programs", {}) if cluster else {},
            "server": cluster[1].get("server") if cluster else None,
            "release": cluster[0].release if cluster else None,
            "logs": str(Plane(home, name).work / "logs"),
        }

    def down(self, name: str, progress: bool = True) -> None:
        """End all processes and remove all files; also of a cluster that is broken or half-made."""
        home = paths.home(name)
        with _lock(home, f"take down {name}", progress):
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
        connection = cluster.connect()
        for item in connection.get("/api/v1/nodes")["items"]:
            name = item["metadata"]["name"]
            if name.startswith("node-") and int(name[5:]) > count:
                connection.request("DELETE", f"/api/v1/nodes/{name}")
        nodes(Readiness(connection, until), count)
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

    def part(self, cluster: Cluster, part: Part, progress: bool = True) -> str:
        """Refuse: no container of it would run."""
        raise ClusterError(
            "its nodes are simulated, so no container of a part would run.",
            step=f"have the part {part.name}",
            object=cluster.name,
            next="use a cluster whose nodes are real: `kitlib up --provider kind`",
        )

    def mend(self, cluster: Cluster) -> None:
        """Do nothing: a simulated node can't be lost."""


def _lock(home: Path, step: str, progress: bool = True) -> FileLock:
    return FileLock(home.with_name(f".{home.name}.lock"), step, progress)
