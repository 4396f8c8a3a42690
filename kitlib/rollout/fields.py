"""What lies in an object, read so that nothing in it can break a reader."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def at(value: Any, *path: str) -> Any:
    """Return what lies in a value under some keys; None where there is nothing."""
    for key in path:
        if not isinstance(value, dict):  # what JSON was; to ask whether it is any mapping takes ten times as long
            return None
        value = value.get(key)
    return value


def mapping(value: Any, *path: str) -> dict[str, Any]:
    """Return the mapping under some keys; an empty one where there is none."""
    found = at(value, *path)
    return found if isinstance(found, dict) else {}


def text(value: Any, *path: str) -> str:
    """Return the text under some keys, in one line and without control characters; empty where there is none."""
    found = at(value, *path)
    if not isinstance(found, str):
        return ""
    return (found if found.isprintable() else _CONTROL.sub(" ", found)).strip()


def number(value: Any, *path: str, default: int = 0) -> int:
    """Return the whole number under some keys."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def items(value: Any, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list under some keys."""
    found = at(value, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def words(value: Any, *path: str) -> list[str]:
    """Return the texts of the list under some keys."""
    found = at(value, *path)
    return [text(each) for each in found if isinstance(each, str)] if isinstance(found, list) else []


def labels(value: Any, *path: str) -> dict[str, str]:
    """Return the texts of the mapping under some keys, by their own keys."""
    found = at(value, *path)
    return {key: each for key, each in found.items() if isinstance(each, str)} if isinstance(found, dict) else {}


def stamp(value: Any, *path: str) -> datetime | None:
    """Return the time under some keys."""
    said = text(value, *path)
    try:
        found = datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


__all__ = ["at", "items", "labels", "mapping", "number", "stamp", "text", "words"]
