"""What a client asks first: which groups, versions and kinds are served, and what their requests may say."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from typing import Any

from kitlib.serve.resources import Resource

VERBS = ("get", "list", "watch")
"""What can be done with a recorded kind."""
AGGREGATED = "APIGroupDiscoveryList"
"""How a client calls discovery in one document."""
_REVIEWS = {
    "authorization.k8s.io": (
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ),
    "authentication.k8s.io": (("selfsubjectreviews", "SelfSubjectReview"),),
}
"""What may be asked by a POST: it changes nothing."""


class Discovery:
    """The documents by which clients find kinds.

    Parameters
    ----------
    resources : list of Resource
        What is served.
    info : dict
        What the recording was made on.
    """

    def __init__(self, resources: list[Resource], info: dict[str, Any]) -> None:
        self._release = str(info.get("release") or "")
        self._groups: dict[str, dict[str, list[Resource]]] = defaultdict(lambda: defaultdict(list))
        for each in resources:
            self._groups[each.group][each.version].append(each)
        self._by_plural = {(each.group_version, each.plural): each for each in resources}

    def find(self, group_version: str, plural: str) -> Resource | None:
        """Return the kind that is served under a path."""
        return self._by_plural.get((group_version, plural))

    def named(self, group: str, plural: str) -> Resource | None:
        """Return the kind of a group that is called so; "*" for any."""
        every = [each for versions in self._groups.get(group, {}).values() for each in versions]
        return next((each for each in every if plural in (each.plural, "*")), None)

    def version(self) -> dict[str, str]:
        """Return `/version`: that of the cluster which was recorded."""
        numbers = re.match(r"v?(\d+)\.(\d+)", self._release)
        major, minor = numbers.groups() if numbers else ("", "")
        return {
            "major": major,
            "minor": minor,
            "gitVersion": self._release or "unknown",
            "gitCommit": "",
            "gitTreeState": "",
            "buildDate": "",
            "goVersion": "",
            "compiler": "",
            "platform": "recording",
        }

    def core(self, aggregated: str = "") -> dict[str, Any]:
        """Return `/api`."""
        if aggregated:
            return self._aggregated([("", self._groups[""])], aggregated)
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}

    def groups(self, aggregated: str = "") -> dict[str, Any]:
        """Return `/apis`."""
        named = [(group, versions) for group, versions in self._groups.items() if group]
        if aggregated:
            return self._aggregated(named, aggregated)
        every = [*(group for group, _ in named), *(group for group in _REVIEWS if group not in self._groups)]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self.group(group) for group in every]}

    def group(self, group: str) -> dict[str, Any] | None:
        """Return `/apis/GROUP`; None if there is no such group."""
        names = list(self._groups[group]) if group in self._groups else ["v1"] if group in _REVIEWS else []
        if not group or not names:
            return None
        versions = [{"groupVersion": f"{group}/{name}", "version": name} for name in names]
        return {
            "kind": "APIGroup",
            "apiVersion": "v1",
            "name": group,
            "versions": versions,
            "preferredVersion": versions[0],
        }

    def kinds(self, group: str, version: str) -> dict[str, Any] | None:
        """Return `/api/v1` or `/apis/GROUP/VERSION`; None if there is no such version."""
        served = self._groups[group].get(version, []) if group in self._groups else []
        reviews = _REVIEWS.get(group, ()) if version == "v1" else ()
        if not served and not reviews:
            return None
        found = [_listed(each, sub) for each in served for sub in ("", *each.subresources)]
        found += [_review(plural, kind) for plural, kind in reviews]
        full = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": full, "resources": found}

    def _aggregated(self, groups: list[tuple[str, dict[str, list[Resource]]]], version: str) -> dict[str, Any]:
        items = [
            {
                "metadata": {"name": group, "creationTimestamp": None},
                "versions": [
                    {"version": name, "resources": [_discovered(each) for each in served], "freshness": "Current"}
                    for name, served in versions.items()
                ],
            }
            for group, versions in groups
        ]
        if groups and groups[0][0]:
            items += [
                {
                    "metadata": {"name": group, "creationTimestamp": None},
                    "versions": [
                        {
                            "version": "v1",
                            "resources": [_reviewed(group, plural, kind) for plural, kind in reviews],
                            "freshness": "Current",
                        }
                    ],
                }
                for group, reviews in _REVIEWS.items()
                if group not in self._groups
            ]
        return {"kind": AGGREGATED, "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}, "items": items}

    def openapi(self) -> dict[str, Any]:
        """Return `/openapi/v3`: where each version's document is."""
        paths = {}
        for group, versions in self._groups.items():
            for version in versions:
                path = f"apis/{group}/{version}" if group else f"api/{version}"
                named = hashlib.sha256(repr(self.parameters(group, version)).encode()).hexdigest()[:32].upper()
                paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={named}"}
        return {"paths": paths}

    def parameters(self, group: str, version: str) -> dict[str, Any] | None:
        """Return an OpenAPI document that says which parameters a PATCH takes, and no more.

        kubectl looks for it before it writes: so it comes to the answer that nothing can be written.
        """
        served = self._groups[group].get(version) if group in self._groups else None
        if not served:
            return None
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        query = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in ("dryRun", "fieldManager", "fieldValidation")
        ]
        paths = {}
        for each in served:
            where = f"{root}/namespaces/{{namespace}}" if each.namespaced else root
            about = {"group": group, "version": version, "kind": each.kind}
            paths[f"{where}/{each.plural}/{{name}}"] = {
                "patch": {
                    "parameters": query,
                    "responses": {"405": {"description": "it is a recording"}},
                    "x-kubernetes-group-version-kind": about,
                }
            }
        info = {"title": "kitlib", "version": self._release or "unknown"}
        schemas = {each.kind: _schema(each) for each in served}
        return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _listed(resource: Resource, sub: str) -> dict[str, Any]:
    """Return a kind as a list of resources has it."""
    found: dict[str, Any] = {
        "name": f"{resource.plural}/{sub}" if sub else resource.plural,
        "singularName": "" if sub else resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get"] if sub else list(VERBS),
    }
    if not sub:
        found.update(_names(resource))
    return found


def _schema(resource: Resource) -> dict[str, Any]:
    """Return all that is said of a kind's fields: that a recording knows none."""
    about = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    said = "A recording knows objects, not what their fields mean: ask a cluster of this version."
    return {"type": "object", "description": said, "x-kubernetes-group-version-kind": [about]}


def _names(resource: Resource) -> dict[str, Any]:
    names = {"shortNames": list(resource.short_names), "categories": list(resource.categories)}
    return {key: value for key, value in names.items() if value}


def _review(plural: str, kind: str) -> dict[str, Any]:
    return {"name": plural, "singularName": kind.lower(), "namespaced": False, "kind": kind, "verbs": ["create"]}


def _reviewed(group: str, plural: str, kind: str) -> dict[str, Any]:
    return {
        "resource": plural,
        "responseKind": {"group": group, "version": "v1", "kind": kind},
        "scope": "Cluster",
        "singularResource": kind.lower(),
        "verbs": ["create"],
    }


def _discovered(resource: Resource) -> dict[str, Any]:
    """Return a kind as aggregated discovery has it."""
    what = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    found: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": what,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "verbs": list(VERBS),
        **_names(resource),
    }
    if resource.subresources:
        found["subresources"] = [
            {"subresource": sub, "responseKind": what, "verbs": ["get"]} for sub in resource.subresources
        ]
    return found


__all__ = ["AGGREGATED", "VERBS", "Discovery"]
