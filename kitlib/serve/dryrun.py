"""What a write would come to, for `kubectl diff`: the object with the patch applied, without a server's defaults."""

from __future__ import annotations

import json
from typing import Any

from kitlib.serve.merge import merge, strategic
from kitlib.serve.reading import Reader, Wanted
from kitlib.serve.status import Refusal, bad_request, not_found

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
"""What of the metadata only a server writes."""


class DryRun:
    """Answers requests that name `dryRun=All`.

    Parameters
    ----------
    reader : Reader
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def answer(self, want: Wanted, name: str, method: str, kind: str, sent: dict[str, Any]) -> bytes:
        """Return the object as it would be.

        Parameters
        ----------
        want : Wanted
            Its kind and namespace.
        name : str
            Of the object that is patched.
        method, kind : str
            POST or PATCH, and the kind of patch, by its media type.
        sent : dict
            The body.

        Raises
        ------
        Refusal
            If there is no such object, there is one already, or the patch is of a kind that isn't known here.
        """
        if method == "POST":
            named = str((sent.get("metadata") or {}).get("name", ""))
            if named and self._live(want, named) is not None:
                what = f'{want.resource.plural} "{named}" already exists'
                raise Refusal(409, "AlreadyExists", what, name=named, group=want.resource.group)
            meta = {"namespace": want.namespace, **(sent.get("metadata") or {})}
            return json.dumps({**sent, "metadata": {key: value for key, value in meta.items() if value}}).encode()
        live = self._live(want, name)
        if live is None and kind not in APPLY:
            raise not_found(want.resource.group, want.resource.plural, name)
        if kind == MERGE:
            made = merge(live, sent)
        elif kind == STRATEGIC or kind in APPLY:
            made = strategic(live or {}, sent)
        else:
            raise Refusal(415, "UnsupportedMediaType", f"a patch of the kind {kind!r} isn't known to a recording")
        if live is not None:
            own = {key: live["metadata"][key] for key in OWN if key in live["metadata"]}
            made["metadata"] = {**made.get("metadata", {}), **own}
            if "spec" in live and made.get("spec") != live["spec"] and "generation" in own:
                made["metadata"]["generation"] = own["generation"] + 1
        return json.dumps(made).encode()

    def _live(self, want: Wanted, name: str) -> dict[str, Any] | None:
        """Return the object as it is; None if there is none."""
        versions = self._reader.versions(want)
        number = versions.newest(versions.position(self._reader.clock.now()), want.namespace, name)
        if number is None:
            return None
        return {"apiVersion": versions.api_version, "kind": versions.kind, **json.loads(versions.body(number))}


def yaml_body(body: bytes) -> Any:
    """Return what was sent as YAML, as an apply may be."""
    import yaml

    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise bad_request(f"the body can't be read: {error}") from None


__all__ = ["DryRun", "yaml_body"]
