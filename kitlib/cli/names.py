"""What the shell completes: names of lessons, clusters, contexts, kinds and versions; nothing here may take long."""

from __future__ import annotations

from collections.abc import Iterable

from kitlib.lessons import folder

KINDS = (
    *("configmaps", "cronjobs", "daemonsets", "deployments", "endpointslices", "events", "horizontalpodautoscalers"),
    *("ingresses", "jobs", "leases", "limitranges", "namespaces", "networkpolicies", "nodes", "persistentvolumeclaims"),
    *("persistentvolumes", "poddisruptionbudgets", "pods", "replicasets", "resourcequotas", "serviceaccounts"),
    *("services", "statefulsets", "storageclasses"),
)
"""Kinds that a recording may have, by their plural names."""


def lessons(incomplete: str) -> list[str]:
    """Return the lessons that begin so."""
    try:
        return _begun(folder.names(folder.find()), incomplete)
    except Exception:  # a completion that fails says nothing
        return _begun(folder.names(folder.SHIPPED), incomplete)


def clusters(incomplete: str) -> list[str]:
    """Return kitlib's clusters that begin so."""
    from kitlib.machine import paths

    try:
        place = paths.state() / "clusters"
        return _begun((path.name for path in place.iterdir() if path.is_dir()), incomplete)
    except Exception:
        return []


def contexts(incomplete: str) -> list[str]:
    """Return the contexts of your kubeconfig that begin so."""
    try:
        from kitlib.api import kubeconfig

        return _begun(kubeconfig.read().contexts, incomplete)
    except Exception:
        return []


def kinds(incomplete: str) -> list[str]:
    """Return the kinds that the last word of a list with commas may become."""
    before, comma, last = incomplete.rpartition(",")
    taken = set(before.split(","))
    return [f"{before}{comma}{kind}" for kind in _begun(KINDS, last) if kind not in taken]


def providers(incomplete: str) -> list[str]:
    """Return the providers that begin so."""
    return _begun(("embedded", "kind"), incomplete)


def parts(incomplete: str) -> list[str]:
    """Return the parts beside Kubernetes that begin so."""
    from kitlib.machine.airgap.parts.table import PARTS

    return _begun(PARTS, incomplete)


def versions(incomplete: str) -> list[str]:
    """Return the versions of Kubernetes that begin so."""
    from kitlib.machine.versions import NODE_IMAGES, RELEASES

    return _begun({*NODE_IMAGES, *(known.minor for known in RELEASES.values())}, incomplete)


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
