"""What a security context does once a container runs: asked of the probe, on a cluster whose containers are real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib import cluster as clusters
from kitlib import objects
from kitlib.cluster import namespaces
from kitlib.errors import ClusterError
from kitlib.machine import versions


def with_containers(lab: Any, kubernetes: str = versions.DEFAULT) -> str | ClusterError:
    """Return the name of a running cluster of kitlib's in which containers run, or the error that there is none.

    Parameters
    ----------
    lab : Lab
        Whose recording keeps the answer.
    kubernetes : str
        Its version.
    """

    def running(kubernetes: str) -> str:
        for each in clusters.clusters():
            if each.runs_containers and each.version == kubernetes:
                return each.name
        raise ClusterError(
            "needs real containers: no cluster that has some is running",
            step="look inside a container",
            object=f"Kubernetes {kubernetes}",
            next="start one with `kitlib up --provider kind`, and run the notebook again",
        )

    try:
        name: str = lab.answer_of(running, kubernetes)
    except ClusterError as error:
        return error
    return name


def inside(name: str, manifest: Path | str, timeout: float = 120) -> pd.DataFrame:
    """Run Pods of the probe in a namespace of their own, and return what each is and what it could do.

    Parameters
    ----------
    name : str
        Of a cluster of kitlib's in which containers run.
    manifest : Path or str
        The Pods; each has a readiness probe, and serves at 8080.
    timeout : float
        Seconds until they must be ready.

    Returns
    -------
    DataFrame
        Pod, cluster, user (its id), capabilities (how many), seccomp (off or filter), then whether each thing that the
        probe tries (write-root, chown, keyctl, …) could be done.

    Raises
    ------
    ClusterError
        If there is no such cluster, or it doesn't run.
    WaitTimeout, ServerError
        If a Pod doesn't become ready, or doesn't answer.
    """
    cluster = clusters.find(name)
    connection = cluster.connect()
    space = namespaces.create(connection, "security")
    try:
        objects.apply(connection, manifest, space)
        rows = []
        for pod in objects.load(manifest):
            called = pod["metadata"]["name"]
            objects.wait(connection, f"pod/{called}", space, condition="Ready", timeout=timeout)
            where = f"/api/v1/namespaces/{space}/pods/http:{called}:8080/proxy"
            own = json.loads(connection.request("GET", f"{where}/self"))
            tried = [json.loads(line) for line in connection.request("GET", f"{where}/try").splitlines()]
            rows.append(
                {
                    "Pod": called,
                    "cluster": cluster.name,
                    "user": own["uid"],
                    "capabilities": len(own["capabilities"]["effective"]),
                    "seccomp": own["seccomp"],
                    **{each["what"]: each["done"] for each in tried},
                }
            )
        return pd.DataFrame(rows)
    finally:
        namespaces.delete(connection, space, timeout=None)
