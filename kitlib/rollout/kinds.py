"""The kinds that something is said of, and what kubectl calls them."""

from __future__ import annotations

KINDS = {
    "Pod": "pods",
    "ReplicaSet": "replicasets",
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "Service": "services",
    "EndpointSlice": "endpointslices",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "ResourceQuota": "resourcequotas",
    "LimitRange": "limitranges",
    "Ingress": "ingresses",
    "Event": "events",
    "Node": "nodes",
    "Namespace": "namespaces",
    "PersistentVolume": "persistentvolumes",
    "StorageClass": "storageclasses",
}
"""The kinds that something is said of, with the names by which a server lists them."""
SHORT = {
    **{"po": "Pod", "rs": "ReplicaSet", "deploy": "Deployment", "sts": "StatefulSet", "ds": "DaemonSet"},
    **{"cj": "CronJob", "svc": "Service", "pvc": "PersistentVolumeClaim", "pdb": "PodDisruptionBudget"},
    **{"hpa": "HorizontalPodAutoscaler", "ing": "Ingress", "no": "Node", "ns": "Namespace", "pv": "PersistentVolume"},
    **{"quota": "ResourceQuota", "limits": "LimitRange", "sc": "StorageClass", "ev": "Event"},
}
"""kubectl's short names."""


def kind_of(word: str) -> str:
    """Return the kind that kubectl takes a word for: "deploy", "deployments", "deployment.apps"; else the word."""
    wanted = word.lower().partition(".")[0]
    kinds = (kind for kind, plural in KINDS.items() if wanted in (kind.lower(), plural))
    return next(kinds, SHORT.get(wanted, word))


__all__ = ["KINDS", "SHORT", "kind_of"]
