"""Making presets on a cluster, waiting until they are effective, and removing all that belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.lessons import admission
from kitlib.lessons.presets.preset import NOW, THEN, applied, manifest, matching_labels, other_labels

PART_OF = "app.kubernetes.io/part-of=kitlib-preset"
KINDS = (
    "mutatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingadmissionpolicies",
    "customresourcedefinitions",
)


def make(connection: Connection, presets: Mapping[str, Mapping[str, Any]], namespace: str) -> None:
    """Make presets, or change them, as the kind that this server knows; return when they are effective.

    Parameters
    ----------
    connection : Connection
        A writable one.
    presets : mapping
        Name to spec.
    namespace : str
        Where.

    Raises
    ------
    WaitTimeout
        If one of them isn't applied in time to a Pod that fits it.
    """
    group_version = THEN if admission.serves(connection, "PodPreset", THEN) else NOW
    objects.apply(connection, [manifest(*item, group_version) for item in presets.items()], namespace)
    wait_effective(connection, presets, namespace)


def wait_effective(connection: Connection, names: Iterable[str], namespace: str) -> None:
    """Wait until admission knows of presets, as it does a moment after they are made: each is asked for by its labels.

    Parameters
    ----------
    connection : Connection
        A writable one.
    names : iterable of str
        Of presets in this namespace.
    namespace : str
        Where they are.

    Raises
    ------
    WaitTimeout
        If one of them isn't applied in time to a Pod that fits it.
    """
    presets = {name: objects.get(connection, f"podpreset/{name}", namespace) for name in names}
    selectors = {name: preset["spec"].get("selector") or {} for name, preset in presets.items()}
    for name, preset in presets.items():
        labels = {
            key: value for other in presets if other != name for key, value in other_labels(selectors[other]).items()
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "asked", "labels": labels | matching_labels(selectors[name])},
            "spec": {"automountServiceAccountToken": False, "containers": [{"name": "web", "image": "web:1.0"}]},
        }
        wanted = (name, preset["metadata"]["resourceVersion"])
        admission.again(
            partial(admission.ask, connection, pod, namespace),
            lambda answer, wanted=wanted: answer.admitted and wanted in applied(answer.stored).items(),  # type: ignore[misc]
            f"preset {name} is effective",
        )


def remove(connection: Connection) -> None:
    """Remove the policies and the kind from a cluster, also what an interrupted run has left; wait until they are gone.

    Parameters
    ----------
    connection : Connection
        A writable one.
    """
    for kind in KINDS:
        if admission.serves(connection, kind):
            resource = connection.discover(kind)
            named = [
                item["metadata"]["name"]
                for item in connection.get(resource.path(), {"labelSelector": PART_OF})["items"] or ()
            ]
            for name in named:
                objects.delete(connection, f"{kind}/{name}", "")
            for name in named:
                objects.wait(connection, f"{kind}/{name}", "", deleted=True)
