"""What cells of several kinds have in common: ages, selectors, lists of names; each in the words of an API server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Body = dict[str, Any]
NONE, UNSET, UNKNOWN = "<none>", "<unset>", "<unknown>"
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400


class Column(NamedTuple):
    """A column of a table: its name, its type, its format, and 1 where only `-o wide` shows it."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0


class Printer(NamedTuple):
    """How a kind is shown: its columns, and what makes the cells of an object at a moment (ns since 1970)."""

    columns: tuple[Column, ...]
    cells: Callable[[Body, int], list[Any]]


NAME = Column("Name", format="name")
AGE = Column("Age")
TEMPLATE = (Column("Containers", priority=1), Column("Images", priority=1))
SELECTOR = Column("Selector", priority=1)


def number(name: str) -> Column:
    """Return a column of whole numbers."""
    return Column(name, "integer")


def wide(name: str) -> Column:
    """Return a column that only `-o wide` shows."""
    return Column(name, priority=1)


def get(body: Any, path: str, otherwise: Any = None) -> Any:
    """Return what lies at a path, or something else where there is nothing."""
    for step in path.split("."):
        body = body.get(step) if isinstance(body, dict) else None
    return otherwise if body is None else body


def named(body: Body) -> str:
    """Return an object's name."""
    return str(get(body, "metadata.name", ""))


def stamp(text: Any) -> int | None:
    """Return a server's stamp as ns since 1970; None if it is none."""
    found = _STAMP.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    seconds = int((whole.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 1_000_000_000 + int((found[2] or "0").ljust(9, "0")[:9])


def since(text: Any, now_ns: int) -> str:
    """Return how long ago a stamp was, as kubectl shows it."""
    then = stamp(text)
    return UNKNOWN if then is None else lasting(now_ns - then)


def age(body: Body, now_ns: int) -> str:
    """Return how long ago an object was made."""
    return since(get(body, "metadata.creationTimestamp"), now_ns)


def lasting(ns: int) -> str:
    """Return a length of time, as kubectl shows it: "59s", "2m5s", "3h", "5d12h"."""
    seconds = int(ns / 1e9)
    if seconds < 0 or ns < 0:
        return "<invalid>" if seconds < -1 else "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    return _two(seconds, _YEAR, "y", _DAY, "d") if seconds < 8 * _YEAR else f"{seconds // _YEAR}y"


def _two(seconds: int, large: int, unit: str, small: int, rest: str) -> str:
    left = seconds % large // small
    return f"{seconds // large}{unit}{left}{rest}" if left else f"{seconds // large}{unit}"


def pairs(labels: Mapping[str, str] | None) -> str:
    """Return labels as a selector."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector(wanted: Body | None, none: str = NONE) -> str:
    """Return a selector of labels in one line."""
    parts = [(key, f"{key}={value}") for key, value in (get(wanted, "matchLabels", {})).items()]
    for each in get(wanted, "matchExpressions", []):
        key, values = each.get("key", ""), ",".join(sorted(each.get("values") or []))
        said = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append((key, said.get(each.get("operator", ""), "<error>")))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0])) or none


def containers(template: Body | None) -> list[str]:
    """Return the names and the images of a template's containers."""
    found = get(template, "spec.containers", [])
    return [",".join(str(each.get(key, "")) for each in found) for key in ("name", "image")]


def some(found: Iterable[str], most: int = 3, none: str = UNSET) -> str:
    """Return the first few of several, and how many more there are."""
    every = list(found)
    shown = ",".join(every[:most])
    return f"{shown} + {len(every) - most} more..." if len(every) > most else shown or none


def truth(value: Any) -> str:
    """Return a boolean as a word."""
    return UNSET if value is None else "True" if value else "False"


def condition(body: Body, name: str) -> Body:
    """Return a condition of an object's status; an empty one if it has none of that type."""
    return next((each for each in get(body, "status.conditions", []) if each.get("type") == name), {})


__all__ = ["Column", "Printer", "lasting", "since", "stamp"]
