"""What a server serves: a kind by any of its names, and where its objects are.

The built-in groups are asked first, one after the other; all others at once. An API that is broken, slow or
half-written holds up no other: it is left out, and named if a kind isn't found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kitlib.api.answers import ASKED, SHORT, Retry, no_api_server
from kitlib.errors import ClusterError, KitlibError, ServerError, UsageError

if TYPE_CHECKING:
    from kitlib.api.transport import Connection

BUILT_IN = ("v1", "apps/v1", "batch/v1", "networking.k8s.io/v1")
"""Groups that are asked before the list of all others."""
PATIENCE = 5.0
"""Seconds that an API beside the built-in ones may take to say what it serves."""
_VERSION = re.compile(r"v\d+((alpha|beta)\d+)?")


@dataclass(frozen=True)
class Resource:
    """Where the API server serves a kind, as its discovery documents say.

    Parameters
    ----------
    kind, plural, singular : str
        "Deployment", "deployments", "deployment".
    group_version : str
        "apps/v1", or "v1" for the core group.
    namespaced : bool
        Whether its objects live in a namespace.
    short_names : tuple of str
        kubectl's abbreviations ("deploy").
    """

    kind: str
    plural: str
    singular: str
    group_version: str
    namespaced: bool
    short_names: tuple[str, ...] = ()

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of the collection, of one object, or of its subresource."""
        parts = [_root(self.group_version)]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{quote(namespace, safe='')}")
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


def find(connection: Connection, name: str, group_version: str | None = None) -> Resource:
    """Find a kind by any of its names, as kubectl does: "Deployment", "deploy", "jobs.batch", "deployments.v1.apps".

    Parameters
    ----------
    connection : Connection
        Whose server is asked; what it said before is remembered, and asked again before a kind is called unknown.
    name : str
        In small letters or not.
    group_version : str, optional
        "apps/v1", where only that one is meant.

    Raises
    ------
    UsageError
        If the server serves no such kind; APIs that did not answer are named.
    KitlibError
        If the server does not answer, or the API that is meant doesn't.
    """
    known = dict(connection._resources)
    silent: dict[str, KitlibError] = {}
    found = _look(connection, name, group_version, silent)
    if found is None and known:  # a kind may have come since
        for version in known:
            connection._resources.pop(version, None)
        silent.clear()
        found = _look(connection, name, group_version, silent)
    if found is not None:
        return found
    meant = [error for version, error in silent.items() if version == group_version or name.endswith(_dotted(version))]
    if meant:
        raise meant[0]
    also = "".join(f"; {version} did not answer: {error.message}" for version, error in silent.items())
    raise UsageError(
        f"this API server serves no kind {name!r}" + (f" in {group_version}" if group_version else "") + also,
        step="discovery",
        object=connection.server,
        next="`kubectl api-resources` lists what it serves; check the spelling and the apiVersion",
    )


def _dotted(group_version: str) -> str:
    """Return what a full name of that group's kinds ends with; of the core group nothing does."""
    group = group_version.rpartition("/")[0]
    return f".{group}" if group else "/"


def _look(
    connection: Connection, name: str, group_version: str | None, silent: dict[str, KitlibError]
) -> Resource | None:
    """Return the first kind of that name; note the APIs that did not answer."""
    wanted, _, group = name.partition(".")
    wanted = wanted.lower()
    for version, served in _all(connection, group_version, group, silent):
        if group and not _is_of(version, group):
            continue
        for resource in served:
            if wanted in (resource.kind.lower(), resource.plural, resource.singular, *resource.short_names):
                return resource
    return None


def _is_of(group_version: str, wanted: str) -> bool:
    """Say whether a version is of what follows a kind's name: "apps", "v1.apps"."""
    group, _, version = group_version.rpartition("/")
    if wanted in (group, f"{version}.{group}" if group else version):
        return True
    return not group and _VERSION.fullmatch(wanted) is not None and wanted == version


def _all(
    connection: Connection, group_version: str | None, group: str, silent: dict[str, KitlibError]
) -> Iterator[tuple[str, list[Resource]]]:
    """Yield each version with its kinds, the built-in ones first."""
    if group_version:
        yield group_version, _served(connection, group_version, silent, ASKED, 30)
        return
    for version in BUILT_IN:
        if not group or _is_of(version, group):
            yield version, _served(connection, version, silent, ASKED, 30)
    others = [each for each in _versions(connection) if each not in BUILT_IN and (not group or _is_of(each, group))]
    unknown = [version for version in others if version not in connection._resources]
    if unknown:
        with ThreadPoolExecutor(min(8, len(unknown)), "discovery") as threads:
            list(threads.map(lambda version: _served(connection, version, silent, SHORT, PATIENCE), unknown))
    for version in others:
        yield version, connection._resources.get(version, [])


def _versions(connection: Connection) -> list[str]:
    """Return all versions of all groups, of each group the preferred one first."""
    step = "GET /apis"
    listed = connection.get("/apis", retry=ASKED)
    groups = listed.get("groups") if isinstance(listed, dict) else None
    if groups is None and not (isinstance(listed, dict) and listed.get("kind") == "APIGroupList"):
        raise no_api_server("it sent no list of API groups", connection.server, step)
    found: dict[str, None] = {}
    for group in _maps(groups):
        preferred = group.get("preferredVersion")
        for version in _maps([preferred, *(group.get("versions") or ())]):
            if isinstance(version.get("groupVersion"), str):
                found[version["groupVersion"]] = None
    return list(found)


def _served(
    connection: Connection, group_version: str, silent: dict[str, KitlibError], retry: Retry, timeout: float
) -> list[Resource]:
    """Return the kinds of one version; none, and a note, where it doesn't say."""
    known = connection._resources
    if group_version not in known:
        try:
            listed = connection.get(_root(group_version), retry=retry, timeout=timeout)
            if not isinstance(listed, dict) or "resources" not in listed:
                raise no_api_server("it sent no list of resources", connection.server, f"GET {_root(group_version)}")
        except ServerError as error:
            if error.status.get("code") != 404:
                if group_version in BUILT_IN:
                    raise
                silent[group_version] = error
                return []
            listed = {}
        except ClusterError as error:
            if group_version in BUILT_IN:
                raise
            silent[group_version] = error
            return []
        known[group_version] = [
            Resource(
                kind=str(item["kind"]),
                plural=str(item["name"]),
                singular=str(item.get("singularName") or item["kind"]).lower(),
                group_version=group_version,
                namespaced=bool(item.get("namespaced")),
                short_names=tuple(item.get("shortNames") or ()),
            )
            for item in _maps(listed.get("resources"))
            if item.get("kind") and item.get("name") and "/" not in str(item["name"])
        ]
    return known[group_version]


def _maps(items: Any) -> list[dict[str, Any]]:
    """Return those items of a list that are maps; of what is no list, none."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _root(group_version: str) -> str:
    return f"/api/{group_version}" if "/" not in group_version else f"/apis/{group_version}"
