"""The Kubernetes versions that kitlib can bring up; nothing else in kitlib knows a version."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kitlib.errors import UsageError


@dataclass(frozen=True)
class Release:
    """One control plane: the versions that belong together.

    Parameters
    ----------
    minor : str
        What people call it: "1.37".
    kubernetes, etcd, kwok : str
        Exact versions, without a leading v.
    module : str
        The folder below kitlib/airgap/ whose go.mod pins exactly these.
    past : str
        The month it is of, where it is a piece of the past: it is built from sources that must be completed first, what
        listened by default then is closed, and `up` says that it is for no real work. Its nodes are simulated by the
        kwok of `DEFAULT`.
    variant : str
        What tells it from the others of its version, if it is not the usual one.
    apis, admission : tuple of str
        API versions that are served and admission plugins that are on, beside those of the API server's defaults.
    audited : bool
        Whether the API server writes an audit log of Pods that are made, and exempts `controlplane.EXEMPT` from Pod
        Security Admission.
    event_ttl : str
        How long an Event is kept after its last write, as Go spells it: "20s"; "" for the default, an hour.
    cluster_api : str
        The version of Cluster API whose controllers run beside it, without a leading v; "" for none.
    planes : int
        How many nodes have a control plane. Several are made of containers, by kind, and ask the API server by an
        address that they share; such a cluster is brought up for one lesson, and goes with it.
    """

    minor: str
    kubernetes: str
    etcd: str
    kwok: str
    module: str
    past: str = ""
    variant: str = ""
    apis: tuple[str, ...] = ()
    admission: tuple[str, ...] = ()
    audited: bool = False
    event_ttl: str = ""
    cluster_api: str = ""
    planes: int = 1

    @property
    def label(self) -> str:
        """What names it: "1.37", or "1.17-psp"."""
        return f"{self.minor}-{self.variant}" if self.variant else self.minor


_NOW = Release("1.37", kubernetes="1.37.2", etcd="3.7.3", kwok="0.8.0", module="go")
_THEN = Release(
    "1.17",
    kubernetes="1.17.4",
    etcd="3.4.3",
    kwok=_NOW.kwok,
    module="go_1_17",
    past="March 2020",
    apis=("settings.k8s.io/v1alpha1", "batch/v2alpha1"),
    admission=("PodPreset",),
)
RELEASES = {
    known.label: known
    for known in (
        _NOW,
        replace(_NOW, variant="audit", audited=True),
        replace(_NOW, variant="event-ttl", event_ttl="20s"),
        replace(_NOW, variant="cluster-api", cluster_api="1.14.2"),
        replace(_NOW, variant="ha", planes=3),
        _THEN,
        replace(_THEN, variant="psp", admission=(*_THEN.admission, "PodSecurityPolicy")),
        replace(_THEN, variant="no-preset-api", apis=("batch/v2alpha1",)),
        replace(_THEN, variant="no-preset-plugin", admission=()),
    )
}
"""By label. An audit log is a variant because writing it takes time; a short life of Events because nobody else's may
end while it is looked at; Cluster API because its programs are built first, and four more processes run; three control
planes because they take memory; PodSecurityPolicy is one because with it no Pod is admitted until a policy allows one;
the other two leave out one of the steps that enable PodPreset."""
DEFAULT, OLDEST = _NOW.label, _THEN.label
NODE_IMAGES = {
    "1.37": "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
    "1.36": "kindest/node:v1.36.1@sha256:3489c7674813ba5d8b1a9977baea8a6e553784dab7b84759d1014dbd78f7ebd5",
    "1.35": "kindest/node:v1.35.0@sha256:452d707d4862f52530247495d180205e029056831160e22870e37e3f6c1ac31f",
    "1.34": "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a",
}
"""The node images that kind publishes, by minor version: each release of kind names its own in its sources."""


def minor_of(kubernetes: str | None) -> str:
    """Return the minor version of what was asked for: "1.36" for "v1.36.1"; the default for None."""
    return ".".join((kubernetes or DEFAULT).removeprefix("v").split(".")[:2])


def offered(kubernetes: str) -> Release | None:
    """Return the release of a version that `up` can bring up; None if only kind can, from an image that it publishes.

    Parameters
    ----------
    kubernetes : str
        As for `release`, or one of `NODE_IMAGES`: "1.36", "v1.36.1".

    Raises
    ------
    UsageError
        Nothing here can bring it up.
    """
    if minor_of(kubernetes) in NODE_IMAGES and minor_of(kubernetes) != DEFAULT:
        return None
    return release(kubernetes)


def release(minor: str | None = None) -> Release:
    """Look up a version; `minor` may be "1.37", "v1.37", the exact "1.37.2", or a variant's label such as "1.17-psp".

    Returns
    -------
    Release

    Raises
    ------
    UsageError
        kitlib does not know that version.
    """
    wanted = (minor or DEFAULT).removeprefix("v")
    for known in RELEASES.values():
        if wanted == known.label or (wanted == known.kubernetes and not known.variant):
            return known
    set_apart = [minor for minor in NODE_IMAGES if minor not in RELEASES]
    raise UsageError(
        f"Kubernetes {wanted} is not one that kitlib can bring up.",
        step="choose a version",
        next=f"use one of: {', '.join(RELEASES)}; with kind also: {', '.join(set_apart)}",
    )
