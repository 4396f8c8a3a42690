"""Opening labs: the cluster that a notebook needs is found, or brought up."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kitlib import cluster as clusters
from kitlib.cluster import Cluster
from kitlib.errors import BuildError, ClusterError, UsageError
from kitlib.lab.display import show_lab
from kitlib.lab.lab import Lab, opened
from kitlib.machine import versions
from kitlib.progress import in_notebook
from kitlib.recording import Recording
from kitlib.watch import KINDS

BROUGHT_UP = "KITLIB_BROUGHT_UP"
"""The variable that names a file, for `kitlib walk`: the names of clusters that a notebook brings up go there."""

REPLAY = "KITLIB_REPLAY"
"""The variable that names a folder of recordings, one a notebook: labs are then opened on these, and on no cluster."""


def open(
    notebook: str, *, kubernetes: str | None = None, kinds: tuple[str, ...] = KINDS, containers: bool = False
) -> Lab:
    """Open the lab of a notebook: the cluster, a namespace of its own, a recorder, a ledger.

    The cluster is the one that `kitlib up` brought up; `KITLIB_CLUSTER` names another one of kitlib's, and
    `KITLIB_CONTEXT` with `KITLIB_YES_WRITE=1` one of yours. A notebook that needs a version names it: kitlib's own
    cluster of that version is found, or brought up. Such a lab is opened beside those that the notebook has on other
    clusters, and shares their ledger; without a version the notebook begins anew. Where `KITLIB_REPLAY` names a
    folder of recordings, there is no cluster: the lab stands on what was recorded of the notebook.

    Parameters
    ----------
    notebook : str
        Its name, as of the file: lower-case letters, digits and dashes.
    kubernetes : str, optional
        The version that is needed, such as "1.17".
    kinds : tuple of str
        What is recorded: "pods" of the lab's namespace, "kube-system/pods" of another one. The frames show both.
    containers : bool
        Whether the notebook needs containers that really run; then a cluster of kitlib's that runs some is taken,
        although another one was named.

    Raises
    ------
    ClusterError
        If there is no cluster, or it can't do what the notebook needs; or if this machine can't have that version.
    RecordingError
        If there should be a recording, and none can be read.
    """
    for lab in [lab for lab in opened if not kubernetes or lab.notebook != notebook]:
        lab._abandon()
    if recordings := os.environ.get(REPLAY):
        return _replayed(Path(recordings), notebook, kubernetes)
    context = os.environ.get("KITLIB_CONTEXT")
    if kubernetes:
        found = _of_version(kubernetes)
    elif context:
        found = clusters.context(context, yes_write=os.environ.get("KITLIB_YES_WRITE") == "1")
    else:
        found = clusters.find(os.environ.get("KITLIB_CLUSTER") or None)
    if containers and not found.runs_containers:
        real = [each for each in clusters.clusters() if each.runs_containers]
        found = clusters.find(max(real, key=clusters.rank).name) if real else found
    if containers and not found.runs_containers:
        raise ClusterError(
            "this notebook needs containers that really run",
            step="open",
            object=found.name,
            next="`kitlib up --provider kind` where Docker, podman or nerdctl runs, or `--replay` for a recording",
        )
    for lab in [lab for lab in opened if lab.cluster.name == found.name]:  # a cell that is run again
        lab._abandon(stays=True)
    lab = Lab(notebook, found, kinds, Path.cwd(), beside=opened[0] if opened else None)
    lab._beside = beside
    opened.append(lab)
    show_lab(repr(lab))
    return lab


def _replayed(recordings: Path, notebook: str, kubernetes: str | None) -> Lab:
    """Open a lab on what was recorded of a notebook, on a version if one is named."""
    from kitlib.lab.replay.lab import Replayed

    first = next((each for each in opened if isinstance(each, Replayed)), None)
    if first is None or not kubernetes:
        first = Replayed(Recording.open(recordings / notebook), Path.cwd())
    lab = first.on(kubernetes) if kubernetes else first
    opened.extend([lab] if lab not in opened else [])
    show_lab(repr(lab))
    return lab


def labs(notebook: str, *kubernetes: str, **options: Any) -> dict[str, Lab | ClusterError]:
    """Open a lab on a cluster of each version, for claims that compare them: `claim(text, each(labs, check), …)`.

    Parameters
    ----------
    notebook : str
    *kubernetes : str
        Such as "1.17", "1.37".
    **options
        See `open`.

    Returns
    -------
    dict
        Minor version to lab. Where this machine can't have a version, the error that says why stands in the lab's
        place; the lesson goes on without it.
    """
    minors = [_minor(version) for version in kubernetes]
    if len(set(minors)) < len(minors):
        raise UsageError("these are not different versions", step="open", object=", ".join(kubernetes), next="see open")
    for lab in [*opened]:
        lab._abandon()
    return _of_versions(notebook, kubernetes, options)


def beside(lab: Lab, *kubernetes: str, **options: Any) -> dict[str, Lab | ClusterError]:
    """Open labs on further versions beside one, for claims that compare them; see `Lab.beside`.

    A variant of that lab's own version is named by its label: "1.37-event-ttl".
    """
    found = _of_versions(lab.notebook, kubernetes, options, lab.cluster.version)
    lab._companions += [each for each in found.values() if isinstance(each, Lab)]
    return found | {lab.cluster.version: lab}


def _of_versions(
    notebook: str, kubernetes: Sequence[str], options: dict[str, Any], own: str = ""
) -> dict[str, Lab | ClusterError]:
    """Open a lab on each version; where this machine can't have one, show the error that says why, and return it."""
    found: dict[str, Lab | ClusterError] = {}
    for version in kubernetes:
        minor = _minor(version)
        name = versions.release(version).label if minor == own else minor
        try:
            found[name] = open(notebook, kubernetes=version, **options)
        except ClusterError as error:
            show_lab(f"Without Kubernetes {version}: {error}")
            found[name] = error
    return found


def _minor(kubernetes: str) -> str:
    release = versions.offered(kubernetes)
    return release.minor if release else versions.minor_of(kubernetes)


def _of_version(kubernetes: str) -> Cluster:
    """Find kitlib's own cluster of a version, or bring it up; what it says about itself is shown in the notebook."""
    chosen = clusters.choose(kubernetes=kubernetes)
    if (release := versions.offered(kubernetes)) and release.past:
        show_lab(chosen.why)
    if (noted := os.environ.get(BROUGHT_UP)) and chosen.name not in [each.name for each in clusters.clusters()]:
        with Path(noted).open("a", encoding="utf-8") as file:
            file.write(f"{chosen.name}\n")  # before it is there: it may be interrupted
    try:
        with contextlib.redirect_stderr(io.StringIO()) if in_notebook() else contextlib.nullcontext():
            return clusters.lend(kubernetes)  # progress is shown by other means in a notebook
    except BuildError as error:
        raise ClusterError(
            f"this machine can't have Kubernetes {kubernetes}: {error.message}",
            step="open",
            object=chosen.name,
            next=error.next,
        ) from error
