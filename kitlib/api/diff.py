"""What a write changed: the fields that differ between two versions of an object, and how they are told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kitlib.api.secrets import MASK, masked
from kitlib.sensitive import VALUES

REVISION = "deployment.kubernetes.io/revision"
"""The annotation that numbers a Deployment's revisions."""
_NOISE = ("status", "managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


@dataclass(frozen=True)
class Change:
    """What a write did to one object.

    Parameters
    ----------
    object : str
        "deployment.apps/web".
    verb : str
        created, configured, unchanged, patched, scaled, deleted …
    diff : list of tuple
        (path, old, new) of each field that changed; None where there was, or is, nothing; a mask for a secret value.
    kubectl : str
        The command that does the same.
    result : dict
        The object as the server answered; a Secret's values are in it, but not in its repr.
    """

    object: str
    verb: str
    diff: list[tuple[str, Any, Any]] = field(default_factory=list)
    kubectl: str = ""
    result: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def uid(self) -> str | None:
        """The uid of the object that was changed, or deleted; None where the server didn't say."""
        for part in (self.result.get("metadata"), self.result.get("details")):
            if isinstance(part, dict) and part.get("uid"):
                return str(part["uid"])
        return None

    def __str__(self) -> str:
        lines = [f"{self.object} {self.verb}"]
        lines += [f"  {path}: {short(old)} → {short(new)}" for path, old, new in self.diff]
        if self.kubectl:
            lines.append(f"  $ {self.kubectl}")
        return "\n".join(lines)


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """List the fields that differ between two versions of an object, without what the server keeps for itself.

    Lists whose items have a name are compared by it, others by position. That a secret value differs is said, and
    neither the old nor the new one is shown: "*** (before)", "*** (after)", as in `kubectl diff`.
    """
    return [(path, *_told(old, new)) for path, old, new in _differ(_plain(before), _plain(after), "")]


def short(value: Any) -> str:
    """Return a value as a diff shows it, in at most sixty characters."""
    text = "(none)" if value is None else (value if isinstance(value, str) else json.dumps(value))
    return text if len(text) <= 60 else text[:57] + "…"


def _differ(old: Any, new: Any, path: str) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            step = f'["{key}"]' if "." in key or "/" in key else f".{key}"
            yield from _differ(old.get(key), new.get(key), path + step)
    elif isinstance(old, list) and isinstance(new, list):
        before, after = _keyed(old), _keyed(new)
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differ(before.get(key), after.get(key), f"{path}[{key}]")
    elif old != new:
        yield path.removeprefix("."), old, new


class _Hidden:
    """A secret value: it can be compared, and not be read."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden) and self._value == other._value

    __hash__ = None  # type: ignore[assignment]


def _told(old: Any, new: Any) -> tuple[Any, Any]:
    both = isinstance(old, _Hidden) and isinstance(new, _Hidden)
    return (f"{MASK} (before)", f"{MASK} (after)") if both else (_shown(old), _shown(new))


def _shown(value: Any) -> Any:
    if isinstance(value, _Hidden):
        return MASK
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value


def _keyed(items: list[Any]) -> dict[Any, Any]:
    if items and all(isinstance(item, dict) and "name" in item for item in items):
        return {item["name"]: item for item in items}
    return dict(enumerate(items))


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    kept = {key: item for key, item in masked(value, _Hidden).items() if key not in _NOISE}
    if value.get("kind") == "Secret":  # what is new in it is named key by key
        kept = {**{key: {} for key in VALUES}, **{key: item for key, item in kept.items() if item is not None}}
    if isinstance(kept.get("metadata"), dict):
        metadata = {key: item for key, item in kept["metadata"].items() if key not in _NOISE}
        annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != REVISION}
        kept["metadata"] = {**metadata, "annotations": annotations}
    return kept


__all__ = ["REVISION", "Change", "difference", "short"]
