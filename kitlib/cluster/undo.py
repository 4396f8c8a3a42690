"""What a lab changes outside its own namespace: noted in that namespace first, and put back at its end, or swept up.

The note is an annotation of the lab's namespace, on the server before the change is made. So whatever ends the lab,
who removes its namespace knows what to put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kitlib.api.answers import ASKED
from kitlib.api.patches import MANAGER, MERGE, get_or_none, named
from kitlib.api.transport import Connection, Resource
from kitlib.api.values import plain
from kitlib.api.verbs import find, taint
from kitlib.errors import KitlibError, ServerError, UsageError
from kitlib.sensitive import LAST_APPLIED, TOKEN, tells

ANNOTATION = "kitlib/undo"
"""Of a lab's namespace: a list of `Note`, the oldest first."""
_SERVERS_OWN = ("resourceVersion", "uid", "generation", "creationTimestamp", "managedFields")
"""What a patch holds of metadata to say which version it means."""


class Note(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one object was like before a lab changed it.

    Parameters
    ----------
    apiVersion, kind, name, uid : str
        Which object; another one that has its name later isn't it.
    namespace : str
        Empty where it lives in none.
    subresource : str
        "status", where that was changed.
    fields : dict
        The fields that were changed, as they were; None where there was nothing.
    taint : str
        Instead of fields, of a node: what puts its taint back, as of `kitlib.objects.taint`.
    """

    apiVersion: str  # noqa: N815 - the API's own spelling
    kind: str
    name: str
    uid: str
    namespace: str = ""
    subresource: str = ""
    fields: dict[str, Any] = {}
    taint: str = ""

    def covers(self, other: Note) -> bool:
        """Say whether this one puts back all that the other, which is younger, would."""
        mine = [getattr(self, key) for key in ("kind", "namespace", "name", "uid", "subresource")]
        same = mine == [getattr(other, key) for key in ("kind", "namespace", "name", "uid", "subresource")]
        if self.taint or other.taint:
            return same and bool(self.taint and other.taint) and _marks(self.taint) == _marks(other.taint)
        return same and _shape(self.fields) == _shape(other.fields)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" of {self.namespace}" if self.namespace else "")


class Notes:
    """What a lab has to put back.

    Parameters
    ----------
    connection : Connection
        A writable one.
    namespace : str
        The lab's own, where it is noted.
    metadata : mapping, optional
        That namespace's, with what an earlier process noted there.
    """

    def __init__(self, connection: Connection, namespace: str, metadata: Mapping[str, Any] | None = None) -> None:
        self._connection, self._namespace = connection, namespace
        self._known: list[Any] = _read(metadata or {})

    def fields(self, ref: str, body: dict[str, Any], namespace: str = "", subresource: str = "") -> None:
        """Note how an object is, before it is patched.

        Parameters
        ----------
        ref : str
            "configmap/coredns".
        body : dict
            The patch.
        namespace, subresource : str
            As of the patch.

        Raises
        ------
        UsageError
            If what would be noted is secret, or the patch has a directive, such as $patch.
        ServerError
            If there is no such object, or the note can't be written: then nothing may be changed.
        """
        resource, name = find(self._connection, ref)
        if resource.kind == "Secret":
            raise _secret(ref)
        before = self._now(resource, name, namespace)
        was = _before(before, plain(body, "patch"), ref)
        if "metadata" in was:
            was["metadata"] = {key: value for key, value in was["metadata"].items() if key not in _SERVERS_OWN}
        if _tells(was):
            raise _secret(ref)
        self._add(_note(resource, before, subresource=subresource, fields=was))

    def taint(self, node: str, words: str) -> None:
        """Note how a node's taint is, before it is changed; words as of `kitlib.objects.taint`."""
        key, effect = _marks(words)
        if not key or not effect:  # it is no taint, and will be refused
            return
        resource = self._connection.discover("nodes")
        before = self._now(resource, node, "")
        there = [each for each in before["spec"].get("taints") or () if (each["key"], each["effect"]) == (key, effect)]
        was = f"{key}={there[0].get('value', '')}:{effect}" if there else f"{key}:{effect}-"
        self._add(_note(resource, before, taint=was))

    def put_back(self) -> list[str]:
        """Put all back, the youngest change first; return what couldn't be, each with its reason."""
        left, failed = [], []
        for each in reversed(self._known):
            try:
                _undo(self._connection, msgspec.convert(each, Note))
            except Exception as error:  # whatever it is must not keep the others from being put back
                what = each.get("name", "?") if isinstance(each, dict) else each
                left.append(each)
                failed.append(f"{what} isn't put back: {getattr(error, 'message', error)}")
        if self._known:
            self._known = left[::-1]
            with contextlib.suppress(KitlibError):  # the namespace goes anyway
                self._write(self._known)
        return failed

    def _now(self, resource: Resource, name: str, namespace: str) -> dict[str, Any]:
        try:
            return self._connection.get(resource.path(namespace, name))
        except ServerError as error:
            raise named(error, "note", resource, name) from None

    def _add(self, note: Note) -> None:
        if not any(isinstance(each, Note) and each.covers(note) for each in self._known):
            self._write([*self._known, note])
            self._known.append(note)

    def _write(self, notes: Sequence[Any]) -> None:
        text = msgspec.json.encode(notes).decode() if notes else None
        body = {"metadata": {"annotations": {ANNOTATION: text}}}
        path = f"/api/v1/namespaces/{self._namespace}"
        ASKED.run(lambda: self._connection.request("PATCH", path, {"fieldManager": MANAGER}, body, content_type=MERGE))


def _undo(connection: Connection, note: Note) -> None:
    """Put one object back; one that has gone since needs nothing."""
    resource = connection.discover(note.kind, note.apiVersion)
    if resource.kind == "Secret":
        raise _secret(note.name)
    there = get_or_none(connection, resource.path(note.namespace, note.name))
    if there is None or there["metadata"]["uid"] != note.uid:
        return
    if note.taint:
        taint(connection, note.name, note.taint)
        return
    path = resource.path(note.namespace, note.name, note.subresource)
    query = {"fieldManager": MANAGER}
    ASKED.run(lambda: connection.request("PATCH", path, query, note.fields, content_type=MERGE))


def _note(resource: Resource, item: dict[str, Any], **what: Any) -> Note:
    metadata = item["metadata"]
    return Note(
        apiVersion=resource.group_version,
        kind=resource.kind,
        name=metadata["name"],
        uid=metadata["uid"],
        namespace=metadata.get("namespace", ""),
        **what,
    )


def _read(metadata: Mapping[str, Any]) -> list[Any]:
    text = (metadata.get("annotations") or {}).get(ANNOTATION)
    try:
        found = msgspec.json.decode(text) if text else []
    except ValueError:
        found = text
    return found if isinstance(found, list) else [found]


def _before(now: dict[str, Any], body: dict[str, Any], ref: str) -> dict[str, Any]:
    """Return the fields of an object that a patch changes, as a patch that puts them back; lists are put back whole."""
    found = {}
    for key, value in body.items():
        if key.startswith("$"):
            raise UsageError(
                f"what {key} does can't be put back", step="patch", object=ref, next="name each field that changes"
            )
        was = now.get(key)
        found[key] = _before(was, value, ref) if isinstance(was, dict) and isinstance(value, dict) else was
    return found


def _shape(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: _shape(value) if isinstance(value, dict) else None for key, value in fields.items()}


def _marks(words: str) -> tuple[str, str]:
    """Return a taint's key and effect."""
    name, _, effect = words.removesuffix("-").rpartition(":")
    return name.partition("=")[0], effect


def _tells(value: Any, key: str = "") -> bool:
    """Say whether something holds what is secret."""
    if isinstance(value, dict):
        notes = value.items() if key == "annotations" else ()
        return any(k == LAST_APPLIED or tells(k, v) for k, v in notes if v) or any(
            _tells(v, k) for k, v in value.items()
        )
    if isinstance(value, list):
        return any(_tells(each) for each in value)
    return isinstance(value, str) and bool(TOKEN.search(value))


def _secret(ref: str) -> UsageError:
    return UsageError(
        "it holds a secret, which is noted nowhere, so it couldn't be put back",
        step="patch",
        object=ref,
        next="use an object of the lab's own namespace",
    )


__all__ = ["ANNOTATION", "Note", "Notes"]
