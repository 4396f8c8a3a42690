"""The kind provider: nodes are containers of an engine on this machine, and Pods really run."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from pathlib import Path
from typing import Any

from kitlib.cluster import record
from kitlib.cluster.base import Cluster
from kitlib.cluster.kind import config, containers, engines, firstboot, parts, restore
from kitlib.cluster.kind.creation import DEADLINE, Creation, create
from kitlib.cluster.kind.engines import Client
from kitlib.errors import ClusterError, ServerError, UsageError
from kitlib.machine import paths, resources, versions
from kitlib.machine.airgap.parts import Part
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import kindcommand
from kitlib.progress import Progress, message

DISK = resources.GIB // 4
MEMORY = resources.GIB
"""What the nodes use when nothing runs on them."""


class Kind:
    """One control plane and two workers, as containers; the engine is yours, or kitlib's own."""

    name = "kind"
    runs_containers = True

    def available(self) -> tuple[bool, str]:
        """Say whether an engine answers."""
        if client := engines.find():
            return True, "kitlib's own engine runs" if client.own else f"{client.program} answers"
        there = [f"{engine.name}: {engine.detail}" for engine in engines.engines() if engine.installed]
        return False, "no container engine answers" + (f" ({'; '.join(there)})" if there else "")

    def up(self, version: str, progress: bool = True) -> Cluster:
        """Bring up the cluster, or find it running; whatever a broken run left is removed first."""
        release = versions.offered(version)
        minor, planes = (release.minor, release.planes) if release else (versions.minor_of(version), 1)
        name = f"kind-{release.label if release else minor}"
        home = paths.home(name)
        with _lock(home, f"bring up {name}", progress):
            why = self._unfit(name)
            if why is None:
                return record.require(name)
            if why and progress:
                message(f"{name} is made anew: {why}")
            self._remove(home)
            try:
                resources.need_disk({home: DISK}, f"bring up {name}", ClusterError)
                client = engines.ensure(progress)
                image = config.image(client, minor, progress)
                kind = kindcommand.program(progress)
                early = firstboot.image(progress) if planes > 1 else None
                with Progress(f"bring up {name}", quiet=not progress) as bar:
                    return create(Creation(name, home, minor, client, image, kind, bar, planes, early))
            except BaseException:
                self._remove(home)
                engines.stop_if_unused()
                raise

    def _unfit(self, name: str) -> str | None:
        """Say why what there is of a cluster can't be used; None if it can, "" if there is nothing."""
        found = record.load(name)
        if found is None:
            return "the last `up` did not end" if paths.home(name).exists() else ""
        cluster, notes = found
        client = engines.from_record(notes)
        if client is None:
            return "its engine had ended"
        try:
            states = containers.states(client, notes["kind_name"])
            lost = [node for node in notes["nodes"] if node not in states]
            if lost:
                return f"{', '.join(lost)} had been removed"
            self._mend(client, cluster, states)
            cluster.verify()
        except (ClusterError, ServerError) as error:
            return error.message
        return None

    def running(self, name: str) -> bool:
        """Say whether its control plane's container runs; a worker may be stopped, that is what notebooks do."""
        found = record.load(name)
        client = engines.from_record(found[1]) if found else None
        if found is None or client is None:
            return False
        try:
            states = containers.states(client, found[1]["kind_name"])
        except ClusterError:
            return False
        return states.get(f"{found[1]['kind_name']}-control-plane") == "running"

    def status(self, name: str) -> dict[str, Any]:
        """Tell about each node, the engine and the image."""
        found = record.load(name)
        notes = found[1] if found else {}
        client = engines.from_record(notes) if found else None
        return {
            "name": name,
            "running": self.running(name),
            "whole": found is not None,
            "nodes": containers.states(client, notes["kind_name"]) if client else {},
            "engine": "kitlib's own" if notes.get("own_engine") else notes.get("engine"),
            "image": notes.get("image"),
            "ports": notes.get("ports", {}),
            "server": notes.get("server"),
            "release": found[0].release if found else None,
        }

    def down(self, name: str, progress: bool = True) -> None:
        """Remove all containers and files; also of a cluster that is broken or half-made."""
        home = paths.home(name)
        with _lock(home, f"take down {name}", progress):
            self._remove(home)

    def _remove(self, home: Path) -> None:
        if not home.exists():
            return
        (home / "cluster.json").unlink(missing_ok=True)  # first: what remains is not a cluster
        try:
            notes = json.loads((home / "kind.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            notes = {}
        client = engines.from_record(notes) if notes else None
        if client:
            containers.remove(client, notes["kind_name"])
        shutil.rmtree(home)

    def scale_nodes(self, cluster: Cluster, count: int) -> Cluster:
        """Have `count` nodes, those of the control plane among them, and wait until they are Ready."""
        client, notes = self._of(cluster)
        planes = len([node for node in notes["nodes"] if containers.has_plane(node)])
        if count <= planes:
            raise UsageError(
                f"{count} {'node is' if count == 1 else 'nodes are'} the control plane's alone.",
                step="scale nodes",
                object=cluster.name,
                next=f"use {planes + 1} or more",
            )
        until = time.monotonic() + DEADLINE
        names = containers.scale(client, cluster, notes, count, until)
        if set(names) - set(notes["nodes"]) and not config.brings_lessons(notes["image"]):
            config.load_lessons(notes["kind_name"], client, kindcommand.program(progress=False), until)
        changed = dataclasses.replace(cluster, node_count=len(names))
        kept = {key: value for key, value in notes.items() if key not in changed.to_dict()}
        record.save(changed, **kept | {"nodes": names})
        return changed

    def part(self, cluster: Cluster, part: Part, progress: bool = True) -> str:
        """Have the image of a part on every node that runs, and return its name."""
        client, notes = self._of(cluster)
        return parts.image(client, notes["kind_name"], part, progress)

    def _of(self, cluster: Cluster) -> tuple[Client, dict[str, Any]]:
        """Return the client of a cluster's engine, and what was noted."""
        found = record.load(cluster.name)
        client = engines.from_record(found[1]) if found else None
        if found is None or client is None:
            raise ClusterError("its engine has ended.", step="find the nodes", object=cluster.name, next="`kitlib up`")
        return client, found[1]

    def node(self, cluster: Cluster, node: str, act: str) -> None:
        """Stop, start, cut off or reconnect a node."""
        client, notes = self._of(cluster)
        if node not in notes["nodes"]:
            raise UsageError(
                f"it has no node {node!r}.",
                step=f"{act} a node",
                object=cluster.name,
                next=f"use one of: {', '.join(notes['nodes'])}",
            )
        if act == "cut off":
            _cut_note(cluster.name).touch()
        containers.ACTS[act](client, node)

    def mend(self, cluster: Cluster) -> None:
        """Start nodes that were stopped, reconnect those that were cut off, and wait until all are Ready."""
        client, notes = self._of(cluster)
        with _lock(paths.home(cluster.name), "bring back nodes"):
            self._mend(client, cluster, containers.states(client, notes["kind_name"]))

    def _mend(self, client: Client, cluster: Cluster, states: dict[str, str]) -> None:
        note = _cut_note(cluster.name)
        restore.mend(client, cluster, [node for node, state in states.items() if state == "running"])
        containers.mend(client, cluster, states, note.exists())
        note.unlink(missing_ok=True)


def _cut_note(name: str) -> Path:
    """Return the file whose presence says that a node was cut off, and perhaps not reconnected."""
    return paths.home(name) / "cut-off"


def _lock(home: Path, step: str, progress: bool = True) -> FileLock:
    return FileLock(home.with_name(f".{home.name}.lock"), step, progress)
