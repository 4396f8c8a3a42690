"""What can be read of an object that isn't what its kind promises; what can't is left out and named once.

The fast way decodes an object whole. Only where that fails it is read field by field here: a field, an entry of a list
or a key that isn't of its type is left out, and what lies beside it stays.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from kitlib.frames.objects import own
from kitlib.recording import WatchEvent

Struct = TypeVar("Struct", bound=msgspec.Struct)


class LeftOut:
    """What frames had to leave out, each named once.

    Attributes
    ----------
    records : list of dict
        With the columns of the frame `left_out`.
    """

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self._known: set[tuple] = set()

    def note(self, about: dict[str, Any], what: str, reason: str) -> None:
        """Name something of an object.

        Parameters
        ----------
        about : dict
            seq, kind, namespace, name and uid, as far as they are known.
        what : str
            Which part: "status.conditions[1].status"; "" for all of it.
        reason : str
            Why it can't be read.
        """
        key = (about.get("kind", ""), about.get("uid", ""), about.get("namespace", ""), about.get("name", ""), what)
        if key not in self._known:
            self._known.add(key)
            self.records.append({**about, "what": what, "reason": reason})


def decode(decoder: msgspec.json.Decoder[Struct], row: WatchEvent, left: LeftOut | None = None) -> Struct | None:
    """Decode a row's object as far as it can be read.

    Parameters
    ----------
    decoder : msgspec.json.Decoder
        Of the struct that knows what is needed.
    row : WatchEvent
        The row.
    left : LeftOut, optional
        Where it is named what was left out.

    Returns
    -------
    Struct or None
        None if nothing of it can be read.
    """
    try:
        return decoder.decode(row.object)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        left = left if left is not None else LeftOut()
        about = {"seq": row.seq, "kind": row.kind, "namespace": row.namespace, "name": row.name, "uid": row.uid}
        lost: list[tuple[str, str]] = []
        try:
            found = _struct(decoder.type, json.loads(row.object), "", lost)
        except (ValueError, RecursionError):  # no JSON at all
            found, lost = None, [("", str(error))]
        for what, reason in lost:
            left.note(about, what, reason)
        return typing.cast("Struct | None", found)


def versions(
    rows: Iterable[WatchEvent],
    kinds: Collection[str],
    decoder: msgspec.json.Decoder[Struct],
    left: LeftOut | None = None,
) -> Iterator[tuple[WatchEvent, Struct]]:
    """Yield the rows of some of Kubernetes' own kinds, each with its object as far as that can be read.

    Parameters
    ----------
    rows : iterable of WatchEvent
    kinds : collection of str
    decoder, left
        As for `decode`.
    """
    for row in rows:
        thing = decode(decoder, row, left) if row.kind in kinds and own(row) else None
        if thing is not None:
            yield row, thing


def _struct(kind: Any, value: Any, path: str, lost: list[tuple[str, str]]) -> Any:
    """Make a struct of a dict: of each field what is of its type, else its default; None if that isn't possible."""
    if not isinstance(value, dict):
        lost.append((path, f"it is {_named(value)}, not an object"))
        return None
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        given = value.get(field.encode_name)
        made = None if given is None else _value(field.type, given, where, lost)  # null means absent
        if made is not None:
            fields[field.name] = made
        elif field.required:
            own = next((each for each in _types(field.type) if _is_struct(each)), None)
            empty = _struct(own, {}, where, lost) if own is not None else None
            if empty is None:
                if given is None:
                    lost.append((where, "it is missing"))
                return None
            fields[field.name] = empty
    return kind(**fields)


def _value(type: Any, value: Any, path: str, lost: list[tuple[str, str]]) -> Any:
    if type is msgspec.Raw:
        return msgspec.Raw(json.dumps(value).encode())
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()  # half a character of UTF-16 can't be kept
    try:
        return msgspec.convert(value, type)
    except (msgspec.ValidationError, OverflowError) as error:
        reason = str(error)
    for each in _types(type):
        if _is_struct(each) and isinstance(value, dict):
            return _struct(each, value, path, lost)
        if get_origin(each) is list and isinstance(value, list):
            inner = get_args(each)[0]
            made = [_value(inner, item, f"{path}[{number}]", lost) for number, item in enumerate(value)]
            return [item for item in made if item is not None]
        if get_origin(each) is dict and isinstance(value, dict):
            inner = get_args(each)[1]
            kept = {key: _value(inner, item, f"{path}.{key}", lost) for key, item in value.items() if item is not None}
            return {key: item for key, item in kept.items() if item is not None}
    lost.append((path, reason))
    return None


def _types(type: Any) -> Sequence[Any]:
    """Return what a type consists of: of `list[X] | None` the list and None."""
    return get_args(type) if get_origin(type) in (typing.Union, types.UnionType) else (type,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _named(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__
    )


__all__ = ["LeftOut", "decode", "versions"]
