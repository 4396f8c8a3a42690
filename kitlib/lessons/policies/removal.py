"""Taking the policies off a cluster again, also those that an interrupted run has left."""

from __future__ import annotations

from kitlib.api.transport import Connection
from kitlib.lessons.admission import serves

PART_OF = "app.kubernetes.io/part-of=kitlib-security"
KINDS = (
    "podsecuritypolicies.policy",
    "clusterroles.rbac.authorization.k8s.io",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicies",
    "runtimeclasses.node.k8s.io",
)


def remove(connection: Connection) -> None:
    """Remove every policy of the suite from a cluster, also what an interrupted run has left."""
    for kind in KINDS:
        if serves(connection, kind):
            connection.request("DELETE", connection.discover(kind).path(), {"labelSelector": PART_OF})
