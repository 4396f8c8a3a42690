"""Lists and single objects at the moment that is shown, as they are asked for: chosen, in pages, as a Table."""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from kitlib.serve import fields, labels, tables
from kitlib.serve.clock import Clock
from kitlib.serve.gaps import Known
from kitlib.serve.history import History, Versions
from kitlib.serve.labels import Requirement, SelectorError
from kitlib.serve.resources import Resource
from kitlib.serve.status import Refusal, bad_request, expired, full, not_found, not_recorded

Query = Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """What is asked for: objects of a kind in a namespace, chosen by labels and fields, in some form.

    Parameters
    ----------
    resource : Resource
    namespace : str
        "" for all.
    labels, fields : list
        What they must be like.
    form : str
        "" for the objects themselves, "Table", "PartialObjectMetadata", "PartialObjectMetadataList".
    version : str
        Group and version of that form.
    include : str
        What goes with the rows of a Table: "Metadata", "Object", "None".
    """

    resource: Resource
    namespace: str = ""
    labels: list[Requirement] = field(default_factory=list)
    fields: list[fields.Term] = field(default_factory=list)
    form: str = ""
    version: str = tables.META
    include: str = "Metadata"

    @property
    def all(self) -> bool:
        """Whether nothing is chosen."""
        return not self.labels and not self.fields

    def matches(self, body: dict[str, Any]) -> bool:
        """Say whether an object is among what is asked for."""
        found = (body.get("metadata") or {}).get("labels")
        resource = self.resource
        return labels.matches(self.labels, found) and fields.matches(self.fields, resource.group, resource.kind, body)


def wanted(resource: Resource, namespace: str, query: Query, accept: str) -> Wanted:
    """Read what is asked for.

    Raises
    ------
    Refusal
        If it can't be understood, or is asked for in a form that there isn't.
    """
    try:
        chosen = labels.parse(query.get("labelSelector", ""))
        terms = fields.checked(fields.parse(query.get("fieldSelector", "")), resource.group, resource.kind)
    except SelectorError as error:
        raise bad_request(str(error)) from None
    form, version = shape(accept)
    include = query.get("includeObject") or "Metadata"
    if include not in ("Metadata", "Object", "None"):
        raise bad_request(f'unrecognized includeObject value: "{include}"')
    return Wanted(resource, namespace, chosen, terms, form, version, include)


def shape(accept: str) -> tuple[str, str]:
    """Return the first form that a client accepts and that there is, with its group and version."""
    for each in accept.split(",") if accept else ["*/*"]:
        kind, *parameters = (part.strip() for part in each.split(";"))
        told = dict(part.partition("=")[::2] for part in parameters)
        if kind not in ("application/json", "application/*", "*/*"):
            continue
        if "as" not in told:
            return "", tables.META
        if told.get("g") == "meta.k8s.io" and told.get("v") in ("v1", "v1beta1"):
            return told["as"], f"meta.k8s.io/{told['v']}"
    raise Refusal(406, "NotAcceptable", "only the following media types are accepted: application/json")


class Reader:
    """Answers for lists and single objects.

    Parameters
    ----------
    history : History
    known : Known
    clock : Clock
    """

    def __init__(self, history: History, known: Known, clock: Clock) -> None:
        self.history, self.known, self.clock = history, known, clock

    def versions(self, want: Wanted) -> Versions:
        """Return a kind's versions.

        Raises
        ------
        Refusal
            If nothing of it was recorded: that isn't the same as if there were none.
        """
        resource, namespace = want.resource, want.namespace if want.resource.namespaced else ""
        found = self.history.kinds.get((resource.group_version, resource.kind))
        if found is None and not self.known.followed(resource.kind, namespace):
            there = ", ".join(map(self.known.plural, self.known.kinds)) or "nothing"
            raise not_recorded(full(resource.group, resource.plural), there)
        if namespace and not self.known.followed(resource.kind, namespace):
            low, high = found.bounds(namespace) if found else (0, 0)
            if low == high:
                where = ", ".join(self.known.namespaces(resource.kind)) or "none"
                what = f"{full(resource.group, resource.plural)} of namespace {namespace}"
                raise not_recorded(what, f"those of {where}")
        return self.history.versions(resource.group_version, resource.kind)

    def warnings(self, want: Wanted, moment_ns: int) -> list[str]:
        """Say what of that which is asked for may be missing or out of date."""
        resource = want.resource
        namespace = want.namespace if resource.namespaced else ""
        return self.known.warnings(resource.kind, namespace, moment_ns, resource.group_version)

    def rv(self, want: Wanted, versions: Versions, position: int, moment_ns: int) -> int:
        """Return the resourceVersion of a list at a moment: from it on a watch misses nothing."""
        seen = int(versions.top[position - 1]) if position else versions.floor
        return max(seen, self.known.first_rv(want.resource.kind, want.namespace, moment_ns), 1)

    def one(self, want: Wanted, name: str) -> bytes:
        """Return one object as it is now.

        Raises
        ------
        Refusal
            If there is none.
        """
        versions, moment = self.versions(want), self.clock.now()
        number = versions.newest(versions.position(moment), want.namespace, name)
        if number is None:
            raise not_found(want.resource.group, want.resource.plural, name)
        raw = typed(versions.body(number), versions)
        if not want.form:
            return raw
        return _json(self.form(want, [json.loads(raw)], moment, {}, single=True))

    def listed(self, want: Wanted, query: Query) -> tuple[bytes, int]:
        """Return a list as it is now, or was at a resourceVersion that is asked for, and that moment.

        It comes in pages, where they are wanted; all of them are of one moment.

        Raises
        ------
        Refusal
            If that moment isn't known, or the page can't be told.
        """
        versions, moment, after = self.versions(want), self.clock.now(), ""
        position = versions.position(moment)
        if token := query.get("continue"):
            position, moment, after = _page(token)
        elif query.get("resourceVersionMatch") == "Exact":
            position = self._exactly(want, versions, query.get("resourceVersion", ""), moment)
            moment = int(versions.due[position - 1]) if position else moment
        elif (least := _number(query.get("resourceVersion", ""))) > (now := self.rv(want, versions, position, moment)):
            message = f"Too large resource version: {least}, current: {now}"
            raise Refusal(504, "Timeout", message, retryAfterSeconds=1)
        there = versions.alive(position, want.namespace)
        if after:
            there = there[bisect_right([versions.keys[versions.key[number]] for number in there], after) :]
        limit = _number(query.get("limit", ""))
        bodies, left = self._chosen(want, versions, there, limit)
        meta: dict[str, Any] = {"resourceVersion": str(self.rv(want, versions, position, moment))}
        if left:
            last = versions.keys[versions.key[bodies[-1][0]]]
            meta["continue"] = _token(position, moment, last)
            if want.all:
                meta["remainingItemCount"] = left
        raws = [raw for _, raw in bodies]
        if want.form:
            return _json(self.form(want, [json.loads(raw) for raw in raws], moment, meta)), moment
        head = {"kind": f"{want.resource.kind}List", "apiVersion": want.resource.group_version, "metadata": meta}
        return _json(head)[:-1] + b',"items":[' + b",".join(raws) + b"]}", moment

    def _chosen(self, want: Wanted, versions: Versions, there: Any, limit: int) -> tuple[list[tuple[int, bytes]], int]:
        """Return the versions that are asked for, at most so many, and how many are left at least."""
        if want.all:
            some = there[:limit] if limit else there
            return list(zip(map(int, some), versions.bodies(some), strict=True)), len(there) - len(some)
        found: list[tuple[int, bytes]] = []
        for number, raw in zip(map(int, there), versions.bodies(there), strict=True):
            if want.matches(json.loads(raw)):
                if limit and len(found) == limit:
                    return found, 1  # at least
                found.append((number, raw))
        return found, 0

    def _exactly(self, want: Wanted, versions: Versions, text: str, moment_ns: int) -> int:
        """Return the position at which a resourceVersion was the newest."""
        asked = _number(text)
        floor = max(versions.floor, self.known.first_rv(want.resource.kind, want.namespace, moment_ns))
        if not asked or asked < floor:
            raise expired(f"The provided resource version {text!r} is older than what is known without a gap ({floor})")
        return min(int(np.searchsorted(versions.top, asked, "right")), versions.position(moment_ns))

    def form(
        self,
        want: Wanted,
        bodies: list[dict[str, Any]],
        moment_ns: int,
        meta: dict[str, Any],
        single: bool = False,
        headers: bool = True,
    ) -> dict[str, Any]:
        """Return objects as a Table, or their metadata alone."""
        if want.form == "Table":
            if single and bodies:
                meta = {"resourceVersion": str((bodies[0].get("metadata") or {}).get("resourceVersion", ""))}
            resource = want.resource
            how = tables.printer(resource.group, resource.kind, "." in resource.group and _custom(resource.group))
            now = self.history.wall(moment_ns)
            return tables.table(how, bodies, now, meta, want.include, want.version, headers)
        parts = [tables.partial(body, want.version) for body in bodies]
        if want.form == "PartialObjectMetadata" and single:
            return parts[0]
        if want.form == "PartialObjectMetadataList" and not single:
            return {"kind": want.form, "apiVersion": want.version, "metadata": meta, "items": parts}
        raise Refusal(406, "NotAcceptable", f"you requested {want.form}, which this can't be written as")


_json: Callable[[Any], bytes] = msgspec.json.encode


def _custom(group: str) -> bool:
    return not group.endswith(".k8s.io") or group.endswith(".x-k8s.io")


def typed(raw: bytes, versions: Versions) -> bytes:
    """Return an object with its kind and version, which a list's items lack."""
    if re.match(rb'\{\s*"(kind|apiVersion)"', raw):
        return raw
    body = {"kind": versions.kind, "apiVersion": versions.api_version, **json.loads(raw)}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _number(text: str) -> int:
    if text and not text.isdigit():
        raise bad_request(f"this is no number that was given by this server: {text!r}")
    return int(text or 0)


def _token(position: int, moment_ns: int, last: str) -> str:
    return base64.urlsafe_b64encode(_json({"position": position, "moment": moment_ns, "last": last})).decode()


def _page(token: str) -> tuple[int, int, str]:
    try:
        said = json.loads(base64.urlsafe_b64decode(token))
        return int(said["position"]), int(said["moment"]), str(said["last"])
    except (ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid: it isn't one of this server's") from None


__all__ = ["Reader", "Wanted", "shape", "typed", "wanted"]
