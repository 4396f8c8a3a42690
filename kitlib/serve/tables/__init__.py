"""Lists as a server shows them to kubectl: a Table with the columns and the cells of each kind.

The cells are those of Kubernetes 1.37. A kind that isn't in `WORKLOADS` or `OTHERS` has a name, and an age or when it
was made, as the server itself shows kinds that it has no columns for.
"""

from __future__ import annotations

from typing import Any

from kitlib.serve.tables.others import OTHERS
from kitlib.serve.tables.words import AGE, NAME, Body, Column, Printer, age, get, named
from kitlib.serve.tables.workloads import WORKLOADS

META = "meta.k8s.io/v1"
_SUCCESS = ("Succeeded", "The pod has completed successfully.")
_DONE = {"Succeeded": _SUCCESS, "Failed": ("Failed", "The pod failed.")}


def _custom(body: Body, now_ns: int) -> list[Any]:
    return [named(body), age(body, now_ns)]


def _plain(body: Body, now_ns: int) -> list[Any]:
    return [named(body), get(body, "metadata.creationTimestamp")]


CUSTOM = Printer((NAME, AGE), _custom)
"""How a kind of somebody's own is shown."""
PLAIN = Printer((NAME, Column("Created At", "date")), _plain)
"""How a kind of Kubernetes is shown that has no columns."""


def printer(group: str, kind: str, custom: bool) -> Printer:
    """Return how a kind is shown."""
    return WORKLOADS.get((group, kind)) or OTHERS.get((group, kind)) or (CUSTOM if custom else PLAIN)


def table(
    how: Printer,
    bodies: list[Body],
    now_ns: int,
    meta: dict[str, Any],
    include: str = "Metadata",
    version: str = META,
    headers: bool = True,
) -> dict[str, Any]:
    """Return objects as a Table.

    Parameters
    ----------
    how : Printer
        The kind's columns and cells.
    bodies : list of dict
        The objects.
    now_ns : int
        The moment from which ages are counted, ns since 1970.
    meta : dict
        The list's metadata.
    include : str
        What of each object goes with its row: "Metadata", "Object" or "None".
    version : str
        Group and version of the Table.
    headers : bool
        Whether it says its columns.
    """
    columns = [
        {"name": each.name, "type": each.type, "format": each.format, "description": "", "priority": each.priority}
        for each in how.columns
    ]
    return {
        "kind": "Table",
        "apiVersion": version,
        "metadata": meta,
        "columnDefinitions": columns if headers else [],
        "rows": [_row(how, body, now_ns, include, version) for body in bodies],
    }


def _row(how: Printer, body: Body, now_ns: int, include: str, version: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": how.cells(body, now_ns)}
    done = _DONE.get(str(get(body, "status.phase", ""))) if body.get("kind", "Pod") == "Pod" else None
    if done and how is WORKLOADS["", "Pod"]:
        row["conditions"] = [{"type": "Completed", "status": "True", "reason": done[0], "message": done[1]}]
    if include == "Object":
        row["object"] = body
    elif include != "None":
        row["object"] = partial(body, version)
    return row


def partial(body: Body, version: str = META) -> dict[str, Any]:
    """Return an object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": body.get("metadata") or {}}


__all__ = ["CUSTOM", "PLAIN", "partial", "printer", "table"]
