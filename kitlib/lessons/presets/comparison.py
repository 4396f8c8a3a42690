"""What servers of several versions stored of the same Pods, side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pandas as pd

from kitlib.api.transport import Connection
from kitlib.lessons import admission
from kitlib.lessons.presets.preset import APPLIED, applied
from kitlib.lessons.presets.reasons import Case, conflicts, differs
from kitlib.progress import Progress

AT_ONCE = 6


def unversioned(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Pod with words in the place of its presets' versions, which are other ones on each server."""
    made: dict[str, Any] = deepcopy(dict(pod))
    for name in applied(made):
        made["metadata"]["annotations"][APPLIED + name] = "its resourceVersion"
    return made


def comparable(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Pod so that those of two servers can be compared.

    It is `unversioned`, and its lists are sorted: several presets come in no order, on either server.
    """
    ordered: dict[str, Any] = _sorted(unversioned(pod))
    return ordered


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(part) for key, part in value.items()}
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=lambda item: (_name(item), json.dumps(item, sort_keys=True)))
    return value


def _name(item: Any) -> str:
    return str(item.get("name", "")) if isinstance(item, dict) else ""


def stored_all(connection: Connection, cases: Iterable[Case], namespace: str) -> list[dict[str, Any]]:
    """Return what would be stored of each Pod, without what the server fills in by itself, in their order.

    Parameters
    ----------
    connection : Connection
        A writable one.
    cases : iterable of Case
        The Pods.
    namespace : str
        Where the presets are.
    """
    listed, found = list(cases), []
    with Progress("ask for Pods", total=len(listed)) as bar, ThreadPoolExecutor(AT_ONCE) as pool:
        for pod in pool.map(lambda case: admission.stored(connection, case.pod, namespace), listed):
            found.append(pod)
            bar.update(f"{len(found)} of {len(listed)} Pods", len(found))
    return found


def compare(
    presets: Mapping[str, Mapping[str, Any]],
    cases: Sequence[Case],
    responses: Mapping[str, Sequence[Mapping[str, Any]]],
) -> pd.DataFrame:
    """Lay out what servers of several versions stored of the same Pods.

    Parameters
    ----------
    presets : mapping
        Name to spec.
    cases : sequence of Case
        The Pods.
    responses : mapping
        Version to what was stored of each, as `stored_all` returns it.

    Returns
    -------
    DataFrame
        Pod (its name), conflict (whether it and its presets say something differently; not of an excluded one), a
        column for each version (the presets that were applied), same (whether all fields that were stored agree), why
        (the reason not to, if there is one; see `differs`).
    """
    rows = []
    for number, case in enumerate(cases):
        pods = {version: made[number] for version, made in responses.items()}
        rows.append(
            {
                "Pod": case.pod["metadata"]["name"],
                "conflict": not case.excluded and bool(conflicts(presets, case)),
                **{version: ", ".join(sorted(applied(pod))) or "–" for version, pod in pods.items()},
                "same": len({json.dumps(comparable(pod), sort_keys=True) for pod in pods.values()}) == 1,
                "why": differs(presets, case),
            }
        )
    return pd.DataFrame(rows)
