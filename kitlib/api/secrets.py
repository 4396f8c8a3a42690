"""A Secret's values: where they are, and how an object, a manifest's text or an error is shown without them.

What is handed to the caller has them still; what can be read on a screen, in a notebook or a message hasn't.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from kitlib.api.values import parse
from kitlib.errors import ServerError, UsageError
from kitlib.sensitive import LAST_APPLIED, VALUES, tells

MASK = "***"
"""What stands in a value's place, as in `kubectl diff`."""
_PIECE = 10
"""Characters of a value that may not stand in a message, not even cut off from the rest."""


class Veiled(dict):
    """A Secret's data: a dict as any other, whose values aren't shown."""

    def __repr__(self) -> str:
        return repr({key: MASK for key in self})


class VeiledText(str):
    """A text whose characters aren't shown where it is part of something that is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


def veil(item: Any) -> Any:
    """Return an object whose secret values are there, but not in its repr; what is no Secret loses no word.

    Parameters
    ----------
    item : dict
        An object as the server sent it, of whatever kind.
    """
    if not isinstance(item, dict):
        return item
    found = dict(item)
    secret = found.get("kind") == "Secret"
    for key in VALUES:
        if secret and isinstance(found.get(key), dict):
            found[key] = Veiled(found[key])
    metadata = found.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(annotations, dict):
        veiled = {
            key: VeiledText(value) if isinstance(value, str) and _annotation_tells(key, value, secret) else value
            for key, value in annotations.items()
        }
        found["metadata"] = {**metadata, "annotations": veiled}
    return found


def masked(item: Any, mask: Callable[[Any], Any] = lambda value: MASK) -> Any:
    """Return a copy of an object, or of a patch of a Secret, in which each secret value is replaced.

    Parameters
    ----------
    item : dict
        With its kind; of a Secret all values of data and stringData go, of all kinds what annotations tell.
    mask : callable
        What is put in a value's place.
    """
    secret = isinstance(item, dict) and item.get("kind") == "Secret"

    def copy(node: Any, top: bool = False) -> Any:
        if isinstance(node, list):
            return [copy(each) for each in node]
        if not isinstance(node, dict):
            return node
        found = {}
        for key, value in node.items():
            if top and secret and key in VALUES:
                found[key] = {k: mask(v) for k, v in value.items()} if isinstance(value, dict) else mask(value)
            elif key == "annotations" and isinstance(value, dict):
                found[key] = {k: mask(v) if _annotation_tells(k, v, secret) else v for k, v in value.items()}
            else:
                found[key] = copy(value)
        return found

    return copy(item, top=True)


def _annotation_tells(key: str, value: Any, secret: bool) -> bool:
    return tells(key, value) or (key == LAST_APPLIED and (secret or tells(str(value), value)))


def values(*items: Any) -> list[str]:
    """Return all secret values of some manifests or patches of Secrets, plain and encoded, the longest first."""
    found: set[str] = set()
    for item in items:
        if not isinstance(item, dict):
            continue
        for key in VALUES:
            held = item.get(key)
            for value in held.values() if isinstance(held, dict) else [held]:
                found |= _spellings(value)
    return sorted(found - {""}, key=len, reverse=True)


def _spellings(value: Any) -> set[str]:
    """Return the ways in which a server, or Go's %q, may write a value."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return set().union(*map(_spellings, inner), {json.dumps(value)}) if value else set()
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if value is None or isinstance(value, bool):
        return set()
    texts = {text, base64.b64encode(text.encode()).decode()}
    try:
        texts.add(base64.b64decode(text, validate=True).decode())
    except ValueError:
        pass
    lines = {line.strip() for each in texts for line in each.splitlines() if len(line.strip()) >= 4}
    texts |= lines
    return texts | {json.dumps(each, ensure_ascii=ascii_)[1:-1] for each in texts for ascii_ in (True, False)}


def scrub(text: str, secret: Iterable[str]) -> str:
    """Return a text without any of these values; where a piece of one is left, without the whole text.

    Parameters
    ----------
    text : str
        A server's message.
    secret : iterable of str
        As `values` returns them.
    """
    known = list(secret)
    for value in known:
        before, after = (r"(?<!\w)" if value[0].isalnum() else ""), (r"(?!\w)" if value[-1].isalnum() else "")
        whole = len(value) >= 4
        text = re.sub(re.escape(value) if whole else f"{before}{re.escape(value)}{after}", MASK, text)
    if any(value[at : at + _PIECE] in text for value in known for at in range(len(value) - _PIECE + 1)):
        return "the server's message quotes a Secret's value, so it isn't shown"
    return text


def scrub_error(error: ServerError, secret: Iterable[str]) -> ServerError:
    """Return a server's error without any of these values, neither in its message nor in its Status."""
    known = list(secret)
    if not known:
        return error

    def clean(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: clean(each) for key, each in item.items()}
        if isinstance(item, list):
            return [clean(each) for each in item]
        return scrub(item, known) if isinstance(item, str) else item

    found = ServerError(
        scrub(error.message, known), step=error.step, object=error.object, next=error.next, status=clean(error.status)
    )
    found.retry_after = error.retry_after
    return found


def masked_text(text: str, name: str = "manifest") -> str:
    """Return a manifest's text as it may be shown: as it is, but for its Secrets' values.

    Parameters
    ----------
    text : str
        YAML or JSON.
    name : str
        What an error calls it.

    Raises
    ------
    UsageError
        If it is neither YAML nor JSON.
    """
    documents = parse(text, name)
    secrets = [item for document in documents for item in _secrets(document)]
    if not secrets:
        return text
    known = values(*secrets)
    shown = text
    try:
        for start, end in sorted(set(_spans(text)), reverse=True):
            tail = "\n" if shown[start:end].endswith("\n") else ""
            shown = f'{shown[:start]}"{MASK}"{tail}{shown[end:]}'
        left = values(*(item for document in parse(shown, name) for item in _secrets(document)))
    except (yaml.YAMLError, UsageError):
        left = known
    if set(left) - set(values({"data": {"": MASK}})):
        return f"# a Secret's values can't be told from the rest of this text, so it isn't shown: {name}\n"
    for value in known:  # in a comment, or in another object
        if len(value) >= 4:
            shown = shown.replace(value, MASK)
    return shown


def _secrets(document: Any) -> list[dict[str, Any]]:
    """Return a document's Secrets: itself, or those of a list."""
    if not isinstance(document, dict):
        return []
    if document.get("kind") == "Secret":
        return [document]
    items = document.get("items")
    kind = document.get("kind")
    if not isinstance(items, list) or not isinstance(kind, str) or not kind.endswith("List"):
        return []
    named = [{"kind": kind.removesuffix("List"), **item} if isinstance(item, dict) else item for item in items]
    return [each for item in named for each in _secrets(item)]


def _spans(text: str) -> list[tuple[int, int]]:
    """Return where in a text the values of its Secrets stand, from character to character."""
    found: list[tuple[int, int]] = []

    def visit(node: Any, default: str = "") -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        kind = fields["kind"].value if isinstance(fields.get("kind"), yaml.ScalarNode) else default
        if kind == "Secret":
            for key in VALUES:
                if isinstance(fields.get(key), yaml.MappingNode):
                    found.extend((each.start_mark.index, each.end_mark.index) for _, each in fields[key].value)
            metadata = fields.get("metadata")
            for key, notes in metadata.value if isinstance(metadata, yaml.MappingNode) else ():
                if key.value == "annotations" and isinstance(notes, yaml.MappingNode):
                    found.extend(
                        (each.start_mark.index, each.end_mark.index)
                        for name, each in notes.value
                        if name.value == LAST_APPLIED
                    )
        if kind.endswith("List") and isinstance(fields.get("items"), yaml.SequenceNode):
            for item in fields["items"].value:
                visit(item, kind.removesuffix("List"))

    for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
        visit(document)
    return [(start, end) for start, end in found if start != end]


__all__ = ["MASK", "Veiled", "VeiledText", "masked", "masked_text", "scrub", "scrub_error", "values", "veil"]
