"""Field selectors, read as an API server reads them: `spec.nodeName=a,status.phase!=Running`; each kind has its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kitlib.serve.labels import SelectorError

_OPERATORS = ("!=", "==", "=")
Field = Callable[[dict[str, Any]], str]


def _at(path: str, otherwise: str = "") -> Field:
    """Return what reads a field by its path; "true" and "false" for a boolean."""
    steps = path.split(".")

    def read(body: dict[str, Any]) -> str:
        found: Any = body
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            return otherwise
        return ("true" if found else "false") if isinstance(found, bool) else str(found)

    return read


def _first(*paths: str) -> Field:
    readers = [_at(path) for path in paths]
    return lambda body: next((found for read in readers if (found := read(body))), "")


def _paths(*paths: str) -> dict[str, Field]:
    return {path: _at(path) for path in paths}


COMMON = _paths("metadata.name", "metadata.namespace")
INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
REPLICAS = {"status.replicas": _at("status.replicas", "0")}
FIELDS: dict[tuple[str, str], dict[str, Field]] = {
    ("", "Pod"): {
        **_paths("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"),
        "spec.hostNetwork": _at("spec.hostNetwork", "false"),
        **_paths("status.phase", "status.podIP", "status.nominatedNodeName"),
        "status.podIPs": _at("status.podIP"),
        "spec.host": _at("spec.nodeName"),
    },
    ("", "Event"): {
        **_paths(*(f"involvedObject.{name}" for name in INVOLVED), "reason", "type"),
        "reportingComponent": _at("reportingComponent"),
        "source": _first("source.component", "reportingComponent"),
    },
    ("events.k8s.io", "Event"): {
        **{f"regarding.{name}": _at(f"regarding.{name}") for name in INVOLVED},
        **_paths("reason", "reportingController", "type"),
    },
    ("", "Node"): {"spec.unschedulable": _at("spec.unschedulable", "false")},
    ("", "Namespace"): _paths("status.phase"),
    ("", "Secret"): _paths("type"),
    ("", "Service"): _paths("spec.clusterIP", "spec.type"),
    ("", "ReplicationController"): REPLICAS,
    ("apps", "ReplicaSet"): REPLICAS,
    ("batch", "Job"): {"status.successful": _at("status.succeeded", "0")},
    ("certificates.k8s.io", "CertificateSigningRequest"): _paths("spec.signerName"),
}
"""What each kind may be selected by, beside its name and namespace."""


@dataclass(frozen=True)
class Term:
    """What a selector asks of one field.

    Parameters
    ----------
    field : str
        Its path.
    equal : bool
        Whether it must have the value, or must not.
    value : str
    """

    field: str
    equal: bool
    value: str


def parse(selector: str) -> list[Term]:
    """Read a selector.

    Raises
    ------
    SelectorError
        If it can't be understood.
    """
    found = []
    for part in sorted(_split(selector)):
        if not part:
            continue
        places = [(part.find(each), -len(each), each) for each in _OPERATORS if each in part]
        if not places:
            raise SelectorError(f"invalid selector: '{selector}'; can't understand '{part}'")
        place, _, operator = min(places)
        found.append(Term(part[:place], operator != "!=", _unescaped(part[place + len(operator) :])))
    return found


def _split(selector: str) -> list[str]:
    """Cut a selector at its commas, but for those behind a backslash."""
    terms, escaped = [""], False
    for sign in selector:
        if sign == "," and not escaped:
            terms.append("")
            continue
        terms[-1] += sign
        escaped = sign == "\\" and not escaped
    return terms


def _unescaped(value: str) -> str:
    found, escaped = "", False
    for sign in value:
        if escaped:
            if sign not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{sign}")
            found, escaped = found + sign, False
        elif sign == "\\":
            escaped = True
        elif sign in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(sign)}")
        else:
            found += sign
    if escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return found


def checked(terms: list[Term], group: str, kind: str) -> list[Term]:
    """Return the terms, if the kind can be selected by them.

    Raises
    ------
    SelectorError
        If it can't.
    """
    known = FIELDS.get((group, kind))
    for term in terms:
        if term.field in COMMON or (known and term.field in known):
            continue
        if known is None:
            names = '"metadata.name", "metadata.namespace"'
            raise SelectorError(f'"{term.field}" is not a known field selector: only {names}')
        raise SelectorError(f"field label not supported: {term.field}")
    return terms


def matches(terms: list[Term], group: str, kind: str, body: dict[str, Any]) -> bool:
    """Say whether an object is as all terms want it."""
    known = {**COMMON, **FIELDS.get((group, kind), {})}
    return all((known[each.field](body) == each.value) is each.equal for each in terms)


__all__ = ["FIELDS", "Term", "checked", "matches", "parse"]
